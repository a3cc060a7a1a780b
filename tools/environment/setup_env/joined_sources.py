"""Joins MMCV's C++ files into a few, which compile twenty times faster.

Nearly all of a build's time goes into torch's headers, which the compiler reads again for each of
the 77 files. The joined files hold the same functions.
"""

from __future__ import annotations

from pathlib import Path

# Where setup.py looks for C++ files, and where it shall look.
PATTERNS = {
    './mmcv/ops/csrc/pytorch/*.cpp': './joint/*.cpp',
    './mmcv/ops/csrc/pytorch/cpu/*.cpp': './joint/cpu/*.cpp',  # there are none
}
# Names that several of these files define, each in its own way: renamed while each is read.
CLASHING = ('PreCalc', 'add', 'bilinear_interpolate_gradient', 'pre_calc_for_bilinear_interpolate')
OWNERS = ('bezier_align', 'roi_align', 'roi_align_rotated', 'rotated_feature_align')
MACROS = ('min', 'max')  # which psamask.cpp leaves behind
# Headers of which a small part is needed.
LEANER = {
    '<torch/extension.h>': '<torch/csrc/utils/pybind.h>\n#include <torch/types.h>',
    '<torch/script.h>': '<torch/types.h>',
}
BINDINGS = 'pybind.cpp'  # takes as long as all the others together
MOST_FILES = 3  # with more, they would wait for the bindings


def join_sources(source: Path, jobs: int) -> bool:
    """Rewrite an unpacked source; one that looks different stays as it is.

    Args:
        source: The unpacked source.
        jobs: How many compilers run at once.

    Returns:
        Whether the source is joined.
    """
    setup, joint = source / 'setup.py', source / 'joint'
    text = setup.read_text('utf-8')
    csrc = source / 'mmcv/ops/csrc/pytorch'
    files = [*csrc.glob('*.cpp'), *csrc.glob('cpu/*.cpp')]
    if csrc / BINDINGS not in files or not all(f"'{pattern}'" in text for pattern in PATTERNS):
        return False
    files.remove(csrc / BINDINGS)
    (joint / 'parts').mkdir(parents=True)
    _copy(csrc / BINDINGS, joint / BINDINGS)
    for number, share in enumerate(_shares(files, max(1, min(jobs - 1, MOST_FILES)))):
        # Behind `using namespace std` an unqualified cos(float) would mean another function.
        share.sort(key=lambda file: ('using namespace std' in file.read_text('utf-8'), file))
        lines = [_include(file, joint) for file in share]
        (joint / f'joint_{number}.cpp').write_text('\n'.join(lines), 'utf-8')
    for pattern, instead in PATTERNS.items():
        text = text.replace(f"'{pattern}'", f"'{instead}'")
    setup.write_text(text, 'utf-8')
    return True


def _shares(files: list[Path], number: int) -> list[list[Path]]:
    shares: list[list[Path]] = [[] for _ in range(number)]
    for file in sorted(files, key=lambda file: -file.stat().st_size):
        min(shares, key=lambda share: sum(other.stat().st_size for other in share)).append(file)
    return shares


def _copy(file: Path, target: Path) -> None:
    text = file.read_text('utf-8')
    for header, leaner in LEANER.items():
        text = text.replace(f'#include {header}', f'#include {leaner}')
    target.write_text(text, 'utf-8')


def _include(file: Path, joint: Path) -> str:
    part = f'parts/{file.parent.name}_{file.name}'
    _copy(file, joint / part)
    clashing = CLASHING if file.parent.name == 'cpu' and file.stem in OWNERS else ()
    return '\n'.join(
        [
            *(f'#define {name} {file.stem}_{name}' for name in clashing),
            f'#include "{part}"',
            *(f'#undef {name}' for name in (*clashing, *MACROS)),
        ]
    )
