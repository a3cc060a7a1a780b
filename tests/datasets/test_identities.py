"""Both phases and the joint objective number the same people alike."""

import pytest
import torch
from mmengine.registry import init_default_scope

from mmps.datasets.identities import identities_of
from mmps.features import CachedPeople
from mmps.models.reid.training_boxes import numbered, training_rois
from mmps.registry import DATASETS
from mmps.testing.runs import tiny_run


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('mmdet')


def joined(data):
    """The set twice, whose equal ids are then other people, as each part has a name of its own."""
    config = tiny_run(data, 'unused').cached_people.dataset
    parts = [{**config, 'identity_space': name} for name in ('first', 'second')]
    return {'type': 'ConcatDataset', 'datasets': parts}


def test_samples_of_joined_sets_have_the_numbers_of_the_cache(drawn_once):
    config = joined(drawn_once)
    people = CachedPeople(config, all_boxes=True)
    dataset = DATASETS.build(config)
    identities = identities_of(dataset)
    assert len(identities) == len(people.identities) == 2 * len(set(people.original_ids.tolist()))
    found = []
    for index in range(len(dataset)):
        sample = dataset[index]['data_samples']
        _, ids = training_rois([sample], lambda s: s.gt_instances.bboxes.tensor, unlabelled=True)
        found.append(numbered(ids, identities, head=None))
    assert torch.cat(found).tolist() == people.person_ids.tolist()
    assert set(people.person_ids.tolist()) == set(range(-1, len(identities)))


def test_wrapped_sets_and_people_without_identity_count(drawn_once):
    class Wrapper:
        def __init__(self, dataset):
            self.dataset = dataset

    class Foreign:
        def __len__(self):
            return 1

        def get_data_info(self, index):
            return {'instances': [{'bbox': [0, 0, 1, 1]}, {'person_id': 4, 'ignore_flag': 1}]}

    dataset = DATASETS.build(joined(drawn_once))
    assert len(identities_of(Wrapper(dataset))) == len(identities_of(dataset))
    assert len(identities_of(Foreign())) == 0
