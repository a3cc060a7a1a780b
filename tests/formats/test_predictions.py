from __future__ import annotations

import pickle
import zipfile

import numpy as np
import pytest

from mmps.evaluation import GroundTruth, Predictions
from mmps.structures import DataError


def arrays(**replaced):
    return {
        'image_ids': np.array([1, 2, 1]),
        'bboxes': np.array([[0, 0, 5, 5]] * 3, dtype=np.float32),
        'scores': np.array([0.9, 0.5, 0.1], dtype=np.float32),
        'embeddings': np.eye(3, dtype=np.float32),
        'query_embeddings': np.eye(3, dtype=np.float32)[:2],
        'gt_embeddings': np.eye(3, dtype=np.float32),
        **replaced,
    }


def test_written_and_read(tmp_path):
    path = tmp_path / 'deep' / 'predictions.npz'
    Predictions(**arrays()).save(path)
    loaded = Predictions.load(path)
    for name, array in arrays().items():
        np.testing.assert_array_equal(getattr(loaded, name), array)
    assert [file.name for file in path.parent.iterdir()] == ['predictions.npz']


def test_ground_truth_embeddings_are_optional(tmp_path):
    path = tmp_path / 'predictions.npz'
    Predictions(**arrays(gt_embeddings=None)).save(path)
    assert Predictions.load(path).gt_embeddings is None


def test_a_member_that_is_no_array_is_named(tmp_path):
    path = tmp_path / 'predictions.npz'
    np.savez(path, **{name: array for name, array in arrays().items() if name != 'scores'})
    with zipfile.ZipFile(path, 'a') as archive:
        archive.writestr('scores', b'0.9 0.5 0.1')
    with pytest.raises(DataError, match=r'predictions\.npz: scores is not an array; write'):
        Predictions.load(path)


def test_foreign_arrays_are_left_alone(tmp_path):
    path = tmp_path / 'predictions.npz'
    np.savez(path, **arrays(), model=np.array('J3'))
    assert Predictions.load(path).scores.tolist() == pytest.approx([0.9, 0.5, 0.1])


def test_threshold_is_inclusive():
    kept = Predictions(**arrays()).above(0.5)
    assert kept.image_ids.tolist() == [1, 2]
    assert kept.embeddings.shape == (2, 3)


WRONG = [
    ({'image_ids': np.zeros((3, 1), int)}, 'image_ids has shape (3, 1)'),
    ({'scores': np.zeros(2)}, 'scores has shape (2,)'),
    ({'bboxes': np.zeros((3, 5))}, 'bboxes has shape (3, 5)'),
    ({'embeddings': np.zeros((2, 3))}, 'embeddings has shape (2, 3); it must be (3, D)'),
    ({'query_embeddings': np.zeros((2, 4))}, 'query_embeddings has shape (2, 4)'),
    ({'gt_embeddings': np.zeros((2, 4))}, 'gt_embeddings has shape (2, 4)'),
    ({'gt_embeddings': np.zeros(4)}, 'gt_embeddings has shape (4,)'),
    ({'image_ids': np.array([1.0, 2.0, 1.0])}, 'image_ids has the type float64'),
    ({'embeddings': np.full((3, 3), np.nan)}, 'embeddings holds NaN or infinity, first in row 0'),
    ({'scores': np.array([0, np.inf, 1])}, 'scores holds NaN or infinity, first in row 1'),
    ({'scores': np.array(['a', 'b', 'c'])}, 'scores has the type <U1'),
    ({'bboxes': np.array([[0, 0, 5, 5], [9, 0, 5, 5], [0, 0, 1, 1]])}, 'bboxes row 1 has x2 < x1'),
]


@pytest.mark.parametrize(('replaced', 'message'), WRONG, ids=[m for _, m in WRONG])
def test_wrong_arrays(tmp_path, replaced, message):
    path = tmp_path / 'predictions.npz'
    np.savez(path, **arrays(**replaced))
    with pytest.raises(DataError) as caught:
        Predictions.load(path)
    assert str(caught.value).startswith(f'{path}: {message}')
    assert '\n' not in str(caught.value)


