# The toy J3 with averaged weights (EMA), from the second epoch of phase 2 on.
# The first takes over the detector's.
_base_ = './joint-j3_retinanet_r18_fpn_plain_synthetic.py'

custom_hooks = [dict(type='EMAHook', momentum=0.02, begin_epoch=14)]
