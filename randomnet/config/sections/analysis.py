"""What is looked for inside a network, and what is done to it."""

from dataclasses import dataclass

from randomnet.config.option import (
    ANALYSE,
    DRIVING,
    MULTITASK,
    OUTSIDE_PLANE,
    PHASED,
    SIMULATE,
    STIMULATE,
    UNTASKED,
    Section,
    option,
)
from randomnet.config.values import Choice, Integer, Number, Value


@dataclass(frozen=True)
class AnalysisSection(Section):
    """[analysis] Fixed points, and the plane that trajectories lie in."""

    trajectories: int = option(
        Integer(1, 10_000),
        10,
        "Trajectories that are followed: from random initial states, or along so many validation trials (of phases, of "
        "each condition).",
        kinds=(*ANALYSE, *STIMULATE, *SIMULATE),
        only=OUTSIDE_PLANE,
        defaults={"simulate": 1},
    )
    duration: float = option(
        Number(0, above=True),
        50.0,
        "How long they are followed, in units of tau.",
        kinds=(*ANALYSE, *STIMULATE, *SIMULATE),
        only=UNTASKED,
    )
    settle: float = option(
        Number(0), 10.0, "How long the state settles before time 0.", kinds=(*STIMULATE, *SIMULATE)
    )
    starts: int = option(
        Integer(2, 1_000_000),
        500,
        "Where fixed points are searched from: the origin, and half each states of the trajectories with noise and "
        "midpoints of two of them.",
        kinds=ANALYSE,
    )
    start_noise: float = option(
        Number(0), 0.5, "That noise, in standard deviations of the states.", kinds=ANALYSE
    )
    grid_points: int = option(
        Integer(2, 500), 25, "Points per axis of the flow field in the plane of the trajectories.", kinds=ANALYSE
    )
    plane: str = option(
        Value(),
        "pca",
        "The plane of the flow field: pca, the first two principal components of the states; or two units, by name or "
        "number from 0, with a comma between them.",
        kinds=ANALYSE,
    )
    by: str = option(
        Value(),
        "",
        "Label by which units are grouped for eigenvalues and mean rates, of at most 64 groups; empty = the first "
        "there is of region, population, neurotransmitter, cell_fibers, type; else all together.",
        kinds=ANALYSE,
    )
    phases: str = option(
        Value(),
        "none",
        "Conditions (of multitask tasks) whose fixed points are searched under the input of each phase of a trial, and "
        "followed while it turns into that of the next: names such as MemoryPro, DelayAnti, or all; none.",
        kinds=ANALYSE,
        only=MULTITASK,
    )
    prototype: int = option(
        Integer(0, 10_000_000),
        0,
        "The trial whose inputs, and so whose angle, these are, without their noise: by number from 0 among the "
        "validation trials of its condition.",
        kinds=ANALYSE,
        only=PHASED,
    )
    phase_starts: int = option(
        Integer(1, 1_000_000),
        200,
        "Where they are searched from in each phase: states of that phase with start_noise, and midpoints of two.",
        kinds=ANALYSE,
        only=PHASED,
    )
    interpolation_steps: int = option(
        Integer(1, 1000), 10, "Steps from the input of one phase to that of the next.", kinds=ANALYSE, only=PHASED
    )


@dataclass(frozen=True)
class StimulationSection(Section):
    """[stimulation] What is done to some units for a while, beside the same trajectories left alone; times in tau."""

    read_by = STIMULATE

    action: str = option(
        Choice(("drive", "silence")),
        "drive",
        "drive: a constant is added to what the units receive; silence: they answer 0 and reach nobody.",
    )
    units: str = option(
        Value(),
        "",
        "Which units: names of regions, populations or parents, region/type, or kind=name for any label, separated by "
        "commas; empty = all.",
    )
    strength: float = option(Number(), 1.0, "What is added.", only=DRIVING)
    onset: float = option(Number(0), 10.0, "When it begins.")
    offset: float = option(Number(0), 20.0, "When it ends.")
    ramp: float = option(
        Number(0),
        0.0,
        "How long it takes, within that time, to rise, and as long to fall.",
        only=DRIVING,
    )
    by: str = option(
        Value(),
        "",
        "Label by which units are averaged; empty = the first there is of region, population, neurotransmitter, "
        "cell_fibers, type; else all together.",
    )
