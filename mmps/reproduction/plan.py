"""The steps that a table needs, each once: data, detectors, re-ID branches, tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mmps.apis.experiments import Run, Step, output_to

from .baselines import measure_baselines
from .costs import Cost, Costs
from .data import NAMES, Data
from .tables import MORE, System, Table, in_words, spelled

PREDICTIONS = 'predictions.npz'


@dataclass(frozen=True)
class Plan:
    """Which steps give a table.

    Attributes:
        table: The table.
        data: Data and configs.
        seeds: Of the trainings, and of the data where it is drawn.
        costs: Expected seconds; without them nothing is estimated.
    """

    table: Table
    data: Data
    seeds: Sequence[int]
    costs: Costs | None = None

    def check(self) -> None:
        """Refuse what is missing, before anything is computed.

        Raises:
            ConfigError: With a sentence for each data set.
        """
        systems = [system for system, _ in self.table.tests]
        letters = {on for _, on in self.table.tests} | {system.reid for system in systems}
        self.data.check(letters | {x for s in systems for x in s.detection} - {MORE})

    def steps(self) -> list[Step]:
        """List all steps, seed by seed, so that one seed's table is complete first."""
        found: dict[str, Step] = {}
        for seed in self.seeds:
            for system, on in self._tests():
                for step in self._steps(system, on, seed):
                    found.setdefault(step.name, step)
            for step in self._baselines(seed):
                found.setdefault(step.name, step)
        return list(found.values())

    def test_names(self) -> list[str]:
        """List the steps whose results are the table."""
        return [test_name(s, on, seed) for seed in self.seeds for s, on in self.table.tests]

    def _tests(self) -> list[tuple[System, str]]:
        """Order tests by the detector, so that neighbours share one."""
        order = list(dict.fromkeys(system.detection for system, _ in self.table.tests))
        return sorted(self.table.tests, key=lambda test: order.index(test[0].detection))

    def _steps(self, system: System, on: str, seed: int) -> Iterator[Step]:
        of_detector, of_reid, of_test = (
            self.data.prepare(data, seed) for data in (system.detection, system.reid, on)
        )
        yield from (*of_detector, *of_reid, *of_test)
        detector = self._detector(system.detection, seed, names(of_detector))
        reid = self._reid(system, seed, [*names(of_reid), detector.name])
        yield from (detector, reid, self._test(system, on, seed, [*names(of_test), reid.name]))

    def _detector(self, detection: str, seed: int, needs: Sequence[str]) -> Step:
        name = f'detector_{spelled(detection)}_{seed}'
        title = f'Train the detector on {in_words(detection)}, seed {seed}'
        cost = self.costs and self.costs.detector(detection)
        return self._training(name, title, self.data.detector(detection, seed), needs, cost)

    def _reid(self, system: System, seed: int, needs: Sequence[str]) -> Step:
        title = f'Train {self._of(system)}, on {NAMES[system.reid]}, seed {seed}'
        cost, run = self.costs and self.costs.reid(system), self.data.reid(system, seed)
        return self._training(f'reid_{system.name}_{seed}', title, run, needs, cost)

    def _training(
        self, name: str, title: str, run: Run, needs: Sequence[str], cost: Cost | None
    ) -> Step:
        def work() -> str:
            with output_to(self.data.folder / 'log.txt'):
                run.train()
            return str(run.checkpoint)

        return Step(name, title, work, needs, *_about(run, cost))

    def _test(self, system: System, on: str, seed: int, needs: Sequence[str]) -> Step:
        run, trained = self.data.test(system, on, seed), self.data.reid(system, seed)

        def work() -> dict[str, float]:
            with output_to(self.data.folder / 'log.txt'):
                return run.evaluate(trained.checkpoint, run.work_dir / PREDICTIONS)

        title = f'Test {self._of(system)}, on {NAMES[on]}, seed {seed}'
        cost = self.costs and self.costs.test(system, on)
        return Step(test_name(system, on, seed), title, work, needs, *_about(run, cost))

    def _baselines(self, seed: int) -> Iterator[Step]:
        first = {on: system for system, on in reversed(self.table.tests)}
        for on, system in first.items():
            run = self.data.test(system, on, seed)

            def work(run: Run = run) -> dict[str, dict[str, float]]:
                return measure_baselines(run, run.work_dir / PREDICTIONS)

            title = f'Measure chance and colours, on {NAMES[on]}, seed {seed}'
            needs = [test_name(system, on, seed)]
            yield Step(baseline_name(on, seed), title, work, needs, run.about())

    @staticmethod
    def _of(system: System) -> str:
        return f'{system.variant} (detector: {in_words(system.detection)})'


def test_name(system: System, on: str, seed: int) -> str:
    """Return the name of the step that tests a system."""
    return f'test_{system.name}_{on}_{seed}'


def baseline_name(on: str, seed: int) -> str:
    """Return the name of the step that measures the baselines on a data set."""
    return f'baselines_{on}_{seed}'


def names(steps: Sequence[Step]) -> list[str]:
    """Return the names of steps."""
    return [step.name for step in steps]


def _about(run: Run, cost: Cost | None) -> tuple[dict[str, Any], float | None]:
    if cost is None:
        return run.about(), None
    return {**run.about(), 'estimate': cost.words}, cost.seconds
