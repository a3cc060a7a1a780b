# Phase 1 of the toys: 12 epochs.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12, val_interval=100)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1.5e-3, weight_decay=0.05),
    clip_grad=dict(max_norm=10),
)
param_scheduler = [
    dict(
        type='OneCycleLR',
        eta_max=1.5e-3,
        pct_start=0.3,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]

# With `enable=True` the rate follows the number of images in a batch.
auto_scale_lr = dict(enable=False, base_batch_size=2)

default_hooks = dict(
    logger=dict(type='LoggerHook', interval=20),
    checkpoint=dict(type='CheckpointHook', interval=4, max_keep_ckpts=2),
    portable_checkpoint=dict(type='mmps.PortableCheckpointHook'),
    visualization=dict(type='DetVisualizationHook'),
)
