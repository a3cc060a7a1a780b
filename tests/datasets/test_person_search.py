import json
from pathlib import Path

import numpy as np
import pytest
from mmdet.datasets import MultiImageMixDataset
from mmengine.fileio import LocalBackend, register_backend
from mmengine.registry import init_default_scope

from mmps.datasets import PersonSearchDataset
from mmps.structures import UNLABELLED, ConfigError, DataError

TEST_PIPELINE = [
    {'type': 'mmps.LoadScene'},
    {'type': 'Resize', 'scale': (160, 128), 'keep_ratio': False},
    {'type': 'mmps.LoadPeople'},
    {'type': 'mmps.PackPersonSearchInputs'},
]


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('mmdet')


def dataset(root, split='test', test_mode=True, pipeline=TEST_PIPELINE, **kwargs):
    return PersonSearchDataset(
        ann_file=f'mmps/{split}.json',
        data_root=str(root),
        pipeline=pipeline,
        test_mode=test_mode,
        **kwargs,
    )


def annotations(root, split='test'):
    return json.loads((Path(root) / 'mmps' / f'{split}.json').read_text())


def change(root, split, edit):
    content = annotations(root, split)
    edit(content)
    (Path(root) / 'mmps' / f'{split}.json').write_text(json.dumps(content))


def test_samples_hold_what_the_file_holds(drawn_set):
    data, content = dataset(drawn_set), annotations(drawn_set)
    assert len(data) == len(content['images'])
    boxes, ids, queries = {}, {}, {}
    for index in range(len(data)):
        sample = data[index]['data_samples']
        assert sample.img_id == content['images'][index]['id']
        for row, ann in enumerate(sample.gt_instances.ann_indices.tolist()):
            boxes[ann] = sample.gt_instances.bboxes.tensor[row].tolist()
            ids[ann] = sample.gt_instances.person_ids[row].item()
        for row, query in enumerate(sample.query_instances.query_indices.tolist()):
            queries[query] = sample.query_instances.bboxes[row].tolist()
    for index, annotation in enumerate(content['annotations']):
        x, y, w, h = annotation['bbox']
        assert boxes[index] == pytest.approx([x, y, x + w, y + h])
        assert ids[index] == annotation['person_id']
    for index, query in enumerate(content['queries']):
        x, y, w, h = query['bbox']
        assert queries[index] == pytest.approx([x, y, x + w, y + h])


def test_training_boxes_follow_the_image(drawn_set):
    pipeline = [
        {'type': 'mmps.LoadScene'},
        {'type': 'mmps.LoadPeople'},
        {'type': 'Resize', 'scale': (240, 90), 'keep_ratio': False},
        {'type': 'RandomFlip', 'prob': 1.0},
        {'type': 'mmps.PackPersonSearchInputs'},
    ]
    plain = dataset(drawn_set, 'train')[0]['data_samples'].gt_instances
    moved = dataset(drawn_set, 'train', False, pipeline)[0]['data_samples'].gt_instances
    expected = plain.bboxes.tensor.numpy() * [0.5, 0.25, 0.5, 0.25]
    expected = np.stack(
        [240 - expected[:, 2], expected[:, 1], 240 - expected[:, 0], expected[:, 3]], axis=1
    )
    np.testing.assert_allclose(moved.bboxes.tensor.numpy(), expected, atol=1e-3)
    assert moved.person_ids.tolist() == plain.person_ids.tolist()


def test_cropping_keeps_identities_in_step(drawn_set):
    pipeline = [
        {'type': 'mmps.LoadScene'},
        {'type': 'mmps.LoadPeople'},
        {'type': 'RandomCrop', 'crop_size': (200, 200), 'allow_negative_crop': True},
        {'type': 'mmps.PackPersonSearchInputs'},
    ]
    np.random.seed(0)
    data, content = dataset(drawn_set, 'train', False, pipeline), annotations(drawn_set, 'train')
    dropped = 0
    for index in range(len(data)):
        people = data[index]['data_samples'].gt_instances
        dropped += len(data.get_data_info(index)['instances']) - len(people)
        for ann, identity in zip(
            people.ann_indices.tolist(), people.person_ids.tolist(), strict=True
        ):
            assert content['annotations'][ann]['person_id'] == identity
    assert dropped > 0


def test_a_transform_that_loses_identities_is_told(drawn_set):
    pipeline = [
        {'type': 'mmps.LoadScene'},
        {'type': 'mmps.LoadPeople'},
        {'type': 'FilterAnnotations', 'min_gt_bbox_wh': (10_000, 10_000), 'keep_empty': False},
        {'type': 'mmps.PackPersonSearchInputs'},
    ]
    with pytest.raises(DataError, match=r'dropped or added boxes .* set use_identities=False'):
        dataset(drawn_set, 'train', False, pipeline).prepare_data(0)


