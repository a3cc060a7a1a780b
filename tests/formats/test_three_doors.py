"""One file, three doors: data set, evaluator and validator read the same, or reject the same."""

from __future__ import annotations

import copy
import importlib.util
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmps.datasets import PersonSearchDataset
from mmps.evaluation import NO_CAMERA, GroundTruth
from mmps.formats.reading import Reading
from mmps.formats.validation import validate
from mmps.structures import DataError, is_labelled

ROOT = Path(__file__).parents[2]


def good():
    """Three images with person 0 left and person 1 right, and a query for each."""
    images = [
        {'id': k, 'file_name': f'{k}.jpg', 'width': 160, 'height': 120, 'camera_id': k % 2}
        for k in (1, 2, 3)
    ]
    annotations = [
        {'id': 2 * k + p - 1, 'image_id': k, 'category_id': 1, 'bbox': [10 + 60 * p, 20, 30, 80],
         'person_id': p}
        for k in (1, 2, 3) for p in (0, 1)
    ]  # fmt: skip
    queries = [{'image_id': 1, 'bbox': [10 + 60 * p, 20, 30, 80], 'person_id': p} for p in (0, 1)]
    return {
        'images': images,
        'annotations': annotations,
        'categories': [{'id': 1, 'name': 'person'}],
        'queries': queries,
    }


def right_people(content):
    return [a for a in content['annotations'] if a['bbox'][0] == 70]


def on_right(**fields):
    """Change the three boxes on the right; nobody searches for them."""

    def change(content):
        for annotation in right_people(content):
            annotation.update(fields)
        del content['queries'][1]

    return change


def respell(old, new, parts=('annotations', 'queries'), value=lambda v: v):
    def change(content):
        for part in parts:
            for record in content[part]:
                if old in record:
                    record[new] = value(record.pop(old))

    return change


def categories(*names, right=2):
    """Give the boxes on the right another category than those on the left."""

    def change(content):
        content['categories'] = [{'id': k, 'name': name} for k, name in enumerate(names, 1)]
        on_right(category_id=right)(content)

    return change


def into(holder, key):
    """Put identities where CVAT or COCO Annotator put them; queries keep ours."""

    def change(content):
        for annotation in content['annotations']:
            annotation[holder] = {'occluded': False, key: annotation.pop('person_id')}

    return change


def write(folder, content, encoding='utf-8'):
    path = folder / 'test.json'
    path.write_bytes(json.dumps(content).encode(encoding))
    (folder / '1.jpg').touch()
    return path


def through_data_set(path, unlabelled_ids=(), identity_key=None, classes=None, **more):
    metainfo = {'classes': classes} if classes else None
    data = PersonSearchDataset(
        ann_file=path.name,
        data_root=str(path.parent),
        metainfo=metainfo,
        unlabelled_ids=unlabelled_ids,
        identity_key=identity_key,
        **{'test_mode': True, 'pipeline': [], **more},
    )
    found = [i for k in range(len(data)) for i in data.get_data_info(k)['instances']]
    people = sorted(i['ann_index'] for i in found if not i['ignore_flag'])
    ignored = sorted(i['ann_index'] for i in found if i['ignore_flag'])
    known = {i['ann_index']: i['person_id'] for i in found if is_labelled(i['person_id'])}
    return people, ignored, known


def through_evaluator(path, unlabelled_ids=(), identity_key=None, classes=None):
    truth = GroundTruth.load(path, unlabelled_ids, identity_key, classes)
    known = {k: i for k, i in enumerate(truth.person_ids.tolist()) if is_labelled(i)}
    return truth.people.nonzero()[0].tolist(), truth.ignored.nonzero()[0].tolist(), known


def complaints(content, **options):
    problems = validate(content, reading=Reading.of(**options))
    return {(p.kind, p.where) for p in problems if p.is_error}


