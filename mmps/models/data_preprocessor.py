from __future__ import annotations

from typing import Any

from mmengine.model import BaseDataPreprocessor

from mmps.registry import MODELS


@MODELS.register_module()
class SearchDataPreprocessor(BaseDataPreprocessor):
    """Prepares either kind of batch: scene images, or pooled features from the cache.

    Args:
        images: Config of the detector's own preprocessor, which handles images.
    """

    def __init__(self, images: dict) -> None:
        super().__init__()
        self.images = MODELS.build(images)

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        """Move pooled features to the device; leave images to the detector's preprocessor."""
        if 'pooled' in data:
            return self.cast_data(data)
        return self.images(data, training)

    def to(self, *args: Any, **kwargs: Any) -> SearchDataPreprocessor:
        """Move to a device, telling the inner preprocessor, which keeps its own note of it."""
        self.images.to(*args, **kwargs)
        return super().to(*args, **kwargs)

    def cuda(self, *args: Any) -> SearchDataPreprocessor:
        """Move to the current GPU, telling the inner preprocessor."""
        self.images.cuda()
        return super().cuda()

    def cpu(self, *args: Any) -> SearchDataPreprocessor:
        """Move to the CPU, telling the inner preprocessor."""
        self.images.cpu()
        return super().cpu()
