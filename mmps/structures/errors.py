"""Errors that a user can fix: tools print only their sentence, without a traceback."""


class UserError(ValueError):
    """An input of the user is wrong; the message names it and the fix."""


class DataError(UserError):
    """A data set, an annotation file or an image is missing, damaged or inconsistent."""


class ConfigError(UserError):
    """A config contains invalid or incompatible settings."""
