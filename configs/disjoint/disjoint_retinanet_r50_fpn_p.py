# Disj. (two networks): detection and re-ID on PRW.
_base_ = [
    '../_base_/models/disjoint_retinanet_r50_fpn.py',
    '../_base_/datasets/detection_p.py',
    '../_base_/datasets/search_prw_originals.py',
    '../_base_/schedules/two_phase_paper.py',
    '../_base_/default_runtime.py',
]

# Crops are pixels: a byte each.
default_hooks = dict(two_phase=dict(cache_dtype='uint8'))
