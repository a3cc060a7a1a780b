from __future__ import annotations

from dataclasses import replace

import pytest

from mmps.doctor import Probe
from mmps.doctor.diagnosis import diagnose
from mmps.doctor.findings import FAILURE, OK, SKIPPED, WARNING

GIB = 2**30


def broken(facts, packages=None, **errors):
    """The facts with some probes failing and some packages set; None removes one."""
    probes = facts.probes | {name: Probe(False, error=error) for name, error in errors.items()}
    merged = facts.packages | (packages or {})
    kept = {name: version for name, version in merged.items() if version}
    return replace(facts, probes=probes, packages=kept)


def findings(facts):
    return {finding.name: finding for finding in diagnose(facts)}


def test_a_healthy_machine_has_nothing_to_fix(healthy):
    assert {f.status for f in diagnose(healthy)} == {OK}
    assert not any(f.fix for f in diagnose(healthy))


# What broke, what pip says is installed, what the probes said; the sentence and the fix.
SET_UP = 'tools/setup_env.sh'
MISSING = "ModuleNotFoundError: No module named '{}'"
# What pip knows where the maintained fork is installed.
FORK = {
    'mmcv': None, 'mmengine': None, 'mmdet': None,
    'onedl-mmcv': '2.3.6', 'onedl-mmengine': '0.10.12', 'onedl-mmdetection': '3.5.1',
}  # fmt: skip
BROKEN = {
    'no torch': (
        {'torch': None}, {'torch': MISSING.format('torch')}, 'torch', 'torch is missing', SET_UP,
    ),
    'a folder that an uninstalled mmcv left behind': (
        {'mmcv': None}, {'ops': 'ImportError: cannot import name'},
        'ops', 'mmcv is missing', SET_UP,
    ),
    'mmcv-lite': (
        {'mmcv': None, 'mmcv-lite': '2.1.0'}, {'ops': MISSING.format('mmcv._ext')},
        'ops', 'mmcv-lite 2.1.0 has no compiled operators', SET_UP,
    ),
    'mmcv for another torch': (
        {}, {'ops': 'ImportError: mmcv/_ext.cpython-311.so: undefined symbol: _ZN3c104cuda'},
        'ops', 'mmcv 2.1.0 was built for another torch than torch 2.13.0', SET_UP,
    ),
    'wrong values': (
        {}, {'ops': 'RuntimeError: mmcv computes wrong values on cpu'},
        'ops', 'ops does not work: RuntimeError: mmcv computes wrong', SET_UP,
    ),
    'opencv for another numpy': (
        {'numpy': '1.26.4'}, {'opencv': 'ImportError: numpy._core.multiarray failed to import'},
        'opencv', 'opencv does not work with numpy 1.26.4', SET_UP,
    ),
    'torch for another numpy': (
        {'numpy': '2.4.6'}, {'torch': 'RuntimeError: Numpy is not available'},
        'torch', 'torch does not work with numpy 2.4.6', SET_UP,
    ),
    'what torch needs': (
        {}, {'torch': MISSING.format('sympy')}, 'torch', 'sympy is missing', SET_UP,
    ),
    'opencv without a library': (
        {}, {'opencv': 'ImportError: libGL.so.1: cannot open shared object file'},
        'opencv', 'opencv does not work: ImportError: libGL.so.1', 'apt-get install libgl1',
    ),
    'a busy machine': (
        {}, {'mmdet': 'no answer within 900 seconds'},
        'mmdet', 'no answer within 900 seconds', 'again when the machine is less busy',
    ),
    'mmcv 2.2': (
        {'mmcv': '2.2.0'}, {'mmdet': 'AssertionError: MMCV==2.2.0 is used but incompatible.'},
        'mmdet', 'mmdet 3.3.0 does not accept mmcv 2.2.0', SET_UP,
    ),
    'no mmdet of the fork': (
        FORK | {'onedl-mmdetection': None}, {'mmdet': MISSING.format('mmdet')},
        'mmdet', 'mmdet is missing', 'MMPS_STACK=onedl ',
    ),
    'no scipy': ({}, {'scipy': MISSING.format('scipy')}, 'scipy', 'scipy is missing', SET_UP),
    'refused checkpoint': (
        {}, {'mmps': '_pickle.UnpicklingError: Weights only load failed.'},
        'mmps', 'mmps does not work: _pickle.UnpicklingError: Weights only', SET_UP,
    ),
    'both stacks': (
        {'onedl-mmdetection': '3.5.1'}, {}, 'stack',
        'mmdet and onedl-mmdetection overwrite each other',
        'uninstall -y mmcv mmengine mmdet onedl-mmdetection && MMPS_VENV=',
    ),
    'the fork with a stray mmcv': (
        FORK | {'mmcv': '2.1.0'}, {}, 'stack', 'mmcv and onedl-mmcv overwrite each other',
        'mmcv onedl-mmcv onedl-mmengine onedl-mmdetection && MMPS_STACK=onedl ',
    ),
}  # fmt: skip


