r"""Find the people of images and videos and keep them in a gallery.

Run again, it adds what is new: unchanged files are skipped, a run that was stopped goes on where it
was, rows of a changed file are replaced.

examples:
  mmps index people.mmps footage/ --model published.pth
  # camera and start time from file names such as north/2026-11-27_08-30-00.mp4
  mmps index people.mmps footage/ --model published.pth --every 0.5 \
      --camera-from '{camera}/{start:%Y-%m-%d_%H-%M-%S}.mp4'
  # four machines, or four jobs, fill one server: --shard 1/4 to 4/4
  mmps index 'postgresql://user@host/database?gallery=NAME' footage/ --model published.pth \
      --shard 1/4
  # a live stream, until Ctrl-C
  mmps index people.mmps rtsp://user:password@camera/stream --model published.pth --camera north \
      --keep-crops crops
  # folders of frames, 7 a second: people are followed from frame to frame
  mmps index people.mmps sequence/img1 --model published.pth --frame-rate 7 --every 0
  # without training: a public detector and an exported re-ID network
  mmps index people.mmps holiday/*.jpg --model disjoint_yolox-nano_exported-reid \
      --weights yolox_nano.pth --cfg-options model.reid.file=reid.onnx
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from .galleries import add_gallery
from .live import add_stream_options, check_streams, watch_streams
from .models import add_model_options, load_inferencer


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add_gallery(parser)
    parser.add_argument(
        'inputs',
        nargs='+',
        metavar='INPUT',
        help='images, videos, folders, or patterns in quotes; or live streams: rtsp://..., '
        'http://..., camera:0',
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
    add_stream_options(parser)
    parser.add_argument(
        '--shard',
        metavar='I/N',
        help='only every N-th input file from the I-th on, I from 1: for N workers that fill one '
        'gallery (default: all files)',
    )


def run(options: argparse.Namespace) -> int:
    """Index.

    Returns:
        1 where no source could be read at all.
    """
    from mmps.gallery import find_info, open_gallery
    from mmps.gallery.indexing import Settings, index
    from mmps.gallery.sources import Places, Sampling, list_sources, parse_time, shard_of
    from mmps.structures import ConfigError

    start = None if options.start is None else parse_time(options.start)
    places = Places.of(options.camera, start, options.camera_from)
    Sampling(options.every, rate=options.frame_rate)
    if options.batch_size < 1 or not 0 <= options.min_score <= 1:
        raise ConfigError('--batch-size must be at least 1 and --min-score within 0 and 1')
    live = check_streams(options)
    sources = options.inputs if live else list_sources(options.inputs, bool(options.frame_rate))
    if options.shard:
        sources = shard_of(sources, options.shard)
    inferencer = load_inferencer(options, find_info(options.gallery), options.min_score)
    settings = Settings(
        options.every, options.min_score, options.batch_size, places, options.frame_rate
    )
    with open_gallery(options.gallery, model=inferencer.gallery_model(), mode='w') as gallery:
        if live:
            return watch_streams(options, gallery, inferencer.find, sources, settings)
        with _Progress(len(sources)) as progress, _note(gallery, options, len(sources)) as note:
            report = _both(progress.report, note.report if note else None)
            summary = index(gallery, inferencer.find, sources, settings, report)
        total = gallery.count()
    _print_summary(summary, gallery.info.where, total)
    return int(not summary.sources and not summary.unchanged and bool(summary.problems))


def _note(gallery: object, options: argparse.Namespace, sources: int) -> object:
    """Open around the work of one of several workers, so that mmps info shows how far it is."""
    from contextlib import nullcontext

    from mmps.gallery.workers import WorkerNote

    if not options.shard:
        return nullcontext()
    return WorkerNote(gallery, options.shard, options.inputs, sources)


def _both(first: Callable[..., None], second: Callable[..., None] | None) -> Callable[..., None]:
    def report(*arguments: object) -> None:
        first(*arguments)
        if second is not None:
            second(*arguments)

    return report


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
