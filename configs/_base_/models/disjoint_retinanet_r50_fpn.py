# The paper's Disj.: the detector of J_x, then a whole ResNet-50 on 256x128 crops of its boxes.
_base_ = './retinanet_r50_fpn.py'

model = dict(
    _delete_=True,  # the bare detector moves into `detector`
    type='mmps.DisjointDetector',
    detector=_base_.model,
    backbone=dict(
        type='ResNet',
        depth=50,
        norm_eval=False,  # batch statistics are trained, as in the replicated stages of J_x
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
)
