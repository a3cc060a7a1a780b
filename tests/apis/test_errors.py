from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmengine.hooks import CheckpointHook
from mmengine.runner.checkpoint import load_url

from mmps.apis.errors import explained_errors
from mmps.structures import ConfigError, DataError


def test_the_fix_of_a_config_is_named_and_the_cause_kept():
    sentence = r"rule='greater' beside `save_best`"
    with pytest.raises(ConfigError, match=sentence) as caught, explained_errors():
        CheckpointHook(save_best='det/AP', interval=1)
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize('error', [ValueError('other'), RuntimeError('CUDA'), DataError('a.jpg')])
def test_errors_of_unknown_cause_and_our_own_pass(error):
    with pytest.raises(type(error)) as caught, explained_errors():
        raise error
    assert caught.value is error


@pytest.mark.parametrize('content', [b'<html>Quota</html>', b'PK\x03\x04 and an end', None])
def test_a_download_that_is_no_checkpoint_is_named(tmp_path, content):
    if content is None:
        torch.save({'a': Path('x')}, tmp_path / 'a.pth')
    else:
        (tmp_path / 'a.pth').write_bytes(content)
    sentence = r'^a checkpoint that the config names.*cannot be read: it'
    with pytest.raises(ConfigError, match=sentence) as caught, explained_errors():
        load_url((tmp_path / 'a.pth').as_uri(), str(tmp_path / 'hub'))
    assert 'weights_only' not in str(caught.value)
