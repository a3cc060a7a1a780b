# The toy J3 with all that helped on drawn data, OIM and jitter; see README.md.
_base_ = './joint-j3_retinanet_r18_fpn_plain_synthetic.py'

_oim = dict(type='mmps.OIMLoss', num_ids='auto', embedding_channels='auto', queue_size=60)
_semi_hard = dict(type='mmps.SemiHardTripletLoss', margin=0.2, distance='squared_euclidean')
_batch_hard = dict(type='mmps.BatchHardTripletLoss', margin=0.3)

model = dict(
    reid_branch=dict(
        aggregation=dict(type='mmps.GeMPool'), head=dict(neck=dict(type='mmps.BNNeck'))
    )
)
cached_people = dict(mirror=True, jitters=1, all_boxes=True)
custom_hooks = [dict(type='EMAHook', momentum=0.02, begin_epoch=14)]
default_hooks = dict(
    two_phase=dict(
        stages=[
            dict(
                epochs=20,
                loss=dict(type='mmps.LossSum', losses=dict(triplet=_semi_hard, oim=_oim)),
            ),
            dict(
                epochs=20,
                loss=dict(type='mmps.LossSum', losses=dict(triplet=_batch_hard, oim=_oim)),
            ),
        ]
    )
)
