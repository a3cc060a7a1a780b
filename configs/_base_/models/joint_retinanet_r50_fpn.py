# The paper's J3: C1-C3 are shared by RetinaNet and re-ID, which has copies C4*-C5* of its own.
_base_ = './retinanet_r50_fpn.py'

model = dict(
    _delete_=True,  # the bare detector moves into `detector`
    type='mmps.SharedBackboneDetector',
    backbone=dict(),  # wins over the detector's; mmdet's init_detector asks for the key
    detector=_base_.model,
    shared_stages=3,
)
