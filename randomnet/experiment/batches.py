"""Batches of runs that are computed side by side; they depend on the plan, not on the machine."""

import math
from collections.abc import Sequence
from typing import Any

from randomnet.kinds.kind import Batch, kind_of
from randomnet.schema.plan import Run


def make_batches(runs: Sequence[Run], facts: dict[int, dict[str, Any]]) -> list[Batch]:
    """Return all runs in batches of one shape, as large as their kind allows, ordered by their first runs.

    facts: combo -> the facts of its network.
    """
    groups: dict[Any, list[Run]] = {}
    for run in runs:
        groups.setdefault((run.config.shape(), facts[run.combo]["neurons"]), []).append(run)
    batches = []
    for group in groups.values():
        largest = min(kind_of(run.config.experiment.kind).max_batch(run, facts[run.combo]) for run in group)
        size = math.ceil(len(group) / math.ceil(len(group) / largest))  # nearly equal, so that workers end together
        batches += [tuple(group[start : start + size]) for start in range(0, len(group), size)]
    order = {(run.combo, run.iteration): index for index, run in enumerate(runs)}
    return sorted(batches, key=lambda batch: order[batch[0].combo, batch[0].iteration])
