"""The network on a connectome: its trainable parameters, its constraints, and its response to inputs."""

from collections.abc import Iterable, Mapping, Sequence
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
from randomnet.rnn.entries import Entries, InputConstraints, trainable_indices
from randomnet.rnn.low_rank import (
    FACTORS,
    Coupling,
    LowRank,
    LowRankFactors,
    Unconnected,
    weights_with_factors,
)
from randomnet.rnn.trial_runs import run_trials

FORMS = ("current", "rate")
INTEGRATORS = ("euler", "rk4")
ENTRIES = ("weights", "gains", "shifts")
INTERFACE = ("input_weights", "input_bias", "recurrent_bias", "readout_weights", "readout_bias")
OVERLAP_INTERFACE = (*INTERFACE[:3], "readout_gains")


class Network(nn.Module):
    """A recurrent network on a connectome. Edges that do not exist have no parameter, so training cannot create them.

    The connectome gives the edges, their initial weights and a constant drive, if it has one. integrator: "euler" or
    "rk4", see `Dynamics`; trials need "euler". tau: the time constant of each neuron (N,), in the unit of dt and at
    least dt; None for 1. groups: the index of each neuron's gain and shift (N,); None for one per neuron.

    trainable: name (weights, gains, shifts, or one of FACTORS) -> indices of the trainable entries, flat for factors. A
    name that is missing is fixed. keep_signs: training keeps the initial sign of each edge; an edge of weight 0 has the
    sign of its presynaptic neuron. weight_bounds: low and high of |w| of trained weights, for `clip` and `project`;
    None for no bounds.

    factors: low-rank factors in addition to the weights, or None. The weight bounds do not apply to them. With factors
    on edges and keep_signs, an edge whose sum would change sign has weight 0.

    interface: initial values of the parameters that connect the network to a task, all of them trained: input_weights
    (N, channels), input_bias (N,), recurrent_bias (N,), readout_weights (outputs, N), readout_bias (outputs,); None for
    no task. With readout_gains (outputs,) instead of the last two, output k is gain_k kappa_k, where kappa_k is the
    overlap with the selection vector of factor k. input_constraints: signs and fixed entries of the input weights; None
    for connections to every neuron with weights of any sign.
    """

    edges: Tensor
    groups: Tensor
    drive: Tensor | None
    leaks: Tensor | None
    input_signs: Tensor | None
    input_fixed: Tensor | None
    input_held: Tensor | None

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
        input_constraints: InputConstraints | None = None,
        factors: LowRankFactors | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        _check_choice("activation", activation, ACTIVATIONS)
        _check_choice("form", form, FORMS)
        _check_choice("integrator", integrator, INTEGRATORS)
        if not 0 < dt <= 1:
            raise ValueError(f"dt must lie in (0, 1], got {dt}")
        n = connectome.n
        tau = np.ones(n) if tau is None else np.asarray(tau, dtype=np.float64)
        if tau.shape != (n,) or not (np.isfinite(tau) & (tau >= dt)).all():
            raise ValueError(f"tau must be {n} finite numbers of at least dt = {dt:g}, got {tau}")
        if weight_bounds is not None and not 0 <= weight_bounds[0] < weight_bounds[1]:
            raise ValueError(f"weight_bounds must be two numbers 0 <= low < high, got {weight_bounds}")
        groups = np.arange(n) if groups is None else np.asarray(groups)
        if groups.shape != (n,):
            raise ValueError(f"groups must have shape ({n},), got {groups.shape}")
        self.activation: Activation = ACTIVATIONS[activation]
        self.form, self.dt, self.integrator, self.n = form, dt, integrator, n
        sparse = interface is None and is_sparse(n, len(connectome.weights))
        self.pattern = Pattern(connectome.post, connectome.pre, n) if sparse else None
        self.register_buffer("edges", torch.from_numpy(connectome.post * n + connectome.pre))
        self.register_buffer("groups", torch.from_numpy(groups.astype(np.int64)))
        drive = None if connectome.drive is None else torch.tensor(connectome.drive, dtype=dtype)
        self.register_buffer("drive", drive)
        self.register_buffer("leaks", None if (tau == 1).all() else torch.tensor(dt / tau, dtype=dtype))
        self._shared_groups = not np.array_equal(groups, np.arange(n))
        signs = torch.tensor(_signs(connectome), dtype=dtype) if keep_signs else None
        self._add_entries(connectome.weights, factors, trainable or {}, signs, weight_bounds, dtype)
        self._add_interface(interface or {}, input_constraints, dtype)

    def _add_entries(
        self,
        weights: np.ndarray,
        factors: LowRankFactors | None,
        trainable: Mapping[str, np.ndarray],
        signs: Tensor | None,
        weight_bounds: tuple[float, float] | None,
        dtype: torch.dtype,
    ) -> None:
        """Create weights, gains, shifts and factors. Raises ValueError for wrong shapes or trainable indices."""
        count = int(self.groups.max()) + 1
        named_factors = {} if factors is None else factors.named(self.n)
        self.rank = next((values.shape[1] for values in named_factors.values()), 0)
        self.factors_on_edges = self.rank > 0 and factors.on_edges
        sizes = {"weights": len(weights), "gains": count, "shifts": count}
        sizes |= {name: values.size for name, values in named_factors.items()}
        indices = {name: trainable_indices(name, index, sizes) for name, index in trainable.items()}
        initial = torch.tensor(weights, dtype=dtype)  # a copy, because `assign` writes into it
        self.weights = Entries(initial, indices.get("weights"), signs, weight_bounds)
        self.gains = Entries(torch.ones(count, dtype=dtype), indices.get("gains"))
        self.shifts = Entries(torch.zeros(count, dtype=dtype), indices.get("shifts"))
        for name, values in named_factors.items():
            setattr(self, name, Entries(torch.tensor(values, dtype=dtype).flatten(), indices.get(name)))
        self._stretched = self._stretches()
        self._kept: tuple[Tensor, int, Dense] | None = None  # constant weights, their version, and their matrix

    def _add_interface(
        self, interface: Mapping[str, np.ndarray], constraints: InputConstraints | None, dtype: torch.dtype
    ) -> None:
        """Create the task interface and its constraints. Raises ValueError for wrong names, ranks or signs."""
        if interface and set(interface) not in (set(INTERFACE), set(OVERLAP_INTERFACE)):
            raise ValueError(f"interface must have {', '.join(INTERFACE)}, got {', '.join(interface)}")
        overlaps = len(interface.get("readout_gains", ()))
        if overlaps > self.rank:
            raise ValueError(f"readout_gains must be at most one for each of the {self.rank} factors, got {overlaps}")
        self.interface = nn.ParameterDict(
            {name: nn.Parameter(torch.as_tensor(values, dtype=dtype)) for name, values in interface.items()}
        )
        fixed = None if constraints is None else constraints.fixed
        signs = None if constraints is None else torch.tensor(constraints.signs, dtype=dtype)
        self.input_signs_free = constraints is not None and constraints.free_signs
        self.register_buffer("input_signs", signs)
        self.register_buffer("input_fixed", None if fixed is None else torch.tensor(fixed, dtype=bool))
        self.register_buffer("fixed_input_weights", None)  # the values of input weights that are not trained
        if constraints is not None:
            self._constrain_inputs()

    def _constrain_inputs(self) -> None:
        """Remove gradients of input weights that are absent or fixed. Raises ValueError for weights of another sign."""
        weights = self.interface["input_weights"] if self.interface else torch.empty(0)
        if weights.shape != self.input_signs.shape or bool((weights != self.input_signs * weights.abs()).any()):
            raise ValueError(f"input_signs must be the signs of input_weights, {tuple(weights.shape)}, got others")
        if self.input_fixed is not None:
            _check_shape(self.input_fixed, weights.shape)
            self.fixed_input_weights = weights.detach().clone()
        weights.register_hook(lambda gradient: gradient * self._trainable_inputs())

    def _trainable_inputs(self) -> Tensor:
        """(N, channels) bool: which input weights are trained."""
        exists = self.input_signs != 0
        return exists if self.input_fixed is None else exists & ~self.input_fixed

    def _stretches(self) -> bool:
        """Whether gains and shifts have an effect. They have none where they are fixed at 1 and 0."""
        fixed = self.gains.free is None and self.shifts.free is None
        neutral = bool((self.gains.start == 1).all()) and bool((self.shifts.start == 0).all())
        return self.activation.stretches and not (fixed and neutral)

    def matrix(self) -> Tensor:
        """J[post, pre], (N, N), differentiable in the weights and in the factors."""
        matrix = self._edge_matrix(self.edge_weights())
        if not self.rank or self.factors_on_edges:
            return matrix
        output, selection = self.factors()
        return torch.addmm(matrix, output, selection.mT, alpha=1 / self.n)

    def edge_weights(self) -> Tensor:
        """The weight of every edge (E,), including factors on edges; differentiable."""
        weights = self.weights()
        if not self.factors_on_edges:
            return weights
        post, pre = self.edges // self.n, self.edges % self.n
        return weights_with_factors(weights, post, pre, *self.factors(), self.weights.signs)

    @property
    def factors_on(self) -> str | None:
        """Where the factors act: "all", "edges", or "edges, signs kept"; None without factors."""
        if not self.rank:
            return None
        if not self.factors_on_edges:
            return "all"
        return "edges" if self.weights.signs is None else "edges, signs kept"

    def _edge_matrix(self, weights: Tensor) -> Tensor:
        """(N, N) with these weights (E,) on the edges."""
        flat = torch.zeros(self.n * self.n, dtype=weights.dtype, device=weights.device)
        return flat.index_copy_(0, self.edges, weights).view(self.n, self.n)

    def factors(self) -> tuple[Tensor, Tensor]:
        """Output patterns m and selection vectors n, (N, K) each; differentiable. Raises ValueError for rank 0."""
        if not self.rank:
            raise ValueError("expected a network with low-rank factors, got one without; pass factors to Network")
        output, selection = (getattr(self, name)().view(self.n, self.rank) for name in FACTORS)
        return output, selection

    def overlaps(self, rates: Tensor) -> Tensor:
        """Overlaps kappa_k = n_k . r / N (..., K) of rates r (..., N). Raises ValueError for rank 0 or a wrong size."""
        selection = self.factors()[1]
        if rates.shape[-1:] != (self.n,):
            raise ValueError(f"rates must have shape (..., {self.n}), one per unit, got {tuple(rates.shape)}")
        return rates @ selection / self.n

    def dynamics(self) -> Dynamics:
        """The network with its current parameters as a dynamical system. Build it again after each update."""
        gains, shifts = self.gains(), self.shifts()
        if self._shared_groups:
            gains, shifts = gains[self.groups], shifts[self.groups]
        activation = self.activation if self._stretched else replace(self.activation, stretches=False)
        return Dynamics(self._coupling(), gains, shifts, activation, self.form, self.dt, self.integrator, self.drive,
                        self.leaks)  # fmt: skip

    def _coupling(self) -> Coupling:
        low_rank = self.rank and not self.factors_on_edges
        if low_rank and not len(self.edges):
            return LowRank(Unconnected(), *self.factors())
        base = self._base()
        return LowRank(base, *self.factors()) if low_rank else base

    def _base(self) -> Dense | Sparse:
        """The products with the weights of edges, made once where these stay as they are."""
        start = self.weights.start
        if self.pattern or self.factors_on_edges or self.weights.free is not None:
            weights = self.edge_weights()
            return Sparse(weights, self.pattern) if self.pattern else Dense(self._edge_matrix(weights))
        if self._kept is None or self._kept[0] is not start or self._kept[1] != start._version:
            self._kept = start, start._version, Dense(self._edge_matrix(self.weights()))
        return self._kept[2]

    def run(self, inputs: Tensor, initial: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Rates (time, batch, N) after each step of inputs (time, batch, channels), and readout (time, batch, outputs).

        initial: state (batch, N), None for 0. Raises ValueError for a network without interface, for a wrong number of
        channels, and for another integrator than "euler".
        """
        self._check_inputs(inputs)
        return run_trials(self.dynamics(), self.interface_tensors(), inputs, initial)

    def _check_inputs(self, inputs: Tensor) -> None:
        if not self.interface:
            raise ValueError("expected a network with input weights, got one without; pass an interface to Network")
        channels = self.interface["input_weights"].shape[1]
        if inputs.ndim != 3 or inputs.shape[2] != channels:
            raise ValueError(f"inputs must have shape (time, batch, {channels}), got {tuple(inputs.shape)}")

    def interface_tensors(self) -> dict[str, Tensor]:
        """The interface under the names of INTERFACE; differentiable. A readout of overlaps becomes readout weights."""
        tensors = dict(self.interface.items())
        if "readout_gains" in tensors:
            gains = tensors.pop("readout_gains")
            selection = self.factors()[1][:, : len(gains)]
            tensors["readout_weights"] = gains[:, None] * selection.mT / self.n
            tensors["readout_bias"] = torch.zeros_like(gains)
        return tensors

    def driven_by_trials(self, inputs: Tensor) -> TrialDrivenSystem:
        """The network driven by trials with inputs (time, trials, channels), as a system with a Lyapunov spectrum."""
        return trial_driven(self.dynamics(), self.interface, inputs)

    def autonomous(self) -> Dynamics:
        """The network without input, as a system with a Lyapunov spectrum. The interface biases still drive it."""
        system = self.dynamics()
        if not self.interface:
            return system
        biases = self.interface["input_bias"] + self.interface["recurrent_bias"]
        return replace(system, drive=biases if system.drive is None else biases + system.drive)

    def driven_by_inputs(self, inputs: Tensor | None = None) -> Dynamics | SeriesDrivenSystem:
        """The network under inputs: None for 0, (channels,) for a constant input, (time, channels) for a series.

        Raises ValueError for another shape, and for inputs to a network without interface.
        """
        if inputs is not None and not self.interface:
            raise ValueError("inputs: expected None, as the network has no input weights")
        return input_driven(self.autonomous(), self.interface.get("input_weights"), inputs)

    def forward(self, inputs: Tensor, initial: Tensor | None = None) -> Tensor:
        """Readout (batch, time, outputs) at every step of inputs (batch, time, channels); see `run`."""
        return self.run(inputs.transpose(0, 1), initial)[1].transpose(0, 1)

    def elman_state_dict(self) -> dict[str, Tensor]:
        """The parameters under the names of torch.nn.RNN and Linear, in the format of bio_rnn_mem.

        Factors are separate entries, `output_factors` and `selection_factors`, and not part of weight_hh_l0. The gains
        of an overlap readout are a separate entry too, although fc.weight includes them. With factors on edges
        `factor_edges` (E,) lists the edges, post N + pre, because an edge may have weight 0.
        """
        interface = {name: values.detach() for name, values in self.interface_tensors().items()}
        gains = {name: self.interface[name].detach() for name in OVERLAP_INTERFACE[3:] if name in self.interface}
        factors = dict(zip(FACTORS, self.factors(), strict=True)) if self.rank else {}
        factors |= {"factor_edges": self.edges} if self.factors_on_edges else {}
        return (
            {name: values.detach() for name, values in factors.items()}
            | gains
            | {
                "rnn.weight_ih_l0": interface["input_weights"],
                "rnn.weight_hh_l0": self._edge_matrix(self.weights()).detach(),
                "rnn.bias_ih_l0": interface["input_bias"],
                "rnn.bias_hh_l0": interface["recurrent_bias"] + (0 if self.drive is None else self.drive),
                "fc.weight": interface["readout_weights"],
                "fc.bias": interface["readout_bias"],
            }
        )

    def clip(self) -> int:
        """Clip initial values of trained weights to weight_bounds, and return how many were outside."""
        outside = self.weights.count_outside_bounds()
        if outside:
            self.weights.project()
        return outside

    def project(self) -> None:
        """Restore signs, bounds and fixed input weights after an optimiser step."""
        self.weights.project()
        if self.input_signs is not None:
            weights = self.interface["input_weights"].data
            lost = self.input_signs == 0 if self.input_signs_free else weights * self.input_signs <= 0
            weights.masked_fill_(lost, 0.0)
            if self.input_fixed is not None:  # weight decay changes weights without a gradient
                weights.copy_(torch.where(self.input_fixed, self.fixed_input_weights, weights))

    def values(self) -> dict[str, Tensor]:
        """Copies of all weights (E,), gains and shifts (groups,), factors (N, K), and interface parameters, by name."""
        entries = {name: getattr(self, name)().detach().clone() for name in self._entries()}
        for name in FACTORS if self.rank else ():
            entries[name] = entries[name].view(self.n, self.rank)
        return entries | {name: values.detach().clone() for name, values in self.interface.items()}

    def _entries(self) -> tuple[str, ...]:
        return (*ENTRIES, *FACTORS) if self.rank else ENTRIES

    def fingerprint(self) -> list[Tensor]:
        """Tensors that identify the network: edges, edge weights including factors, groups and all values."""
        return [self.edges, self.edge_weights().detach(), self.groups, *self.values().values()]

    def assign(self, values: Mapping[str, Tensor]) -> None:
        """Set all values from `values()` of a network of the same shape. Raises ValueError for other shapes."""
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
        if self.fixed_input_weights is not None:
            self.fixed_input_weights = self.interface["input_weights"].detach().clone()
        self._stretched = self._stretches()

    def description(self) -> dict[str, Any]:
        """Everything except the values, as tensors and plain values; see `network_from_description`."""
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
    """System and interface of several networks, with a leading axis of runs, for `run_trials` and `trial_driven`.

    They are differentiable in each network. Raises ValueError where networks differ in more than their values.
    """
    interfaces = [network.interface_tensors() for network in networks]
    interface = {name: torch.stack([tensors[name] for tensors in interfaces]) for name in INTERFACE}
    return stack_systems([network.dynamics() for network in networks]), interface


def _signs(connectome: Connectome) -> np.ndarray:
    """(E,) the sign of each edge, 1 or -1. An edge of weight 0 has its presynaptic neuron's sign, or 1 without one."""
    neuron_signs = connectome.signs[connectome.pre]
    return np.where(np.where(connectome.weights == 0, neuron_signs, connectome.weights) < 0, -1.0, 1.0)


def _check_choice(name: str, value: str, choices: Iterable[str]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def _check_shape(values: Tensor, expected: tuple[int, ...]) -> None:
    if values.shape != expected:
        raise ValueError(f"expected shape {tuple(expected)}, got {tuple(values.shape)}")


@torch.no_grad()
def _set(parameter: Tensor, values: Tensor) -> None:
    _check_shape(values, parameter.shape)
    parameter.copy_(values)
