"""A model that was exported: finds and embeds people by ONNX Runtime, without PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmps.structures import FoundPeople

from .choosing import best, candidates
from .images import Prepared, crops_of, prepared
from .manifest import Manifest
from .runtimes import load_network, open_session

CHUNK = 64
"""People embedded at once."""


class ExportedModel:
    """Networks that ``mmps onnx`` wrote.

    Args:
        path: Of their folder, or of ``model.json`` in it.

    Attributes:
        manifest: What they are.
        min_score: Smallest detection score of people who are kept.

    Raises:
        DataError: A file is missing, damaged or another one.
        ConfigError: The program that runs them is not installed.
    """

    def __init__(self, path: str | Path, min_score: float = 0.0) -> None:
        self.manifest = Manifest.load(Path(path))
        folder = Path(path) if Path(path).is_dir() else Path(path).parent
        self.min_score = min_score
        detector, branch = self.manifest.detector, self.manifest.branch
        self._detector = open_session(folder / detector.file)
        self._boxes = open_session(folder / detector.box_file) if detector.box_file else None
        if branch.crops:
            self._embed_crops, _ = load_network(folder / branch.file, tuple(branch.size))
        else:
            self._branch = open_session(folder / branch.file)

    def find(self, image: np.ndarray) -> FoundPeople:
        """Find and embed the people of an image.

        Args:
            image: ``(H, W, 3)`` uint8 BGR.
        """
        given = prepared(image, self.manifest.preparation)
        outputs = self._outputs(given)
        boxes, scores = self._people(outputs, given)
        embeddings = self._embedded(image, boxes, given, outputs.get('feature'))
        return FoundPeople(None, boxes, scores, embeddings)

    def embed(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Embed the people in given boxes.

        Args:
            image: ``(H, W, 3)`` uint8 BGR.
            boxes: ``(N, 4)`` xyxy in its pixels.

        Returns:
            ``(N, D)`` of unit length.
        """
        if self.manifest.branch.crops:
            return self._embedded(image, boxes, None, None)
        given = prepared(image, self.manifest.preparation)
        (feature,) = self._detector.run(['feature'], {'image': given.pixels})
        return self._embedded(image, boxes, given, feature)

    def _outputs(self, given: Prepared) -> dict[str, np.ndarray]:
        names = [output.name for output in self._detector.get_outputs()]
        return dict(zip(names, self._detector.run(names, {'image': given.pixels}), strict=True))

    def _people(
        self, outputs: dict[str, np.ndarray], given: Prepared
    ) -> tuple[np.ndarray, np.ndarray]:
        """Choose people among proposed boxes; boxes come back in pixels of the image."""
        detector = self.manifest.detector
        names = ['boxes', 'scores'] + ['factors'] * detector.factors
        levels = [
            tuple(outputs[f'{name}_{number}'] for name in names)
            for number in range(detector.levels)
        ]
        if detector.proposals is not None:
            boxes, scores, numbers = candidates(levels, given.inside, detector.proposals)
            kept = best(boxes, scores, numbers, detector.proposals)
            levels = [self._second_stage(outputs, boxes[kept])]
        boxes, scores, _ = candidates(levels, given.inside, detector.people)
        # What scores too little displaces nobody, so it may go before.
        enough = scores >= self.min_score
        boxes, scores = boxes[enough], scores[enough]
        boxes = boxes / np.tile(np.float32(given.scale), 2)
        kept = best(boxes, scores, np.zeros(len(scores)), detector.people)
        return boxes[kept], scores[kept]

    def _second_stage(
        self, outputs: dict[str, np.ndarray], proposals: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Score and refine proposals, each from the level of the pyramid that fits its size."""
        detector = self.manifest.detector
        sizes = np.sqrt((proposals[:, 2:] - proposals[:, :2]).prod(axis=1))
        level = np.floor(np.log2(sizes / detector.finest + 1e-6))
        level = level.clip(0, len(detector.strides) - 1)
        boxes, scores = np.zeros_like(proposals), np.zeros(len(proposals), np.float32)
        for number, stride in enumerate(detector.strides):
            chosen = np.flatnonzero(level == number)
            if len(chosen):
                given = {
                    'feature': outputs[f'pyramid_{number}'],
                    'boxes': proposals[chosen],
                    'scale': np.array(1 / stride, np.float32),
                }
                boxes[chosen], scores[chosen] = self._boxes.run(['refined', 'scores'], given)
        return boxes, scores

    def _embedded(
        self,
        image: np.ndarray,
        boxes: np.ndarray,
        given: Prepared | None,
        feature: np.ndarray | None,
    ) -> np.ndarray:
        parts = [np.zeros((0, self.manifest.dimension), np.float32)]
        for chunk in np.array_split(boxes, max(1, -(-len(boxes) // CHUNK))):
            if not len(chunk):
                continue
            if self.manifest.branch.crops:
                vectors = self._embed_crops(crops_of(image, chunk, self.manifest.branch))
            else:
                moved = np.float32(chunk) * np.tile(np.float32(given.scale), 2)
                inputs = {'feature': feature, 'boxes': moved}
                (vectors,) = self._branch.run(['embeddings'], inputs)
            parts.append(vectors.reshape(len(chunk), -1))
        vectors = np.concatenate(parts)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.maximum(lengths, 1e-12)
