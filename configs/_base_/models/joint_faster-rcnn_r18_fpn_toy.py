# The toy Faster R-CNN and re-ID on its proposals: C1-C3 are shared, and both learn them at once.
_base_ = './faster-rcnn_r18_fpn_toy.py'

model = dict(
    _delete_=True,  # the bare detector moves into `detector`
    type='mmps.SharedBackboneDetector',
    backbone=dict(),  # wins over the detector's; mmdet's init_detector asks for the key
    detector=_base_.model,
    shared_stages=3,
    detach=False,
    training_boxes=dict(
        type='mmps.ProposalBoxes',
        sampler=dict(type='RandomSampler', num=24, pos_fraction=0.67),
    ),
    reid_branch=dict(
        stages=dict(start_from='random'),
        pooling=dict(output_size=(16, 8)),
        head=dict(embedding_channels=128),
    ),
)
