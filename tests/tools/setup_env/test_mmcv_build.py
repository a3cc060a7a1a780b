"""How MMCV's wheel is built."""

from __future__ import annotations

import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

GPU = {'name': 'GPU', 'memory': 1, 'architecture': '9.0'}


@pytest.fixture
def source(tmp_path):
    """The unpacked source of an interrupted build."""
    folder = tmp_path / 'a cache' / 'key' / 'source' / 'mmcv-2.1.0'
    folder.mkdir(parents=True)
    return folder


def builder(tool, operators='', made=('mmcv.whl',)):
    """What builds wheels, with a compiler that notes what it is told."""
    installer = SimpleNamespace(requirements={'mmcv': 'mmcv==2.1.0'}, told=[])
    wheels = tool.mmcv.MmcvWheels(installer, 'mmcv', operators)

    def run(command, settings, folder, progress):
        wheels.installer.told.append(settings)
        assert command[1] == 'setup.py'
        assert folder.name == 'mmcv-2.1.0'
        assert progress() == ''
        for name in made:
            Path(command[-1]).mkdir(exist_ok=True)
            (Path(command[-1]) / name).write_text('new')

    wheels.installer.run = run
    return wheels


def test_the_build_takes_what_the_user_has_set_and_leaves_the_wheel_alone(
    tool, source, monkeypatch
):
    wheels, folder = builder(tool), source.parents[1]
    monkeypatch.setenv('MAX_JOBS', '7')
    assert wheels._build(folder, None) == folder / 'mmcv.whl'
    assert wheels.installer.told[0]['MMCV_WITH_OPS'] == '1'
    assert wheels.installer.told[0]['MAX_JOBS'] == '7'
    assert [path.name for path in folder.iterdir()] == ['mmcv.whl']


def test_a_build_for_the_cpu_sees_no_gpu_whatever_the_user_has_set(tool, source, monkeypatch):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '0')
    monkeypatch.setenv('FORCE_CUDA', '1')
    wheels = builder(tool, 'cpu')
    wheels._build(source.parents[1], None)
    (settings,) = wheels.installer.told
    assert (settings['CUDA_VISIBLE_DEVICES'], settings['FORCE_CUDA']) == ('', '0')


def test_a_build_for_the_gpu_sees_it(tool, source, monkeypatch):
    monkeypatch.setenv('FORCE_CUDA', '0')
    monkeypatch.delenv('TORCH_CUDA_ARCH_LIST', raising=False)
    wheels = builder(tool)
    wheels._build(source.parents[1], {'devices': [GPU, GPU]})
    (settings,) = wheels.installer.told
    assert (settings['FORCE_CUDA'], settings['TORCH_CUDA_ARCH_LIST']) == ('1', '9.0')
    assert 'CUDA_VISIBLE_DEVICES' not in settings


def test_what_an_interrupted_build_left_is_not_taken_for_the_wheel(tool, source):
    folder = source.parents[1]
    (folder / 'unfinished').mkdir()
    (folder / 'unfinished' / 'old.whl').touch()
    assert builder(tool)._build(folder, None).read_text() == 'new'
    assert [path.name for path in folder.iterdir()] == ['mmcv.whl']


@pytest.mark.parametrize('made', [(), ('a.whl', 'b.whl')])
def test_a_build_without_one_wheel_is_one_sentence(tool, source, made):
    folder = source.parents[1]
    sentence = (
        rf'unfinished should hold one \*\.whl and holds {len(made)}: remove the folder {folder}'
    )
    with pytest.raises(tool.installer.SetupError, match=sentence):
        builder(tool, made=made)._build(folder, None)


def test_an_interrupted_build_goes_on_in_its_source(tool, source):
    wheels = builder(tool)
    assert wheels._unpack_source(source.parents[1]) == source
    assert wheels.installer.told == []


def test_a_damaged_source_is_one_sentence(tool, source):
    source.rmdir()
    with pytest.raises(tool.installer.SetupError, match=r'should hold one \*mmcv\* and holds 0: '):
        builder(tool)._unpack_source(source.parents[1])


def downloading(tmp_path, names=('mmcv-2.1.0.tar.gz',)):
    """A pip that downloads archives of a folder ``mmcv-2.1.0``."""
    (tmp_path / 'packed' / 'mmcv-2.1.0').mkdir(parents=True)
    (tmp_path / 'packed' / 'mmcv-2.1.0' / 'setup.py').touch()

    def pip(*arguments):
        for name in names:
            with tarfile.open(Path(arguments[arguments.index('-d') + 1], name), 'w:gz') as file:
                file.add(tmp_path / 'packed' / 'mmcv-2.1.0', 'mmcv-2.1.0')

    return pip


def test_the_source_is_unpacked_whatever_an_interrupted_one_left(tool, tmp_path):
    wheels, folder = builder(tool), tmp_path / 'key'
    wheels.installer.pip = downloading(tmp_path)
    for left in ('download/mmcv-2.0.0.tar.gz', 'unpacking/mmcv-2.0.0'):
        (folder / left).mkdir(parents=True)
    assert (wheels._unpack_source(folder) / 'setup.py').is_file()
    assert [path.name for path in folder.iterdir()] == ['source']


def test_a_download_without_an_archive_is_one_sentence(tool, tmp_path):
    wheels = builder(tool)
    wheels.installer.pip = downloading(tmp_path, names=())
    with pytest.raises(tool.installer.SetupError, match=r'download should hold one \*\.tar\.gz'):
        wheels._unpack_source(tmp_path / 'key')


def test_the_build_counts_its_files(tool, tmp_path):
    assert tool.mmcv.describe_build(tmp_path) == ''
    plan = tmp_path / 'build' / 'temp.linux' / 'build.ninja'
    (plan.parent / 'deep').mkdir(parents=True)
    plan.write_text('rule compile\nbuild /x/a.o: compile a\nbuild /x/b.o: compile b\n')
    (plan.parent / 'deep' / 'a.o').touch()
    assert tool.mmcv.describe_build(tmp_path) == '(1 of 2 files compiled)'
