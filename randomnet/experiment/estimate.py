"""What an experiment will cost, from a probe of one epoch per kind of run; nothing is written."""

import resource
import sys
from dataclasses import dataclass

import torch

from randomnet.config import Plan, Run
from randomnet.kinds import KINDS
from randomnet.kinds.interface import Cost


@dataclass(frozen=True)
class Estimate:
    """Seconds per epoch and per run of each combo, seconds of all runs on one worker, and bytes of one worker."""

    epochs: tuple[float, ...]
    runs: tuple[float, ...]
    total: float
    memory: int


def estimate(plan: Plan) -> Estimate:
    """Probe every kind of run once, in this process and with the threads of a worker."""
    torch.set_num_threads(plan.config.execution.threads)
    probed: dict[tuple, Cost] = {}
    for combo in plan.combos:
        if combo.config.shape() not in probed:
            probed[combo.config.shape()] = _probe(combo.runs()[0])
    costs = [probed[combo.config.shape()] for combo in plan.combos]
    total = sum(cost.run * len(combo.runs()) for cost, combo in zip(costs, plan.combos, strict=True))
    unit = 1 if sys.platform == "darwin" else 1024
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return Estimate(tuple(cost.epoch for cost in costs), tuple(cost.run for cost in costs), total, memory)


def _probe(run: Run) -> Cost:
    return KINDS[run.config.experiment.kind].estimate(run)
