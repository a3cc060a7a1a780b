"""Several data sets as one: what an aggregated phase 1 trains on."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from mmengine.registry import DATASETS, init_default_scope
from mmengine.runner import Runner

from mmps.datasets.converters import Converter, convert, cuhk_sysu, mot17_det, prw, wider_pedestrian
from mmps.models.reid.training_boxes import training_rois
from mmps.structures import UNLABELLED
from mmps.synthetic import Recipe, make
from mmps.testing.runs import SIZE, tiny_run, train

PARSERS = {
    'mot17_det': mot17_det,
    'wider_pedestrian': wider_pedestrian,
    'cuhk_sysu': cuhk_sysu,
    'prw': prw,
}
PIPELINE = [
    {'type': 'mmps.LoadScene'},
    {'type': 'mmps.LoadPeople'},
    {'type': 'Resize', 'scale': SIZE, 'keep_ratio': False},
    {'type': 'mmps.PackPersonSearchInputs'},
]


@pytest.fixture(scope='module')
def roots(tmp_path_factory):
    """Drawn and converted sets in all four layouts, and the counts of their training splits."""
    made = {}
    for layout, module in PARSERS.items():
        root = tmp_path_factory.mktemp('sets') / layout
        make(root, Recipe(layout, 'a', 1, 16, 6), workers=1)
        done = convert(Converter(module.NAME, module.parse), root)
        (counts,) = [split.counts() for split in done.splits if split.name == 'train']
        made[layout] = (root, counts)
    return made


def joined(roots, identities_of=()):
    init_default_scope('mmdet')
    parts = [
        {
            'type': 'mmps.PersonSearchDataset',
            'data_root': str(root),
            'ann_file': 'mmps/train.json',
            'use_identities': layout in identities_of,
            'filter_cfg': {'filter_empty_gt': True},
            'pipeline': PIPELINE,
        }
        for layout, (root, _) in roots.items()
    ]
    return {'type': 'ConcatDataset', 'datasets': parts}


def test_sets_of_all_layouts_join(roots, mm_log):
    data = DATASETS.build(joined(roots))
    assert len(data) == sum(len(part) for part in data.datasets)
    assert len({str(part.metainfo) for part in data.datasets}) == 1
    for root, counts in roots.values():
        images, boxes = counts['images'], counts['boxes'] + counts['ignored']
        line = f'{root}/mmps/train.json: {images} images, {boxes} boxes, 0 of them labelled'
        assert line in mm_log.text


def test_identities_of_detection_sets_reach_nothing(roots):
    data = DATASETS.build(joined(roots, identities_of=['cuhk_sysu']))
    for layout, part in zip(roots, data.datasets, strict=True):
        found = np.concatenate(
            [part[i]['data_samples'].gt_instances.person_ids.numpy() for i in range(len(part))]
        )
        assert (found != UNLABELLED).any() == (layout == 'cuhk_sysu')
    assert roots['prw'][1]['identities'] > 0


def test_sets_can_be_drawn_in_given_proportions(roots):
    ratio = [1, 1, 4, 2]
    loader = Runner.build_dataloader(
        {
            'batch_size': 4,
            'num_workers': 0,
            'sampler': {'type': 'MultiDataSampler', 'dataset_ratio': ratio},
            'dataset': joined(roots),
        },
        seed=3,
    )
    ends = loader.dataset.cumulative_sizes
    drawn = Counter()
    for epoch in range(60):
        loader.sampler.set_epoch(epoch)
        drawn.update(np.searchsorted(ends, list(loader.sampler), side='right').tolist())
    shares = np.array([drawn[k] for k in range(4)]) / drawn.total()
    np.testing.assert_allclose(shares, np.array(ratio) / sum(ratio), atol=0.04)
    batch = next(iter(loader))
    assert all(inputs.shape == (3, SIZE[1], SIZE[0]) for inputs in batch['inputs'])


@pytest.mark.slow
def test_a_run_trains_phase_one_on_all_of_them(roots, tmp_path):
    config = tiny_run(roots['cuhk_sysu'][0], tmp_path)
    config.train_dataloader.dataset = joined(roots)
    config.train_dataloader.sampler = {'type': 'MultiDataSampler', 'dataset_ratio': [1, 1, 1, 1]}
    config.train_cfg.max_epochs = 3
    config.default_hooks.two_phase.detection_epochs = 1
    config.default_hooks.two_phase.stages = config.default_hooks.two_phase.stages[1:]
    runner = train(config)
    assert runner.epoch == 3
    people = runner.train_dataloader.dataset
    assert len(people) == roots['cuhk_sysu'][1]['labelled']
    assert all(torch.isfinite(p).all() for p in runner.model.parameters())


def test_people_of_joined_sets_with_equal_ids_stay_apart_in_the_joint_objective(roots):
    data = DATASETS.build(joined(roots, identities_of=['cuhk_sysu', 'prw']))
    parts = dict(zip(roots, data.datasets, strict=True))
    owners: dict[int, set[str]] = {}
    raw: Counter[int] = Counter()
    for layout in ('cuhk_sysu', 'prw'):
        part = parts[layout]
        samples = [part[i]['data_samples'] for i in range(len(part))]
        ids = torch.cat([s.gt_instances.person_ids for s in samples])
        raw.update(set(ids[ids >= 0].tolist()))
        _, identities = training_rois(samples, lambda sample: sample.gt_instances.bboxes.tensor)
        for identity in set(identities.tolist()):
            owners.setdefault(identity, set()).add(layout)
    assert max(raw.values()) == 2  # both sets number their people from the same start
    assert len(owners) == raw.total()
    assert all(len(sets) == 1 for sets in owners.values())
