"""How long steps take: numbers of steps times a step's time, measured on this machine."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger

from mmps.apis.experiments import Run
from mmps.apis.machine import describe_machine
from mmps.benchmarks.inputs import Work, drawn_batch
from mmps.benchmarks.measuring import Settings
from mmps.benchmarks.timing import interleaved
from mmps.benchmarks.training import reid_jobs, step_job
from mmps.benchmarks.variants import build_variant
from mmps.files import write_json

from .data import Data, read_config
from .tables import System, parts

SECONDS_TO_START = 4.0
"""A run takes about as long to build its model and read its data."""

HOOK = 'default_hooks.two_phase'
PEOPLE_PER_IMAGE = 5
CPU_IMAGES = 2
"""In a measured step of phase 1 on a CPU; the step of a larger batch is computed from it."""


@dataclass(frozen=True)
class StepTimes:
    """Measured seconds, without loading images; on a CPU those of an idle machine.

    Attributes:
        machine: From :func:`describe_machine`.
        image: Of phase 1, for each image of a batch.
        forward: Of the detector's forward pass, for each image.
        reid: Of a step of phase 2, by variant.
        person: Of embedding a person, by variant.
    """

    machine: Mapping[str, str]
    image: float
    forward: float
    reid: Mapping[str, float]
    person: Mapping[str, float]


@dataclass(frozen=True)
class Cost:
    """An estimate.

    Attributes:
        seconds: That a step takes.
        words: How that is computed.
    """

    seconds: float
    words: str


@dataclass(frozen=True)
class Costs:
    """Estimates of steps.

    Attributes:
        data: Data and configs.
        times: Of this machine.
    """

    data: Data
    times: StepTimes

    def detector(self, detection: str) -> Cost:
        """Estimate phase 1."""
        images = sum(self.data.amounts(part).images for part in parts(detection))
        run = self.data.detector(detection, 0)
        epochs = _setting(run, 'train_cfg.max_epochs')
        each = self.times.image
        words = f'{epochs} epochs x {images:,} images x {each:.3f} s'
        return Cost(epochs * images * each + SECONDS_TO_START, words)

    def reid(self, system: System) -> Cost:
        """Estimate phase 2: one forward pass of all images, then all steps."""
        amounts = self.data.amounts(system.reid)
        run = self.data.reid(system, 0)
        batches = math.ceil(amounts.identities / _setting(run, f'{HOOK}.batches.identities'))
        before = _setting(run, f'{HOOK}.detection_epochs')
        epochs = _setting(run, 'train_cfg.max_epochs') - before
        each, forward = self.times.reid[system.variant], self.times.forward
        words = (
            f'{amounts.images:,} images x {forward:.3f} s + {epochs} epochs x {batches} steps x '
            f'{each:.3f} s'
        )
        steps = epochs * batches * each
        return Cost(amounts.images * forward + steps + SECONDS_TO_START, words)

    def test(self, system: System, on: str) -> Cost:
        """Estimate a test: all images, and all people in detected and in GT boxes."""
        amounts, each = self.data.amounts(on), self.times.person[system.variant]
        images, people = amounts.test_images, 2 * amounts.test_people
        forward = self.times.forward
        words = f'{images:,} images x {forward:.3f} s + {people:,} boxes x {each:.4f} s'
        return Cost(images * forward + people * each + SECONDS_TO_START, words)


def measured(
    data: Data, variants: list[str], on_round: Callable[[], object] = lambda: None
) -> StepTimes:
    """Measure the steps of the configs once, and keep the result in its folder.

    Args:
        data: Data and configs.
        variants: Which are planned.
        on_round: Called after each measured part, for a progress bar.
    """
    MMLogger.get_current_instance().setLevel('WARNING')  # it lists how all weights were drawn
    path = data.folder / 'step_times.json'
    machine = {key: describe_machine()[key] for key in ('machine', 'versions')}
    found = _read(path)
    if found and found.machine == machine and set(variants) <= found.reid.keys():
        return found
    times = _measure({v: data.config(v) for v in variants}, machine, on_round)
    write_json(path, asdict(times))
    return times


def _read(path: Path) -> StepTimes | None:
    try:
        return StepTimes(**json.loads(path.read_text(encoding='utf-8')))
    except (OSError, ValueError, TypeError):
        return None


def _measure(
    configs: Mapping[str, Path], machine: Mapping[str, str], on_round: Callable[[], object]
) -> StepTimes:
    first = Config.fromfile(str(next(iter(configs.values()))))
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    clock = time.perf_counter if device == 'cuda' else _idle_seconds
    settings = Settings(device, _side(first), repeats=2, warm_up=1, clock=clock)
    batch = first.train_dataloader.batch_size
    image, forward = _detector_times(configs, settings, batch if device == 'cuda' else CPU_IMAGES)
    on_round()
    size = first.default_hooks.two_phase.batches
    work = Work(identities=size.identities, shots=size.shots)
    reid, person = {}, {}
    for variant, config in configs.items():
        with reid_jobs({variant: config}, settings, work) as jobs:
            reid |= {name: min(s) for name, s in _timed(jobs, settings).items()}
        model = build_variant(variant, config, device).model
        pooled = torch.rand(32, *model.pooled_shape, device=device)
        embed = _without_gradients(lambda m=model, p=pooled: m.reid_branch.embed(p))
        person[variant] = min(_timed({'embed': embed}, settings)['embed']) / len(pooled)
        on_round()
    return StepTimes(machine, image, forward, reid, person)


def _detector_times(
    configs: Mapping[str, Path], settings: Settings, count: int
) -> tuple[float, float]:
    """Return seconds per image of a step of phase 1, and of the forward pass."""
    variant, config = next(iter(configs.items()))
    model = build_variant(variant, config, settings.device).model
    images = settings.images(count)
    forward = _without_gradients(lambda: model.detector.forward(images, mode='tensor'))
    seconds = min(_timed({'forward': forward}, settings)['forward'])
    model.set_phase('detection')
    batch = drawn_batch(count, settings.size, PEOPLE_PER_IMAGE)
    wrapper = Config.fromfile(str(config)).optim_wrapper
    step = step_job(model, wrapper, iter(lambda: batch, None))
    return min(_timed({'step': step}, settings)['step']) / count, seconds / count


def _timed(jobs: Mapping[str, Callable], settings: Settings) -> dict[str, list[float]]:
    return interleaved(jobs, settings.repeats, settings.first_rounds, clock=settings.clock)


def _idle_seconds() -> float:
    """Return the time of this process's threads, which work of others does not lengthen."""
    return time.process_time() / torch.get_num_threads()


def _without_gradients(job: Callable[[], Any]) -> Callable[[], Any]:
    return torch.no_grad()(job)


def _setting(run: Run, key: str) -> Any:
    """Return a setting of a run: its option, otherwise what the config says."""
    node: Any = read_config(run.config)
    for part in key.split('.'):
        node = node[part]
    return run.options.get(key, node)


def _side(config: Config) -> int:
    """Return the side of a square, of a multiple of 32, with about as many pixels as the input."""
    scales = [t.scale for t in config.test_dataloader.dataset.pipeline if t.type == 'Resize']
    width, height = scales[0]
    return max(round(math.sqrt(width * height) / 32), 1) * 32
