from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pytest

from mmps.datasets.converters.convert import check_counts
from mmps.datasets.converters.log import ConversionLog
from mmps.datasets.converters.records import Image, Person, Split
from mmps.structures import UNLABELLED, DataError
from mmps.synthetic.layouts import cuhk_sysu, mot17_det, prw, wider_pedestrian


def boxes_of(content, file_name):
    """Ignore flag, identity and xywh of everybody in one image of a JSON file."""
    ids = [image['id'] for image in content['images'] if image['file_name'] == file_name]
    assert len(ids) == 1, file_name
    return [
        (a['iscrowd'], a['person_id'], *a['bbox'])
        for a in content['annotations']
        if a['image_id'] == ids[0]
    ]


def scenes_of(scenes, split):
    return [scene for scene in scenes if scene.spec.split == split]


@pytest.mark.parametrize('split', ['train', 'test'])
def test_cuhk_sysu_comes_back_to_the_box(drawn, run_converter, split):
    root, scenes = drawn('cuhk_sysu')
    content = run_converter('cuhk_sysu', root)[1][split]
    scenes = scenes_of(scenes, split)
    known = set(cuhk_sysu.appearances(scenes, split))
    numbers: dict[int, int] = {}
    assert len(content['images']) == len(scenes)
    for scene in scenes:
        found = boxes_of(content, scene.file_name)
        assert [row[2:] for row in found] == [
            cuhk_sysu.official_box(scene, p) for p in scene.people
        ]
        for (ignored, person_id, *_), person in zip(found, scene.people, strict=True):
            assert not ignored
            assert (person_id != UNLABELLED) == (person.identity in known)
            if person_id != UNLABELLED:
                assert numbers.setdefault(person.identity, person_id) == person_id
    assert sorted(numbers.values()) == list(range(len(known)))


def test_cuhk_sysu_queries_and_galleries_come_back(drawn, run_converter):
    root, scenes = drawn('cuhk_sysu')
    _, contents = run_converter('cuhk_sysu', root)
    content = contents['test']
    galleries = np.load(root / 'mmps/galleries_50.npz', allow_pickle=False)
    assert galleries['offsets'].dtype == galleries['image_ids'].dtype == np.int64
    assert galleries['bboxes'].dtype == np.float32
    assert [query['person_id'] for query in content['queries']] == list(
        range(len(content['queries']))
    )
    annotated = {(a['image_id'], a['person_id']): a['bbox'] for a in content['annotations']}
    for k, query in enumerate(content['queries']):
        entries = slice(*galleries['offsets'][k : k + 2])
        assert annotated[query['image_id'], query['person_id']] == query['bbox']
        assert query['image_id'] not in galleries['image_ids'][entries]
        for image_id, bbox in zip(
            galleries['image_ids'][entries], galleries['bboxes'][entries], strict=True
        ):
            expected = annotated.get((image_id, query['person_id']), [np.nan] * 4)
            assert np.array_equal(bbox, np.float32(expected), equal_nan=True)
    assert len(scenes_of(scenes, 'test')) == len(content['images'])


def test_subsets_point_at_their_queries(drawn, run_converter):
    root, _ = drawn('cuhk_sysu')
    content = run_converter('cuhk_sysu', root)[1]['test']
    resolution = np.load(root / 'mmps/galleries_resolution.npz', allow_pickle=False)
    index = resolution['query_index']
    assert len(resolution['offsets']) == len(index) + 1
    heights = [query['bbox'][3] for query in content['queries']]
    small = {k for k, height in enumerate(heights) if height < cuhk_sysu.LOW_RESOLUTION}
    assert set(index.tolist()) == small
    assert 'query_index' in np.load(root / 'mmps/galleries_occlusion.npz', allow_pickle=False)


@pytest.mark.parametrize('split', ['train', 'test'])
def test_prw_comes_back_to_the_box(drawn, run_converter, split):
    root, scenes = drawn('prw')
    content = run_converter('prw', root)[1][split]
    scenes = scenes_of(scenes, split)
    assert [image['file_name'] for image in content['images']] == sorted(
        s.file_name for s in scenes
    )
    for scene in scenes:
        rows = prw.official_rows(scene)
        expected = [(0, UNLABELLED if row[0] == -2 else row[0], *row[1:]) for row in rows]
        found = boxes_of(content, scene.file_name)
        assert np.allclose(found, np.reshape(expected, (-1, 6)), rtol=0, atol=1e-12)
    cameras = {image['file_name']: image['camera_id'] for image in content['images']}
    assert all(f'frames/c{camera}s' in name for name, camera in cameras.items())
    small = [i for i in content['images'] if i['camera_id'] == prw.CAMERAS]
    assert {(i['width'], i['height']) for i in small} <= {(400, 320)}