@pytest.mark.parametrize('case', BROKEN)
def test_one_sentence_and_the_command_that_repairs(healthy, case):
    packages, errors, name, sentence, fix = BROKEN[case]
    finding = findings(broken(healthy, packages, **errors))[name]
    assert finding.status == FAILURE
    assert sentence in finding.found
    assert fix in finding.fix


@pytest.mark.parametrize(
    ('failing', 'skipped'),
    [
        ('torch', {'mmengine', 'ops', 'mmdet', 'mmps', 'device'}),
        ('ops', {'mmdet', 'mmps', 'device'}),
        ('scipy', {'mmdet', 'mmps'}),
    ],
)
def test_what_cannot_work_is_not_blamed(healthy, failing, skipped):
    found = findings(broken(healthy, **{failing: MISSING.format(failing)}))
    assert {f.name for f in found.values() if f.status == SKIPPED} == skipped
    assert {f.name for f in found.values() if f.status == FAILURE} == {failing}


def test_what_only_builds_packages_is_a_warning(healthy):
    finding = findings(broken(healthy, setuptools=MISSING.format('pkg_resources')))['setuptools']
    assert (finding.status, finding.found) == (WARNING, 'pkg_resources is missing')
    assert SET_UP in finding.fix


@pytest.mark.parametrize(
    ('lines', 'steps'),
    [
        (
            ['opencv-python 5.0 has requirement numpy>=2; python_version >= "3.9", but ...'],
            ["install --force-reinstall --no-deps 'numpy<="],
        ),
        (['matplotlib 3.11.2 is not supported on this platform'], ["--no-deps 'matplotlib<="]),
        (
            [
                'mmdet 3.3.0 requires terminaltables, which is not installed.',
                'mmdet 3.3.0 has requirement mmcv<2.2, but you have mmcv 2.2.0.',
            ],
            ['--no-deps terminaltables && ', 'uninstall -y mmcv && MMPS_VENV='],
        ),
    ],
)
def test_what_pip_complains_about_is_a_warning(healthy, lines, steps):
    finding = findings(replace(healthy, conflicts=tuple(lines)))['conflicts']
    assert (finding.status, finding.found) == (WARNING, '; '.join(lines))
    places = [finding.fix.index(step) for step in steps]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ('gpu', 'error', 'status', 'found'),
    [
        (True, '', OK, 'GPU (16 GiB)'),
        (
            False,
            'nms_impl: implementation for device cuda:0 not found.',
            WARNING,
            'GPU (16 GiB), but mmcv was built without operators for it',
        ),
        (
            False,
            'CUDA error: no kernel image is available',
            WARNING,
            'GPU (16 GiB), but the operators of mmcv fail there (CUDA error: no kernel image',
        ),
        (
            False,
            'mmcv computes wrong values on cuda: [1.0], [0]',
            FAILURE,
            'GPU (16 GiB), but the operators of mmcv fail there (mmcv computes wrong values',
        ),
    ],
)
def test_a_gpu_needs_operators_for_it(healthy, gpu, error, status, found):
    device = {'name': 'GPU', 'memory': 16 * GIB, 'architecture': '9.0'}
    torch = {'version': '2.13.0', 'cuda': '13.0', 'devices': [device]}
    ops = {'version': '2.1.0', 'gpu': gpu} | ({'gpu_error': error} if error else {})
    probes = healthy.probes | {'torch': Probe(True, torch), 'ops': Probe(True, ops)}
    finding = findings(replace(healthy, probes=probes))['device']
    assert finding.status == status
    assert finding.found.startswith(found)
    assert ('put nvcc of CUDA 13.0 on PATH, then: MMPS_VENV=' in finding.fix) == (not gpu)
    assert (' --gpu; or hide the GPU: export CUDA_VISIBLE_DEVICES=' in finding.fix) == (not gpu)


@pytest.mark.parametrize(
    ('version', 'found'),
    [
        ('2.13.0+cpu', '2.13.0+cpu'),
        ('2.14.1', '2.14.1'),
        ('2.4.1+cu121', '2.4.1+cu121 (tested: 2.13.0, 2.14.1)'),
    ],
)
def test_which_torch_was_tested(healthy, version, found):
    torch = Probe(True, {'version': version, 'cuda': None, 'devices': []})
    finding = findings(replace(healthy, probes=healthy.probes | {'torch': torch}))['torch']
    assert (finding.status, finding.found) == (OK, found)
