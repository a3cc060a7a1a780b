from __future__ import annotations

import shutil

import pytest

from mmps.datasets.converters.log import ConversionLog
from mmps.datasets.converters.mot17_det import parse
from mmps.structures import UNLABELLED, DataError

ROWS = """1,1,10,10,20,40,1,1,1
1,2,-5,0,20,40,1,1,0.2
1,3,1,1,20,40,0,1,1
1,4,1,1,20,40,0,7,1
1,5,1,1,20,40,0,3,1

2,1,12,10,20,40,1,1,0
"""


def write_sequence(folder, make_image, rows=ROWS, frames=(1, 2)):
    for frame in frames:
        make_image(folder / f'img1/{frame:06d}.jpg')
    (folder / 'gt').mkdir()
    (folder / 'gt/gt.txt').write_text(rows)
    return folder


def people_of(parsed):
    return [[(p.bbox[0], p.person_id, p.ignore) for p in i.people] for i in parsed.splits[0].images]


def test_classes_and_flags(tmp_path, make_image):
    write_sequence(tmp_path / 'train/MOT17-09', make_image)
    parsed = parse(tmp_path, ConversionLog())
    assert people_of(parsed) == [
        [(10, 0, False), (-5, 1, False), (1, UNLABELLED, True), (1, UNLABELLED, True)],
        [(12, 0, False)],
    ]
    assert [image.camera_id for image in parsed.splits[0].images] == [9, 9]


def test_what_is_no_person_is_counted_by_reason(tmp_path, make_image):
    write_sequence(tmp_path / 'train/MOT17-09', make_image)
    log = ConversionLog()
    parse(tmp_path, log, min_visibility=0.3)
    assert log.kinds == {
        'made ignore regions of rows that are of people who are visible to less than 0.3': 2,
        'made ignore regions of rows that are not considered (flag 0)': 1,
        'made ignore regions of rows that are of class 7 (static person)': 1,
        'left out rows that are of class 3 (car), and people are of class 1': 1,
    }


def test_hardly_visible_people_can_become_ignore_regions(tmp_path, make_image):
    write_sequence(tmp_path / 'train/MOT17-09', make_image)
    people = people_of(parse(tmp_path, ConversionLog(), min_visibility=0.3))
    assert people[0][1] == (-5, UNLABELLED, True)
    assert people[1] == [(12, UNLABELLED, True)]


@pytest.mark.parametrize('share', [20, -0.1, float('nan')])
def test_a_visibility_in_percent_is_refused(tmp_path, make_image, share):
    write_sequence(tmp_path / 'train/MOT17-09', make_image)
    with pytest.raises(DataError, match=rf'min_visibility must be in 0\.\.1, not {share}'):
        parse(tmp_path, ConversionLog(), min_visibility=share)


def test_copies_of_a_sequence_count_once(tmp_path, make_image):
    first = write_sequence(tmp_path / 'train/MOT17-09-DPM', make_image)
    for detector in ('FRCNN', 'SDP'):
        shutil.copytree(first, tmp_path / f'train/MOT17-09-{detector}')
    write_sequence(tmp_path / 'train/MOT17-11-SDP', make_image)
    log = ConversionLog()
    parsed = parse(tmp_path, log)
    names = [image.file_name for image in parsed.splits[0].images]
    assert names == [
        f'train/MOT17-{s}/img1/00000{k}.jpg' for s in ('09-DPM', '11-SDP') for k in (1, 2)
    ]
    assert any('used one of the copies' in line for line in log.lines)


def test_tracks_of_two_sequences_are_different_people(tmp_path, make_image):
    for number in ('02', '04'):
        write_sequence(tmp_path / f'train/MOT17-{number}', make_image)
    people = [
        p for image in parse(tmp_path, ConversionLog()).splits[0].images for p in image.people
    ]
    assert sorted({p.person_id for p in people}) == [UNLABELLED, 0, 1, 2, 3]


def test_files_on_disk_count_not_the_length_that_seqinfo_says(tmp_path, make_image):
    folder = write_sequence(tmp_path / 'MOT17-02', make_image, ROWS + '700,1,1,1,5,5,1,1,1\n')
    (folder / 'seqinfo.ini').write_text('[Sequence]\nseqLength=600\n')
    (folder / 'img1/thumbs.db').write_bytes(b'x')
    make_image(folder / 'img1/cover.jpg')
    log = ConversionLog()
    assert len(parse(tmp_path, log).splits[0].images) == 2
    assert any('1 boxes in frames that have no image' in line for line in log.lines)
    assert any('whose name is not a frame number' in line for line in log.lines)


def test_a_sequence_without_images_is_refused(tmp_path):
    (tmp_path / 'train/MOT17-02/gt').mkdir(parents=True)
    with pytest.raises(DataError, match=r'MOT17-02/img1 holds no images such as 000001\.jpg'):
        parse(tmp_path, ConversionLog())
