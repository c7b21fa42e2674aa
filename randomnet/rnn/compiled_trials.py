"""Steps along trials in compiled loops, with the same results and gradients as `trial_steps` up to rounding."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

import numpy as np
import torch
from torch import Tensor

from randomnet import compiled
from randomnet.activations import Activation
from randomnet.double_backward import backward_transformed
from randomnet.rnn.compiled_steps import PRECISIONS
from randomnet.rnn.couplings import Dense
from randomnet.rnn.low_rank import Coupling, LowRank
from randomnet.rnn.trial_steps import TrialRun, initial_adjoint, is_leaky

LANES = 16  # numbers; the width of rows is a multiple of it, which makes the product for the gradient faster
GROUP = 128  # rows whose contribution to the gradient is one product, at least


def trials_support(
    coupling: Coupling, activation: Activation, inputs: Tensor, precisions: AbstractSet[torch.dtype]
) -> bool:
    """Whether steps along these trials are compiled: chosen and installed, dense, one precision, on the CPU."""
    base = coupling.base if isinstance(coupling, LowRank) else coupling
    return (
        compiled.trials_selected()
        and isinstance(base, Dense)
        and activation.scalar is not None
        and activation.slope is not None
        and inputs.device.type == "cpu"
        and len(precisions) == 1
        and inputs.dtype in PRECISIONS
    )


class CompiledTrials(torch.autograd.Function):
    """As `trial_steps.TrialRun`, for J as one matrix."""

    @staticmethod
    def forward(  # noqa: ANN205
        ctx, inputs, weights, bias, initial, readout, offset, extra,
        coupling, activation, form, dt, last, cut, values,
    ):  # fmt: skip
        run = _Run(inputs, values, activation, form, dt)
        rows, fired, outputs, states = run.forward(weights, bias, initial, readout, offset, extra, last)
        ctx.save_for_backward(inputs, weights, bias, initial, readout, offset, extra, rows, fired, values)
        ctx.last, ctx.run = last, run
        ctx.settings = coupling, activation, form, dt, cut, 0 if initial is not None else 1
        ctx.set_materialize_grads(False)
        return rows[..., 1:, :, : run.n], outputs, states if last else None

    @staticmethod
    def backward(ctx, rates_bar, outputs_bar, states_bar):  # noqa: ANN205
        if backward_transformed(rates_bar, outputs_bar, states_bar):
            return TrialRun.with_graph(ctx, [rates_bar, outputs_bar, states_bar])
        _, weights, _, _, readout, _, _, rows, fired, values = ctx.saved_tensors
        _, activation, form, dt, cut, at_zero = ctx.settings
        run, needed = ctx.run, ctx.needs_input_grad
        bars, state_bar, gradient, readout_bar = run.adjoint(
            (rates_bar, outputs_bar, states_bar), (values, readout, rows, fired), bool(at_zero), cut, needed
        )
        n, end, initial_bar = run.n, run.n + run.channels, None
        if needed[3]:
            first_bar, first_rates = bars[..., 0, 0, :, :], rows[..., 0, :, :n]
            initial_bar = initial_adjoint(Dense(values), activation, form, dt, first_bar, state_bar, first_rates)
        drive_bar = bars[..., 0, :, :, :]
        return (
            (drive_bar.flatten(-3, -2) @ weights).unflatten(-2, drive_bar.shape[-3:-1]) if needed[0] else None,
            gradient[..., n:end] if needed[1] else None,
            gradient[..., end] if needed[2] else None,
            initial_bar,
            None if outputs_bar is None else readout_bar,
            None if outputs_bar is None else outputs_bar.flatten(-3, -2).sum(-2),
            drive_bar if needed[6] else None,
            *[None] * 6,
            gradient[..., :n] if needed[13] else None,
        )


class _Run:
    """The compiled loops with the sizes of a run; each run of a stack has its own call."""

    def __init__(self, inputs: Tensor, values: Tensor, activation: Activation, form: str, dt: float | Tensor) -> None:
        *lead, self.time, self.batch, self.channels = inputs.shape
        self.lead, self.n, self.is_rate, self.leaky = tuple(lead), values.shape[-1], form == "rate", is_leaky(dt)
        self.width = -(-(self.n + self.channels + 1) // LANES) * LANES
        self.inputs, self.values, self.activation = inputs, values.detach(), activation
        self.steps, self.steps_back = compiled.trial_loops(
            activation.scalar, activation.slope, values.dtype == torch.float32
        )
        self.leaks = self._empty(self.n if self.leaky else 0)
        if isinstance(dt, Tensor):
            self.leaks.copy_(dt.squeeze(-2))
        else:
            self.leaks.fill_(dt)

    def _empty(self, *shape: int) -> Tensor:
        return self.values.new_empty(*self.lead, *shape)

    def _each(self, *tensors: Tensor) -> list[tuple[np.ndarray, ...]]:
        """The tensors as contiguous arrays of each run; those to be written into are contiguous already."""
        whole = [tensor.detach().contiguous() for tensor in tensors]
        if not self.lead:
            return [tuple(tensor.numpy() for tensor in whole)]
        return [tuple(tensor[run].numpy() for tensor in whole) for run in range(self.lead[0])]

    def _or_none(self, tensor: Tensor | None, *shape: int) -> Tensor:
        """The tensor in this shape, or without entries along the first axis of it."""
        return self._empty(0, *shape[1:]) if tensor is None else tensor.expand(*self.lead, *shape)

    def forward(
        self,
        weights: Tensor,
        bias: Tensor,
        initial: Tensor | None,
        readout: Tensor,
        offset: Tensor,
        extra: Tensor | None,
        last: int,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Rows, the output of the activation in the leaky rate form, the readout, and the last states."""
        time, batch, n, end = self.time, self.batch, self.n, self.n + self.channels
        right = self.values.new_zeros(*self.lead, self.width, n)
        right[..., :n, :] = self.values.mT
        right[..., n:end, :] = weights.mT
        right[..., end, :] = bias
        rows, outputs = self._empty(time + 1, batch, self.width), self._empty(time, batch, offset.shape[-1])
        first, is_current = rows[..., 0, :, :n], not self.is_rate
        if initial is None:  # rate form only
            first.zero_()
        else:
            first.copy_(self.activation.phi(initial) if is_current else initial)
        state = initial.clone(memory_format=torch.contiguous_format) if is_current and self.leaky else None
        fired = self._empty(time if self.is_rate and self.leaky else 0, batch, n)
        states = self._empty(last, batch, n)
        arrays = self._each(right, readout, offset, self.inputs, self._or_none(extra, time, batch, n), self.leaks, rows,
                            fired, self._or_none(state, batch, n), outputs, states)  # fmt: skip
        for *given, leaks, rows_array, fired_array, state_array, outputs_array, states_array in arrays:
            self.steps(*given, leaks, self.is_rate, initial is None, rows_array, fired_array, state_array,
                       outputs_array, states_array)  # fmt: skip
        return rows, fired, outputs, states

    def adjoint(
        self,
        adjoints: tuple[Tensor | None, Tensor | None, Tensor | None],
        stored: tuple[Tensor, Tensor, Tensor, Tensor],
        at_zero: bool,
        cut: tuple[int, int],
        needed: tuple[bool, ...],
    ) -> tuple[Tensor, Tensor | None, Tensor, Tensor]:
        """Adjoints of drives and of the leaky state, the gradients of J, U and b in one matrix, and of the readout.

        The adjoints of drives are those of all steps, (..., 1, time, batch, N), where inputs or extra drives need them.
        needed: as ctx.needs_input_grad.
        """
        rates_bar, outputs_bar, states_bar = adjoints
        values, readout, rows, fired = stored
        time, batch, n = self.time, self.batch, self.n
        group = time if needed[0] or needed[6] else min(time, -(-GROUP // batch))
        bars = self._empty(1 if group == time else 2, group, batch, n)
        trained = needed[1] or needed[2] or needed[13]
        gradient = values.new_zeros(*self.lead, n if trained else 0, self.width)
        readout_bar = torch.zeros_like(readout, memory_format=torch.contiguous_format)
        state_bar = self._empty(batch, n) if self.is_rate and self.leaky else None
        last = 0 if states_bar is None else states_bar.shape[-3]
        arrays = self._each(values, readout, self._or_none(outputs_bar, time, batch, readout.shape[-2]),
                            self._or_none(rates_bar, time, batch, n), self._or_none(states_bar, last, batch, n),
                            self.leaks, rows, fired, bars, gradient, readout_bar,
                            self._empty(0, n) if state_bar is None else state_bar)  # fmt: skip
        for *given, rows_array, fired_array, bars_array, gradient_array, readout_array, state_array in arrays:
            self.steps_back(*given, self.is_rate, at_zero, *cut, rows_array, fired_array, bars_array,
                            0 if needed[13] else n, gradient_array, readout_array, state_array)  # fmt: skip
        return bars, state_bar, gradient, readout_bar