def validate_tool():
    spec = importlib.util.spec_from_file_location(
        'validate_dataset', ROOT / 'tools/misc/validate_dataset.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


LEFT = {0: 0, 2: 0, 4: 0}
BOTH = {**LEFT, 1: 1, 3: 1, 5: 1}
READ = {
    # name: change, options, number of people and of ignore regions, identities by position
    'nothing odd': (lambda c: None, {}, 6, 0, BOTH),
    'PRW marks the unknown by -2': (on_right(person_id=-2), {}, 6, 0, LEFT),
    'null is unknown': (on_right(person_id=None), {}, 6, 0, LEFT),
    'a marker of this file': (on_right(person_id=5555), {'unlabelled_ids': [5555]}, 6, 0, LEFT),
    'GFN numbers the unknown too': (on_right(is_known=False), {}, 6, 0, LEFT),
    'GFN, the known': (on_right(is_known=True), {}, 6, 0, BOTH | {}),
    'pandas writes 7.0': (respell('person_id', 'person_id', value=float), {}, 6, 0, BOTH),
    'whole numbers as 1.0': (
        lambda c: (respell('id', 'id', ('images',), float)(c),
                   respell('image_id', 'image_id', value=float)(c)), {}, 6, 0, BOTH),
    'pid': (respell('person_id', 'pid'), {}, 6, 0, BOTH),
    'identity': (respell('person_id', 'identity'), {}, 6, 0, BOTH),
    'cam_id': (respell('camera_id', 'cam_id', ('images',)), {}, 6, 0, BOTH),
    'ignore: 1': (on_right(ignore=1), {}, 3, 3, LEFT),
    'ignore: true': (on_right(ignore=True), {}, 3, 3, LEFT),
    'ignore: 0': (on_right(ignore=0, iscrowd=False), {}, 6, 0, BOTH),
    'iscrowd: true': (on_right(iscrowd=True, person_id=-1), {}, 3, 3, LEFT),
    'iscrowd: 1.0': (on_right(iscrowd=1.0, person_id=-1), {}, 3, 3, LEFT),
    'iscrowd: null': (on_right(iscrowd=None), {}, 6, 0, BOTH),
    'cars beside people': (categories('person', 'car'), {}, 3, 0, LEFT),
    'cars before people': (
        lambda c: (categories('car', 'Pedestrians', right=1)(c),
                   [a.update(category_id=2) for a in c['annotations'] if a['bbox'][0] == 10]),
        {}, 3, 0, LEFT),
    'ignored regions': (categories('Person', 'ignored regions'), {}, 3, 3, LEFT),
    "don't care": (categories('people', "Don't Care"), {}, 3, 3, LEFT),
    'one category of another name': (categories('player', right=1), {}, 6, 0, BOTH),
    'one category, and one to ignore': (categories('player', 'Ignore'), {}, 3, 3, LEFT),
    'chosen': (categories('walker', 'car'), {'classes': ['walker']}, 3, 0, LEFT),
    'both chosen': (categories('walker', 'rider'), {'classes': ['Walker', 'rider']}, 6, 0, BOTH),
    'person alone, of two': (categories('person', 'people'), {'classes': 'person'}, 3, 0, LEFT),
    'no categories': (lambda c: c.pop('categories'), {}, 6, 0, BOTH),
    'CVAT': (into('attributes', 'track_id'), {'identity_key': 'attributes.track_id'}, 6, 0, BOTH),
    'COCO Annotator': (into('metadata', 'id'), {'identity_key': 'metadata.id'}, 6, 0, BOTH),
    'two objects deep': (
        lambda c: [a.update(attributes={'track': {'id': a.pop('person_id')}})
                   for a in c['annotations']],
        {'identity_key': 'attributes.track.id'}, 6, 0, BOTH),
    'flattened by pandas': (
        respell('person_id', 'attributes.track_id', ('annotations',)),
        {'identity_key': 'attributes.track_id'}, 6, 0, BOTH),
    'top level': (respell('person_id', 'track_id', ('annotations',)),
                  {'identity_key': 'track_id'}, 6, 0, BOTH),
}  # fmt: skip
for _name in ('GFN, the known', 'ignore: 0', 'iscrowd: null'):
    READ[_name] = (*READ[_name][:4], BOTH)


@pytest.mark.parametrize(
    ('change', 'options', 'people', 'ignored', 'known'), READ.values(), ids=READ
)
def test_the_same_is_read(tmp_path, change, options, people, ignored, known):
    content = good()
    change(content)
    path = write(tmp_path, content)
    read = through_data_set(path, **options)
    assert (len(read[0]), len(read[1]), read[2]) == (people, ignored, known)
    assert through_evaluator(path, **options) == read
    if 'categories' in content:
        assert not complaints(content, **options)


@pytest.mark.parametrize('key', ['camera_id', 'cam_id'])
@pytest.mark.parametrize('right', [{}, {1: 1.0, 3: 1.0}, {2: None}, {2: -1}, {2: -7}])
def test_the_same_cameras_are_read(tmp_path, key, right):
    content = good()
    for image in content['images']:
        image[key] = right.get(image['id'], image.pop('camera_id'))
    content['queries'][1].update({key: 4.0, 'image_id': 2})
    path = write(tmp_path, content)
    second = None if 2 in right else 0
    data = PersonSearchDataset(ann_file=path.name, data_root=str(tmp_path), test_mode=True)
    cameras = [data.get_data_info(k)['camera_id'] for k in range(3)]
    assert cameras == [1, second, 1]
    assert not any(isinstance(camera, float) for camera in cameras)
    truth = GroundTruth.load(path)
    assert truth.image_cameras.tolist() == [1, NO_CAMERA if second is None else 0, 1]
    assert truth.query_cameras.tolist() == [1, 4]


ONE = {'annotations': 1, 'queries': 1, 'images': 1, 'categories': 0}


def put(part, key, value):
    def change(content):
        content[part][ONE[part]][key] = value

    return change


REJECTED = {
    # name: change, options, words of the sentence
    'ids of images as text': (
        lambda c: (respell('id', 'id', ('images',), str)(c),
                   respell('image_id', 'image_id', value=str)(c)), {},
        ("'id'", 'images[0]', "'1' is not a whole number")),
    'ids beyond 64 bits': (
        lambda c: (respell('id', 'id', ('images',), lambda v: v + 2**63)(c),
                   respell('image_id', 'image_id', value=lambda v: v + 2**63)(c)), {},
        ("'id'", 'images[0]', 'beyond 64 bits')),
    'iscrowd as text': (put('annotations', 'iscrowd', '0'), {}, ("'iscrowd'", "'0' is not 0 or 1")),
    'ignore as text': (put('annotations', 'ignore', 'no'), {}, ("'ignore'", "'no' is not 0 or 1")),
    'iscrowd 2': (put('annotations', 'iscrowd', 2), {}, ("'iscrowd'", '2 is not 0 or 1')),
    'is_known as text': (put('annotations', 'is_known', 'n'), {}, ("'is_known'", "'n'")),
    'person_id as text': (put('annotations', 'person_id', '0'), {}, ("'person_id'", "'0' is not")),
    'pid as text': (respell('person_id', 'pid', value=str), {}, ("'pid'", "'0' is not a whole")),
    'pid of a query as text': (put('queries', 'pid', '1'), {}, ("'pid'", 'queries[1]', "'1' is")),
    'pid with a fraction': (put('annotations', 'pid', 0.5), {}, ("'pid'", '0.5 is not a whole')),
    'identity by name': (put('annotations', 'identity', 'ann'), {}, ("'identity'", "'ann' is not")),
    'person_id: true': (put('annotations', 'person_id', True), {}, ("'person_id'", 'True is not')),
    'person_id: NaN': (put('annotations', 'person_id', float('nan')), {}, ("'person_id'", 'nan')),
    'camera by name': (put('images', 'camera_id', 'c1'), {}, ("'camera_id'", "'c1' is not")),
    'cam_id by name': (put('images', 'cam_id', 'c1'), {}, ("'cam_id'", "'c1' is not a whole")),
    'a query of nobody': (put('queries', 'person_id', -2), {}, ('query has no identity', '[1]')),
    'a query of an unknown person': (
        put('queries', 'is_known', False), {}, ('query has no identity', 'queries[1]')),
    'a query of a marker': (lambda c: None, {'unlabelled_ids': [1]}, ('query has no', '[1]')),
    'width as text': (put('images', 'width', '160'), {}, ("'width'", "'160' is not a whole")),
    'a box as text': (put('annotations', 'bbox', '1 2 3 4'), {}, ("'bbox'", 'four finite')),
    'a box far beyond any image': (
        put('annotations', 'bbox', [1, 2, 3, 1e300]), {},
        ("'bbox'", '1e+300] is not', 'up to a million')),
    'a box with a truth value': (put('queries', 'bbox', [1, 2, 3, True]), {}, ("'bbox'", 'four')),
    'a box without area': (put('queries', 'bbox', [1, 2, 0, 3]), {}, ('no area', 'queries[1]')),
    'an annotation without area': (
        put('annotations', 'bbox', [1, 2, 0, 3]), {}, ('no area', '[1]')),
    'a query beside its image': (
        put('queries', 'bbox', [160, 20, 30, 80]), {}, ('outside its image', 'queries[1] ([160')),
    'a query above its image': (
        put('queries', 'bbox', [10, -80, 30, 80]), {}, ('outside its image', 'queries[1]')),
    'an image twice': (put('images', 'id', 1), {}, ('an id occurs twice', 'images[1] (id 1)')),
    'an annotation twice': (put('annotations', 'id', 1), {}, ('an id occurs twice', '(id 1)')),
    'nobody is a person': (
        categories('car', 'truck'), {}, ('no category stands for people', 'car, truck',
                                         'classes')),
    'a class that is not there': (
        categories('person', 'car'), {'classes': ['walker']}, ("called 'walker'", 'person, car')),
    'a category that is not there': (
        put('annotations', 'category_id', 9), {}, ('no category has this', 'annotations[1] (9)')),
    'a category without name': (put('categories', 'name', None), {}, ("'name'", 'categories[0]')),
    'no category among two': (
        lambda c: (categories('person', 'car')(c), c['annotations'][0].pop('category_id')), {},
        ("'category_id' is missing", 'annotations[0]')),
    'an identity key that is not there': (
        lambda c: None, {'identity_key': 'attributes.track_id'}, ('attributes.track_id',)),
    'text under the identity key': (
        lambda c: [a.update(attributes={'track_id': 'x'}) for a in c['annotations']],
        {'identity_key': 'attributes.track_id'}, ("'attributes.track_id'", "'x' is not a whole")),
    'text two objects deep': (
        lambda c: [a.update(attributes={'track': {'id': 'x'}}) for a in c['annotations']],
        {'identity_key': 'attributes.track.id'}, ("'attributes.track.id'", "'x' is not a whole")),
    'annotations of no image': (put('annotations', 'image_id', 99), {}, ('no image', '(99)')),
}  # fmt: skip


@pytest.mark.parametrize(('change', 'options', 'words'), REJECTED.values(), ids=REJECTED)
def test_the_same_is_rejected_in_the_same_words(tmp_path, change, options, words):
    content = good()
    change(content)
    path = write(tmp_path, content)
    with pytest.raises(DataError) as by_data_set:
        through_data_set(path, **options)
    with pytest.raises(DataError) as by_evaluator:
        through_evaluator(path, **options)
    assert str(by_data_set.value) == str(by_evaluator.value)
    sentence = str(by_data_set.value)
    assert sentence.count('\n') == 0
    assert sentence.startswith(str(path))
    assert all(word in sentence for word in words)
    assert any(
        kind in sentence and where in sentence for kind, where in complaints(content, **options)
    )


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16', 'utf-16-le', 'utf-16-be'])
def test_any_unicode(tmp_path, encoding, capsys):
    content = good()
    content['images'][0]['camera_name'] = 'Süd'
    path = write(tmp_path, content, encoding)
    assert through_data_set(path)[2] == through_evaluator(path)[2] == BOTH
    assert validate_tool()([str(path)]) == 0
    assert '0 errors' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (into('attributes', 'track_id'), ('nobody has an identity', 'attributes.track_id (6')),
        (into('attributes', 'object_id'), ('nobody has an identity', 'attributes.object_id')),
        (into('metadata', 'track_id'), ('metadata.track_id', 'identity_key')),
        (respell('person_id', 'track_id', ('annotations',)), ('track_id (6', 'is not read')),
        (respell('person_id', 'personId', ('annotations',)), ('personId', 'is not read')),
        (respell('camera_id', 'camera', ('images',)), ('no camera', 'camera (3', 'is not read')),
        (put('annotations', 'pid', 9), ('two identities', 'person_id is read, pid is not')),
        (put('images', 'cam_id', 9), ('two cameras', 'camera_id is read, cam_id is not (1 im')),
        (
            put('queries', 'camera_id', 9),
            ("a query's camera", '1 queries, the first: queries[1] (9, image 1)'),
        ),
        (categories('person', 'car'), ('another category', 'car (3 boxes)')),
        (
            lambda c: [r.update(bbox=[0.1, 0.2, 0.3, 0.5]) for r in c['annotations']],
            ('fractions of the image size', 'multiply'),
        ),
    ],
)
def test_what_is_not_read_is_named(tmp_path, change, words, mm_log):
    content = good()
    change(content)
    path = write(tmp_path, content)
    problems = validate(content)
    assert any(all(w in f'{p.kind}: {p.where}' for w in words) for p in problems if not p.is_error)
    for door in (through_data_set, through_evaluator):
        mm_log.clear()
        door(path)
        assert any(all(word in line for word in (str(path), *words)) for line in mm_log.messages)


