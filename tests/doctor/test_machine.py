"""What is said about the interpreter and the machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mmps.doctor.diagnosis import diagnose
from mmps.doctor.facts import Folder
from mmps.doctor.findings import FAILURE, OK, WARNING
from mmps.doctor.versions import set_up_in

GIB = 2**30
USES = ('working', 'package', 'cache', 'temporary')


def findings(facts):
    return {finding.name: finding for finding in diagnose(facts)}


@pytest.mark.parametrize(
    ('version', 'status', 'found'),
    [
        ((3, 10, 0), OK, '3.10.0'),
        ((3, 12, 4), OK, '3.12.4'),
        ((3, 14, 0), WARNING, 'Python 3.14 is newer than the tested 3.12'),
    ],
)
def test_python(healthy, version, status, found):
    finding = findings(replace(healthy, python=version))['python']
    assert finding.status == status
    assert found in finding.found


@pytest.mark.parametrize(
    ('free', 'status'), [(100 * GIB, OK), (2 * GIB, WARNING), (GIB // 100, FAILURE)]
)
def test_disk(healthy, free, status):
    folders = {'working': Folder('big', 200 * GIB), 'temporary': Folder('small', free)}
    finding = findings(replace(healthy, folders=folders))['disk']
    assert finding.status == status
    assert 'small' in finding.found
    assert ('free 5 GiB there, or ' in finding.fix) == (status != OK)
    assert ('export TMPDIR=DIR' in finding.fix) == (status != OK)


def test_where_every_folder_is_on_the_full_disk_room_has_to_be_made(healthy):
    folders = {use: Folder(use, GIB // 100) for use in USES}
    assert findings(replace(healthy, folders=folders))['disk'].fix == 'free 5 GiB there'


@pytest.mark.parametrize(
    ('use', 'fix'),
    [
        ('working', 'cd DIR'),
        ('package', set_up_in('DIR/env')),
        ('cache', 'export XDG_CACHE_HOME=DIR MPLCONFIGDIR=DIR'),
        ('temporary', 'export TMPDIR=DIR'),
    ],
)
def test_a_folder_that_cannot_be_written_has_another_in_its_place(healthy, use, fix):
    folders = {other: Folder(f'the/{other}', 100 * GIB, other != use) for other in USES}
    finding = findings(replace(healthy, folders=folders))['folders']
    assert (finding.status, finding.found) == (WARNING, f'not writable: the/{use}')
    assert finding.fix == f'take a folder that you can write: {fix}'
