"""Draws findings about the packages from facts: pure functions, one per part."""

from __future__ import annotations

import re

from .facts import Facts, Probe
from .findings import FAILURE, OK, SKIPPED, WARNING, Finding
from .machine import GIB, check_disk, check_folders, check_memory, check_python, is_too_old
from .versions import (
    install,
    is_onedl,
    mend_mmcv,
    pip,
    read_requirements,
    reinstall,
    set_up,
    upgrade,
)

# Each probe and the probes without which it cannot work.
NEEDS = {
    'torch': ('numpy',),
    'opencv': ('numpy',),
    'extras': ('numpy',),
    'mmengine': ('numpy', 'torch', 'opencv'),
    'ops': ('numpy', 'torch', 'opencv', 'mmengine'),
    'mmdet': ('numpy', 'torch', 'opencv', 'mmengine', 'extras', 'ops'),
    'checkpoint': ('numpy', 'torch', 'opencv', 'mmengine'),
}
MODULES = {'opencv': 'cv2'}
OLD_ABI = r'undefined symbol|_ext|symbol not found|DLL load failed|cannot open shared object'


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
        check_gpu, check_conflicts, check_setuptools, check_memory,
    )  # fmt: skip
    return [check(facts) for check in checks]


def check_numpy(facts: Facts) -> Finding:
    """NumPy imports and computes."""
    return _check_package(facts, 'numpy', 'numpy')


def check_torch(facts: Facts) -> Finding:
    """Torch imports, computes, and works with the installed NumPy."""
    probe = facts.probes['torch']
    if facts.probes['numpy'].ok and 'numpy' in probe.error.lower():
        found = f'torch does not work with numpy {facts.packages.get("numpy")}: {probe.error}'
        return Finding('torch', FAILURE, found, upgrade('numpy'))
    return _check_package(facts, 'torch', 'torch')


def check_opencv(facts: Facts) -> Finding:
    """OpenCV imports and works with the installed NumPy."""
    probe = facts.probes['opencv']
    numpy = facts.packages.get('numpy', '')
    if not probe.ok and facts.probes['numpy'].ok and re.search('numpy|_ARRAY_API', probe.error):
        found = f'opencv does not work with numpy {numpy}: {probe.error}'
        return Finding('opencv', FAILURE, found, upgrade('numpy', 'opencv-python'))
    if re.search(r'lib(GL|gthread|glib)\S*: cannot open shared object', probe.error):
        cure = 'install the libraries (Debian, Ubuntu: apt-get install libgl1 libglib2.0-0)'
        return Finding('opencv', FAILURE, _describe('opencv', probe), cure)
    return _check_package(facts, 'opencv', 'opencv-python')


def check_extras(facts: Facts) -> Finding:
    """SciPy, matplotlib, pycocotools and rich import."""
    probe = facts.probes['extras']
    if probe.ok:
        return Finding('extras', OK, ', '.join(probe.found['modules']))
    skipped = _skipped(facts, 'extras')
    if skipped:
        return skipped
    names = ['scipy', 'matplotlib', 'pycocotools', 'rich']
    missing = _missing_module(probe) in names
    cure = install(*names) if missing else upgrade('numpy', *names)
    return Finding('extras', FAILURE, _describe('extras', probe), cure)


def check_stacks(facts: Facts) -> Finding:
    """Only one of the two stacks is installed: they overwrite each other's files."""
    pairs = (
        ('mmcv', 'onedl-mmcv'), ('mmcv', 'mmcv-lite'), ('mmcv', 'mmcv-full'),
        ('mmengine', 'onedl-mmengine'), ('mmdet', 'onedl-mmdetection'),
    )  # fmt: skip
    both = [pair for pair in pairs if all(name in facts.packages for name in pair)]
    if not both:
        stack = 'the maintained fork' if is_onedl(facts.packages) else 'the OpenMMLab releases'
        return Finding('stack', OK, stack)
    found = '; '.join(f'{a} and {b} overwrite each other' for a, b in both)
    doubled = sorted({name for pair in both for name in pair})
    mend = set_up() or 'bash tools/setup_env.sh'
    return Finding('stack', FAILURE, found, f'{pip("uninstall", "-y", *doubled)} && {mend}')


