# J3 on Swin-T and CUHK-SYSU with all that helped on drawn data, OIM, jitter, larger images.
_base_ = [
    '../_base_/models/joint_retinanet_swin-t_fpn.py',
    '../_base_/datasets/joint_cuhk_sysu_900.py',
    '../_base_/schedules/two_phase_adamw.py',
    '../_base_/runtime_any_size.py',
]

_oim = dict(type='mmps.OIMLoss', num_ids='auto', embedding_channels='auto', queue_size=5000)
_semi_hard = dict(type='mmps.SemiHardTripletLoss', margin=0.3)
_batch_hard = dict(type='mmps.BatchHardTripletLoss', margin=0.3)

model = dict(
    shared_stages=3,
    reid_branch=dict(
        aggregation=dict(type='mmps.GeMPool'), head=dict(neck=dict(type='mmps.BNNeck'))
    ),
)
train_dataloader = dict(batch_size=10)
cached_people = dict(mirror=True, jitters=1, all_boxes=True)
custom_hooks = [dict(type='EMAHook', momentum=2e-4, begin_epoch=92)]
default_hooks = dict(
    two_phase=dict(
        stages=[
            dict(
                epochs=350,
                loss=dict(type='mmps.LossSum', losses=dict(triplet=_semi_hard, oim=_oim)),
            ),
            dict(
                epochs=350,
                loss=dict(type='mmps.LossSum', losses=dict(triplet=_batch_hard, oim=_oim)),
            ),
        ]
    )
)
