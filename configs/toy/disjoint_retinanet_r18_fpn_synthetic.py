# The toy Disj. (two networks): detection and re-ID on a drawn data set.
_base_ = [
    '../_base_/models/disjoint_retinanet_r18_fpn_toy.py',
    '../_base_/datasets/synthetic_originals.py',
    '../_base_/schedules/two_phase_toy.py',
    '../_base_/default_runtime.py',
]

# Crops are pixels: a byte each.
default_hooks = dict(two_phase=dict(cache_dtype='uint8'))
