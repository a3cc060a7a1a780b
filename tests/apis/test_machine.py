from __future__ import annotations

import subprocess

import pytest
import torch

from mmps.apis import machine
from mmps.apis.machine import describe_commit, describe_machine


def test_what_a_reader_must_know():
    found = describe_machine('cpu')
    assert set(found) == {'date', 'machine', 'versions'}
    assert found['machine'].startswith(f'{torch.get_num_threads()} CPU threads')
    assert f'torch {torch.__version__}' in found['versions']


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository in which mmps would lie."""
    monkeypatch.setattr(machine, '__file__', str(tmp_path / 'mmps' / 'apis' / 'machine.py'))
    describe_commit.cache_clear()
    yield tmp_path
    describe_commit.cache_clear()


def git(folder, *arguments):
    names = ('-c', 'user.name=a', '-c', 'user.email=a@b.c')
    command = ['git', '-C', str(folder), *names, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_commit_is_named_with_changes_since(repository):
    git(repository, 'init', '-q')
    (repository / 'file').write_text('a')
    git(repository, 'add', 'file')
    git(repository, 'commit', '-qm', 'first')
    head = git(repository, 'rev-parse', 'HEAD')
    assert describe_commit() == head[:12]
    (repository / 'file').write_text('b')
    assert describe_commit() == head[:12]  # as it was when it was first asked for
    describe_commit.cache_clear()
    assert describe_commit() == f'{head[:12]}+'


def test_without_a_repository_no_commit_is_named(repository):
    assert describe_commit() is None
    git(repository.parent, 'init', '-q')
    describe_commit.cache_clear()
    assert describe_commit() is None
