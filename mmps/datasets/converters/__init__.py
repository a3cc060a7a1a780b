from .convert import Conversion, Converter, convert

__all__ = ['Conversion', 'Converter', 'convert']
