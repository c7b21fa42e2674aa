"""The network on a connectome: what is trained of it, and how it answers to inputs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from randomnet.activations import ACTIVATIONS, Activation
from randomnet.connectome import Connectome
from randomnet.rnn.couplings import Dense, Pattern, Sparse, is_sparse
from randomnet.rnn.driven_systems import SeriesDrivenSystem, TrialDrivenSystem, input_driven, trial_driven
from randomnet.rnn.dynamics import Dynamics, stack_systems
from randomnet.rnn.entries import Entries, trainable_indices
from randomnet.rnn.low_rank import Coupling, LowRank, Unconnected, on_edges
from randomnet.rnn.trial_runs import run_trials

FORMS = ("current", "rate")
INTEGRATORS = ("euler", "rk4")
ENTRIES = ("weights", "gains", "shifts")
FACTORS = ("output_factors", "selection_factors")
INTERFACE = ("input_weights", "input_bias", "recurrent_bias", "readout_weights", "readout_bias")
OVERLAP_INTERFACE = (*INTERFACE[:3], "readout_gains")


class Network(nn.Module):
    """A recurrent network on a connectome, whose constant drive, where it has one, it receives.

    groups: index of each neuron's gain and shift (N,), or None for one per neuron. moving: name (weights, gains,
    shifts) -> indices of the entries that may be trained; a name left out is fixed. keep_signs: training keeps the sign
    each edge starts with, one of weight 0 that of its neuron. weight_bounds: low and high of |w| of the weights that
    are trained, for `clip` and `project`; None for none. Edges that do not exist have no parameter, so nothing can
    create them. integrator: how a step
    of dt follows the flow, see `Dynamics`; trials are run in Euler steps only. tau: each neuron's time constant (N,),
    in the unit of dt and at least dt; None for 1 of all.

    factors: initial output patterns m and selection vectors n, (N, K) each, of sum_k m_k n_k^T / N beside the weights;
    None for none. Those that may be trained are in `moving` too, under the names of FACTORS, as flat indices.
    factors_on_edges: they add to the weights of edges that exist, and to nothing else; with keep_signs an edge whose
    sum would have another sign than the edge is 0. weight_bounds are those of the weights without them.

    interface: initial values of what joins the network to a task, all of them trained: input_weights (N, channels),
    input_bias (N,), recurrent_bias (N,), readout_weights (outputs, N), readout_bias (outputs,); None for no task. With
    readout_gains (outputs,) in place of the last two, output k is gain_k kappa_k, the overlap with factor k's n.
    input_signs: of each input weight (N, channels) the sign that training keeps, 0 where there is no connection; None
    for inputs that reach every neuron, with weights of any sign. input_fixed: (N, channels) bool, which of these are
    not trained; None for all trained.
    """

    def __init__(
        self,
        connectome: Connectome,
        *,
        activation: str = "tanh_positive",
        form: str = "current",
        dt: float = 0.1,
        integrator: str = "euler",
        tau: np.ndarray | None = None,
        groups: np.ndarray | None = None,
        trainable: Mapping[str, np.ndarray] | None = None,
        keep_signs: bool = True,
        weight_bounds: tuple[float, float] | None = None,
        interface: Mapping[str, np.ndarray] | None = None,
        input_signs: np.ndarray | None = None,
        input_fixed: np.ndarray | None = None,
        factors: tuple[np.ndarray, np.ndarray] | None = None,
        factors_on_edges: bool = False,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {activation!r}")
        if form not in FORMS:
            raise ValueError(f"form must be one of {', '.join(FORMS)}, got {form!r}")
        if integrator not in INTEGRATORS:
            raise ValueError(f"integrator must be one of {', '.join(INTEGRATORS)}, got {integrator!r}")
        if not 0 < dt <= 1:
            raise ValueError(f"dt must lie in (0, 1], got {dt}")
        tau = np.ones(connectome.n) if tau is None else np.asarray(tau, dtype=np.float64)
        if tau.shape != (connectome.n,) or not (np.isfinite(tau) & (tau >= dt)).all():
            raise ValueError(f"tau must be {connectome.n} finite numbers of at least dt = {dt:g}, got {tau}")
        if weight_bounds is not None and not 0 <= weight_bounds[0] < weight_bounds[1]:
            raise ValueError(f"weight_bounds must be two numbers 0 <= low < high, got {weight_bounds}")
        groups = np.arange(connectome.n) if groups is None else np.asarray(groups)
        if groups.shape != (connectome.n,):
            raise ValueError(f"groups must have shape ({connectome.n},), got {groups.shape}")
        self.activation: Activation = ACTIVATIONS[activation]
        self.form, self.dt, self.integrator, self.n = form, dt, integrator, connectome.n
        sparse = interface is None and is_sparse(connectome.n, len(connectome.weights))
        self.pattern = Pattern(connectome.post, connectome.pre, connectome.n) if sparse else None
        self.register_buffer("edges", torch.from_numpy(connectome.post * connectome.n + connectome.pre))
        self.register_buffer("groups", torch.from_numpy(groups.astype(np.int64)))
        drive = None if connectome.drive is None else torch.tensor(connectome.drive, dtype=dtype)
        self.register_buffer("drive", drive)
        self.register_buffer("leaks", None if (tau == 1).all() else torch.tensor(dt / tau, dtype=dtype))
        self._shared = not np.array_equal(groups, np.arange(connectome.n))
        count = int(groups.max()) + 1
        sizes = {"weights": len(connectome.weights), "gains": count, "shifts": count}
        given = _factors(factors, connectome.n)
        self.rank = next((values.shape[1] for values in given.values()), 0)
        self.factors_on_edges = factors_on_edges and self.rank > 0
        sizes |= {name: values.size for name, values in given.items()}
        chosen = {name: trainable_indices(name, index, sizes) for name, index in (trainable or {}).items()}
        weights = torch.tensor(connectome.weights, dtype=dtype)  # its own: `assign` writes into it
        signs = torch.tensor(_signs(connectome), dtype=dtype) if keep_signs else None
        self.weights = Entries(weights, chosen.get("weights"), signs, weight_bounds)
        self.gains = Entries(torch.ones(count, dtype=dtype), chosen.get("gains"))
        self.shifts = Entries(torch.zeros(count, dtype=dtype), chosen.get("shifts"))
        for name, values in given.items():
            setattr(self, name, Entries(torch.tensor(values, dtype=dtype).flatten(), chosen.get(name)))
        self._stretched = self._stretches()
        if interface is not None and set(interface) not in (set(INTERFACE), set(OVERLAP_INTERFACE)):
            raise ValueError(f"interface must have {', '.join(INTERFACE)}, got {', '.join(interface)}")
        overlaps = len((interface or {}).get("readout_gains", ()))
        if overlaps > self.rank:
            raise ValueError(f"readout_gains must be at most one for each of the {self.rank} factors, got {overlaps}")
        self.interface = nn.ParameterDict(
            {name: nn.Parameter(torch.as_tensor(values, dtype=dtype)) for name, values in (interface or {}).items()}
        )
        self.register_buffer("input_signs", None if input_signs is None else torch.tensor(input_signs, dtype=dtype))
        self.register_buffer("input_fixed", None if input_fixed is None else torch.tensor(input_fixed, dtype=bool))
        self.register_buffer("input_held", None)  # the input weights that do not move, among the others
        if input_signs is not None:
            self._keep_inputs()
        elif input_fixed is not None:
            raise ValueError("input_fixed: expected input_signs beside it, got none")

    def _keep_inputs(self) -> None:
        """No gradient for connections of inputs that do not exist, or are fixed. Raises ValueError for weights without
        their sign."""
        weights = self.interface["input_weights"] if self.interface else torch.empty(0)
        if weights.shape != self.input_signs.shape or bool((weights != self.input_signs * weights.abs()).any()):
            raise ValueError(f"input_signs must be the signs of input_weights, {tuple(weights.shape)}, got others")
        if self.input_fixed is not None:
            _check_shape(self.input_fixed, weights.shape)
            self.input_held = weights.detach().clone()
        weights.register_hook(lambda gradient: gradient * self._moving_inputs())

    def _moving_inputs(self) -> Tensor:
        """(N, channels) bool: which input weights are trained."""
        there = self.input_signs != 0
        return there if self.input_fixed is None else there & ~self.input_fixed

    def _stretches(self) -> bool:
        """Whether gains and shifts act: not where they are, and stay, 1 and 0."""
        fixed = self.gains.free is None and self.shifts.free is None
        neutral = bool((self.gains.start == 1).all()) and bool((self.shifts.start == 0).all())
        return self.activation.stretches and not (fixed and neutral)

    def matrix(self) -> Tensor:
        """J[post, pre], (N, N), differentiable in the weights and, where there are any, in the factors."""
        matrix = self._of_edges(self.edge_weights())
        if not self.rank or self.factors_on_edges:
            return matrix
        output, selection = self.factors()
        return torch.addmm(matrix, output, selection.mT, alpha=1 / self.n)

    def edge_weights(self) -> Tensor:
        """The weight of every edge in J (E,), with what factors on edges add to it; differentiable."""
        weights = self.weights()
        if not self.factors_on_edges:
            return weights
        return on_edges(weights, self.edges // self.n, self.edges % self.n, *self.factors(), self.weights.signs)

    @property
    def factors_on(self) -> str | None:
        """What the factors act on: all pairs, edges, or edges that keep their signs; None without factors."""
        if not self.rank:
            return None
        kept = ", signs kept" * (self.weights.signs is not None)
        return f"edges{kept}" if self.factors_on_edges else "all"

    def _of_edges(self, weights: Tensor) -> Tensor:
        flat = torch.zeros(self.n * self.n, dtype=weights.dtype, device=weights.device)
        return flat.index_copy_(0, self.edges, weights).view(self.n, self.n)

    def factors(self) -> tuple[Tensor, Tensor]:
        """Output patterns m and selection vectors n, (N, K) each, differentiable. Raises ValueError for rank 0."""
        if not self.rank:
            raise ValueError("the network has no factors of low rank; give it some")
        output, selection = (getattr(self, name)().view(self.n, self.rank) for name in FACTORS)
        return output, selection

    def overlaps(self, rates: Tensor) -> Tensor:
        """kappa_k = n_k . r / N of rates (..., N): (..., K). Raises ValueError for rank 0, or rates of another size."""
        selection = self.factors()[1]
        if rates.shape[-1:] != (self.n,):
            raise ValueError(f"rates must have shape (..., {self.n}), one per unit, got {tuple(rates.shape)}")
        return rates @ selection / self.n

    def dynamics(self) -> "Dynamics":
        """The network with its present parameters as a dynamical system; build it once per epoch."""
        gains, shifts = self.gains(), self.shifts()
        if self._shared:
            gains, shifts = gains[self.groups], shifts[self.groups]
        activation = self.activation if self._stretched else replace(self.activation, stretches=False)
        return Dynamics(self._coupling(), gains, shifts, activation, self.form, self.dt, self.integrator, self.drive,
                        self.leaks)  # fmt: skip

    def _coupling(self) -> Coupling:
        beside = self.rank and not self.factors_on_edges
        if beside and not len(self.edges):
            return LowRank(Unconnected(), *self.factors())
        weights = self.edge_weights()
        base = Sparse(weights, self.pattern) if self.pattern else Dense(self._of_edges(weights))
        return LowRank(base, *self.factors()) if beside else base

    def run(self, inputs: Tensor, initial: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Rates (time, batch, N) after each step of inputs (time, batch, channels), and readout (time, batch, outputs).

        initial: state (batch, N), None for 0. Raises ValueError where the network has no input, or one of other
        channels, or steps that are not Euler's.
        """
        if not self.interface:
            raise ValueError("the network has no input weights; give it an interface")
        channels = self.interface["input_weights"].shape[1]
        if inputs.ndim != 3 or inputs.shape[2] != channels:
            raise ValueError(f"inputs must have shape (time, batch, {channels}), got {tuple(inputs.shape)}")
        return run_trials(self.dynamics(), self.interface_tensors(), inputs, initial)

    def interface_tensors(self) -> dict[str, Tensor]:
        """The interface under the names of INTERFACE, differentiable: the readout of overlaps as one of weights."""
        held = dict(self.interface.items())
        if "readout_gains" in held:
            gains = held.pop("readout_gains")
            selection = self.factors()[1][:, : len(gains)]
            held |= {"readout_weights": gains[:, None] * selection.mT / self.n, "readout_bias": torch.zeros_like(gains)}
        return held

    def driven_by_trials(self, inputs: Tensor) -> TrialDrivenSystem:
        """The network along trials, inputs (time, trials, channels), as a system with a spectrum."""
        return trial_driven(self.dynamics(), self.interface, inputs)

    def autonomous(self) -> Dynamics:
        """The network without input, as a system with a spectrum; biases of an interface go on driving it."""
        system = self.dynamics()
        if not self.interface:
            return system
        biases = self.interface["input_bias"] + self.interface["recurrent_bias"]
        return replace(system, drive=biases if system.drive is None else biases + system.drive)

    def driven_by_inputs(self, inputs: Tensor | None = None) -> Dynamics | SeriesDrivenSystem:
        """The network as a system under inputs: None for 0, (channels,) for a constant, (time, channels) for a series.

        Raises ValueError for another shape, or where the network has no input.
        """
        if inputs is not None and not self.interface:
            raise ValueError("inputs: expected None, as the network has no input weights")
        return input_driven(self.autonomous(), self.interface.get("input_weights"), inputs)

    def forward(self, inputs: Tensor, initial: Tensor | None = None) -> Tensor:
        """Readout (batch, time, outputs) at every step of inputs (batch, time, channels); see `run`."""
        return self.run(inputs.transpose(0, 1), initial)[1].transpose(0, 1)

    def elman_state_dict(self) -> dict[str, Tensor]:
        """The parameters under the names of torch.nn.RNN and Linear, as bio_rnn_mem saves them.

        Factors stand beside the weights, as `output_factors` and `selection_factors`: they are no part of weight_hh_l0.
        So do the gains of a readout of overlaps, though fc.weight has them. With factors on edges `factor_edges` (E,)
        are these, post N + pre, as one of them may have no weight of its own.
        """
        own = {name: values.detach() for name, values in self.interface_tensors().items()}
        gains = {name: self.interface[name].detach() for name in OVERLAP_INTERFACE[3:] if name in self.interface}
        factors = dict(zip(FACTORS, self.factors(), strict=True)) if self.rank else {}
        factors |= {"factor_edges": self.edges} if self.factors_on_edges else {}
        return (
            {name: values.detach() for name, values in factors.items()}
            | gains
            | {
                "rnn.weight_ih_l0": own["input_weights"],
                "rnn.weight_hh_l0": self._of_edges(self.weights()).detach(),
                "rnn.bias_ih_l0": own["input_bias"],
                "rnn.bias_hh_l0": own["recurrent_bias"] + (0 if self.drive is None else self.drive),
                "fc.weight": own["readout_weights"],
                "fc.bias": own["readout_bias"],
            }
        )

    def clip(self) -> int:
        """Bring trained weights that begin out of weight_bounds to the nearer one; how many they were."""
        outside = self.weights.count_outside_bounds()
        if outside:
            self.weights.project()
        return outside

    def project(self) -> None:
        """Keep signs, bounds and what is fixed of the inputs after an optimiser's step."""
        self.weights.project()
        if self.input_signs is not None:
            weights = self.interface["input_weights"].data
            weights.masked_fill_(weights * self.input_signs <= 0, 0.0)
            if self.input_fixed is not None:  # decay of weights needs no gradient
                weights.copy_(torch.where(self.input_fixed, self.input_held, weights))

    def values(self) -> dict[str, Tensor]:
        """Copies of all weights (E,), gains and shifts (groups,), factors (N, K), and of the interface."""
        entries = {name: getattr(self, name)().detach().clone() for name in self._entries()}
        for name in FACTORS if self.rank else ():
            entries[name] = entries[name].view(self.n, self.rank)
        return entries | {name: values.detach().clone() for name, values in self.interface.items()}

    def _entries(self) -> tuple[str, ...]:
        return (*ENTRIES, *FACTORS) if self.rank else ENTRIES

    def fingerprint(self) -> list[Tensor]:
        """What tells it from others: edges, their weights with the factors that act on them, groups and all values."""
        return [self.edges, self.edge_weights().detach(), self.groups, *self.values().values()]

    def assign(self, values: Mapping[str, Tensor]) -> None:
        """Set everything from `values()` of a network of the same shape. Raises ValueError."""
        for name in (*self._entries(), *self.interface):
            try:
                if name in FACTORS:
                    _check_shape(values[name], (self.n, self.rank))
                    getattr(self, name).assign(values[name].flatten())
                elif name in ENTRIES:
                    getattr(self, name).assign(values[name])
                else:
                    _set(self.interface[name], values[name])
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        if self.input_held is not None:
            self.input_held = self.interface["input_weights"].detach().clone()
        self._stretched = self._stretches()

    def description(self) -> dict[str, Any]:
        """Everything but the values, as tensors and plain values: with them, all that is needed to rebuild it."""
        return {
            "n": self.n,
            "edges": self.edges,
            "groups": self.groups,
            "activation": self.activation.name,
            "form": self.form,
            "dt": self.dt,
            "integrator": self.integrator,
            "drive": self.drive,
            "leaks": self.leaks,
            "input_signs": self.input_signs,
            "rank": self.rank,
            "factors_on": self.factors_on,
            "signs": self.weights.signs if self.factors_on_edges else None,
        }


