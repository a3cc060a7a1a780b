# The toy J3 with negatives from the last batches too (XBM).
_base_ = './joint-j3_retinanet_r18_fpn_plain_synthetic.py'

default_hooks = dict(
    two_phase=dict(
        stages=[
            dict(
                epochs=20,
                loss=dict(
                    type='mmps.CrossBatchTripletLoss',
                    size=256,
                    loss=dict(
                        type='mmps.SemiHardTripletLoss', margin=0.2, distance='squared_euclidean'
                    ),
                ),
            ),
            dict(
                epochs=20,
                loss=dict(
                    type='mmps.CrossBatchTripletLoss',
                    size=256,
                    loss=dict(type='mmps.BatchHardTripletLoss', margin=0.3),
                ),
            ),
        ]
    )
)
