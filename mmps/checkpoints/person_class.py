"""Heads trained on many classes as heads of one class: the person's rows alone.

In mmdet's heads classes stand in the rows of a layer's weight and bias, in three ways:

- innermost, group by group: every anchor scores all classes (``cls_score.permute(0, 2, 3, 1)
  .reshape(-1, cls_out_channels)`` in dense heads). A group ends with the background where scores
  go through softmax (Faster R-CNN, SSD, DETR), and begins with box and objectness in YOLOv3.
- outermost: ``fc_reg`` of box heads has four rows for each class, ``fc_logits`` of coarse mask
  heads one for each pixel.
- alone: one row for each class, as in DINO's ``label_embedding`` or a mask head's ``conv_logits``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from torch import Tensor

COCO_CLASSES = 80
LABEL_SPACES = (COCO_CLASSES, 365)
"""Numbers of classes, COCO's and Objects365's, that tell the data set: there the person is first.

Others (20 of Pascal VOC, 91 with gaps) may be anyone's, and leave open which row is the person."""

AROUND = ((0, 0), (0, 1), (5, 0))
"""Rows of a group before and after its classes: none, background, YOLOv3's box and objectness."""

SCORES = re.compile(r'(.*_)?cls(_score|_out|_branches|_convs|_embed)?|convs_pred')
"""Layers in which classes are innermost."""

WITH_BACKGROUND = ('fc_cls', 'cls_convs', 'cls_embed', 'conv_cls')
"""Those of them whose scores may go through softmax, so that the background is one more class."""

OUTERMOST = ('fc_reg', 'fc_logits')
ALONE = (
    'label_embedding', 'center_prior', 'heatmap_head', 'conv_logits', 'segm_conv', 'fc_mask_iou',
)  # fmt: skip


def person_rows(name: str, rows: int, wanted: int | None = None) -> Sequence[int] | None:
    """Find which rows of a weight belong to one class, the person.

    Args:
        name: Of the weight or bias in a checkpoint.
        rows: First dimension of the layer.
        wanted: First dimension of the same weight in a model of one class. The ratio of both says
            how many rows stand around the classes; without it the layer's name must say so, and
            COCO's 80 classes are meant.

    Returns:
        Indices of rows, background and the like with them; nothing where the weight does not
        depend on classes, or it is open how.
    """
    *modules, _ = [part for part in name.split('.') if not part.isdigit()] or ['']
    if rows == wanted or {'backbone', 'neck'} & {*modules}:
        return None
    layer = modules[-1] if modules else ''
    if wanted is None:
        arrangements = _by_name(layer, rows)
    else:
        arrangements = ((n, *around) for n in LABEL_SPACES for around in AROUND)
    for classes, before, after in arrangements:
        groups, rest = divmod(rows, before + classes + after)
        if rest or not groups or wanted not in (None, groups * (before + 1 + after)):
            continue
        if layer in OUTERMOST:
            return range(groups) if not before + after else None
        if groups > 1 and not SCORES.fullmatch(layer):
            return None
        size = before + classes + after
        kept = [*range(before + 1), *range(size - after, size)]
        return [group * size + row for group in range(groups) for row in kept]
    return None


def _by_name(layer: str, rows: int) -> Iterator[tuple[int, int, int]]:
    """List the layouts of COCO's classes in a layer: their number, rows before and after."""
    alone = layer in ALONE and rows == COCO_CLASSES
    boxes = layer == 'fc_reg' and rows == 4 * COCO_CLASSES
    if alone or boxes or layer == 'fc_logits' or SCORES.fullmatch(layer):
        yield COCO_CLASSES, *((5, 0) if layer == 'convs_pred' else (0, 0))
    if layer in WITH_BACKGROUND:
        yield COCO_CLASSES, 0, 1


def keep_person(
    state_dict: dict[str, Tensor], wanted: dict[str, Tensor] | None = None
) -> list[str]:
    """Cut the heads of a detector's checkpoint down to the person.

    Args:
        state_dict: Weights by name; changed in place.
        wanted: Weights of the model that shall take them: only what then fits is cut.

    Returns:
        Names of the weights that were cut.
    """
    changed = []
    for name, weight in state_dict.items():
        if not weight.dim() or (wanted is not None and not _may_fit(weight, wanted.get(name))):
            continue
        rows = person_rows(name, len(weight), None if wanted is None else len(wanted[name]))
        if rows is not None:
            state_dict[name] = weight[list(rows)].clone()
            changed.append(name)
    return changed


def _may_fit(weight: Tensor, wanted: Tensor | None) -> bool:
    """Check that nothing but the number of rows keeps a weight from its place."""
    return wanted is not None and wanted.dim() > 0 and weight.shape[1:] == wanted.shape[1:]
