"""The network: signed weights on the edges that exist, gains and shifts by group, one equation in two forms.

    current:  h <- (1-a) h + a J phi(h)        tangent  d <- (1-a) d + a J (phi'(h) * d)
    rate:     r <- (1-a) r + a phi(J r)        tangent  d <- (1-a) d + a phi'(J r) * (J d)

with a = dt/tau, tau = 1 and phi(x) = phi(gain (x - shift)). State and tangent vectors advance together as one bundle
(..., 1 + k, N): row 0 is the state, the others are tangent vectors, so that one matrix product moves them all and no
N x N Jacobian is ever formed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from randomnet.activations import ACTIVATIONS, Activation
from randomnet.connectome import Connectome

FORMS = ("current", "rate")


class Entries(nn.Module):
    """A vector of which the entries `moving` are a trainable parameter (`free`) and the others cannot change.

    With `signs` (+1 or -1 per entry) what is trained are magnitudes: an entry is sign times magnitude, and `project`
    keeps magnitudes from falling below zero.
    """

    def __init__(self, values: Tensor, moving: Tensor | None, signs: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("start", values if signs is None else values * signs)
        self.register_buffer("signs", signs)
        everything = moving is not None and len(moving) == len(values)
        self.register_buffer("moving", None if everything else moving)
        self.free = None if moving is None else nn.Parameter(self.start[moving].clone())

    def forward(self) -> Tensor:
        """All entries, differentiable in those that move."""
        values = self.start
        if self.free is not None:
            values = self.free if self.moving is None else values.index_put((self.moving,), self.free)
        return values if self.signs is None else values * self.signs

    @torch.no_grad()
    def project(self) -> None:
        """Bring magnitudes that a step took below zero back to zero."""
        if self.free is not None and self.signs is not None:
            self.free.clamp_(min=0)

    @torch.no_grad()
    def assign(self, values: Tensor) -> None:
        """Set all entries, fixed ones too. Raises ValueError for another shape, or another sign where it is kept."""
        if values.shape != self.start.shape:
            raise ValueError(f"expected {tuple(self.start.shape)} entries, got {tuple(values.shape)}")
        values = values.to(self.start)
        if self.signs is not None:
            values = values * self.signs
            if bool((values < 0).any()):
                raise ValueError(f"expected the signs that are kept, got {int((values < 0).sum())} of the other sign")
        self.start.copy_(values)
        if self.free is not None:
            self.free.copy_(values if self.moving is None else values[self.moving])


class Network(nn.Module):
    """A recurrent network on a connectome.

    groups: index of each neuron's gain and shift (N,), or None for one per neuron. moving: name (weights, gains,
    shifts) -> indices of the entries that may be trained; a name left out is fixed. keep_signs: training keeps the sign
    each edge starts with. Edges that do not exist have no parameter, so nothing can create them.
    """

    def __init__(
        self,
        connectome: Connectome,
        *,
        activation: str = "tanh_positive",
        form: str = "current",
        dt: float = 0.1,
        groups: np.ndarray | None = None,
        moving: Mapping[str, np.ndarray] | None = None,
        keep_signs: bool = True,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {activation!r}")
        if form not in FORMS:
            raise ValueError(f"form must be one of {', '.join(FORMS)}, got {form!r}")
        if not 0 < dt <= 1:
            raise ValueError(f"dt must lie in (0, 1], got {dt}")
        groups = np.arange(connectome.n) if groups is None else np.asarray(groups)
        if groups.shape != (connectome.n,):
            raise ValueError(f"groups must have shape ({connectome.n},), got {groups.shape}")
        self.activation: Activation = ACTIVATIONS[activation]
        self.form, self.dt, self.n = form, dt, connectome.n
        self.register_buffer("edges", torch.from_numpy(connectome.post * connectome.n + connectome.pre))
        self.register_buffer("groups", torch.from_numpy(groups.astype(np.int64)))
        count = int(groups.max()) + 1
        sizes = {"weights": len(connectome.weights), "gains": count, "shifts": count}
        chosen = {name: _indices(name, index, sizes) for name, index in (moving or {}).items()}
        weights = torch.as_tensor(connectome.weights, dtype=dtype)
        signs = torch.where(weights < 0, -1.0, 1.0).to(dtype) if keep_signs else None
        self.weights = Entries(weights, chosen.get("weights"), signs)
        self.gains = Entries(torch.ones(count, dtype=dtype), chosen.get("gains"))
        self.shifts = Entries(torch.zeros(count, dtype=dtype), chosen.get("shifts"))

    def matrix(self) -> Tensor:
        """J[post, pre], (N, N), differentiable in the weights."""
        weights = self.weights()
        flat = torch.zeros(self.n * self.n, dtype=weights.dtype, device=weights.device)
        return flat.index_put((self.edges,), weights).view(self.n, self.n)

    def dynamics(self) -> "Dynamics":
        """The network with its present parameters as a dynamical system; build it once per epoch."""
        matrix = self.matrix()
        return Dynamics(
            matrix,
            matrix.mT.contiguous(),
            self.gains()[self.groups],
            self.shifts()[self.groups],
            self.activation,
            self.form,
            self.dt,
        )

    def project(self) -> None:
        """Keep the signs after an optimiser's step."""
        self.weights.project()

    def values(self) -> dict[str, Tensor]:
        """Copies of all weights (E,), gains and shifts (groups,)."""
        return {name: getattr(self, name)().detach().clone() for name in ("weights", "gains", "shifts")}

    def assign(self, values: Mapping[str, Tensor]) -> None:
        """Set weights, gains and shifts from `values()` of a network of the same shape. Raises ValueError."""
        for name in ("weights", "gains", "shifts"):
            try:
                getattr(self, name).assign(values[name])
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None

    def description(self) -> dict[str, Any]:
        """Everything but the values, as tensors and plain values: with them, all that is needed to rebuild it."""
        return {
            "n": self.n,
            "edges": self.edges,
            "groups": self.groups,
            "activation": self.activation.name,
            "form": self.form,
            "dt": self.dt,
        }


