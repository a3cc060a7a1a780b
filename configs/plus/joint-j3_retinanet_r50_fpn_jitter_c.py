# Every box is cached three times more, displaced as a detector might.
_base_ = '../joint/joint-j3_retinanet_r50_fpn_c.py'

cached_people = dict(jitters=3)
