"""One step of a network and its tangent, for states or for bundles of state and tangent vectors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from randomnet.activations import Activation
from randomnet.display import Brief
from randomnet.double_backward import transforms_active
from randomnet.integration import runge_kutta
from randomnet.rnn.bundle_steps import Advance, Reorthonormalization, advance_plain
from randomnet.rnn.compiled_columns import (
    Arrays,
    ColumnAdvance,
    advance_columns,
    arrays_of,
    columns_support,
    coupling_parameters,
)
from randomnet.rnn.compiled_steps import (
    CompiledAdvance,
    Recorded,
    advance_compiled,
    compiled_supports,
    dense_values,
)
from randomnet.rnn.couplings import Dense, scaled_pair
from randomnet.rnn.low_rank import Coupling, stack_couplings


@dataclass(frozen=True, repr=False)
class Dynamics(Brief):
    """A network as a dynamical system: one step and its exact tangent, from which Lyapunov spectra are computed.

    coupling: products with J[post, pre]. gains, shifts: (..., N). drive: the constant b (..., N), or None.
    Several networks can be stacked, with a leading axis of runs: states (runs, N), bundles (runs, 1 + k, N); see
    `stack_systems`.

    The flow is x' = G(x) - x, where G(x) is J phi(h) + b in the current form and phi(J r + b) in the rate form.
    integrator: "euler", x <- (1-dt) x + dt G(x), or "rk4", the classical Runge-Kutta step of the whole bundle. There
    tangent vectors follow d' = G'(x) d - d at the state x of each stage. Differentiating the four stages gives the same
    four stages, so the tangent is the exact derivative of the step, not of the flow.

    leaks: a = dt / tau of each unit (..., N), a constant, or None where all units have the reference time constant.
    With leaks the flow is x' = (G(x) - x) / tau. Time is always in units of the reference time constant.
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
    def target_map(self) -> "Dynamics":
        """G as a system: the Euler step of size 1, without leak."""
        return replace(self, dt=1.0, integrator="euler", leaks=None)

    @cached_property
    def compiled_weights(self) -> tuple[Tensor, Tensor]:
        """The matrix of products in compiled steps and its transpose, detached: diag(a) J in the current form, or J."""
        scale = self.dt if self.form == "current" else 1.0
        if self.leaks is None and isinstance(self.coupling, Dense) and not self.coupling.values.requires_grad:
            return self.coupling.scaled(scale)
        with torch.no_grad():
            if self.form == "current" and self.leaks is not None:
                return scaled_pair(dense_values(self.coupling), self.leaks.unsqueeze(-1))
            return scaled_pair(dense_values(self.coupling), scale)

    @cached_property
    def column_coupling(self) -> Arrays:
        """The coupling as arrays for compiled steps in columns."""
        return arrays_of(self, transposed=False)

    @cached_property
    def column_transpose(self) -> Arrays:
        """The transpose of the coupling as arrays for the adjoint of compiled steps in columns."""
        return arrays_of(self, transposed=True)

    @property
    def multiplications(self) -> int:
        """Number of multiplications with weights for one vector in a step."""
        return self.stages * sum(values.numel() for values in self.coupling.parameters)

    def double(self) -> "Dynamics":
        """The same system in float64, without a graph."""

        def converted(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.detach().double()

        coupling = self.coupling.with_parameters([converted(values) for values in self.coupling.parameters])
        tensors = {name: converted(getattr(self, name)) for name in ("gains", "shifts", "drive", "leaks")}
        return replace(self, coupling=coupling, **tensors)

    @property
    def a(self) -> float | Tensor:
        """The step size a = dt / tau of an Euler step: one number, or one per unit (..., N)."""
        return self.dt if self.leaks is None else self.leaks

    def per_unit_time(self, velocity: Tensor) -> Tensor:
        """Velocities (..., N) per unit of time, from velocities G(x) - x per time constant of each unit."""
        return velocity if self.leaks is None else velocity * (self.leaks / self.dt)

    def step(self, state: Tensor) -> Tensor:
        """The states (..., N) after one step."""
        if self.integrator == "rk4":
            return runge_kutta(lambda rows: self.per_unit_time(self.target_map.step(rows) - rows), state, self.dt)
        return self.step_with_rates(state, self.rates(state))

    def rates(self, state: Tensor) -> Tensor:
        """Firing rates (..., N): phi of the state in the current form, the state itself in the rate form."""
        return self.activation(state, self.gains, self.shifts)[0] if self.form == "current" else state

    def step_with_rates(self, state: Tensor, rates: Tensor) -> Tensor:
        """States (..., N) after one Euler step in which J is multiplied by these rates (..., N)."""
        target = self._total_input(rates)
        if self.form == "rate":
            target = self.activation(target, self.gains, self.shifts)[0]
        return (1 - self.a) * state + self.a * target

    def argument(self, state: Tensor) -> Tensor:
        """The argument of the activation (..., N): the state in the current form, the total input in the rate form."""
        return state if self.form == "current" else self._total_input(state)

    def _total_input(self, rates: Tensor) -> Tensor:
        recurrent = self.coupling.product(rates)
        return recurrent if self.drive is None else recurrent + self.drive

    def tangent(self, state: Tensor, frame: Tensor) -> Tensor:
        """Tangent vectors (k, N) multiplied by the exact derivative of the step at `state` (N,)."""
        if self.integrator == "rk4":
            target, bundle = self.target_map, torch.cat([state[None], frame])
            return runge_kutta(lambda rows: self.per_unit_time(target.step_bundle(rows) - rows), bundle, self.dt)[1:]
        slope = self.activation(self.argument(state), self.gains, self.shifts)[1]
        target = (
            self.coupling.product(slope * frame) if self.form == "current" else slope * self.coupling.product(frame)
        )
        return (1 - self.a) * frame + self.a * target

    @property
    def bounded(self) -> bool:
        """Whether states stay bounded: the rates are bounded, and no step size a exceeds 1."""
        return self.activation.bounded and bool(torch.as_tensor(self.a).max() <= 1)

    @property
    def stages(self) -> int:
        """Number of evaluations of G per step, and so of products with J."""
        return 4 if self.integrator == "rk4" else 1

    def step_bundle(self, bundle: Tensor) -> Tensor:
        """State and tangent vectors (1 + k, N) after one step, in plain operations."""
        return torch.cat([self.step(bundle[:1]), self.tangent(bundle[0], bundle[1:])])

    def advance(self, bundle: Tensor, steps: int, start: int = 0, drive: Tensor | None = None) -> Tensor:
        """State and tangent vectors (..., 1 + k, N) after `steps` steps, differentiable in bundle and parameters.

        drive: (steps, ..., N), the input of each step in addition to the constant drive, or None. start: the time in
        steps, which has no effect on an autonomous system.
        """
        if self._is_compiled(bundle):
            return self._advance_compiled(bundle, [steps], drive, None)[0]
        if self.drive is not None:
            constant = self.drive.expand(steps, *self.drive.shape)
            drive = constant if drive is None else constant + drive
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
        """Several intervals of `advance`, each followed by a reorthonormalization, as one differentiable operation.

        Returns the bundle and the growth of every interval, stacked. Returns None for "rk4" without compiled steps,
        where its adjoint is not written by hand.
        """
        if self._is_compiled(bundle):
            return self._advance_compiled(bundle, intervals, None, reorthonormalization)
        if self.integrator != "euler":
            return None
        drive = None if self.drive is None else self.drive.expand(sum(intervals), *self.drive.shape)
        return self._recorded(bundle, intervals, drive, reorthonormalization)

    def record_intervals(self, bundle: Tensor, intervals: Sequence[int]) -> Recorded | None:
        """Several intervals of `advance`, each followed by a QR, without gradient; None without compiled steps."""
        if not self._is_compiled(bundle):
            return None
        advance = advance_columns if columns_support(self, bundle) else advance_compiled
        return advance(self, bundle, intervals, self._compiled_drive(None), growing=True)

    def _is_compiled(self, bundle: Tensor) -> bool:
        """Whether steps of this bundle are compiled."""
        return not transforms_active() and (compiled_supports(self, bundle) or columns_support(self, bundle))

    def _advance_compiled(
        self,
        bundle: Tensor,
        intervals: Sequence[int],
        drive: Tensor | None,
        reorthonormalization: Reorthonormalization | None,
    ) -> tuple[Tensor, Tensor | None]:
        """`advance_intervals` in compiled loops; drive: as in `advance`."""
        drive = self._compiled_drive(drive)
        if not sum(intervals):
            return bundle, None
        in_columns = columns_support(self, bundle)
        if not torch.is_grad_enabled():
            advance = advance_columns if in_columns else advance_compiled
            recorded = advance(self, bundle, intervals, drive, reorthonormalization is not None)
            return recorded.bundle, recorded.growth
        tensors, settings = (bundle, self.gains, self.shifts, drive), (self, tuple(intervals), reorthonormalization)
        if in_columns:
            return ColumnAdvance.apply(*tensors, *settings, *coupling_parameters(self.coupling))
        return CompiledAdvance.apply(*tensors, dense_values(self.coupling), *settings)

    def _compiled_drive(self, drive: Tensor | None) -> Tensor | None:
        """(1, ..., N) for the constant drive alone, or (steps, ..., N), or None."""
        if self.drive is None:
            return drive
        return self.drive.unsqueeze(0) if drive is None else self.drive + drive

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
        """`advance` with Runge-Kutta steps: one product per stage, and the adjoint of G for each where needed."""
        target = replace(self.target_map, drive=None)  # `drive` includes the constant drive
        differentiable = torch.is_grad_enabled() or transforms_active()
        buffers = None if differentiable else (self.coupling.empty(bundle), self.coupling.empty(bundle))

        def velocity(rows: Tensor) -> Tensor:
            if buffers is None:
                return self.per_unit_time(target.advance(rows, 1, drive=step_drive) - rows)
            inputs = None if step_drive is None else step_drive[0]
            return self.per_unit_time(target.step_bundle_into(rows, *buffers, inputs).sub_(rows))

        for step in range(steps):
            step_drive = None if drive is None else drive[step : step + 1]
            bundle = runge_kutta(velocity, bundle, self.dt)
        return bundle

    def step_bundle_into(self, bundle: Tensor, inner: Tensor, after: Tensor, drive: Tensor | None = None) -> Tensor:
        """One Euler step of the bundle, written into `after`.

        `inner` receives the rows multiplied by J (current form) or their products with J (rate form).
        """
        if self.form == "current":
            self._activate_rows(bundle.select(-2, 0), bundle, inner)
            if self.leaks is not None:
                self.coupling.product_into(inner, after)
                if drive is not None:
                    after[..., 0, :] += drive
                return torch.lerp(bundle, after, self.leaks.unsqueeze(-2), out=after)
            self.coupling.add_product_into(bundle, inner, 1 - self.dt, self.dt, after)
            if drive is not None:
                after.select(-2, 0).add_(drive, alpha=self.dt)
            return after
        total_input = self.coupling.product_into(bundle, inner).select(-2, 0)
        if drive is not None:
            total_input += drive
        self._activate_rows(total_input, inner, after)
        if self.leaks is not None:
            return torch.lerp(bundle, after, self.leaks.unsqueeze(-2), out=after)
        return after.mul_(self.dt).add_(bundle, alpha=1 - self.dt)

    def _activate_rows(self, x: Tensor, rows: Tensor, out: Tensor) -> None:
        """Write phi(x) of x (..., N) into row 0 of `out` (..., 1 + k, N), and `rows` times phi'(x) into the others."""
        u = self.activation.argument(x, self.gains, self.shifts)
        torch.mul(rows, self.activation.slopes(u, self.gains).unsqueeze(-2), out=out)
        self.activation.phi(u, out=out.select(-2, 0))


def stack_systems(systems: Sequence[Dynamics]) -> Dynamics:
    """Systems of the same size as one system with a leading axis of runs; differentiable in each.

    Raises ValueError where they differ in more than their values, or where a coupling is sparse.
    """
    first = systems[0]
    for other in systems:
        settings = [(name, getattr(first, name), getattr(other, name)) for name in ("form", "dt", "integrator")]
        settings.append(("activation", first.activation.name, other.activation.name))
        settings.append(("size", tuple(first.gains.shape), tuple(other.gains.shape)))
        for name, expected, got in settings:
            if expected != got:
                raise ValueError(f"networks side by side must have the same {name}, got {expected} and {got}")
    if first.integrator != "euler":
        raise ValueError(f"networks side by side need integrator 'euler', got {first.integrator!r}")
    with_gains = [system.activation for system in systems if system.activation.stretches]
    return replace(
        first,
        coupling=stack_couplings([system.coupling for system in systems]),
        gains=torch.stack([system.gains for system in systems]),
        shifts=torch.stack([system.shifts for system in systems]),
        activation=(with_gains or [first.activation])[0],
        drive=_stack_or_none([system.drive for system in systems], torch.zeros_like(first.gains)),
        leaks=_stack_or_none([system.leaks for system in systems], torch.full_like(first.gains, first.dt)),
    )


def _stack_or_none(values: Sequence[Tensor | None], default: Tensor) -> Tensor | None:
    """The values stacked, with `default` in place of None; None where all are None."""
    if all(value is None for value in values):
        return None
    return torch.stack([default if value is None else value for value in values])
