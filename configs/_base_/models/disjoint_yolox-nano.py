# YOLOX-Nano, and a finished re-ID network on crops of its boxes.
_base_ = './yolox-nano.py'

model = dict(
    _delete_=True,  # the bare detector moves into `detector`
    type='mmps.DisjointDetector',
    detector=_base_.model,
)
