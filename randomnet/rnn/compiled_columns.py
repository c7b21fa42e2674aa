"""Many steps in compiled loops for sparse couplings and Runge-Kutta steps, as `compiled_steps` for other networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from randomnet import compiled
from randomnet.double_backward import backward_transformed, plain_vjp
from randomnet.integration import runge_kutta
from randomnet.rnn.bundle_steps import Reorthonormalization, advance_plain
from randomnet.rnn.compiled_steps import PRECISIONS, PositiveDiagonal, Recorded, dense_values
from randomnet.rnn.couplings import Dense
from randomnet.rnn.low_rank import Coupling, LowRank, Unconnected

if TYPE_CHECKING:
    from randomnet.rnn.dynamics import Dynamics

LANES = 4  # the width of a bundle with tangent vectors is a multiple of it
SHARED = 2**19  # multiplications of a product from which on threads share it
WEIGHTS, OUTPUT, SELECTION = range(3)

Arrays = tuple[np.ndarray, ...]


def columns_support(system: Dynamics, bundle: Tensor) -> bool:
    """Whether steps of this bundle are compiled in columns: chosen and installed, sparse or Runge-Kutta, on the CPU."""
    base = _base(system.coupling)
    return (
        compiled.selected() == compiled.COMPILED
        and (system.integrator == "rk4" or not isinstance(base, Dense))
        and system.activation.scalar is not None
        and bundle.device.type == "cpu"
        and bundle.ndim == 2
        and bundle.dtype in PRECISIONS
        and {values.dtype for values in (*system.coupling.parameters, system.gains)} == {bundle.dtype}
    )


def _base(coupling: Coupling) -> Coupling:
    return coupling.base if isinstance(coupling, LowRank) else coupling


def coupling_parameters(coupling: Coupling) -> tuple[Tensor, ...]:
    """What receives gradients: J as one matrix for a dense coupling, and the parameters of any other."""
    return (dense_values(coupling),) if isinstance(_base(coupling), Dense) else coupling.parameters


def _slots(coupling: Coupling) -> list[int]:
    """Where `coupling_parameters` are among the arrays with gradients: WEIGHTS, OUTPUT and SELECTION."""
    base = _base(coupling)
    weights = [] if isinstance(base, Unconnected) else [WEIGHTS]
    return [*weights, OUTPUT, SELECTION] if isinstance(coupling, LowRank) and not isinstance(base, Dense) else weights


@torch.no_grad()
def arrays_of(system: Dynamics, transposed: bool) -> Arrays:
    """The coupling or its transpose as `compiled.products` has it: diag(a) J in the current form, or J."""
    scale = torch.as_tensor(system.a, dtype=system.gains.dtype)
    coupling = system.coupling
    if system.form == "current":
        coupling = coupling.scale_rows(scale.expand_as(system.gains).unsqueeze(-1))
    base, n = _base(coupling), len(system.gains)
    if isinstance(base, Dense):
        values = dense_values(coupling)
        return ((values.mT if transposed else values).detach().contiguous().numpy(),)
    factors = [system.gains.new_empty(n, 0).numpy()] * 2
    if isinstance(coupling, LowRank):
        pair = coupling.output.detach() * coupling.scale, coupling.selection.detach().contiguous()
        factors = [values.numpy() for values in pair]
    edges = _no_edges(system.gains) if isinstance(base, Unconnected) else _edges(base, transposed)
    return *edges, *(reversed(factors) if transposed else factors)


def _edges(base: Coupling, transposed: bool) -> Arrays:
    """Begins, columns and values of J or its transpose; positions are unsigned, which spares a test of their sign."""
    pattern, values = base.pattern, base.values.detach()
    positions = pattern.begin, pattern.index
    if transposed:
        *positions, order = pattern.transposed
        values = values[order]
    unsigned = [places.numpy().view(np.uint32 if places.dtype == torch.int32 else np.uint64) for places in positions]
    return *unsigned, values.contiguous().numpy()


def _no_edges(like: Tensor) -> Arrays:
    return np.zeros(len(like) + 1, np.uint32), np.zeros(0, np.uint32), like.new_empty(0).numpy()


@torch.no_grad()
def advance_columns(
    system: Dynamics, bundle: Tensor, intervals: Sequence[int], drive: Tensor | None, growing: bool
) -> Recorded:
    """As `compiled_steps.advance_compiled`."""
    return _Columns(system, bundle, drive, intervals, growing).run(differentiable=False)[0]


class ColumnAdvance(torch.autograd.Function):
    """As `compiled_steps.CompiledAdvance`, with the parameters of the coupling as `coupling_parameters` has them."""

    @staticmethod
    def forward(ctx, bundle, gains, shifts, drive, system, intervals, reorthonormalization, *parameters):  # noqa: ANN205
        growing = reorthonormalization is not None
        columns = _Columns(system, bundle, drive, intervals, growing)
        recorded, *path_and_products = columns.run(differentiable=True)
        ctx.save_for_backward(bundle, gains, shifts, drive, *parameters, *path_and_products)
        ctx.settings = system, intervals, reorthonormalization
        return recorded.bundle, recorded.growth if growing else None

    @staticmethod
    def backward(ctx, adjoint, growths_bar):  # noqa: ANN205
        *inputs, path, stored, rs = ctx.saved_tensors
        system, intervals, reorthonormalization = ctx.settings
        needed = [*ctx.needs_input_grad[:4], *ctx.needs_input_grad[7:]]
        if backward_transformed(adjoint, growths_bar):
            plain = partial(_advance_plainly, system, intervals, reorthonormalization)
            gradients = plain_vjp(plain, inputs, needed, [adjoint, growths_bar])
        else:
            columns = _Columns(system, inputs[0], inputs[3], intervals, reorthonormalization is not None)
            gradients = columns.adjoint((path, stored, rs), adjoint, growths_bar, needed)
        return *gradients[:4], None, None, None, *gradients[4:]


def _advance_plainly(
    system: Dynamics,
    intervals: Sequence[int],
    reorthonormalization: Reorthonormalization | None,
    bundle: Tensor,
    gains: Tensor,
    shifts: Tensor,
    drive: Tensor | None,
    *parameters: Tensor,
) -> tuple[Tensor, Tensor | None]:
    """The outputs of `ColumnAdvance` in plain operations."""
    coupling = Dense(*parameters) if isinstance(_base(system.coupling), Dense) else system.coupling
    drives = None if drive is None else drive.expand(sum(intervals), *drive.shape[1:])
    positive = None if reorthonormalization is None else PositiveDiagonal(reorthonormalization)
    ranges = [range(*pair) for pair in pairwise([0, *accumulate(intervals)])]
    if system.integrator == "euler":
        settings = system.activation, coupling, system.form, system.a
        return advance_plain(settings, ranges, positive, bundle, gains, shifts, drives, *parameters)
    settings, growths = (system.activation, coupling, system.form, 1.0), []
    for steps in ranges:
        for step in steps:
            current = None if drives is None else drives[step : step + 1]

            def velocity(rows: Tensor, current: Tensor | None = current) -> Tensor:
                target, _ = advance_plain(settings, [range(1)], None, rows, gains, shifts, current, *parameters)
                return system.per_unit_time(target - rows)

            bundle = runge_kutta(velocity, bundle, system.dt)
        if positive is not None:
            bundle, r = positive.apply(bundle)
            growths.append(positive.growth(r))
    return bundle, torch.stack(growths) if growths else None


def bare_products(system: Dynamics, rows: int, backward: bool) -> Callable[[], None] | None:
    """A function with the products of one step for a bundle (rows, N), and no more; None where none is in columns.

    backward: also the product with the transpose.
    """
    if not columns_support(system, system.gains.new_empty(rows, len(system.gains))):
        return None
    factors = [system.column_coupling, *([system.column_transpose] if backward else [])]
    x = np.ones((len(system.gains), _width(rows)), factors[0][-1].dtype)
    multiply, out = compiled.product(_threads(system, rows)), np.empty_like(x)

    def multiply_all() -> None:
        for factor in factors:
            multiply(factor, x, out)

    return multiply_all


def _width(rows: int) -> int:
    """The number of columns for a bundle (rows, N)."""
    return 1 if rows == 1 else -(-rows // LANES) * LANES


def _threads(system: Dynamics, rows: int) -> int:
    """The number of threads for products with a bundle (rows, N)."""
    return torch.get_num_threads() if system.multiplications // system.stages * rows >= SHARED else 1


class _Columns:
    """The compiled loops with the arrays of a system."""

    def __init__(
        self, system: Dynamics, bundle: Tensor, drive: Tensor | None, intervals: Sequence[int], growing: bool
    ) -> None:
        self.system, self.bundle, self.growing = system, bundle.detach(), growing
        self.rows, self.n = bundle.shape
        self.width = _width(self.rows)
        self.forward, self.backward = compiled.column_loops(system.activation.scalar, _threads(system, self.rows))
        self.intervals, self.is_rate = np.asarray(intervals, np.int64), system.form == "rate"
        self.stretches = system.activation.stretches
        gains, shifts = (values.detach().contiguous() for values in (system.gains, system.shifts))
        if not self.stretches:
            gains, shifts = torch.ones_like(gains), torch.zeros_like(shifts)
        self.drive = bundle.new_zeros(1, self.n) if drive is None else drive.detach().contiguous()
        leaks = torch.as_tensor(system.a, dtype=bundle.dtype).expand(self.n).contiguous()
        self.gains, self.shifts, self.leaks = gains, shifts, leaks
        self.unit_arrays = gains.numpy(), shifts.numpy(), leaks.numpy()

    def _in_columns(self, rows: Tensor) -> Tensor:
        """A bundle (1 + k, N) as (N, width), with zeros in columns that are not used."""
        columns = rows.new_zeros(self.n, self.width)
        columns[:, : self.rows] = rows.mT
        return columns

    def _in_rows(self, columns: Tensor) -> Tensor:
        return columns[..., : self.rows].mT

    def run(self, differentiable: bool) -> tuple[Recorded, Tensor, Tensor, Tensor]:
        """The record, and what the adjoint needs: the path, the products in the rate form, and R of the intervals."""
        stages, steps, count, k = self.system.stages, int(self.intervals.sum()), len(self.intervals), self.rows - 1
        empty = self.bundle.new_empty
        path = empty(steps * stages + 1 if differentiable else max(2, stages), self.n, self.width)
        path[0] = self._in_columns(self.bundle)
        stored = empty(steps * stages if differentiable and self.is_rate else 0, self.n, self.width)
        rs = empty(count if self.growing else 0, k, k)
        growths, norms = empty(count, k), self.bundle.new_zeros(count)
        gains, shifts, leaks = self.unit_arrays
        last = self.forward(self.system.column_coupling, gains, shifts, self.drive.numpy(), leaks, self.intervals,
                            self.growing, self.is_rate, stages, path.numpy(), stored.numpy(), rs.numpy(),
                            growths.numpy(), norms.numpy())  # fmt: skip
        after = self._in_rows(torch.from_numpy(last))
        return Recorded(after.clone() if differentiable else after, growths, rs, norms), path, stored, rs

    def adjoint(
        self, run: tuple[Tensor, Tensor, Tensor], adjoint: Tensor, growths_bar: Tensor | None, needed: Sequence[bool]
    ) -> tuple[Tensor | None, ...]:
        """The adjoints of bundle, gains, shifts, drive and the parameters of the coupling, None where not needed."""
        path, stored, rs = (tensor.numpy() for tensor in run)
        zeros, empty = self.bundle.new_zeros, self.bundle.new_empty
        growth = empty(0, 0) if growths_bar is None else growths_bar.detach().contiguous()
        gains_bar, shifts_bar = torch.zeros_like(self.gains), torch.zeros_like(self.shifts)
        drive_bar = zeros(len(self.drive) if needed[3] else 0, self.n)
        coupling, transposed = self.system.column_coupling, self.system.column_transpose
        shapes = [array.shape for array in (coupling if len(coupling) == 1 else coupling[2:])]
        slots = _slots(self.system.coupling)
        trained = {slot for slot, is_needed in zip(slots, needed[4:], strict=True) if is_needed}
        gradients = [zeros(len_of if slot in trained else 0, *others) for slot, (len_of, *others) in enumerate(shapes)]
        gains, shifts, leaks = self.unit_arrays
        bar = self.backward(coupling, transposed, gains, shifts, leaks, self.intervals, self.growing, self.is_rate,
                            bool(trained), self.system.stages, path, stored, rs,
                            self._in_columns(adjoint.detach()).numpy(), growth.numpy(),
                            tuple(gradient.numpy() for gradient in gradients), drive_bar.numpy(), gains_bar.numpy(),
                            shifts_bar.numpy())  # fmt: skip
        if not self.stretches:
            gains_bar, shifts_bar = torch.zeros_like(gains_bar), torch.zeros_like(shifts_bar)
        return (
            self._in_rows(torch.from_numpy(bar)),
            gains_bar,
            shifts_bar,
            drive_bar if needed[3] else None,
            *(self._unscaled(slot, gradients[slot]) if slot in trained else None for slot in slots),
        )

    def _unscaled(self, slot: int, gradient: Tensor) -> Tensor:
        """The gradient of a parameter, from that of the array of the coupling that contains it."""
        coupling = self.system.coupling
        if slot == OUTPUT:
            gradient = gradient * coupling.scale
        if self.is_rate or slot == SELECTION:
            return gradient
        is_edges = gradient.ndim == 1
        return gradient * (self.leaks[_base(coupling).pattern.post] if is_edges else self.leaks.unsqueeze(-1))
