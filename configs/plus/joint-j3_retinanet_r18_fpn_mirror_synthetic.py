# The toy J3 with every box cached a second time, from the mirrored image.
_base_ = './joint-j3_retinanet_r18_fpn_plain_synthetic.py'

cached_people = dict(mirror=True)