def test_missing_array(tmp_path):
    path = tmp_path / 'predictions.npz'
    content = arrays()
    del content['scores'], content['query_embeddings']
    np.savez(path, **content)
    with pytest.raises(DataError, match='lacks the arrays scores, query_embeddings'):
        Predictions.load(path)


@pytest.mark.parametrize(('size', 'dtype'), [(1e30, np.float32), (1e200, np.float64)])
def test_products_that_overflow_are_refused(size, dtype):
    """Two people would be equally near to a query, at infinity."""
    embeddings = np.diag([1, 2, 3]).astype(dtype) * dtype(size)
    with pytest.raises(DataError, match=rf'products are beyond {np.dtype(dtype)}; normalise'):
        Predictions(**arrays(embeddings=embeddings, query_embeddings=embeddings[:2]))


def test_a_folder_is_called_so(tmp_path):
    with pytest.raises(DataError, match='is a folder; write predictions'):
        Predictions.load(tmp_path)


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match=r'no\.npz does not exist'):
        Predictions.load(tmp_path / 'no.npz')


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ('unpickled',))


@pytest.mark.parametrize('kind', ['object array', 'pickle', 'text', 'empty', 'cut', 'npy', 'bit'])
def test_unreadable_files_are_never_unpickled(tmp_path, kind):
    path = tmp_path / 'predictions.npz'
    if kind == 'object array':
        bombs = np.empty(3, dtype=object)
        bombs[:] = [Bomb(), Bomb(), Bomb()]
        np.savez(path, **arrays(scores=bombs))
    elif kind == 'npy':
        with path.open('wb') as file:
            np.save(file, np.zeros(3))
    else:
        np.savez(path, **arrays())
        whole = path.read_bytes()
        at = whole.index(np.float32(0.9).tobytes())
        path.write_bytes(
            {
                'pickle': pickle.dumps(Bomb()),
                'text': b'no',
                'empty': b'',
                'cut': whole[:200],
                'bit': whole[:at] + b'?' + whole[at + 1 :],
            }[kind]
        )
    with pytest.raises(DataError, match=r'predictions\.npz is not a readable \.npz file'):
        Predictions.load(path)


@pytest.fixture
def ground_truth(scene):
    scene.image(1, [0, 1]).image(2, [0]).query(1).query(2)
    return GroundTruth.load(scene.annotation_file())


def test_fits_the_annotation_file(ground_truth):
    Predictions(**arrays()).check_against(ground_truth)


@pytest.mark.parametrize(
    ('replaced', 'message'),
    [
        ({'image_ids': np.array([1, 2, 7])}, r'names image id 7, which is not in .*test\.json'),
        ({'query_embeddings': np.zeros((1, 3))}, 'has 1 rows, but .* has 2 queries'),
        ({'gt_embeddings': np.zeros((4, 3))}, 'has 4 rows, but .* has 3 annotations'),
    ],
)
def test_does_not_fit_the_annotation_file(ground_truth, replaced, message):
    with pytest.raises(DataError, match=message):
        Predictions(**arrays(**replaced)).check_against(ground_truth)


def test_annotated_boxes_as_detections(scene):
    scene.image(1, [0, -1]).image(2, [0]).query(1).query(2)
    scene.annotations[1]['iscrowd'] = 1
    ground_truth = GroundTruth.load(scene.annotation_file())
    predictions = Predictions(**arrays()).at_ground_truth(ground_truth)
    assert predictions.image_ids.tolist() == [1, 2]
    assert predictions.scores.tolist() == [1, 1]
    np.testing.assert_array_equal(predictions.embeddings, np.eye(3)[[0, 2]])


def test_annotated_boxes_need_embeddings(ground_truth):
    with pytest.raises(DataError, match='hold no gt_embeddings'):
        Predictions(**arrays(gt_embeddings=None)).at_ground_truth(ground_truth)
