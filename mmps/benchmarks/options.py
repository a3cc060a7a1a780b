"""Options that change how fast a model computes, not what."""

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
    """How models compute.

    Attributes:
        fuse_conv_bn: Whether batch normalisation is folded into convolutions.
        chunks: Boxes embedded at once, by variant, where not what its config says.
    """

    fuse_conv_bn: bool = True
    chunks: Mapping[str, int] = field(default_factory=dict)

    def check(self, names: Collection[str]) -> None:
        """Make sure that options speak of variants that exist.

        Args:
            names: Of all variants.

        Raises:
            ConfigError: One does not.
        """
        for name in self.chunks:
            if name not in names:
                raise ConfigError(
                    f'--chunks names {name!r}, which is none of the variants {", ".join(names)}'
                )


def prepare(variant: Variant, options: Options) -> Variant:
    """Apply options to a model, in place.

    Args:
        variant: As built.
        options: What to apply.

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
    """Tell where a model runs."""
    return next(model.parameters()).device


def in_words(variants: Sequence[Variant], options: Options, *, amp: bool) -> str:
    """Say how models compute, for the head of a table.

    Args:
        variants: All that were measured.
        options: What was applied to them.
        amp: Whether in half precision.
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