@pytest.mark.parametrize('kind', ['Mosaic', 'RandomAffine', 'MixUp'])
def test_sets_without_identities_take_transforms_that_mix_images(drawn_set, kind):
    load = [{'type': 'mmps.LoadScene'}, {'type': 'mmps.LoadPeople'}]
    scale = {} if kind == 'RandomAffine' else {'img_scale': (128, 160)}
    steps = [{'type': kind, **scale}, {'type': 'mmps.PackPersonSearchInputs'}]
    mixed = MultiImageMixDataset(
        dataset(drawn_set, 'train', False, load, use_identities=False), steps
    )
    boxes = 0
    for index in range(6):
        people = mixed[index]['data_samples'].gt_instances
        assert len(people.bboxes) == len(people.person_ids)
        assert (people.person_ids == UNLABELLED).all()
        boxes += len(people)
    assert boxes
    mixed = MultiImageMixDataset(dataset(drawn_set, 'train', False, load), steps)
    with pytest.raises(DataError, match='set use_identities=False'):
        list(map(mixed.__getitem__, range(len(mixed))))


def test_detection_only_sets_have_no_identities(drawn_set):
    data = dataset(drawn_set, 'train', use_identities=False)
    ids = [p['person_id'] for i in range(len(data)) for p in data.get_data_info(i)['instances']]
    assert set(ids) == {UNLABELLED}


def test_other_spellings_and_markers_of_identities(drawn_set):
    def edit(content):
        for index, annotation in enumerate(content['annotations']):
            identity = annotation.pop('person_id')
            key = ('pid', 'identity', 'person_id')[index % 3]
            annotation[key] = 5555 if identity == -1 else identity

    expected = [a['person_id'] for a in annotations(drawn_set, 'train')['annotations']]
    change(drawn_set, 'train', edit)
    data = dataset(drawn_set, 'train', unlabelled_ids=(5555,))
    found = {
        p['ann_index']: p['person_id']
        for i in range(len(data))
        for p in data.get_data_info(i)['instances']
    }
    assert [found[index] for index in range(len(expected))] == expected


def test_other_spellings_in_queries(drawn_set):
    def edit(content):
        for query in content['queries']:
            query['pid'] = query.pop('person_id')

    expected = [q['person_id'] for q in annotations(drawn_set)['queries']]
    change(drawn_set, 'test', edit)
    data = dataset(drawn_set)
    found = {
        q['query_index']: q['person_id']
        for i in range(len(data))
        for q in data.get_data_info(i)['queries']
    }
    assert [found[index] for index in range(len(expected))] == expected


def test_people_marked_by_any_negative_identity_are_unknown(drawn_set, mm_log):
    def edit(content):
        for index, annotation in enumerate(content['annotations']):
            annotation['person_id'] = -2 if index % 2 else annotation['person_id']

    change(drawn_set, 'train', edit)
    known = [a['person_id'] for a in annotations(drawn_set, 'train')['annotations']]
    known = [identity for identity in known if identity >= 0]
    dataset(drawn_set, 'train')
    assert f'{len(known)} of them labelled, {len(set(known))} identities' in mm_log.text


def test_ignore_regions_are_kept_apart(drawn_set):
    change(drawn_set, 'test', lambda content: content['annotations'][0].update(iscrowd=1))
    sample = dataset(drawn_set)[0]['data_samples']
    assert 0 not in sample.gt_instances.ann_indices
    assert sample.ignored_instances.ann_indices.tolist() == [0]


def test_boxes_outside_their_image_are_left_out_of_training_and_logged(drawn_set, mm_log):
    boxes = [[-50, 10, 40, 80], [470, 10, 40, 80], [5, 5, 0.5, 60]]

    def edit(content):
        for annotation, box in zip(content['annotations'], boxes, strict=False):
            annotation['bbox'] = box

    whole = len(annotations(drawn_set, 'train')['annotations'])
    change(drawn_set, 'train', edit)
    training = dataset(drawn_set, 'train', test_mode=False)
    count = sum(len(training.get_data_info(i)['instances']) for i in range(len(training)))
    assert count == whole - 2
    first = annotations(drawn_set, 'train')['images'][0]['file_name']
    assert (
        'train.json: left out of training: 2 boxes that lie outside their image or are under one '
        f'pixel, in 1 images (the first: {first})' in mm_log.text
    )
    for options, count in (({}, whole), ({'leave_out_unusable': True}, whole - 2)):
        data = dataset(drawn_set, 'train', test_mode=True, **options)
        assert sum(len(data.get_data_info(i)['instances']) for i in range(len(data))) == count


