"""Which runs are carried out side by side as one computation: fixed by the plan, whatever machine does it."""

import math
from collections.abc import Sequence
from typing import Any

from randomnet.kinds.kind import Batch, kind_of
from randomnet.schema.plan import Run


def batches(runs: Sequence[Run], facts: dict[int, dict[str, Any]]) -> list[Batch]:
    """All runs in batches of one shape, each as large as its kind wants it, ordered by their first runs.

    facts: combo -> what the check of its network found.
    """
    alike: dict[Any, list[Run]] = {}
    for run in runs:
        alike.setdefault((run.config.shape(), facts[run.combo]["neurons"]), []).append(run)
    found = []
    for group in alike.values():
        largest = min(kind_of(run.config.experiment.kind).max_batch(run, facts[run.combo]) for run in group)
        size = math.ceil(len(group) / math.ceil(len(group) / largest))  # as even as possible, for workers' sake
        found += [tuple(group[start : start + size]) for start in range(0, len(group), size)]
    place = {(run.combo, run.iteration): index for index, run in enumerate(runs)}
    return sorted(found, key=lambda batch: place[batch[0].combo, batch[0].iteration])
