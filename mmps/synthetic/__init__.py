from .builder import default_size, is_drawn, make
from .drawn_set import DrawnScene, Recipe
from .layouts import LAYOUTS
from .plan import RecipeError
from .scene import DrawnPerson

__all__ = [
    'LAYOUTS',
    'DrawnPerson',
    'DrawnScene',
    'Recipe',
    'RecipeError',
    'default_size',
    'is_drawn',
    'make',
]
