"""Errors of other libraries that a user can fix, as one sentence that names the fix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import URLError

from torch.hub import get_dir

from mmps.checkpoints import refusal
from mmps.structures import ConfigError, UserError


@contextmanager
def explained_errors() -> Iterator[None]:
    """Turn errors that building and running a config raises into :class:`ConfigError`.

    Raises:
        ConfigError: The code inside raised an error whose cause is known; it is chained.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        sentence = explanation(error)
        if sentence is None:
            raise
        raise ConfigError(sentence) from error


def explanation(error: Exception) -> str | None:
    """Explain an error that a config or a file of its weights causes.

    Args:
        error: Of MMEngine, torch or Python.

    Returns:
        A sentence with the fix, or nothing if the cause is not known.
    """
    message, reason = str(error), refusal(error)
    if isinstance(error, TypeError) and 'unexpected keyword argument' in message:
        return f'{message}: the config has a key there that is misspelt or not known'
    if isinstance(error, ValueError) and 'Cannot infer the rule' in message:
        return f"{message} Add rule='greater' beside `save_best` in the config."
    if isinstance(error, URLError):
        return (
            f'a download failed ({error.reason}): fetch the file of `load_from`, or of an '
            '`init_cfg`, yourself and give its path, such as --cfg-options load_from=FILE'
        )
    return reason and (
        'a checkpoint that the config names, in `load_from` or an `init_cfg`, cannot be read: '
        f'{reason}; fetch it again (downloads lie in {get_dir()}/checkpoints)'
    )
