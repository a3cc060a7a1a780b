# J3 on CUHK-SYSU with negatives from the last batches too (XBM).
_base_ = '../joint/joint-j3_retinanet_r50_fpn_c.py'

default_hooks = dict(
    two_phase=dict(
        stages=[
            dict(
                epochs=350,
                loss=dict(
                    type='mmps.CrossBatchTripletLoss',
                    size=8192,
                    loss=dict(type='mmps.SemiHardTripletLoss', margin=0.3),
                ),
            ),
            dict(
                epochs=350,
                loss=dict(
                    type='mmps.CrossBatchTripletLoss',
                    size=8192,
                    loss=dict(type='mmps.BatchHardTripletLoss', margin=0.3),
                ),
            ),
        ]
    )
)
