"""Examples in the READMEs of configs are configs that build."""

import re

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmps.registry import MODELS

from .leaves import CONFIGS

EXAMPLES = [
    (readme, code)
    for readme in sorted(CONFIGS.glob('*/README.md'))
    for code in re.findall(r'```python\n(.*?)```', readme.read_text(encoding='utf-8'), re.S)
    if '_base_ =' in code
]


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.slow
@pytest.mark.parametrize(('readme', 'code'), EXAMPLES, ids=[r.parent.name for r, _ in EXAMPLES])
def test_an_example_builds_and_begins_with_weights_of_its_own_backbone(tmp_path, readme, code):
    path = tmp_path / 'example.py'
    path.write_text(re.sub(r"'(\.\.?/)", rf"'{readme.parent}/\1", code))
    config = Config.fromfile(path)
    init_default_scope('mmdet')
    model = MODELS.build(config.model)
    depth = config.model.get('detector', config.model).backbone.get('depth')
    assert model.detector.backbone.depth == depth
    assert f'_r{depth}_' in config.load_from
