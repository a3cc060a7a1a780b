from __future__ import annotations

import pytest
import torch

from mmps.benchmarks import Settings, measure_cells, measure_overhead, predict_by_hand, run_trunk
from mmps.benchmarks.measuring import marginal_ms, overhead, planted
from mmps.benchmarks.unwrapped import PARTS
from mmps.benchmarks.variants import searched_samples
from mmps.structures import ConfigError
from mmps.testing.builders import tiny_detector, tiny_searcher

SETTINGS = Settings(size=256, repeats=2)


@pytest.fixture(autouse=True)
def _room_for_people(variants):
    for variant in variants:
        variant.model.detector.bbox_head.test_cfg.update(nms_pre=1000, score_thr=0.05)


def test_bare_modules_give_the_same_embeddings(variants):
    inputs = SETTINGS.images(2)
    with planted(variants, 5), torch.no_grad():
        for variant in variants:
            samples = variant.model.predict(inputs, searched_samples(2, 256, 'cpu'))
            expected = [sample.pred_instances.embeddings for sample in samples]
            found = predict_by_hand(variant.model, inputs, searched_samples(2, 256, 'cpu'))
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
            assert [len(f) for f in found] == [5, 5]


def test_a_cell_counts_people(variants):
    clock = iter(range(1000))
    settings = Settings(size=256, repeats=2, clock=lambda: float(next(clock)))
    cells = measure_cells(variants, settings, batch=2, people=[5])
    assert [(c.variant, c.batch, c.people) for c in cells] == [('J3', 2, 5), ('Disj.', 2, 5)]
    assert cells[0].seconds.median == 1.0
    assert cells[0].per_person.median == pytest.approx(100.0)


def test_numbers_of_people_take_turns_within_a_round(variants):
    embedded = []
    hook = lambda branch, inputs: embedded.append(len(inputs[1]))  # noqa: E731
    variants[0].model.reid_branch.register_forward_pre_hook(hook)
    cells = measure_cells(variants[:1], Settings(size=256, repeats=2), batch=1, people=[3, 5])
    assert [(c.batch, c.people) for c in cells] == [(1, 3), (1, 5)]
    assert embedded == [3, 5] * 3  # once to count, and two rounds


def test_boxes_by_hand_come_in_the_same_chunks(variants):
    model, sizes = variants[0].model, []
    model.reid_branch.cpu_chunk = 4
    model.reid_branch.stages.register_forward_pre_hook(lambda _, x: sizes.append(len(x[0])))
    with planted(variants[:1], 5), torch.no_grad():
        model.predict(SETTINGS.images(2), searched_samples(2, 256, 'cpu'))
        predict_by_hand(model, SETTINGS.images(2), searched_samples(2, 256, 'cpu'))
    assert sizes == [4, 3, 3] * 2


def test_too_many_people_are_told(variants):
    with pytest.raises(ConfigError, match='J3 keeps 10 instead of 11 people per image: increase'):
        measure_cells(variants, SETTINGS, batch=1, people=[5, 11])


def test_overhead_and_shares(variants):
    found = measure_overhead(variants[:1], SETTINGS, batch=1, people=4)['J3']
    assert set(found['shares']) == set(PARTS)
    assert sum(found['shares'].values()) == pytest.approx(1.0)
    assert found['branch_ms_per_person'] > 0
    assert -1 < found['overhead'] < 5


def test_overhead_is_the_median_of_rounds():
    assert overhead([1.1, 2.4, 9.0], [1.0, 2.0, 3.0]) == pytest.approx(0.2)


def test_the_slope_is_that_of_a_line():
    assert marginal_ms({5: 100 + 5 * 3.5, 20: 100 + 20 * 3.5}) == pytest.approx(3.5)
    assert marginal_ms({1: 0.0, 2: 1.0, 3: 5.0}) == pytest.approx(2.5)


def test_first_rounds_do_not_count_in_the_shares(variants):
    class Clock:
        """The first round takes ages."""

        calls = 0

        def __call__(self):
            self.calls += 1
            first = self.calls <= 2 * (len(PARTS) + 1)  # pooling: the feature, then its boxes
            return float(1e9 * self.calls if first else self.calls)

    settings = Settings(size=256, repeats=2, clock=Clock())
    found = measure_overhead(variants[:1], settings, batch=1, people=4)['J3']
    expected = {part: (1 + (part == 'pooling')) / (len(PARTS) + 1) for part in PARTS}
    assert found['shares'] == pytest.approx(expected)
    assert found['branch_ms_per_person'] == pytest.approx(4 * 1e3 / 4)


@pytest.mark.parametrize('deep_stem', [False, True])
@pytest.mark.parametrize('shared', [2, 3, 4])
def test_the_trunk_by_hand_is_the_tapped_stage(shared, deep_stem):
    detector = tiny_detector()
    detector.backbone.update(deep_stem=deep_stem)
    model = tiny_searcher(shared, detector).eval()
    inputs = torch.randn(1, 3, 64, 64)
    found = run_trunk(model.detector.backbone, inputs, model.source.stage)
    torch.testing.assert_close(found, model.source.run(inputs))
