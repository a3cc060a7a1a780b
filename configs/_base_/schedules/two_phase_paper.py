# Loesch et al., section 3.1. What the paper does not say: weight decay and length of the warm-up in
# phase 1; margin, weight decay and warm-up (none) in phase 2; one schedule over its 700 epochs.
# Validation costs more than ten epochs of phase 2: there it comes every 100 epochs. MMEngine looks
# an interval up by the next epoch's number: with 92, epoch 90 is still validated.
train_cfg = dict(
    type='EpochBasedTrainLoop', max_epochs=790, val_interval=10, dynamic_intervals=[(92, 100)]
)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=1e-4)
)
# PolyLR and CosineAnnealingLR together are the linear-cosine decay; they end with their phase.
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type='PolyLR', power=1, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', convert_to_iter_based=True),
]

# With `enable=True` rates follow the batches: images in phase 1, boxes (32 x 4) in phase 2.
auto_scale_lr = dict(enable=False, base_batch_size=10, reid_base_batch_size=128)

default_hooks = dict(
    logger=dict(type='LoggerHook', interval=50),
    checkpoint=dict(type='CheckpointHook', interval=10, max_keep_ckpts=3),
    portable_checkpoint=dict(type='mmps.PortableCheckpointHook'),
    visualization=dict(type='DetVisualizationHook'),
    two_phase=dict(
        type='mmps.TwoPhaseHook',
        detection_epochs=90,
        stages=[
            dict(epochs=350, loss=dict(type='mmps.SemiHardTripletLoss', margin=0.3)),
            dict(epochs=350, loss=dict(type='mmps.BatchHardTripletLoss', margin=0.3)),
        ],
        batches=dict(type='mmps.PKBatchSampler', identities=32, shots=4),
        optim_wrapper=dict(optimizer=dict(type='Adam', lr=1e-4)),
        param_scheduler=[
            dict(type='PolyLR', power=1, convert_to_iter_based=True),
            dict(type='CosineAnnealingLR', convert_to_iter_based=True),
        ],
    ),
)
