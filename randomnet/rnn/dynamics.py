"""One step of a network and its tangent, alone or as a bundle of state and tangent vectors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from randomnet.activations import Activation
from randomnet.double_backward import transforms_active
from randomnet.integration import runge_kutta
from randomnet.rnn.bundle_steps import Advance, Reorthonormalization, advance_plain
from randomnet.rnn.low_rank import Coupling, stack_couplings


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

    def double(self) -> "Dynamics":
        """The same system in float64, without a graph."""

        def converted(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.detach().double()

        coupling = self.coupling.with_parameters([converted(values) for values in self.coupling.parameters])
        tensors = {name: converted(getattr(self, name)) for name in ("gains", "shifts", "drive", "leaks")}
        return replace(self, coupling=coupling, **tensors)

    @property
    def a(self) -> float | Tensor:
        """The share of what arrives that an Euler step takes over: dt, or each unit's own (..., N)."""
        return self.dt if self.leaks is None else self.leaks

    def per_unit_time(self, velocity: Tensor) -> Tensor:
        """Velocities (..., N) per unit of time, of ones G(x) - x per time constant of each unit."""
        return velocity if self.leaks is None else velocity * (self.leaks / self.dt)

    def step(self, state: Tensor) -> Tensor:
        """One step of states (..., N)."""
        if self.integrator == "rk4":
            return runge_kutta(lambda rows: self.per_unit_time(self.full.step(rows) - rows), state, self.dt)
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
        across = self.coupling.product(rates)
        return across if self.drive is None else across + self.drive

    def tangent(self, state: Tensor, frame: Tensor) -> Tensor:
        """The step's exact derivative at `state` (N,), applied to tangent vectors (k, N)."""
        if self.integrator == "rk4":
            bundle = torch.cat([state[None], frame])
            return runge_kutta(lambda rows: self.per_unit_time(self.full.step_bundle(rows) - rows), bundle, self.dt)[1:]
        slope = self.activation(self.argument(state), self.gains, self.shifts)[1]
        moved = self.coupling.product(slope * frame) if self.form == "current" else slope * self.coupling.product(frame)
        return (1 - self.a) * frame + self.a * moved

    @property
    def bounded(self) -> bool:
        """Whether the state cannot grow for ever: the rates are bounded, and each step leaves at most all of it."""
        return self.activation.bounded and bool(torch.as_tensor(self.a).max() <= 1)

    @property
    def stages(self) -> int:
        """Evaluations, and so products with J, per step."""
        return 4 if self.integrator == "rk4" else 1

    def step_bundle(self, bundle: Tensor) -> Tensor:
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
        if torch.is_grad_enabled() or transforms_active():
            return self._recorded(bundle, [steps], drive, None)[0]
        inner, *buffers = (self.coupling.empty(bundle) for _ in range(3))
        for step in range(steps):
            bundle = self.step_bundle_into(bundle, inner, buffers[step % 2], None if drive is None else drive[step])
        return bundle

    def advance_intervals(
        self, bundle: Tensor, intervals: Sequence[int], reorthonormalization: Reorthonormalization
    ) -> tuple[Tensor, Tensor] | None:
        """`advance` by intervals of steps, with the tangent vectors turned after each, as one differentiable operation.

        Returns the bundle and what reorthonormalization says of every interval, stacked; None where the integrator is
        not Euler's, whose adjoint is not written out.
        """
        if self.integrator != "euler":
            return None
        drive = None if self.drive is None else self.drive.expand(sum(intervals), *self.drive.shape)
        return self._recorded(bundle, intervals, drive, reorthonormalization)

    def _recorded(
        self,
        bundle: Tensor,
        intervals: Sequence[int],
        drive: Tensor | None,
        reorthonormalization: Reorthonormalization | None,
    ) -> tuple[Tensor, Tensor | None]:
        ends = [0, *accumulate(intervals)]
        tensors, parameters = (bundle, self.gains, self.shifts, drive), self.coupling.parameters
        ranges = [range(*pair) for pair in pairwise(ends)]
        if transforms_active():
            system = self.activation, self.coupling, self.form, self.a
            return advance_plain(system, ranges, reorthonormalization, *tensors, *parameters)
        return Advance.apply(*tensors, self, ranges, reorthonormalization, *parameters)

    def _runge_kutta_steps(self, bundle: Tensor, steps: int, drive: Tensor | None) -> Tensor:
        """`advance` by Runge-Kutta steps: one product per stage, and with gradient the adjoint of G for each."""
        full = replace(self.full, drive=None)  # as it is in `drive`
        graph = torch.is_grad_enabled() or transforms_active()
        buffers = None if graph else (self.coupling.empty(bundle), self.coupling.empty(bundle))

        def velocity(rows: Tensor) -> Tensor:
            if graph:
                return self.per_unit_time(full.advance(rows, 1, drive=now) - rows)
            return self.per_unit_time(full.step_bundle_into(rows, *buffers, None if now is None else now[0]).sub_(rows))

        for step in range(steps):
            now = None if drive is None else drive[step : step + 1]
            bundle = runge_kutta(velocity, bundle, self.dt)
        return bundle

    def step_bundle_into(self, bundle: Tensor, inner: Tensor, after: Tensor, drive: Tensor | None = None) -> Tensor:
        """One Euler step of the bundle into `after`; `inner` receives what enters (current) or leaves (rate) J."""
        if self.form == "current":
            self._answered(bundle.select(-2, 0), bundle, inner)
            if self.leaks is not None:
                self.coupling.product_into(inner, after)
                if drive is not None:
                    after[..., 0, :] += drive
                return torch.lerp(bundle, after, self.leaks.unsqueeze(-2), out=after)
            self.coupling.add_product_into(bundle, inner, 1 - self.dt, self.dt, after)
            if drive is not None:
                after.select(-2, 0).add_(drive, alpha=self.dt)
            return after
        arrived = self.coupling.product_into(bundle, inner).select(-2, 0)
        if drive is not None:
            arrived += drive
        self._answered(arrived, inner, after)
        if self.leaks is not None:
            return torch.lerp(bundle, after, self.leaks.unsqueeze(-2), out=after)
        return after.mul_(self.dt).add_(bundle, alpha=1 - self.dt)

    def _answered(self, x: Tensor, rows: Tensor, out: Tensor) -> None:
        """Into `out` (..., 1 + k, N): what neurons make of x (..., N), and `rows` after it times their slopes."""
        u = self.activation.argument(x, self.gains, self.shifts)
        torch.mul(rows, self.activation.slopes(u, self.gains).unsqueeze(-2), out=out)
        self.activation.phi(u, out=out.select(-2, 0))


def stack_systems(systems: Sequence[Dynamics]) -> Dynamics:
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
        coupling=stack_couplings([system.coupling for system in systems]),
        gains=torch.stack([system.gains for system in systems]),
        shifts=torch.stack([system.shifts for system in systems]),
        activation=(stretching or [first.activation])[0],
        drive=drives,
        leaks=leaks,
    )
