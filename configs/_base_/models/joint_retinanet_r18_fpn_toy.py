# The toy J2: C1-C2 are shared by the toy RetinaNet and re-ID.
_base_ = './retinanet_r18_fpn_toy.py'

model = dict(
    _delete_=True,  # the bare detector moves into `detector`
    type='mmps.SharedBackboneDetector',
    backbone=dict(),  # wins over the detector's; mmdet's init_detector asks for the key
    detector=_base_.model,
    shared_stages=2,
    reid_branch=dict(
        # Without ImageNet or COCO weights a fresh start beats copies of the detector's stages.
        stages=dict(start_from='random'),
        pooling=dict(output_size=(24, 12)),
        head=dict(embedding_channels=128),
    ),
)
