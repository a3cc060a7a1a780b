"""What stands beside exported networks: how images, boxes and crops go in and come out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmps.files import write_json
from mmps.structures import DataError

NAME = 'model.json'
"""The file that describes the networks of its folder."""

FORMAT = 1


@dataclass(frozen=True)
class Preparation:
    """How an image becomes the input of the detector.

    Attributes:
        size: (width, height) that the image is resized to, or fits into.
        keep_ratio: Whether it keeps its shape.
        square: Whether it is padded to a square.
        fill: Values of the padding to a square, per channel of the image, blue first.
        divisor: Width and height are padded to multiples of it, after normalisation, with
            ``pad_value``.
        pad_value: Of that padding.
        mean: Of the channels of the input.
        std: Of the channels of the input.
        swap_channels: Whether the input is red first.
    """

    size: tuple[int, int]
    keep_ratio: bool
    square: bool
    fill: tuple[float, float, float]
    divisor: int
    pad_value: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    swap_channels: bool

    @property
    def fixed(self) -> tuple[int, int] | None:
        """(height, width) of the input where it is the same for all images."""
        if self.keep_ratio and not self.square:
            return None
        width, height = (max(self.size),) * 2 if self.square else self.size
        return tuple(-(-length // self.divisor) * self.divisor for length in (height, width))


@dataclass(frozen=True)
class Suppression:
    """How boxes are chosen among all that a network proposes.

    Attributes:
        min_score: Boxes that score less are left out, before ``factors`` are multiplied in.
        per_level: Best boxes of each level that are looked at; all where 0 or less.
        max_overlap: Intersection over union above which the box of the lower score goes.
        count: Best boxes that are kept in the end; all where 0 or less.
        min_size: Width and height above which boxes are kept; all where negative.
        clips: Whether boxes end at the border of the image.
    """

    min_score: float
    per_level: int
    max_overlap: float
    count: int
    min_size: float
    clips: bool


@dataclass(frozen=True)
class Detector:
    """The network that finds people.

    Attributes:
        file: Its name.
        levels: How many levels of a pyramid boxes come from.
        factors: Whether scores are multiplied by a second number, such as FCOS's centerness.
        people: How people are chosen among boxes.
        proposals: How proposals are chosen, of a detector in two stages.
        box_file: Name of the network of the second stage, otherwise empty.
        strides: Pixels of the input per cell of each level that the second stage pools.
        finest: Size of boxes in pixels that are pooled from the first level, of two stages.
    """

    file: str
    levels: int
    factors: bool
    people: Suppression
    proposals: Suppression | None = None
    box_file: str = ''
    strides: tuple[int, ...] = ()
    finest: float = 0.0


@dataclass(frozen=True)
class Branch:
    """The network that embeds people.

    Attributes:
        file: Its name.
        crops: Whether it takes crops of the image, not a shared feature and boxes.
        size: (height, width) of a crop.
        swap_channels: Whether crops are red first.
        interpolation: How crops are resized.
        mean: Of a crop's channels.
        std: Of a crop's channels.
    """

    file: str
    crops: bool = False
    size: tuple[int, int] = (0, 0)
    swap_channels: bool = False
    interpolation: str = ''
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Manifest:
    """All about an exported model.

    Attributes:
        fingerprint: Of the model whose embeddings it computes.
        dimension: Size of an embedding.
        preparation: How images go in.
        detector: Finds people.
        branch: Embeds them.
        calibration: How often pairs of a similarity were wrong, as plain data, or ``None``.
        digests: SHA-256 of each file.
    """

    fingerprint: str
    dimension: int
    preparation: Preparation
    detector: Detector
    branch: Branch
    calibration: dict[str, Any] | None
    digests: Mapping[str, str]

    def save(self, folder: Path) -> None:
        """Write it beside the networks."""
        write_json(folder / NAME, {'format': FORMAT, **asdict(self)})

    @classmethod
    def load(cls, path: Path) -> Manifest:
        """Read it, and check that the networks beside it are those that it describes.

        Args:
            path: The folder, or the file in it.

        Raises:
            DataError: It is missing, damaged or of a newer format, or a network is missing or
                another one.
        """
        path = path / NAME if path.is_dir() else path
        try:
            content = json.loads(path.read_text(encoding='utf-8'))
            given = content.pop('format')
            manifest = _manifest(content) if given <= FORMAT else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f'{path} describes no exported model ({error}): export it again'
            ) from None
        if manifest is None:
            raise DataError(
                f'{path} has format {given}, this version of mmps reads up to {FORMAT}: update '
                'mmps (pip install -U mmps)'
            )
        for name, digest in manifest.digests.items():
            check_file(path.parent / name, digest)
        return manifest


def check_file(path: Path, digest: str) -> None:
    """Check that a file is the expected one.

    Args:
        path: The file.
        digest: Its SHA-256.

    Raises:
        DataError: It is missing or another one.
    """
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(
            f'{path} cannot be read ({error.strerror}): copy the whole folder'
        ) from None
    if found != digest:
        raise DataError(f'{path} is not the network that {NAME} beside it describes: copy it again')


def _manifest(content: dict[str, Any]) -> Manifest:
    detector = dict(content['detector'])
    proposals = detector['proposals']
    detector |= {
        'people': Suppression(**detector['people']),
        'proposals': None if proposals is None else Suppression(**proposals),
    }
    parts = {
        'preparation': Preparation(**content['preparation']),
        'detector': Detector(**detector),
        'branch': Branch(**content['branch']),
    }
    return Manifest(**{**content, **parts})
