"""Options that change how fast a model computes, not what."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from mmcv.cnn import fuse_conv_bn

from mmps.models.detectors import DisjointDetector
from mmps.models.detectors.person_search import PersonSearchDetector
from mmps.structures import ConfigError

from .variants import Variant

NOBODY = 'none'
"""In place of a variant's name."""


@dataclass(frozen=True)
class Options:
    """How models compute.

    Args:
        fuse_conv_bn: Whether batch normalisation is folded into convolutions.
        channels_last: Variants whose re-ID network keeps channels together in memory, or
            ``NOBODY``; none named means everything: all networks, and the images. Where left
            out, the fastest: on a CPU the crops' network of disjoint variants, else nothing.
        chunks: Boxes embedded at once, by variant, where not what its config says.
        compile: Whether detectors and re-ID networks are compiled.
    """

    fuse_conv_bn: bool = True
    channels_last: Collection[str] | None = None
    chunks: Mapping[str, int] = field(default_factory=dict)
    compile: bool = False

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
        together = set(self.channels_last or ()) - {NOBODY}
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
    branch = model.reid_branch
    if variant.name in options.chunks:
        branch.chunk = branch.cpu_chunk = options.chunks[variant.name]
    if options.fuse_conv_bn:
        fuse_conv_bn(model)
    if options.all_channels_last:
        model.to(memory_format=torch.channels_last)
    elif keeps_channels_together(variant, options):
        branch.to(memory_format=torch.channels_last)
    if options.compile:
        compile_parts(model)
    return variant


def keeps_channels_together(variant: Variant, options: Options) -> bool:
    """Tell whether a variant's re-ID network is ``channels_last``."""
    if options.channels_last is None:
        return is_disjoint(variant) and device_of(variant.model).type == 'cpu'
    return options.all_channels_last or variant.name in options.channels_last


def is_disjoint(variant: Variant) -> bool:
    """Tell whether a variant embeds crops of the image."""
    return isinstance(variant.model, DisjointDetector)


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
    together = [v.name for v in variants if keeps_channels_together(v, options)]
    whole = 'whole networks' if options.all_channels_last else 're-ID networks'
    chunks = ', '.join(
        f'{v.name} {v.model.reid_branch.chunk_on(device_of(v.model))}' for v in variants
    )
    words = [
        f'Batch normalisation {"is" if options.fuse_conv_bn else "not"} folded into convolutions',
        f'channels_last: {", ".join(together) or "none"}' + f' ({whole})' * bool(together),
        f'boxes embedded at once: {chunks}',
        *(['half precision'] if amp else []),
        *(['compiled'] if options.compile else []),
    ]
    return '; '.join(words) + '.'


def compile_parts(model: PersonSearchDetector) -> None:
    """Compile a detector's stages, neck and head and the re-ID network, each by itself.

    Only ``forward`` is compiled, without hooks: the re-ID branch taps a stage by a hook that
    lives for one pass; compiled code would keep, or miss, the one that was there when it was
    made. On a CPU weights become constants, laid out as its convolutions want them, so that the
    model must not be trained afterwards.
    """
    detector = model.detector
    stages = [getattr(detector.backbone, name) for name in detector.backbone.res_layers]
    options = {'freezing': True} if device_of(model).type == 'cpu' else {}
    for part in (*stages, detector.neck, detector.bbox_head, model.reid_branch.stages):
        part.forward = torch.compile(part.forward, options=options)
