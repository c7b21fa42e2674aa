"""Many steps of a bundle as one differentiable operation with a hand-written adjoint."""

from collections.abc import Sequence
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from randomnet.activations import Activation
from randomnet.double_backward import backward_transformed, plain_vjp
from randomnet.rnn.low_rank import Coupling, zero_gradients


class Reorthonormalization(Protocol):
    """A change of the tangent vectors of a bundle (..., 1 + k, N) between intervals. The state is unchanged."""

    def apply(self, bundle: Tensor) -> tuple[Tensor, Tensor]:
        """The bundle with new tangent vectors, and R (..., k, k), which maps the new vectors to the old ones."""
        ...

    def growth(self, r: Tensor) -> Tensor:
        """The recorded quantity (..., k) of R, such as the log growth of each direction."""
        ...

    def vjp(self, after: Tensor, r: Tensor, after_bar: Tensor, growth_bar: Tensor) -> Tensor:
        """The adjoint of the bundle before the change, from the adjoints of its outputs."""
        ...


class Advance(torch.autograd.Function):
    """Euler steps of a bundle in intervals, each followed by `reorthonormalization` unless that is None.

    system: a `Dynamics`. intervals: consecutive ranges of steps, from 0. drive: (steps, ..., N) or None. parameters:
    the parameters of the coupling, passed so that they receive gradients. Returns the bundle and the growth of every
    interval (intervals, ..., k), or None for it without reorthonormalization.

    The forward pass stores the path. The backward pass needs one product with J per step, and one more for the gradient
    of J. Operations cover all steps at once where possible, because calls take longer than arithmetic in most networks.
    """

    @staticmethod
    def forward(ctx, bundle, gains, shifts, drive, system, intervals, reorthonormalization, *parameters):  # noqa: ANN205
        steps, coupling = intervals[-1].stop, system.coupling
        # the inputs or outputs of the matrix product are needed again by some gradients only
        stored = steps if system.form == "rate" or any(ctx.needs_input_grad[7:]) else 1
        path, inner = coupling.empty(bundle, steps), coupling.empty(bundle, stored)
        inners, afters = inner.unbind(0), path.unbind(0)
        drives = [None] * steps if drive is None else drive.unbind(0)
        current, frames, growths = bundle, [], []
        for interval in intervals:
            for step in interval:
                current = system.step_bundle_into(current, inners[step % stored], afters[step], drives[step])
            if reorthonormalization:
                current, r = reorthonormalization.apply(current)
                frames += [current, r]
                growths.append(reorthonormalization.growth(r))
        ctx.save_for_backward(bundle, gains, shifts, drive, *parameters, path, inner, *frames)
        ctx.settings = system.activation, coupling, system.form, system.a, intervals, reorthonormalization
        return current, torch.stack(growths) if reorthonormalization else None

    @staticmethod
    def backward(ctx, adjoint, growths_bar):  # noqa: ANN205
        count, saved = 4 + len(ctx.needs_input_grad[7:]), ctx.saved_tensors  # under a checkpoint readable only once
        inputs, (path, inner, *frames) = saved[:count], saved[count:]
        *system, intervals, reorthonormalization = ctx.settings
        if backward_transformed(adjoint, growths_bar):
            needed = [*ctx.needs_input_grad[:4], *ctx.needs_input_grad[7:]]
            plain = partial(advance_plain, tuple(system), intervals, reorthonormalization)
            gradients = plain_vjp(plain, inputs, needed, [adjoint, growths_bar])
            return *gradients[:4], None, None, None, *gradients[4:]
        bundle, gains, shifts, *_ = inputs
        adjoint_steps = _AdjointSteps(system, (gains, shifts), (bundle, path, inner), ctx.needs_input_grad)
        befores = [bundle, *path.unbind(0)]
        for steps, after in zip(intervals[1:], frames[::2], strict=False):
            befores[steps.start] = after
        growth_bars = growths_bar.unbind(0) if reorthonormalization else ()
        for index in reversed(range(len(intervals))):
            if reorthonormalization:
                adjoint = reorthonormalization.vjp(*frames[2 * index : 2 * index + 2], adjoint, growth_bars[index])
            for step in reversed(intervals[index]):
                adjoint = adjoint_steps.step(step, befores[step], adjoint)
        activation_bars = adjoint_steps.activation_gradients()
        return adjoint, *activation_bars, adjoint_steps.drive_bar, None, None, None, *adjoint_steps.gradients


def advance_plain(
    system: tuple[Activation, Coupling, str, float | Tensor],
    intervals: Sequence[range],
    reorthonormalization: Reorthonormalization | None,
    bundle: Tensor,
    gains: Tensor,
    shifts: Tensor,
    drive: Tensor | None,
    *parameters: Tensor,
) -> tuple[Tensor, Tensor | None]:
    """The outputs of `Advance` in plain operations, which autograd and torch.func can transform in any way.

    system: activation, coupling, form, and the step size a = dt / tau.
    """
    activation, coupling, form, a = system
    coupling, growths = coupling.with_parameters(parameters), []
    a = a.unsqueeze(-2) if isinstance(a, Tensor) else a

    def activated(x: Tensor, frame: Tensor) -> Tensor:
        rates, slopes = activation(x, gains, shifts)
        return torch.cat([rates.unsqueeze(-2), frame * slopes.unsqueeze(-2)], -2)

    def recurrent(rows: Tensor, step: int) -> Tensor:
        products = coupling.product(rows)
        if drive is None:
            return products
        return torch.cat([products[..., :1, :] + drive[step].unsqueeze(-2), products[..., 1:, :]], -2)

    for interval in intervals:
        for step in interval:
            if form == "current":
                target = recurrent(activated(bundle[..., 0, :], bundle[..., 1:, :]), step)
            else:
                rows = recurrent(bundle, step)
                target = activated(rows[..., 0, :], rows[..., 1:, :])
            bundle = (1 - a) * bundle + a * target
        if reorthonormalization:
            bundle, r = reorthonormalization.apply(bundle)
            growths.append(reorthonormalization.growth(r))
    return bundle, torch.stack(growths) if reorthonormalization else None


