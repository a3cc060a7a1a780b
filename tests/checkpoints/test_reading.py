from __future__ import annotations

import gzip
import os
import pickle
import runpy
import zipfile
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmps.apis import running
from mmps.apis.inference import load_model
from mmps.checkpoints import check_checkpoint, reading, weights_of
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


def test_a_path_may_begin_at_home(tmp_path, monkeypatch):
    torch.save(TRAINED, tmp_path / 'a.pth')
    monkeypatch.setenv('HOME', str(tmp_path))
    check_checkpoint('~/a.pth')


def test_the_network_is_left_to_mmengine():
    check_checkpoint('https://host/a.pth')
    check_checkpoint('torchvision://resnet50')


def text(content):
    return lambda path: path.write_bytes(content)


def program(path):
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 1)), str(path))


def zipped(path):
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('retinanet.pth', b'weights')


def safetensors(path):
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    path.write_bytes(len(header).to_bytes(8, 'little') + header + bytes(3))


def numpy_pickle(path):
    path.write_bytes(pickle.dumps(np.ones(3), protocol=4))


ODD = {
    'missing': (lambda path: None, 'does not exist; give a checkpoint, such as epoch_52.pth'),
    'folder': (lambda path: path.mkdir(), 'is a folder; give a checkpoint, such as epoch_52'),
    'empty': (text(b''), 'it is empty; train or download it again'),
    'text': (text(b'no checkpoint'), 'it is cut short, or of another kind; train or download'),
    'page': (text(b'\n<!doctype html><html>Quota</html>'), 'is a web page; download the file'),
    'pointer': (text(b'version https://git-lfs.github.com/spec/v1\n'), 'fetch the file by git lfs'),
    'compressed': (text(gzip.compress(b'weights')), 'it is compressed; unpack it'),
    'cut': (cut(), 'it is cut short; train or download it again'),
    'cut and old': (cut(**OLD), 'it is cut short, or a pickle of more than weights; train or'),
    'flipped': (flipped, 'a record in it is damaged; train or download it again'),
    'program': (program, "a program of TorchScript; save its model's state_dict with torch.save"),
    'zipped': (zipped, 'it is an archive of other files; unpack it'),
    'safetensors': (safetensors, 'it is in the format safetensors; write what safetensors.torch'),
    'numpy': (numpy_pickle, 'cannot be read as a checkpoint: it'),
    'evil': (saved({'state_dict': Evil()}), 'it asks for posix.system, which is more than data'),
    'evil and old': (text(pickle.dumps(Evil())), 'cannot be read as a checkpoint: it '),
    'module': (saved({'state_dict': torch.nn.Linear(1, 1)}), 'which is more than data'),
    'list': (saved([1]), 'holds no weights (its content is a list); give a checkpoint'),
    'number': (saved(1), 'holds no weights (its content is a int); give a checkpoint'),
    'model': (saved({'model': {'a': torch.ones(1)}}), "(some stand in its part 'model': save that"),
    'nothing': (saved({'state_dict': {}}), 'holds no weights; give a checkpoint'),
    'a list': (saved({'state_dict': [1]}), 'holds no weights (its `state_dict` is a list); give'),
    'none': (saved({'state_dict': None}), 'holds no weights (its `state_dict` is empty); give'),
    'numbers': (saved({'state_dict': {'a': 1}}), 'holds no weights; give a checkpoint'),
}


@pytest.mark.parametrize('kind', ODD)
def test_what_is_no_checkpoint_is_told_in_one_plain_sentence(tmp_path, kind, recwarn):
    path = tmp_path / 'a.pth'
    write, sentence = ODD[kind]
    write(path)
    recwarn.clear()
    with pytest.raises(UserError) as told:
        check_checkpoint(path)
    assert str(told.value).startswith(f'{path} ')
    assert sentence in str(told.value)
    assert 'weights_only' not in str(told.value)  # torch's advice to lift the restriction
    assert '\n' not in str(told.value)
    assert not recwarn.list
    assert not os.path.exists('evil_was_here')


def trained_from(path, config):
    running.train_config(config)


def convert(path, config):
    call('coco_to_person', path, path.with_name('out.pth'))


def publish(path, config):
    call('publish_model', path)


def call(tool, *arguments):
    """Run a tool of tools/misc in this process, without the step that shows its errors."""
    script = Path(__file__).parents[2] / 'tools' / 'misc' / f'{tool}.py'
    main = runpy.run_path(str(script))['main']
    with patch('sys.argv', [str(script), *map(str, arguments)]):
        main()


@pytest.mark.parametrize('kind', ODD)
def test_whoever_reads_a_checkpoint_tells_the_same(tmp_path, kind):
    path = tmp_path / 'a.pth'
    write, sentence = ODD[kind]
    write(path)
    config = Config({'optim_wrapper': {}, 'launcher': 'none', 'work_dir': str(tmp_path),
                     'model': {'type': 'RetinaNet'}, 'load_from': str(path)})  # fmt: skip
    for read in (
        trained_from,
        lambda path, config: running.evaluate_checkpoint(config, path),
        convert,
        publish,
        lambda path, config: load_model(config, path, 'cpu'),
    ):
        with pytest.raises(UserError) as told:
            read(path, config)
        assert str(told.value).startswith(f'{path} ')
        assert sentence in str(told.value)
        assert [p.name for p in tmp_path.iterdir() if p.name != 'a.pth'] == []


def test_weights_are_found_where_mmengine_looks():
    weight = torch.ones(1)
    assert weights_of({'state_dict': {'a': weight, 'epoch': 3}, 'b': weight}, 'x') == {'a': weight}
    assert weights_of({'a': weight, 'epoch': 3}, 'x') == {'a': weight}


def test_a_file_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, 'Permission denied', str(path))

    torch.save(TRAINED, tmp_path / 'a.pth')
    monkeypatch.setattr(reading, 'is_whole', refuse)
    with pytest.raises(UserError, match='checkpoint: Permission denied;'):
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
    with pytest.raises(UserError, match='it is cut short; resume from another one'):
        check_checkpoint(tmp_path / 'epoch_3.pth', resume=True)
