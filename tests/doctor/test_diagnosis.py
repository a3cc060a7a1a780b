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


def test_a_healthy_machine_has_nothing_to_mend(healthy):
    assert {f.status for f in diagnose(healthy)} == {OK}
    assert not any(f.cure for f in diagnose(healthy))


# What broke, what pip says is installed, what the probes said; the sentence and the cure.
SET_UP = 'tools/setup_env.sh'
MISSING = "ModuleNotFoundError: No module named '{}'"
# What pip knows where the maintained fork is installed.
FORK = {
    'mmcv': None, 'mmengine': None, 'mmdet': None,
    'onedl-mmcv': '2.3.6', 'onedl-mmengine': '0.10.12', 'onedl-mmdetection': '3.5.1',
}  # fmt: skip
BROKEN = {
    'no torch': (
        {'torch': None}, {'torch': MISSING.format('torch')},
        'torch', 'torch is missing', SET_UP,
    ),
    'no numpy': (
        {'numpy': None}, {'numpy': MISSING.format('numpy'), 'torch': 'RuntimeError: Numpy is not'},
        'numpy', 'numpy is missing', SET_UP,
    ),
    'no mmcv': (
        {'mmcv': None}, {'ops': MISSING.format('mmcv')},
        'ops', 'mmcv is missing', SET_UP,
    ),
    'mmcv-lite': (
        {'mmcv': None, 'mmcv-lite': '2.1.0'}, {'ops': MISSING.format('mmcv._ext')},
        'ops', 'mmcv-lite has no compiled operators', SET_UP,
    ),
    'mmcv for another torch': (
        {}, {'ops': 'ImportError: mmcv/_ext.cpython-311.so: undefined symbol: _ZN3c104cuda'},
        'ops', 'mmcv 2.1.0 was built for another torch than 2.13.0', SET_UP,
    ),
    'mmcv without operators': (
        {}, {'ops': MISSING.format('mmcv._ext')},
        'ops', 'mmcv 2.1.0 was built without compiled operators', SET_UP,
    ),
    'wrong values': (
        {}, {'ops': 'RuntimeError: mmcv computes wrong values on cpu'},
        'ops', 'mmcv 2.1.0 fails: RuntimeError: mmcv computes wrong', SET_UP,
    ),
    'opencv for another numpy': (
        {'numpy': '1.26.4'}, {'opencv': 'ImportError: numpy._core.multiarray failed to import'},
        'opencv', 'opencv does not work with numpy 1.26.4', SET_UP,
    ),
    'torch for another numpy': (
        {'numpy': '2.4.6'}, {'torch': 'RuntimeError: Numpy is not available'},
        'torch', 'torch does not work with numpy 2.4.6', "--upgrade 'numpy<=2.4.6'",
    ),
    'torch without a library': (
        {}, {'torch': 'OSError: libcudart.so.12: cannot open shared object file'},
        'torch', 'torch does not work: OSError: libcudart', SET_UP,
    ),
    'what torch needs': (
        {}, {'torch': MISSING.format('sympy')},
        'torch', 'sympy is missing', SET_UP,
    ),
    'opencv without a library': (
        {}, {'opencv': 'ImportError: libGL.so.1: cannot open shared object file'},
        'opencv', 'opencv does not work: ImportError: libGL.so.1', 'apt-get install libgl1',
    ),
    'matplotlib for another numpy': (
        {}, {'extras': 'ImportError: Matplotlib requires numpy>=1.25; you have 1.23.5'},
        'extras', 'Matplotlib requires numpy>=1.25', SET_UP,
    ),
    'mmcv 2.2': (
        {'mmcv': '2.2.0'}, {'mmdet': 'AssertionError: MMCV==2.2.0 is used but incompatible.'},
        'mmdet', 'mmdet 3.3.0 does not accept mmcv 2.2.0', SET_UP,
    ),
    'no mmdet': (
        {'mmdet': None}, {'mmdet': MISSING.format('mmdet')},
        'mmdet', 'mmdet is missing', SET_UP,
    ),
    'no mmdet of the fork': (
        FORK | {'onedl-mmdetection': None}, {'mmdet': MISSING.format('mmdet')},
        'mmdet', 'mmdet is missing', 'MMPS_STACK=onedl ',
    ),
    'broken mmdet of the fork': (
        FORK, {'mmdet': 'ImportError: half installed'},
        'mmdet', 'mmdet does not work: ImportError: half installed',
        'MMPS_STACK=onedl ',
    ),
    'what mmdet of the fork needs': (
        FORK, {'mmdet': MISSING.format('terminaltables')},
        'mmdet', 'terminaltables is missing',
        'MMPS_STACK=onedl ',
    ),
    'no mmengine of the fork': (
        FORK | {'onedl-mmengine': None}, {'mmengine': MISSING.format('mmengine')},
        'mmengine', 'mmengine is missing', 'MMPS_STACK=onedl ',
    ),
    'no mmcv of the fork': (
        FORK | {'onedl-mmcv': None}, {'ops': MISSING.format('mmcv')},
        'ops', 'mmcv is missing', 'MMPS_STACK=onedl ',
    ),
    'no mmengine': (
        {'mmengine': None}, {'mmengine': MISSING.format('mmengine')},
        'mmengine', 'mmengine is missing', SET_UP,
    ),
    'no scipy': (
        {}, {'extras': MISSING.format('scipy')},
        'extras', 'scipy is missing', SET_UP,
    ),
    'refused checkpoint': (
        {}, {'checkpoint': '_pickle.UnpicklingError: Weights only load failed.'},
        'checkpoint', 'Weights only load failed', 'pip uninstall -y mmengine torch && ',
    ),
    'refused checkpoint of the fork': (
        FORK, {'checkpoint': '_pickle.UnpicklingError: Weights only load failed.'},
        'checkpoint', 'Weights only load failed',
        'pip uninstall -y onedl-mmengine torch && MMPS_STACK=onedl ',
    ),
    'both stacks': (
        {'onedl-mmdetection': '3.5.1'}, {},
        'stack', 'mmdet and onedl-mmdetection overwrite each other', 'uninstall -y mmdet onedl-mm',
    ),
    'the fork with a stray mmcv': (
        FORK | {'mmcv': '2.1.0'}, {},
        'stack', 'mmcv and onedl-mmcv overwrite each other',
        'uninstall -y mmcv onedl-mmcv && MMPS_STACK=onedl ',
    ),
    'the fork with mmcv-lite': (
        FORK | {'mmcv-lite': '2.1.0'}, {},
        'stack', 'mmcv-lite and onedl-mmcv overwrite each other',
        'uninstall -y mmcv-lite onedl-mmcv && MMPS_STACK=onedl ',
    ),
    'three of one kind': (
        {'mmcv-full': '1.7.2', 'onedl-mmcv': '2.3.6'}, {},
        'stack', 'mmcv and mmcv-full and onedl-mmcv overwrite each other',
        'uninstall -y mmcv mmcv-full onedl-mmcv && MMPS_VENV=',
    ),
}  # fmt: skip


