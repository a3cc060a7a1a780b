"""Draws findings about the packages from facts: pure functions, one per part."""

from __future__ import annotations

import re

from .facts import Facts, Probe
from .findings import FAILURE, OK, SKIPPED, WARNING, Finding
from .machine import GIB, check_disk, check_folders, check_memory, check_python, is_too_old
from .versions import (
    SAME_FILES,
    is_onedl,
    read_requirements,
    read_tested_torches,
    replace,
    set_up,
    upgrade,
)

# Each probe and the probes without which it cannot work.
NEEDS = {
    'torch': ('numpy',),
    'precision': ('numpy', 'torch'),
    'opencv': ('numpy',),
    'extras': ('numpy',),
    'mmengine': ('numpy', 'torch', 'opencv'),
    'ops': ('numpy', 'torch', 'opencv', 'mmengine'),
    'mmdet': ('numpy', 'torch', 'opencv', 'mmengine', 'extras', 'ops'),
    'checkpoint': ('numpy', 'torch', 'opencv', 'mmengine'),
}
# What MMCV says where it was built for the CPU only.
NO_GPU_OPERATORS = r'implementation for device \S+ not found|not compiled with (GPU|CUDA)'
OLD_ABI = r'undefined symbol|symbol not found|DLL load failed|cannot open shared object'


def diagnose(facts: Facts) -> list[Finding]:
    """Judge every part.

    Args:
        facts: What :func:`mmps.doctor.facts.gather` found.

    Returns:
        One finding for each part, in the order in which they should be mended; about the
        interpreter only where that is too old.
    """
    if is_too_old(facts):
        return [check_python(facts)]
    checks = (
        check_python, check_disk, check_folders, check_numpy, check_torch, check_opencv,
        check_extras, check_stacks, check_mmengine, check_ops, check_mmdet, check_checkpoint,
        check_gpu, check_precision, check_conflicts, check_setuptools, check_memory,
    )  # fmt: skip
    return [check(facts) for check in checks]


def check_numpy(facts: Facts) -> Finding:
    """NumPy imports and computes."""
    return _check_package(facts, 'numpy')


def check_torch(facts: Facts) -> Finding:
    """Torch imports, computes, and works with the installed NumPy; its version was tested."""
    probe = facts.probes['torch']
    if facts.probes['numpy'].ok and 'numpy' in probe.error.lower():
        found = f'torch does not work with numpy {facts.packages.get("numpy")}: {probe.error}'
        return Finding('torch', FAILURE, found, upgrade('numpy'))
    finding, tested = _check_package(facts, 'torch'), read_tested_torches()
    if finding.status != OK or finding.found.partition('+')[0] in tested:
        return finding
    return Finding('torch', OK, f'{finding.found} (tested: {", ".join(tested)})')


def check_opencv(facts: Facts) -> Finding:
    """OpenCV imports and works with the installed NumPy."""
    probe = facts.probes['opencv']
    numpy = facts.packages.get('numpy', '')
    if not probe.ok and facts.probes['numpy'].ok and re.search('numpy|_ARRAY_API', probe.error):
        found = f'opencv does not work with numpy {numpy}: {probe.error}'
        return Finding('opencv', FAILURE, found, set_up(facts.packages))
    if re.search(r'lib(GL|gthread|glib)\S*: cannot open shared object', probe.error):
        cure = 'install the libraries (Debian, Ubuntu: apt-get install libgl1 libglib2.0-0)'
        return Finding('opencv', FAILURE, _describe('opencv', probe), cure)
    return _check_package(facts, 'opencv')


def check_extras(facts: Facts) -> Finding:
    """SciPy, matplotlib, pycocotools and rich import."""
    return _check_package(facts, 'extras')


def check_stacks(facts: Facts) -> Finding:
    """Only one of the two stacks is installed: they overwrite each other's files."""
    there = [[name for name in names if name in facts.packages] for names in SAME_FILES]
    several = [names for names in there if len(names) > 1]
    if not several:
        stack = 'the maintained fork' if is_onedl(facts.packages) else 'the OpenMMLab releases'
        return Finding('stack', OK, stack)
    found = '; '.join(f'{" and ".join(names)} overwrite each other' for names in several)
    doubled = [name for names in several for name in names]
    return Finding('stack', FAILURE, found, replace(facts.packages, *doubled))


def check_mmengine(facts: Facts) -> Finding:
    """MMEngine imports."""
    return _check_package(facts, 'mmengine')


def check_ops(facts: Facts) -> Finding:
    """MMCV's compiled operators import, run and compute the right values."""
    skipped = _skipped(facts, 'ops')
    if skipped:
        return skipped
    probe, packages = facts.probes['ops'], facts.packages
    if probe.ok:
        return Finding('ops', OK, f'mmcv {probe.found["version"]}: RoIAlign and NMS work')
    version = packages.get('mmcv') or packages.get('onedl-mmcv')
    if 'mmcv-lite' in packages:
        found = 'mmcv-lite has no compiled operators'
    elif version is None:
        found = 'mmcv is missing'
    elif "No module named 'mmcv._ext'" in probe.error:
        found = f'mmcv {version} was built without compiled operators'
    elif re.search(OLD_ABI, probe.error):
        torch = facts.probes['torch'].found['version']
        found = f'mmcv {version} was built for another torch than {torch}: {probe.error}'
    else:
        found = f'mmcv {version} fails: {probe.error}'
    return Finding('ops', FAILURE, found, _with_compiler(facts, set_up(packages)))


