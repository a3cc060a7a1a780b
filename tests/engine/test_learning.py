from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config

from mmps.apis.running import train_config
from mmps.engine.learning import check_identities, check_learning
from mmps.registry import MODELS
from mmps.structures import ConfigError
from mmps.testing.backbones import detector_on
from mmps.testing.builders import tiny_detector, tiny_searcher
from mmps.testing.runs import tiny_run, train


class OneImage(list):
    """A data set of one image with these people."""

    def __init__(self, people):
        super().__init__([[{'person_id': person} for person in people]])

    def get_data_info(self, index):
        return {'instances': self[index]}


def detector(**backbone):
    config = tiny_detector()
    config.backbone.update(backbone)
    return config


def checked(model, loaded=False, people=(1, 2)):
    loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=OneImage(people)))
    check_learning(SimpleNamespace(model=model, _has_loaded=loaded, train_loop=loop))


def loaded(shared_stages, **backbone):
    model = tiny_searcher(shared_stages, detector(**backbone), phase='detection')
    model.load_state_dict(tiny_searcher(shared_stages).state_dict())
    return model


@pytest.mark.parametrize(('shared', 'frozen'), [(2, 1), (2, 4), (3, 2), (4, 3)])
def test_shared_stages_that_are_all_frozen_are_rejected(shared, frozen):
    with pytest.raises(ConfigError, match=r'no gradient reaches .*frozen_stages=-1'):
        checked(loaded(shared, frozen_stages=frozen))


@pytest.mark.parametrize(
    ('shared', 'frozen', 'stages'), [(2, 0, 'conv1, bn1'), (3, 1, 'conv1, bn1, layer1')]
)
def test_shared_stages_that_are_frozen_in_part_are_named(shared, frozen, stages, mm_log):
    checked(loaded(shared, frozen_stages=frozen))
    assert f'shares with the detector ({stages})' in mm_log.text


def test_frozen_stages_of_a_transformer_are_named_with_their_numbers(mm_log):
    config = detector_on('swin')
    config.backbone.frozen_stages = 1
    model = tiny_searcher(3, config, phase='detection')
    model.load_state_dict(model.state_dict())
    checked(model)
    assert 'shares with the detector (patch_embed, stages.0)' in mm_log.text


def test_fixed_scale_and_shift_are_named(mm_log):
    checked(loaded(2, norm_cfg={'type': 'BN', 'requires_grad': False}))
    assert '(bn1, layer1)' in mm_log.text


@pytest.mark.parametrize('shared', [2, 3, 4])
def test_shared_stages_that_learn_are_passed_in_silence(shared, mm_log):
    mm_log.clear()
    checked(loaded(shared, norm_eval=True))
    assert 'gradient' not in mm_log.text


def test_disjoint_networks_may_freeze_as_they_like():
    model = MODELS.build(
        {
            'type': 'mmps.DisjointDetector',
            'detector': detector(frozen_stages=4),
            'phase': 'detection',
        }
    )
    model.load_state_dict(model.state_dict())
    checked(model)


@pytest.mark.parametrize(
    ('backbone', 'message'),
    [
        ({'frozen_stages': 0}, r'layers that are frozen \(conv1, bn1\).*set `load_from`'),
        ({'norm_eval': True}, r'20 layers with fixed batch statistics .*norm_eval=False'),
    ],
)
@pytest.mark.parametrize('bare', [False, True])
def test_random_weights_that_stay_random_are_rejected(backbone, message, bare):
    config = detector(**backbone)
    model = MODELS.build(config) if bare else tiny_searcher(3, config, phase='detection')
    with pytest.raises(ConfigError, match=message):
        checked(model)


def test_what_init_cfg_reads_is_not_random(tmp_path):
    config = detector(frozen_stages=0, norm_eval=True)
    torch.save(MODELS.build(config).backbone.state_dict(), tmp_path / 'backbone.pth')
    config.backbone.init_cfg = {'type': 'Pretrained', 'checkpoint': str(tmp_path / 'backbone.pth')}
    for model in (tiny_searcher(3, config, phase='detection'), MODELS.build(config)):
        checked(model)


def test_a_checkpoint_that_leaves_out_what_stays_fixed_is_rejected():
    model = tiny_searcher(3, detector(norm_eval=True), phase='detection')
    weights = {n: w for n, w in tiny_searcher(3).state_dict().items() if 'layer4' not in n}
    model.load_state_dict(weights, strict=False)
    with pytest.raises(ConfigError, match=r'5 layers with fixed batch statistics \(layer4\)'):
        checked(model)


@pytest.mark.parametrize('people', [(), (-1, -1), (-1, 7, 7)])
def test_a_joint_objective_without_people_to_tell_apart_is_rejected(people):
    with pytest.raises(ConfigError, match=r'nobody to distinguish.*use_identities=True'):
        checked(tiny_searcher(), people=people)
    checked(tiny_searcher(phase='detection'), people=people)


def test_a_wrapped_set_is_looked_into():
    with pytest.raises(ConfigError, match='0 identities'):
        check_identities(SimpleNamespace(dataset=OneImage(())))


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'model__shared_stages': 2, 'model__detector__backbone__frozen_stages': 1}, 'no gradient'),
        ({'model__detector__backbone__norm_eval': True}, 'fixed batch statistics'),
        ({'default_hooks__two_phase__batches__shots': 1}, r'shots=1 leaves nobody a second box'),
        (
            {'default_hooks__two_phase__detection_epochs': 0, 'train_cfg__max_epochs': 3},
            'phase 2 would train on random features',
        ),
        ({'default_hooks__two_phase__batches__identities': 1}, 'would have 1 identity, and'),
    ],
)
def test_a_run_in_two_phases_is_checked_at_its_start(drawn_once, tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        train(tiny_run(drawn_once, tmp_path, **changes))
    assert not list(tmp_path.glob('epoch_*.pth'))


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'train_dataloader__dataset__use_identities': False}, 'nobody to distinguish'),
        ({'model__detector__backbone__frozen_stages': 2}, 'no gradient reaches'),
    ],
)
def test_the_direct_objective_is_checked_at_its_start(drawn_once, tmp_path, changes, message):
    config: Config = tiny_run(drawn_once, tmp_path, **changes)
    del config.default_hooks['two_phase']
    config.launcher = 'none'
    with pytest.raises(ConfigError, match=message):
        train_config(config)
    assert not list(tmp_path.glob('epoch_*.pth'))
