# The toy J3 with five times as many epochs of re-ID: what J4 needs, and the harder domains.
_base_ = [
    '../_base_/models/joint_retinanet_r18_fpn_toy.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/two_phase_toy.py',
    '../_base_/default_runtime.py',
]

model = dict(shared_stages=3, reid_branch=dict(pooling=dict(output_size=(16, 8))))
_stages = [dict(stage, epochs=100) for stage in _base_.default_hooks.two_phase.stages]
train_cfg = dict(max_epochs=212)
default_hooks = dict(two_phase=dict(stages=_stages))
