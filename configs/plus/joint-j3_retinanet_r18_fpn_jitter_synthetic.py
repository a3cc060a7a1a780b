# The toy J3 with every box cached three times more, displaced as a detector might.
_base_ = './joint-j3_retinanet_r18_fpn_plain_synthetic.py'

cached_people = dict(jitters=3)
