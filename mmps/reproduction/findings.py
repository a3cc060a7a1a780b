"""What the paper found, as differences between numbers of its tables, with controls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .statistics import DOES_NOT, SHOWS, UNDECIDED, Estimate, estimate, verdict
from .tables import BASELINE, VARIANTS

SAME_SET, SAME_SET_GT = 'c/small/mAP', 'c/gt/small/mAP'
LARGE = 'c/large/mAP'

Number = Callable[[str, str], float | None]
"""Returns the number of a row and a key."""


@dataclass(frozen=True)
class Contrast:
    """A difference: the sum of some numbers of a table, each times a weight.

    Attributes:
        words: What the difference is.
        terms: Weight, row and key of each number.
    """

    words: str
    terms: tuple[tuple[float, str, str], ...]

    def value(self, number: Number) -> float | None:
        """Compute the difference; nothing if one of its numbers is missing."""
        found = [(weight, number(row, key)) for weight, row, key in self.terms]
        known = [weight * value for weight, value in found if value is not None]
        return sum(known) if len(known) == len(found) else None


@dataclass(frozen=True)
class Finding:
    """A statement of the paper.

    Attributes:
        claim: In one sentence.
        contrasts: Differences that are all positive if it holds.
        controls: Differences that say why.
    """

    claim: str
    contrasts: tuple[Contrast, ...]
    controls: tuple[Contrast, ...] = ()


def findings(table: str) -> tuple[Finding, ...]:
    """List what the paper concludes from a table.

    Args:
        table: Name of the table.
    """
    return {'table1a': _trade_off, 'table1c': _across_sets, 'table1d': _same_set}[table]()


def judge(finding: Finding, numbers: Mapping[int, Number], paper: Number) -> dict:
    """Decide whether a finding shows.

    Args:
        finding: The statement.
        numbers: Our numbers by seed, as fractions in 0..1.
        paper: The paper's numbers, in percent.

    Returns:
        ``claim``, ``verdict``, and ``effects`` and ``controls`` with their intervals in points;
        what cannot be computed is left out.
    """
    effects = [_effect(c, numbers, paper) for c in finding.contrasts]
    known = [effect for effect in effects if effect is not None]
    verdicts = [verdict(effect['estimate']) for effect in known]
    decided = UNDECIDED
    if len(known) == len(effects) and all(v == SHOWS for v in verdicts):
        decided = SHOWS
    elif DOES_NOT in verdicts:
        decided = DOES_NOT
    controls = [_effect(c, numbers, paper) for c in finding.controls]
    return {
        'claim': finding.claim,
        'verdict': decided,
        'effects': [_in_points(effect) for effect in known],
        'controls': [_in_points(control) for control in controls if control is not None],
    }


def _effect(contrast: Contrast, numbers: Mapping[int, Number], paper: Number) -> dict | None:
    values = {seed: contrast.value(number) for seed, number in numbers.items()}
    known = {seed: value for seed, value in values.items() if value is not None}
    if not known:
        return None
    return {
        'words': contrast.words,
        'seeds': list(known),
        'estimate': estimate(list(known.values())),
        'paper': contrast.value(paper),
    }


def _in_points(effect: dict) -> dict:
    found: Estimate = effect.pop('estimate')
    points = {
        key: None if value is None else round(100 * value, 2)
        for key, value in (('mean', found.mean), ('low', found.low), ('high', found.high))
    }
    told = effect.pop('paper')
    return {**effect, **points, 'paper': None if told is None else round(told, 2)}


def _gain(words: str, key: str, pairs: Sequence[tuple[str, str]]) -> Contrast:
    """Build the mean difference between the first and the second row of some pairs."""
    weight = 1 / len(pairs)
    terms = [(sign * weight, row, key) for pair in pairs for sign, row in zip((1, -1), pair)]  # noqa: B905
    return Contrast(words, tuple(terms))


def _pairs(first: str, second: str) -> list[tuple[str, str]]:
    return [(variant + first, variant + second) for variant in VARIANTS]


def _trade_off() -> tuple[Finding, ...]:
    def order(c: str, p: str, boxes: str) -> tuple[Contrast, ...]:
        return (
            _gain(f'J3 over J2 on CUHK-SYSU{boxes}', c, [('J3', 'J2')]),
            _gain(f'J3 over J4 on CUHK-SYSU{boxes}', c, [('J3', 'J4')]),
            _gain(f'J2 over J3 on PRW{boxes}', p, [('J2', 'J3')]),
            _gain(f'J3 over J4 on PRW{boxes}', p, [('J3', 'J4')]),
        )

    joint = [(variant, BASELINE) for variant in VARIANTS]
    return (
        Finding(
            'J3 is the best trade-off: first on CUHK-SYSU, between J2 and J4 on PRW.',
            order(SAME_SET, 'p/bpi5/mAP', ''),
            order(SAME_SET_GT, 'p/gt/mAP', ', GT boxes'),
        ),
        Finding(
            'A shared backbone costs no accuracy: J2 to J4 are above Disj. on CUHK-SYSU.',
            (_gain('J2 to J4 over Disj. on CUHK-SYSU', SAME_SET, joint),),
            (_gain('the same with GT boxes', SAME_SET_GT, joint),),
        ),
    )


def _across_sets() -> tuple[Finding, ...]:
    more, same, beyond = _pairs('_mwp', '_p'), _pairs('_p+', '_p'), _pairs('_mwp', '_p+')
    return (
        Finding(
            'More detection data without identities lifts re-ID across data sets.',
            (_gain('m+w+p over p, tested on c', SAME_SET, more),),
            (
                _gain('as many more images like p', SAME_SET, same),
                _gain('m+w+p over as many images like p', SAME_SET, beyond),
            ),
        ),
        Finding(
            'It does so through better features, not only through better boxes: with GT boxes too.',
            (_gain('m+w+p over p, tested on c with GT boxes', SAME_SET_GT, more),),
            (
                _gain('as many more images like p', SAME_SET_GT, same),
                _gain('m+w+p over as many images like p', SAME_SET_GT, beyond),
            ),
        ),
        Finding(
            'The detector finds more people of the other data set.',
            (_gain('AP on c, m+w+p over p', 'c/det/AP', more),),
            (
                _gain('AP on p, m+w+p over p', 'p/det/AP', more),
                _gain('AP on c, as many more images like p', 'c/det/AP', same),
            ),
        ),
    )


def _same_set() -> tuple[Finding, ...]:
    more, same, beyond = _pairs('', '_c'), _pairs('_c+', '_c'), _pairs('', '_c+')
    longer = (
        (1.0, 'J4', SAME_SET), (-1.0, 'J4_c', SAME_SET),
        (-1.0, 'J2', SAME_SET), (1.0, 'J2_c', SAME_SET),
    )  # fmt: skip
    harder = (
        (1.0, 'J4', LARGE), (-1.0, 'J4_c', LARGE),
        (-1.0, 'J4', SAME_SET), (1.0, 'J4_c', SAME_SET),
    )  # fmt: skip
    return (
        Finding(
            'More detection data without identities lifts re-ID on the same data set.',
            (_gain('m+w+c+p over c', SAME_SET, more),),
            (
                _gain('as many more images like c', SAME_SET, same),
                _gain('m+w+c+p over as many images like c', SAME_SET, beyond),
            ),
        ),
        Finding(
            'It does so through better features, not only through better boxes: with GT boxes too.',
            (_gain('m+w+c+p over c, GT boxes', SAME_SET_GT, more),),
            (
                _gain('as many more images like c', SAME_SET_GT, same),
                _gain('m+w+c+p over as many images like c', SAME_SET_GT, beyond),
            ),
        ),
        Finding(
            'The longer the shared backbone, the more it gains.',
            (Contrast('gain of J4 over gain of J2', longer),),
        ),
        Finding(
            'J4 gains more in large galleries.',
            (Contrast('gain of J4 in large galleries over its gain in small ones', harder),),
        ),
    )
