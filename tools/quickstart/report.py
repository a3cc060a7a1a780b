"""The table and the figures of the quickstart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pipeline import GALLERY, VARIANTS, Quickstart, console
from rich.table import Table

from mmps.evaluation import (
    CUHKSYSUProtocol,
    Galleries,
    GroundTruth,
    Predictions,
    evaluate_predictions,
)
from mmps.visualization import (
    draw_ranked_lists,
    draw_result_bars,
    draw_training_curves,
    ranked_lists,
    read_results,
    read_training_log,
    save_figure,
    table_rows,
)


def print_table(results: dict[str, Any]) -> None:
    """Print the numbers as one table, in percent, and a comparison of J4."""
    table = Table(title='Synthetic person search, 100 images per gallery (percent)')
    for heading in ('', 'mAP', 'top-1', 'mAP, GT boxes', 'top-1, GT boxes'):
        table.add_column(heading, justify='right' if heading else 'left')
    for index, (name, row, _) in enumerate(table_rows(results)):
        cells = [f'{100 * row[b][k]:.1f}' for b in ('detected', 'gt') for k in ('mAP', 'top1')]
        table.add_row(name, *cells, end_section=index == len(VARIANTS) - 1)
    console.print(table)
    detector = results['detector']
    console.print(
        f'Detector: AP50 {100 * detector["AP50"]:.1f}, recall {100 * detector["recall"]:.1f}. '
        + compare_j4(results)
    )
    console.print(f'All steps took {results["seconds"]["total"] / 60:.1f} minutes.')


def compare_j4(results: dict[str, Any]) -> str:
    """Return a sentence that compares J4 with the colour baseline."""
    j4 = 100 * results['variants']['j4']['gt']['mAP']
    colour = 100 * results['baselines']['colour']['gt']['mAP']
    side = 'above' if j4 > colour else 'below'
    return (
        f'J4 is {abs(j4 - colour):.1f} points of mAP {side} the colour baseline with GT boxes: '
        'on features this small and this far from the pixels, one replicated block can hardly '
        'distinguish people.'
        if side == 'below'
        else f'J4 is {j4 - colour:.1f} points of mAP above the colour baseline.'
    )


def draw_figures(start: Quickstart, folder: Path) -> None:
    """Write the figures and print their paths."""
    save_ranked_lists(start, folder / 'ranked_lists.png')
    save_figure(draw_result_bars(read_results(folder / 'results.json')), folder / 'results.png')
    logs = [read_training_log(start.folder / name) for name in ('detector', *VARIANTS)]
    save_figure(draw_training_curves(logs), folder / 'curves.png')
    for name, what in (
        ('results.json', 'all numbers'),
        ('results.png', 'the table as bars'),
        ('ranked_lists.png', 'queries and their top hits'),
        ('curves.png', 'training curves of both phases'),
    ):
        console.print(f'  {folder / name}  [dim]{what}[/]')


def save_ranked_lists(start: Quickstart, out: Path) -> None:
    """Draw queries of J2 with good, medium and poor results, and their top hits."""
    truth = GroundTruth.load(start.test_json)
    predictions = Predictions.load(start.folder / 'j2.npz')
    protocol = CUHKSYSUProtocol(gallery_sizes=(100,))
    results = evaluate_predictions(truth, predictions, protocol).queries[GALLERY]
    order = np.argsort(-results.average_precision, kind='stable')
    chosen = order[((np.array([0.1, 0.3, 0.5, 0.7]) * len(order)).astype(int))]
    galleries = gallery_images(start, truth, chosen.tolist())
    lists = [
        replace(ranked, title=f'query {query}, AP {100 * results.average_precision[query]:.0f} %')
        for query, ranked in zip(
            chosen,
            ranked_lists(truth, predictions, start.data, chosen.tolist(), galleries=galleries),
            strict=True,
        )
    ]
    save_figure(draw_ranked_lists(lists), out)


def gallery_images(start: Quickstart, truth: GroundTruth, queries: list[int]) -> list[np.ndarray]:
    """List the positions of the images that each query is searched in."""
    galleries = Galleries.load(start.test_json.with_name('galleries_100.npz'))
    positions = truth.image_positions(galleries.image_ids, 'image_ids of the galleries')
    return [positions[galleries.offsets[query] : galleries.offsets[query + 1]] for query in queries]
