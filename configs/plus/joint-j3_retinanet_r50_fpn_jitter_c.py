# J3 on CUHK-SYSU with every box cached three times more, displaced as a detector might.
_base_ = '../joint/joint-j3_retinanet_r50_fpn_c.py'

cached_people = dict(jitters=3)