def test_prw_queries_are_one_per_identity_and_camera(drawn, run_converter):
    root, scenes = drawn('prw')
    content = run_converter('prw', root)[1]['test']
    pairs = [(query['person_id'], query['camera_id']) for query in content['queries']]
    assert len(set(pairs)) == len(pairs) == len(list((root / 'query_box').iterdir())) > 10
    trained = {i + 1 for s in scenes_of(scenes, 'train') for i in s.spec.identities}
    tested = {a['person_id'] for a in content['annotations']}
    assert trained & tested
    assert not trained & {identity for identity, _ in pairs}
    annotated = {(a['image_id'], a['person_id']): a['bbox'] for a in content['annotations']}
    for query in content['queries']:
        bbox = annotated[query['image_id'], query['person_id']]
        assert query['bbox'] == pytest.approx(bbox, abs=1e-4)


def test_prw_traps_are_in_the_drawn_files(drawn, run_converter):
    root, _ = drawn('prw')
    contents = run_converter('prw', root)[1]
    boxes = [a['bbox'] for content in contents.values() for a in content['annotations']]
    assert any(-4 <= x < 0 for x, *_ in boxes)
    assert any(value != int(value) for box in boxes for value in box)
    text = (root / 'query_info.txt').read_bytes()
    assert text.count(b'\r\n') == text.count(b'\n') > 0


def test_mot17_det_comes_back_to_the_box(drawn, run_converter):
    root, scenes = drawn('mot17_det')
    content = run_converter('mot17_det', root)[1]['train']
    scenes = scenes_of(scenes, 'train')
    assert len(content['images']) == len(scenes)
    numbers: dict[int, int] = {}
    for scene in scenes:
        rows = sorted(mot17_det.official_row(scene, p) for p in scene.people)
        found = boxes_of(content, scene.file_name)
        people = [row for row in found if not row[0]]
        expected = [row for row in rows if row[7] == 1]
        assert sorted(row[2:] for row in people) == sorted(row[2:6] for row in expected)
        ignored = [row[2:] for row in found if row[0]]
        assert ignored == [row[2:6] for row in rows if row[7] == 7]
        tracks = {row[2:6]: row[1] for row in expected}
        for _, person_id, *bbox in people:
            assert numbers.setdefault(tracks[tuple(bbox)], person_id) == person_id
    assert sorted(numbers.values()) == list(range(len(numbers)))


def test_mot17_det_traps_are_in_the_drawn_files(drawn):
    text = ''.join(p.read_text() for p in sorted(drawn('mot17_det')[0].glob('train/*/gt/gt.txt')))
    rows = [line.split(',') for line in text.splitlines()]
    assert {len(row) for row in rows} == {9}
    assert {row[7] for row in rows} == {'1', '3', '7'}
    assert {row[6] for row in rows if row[7] != '1'} == {'0'}
    assert min(int(row[2]) for row in rows) < 1
    assert not list(drawn('mot17_det')[0].glob('test/*/gt'))


@pytest.mark.parametrize('split', ['train', 'val'])
def test_wider_pedestrian_comes_back_to_the_box(drawn, run_converter, split):
    root, scenes = drawn('wider_pedestrian')
    content = run_converter('wider_pedestrian', root)[1][split]
    scenes = scenes_of(scenes, split)
    assert len(content['images']) == len(scenes)
    for scene in scenes:
        expected = [
            (
                int(wider_pedestrian.is_ignored(p)),
                UNLABELLED,
                *wider_pedestrian.official_box(scene, p)[1:],
            )
            for p in scene.people
        ]
        assert Counter(boxes_of(content, scene.file_name)) == Counter(expected)


def test_wider_pedestrian_traps_are_in_the_drawn_files(drawn):
    root, _ = drawn('wider_pedestrian')
    lines = (root / 'train_annotations.txt').read_text().split('\n')
    assert any(len(line.split()) == 1 for line in lines)
    assert '' in lines
    assert {word for line in lines for word in line.split()[1::5]} == {'1', '2'}
    assert (root / 'pedestrian_ignore_part_train.txt').read_text().strip()


