"""The cost of an experiment, from a short probe of each shape of runs; nothing is written."""

import sys
from dataclasses import dataclass
from typing import Any

import torch

from randomnet import compiled
from randomnet.experiment.batches import make_batches
from randomnet.experiment.halving import share_of_epochs
from randomnet.kinds.kind import Cost, kind_of
from randomnet.schema.plan import Plan


@dataclass(frozen=True)
class Estimate:
    """Seconds per epoch and per run of each combo, seconds of all runs on one worker, and bytes of one worker.

    memory: None where the system does not report it, such as Windows.
    """

    epochs: tuple[float, ...]
    runs: tuple[float, ...]
    total: float
    memory: int | None


def estimate(plan: Plan, facts: list[dict[str, Any]]) -> Estimate:
    """Return the cost of all runs, from one probe of every shape in this process, with the threads of a worker.

    A probe computes as many runs side by side as the experiment will. facts: what `check(plan)` returned.
    """
    torch.set_num_threads(plan.config.execution.threads)
    compiled.select(plan.config.execution.steps)
    runs = [run for combo in plan.combos for run in combo.runs()]
    facts_by_combo = {combo.index: each for combo, each in zip(plan.combos, facts, strict=True)}
    probed: dict[tuple, Cost] = {}
    for batch in make_batches(runs, facts_by_combo):
        shape, kind = batch[0].config.shape(), kind_of(batch[0].config.experiment.kind)
        if shape not in probed:
            probed[shape] = kind.estimate(batch)
    costs = [probed[combo.config.shape()] for combo in plan.combos]
    total = sum(cost.run * len(combo.runs()) for cost, combo in zip(costs, plan.combos, strict=True))
    total *= share_of_epochs(plan)
    return Estimate(tuple(cost.epoch for cost in costs), tuple(cost.run for cost in costs), total, _peak_memory())


def _peak_memory() -> int | None:
    """Return the largest memory of this process in bytes; None where the system does not report it."""
    try:
        import resource  # here, as Windows has no such module
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
