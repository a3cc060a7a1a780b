from __future__ import annotations

import hashlib
import json

import pytest

from mmps.synthetic import (
    LAYOUTS,
    Recipe,
    RecipeError,
    builder,
    default_size,
    is_drawn,
    make,
)

SMALL = {
    'cuhk_sysu': (8, 4),
    'prw': (8, 4),
    'mot17_det': (6, 4),
    'wider_pedestrian': (8, 4),
}


def recipe(layout='cuhk_sysu', domain='a', seed=0):
    return Recipe(layout, domain, seed, *SMALL[layout])


def digest(root):
    files = sorted(path for path in root.rglob('*') if path.is_file())
    whole = hashlib.sha256()
    for path in files:
        whole.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return whole.hexdigest()


@pytest.mark.parametrize('layout', LAYOUTS)
def test_same_bytes_for_any_number_of_workers(layout, tmp_path):
    alone = make(tmp_path / 'one', recipe(layout), workers=1)
    together = make(tmp_path / 'two', recipe(layout), workers=2)
    assert digest(tmp_path / 'one') == digest(tmp_path / 'two')
    assert alone == together
    assert len(alone) == SMALL[layout][0]


def test_seed_domain_and_layout_matter(tmp_path):
    recipes = [recipe(), recipe(seed=1), recipe(domain='b'), recipe('prw')]
    scenes = [make(tmp_path / str(k), each) for k, each in enumerate(recipes)]
    images = {digest(tmp_path / str(k) / scenes[k][0].file_name.split('/')[0]) for k in range(4)}
    assert len(images) == 4


def test_a_drawn_set_is_recognised(tmp_path):
    make(tmp_path / 'set', recipe())
    assert is_drawn(tmp_path / 'set', recipe())
    assert not is_drawn(tmp_path / 'set', recipe(seed=1))
    assert not is_drawn(tmp_path / 'nothing', recipe())
    (tmp_path / 'set/synthetic.json').write_text('{')
    assert not is_drawn(tmp_path / 'set', recipe())


def test_an_empty_folder_is_taken_and_a_full_one_left_alone(tmp_path):
    (tmp_path / 'empty').mkdir()
    make(tmp_path / 'empty', recipe())
    with pytest.raises(FileExistsError, match='empty contains something other than this drawn set'):
        make(tmp_path / 'empty', recipe(seed=1))
    manifest = json.loads((tmp_path / 'empty/synthetic.json').read_text())
    assert manifest['seed'] == 0


def test_nothing_is_left_after_a_failure(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError('disk full')

    monkeypatch.setattr(builder, 'draw_all', fail)
    with pytest.raises(OSError, match='disk full'):
        make(tmp_path / 'set', recipe())
    assert not list(tmp_path.iterdir())


def test_impossible_sizes_leave_nothing(tmp_path):
    with pytest.raises(RecipeError, match='too few'):
        make(tmp_path / 'set', Recipe('cuhk_sysu', 'a', 0, 6, 100))
    with pytest.raises(RecipeError, match='2 identities are too few for 7 sequences'):
        make(tmp_path / 'set', Recipe('mot17_det', 'a', 0, 130, 2))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ('images', 'identities', 'expected'),
    [(None, None, (350, 180)), (35, None, (35, 18)), (None, 18, (35, 18)), (20, 7, (20, 7))],
)
def test_what_is_not_given_keeps_the_proportion(images, identities, expected):
    assert default_size('cuhk_sysu', images, identities) == expected