@pytest.mark.parametrize('layout', ['cuhk_sysu', 'prw', 'mot17_det', 'wider_pedestrian'])
def test_same_files_every_time_and_images_stay(drawn, run_converter, tmp_path, layout):
    root, scenes = drawn(layout)
    digests = []
    for name in ('first', 'second'):
        done, _ = run_converter(layout, root, tmp_path / name)
        digests.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in done.files])
        assert {path.parent for path in done.files} == {tmp_path / name}
        assert all(path.is_file() for path in done.files)
        assert sorted(p.name for p in (tmp_path / name).iterdir()) == sorted(
            p.name for p in done.files
        )
    assert digests[0] == digests[1]
    assert all((root / scene.file_name).is_file() for scene in scenes)


@pytest.mark.parametrize('layout', ['cuhk_sysu', 'prw', 'mot17_det', 'wider_pedestrian'])
def test_a_folder_above_under_a_usual_name_is_found(drawn, run_converter, tmp_path, layout):
    usual = {
        'cuhk_sysu': 'dataset',
        'prw': 'PRW-v16.04.20',
        'mot17_det': 'MOT17Det',
        'wider_pedestrian': 'pedestrian_detection_trainval',
    }[layout]
    (tmp_path / usual).symlink_to(drawn(layout)[0])
    done, _ = run_converter(layout, tmp_path, tmp_path / 'out')
    assert len(done.files) > 1


@pytest.mark.parametrize('layout', ['cuhk_sysu', 'prw', 'mot17_det', 'wider_pedestrian'])
def test_another_folder_is_refused_with_what_was_looked_for(run_converter, tmp_path, layout):
    with pytest.raises(DataError, match=r'is not .*: neither it nor its sub-folder'):
        run_converter(layout, tmp_path)
    with pytest.raises(DataError, match='nowhere is not a folder; name the folder of'):
        run_converter(layout, tmp_path / 'nowhere')


@pytest.mark.parametrize('layout', ['cuhk_sysu', 'prw', 'mot17_det', 'wider_pedestrian'])
def test_counts_of_a_real_copy_are_compared(copy_of, run_converter, layout):
    root, _ = copy_of(layout)
    done, _ = run_converter(layout, root)
    assert not any('the published set' in line for line in done.log.summary())
    (root / 'synthetic.json').unlink()
    done, _ = run_converter(layout, root)
    assert any('the published set' in line for line in done.log.summary())
    with pytest.raises(DataError, match=r'images, the published set .* is the copy'):
        run_converter(layout, root, strict=True)


def test_right_counts_are_no_warning():
    split = Split('train', [Image('a.jpg', [Person((1, 1, 2, 2), 7)])])
    log = ConversionLog(strict=True)
    check_counts([split], {'train': {'images': 1, 'boxes': 1, 'identities': 1}}, 'A set', log)
    assert not log.lines


BROKEN_IMAGES = [
    (layout, broken)
    for layout in ('cuhk_sysu', 'prw', 'mot17_det', 'wider_pedestrian')
    for broken in ('missing', 'unreadable')
    if (layout, broken) != ('mot17_det', 'missing')  # its frames are whatever is in the folder
]


@pytest.mark.parametrize(('layout', 'broken'), BROKEN_IMAGES)
def test_images_that_are_missing_or_broken_are_left_out(copy_of, run_converter, layout, broken):
    root, scenes = copy_of(layout)
    chosen = next(s for s in reversed(scenes) if s.spec.split in ('train', 'test', 'val'))
    if layout == 'mot17_det':
        chosen = scenes_of(scenes, 'train')[3]
    (root / chosen.file_name).unlink()
    if broken == 'unreadable':
        (root / chosen.file_name).write_bytes(b'no image')
    done, contents = run_converter(layout, root)
    names = {i['file_name'] for content in contents.values() for i in content['images']}
    assert chosen.file_name not in names
    assert any(f'are {broken}, such as' in line for line in done.log.summary())
    assert any(chosen.file_name in line for line in done.log.lines)
    for content in contents.values():
        ids = {image['id'] for image in content['images']}
        assert {a['image_id'] for a in content['annotations']} <= ids
        assert {query['image_id'] for query in content.get('queries', [])} <= ids
    with pytest.raises(DataError, match=f'images of .* are {broken}, such as'):
        run_converter(layout, root, root / 'strict', strict=True)
    assert not (root / 'strict').exists()
