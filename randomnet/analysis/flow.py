"""Flow fields: where the states of a plane go in one step, seen in that plane.

After mRNNTorch's flow fields; the plane is one of states, the step that of the whole network, and units outside a
subset keep the state they have.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from randomnet.analysis.linear import Jacobian, Map

MARGIN = 0.1  # of a trajectory's extent, left free on every side of it
NARROWEST = 1e-3  # of a trajectory's larger extent, what its smaller one counts at least


@dataclass(frozen=True)
class Plane:
    """Two orthonormal axes (2, N) through mean (N,); explained: each axis's share of the variance (2,), if known."""

    mean: Tensor
    axes: Tensor
    explained: Tensor | None = None

    @classmethod
    def of_units(cls, i: int, j: int, mean: Tensor) -> "Plane":
        """The plane of the states of units i and j, with its origin at mean (N,). Raises ValueError."""
        n = len(mean)
        if i == j or not (0 <= i < n and 0 <= j < n):
            raise ValueError(f"a plane needs two different units out of 0 to {n - 1}, got {i} and {j}")
        return cls(mean, torch.eye(n, dtype=mean.dtype, device=mean.device)[[i, j]])

    def project(self, states: Tensor) -> Tensor:
        """Coordinates (..., 2) of states (..., N)."""
        return (states - self.mean) @ self.axes.mT

    def through(self, at: Tensor, coordinates: Tensor) -> Tensor:
        """States (..., N) with these coordinates (..., 2) that are `at` (..., N) in all directions off the plane."""
        return at + (coordinates - self.project(at)) @ self.axes


def plane(states: Tensor) -> Plane:
    """The first two principal axes of states (..., N), of all of them together; the sign makes the largest entry > 0.

    Raises ValueError where there are fewer than two units, or states that do not vary.
    """
    flat = states.reshape(-1, states.shape[-1])
    mean = flat.mean(0)
    spread = flat - mean
    if min(flat.shape) < 2 or not spread.any():
        raise ValueError(f"principal axes need states (M, N) that vary, M and N at least 2, got {tuple(flat.shape)}")
    _, lengths, axes = torch.linalg.svd(spread, full_matrices=False)
    axes = axes[:2]
    largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    variances = lengths.square()
    return Plane(mean, axes * largest.sign(), variances[:2] / variances.sum())


@dataclass(frozen=True)
class FlowField:
    """A step of the states of a grid, per step and in the units of the states.

    grid: (n, n, 2), coordinates in `plane`; the first grows along a row, the second from row to row. velocity:
    (..., n, n, 2), projected next state minus grid point. speed: (..., n, n), its length. energy: (..., n, n), 1/2
    |F(h) - h|^2 in all directions. trajectory: (..., 2), the given one in the plane, or None.
    """

    grid: Tensor
    velocity: Tensor
    speed: Tensor
    energy: Tensor
    plane: Plane
    trajectory: Tensor | None

    @property
    def normalised(self) -> Tensor:
        """(..., n, n): the speed as a share of the field's highest, 0 where nothing moves."""
        highest = self.speed.amax((-2, -1), keepdim=True)
        return torch.where(highest > 0, self.speed / highest, 0.0)


@torch.no_grad()
def flow_field(
    step: Map,
    at: Tensor,
    plane: Plane,
    points: int = 20,
    span: tuple[float, float, float, float] | None = None,
    *,
    trajectory: Tensor | None = None,
    jacobian: Jacobian | None = None,
    subset: Tensor | None = None,
) -> FlowField:
    """One step of points x points states in the plane through `at` (N,), or through each of several (..., N).

    In directions off the plane states are as `at`. span: lowest and highest first, lowest and highest second
    coordinate; None for those of the trajectory (..., N) and a tenth more on each side. jacobian: where given, the
    step is its affine map F(at) + J (h - at). subset: the units (n,) the plane is one of; the others keep their state
    `at`, and energy is that of the subset. Raises ValueError.
    """
    units = torch.arange(at.shape[-1], device=at.device) if subset is None else subset
    if plane.axes.shape != (2, len(units)):
        raise ValueError(f"the plane's axes must have shape (2, {len(units)}), got {tuple(plane.axes.shape)}")
    path = None if trajectory is None else plane.project(trajectory[..., units])
    grid = _grid(points, _around(path) if span is None else span, plane.mean)
    before = plane.through(at[..., None, None, units], grid)
    states = at[..., None, None, :].expand(*before.shape[:-1], -1).clone()
    states[..., units] = before
    after = _after(step, jacobian, at, states)[..., units]
    velocity = plane.project(after) - grid
    energy = (after - before).square().sum(-1) / 2
    return FlowField(grid, velocity, torch.linalg.vector_norm(velocity, dim=-1), energy, plane, path)


def _after(step: Map, jacobian: Jacobian | None, at: Tensor, states: Tensor) -> Tensor:
    """Of states (..., n, n, N) the next, by the map or, with a Jacobian, by its affine map at `at` (..., N)."""
    if jacobian is None:
        return step(states.flatten(0, -2)).view(states.shape)
    flat = at.reshape(-1, at.shape[-1])
    moved = (states - at[..., None, None, :]).view(len(flat), -1, at.shape[-1]) @ jacobian(flat).mT
    return (step(flat).unsqueeze(1) + moved).view(states.shape)


def _around(path: Tensor | None) -> tuple[float, float, float, float]:
    if path is None:
        raise ValueError("a flow field needs a span (lowest, highest, lowest, highest) or a trajectory to lie around")
    flat = path.reshape(-1, 2)
    low, high = flat.amin(0), flat.amax(0)
    extent = high - low
    margin = MARGIN * extent.clamp_min(NARROWEST * float(extent.max()))
    (left, bottom), (right, top) = (low - margin).tolist(), (high + margin).tolist()
    return left, right, bottom, top


def _grid(points: int, span: tuple[float, float, float, float], like: Tensor) -> Tensor:
    left, right, bottom, top = span
    if points < 2 or not (left < right and bottom < top):
        raise ValueError(f"a grid needs two points or more and a span that rises along both axes, got {points}, {span}")
    first, second = (
        torch.linspace(*ends, points, dtype=like.dtype, device=like.device) for ends in ((left, right), (bottom, top))
    )
    return torch.stack(torch.meshgrid(first, second, indexing="xy"), -1)
