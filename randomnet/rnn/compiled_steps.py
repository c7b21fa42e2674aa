"""Many steps of a bundle in compiled loops, with the same results and gradients as `bundle_steps` up to rounding.

The only difference beyond rounding is the direction of tangent vectors after QR: here R has a positive diagonal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from randomnet import compiled
from randomnet.double_backward import backward_transformed, plain_vjp
from randomnet.rnn.bundle_steps import Reorthonormalization, advance_plain
from randomnet.rnn.couplings import Dense, add_product
from randomnet.rnn.low_rank import Coupling, LowRank

if TYPE_CHECKING:
    from randomnet.rnn.dynamics import Dynamics

PRECISIONS = (torch.float32, torch.float64)


def compiled_supports(system: Dynamics, bundle: Tensor) -> bool:
    """Whether steps of this bundle are compiled: chosen and installed, Euler, dense, on the CPU."""
    coupling = system.coupling
    base = coupling.base if isinstance(coupling, LowRank) else coupling
    return (
        compiled.selected() == compiled.COMPILED
        and isinstance(base, Dense)
        and system.integrator == "euler"
        and system.activation.scalar is not None
        and bundle.device.type == "cpu"
        and bundle.dtype in PRECISIONS
        and bundle.dtype == base.values.dtype == system.gains.dtype
    )


def dense_values(coupling: Coupling) -> Tensor:
    """J (..., N, N), including factors; differentiable. The coupling is one that `compiled_supports`."""
    if not isinstance(coupling, LowRank):
        return coupling.parameters[0]
    return add_product(coupling.base.parameters[0], coupling.output, coupling.selection.mT, 1.0, coupling.scale)


@dataclass(frozen=True)
class Recorded:
    """Intervals of a record: the last bundle, growth (intervals, ..., k), R (intervals, ..., k, k), and max |state|.

    The norms (intervals, ...) are those of the states at the ends of the intervals. Without QR there is no R.
    """

    bundle: Tensor
    growth: Tensor
    r: Tensor
    norms: Tensor


@torch.no_grad()
def advance_compiled(
    system: Dynamics, bundle: Tensor, intervals: Sequence[int], drive: Tensor | None, growing: bool
) -> Recorded:
    """The bundle (..., 1 + k, N) after all intervals, without gradient; growing: with QR after each of them.

    drive: (steps, ..., N), (1, ..., N) for a constant, or None.
    """
    loops, stored = _Loops(system, bundle, drive, intervals, growing), min(2, sum(intervals))
    return loops.run(stored)[0]


class CompiledAdvance(torch.autograd.Function):
    """Compiled steps of a bundle in intervals, each followed by a QR where `reorthonormalization` is given.

    As `bundle_steps.Advance`, but for J as one matrix `values` (..., N, N), and a drive as in `advance_compiled`.
    """

    @staticmethod
    def forward(ctx, bundle, gains, shifts, drive, values, system, intervals, reorthonormalization):  # noqa: ANN205
        growing = reorthonormalization is not None
        loops = _Loops(system, bundle, drive, intervals, growing)
        recorded, path, inner, rs = loops.run(sum(intervals))
        ctx.save_for_backward(bundle, gains, shifts, drive, values, path, inner, rs)
        ctx.settings = system, intervals, reorthonormalization, loops
        return recorded.bundle, recorded.growth if growing else None

    @staticmethod
    def backward(ctx, adjoint, growths_bar):  # noqa: ANN205
        *inputs, path, inner, rs = ctx.saved_tensors
        system, intervals, reorthonormalization, loops = ctx.settings
        needed = ctx.needs_input_grad[:5]
        if backward_transformed(adjoint, growths_bar):

            def plain(*tensors: Tensor) -> tuple[Tensor, Tensor | None]:
                return _advance_plainly(system, intervals, reorthonormalization, *tensors)

            return *plain_vjp(plain, inputs, needed, [adjoint, growths_bar]), None, None, None
        return *loops.adjoint((path, inner, rs), adjoint, growths_bar, needed), None, None, None


def _advance_plainly(
    system: Dynamics,
    intervals: Sequence[int],
    reorthonormalization: Reorthonormalization | None,
    bundle: Tensor,
    gains: Tensor,
    shifts: Tensor,
    drive: Tensor | None,
    values: Tensor,
) -> tuple[Tensor, Tensor | None]:
    """The outputs of `CompiledAdvance` in plain operations."""
    ranges = [range(*pair) for pair in pairwise([0, *accumulate(intervals)])]
    drives = None if drive is None else drive.expand(sum(intervals), *drive.shape[1:])
    settings = system.activation, Dense(values), system.form, system.a
    positive = None if reorthonormalization is None else PositiveDiagonal(reorthonormalization)
    return advance_plain(settings, ranges, positive, bundle, gains, shifts, drives, values)


@dataclass(frozen=True)
class PositiveDiagonal:
    """A reorthonormalization whose R has a positive diagonal."""

    inner: Reorthonormalization

    def apply(self, bundle: Tensor) -> tuple[Tensor, Tensor]:
        """The bundle with new tangent vectors, and R."""
        after, r = self.inner.apply(bundle)
        signs = r.detach().diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-1)
        return torch.cat([after[..., :1, :], after[..., 1:, :] * signs], -2), r * signs

    def growth(self, r: Tensor) -> Tensor:
        """The recorded quantity of R."""
        return self.inner.growth(r)

    def vjp(self, after: Tensor, r: Tensor, after_bar: Tensor, growth_bar: Tensor) -> Tensor:
        """The adjoint of the bundle before the change."""
        return self.inner.vjp(after, r, after_bar, growth_bar)


class _Loops:
    """The compiled loops with the arrays of a system; each run of a stack has its own call."""

    def __init__(
        self, system: Dynamics, bundle: Tensor, drive: Tensor | None, intervals: Sequence[int], growing: bool
    ) -> None:
        self.forward, self.backward = compiled.loops(system.activation.scalar, system.form)
        self.system, self.lead, (self.rows, self.n) = system, bundle.shape[:-2], bundle.shape[-2:]
        self.bundle = bundle.detach().contiguous()
        self.intervals, self.growing, self.is_rate = np.asarray(intervals, np.int64), growing, system.form == "rate"
        self.like = self.bundle.new_empty
        self.stretches = system.activation.stretches
        gains, shifts = (values.detach().contiguous() for values in (system.gains, system.shifts))
        if not self.stretches:
            gains, shifts = torch.ones_like(gains), torch.zeros_like(shifts)
        self.gains, self.shifts = gains, shifts
        self.drive = self.like(*self.lead, 0, self.n)
        if drive is not None:
            self.drive = drive.detach().movedim(0, -2).contiguous()
        leaks = self.like(*self.lead, self.n)
        self.leaks = leaks.fill_(system.a) if system.leaks is None else leaks.copy_(system.leaks)
        self.keep = 1 - self.leaks

    def _each(self, *tensors: Tensor) -> list[tuple[np.ndarray, ...]]:
        """The tensors as arrays of each run, without copies; the leading axes of all are those of the stack."""
        if not self.lead:
            return [tuple(tensor.numpy() for tensor in tensors)]
        return [tuple(tensor[run].numpy() for tensor in tensors) for run in range(self.lead[0])]

    def run(self, stored: int) -> tuple[Recorded, Tensor, Tensor, Tensor]:
        """The record, the path (..., stored, 1 + k, N), the products in the rate form, and R of the intervals."""
        lead, rows, n, count, k = self.lead, self.rows, self.n, len(self.intervals), self.rows - 1
        path = self.like(*lead, stored, rows, n)
        inner = self.like(*lead, stored if self.is_rate else 0, rows, n)
        rs = self.like(*lead, count if self.growing else 0, k, k)
        growths, norms = self.like(*lead, count, k), self.bundle.new_zeros(*lead, count)
        transposed = self.system.compiled_weights[1]
        after = torch.empty_like(self.bundle)
        arrays = self._each(self.bundle, transposed, self.gains, self.shifts, self.drive, self.keep, self.leaks, path,
                            inner, rs, growths, norms, after)  # fmt: skip
        for *inputs, path_array, products, r, growth, norm, last in arrays:
            middle = (path_array, products) if self.is_rate else (path_array,)
            last[:] = self.forward(*inputs, self.intervals, self.growing, *middle, r, growth, norm)
        kept = [values.movedim(len(lead), 0) for values in (growths, rs, norms)]
        return Recorded(after, *kept), path, inner, rs

    def adjoint(
        self, stored: tuple[Tensor, Tensor, Tensor], adjoint: Tensor, growths_bar: Tensor | None, needed: Sequence[bool]
    ) -> tuple[Tensor | None, ...]:
        """The adjoints of bundle, gains, shifts, drive and J, None where not needed."""
        lead, n, zeros = self.lead, self.n, self.bundle.new_zeros
        path, inner, rs = stored
        bundle_bar = adjoint.detach().clone(memory_format=torch.contiguous_format)
        growth = self.like(*lead, 0, 0) if growths_bar is None else growths_bar.movedim(0, len(lead)).contiguous()
        gains_bar, shifts_bar = torch.zeros_like(self.gains), torch.zeros_like(self.shifts)
        drive_bar = zeros(*lead, self.drive.shape[-2] if needed[3] else 0, n)
        values_bar = zeros(*lead, n if needed[4] else 0, n)
        arrays = self._each(self.bundle, self.system.compiled_weights[0], self.gains, self.shifts, self.keep,
                            self.leaks, path, inner, rs, bundle_bar, growth, gains_bar, shifts_bar, drive_bar,
                            values_bar)  # fmt: skip
        for *inputs, path_array, products, r, first, growth_array, g, s, d, w in arrays:
            middle = (path_array, products) if self.is_rate else (path_array,)
            self.backward(*inputs, self.intervals, self.growing, *middle, r, first, growth_array, g, s, d, w)
        if needed[4] and not self.is_rate:
            values_bar *= self.leaks.unsqueeze(-1)
        if not self.stretches:
            gains_bar, shifts_bar = torch.zeros_like(gains_bar), torch.zeros_like(shifts_bar)
        return (
            bundle_bar,
            gains_bar,
            shifts_bar,
            drive_bar.movedim(-2, 0) if needed[3] else None,
            values_bar if needed[4] else None,
        )