@pytest.mark.parametrize('case', BROKEN)
def test_one_sentence_and_the_command_that_mends(healthy, case):
    packages, errors, name, sentence, cure = BROKEN[case]
    finding = findings(broken(healthy, packages, **errors))[name]
    assert finding.status == FAILURE
    assert sentence in finding.found
    assert cure in finding.cure


@pytest.mark.parametrize(
    ('failing', 'skipped'),
    [
        ('torch', {'mmengine', 'ops', 'mmdet', 'checkpoint', 'device', 'precision'}),
        ('mmengine', {'ops', 'mmdet', 'checkpoint', 'device'}),
        ('ops', {'mmdet'}),
        ('extras', {'mmdet'}),
    ],
)
def test_what_cannot_work_is_not_blamed(healthy, failing, skipped):
    found = findings(broken(healthy, **{failing: MISSING.format(failing)}))
    assert {f.name for f in found.values() if f.status == SKIPPED} == skipped
    assert {f.name for f in found.values() if f.status == FAILURE} == {failing}


@pytest.mark.parametrize(
    ('probe', 'sentence'),
    [
        (Probe(True, {'wrong': ['bfloat16', 'float16']}), 'bfloat16 and float16 compute wrong'),
        (Probe(False, error='the process ended with -11'), 'does not work: the process ended'),
    ],
    ids=['wrong values', 'crash'],
)
def test_wrong_half_precision_is_a_warning_with_a_cure(healthy, probe, sentence):
    facts = replace(healthy, probes=healthy.probes | {'precision': probe})
    finding = findings(facts)['precision']
    assert finding.status == WARNING
    assert sentence in finding.found
    assert finding.cure == 'export ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16'


