r"""Find the people of images and videos and keep them in a gallery.

Run again, it adds what is new: unchanged files are skipped, a run that was stopped goes on where it
was, rows of a changed file are replaced.

examples:
  mmps index people.mmps footage/ --model published.pth
  # camera and start time from file names such as north/2026-11-27_08-30-00.mp4
  mmps index people.mmps footage/ --model published.pth --every 0.5 \
      --camera-from '{camera}/{start:%Y-%m-%d_%H-%M-%S}.mp4'
  # folders of frames, 7 a second: people are followed from frame to frame
  mmps index people.mmps sequence/img1 --model published.pth --frame-rate 7 --every 0
  # without training: a public detector and an exported re-ID network
  mmps index people.mmps holiday/*.jpg --model disjoint_yolox-nano_exported-reid \
      --weights yolox_nano.pth --cfg-options model.reid.file=reid.onnx
"""

from __future__ import annotations

import argparse
import sys

from .models import add_model_options, load_inferencer


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument('gallery', metavar='GALLERY', help='the file; its name ends in .mmps')
    parser.add_argument(
        'inputs', nargs='+', metavar='INPUT', help='images, videos, folders, or patterns in quotes'
    )
    add_model_options(parser, remembered=True)
    parser.add_argument('--camera', metavar='C', help='name of the camera of all inputs')
    parser.add_argument(
        '--camera-from',
        metavar='PATTERN|CSV',
        help='pattern of file names with {camera} and {start:%%Y-%%m-%%d_%%H-%%M-%%S}, or a CSV '
        'file with the columns source, camera, start',
    )
    parser.add_argument(
        '--every',
        type=float,
        default=1.0,
        metavar='SECONDS',
        help='between the frames of a video that are searched; 0: all frames',
    )
    parser.add_argument(
        '--frame-rate',
        type=float,
        metavar='R',
        help='the images of a folder are the frames of one video, R a second, in natural order '
        '(default: photographs that have nothing to do with each other)',
    )
    parser.add_argument(
        '--start',
        metavar='TIME',
        help='when a video began, such as 2026-11-27T08:30:00 (default: times count from 0)',
    )
    parser.add_argument(
        '--min-score', type=float, default=0.3, metavar='S', help='of people that are kept, 0 to 1'
    )
    parser.add_argument(
        '--batch-size', type=int, default=8, metavar='N', help='frames per pass of the model'
    )


def run(options: argparse.Namespace) -> int:
    """Index.

    Returns:
        1 where no source could be read at all.
    """
    from pathlib import Path

    from mmps.gallery import open_gallery
    from mmps.gallery.indexing import Settings, index
    from mmps.gallery.sources import Places, Sampling, list_sources, parse_time
    from mmps.structures import ConfigError

    start = None if options.start is None else parse_time(options.start)
    places = Places.of(options.camera, start, options.camera_from)
    Sampling(options.every, rate=options.frame_rate)
    if options.batch_size < 1 or not 0 <= options.min_score <= 1:
        raise ConfigError('--batch-size must be at least 1 and --min-score within 0 and 1')
    sources = list_sources(options.inputs, options.frame_rate is not None)
    info = None
    if Path(options.gallery).is_file():
        with open_gallery(options.gallery) as known:
            info = known.info
    inferencer = load_inferencer(options, info, options.min_score)
    settings = Settings(
        options.every, options.min_score, options.batch_size, places, options.frame_rate
    )
    with open_gallery(options.gallery, model=inferencer.gallery_model(), mode='w') as gallery:
        with _Progress(len(sources)) as progress:
            summary = index(gallery, inferencer.find, sources, settings, progress.report)
        total = gallery.count()
    _print_summary(summary, options.gallery, total)
    return int(not summary.sources and not summary.unchanged and bool(summary.problems))


class _Progress:
    """A bar of the sources, with the name and time of the one that is read."""

    def __init__(self, sources: int) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._bar = Progress(
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn('{task.description}'),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task('', total=sources)

    def __enter__(self) -> _Progress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def report(self, position: int, state: object, frame: object) -> None:
        """Show what was stored last."""
        moment = '' if frame is None or frame.number < 0 else f'  frame {frame.number:,}'
        self._bar.update(
            self._task, completed=position + state.finished, description=f'{state.source}{moment}'
        )


def _print_summary(summary: object, gallery: str, total: int) -> None:
    new = f'{summary.people:,} people in {summary.frames:,} images and frames of '
    print(f'{new}{summary.sources:,} files; {summary.unchanged:,} files were indexed before')
    for sentence in summary.problems.values():
        print(f'  note: {sentence}', file=sys.stderr)
    for copy, original in summary.copies.items():
        print(f'  left out: {copy} has the same content as {original}', file=sys.stderr)
    print(f'{gallery} holds {total:,} people')
