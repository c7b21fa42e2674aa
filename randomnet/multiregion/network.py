"""The network of regions as a torch module: its parameters and buffers, a run, its checkpoints."""

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from randomnet.activations import ACTIVATIONS
from randomnet.connectome import Connectome
from randomnet.double_backward import Rerun, transforms_active
from randomnet.multiregion import checks
from randomnet.multiregion.analysed import Analysed
from randomnet.multiregion.assembly import Assembly
from randomnet.multiregion.draft import Draft
from randomnet.multiregion.initial_network import LARGEST, InitialNetwork, build_initial_network, read_config
from randomnet.multiregion.layout import Layout, Timed
from randomnet.multiregion.mrnntorch_checkpoints import load_mrnntorch
from randomnet.multiregion.options import Equation, InitialOptions, WeightRules, constrained_law
from randomnet.multiregion.packed import run_packed
from randomnet.multiregion.sparse_run import run_sparse
from randomnet.multiregion.weights import Weights
from randomnet.rnn import Coupling, Dense, Dynamics, SeriesDrivenSystem, Sparse, input_driven, run_trials
from randomnet.synthetic.regions import Description


class MultiRegionRNN(Assembly, Analysed):
    """A network described by regions, or a connectome with regions; it is called like torch.nn.RNN.

    config: the path of a JSON file, a dict, a `Description` (see `randomnet.synthetic.regions`), or a Connectome. None:
    regions and connections are added one by one, and `finalize_connectivity` draws the weights. config_finalize: False
    where more are added to those of a description. A connectome must have labels["region"], or labels of the kind
    regions_from. Training starts from its weights, its drive and initial are b and the initial state, and `input_size`
    inputs reach every unit. The network has H units in the order of config, and I inputs in the order of its input
    regions.

    activation: a row of `ACTIVATIONS`. form: current or rate. dt, tau: a = dt/tau, in one unit of time; tau may be
    {region: tau}. noise_state, noise_input: sigma of the noise in `forward`. dale, dale_input: the mode of `DALE` in
    which recurrent and input weights keep their signs. bounds: of the weights' magnitudes, in all modes but off.
    spectral_radius: W_rec is scaled once to this radius. initialisation: see `region_network`. input_initialisation:
    see `input_matrix`; in constrained modes, both have the signs of their connections. rec_constrained,
    inp_constrained: mRNNTorch's switches; False means the mode off and `xavier`, weights of both signs. learnable_init:
    whether the initial state is trained. seed: of all random numbers drawn here. Raises ValueError, also for a wrong
    description; warns where a > 1.

    fixed: what is not trained: `recurrent`, `input`, and projections `source -> target`, whose ends are regions, inputs
    or region/type. scales: the weights stay fixed, and one factor is trained for each pair of regions (`block`) or of
    region/type (`type`) that has an edge that is not fixed. sparse: whether the recurrent weights are stored as a list
    of edges and multiplied as sparse products. None chooses the faster: sparse from SPARSE_UNITS units on, up to
    SPARSE_DENSITY.

    Parameters: recurrent.values (H, H), or (E,) if sparse, and input.values (H, I), which hold V of each weight, 0
    without an edge; where some weights are fixed, V of the others only. With scales, recurrent.scales and input.scales
    in their place, see `Weights`. bias (n,), of the units of regions with learnable_bias; initial (H,) if
    learnable_init. Everything else is a buffer: a checkpoint holds the whole network, and can be loaded into a network
    with another seed. It includes the `settings`; loading raises ValueError where these differ. Source: mRNNTorch.
    """

    bias: nn.Parameter | None
    initial: Tensor
    base_firing: Tensor
    learnable: Tensor
    leaks: Tensor | None

    def __init__(
        self,
        config: str | Path | Mapping[str, Any] | Description | Connectome | None = None,
        *,
        config_finalize: bool = True,
        activation: str = "relu",
        form: str = "current",
        dt: float = 10.0,
        tau: float | Mapping[str, float] = 100.0,
        noise_state: float = 0.01,
        noise_input: float = 0.01,
        dale: str = "abs",
        dale_input: str = "abs",
        bounds: tuple[float, float] = (0.0, 10.0),
        spectral_radius: float | None = None,
        initialisation: str = "uniform",
        input_initialisation: str = "uniform",
        rec_constrained: bool | None = None,
        inp_constrained: bool | None = None,
        batch_first: bool = True,
        learnable_init: bool = False,
        input_size: int | None = None,
        regions_from: str | None = None,
        fixed: Sequence[str] = (),
        scales: str | None = None,
        sparse: bool | None = None,
        seed: int = 0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        checks.boolean("batch_first", batch_first)
        checks.boolean("learnable_init", learnable_init)
        checks.boolean("config_finalize", config_finalize)
        device, dtype = checks.device(device), checks.dtype(dtype)
        equation = Equation(activation, form, dt, tau, noise_state, noise_input)
        own = isinstance(config, Connectome)  # which has its own weights, whatever their law
        dale, law = constrained_law("rec", rec_constrained, dale, initialisation)
        dale_input, input_initialisation = constrained_law("inp", inp_constrained, dale_input, input_initialisation)
        rules = WeightRules(dale, dale_input, bounds, fixed, scales, sparse)
        options = InitialOptions(input_size, regions_from, initialisation if own else law, spectral_radius, seed,
                                 input_initialisation)  # fmt: skip
        self.activation, self.form, self.batch_first = activation, form, batch_first
        self.noise_state, self.noise_input = noise_state, noise_input
        self.dale, self.dale_input, self.bounds = dale, dale_input, rules.bounds
        self.fixed, self.scales = rules.fixed, scales
        self._plan = equation, rules, options, learnable_init, device, dtype
        self._draft = None
        if config is None or not config_finalize:
            self._draft = Draft(None if config is None else read_config(config))
        else:
            self._build(config)

    def _build(self, config: Any) -> None:
        """Draw the network and register its parameters and buffers. Raises ValueError."""
        equation, rules, options, learnable_init, device, dtype = self._plan
        initial = build_initial_network(config, options, rules.recurrent_bounds, rules.dale_input != "off")
        self.names, self.labels, self.inputs = initial.network.names, initial.network.labels, initial.inputs
        self.hidden_size, self.input_size = initial.input_weights.shape
        self.a = equation.leaks(self.labels["region"].tolist())  # by region
        recurrent, inputs = initial.edges(rules.fixed, rules.scales)
        is_sparse = initial.is_sparse(rules.sparse)
        self.recurrent = Weights(recurrent, rules.dale, rules.bounds, is_sparse, device, dtype)
        self.input = Weights(inputs, rules.dale_input, rules.bounds, False, device, dtype)
        self._add_states(initial, learnable_init, device, dtype)

    def _add_states(
        self, initial: InitialNetwork, learnable_init: bool, device: torch.device | None, dtype: torch.dtype
    ) -> None:
        """Register biases, initial state and leaks."""

        def tensor(values: np.ndarray | None) -> Tensor:
            return torch.tensor(np.zeros(self.hidden_size) if values is None else values, device=device, dtype=dtype)

        base = tensor(initial.network.drive)
        learnable = torch.tensor(np.flatnonzero(initial.learnable), device=device)
        self.register_parameter("bias", nn.Parameter(base[learnable]) if len(learnable) else None)
        state = tensor(initial.network.initial)
        if learnable_init:
            self.initial = nn.Parameter(state)
        else:
            self.register_buffer("initial", state)
        self.register_buffer("base_firing", base)
        self.register_buffer("learnable", learnable)
        leaks = np.array([self.a[region] for region in self.labels["region"].tolist()])
        self.register_buffer("leaks", tensor(leaks) if self._single_a is None else None)

    def extra_repr(self) -> str:
        """Sizes and settings, for print."""
        if self._draft is not None:
            return "regions are being added"
        regions = ", ".join(f"{name} {units}" for name, units in self.settings()["regions"])
        return f"{regions}; {self.input_size} inputs, {self.activation}, {self.form}, a={self.a}, dale={self.dale}"

    @property
    def _single_a(self) -> float | None:
        """a of all units; None where regions differ."""
        values = set(self.a.values())
        return values.pop() if len(values) == 1 else None

    # ---- the network

    def effective_weights(self) -> tuple[Tensor, Tensor]:
        """W_rec[post, pre] (H, H) and W_inp (H, I), differentiable; 0 without an edge, within bounds but in mode off.

        At a bound, and where V is beyond it, a gradient that leads further out is 0; one that leads back passes as if
        there were no bound. Raises ValueError for sparse weights of more than LARGEST units, see `connectome`.
        """
        if self.hidden_size > LARGEST:
            raise ValueError(f"expected at most {LARGEST} units of a matrix, got {self.hidden_size}")
        return self.recurrent.matrix(), self.input.matrix()

    def biases(self) -> Tensor:
        """b (H,): the trained bias of the units that have one, base_firing of the others."""
        return self.base_firing if self.bias is None else self.base_firing.index_copy(0, self.learnable, self.bias)

    def dynamics(self, input: Tensor | None = None) -> Dynamics | SeriesDrivenSystem:
        """The network without noise as a system with a spectrum; differentiable, time in units of tau.

        input: None for 0, (I,) for a constant input, (T, I) for one per step, as in `driven_by_inputs`. Where regions
        have different tau, the unit of time is the longest of them. Raises ValueError for another shape.
        """
        return self._system(self.recurrent.coupling()) if input is None else self.driven_by_inputs(input)

    def driven_by_inputs(self, inputs: Tensor | None = None) -> Dynamics | SeriesDrivenSystem:
        """`dynamics()` of the network driven by inputs, without noise; its exponents are those under this input.

        inputs: None for 0, (I,) for a constant input, (T, I) for one per step; I in the order of the input regions.
        Raises ValueError for another shape.
        """
        return input_driven(self.dynamics(), self.input(), inputs)

    def connectome(self, name: str = "multiregion") -> Connectome:
        """The network as a connectome: edges with their present effective weights, labels, biases, initial state."""
        drive, initial = (values.detach().double().cpu().numpy() for values in (self.biases(), self.initial))
        post, pre, weights, _ = self.recurrent.edge_list()
        return Connectome(name, post, pre, weights, self.names, self.labels, {"source": "multiregion"}, drive=drive,
                          initial=initial)  # fmt: skip

    def project(self) -> None:
        """In mode clamp, clamp V to the bounds; call it after each step of the optimiser. Other modes need no call.

        Without it, weights keep their signs and bounds, too, but V drifts beyond the bounds and returns slowly.
        """
        self.recurrent.project()
        self.input.project()

    def dead_weights(self) -> tuple[int, int]:
        """The numbers of recurrent and of input weights, or scales, that have no gradient: V < 0 in mode relu."""
        return self.recurrent.dead(), self.input.dead()

    def dale_broken(self) -> Tensor:
        """Indices (n,) of the units whose outgoing edges have both signs in the description."""
        _, pre, _, signs = self.recurrent.edge_list()
        plus, minus = (np.bincount(pre[signs == sign], minlength=self.hidden_size) > 0 for sign in (1, -1))
        return torch.from_numpy(np.flatnonzero(plus & minus))

    # ---- a run

    def forward(
        self,
        input: Timed | PackedSequence = None,
        hx: Tensor | None = None,
        *extra: Tensor,
        noise: bool | torch.Generator | None = None,
        W_rec: Tensor | None = None,
        W_inp: Tensor | None = None,
        steps: int | None = None,
        return_states: bool = False,
    ) -> tuple[Tensor, ...]:
        """Rates (B, T, H), index t after input t, and the last state (1, B, H), which can be passed as the next hx.

        input: (B, T, I), or {input region: (B, T, its units)}; (T, B, I) if not batch_first; (T, I) unbatched, and the
        results then lack B, too. A PackedSequence gives packed rates, see `run_packed`. For a network without inputs it
        is None, and an extra or `steps` sets T. hx: state (B, H), (1, B, H) or (H,); None means the network's
        `initial`. Rates start at phi(hx). extra: unweighted inputs, exactly (B, T, H), in the layout of input. W_rec,
        W_inp: effective weights in place of the network's own. return_states: return the states h, (B, T, H), as a
        third value.

        noise: None means on in train mode and off in eval mode. A torch.Generator draws it, otherwise torch's default
        generator. xi is sigma sqrt(2/a) N(0, 1), independent across steps, samples, and units or inputs. With W = 0,
        states have an sd of sigma sqrt(2 / (2 - a)). Where regions have different tau, the input noise uses the mean a
        of the units. Raises ValueError naming the expected and the actual shape or dtype.

        The run can be differentiated any number of times, and torch.func can transform it (grad, jacrev, jacfwd, vmap,
        ...). Both use plain operations, and take more time and memory than a gradient.
        """
        if isinstance(input, PackedSequence):
            options = {"noise": noise, "W_rec": W_rec, "W_inp": W_inp, "steps": steps, "return_states": return_states}
            return run_packed(self, input, hx, *extra, **options)
        layout = Layout(self.hidden_size, self.inputs, self.batch_first, self.base_firing)
        inputs, extras, batched = layout.in_time(input, extra, steps, hx)
        initial = self.initial if hx is None else layout.state(hx, inputs.shape[1])
        if noise is not None and not isinstance(noise, (bool, torch.Generator)):
            raise ValueError(f"noise must be None, True, False or a torch.Generator, got {noise!r}")
        if self.training if noise is None else noise:
            generator = noise if isinstance(noise, torch.Generator) else None
            inputs, extras = self._add_noise(inputs, extras, generator)
        weights = self.input() if W_inp is None else W_inp
        layout.check("W_inp", weights, (self.hidden_size, self.input_size))
        if W_rec is not None:
            layout.check("W_rec", W_rec, (self.hidden_size, self.hidden_size))
        system = self._system(self.recurrent.coupling() if W_rec is None else Dense(W_rec))
        extra = functools.reduce(torch.add, extras) if extras else None
        rates, states = self._run(system, weights, inputs, initial, extra, len(inputs) if return_states else 1)
        output, final = layout.like_input(rates, batched), states[-1:] if batched else states[-1]
        return (output, final, layout.like_input(states, batched)) if return_states else (output, final)

    def _run(
        self, system: Dynamics, weights: Tensor, inputs: Tensor, initial: Tensor, extra: Tensor | None, last: int
    ) -> tuple[Tensor, Tensor]:
        """Rates (T, B, H) and the last states."""
        coupling = system.coupling
        if not isinstance(coupling, Sparse) or transforms_active():
            rates, _, states = run_trials(system, self._interface(weights), inputs, initial, extra=extra, last=last)
            return rates, states

        def system_of(drive: Tensor, values: Tensor) -> Dynamics:
            return replace(system, drive=drive, coupling=coupling.with_parameters([values]))

        def run(drive: Tensor, values: Tensor, *others: Tensor | None) -> tuple[Tensor, Tensor]:
            return run_sparse(system_of(drive, values), *others, last=last)

        def plain(drive: Tensor, values: Tensor, weights: Tensor, inputs: Tensor, *others: Tensor | None) -> Sequence:
            interface = self._interface(weights)
            return run_trials(system_of(drive, values), interface, inputs, others[0], extra=others[1], last=last)[::2]

        tensors = system.drive, coupling.values, weights, inputs, initial, extra
        return Rerun.apply(run, plain, *tensors) if torch.is_grad_enabled() else run(*tensors)

    def _add_noise(
        self, inputs: Tensor, extras: list[Tensor], generator: torch.Generator | None
    ) -> tuple[Tensor, list[Tensor]]:
        """Inputs plus their noise, and extras plus the noise of the state as one more extra."""

        def white(units: int, sigma: float, a: float | Tensor) -> Tensor:
            shape, like = (*inputs.shape[:2], units), self.base_firing
            noise = torch.randn(shape, generator=generator, dtype=like.dtype, device=like.device)
            return noise.mul_(sigma * (2 / a) ** 0.5)

        a = self._single_a if self.leaks is None else self.leaks
        if self.noise_state:
            extras = [*extras, white(self.hidden_size, self.noise_state, a)]
        if self.noise_input and self.input_size:
            inputs = inputs + white(self.input_size, self.noise_input, a if self.leaks is None else a.mean())
        return inputs, extras

    def _system(self, coupling: Coupling) -> Dynamics:
        activation, gains = replace(ACTIVATIONS[self.activation], stretches=False), torch.ones_like(self.base_firing)
        return Dynamics(coupling, gains, torch.zeros_like(gains), activation, self.form, min(self.a.values()),
                        drive=self.biases(), leaks=self.leaks)  # fmt: skip

    def _interface(self, weights: Tensor) -> dict[str, Tensor]:
        """The interface for `run_trials`: input weights, no readout, and no biases, which the system's drive has."""
        zeros, readout = torch.zeros_like(self.base_firing), weights.new_zeros(0, self.hidden_size)
        return {"input_weights": weights, "input_bias": zeros, "recurrent_bias": zeros, "readout_weights": readout,
                "readout_bias": readout.new_zeros(0)}  # fmt: skip

    # ---- checkpoints

    def settings(self) -> dict[str, Any]:
        """What defines the network besides its tensors, as plain values."""
        regions = [[region, int((self.labels["region"] == region).sum())] for region in self.a]  # order matters
        return {"regions": regions, "inputs": [[*pair] for pair in self.inputs.items()], "activation": self.activation,
                "form": self.form, "a": [*self.a.values()], "dale": self.dale, "dale_input": self.dale_input,
                "bounds": [*self.bounds], "fixed": [*self.fixed], "scales": self.scales,
                "sparse": self.recurrent.edges is not None}  # fmt: skip

    def load_mrnntorch(
        self, checkpoint: str | Path | Mapping[str, Any], prefix: str | None = None
    ) -> dict[str, Tensor]:
        """Load a checkpoint of mRNNTorch; return its other entries. See `load_mrnntorch`. Raises ValueError."""
        return load_mrnntorch(self, checkpoint, prefix)

    def get_extra_state(self) -> Tensor:
        """The settings as JSON in a tensor; code that copies or averages checkpoints expects tensors only."""
        return torch.tensor(list(json.dumps(self.settings()).encode()), dtype=torch.uint8)

    def set_extra_state(self, state: Tensor) -> None:
        """Check that the checkpoint belongs to this network. Raises ValueError naming the setting and both values."""
        loaded = json.loads(bytes(state.tolist()))
        for name, value in self.settings().items():
            if loaded.get(name) != value:
                raise ValueError(f"{name}: expected a checkpoint of a network with {value}, got {loaded.get(name)}")
