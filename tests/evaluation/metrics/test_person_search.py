from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.evaluator import Evaluator
from mmengine.fileio import LocalBackend, register_backend
from mmengine.structures import InstanceData

from mmps.datasets import PersonSearchDataset
from mmps.evaluation import (
    CUHKSYSUProtocol,
    GroundTruth,
    PersonSearchMetric,
    Predictions,
    evaluate_predictions,
)
from mmps.registry import METRICS
from mmps.structures import ConfigError, DataError
from mmps.testing.search_data import random_search_data

CUHK = 'mmps.CUHKSYSUProtocol'


@pytest.fixture
def case(tmp_path):
    data = random_search_data(np.random.default_rng(7), num_images=6, num_people=2, num_queries=4)
    annotation, _ = data.write(tmp_path)
    return data, annotation, tmp_path


def samples(data, embeddings=True):
    """What a model's test step returns: one sample per image."""
    predictions, annotation = data.predictions, data.annotation
    for image in annotation['images']:
        sample = DetDataSample(metainfo={'img_id': image['id']})
        rows = np.flatnonzero(predictions.image_ids == image['id'])
        sample.pred_instances = InstanceData(
            bboxes=torch.from_numpy(predictions.bboxes[rows]),
            scores=torch.from_numpy(predictions.scores[rows]),
        )
        sample.gt_instances = InstanceData(bboxes=torch.zeros(0, 4))
        if embeddings:
            sample.pred_instances.embeddings = torch.from_numpy(predictions.embeddings[rows])
            sample.gt_instances = embedded(
                'ann_indices', annotation['annotations'], image, predictions.gt_embeddings
            )
            sample.query_instances = embedded(
                'query_indices', annotation['queries'], image, predictions.query_embeddings
            )
        yield sample


def embedded(name, items, image, embeddings):
    indices = [i for i, item in enumerate(items) if item['image_id'] == image['id']]
    return InstanceData(
        **{name: torch.tensor(indices, dtype=torch.long)},
        embeddings=torch.from_numpy(embeddings[indices]),
    )


def run(metric, data_samples):
    evaluator = Evaluator(metric)
    data_samples = list(data_samples)
    for sample in data_samples:
        evaluator.process([sample])
    return evaluator.evaluate(len(data_samples))


def test_equals_the_evaluation_of_the_file(case):
    data, annotation, directory = case
    out = directory / 'out' / 'predictions.npz'
    metric = METRICS.build(
        {'type': 'mmps.PersonSearchMetric', 'ann_file': str(annotation), 'out': str(out)}
    )
    metrics = run(metric, samples(data))
    expected = evaluate_predictions(
        GroundTruth.load(annotation), data.predictions, CUHKSYSUProtocol(), gt_boxes=True
    )
    assert metrics == pytest.approx(expected.metrics, abs=1e-12)
    assert {'g100/mAP', 'gt/g100/top10', 'det/AP', 'det/recall'} <= set(metrics)
    written = Predictions.load(out)
    assert len(written.scores) == len(data.predictions.scores)
    np.testing.assert_array_equal(written.query_embeddings, data.predictions.query_embeddings)
    np.testing.assert_array_equal(written.gt_embeddings, data.predictions.gt_embeddings)


def test_options_reach_the_protocol(case):
    data, annotation, directory = case
    data.write(directory)
    protocol = {'type': 'mmps.CUHKSYSUProtocol', 'convention': 'strict'}
    metric = PersonSearchMetric(str(annotation), protocol, gt_boxes=False, score_thr=0.5)
    metrics = run(metric, samples(data))
    expected = evaluate_predictions(
        GroundTruth.load(annotation), data.predictions, CUHKSYSUProtocol(convention='strict'), 0.5
    )
    assert metrics == pytest.approx(expected.metrics, abs=1e-12)


def test_bare_detector_gets_detection_numbers_only(case, mm_log):
    data, annotation, directory = case
    out = directory / 'bare.npz'
    metrics = run(PersonSearchMetric(str(annotation), out=str(out)), samples(data, False))
    assert {key.split('/')[0] for key in metrics} == {'det', 'det_labelled'}
    assert 'No embeddings, so only detection is measured' in mm_log.text
    assert not Predictions.load(out).has_embeddings


def test_people_whose_embeddings_were_dropped_behind_the_model_are_refused(case):
    data, annotation, _ = case
    merged = list(samples(data))
    for sample in merged:  # as mmdet's DetTTAModel leaves them
        del sample.pred_instances.embeddings
    with pytest.raises(ConfigError, match=r'no embeddings.*--tta'):
        run(PersonSearchMetric(str(annotation)), merged)


def test_other_classes_of_a_bare_detector_do_not_count(case):
    data, annotation, _ = case
    expected = run(PersonSearchMetric(annotation), samples(data, embeddings=False))
    crowd = []
    for sample in samples(data, embeddings=False):
        found = sample.pred_instances
        found.labels = torch.zeros(len(found), dtype=torch.long)
        others = found.new(labels=found.labels + 17, bboxes=found.bboxes, scores=found.scores + 1)
        sample.pred_instances = InstanceData.cat([others, found])
        crowd.append(sample)
    assert run(PersonSearchMetric(annotation), crowd) == expected


