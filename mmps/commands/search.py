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

from .galleries import add_gallery
from .models import add_model_options, load_inferencer
from .results import print_hits, write_results


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add_gallery(parser)
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
    parser.add_argument(
        '--blur',
        action='store_true',
        help='blur the upper fifth of each box, where the head is, in sheet and evidence',
    )
    parser.add_argument(
        '--audit-log',
        metavar='F.jsonl',
        help='write down who searched for whom, before the hits are shown (default: the file that '
        'MMPS_AUDIT_LOG names, if any)',
    )
    parser.add_argument('--purpose', metavar='TEXT', help='why you search, for the audit log')


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
    from mmps.gallery.conditions import conditions as read_conditions

    return read_conditions(
        options.camera, options.since, options.until, options.min_score, **further
    )


def run(options: argparse.Namespace) -> None:
    """Search."""
    import numpy as np

    from mmps.apis.inferencer import averaged_query
    from mmps.apis.queries import find_query
    from mmps.evaluation.calibration import Calibration
    from mmps.gallery import open_gallery
    from mmps.gallery.audit import AuditLog
    from mmps.gallery.base import check_same_model
    from mmps.gallery.conditions import check_cameras
    from mmps.gallery.searching import describe_search, find_hits
    from mmps.structures import ConfigError

    if options.top < 1:
        raise ConfigError('--top must be at least 1')
    if len(options.image) > 1 and (options.box or options.pick):
        raise ConfigError('--box and --pick belong to one image; give crops with --crop')
    where = conditions(options)
    log = AuditLog.of(options.audit_log)
    given = None if options.calibration is None else Calibration.load(options.calibration)
    with open_gallery(options.gallery) as gallery:
        check_cameras(gallery, options.camera)
        inferencer = load_inferencer(options, gallery.info)
        check_same_model(gallery.info.model, inferencer.gallery_model(), gallery.info.where)
        person = (options.box, options.pick, options.crop)
        queries = [find_query(inferencer, path, path, *person) for path in options.image]
        vector = averaged_query(np.concatenate([query.vector for query in queries]))
        hits = find_hits(gallery, vector, options.top, where, options.per_visit)
        described = describe_search(queries, hits, given or inferencer.calibration)
        if log is not None:
            ids = [hit['id'] for hit in described['hits']]
            asked = described['query']['images']
            log.record_search(gallery.info.where, asked, where, ids, options.purpose)
        print_hits(described['hits'], described['exact'])
        write_results(options, described, gallery)
