from __future__ import annotations

from typing import Any

import numpy as np

from mmps.structures import UNLABELLED, IdentityMap


def identities_of(dataset: Any) -> IdentityMap:
    """Number the identities of a training set, however many data sets it joins.

    Args:
        dataset: A :class:`PersonSearchDataset`, or one that joins, repeats or wraps some. The
            people of other classes of data sets have no identity.
    """
    while not hasattr(dataset, 'get_data_info'):  # mmdet's MultiImageMixDataset
        dataset = dataset.dataset
    ids: list[int] = []
    spaces: list[int] = []
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        people = [p for p in info.get('instances', ()) if not p.get('ignore_flag', 0)]
        ids.extend(person.get('person_id', UNLABELLED) for person in people)
        # As in the meta information of a sample.
        spaces.extend([info.get('identity_space', 0)] * len(people))
    return IdentityMap(np.array(ids, dtype=np.int64), spaces)
