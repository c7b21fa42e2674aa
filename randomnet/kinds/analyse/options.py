"""What kind = analyse reads: where fixed points are searched, and the plane of the flow field."""

from dataclasses import dataclass
from typing import Any

from randomnet.conditions import BY_NETWORK, MULTITASK, PHASED, UNTASKED
from randomnet.kinds import reads
from randomnet.settings.option import Condition, Section, option
from randomnet.settings.readers import ALL, Key, Reader, all_but
from randomnet.settings.values import Integer, Number, Value

MOST_STEPS = 10**7  # of a trajectory
OUTSIDE_PLANE = Condition(
    "simulation.initial is not plane, whose trajectories are initial_points squared, nor experiment.kind = predict "
    "with a task, whose trials these are",
    lambda config: (
        config.simulation.initial != "plane" and not (config.experiment.kind == "predict" and config.has_task)
    ),
)
FREE = Condition(
    "trialparams.task_name = none and source.folder is empty",
    lambda config: UNTASKED.holds(config) and not config.from_source,
)


@dataclass(frozen=True)
class AnalysisSection(Section):
    """[analysis] Fixed points, trajectories, and the plane of the flow field."""

    trajectories: int = option(
        Integer(1, 10_000),
        10,
        "Number of trajectories, from random initial states or along validation trials. With phases, of each "
        "condition.",
        only=OUTSIDE_PLANE,
    )
    duration: float = option(
        Number(0, above=True),
        50.0,
        "Duration of the trajectories, in units of tau.",
        only=FREE,
    )
    settle: float = option(Number(0), 10.0, "Time for the state to settle before time 0.", only=UNTASKED)
    starts: int = option(
        Integer(2, 1_000_000),
        500,
        "Number of starting points of the search for fixed points. They are the origin, states of the trajectories "
        "with start_noise, and midpoints of two states.",
    )
    start_noise: float = option(
        Number(0), 0.5, "Standard deviation of the noise on starting points, in standard deviations of the states."
    )
    grid_points: int = option(
        Integer(2, 500), 25, "Grid points per axis of the flow field in the plane of the trajectories."
    )
    plane: str = option(
        Value(),
        "pca",
        "Plane of the flow field. pca: the first two principal components of the states. Two units, separated by a "
        "comma: each by name, or by number from 0.",
    )
    by: str = option(
        Value(),
        "",
        "Label that groups units for eigenvalues and mean rates, with at most 64 groups. Empty = the first "
        "available of region, population, neurotransmitter, cell_fibers, type; otherwise one group.",
        only=BY_NETWORK,
    )
    phases: str = option(
        Value(),
        "none",
        "Conditions (tasks of multitask) whose fixed points are searched under the input of each phase of a trial. "
        "They are also followed from each phase's input to the next one's. Names such as MemoryPro, DelayAnti; all; "
        "or none.",
        only=MULTITASK,
    )
    prototype: int = option(
        Integer(0, 10_000_000),
        0,
        "Trial that provides these inputs, without noise, and so the angle. Its number counts from 0 among the "
        "validation trials of the condition.",
        only=PHASED,
    )
    phase_starts: int = option(
        Integer(1, 1_000_000),
        200,
        "Number of starting points in each phase: states of that phase with start_noise, and midpoints of two.",
        only=PHASED,
    )
    interpolation_steps: int = option(
        Integer(1, 1000), 10, "Steps from the input of one phase to that of the next.", only=PHASED
    )


def trajectory_times(config: Any) -> tuple[Key, str] | None:
    """Trajectories last one step at least, and no more steps than MOST_STEPS."""
    duration, longest = config.analysis.duration, MOST_STEPS * config.model.dt
    if config.from_source:
        return None
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
    reads=reads.BUILDING | {"analysis": all_but("settle"), "source": ALL},
    sections={"analysis": AnalysisSection},
    defaults=reads.EXACT,
    checks=(trajectory_times, reads.of_source),
    roles=("system of a source",),
    module="randomnet.kinds.analyse.run",
)
