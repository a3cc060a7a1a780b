"""Checkpoints that are given by hand: read without running anything, told in one sentence."""

from __future__ import annotations

import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmps.files import FOREIGN
from mmps.structures import ConfigError, UserError

AGAIN = 'train or download it again'
BEGINNINGS = (
    *FOREIGN,
    (
        rb'.{8}\s*\{',
        'it is in the format safetensors',
        'write what safetensors.torch.load_file reads of it with torch.save',
    ),
    (rb'PK', 'it is cut short', ''),
    (rb'\x80[\x02-\x05]', 'it is cut short, or a pickle of more than weights', ''),
)
"""First bytes of files that are taken for a checkpoint, what they are, and their own fix."""


def check_checkpoint(path: str | Path, resume: bool = False) -> None:
    """Refuse a file that MMEngine would stumble over, or load nothing from.

    What lies in the network is left to MMEngine.

    Args:
        path: Of a training, of a plain detector, or bare weights.
        resume: Whether a training goes on from it.

    Raises:
        UserError: The file is missing, truncated, not a checkpoint, or lacks what is needed.
    """
    if '://' in str(path):
        return
    content = read_restricted(path, 'resume from another one' if resume else AGAIN)
    weights_of(content, path)
    meta = content.get('meta')
    if resume and not (isinstance(meta, dict) and 'epoch' in meta and 'iter' in meta):
        raise ConfigError(
            f'{path} holds weights without the state of a training: resume from an epoch_*.pth, '
            'or begin from it with --cfg-options load_from=FILE'
        )


def weights_of(content: Any, path: str | Path) -> dict[str, Tensor]:
    """Take the weights of a checkpoint, where MMEngine looks for them.

    Args:
        content: Content of the file.
        path: Of the file, for messages.

    Raises:
        ConfigError: The file contains no weights.
    """
    found = content.get('state_dict', content) if isinstance(content, dict) else content
    weights = _tensors(found)
    if weights:
        return weights
    what = ''
    if not isinstance(found, dict):
        place = 'its `state_dict`' if found is not content else 'its content'
        what = f' ({place} is {"empty" if found is None else f"a {type(found).__name__}"})'
    inside = [key for key, part in found.items() if _tensors(part)] if not what else []
    if inside:
        what = f' of its own (some stand in its part {inside[0]!r}: save that by itself)'
    raise ConfigError(f'{path} holds no weights{what}; give a checkpoint, such as epoch_52.pth')


def _tensors(part: Any) -> dict[str, Tensor]:
    return (
        {k: w for k, w in part.items() if isinstance(w, Tensor)} if isinstance(part, dict) else {}
    )


def read_restricted(path: str | Path, cure: str = AGAIN) -> Any:
    """Read a file with torch's restricted unpickler, having checked its records.

    Args:
        path: Of any content; weights stay on disk until they are used, where the format allows it.
        cure: What is to be done about a file that cannot be read.

    Raises:
        UserError: The file is missing, truncated, or contains more than data.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        what = 'is a folder' if path.is_dir() else 'does not exist'
        raise UserError(f'{path} {what}; give a checkpoint, such as epoch_52.pth')
    try:
        # Torch reads on over a record with wrong bytes. Old files are no archives of records.
        records = zipfile.is_zipfile(path)
        if records and _is_program(path):  # PyTorch 2.4 would load it, restricted or not
            reason, own = _archive(path)
        elif not records or is_whole(path):
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')  # on programs and pickles, which it then refuses
                return torch.load(str(path), map_location='cpu', weights_only=True, mmap=records)
        else:
            reason, own = 'a record in it is damaged', ''
    except Exception as error:  # whatever a broken or crafted file provokes
        reason, own = _reason(error, path)
    raise UserError(f'{path} cannot be read as a checkpoint: {reason}; {own or cure}')


def is_whole(path: str | Path) -> bool:
    """Check that a checkpoint is complete and every record has its checksum."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, EOFError):
        return False


def _reason(error: Exception, path: Path) -> tuple[str, str]:
    """Return in plain words why torch rejected a file; torch may advise to lift the restriction.

    Returns:
        The reason, and the fix if the kind of file has its own.
    """
    if isinstance(error, OSError) and error.strerror:
        return error.strerror, ''
    if wanted := _asked_for(error):
        return wanted, ''
    if zipfile.is_zipfile(path):
        return _archive(path)
    with open(path, 'rb') as file:
        beginning = file.read(256)
    if not beginning:
        return 'it is empty', ''
    for begins, reason, cure in BEGINNINGS:
        if re.match(begins, beginning, re.DOTALL):
            return reason, cure
    return 'it is cut short, or of another kind', ''


def refusal(error: Exception) -> str | None:
    """Return in plain words why torch rejected a file that MMEngine read by itself.

    Args:
        error: Anything.

    Returns:
        Nothing where it is not about the content of a checkpoint.
    """
    words = ('PytorchStreamReader', 'weights_only', 'inline_container')
    of_torch = isinstance(error, RuntimeError) and any(word in str(error) for word in words)
    if not (of_torch or type(error).__name__ == 'UnpicklingError'):
        return None
    return _asked_for(error) or 'it is cut short, or of another kind'


def _asked_for(error: Exception) -> str:
    wanted = re.search(r'GLOBAL ([\w.]+)', str(error))
    return f'it asks for {wanted[1]}, which is more than data' if wanted else ''


def _is_program(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith('/constants.pkl') for name in archive.namelist())


def _archive(path: Path) -> tuple[str, str]:
    """Return what a zip archive is that torch rejected."""
    with zipfile.ZipFile(path) as archive:
        names = {name.split('/')[-1] for name in archive.namelist()}
    if 'constants.pkl' in names:
        return 'it is a program of TorchScript', "save its model's state_dict with torch.save"
    if 'data.pkl' not in names:
        return 'it is an archive of other files', 'unpack it'
    return 'it asks for more than data', ''