def check_mmdet(facts: Facts) -> Finding:
    """MMDetection imports, accepts the installed MMCV, and carries mmps's registries."""
    skipped = _skipped(facts, 'mmdet')
    if skipped:
        return skipped
    probe, packages = facts.probes['mmdet'], facts.packages
    if 'MMCV==' in probe.error:
        mmdet, mmcv = packages.get('mmdet', '?'), packages.get('mmcv', '?')
        found = f'mmdet {mmdet} does not accept mmcv {mmcv}'
        return Finding('mmdet', FAILURE, found, _with_compiler(facts, set_up(packages)))
    return _check_package(facts, 'mmdet')


def check_checkpoint(facts: Facts) -> Finding:
    """A checkpoint as MMEngine writes it can be read with torch's restricted unpickler."""
    skipped = _skipped(facts, 'checkpoint')
    if skipped:
        return skipped
    probe = facts.probes['checkpoint']
    if probe.ok:
        return Finding('checkpoint', OK, 'a checkpoint of MMEngine loads')
    mmengine = 'onedl-mmengine' if is_onedl(facts.packages) else 'mmengine'
    return Finding('checkpoint', FAILURE, probe.error, replace(facts.packages, 'torch', mmengine))


def check_gpu(facts: Facts) -> Finding:
    """A GPU that torch sees is one that MMCV's operators can use."""
    skipped = _skipped(facts, 'ops')
    if skipped:
        return Finding('device', SKIPPED, skipped.found)
    devices = facts.probes['torch'].found['devices']
    if not devices:
        return Finding('device', OK, 'CPU only: torch sees no GPU')
    names = ', '.join(f'{d["name"]} ({d["memory"] / GIB:.0f} GiB)' for d in devices)
    ops = facts.probes['ops'].found
    if ops.get('gpu', True):
        return Finding('device', OK, names)
    error = ops.get('gpu_error', '')
    built = error and not re.search(NO_GPU_OPERATORS, error)
    fails = f'the operators of mmcv fail there ({error})'
    found = f'{names}, but {fails if built else "mmcv was built without operators for it"}'
    cuda = facts.probes['torch'].found['cuda']
    cure = (
        f'put nvcc of CUDA {cuda} on PATH, then: {set_up(facts.packages, "--gpu")}; '
        'or hide the GPU: export CUDA_VISIBLE_DEVICES='
    )
    # Without them training works on the CPU; wrong values would go unnoticed.
    return Finding('device', FAILURE if 'wrong values' in error else WARNING, found, cure)


def check_precision(facts: Facts) -> Finding:
    """Half precision on the CPU is right; mmps computes what is not in single precision."""
    skipped = _skipped(facts, 'precision')
    if skipped:
        return skipped
    probe = facts.probes['precision']
    wrong = ' and '.join(probe.found.get('wrong', ()))
    if probe.ok and not wrong:
        return Finding('precision', OK, 'half precision on the CPU computes right values')
    found = (
        f"torch's convolutions of {wrong} compute wrong values on this CPU; mmps works around "
        'that, other programs may not'
        if probe.ok
        else f'half precision on the CPU does not work: {probe.error}'
    )
    return Finding('precision', WARNING, found, 'export ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16')


def check_conflicts(facts: Facts) -> Finding:
    """Every package has what it asks for, by pip's own account."""
    if not facts.conflicts:
        return Finding('conflicts', OK, 'none between installed packages')
    wanted, unfit = set(), set()
    for line in facts.conflicts:
        match = re.search(r' (?:requires|has requirement) ([\w.-]+)', line)
        if match:
            wanted.add(match.group(1))
        else:  # about the package itself, such as: mmcv 2.1.0 is not supported on this platform
            unfit.add(line.partition(' ')[0])
    unfit |= wanted & {*SAME_FILES[0]}  # pip alone would build an MMCV without operators
    wanted -= unfit
    steps = [upgrade(*sorted(wanted))] if wanted else []
    steps += [replace(facts.packages, *sorted(unfit))] if unfit else []
    return Finding('conflicts', WARNING, '; '.join(facts.conflicts), ' && '.join(steps))


def check_setuptools(facts: Facts) -> Finding:
    """It builds mmps, and has ``pkg_resources``, which MMCV's build and MMEngine import."""
    version = facts.packages.get('setuptools', '')
    oldest, too_new = map(int, re.findall(r'\d+', read_requirements()['setuptools']))
    major = int(version.split('.')[0]) if version else 0
    if oldest <= major < too_new:
        return Finding('setuptools', OK, version)
    found = 'setuptools is missing'
    if version:
        lacks = 'has no pkg_resources' if major >= too_new else 'is too old to build mmps'
        found = f'setuptools {version} {lacks}'
    return Finding('setuptools', WARNING, found, upgrade('setuptools'))


def _check_package(facts: Facts, name: str) -> Finding:
    skipped = _skipped(facts, name)
    if skipped:
        return skipped
    probe = facts.probes[name]
    if probe.ok:
        found = probe.found.get('version') or ', '.join(probe.found['modules'])
        return Finding(name, OK, found)
    return Finding(name, FAILURE, _describe(name, probe), set_up(facts.packages))


def _describe(name: str, probe: Probe) -> str:
    missing = _missing_module(probe)
    return f'{missing} is missing' if missing else f'{name} does not work: {probe.error}'


def _missing_module(probe: Probe) -> str:
    missing = re.search(r"No module named '(\w+)'", probe.error)
    return missing.group(1) if missing else ''


def _skipped(facts: Facts, name: str) -> Finding | None:
    broken = [need for need in NEEDS.get(name, ()) if not facts.probes[need].ok]
    if not broken:
        return None
    return Finding(name, SKIPPED, f'not tried: {broken[0]} has to be mended first')


def _with_compiler(facts: Facts, cure: str) -> str:
    if facts.compiler:
        return cure
    return f'install a C++ compiler (Debian, Ubuntu: apt-get install g++), then: {cure}'