def check_mmengine(facts: Facts) -> Finding:
    """MMEngine imports."""
    name = 'onedl-mmengine' if is_onedl(facts.packages) else 'mmengine'
    return _check_package(facts, 'mmengine', name)


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
    elif re.search(OLD_ABI, probe.error):
        torch = facts.probes['torch'].found['version']
        found = f'mmcv {version} was built for another torch than {torch}: {probe.error}'
    else:
        found = f'mmcv {version} fails: {probe.error}'
    return Finding('ops', FAILURE, found, _with_compiler(facts, mend_mmcv(packages)))


def check_mmdet(facts: Facts) -> Finding:
    """MMDetection imports, accepts the installed MMCV, and carries mmps's registries."""
    skipped = _skipped(facts, 'mmdet')
    if skipped:
        return skipped
    probe, packages = facts.probes['mmdet'], facts.packages
    if 'MMCV==' in probe.error:
        mmdet, mmcv = packages.get('mmdet', '?'), packages.get('mmcv', '?')
        found = f'mmdet {mmdet} does not accept mmcv {mmcv}'
        return Finding('mmdet', FAILURE, found, _with_compiler(facts, mend_mmcv(packages)))
    if is_onedl(packages) and not probe.ok:
        # Its source needs the setuptools of this environment.
        cure = pip('install', '--no-build-isolation', read_requirements()['onedl-mmdetection'])
        return Finding('mmdet', FAILURE, _describe('mmdet', probe), cure)
    return _check_package(facts, 'mmdet', 'mmdet')


def check_checkpoint(facts: Facts) -> Finding:
    """A checkpoint as MMEngine writes it can be read with torch's restricted unpickler."""
    skipped = _skipped(facts, 'checkpoint')
    if skipped:
        return skipped
    probe = facts.probes['checkpoint']
    if probe.ok:
        return Finding('checkpoint', OK, 'a checkpoint of MMEngine loads')
    cure = reinstall(facts.packages, 'torch', 'mmengine')
    return Finding('checkpoint', FAILURE, probe.error, cure)


def check_gpu(facts: Facts) -> Finding:
    """A GPU that torch sees is one that MMCV's operators can use."""
    skipped = _skipped(facts, 'ops')
    if skipped:
        return Finding('device', SKIPPED, skipped.found)
    devices = facts.probes['torch'].found['devices']
    if not devices:
        return Finding('device', OK, 'CPU only: torch sees no GPU')
    names = ', '.join(f'{d["name"]} ({d["memory"] / GIB:.0f} GiB)' for d in devices)
    if facts.probes['ops'].found.get('gpu', True):
        return Finding('device', OK, names)
    found = f'{names}, but mmcv was built without operators for it'
    return Finding('device', FAILURE, found, mend_mmcv(facts.packages, gpu=True))


def check_conflicts(facts: Facts) -> Finding:
    """Every package has what it asks for, by pip's own account."""
    if not facts.conflicts:
        return Finding('conflicts', OK, 'none between installed packages')
    wanted = [
        re.search(r' (?:requires|has requirement) ([\w.-]+)', line) for line in facts.conflicts
    ]
    names = sorted({match.group(1) for match in wanted if match})
    return Finding('conflicts', WARNING, '; '.join(facts.conflicts), upgrade(*names))


def check_setuptools(facts: Facts) -> Finding:
    """``pkg_resources``, which MMCV's build and some calls of MMEngine import, is there."""
    version = facts.packages.get('setuptools', '')
    if version and int(version.split('.')[0]) < 81:
        return Finding('setuptools', OK, version)
    found = f'setuptools {version} has no pkg_resources' if version else 'setuptools is missing'
    return Finding('setuptools', WARNING, found, install('setuptools'))


def _check_package(facts: Facts, name: str, distribution: str) -> Finding:
    skipped = _skipped(facts, name)
    if skipped:
        return skipped
    probe = facts.probes[name]
    if probe.ok:
        return Finding(name, OK, probe.found['version'])
    # pip adds what an installed package misses, but does not mend the package itself.
    missing = _missing_module(probe)
    lacks_another = missing and missing != MODULES.get(name, name)
    cure = install(distribution) if lacks_another else reinstall(facts.packages, distribution)
    return Finding(name, FAILURE, _describe(name, probe), cure)


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
