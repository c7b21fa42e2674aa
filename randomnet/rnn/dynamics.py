"""One step of a network and its tangent, alone or as a bundle of state and tangent vectors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from randomnet.activations import Activation
from randomnet.integration import runge_kutta
from randomnet.rnn.factored import Coupling, stacked_couplings, totals_of


@dataclass(frozen=True)
class Dynamics:
    """One step of a network and its tangent: what spectra are computed from.

    Of several networks side by side where everything has a leading axis of runs: states (runs, N), bundles
    (runs, 1 + k, N); see `stacked`. coupling: the products with J[post, pre]; gains, shifts (..., N). drive: the
    constant b (..., N), or None. integrator: of the flow x' = G(x) - x, where G, the Euler step of size 1, is
    J phi(h) + b or phi(J r + b): "euler", x <- (1-dt) x + dt G(x), or "rk4", the classical Runge-Kutta step. That one
    is taken of the whole bundle, tangent vectors with d' = G'(x) d - d at each stage's state x: differentiating the
    four stages gives these very stages, so the tangent is exact, that of the step and not of the flow.

    leaks: each unit's a = dt / tau (..., N), a constant, where units have time constants of their own, and None where
    all have the reference one. The flow is then x' = (G(x) - x) / tau; time stays in units of the reference.
    """

    coupling: Coupling
    gains: Tensor
    shifts: Tensor
    activation: Activation
    form: str
    dt: float
    integrator: str = "euler"
    drive: Tensor | None = None
    leaks: Tensor | None = None

    @cached_property
    def full(self) -> "Dynamics":
        """G: the Euler step of size 1, after which only what arrives is left."""
        return replace(self, dt=1.0, integrator="euler", leaks=None)

    @property
    def a(self) -> float | Tensor:
        """The share of what arrives that an Euler step takes over: dt, or each unit's own (..., N)."""
        return self.dt if self.leaks is None else self.leaks

    def paced(self, velocity: Tensor) -> Tensor:
        """Velocities (..., N) per unit of time, of ones G(x) - x per time constant of each unit."""
        return velocity if self.leaks is None else velocity * (self.leaks / self.dt)

    def step(self, state: Tensor) -> Tensor:
        """One step of states (..., N)."""
        if self.integrator == "rk4":
            return runge_kutta(lambda rows: self.paced(self.full.step(rows) - rows), state, self.dt)
        return self.after(state, self.rates(state))

    def rates(self, state: Tensor) -> Tensor:
        """What enters J, (..., N): phi of the state in the current form, the state itself in the rate form."""
        return self.activation(state, self.gains, self.shifts)[0] if self.form == "current" else state

    def after(self, state: Tensor, rates: Tensor) -> Tensor:
        """One Euler step of states (..., N) where these rates enter J."""
        arriving = self._arriving(rates)
        if self.form == "rate":
            arriving = self.activation(arriving, self.gains, self.shifts)[0]
        return (1 - self.a) * state + self.a * arriving

    def argument(self, state: Tensor) -> Tensor:
        """What the activation sees, (..., N): the state in the current form, what arrives in the rate form."""
        return state if self.form == "current" else self._arriving(state)

    def _arriving(self, rates: Tensor) -> Tensor:
        across = self.coupling.across(rates)
        return across if self.drive is None else across + self.drive

    def tangent(self, state: Tensor, frame: Tensor) -> Tensor:
        """The step's exact derivative at `state` (N,), applied to tangent vectors (k, N)."""
        if self.integrator == "rk4":
            bundle = torch.cat([state[None], frame])
            return runge_kutta(lambda rows: self.paced(self.full.moved(rows) - rows), bundle, self.dt)[1:]
        slope = self.activation(self.argument(state), self.gains, self.shifts)[1]
        moved = self.coupling.across(slope * frame) if self.form == "current" else slope * self.coupling.across(frame)
        return (1 - self.a) * frame + self.a * moved

    @property
    def stages(self) -> int:
        """Evaluations, and so products with J, per step."""
        return 4 if self.integrator == "rk4" else 1

    def moved(self, bundle: Tensor) -> Tensor:
        """State and tangent vectors (1 + k, N) after one step and its tangent, in plain operations."""
        return torch.cat([self.step(bundle[:1]), self.tangent(bundle[0], bundle[1:])])

    def advance(self, bundle: Tensor, steps: int, start: int = 0, drive: Tensor | None = None) -> Tensor:
        """State and tangent vectors (..., 1 + k, N) moved on by `steps`, differentiable in bundle and parameters.

        drive: (steps, ..., N), what inputs add to the constant one throughout each step, or None. start: the time in
        steps, which makes no difference.
        """
        if self.drive is not None:
            own = self.drive.expand(steps, *self.drive.shape)
            drive = own if drive is None else own + drive
        if self.integrator == "rk4":
            return self._runge_kutta_steps(bundle, steps, drive)
        if torch.is_grad_enabled():
            own = self.coupling.parameters
            return _Advance.apply(bundle, self.gains, self.shifts, drive, self, steps, *own)
        inner, *buffers = (self.coupling.empty(bundle) for _ in range(3))
        for step in range(steps):
            bundle = self.march(bundle, inner, buffers[step % 2], None if drive is None else drive[step])
        return bundle

    def _runge_kutta_steps(self, bundle: Tensor, steps: int, drive: Tensor | None) -> Tensor:
        """`advance` by Runge-Kutta steps: one product per stage, and with gradient the adjoint of G for each."""
        full, graph = replace(self.full, drive=None), torch.is_grad_enabled()  # as it is in `drive`
        buffers = None if graph else (self.coupling.empty(bundle), self.coupling.empty(bundle))

        def velocity(rows: Tensor) -> Tensor:
            if graph:
                return self.paced(full.advance(rows, 1, drive=now) - rows)
            return self.paced(full.march(rows, *buffers, None if now is None else now[0]).sub_(rows))

        for step in range(steps):
            now = None if drive is None else drive[step : step + 1]
            bundle = runge_kutta(velocity, bundle, self.dt)
        return bundle

    def march(self, bundle: Tensor, inner: Tensor, after: Tensor, drive: Tensor | None = None) -> Tensor:
        """One Euler step of the bundle into `after`; `inner` receives what enters (current) or leaves (rate) J."""
        if self.form == "current":
            rates, slope = self.activation(bundle[..., 0, :], self.gains, self.shifts)
            torch.mul(bundle, slope.unsqueeze(-2), out=inner)
            inner[..., 0, :] = rates
            if self.leaks is not None:
                self.coupling.into(inner, after)
                if drive is not None:
                    after[..., 0, :] += drive
                return torch.lerp(bundle, after, self.leaks.unsqueeze(-2), out=after)
            self.coupling.onto(bundle, inner, 1 - self.dt, self.dt, after)
            if drive is not None:
                after[..., 0, :].add_(drive, alpha=self.dt)
            return after
        self.coupling.into(bundle, inner)
        if drive is not None:
            inner[..., 0, :] += drive
        rates, slope = self.activation(inner[..., 0, :], self.gains, self.shifts)
        torch.mul(inner, slope.unsqueeze(-2), out=after)
        after[..., 0, :] = rates
        if self.leaks is not None:
            return torch.lerp(bundle, after, self.leaks.unsqueeze(-2), out=after)
        return after.mul_(self.dt).add_(bundle, alpha=1 - self.dt)


