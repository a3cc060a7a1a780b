from __future__ import annotations

import numpy as np
import pytest

from mmps.evaluation import Galleries, available_sizes
from mmps.structures import DataError


def write(path, **replaced):
    arrays = {
        'offsets': np.array([0, 2, 3]),
        'image_ids': np.array([5, 6, 5]),
        'bboxes': np.array([[1, 2, 3, 4], [np.nan] * 4, [np.nan] * 4], dtype=np.float32),
        **replaced,
    }
    np.savez(path, **{key: array for key, array in arrays.items() if array is not None})
    return path


def test_reads_entries(tmp_path):
    galleries = Galleries.load(write(tmp_path / 'galleries_50.npz'))
    assert galleries.num_queries == 2
    assert galleries.entry_queries.tolist() == [0, 0, 1]
    assert galleries.person_entries.tolist() == [0]
    assert galleries.person_bboxes.tolist() == [[1, 2, 4, 6]]
    assert galleries.query_index.tolist() == [0, 1]


def test_subset_names_queries(tmp_path):
    path = write(tmp_path / 'galleries_occlusion.npz', query_index=np.array([7, 9]))
    assert Galleries.load(path).query_index.tolist() == [7, 9]


def test_sizes_in_order(tmp_path):
    for name in ('resolution', '1000', '50', 'occlusion'):
        write(tmp_path / f'galleries_{name}.npz')
    (tmp_path / 'galleries_9.txt').touch()
    assert available_sizes(tmp_path) == ['50', '1000', 'occlusion', 'resolution']


def test_missing_file_and_empty_folder(tmp_path):
    with pytest.raises(DataError, match=r'galleries_100\.npz does not exist.* none\.'):
        Galleries.load(tmp_path / 'galleries_100.npz')


@pytest.mark.parametrize(
    ('replaced', 'message'),
    [
        ({'offsets': np.array([0, 3, 2])}, r'offsets must ascend from 0 to .*\(3\)'),
        ({'offsets': np.array([0, 2, 4])}, 'offsets must ascend'),
        ({'offsets': np.array([1, 2, 3])}, 'offsets must ascend'),
        ({'offsets': np.zeros(0, int)}, 'offsets must ascend'),
        ({'bboxes': np.zeros((2, 4))}, 'is not a galleries file'),
        ({'image_ids': None}, 'is not a galleries file'),
        ({'offsets': np.array([[0, 2, 3]])}, r'galleries file \(an array of shape \(1, 3\)'),
        ({'query_index': np.array(['a', 'b'])}, 'is not a galleries file'),
        ({'image_ids': np.array([1.5, 2, 3])}, 'float64 values where whole numbers belong'),
        ({'image_ids': np.array([np.nan, 2, 3])}, 'float64 values where whole numbers belong'),
        ({'image_ids': np.array(['1', '2', '3'])}, 'where whole numbers belong'),
        (
            {'bboxes': np.float32([[np.nan] * 4, [1, np.nan, 3, 4], [np.nan] * 4])},
            'the bbox of entry 1 is not finite; convert',
        ),
        ({'bboxes': np.float32([[1, 2, np.inf, 4]] * 3)}, 'the bbox of entry 0 is not finite'),
        ({'query_index': np.array([1])}, 'query_index names 1 queries, offsets 2'),
        (
            {'bboxes': np.float32([[np.nan] * 4, [1, 2, 0, 4], [np.nan] * 4])},
            'the bbox of entry 1 has no area; convert the data set again',
        ),
    ],
)
def test_wrong_content(tmp_path, replaced, message):
    with pytest.raises(DataError, match=message):
        Galleries.load(write(tmp_path / 'galleries_50.npz', **replaced))


def test_not_an_archive(tmp_path):
    path = tmp_path / 'galleries_50.npz'
    path.write_bytes(b'nothing')
    with pytest.raises(DataError, match=r'is not a readable \.npz file'):
        Galleries.load(path)
