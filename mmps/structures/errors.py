"""Errors that a user can mend: tools show their sentence alone, without a traceback."""


class UserError(ValueError):
    """Something that the user gave is wrong; the message names it and the cure."""


class DataError(UserError):
    """A data set, an annotation file or an image is not as it should be."""


class ConfigError(UserError):
    """A config asks for something that cannot be."""
