"""Experiments of several steps, each done once, and runs of configs that share what they can."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from mmengine.config import Config

from mmps.files import write_json
from mmps.structures import ConfigError

from .configs import load_config, resume_from
from .machine import describe_commit, describe_machine
from .running import evaluate_checkpoint, train_config

PACE_SECONDS = 60.0
"""How much steps must have taken before their pace counts more than their estimates."""


@dataclass(frozen=True)
class Step:
    """A part of an experiment.

    Attributes:
        name: Unique in the experiment; its result is kept in ``NAME.json``.
        title: Description of the step, for people.
        work: Does it; returns what JSON can hold.
        needs: Names of the steps that must be done before.
        about: What the result's file says of it, such as :meth:`Run.about`.
        expected: Seconds that it is estimated to take, if known.
    """

    name: str
    title: str
    work: Callable[[], Any]
    needs: Collection[str] = ()
    about: Mapping[str, Any] = field(default_factory=dict)
    expected: float | None = None


class Experiment:
    """Does its steps once each: killed or called again, it continues with the first one not done.

    Args:
        folder: Gets one file per step, with ``result``, ``seconds``, ``about``, ``machine`` and
            ``commit``.
        steps: In the order in which they are done.

    Raises:
        ValueError: Two steps have the same name, or one needs a step that does not come before it.
    """

    def __init__(self, folder: str | Path, steps: Iterable[Step]) -> None:
        self.folder = Path(folder)
        self.steps: dict[str, Step] = {}
        for step in steps:
            if step.name in self.steps or not self.steps.keys() >= set(step.needs):
                raise ValueError(f'step {step.name} is there twice, or needs what comes later')
            self.steps[step.name] = step

    def run(
        self,
        only: Collection[str] | None = None,
        budget: float | None = None,
        on_step: Callable[[Step, bool], object] = lambda step, done: None,
    ) -> dict[str, Any]:
        """Do the steps that are not done yet.

        Args:
            only: Names of steps; what they need is done too. All steps by default.
            budget: Seconds; no step begins after them, or if its estimate, at the pace so far,
                exceeds what is left.
            on_step: Called with each step before its turn, and whether it was done before.

        Returns:
            The results of all chosen steps that are done now, by name.
        """
        start, results = time.monotonic(), {}
        for step in self.chosen(only):
            done = self.is_done(step.name)
            if not done and budget is not None:
                left = budget - (time.monotonic() - start)
                fits = self.pace() * (step.expected or 0) < left
                if not fits or not results.keys() >= set(step.needs):
                    continue
            on_step(step, done)
            results[step.name] = (self.record(step.name) if done else self._do(step))['result']
        return results

    def chosen(self, only: Collection[str] | None = None) -> list[Step]:
        """List some steps and what they need, in order.

        Args:
            only: Names of steps; all by default.

        Raises:
            KeyError: There is no step of this name.
        """
        wanted = set(self.steps if only is None else [self.steps[name].name for name in only])
        for step in reversed(self.steps.values()):
            if step.name in wanted:
                wanted.update(step.needs)
        return [step for step in self.steps.values() if step.name in wanted]

    def shard(self, index: int, count: int) -> list[str]:
        """Deal the experiment's ends, the steps that no other needs, out to several machines.

        Args:
            index: Number of this machine, from 1.
            count: Number of machines.

        Returns:
            Names for ``only``, neighbours in the order of the steps, as these often share what they
            need. Machines that share no folder each do what several ends need.
        """
        if not 1 <= index <= count:
            raise ConfigError(f'shard {index}/{count}: give a number from 1 to {count}')
        needed = {name for step in self.steps.values() for name in step.needs}
        ends = [name for name in self.steps if name not in needed]
        return ends[(index - 1) * len(ends) // count : index * len(ends) // count]

    def pending(self, only: Collection[str] | None = None) -> list[Step]:
        """List the chosen steps that are not done."""
        return [step for step in self.chosen(only) if not self.is_done(step.name)]

    def pace(self) -> float:
        """Compute how many times longer than estimated the finished steps took.

        Returns:
            1 without any; a few seconds more or less of the first steps change little.
        """
        expected, taken = PACE_SECONDS, PACE_SECONDS
        for name, seconds in self.seconds().items():
            if self.steps[name].expected is not None:
                expected += self.steps[name].expected
                taken += seconds
        return taken / expected

    def remaining(self, only: Collection[str] | None = None) -> float:
        """Estimate the seconds that the chosen steps will still take, at the pace so far."""
        return self.pace() * sum(step.expected or 0 for step in self.pending(only))

    def is_done(self, name: str) -> bool:
        """Check whether a step has its result."""
        return self._path(name).exists()

    def record(self, name: str) -> dict[str, Any]:
        """Read what a step's file holds.

        Raises:
            ConfigError: The step is not done, or its file is broken.
        """
        try:
            record = json.loads(self._path(name).read_text(encoding='utf-8'))
            return {**record, 'result': record['result'], 'seconds': float(record['seconds'])}
        except FileNotFoundError:
            raise ConfigError(f'step {name} is not done in {self.folder}') from None
        except (ValueError, TypeError, KeyError) as error:
            raise ConfigError(
                f'{self._path(name)} is broken ({error}): remove it to do this step again'
            ) from error

    def seconds(self) -> dict[str, float]:
        """Read how long each step took that is done."""
        return {n: self.record(n)['seconds'] for n in self.steps if self.is_done(n)}

    def _do(self, step: Step) -> dict[str, Any]:
        start = time.perf_counter()
        result = step.work()
        record = {
            'result': result,
            'seconds': round(time.perf_counter() - start, 1),
            'about': dict(step.about),
            'machine': describe_machine(),
            'commit': describe_commit(),
        }
        write_json(self._path(step.name), record)
        return record

    def _path(self, name: str) -> Path:
        return self.folder / f'{name}.json'


@dataclass(frozen=True)
class Run:
    """A config with all that its numbers depend on: trained, continued after a kill, and tested.

    Attributes:
        config: File.
        work_dir: Folder for checkpoints and logs.
        options: Settings by dotted key; :func:`data_options` and :func:`reid_options` make some.
        seed: Of the training; the config's own by default.
        progress: Whether training shows a progress bar.
    """

    config: Path
    work_dir: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    progress: bool = False

    def load(self) -> Config:
        """Read the config with the run's options, quiet but for errors."""
        seed = {} if self.seed is None else {'randomness.seed': self.seed}
        config = load_config(self.config, self.work_dir, {**self.options, **seed})
        config.log_level = 'ERROR'
        # Several runs share a process; each needs names of its own to keep its log apart.
        name = f'{self.work_dir.name}_{time.time_ns()}'
        config.experiment_name = config.visualizer.name = name
        return config

    def train(self) -> dict[str, float]:
        """Train to the end, from the newest checkpoint in the work directory if there is one.

        Returns:
            The metrics of the last validation; empty if there was none.
        """
        config = self.load()
        if self.progress:
            hooks = config.get('custom_hooks') or []
            config.custom_hooks = [*hooks, {'type': 'mmps.ProgressBarHook'}]
        resume_from(config)
        scalars = train_config(config).message_hub.log_scalars
        return {
            key.removeprefix('val/'): float(values.current())
            for key, values in scalars.items()
            if key.startswith('val/') and key not in ('val/time', 'val/data_time')
        }

    def evaluate(
        self, checkpoint: str | Path, out: str | Path | None = None, fresh_branch: bool = False
    ) -> dict[str, float]:
        """Test a checkpoint, as :func:`evaluate_checkpoint` does."""
        return evaluate_checkpoint(self.load(), checkpoint, out, fresh_branch)

    @property
    def checkpoint(self) -> Path:
        """The checkpoint of the last epoch."""
        return self.work_dir / f'epoch_{self.load().train_cfg.max_epochs}.pth'

    def about(self) -> dict[str, Any]:
        """Describe the run for a file of results."""
        options = {key: str(v) if isinstance(v, Path) else v for key, v in self.options.items()}
        return {'config': str(self.config), 'options': options, 'seed': self.seed}