def _indices(name: str, index: np.ndarray, sizes: Mapping[str, int]) -> Tensor:
    """Sorted indices of the entries that move. Raises ValueError where they cannot be meant."""
    if name not in sizes:
        raise ValueError(f"moving must name some of {', '.join(sizes)}, got {name!r}")
    found = np.unique(index)
    if len(found) < np.size(index) or (len(found) and not 0 <= found[0] <= found[-1] < sizes[name]):
        raise ValueError(f"moving[{name!r}] must be different indices in 0..{sizes[name] - 1}, got {index}")
    return torch.from_numpy(found.astype(np.int64))


@dataclass(frozen=True)
class Dynamics:
    """One step of a network and its tangent: what spectra are computed from.

    matrix J[post, pre] (N, N); transposed its transpose, contiguous (products with it are faster); gains, shifts (N,).
    """

    matrix: Tensor
    transposed: Tensor
    gains: Tensor
    shifts: Tensor
    activation: Activation
    form: str
    dt: float

    def step(self, state: Tensor) -> Tensor:
        """One step of states (..., N)."""
        if self.form == "current":
            drive = self.activation(state, self.gains, self.shifts)[0] @ self.matrix.mT
        else:
            drive = self.activation(state @ self.matrix.mT, self.gains, self.shifts)[0]
        return (1 - self.dt) * state + self.dt * drive

    def tangent(self, state: Tensor, frame: Tensor) -> Tensor:
        """The step's exact derivative at `state` (N,), applied to tangent vectors (k, N)."""
        if self.form == "current":
            slope = self.activation(state, self.gains, self.shifts)[1]
            drive = (slope * frame) @ self.matrix.mT
        else:
            slope = self.activation(state @ self.matrix.mT, self.gains, self.shifts)[1]
            drive = slope * (frame @ self.matrix.mT)
        return (1 - self.dt) * frame + self.dt * drive

    def advance(self, bundle: Tensor, steps: int) -> Tensor:
        """State and tangent vectors (1 + k, N) moved on by `steps`, differentiable in bundle and parameters."""
        if torch.is_grad_enabled():
            return _Advance.apply(bundle, self.matrix, self.gains, self.shifts, self, steps)
        buffers = torch.empty_like(bundle), torch.empty_like(bundle)
        inner = torch.empty_like(bundle)
        for step in range(steps):
            bundle = self.march(bundle, inner, buffers[step % 2])
        return bundle

    def march(self, bundle: Tensor, inner: Tensor, after: Tensor) -> Tensor:
        """One step of the bundle into `after`; `inner` receives what enters (current) or leaves (rate) the matrix."""
        if self.form == "current":
            rates, slope = self.activation(bundle[0], self.gains, self.shifts)
            torch.mul(bundle, slope, out=inner)
            inner[0] = rates
            return torch.addmm(bundle, inner, self.transposed, beta=1 - self.dt, alpha=self.dt, out=after)
        torch.mm(bundle, self.transposed, out=inner)
        rates, slope = self.activation(inner[0], self.gains, self.shifts)
        torch.mul(inner, slope, out=after)
        after[0] = rates
        return after.mul_(self.dt).add_(bundle, alpha=1 - self.dt)


