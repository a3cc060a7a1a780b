# Every box is cached a second time, from the mirrored picture.
_base_ = '../joint/joint-j3_retinanet_r50_fpn_c.py'

cached_people = dict(mirror=True)
