from __future__ import annotations

import json

import pytest

from mmps.structures import UserError
from mmps.testing.own_folder import OwnFolder


@pytest.fixture
def folder(tmp_path):
    return OwnFolder(tmp_path / 'out', 'tool')


def fill(folder, *names):
    folder.path.mkdir(exist_ok=True)
    for name in names:
        (folder.path / name).mkdir()
        (folder.path / name / 'content').write_text('x')


def names(folder):
    return sorted(path.name for path in folder.path.iterdir() if path != folder.list)


def test_only_what_the_tool_made_is_removed(folder):
    folder.begin(['a', 'b', 'data'], kept=['data'])
    fill(folder, 'a', 'data', 'of_the_user')
    (folder.path / 'b').write_text('')
    folder.begin(['c', 'data'], kept=['data'])
    assert names(folder) == ['data', 'of_the_user']
    fill(folder, 'b')  # the user's, now that the tool makes it no more
    folder.begin(['data'], kept=['data'])
    assert names(folder) == ['b', 'data', 'of_the_user']


def test_what_the_tool_did_not_make_is_refused_before_anything_is_removed(folder):
    folder.begin(['a'])
    fill(folder, 'a', 'b')
    with pytest.raises(UserError, match=r'b is not known to be made by tool: move it away, or'):
        folder.begin(['a', 'b'])
    assert names(folder) == ['a', 'b']


def test_a_link_is_removed_and_not_what_it_leads_to(folder, tmp_path):
    folder.begin(['a'])
    (tmp_path / 'precious').mkdir()
    (folder.path / 'a').symlink_to(tmp_path / 'precious')
    folder.begin([])
    assert names(folder) == []
    assert (tmp_path / 'precious').is_dir()


@pytest.mark.parametrize(
    'text', ['{', '{}', json.dumps(['../precious', '..', '.', '', '/', 1, 'x/../../precious'])]
)
def test_a_list_that_leads_elsewhere_removes_nothing(folder, tmp_path, text):
    (tmp_path / 'precious').mkdir()
    fill(folder, 'a')
    folder.list.write_text(text)
    folder.begin([])
    assert (tmp_path / 'precious').is_dir()
    assert names(folder) == ['a']
