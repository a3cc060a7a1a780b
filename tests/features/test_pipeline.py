import pytest
import torch
from mmengine.registry import init_default_scope

from mmps.features import CachedPeople
from mmps.structures import ConfigError
from mmps.testing.runs import SIZE, tiny_run, train

LOAD = {'type': 'LoadImageFromFile', '_scope_': 'mmps'}
PEOPLE, PACK = (
    {'type': 'LoadAnnotations', 'with_bbox': True},
    {'type': 'mmps.PackPersonSearchInputs'},
)
RESIZE = {'type': 'Resize', 'scale': SIZE, 'keep_ratio': False}
RIGHT = [LOAD, RESIZE, PEOPLE, PACK]
EARLIER = [{'type': 'mmps.LoadScene'}, RESIZE, {'type': 'mmps.LoadPeople'}, PACK]


def drop_a_person(results):
    for key in ('gt_bboxes', 'gt_bboxes_labels', 'gt_ignore_flags', 'gt_instances_ids'):
        results[key] = results[key][1:]
    return results


def people(data, pipeline):
    init_default_scope('mmdet')
    config = tiny_run(data, 'unused').cached_people
    config.dataset.pipeline = pipeline
    return CachedPeople(**config)


@pytest.mark.parametrize(
    ('pipeline', 'message'),
    [
        (
            [LOAD, PEOPLE, RESIZE, PACK],
            'not in pixels of the image .* put LoadAnnotations after',
        ),
        ([LOAD, RESIZE, PEOPLE, {'type': 'RandomFlip', 'prob': 1.0}, PACK], 'flips images, but no'),
        ([LOAD, RESIZE, {'type': 'RandomFlip', 'prob': 0.01}, PEOPLE, PACK], 'cached_people.mir'),
        ([LOAD, RESIZE, PACK], 'does not load the identities of people: use LoadAnnotations'),
        ([LOAD, RESIZE, PEOPLE, {'type': 'PackDetInputs'}], 'does not load the identities'),
        ([LOAD, RESIZE, PEOPLE], 'and mmps.PackPersonSearchInputs'),
        ([LOAD, PEOPLE, PACK], 'does not record the scale_factor .*: add Resize'),
        ([LOAD, RESIZE, PEOPLE, drop_a_person, PACK], r'drops people of .*\.jpg, f'),
        (
            [LOAD, {'type': 'PhotoMetricDistortion'}, RESIZE, PEOPLE, PACK],
            'changes an image at random, .*: remove random',
        ),
    ],
)
def test_a_pipeline_that_would_spoil_features_is_told(drawn_once, pipeline, message):
    with pytest.raises(ConfigError, match=f'cached_people.dataset.pipeline .*{message}'):
        people(drawn_once, pipeline)


@pytest.mark.parametrize('pipeline', [RIGHT, EARLIER], ids=['now', 'earlier names'])
def test_looking_at_a_right_pipeline_draws_no_random_numbers(drawn_once, pipeline):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    assert len(people(drawn_once, pipeline)) > 0
    assert torch.equal(torch.get_rng_state(), before)


def test_a_run_is_refused_before_it_trains(drawn_once, tmp_path):
    config = tiny_run(drawn_once, tmp_path)
    config.cached_people.dataset.pipeline = [LOAD, PEOPLE, RESIZE, PACK]
    with pytest.raises(ConfigError, match='put LoadAnnotations after Resize'):
        train(config)
    assert not list(tmp_path.glob('epoch_*.pth'))
