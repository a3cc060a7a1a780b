# Trained without CUHK-SYSU, tested on it (Table 1c).
_base_ = '../joint/joint-j3_retinanet_r50_fpn_mwp-p.py'

test_dataloader = dict(dataset=dict(data_root='data/cuhk_sysu/'))
test_evaluator = dict(
    _delete_=True,
    type='mmps.PersonSearchMetric',
    ann_file='data/cuhk_sysu/mmps/test.json',
    protocol=dict(type='mmps.CUHKSYSUProtocol', gallery_sizes=[100, 4000]),
)
