from __future__ import annotations

import pytest
import torch

from mmps.benchmarks import Options, Settings, build_variant, predict_by_hand, prepare
from mmps.benchmarks.measuring import planted, predict_job
from mmps.benchmarks.options import in_words
from mmps.benchmarks.variants import searched_samples
from mmps.structures import ConfigError

PLAIN = Options(fuse_conv_bn=False)
SIZE, PEOPLE = 128, 5


@pytest.fixture(params=['J3', 'Disj.'])
def variant(request, configs):
    """A model whose normalisation does something."""
    variant = build_variant(request.param, configs[request.param], 'cpu')
    torch.manual_seed(1)
    for layer in variant.model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
            torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
    variant.model.detector.bbox_head.test_cfg.update(nms_pre=1000, score_thr=0.05)
    return variant


@torch.no_grad()
def embeddings(variant, settings, images=2):
    """Of whole passes, and of bare modules called by hand."""
    inputs = settings.images(images)
    with planted([variant], PEOPLE):
        samples = predict_job(variant, settings, inputs)()
        with settings.precision:
            by_hand = predict_by_hand(variant.model, inputs, searched_samples(images, SIZE, 'cpu'))
    return torch.cat([s.pred_instances.embeddings for s in samples]), torch.cat(by_hand)


@pytest.mark.parametrize(
    ('options', 'amp', 'tolerance'),
    [
        (Options(), False, 1e-5),
        (Options(chunks={'J3': 3, 'Disj.': 3}), False, 1e-5),
        (PLAIN, True, 0.02),
    ],
    ids=['default', 'chunks', 'amp'],
)
def test_no_option_changes_what_is_computed(variant, options, amp, tolerance):
    expected, _ = embeddings(prepare(variant, PLAIN), Settings(size=SIZE))
    assert expected.shape == (2 * PEOPLE, 8)
    assert expected.std(0).mean() > 2 * tolerance
    settings = Settings(size=SIZE, amp=amp)
    for found in embeddings(prepare(variant, options), settings):
        torch.testing.assert_close(found, expected, atol=tolerance, rtol=0)


def test_fusing_leaves_no_normalisation(variant):
    prepare(variant, Options())
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in variant.model.modules())


def test_chunks_are_the_fastest_unless_given(variant):
    prepare(variant, Options())
    chunk_on = variant.model.reid_branch.chunk_on
    assert chunk_on(torch.device('cpu')) == {'J3': 64, 'Disj.': 16}[variant.name]
    prepare(variant, Options(chunks={variant.name: 7}))
    assert [chunk_on(torch.device(kind)) for kind in ('cpu', 'cuda')] == [7, 7]


def test_chunks_of_nobody_are_refused():
    sentence = "--chunks names 'J9', which is not one of the variants J2, J3"
    with pytest.raises(ConfigError, match=sentence):
        Options(chunks={'J9': 3}).check(['J2', 'J3'])


def test_the_head_of_a_table_says_how(variants):
    assert in_words(variants, Options(), amp=False) == (
        'Batch normalisation is folded into convolutions; boxes embedded at once: J3 64, Disj. 16.'
    )
    options = Options(fuse_conv_bn=False)
    assert in_words(variants, options, amp=True) == (
        'Batch normalisation not folded into convolutions; boxes embedded at once: J3 64, '
        'Disj. 16; half precision.'
    )
