"""Options that change the speed of a model, but not its results."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from mmps.models.detectors.person_search import PersonSearchDetector
from mmps.models.inference import fold_normalisation
from mmps.structures import ConfigError

from .variants import Variant


@dataclass(frozen=True)
class Options:
    """Options of computation.

    Attributes:
        fuse_conv_bn: Whether batch normalisation is folded into convolutions.
        chunks: Boxes embedded at once, by variant, if different from its config.
    """

    fuse_conv_bn: bool = True
    chunks: Mapping[str, int] = field(default_factory=dict)

    def check(self, names: Collection[str]) -> None:
        """Check that options refer to existing variants.

        Args:
            names: Names of all variants.

        Raises:
            ConfigError: An option refers to an unknown variant.
        """
        for name in self.chunks:
            if name not in names:
                raise ConfigError(
                    f'--chunks names {name!r}, which is not one of the variants {", ".join(names)}'
                )


def prepare(variant: Variant, options: Options) -> Variant:
    """Apply options to a model, in place.

    Args:
        variant: The variant as built.
        options: Options to apply.

    Returns:
        The variant.
    """
    if variant.name in options.chunks:
        branch = variant.model.reid_branch
        branch.chunk = branch.cpu_chunk = options.chunks[variant.name]
    if options.fuse_conv_bn:
        fold_normalisation(variant.model)
    return variant


def device_of(model: PersonSearchDetector) -> torch.device:
    """Return the device of a model."""
    return next(model.parameters()).device


def in_words(variants: Sequence[Variant], options: Options, *, amp: bool) -> str:
    """Describe the options of computation, for the head of a table.

    Args:
        variants: All measured variants.
        options: Options that were applied to them.
        amp: Whether passes ran in half precision.
    """
    chunks = ', '.join(
        f'{v.name} {v.model.reid_branch.chunk_on(device_of(v.model))}' for v in variants
    )
    words = [
        f'Batch normalisation {"is" if options.fuse_conv_bn else "not"} folded into convolutions',
        f'boxes embedded at once: {chunks}',
        *(['half precision'] if amp else []),
    ]
    return '; '.join(words) + '.'
