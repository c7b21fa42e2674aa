"""Rates and readout of a network along trials."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from randomnet.double_backward import backward_transformed, plain_vjp, transforms_active
from randomnet.rnn.compiled_steps import dense_values
from randomnet.rnn.compiled_trials import CompiledTrials, trials_support
from randomnet.rnn.couplings import Dense
from randomnet.rnn.dynamics import Dynamics
from randomnet.rnn.low_rank import Coupling
from randomnet.rnn.trial_steps import TrialRun, run_plain


def run_trials(
    system: Dynamics,
    interface: Mapping[str, Tensor],
    inputs: Tensor,
    initial: Tensor | None = None,
    *,
    extra: Tensor | None = None,
    leaks: Tensor | None = None,
    last: int = 0,
    truncate: int = 0,
) -> tuple[Tensor, ...]:
    """Rates (time, batch, N) after each step of inputs (time, batch, channels), and readout (time, batch, outputs).

    All arguments may have a leading axis of runs, as in `Dynamics`. interface: tensors by name, as in `Network`. The
    drive U x + b has the same factor dt as the recurrent term; b is the sum of the interface biases and the system's
    drive. initial: state (batch, N), None for 0. extra: (time, batch, N), an additional drive such as noise. leaks: the
    step size a of each unit (N,), in place of the system's own. last: the number of final states to
    return too, as a third tensor (last, batch, N); gains must not be 0 then. In the rate form states are the rates.

    truncate: the gradient through the state is cut after every `truncate` steps; 0 = never. In the current form the cut
    is at g (h - s), so it also cuts gradients of gains g and shifts s. Differentiable in everything; gradients of leaks
    take longer. Raises ValueError for another integrator than "euler".
    """
    driver = _driver(system, interface, leaks)
    rates, outputs, states = driver.run(inputs, driver.initial_state(inputs, initial), extra, last, (truncate, 0))
    if not last:
        return rates, outputs
    return rates, outputs, driver.scaling.invert(states) if driver.scaling else states


def with_input(system: Dynamics, interface: Mapping[str, Tensor] | nn.ParameterDict, x: Tensor) -> Dynamics:
    """The system under constant input x (..., channels). Its own drive must not be None; see `Network.autonomous`."""
    return replace(system, drive=system.drive + x.to(system.drive) @ interface["input_weights"].mT)


def trial_readout(
    system: Dynamics,
    interface: Mapping[str, Tensor],
    inputs: Tensor,
    extra: Callable[[int, int], Tensor] | None = None,
    *,
    truncate: int = 0,
    segment: int = 0,
) -> Tensor:
    """The readout of `run_trials` from the state 0, with checkpoints every `segment` steps to save memory (0 = none).

    The backward pass recomputes each segment; inputs receive no gradient then. extra(start, stop): the additional drive
    of these steps. It must return the same values at every call; the first calls are in temporal order.
    """
    time = inputs.shape[-3]
    if not 0 < segment < time:
        whole = None if extra is None else extra(0, time)
        return run_trials(system, interface, inputs, extra=whole, truncate=truncate)[1]
    driver = _driver(system, interface, None)
    if transforms_active():
        return driver.run(inputs, driver.initial_state(inputs, None), extra and extra(0, time), 0, (truncate, 0))[1]
    initial = driver.initial_state(inputs, None)
    return _SegmentedReadout.apply(driver, inputs, extra, truncate, segment, initial, *driver.tensors)


@dataclass(frozen=True)
class _Scaling:
    """The change of variable u = g (x - s), after which phi(u) has no gain and shift."""

    gains: Tensor
    shifts: Tensor

    def apply(self, states: Tensor) -> Tensor:
        """u for states x (..., batch, N)."""
        return self.gains.unsqueeze(-2) * (states - self.shifts.unsqueeze(-2))

    def invert(self, states: Tensor) -> Tensor:
        """x for scaled states u (..., last, batch, N)."""
        return states / self.gains[..., None, None, :] + self.shifts[..., None, None, :]


@dataclass(frozen=True)
class _Driver:
    """A network and its interface, with gains and shifts absorbed into the weights.

    scaling: the change of variable of the states in the current form, None where gains and shifts have no effect.
    """

    system: Dynamics
    coupling: Coupling
    weights: Tensor
    bias: Tensor
    readout: tuple[Tensor, Tensor]
    step: float | Tensor
    scaling: _Scaling | None

    def initial_state(self, inputs: Tensor, initial: Tensor | None) -> Tensor | None:
        """The initial state for `run`, from that of `run_trials`: (batch, N), or None for 0."""
        if self.system.form == "current" and initial is None:
            initial = torch.zeros_like(self.bias).unsqueeze(-2)
        if self.scaling and initial is not None:
            initial = self.scaling.apply(initial)
        return None if initial is None else initial.expand(*inputs.shape[:-3], inputs.shape[-2], -1)

    def _chosen_run(self, inputs: Tensor) -> Callable[..., tuple[Tensor, Tensor, Tensor | None]]:
        """How steps are computed: in plain operations, in compiled loops, or by torch with a hand-written adjoint."""
        if transforms_active() or (isinstance(self.step, Tensor) and self.step.requires_grad):
            return run_plain
        activation, dtypes = self.system.activation, {tensor.dtype for tensor in (inputs, *self.tensors)}
        return CompiledTrials.apply if trials_support(self.coupling, activation, inputs, dtypes) else TrialRun.apply

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The tensors that receive gradients."""
        return (self.weights, self.bias, *self.readout, self.system.gains, *self.coupling.parameters)

    def run(
        self,
        inputs: Tensor,
        initial: Tensor | None,
        extra: Tensor | None,
        last: int,
        cut: tuple[int, int],
        tensors: Sequence[Tensor] | None = None,
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Rates, readout and the last (scaled) states.

        cut: as in `TrialRun`. tensors: copies of `self.tensors` that receive the gradients instead, or None.
        """
        weights, bias, readout, offset, gains, *parameters = self.tensors if tensors is None else tensors
        current = self.system.form == "current"
        if extra is not None and self.system.activation.stretches:
            extra = gains[..., None, None, :] * extra
        tensors = inputs, weights, bias, initial, readout, offset, extra
        coupling, run = self.coupling, self._chosen_run(inputs)
        if run == CompiledTrials.apply:
            coupling = Dense(dense_values(coupling.with_parameters(parameters)))
            parameters = [coupling.values]
        settings = coupling, self.system.activation, self.system.form, self.step, last * current, cut
        rates, outputs, states = run(*tensors, *settings, *parameters)
        return rates, outputs, states if current or not last else rates[..., -last:, :, :]


def _driver(system: Dynamics, interface: Mapping[str, Tensor], leaks: Tensor | None) -> _Driver:
    if system.integrator != "euler":
        raise ValueError(f"trials with inputs need integrator 'euler', got {system.integrator!r}")
    coupling, weights = system.coupling, interface["input_weights"]
    bias = interface["input_bias"] + interface["recurrent_bias"]
    if system.drive is not None:
        bias = bias + system.drive
    scaling = None
    if system.activation.stretches:
        gains = system.gains.unsqueeze(-1)
        coupling, weights, bias = coupling.scale_rows(gains), gains * weights, system.gains * (bias - system.shifts)
        if system.form == "current":
            scaling = _Scaling(system.gains, system.shifts)
    leaks = system.leaks if leaks is None else leaks
    step = system.dt if leaks is None else leaks.unsqueeze(-2)
    readout = interface["readout_weights"], interface["readout_bias"]
    return _Driver(system, coupling, weights, bias, readout, step, scaling)


class _SegmentedReadout(torch.autograd.Function):
    """The readout of `_Driver.run`. Only the states between segments are stored, and segments are recomputed."""

    @staticmethod
    def forward(ctx, driver, inputs, extra, truncate, segment, initial, *tensors):  # noqa: ANN205
        def run_segment(start, before, tensors):  # noqa: ANN202
            stop = min(start + segment, inputs.shape[-3])
            noise = None if extra is None else extra(start, stop)
            segment_inputs = inputs[..., start:stop, :, :]
            _, outputs, states = driver.run(segment_inputs, before, noise, 1, (truncate, start), tensors)
            return outputs, states[..., 0, :, :]

        *runs, time, batch, _ = inputs.shape
        starts, size = range(0, time, segment), driver.bias.shape[-1]
        # one allocation for all states, so that freed paths do not fragment memory
        checkpoints = driver.bias.new_empty(*runs, len(starts), batch, size)
        readout = driver.bias.new_empty(*runs, time, batch, driver.readout[1].shape[-1])
        befores, state = {}, initial
        for start, after in zip(starts, checkpoints.unbind(-3), strict=True):
            befores[start] = state
            outputs, end = run_segment(start, state, tensors)
            readout[..., start : start + segment, :, :] = outputs
            state = after.copy_(end)
        ctx.save_for_backward(initial, *tensors)
        ctx.settings = run_segment, befores, truncate
        ctx.whole = lambda initial, *tensors: driver.run(
            inputs, initial, None if extra is None else extra(0, time), 0, (truncate, 0), tensors
        )[1:2]
        return readout

    @staticmethod
    def backward(ctx, outputs_bar):  # noqa: ANN205
        if backward_transformed(outputs_bar):
            return *[None] * 5, *plain_vjp(ctx.whole, ctx.saved_tensors, ctx.needs_input_grad[5:], [outputs_bar])
        (run_segment, befores, truncate), (initial_needed, *needed) = ctx.settings, ctx.needs_input_grad[5:]
        pairs = zip(ctx.saved_tensors[1:], needed, strict=True)
        leaves = [tensor.detach().requires_grad_(is_needed) for tensor, is_needed in pairs]
        parameters = [leaf for leaf in leaves if leaf.requires_grad]
        totals, state_bar, stop = [torch.zeros_like(leaf) for leaf in parameters], None, outputs_bar.shape[-3]
        for start, before in reversed(befores.items()):
            connected = not (truncate and start % truncate == 0) if start else initial_needed
            starts = [before.detach().requires_grad_()] if connected else []
            with torch.enable_grad():
                outputs = run_segment(start, starts[0] if connected else before, leaves)
            bars = [outputs_bar[..., start:stop, :, :], state_bar][: 1 if state_bar is None else 2]
            gradients = torch.autograd.grad(outputs[: len(bars)], [*parameters, *starts], bars, allow_unused=True)
            for total, gradient in zip(totals, gradients, strict=False):
                if gradient is not None:
                    total += gradient
            state_bar, stop = gradients[-1] if connected else None, start
        remaining = iter(totals)
        return *[None] * 5, state_bar, *(next(remaining) if is_needed else None for is_needed in needed)