def test_an_identity_without_second_appearance_is_logged(drawn_set, mm_log):
    change(drawn_set, 'train', lambda content: content['annotations'][0].update(person_id=123_456))
    dataset(drawn_set, 'train', test_mode=False)
    line = '1 identities appear once (the first: person_id 123456); in phase 2 their one box fills'
    assert line in mm_log.text
    mm_log.clear()
    dataset(drawn_set, 'train', leave_out_unusable=True)  # as phase 2 reads it
    assert line in mm_log.text


def test_empty_and_tiny_images_can_be_filtered(drawn_set):
    def edit(content):
        first, second = (image['id'] for image in content['images'][:2])
        content['annotations'] = [a for a in content['annotations'] if a['image_id'] != first]
        content['images'][1].update(width=20)
        for annotation in content['annotations']:
            if annotation['image_id'] == second:
                annotation['bbox'] = [1, 1, 10, 30]

    images = len(annotations(drawn_set, 'train')['images'])
    change(drawn_set, 'train', edit)
    config = {'filter_empty_gt': True, 'min_size': 32}
    assert len(dataset(drawn_set, 'train', False, filter_cfg=config)) == images - 2
    assert len(dataset(drawn_set, 'train', True, filter_cfg=config)) == images


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        (lambda root: (root / 'mmps/test.json').unlink(), 'does not exist: convert the data set'),
        (lambda root: (root / 'mmps/test.json').write_text('{"images":'), 'is no JSON'),
        (lambda root: (root / 'mmps/test.json').write_text('{}'), 'is no COCO-style annotation'),
        (lambda root: (root / 'mmps/test.json').write_text('[]'), 'is no COCO-style annotation'),
        (
            lambda root: change(root, 'test', lambda c: c['images'][2].pop('width')),
            r"test\.json: .*'width' is missing: images\[2\]; tools/misc/validate_dataset\.py names",
        ),
        (
            lambda root: change(root, 'test', lambda c: c['annotations'][0].update(image_id=9**9)),
            r'no image has this image_id: annotations\[0\] \(387420489\)',
        ),
        (
            lambda root: change(root, 'test', lambda c: c['queries'][1].update(image_id=9**9)),
            r'no image has this image_id: queries\[1\] \(387420489\)',
        ),
        (lambda root: (root / 'Image').rename(root / 'Elsewhere'), 'set `data_root` to the folder'),
        (
            lambda root: change(root, 'test', lambda c: c['images'][0].update(file_name='x' * 300)),
            'set `data_root` to the folder',
        ),
        (
            lambda root: change(root, 'test', lambda c: c['images'][0].update(file_name='Image')),
            'looked for Image',
        ),
    ],
)
def test_a_broken_data_set_is_told_in_a_sentence(drawn_set, damage, message):
    damage(drawn_set)
    with pytest.raises(DataError, match=message):
        dataset(drawn_set)


def test_missing_and_broken_images_are_told_by_name(drawn_set):
    data = dataset(drawn_set)
    first, second, third = (Path(data.get_data_info(i)['img_path']) for i in range(3))
    first.unlink()
    with pytest.raises(DataError, match=f'{first.name} cannot be read'):
        data.prepare_data(0)
    second.write_bytes(b'no image')
    with pytest.raises(DataError, match=f'{second.name} is no readable image'):
        data.prepare_data(1)
    third.write_bytes(third.read_bytes()[:-2])
    with pytest.raises(DataError, match=f'{third.name} is no readable image, or cut short'):
        data.prepare_data(2)


class Store(LocalBackend):
    """Gives files by names below a root that is its own."""

    def __init__(self, root):
        self.root = Path(root)

    def get(self, filepath):
        return super().get(self.root / filepath)

    def get_local_path(self, filepath):
        return super().get_local_path(self.root / filepath)


def test_annotations_and_images_come_from_the_backend(drawn_set):
    register_backend('test_store', Store, force=True)
    settings = {'backend': 'test_store', 'root': str(Path(drawn_set).parent)}
    load = {'type': 'LoadImageFromFile', '_scope_': 'mmps', 'backend_args': settings}
    pipeline = [load, *TEST_PIPELINE[1:]]
    stored = dataset(Path(drawn_set).name, pipeline=pipeline, backend_args=settings)
    plain = dataset(drawn_set)
    assert len(stored) == len(plain) > 0
    assert (stored[0]['inputs'] == plain[0]['inputs']).all()
    assert stored[0]['data_samples'].img_path.startswith(Path(drawn_set).name)


@pytest.mark.parametrize('name', [3, ['people']])
def test_an_identity_space_is_a_name(drawn_set, name):
    with pytest.raises(ConfigError, match='identity_space must be a name'):
        dataset(drawn_set, identity_space=name)
