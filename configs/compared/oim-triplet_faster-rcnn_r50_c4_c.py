# OIM and batch-hard triplets, as in SEAS: both losses at once, on CUHK-SYSU.
_base_ = [
    '../_base_/models/joint_faster-rcnn_r50_c4.py',
    '../_base_/datasets/joint_cuhk_sysu_900.py',
    '../_base_/schedules/joint_seqnet.py',
    '../_base_/runtime_any_size.py',
]

_loss = dict(
    type='mmps.LossSum',
    losses=dict(
        oim=dict(
            type='mmps.OIMLoss',
            num_ids='auto',
            embedding_channels='auto',
            queue_size=5000,
        ),
        triplet=dict(type='mmps.BatchHardTripletLoss', margin=0.25, distance='cosine'),
    ),
)
model = dict(
    reid_branch=dict(head=dict(loss=_loss)),
)