class _AdjointSteps:
    """The backward pass through the steps of a path (T, ..., 1 + k, N), which accumulates gradients.

    needed: which inputs of `Advance` need a gradient. Slopes, second derivatives, and the adjoints of rates, slopes and
    drive are stored for all steps, (T, ..., N) each. Names ending in _bar are adjoints.
    """

    def __init__(
        self,
        system: tuple[Activation, Coupling, str, float | Tensor],
        parameters: tuple[Tensor, Tensor],
        path: tuple[Tensor, Tensor, Tensor],
        needed: Sequence[bool],
    ) -> None:
        self.activation, self.coupling, self.form, self.a = system
        self.unit_a = self.a.unsqueeze(-2) if isinstance(self.a, Tensor) else None  # a per unit; None for one number
        self.row_a = self.a if self.unit_a is None else self.unit_a
        self.gains, self.shifts = parameters
        bundle, after, inner = path
        before = bundle[None, ..., 0, :], after[:-1, ..., 0, :]
        self.x = torch.cat(before) if self.form == "current" else inner[..., 0, :]
        u = self.activation.argument(self.x, *parameters)
        slopes, curvatures = self.activation.slopes(u, self.gains), self.activation.second_derivative(u, self.gains)
        self.bars = torch.empty_like(slopes), torch.empty_like(slopes)
        self.drive_bar = torch.empty_like(slopes) if needed[3] else None
        self.slopes, self.curvatures, self.rates_bars, self.slopes_bars = (
            rows.unbind(0) for rows in (slopes.unsqueeze(-2), curvatures, *self.bars)
        )
        self.inners = inner.unbind(0)
        self.gradients, self.trains_coupling = zero_gradients(self.coupling, needed[7:]), any(needed[7:])
        self.scratch, *self.buffers = (self.coupling.empty(bundle) for _ in range(3))
        self.scratch_frame = self.scratch[..., 1:, :]

    def activation_gradients(self) -> tuple[Tensor, Tensor]:
        """The gradients of gains and shifts."""
        return self.activation.parameter_gradients(self.x, self.gains, self.shifts, *self.bars)

    def step(self, step: int, before: Tensor, adjoint: Tensor) -> Tensor:
        """The adjoint of the bundle before a step, from the adjoint of the bundle after it."""
        buffer = self.buffers[step % 2]  # the adjoint may lie in the other buffer
        return (self._current if self.form == "current" else self._rate)(step, before, adjoint, buffer)

    def _current(self, step: int, before: Tensor, adjoint: Tensor, buffer: Tensor) -> Tensor:
        if self.drive_bar is not None:
            torch.mul(adjoint.select(-2, 0), self.a, out=self.drive_bar[step])
        product_bar, factor = adjoint, self.a
        if self.unit_a is not None:
            product_bar, factor = torch.mul(adjoint, self.unit_a, out=self.scratch), 1.0
        if self.trains_coupling:
            self.coupling.gradient(self.gradients, product_bar, self.inners[step], factor)
        self.coupling.transpose_product_into(product_bar, buffer, factor)
        self.rates_bars[step].copy_(buffer.select(-2, 0))
        torch.mul(buffer, before, out=self.scratch)
        slope_bar = torch.sum(self.scratch_frame, -2, out=self.slopes_bars[step])
        buffer.mul_(self.slopes[step]).select(-2, 0).addcmul_(slope_bar, self.curvatures[step])
        if self.unit_a is None:
            return buffer.add_(adjoint, alpha=1 - self.a)
        return buffer.addcmul_(adjoint, 1 - self.unit_a)

    def _rate(self, step: int, before: Tensor, adjoint: Tensor, buffer: Tensor) -> Tensor:
        torch.mul(adjoint.select(-2, 0), self.a, out=self.rates_bars[step])
        torch.mul(adjoint, self.inners[step], out=self.scratch)
        slope_bar = torch.sum(self.scratch_frame, -2, out=self.slopes_bars[step]).mul_(self.a)
        product_bar = torch.mul(adjoint, self.slopes[step] * self.row_a, out=self.scratch)
        product_bar.select(-2, 0).addcmul_(slope_bar, self.curvatures[step])
        if self.drive_bar is not None:
            self.drive_bar[step] = product_bar.select(-2, 0)
        if self.trains_coupling:
            self.coupling.gradient(self.gradients, product_bar, before)
        if self.unit_a is None:
            return self.coupling.add_transpose_product_into(adjoint, product_bar, 1 - self.a, buffer)
        return self.coupling.transpose_product_into(product_bar, buffer).addcmul_(adjoint, 1 - self.unit_a)
