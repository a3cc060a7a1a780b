"""What is said about the interpreter and the machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mmps.doctor.diagnosis import diagnose
from mmps.doctor.facts import Folder
from mmps.doctor.findings import FAILURE, OK, WARNING
from mmps.doctor.versions import set_up_elsewhere

GIB = 2**30
USES = ('working', 'package', 'cache', 'temporary')


def findings(facts):
    return {finding.name: finding for finding in diagnose(facts)}


@pytest.mark.parametrize(
    ('version', 'status', 'found'),
    [
        ((3, 9, 18), FAILURE, 'Python 3.9.18 is too old'),
        ((3, 10, 0), OK, '3.10.0'),
        ((3, 12, 4), OK, '3.12.4'),
        ((3, 14, 0), WARNING, 'Python 3.14.0 is newer than the tested 3.10 to 3.12'),
    ],
)
def test_python(healthy, version, status, found):
    finding = findings(replace(healthy, python=version))['python']
    assert finding.status == status
    assert found in finding.found
    assert ('MMPS_PYTHON=/path/to/python' in finding.cure) == (status == FAILURE)


@pytest.mark.parametrize(
    ('free', 'status'), [(100 * GIB, OK), (2 * GIB, WARNING), (GIB // 100, FAILURE)]
)
def test_disk(healthy, free, status):
    folders = {'working': Folder('big', 200 * GIB), 'temporary': Folder('small', free)}
    finding = findings(replace(healthy, folders=folders))['disk']
    assert finding.status == status
    assert 'small' in finding.found
    assert ('free 5 GiB there, or ' in finding.cure) == (status != OK)
    assert ('export TMPDIR=DIR' in finding.cure) == (status != OK)


def test_where_every_folder_is_on_the_full_disk_room_has_to_be_made(healthy):
    folders = {use: Folder(use, GIB // 100) for use in USES}
    assert findings(replace(healthy, folders=folders))['disk'].cure == 'free 5 GiB there'


def test_without_a_look_at_the_disk_nothing_is_said(healthy):
    assert findings(replace(healthy, folders={}))['disk'].found == 'unknown'


@pytest.mark.parametrize(
    ('use', 'cure'),
    [
        ('working', 'cd DIR'),
        ('package', set_up_elsewhere('MMPS_VENV=DIR/env')),
        ('cache', 'export XDG_CACHE_HOME=DIR MPLCONFIGDIR=DIR'),
        ('temporary', 'export TMPDIR=DIR'),
    ],
)
def test_a_folder_that_cannot_be_written_has_another_in_its_place(healthy, use, cure):
    folders = {other: Folder(f'the/{other}', 100 * GIB, other != use) for other in USES}
    finding = findings(replace(healthy, folders=folders))['folders']
    assert (finding.status, finding.found) == (WARNING, f'not writable: the/{use}')
    assert finding.cure == f'take a folder that you can write: {cure}'


@pytest.mark.parametrize(('memory', 'status'), [(0, OK), (2 * GIB, WARNING), (8 * GIB, OK)])
def test_memory(healthy, memory, status):
    assert findings(replace(healthy, memory=memory))['memory'].status == status
