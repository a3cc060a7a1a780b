# Faster R-CNN C4 and re-ID on its proposals: C1-C4 are shared, and both learn them at once.
_base_ = './faster-rcnn_r50_c4.py'

model = dict(
    _delete_=True,  # the bare detector moves into `detector`
    type='mmps.SharedBackboneDetector',
    backbone=dict(),  # wins over the detector's; mmdet's init_detector asks for the key
    detector=_base_.model,
    shared_stages=4,
    detach=False,
    training_boxes=dict(type='mmps.ProposalBoxes'),
    reid_branch=dict(pooling=dict(output_size=(14, 14))),
)