def test_nothing_detected(case):
    data, annotation, _ = case
    empty = list(samples(data))
    for sample in empty:
        sample.pred_instances = sample.pred_instances[:0]
    metrics = run(PersonSearchMetric(str(annotation)), empty)
    assert metrics['g100/mAP'] == metrics['det/recall'] == 0.0
    assert metrics['gt/g100/mAP'] > 0


def test_image_that_a_sampler_repeated_counts_once(case):
    data, annotation, _ = case
    once = run(PersonSearchMetric(str(annotation)), samples(data))
    twice = run(PersonSearchMetric(str(annotation)), [*samples(data), *samples(data)])
    assert twice == once


def test_half_of_the_data_set_is_refused(case):
    data, annotation, _ = case
    with pytest.raises(ConfigError, match=r'4 of the 6 images.*not tested'):
        run(PersonSearchMetric(str(annotation)), list(samples(data))[:2])


def test_a_bare_detector_is_tested_on_the_whole_data_set_too(case):
    data, annotation, _ = case
    with pytest.raises(ConfigError, match=r'1 of the 6 images.*test\.json'):
        run(PersonSearchMetric(str(annotation)), list(samples(data, embeddings=False))[1:])


def test_images_that_the_annotation_file_lacks_are_refused(case):
    data, _, directory = case
    last = data.annotation['images'][-1]['id']
    fewer = {
        'images': data.annotation['images'][:-1],
        'annotations': [a for a in data.annotation['annotations'] if a['image_id'] != last],
    }
    other = directory / 'other.json'
    other.write_text(json.dumps(fewer))
    with pytest.raises(ConfigError, match=r'0 of the 5 images.*1 others.*ann_file'):
        run(PersonSearchMetric(str(other), {'type': 'mmps.GenericProtocol'}), samples(data, False))


@pytest.mark.parametrize(('part', 'what'), [('query', 'queries'), ('gt', 'annotated people')])
def test_images_without_their_embeddings_are_refused(case, part, what):
    data, annotation, _ = case
    incomplete = list(samples(data))
    for sample in incomplete[:3]:
        delattr(sample, f'{part}_instances')
    with pytest.raises(ConfigError, match=rf'\d+ of the \d+ {what}'):
        run(PersonSearchMetric(str(annotation)), incomplete)


@pytest.mark.parametrize(('part', 'what'), [('queries', 'queries'), ('annotations', 'annotated')])
def test_another_annotation_file_is_refused(case, part, what):
    data, _, directory = case
    shorter = {**data.annotation, part: data.annotation[part][:-1]}
    other = directory / 'other.json'
    other.write_text(json.dumps(shorter))
    with pytest.raises(ConfigError, match=f'beyond the {what}.*ann_file'):
        run(PersonSearchMetric(str(other), {'type': 'mmps.GenericProtocol'}), samples(data))


def test_files_that_cannot_be_used_are_named_before_any_test_pass(case):
    data, annotation, directory = case
    for item in data.annotation['images']:
        item.pop('camera_id')
    blind = directory / 'blind.json'
    blind.write_text(json.dumps(data.annotation))
    with pytest.raises(DataError, match=r'absent.json does not exist'):
        PersonSearchMetric(str(directory / 'absent.json'))
    with pytest.raises(DataError, match=r'galleries_77.npz does not exist.*: 100'):
        PersonSearchMetric(str(annotation), {'type': CUHK, 'gallery_sizes': 77})
    with pytest.raises(DataError, match='camera'):
        PersonSearchMetric(str(blind), {'type': 'mmps.PRWOfficialProtocol'})


def test_places_that_cannot_be_written_are_named_before_any_test_pass(case):
    _, annotation, directory = case
    with pytest.raises(ConfigError, match='is a folder'):
        PersonSearchMetric(str(annotation), out=str(directory))
    with pytest.raises(ConfigError, match=r'test\.json is no folder'):
        PersonSearchMetric(str(annotation), details=str(annotation))


def test_a_single_gallery_size_is_a_list_of_one(case):
    data, annotation, _ = case
    one, several = (
        run(PersonSearchMetric(str(annotation), {'type': CUHK, 'gallery_sizes': s}), samples(data))
        for s in (100, [100])
    )
    assert one == several


def test_markers_of_unknown_people_are_those_of_the_data_set(case):
    data, annotation, _ = case
    usual = run(PersonSearchMetric(str(annotation)), samples(data))
    for record in data.annotation['annotations']:
        identity = record.pop('person_id')
        record['pid'] = 5555 if identity == -1 else identity
    annotation.write_text(json.dumps(data.annotation))
    metric = PersonSearchMetric(str(annotation), unlabelled_ids=(-1, 5555))
    assert run(metric, samples(data)) == usual
    assert run(PersonSearchMetric(str(annotation)), samples(data)) != usual


