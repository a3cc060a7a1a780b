# J3 on CUHK-SYSU with averaged weights (EMA), from the second epoch of phase 2 on.
# The first takes over the detector's.
_base_ = '../joint/joint-j3_retinanet_r50_fpn_c.py'

custom_hooks = [dict(type='EMAHook', momentum=2e-4, begin_epoch=92)]
