"""What kind = compare reads: how inferred dynamics are compared with true ones."""

from dataclasses import dataclass
from typing import Any

from randomnet.kinds import reads
from randomnet.metrics import METRICS
from randomnet.settings.option import Condition, Section, option
from randomnet.settings.readers import ALL, Reader, only
from randomnet.settings.values import Boolean, Choice, Integer, Number, Several, Value


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
    """[comparing] Metrics between what recordings came from and what models inferred, and fixed points of both."""

    metrics: str = option(
        Several(("all", *METRICS)), "all", "Which metrics are computed, joined by +; all = every one."
    )
    labels: str = option(
        Value(),
        "",
        "What the folders of [source] folder are called, by commas; empty = their names.",
    )
    recording: str = option(
        Value(),
        "",
        "For models from elsewhere, arrays in a .npz file: the file of recordings they are of, or a results folder of "
        "kind = record with one run.",
    )
    mixed: bool = option(
        Boolean(), False, "Whether the folders may have been fitted to recordings of different experiments."
    )
    dsa_dimensions: str = option(
        Choice(("held_out", "fixed")),
        "held_out",
        "held_out: the smallest delays and rank, up to dsa_delays and dsa_rank, whose operator of the true states "
        "predicts held-out trials as well as any; fixed: dsa_delays and dsa_rank, which whiten noise too.",
        only=DSA,
        neutral="fixed",
    )
    dsa_delays: int = option(
        Integer(1, 1000), 20, "Successive bins that DSA joins to one state, at most with held_out.", only=DSA
    )
    dsa_rank: int = option(Integer(1, 1000), 50, "Dimensions of its operators, at most.", only=DSA)
    dsa_starts: int = option(
        Integer(0, 1000), 4, "Random starts of the search for the best rotation, besides two that are made.", only=DSA
    )
    dsa_trials: int | str = option(
        Integer(2, words=("all",)), "all", "How many test trials DSA sees, at random; all = every one.", only=DSA
    )
    held_input: str | tuple[int, int] = option(
        Held(),
        "zero",
        "What both systems receive where fixed points and memories are searched: zero, or the mean true input of the "
        "test trials in bins first:last.",
        only=HELD,
    )
    point_starts: int = option(
        Integer(2, 1_000_000),
        256,
        "Where fixed points are searched from: half each states of the test trials with noise and midpoints of two.",
        only=POINTS,
    )
    start_noise: float = option(Number(0), 0.5, "That noise, in standard deviations of the states.", only=POINTS)
    point_steps: int = option(Integer(1, 100_000), 200, "Steps of the search, at most.", only=POINTS)
    point_tolerance: float = option(
        Number(0, above=True), 1e-20, "What q = |F(h) - h|^2 / 2 must fall below at a fixed point.", only=POINTS
    )
    point_merge: float = option(
        Number(0, above=True),
        1e-4,
        "Distance within which fixed points are one, relative to the mean distance of the starts from their mean.",
        only=POINTS,
    )
    point_farthest: float = option(
        Number(0, above=True),
        2.0,
        "How far from the starts' mean a fixed point may lie to count, relative to the same.",
        only=POINTS,
    )
    leading: int = option(
        Integer(1, 1000),
        10,
        "Eigenvalues of each Jacobian that are compared, the largest.",
        only=_having("eigenvalues"),
    )
    free_bins: int = option(
        Integer(1, 10_000_000),
        2000,
        "How long both systems are left to themselves after the test trials, under held_input, to see which trials end "
        "in the same state.",
        only=_having("memories"),
    )
    exponents: int = option(Integer(1, 1000), 3, "Lyapunov exponents that are compared.", only=EXPONENTS)
    lyapunov_bins: int = option(
        Integer(10, 10_000_000),
        2000,
        "Bins of the record they are of: test trials, one after the other, again and again.",
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
