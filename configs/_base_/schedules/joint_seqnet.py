# Joint training as the public code of SeqNet: 20 epochs of batches of 5 images.
_base_ = './detection_paper.py'

train_cfg = dict(max_epochs=20, val_interval=5)
optim_wrapper = dict(optimizer=dict(lr=3e-3, weight_decay=5e-4), clip_grad=dict(max_norm=10))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, end=1, convert_to_iter_based=True),
    dict(type='MultiStepLR', milestones=[16], gamma=0.1),
]
auto_scale_lr = dict(base_batch_size=5)
default_hooks = dict(checkpoint=dict(interval=1))
