from __future__ import annotations

import fcntl
import functools
import gc
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

# Several processes share the files: these begin first, so that no long one is left at the end.
LONG_FILES = (
    'tools/test_quickstart.py',
    'configs/test_models.py',
    'engine/hooks/test_two_phase_features.py',
    'engine/hooks/test_two_phase.py',
    'tools/test_train_test.py',
    'tools/test_kill_and_resume.py',
    'engine/hooks/test_portable_checkpoint.py',
    'test_packaging.py',
    'tools/test_setup_env.py',
)


def pytest_addoption(parser):
    parser.addoption('--long', action='store_true', help='run the tests that take minutes too')
    parser.addoption(
        '--installer', action='store_true', help='run the tests that make or break environments too'
    )


def pytest_configure(config):
    from mmps.apis.gpu import hide_gpu_without_operators

    hide_gpu_without_operators()


def pytest_collection_modifyitems(config, items):
    order = {Path(__file__).parent / name: at for at, name in enumerate(LONG_FILES)}
    assert all(path.is_file() for path in order), 'LONG_FILES names a file that is not there'
    items.sort(key=lambda item: order.get(item.path, len(order)))
    left_out = {}
    if not config.getoption('--long'):
        left_out['long'] = pytest.mark.skip(reason='takes minutes: give --long')
        if not config.getoption('--installer'):
            left_out['installer'] = pytest.mark.skip(reason='of the installer: give --installer')
    for item in items:
        for name, skip in left_out.items():
            if item.get_closest_marker(name):
                item.add_marker(skip)


def pytest_collection_finish(session):
    """Spare each run that tests train what takes more than half of its time."""
    gc.freeze()  # each data set collects garbage, and looks at all that was imported
    config = sys.modules.get('mmengine.config.config')
    if config and hasattr(config, 'FormatCode'):
        # Each checkpoint holds its config, which yapf formats at length.
        config.FormatCode = lambda text, **_: (text, True)
    runner = sys.modules.get('mmengine.runner.runner')
    if runner and hasattr(runner, 'collect_env'):
        runner.collect_env = functools.cache(runner.collect_env)  # starts compilers


@pytest.fixture(scope='session')
def made_once(request, tmp_path_factory):
    """Makes a folder at the first call, whichever process of the session it comes from.

    ``made_once(name, make)`` returns the folder that ``make(folder)`` filled. Tests only read it.
    """
    root = tmp_path_factory.getbasetemp()
    if hasattr(request.config, 'workerinput'):
        root = root.parent  # of all workers

    def get(name, make):
        folder, done = root / 'made_once' / name, root / 'made_once' / f'{name}.done'
        folder.parent.mkdir(exist_ok=True)
        with open(folder.with_name(f'{name}.lock'), 'w') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                done.touch()
        return folder

    return get


@pytest.fixture(scope='session')
def drawn_once(made_once):
    """A small drawn set in CUHK-SYSU's layout, converted."""

    def draw(root):
        from mmps.datasets.converters import Converter, convert, cuhk_sysu
        from mmps.synthetic import Recipe, make

        make(root, Recipe('cuhk_sysu', 'a', 3, 40, 12), workers=1)
        convert(Converter('CUHK-SYSU', cuhk_sysu.parse), root)

    return made_once('drawn', draw)


@pytest.fixture
def drawn_set(drawn_once, tmp_path):
    """A copy of the drawn set that a test may break."""
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


@pytest.fixture(scope='session')
def postgresql_server():
    """A PostgreSQL server of this session."""
    from mmps.testing.servers import PostgresqlServer

    with tempfile.TemporaryDirectory() as folder:  # sockets need short paths
        server = PostgresqlServer(Path(folder) / 'pg')
        yield server
        server.stop()


@pytest.fixture
def postgresql(postgresql_server):
    """The same, whose galleries are new for each test."""
    postgresql_server.begin(f't{secrets.token_hex(4)}')
    return postgresql_server


@pytest.fixture(scope='session')
def milvus_server():
    """A Milvus server of this session."""
    from mmps.testing.servers import MilvusServer

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = MilvusServer(Path(folder))
        yield server
        server.stop()


@pytest.fixture
def milvus(milvus_server):
    """The same, whose galleries are new for each test."""
    milvus_server.begin(f't{secrets.token_hex(4)}')
    return milvus_server
