"""Networks whose weights, gains, shifts and factors are trained while their rates follow a `RateNetwork`.

The network builds the `RateNetwork` of its present parameters, whose step is differentiable: there is one definition of
the dynamics for simulation and for training. Gradients are those of all steps. With segments, only the states between
them are stored, and the steps of each segment are computed again in the backward pass.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet.connectome import Connectome
from randomnet.display import Brief
from randomnet.rnn import Network, network_from_description
from randomnet.simulation.couplings import Couplings, couplings
from randomnet.simulation.filled import EdgeMatrices
from randomnet.simulation.network import (
    Adaptation,
    InputPlasticity,
    Noise,
    Plasticity,
    RateNetwork,
    SlowCurrent,
    State,
)
from randomnet.simulation.sampling import TrialDrivenState, flatten_state, state_system, trial_driven_state
from randomnet.systems import OfStep

RECORDS = {record.__name__: record for record in (Adaptation, InputPlasticity, Noise, Plasticity, SlowCurrent)}
Sampler = Callable[[int, int], Tensor]  # first step and the one after the last -> normal numbers (steps, trials, N)


@dataclass(frozen=True, eq=False, repr=False)
class RateDynamics(Brief):
    """The dynamics of a trained network besides its parameters.

    populations: the number of each neuron's population, (N,). arguments: of `RateNetwork`, all but its couplings,
    activation and dt; values by neuron are (1, N) or (N,). plastic_factors: see `LowRank`. noise_seed: of the noise in
    evaluations, which all have the same.
    """

    populations: np.ndarray
    arguments: Mapping[str, Any]
    plastic_factors: bool = False
    noise_seed: int = 0

    @property
    def plastic(self) -> tuple[tuple[int, int], ...]:
        """The plastic blocks (post, pre)."""
        return tuple((block.post, block.pre) for block in self.arguments["plasticity"])

    def description(self) -> dict[str, Any]:
        """The dynamics as tensors and plain values; see `dynamics_of_model`."""
        return {
            "populations": torch.from_numpy(self.populations.astype(np.int64)),
            "arguments": _plain(dict(self.arguments)),
            "plastic_factors": self.plastic_factors,
            "noise_seed": self.noise_seed,
        }


def dynamics_of_model(description: Mapping[str, Any]) -> RateDynamics:
    """The dynamics with this `description()`. Raises ValueError or KeyError for another description."""
    populations, arguments = description["populations"].numpy(), _restored(description["arguments"])
    return RateDynamics(populations, arguments, description["plastic_factors"], description["noise_seed"])


class TrainableRateNetwork(Network):
    """A `Network` whose rates follow a `RateNetwork`; see `Network` for its parameters and their constraints.

    Trained gains multiply the gain of `rates`, and trained shifts add to its threshold. Inputs U x + b and the
    connectome's drive are the external input. Trials start from rates 0, and spectra are those of the whole state. The
    arguments `form`, `integrator` and `tau` of Network are not available. Raises ValueError.
    """

    def __init__(self, connectome: Connectome, *, rates: RateDynamics, **settings: Any) -> None:
        super().__init__(connectome, **{"form": "rate", **settings})
        self.rates, slow = rates, None
        if rates.arguments["slow"] is not None:
            inhibitory = np.zeros(self.n, bool)
            inhibitory[connectome.pre[connectome.weights < 0]] = True
            slow = ~inhibitory[connectome.pre]
        self._matrices = EdgeMatrices(connectome.post, connectome.pre, rates.populations, rates.plastic, slow)
        self._constant: tuple[Tensor, Couplings] | None = None

    # ---- the network of the present parameters

    def rate_network(self, trials: int = 1) -> RateNetwork:
        """The network with its present parameters and so many columns; differentiable. Build it after each update."""
        arguments = dict(self.rates.arguments)
        if self._stretched:
            gains, shifts = self.gains()[self.groups], self.shifts()[self.groups]
            gain, threshold = (torch.as_tensor(arguments[name]).double() if isinstance(arguments[name], np.ndarray)
                               else arguments[name] for name in ("gain", "threshold"))  # fmt: skip
            arguments |= {"gain": gain * gains.double(), "threshold": threshold + shifts.double()}
        return RateNetwork(self._couplings(trials), self.activation, self.dt, **arguments)

    def _couplings(self, trials: int) -> Couplings:
        weights, constant = self.edge_weights(), self.weights.free is None and not self.factors_on_edges
        base = self._constant_couplings(weights) if constant else self._matrices.couplings(weights, trials)
        base = replace(base, trials=trials)
        if not self.rank:
            return base
        plastic = self.rates.plastic_factors
        return base.with_low_rank(*self.factors(), add=not self.factors_on_edges, plastic=plastic)

    def _constant_couplings(self, weights: Tensor) -> Couplings:
        """The couplings of weights that are not trained, which are built once."""
        if self._constant is None or self._constant[0].dtype != weights.dtype or not weights.equal(self._constant[0]):
            post, pre = np.divmod(self.edges.numpy(), self.n)
            connectome = Connectome("trained", post, pre, weights.double().numpy(), np.arange(self.n).astype(str))
            split, rates = self.rates.arguments["slow"] is not None, self.rates
            built = couplings(connectome, rates.populations, plastic=rates.plastic, split=split, dtype=weights.dtype)
            self._constant = weights.clone(), built
        return self._constant[1]

    # ---- trials

    def run(self, inputs: Tensor, initial: Tensor | None = None, noise: Sampler | None = None) -> tuple[Tensor, Tensor]:
        """Rates (time, batch, N) after each step of inputs (time, batch, channels), and readout (time, batch, outputs).

        initial: rates (batch, N), None for 0. noise(first, last): standard normal numbers (steps, batch, N), of which
        the first give the noise at the start; None for the noise of all evaluations. Raises ValueError.
        """
        self._check_inputs(inputs)
        network, sample = self.rate_network(inputs.shape[1]), noise or self.evaluation_noise(inputs.shape[1])
        state = self.start_of_trials(network, sample, initial)
        return self.advance(network, self.interface_tensors(), inputs, sample, state, 0, len(inputs), 0)[:2]

    def trial_readout(
        self, inputs: Tensor, noise: Sampler | None = None, *, truncate: int = 0, segment: int = 0
    ) -> Tensor:
        """The readout of `run`; the state passes no gradient to earlier steps every `truncate` steps (0 = always does).

        segment: number of steps that are stored for the gradient at a time, 0 = all.
        """
        self._check_inputs(inputs)
        sample, time = noise or self.evaluation_noise(inputs.shape[1]), len(inputs)
        if 0 < segment < time:
            return _Segments.apply(self, inputs, sample, truncate, segment, *self.parameters())
        network = self.rate_network(inputs.shape[1])
        state = self.start_of_trials(network, sample, None)
        return self.advance(network, self.interface_tensors(), inputs, sample, state, 0, time, truncate)[1]

    def advance(
        self,
        network: RateNetwork,
        interface: Mapping[str, Tensor],
        inputs: Tensor,
        sample: Sampler,
        state: State,
        first: int,
        last: int,
        truncate: int,
    ) -> tuple[Tensor, Tensor, State]:
        """Rates and readout of the steps first, ..., last - 1, which have these inputs, and the state after them."""
        external = self._external(interface, inputs)
        noise = sample(1 + first, 1 + last) if network.noise is not None else [None] * (last - first)
        rates = []
        for step, x, normal in zip(range(first, last), external, noise, strict=True):
            if truncate and step and step % truncate == 0:
                state = _with_tensors(state, [part.detach() for part in _tensors(state)])
            state = network.step(state, x, normal)
            rates.append(state.rates)
        all_rates = torch.stack(rates)
        return all_rates, all_rates @ interface["readout_weights"].mT + interface["readout_bias"], state

    def external_input(self, inputs: Tensor | None = None) -> Tensor:
        """The external input (..., N) of task inputs (..., channels), or without any: U x, the biases and the drive."""
        return self._external(self.interface_tensors(), inputs)

    def _external(self, interface: Mapping[str, Tensor], inputs: Tensor | None = None) -> Tensor:
        """`external_input` with tensors of the interface, which segments compute once."""
        total = torch.zeros_like(self.weights.start[:1]).expand(self.n) if self.drive is None else self.drive
        if not interface:
            return total
        total = total + interface["input_bias"] + interface["recurrent_bias"]
        return total if inputs is None else inputs @ interface["input_weights"].mT + total

    def start_of_trials(self, network: RateNetwork, sample: Sampler, initial: Tensor | None = None) -> State:
        """The state of the `rate_network` from these rates, None for 0, with the first numbers of its noise."""
        rest = network if network.noise is None else replace(network, noise=None)
        state = rest.start(0.0 if initial is None else initial)
        if network.noise is None:
            return state
        first = sample(0, 1)[0]
        return state._replace(noise=first * torch.as_tensor(network.noise.sd).to(first))

    def evaluation_noise(self, trials: int) -> Sampler:
        """The noise of every evaluation: that of `noise_seed`, drawn step by step from the start of the trials."""
        dtype = np.float32 if self.weights.start.dtype == torch.float32 else np.float64
        states = {0: np.random.default_rng(self.rates.noise_seed).bit_generator.state}

        def sample(first: int, last: int) -> Tensor:
            rng = np.random.default_rng()
            rng.bit_generator.state = states[first]
            drawn = torch.from_numpy(rng.standard_normal((last - first, trials, self.n), dtype))
            states[last] = rng.bit_generator.state
            return drawn

        return sample

    # ---- the whole state

    @torch.no_grad()
    def flat_start(self, inputs: Tensor) -> Tensor:
        """The whole state (S,), all variables of `State`, at the start from rates phi(inputs), inputs (N,)."""
        network = self._without_noise()
        rates = self.activation.phi(inputs.to(self.weights.start))
        return flatten_state(network, network.start(rates)).double()

    def autonomous(self) -> OfStep:  # type: ignore[override]
        """The whole state without task input, as a system; the biases and the drive act on it. Differentiable."""
        return state_system(self._without_noise(), self.external_input())

    dynamics = autonomous  # type: ignore[assignment]

    def driven_by_trials(self, inputs: Tensor) -> TrialDrivenState:  # type: ignore[override]
        """The whole state along trials with inputs (time, trials, channels), as a system; differentiable."""
        drive = self.external_input(inputs).transpose(0, 1)
        return trial_driven_state(self._without_noise(), drive)

    def _without_noise(self) -> RateNetwork:
        return replace(self.rate_network(), noise=None)

    def description(self) -> dict[str, Any]:
        """Everything except the values, as tensors and plain values; see `network_of_model`."""
        return super().description() | {"rates": self.rates.description()}


class _Segments(torch.autograd.Function):
    """The readout of `trial_readout`. Only the states between segments are stored, and segments are computed again.

    Trials start from rates 0, where the recurrent input and its gradient are 0: the first state passes no gradient on.
    """

    @staticmethod
    def forward(ctx, net, inputs, sample, truncate, segment, *parameters):  # noqa: ANN205
        network, interface, time = net.rate_network(inputs.shape[1]), net.interface_tensors(), len(inputs)
        state, states, pieces = net.start_of_trials(network, sample, None), {}, []
        for first in range(0, time, segment):
            states[first] = state
            last = min(first + segment, time)
            _, piece, state = net.advance(network, interface, inputs[first:last], sample, state, first, last, truncate)
            pieces.append(piece)
        ctx.save_for_backward(*parameters)
        ctx.settings = net, inputs, sample, truncate, segment, states
        return torch.cat(pieces)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, readout_bar):  # noqa: ANN205
        net, inputs, sample, truncate, segment, states = ctx.settings
        parameters = [tensor for tensor in ctx.saved_tensors if tensor.requires_grad]
        totals = [None] * len(parameters)
        with torch.enable_grad():
            network, interface = net.rate_network(inputs.shape[1]), net.interface_tensors()
        bars = []  # adjoints of the state after the segment
        for first, stored in reversed(states.items()):
            last = min(first + segment, len(inputs))
            with torch.enable_grad():
                state = _with_tensors(stored, [part.detach().requires_grad_(first > 0) for part in _tensors(stored)])
                given = inputs[first:last]
                _, piece, end = net.advance(network, interface, given, sample, state, first, last, truncate)
            pairs = [(piece, readout_bar[first:last]), *zip(_tensors(end) if bars else [], bars, strict=True)]
            ends = [(part, bar) for part, bar in pairs if bar is not None and part.requires_grad]
            sources = [*parameters, *(_tensors(state) if first else [])]
            outputs, adjoints = zip(*ends, strict=True)
            gradients = torch.autograd.grad(outputs, sources, adjoints, allow_unused=True, retain_graph=True)
            for index, gradient in enumerate(gradients[: len(parameters)]):
                if gradient is not None:
                    totals[index] = gradient if totals[index] is None else totals[index] + gradient
            bars = list(gradients[len(parameters) :])
        remaining = iter(totals)
        return *[None] * 5, *(next(remaining) if tensor.requires_grad else None for tensor in ctx.saved_tensors)


def network_of_model(description: Mapping[str, Any], values: Mapping[str, Tensor]) -> Network:
    """The network of a model file, a `Network` or one with its own dynamics; see `network_from_description`.

    >>> import randomnet as rn
    >>> from randomnet.simulation import network_of_model
    >>> net = rn.network(rn.connectome('random', n=4)).module
    >>> network_of_model(net.description(), net.values()).n
    4
    """
    if "rates" not in description:
        return network_from_description(description, values)
    rates = dynamics_of_model(description["rates"])
    return network_from_description(description, values, lambda *args, **settings: TrainableRateNetwork(
        *args, rates=rates, **settings))  # fmt: skip


def _tensors(state: State) -> list[Tensor]:
    """The tensors of a state, in the order of its fields."""
    values = (value if isinstance(value, tuple) else (value,) for value in state)
    return [tensor for value in values for tensor in value if tensor is not None]


def _with_tensors(state: State, tensors: Iterable[Tensor]) -> State:
    """The state with other `_tensors`."""
    remaining = iter(tensors)

    def replaced(value: Any) -> Any:
        return tuple(map(replaced, value)) if isinstance(value, tuple) else value if value is None else next(remaining)

    return State(*map(replaced, state))


def _plain(value: Any) -> Any:
    """A value as tensors and plain values; records carry their names."""
    if type(value).__name__ in RECORDS:
        names = [entry.name for entry in fields(value)]
        return {"record": type(value).__name__} | {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value]
    return torch.from_numpy(np.array(value)) if isinstance(value, np.ndarray) else value


def _restored(value: Any) -> Any:
    """The value of which `_plain` made this."""
    if isinstance(value, dict):
        parts = {name: _restored(part) for name, part in value.items()}
        record = parts.pop("record", None)
        return parts if record is None else RECORDS[record](**parts)
    if isinstance(value, list):
        return tuple(_restored(part) for part in value)
    return value.numpy() if isinstance(value, Tensor) else value
