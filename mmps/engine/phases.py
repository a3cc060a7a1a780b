"""The two phases of a training: which epochs train what, and how long each phase is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mmps.structures import ConfigError

LENGTHS_KEY = 'mmps_plan'
"""Entry of a checkpoint's ``meta``: the lengths of the phases that its schedules were made for."""


@dataclass(frozen=True)
class Phases:
    """Phase 1 trains the detector, the stages of phase 2 train the re-ID branch.

    Epochs are numbered through both phases, from 0.

    Attributes:
        detection_epochs: Length of phase 1.
        stages: Stages of phase 2 in order, each ``dict(epochs=..., loss=...)``.
        start: Phase that the run begins with, ``'detection'`` or ``'reid'``.

    Raises:
        ConfigError: ``start`` is neither, or there is no stage.
    """

    detection_epochs: int
    stages: tuple[dict[str, Any], ...]
    start: str = 'detection'

    def __post_init__(self) -> None:
        if self.start not in ('detection', 'reid'):
            raise ConfigError(f"two_phase.start={self.start!r} must be 'detection' or 'reid'")
        if not self.stages:
            raise ConfigError('two_phase.stages is empty: without phase 2 leave the hook out')

    @property
    def reid_epochs(self) -> int:
        """Return the length of phase 2."""
        return sum(stage['epochs'] for stage in self.stages)

    @property
    def epochs(self) -> int:
        """Return the length of both phases."""
        return self.detection_epochs + self.reid_epochs

    @property
    def train_detector(self) -> bool:
        """Whether the run has a phase 1."""
        return self.start == 'detection' and self.detection_epochs > 0

    def stage(self, epoch: int) -> int:
        """Find the number of the stage of phase 2 that an epoch belongs to."""
        end = self.detection_epochs
        for number, stage in enumerate(self.stages):
            end += stage['epochs']
            if epoch < end:
                return number
        return len(self.stages) - 1

    def iterations_from(self, epoch: int, detection_batches: int, reid_batches: int) -> int:
        """Count the iterations from the beginning of an epoch to the end of the run.

        Args:
            epoch: The first that counts.
            detection_batches: Batches in an epoch of phase 1.
            reid_batches: Batches in an epoch of phase 2.
        """
        first = max(self.detection_epochs - epoch, 0) * detection_batches
        return first + (self.epochs - max(epoch, self.detection_epochs)) * reid_batches

    def lengths(self, detection_batches: int, reid_batches: int) -> dict[str, dict[str, Any]]:
        """Return the length of each phase, as checkpoints record it.

        Args:
            detection_batches: Batches in an epoch of phase 1.
            reid_batches: Batches in an epoch of phase 2.

        Returns:
            By phase, ``{'epochs': [...], 'batches': ...}``.
        """
        stages = [stage['epochs'] for stage in self.stages]
        return {
            'detection': {'epochs': [self.detection_epochs], 'batches': detection_batches},
            'reid': {'epochs': stages, 'batches': reid_batches},
        }


def check_lengths(
    checkpoint: dict[str, Any], path: str | None, phase: str, lengths: dict[str, dict]
) -> None:
    """Reject resuming in a phase whose length has changed: its saved schedules keep the old one.

    Args:
        checkpoint: Loaded checkpoint; one of an early version, without lengths, passes.
        path: File of the checkpoint, for messages.
        phase: Phase in which it was saved.
        lengths: Lengths of the run that resumes from it.

    Raises:
        ConfigError: The lengths differ.
    """
    saved = checkpoint['meta'].get(LENGTHS_KEY) or lengths
    finished = phase == 'detection' and checkpoint['meta']['epoch'] == sum(lengths[phase]['epochs'])
    if finished or saved[phase] == lengths[phase]:
        return
    before, now = (
        f'{" + ".join(map(str, length["epochs"]))} epochs of {length["batches"]} batches'
        for length in (saved[phase], lengths[phase])
    )
    raise ConfigError(
        f'{path} was saved in a phase {1 if phase == "detection" else 2} of {before}, which is now '
        f'one of {now}, while the learning rate would follow the old length: resume with the '
        'settings, batch size and number of processes that it was trained with'
    )
