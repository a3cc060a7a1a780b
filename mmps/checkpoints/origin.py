"""The origin of a model's weights, and the start of its re-ID branch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mmengine.logging import MMLogger
from mmengine.model import PretrainedInit
from torch import Tensor, nn

from mmps.checkpoints.detector_weights import adopt_detector_weights
from mmps.checkpoints.gaps import LATER, SHARED, STAGES, Gaps, fill_gaps, part_of
from mmps.structures import ConfigError

BRANCH_TRAINED = 'branch_trained'
"""Entry of a state dict's metadata: false where the re-ID branch in it was only drawn."""


@dataclass
class Origin:
    """Which weights came from files.

    Attributes:
        read: Names of those that did, by ``init_cfg`` or from a checkpoint.
        branch_trained: Whether a checkpoint filled the branch's stages with trained weights.
    """

    read: set[str] = field(default_factory=set)
    branch_trained: bool = False


def follow_weights(model: Any) -> None:
    """Make a model record the origin of its weights, and load checkpoints of plain detectors too.

    Whoever loads, MMEngine or PyTorch: what a checkpoint does not fill keeps its weights. One
    warning names the parts, and they are reported to the caller, which refuses them where it is
    strict.

    Args:
        model: A person-search model; gets the attribute ``origin``.
    """
    model.origin = Origin()
    # Its public name, without the underscore, came with PyTorch 2.5.
    model._register_load_state_dict_pre_hook(_before_loading, with_module=True)


def _before_loading(
    model: Any,
    state_dict: dict[str, Tensor],
    prefix: str,
    metadata: dict[str, Any],
    strict: bool,  # always True, whatever the caller was asked for
    missing: list[str],
    unexpected: list[str],
    errors: list[str],
) -> None:
    gaps = read_checkpoint(model, state_dict, prefix, metadata)
    if model.phase == 'reid':
        check_features(model)
    if gaps:
        MMLogger.get_current_instance().warning(gaps.sentence())
    missing += gaps.unfilled_parts()
    unexpected += gaps.unread_parts()


def pretrained(module: nn.Module) -> Iterator[str]:
    """List the weights that ``init_cfg`` takes from files, as in ``module.state_dict()``."""
    for prefix, part in module.named_modules():
        configs = getattr(part, 'init_cfg', None) or []
        configs = [configs] if isinstance(configs, dict) else configs
        if any(config.get('type') in ('Pretrained', PretrainedInit) for config in configs):
            yield from part.state_dict(prefix=f'{prefix}.' if prefix else '')


def note_pretrained(model: Any) -> None:
    """Note what ``init_cfg`` has read; in the joint phase the branch begins with it too."""
    model.origin.read.update(pretrained(model))
    later = [name for name in model.state_dict() if part_of(name, model) == LATER]
    if model.phase == 'joint' and later and model.origin.read.issuperset(later):
        begin_branch(model)


def check_features(model: Any) -> None:
    """Refuse to train a branch on features that are random.

    Raises:
        ConfigError: Weights of the shared stages came from no checkpoint.
    """
    unread = [name for name in model.state_dict() if name not in model.origin.read]
    missing = [n for n in unread if part_of(n, model) == SHARED and 'num_batches' not in n]
    if missing:
        raise ConfigError(
            f'phase 2 would train on random features: {len(missing)} weights of the shared stages '
            f'are not in the checkpoint (the first: {missing[0]}); set `load_from` to a trained '
            "detector with this config's backbone"
        )


def read_checkpoint(
    model: Any, state_dict: dict[str, Tensor], prefix: str, metadata: dict[str, Any]
) -> Gaps:
    """Convert a checkpoint for a person-search model, and record what it fills.

    A branch that it fills is kept by training. Where it has none, one of other stages, or one that
    was only drawn, the branch begins as the detector's stages: at once in the joint phase, which
    nothing precedes, otherwise when phase 2 begins.

    Args:
        model: The model with ``detector``, ``reid_branch``, ``source`` and ``origin``.
        state_dict: Weights by name; changed in place.
        prefix: Of the model in ``state_dict``.
        metadata: That of the model's entry in the state dict.

    Returns:
        Where the two differ.

    Raises:
        UserError: The checkpoint does not fit this model.
    """
    has_branch = adopt_detector_weights(state_dict, prefix, model)
    gaps = fill_gaps(state_dict, prefix, model)
    if STAGES & gaps.missing.keys():
        # What was trained behind other stages, such as the head, knows nothing of these.
        has_branch = False
        own = model.reid_branch.state_dict(prefix=f'{prefix}reid_branch.')
        state_dict.update({name: weight.clone() for name, weight in own.items()})
    origin, trained = model.origin, has_branch and metadata.get(BRANCH_TRAINED, True)
    missing = {name for names in gaps.missing.values() for name in names}
    own = {n for n in model.state_dict() if has_branch or not n.startswith('reid_branch.')}
    origin.read |= own - missing
    origin.branch_trained = trained
    if has_branch and not trained and model.phase != 'detection':
        MMLogger.get_current_instance().warning(
            'The checkpoint was saved in phase 1, and its re-ID branch is untrained: search '
            'numbers mean nothing before phase 2 has trained it.'
        )
    if model.phase == 'joint' and not trained:
        start = starting_weights(model, state_dict, f'{prefix}detector.backbone.')
        state_dict.update({f'{prefix}{name}': weight for name, weight in start.items()})
    return gaps


def starting_weights(
    model: Any, weights: dict[str, Tensor], backbone: str = 'detector.backbone.'
) -> dict[str, Tensor]:
    """Find what the detector gives the branch to begin with.

    Args:
        model: The model with ``reid_branch``.
        weights: In which the detector's are.
        backbone: Prefix of its backbone there.

    Returns:
        Weights of the model by name; none where the branch begins otherwise.
    """
    # C4 detectors have the backbone's last stage in the box head, under the name it had.
    box_head = backbone.replace('backbone.', 'roi_head.shared_head.')
    trained = {
        name.removeprefix(prefix): weight
        for prefix in (box_head, backbone)
        for name, weight in weights.items()
        if name.startswith(prefix)
    }
    start = model.reid_branch.starting_weights(trained)
    return {f'reid_branch.{name}': weight for name, weight in start.items()}


def begin_branch(model: Any) -> None:
    """Start the branch from the detector, unless a checkpoint filled it; the log says which."""
    log = MMLogger.get_current_instance().info
    if model.origin.branch_trained:
        log('The re-ID branch continues from the checkpoint that filled it.')
        return
    own = model.state_dict()
    start = starting_weights(model, own)
    for name, weight in start.items():
        own[name].copy_(weight)
    if start:
        log("The re-ID branch begins with copies of the detector's stages, and a new head.")
    else:
        log('The re-ID branch begins with the weights that its config draws or loads.')
