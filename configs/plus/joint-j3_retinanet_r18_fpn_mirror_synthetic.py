# Every box is cached a second time, from the mirrored picture.
_base_ = './joint-j3_retinanet_r18_fpn_plain_synthetic.py'

cached_people = dict(mirror=True)
