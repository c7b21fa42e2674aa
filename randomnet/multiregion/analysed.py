"""Analyses of a network of regions, by the names of its regions and under any input."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from randomnet.analysis import (
    FixedPoints,
    FlowField,
    Linearisation,
    Plane,
    Selection,
    Units,
    fixed_points,
    flow_field,
    jacobian_of,
    linearise,
    maps_under_input,
    plane,
    region_activity,
    select,
    under_input,
    units_of,
    weight_subset,
)
from randomnet.rnn import Dense, Dynamics
from randomnet.settings import nearest

if TYPE_CHECKING:
    from randomnet.multiregion.network import MultiRegionRNN


class Analysed:
    """The part of a `MultiRegionRNN` that analyses it.

    A selection is one name, as in `randomnet.analysis.select`, or several; () or None means all units. Inputs are (I,),
    the same for all states, or (..., I), one for each state; None means 0. A time-varying input is therefore given step
    by step: inputs[:, t] is that of the step from the state before it to the state after it. extra: (H,) or (..., H),
    inputs without weights, as a stimulation. W_rec: effective recurrent weights in place of the network's own.
    """

    @property
    def units(self: "MultiRegionRNN") -> Units:
        """The H units with their names and labels, for `randomnet.analysis`."""
        return units_of(self.connectome())

    def region_activity(self: "MultiRegionRNN", activity: Tensor, *selection: str) -> Tensor:
        """Activity (..., n) of the selected units, from that of all units (..., H)."""
        return region_activity(activity, self.units, *selection)

    def weight_subset(
        self: "MultiRegionRNN", to: Selection | None = None, from_: Selection | None = None
    ) -> Tensor:
        """The block (n_to, n_from) of effective weights between regions, or from inputs to regions; differentiable.

        from_: regions, or names of inputs alone. One of `to` and `from_` that is None equals the other; with inputs, a
        `to` of None means all units. Raises ValueError for unknown names, and for regions and inputs together.
        """
        recurrent, inputs = self.effective_weights()
        names = [from_] if isinstance(from_, str) else list(from_ or ())
        from_inputs = [name for name in names if name in self.inputs]
        if not from_inputs:
            return weight_subset(recurrent, self.units, to, from_)
        if len(from_inputs) < len(names):
            other = next(name for name in names if name not in self.inputs)
            near = nearest(str(other), self.inputs)
            raise ValueError(f"from_: expected regions or inputs ({', '.join(self.inputs)}) alone, got inputs and "
                             f"{other!r}{near}")  # fmt: skip
        return weight_subset(inputs, self.units, to, from_inputs, sources=self.input_units)

    def linearise(
        self: "MultiRegionRNN",
        states: Tensor,
        inputs: Tensor | None = None,
        *,
        to: Selection | None = None,
        from_: Selection | None = None,
        extra: Tensor | None = None,
        W_rec: Tensor | None = None,
    ) -> Linearisation:
        """The step at states (..., H), with its Jacobians by states, by other units and by inputs (J_u).

        to, from_: rows and columns; one that is None equals the other. `Linearisation.predict` changes states and
        inputs, and `eigendecomposition` has the eigenvalues. Raises ValueError for shapes and names that do not fit.
        """
        to, from_ = from_ if to is None else to, to if from_ is None else from_
        self._check_states("states", states)
        return linearise(self._analysed(W_rec), states, self.input(), inputs, extra=extra, to=self._index(to),
                         from_=self._index(from_))  # fmt: skip

    def fixed_points(
        self: "MultiRegionRNN",
        starts: Tensor,
        inputs: Tensor | None = None,
        *,
        regions: Selection = (),
        extra: Tensor | None = None,
        W_rec: Tensor | None = None,
        **settings: Any,
    ) -> FixedPoints | list[FixedPoints]:
        """The fixed points under a constant input (I,), or a list, one for each of several inputs (P, I).

        starts: (S, H); all starts serve for each input. regions: the units that are searched; all others keep the
        values of their start. The search is in float64, and changes nothing of the network. settings: of
        `randomnet.analysis.fixed_points`. Raises ValueError for shapes and names that do not fit.
        """
        self._check_states("starts", starts)
        if inputs is not None and inputs.ndim > 1:
            return [self.fixed_points(starts, one, regions=regions, extra=extra, W_rec=W_rec, **settings)
                    for one in inputs]  # fmt: skip
        with torch.no_grad():
            weights = self.input().double()
            system = under_input(self._analysed(W_rec).double(), weights, inputs, extra)
            index = self._index(regions)
            clamped = None if index is None else self._others(index)
            return fixed_points(system.step, jacobian_of(system), starts.detach().double(), clamped=clamped, **settings)

    @torch.no_grad()
    def flow_field(
        self: "MultiRegionRNN",
        at: Tensor,
        inputs: Tensor | None = None,
        axes: Plane | None = None,
        points: int = 20,
        span: tuple[float, float, float, float] | None = None,
        *,
        trajectory: Tensor | None = None,
        regions: Selection = (),
        zeroed: Selection | None = None,
        linear: bool = False,
        delta_input: Tensor | None = None,
        delta_others: Tensor | None = None,
        extra: Tensor | None = None,
        W_rec: Tensor | None = None,
    ) -> FlowField:
        """The flow around base states `at` (..., H), each under its own input, in a plane of the selected regions.

        axes: the plane; None means the first two principal axes of the trajectory (..., H), or of `at` without one.
        span: as in `randomnet.analysis.flow_field`; None means that of the trajectory, or of `at`. regions: the units
        of the plane. The others keep their state `at`, or 0 where they are in `zeroed`. linear: the step is the affine
        map at each base state. delta_input: (I,) or (..., I), a change of the input; delta_others: (H - n,) or (..., H
        - n), one of the states of the other units. Both are of first order with linear. Raises ValueError for shapes
        and names that do not fit.
        """
        index, path = self._index(regions), at if trajectory is None else trajectory
        others = self._others(index)
        self._check_states("at", at)
        self._check_states("trajectory", path)
        self._check_change("delta_input", delta_input, self.input_size, at)
        self._check_change("delta_others", delta_others, len(others), at)
        if zeroed is not None:
            at = at.index_fill(-1, select(self.units, *_names(zeroed)).to(at.device), 0.0)
        chosen = path if index is None else path[..., index]
        axes = plane(chosen) if axes is None else axes
        weights, system = self.input(), self._analysed(W_rec)
        if not linear:
            inputs = inputs if delta_input is None else delta_input if inputs is None else inputs + delta_input
            if delta_others is not None:
                at = at.index_add(-1, others, delta_others.to(at).expand(*at.shape[:-1], -1))
        step, jacobian = maps_under_input(system, at.shape[:-1], weights, inputs, extra)
        if linear and (delta_input is not None or delta_others is not None):
            local = linearise(system, at, weights, inputs, extra=extra, from_=index)
            change = local.predict(None, delta_input, delta_others) - local.after
            step = _shifted(step, change.reshape(-1, self.hidden_size))
        return flow_field(step, at, axes, points, span, trajectory=path, jacobian=jacobian if linear else None,
                          subset=index)  # fmt: skip

    def _analysed(self: "MultiRegionRNN", W_rec: Tensor | None) -> Dynamics:
        """The network without inputs and noise, with weights of its own or others."""
        if W_rec is None:
            return self.dynamics()
        shape = self.hidden_size, self.hidden_size
        if W_rec.shape != shape:
            raise ValueError(f"W_rec: expected shape {shape}, got {tuple(W_rec.shape)}")
        return self._system(Dense(W_rec))

    def _check_states(self: "MultiRegionRNN", name: str, states: Tensor) -> None:
        """Raise ValueError unless the states have all units as their last axis."""
        if states.ndim < 1 or states.shape[-1] != self.hidden_size:
            raise ValueError(f"{name}: expected shape (..., {self.hidden_size}), got {tuple(states.shape)}")

    @staticmethod
    def _check_change(name: str, change: Tensor | None, units: int, at: Tensor) -> None:
        """Raise ValueError unless the change is one for all states `at`, or one for each."""
        shapes = (units,), (*at.shape[:-1], units)
        if change is not None and change.shape not in shapes:
            raise ValueError(f"{name}: expected shape {shapes[0]} or {shapes[1]}, got {tuple(change.shape)}")

    def _others(self: "MultiRegionRNN", index: Tensor | None) -> Tensor:
        """The units that are not in `index`, ascending; none for None."""
        others = torch.full((self.hidden_size,), index is not None, device=self.base_firing.device)
        if index is not None:
            others[index] = False
        return others.nonzero().squeeze(1)

    def _index(self: "MultiRegionRNN", selection: Selection | None) -> Tensor | None:
        """The selected units (n,); None for all."""
        names = _names(selection)
        return select(self.units, *names).to(self.base_firing.device) if names else None


def _names(selection: Selection | None) -> Sequence[str]:
    return (selection,) if isinstance(selection, str) else tuple(selection or ())


def _shifted(step: Any, change: Tensor) -> Any:
    """The step with a change (B, H) of the states after it, for states (M, H) in B equal groups."""
    return lambda states: step(states) + change.repeat_interleave(len(states) // len(change), 0)
