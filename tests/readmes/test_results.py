"""Numbers in READMEs agree with the files that hold them."""

from __future__ import annotations

import re

import pytest
import yaml

from mmps import paper
from mmps.reproduction.pages import CONTEXT, files_of, read, update

from .blocks import READMES, ROOT

PAPER_FAMILIES = ('joint', 'disjoint', 'cross_dataset', 'detection')
WITH_RESULTS = [path for path in READMES if files_of(path.read_text(encoding='utf-8'))]


@pytest.mark.parametrize('readme', WITH_RESULTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_readme_shows_the_numbers_of_its_files(readme):
    text = readme.read_text(encoding='utf-8')
    assert update(text, readme.parent) == text, 'run tools/misc/update_results.py'


@pytest.mark.parametrize(
    'path', sorted(ROOT.glob('configs/*/results/*.json')), ids=lambda p: p.stem
)
def test_a_file_of_results_says_where_its_numbers_come_from(path):
    results = read(path)
    for key in CONTEXT:
        assert results.get(key) or results.get(f'{key}s'), f'{path.name} has no {key}'


def rows(path):
    """Cells of a README's tables, by the name in the first cell."""
    found = {}
    for line in (ROOT / path).read_text(encoding='utf-8').splitlines():
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        name = re.match(r'\[`(.+)`\]', cells[0])
        if name:
            found[name[1]] = cells[1:]
    return found


def told(numbers, *keys):
    """The paper's numbers as READMEs write them."""
    return ' / '.join(f'{numbers[key]:.1f}' for key in keys) if keys[0] in numbers else '-'


def sizes(key, gt=''):
    return (f'c/{gt}small/{key}', f'c/{gt}large/{key}')


@pytest.mark.parametrize('j', [2, 3, 4])
def test_the_papers_numbers_in_readmes_are_those_of_one_place(j):
    joint = rows('configs/joint/README.md')
    for data, row in (('c', f'J{j}_c'), ('mwcp-c', f'J{j}')):
        cells = joint[f'joint-j{j}_retinanet_r50_fpn_{data}']
        numbers = paper.TABLE_1D[row]
        expected = [told(numbers, *sizes(*key)) for key in (('mAP',), ('top1',), ('mAP', 'gt/'))]
        assert cells[:3] == expected
    numbers = paper.TABLE_1A[f'J{j}']
    cells = joint[f'joint-j{j}_retinanet_r50_fpn_mwcp-p']
    assert cells[:2] == [told(numbers, 'p/bpi5/mAP'), told(numbers, 'p/bpi5/top1')]
    cross = rows('configs/cross_dataset/README.md')
    for data, row in (('p', f'J{j}_p'), ('mwp-p', f'J{j}_mwp')):
        cells = cross[f'joint-j{j}_retinanet_r50_fpn_{data}_c']
        assert cells[0] == told(paper.TABLE_1C[row], *sizes('mAP'))


def test_the_papers_numbers_of_the_baseline_and_of_detectors():
    numbers, disjoint = paper.TABLE_1A['Disj.'], rows('configs/disjoint/README.md')
    cells = disjoint['disjoint_retinanet_r50_fpn_mwcp-c']
    assert cells[1:3] == [told(numbers, *sizes('mAP')), told(numbers, *sizes('top1'))]
    cells = disjoint['disjoint_retinanet_r50_fpn_mwcp-p']
    assert cells[1:3] == [told(numbers, 'p/bpi5/mAP'), told(numbers, 'p/bpi5/top1')]
    detection = rows('configs/detection/README.md')
    for data, row in (('p', 'J2_p'), ('mwp', 'J2_mwp')):
        numbers = paper.TABLE_1C[row]
        expected = f'{numbers["p/det/AP"]} on PRW, {numbers["c/det/AP"]} on CUHK-SYSU'
        assert detection[f'retinanet_r50_fpn_{data}'][1] == expected


COMPARED = {
    'jdi-oim': 'JDI+OIM',
    'xiao2016-style': 'Xiao2016',
    'jdi-iel-style': 'JDI+IEL',
    'ian-style': 'IAN',
    'chen2018-style': 'Chen2018',
    'i-net-style': 'I-Net',
    'liu2018-style': 'Liu2018',
}


@pytest.mark.parametrize('config', COMPARED)
def test_the_papers_numbers_of_compared_systems(config):
    numbers = paper.TABLE_1A[COMPARED[config]]
    small, large, prw = rows('configs/compared/README.md')[config][:3]
    assert small == told(numbers, 'c/small/mAP', 'c/small/top1')
    assert large == told(numbers, 'c/large/mAP')
    assert prw == told(numbers, 'p/bpi5/mAP', 'p/bpi5/top1')


def test_the_same_systems_have_the_same_numbers_in_both_tables_of_the_paper():
    for j in (2, 3, 4):
        one, other = paper.TABLE_1A[f'J{j}'], paper.TABLE_1D[f'J{j}']
        shared = one.keys() & other.keys()
        assert len(shared) == 4
        assert {key: one[key] for key in shared} == {key: other[key] for key in shared}


def metafiles():
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text(encoding='utf-8'))
    return {
        name: yaml.safe_load((ROOT / name).read_text(encoding='utf-8')) for name in index['Import']
    }


def models():
    return [model for content in metafiles().values() for model in content['Models']]


def test_the_index_names_every_metafile_and_config():
    assert sorted(metafiles()) == sorted(
        str(path.relative_to(ROOT)) for path in ROOT.glob('configs/*/metafile.yml')
    )
    named = [model['Config'] for model in models()]
    assert len(set(named)) == len(named)
    assert all((ROOT / config).is_file() for config in named)
    for family in PAPER_FAMILIES:
        own = {str(path.relative_to(ROOT)) for path in (ROOT / 'configs' / family).glob('*.py')}
        assert own <= set(named)
    names = [model['Name'] for model in models()]
    assert names == [re.split(r'[/.]', config)[-2] for config in named]


def test_models_have_the_fields_of_openmmlab():
    collections = {c['Name'] for content in metafiles().values() for c in content['Collections']}
    for model in models():
        assert model['In Collection'] in collections
        assert model['Metadata']['Training Data']
        for result in model.get('Results', []):
            assert result.keys() == {'Task', 'Dataset', 'Metrics'}


def test_results_of_the_index_are_those_of_the_files():
    found = 0
    for content in metafiles().values():
        for model in content['Models']:
            for result in model.get('Results', []):
                numbers = read(ROOT / model['Metadata']['Results File'])
                variant = re.match(r'joint-(j\d)_', model['Name'])[1]
                own = numbers['variants'][variant]
                expected = {
                    'mAP': round(100 * own['detected']['mAP'], 1),
                    'top-1': round(100 * own['detected']['top1'], 1),
                    'mAP, GT boxes': round(100 * own['gt']['mAP'], 1),
                    'top-1, GT boxes': round(100 * own['gt']['top1'], 1),
                }
                assert result['Metrics'] == expected
                found += 1
    assert found == 3