def test_fields_that_everybody_can_do_without_are_not_named():
    content = good()
    for annotation in content['annotations']:
        annotation['attributes'] = {'track_id': annotation['id']}
    assert validate(content) == []


@pytest.mark.parametrize(
    ('change', 'words', 'is_error'),
    [
        (put('annotations', 'id', 0), 'id 0', False),
        (put('annotations', 'bbox', [70, 20, 30, 0.5]), 'under one pixel', False),
        (lambda c: (c['annotations'].clear(), c['queries'].clear()), 'no people', False),
        (lambda c: [c[part].clear() for part in c if part != 'categories'], 'no images', False),
        (on_right(iscrowd=1, person_id=-1), '', False),
        (put('images', 'file_name', 'C:/data/2.jpg'), 'not a relative path', True),
        (put('images', 'file_name', '/data/2.jpg'), 'not a relative path', True),
        (into('attributes', 'track_id'), 'no annotation has an identity', True),
    ],
)
def test_what_the_validator_alone_remarks(change, words, is_error):
    content = good()
    change(content)
    found = {(p.kind, p.is_error) for p in validate(content)}
    assert any(words in kind and is_error == e for kind, e in found) or (not words and not found)


def test_ignore_regions_of_elsewhere_may_have_identities():
    content = good()
    for annotation in right_people(content):
        annotation['ignore'] = 1
    problems = validate(content)
    assert not any(problem.is_error for problem in problems)
    assert {p.kind for p in problems} == {
        'an ignore region has an identity',
        'a query names a person who has no box but ignore regions',
    }


