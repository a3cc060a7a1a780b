"""Read the logs of MMEngine's ``LocalVisBackend``: one JSON object per line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from mmps.structures import DataError

NOT_METRICS = ('step', 'time', 'data_time', 'epoch', 'iter')
REID_LOSSES = ('triplet', 'reid')
SHOWN_METRICS = ('map', 'top1', '/ap', 'recall')


@dataclass(frozen=True)
class Curve:
    """Values over the training iterations.

    Attributes:
        name: Name of the quantity, as logged.
        iterations: Training iteration of each value.
        values: The logged values.
    """

    name: str
    iterations: list[int]
    values: list[float]


@dataclass(frozen=True)
class TrainingLog:
    """The log of one work directory, over all its resumed runs.

    Attributes:
        name: Name of the work directory.
        train: Records of training, ascending in ``step``.
        validation: Records of validation; ``step`` is that of the preceding training record.
    """

    name: str
    train: list[dict]
    validation: list[dict]

    def curves(self, *prefixes: str) -> list[Curve]:
        """Return the training curves whose names start with a prefix, shortest name first.

        Args:
            prefixes: Prefixes such as ``loss``.
        """
        names = {name for record in self.train for name in record if name.startswith(prefixes)}
        return [_curve(self.train, name) for name in sorted(names, key=lambda n: (len(n), n))]

    def metrics(self) -> list[Curve]:
        """Return the validation curves: mAP, top-1, detection AP and recall."""
        names = {name for record in self.validation for name in record if is_shown(name)}
        return [_curve(self.validation, name) for name in sorted(names)]

    def phases(self) -> list[str]:
        """List the phases that were trained, in order."""
        return list(dict.fromkeys(phase_name(record) for record in self.train))

    def of_phase(self, phase: str) -> TrainingLog:
        """Return the log of one phase; its iterations count from its own beginning.

        Args:
            phase: One of :meth:`phases`; the log of any other phase is empty.
        """
        steps = [record['step'] for record in self.train if phase_name(record) == phase]
        first, last = (steps[0], steps[-1]) if steps else (0, -1)
        start = max((r['step'] for r in self.train if r['step'] < first), default=0)
        train, validation = (
            [{**r, 'step': r['step'] - start} for r in part if first <= r['step'] <= last]
            for part in (self.train, self.validation)
        )
        return TrainingLog(self.name, train, validation)


def read_training_log(work_dir: str | Path) -> TrainingLog:
    """Read every run in a work directory; if a resumed run repeats steps, the later one is used.

    Args:
        work_dir: Folder that contains ``<time>/vis_data/scalars.json``.

    Raises:
        DataError: There is no such file, or none with a training record.
    """
    work_dir = Path(work_dir)
    train: dict[int, dict] = {}
    validation: dict[int, dict] = {}
    for path in sorted(work_dir.glob('*/vis_data/scalars.json')):
        step = 0
        for record in _read_lines(path):
            if 'lr' not in record:
                validation[step] = {**record, 'step': step}
                continue
            if record['step'] <= step:  # from here on, another runner of the same process
                break
            if step == 0:  # a resumed run starts here: later records were lost
                train = {s: r for s, r in train.items() if s < record['step']}
                validation = {s: r for s, r in validation.items() if s < record['step']}
            step = record['step']
            train[step] = record
    if not train:
        raise DataError(
            f'{work_dir} holds no */vis_data/scalars.json with training records: '
            'name the work directory of tools/train.py'
        )
    name = work_dir.resolve().name
    return TrainingLog(name, list(train.values()), list(validation.values()))


def phase_name(record: dict) -> str:
    """Return the phase of a training record, according to its loss terms.

    Args:
        record: One logged training step.
    """
    losses = [name for name in record if name.startswith('loss_')]
    reid = [name for name in losses if any(word in name for word in REID_LOSSES)]
    detection = set(losses) - set(reid)
    if reid:
        return 'joint' if detection else 're-ID'
    return 'detection'


def is_shown(name: str) -> bool:
    """Check whether an entry of a validation record is one of the metrics to draw.

    Args:
        name: Name as logged, such as ``gt/g100/mAP``.
    """
    shown = f'/{name}'.lower().endswith(SHOWN_METRICS)
    return shown and name not in NOT_METRICS and not name.startswith('det_labelled/')


def _curve(records: list[dict], name: str) -> Curve:
    points = [(record['step'], record[name]) for record in records if name in record]
    return Curve(name, [step for step, _ in points], [value for _, value in points])


def _read_lines(path: Path) -> list[dict]:
    """Read all records; the last line may be incomplete if the run was killed."""
    text = path.read_text(encoding='utf-8')
    lines, records = text.splitlines(), []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(json.loads(line))
        except ValueError:
            if number == len(lines) and not text.endswith('\n'):
                break
            raise DataError(f'{path}, line {number}, is not JSON: remove that line') from None
    return records
