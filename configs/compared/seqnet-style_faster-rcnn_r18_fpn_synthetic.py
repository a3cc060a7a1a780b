# The toy SeqNet (Li and Miao 2021), two heads: both losses at once, on a drawn data set.
_base_ = [
    '../_base_/models/joint_faster-rcnn_r18_fpn_toy.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/detection_toy.py',
    '../_base_/default_runtime.py',
]

_loss = dict(
    type='mmps.OIMLoss',
    num_ids='auto',
    embedding_channels='auto',
    queue_size=60,
)
model = dict(
    training_boxes=dict(refine=True),
    reid_branch=dict(head=dict(type='mmps.NormAwareReIDHead', weighted=False, loss=_loss)),
)
# Similarities are weighted by the score of the first head.
val_evaluator = test_evaluator = dict(score_weighted=True)
