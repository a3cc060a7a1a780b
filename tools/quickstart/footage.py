"""The last steps of the quickstart: footage is indexed with its own J2, and a person searched."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import cv2
from pipeline import Quickstart, console
from report import gallery_images

from mmps.commands.main import main as mmps
from mmps.formats.ground_truth import GroundTruth
from mmps.images import read_image

QUERY, SECONDS = 0, 20
"""The query, and how many images of its gallery become a video of one image per second."""


def search_drawn_footage(start: Quickstart, out: Path) -> None:
    """Index drawn images and a drawn video, and search them for a query of the test set.

    Args:
        start: After all steps.
        out: The sheet of hits.
    """
    truth = GroundTruth.load(start.test_json)
    footage = draw_footage(start, truth)
    image = start.data / truth.file_names[truth.query_images[QUERY]]
    gallery = start.folder / 'footage.mmps'
    run_mmps('index', gallery, footage, '--model', start.reid('j2').checkpoint)
    options = ('--top', 8, '--sheet', out, '--json', out.with_suffix('.json'))
    box = box_option(truth.query_bboxes[QUERY].tolist())
    run_mmps('search', gallery, '--image', image, *box, *options)


def search_own_footage(start: Quickstart, frames: Path, out: Path) -> None:
    """Index a user's own images, and search them for the clearest person of the first image.

    Args:
        start: After all steps.
        frames: Folder of images and videos.
        out: The sheet of hits.
    """
    from mmps.gallery import open_gallery

    gallery = start.folder / 'frames.mmps'
    run_mmps('index', gallery, frames, '--model', start.reid('j2').checkpoint)
    with open_gallery(gallery) as people:
        rows = next(iter(people.rows()), None)
    if rows is None or not len(rows):
        console.print(f'  nobody is found in {frames}', soft_wrap=True)
        return
    best = rows[rows.source == rows.source[0]]
    box = best.boxes[int(best.scores.argmax())].tolist()
    if best.frame[0] >= 0:
        console.print(f'  {rows.source[0]} is a video: search it with mmps search', soft_wrap=True)
        return
    run_mmps('search', gallery, '--image', rows.source[0], *box_option(box), '--sheet', out)


def draw_footage(start: Quickstart, truth: GroundTruth) -> Path:
    """Lay the gallery of the query out as a user's footage: a folder of images, and a video.

    Args:
        start: After all steps.
        truth: Of the test set.
    """
    folder = start.folder / 'footage'
    shutil.rmtree(folder, ignore_errors=True)
    (folder / 'images').mkdir(parents=True)
    (gallery,) = gallery_images(start, truth, [QUERY])
    paths = [
        start.data / truth.file_names[position] for position in dict.fromkeys(gallery.tolist())
    ]
    for path in paths[:-SECONDS]:
        shutil.copy(path, folder / 'images')
    frames = [read_image(path) for path in paths[-SECONDS:]]
    height, width = frames[0].shape[:2]
    code = cv2.VideoWriter_fourcc(*'mp4v')
    writer = cv2.VideoWriter(str(folder / 'video.mp4'), code, 1, (width, height))
    for frame in frames:
        writer.write(cv2.resize(frame, (width, height)))
    writer.release()
    return folder


def box_option(box: list[float]) -> list[Any]:
    """Write a box as an option of ``mmps search``."""
    return ['--box', *(round(x, 1) for x in box)]


def run_mmps(*arguments: Any) -> None:
    """Run the mmps command as a user would, and stop if it fails."""
    words = [str(argument) for argument in arguments]
    console.print(f'[dim]  mmps {" ".join(words)}[/]', soft_wrap=True)
    code = mmps(words)
    if code:
        sys.exit(code)
