"""Continuation of fixed points along a sequence of maps, such as those of a gradually changing input.

The result shows whether the fixed points of two inputs are connected, or whether some vanish in between. Source:
Driscoll, Shenoy and Sussillo 2024 (Nature Neuroscience 27), on tasks that share dynamical motifs.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from randomnet.analysis.fixed_points import FixedPoints, fixed_points
from randomnet.analysis.kinks import Kinks
from randomnet.analysis.linear import Jacobian, Map
from randomnet.array_arguments import takes_arrays

BETWEEN = 20  # number of nearest pairs of points between which saddles are searched
SHARES = (0.25, 0.5, 0.75)  # starts between two points; soon after its appearance a saddle is close to one of them
SAME = 1e-6  # largest distance of equal points, relative to the largest entry
ITERATIONS = 50  # enough for a search that starts near fixed points


@takes_arrays
def interpolate(ends: Tensor, steps: int) -> Tensor:
    """(steps (P - 1) + 1, C): linear interpolation through `ends` (P, C), with `steps` steps from each to the next.

    Raises ValueError for an empty `ends` or less than one step.

    >>> import torch
    >>> from randomnet.analysis import interpolate
    >>> interpolate(torch.tensor([[0.0], [1.0]]), 4).flatten().tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
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
    identifiers: Sequence[int] | None = None,
    kinks: Sequence[Kinks | None] | None = None,
    on_progress: Callable[[int], object] = lambda done: None,
) -> list[FixedPoints]:
    """The fixed points of every map in a sequence of similar maps, each of which has its Jacobian.

    known: index of a map -> known fixed points (P, N) of it. The search of each map starts at the points of the map
    before it (forward pass) and after it (backward pass), and between neighbouring points, where new saddles appear.
    Points of both passes count. A point is therefore followed as long as it exists. A point may be missed if it exists
    only between two maps with known points.

    identifiers: one number per map; equal numbers mark equal maps, which share all points. None where all maps differ.
    kinks: of each map, as in `fixed_points`. around, on_progress: as in `fixed_points`. Raises ValueError for wrong
    numbers of identifiers and for unknown indices.

    >>> import torch
    >>> from randomnet.analysis import autodiff_jacobian, continue_fixed_points
    >>> def under(x):
    ...     step = lambda h: 0.5 * h + x
    ...     return step, autodiff_jacobian(step)
    >>> maps = [under(x) for x in (0.0, 0.5, 1.0)]
    >>> known = {0: torch.zeros(1, 1, dtype=torch.float64)}
    >>> around = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
    >>> [round(float(points.points), 6) for points in continue_fixed_points(maps, known, around)]
    [0.0, 1.0, 2.0]
    """
    indices, ids = range(len(maps)), list(range(len(maps)) if identifiers is None else identifiers)
    if len(ids) != len(maps) or not set(known) <= set(indices):
        raise ValueError(
            f"expected {len(maps)} identifiers, one per map, and known points of maps 0..{len(maps) - 1}, got "
            f"{len(ids)} and {sorted(known)}"
        )
    map_kinks = [None] * len(maps) if kinks is None else list(kinks)
    known_points = _concatenate([(ids[index], points) for index, points in known.items()])

    def search(index: int, starts: Tensor) -> FixedPoints:
        if not len(starts):
            return _no_points(around)
        starts = torch.cat([starts, _between(starts)])
        return fixed_points(
            *maps[index], starts, iterations=ITERATIONS, around=around, kinks=map_kinks[index], on_progress=on_progress
        )

    def sweep(order: Sequence[int]) -> list[tuple[int, Tensor]]:
        points, results = around[:0], []
        for index in order:
            points = search(index, torch.cat([points, known_points.get(ids[index], around[:0])])).points
            results.append((ids[index], points))
        return results

    starts_by_id = _concatenate([*sweep(indices), *sweep(indices[::-1])])
    results = {identifier: search(ids.index(identifier), starts) for identifier, starts in starts_by_id.items()}
    return [results[identifier] for identifier in ids]


def _concatenate(parts: Sequence[tuple[int, Tensor]]) -> dict[int, Tensor]:
    """identifier -> all its points (P, N)."""
    return {key: torch.cat([points for identifier, points in parts if identifier == key]) for key in dict(parts)}


def _between(points: Tensor) -> Tensor:
    """Starts (starts, N) between the BETWEEN nearest pairs of different points (P, N)."""
    first, second = torch.triu_indices(len(points), len(points), 1, device=points.device)
    distances = torch.nn.functional.pdist(points)  # in the order of first and second
    different = (distances > SAME * float(points.abs().max())).nonzero().squeeze(1)
    nearest = different[distances[different].argsort(stable=True)[:BETWEEN]]
    a, b = points[first[nearest]], points[second[nearest]]
    return torch.cat([a + share * (b - a) for share in SHARES])


def _no_points(like: Tensor) -> FixedPoints:
    """An empty result, with the number of units of `like` (M, N)."""
    empty = like.new_zeros(0)
    count, eigenvalues = empty.long(), torch.complex(like[:0], like[:0])
    return FixedPoints(like[:0], empty, count, eigenvalues, count, count.bool(), like[:0], empty, starts=0, converged=0)
