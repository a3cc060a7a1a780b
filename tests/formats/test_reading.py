from __future__ import annotations

import numpy as np
import pytest

from mmps.formats.reading import Reading
from mmps.structures import ConfigError


@pytest.mark.parametrize(
    ('options', 'reading'),
    [
        ({}, Reading()),
        ({'unlabelled_ids': [], 'identity_key': '', 'classes': ()}, Reading()),
        ({'unlabelled_ids': 0}, Reading(unlabelled_ids=(0,))),
        ({'unlabelled_ids': np.arange(2).tolist()}, Reading(unlabelled_ids=(0, 1))),
        ({'unlabelled_ids': {5555}}, Reading(unlabelled_ids=(5555,))),
        ({'identity_key': 'track_id'}, Reading(identity_key='track_id')),
        ({'classes': 'walker'}, Reading(classes=('walker',))),
        ({'classes': ['a', 'b']}, Reading(classes=('a', 'b'))),
    ],
)
def test_one_value_may_stand_alone(options, reading):
    assert Reading.of(**options) == reading


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ({'unlabelled_ids': '5555'}, "unlabelled_ids must be whole numbers, .* not '5555'"),
        ({'unlabelled_ids': ['5555']}, 'unlabelled_ids must be whole numbers'),
        ({'unlabelled_ids': 0.5}, 'unlabelled_ids must be whole numbers'),
        ({'identity_key': 3}, 'identity_key must be the name of a field, not 3'),
        ({'classes': 3}, 'classes must be names of categories, not 3'),
        ({'classes': [1]}, 'classes must be names of categories'),
    ],
)
def test_values_of_another_type_are_rejected(options, words):
    with pytest.raises(ConfigError, match=words):
        Reading.of(**options)