def of_dataset(annotation, **settings):
    """The meta information that a test loop hands from its data set to the metric."""
    settings = {'test_mode': True, **settings}
    data = PersonSearchDataset(
        ann_file=annotation.name, data_root=str(annotation.parent), lazy_init=True, **settings
    )
    return data.metainfo


def run_on(dataset_meta, metric, data_samples):
    evaluator = Evaluator(metric)
    evaluator.dataset_meta = dataset_meta
    return run(evaluator.metrics[0], data_samples)


def test_the_annotation_file_and_how_it_is_read_come_from_the_data_set(case):
    data, annotation, _ = case
    usual = run(PersonSearchMetric(str(annotation)), samples(data))
    assert run_on(of_dataset(annotation), PersonSearchMetric(), samples(data)) == usual
    for record in data.annotation['annotations']:
        identity = record.pop('person_id')
        record['track'] = 5555 if identity == -1 else identity
    for record in data.annotation['queries']:
        record['track'] = record.pop('person_id')
    other = annotation.with_name('other.json')
    other.write_text(json.dumps(data.annotation))
    marked = of_dataset(other, unlabelled_ids=(-1, 5555), identity_key='track')
    assert run_on(marked, PersonSearchMetric(), samples(data)) == usual
    assert run_on(marked, PersonSearchMetric(str(annotation)), samples(data)) == usual
    assert run_on(marked, PersonSearchMetric(unlabelled_ids=(7,)), samples(data)) != usual


@pytest.mark.parametrize('training', [{'test_mode': False}, {'leave_out_unusable': True}])
def test_data_sets_of_training_name_no_annotation_file(case, training):
    _, annotation, _ = case
    assert 'annotation_file' not in of_dataset(annotation, **training)
    with pytest.raises(ConfigError, match=r'no annotation file: set its ann_file, or .*test_mode'):
        Evaluator(PersonSearchMetric()).dataset_meta = of_dataset(annotation, **training)


def test_a_metric_without_a_data_set_needs_its_ann_file(case):
    with pytest.raises(ConfigError, match='no annotation file: set its ann_file'):
        run(PersonSearchMetric(), samples(case[0]))


def test_the_data_set_is_checked_before_any_test_pass(case):
    _, annotation, _ = case
    metric = PersonSearchMetric(protocol={'type': CUHK, 'gallery_sizes': 77})
    with pytest.raises(DataError, match=r'galleries_77.npz does not exist'):
        Evaluator(metric).dataset_meta = of_dataset(annotation)


class Store(LocalBackend):
    def __init__(self, root):
        self.root = Path(root)

    def get_local_path(self, filepath):
        return nullcontext(str(self.root / filepath))


def test_the_annotation_file_comes_through_the_data_sets_backend(case):
    data, annotation, directory = case
    register_backend('metric_store', Store, force=True)
    backend = {'backend': 'metric_store', 'root': str(directory)}
    stored = {'ann_file': 'test.json', 'backend_args': backend, 'test_mode': True}
    dataset_meta = PersonSearchDataset(lazy_init=True, **stored).metainfo
    protocol = {'type': CUHK, 'galleries_dir': str(directory)}
    usual = run(PersonSearchMetric(str(annotation)), samples(data))
    assert run_on(dataset_meta, PersonSearchMetric(protocol=protocol), samples(data)) == usual
    explicit = PersonSearchMetric('test.json', protocol, backend_args=backend)
    assert run(explicit, samples(data)) == usual


def test_half_precision_embeddings(case):
    data, annotation, _ = case
    halves = list(samples(data))
    for sample in halves:
        for instances in (sample.pred_instances, sample.gt_instances, sample.query_instances):
            instances.embeddings = instances.embeddings.half()
    whole = run(PersonSearchMetric(str(annotation)), samples(data))
    assert run(PersonSearchMetric(str(annotation)), halves) == whole


@pytest.mark.parametrize('wrap', [torch.as_tensor, HorizontalBoxes, lambda boxes: boxes.numpy()])
@pytest.mark.parametrize(
    ('part', 'boxes'), [('gt_instances', 'bboxes'), ('query_instances', 'query_bboxes')]
)
def test_people_are_embedded_where_they_are_annotated(case, part, boxes, wrap):
    data, annotation, _ = case
    metric = PersonSearchMetric(str(annotation))
    indices = {'gt_instances': 'ann_indices', 'query_instances': 'query_indices'}[part]
    (sample,) = [s for s in samples(data) if len(s.get(part)[indices])][:1]
    right = torch.from_numpy(getattr(metric.ground_truth, boxes)[sample.get(part)[indices]])
    packed = sample.to_dict()
    packed[part]['bboxes'] = wrap(right.float())
    metric.process(None, [packed])
    packed[part]['bboxes'] = wrap(right.float() * 1.5)
    with pytest.raises(ConfigError, match=f'{part}.*not in pixels'):
        metric.process(None, [packed])
