"""Environments in which a package is missing or does not fit."""

from __future__ import annotations

from pathlib import Path

from place import Place
from trial import Case, by_doctor


def no_torch(place: Place) -> None:
    place.pip('uninstall', '-y', 'torch')


def no_mmcv(place: Place) -> None:
    place.pip('uninstall', '-y', 'mmcv')


def mmcv_lite(place: Place) -> None:
    place.pip('uninstall', '-y', 'mmcv')
    place.pip('install', '--no-deps', 'mmcv-lite==2.1.0')


def mmcv_for_another_torch(place: Place) -> None:
    """MMCV's compiled library asks for a function that torch has, by a name that it has not."""
    library = find_library(place)
    content = library.read_bytes().replace(b'14torchCheckFail', b'14torchCheckGone')
    library.unlink()
    library.write_bytes(content)


def mmcv_2_2(place: Place) -> None:
    """The Python files are those of the release, which mmcv-lite has without compiling."""
    compiled = find_library(place).read_bytes()
    name = find_library(place).name
    place.pip('uninstall', '-y', 'mmcv')
    place.pip('install', '--no-deps', 'mmcv-lite==2.2.0')
    (place.packages / 'mmcv' / name).write_bytes(compiled)
    rename_distribution(place.packages, 'mmcv_lite-2.2.0', 'mmcv-2.2.0')


def numpy_1(place: Place) -> None:
    place.pip('install', 'numpy<2')


def old_opencv(place: Place) -> None:
    place.pip('install', '--no-deps', 'opencv-python==4.9.0.80')


def find_library(place: Place) -> Path:
    """MMCV's compiled operators."""
    return next((place.packages / 'mmcv').glob('_ext.*.so'))


def rename_distribution(packages: Path, old: str, new: str) -> None:
    """Give an installed distribution another name.

    Args:
        packages: The folder that it is installed in.
        old: Its name and version, as in the name of its ``dist-info`` folder.
        new: The name and version to give.
    """
    info = (packages / f'{old}.dist-info').rename(packages / f'{new}.dist-info')
    record, metadata = info / 'RECORD', info / 'METADATA'
    record.write_text(record.read_text().replace(f'{old}.dist-info', f'{new}.dist-info'))
    before, after = (name.rpartition('-')[0].replace('_', '-') for name in (old, new))
    text = metadata.read_text()
    metadata.write_text(text.replace(f'Name: {before}\n', f'Name: {after}\n', 1))


PACKAGE_CASES = (
    Case('no-torch', by_doctor(no_torch)),
    Case('no-mmcv', by_doctor(no_mmcv)),
    Case('mmcv-lite', by_doctor(mmcv_lite)),
    Case(
        'mmcv-for-another-torch',
        by_doctor(mmcv_for_another_torch),
        'one of the torch functions that the compiled library asks for is renamed in it, instead '
        'of building it with another torch',
    ),
    Case('numpy-1-with-new-opencv', by_doctor(numpy_1)),
    Case('numpy-2-with-old-opencv', by_doctor(old_opencv)),
    Case(
        'mmcv-2.2',
        by_doctor(mmcv_2_2),
        'the Python files are those of mmcv-lite 2.2.0, the compiled operators those of 2.1.0',
    ),
)