def stacked(systems: Sequence[Dynamics]) -> Dynamics:
    """Networks of one size, side by side as one system with a leading axis of runs; differentiable in each.

    Raises ValueError where they differ in more than their values, or where one has sparse couplings.
    """
    first = systems[0]
    for other in systems:
        named = [(name, getattr(first, name), getattr(other, name)) for name in ("form", "dt", "integrator")]
        named.append(("activation", first.activation.name, other.activation.name))
        named.append(("size", tuple(first.gains.shape), tuple(other.gains.shape)))
        for name, expected, got in named:
            if expected != got:
                raise ValueError(f"networks side by side must have the same {name}, got {expected} and {got}")
    if first.integrator != "euler":
        raise ValueError(f"networks side by side are moved in Euler steps only, got integrator {first.integrator!r}")
    drives = None
    if any(system.drive is not None for system in systems):
        drives = torch.stack([torch.zeros_like(one.gains) if one.drive is None else one.drive for one in systems])
    leaks = None
    if any(system.leaks is not None for system in systems):
        leaks = torch.stack([torch.full_like(one.gains, one.dt) if one.leaks is None else one.leaks for one in systems])
    stretching = [system.activation for system in systems if system.activation.stretches]
    return replace(
        first,
        coupling=stacked_couplings([system.coupling for system in systems]),
        gains=torch.stack([system.gains for system in systems]),
        shifts=torch.stack([system.shifts for system in systems]),
        activation=(stretching or [first.activation])[0],
        drive=drives,
        leaks=leaks,
    )


