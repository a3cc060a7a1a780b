import pytest
import torch
from mmengine.runner import load_checkpoint

from mmps.checkpoints.publishing import slim
from mmps.testing.builders import tiny_searcher


@pytest.mark.parametrize(('phase', 'told'), [('detection', True), ('reid', False)])
def test_what_is_published_after_phase_1_says_that_its_branch_is_untrained(
    tmp_path, mm_log, phase, told
):
    checkpoint = {'state_dict': tiny_searcher().state_dict(), 'meta': {'mmps_phase': phase}}
    torch.save(slim(checkpoint, None), tmp_path / 'published.pth')
    assert torch.load(tmp_path / 'published.pth', weights_only=True)['meta']['mmps_phase'] == phase
    load_checkpoint(tiny_searcher(), str(tmp_path / 'published.pth'))
    assert ('its re-ID branch is untrained' in mm_log.text) == told
