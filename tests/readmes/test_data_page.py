"""The data page's examples run as they stand there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import ExifTags, Image

import mmps.datasets
from mmps.datasets import PersonSearchDataset
from mmps.evaluation import GroundTruth, PersonSearchMetric
from mmps.formats.validation import validate
from mmps.registry import METRICS, TASK_UTILS
from mmps.structures import UNLABELLED

README = Path(mmps.datasets.__file__).with_name('README.md').read_text(encoding='utf-8')
TABLE = """file,x,y,w,h,person
a.png,10,5,30,80,3
a.png,50.5,6,28,75,
b.png,12,4,31,82,3
sub/c.png,60,8,30,79,5
b.png,40,9,33,70,5
b.png,2,9,20,70,9
"""


def blocks(language):
    return re.findall(rf'```{language}\n(.*?)```', README, flags=re.DOTALL)


def draw(path, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((size[1], size[0], 3), np.uint8)).save(path)


def dataset(root, ann_file, test_mode=True):
    init_default_scope('mmdet')
    return PersonSearchDataset(
        ann_file=ann_file,
        data_root=str(root),
        test_mode=test_mode,
        pipeline=[
            {'type': 'mmps.LoadScene'},
            {'type': 'Resize', 'scale': (64, 64), 'keep_ratio': False},
            {'type': 'mmps.LoadPeople'},
            {'type': 'mmps.PackPersonSearchInputs'},
        ],
    )


@pytest.mark.parametrize('test_mode', [True, False])
def test_the_smallest_file_loads(tmp_path, test_mode):
    (text,) = blocks('json')
    content = json.loads(text)
    (tmp_path / 'test.json').write_text(text)
    image = content['images'][0]
    draw(tmp_path / image['file_name'], (image['width'], image['height']))
    assert not [p for p in validate(content, tmp_path) if p.is_error and 'query' not in str(p)]
    data = dataset(tmp_path, 'test.json', test_mode)
    sample = data[0]['data_samples']
    assert sample.gt_instances.person_ids.tolist() == [7, UNLABELLED]
    assert data.get_data_info(0)['camera_id'] == 2
    assert sample.query_instances.query_indices.tolist() == [0]


def as_excel_saves(table):
    """What "CSV UTF-8" is where commas separate decimals."""
    return table.replace(',', ';').replace('.5', ',5').replace('\n', '\r\n').encode('utf-8-sig')


@pytest.mark.parametrize(
    'save',
    [
        str.encode,
        lambda table: table.encode('utf-8-sig'),
        as_excel_saves,
        lambda table: table.replace(',', '\t').encode('utf-16'),
    ],
)
def test_the_worked_example_makes_a_searchable_set(tmp_path, monkeypatch, save):
    (recipe,) = [block for block in blocks('python') if 'frame.csv' in block]
    for name in ('a.png', 'b.png', 'sub/c.png'):
        draw(tmp_path / 'root' / name, (100, 90))
    (tmp_path / 'frame.csv').write_bytes(save(TABLE))
    monkeypatch.chdir(tmp_path)
    exec(recipe, {})
    content = json.loads((tmp_path / 'root/test.json').read_text())
    problems = validate(content, tmp_path / 'root')
    assert [(p.kind, p.where) for p in problems] == [('a person is in one image only', 'person 9')]
    ground_truth = GroundTruth.load(tmp_path / 'root/test.json')
    assert (ground_truth.num_images, ground_truth.num_queries) == (3, 2)
    assert ground_truth.person_ids.tolist() == [3, UNLABELLED, 3, 5, 5, 9]
    assert ground_truth.bboxes[1].tolist() == [50.5, 6, 78.5, 81]
    data = dataset(tmp_path / 'root', 'test.json')
    assert [len(data.get_data_info(i)['instances']) for i in range(3)] == [2, 3, 1]
    queries = [q for i in range(3) for q in data.get_data_info(i)['queries']]
    assert sorted(q['person_id'] for q in queries) == [3, 5]


def test_the_worked_example_measures_photographs_as_they_are_shown(tmp_path, monkeypatch):
    (recipe,) = [block for block in blocks('python') if 'frame.csv' in block]
    path, exif = tmp_path / 'root/a.jpg', Image.Exif()
    draw(path, (100, 90))
    exif[ExifTags.Base.Orientation] = 8
    Image.open(path).save(path, exif=exif)
    (tmp_path / 'frame.csv').write_text('file,x,y,w,h,person\na.jpg,10,5,30,80,3\n')
    monkeypatch.chdir(tmp_path)
    exec(recipe, {})
    (image,) = json.loads((tmp_path / 'root/test.json').read_text())['images']
    assert (image['width'], image['height']) == (90, 100)


def test_the_example_config_tests_the_users_set(tmp_path):
    (text,) = [block for block in blocks('python') if 'GenericProtocol' in block]
    root = Path(__file__).parents[2]
    if not (root / 'configs').is_dir():
        pytest.skip('the configs are not beside the package')
    path = tmp_path / 'mine.py'
    path.write_text(text.replace("'configs/", f"'{root}/configs/"))
    config = Config.fromfile(path)
    assert config.test_dataloader.dataset.ann_file == 'test.json'
    assert config.test_dataloader.dataset.test_mode
    assert METRICS.get(config.test_evaluator.type) is PersonSearchMetric
    assert TASK_UTILS.build(config.test_evaluator.protocol)
    assert config.test_evaluator.protocol == {'type': 'mmps.GenericProtocol'}