def stack_networks(networks: Sequence[Network]) -> tuple[Dynamics, dict[str, Tensor]]:
    """Networks with an interface as one with a leading axis of runs, for `driven` and `along`; differentiable in each.

    Raises ValueError where they differ in more than their values.
    """
    joined = [network.interface_tensors() for network in networks]
    interface = {name: torch.stack([one[name] for one in joined]) for name in INTERFACE}
    return stack_systems([network.dynamics() for network in networks]), interface


def _signs(connectome: Connectome) -> np.ndarray:
    """(E,) 1 or -1: of each edge; where its weight is 0 that of what its neuron sends, and 1 where that has none."""
    of_neuron = connectome.signs[connectome.pre]
    return np.where(np.where(connectome.weights == 0, of_neuron, connectome.weights) < 0, -1.0, 1.0)


def _factors(factors: tuple[np.ndarray, np.ndarray] | None, n: int) -> dict[str, np.ndarray]:
    """The factors by name; none of rank 0."""
    given = dict(zip(FACTORS, map(np.asarray, factors or ()), strict=factors is not None))
    shapes = [values.shape for values in given.values()]
    if shapes and not (shapes[0] == shapes[1] and len(shapes[0]) == 2 and shapes[0][0] == n):
        raise ValueError(f"factors must have shape ({n}, K) each, got {shapes[0]} and {shapes[1]}")
    return given if shapes and shapes[0][1] else {}


def _check_shape(values: Tensor, expected: tuple[int, ...]) -> None:
    if values.shape != expected:
        raise ValueError(f"expected shape {tuple(expected)}, got {tuple(values.shape)}")


@torch.no_grad()
def _set(parameter: Tensor, values: Tensor) -> None:
    _check_shape(values, parameter.shape)
    parameter.copy_(values)
