import re
from types import SimpleNamespace

import pytest
from mmengine.config import Config

from mmps.engine import checks
from mmps.engine.input_sizes import warn_of_sizes


def loader(*scales):
    members = [{'pipeline': [{'type': 'Load'}, {'type': 'Resize', 'scale': s}]} for s in scales]
    return {'dataset': {'type': 'ConcatDataset', 'datasets': members}}


@pytest.mark.parametrize(
    ('learned', 'tested', 'told'),
    [
        (loader((640, 640)), loader((640, 640)), None),
        (loader((640, 640), (640, 640)), loader([640, 640]), None),
        (loader((640, 640)), loader((800, 480)), r'at scale \(640, 640\) .* at \(800, 480\)'),
        (
            loader((640, 640), (320, 320)),
            loader((640, 640)),
            r'\(320, 320\), \(640, 640\) \(cached',
        ),
        (loader(), loader((640, 640)), None),
        (None, loader((640, 640)), None),
    ],
)
def test_another_size_in_tests_is_told(learned, tested, told, mm_log):
    warn_of_sizes(Config({'cached_people': learned, 'test_dataloader': tested}))
    assert bool(mm_log.records) == bool(told)
    if told:
        (record,) = mm_log.records
        assert re.search(told, record.getMessage())


def test_a_run_is_checked(monkeypatch, mm_log):
    monkeypatch.setattr(checks, '_check_length', lambda runner, phases: None)
    config = Config({'optim_wrapper': {}, 'cached_people': loader(1), 'test_dataloader': loader(2)})
    runner = SimpleNamespace(cfg=config, hooks=[], auto_scale_lr=None)
    checks.check_run(runner, SimpleNamespace(start='detection'), {})
    assert 'at scale 1 (cached_people), tests see them at 2' in mm_log.text
