from __future__ import annotations

import pytest
import torch

from mmps.models.inference import TRUNK
from mmps.speed import Options, Settings, build_variant, flops_per_part, predict_by_hand, prepare
from mmps.speed.measuring import planted, predict_job
from mmps.speed.options import NOBODY, in_words
from mmps.speed.variants import searched_samples
from mmps.structures import ConfigError

PLAIN = Options(fuse_conv_bn=False, channels_last=(NOBODY,), nnpack=False)
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


def is_channels_last(module):
    weights = [p for p in module.parameters() if p.dim() == 4 and min(p.shape[1:]) > 1]
    return all(w.is_contiguous(memory_format=torch.channels_last) for w in weights)


@pytest.mark.parametrize(
    ('options', 'amp', 'tolerance'),
    [
        (Options(), False, 1e-5),
        (Options(fuse_conv_bn=False, channels_last=()), False, 1e-5),
        (Options(channels_last=()), False, 1e-5),
        (Options(channels_last=(TRUNK, 'J3', 'Disj.')), False, 1e-5),
        (Options(chunks={'J3': 3, 'Disj.': 3}), False, 1e-5),
        (PLAIN, True, 0.02),
        (Options(channels_last=()), True, 0.02),
    ],
    ids=['default', 'channels-last', 'fused', 'named', 'chunks', 'amp', 'all'],
)
def test_no_option_changes_what_is_computed(variant, options, amp, tolerance):
    expected, _ = embeddings(prepare(variant, PLAIN), Settings(size=SIZE))
    assert expected.shape == (2 * PEOPLE, 8)
    assert expected.std(0).mean() > 2 * tolerance
    settings = Settings(size=SIZE, amp=amp, channels_last=options.all_channels_last)
    for found in embeddings(prepare(variant, options), settings):
        torch.testing.assert_close(found, expected, atol=tolerance, rtol=0)


@pytest.mark.long
def test_compiled_models_compute_the_same_in_any_order(variant):
    settings = Settings(size=SIZE)
    expected, _ = embeddings(prepare(variant, PLAIN), settings)
    flops = flops_per_part(variant, settings.images(1))
    prepare(variant, Options(compile=True))
    # The first call, without the tap's hook, decides what compiled code knows of hooks.
    assert flops_per_part(variant, settings.images(1)) == flops
    for found in embeddings(variant, settings):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert embeddings(variant, settings, images=1)[0].shape == (PEOPLE, 8)


def test_fusing_leaves_no_normalisation(variant):
    prepare(variant, Options())
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in variant.model.modules())


@pytest.mark.parametrize(
    ('named', 'branch', 'detector'),
    [
        (None, {'J3': False, 'Disj.': True}, (True, False)),
        ((), {'J3': True, 'Disj.': True}, (True, True)),
        (('J3',), {'J3': True, 'Disj.': False}, (False, False)),
        ((TRUNK,), {'J3': False, 'Disj.': False}, (True, False)),
        ((NOBODY,), {'J3': False, 'Disj.': False}, (False, False)),
    ],
    ids=['fastest', 'everything', 'a variant', 'trunk', 'nobody'],
)
def test_memory_layout(variant, named, branch, detector):
    prepare(variant, Options(channels_last=named))
    assert is_channels_last(variant.model.reid_branch) == branch[variant.name]
    parts = variant.model.detector.backbone, variant.model.detector.neck
    assert tuple(is_channels_last(part) for part in parts) == detector


def test_chunks_are_the_fastest_unless_given(variant):
    prepare(variant, Options())
    chunk_on = variant.model.reid_branch.chunk_on
    assert chunk_on(torch.device('cpu')) == {'J3': 64, 'Disj.': 16}[variant.name]
    prepare(variant, Options(chunks={variant.name: 7}))
    assert [chunk_on(torch.device(kind)) for kind in ('cpu', 'cuda')] == [7, 7]


@pytest.mark.parametrize(
    ('options', 'option'),
    [(Options(channels_last=('J9',)), 'channels-last'), (Options(chunks={'J9': 3}), 'chunks')],
)
def test_options_of_nobody_are_refused(options, option):
    with pytest.raises(
        ConfigError, match=f"--{option} names 'J9', which is none of the variants J2, J3"
    ):
        options.check(['J2', 'J3'])


def test_nobody_is_a_name():
    Options(channels_last=(NOBODY,)).check(['J2'])
    Options(channels_last=(TRUNK,)).check(['J2'])


def test_the_head_of_a_table_says_how(variants, monkeypatch):
    monkeypatch.setattr('mmps.speed.options.is_available', lambda: True)
    assert in_words(variants, Options(), amp=False) == (
        'Batch normalisation is folded into convolutions; channels_last: trunk, Disj. (re-ID '
        "network); boxes embedded at once: J3 64, Disj. 16; the detector's large maps by NNPACK."
    )
    options = Options(False, (), {'J3': 5}, True)
    variants[0].model.reid_branch.cpu_chunk = 5
    assert in_words(variants, options, amp=True) == (
        'Batch normalisation not folded into convolutions; channels_last: everything; boxes '
        'embedded at once: J3 5, Disj. 16; half precision; compiled.'
    )
    assert 'channels_last: trunk;' in in_words(variants[:1], Options(), amp=False)
    assert 'channels_last: none;' in in_words(variants, PLAIN, amp=False)
    assert 'NNPACK' not in in_words(variants, PLAIN, amp=False)
    monkeypatch.setattr('mmps.speed.options.is_available', lambda: False)
    assert 'NNPACK' not in in_words(variants, Options(), amp=False)