def test_training_reads_boxes_without_area_and_leaves_them_out(tmp_path):
    content = good()
    put('annotations', 'bbox', [70, 20, 0, 80])(content)
    people, _, _ = through_data_set(write(tmp_path, content), test_mode=False)
    assert people == [0, 2, 3, 4, 5]


def test_models_see_one_class_whatever_it_is_called(tmp_path):
    content = good()
    categories('walker', 'car')(content)
    path = write(tmp_path, content)
    data = PersonSearchDataset(
        ann_file=path.name, data_root=str(tmp_path), metainfo={'classes': ('walker',), 'x': 1}
    )
    assert data.metainfo['classes'] == ('person',)
    assert data.metainfo['x'] == 1


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (lambda c: [a.update(bbox=[0.1, 0.2, 0.3, 0.5]) for a in c['annotations']],
         ('leaves none of its 3 images', '6 boxes', 'under one pixel', 'fractions of the image')),
        (lambda c: [a.update(iscrowd=1, person_id=-1) for a in c['annotations']],
         ('leaves none of its 3 images', '6 boxes are ignore regions')),
        (lambda c: c['annotations'].clear(), ('leaves none of its 3 images', 'has no boxes')),
        (lambda c: [c['queries'].clear(), *[i.update(width=20) for i in c['images']]],
         ('leaves none', 'outside their image', 'in images under min_size')),
        (categories('car', 'person', right=1), ('leaves none', '6 boxes', 'another category')),
        (lambda c: [c[part].clear() for part in ('images', 'annotations', 'queries')],
         ('lists no images',)),
    ],
)  # fmt: skip
def test_a_set_of_which_nothing_is_left_says_why(tmp_path, change, words):
    content = good()
    change(content)
    path = write(tmp_path, content)
    filter_cfg = {'filter_empty_gt': True, 'min_size': 32}
    with pytest.raises(DataError) as caught:
        through_data_set(path, test_mode=False, filter_cfg=filter_cfg)
    assert all(word in str(caught.value) for word in (str(path), *words))