class _Advance(torch.autograd.Function):
    """`steps` steps of the bundle, with the adjoint written out.

    The forward pass keeps the path, the backward pass needs one product with J per step, and one more for the gradient
    of J.
    """

    @staticmethod
    def forward(ctx, bundle, matrix, gains, shifts, system, steps):  # noqa: ANN205
        # what enters or leaves the matrix is needed again only by some gradients
        kept = steps if system.form == "rate" or ctx.needs_input_grad[1] else 1
        path, inner = bundle.new_empty(steps, *bundle.shape), bundle.new_empty(kept, *bundle.shape)
        now = bundle
        for step in range(steps):
            now = system.march(now, inner[step % kept], path[step])
        ctx.save_for_backward(bundle, path, inner, matrix, gains, shifts)
        ctx.settings = system.activation, system.form, system.dt, steps
        return now

    @staticmethod
    @once_differentiable
    def backward(ctx, adjoint):  # noqa: ANN205
        bundle, path, inner, matrix, gains, shifts = ctx.saved_tensors
        activation, form, dt, steps = ctx.settings
        x = torch.cat([bundle[:1], path[:-1, 0]]) if form == "current" else inner[:, 0]
        slopes, bends = activation(x, gains, shifts)[1], activation.bends(x, gains, shifts)
        rates_bar, slopes_bar = torch.empty_like(slopes), torch.empty_like(slopes)
        matrix_bar = torch.zeros_like(matrix) if ctx.needs_input_grad[1] else None
        held, *buffers = (torch.empty_like(adjoint) for _ in range(3))
        for step in reversed(range(steps)):
            now, at_matrix = path[step - 1] if step else bundle, inner[step % len(inner)]
            buffer = buffers[step % 2]  # the other one holds the adjoint
            if form == "current":
                if matrix_bar is not None:
                    matrix_bar.addmm_(adjoint.mT, at_matrix, alpha=dt)
                torch.mm(adjoint, matrix, out=buffer).mul_(dt)
                rates_bar[step] = buffer[0]
                torch.sum(torch.mul(buffer, now, out=held)[1:], 0, out=slopes_bar[step])
                buffer *= slopes[step]
                buffer[0].addcmul_(slopes_bar[step], bends[step])
                adjoint = buffer.add_(adjoint, alpha=1 - dt)
            else:
                torch.mul(adjoint[0], dt, out=rates_bar[step])
                torch.sum(torch.mul(adjoint, at_matrix, out=held)[1:], 0, out=slopes_bar[step]).mul_(dt)
                torch.mul(adjoint, slopes[step] * dt, out=held)
                held[0].addcmul_(slopes_bar[step], bends[step])
                if matrix_bar is not None:
                    matrix_bar.addmm_(held.mT, now)
                adjoint = torch.addmm(adjoint, held, matrix, beta=1 - dt, out=buffer)
        gains_bar, shifts_bar = activation.parameter_gradients(x, gains, shifts, rates_bar, slopes_bar)
        return adjoint, matrix_bar, gains_bar, shifts_bar, None, None
