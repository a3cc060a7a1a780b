from __future__ import annotations

import os
import pickle

import pytest
import torch

from mmps.apis.checkpoints import check_checkpoint
from mmps.engine import publishing
from mmps.structures import UserError

TRAINED = {'meta': {'epoch': 1, 'iter': 4}, 'state_dict': {'a.weight': torch.ones(500)}}


class Evil:
    def __reduce__(self):
        return os.system, ('touch evil_was_here',)


def saved(content, **options):
    return lambda path: torch.save(content, path, **options)


def cut(**options):
    def damage(path):
        torch.save(TRAINED, path, **options)
        path.write_bytes(path.read_bytes()[:-100])

    return damage


def flipped(path):
    torch.save(TRAINED, path)
    content = bytearray(path.read_bytes())
    content[content.index(torch.ones(8).numpy().tobytes()) + 4] ^= 255
    path.write_bytes(content)


OLD = {'_use_new_zipfile_serialization': False}


@pytest.mark.parametrize('content', [TRAINED, TRAINED['state_dict']], ids=['trained', 'bare'])
@pytest.mark.parametrize('options', [{}, OLD], ids=['archive', 'of old torch'])
def test_whole_checkpoints_pass(tmp_path, content, options):
    torch.save(content, tmp_path / 'a.pth', **options)
    check_checkpoint(tmp_path / 'a.pth')
    if 'meta' in content:
        check_checkpoint(tmp_path / 'a.pth', resume=True)


def test_the_network_is_left_to_mmengine():
    check_checkpoint('https://host/a.pth')
    check_checkpoint('torchvision://resnet50')


@pytest.mark.parametrize(
    ('write', 'sentence'),
    [
        (lambda path: None, 'does not exist; give a checkpoint, such as epoch_52.pth'),
        (lambda path: path.mkdir(), 'is a folder; give a checkpoint, such as epoch_52.pth'),
        (lambda path: path.write_bytes(b''), '(it is cut short, or of another kind)'),
        (lambda path: path.write_text('no checkpoint'), '(it is cut short, or of another kind)'),
        (cut(), '(it is cut short, or of another kind)'),
        (cut(**OLD), '(it is cut short, or of another kind)'),
        (flipped, '(a record in it is damaged)'),
        (saved({'state_dict': Evil()}), '(it asks for posix.system, which is more than data)'),
        (
            lambda path: path.write_bytes(pickle.dumps(Evil())),
            'cannot be read as a checkpoint; train or download it again (it ',
        ),
        (saved([1]), 'holds no weights; give a checkpoint'),
        (saved({'model': {'a': torch.ones(1)}}), 'holds no weights; give a checkpoint'),
        (saved({'state_dict': {}}), 'holds no weights; give a checkpoint'),
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_told_in_one_plain_sentence(tmp_path, write, sentence):
    path = tmp_path / 'a.pth'
    write(path)
    with pytest.raises(UserError) as told:
        check_checkpoint(path)
    assert str(told.value).startswith(f'{path} ')
    assert sentence in str(told.value)
    assert 'weights_only' not in str(told.value)  # torch's advice to lift the restriction
    assert '\n' not in str(told.value)
    assert not os.path.exists('evil_was_here')


def test_a_file_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, 'Permission denied', str(path))

    torch.save(TRAINED, tmp_path / 'a.pth')
    monkeypatch.setattr(publishing, 'is_whole', refuse)
    with pytest.raises(UserError, match=r'\(Permission denied\)'):
        check_checkpoint(tmp_path / 'a.pth')


@pytest.mark.parametrize('meta', [None, {}, {'epoch': 3}])
def test_weights_alone_are_not_resumed(tmp_path, meta):
    path = tmp_path / 'detector.pth'
    torch.save({**TRAINED, 'meta': meta}, path)
    check_checkpoint(path)
    with pytest.raises(UserError, match='without the state of a training: resume from an epoch_'):
        check_checkpoint(path, resume=True)


def test_a_cut_checkpoint_is_not_trained_again_to_be_resumed(tmp_path):
    cut()(tmp_path / 'epoch_3.pth')
    with pytest.raises(UserError, match='cannot be read as a checkpoint; resume from another one'):
        check_checkpoint(tmp_path / 'epoch_3.pth', resume=True)
