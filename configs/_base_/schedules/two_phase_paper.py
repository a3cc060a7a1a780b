# Both phases of Loesch et al., section 3.1. Ours in phase 2: the margin, no weight decay,
# no warm-up, and one schedule for its 700 epochs.
_base_ = './detection_paper.py'

# Validation costs more than ten epochs of phase 2: there it comes every 100 epochs. MMEngine looks
# an interval up by the next epoch's number: with 92, epoch 90 is still validated.
train_cfg = dict(max_epochs=790, dynamic_intervals=[(92, 100)])

# With `enable=True` phase 2's rate follows the number of boxes in a batch (32 x 4).
auto_scale_lr = dict(reid_base_batch_size=128)

default_hooks = dict(
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
