from .cuhk_sysu import CUHKSYSUProtocol
from .generic import GenericProtocol
from .prw import PRWProtocol
from .prw_official import PRWOfficialProtocol

__all__ = ['CUHKSYSUProtocol', 'GenericProtocol', 'PRWOfficialProtocol', 'PRWProtocol']
