from __future__ import annotations

import pytest

from mmps.testing.scene import Scene


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)
