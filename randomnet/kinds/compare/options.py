"""What kind = compare reads: how inferred dynamics are compared with true ones."""

from dataclasses import dataclass
from typing import Any

from randomnet.kinds import reads
from randomnet.metrics import METRICS
from randomnet.settings.option import Condition, Section, option
from randomnet.settings.readers import ALL, Reader, only
from randomnet.settings.values import Boolean, Choice, Integer, Location, Number, Several, Value


@dataclass(frozen=True)
class Held(Value):
    """`zero`, or bins `first:last`, the last one not among them."""

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return "zero, or bins such as 40:60"

    def parse(self, text: str) -> str | tuple[int, int]:
        """The word, or both numbers."""
        if text.lower() == "zero":
            return "zero"
        first, last = (int(part) for part in text.split(":"))
        if not 0 <= first < last:
            raise ValueError("no bins")
        return first, last


def _having(*names: str) -> Condition:
    """Where one of these metrics is asked for."""
    return Condition(
        f"comparing.metrics has {' or '.join(names)}",
        lambda config: any(name in config.comparing.chosen for name in names),
    )


DSA, POINTS, EXPONENTS = _having("dsa"), _having("fixed_points", "eigenvalues"), _having("spectrum")
HELD = _having("fixed_points", "eigenvalues", "memories")


@dataclass(frozen=True)
class ComparingSection(Section):
    """[comparing] Metrics between true and inferred dynamics, and fixed points of both."""

    metrics: str = option(Several(("all", *METRICS)), "all", "Metrics that are computed, joined by +; all = every one.")
    labels: str = option(
        Value(),
        "",
        "Labels of the folders of [source] folder, separated by commas; empty = the folders' names.",
    )
    recording: str = option(
        Location(results=True),
        "",
        "Recording that models from elsewhere (arrays in a .npz file) were fitted to. A file of recordings, or a "
        "results folder of kind = record with one run.",
    )
    mixed: bool = option(Boolean(), False, "Allow folders that were fitted to recordings of different experiments.")
    dsa_dimensions: str = option(
        Choice(("held_out", "fixed")),
        "held_out",
        "Delays and rank of DSA. held_out: the smallest, up to dsa_delays and dsa_rank, that predict held-out "
        "trials of the true states as well as any. fixed: dsa_delays and dsa_rank, which also whiten noise.",
        only=DSA,
        neutral="fixed",
    )
    dsa_delays: int = option(
        Integer(1, 1000),
        20,
        "Number of successive bins in one delay-embedded state of DSA; the maximum with held_out.",
        only=DSA,
    )
    dsa_rank: int = option(Integer(1, 1000), 50, "Rank of the operators of DSA; the maximum with held_out.", only=DSA)
    dsa_starts: int = option(
        Integer(0, 1000),
        4,
        "Number of random starts of the search for the best rotation, besides two deterministic ones.",
        only=DSA,
    )
    dsa_trials: int | str = option(
        Integer(2, words=("all",)),
        "all",
        "Number of test trials that DSA uses, drawn at random; all = every one.",
        only=DSA,
    )
    held_input: str | tuple[int, int] = option(
        Held(),
        "zero",
        "Input of both systems in searches of fixed points and memories. zero: no input. first:last: the mean true "
        "input of test trials in these bins.",
        only=HELD,
    )
    point_starts: int = option(
        Integer(2, 1_000_000),
        256,
        "Number of starting points of the search for fixed points: states of test trials with start_noise, and "
        "midpoints of two.",
        only=POINTS,
    )
    start_noise: float = option(
        Number(0),
        0.5,
        "Standard deviation of the noise on starting points, in standard deviations of the states.",
        only=POINTS,
    )
    point_steps: int = option(Integer(1, 100_000), 200, "Maximum number of steps of the search.", only=POINTS)
    point_tolerance: float = option(
        Number(0, above=True), 1e-20, "q = |F(h) - h|^2 / 2 must be below this at a fixed point.", only=POINTS
    )
    point_merge: float = option(
        Number(0, above=True),
        1e-4,
        "Distance below which two fixed points are the same. Its unit is the mean distance of starting points from "
        "their mean.",
        only=POINTS,
    )
    point_farthest: float = option(
        Number(0, above=True),
        2.0,
        "Largest distance of a fixed point from the mean of the starting points. Its unit is the mean distance of "
        "starting points from their mean.",
        only=POINTS,
    )
    leading: int = option(
        Integer(1, 1000),
        10,
        "Number of leading eigenvalues of each Jacobian that are compared.",
        only=_having("eigenvalues"),
    )
    free_bins: int = option(
        Integer(1, 10_000_000),
        2000,
        "Number of bins that both systems run freely after the test trials, under held_input. Trials that end in "
        "the same state share a memory.",
        only=_having("memories"),
    )
    exponents: int = option(Integer(1, 1000), 3, "Number of Lyapunov exponents that are compared.", only=EXPONENTS)
    lyapunov_bins: int = option(
        Integer(10, 10_000_000),
        2000,
        "Length in bins of the record for exponents: test trials in sequence, repeated as needed.",
        only=EXPONENTS,
    )

    @property
    def chosen(self) -> tuple[str, ...]:
        """The metrics that are asked for, in their order."""
        names = self.metrics.split(" + ")
        return tuple(name for name in METRICS if "all" in names or name in names)

    @property
    def search(self) -> dict[str, Any]:
        """What the finder of fixed points is told."""
        return {
            "iterations": self.point_steps,
            "tolerance": self.point_tolerance,
            "merge": self.point_merge,
            "farthest": self.point_farthest,
        }


COMPARE = Reader(
    "compare",
    "Compare inferred dynamics with the true ones that recordings came from.",
    reads=reads.LATER_STAGE | {"source": only("folder"), "comparing": ALL},
    sections={"comparing": ComparingSection},
    module="randomnet.kinds.compare.run",
)
