# The paper's L = L_det + L_reid minimised directly, in one phase, for comparison.
_base_ = './joint-j4_retinanet_r50_fpn_p.py'

model = dict(detach=False)
train_dataloader = dict(dataset=dict(use_identities=True))
train_cfg = dict(max_epochs=90)
default_hooks = dict(
    _delete_=True, **{k: v for k, v in _base_.default_hooks.items() if k != 'two_phase'}
)
