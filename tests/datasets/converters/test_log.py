from __future__ import annotations

import pytest

from mmps.datasets.converters.log import ConversionLog
from mmps.structures import DataError


def test_the_log_counts_and_a_strict_one_raises():
    log = ConversionLog()
    log.note('dropped a thing', 'here', '1')
    log.note('dropped a thing', 'there')
    log.warn('Something is odd.')
    assert log.lines == [
        'here: dropped a thing: 1',
        'there: dropped a thing',
        'warning: Something is odd.',
    ]
    assert log.summary() == ['dropped a thing (2x)', 'Something is odd.']
    with pytest.raises(DataError, match=r'Something is odd\.'):
        ConversionLog(strict=True).warn('Something is odd.')
