"""Steps along trials in plain operations, and by torch with a hand-written adjoint."""

import torch
from torch import Tensor

from randomnet.activations import Activation
from randomnet.double_backward import backward_transformed, plain_vjp
from randomnet.rnn.couplings import add_product
from randomnet.rnn.low_rank import Coupling, zero_gradients


def run_plain(
    inputs: Tensor, weights: Tensor, bias: Tensor, initial: Tensor | None, readout: Tensor, offset: Tensor,
    extra: Tensor | None, coupling: Coupling, activation: Activation, form: str, dt: float | Tensor, last: int,
    cut: tuple[int, int], *parameters: Tensor,
) -> tuple[Tensor, Tensor, Tensor | None]:  # fmt: skip
    """The outputs of `TrialRun` in plain operations, which autograd and torch.func can transform in any way."""
    coupling, current, (truncate, start) = coupling.with_parameters(parameters), form == "current", cut
    shape = inputs.shape[-3:-1]
    drive = (inputs.flatten(-3, -2) @ weights.mT + bias.unsqueeze(-2)).unflatten(-2, shape)
    drive = drive if extra is None else drive + extra
    state, states, rates = initial, [], []
    for step, total_input in enumerate(drive.unbind(-3), start):
        if truncate and step > start and step % truncate == 0:
            state = state.detach()
        if state is None:  # the rate form, from 0
            state = torch.zeros_like(total_input)
        else:
            total_input = total_input + coupling.product(activation.phi(state) if current else state)
        state = torch.lerp(state, total_input if current else activation.phi(total_input), dt)
        states.append(state)
        rates.append(activation.phi(state) if current else state)
    all_rates = torch.stack(rates, -3)
    outputs = (all_rates.flatten(-3, -2) @ readout.mT + offset.unsqueeze(-2)).unflatten(-2, shape)
    return all_rates, outputs, torch.stack(states[-last:], -3) if last else None


