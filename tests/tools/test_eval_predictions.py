from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest

from mmps.evaluation import (
    CUHKSYSUProtocol,
    GenericProtocol,
    GroundTruth,
    PRWOfficialProtocol,
    PRWProtocol,
    evaluate_predictions,
)
from mmps.registry import TASK_UTILS
from mmps.testing.scene import Scene
from mmps.testing.search_data import random_search_data

TOOL = Path(__file__).parents[2] / 'tools' / 'analysis_tools' / 'eval_predictions.py'


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('eval_predictions', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


@pytest.fixture
def case(tmp_path):
    data = random_search_data(np.random.default_rng(3), num_images=6, num_people=2, num_queries=4)
    annotation, predictions = data.write(tmp_path)
    return data, str(annotation), str(predictions)


def test_writes_the_contract_keys(tool, case, tmp_path, capsys):
    data, annotation, predictions = case
    out = tmp_path / 'deep' / 'METRICS.json'
    arguments = [annotation, predictions, '--protocol', 'cuhk_sysu', '--gt-boxes']
    assert tool.main([*arguments, '--out', str(out)]) == 0
    metrics = json.loads(out.read_text())
    expected = evaluate_predictions(
        GroundTruth.load(annotation), data.predictions, CUHKSYSUProtocol(), gt_boxes=True
    )
    assert metrics == expected.metrics
    for key in ('g100/mAP', 'g100/top1', 'g100/top5', 'g100/top10', 'gt/g100/mAP', 'det/AP'):
        assert 0 <= metrics[key] <= 1
    assert 'g100' in capsys.readouterr().out


def test_runs_as_a_script(run_tool, case):
    _, annotation, predictions = case
    options = ('--protocol', 'cuhk_sysu', '--gallery-size', '4000')
    finished = run_tool(TOOL, annotation, predictions, *options)
    assert finished.returncode == 2
    assert 'galleries there: 100' in finished.stderr
    assert 'Traceback' not in finished.stderr


def run(tool, case, tmp_path, *options):
    _, annotation, predictions = case
    out = tmp_path / 'METRICS.json'
    assert tool.main([annotation, predictions, *options, '--out', str(out)]) == 0
    return json.loads(out.read_text())


@pytest.mark.parametrize(
    ('options', 'protocol'),
    [
        (['cuhk_sysu', '--convention', 'strict'], CUHKSYSUProtocol(convention='strict')),
        (['cuhk_sysu', '--gallery-size', '100', 'full'], CUHKSYSUProtocol((100, 'full'))),
        (['prw'], PRWProtocol()),
        (['prw', '--camera', 'cross'], PRWProtocol(cross_camera=True)),
        (['prw', '--camera', 'official'], PRWOfficialProtocol()),
        (['prw_official', '--boxes-per-image', '2'], PRWOfficialProtocol(boxes_per_image=(2,))),
        (['prw', '--protocol-options', 'cross_camera=True'], PRWProtocol(cross_camera=True)),
        (['generic', '--camera', 'cross'], GenericProtocol(cross_camera=True)),
        (['prw', '--boxes-per-image', '1', '2.5'], PRWProtocol(boxes_per_image=(1, 2.5))),
        (
            ['prw', '--score-weighted', '--cbgm', '3', '2', '--k-reciprocal', '4', '2'],
            PRWProtocol(
                searcher={
                    'score_weighted': True,
                    'rerankers': [
                        {'type': 'mmps.ContextGraph', 'k1': 3, 'k2': 2},
                        {'type': 'mmps.KReciprocal', 'k1': 4, 'k2': 2},
                    ],
                }
            ),
        ),
    ],
)
def test_options_choose_the_protocol(tool, case, tmp_path, options, protocol):
    metrics = run(tool, case, tmp_path, '--protocol', *options)
    ground_truth = GroundTruth.load(case[1])
    assert metrics == evaluate_predictions(ground_truth, case[0].predictions, protocol).metrics


def test_keys_of_boxes_per_image(tool, case, tmp_path):
    options = ['--protocol', 'prw', '--boxes-per-image', '1', '5', '--gt-boxes']
    metrics = run(tool, case, tmp_path, *options)
    assert {'mAP', 'top1', 'bpi1/mAP', 'bpi5/top10', 'best_bpi/mAP', 'gt/mAP'} <= set(metrics)
    assert 'gt/bpi5/mAP' not in metrics
    assert all(0 <= value <= 1 for value in metrics.values())


def test_settings_stand_beside_the_numbers(tool, case, tmp_path, capsys):
    options = ['--convention', 'strict', '--score-thr', '0.3', '--detected-queries']
    run(tool, case, tmp_path, '--protocol', 'generic', *options)
    settings = json.loads((tmp_path / 'METRICS.settings.json').read_text())
    assert settings['protocol']['type'] == 'mmps.GenericProtocol'
    assert settings['protocol']['convention'] == 'strict'
    assert (settings['score_thr'], settings['query_embeddings']) == (0.3, 'detections')
    printed = ' '.join(capsys.readouterr().out.split())
    assert 'generic, strict, score >= 0.3, camera all, queries from detections' in printed


def test_queries_that_do_not_count_are_counted(tool, scene, tmp_path, capsys):
    scene.image(1, [0, 1]).image(2, [0]).query(1).query(2).query(1, slot=1, person=1)
    scene.detect(1, 0, 0.9).detect(2, 0, 0.8).predictions().save(tmp_path / 'found.npz')
    files = [str(scene.annotation_file()), str(tmp_path / 'found.npz')]
    out = ['--out', str(tmp_path / 'METRICS.json')]
    assert tool.main([*files, '--protocol', 'generic', '--boxes-per-image', '1', *out]) == 0
    assert '2 of 3' in capsys.readouterr().out
    settings = json.loads((tmp_path / 'METRICS.settings.json').read_text())
    assert settings['queries'] == {name: {'counted': 2, 'all': 3} for name in ('search', 'bpi1')}


def test_what_the_annotation_decides_is_said_before_predictions_are_read(tool, scene, capsys):
    scene.image(1, [0], camera=3).image(2, [0], camera=3).query(1, camera=3)
    files = [str(scene.annotation_file()), 'none.npz', '--protocol', 'prw', '--camera', 'cross']
    assert tool.main(files) == 2
    assert 'camera 3 only' in capsys.readouterr().err


def test_further_options(tool, case, tmp_path):
    details = tmp_path / 'details'
    options = ['--protocol', 'generic', '--bootstrap', '50', '--details', str(details)]
    metrics = run(tool, case, tmp_path, *options)
    assert metrics['mAP_low'] <= metrics['mAP'] <= metrics['mAP_high']
    assert {path.name for path in details.iterdir()} == {'queries.csv', 'calibration.json'}


def test_markers_of_unknown_people(tool, case, tmp_path):
    data, annotation, _ = case
    options = ['--protocol', 'prw', '--camera', 'official']
    usual = run(tool, case, tmp_path, *options)
    for record in data.annotation['annotations']:
        record['person_id'] = 5555 if record['person_id'] == -1 else record['person_id']
    Path(annotation).write_text(json.dumps(data.annotation))
    assert run(tool, case, tmp_path, *options, '--unlabelled', '-1', '5555') == usual
    assert run(tool, case, tmp_path, *options) != usual
    assert json.loads((tmp_path / 'METRICS.settings.json').read_text())['unlabelled_ids'] == []


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['cuhk_sysu', '--camera', 'cross'], '--camera belongs to generic and prw, not cuhk_sysu'),
        (['cuhk_sysu', '--camera', 'official'], '--camera official belongs to prw'),
        (['cuhk_sysu', '--other-visits'], '--other-visits belongs to generic and prw'),
        (['generic', '--other-visits'], 'without visit'),
        (['cuhk_sysu', '--boxes-per-image', '3'], 'belongs to generic and prw'),
        (['prw', '--gallery-size', '50'], '--gallery-size belongs to cuhk_sysu, not prw'),
        (['seqnet'], "no protocol 'seqnet'; choose cuhk_sysu, generic, prw, prw_official"),
        (['json.JSONDecoder'], "no protocol 'json.JSONDecoder'"),
        (['prw', '--protocol-options', 'margin=3'], 'prw has the settings cross_camera, boxes'),
        (['prw', '--boxes-per-image', '0'], 'must be positive'),
        (['prw', '--boxes-per-image', 'inf'], 'must be positive numbers, not inf'),
        (['prw', '--memory-mb', 'nan'], 'memory_mb must be a positive number, not nan'),
        (['prw', '--score-thr', 'nan'], 'must be a number, not NaN'),
        (['cuhk_sysu', '--galleries', 'nowhere'], 'galleries there: none'),
        (['prw', '--cbgm', '0', '3'], 'must be at least 1'),
        (['prw', '--bootstrap', '-1'], 'bootstrap draws must be positive'),
    ],
)
def test_options_that_do_not_fit(tool, case, capsys, options, message):
    _, annotation, predictions = case
    assert tool.main([annotation, predictions, '--protocol', *options]) == 2
    assert message in capsys.readouterr().err