def data_options(root: str | Path) -> dict[str, str]:
    """Point a config of one data set at another folder of the same layout.

    Args:
        root: Converted data set.
    """
    parts = ('train_dataloader', 'cached_people', 'val_dataloader', 'test_dataloader')
    return {f'{part}.dataset.data_root': str(root) for part in parts}


def reid_options(detector: str | Path, cache_dir: str | Path | None = None) -> dict[str, str]:
    """Start a config at phase 2, on a detector that several runs share.

    Args:
        detector: Checkpoint of phase 1.
        cache_dir: Folder for the features; runs of the same shared stages and data share them.
    """
    options = {'load_from': str(detector), 'default_hooks.two_phase.start': 'reid'}
    if cache_dir is not None:
        options['default_hooks.two_phase.cache_dir'] = str(cache_dir)
    return options


@contextmanager
def output_to(log: str | Path) -> Iterator[None]:
    """Append what libraries print to a file; it would tear progress bars."""
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    with open(log, 'a', encoding='utf-8') as file, redirect_stdout(file):
        yield


def mean_and_spread(values: Sequence[float], digits: int = 1) -> str:
    """Write mean and standard deviation of at least two values, as in a table."""
    numbers = [f'{value:.{digits}f}' for value in (mean(values), stdev(values))]
    return ' ± '.join(numbers)
