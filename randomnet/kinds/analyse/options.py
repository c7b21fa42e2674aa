"""What kind = analyse reads: where fixed points are searched, and the plane of the flow field."""

from dataclasses import dataclass
from typing import Any

from randomnet.conditions import MULTITASK, PHASED, UNTASKED
from randomnet.kinds import reads
from randomnet.settings.option import Condition, Section, option
from randomnet.settings.readers import Key, Reader, all_but
from randomnet.settings.values import Integer, Number, Value

MOST_STEPS = 10**7  # of a trajectory
OUTSIDE_PLANE = Condition(
    "simulation.initial is not plane, whose trajectories are initial_points squared",
    lambda config: config.simulation.initial != "plane",
)


@dataclass(frozen=True)
class AnalysisSection(Section):
    """[analysis] Fixed points, and the plane that trajectories lie in."""

    trajectories: int = option(
        Integer(1, 10_000),
        10,
        "Trajectories that are followed: from random initial states, or along so many validation trials (of phases, of "
        "each condition).",
        only=OUTSIDE_PLANE,
    )
    duration: float = option(
        Number(0, above=True),
        50.0,
        "How long they are followed, in units of tau.",
        only=UNTASKED,
    )
    settle: float = option(Number(0), 10.0, "How long the state settles before time 0.")
    starts: int = option(
        Integer(2, 1_000_000),
        500,
        "Where fixed points are searched from: the origin, and half each states of the trajectories with noise and "
        "midpoints of two of them.",
    )
    start_noise: float = option(Number(0), 0.5, "That noise, in standard deviations of the states.")
    grid_points: int = option(
        Integer(2, 500), 25, "Points per axis of the flow field in the plane of the trajectories."
    )
    plane: str = option(
        Value(),
        "pca",
        "The plane of the flow field: pca, the first two principal components of the states; or two units, by name or "
        "number from 0, with a comma between them.",
    )
    by: str = option(
        Value(),
        "",
        "Label by which units are grouped for eigenvalues and mean rates, of at most 64 groups; empty = the first "
        "there is of region, population, neurotransmitter, cell_fibers, type; else all together.",
    )
    phases: str = option(
        Value(),
        "none",
        "Conditions (of multitask tasks) whose fixed points are searched under the input of each phase of a trial, and "
        "followed while it turns into that of the next: names such as MemoryPro, DelayAnti, or all; none.",
        only=MULTITASK,
    )
    prototype: int = option(
        Integer(0, 10_000_000),
        0,
        "The trial whose inputs, and so whose angle, these are, without their noise: by number from 0 among the "
        "validation trials of its condition.",
        only=PHASED,
    )
    phase_starts: int = option(
        Integer(1, 1_000_000),
        200,
        "Where they are searched from in each phase: states of that phase with start_noise, and midpoints of two.",
        only=PHASED,
    )
    interpolation_steps: int = option(
        Integer(1, 1000), 10, "Steps from the input of one phase to that of the next.", only=PHASED
    )


def trajectory_times(config: Any) -> tuple[Key, str] | None:
    """Trajectories last one step at least, and no more steps than MOST_STEPS."""
    duration, longest = config.analysis.duration, MOST_STEPS * config.model.dt
    if duration < config.model.dt:
        return ("analysis", "duration"), f"at least one step, {config.model.dt:g} (model.dt)"
    if duration > longest:
        return ("analysis", "duration"), f"at most {longest:g}, {MOST_STEPS:g} steps"
    if config.analysis.settle > longest:
        return ("analysis", "settle"), f"at most {longest:g}, {MOST_STEPS:g} steps"
    return None


ANALYSE = Reader(
    "analyse",
    "Find fixed points of networks and their stability, and the flow around trajectories.",
    reads=reads.BUILDING | {"analysis": all_but("settle")},
    sections={"analysis": AnalysisSection},
    defaults=reads.EXACT,
    checks=(trajectory_times,),
    module="randomnet.kinds.analyse.run",
)
