"""Fixed points followed along a row of maps, such as those under an input that turns from one into another.

So one sees whether the points of two inputs are the same ones, moved, or whether some of them vanish on the way
(Driscoll, Shenoy and Sussillo 2024, Nature Neuroscience 27, of tasks that share dynamical motifs).
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from randomnet.analysis.fixed_points import FixedPoints, fixed_points
from randomnet.analysis.kinks import Kinks
from randomnet.analysis.linear import Jacobian, Map

BETWEEN = 20  # pairs of points, the nearest ones, between which a saddle is looked for
SHARES = (0.25, 0.5, 0.75)  # of the way: next to where it appeared a saddle is still near one of the two
SAME = 1e-6  # of the largest entry: points no farther apart are the same one
ITERATIONS = 50  # of a search that starts near what it looks for


def interpolate(ends: Tensor, steps: int) -> Tensor:
    """(steps (P - 1) + 1, C): from each of the P ends (P, C) to the next in so many equal steps, the ends included.

    Raises ValueError for no ends or steps.
    """
    if ends.ndim != 2 or not len(ends) or steps < 1:
        raise ValueError(f"expected ends (P, C) and at least one step, got {tuple(ends.shape)} and {steps}")
    shares = torch.arange(steps, dtype=ends.dtype, device=ends.device)[:, None] / steps
    parts = [before + shares * (after - before) for before, after in pairwise(ends)]
    return torch.cat([*parts, ends[-1:]])


def continue_fixed_points(
    maps: Sequence[tuple[Map, Jacobian]],
    known: Mapping[int, Tensor],
    around: Tensor,
    *,
    alike: Sequence[int] | None = None,
    kinks: Sequence[Kinks | None] | None = None,
    on_progress: Callable[[int], object] = lambda done: None,
) -> list[FixedPoints]:
    """The fixed points of each of a row of maps that differ little from one to the next, each with its Jacobian.

    known: place in the row -> points (P, N) that are known there. From these on each map is searched from the points of
    the map before it, to the end of the row, and from those of the map after it, to the beginning; what either finds
    counts. On the way between neighbouring points it is searched too, where the saddles are that appear with them.
    So a point is followed as far as it exists, and no farther; one that is born and gone between two places where
    points are known may be missed. alike: a number for each map, which those share that are the same one: what is found
    of one of them is found of all; None where all differ. around: (M, N), states that tell which points are one and
    which are far away, and tick: as of `fixed_points`; kinks: of each map, as there. Raises ValueError.
    """
    places, names = range(len(maps)), list(range(len(maps)) if alike is None else alike)
    if len(names) != len(maps) or not set(known) <= set(places):
        raise ValueError(
            f"{len(maps)} maps need as many numbers of those alike and known points at places below that, got "
            f"{len(names)} and {sorted(known)}"
        )
    of_maps = [None] * len(maps) if kinks is None else list(kinks)
    given = _gathered([(names[place], points) for place, points in known.items()])

    def search(place: int, starts: Tensor) -> FixedPoints:
        if not len(starts):
            return _nothing(around)
        starts = torch.cat([starts, _between(starts)])
        return fixed_points(
            *maps[place], starts, iterations=ITERATIONS, around=around, kinks=of_maps[place], on_progress=on_progress
        )

    def follow(order: Sequence[int]) -> list[tuple[int, Tensor]]:
        points, found = around[:0], []
        for place in order:
            points = search(place, torch.cat([points, given.get(names[place], around[:0])])).points
            found.append((names[place], points))
        return found

    reached = _gathered([*follow(places), *follow(places[::-1])])
    found = {name: search(names.index(name), starts) for name, starts in reached.items()}
    return [found[name] for name in names]


def _gathered(parts: Sequence[tuple[int, Tensor]]) -> dict[int, Tensor]:
    """All points (P, N) of each number."""
    return {name: torch.cat([points for own, points in parts if own == name]) for name in dict(parts)}


def _between(points: Tensor) -> Tensor:
    """(starts, N): SHARES of the way between the BETWEEN pairs of points (P, N) that are nearest to each other."""
    first, second = torch.triu_indices(len(points), len(points), 1, device=points.device)
    lengths = torch.nn.functional.pdist(points)  # in the same order
    apart = (lengths > SAME * float(points.abs().max())).nonzero().squeeze(1)
    nearest = apart[lengths[apart].argsort(stable=True)[:BETWEEN]]
    one, other = points[first[nearest]], points[second[nearest]]
    return torch.cat([one + share * (other - one) for share in SHARES])


def _nothing(like: Tensor) -> FixedPoints:
    """What is found from no starts."""
    none = like.new_zeros(0)
    count, eigenvalues = none.long(), torch.complex(like[:0], like[:0])
    return FixedPoints(like[:0], none, count, eigenvalues, count, count.bool(), like[:0], none, starts=0, converged=0)
