r"""Write a model as ONNX files, for machines without PyTorch.

The folder that is written takes the place of a checkpoint: --model DIR runs it by ONNX Runtime
(pip install 'mmps[onnx]'). Embeddings are those of the model, so that galleries of either can be
searched by the other.

examples:
  mmps onnx exported --model published.pth
  mmps index people.mmps footage/ --model exported
  # compare with PyTorch on some images, and time both
  mmps onnx exported --model published.pth --check holiday/*.jpg
"""

from __future__ import annotations

import argparse
from typing import Any

from .models import add_model_options, load_inferencer, quiet_libraries


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument('folder', metavar='DIR', help='the folder that is written')
    add_model_options(parser)
    parser.add_argument(
        '--check',
        nargs='+',
        default=[],
        metavar='IMAGE',
        help='compare boxes, embeddings and time with those of PyTorch on these images',
    )


def run(options: argparse.Namespace) -> int:
    """Export.

    Returns:
        1 where results differ from those of PyTorch.
    """
    from pathlib import Path

    from mmps.files import check_can_write
    from mmps.models.exporting import export_model
    from mmps.structures import ConfigError

    folder = Path(options.folder)
    check_can_write(folder, is_folder=True)
    options.device = options.device or 'cpu'
    inferencer = load_inferencer(options)
    model = inferencer.model
    if not hasattr(model, 'reid_branch'):
        raise ConfigError(f'{options.model} is exported already')
    calibration = None if inferencer.calibration is None else inferencer.calibration.summary()
    pipeline = model.cfg.test_dataloader.dataset.pipeline
    with quiet_libraries():
        fingerprint = inferencer.gallery_model().fingerprint
        written = export_model(model, pipeline, folder, fingerprint, calibration)
    size = sum((folder / name).stat().st_size for name in written.digests)
    print(f'{folder}: {", ".join(written.digests)} and model.json, {size / 1e6:,.1f} MB')
    return _compare(inferencer, folder, options.check) if options.check else 0


def _compare(inferencer: Any, folder: Any, images: list[str]) -> int:
    """Print how far results of both are apart, and how long they take."""
    from mmps.apis.inferencer import PersonSearchInferencer
    from mmps.apis.parity import compare

    found = compare(inferencer, PersonSearchInferencer(folder, min_score=0.3), images)
    print(f'people    {found.people:,} of {found.expected:,} are found by both')
    print(f'boxes     differ by at most {found.pixels:.3f} pixels')
    print(f'cosine    of embeddings at least {found.cosine:.6f}')
    print(
        f'an image  PyTorch {1e3 * found.seconds[0]:.0f} ms, ONNX {1e3 * found.seconds[1]:.0f} ms'
    )
    return int(not found.is_equal)
