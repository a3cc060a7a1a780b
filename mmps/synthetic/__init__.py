from .builder import default_size, is_drawn, make
from .layouts import LAYOUTS
from .plan import RecipeError
from .recipe import DrawnScene, Recipe
from .scene import DrawnPerson
from .worlds import WORLDS

__all__ = [
    'LAYOUTS',
    'WORLDS',
    'DrawnPerson',
    'DrawnScene',
    'Recipe',
    'RecipeError',
    'default_size',
    'is_drawn',
    'make',
]
