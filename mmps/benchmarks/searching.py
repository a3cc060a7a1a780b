"""Milliseconds to detect people in an image and to embed a given number of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from mmengine.registry import init_default_scope

from mmps.models.detectors.person_search import PersonSearchDetector
from mmps.registry import MODELS

from .timing import interleaved, quartiles
from .variants import searched_samples, without_pretrained

BOX = (0.5, 0.25)
"""Height of a person as a share of the image's, and width as one of the height's."""


@dataclass(frozen=True)
class SearchCost:
    """What a model takes.

    Attributes:
        milliseconds: Median for one image, by the number of people that are embedded.
        parameters: Of the model, without those of losses.
    """

    milliseconds: dict[int, float]
    parameters: int


def ms_per_image(
    models: Mapping[str, Any], people: Sequence[int], rounds: int, size: int = 320
) -> dict[str, SearchCost]:
    """Measure models of any detector, with random weights, in alternation on one image.

    Args:
        models: Config of each by its name.
        people: Numbers of people that are embedded, whatever is detected.
        rounds: Measured rounds, after two others.
        size: Side of the network's input in pixels.
    """
    init_default_scope('mmdet')
    built = {}
    for name, config in models.items():
        torch.manual_seed(0)
        built[name] = MODELS.build(without_pretrained(config)).eval()
    jobs = {
        (n, count): partial(_search, m, count, size) for n, m in built.items() for count in people
    }
    seconds = interleaved(jobs, rounds, warm_up=2)
    return {
        name: SearchCost(
            {count: 1000 * quartiles(seconds[name, count]).median for count in people},
            sum(p.numel() for n, p in model.named_parameters() if '.losses.' not in n),
        )
        for name, model in built.items()
    }


@torch.no_grad()
def _search(model: PersonSearchDetector, people: int, size: int) -> None:
    samples = searched_samples(1, size, 'cpu')
    inputs = torch.zeros(1, 3, size, size)
    height = BOX[0] * size
    box = [0.0, 0.0, 0.0, height * BOX[1], height]
    boxes = model.source.place(torch.tensor([box[1:]] * people), samples[0])
    rois = torch.cat([boxes.new_zeros(people, 1), boxes], dim=1)
    with model.source.watch(inputs, samples) as source:
        model.detector.predict(inputs, samples)
        model.reid_branch(source.feature, rois)
