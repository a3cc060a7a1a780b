# As default_runtime.py, for images of any size: there is nothing for cuDNN to time.
_base_ = './default_runtime.py'

env_cfg = dict(cudnn_benchmark=False)
