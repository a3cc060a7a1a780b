"""Draws findings about the packages from facts: pure functions."""

from __future__ import annotations

import re
from itertools import chain

from .facts import NO_ANSWER, PROBED, Facts
from .findings import FAILURE, OK, SKIPPED, WARNING, Finding
from .machine import GIB, check_disk, check_folders, check_python
from .versions import SAME_FILES, is_onedl, pip, read_requirements, read_tested, replace, set_up

# The parts without which another one cannot work.
NEEDS = dict.fromkeys(('torch', 'opencv', 'matplotlib', 'pycocotools', 'scipy'), ('numpy',))
NEEDS['mmengine'] = ('numpy', 'torch', 'opencv', 'matplotlib', 'rich')
NEEDS['ops'] = (*NEEDS['mmengine'], 'mmengine')
NEEDS['mmdet'] = (*NEEDS['ops'], 'pycocotools', 'scipy', 'ops')
NEEDS['mmps'] = (*NEEDS['mmdet'], 'mmdet')
# What a complaint means, where its own words do not say it: part, complaint, meaning.
MEANINGS = (
    ('torch', '(?i)numpy', 'torch does not work with {numpy}'),
    ('opencv', 'numpy|_ARRAY_API', 'opencv does not work with {numpy}'),
    ('ops', r"No module named 'mmcv\._ext'", '{mmcv} has no compiled operators'),
    (
        'ops',
        'undefined symbol|symbol not found|DLL load failed|cannot open shared object',
        '{mmcv} was built for another torch than {torch}',
    ),
    ('mmdet', 'MMCV==', '{mmdet} does not accept {mmcv}'),
)
# The complaints that no package repairs.
SYSTEM_LIBRARIES = r'lib(GL|gthread|glib)\S*: cannot open shared object'
INSTALL_LIBRARIES = 'install the libraries (Debian, Ubuntu: apt-get install libgl1 libglib2.0-0)'
TRY_AGAIN = 'run this again when the machine is less busy'
# What MMCV says where it was built for the CPU only.
NO_GPU_OPERATORS = r'implementation for device \S+ not found|not compiled with (GPU|CUDA)'


def diagnose(facts: Facts) -> list[Finding]:
    """Judge every part.

    Args:
        facts: What :func:`mmps.doctor.facts.gather` found.

    Returns:
        One finding for each part, in the order in which they should be repaired.
    """
    machine = [check(facts) for check in (check_python, check_disk, check_folders, check_stacks)]
    parts = [check_part(facts, name) for name in PROBED]
    return [*machine, *parts, check_gpu(facts), check_conflicts(facts)]


def check_stacks(facts: Facts) -> Finding:
    """Only one of the two stacks is installed: they overwrite each other's files."""
    kinds = [[name for name in names if name in facts.packages] for names in SAME_FILES.values()]
    several = [names for names in kinds if len(names) > 1]
    if not several:
        stack = 'the maintained fork' if is_onedl(facts.packages) else 'the OpenMMLab releases'
        return Finding('stack', OK, stack)
    found = '; '.join(f'{" and ".join(names)} overwrite each other' for names in several)
    # All of both, as the set-up of one refuses an environment that holds any part of the other.
    return Finding('stack', FAILURE, found, replace(facts.packages, *chain(*kinds)))


def check_part(facts: Facts, name: str) -> Finding:
    """A part imports and computes.

    Args:
        facts: Collected facts.
        name: One of ``PROBED``.
    """
    failed = [need for need in NEEDS.get(name, ()) if not facts.probes[need].ok]
    if failed:
        return Finding(name, SKIPPED, f'not tried: {failed[0]} has to be fixed first')
    probe = facts.probes[name]
    if probe.ok:
        version = probe.found['version']
        tested = read_tested('torch')
        if name == 'torch' and version.partition('+')[0] not in tested:
            version += f' (tested: {", ".join(tested)})'
        return Finding(name, OK, version)
    fix = set_up(facts.packages)
    if name == 'opencv' and re.search(SYSTEM_LIBRARIES, probe.error):
        fix = INSTALL_LIBRARIES
    elif probe.error.startswith(NO_ANSWER):
        fix = TRY_AGAIN
    # It builds packages, and little else needs it.
    status = WARNING if name == 'setuptools' else FAILURE
    return Finding(name, status, _describe(facts.packages, name, probe.error), fix)


def check_gpu(facts: Facts) -> Finding:
    """A GPU that torch sees is one that MMCV's operators can use."""
    ops = check_part(facts, 'ops')
    if ops.status != OK:
        return Finding('device', SKIPPED, 'not tried: ops has to be fixed first')
    torch, found = facts.probes['torch'].found, facts.probes['ops'].found
    if not torch['devices']:
        return Finding('device', OK, 'CPU only: torch sees no GPU')
    names = ', '.join(f'{d["name"]} ({d["memory"] / GIB:.0f} GiB)' for d in torch['devices'])
    error = found.get('gpu_error', '')
    if not error:
        return Finding('device', OK, names)
    lacking = re.search(NO_GPU_OPERATORS, error)
    fails = f'the operators of mmcv fail there ({error})'
    what = f'{names}, but {"mmcv was built without operators for it" if lacking else fails}'
    fix = (
        f'put nvcc of CUDA {torch["cuda"]} on PATH, then: {set_up(facts.packages, "--gpu")}; '
        'or hide the GPU: export CUDA_VISIBLE_DEVICES='
    )
    # Without them training works on the CPU; wrong values would go unnoticed.
    return Finding('device', FAILURE if 'wrong values' in error else WARNING, what, fix)


def check_conflicts(facts: Facts) -> Finding:
    """Every package has what it asks for, by pip's own account."""
    if not facts.conflicts:
        return Finding('conflicts', OK, 'none between installed packages')
    wanted = set()
    for line in facts.conflicts:
        match = re.search(r' (?:requires|has requirement) ([\w.-]+)', line)
        # Some are about the package itself: mmcv 2.1.0 is not supported on this platform
        wanted.add(match.group(1) if match else line.partition(' ')[0])
    mmcv = sorted(wanted & {*SAME_FILES['mmcv']})  # which pip would build without operators
    requirements = read_requirements()
    others = [requirements.get(name, name) for name in sorted(wanted - {*mmcv})]
    steps = [pip('install', '--force-reinstall', '--no-deps', *others)] if others else []
    steps += [replace(facts.packages, *mmcv)] if mmcv else []
    return Finding('conflicts', WARNING, '; '.join(facts.conflicts), ' && '.join(steps))


def _describe(packages: dict[str, str], name: str, error: str) -> str:
    named = {
        kind: next((f'{n} {packages[n]}' for n in names if n in packages), '')
        for kind, names in {**SAME_FILES, 'numpy': ['numpy'], 'torch': ['torch']}.items()
    }
    kind = 'mmcv' if name == 'ops' else name
    # Pip leaves folders behind that hold compiled files, and Python imports such a folder.
    if not named.get(kind, kind):
        return f'{kind} is missing'
    for part, complaint, meaning in MEANINGS:
        if part == name and re.search(complaint, error):
            return f'{meaning.format(**named)}: {error}'
    missing = re.search(r"No module named '([\w.]+)'", error)
    return f'{missing.group(1)} is missing' if missing else f'{name} does not work: {error}'
