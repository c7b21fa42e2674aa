"""Many steps of a bundle as one differentiable operation, with the adjoint written out."""

from collections.abc import Sequence
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from randomnet.activations import Activation
from randomnet.double_backward import backward_transformed, plain_vjp
from randomnet.rnn.low_rank import Coupling, zero_gradients


class Reorthonormalization(Protocol):
    """What is done to a bundle (..., 1 + k, N) between steps: its state stays, its tangent vectors become others."""

    def turned(self, bundle: Tensor) -> tuple[Tensor, Tensor]:
        """The bundle after it, and R (..., k, k), which took the new tangent vectors to the old ones."""
        ...

    def growth(self, r: Tensor) -> Tensor:
        """What is to be known of R, (..., k)."""
        ...

    def vjp(self, after: Tensor, r: Tensor, after_bar: Tensor, growth_bar: Tensor) -> Tensor:
        """The adjoint of the bundle before it."""
        ...


class Advance(torch.autograd.Function):
    """Intervals of Euler steps of a bundle, each ended by `reorthonormalization` if there is one; system: a `Dynamics`.

    intervals: the steps of each, as ranges one after the other from 0 on. drive: (steps, ..., N) or None. parameters:
    those of the coupling, which are given for their gradients. Returns the bundle, and the growth of each interval
    (intervals, ..., k), None without reorthonormalization.

    The forward pass keeps the path, the backward pass needs one product with J per step, and one more for the gradient
    of J. What can be done of all steps at once is: in most networks the calls take longer than the arithmetic.
    """

    @staticmethod
    def forward(ctx, bundle, gains, shifts, drive, system, intervals, reorthonormalization, *parameters):  # noqa: ANN205
        steps, coupling = intervals[-1].stop, system.coupling
        # what enters or leaves the matrix is needed again only by some gradients
        kept = steps if system.form == "rate" or any(ctx.needs_input_grad[7:]) else 1
        path, inner = coupling.empty(bundle, steps), coupling.empty(bundle, kept)
        rooms, afters = inner.unbind(0), path.unbind(0)
        drives = [None] * steps if drive is None else drive.unbind(0)
        now, turned, growths = bundle, [], []
        for interval in intervals:
            for step in interval:
                now = system.step_bundle_into(now, rooms[step % kept], afters[step], drives[step])
            if reorthonormalization:
                now, r = reorthonormalization.turned(now)
                turned += [now, r]
                growths.append(reorthonormalization.growth(r))
        ctx.save_for_backward(bundle, gains, shifts, drive, *parameters, path, inner, *turned)
        ctx.settings = system.activation, coupling, system.form, system.a, intervals, reorthonormalization
        return now, torch.stack(growths) if reorthonormalization else None

    @staticmethod
    def backward(ctx, adjoint, growths_bar):  # noqa: ANN205
        count, saved = 4 + len(ctx.needs_input_grad[7:]), ctx.saved_tensors  # a checkpoint lets them be read once
        inputs, (path, inner, *turned) = saved[:count], saved[count:]
        *system, intervals, reorthonormalization = ctx.settings
        if backward_transformed(adjoint, growths_bar):
            needed = [*ctx.needs_input_grad[:4], *ctx.needs_input_grad[7:]]
            plain = partial(advance_plain, tuple(system), intervals, reorthonormalization)
            found = plain_vjp(plain, inputs, needed, [adjoint, growths_bar])
            return *found[:4], None, None, None, *found[4:]
        bundle, gains, shifts, *_ = inputs
        way = _WayBack(system, (gains, shifts), (bundle, path, inner), ctx.needs_input_grad)
        befores = [bundle, *path.unbind(0)]
        for steps, after in zip(intervals[1:], turned[::2], strict=False):
            befores[steps.start] = after
        growth_bars = growths_bar.unbind(0) if reorthonormalization else ()
        for index in reversed(range(len(intervals))):
            if reorthonormalization:
                adjoint = reorthonormalization.vjp(*turned[2 * index : 2 * index + 2], adjoint, growth_bars[index])
            for step in reversed(intervals[index]):
                adjoint = way.through(step, befores[step], adjoint)
        gains_bar, shifts_bar = way.of_activation()
        return adjoint, gains_bar, shifts_bar, way.drive_bar, None, None, None, *way.totals


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
    """What `Advance` returns, in plain operations that can be differentiated and transformed in any way.

    system: activation, coupling, form, and a, the share of what arrives that a step takes over.
    """
    activation, coupling, form, a = system
    coupling, growths = coupling.with_parameters(parameters), []
    a = a.unsqueeze(-2) if isinstance(a, Tensor) else a

    def answered(x: Tensor, frame: Tensor) -> Tensor:
        rates, slopes = activation(x, gains, shifts)
        return torch.cat([rates.unsqueeze(-2), frame * slopes.unsqueeze(-2)], -2)

    def arrived(rows: Tensor, step: int) -> Tensor:
        across = coupling.product(rows)
        if drive is None:
            return across
        return torch.cat([across[..., :1, :] + drive[step].unsqueeze(-2), across[..., 1:, :]], -2)

    for interval in intervals:
        for step in interval:
            if form == "current":
                after = arrived(answered(bundle[..., 0, :], bundle[..., 1:, :]), step)
            else:
                rows = arrived(bundle, step)
                after = answered(rows[..., 0, :], rows[..., 1:, :])
            bundle = (1 - a) * bundle + a * after
        if reorthonormalization:
            bundle, r = reorthonormalization.turned(bundle)
            growths.append(reorthonormalization.growth(r))
    return bundle, torch.stack(growths) if reorthonormalization else None


