_base_ = [
    '../_base_/models/joint_retinanet_r50_fpn.py',
    '../_base_/datasets/detection_mwp.py',
    '../_base_/datasets/search_prw.py',
    '../_base_/schedules/two_phase_paper.py',
    '../_base_/default_runtime.py',
]

model = dict(_delete_=True, **_base_.model.detector)
train_cfg = dict(max_epochs=90)
default_hooks = dict(
    _delete_=True, **{k: v for k, v in _base_.default_hooks.items() if k != 'two_phase'}
)
