_base_ = [
    '../_base_/models/joint_retinanet_r18_fpn_toy.py',
    '../_base_/datasets/synthetic_originals.py',
    '../_base_/schedules/two_phase_toy.py',
    '../_base_/default_runtime.py',
]

model = dict(
    _delete_=True,
    type='mmps.DisjointDetector',
    backbone=dict(),  # as the detector's; mmdet's init_detector asks for the key
    detector={{_base_.model.detector}},
    reid_branch=dict(pooling=dict(output_size=(96, 48)), head=dict(embedding_channels=128)),
)
# Crops are pixels: a byte each.
default_hooks = dict(two_phase=dict(cache_dtype='uint8'))
