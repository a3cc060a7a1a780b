# J3 on Swin-T: its first stages are shared by RetinaNet and re-ID, which has copies of the others.
_base_ = './retinanet_swin-t_fpn.py'

model = dict(
    _delete_=True,  # the bare detector moves into `detector`
    type='mmps.SharedBackboneDetector',
    backbone=dict(),  # wins over the detector's; mmdet's init_detector asks for the key
    detector=_base_.model,
    shared_stages=3,
)
