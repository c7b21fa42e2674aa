"""What an experiment will cost, from a probe of one epoch per kind of run; nothing is written."""

import sys
from dataclasses import dataclass
from typing import Any

import torch

from randomnet.experiment.batching import batches
from randomnet.kinds.kind import Cost, kind_of
from randomnet.schema.plan import Plan


@dataclass(frozen=True)
class Estimate:
    """Seconds per epoch and per run of each combo, seconds of all runs on one worker, and bytes of one worker.

    memory: None where the system does not tell it, as Windows does not.
    """

    epochs: tuple[float, ...]
    runs: tuple[float, ...]
    total: float
    memory: int | None


def estimate(plan: Plan, facts: list[dict[str, Any]]) -> Estimate:
    """Probe every shape of runs once, as many side by side as there will be, in this process and with the threads of a
    worker. facts: what `check(plan)` returned."""
    torch.set_num_threads(plan.config.execution.threads)
    runs = [run for combo in plan.combos for run in combo.runs()]
    found = {combo.index: about for combo, about in zip(plan.combos, facts, strict=True)}
    probed: dict[tuple, Cost] = {}
    for batch in batches(runs, found):
        shape, kind = batch[0].config.shape(), kind_of(batch[0].config.experiment.kind)
        if shape not in probed:
            probed[shape] = kind.estimate(batch)
    costs = [probed[combo.config.shape()] for combo in plan.combos]
    total = sum(cost.run * len(combo.runs()) for cost, combo in zip(costs, plan.combos, strict=True))
    return Estimate(tuple(cost.epoch for cost in costs), tuple(cost.run for cost in costs), total, _most_memory())


def _most_memory() -> int | None:
    """The most bytes that this process has had, None where the system does not count them."""
    try:
        import resource  # here, as Windows has no such module
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
