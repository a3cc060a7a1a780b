from .pk_batch import PKBatchSampler

__all__ = ['PKBatchSampler']
