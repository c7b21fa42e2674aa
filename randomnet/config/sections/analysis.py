"""What is looked for inside a network."""

from dataclasses import dataclass

from randomnet.config.option import ANALYSE, UNTASKED, option
from randomnet.config.values import Integer, Number


@dataclass(frozen=True)
class AnalysisSection:
    """[analysis] Fixed points, and the plane that trajectories lie in."""

    trajectories: int = option(
        Integer(1, 10_000),
        10,
        "Trajectories that are followed: from random initial states, or along so many validation trials.",
        kinds=ANALYSE,
    )
    duration: float = option(
        Number(0, above=True), 50.0, "How long they are followed, in units of tau.", kinds=ANALYSE, only=UNTASKED
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
