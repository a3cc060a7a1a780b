# 12 epochs of detection, then two times 20 short epochs of re-ID on cached features.
_base_ = './detection_toy.py'

train_cfg = dict(max_epochs=52)

# With `enable=True` phase 2's rate follows the number of boxes in a batch (16 x 4).
auto_scale_lr = dict(reid_base_batch_size=64)

default_hooks = dict(
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