class TrialRun(torch.autograd.Function):
    """A run along trials: one product with J per step in each direction, and one over all steps for the gradient of J.

    parameters: the parameters of the coupling, passed so that they receive gradients. cut: (k, start). The first step
    here is step `start` of the trial, and the gradient through the state is cut before every k-th step; k = 0: never.

    Stored are rates[t], which J multiplies at step t, and fired[t], the output of the activation at step t. Both share
    memory, one step apart, except in leaky networks in the rate form. Each additional array costs memory traffic that
    is comparable to the product itself at this size, and so does transposing a matrix for a product.
    """

    @staticmethod
    def forward(  # noqa: ANN205
        ctx, inputs, weights, bias, initial, readout, offset, extra,
        coupling, activation, form, dt, last, cut, *parameters,
    ):  # fmt: skip
        *runs, time, batch, _ = inputs.shape
        rates = bias.new_empty(*runs, time + 1, batch, bias.shape[-1])
        new_rates, leaky = rates[..., 1:, :, :], is_leaky(dt)
        separate = form == "rate" and leaky
        fired = torch.empty_like(new_rates) if separate else new_rates
        states = bias.new_empty(*runs, last, batch, bias.shape[-1]) if last else None
        first, *steps = rates.unbind(-3)
        if initial is None:  # rate form only
            first.zero_()
        else:
            first.copy_(activation.phi(initial) if form == "current" else initial)
        flat = new_rates.flatten(-3, -2)
        add_product(bias.unsqueeze(-2), inputs.flatten(-3, -2), weights.mT, out=flat)
        if extra is not None:
            new_rates.add_(extra)
        state = initial.clone() if form == "current" and leaky else None
        before, recurrent = first, initial is not None  # from rates 0 there is no recurrent input yet
        for now, after, final in zip(steps, fired.unbind(-3), _final_entries(states, time), strict=True):
            if recurrent:
                coupling.add_product_into(now, before, 1.0, 1.0, now)
            recurrent = True
            argument = now if state is None else state.lerp_(now, dt)
            if final is not None:
                final.copy_(argument)
            activation.phi(argument, out=after)
            if separate:
                torch.lerp(before, after, dt, out=now)
            before = now
        ctx.save_for_backward(inputs, weights, bias, initial, readout, offset, extra, rates, fired, *parameters)
        ctx.last = last
        ctx.settings = coupling, activation, form, dt, cut, 0 if initial is not None else 1
        ctx.set_materialize_grads(False)
        outputs = add_product(offset.unsqueeze(-2), flat, readout.mT)
        return new_rates, outputs.unflatten(-2, (time, batch)), states

    @staticmethod
    def backward(ctx, rates_bar, outputs_bar, states_bar):  # noqa: ANN205
        if backward_transformed(rates_bar, outputs_bar, states_bar):
            return TrialRun.with_graph(ctx, [rates_bar, outputs_bar, states_bar])
        inputs, weights, _, _, readout, _, _, rates, fired, *_ = ctx.saved_tensors
        coupling, activation, form, dt, _, first = ctx.settings
        if outputs_bar is not None:
            flat_outputs_bar = outputs_bar.flatten(-3, -2)
            drive_bar = (flat_outputs_bar @ readout).view_as(fired)
            if rates_bar is not None:
                drive_bar += rates_bar
        elif rates_bar is not None:
            drive_bar = rates_bar.clone(memory_format=torch.contiguous_format)
        else:
            drive_bar = fired.new_zeros(fired.shape)
        first_bar, state_bar = TrialRun._backward_steps(ctx.settings, drive_bar, fired, states_bar)
        flat, needed = drive_bar.flatten(-3, -2), ctx.needs_input_grad
        initial_bar = readout_bar = offset_bar = None
        if needed[3]:
            initial_bar = initial_adjoint(coupling, activation, form, dt, first_bar, state_bar, rates.select(-3, 0))
        gradients = zero_gradients(coupling, needed[13:])
        if any(needed[13:]):
            product_bar, multiplied = drive_bar[..., first:, :, :], rates[..., first:-1, :, :]
            coupling.gradient(gradients, product_bar.flatten(-3, -2), multiplied.flatten(-3, -2))
        if outputs_bar is not None:
            readout_bar = flat_outputs_bar.mT @ rates[..., 1:, :, :].flatten(-3, -2)
            offset_bar = flat_outputs_bar.sum(-2)
        return (
            (flat @ weights).view_as(inputs) if needed[0] else None,
            (inputs.flatten(-3, -2).mT @ flat).mT,
            flat.sum(-2),
            initial_bar,
            readout_bar,
            offset_bar,
            drive_bar if needed[6] else None,
            *[None] * 6,
            *gradients,
        )

    @staticmethod
    def _backward_steps(settings, drive_bar, fired, states_bar):  # noqa: ANN205
        """Complete the adjoints of all drives in place, from the last step to the first.

        Returns the adjoint of the first drive, and in the leaky rate form that of the first state, else None.
        """
        coupling, activation, form, dt, (truncate, start), _ = settings
        state_bar = later = None
        leaky, final_bars = is_leaky(dt), _final_entries(states_bar, fired.shape[-3])
        next_steps = range(start + 1, start + fired.shape[-3] + 1)
        backwards = (reversed(values) for values in (next_steps, drive_bar.unbind(-3), fired.unbind(-3), final_bars))
        for next_step, step_bar, rate, final_bar in zip(*backwards, strict=True):
            if truncate and next_step % truncate == 0:
                state_bar = later = None
            if later is not None:
                coupling.add_transpose_product_into(step_bar, later, 1.0, step_bar)
            if form == "rate" and leaky:
                state_bar = step_bar.clone() if state_bar is None else state_bar.mul_(1 - dt).add_(step_bar)
                step_bar.copy_(state_bar)
            activation.vjp(step_bar, rate)
            if leaky:
                step_bar.mul_(dt)
                if form == "current" and later is not None:
                    _add(step_bar, later, 1 - dt)
            if final_bar is not None:
                _add(step_bar, final_bar, dt)
            later = step_bar
        return later, state_bar

    @staticmethod
    def with_graph(ctx, adjoints):  # noqa: ANN205
        """The gradients with a graph, so that they can be differentiated again."""
        saved, needed = ctx.saved_tensors, ctx.needs_input_grad
        *settings, cut, _ = ctx.settings

        def plain(*views):  # noqa: ANN202
            return run_plain(*views[:7], *settings, ctx.last, cut, *views[7:])

        gradients = plain_vjp(plain, [*saved[:7], *saved[9:]], [*needed[:7], *needed[13:]], adjoints)
        return *gradients[:7], *[None] * 6, *gradients[7:]


def initial_adjoint(
    coupling: Coupling, activation: Activation, form: str, dt: float | Tensor, first_bar: Tensor,
    state_bar: Tensor | None, first_rates: Tensor,
) -> Tensor:  # fmt: skip
    """The adjoint of the initial state, from that of the first drive, and of the first state in the leaky rate form."""
    initial_bar = coupling.transpose_product_into(first_bar, torch.empty_like(first_bar))
    if form == "current":
        activation.vjp(initial_bar, first_rates)
        _add(initial_bar, first_bar, (1 - dt) / dt)
    elif state_bar is not None:
        _add(initial_bar, state_bar, 1 - dt)
    return initial_bar


def is_leaky(dt: float | Tensor) -> bool:
    """Whether a step depends on the state before it directly: whether a is not 1."""
    return isinstance(dt, Tensor) or dt != 1


def _final_entries(values: Tensor | None, time: int) -> list[Tensor | None]:
    """The entries of values (last, batch, N) for the last steps, preceded by None for all earlier steps."""
    entries = [] if values is None else values.unbind(-3)
    return [*[None] * (time - len(entries)), *entries]


def _add(base: Tensor, other: Tensor, factor: float | Tensor) -> None:
    """base += factor other, where the factor is one number or one per unit."""
    if isinstance(factor, Tensor):
        base.addcmul_(other, factor)
    else:
        base.add_(other, alpha=factor)
