from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from mmps.visualization import figures
from mmps.visualization.figures import DOTS_PER_INCH, clean_axes, new_figure, save_figure


def test_writes_a_png_of_the_asked_size_into_a_new_folder(tmp_path):
    path = tmp_path / 'deep' / 'figure.png'
    save_figure(new_figure(2.0, 1.0), path)
    assert cv2.imread(str(path)).shape == (DOTS_PER_INCH, 2 * DOTS_PER_INCH, 3)
    assert [p.name for p in path.parent.iterdir()] == ['figure.png']


def test_a_failed_write_keeps_the_old_image(tmp_path, monkeypatch):
    path = tmp_path / 'figure.png'
    path.write_bytes(b'old')
    figure = new_figure(1, 1)
    monkeypatch.setattr(figure, 'savefig', lambda *_, **__: (_ for _ in ()).throw(OSError('full')))
    with pytest.raises(OSError, match='full'):
        save_figure(figure, path)
    assert path.read_bytes() == b'old'


def test_pyplot_is_not_used():
    """pyplot keeps every figure alive and chooses a window system."""
    sources = Path(figures.__file__).parent.glob('*.py')
    assert not [path.name for path in sources if 'pyplot' in path.read_text()]


def test_the_grid_follows_the_asked_direction():
    axes = new_figure(1, 1).subplots()
    clean_axes(axes, grid='x')
    assert axes.xaxis.get_gridlines()[0].get_visible()
    assert not axes.yaxis.get_gridlines()[0].get_visible()
    assert not axes.spines['top'].get_visible()
