from __future__ import annotations

import shutil

import pytest


def pytest_addoption(parser):
    parser.addoption('--long', action='store_true', help='run the tests that take minutes too')


def pytest_configure(config):
    from mmps.apis.gpu import hide_gpu_without_operators

    hide_gpu_without_operators()


def pytest_collection_modifyitems(config, items):
    if not config.getoption('--long'):
        for item in items:
            if item.get_closest_marker('long'):
                item.add_marker(pytest.mark.skip(reason='takes minutes: give --long'))


@pytest.fixture(scope='session')
def drawn_once(tmp_path_factory):
    from mmps.datasets.converters import Converter, convert, cuhk_sysu
    from mmps.synthetic import Recipe, make

    root = tmp_path_factory.mktemp('session') / 'drawn'
    make(root, Recipe('cuhk_sysu', 'a', 3, 40, 12), workers=2)
    convert(Converter('CUHK-SYSU', cuhk_sysu.parse), root)
    return root


@pytest.fixture
def drawn_set(drawn_once, tmp_path):
    """A small drawn set in CUHK-SYSU's layout, converted; a copy that a test may break."""
    return shutil.copytree(drawn_once, tmp_path / 'drawn')


@pytest.fixture
def mm_log(caplog):
    """What MMEngine's logger says, which does not reach pytest's ``caplog`` by itself."""
    from mmengine.logging import MMLogger

    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.addHandler(caplog.handler)
    logger.setLevel('INFO')
    yield caplog
    logger.removeHandler(caplog.handler)
    logger.setLevel(level)
