# The toy J3 without augmentation in phase 2: what the presets here are measured against.
_base_ = [
    '../_base_/models/joint_retinanet_r18_fpn_toy.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/two_phase_toy.py',
    '../_base_/default_runtime.py',
]

model = dict(shared_stages=3, reid_branch=dict(pooling=dict(output_size=(16, 8))))
cached_people = dict(mirror=False)
