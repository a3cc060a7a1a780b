"""The parts of a person-search model that a checkpoint lacks, reported instead of weight names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor, nn

from mmps.checkpoints.loss_state import without_losses

SHARED = 'shared stages'
LATER = "detector's later stages"
STAGES = {'replicated stages', "crops' network"}
"""What a re-ID branch has of one of the two, by its kind."""

BRANCH = STAGES | {'head'}
"""Parts that phase 2 trains."""


@dataclass(frozen=True)
class Gaps:
    """Where a checkpoint and a model differ.

    Attributes:
        missing: For each part the model's weights that were not loaded, without prefix.
        sizes: How many weights each part has.
        shapes: In file and model, of those that are there with another shape.
        unread: For each part the weights of the file that the model has no place for.
    """

    missing: dict[str, list[str]]
    sizes: Counter[str]
    shapes: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
    unread: dict[str, list[str]]

    def __bool__(self) -> bool:
        return bool(self.missing or self.unread)

    def sentence(self) -> str:
        """Describe what was not loaded, and what to do."""
        told = []
        if self.missing:
            told.append(f'does not fill {", ".join(self.unfilled_parts())}')
        if self.unread:
            parts = ', '.join(self.unread_parts())
            told.append(f'holds weights that the model has no place for: {parts}')
        return f'The checkpoint {", and ".join(told)}; {self._advice()}.'

    def unfilled_parts(self) -> list[str]:
        """Describe the parts whose weights were not loaded."""
        return [self._describe(part, names) for part, names in self.missing.items()]

    def unread_parts(self) -> list[str]:
        """Describe the parts of the file that the model has no place for."""
        return [f'{part} ({_some(names)})' for part, names in self.unread.items()]

    def _describe(self, part: str, names: list[str]) -> str:
        text = f'{len(names)} of {self.sizes[part]} weights'
        for name in [name for name in names if name in self.shapes][:1]:
            found, wanted = self.shapes[name]
            text += f"; {name} has shape {found}, the model's {wanted}"
        return f'the {part} ({text})'

    def _advice(self) -> str:
        if not self.missing:
            return 'they are not read'
        same = 'give a checkpoint of the same `model` config'
        if set(self.missing) <= BRANCH:
            return f'train phase 2 before you search with it, or {same}'
        return f'what is not filled keeps its random weights: train it, or {same}'


def fill_gaps(state_dict: dict[str, Tensor], prefix: str, model: nn.Module) -> Gaps:
    """Fill weights that a checkpoint lacks with the model's own, and drop unused ones.

    Args:
        state_dict: Weights by name; changed in place.
        prefix: Of the model in ``state_dict``.
        model: The model with ``detector``, ``reid_branch`` and ``source``.

    Returns:
        What was filled and dropped.
    """
    own = model.state_dict()
    # The state of losses is needed only in training: it is silently left out or reset.
    theirs = set(own) - set(without_losses(own))
    for name in theirs:
        if getattr(state_dict.get(prefix + name), 'shape', None) != own[name].shape:
            state_dict[prefix + name] = own[name].clone()
    for name in set(state_dict) - set(without_losses(state_dict, prefix)):
        if name[len(prefix) :] not in theirs:
            del state_dict[name]
    shapes = {
        name: (tuple(state_dict[prefix + name].shape), tuple(weight.shape))
        for name, weight in own.items()
        if prefix + name in state_dict and state_dict[prefix + name].shape != weight.shape
    }
    # Files from before PyTorch counted batches have no `num_batches_tracked`; PyTorch adds it.
    needed = {
        name: part_of(name, model)
        for name in own
        if 'num_batches_tracked' not in name and name not in theirs
    }
    missing = [name for name in needed if prefix + name not in state_dict or name in shapes]
    for name in missing:
        state_dict[prefix + name] = own[name].clone()
    found = [name[len(prefix) :] for name in state_dict if name.startswith(prefix)]
    unread = [name for name in found if name not in own]
    for name in unread:
        del state_dict[prefix + name]
    return Gaps(_by_part(missing, model), Counter(needed.values()), shapes, _by_part(unread, model))


def part_of(name: str, model: nn.Module) -> str:
    """Return the part of a model that a weight belongs to.

    Args:
        name: Of the weight, as in the model's ``state_dict()``.
        model: The model.
    """
    top, below, inside = (*name.split('.', 2), '', '')[:3]
    later = model.source.later_stages
    if top == 'reid_branch':
        stages = "crops' network" if later is None else 'replicated stages'
        return {'stages': stages, 'head': 'head'}.get(below, f're-ID {below}')
    if top != 'detector':
        return 'other parts'
    if below != 'backbone':
        return "detector's neck and heads"
    if later is None:
        return "detector's backbone"
    return LATER if any(f'{inside}.'.startswith(f'{part}.') for part in later) else SHARED


def _by_part(names: Iterable[str], model: nn.Module) -> dict[str, list[str]]:
    parts: dict[str, list[str]] = {}
    for name in names:
        parts.setdefault(part_of(name, model), []).append(name)
    return parts


def _some(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f'{len(names)} weights, the first: {names[0]}'
