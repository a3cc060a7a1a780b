r"""Find a person in a gallery.

The person is the one in --box, the one with the number of --pick (see mmps people), the whole image
with --crop, or the person who is found most clearly.

examples:
  mmps search people.mmps --image query.jpg --pick 2 --sheet hits.png
  # two photographs of one person, one hit for each visit, only this morning
  mmps search people.mmps --image front.jpg back.jpg --crop --per-visit \
      --since 2026-11-27T06:00 --until 2026-11-27T12:00
"""

from __future__ import annotations

import argparse
from typing import Any

from .models import add_model_options, load_inferencer
from .results import print_hits, write_results


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument('gallery', metavar='GALLERY', help='the file; its name ends in .mmps')
    parser.add_argument(
        '--image',
        nargs='+',
        required=True,
        metavar='F',
        help='image of the person; of several the embeddings are averaged',
    )
    person = parser.add_mutually_exclusive_group()
    person.add_argument(
        '--box',
        nargs=4,
        type=float,
        metavar=('X1', 'Y1', 'X2', 'Y2'),
        help='corners of the person in pixels',
    )
    person.add_argument(
        '--pick', type=int, metavar='N', help='number of the person, as mmps people shows it'
    )
    person.add_argument(
        '--crop', action='store_true', help='the image is a crop: it shows the person alone'
    )
    add_model_options(parser, remembered=True)
    add_conditions(parser)
    parser.add_argument(
        '--per-visit', action='store_true', help='the best hit of each visit to a camera alone'
    )
    parser.add_argument(
        '--calibration',
        metavar='F.json',
        help='calibration.json of tools/test.py: shows how often hits of such a similarity were '
        'wrong in that test (default: the one that the model carries, if any)',
    )
    parser.add_argument('--top', type=int, default=20, metavar='K', help='number of hits')
    parser.add_argument('--json', metavar='F', help='write query and hits as JSON')
    parser.add_argument('--sheet', metavar='F.png', help='draw query and hits on one sheet')
    parser.add_argument(
        '--evidence', metavar='DIR', help='write each hit as a scene with its box, and as a crop'
    )


def add_conditions(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose rows of a gallery."""
    parser.add_argument('--camera', nargs='+', metavar='C', help='only these cameras')
    parser.add_argument('--since', metavar='TIME', help='only from this time on')
    parser.add_argument('--until', metavar='TIME', help='only up to this time')
    parser.add_argument(
        '--min-score', type=float, metavar='S', help='only people detected with at least this score'
    )


def conditions(options: argparse.Namespace, **further: Any) -> Any:
    """Return the conditions that the options of :func:`add_conditions` name.

    Args:
        options: As parsed.
        **further: Fields of :class:`mmps.gallery.Where`.
    """
    from mmps.gallery import Where
    from mmps.gallery.sources import parse_time

    return Where(
        cameras=options.camera,
        since=None if options.since is None else parse_time(options.since),
        until=None if options.until is None else parse_time(options.until),
        min_score=options.min_score,
        **further,
    )


def check_cameras(gallery: Any, wanted: list[str] | None) -> None:
    """Refuse cameras that a gallery does not know, which would look like nobody was there.

    Args:
        gallery: That is asked.
        wanted: Names of cameras.

    Raises:
        DataError: One is unknown.
    """
    from mmps.structures import DataError

    known = {state.camera for state in gallery.progress().values()} - {''}
    for name in wanted or ():
        if name not in known:
            names = ', '.join(sorted(known)) or 'none has a name'
            raise DataError(f'{gallery.info.where} has no camera {name}; its cameras: {names}')


def run(options: argparse.Namespace) -> None:
    """Search."""
    import numpy as np

    from mmps.apis.inferencer import averaged_query
    from mmps.evaluation.calibration import Calibration
    from mmps.gallery import open_gallery
    from mmps.gallery.base import check_same_model
    from mmps.gallery.visits import search_visits
    from mmps.structures import ConfigError

    if options.top < 1:
        raise ConfigError('--top must be at least 1')
    if len(options.image) > 1 and (options.box or options.pick):
        raise ConfigError('--box and --pick belong to one image; give crops with --crop')
    where = conditions(options)
    given = None if options.calibration is None else Calibration.load(options.calibration)
    with open_gallery(options.gallery) as gallery:
        check_cameras(gallery, options.camera)
        check_cameras(gallery, options.camera)
        inferencer = load_inferencer(options, gallery.info)
        check_same_model(gallery.info.model, inferencer.gallery_model(), options.gallery)
        queries = [find_query(inferencer, path, options) for path in options.image]
        vector = averaged_query(np.concatenate([query.vector for query in queries]))
        find = search_visits if options.per_visit else _search
        hits = find(gallery, vector, options.top, where)
        described = describe(queries, hits, given or inferencer.calibration)
        print_hits(described['hits'])
        write_results(options, described, gallery.progress())


def _search(gallery: Any, vector: Any, top: int, where: Any) -> Any:
    from mmps.gallery.visits import FoundVisits

    (hits,) = gallery.search(vector, top, where)
    return FoundVisits(hits)


def find_query(inferencer: Any, path: str, options: argparse.Namespace) -> Any:
    """Embed the person of a query image.

    Args:
        inferencer: Loaded.
        path: Of the image.
        options: Which person of it is meant.

    Raises:
        DataError: Nobody is found, or there is no person of this number.
    """
    from mmps.apis.image_inputs import as_pixels
    from mmps.gallery.visits import Query
    from mmps.structures import DataError

    pixels = as_pixels(path)
    if options.box or options.crop:
        height, width = pixels.shape[:2]
        box = options.box or [0, 0, width, height]
        return Query(path, [float(x) for x in box], inferencer.embed(pixels, [box]))
    (people,) = inferencer.find([pixels])
    if not len(people):
        raise DataError(f'nobody is found in {path}: give --box, or --crop if it shows one person')
    order = people.scores.argsort(kind='stable')[::-1]
    number = 1 if options.pick is None else options.pick
    if not 1 <= number <= len(people):
        raise DataError(f'{path} shows {len(people)} people: --pick takes 1 to {len(people)}')
    chosen = int(order[number - 1])
    box = [round(float(x), 2) for x in people.boxes[chosen]]
    return Query(path, box, people.embeddings[[chosen]])


def describe(queries: list[Any], hits: Any, calibration: Any = None) -> dict[str, Any]:
    """Describe a search as plain data, as ``--json`` writes it.

    Args:
        queries: Images of the person.
        hits: From a gallery.
        calibration: Of the model, or ``None``.
    """
    from mmps.gallery.exporting import describe as describe_rows

    images = [{'image': query.path, 'box': query.box} for query in queries]
    rows = zip(hits.hits.similarities, describe_rows(hits.hits.rows), strict=True)
    found = [
        {'rank': rank, 'similarity': round(float(similarity), 4), **row}
        for rank, (similarity, row) in enumerate(rows, start=1)
    ]
    for row, visit in zip(found, hits.visits or [], strict=False):
        row['visit'] = {'since': visit.since, 'until': visit.until, 'boxes': visit.boxes}
    for row in found if calibration is not None else ():
        wrong, pairs = calibration.at_least(row['similarity'])
        row['calibration'] = {'wrong': wrong, 'pairs': pairs}
    return {'query': {**images[0], 'images': images}, 'hits': found}
