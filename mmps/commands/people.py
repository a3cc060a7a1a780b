"""Number the people of an image, to pick one of them for a search.

examples:
  mmps people query.jpg --model published.pth --out numbered.png
"""

from __future__ import annotations

import argparse

from .models import add_model_options, load_inferencer


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument('image', metavar='IMAGE', help='the image')
    parser.add_argument(
        '--gallery', metavar='GALLERY', help='take the model that this gallery was made with'
    )
    add_model_options(parser)
    parser.add_argument(
        '--min-score', type=float, default=0.3, metavar='S', help='of people that are shown, 0 to 1'
    )
    parser.add_argument('--out', metavar='F.png', help='draw the image with numbered people')
    parser.add_argument('--json', metavar='F', help='write the people as JSON')


def run(options: argparse.Namespace) -> None:
    """Find and number people."""
    from pathlib import Path

    from mmps.apis.image_inputs import as_pixels
    from mmps.apis.queries import number_people
    from mmps.files import write_json
    from mmps.gallery import open_gallery
    from mmps.visualization.figures import SERIES

    info = None
    if options.gallery:
        with open_gallery(options.gallery) as gallery:
            info = gallery.info
    pixels = as_pixels(options.image)
    (people,) = load_inferencer(options, info, options.min_score).find([pixels])
    found, _ = number_people(people)
    if not found:
        print(f'nobody is found in {options.image}')
    for person in found:
        corners = ' '.join(f'{x:.0f}' for x in person['box'])
        print(f'{person["number"]:>3}  score {person["score"]:.2f}  box {corners}')
    if options.json:
        write_json(Path(options.json), {'image': options.image, 'people': found})
    if options.out:
        from mmps.visualization.contact_sheet import save_image, with_boxes

        boxes, numbers = [p['box'] for p in found], [str(p['number']) for p in found]
        colours = [SERIES[i % len(SERIES)] for i in range(len(found))]
        save_image(with_boxes(pixels, boxes, colours, numbers), Path(options.out))
