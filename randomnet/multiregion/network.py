"""The network of regions as a module: its parameters and buffers, a run of it, its checkpoints."""

import functools
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from randomnet.activations import ACTIVATIONS
from randomnet.connectome import Connectome
from randomnet.double_backward import Rerun, transforms_active
from randomnet.multiregion import checked
from randomnet.multiregion.layout import Layout, Timed
from randomnet.multiregion.listed import listed_run
from randomnet.multiregion.projections import SCALES
from randomnet.multiregion.start import LARGEST, Start, leaks, starting, with_regions
from randomnet.multiregion.weights import DALE, Weights
from randomnet.rnn import FORMS, Coupling, Dense, Dynamics, SeriesDrivenSystem, Sparse, input_driven, run_trials
from randomnet.synthetic.regions import INITIALISATIONS, Description


class MultiRegionRNN(nn.Module):
    """A network described by regions, or a connectome with regions, called as torch.nn.RNN is.

    config: the path of a JSON file, a dict, a `Description` (see `randomnet.synthetic.regions`), or a Connectome with
    labels["region"], or of the kind regions_from: its weights are what training starts from, its drive and initial are
    b and the initial state, and `input_size` inputs reach every unit. H units in the order of config, I inputs in the
    order of its input regions.

    activation: a row of `ACTIVATIONS`. form: current or rate. dt, tau: a = dt/tau, in one unit of time; tau also as
    {region: tau}. noise_state, noise_input: sigma of the noise of `forward`. dale, dale_input: a mode of `DALE`, how
    recurrent and input weights keep their signs. bounds: of the weights' magnitudes in all modes but off.
    spectral_radius: W_rec is scaled once to this one. initialisation: see `region_network`. learnable_init: whether the
    initial state is trained. seed: of all that is drawn here. Raises ValueError, also for a wrong description; warns
    where a > 1.

    fixed: whose weights are not trained: `recurrent`, `input`, and projections `source -> target`, where ends are
    regions, inputs, or region/type. scales: the weights stay as they are, and one factor is trained for each pair of
    regions (`block`) or of region/type (`type`) with edges that are not fixed. sparse: whether recurrent weights are a
    list of edges, without any matrix, and steps are sparse products; None for where that is the faster: from
    LISTED_UNITS units up to LISTED_DENSITY.

    Parameters: recurrent.values (H, H), or (E,) of a list, and input.values (H, I), V of each weight, 0 without an
    edge, and where some weights are fixed, V of the others alone; or in their place recurrent.scales and input.scales,
    see `Weights`; bias (n,), of the units of regions with learnable_bias; initial (H,) if learnable_init. Everything
    else that makes the network is a buffer, so a checkpoint holds the whole network, whatever the seed of the one it is
    loaded into. It also knows the `settings`, and loading it where these differ is a ValueError. Source: mRNNTorch.
    """

    def __init__(
        self,
        config: str | Path | Mapping[str, Any] | Description | Connectome,
        *,
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
        for name, value, names in (("activation", activation, ACTIVATIONS), ("form", form, FORMS),
                                   ("dale", dale, DALE), ("dale_input", dale_input, DALE),
                                   ("initialisation", initialisation, INITIALISATIONS),
                                   ("scales", scales, (None, *SCALES))):  # fmt: skip
            checked.one_of(name, value, names)
        checked.sigma("noise_state", noise_state)
        checked.sigma("noise_input", noise_input)
        for name, value in (("batch_first", batch_first), ("learnable_init", learnable_init)):
            checked.truth(name, value)
        if sparse is not None:
            checked.truth("sparse", sparse)
        if spectral_radius is not None:
            checked.positive("spectral_radius", spectral_radius)
        if input_size is not None:
            checked.whole("input_size", input_size, 0)
        checked.whole("seed", seed, 0)
        device, dtype = checked.device(device), checked.dtype(dtype)
        self.activation, self.form, self.batch_first = activation, form, batch_first
        self.noise_state, self.noise_input = noise_state, noise_input
        self.dale, self.dale_input, self.bounds = dale, dale_input, checked.pair("bounds", bounds)
        within = None if dale == "off" else self.bounds
        start = starting(with_regions(config, regions_from), input_size, seed, initialisation, spectral_radius, within)
        self.fixed, self.scales = checked.names("fixed", fixed), scales
        recurrent, inputs = start.edges(self.fixed, scales)
        self.names, self.labels, self.inputs = start.network.names, start.network.labels, start.inputs
        self.hidden_size, self.input_size = inputs.shape
        regions = self.labels["region"].tolist()
        self.a = leaks(dt, tau, regions)  # by region
        if max(self.a.values()) > 1:
            warnings.warn(f"a = dt / tau is {max(self.a.values()):g}, above 1: steps overshoot", stacklevel=2)
        self.recurrent = Weights(recurrent, dale, self.bounds, start.is_listed(sparse), device, dtype)
        self.input = Weights(inputs, dale_input, self.bounds, False, device, dtype)
        self._register(start, learnable_init, np.array([self.a[region] for region in regions]), device, dtype)

    def _register(
        self, start: Start, learnable_init: bool, a: np.ndarray, device: torch.device | None, dtype: torch.dtype
    ) -> None:
        def tensor(values: np.ndarray | None) -> Tensor:
            return torch.tensor(np.zeros(self.hidden_size) if values is None else values, device=device, dtype=dtype)

        base = tensor(start.network.drive)
        learnable = torch.tensor(np.flatnonzero(start.learnable), device=device)
        self.register_parameter("bias", nn.Parameter(base[learnable]) if len(learnable) else None)
        initial = tensor(start.network.initial)
        if learnable_init:
            self.initial = nn.Parameter(initial)
        else:
            self.register_buffer("initial", initial)
        self.register_buffer("base_firing", base)
        self.register_buffer("learnable", learnable)
        self.register_buffer("leaks", tensor(a) if self._single_a is None else None)

    def extra_repr(self) -> str:
        """Sizes and choices, for print."""
        regions = ", ".join(f"{name} {units}" for name, units in self.settings()["regions"])
        return f"{regions}; {self.input_size} inputs, {self.activation}, {self.form}, a={self.a}, dale={self.dale}"

    @property
    def _single_a(self) -> float | None:
        """a of all units, None where regions have their own."""
        values = set(self.a.values())
        return values.pop() if len(values) == 1 else None

    # ---- the network

    def effective_weights(self) -> tuple[Tensor, Tensor]:
        """W_rec[post, pre] (H, H) and W_inp (H, I), differentiable; 0 without an edge, within bounds but in mode off.

        At a bound, and where V is beyond it, no gradient leads further out, and the one that leads back passes as if
        there were no bound. Raises ValueError for a list of edges of more than LARGEST units, see `connectome`.
        """
        if self.hidden_size > LARGEST:
            raise ValueError(f"expected at most {LARGEST} units of a matrix, got {self.hidden_size}")
        return self.recurrent.matrix(), self.input.matrix()

    def biases(self) -> Tensor:
        """b (H,): base_firing, and in its place the trained bias of the units that have one."""
        return self.base_firing if self.bias is None else self.base_firing.index_copy(0, self.learnable, self.bias)

    def dynamics(self) -> Dynamics:
        """The network without inputs and noise as a system with a spectrum, differentiable; its time in units of tau.

        Where regions have their own tau, that is the longest of them.
        """
        return self._system(self.recurrent.coupling())

    def driven_by_inputs(self, inputs: Tensor | None = None) -> Dynamics | SeriesDrivenSystem:
        """`dynamics()` while the network receives inputs, without noise; its exponents are then those under this input.

        inputs: None for 0, (I,) for a constant one, (T, I) for one in each step, I in the order of the input regions.
        Raises ValueError for another shape.
        """
        return input_driven(self.dynamics(), self.input(), inputs)

    def connectome(self, name: str = "multiregion") -> Connectome:
        """The network as it is now: its edges with their effective weights, labels, biases and initial state."""
        drive, initial = (values.detach().double().cpu().numpy() for values in (self.biases(), self.initial))
        post, pre, weights, _ = self.recurrent.listed()
        return Connectome(name, post, pre, weights, self.names, self.labels, {"source": "multiregion"}, drive=drive,
                          initial=initial)  # fmt: skip

    def project(self) -> None:
        """Cut V of mode clamp back to the bounds, after each step of the optimiser; the other modes need no such call.

        Without it weights keep signs and bounds too, but V runs beyond these and takes its time to come back.
        """
        self.recurrent.project()
        self.input.project()

    def dead_weights(self) -> tuple[int, int]:
        """How many recurrent and how many input weights, or scales, no gradient can move: V < 0 in mode relu."""
        return self.recurrent.dead(), self.input.dead()

    def dale_broken(self) -> Tensor:
        """Indices (n,) of the units whose outgoing edges have both signs, as the description says."""
        _, pre, _, signs = self.recurrent.listed()
        plus, minus = (np.bincount(pre[signs == sign], minlength=self.hidden_size) > 0 for sign in (1, -1))
        return torch.from_numpy(np.flatnonzero(plus & minus))

    # ---- a run

    def forward(
        self,
        input: Timed = None,
        hx: Tensor | None = None,
        *extra: Tensor,
        noise: bool | torch.Generator | None = None,
        W_rec: Tensor | None = None,
        W_inp: Tensor | None = None,
        steps: int | None = None,
        return_states: bool = False,
    ) -> tuple[Tensor, ...]:
        """Rates (B, T, H), index t after input t, and the last state (1, B, H), to be passed on as the next hx.

        input: (B, T, I), or {input region: (B, T, its units)}; (T, B, I) if not batch_first; (T, I) unbatched, and then
        what is returned has no B either; None for a network without inputs, where an extra or `steps` says T. hx: state
        (B, H), (1, B, H) or (H,); None for the network's `initial`. Rates start at phi(hx). extra: unweighted inputs,
        exactly (B, T, H), in the layout of input. W_rec, W_inp: effective weights in place of the network's own.
        return_states: also the states h, (B, T, H), as a third value.

        noise: None for on in train mode and off in eval mode. xi is sigma sqrt(2/a) N(0, 1), fresh for every step,
        sample and unit or input: with W = 0, states have an sd of sigma sqrt(2 / (2 - a)). Where regions have their own
        tau, a of the input's noise is the units' mean. It is torch's own generator's, or that of a generator given.
        Raises ValueError for another shape or dtype: which was expected, and which came.

        It can be differentiated any number of times, and torch.func transforms it (grad, jacrev, jacfwd, vmap, ...);
        both in plain operations, so that they take longer and more memory than a gradient.
        """
        layout = Layout(self.hidden_size, self.inputs, self.batch_first, self.base_firing)
        inputs, extras, batched = layout.in_time(input, extra, steps, hx)
        initial = self.initial if hx is None else layout.state(hx, inputs.shape[1])
        if noise is not None and not isinstance(noise, (bool, torch.Generator)):
            raise ValueError(f"noise must be None, True, False or a torch.Generator, got {noise!r}")
        if self.training if noise is None else noise:
            generator = noise if isinstance(noise, torch.Generator) else None
            inputs, extras = self._noisy(inputs, extras, generator)
        weights = self.input() if W_inp is None else W_inp
        layout.check("W_inp", weights, (self.hidden_size, self.input_size))
        if W_rec is not None:
            layout.check("W_rec", W_rec, (self.hidden_size, self.hidden_size))
        system = self._system(self.recurrent.coupling() if W_rec is None else Dense(W_rec))
        extra = functools.reduce(torch.add, extras) if extras else None
        rates, states = self._run(system, weights, inputs, initial, extra, len(inputs) if return_states else 1)
        output, final = layout.as_given(rates, batched), states[-1:] if batched else states[-1]
        return (output, final, layout.as_given(states, batched)) if return_states else (output, final)

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
            return listed_run(system_of(drive, values), *others, last)

        def plain(drive: Tensor, values: Tensor, weights: Tensor, inputs: Tensor, *others: Tensor | None) -> Sequence:
            interface = self._interface(weights)
            return run_trials(system_of(drive, values), interface, inputs, others[0], extra=others[1], last=last)[::2]

        tensors = system.drive, coupling.values, weights, inputs, initial, extra
        return Rerun.apply(run, plain, *tensors) if torch.is_grad_enabled() else run(*tensors)

    def _noisy(
        self, inputs: Tensor, extras: list[Tensor], generator: torch.Generator | None
    ) -> tuple[Tensor, list[Tensor]]:
        """Inputs with their noise, and that of the state as one extra input more."""

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
        """That of `driven`: the input weights, no readout, and no bias, which is the system's drive."""
        none, readout = torch.zeros_like(self.base_firing), weights.new_zeros(0, self.hidden_size)
        return {"input_weights": weights, "input_bias": none, "recurrent_bias": none, "readout_weights": readout,
                "readout_bias": readout.new_zeros(0)}  # fmt: skip

    # ---- checkpoints

    def settings(self) -> dict[str, Any]:
        """What makes the network besides its tensors, as plain values."""
        regions = [[region, int((self.labels["region"] == region).sum())] for region in self.a]  # lists have an order
        return {"regions": regions, "inputs": [[*pair] for pair in self.inputs.items()], "activation": self.activation,
                "form": self.form, "a": [*self.a.values()], "dale": self.dale, "dale_input": self.dale_input,
                "bounds": [*self.bounds], "fixed": [*self.fixed], "scales": self.scales,
                "sparse": self.recurrent.edges is not None}  # fmt: skip

    def get_extra_state(self) -> Tensor:
        """The settings as JSON, in a tensor, as what copies or averages a checkpoint takes all in it to be one."""
        return torch.tensor(list(json.dumps(self.settings()).encode()), dtype=torch.uint8)

    def set_extra_state(self, state: Tensor) -> None:
        """Refuse the checkpoint of another network. Raises ValueError: which setting, its value here and there."""
        theirs = json.loads(bytes(state.tolist()))
        for name, own in self.settings().items():
            if theirs.get(name) != own:
                raise ValueError(f"{name}: expected a checkpoint of a network with {own}, got {theirs.get(name)}")
