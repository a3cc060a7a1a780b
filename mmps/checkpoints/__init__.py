from .reading import check_checkpoint, is_whole, read_restricted, refusal, weights_of

__all__ = ['check_checkpoint', 'is_whole', 'read_restricted', 'refusal', 'weights_of']
