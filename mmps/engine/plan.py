"""How long each phase is: what the schedules in a checkpoint were made for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmengine.runner import Runner

from mmps.structures import ConfigError

if TYPE_CHECKING:
    from .hooks.two_phase import TwoPhaseHook

PLAN_KEY = 'mmps_plan'
"""Entry of a checkpoint's ``meta`` that holds its run's plan."""


def plan_of(runner: Runner, phases: TwoPhaseHook) -> dict[str, dict]:
    """Say how long each phase is.

    Args:
        runner: Before phase 2.
        phases: The hook that trains in two phases, with its sampler.

    Returns:
        By phase, ``{'epochs': [...], 'batches': ...}``.
    """
    stages = [stage['epochs'] for stage in phases.stages]
    return {
        'detection': {
            'epochs': [phases.detection_epochs],
            'batches': len(runner.train_dataloader),
        },
        'reid': {'epochs': stages, 'batches': len(phases.sampler)},
    }


def check_plan(
    checkpoint: dict[str, Any], path: str | None, phase: str, plan: dict[str, dict]
) -> None:
    """Refuse to go on in a phase whose length has changed: its saved schedules keep the old one.

    Args:
        checkpoint: Loaded; one without a plan is older than plans, and passes.
        path: Its file, for messages.
        phase: In which it was saved.
        plan: Of the run that goes on from it.

    Raises:
        ConfigError: The lengths differ.
    """
    saved = checkpoint['meta'].get(PLAN_KEY) or plan
    finished = phase == 'detection' and checkpoint['meta']['epoch'] == sum(plan[phase]['epochs'])
    if finished or saved[phase] == plan[phase]:
        return
    before, now = (
        f'{" + ".join(map(str, length["epochs"]))} epochs of {length["batches"]} batches'
        for length in (saved[phase], plan[phase])
    )
    raise ConfigError(
        f'{path} was saved in a phase {1 if phase == "detection" else 2} of {before}, which is now '
        f'one of {now}, while the learning rate would follow the old length: resume with the '
        'settings, batch size and number of processes that it was trained with'
    )
