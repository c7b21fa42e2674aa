"""Flow fields: the change of the states of a plane in one step, projected onto that plane.

They follow the flow fields of mRNNTorch. The plane lies in the state space, the step is that of the whole network, and
units outside a subset keep their state.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from randomnet.analysis.linear import Jacobian, Map
from randomnet.array_arguments import takes_arrays
from randomnet.display import Brief, Displayed

MARGIN = 0.1  # margin on every side of a trajectory, relative to its extent
NARROWEST = 1e-3  # smallest extent of a trajectory along an axis, relative to its larger extent


@dataclass(frozen=True, repr=False)
class Plane(Brief):
    """A plane with origin `mean` (N,) and orthonormal axes (2, N).

    explained: share of the variance along each axis (2,), or None where unknown.
    """

    mean: Tensor
    axes: Tensor
    explained: Tensor | None = None

    @classmethod
    def of_units(cls, i: int, j: int, mean: Tensor) -> "Plane":
        """The plane of the states of units i and j with origin mean (N,). Raises ValueError for invalid units."""
        n = len(mean)
        if i == j or not (0 <= i < n and 0 <= j < n):
            raise ValueError(f"a plane needs two different units out of 0 to {n - 1}, got {i} and {j}")
        return cls(mean, torch.eye(n, dtype=mean.dtype, device=mean.device)[[i, j]])

    def project(self, states: Tensor) -> Tensor:
        """Coordinates (..., 2) of states (..., N)."""
        return (states - self.mean) @ self.axes.mT

    def embed(self, coordinates: Tensor, base: Tensor) -> Tensor:
        """States (..., N) with these coordinates (..., 2) that equal `base` (..., N) orthogonally to the plane."""
        return base + (coordinates - self.project(base)) @ self.axes


@takes_arrays
def plane(states: Tensor) -> Plane:
    """The plane of the first two principal axes of all states (..., N), with signs such that the largest entry is > 0.

    Raises ValueError for fewer than two units or states, and for constant states.

    >>> import torch
    >>> from randomnet.analysis import plane
    >>> axes = plane(torch.tensor([[0.0, 0.0, 1.0], [2.0, 0.0, 1.0], [0.0, 1.0, 1.0]]))
    >>> axes.axes.shape, round(float(axes.explained.sum()), 6)
    (torch.Size([2, 3]), 1.0)
    """
    flat = states.reshape(-1, states.shape[-1])
    mean = flat.mean(0)
    centred = flat - mean
    if min(flat.shape) < 2 or not centred.any():
        raise ValueError(f"principal axes need states (M, N) that vary, M and N at least 2, got {tuple(flat.shape)}")
    _, singular_values, axes = torch.linalg.svd(centred, full_matrices=False)
    axes = axes[:2]
    largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    variances = singular_values.square()
    return Plane(mean, axes * largest.sign(), variances[:2] / variances.sum())


@dataclass(frozen=True, repr=False)
class FlowField(Displayed):
    """The change of the states of a grid in one step, in the units of the states.

    grid: (n, n, 2), coordinates in `plane`; the first increases along rows, the second along columns. velocity:
    (..., n, n, 2), projection of the next state minus grid point. speed: (..., n, n), length of the velocity. energy:
    (..., n, n), 1/2 |F(h) - h|^2 in all directions. trajectory: (..., 2), projection of the trajectory, or None.
    """

    drawing: ClassVar[str] = "flow_field"

    grid: Tensor
    velocity: Tensor
    speed: Tensor
    energy: Tensor
    plane: Plane
    trajectory: Tensor | None

    def summary(self) -> str:
        """The grid, the number of base states, and the highest speed."""
        fields = self.speed.shape[:-2].numel()
        base = f", {fields} base states" if fields > 1 else ""
        return f"{len(self.grid)} x {self.grid.shape[1]} states{base}, speeds up to {float(self.speed.max()):.3g}"

    @property
    def normalised(self) -> Tensor:
        """(..., n, n): the speed relative to the highest speed of the field; 0 where nothing moves."""
        highest = self.speed.amax((-2, -1), keepdim=True)
        return torch.where(highest > 0, self.speed / highest, 0.0)


@takes_arrays
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
    """The flow field on a grid of points x points states in `plane`, for one base state `at` (N,) or several (..., N).

    Orthogonally to the plane states equal `at`. span: lowest and highest first coordinate, then lowest and highest
    second coordinate; None for the range of the trajectory (..., N) plus a tenth on each side. jacobian: if given, the
    step is the affine map F(at) + J (h - at). subset: the units (n,) that span the space of the plane. The others keep
    their state `at`, and the energy is that of the subset. Raises ValueError for wrong shapes and without a range.

    >>> import torch
    >>> from randomnet.analysis import Plane, flow_field
    >>> plane = Plane.of_units(0, 1, torch.zeros(3))
    >>> flow_field(lambda h: 0.5 * h, torch.zeros(3), plane, points=5, span=(-1, 1, -1, 1))
    FlowField: 5 x 5 states, speeds up to 0.707
    """
    units = torch.arange(at.shape[-1], device=at.device) if subset is None else subset
    if plane.axes.shape != (2, len(units)):
        raise ValueError(f"the plane's axes must have shape (2, {len(units)}), got {tuple(plane.axes.shape)}")
    path = None if trajectory is None else plane.project(trajectory[..., units])
    grid = _grid(points, _span_of(path) if span is None else span, plane.mean)
    before = plane.embed(grid, at[..., None, None, units])
    states = at[..., None, None, :].expand(*before.shape[:-1], -1).clone()
    states[..., units] = before
    after = _next_states(step, jacobian, at, states)[..., units]
    velocity = plane.project(after) - grid
    energy = (after - before).square().sum(-1) / 2
    return FlowField(grid, velocity, torch.linalg.vector_norm(velocity, dim=-1), energy, plane, path)


def _next_states(step: Map, jacobian: Jacobian | None, at: Tensor, states: Tensor) -> Tensor:
    """The next states of states (..., n, n, N), by the map, or by its affine approximation at `at` (..., N)."""
    if jacobian is None:
        return step(states.flatten(0, -2)).view(states.shape)
    flat = at.reshape(-1, at.shape[-1])
    deviations = (states - at[..., None, None, :]).view(len(flat), -1, at.shape[-1]) @ jacobian(flat).mT
    return (step(flat).unsqueeze(1) + deviations).view(states.shape)


def _span_of(path: Tensor | None) -> tuple[float, float, float, float]:
    """The span of a projected trajectory (..., 2) with its margin."""
    if path is None:
        raise ValueError("a flow field needs a span (lowest, highest, lowest, highest) or a trajectory, got neither")
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
