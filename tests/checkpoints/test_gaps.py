import copy

import pytest
import torch
from mmengine.runner import load_state_dict

from mmps.checkpoints.gaps import part_of
from mmps.checkpoints.origin import check_features
from mmps.registry import MODELS
from mmps.structures import ConfigError, UserError
from mmps.testing.builders import tiny_detector, tiny_searcher


@pytest.fixture(scope='module')
def weights():
    return dict(tiny_searcher(3).state_dict())


def without(weights, *beginnings):
    return {name: weight for name, weight in weights.items() if not name.startswith(beginnings)}


def load(weights, model=None):
    """Load as MMEngine's runner does."""
    model = model or tiny_searcher(3)
    load_state_dict(model, copy.deepcopy(weights))
    return model


def test_a_checkpoint_that_fits_is_not_spoken_of(weights, mm_log):
    model = load(weights)
    assert all(torch.equal(weights[name], w) for name, w in model.state_dict().items())
    assert 'The checkpoint' not in mm_log.text


@pytest.mark.parametrize(
    ('left_out', 'sentence'),
    [
        (
            ['reid_branch.head'],
            'does not fill the head (2 of 2 weights); train phase 2 before you search with it, or '
            'give a checkpoint of the same `model` config.',
        ),
        (['reid_branch.stages.stages.1'], 'does not fill the replicated stages (25 of 50 weights)'),
        (
            ['detector.backbone.layer2', 'detector.neck'],
            "does not fill the shared stages (25 of 50 weights), the detector's neck and heads (12 "
            'of 20 weights); what is not filled keeps its random weights: train it, or give',
        ),
        (['detector.backbone.layer4'], "does not fill the detector's later stages (25 of 50"),
    ],
)
def test_parts_that_are_missing_are_named_once_and_keep_their_weights(
    weights, mm_log, left_out, sentence
):
    model = tiny_searcher(3, phase='detection')
    own = copy.deepcopy(model.state_dict())
    changed = {name: weight + 1 for name, weight in weights.items()}
    load(without(changed, *left_out), model)
    assert f'The checkpoint {sentence}' in mm_log.text
    assert mm_log.text.count('The checkpoint') == 1
    # A branch that is there in part would be none: its head was trained behind other stages.
    branch = ['reid_branch'] if 'reid_branch.stages.stages.1' in left_out else []
    for name, weight in model.state_dict().items():
        expected = own if name.startswith((*left_out, *branch)) else changed
        assert torch.equal(weight, expected[name]), name


def test_a_part_of_another_shape_is_told_with_both_shapes(weights, mm_log):
    load(weights, tiny_searcher(3, reid_branch={'head': {'embedding_channels': 16}}))
    assert (
        'does not fill the head (2 of 2 weights; reid_branch.head.embedding.weight has shape '
        "(8, 128), the model's (16, 128))" in mm_log.text
    )


def test_a_checkpoint_of_another_j_is_told(mm_log):
    load(tiny_searcher(2).state_dict())
    assert 'does not fill the replicated stages (50 of 50 weights; reid_branch' in mm_log.text
    assert (
        'and holds weights that the model has no place for: replicated stages (30 weights, the '
        'first: reid_branch.stages.stages.2.0.conv1.weight)' in mm_log.text
    )


def test_weights_that_nobody_reads_are_told(weights, mm_log):
    load({**weights, 'detector.mask_head.weight': torch.zeros(1), 'more.weight': torch.zeros(1)})
    assert (
        "The checkpoint holds weights that the model has no place for: detector's neck and heads "
        '(detector.mask_head.weight), other parts (more.weight); they are not read.' in mm_log.text
    )


def test_files_from_before_batches_were_counted_fit(weights, mm_log):
    load({name: w for name, w in weights.items() if 'num_batches_tracked' not in name})
    assert 'The checkpoint' not in mm_log.text


def test_strict_loading_refuses_what_does_not_fit_whoever_loads(weights, mm_log):
    model, part = tiny_searcher(3), without(weights, 'reid_branch.head')
    part['more.weight'] = torch.zeros(1)
    for strictly in (model.load_state_dict, lambda w: load_state_dict(model, w, strict=True)):
        with pytest.raises(RuntimeError, match=r'the head \(2 of 2 weights\)'):
            strictly(part)
    mm_log.clear()
    found = model.load_state_dict(part, strict=False)
    assert found.missing_keys == ['the head (2 of 2 weights)']
    assert found.unexpected_keys == ['other parts (more.weight)']
    assert mm_log.text.count('does not fill the head (2 of 2 weights)') == 1


def test_mmengine_prints_parts_in_place_of_names(weights, capsys):
    load(without(weights, 'reid_branch.stages.stages.1'))
    printed = capsys.readouterr().out
    assert 'missing keys in source state_dict: the replicated stages (25 of 50 weights)' in printed
    assert 'conv1' not in printed


@pytest.mark.parametrize(
    'left_out', [['detector.backbone.layer2'], ['detector.backbone.layer1', 'detector.backbone.']]
)
def test_phase_2_refuses_random_shared_features(weights, left_out):
    model = tiny_searcher(3)
    model.set_phase('reid')
    with pytest.raises(UserError, match=r'phase 2 would train on random|no weight of the detector'):
        load(without(weights, *left_out), model)


def test_before_phase_2_random_shared_features_are_found_later(weights):
    model = tiny_searcher(3)
    with pytest.raises(ConfigError, match='random features'):
        check_features(model)
    load(without(weights, 'detector.backbone.layer2'), model)
    with pytest.raises(ConfigError, match=r'25 weights of the shared stages .*set `load_from` to'):
        check_features(model)
    load(weights, model)
    check_features(model)


def test_later_stages_do_not_matter_to_phase_2(weights):
    model = tiny_searcher(3)
    model.set_phase('reid')
    load(without(weights, 'detector.backbone.layer3', 'detector.neck'), model)


def test_nothing_is_shared_by_disjoint_networks():
    model = MODELS.build({'type': 'mmps.DisjointDetector', 'detector': tiny_detector()})
    assert part_of('detector.backbone.layer1.0.conv1.weight', model) == "detector's backbone"
    assert part_of('reid_branch.stages.backbone.conv1.weight', model) == "crops' network"
    assert part_of('reid_branch.head.embedding.weight', model) == 'head'
    assert part_of('reid_branch.pooling.scale', model) == 're-ID pooling'