def test_a_copy_in_our_spelling_needs_no_options(tmp_path, capsys):
    content = good()
    into('attributes', 'track_id')(content)
    categories('walker', 'car')(content)
    path, ours = write(tmp_path, content), tmp_path / 'ours.json'
    options = ['--identity-key', 'attributes.track_id', '--classes', 'walker']
    assert validate_tool()([str(path), *options, '--write', str(ours)]) == 0
    assert validate_tool()([str(ours)]) == 0
    assert '0 errors, 0 warnings' in capsys.readouterr().out
    assert (
        through_data_set(ours)
        == through_evaluator(ours)
        == ([0, 1, 2], [], dict.fromkeys(range(3), 0))
    )


NUMBERS = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([2**63, -(2**63) - 5, 0.5, 7.0, float('nan'), float('inf'), 1e300]),
)
ODD = st.one_of(
    NUMBERS,
    st.none(),
    st.booleans(),
    st.sampled_from(['', '0', '1', 'x']),
    st.just([]),
    st.just({}),
)
FIELDS = {
    'images': ('id', 'width', 'height', 'file_name', 'camera_id', 'cam_id'),
    'annotations': (
        'id', 'image_id', 'category_id', 'bbox', 'person_id', 'pid', 'identity', 'iscrowd',
        'ignore', 'is_known', 'track_id', 'attributes',
    ),
    'queries': ('image_id', 'bbox', 'person_id', 'pid', 'camera_id', 'is_known'),
    'categories': ('id', 'name'),
}  # fmt: skip
PLACES = st.sampled_from([(part, field) for part, fields in FIELDS.items() for field in fields])
EDITS = st.lists(
    st.tuples(PLACES, st.integers(0, 5), st.one_of(ODD, st.lists(NUMBERS, min_size=4, max_size=4))),
    min_size=1,
    max_size=3,
)


def outcome(door, path):
    try:
        return door(path)
    except DataError as error:
        return str(error)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(edits=EDITS, names=st.sampled_from([('person',), ('person', 'car'), ('car', 'bus'), ('x',)]))
def test_the_doors_agree_on_odd_files(tmp_path, edits, names):
    content = good()
    content['categories'] = [{'id': k, 'name': name} for k, name in enumerate(names, 1)]
    for (part, field), place, value in edits:
        content[part][place % len(content[part])][field] = copy.deepcopy(value)
    path = write(tmp_path, content)
    seen, judged = outcome(through_data_set, path), outcome(through_evaluator, path)
    if isinstance(seen, str) or isinstance(judged, str):
        # The data set looks for the images too, which the evaluator never opens.
        assert seen == judged or 'images of' in seen
    else:
        assert seen == judged
    errors = complaints(content)
    if isinstance(judged, str):
        assert any(kind in judged and where in judged for kind, where in errors)
