from __future__ import annotations

import torch

from mmps.benchmarks.inputs import LoadedPeople, Work, drawn_batch


def test_a_batch_for_detection():
    batch = drawn_batch(2, 96, 3)
    assert [image.shape for image in batch['inputs']] == [(3, 96, 96)] * 2
    assert batch['inputs'][0].dtype == torch.uint8
    for sample in batch['data_samples']:
        assert len(sample.gt_instances) == 3
        assert len(sample.ignored_instances) == 0
        assert sample.gt_instances.bboxes.min() >= 0
        assert sample.gt_instances.bboxes.max() <= 96


def test_loaded_images_are_those_of_the_loader(tmp_path):
    people = LoadedPeople(tmp_path, 64, Work(batch=2, people=3, images=5))
    assert len(people) == 15
    assert sorted(people.person_ids.tolist()) == list(range(15))
    batches = people.batches([0])
    assert [len(batch['inputs']) for batch in batches] == [2, 2, 1]
    assert people.batches([0])[0]['inputs'][0] is batches[0]['inputs'][0]
    sample = batches[0]['data_samples'][0]
    assert sample.scale_factor == (1.0, 1.0)
    assert people.kept(sample.gt_instances).all()
