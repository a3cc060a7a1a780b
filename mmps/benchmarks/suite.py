"""All measurements of speed in one go: inference of several variants, and training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress

from mmps.apis.machine import describe_machine
from mmps.structures import ConfigError

from .caching import measure_cache
from .evaluating import measure_evaluation
from .inputs import Work
from .machine import peak_memory, use_device
from .measuring import Cell, Settings, measure_cells, measure_overhead
from .options import Options, in_words, prepare
from .report import Flops, marginal_rows, total_rows
from .training import measure_detection_steps, measure_reid_steps
from .variants import Variant, build_variant, check_head, flops_per_part, is_shared

Configs = Mapping[str, str | Path]

TYPICAL_PEOPLE = 20
"""Per image; the overhead over bare modules is measured with a number close to it."""


@dataclass(frozen=True)
class Suite:
    """What is measured.

    Attributes:
        configs: Config file of each variant.
        settings: Device, size and rounds.
        options: How models compute in inference.
        work: Amounts of training, caching and evaluation.
        batches: Images per pass of inference.
        people: Per image in inference.
        inference: Whether inference is measured.
        overhead: Whether whole models are compared with their bare modules.
        training: Whether training, cache and evaluation are measured.
        threads: On a CPU; PyTorch's choice by default.
    """

    configs: Configs
    settings: Settings
    options: Options
    work: Work
    batches: Sequence[int]
    people: Sequence[int]
    inference: bool = True
    overhead: bool = True
    training: bool = False
    threads: int | None = None

    def check(self) -> None:
        """Check what is asked for, and use the device.

        Raises:
            ConfigError: A part cannot be measured.
        """
        self.options.check(self.configs)
        if self.training and not self._shared():
            raise ConfigError('--training needs a variant with a shared backbone')
        use_device(self.settings.device, self.threads)

    def run(self, command: str, progress: Progress) -> dict:
        """Measure everything.

        Args:
            command: For the head of the tables.
            progress: Gets a bar for each part.

        Returns:
            What :func:`mmps.benchmarks.report.markdown` writes.
        """
        result = {'cells': [], 'marginal': [], 'overhead': {}, 'gflops': {}, 'training': {}}
        words = ''
        if self.inference:
            variants, flops = self._variants()
            words = in_words(variants, self.options, amp=self.settings.amp)
            result |= self._measure_inference(variants, flops, progress)
            del variants
        if self.training:
            result['training'] = self._measure_training(progress)
        described = {
            'command': command,
            **describe_machine(self.settings.device),
            'size': self.settings.size,
            'repeats': self.settings.repeats,
            'options': words,
        }
        peak = peak_memory(self.settings.device)
        return {'settings': described, **result, 'peak_memory_mib': peak}

    def _variants(self) -> tuple[list[Variant], Flops]:
        device = self.settings.device
        variants = [build_variant(n, c, device) for n, c in self.configs.items()]
        for variant in variants:
            check_head(variant)
        flops = {v.name: flops_per_part(v, self.settings.images(1)) for v in variants}
        return [prepare(variant, self.options) for variant in variants], flops

    def _shared(self) -> Configs:
        return {name: config for name, config in self.configs.items() if is_shared(config)}

    def _measure_inference(
        self, variants: list[Variant], flops: Flops, progress: Progress
    ) -> dict[str, object]:
        settings, cells = self.settings, list[Cell]()
        rounds = settings.warm_up + settings.repeats
        task = progress.add_task('', total=rounds * len(self.batches))
        for batch in self.batches:
            on_round = advance(progress, task, f'batch {batch}')
            cells += measure_cells(variants, settings, batch, self.people, on_round)
        overhead = {}
        if self.overhead:
            task = progress.add_task('', total=settings.first_rounds + settings.repeats)
            people = min(self.people, key=lambda count: abs(count - TYPICAL_PEOPLE))
            on_round = advance(progress, task, f'overhead, {people} people')
            overhead = measure_overhead(variants, settings, self.batches[0], people, on_round)
        giga = {name: {'image': i / 1e9, 'person': p / 1e9} for name, (i, p) in flops.items()}
        return {
            'cells': total_rows(cells, flops),
            'marginal': marginal_rows(cells, flops),
            'overhead': overhead,
            'gflops': giga,
        }

    def _measure_training(self, progress: Progress) -> dict[str, object]:
        shared, settings, work = self._shared(), self.settings, self.work
        first = next(iter(shared))
        rounds = settings.first_rounds + settings.repeats
        task = progress.add_task('', total=rounds * (len(shared) + 2) + settings.repeats)
        return {
            'detection': measure_detection_steps(
                shared[first], settings, work, advance(progress, task, f'phase 1, {first}')
            ),
            'cache': measure_cache(shared, settings, work, advance(progress, task, 'cache')),
            'reid': measure_reid_steps(shared, settings, work, advance(progress, task, 'phase 2')),
            'evaluation': measure_evaluation(settings, work, advance(progress, task, 'evaluation')),
        }


def advance(progress: Progress, task: int, label: str) -> Callable[[], None]:
    """Label a progress bar; return what moves it on by a round."""
    progress.update(task, description=label)
    return lambda: progress.advance(task)
