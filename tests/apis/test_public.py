"""What `mmps.apis` promises: all of it is there, documented, and cheap to import."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from mmps import apis

CHEAP = """
import sys
import mmps.apis
assert set(mmps.apis.__all__) <= set(dir(mmps.apis))
heavy = {'mmdet', 'mmcv', 'matplotlib', 'scipy'} & set(sys.modules)
assert not heavy, heavy
"""


def test_importing_it_is_cheap():
    subprocess.run([sys.executable, '-c', CHEAP], check=True)


@pytest.mark.parametrize('name', apis.__all__)
def test_every_name_is_documented(name):
    documented = getattr(apis, name)
    text = inspect.getdoc(documented)
    assert text
    if inspect.isfunction(documented):
        for argument in inspect.signature(documented).parameters:
            assert f'    {argument}: ' in text
        assert set(inspect.get_annotations(documented)) > set()


def test_a_wrong_name_is_an_attribute_error():
    assert not hasattr(apis, 'no_such_name')
    assert sorted(apis.__all__) == apis.__all__ == sorted(set(apis.__all__))