def test_missing_files(tool, case, capsys, tmp_path):
    _, annotation, predictions = case
    missing = str(tmp_path / 'missing')
    for arguments in ([missing, predictions], [annotation, missing]):
        assert tool.main([*arguments, '--protocol', 'prw']) == 2
        assert f'{missing} does not exist' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'image_ids': None}, 'lacks the arrays image_ids'),
        ({'embeddings': np.zeros((1, 3))}, r'embeddings has shape \(1, 3\)'),
        ({'query_embeddings': np.zeros((4, 2))}, 'rows must have 3 numbers'),
        ({'query_embeddings': np.zeros((1, 3))}, 'query_embeddings has 1 rows'),
        ({'query_embeddings': np.zeros((0, 3))}, 'query_embeddings has 0 rows'),
        ({'query_embeddings': np.full((4, 3), np.nan)}, 'query_embeddings holds NaN'),
        ({'image_ids': np.full(1, 10**6)}, 'bboxes has shape'),
    ],
)
def test_wrong_predictions_end_in_one_sentence(tool, case, capsys, change, message):
    _, annotation, predictions = case
    with np.load(predictions) as file:
        arrays = {**file, **change}
    np.savez(predictions, **{k: v for k, v in arrays.items() if v is not None})
    assert tool.main([annotation, predictions, '--protocol', 'cuhk_sysu']) == 2
    error = capsys.readouterr().err
    assert error.startswith('error: ')
    assert error.count('\n') == 1
    assert re.search(message, error)


