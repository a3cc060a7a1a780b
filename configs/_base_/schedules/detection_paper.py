# Phase 1 of Loesch et al., section 3.1. Weight decay and length of the warm-up are ours.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=90, val_interval=10)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=1e-4)
)
# PolyLR and CosineAnnealingLR together are the linear-cosine decay; they end with their phase. In a
# bare detector's run MMEngine's PolyLR gets to zero in the last iteration, one early.
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type='PolyLR', power=1, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', convert_to_iter_based=True),
]

# With `enable=True` the rate follows the number of images in a batch.
auto_scale_lr = dict(enable=False, base_batch_size=10)

default_hooks = dict(
    logger=dict(type='LoggerHook', interval=50),
    checkpoint=dict(type='CheckpointHook', interval=10, max_keep_ckpts=3),
    portable_checkpoint=dict(type='mmps.PortableCheckpointHook'),
    visualization=dict(type='DetVisualizationHook'),
)
