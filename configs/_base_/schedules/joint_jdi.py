# Joint training as Xiao et al. (CVPR 2017) and their public code: 50,000 steps of 2 images of
# CUHK-SYSU are 9 epochs. The lower rate from epoch 8 on is ours.
_base_ = './detection_paper.py'

train_cfg = dict(max_epochs=9, val_interval=3)
optim_wrapper = dict(optimizer=dict(weight_decay=5e-4))
param_scheduler = [dict(type='MultiStepLR', milestones=[7], gamma=0.1)]
auto_scale_lr = dict(base_batch_size=2)
default_hooks = dict(checkpoint=dict(interval=1))
