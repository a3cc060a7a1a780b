"""Environments in which a package is missing or does not fit: the doctor's fix repairs each."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.long


def no_torch(place):
    place.pip('uninstall', '-y', 'torch')


def no_mmcv(place):
    place.pip('uninstall', '-y', 'mmcv')


def mmcv_lite(place):
    place.pip('uninstall', '-y', 'mmcv')
    place.pip('install', '--no-deps', 'mmcv-lite==2.1.0')


def mmcv_for_another_torch(place):
    """MMCV's compiled library asks for a function that torch has, by a name that it has not."""
    library = operators(place)
    content = library.read_bytes()
    assert b'14torchCheckFail' in content
    library.unlink()
    library.write_bytes(content.replace(b'14torchCheckFail', b'14torchCheckGone'))


def mmcv_2_2(place):
    """The Python files of the release, which mmcv-lite has without compiling."""
    name, compiled = operators(place).name, operators(place).read_bytes()
    place.pip('uninstall', '-y', 'mmcv')
    place.pip('install', '--no-deps', 'mmcv-lite==2.2.0')
    (place.packages / 'mmcv' / name).write_bytes(compiled)
    info = place.packages / 'mmcv-2.2.0.dist-info'
    (place.packages / 'mmcv_lite-2.2.0.dist-info').rename(info)
    for file, old, new in (
        ('RECORD', 'mmcv_lite-2.2.0', 'mmcv-2.2.0'),
        ('METADATA', 'Name: mmcv-lite\n', 'Name: mmcv\n'),
    ):
        (info / file).write_text((info / file).read_text().replace(old, new))


def numpy_1(place):
    place.pip('install', 'numpy<2')


def old_opencv(place):
    place.pip('install', '--no-deps', 'opencv-python==4.9.0.80')


def operators(place):
    return next((place.packages / 'mmcv').glob('_ext.*.so'))


@pytest.mark.parametrize(
    ('spoil', 'found'),
    [
        (no_torch, 'torch is missing'),
        (no_mmcv, 'mmcv is missing'),
        (mmcv_lite, 'mmcv-lite 2.1.0 has no compiled operators'),
        (mmcv_for_another_torch, 'was built for another torch'),
        (numpy_1, 'numpy 1.26'),
        (old_opencv, 'opencv does not work with numpy 2'),
        (mmcv_2_2, 'does not accept mmcv 2.2.0'),
    ],
)
def test_the_fix_that_the_doctor_names_repairs(place, spoil, found):
    place.copy_environment()
    spoil(place)
    complaint = place.only_complaint()
    assert found in complaint['found']
    done = place.run('bash', '-c', complaint['fix'])
    assert done.returncode == 0, done.stdout + done.stderr
    assert place.complaints() == []
