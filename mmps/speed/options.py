"""Options that change how fast a model computes, not what."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from mmps.models.detectors.person_search import PersonSearchDetector
from mmps.models.inference import REID, TRUNK, fastest_layout
from mmps.models.inference import prepare as prepare_model
from mmps.models.inference.nnpack import is_available
from mmps.structures import ConfigError

from .variants import Variant

NOBODY = 'none'
"""In place of a name."""


@dataclass(frozen=True)
class Options:
    """How models compute.

    Args:
        fuse_conv_bn: Whether batch normalisation is folded into convolutions.
        channels_last: What keeps channels together in memory: ``TRUNK``, the detector's backbone
            in all variants, names of variants for their re-ID networks, or ``NOBODY``; none
            named means everything, images too. Where left out, the fastest.
        chunks: Boxes embedded at once, by variant, where not what its config says.
        compile: Whether detectors and re-ID networks are compiled.
        nnpack: Whether NNPACK computes large maps on a CPU.
    """

    fuse_conv_bn: bool = True
    channels_last: Collection[str] | None = None
    chunks: Mapping[str, int] = field(default_factory=dict)
    compile: bool = False
    nnpack: bool = True

    @property
    def all_channels_last(self) -> bool:
        """Whether all networks and the images keep channels together."""
        return self.channels_last is not None and not self.channels_last

    def check(self, names: Collection[str]) -> None:
        """Make sure that options speak of variants that exist.

        Args:
            names: Of all variants.

        Raises:
            ConfigError: One does not.
        """
        together = set(self.channels_last or ()) - {NOBODY, TRUNK}
        for option, named in (('channels-last', together), ('chunks', self.chunks)):
            for name in named:
                if name not in names:
                    raise ConfigError(
                        f'--{option} names {name!r}, which is none of the variants '
                        f'{", ".join(names)}'
                    )


def prepare(variant: Variant, options: Options) -> Variant:
    """Apply options to a model, in place.

    Args:
        variant: As built.
        options: What to apply.

    Returns:
        The variant.
    """
    model = variant.model
    if variant.name in options.chunks:
        branch = model.reid_branch
        branch.chunk = branch.cpu_chunk = options.chunks[variant.name]
    if options.all_channels_last:
        model.to(memory_format=torch.channels_last)
    prepare_model(
        model,
        fuse=options.fuse_conv_bn,
        channels_last=parts_together(variant, options),
        nnpack=options.nnpack and not options.all_channels_last,
        compile=options.compile,
    )
    return variant


def parts_together(variant: Variant, options: Options) -> frozenset[str]:
    """Tell which parts of a variant keep channels together in memory."""
    named = options.channels_last
    if named is None:
        return fastest_layout(variant.model)
    parts = {TRUNK: TRUNK, REID: variant.name}
    return frozenset(part for part, name in parts.items() if not named or name in named)


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
    on_cpu = all(device_of(v.model).type == 'cpu' for v in variants)
    nnpack = options.nnpack and not options.all_channels_last and on_cpu and is_available()
    words = [
        f'Batch normalisation {"is" if options.fuse_conv_bn else "not"} folded into convolutions',
        f'channels_last: {layout_in_words(variants, options)}',
        f'boxes embedded at once: {chunks}',
        *(["the detector's large maps by NNPACK"] if nnpack else []),
        *(['half precision'] if amp else []),
        *(['compiled'] if options.compile else []),
    ]
    return '; '.join(words) + '.'


def layout_in_words(variants: Sequence[Variant], options: Options) -> str:
    """Say what keeps channels together in memory."""
    if options.all_channels_last:
        return 'everything'
    layouts = {v.name: parts_together(v, options) for v in variants}
    trunk = [TRUNK] * any(TRUNK in parts for parts in layouts.values())
    networks = [f'{name} ({REID})' for name, parts in layouts.items() if REID in parts]
    return ', '.join(trunk + networks) or NOBODY
