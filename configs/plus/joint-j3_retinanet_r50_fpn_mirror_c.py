# J3 on CUHK-SYSU with every box cached a second time, from the mirrored image.
_base_ = '../joint/joint-j3_retinanet_r50_fpn_c.py'

cached_people = dict(mirror=True)
