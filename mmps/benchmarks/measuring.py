"""Table 1b's measurement: milliseconds to detect and embed a person."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from mmps.benchmarks.forced_detections import PlantedPeople
from mmps.benchmarks.unwrapped import BRANCH_PARTS, predict_by_hand
from mmps.structures import ConfigError

from .timing import PartTimes, Quartiles, interleaved, quartiles
from .variants import Variant, searched_samples


@dataclass(frozen=True)
class Settings:
    """Settings of a measurement.

    Attributes:
        device: Device of the models.
        size: Side of the square network input in pixels.
        repeats: Number of measured rounds.
        warm_up: Rounds before them; for a cell, in addition to a first pass that counts people.
        amp: Whether passes run in half precision (bfloat16 on a CPU).
        clock: Returns seconds, see :func:`interleaved`.
    """

    device: str = 'cpu'
    size: int = 640
    repeats: int = 5
    warm_up: int = 0
    amp: bool = False
    clock: Callable[[], float] = time.perf_counter

    @property
    def first_rounds(self) -> int:
        """Return the rounds before the measured ones if nothing has warmed up before."""
        return max(self.warm_up, 1)

    @property
    def precision(self) -> torch.autocast:
        """Return the context manager of a pass."""
        kind = torch.device(self.device).type
        dtype = torch.bfloat16 if kind == 'cpu' else torch.float16
        return torch.autocast(kind, dtype, enabled=self.amp)

    def images(self, count: int) -> Tensor:
        """Draw normalised images of noise: ``(count, 3, size, size)``."""
        generator = torch.Generator().manual_seed(0)
        return torch.randn(count, 3, self.size, self.size, generator=generator).to(self.device)


@dataclass(frozen=True)
class Cell:
    """One cell of the table.

    Attributes:
        variant: Name of the variant.
        batch: Images per pass.
        people: People per image.
        seconds: Seconds of whole passes.
    """

    variant: str
    batch: int
    people: int
    seconds: Quartiles

    @property
    def per_person(self) -> Quartiles:
        """Return milliseconds per detected and embedded person."""
        return self.seconds.scaled(1e3 / (self.batch * self.people))


def measure_cells(
    variants: Sequence[Variant],
    settings: Settings,
    batch: int,
    people: Sequence[int],
    on_round: Callable[[], object] = lambda: None,
) -> list[Cell]:
    """Time all variants with all numbers of people, alternating.

    All of them take part in each round: drift of the machine could otherwise look like the time
    of further people.

    Args:
        variants: The models.
        settings: Device, sizes and number of rounds.
        batch: Images per pass.
        people: Numbers of people per image.
        on_round: Called after each round.
    """
    inputs = settings.images(batch)
    jobs = {(v.name, k): crowded_job(v, settings, inputs, k) for k in people for v in variants}
    with torch.no_grad():
        for count in people:
            for variant in variants:
                with planted([variant], count):
                    check_count(variant, settings, inputs, count)
        seconds = interleaved(jobs, settings.repeats, settings.warm_up, on_round, settings.clock)
    return [Cell(name, batch, k, quartiles(times)) for (name, k), times in seconds.items()]


def measure_overhead(
    variants: Sequence[Variant],
    settings: Settings,
    batch: int,
    people: int,
    on_round: Callable[[], object] = lambda: None,
) -> dict[str, dict]:
    """Time models against their bare modules, called directly, and the parts of the latter.

    Args:
        variants: The models.
        settings: Device, sizes and number of rounds.
        batch: Images per pass.
        people: People per image.
        on_round: Called after each round.

    Returns:
        By variant ``overhead``, the median over rounds of the relative difference, ``shares`` of
        the parts, 0..1, and ``branch_ms_per_person``, from pooling to embedding.
    """
    inputs = settings.images(batch)
    samples = searched_samples(batch, settings.size, settings.device)
    parts = {v.name: PartTimes(settings.clock) for v in variants}
    jobs: dict[str, Callable[[], object]] = {}
    for v in variants:
        jobs[v.name] = predict_job(v, settings, inputs)
        jobs[f'{v.name} by hand'] = hand_job(v, settings, inputs, samples)
        # Measured separately, because on a GPU each part waits for the previous one.
        jobs[f'{v.name} in parts'] = hand_job(v, settings, inputs, samples, parts[v.name])
    with planted(variants, people), torch.no_grad():
        interleaved(jobs, settings.first_rounds, 0, on_round)
        for part_times in parts.values():
            part_times.seconds.clear()
        seconds = interleaved(jobs, settings.repeats, 0, on_round, settings.clock)
    return {
        name: {
            'overhead': overhead(seconds[name], seconds[f'{name} by hand']),
            'shares': parts[name].shares(),
            'branch_ms_per_person': 1e3
            * sum(parts[name].seconds[part] for part in BRANCH_PARTS)
            / (settings.repeats * batch * people),
        }
        for name in parts
    }


def overhead(ours: list[float], bare: list[float]) -> float:
    """Return the median over rounds of how much longer ours took, as a fraction."""
    ratios = [a / b for a, b in zip(ours, bare, strict=True)]
    return quartiles(ratios).median - 1


def predict_job(variant: Variant, settings: Settings, inputs: Tensor) -> Callable[[], list]:
    """Build a pass of a whole model; each pass receives new samples, as from a loader."""
    samples = searched_samples(len(inputs), settings.size, settings.device)

    def job() -> list:
        with settings.precision:
            return variant.model.predict(inputs, [sample.new() for sample in samples])

    return job


def crowded_job(
    variant: Variant, settings: Settings, inputs: Tensor, people: int
) -> Callable[[], None]:
    """Build a pass of a whole model that finds this number of people per image."""
    job = predict_job(variant, settings, inputs)
    people_in = PlantedPeople(variant.model.detector.bbox_head, people)

    def crowded() -> None:
        with people_in:
            job()

    return crowded


def hand_job(
    variant: Variant, settings: Settings, inputs: Tensor, samples: list, *parts: PartTimes
) -> Callable[[], list]:
    """Build a pass of a model's bare modules."""

    def job() -> list:
        with settings.precision:
            return predict_by_hand(variant.model, inputs, samples, *parts)

    return job


def check_count(variant: Variant, settings: Settings, inputs: Tensor, people: int) -> None:
    """Check that a model finds the requested number of people.

    Raises:
        ConfigError: It finds another number.
    """
    found = [len(s.pred_instances) for s in predict_job(variant, settings, inputs)()]
    if set(found) != {people}:
        raise ConfigError(
            f'{variant.name} keeps {found[0]} instead of {people} people per image: increase '
            '`test_cfg.max_per_img` in its config, or measure with fewer people'
        )


@contextmanager
def planted(variants: Sequence[Variant], people: int) -> Iterator[None]:
    """Make all models find this number of people per image."""
    planters = [PlantedPeople(v.model.detector.bbox_head, people) for v in variants]
    for planter in planters:
        planter.__enter__()
    try:
        yield
    finally:
        for planter in planters:
            planter.__exit__()


def marginal_ms(cells: Mapping[int, float]) -> float:
    """Fit the time of one more person, in milliseconds.

    Args:
        cells: Milliseconds per image by people per image; at least two.

    Returns:
        Slope of the least-squares line.
    """
    people = torch.tensor(list(cells), dtype=torch.float64)
    times = torch.tensor(list(cells.values()), dtype=torch.float64)
    centred = people - people.mean()
    return float((centred * times).sum() / (centred**2).sum())