class _Advance(torch.autograd.Function):
    """`steps` Euler steps of the bundle, with the adjoint written out.

    The forward pass keeps the path, the backward pass needs one product with J per step, and one more for the gradient
    of J.
    """

    @staticmethod
    def forward(ctx, bundle, gains, shifts, drive, system, steps, *parameters):  # noqa: ANN205
        # what enters or leaves the matrix is needed again only by some gradients
        kept = steps if system.form == "rate" or any(ctx.needs_input_grad[6:]) else 1
        path, inner = system.coupling.empty(bundle, steps), system.coupling.empty(bundle, kept)
        now = bundle
        for step in range(steps):
            now = system.march(now, inner[step % kept], path[step], None if drive is None else drive[step])
        ctx.save_for_backward(bundle, path, inner, gains, shifts)
        ctx.settings = system.activation, system.coupling, system.form, system.a, steps
        return now

    @staticmethod
    @once_differentiable
    def backward(ctx, adjoint):  # noqa: ANN205
        bundle, path, inner, gains, shifts = ctx.saved_tensors
        activation, coupling, form, a, steps = ctx.settings
        of_rows = a.unsqueeze(-2) if isinstance(a, Tensor) else None  # a of each unit; None: one number
        x = torch.cat([bundle[None, ..., 0, :], path[:-1, ..., 0, :]]) if form == "current" else inner[..., 0, :]
        slopes, bends = activation(x, gains, shifts)[1], activation.bends(x, gains, shifts)
        rates_bar, slopes_bar = torch.empty_like(slopes), torch.empty_like(slopes)
        trained = ctx.needs_input_grad[6:]
        totals, learns = totals_of(coupling, trained), any(trained)
        drive_bar = torch.empty_like(slopes) if ctx.needs_input_grad[3] else None
        held, *buffers = (coupling.empty(adjoint) for _ in range(3))
        for step in reversed(range(steps)):
            now, at_coupling = path[step - 1] if step else bundle, inner[step % len(inner)]
            buffer = buffers[step % 2]  # the other one holds the adjoint
            if form == "current":
                if drive_bar is not None:
                    torch.mul(adjoint[..., 0, :], a, out=drive_bar[step])
                arrived, factor = (adjoint, a) if of_rows is None else (torch.mul(adjoint, of_rows, out=held), 1.0)
                if learns:
                    coupling.gradient(totals, arrived, at_coupling, factor)
                coupling.back(arrived, buffer)
                if of_rows is None:
                    buffer.mul_(a)
                rates_bar[step] = buffer[..., 0, :]
                torch.sum(torch.mul(buffer, now, out=held)[..., 1:, :], -2, out=slopes_bar[step])
                buffer *= slopes[step].unsqueeze(-2)
                buffer[..., 0, :].addcmul_(slopes_bar[step], bends[step])
                if of_rows is None:
                    adjoint = buffer.add_(adjoint, alpha=1 - a)
                else:
                    adjoint = buffer.addcmul_(adjoint, 1 - of_rows)
            else:
                torch.mul(adjoint[..., 0, :], a, out=rates_bar[step])
                torch.sum(torch.mul(adjoint, at_coupling, out=held)[..., 1:, :], -2, out=slopes_bar[step]).mul_(a)
                torch.mul(adjoint, (slopes[step] * a).unsqueeze(-2), out=held)
                held[..., 0, :].addcmul_(slopes_bar[step], bends[step])
                if drive_bar is not None:
                    drive_bar[step] = held[..., 0, :]
                if learns:
                    coupling.gradient(totals, held, now)
                if of_rows is None:
                    adjoint = coupling.back_onto(adjoint, held, 1 - a, buffer)
                else:
                    adjoint = coupling.back(held, buffer).addcmul_(adjoint, 1 - of_rows)
        gains_bar, shifts_bar = activation.parameter_gradients(x, gains, shifts, rates_bar, slopes_bar)
        return adjoint, gains_bar, shifts_bar, drive_bar, None, None, *totals