def test_what_an_old_python_cannot_run_is_not_blamed(healthy):
    facts = broken(replace(healthy, python=(3, 8, 18)), numpy=MISSING.format('numpy'))
    assert [(f.name, f.status) for f in diagnose(facts)] == [('python', FAILURE)]


def test_without_a_compiler_the_cure_begins_with_one(healthy):
    facts = replace(broken(healthy, ops='ImportError: undefined symbol'), compiler='')
    assert findings(facts)['ops'].cure.startswith('install a C++ compiler')


@pytest.mark.parametrize(
    ('line', 'cure'),
    [
        ('mmdet 3.3.0 requires scipy, which is not installed.', "--upgrade 'scipy<="),
        (
            'opencv-python 5.0 has requirement numpy>=2; python_version >= "3.9", but ...',
            "--upgrade 'numpy<=",
        ),
        (
            'matplotlib 3.11.2 is not supported on this platform',
            'uninstall -y matplotlib && MMPS_VENV=',
        ),
        ('mmcv 2.1.0 is not supported on this platform', 'uninstall -y mmcv && MMPS_VENV='),
        ('mmdet 3.3.0 has requirement mmcv<2.2, but you have mmcv 2.2.0.', 'uninstall -y mmcv &&'),
    ],
)
def test_what_pip_complains_about_is_a_warning(healthy, line, cure):
    healthy = broken(healthy, {'matplotlib': '3.11.2'})
    finding = findings(replace(healthy, conflicts=(line,)))['conflicts']
    assert (finding.status, finding.found) == (WARNING, line)
    assert cure in finding.cure


def test_several_complaints_of_pip_have_one_cure(healthy):
    lines = (
        'mmdet 3.3.0 requires scipy, which is not installed.',
        'torch 2.13.0 is not supported on this platform',
    )
    cure = findings(replace(healthy, conflicts=lines))['conflicts'].cure
    named = ["--upgrade 'scipy<=", ' && ', 'uninstall -y torch && ', SET_UP]
    places = [cure.index(part) for part in named]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ('version', 'status', 'found'),
    [
        ('81.0.0', WARNING, 'setuptools 81.0.0 has no pkg_resources'),
        ('63.4.3', WARNING, 'setuptools 63.4.3 is too old to build mmps'),
        ('', WARNING, 'setuptools is missing'),
        ('64.0.0', OK, '64.0.0'),
        ('80.9', OK, '80.9'),
    ],
)
def test_setuptools(healthy, version, status, found):
    finding = findings(broken(healthy, {'setuptools': version}))['setuptools']
    assert (finding.status, finding.found) == (status, found)
    assert ("'setuptools>=64,<81'" in finding.cure) == (status == WARNING)


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
    assert ('put nvcc of CUDA 13.0 on PATH, then: MMPS_VENV=' in finding.cure) == (not gpu)
    assert (' --gpu; or hide the GPU: export CUDA_VISIBLE_DEVICES=' in finding.cure) == (not gpu)


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
