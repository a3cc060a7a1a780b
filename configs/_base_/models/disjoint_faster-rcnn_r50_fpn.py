# Faster R-CNN with ResNet-50 and FPN, and a finished re-ID network on crops of its boxes.
_base_ = './faster-rcnn_r50_fpn.py'

model = dict(
    _delete_=True,  # the bare detector moves into `detector`
    type='mmps.DisjointDetector',
    detector=_base_.model,
)
