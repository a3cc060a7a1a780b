# 12 epochs of detection, then two times 20 short epochs of re-ID on cached features.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=52, val_interval=100)
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

# With `enable=True` rates follow the batches: images in phase 1, boxes (16 x 4) in phase 2.
auto_scale_lr = dict(enable=False, base_batch_size=2, reid_base_batch_size=64)

default_hooks = dict(
    logger=dict(type='LoggerHook', interval=20),
    checkpoint=dict(type='CheckpointHook', interval=4, max_keep_ckpts=2),
    portable_checkpoint=dict(type='mmps.PortableCheckpointHook'),
    visualization=dict(type='DetVisualizationHook'),
    two_phase=dict(
        type='mmps.TwoPhaseHook',
        detection_epochs=12,
        stages=[
            dict(
                epochs=20,
                loss=dict(
                    type='mmps.SemiHardTripletLoss', margin=0.2, distance='squared_euclidean'
                ),
            ),
            dict(epochs=20, loss=dict(type='mmps.BatchHardTripletLoss', margin=0.3)),
        ],
        batches=dict(type='mmps.PKBatchSampler', identities=16, shots=4),
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=1e-3)),
        param_scheduler=[dict(type='CosineAnnealingLR', convert_to_iter_based=True)],
    ),
)