class _WayBack:
    """The adjoint on its way back through the steps of a path (T, ..., 1 + k, N), and the gradients that it leaves.

    needed: as of `Advance`. Of every step there are slopes and bends, and the adjoints of rates, slopes and drive, each
    (T, ..., N).
    """

    def __init__(
        self,
        system: tuple[Activation, Coupling, str, float | Tensor],
        parameters: tuple[Tensor, Tensor],
        path: tuple[Tensor, Tensor, Tensor],
        needed: Sequence[bool],
    ) -> None:
        self.activation, self.coupling, self.form, self.a = system
        self.of_rows = self.a.unsqueeze(-2) if isinstance(self.a, Tensor) else None  # a of each unit; None: one number
        self.share = self.a if self.of_rows is None else self.of_rows
        self.gains, self.shifts = parameters
        bundle, after, inner = path
        before = bundle[None, ..., 0, :], after[:-1, ..., 0, :]
        self.x = torch.cat(before) if self.form == "current" else inner[..., 0, :]
        u = self.activation.argument(self.x, *parameters)
        slopes, bends = self.activation.slopes(u, self.gains), self.activation.second_derivative(u, self.gains)
        self.bars = torch.empty_like(slopes), torch.empty_like(slopes)
        self.drive_bar = torch.empty_like(slopes) if needed[3] else None
        self.slopes, self.second_derivative, self.rates_bars, self.slopes_bars = (
            rows.unbind(0) for rows in (slopes.unsqueeze(-2), bends, *self.bars)
        )
        self.rooms = inner.unbind(0)
        self.totals, self.learns = zero_gradients(self.coupling, needed[7:]), any(needed[7:])
        self.held, *self.buffers = (self.coupling.empty(bundle) for _ in range(3))
        self.held_frame = self.held[..., 1:, :]

    def of_activation(self) -> tuple[Tensor, Tensor]:
        """The gradients of gains and shifts."""
        return self.activation.parameter_gradients(self.x, self.gains, self.shifts, *self.bars)

    def through(self, step: int, before: Tensor, adjoint: Tensor) -> Tensor:
        """The adjoint of the bundle before a step, of that after it."""
        buffer = self.buffers[step % 2]  # the other one may hold the adjoint
        return (self._current if self.form == "current" else self._rate)(step, before, adjoint, buffer)

    def _current(self, step: int, before: Tensor, adjoint: Tensor, buffer: Tensor) -> Tensor:
        if self.drive_bar is not None:
            torch.mul(adjoint.select(-2, 0), self.a, out=self.drive_bar[step])
        arrived, factor = adjoint, self.a
        if self.of_rows is not None:
            arrived, factor = torch.mul(adjoint, self.of_rows, out=self.held), 1.0
        if self.learns:
            self.coupling.gradient(self.totals, arrived, self.rooms[step], factor)
        self.coupling.transpose_product_into(arrived, buffer, factor)
        self.rates_bars[step].copy_(buffer.select(-2, 0))
        torch.mul(buffer, before, out=self.held)
        slope_bar = torch.sum(self.held_frame, -2, out=self.slopes_bars[step])
        buffer.mul_(self.slopes[step]).select(-2, 0).addcmul_(slope_bar, self.second_derivative[step])
        if self.of_rows is None:
            return buffer.add_(adjoint, alpha=1 - self.a)
        return buffer.addcmul_(adjoint, 1 - self.of_rows)

    def _rate(self, step: int, before: Tensor, adjoint: Tensor, buffer: Tensor) -> Tensor:
        torch.mul(adjoint.select(-2, 0), self.a, out=self.rates_bars[step])
        torch.mul(adjoint, self.rooms[step], out=self.held)
        slope_bar = torch.sum(self.held_frame, -2, out=self.slopes_bars[step]).mul_(self.a)
        arrived = torch.mul(adjoint, self.slopes[step] * self.share, out=self.held)
        arrived.select(-2, 0).addcmul_(slope_bar, self.second_derivative[step])
        if self.drive_bar is not None:
            self.drive_bar[step] = arrived.select(-2, 0)
        if self.learns:
            self.coupling.gradient(self.totals, arrived, before)
        if self.of_rows is None:
            return self.coupling.add_transpose_product_into(adjoint, arrived, 1 - self.a, buffer)
        return self.coupling.transpose_product_into(arrived, buffer).addcmul_(adjoint, 1 - self.of_rows)