def test_no_queries(tool, case, capsys):
    data, annotation, predictions = case
    Path(annotation).write_text(json.dumps({**data.annotation, 'queries': []}))
    assert tool.main([annotation, predictions, '--protocol', 'cuhk_sysu']) == 2
    assert 'has no queries' in capsys.readouterr().err


def test_a_place_that_cannot_be_written_ends_in_one_sentence(tool, case, capsys):
    _, annotation, predictions = case
    out = str(Path(predictions) / 'METRICS.json')
    assert tool.main([annotation, predictions, '--protocol', 'generic', '--out', out]) == 2
    error = capsys.readouterr().err
    assert error.startswith('error: ')
    assert error.count('\n') == 1
    assert predictions in error


@pytest.mark.parametrize('option', ['--out', '--details'])
def test_a_place_is_checked_before_the_evaluation(tool, case, monkeypatch, capsys, option):
    _, annotation, predictions = case
    monkeypatch.setattr(tool, 'evaluate_predictions', None)
    place = predictions if option == '--details' else str(Path(predictions).parent)
    assert tool.main([annotation, predictions, '--protocol', 'generic', option, place]) == 2
    assert f'error: {place} ' in capsys.readouterr().err


OWN_PROTOCOL = """
from mmps.evaluation import GenericProtocol, SearchPlan, SearchProtocol
{register}
class FirstProtocol(SearchProtocol):
    name = 'first'

    def __init__(self, kept=1, convention='legacy', searcher=None):
        super().__init__(convention, searcher)
        self.kept = kept

    def plans(self, ground_truth, predictions, score_thr=None):
        boxes = predictions.above(score_thr).by_image(ground_truth)
        task = GenericProtocol(convention=self.convention).task(ground_truth)
        yield f'first{self.kept}', SearchPlan(task, boxes.rows(range(self.kept)))
"""
REGISTER = 'from mmps.registry import TASK_UTILS\n@TASK_UTILS.register_module()'


@pytest.mark.parametrize(('module', 'register'), [('own_rules', REGISTER), ('plain_rules', '')])
def test_a_protocol_of_ones_own_is_found_by_its_path(
    tool, case, tmp_path, monkeypatch, module, register
):
    (tmp_path / f'{module}.py').write_text(OWN_PROTOCOL.replace('{register}', register))
    monkeypatch.syspath_prepend(tmp_path)
    options = ['--protocol', f'{module}.FirstProtocol', '--protocol-options', 'kept=3']
    try:
        metrics = run(tool, case, tmp_path, *options)
        named = run(tool, case, tmp_path, '--protocol', 'first') if register else {}
    finally:
        TASK_UTILS.module_dict.pop('FirstProtocol', None)
    assert 0 <= metrics['first3/mAP'] <= 1
    assert ('first1/mAP' in named) == bool(register)


def test_an_error_of_ours_is_not_taken_for_the_users(tool, case, monkeypatch):
    _, annotation, predictions = case
    monkeypatch.setattr(tool, 'evaluate', lambda args: int('a bug'))
    with pytest.raises(ValueError, match='a bug'):
        tool.main([annotation, predictions, '--protocol', 'generic'])


def test_files_of_other_tools(tool, case, tmp_path):
    data, annotation, _ = case
    options = ['--protocol', 'prw', '--gt-boxes']
    usual = run(tool, case, tmp_path, *options)
    for record in data.annotation['annotations']:
        record['attributes'] = {'track_id': record.pop('person_id')}
    data.annotation['categories'] = [{'id': 0, 'name': 'walker'}, {'id': 1, 'name': 'car'}]
    Path(annotation).write_text(json.dumps(data.annotation))
    theirs = ['--identity-key', 'attributes.track_id', '--classes', 'walker']
    assert run(tool, case, tmp_path, *options, *theirs) == usual
    settings = json.loads((tmp_path / 'METRICS.settings.json').read_text())
    assert (settings['identity_key'], settings['classes']) == ('attributes.track_id', ['walker'])
    assert tool.main([annotation, case[2], *options, *theirs[:2]]) == 2
