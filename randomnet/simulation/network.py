"""Rate networks with filters, short-term plasticity, adaptation, slow currents and noise: one pure step of the state.

Every linear filter takes exact exponential Euler steps, y <- e y + (1 - e) drive with e = exp(-dt/tau), which are exact
for a drive that is constant throughout each step (in float32 to 6e-8 tau/dt, as smaller changes are rounded away). One
step, with W[post, pre]:

1. x = W r; of a plastic block W (strength u x r), with u and x moved on afterwards;
2. currents h <- e h + (1 - e) x with tau_syn, or h = x; a share of what comes from excitatory neurons takes the slow
   filter instead;
3. y = rate_max phi(gain (feedforward + h + slow + noise - threshold - a)); feedforward bypasses the filters, and may
   come through plastic synapses of its own;
4. rates r <- e r + (1 - e) y with tau_rate, or r = y; without either filter this is a discrete map;
5. adaptation a <- e a + (1 - e) A r.

After NeuroTorch (kiriclope/NeuroTorch, now NeuroFlame), whose filters had a gain other than 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from randomnet.activations import Activation
from randomnet.simulation.blocks import Couplings, Indices, picked

INFINITE, LEAST = float("inf"), torch.finfo(torch.float64).tiny
Parameter = float | np.ndarray | Tensor  # anything that broadcasts to (C, N)


class State(NamedTuple):
    """All that a network remembers, each (C, N), None where the network has no such thing.

    u, x: one (C, cells) for each plastic block, of its presynaptic neurons. noise: of what the noise is added to.
    input_u, input_x: of the synapses of the external input.
    """

    rates: Tensor
    currents: Tensor | None = None
    slow: Tensor | None = None
    adaptation: Tensor | None = None
    u: tuple[Tensor, ...] = ()
    x: tuple[Tensor, ...] = ()
    noise: Tensor | None = None
    input_u: Tensor | None = None
    input_x: Tensor | None = None


@dataclass(frozen=True, eq=False)
class SlowCurrent:
    """NMDA: the share `fraction` of what excitatory neurons send is filtered with `tau` in place of tau_syn."""

    fraction: Parameter
    tau: Parameter


@dataclass(frozen=True, eq=False)
class Adaptation:
    """The threshold rises by a, a' = (strength r - a) / tau."""

    strength: Parameter
    tau: Parameter


@dataclass(frozen=True, eq=False)
class Plasticity:
    """Short-term plasticity (Tsodyks and Markram's mean field) of the block of `post` from `pre`, on top of its W.

    u' = (use - u)/tau_facilitation + use (1 - u) r, x' = (1 - x)/tau_recovery - u x r, and strength u x r is
    transmitted. Steps are exact for a constant r (and u, for x). Parameters broadcast to (C, cells of pre); rates are
    per unit of time. Time constants of 0 are allowed: what is slower than them is at once where it settles.
    """

    post: int
    pre: int
    use: Parameter = 0.03
    tau_facilitation: Parameter = 1.0
    tau_recovery: Parameter = 0.2
    strength: Parameter = 1.0


@dataclass(frozen=True, eq=False)
class InputPlasticity:
    """The same of the external input: strength u x feedforward arrives, from neurons of the rate feedforward / weight.

    weight: what one unit of their rate is worth as input, such as sqrt(K_ext) J_A0; where it is 0, and where the rate
    would be below 0, it counts as 0. Parameters broadcast to (C, N).
    """

    weight: Parameter
    use: Parameter = 0.3
    tau_facilitation: Parameter = 0.2
    tau_recovery: Parameter = 1.0
    strength: Parameter = 1.0


@dataclass(frozen=True, eq=False)
class Noise:
    """Ornstein-Uhlenbeck noise of stationary deviation `sd`, added to the input or to the response y; tau 0: white."""

    sd: Parameter
    tau: Parameter
    on: str = "input"

    def __post_init__(self) -> None:
        if self.on not in ("input", "rate"):
            raise ValueError(f"noise must be on input or rate, got {self.on!r}")


@dataclass(frozen=True, eq=False)
class RateNetwork:
    """Networks side by side, C columns of N neurons; see the module's docstring for the step.

    tau_rate: of each neuron's rate; tau_syn: of what each neuron, the postsynaptic one, receives; None: no such filter.
    Times in the unit of dt. silenced: (N,) or (C, N) bool, neurons whose rates are 0. Parameters broadcast to (C, N).
    The couplings must keep the plastic blocks apart, and what excitatory neurons send where there is a slow current.
    Raises ValueError.
    """

    couplings: Couplings
    activation: Activation
    dt: float
    tau_rate: Parameter | None = None
    tau_syn: Parameter | None = None
    threshold: Parameter = 0.0
    gain: Parameter = 1.0
    rate_max: Parameter = 1.0
    slow: SlowCurrent | None = None
    adaptation: Adaptation | None = None
    plasticity: tuple[Plasticity, ...] = ()
    input_plasticity: InputPlasticity | None = None
    noise: Noise | None = None
    silenced: np.ndarray | Tensor | None = None

    def __post_init__(self) -> None:
        if not self.dt > 0:
            raise ValueError(f"dt must be above 0, got {self.dt}")
        blocks = tuple((one.post, one.pre) for one in self.plasticity)
        if blocks != self.couplings.plastic:
            raise ValueError(f"the couplings must keep the plastic blocks {blocks} apart, got {self.couplings.plastic}")
        if self.couplings.split != (self.slow is not None):
            raise ValueError("the couplings must be split where there is a slow current, and only there")
        self._constants  # noqa: B018 - shapes are checked here

    @property
    def shape(self) -> tuple[int, int]:
        """(C, N)."""
        return self.couplings.columns, self.couplings.n

    @property
    def doubts(self) -> tuple[str, ...]:
        """A sentence for each filter whose time constant is below twice the step: correct, but coarse."""
        filters = {"tau_rate": self.tau_rate, "tau_syn": self.tau_syn, "the slow current's tau": self.slow,
                   "the adaptation's tau": self.adaptation}  # fmt: skip
        least = {name: float(torch.as_tensor(getattr(one, "tau", one)).min())
                 for name, one in filters.items() if one is not None}  # fmt: skip
        return tuple(
            f"dt = {self.dt:g} is more than half of {name}, {tau:g}" for name, tau in least.items() if self.dt > tau / 2
        )

    def start(self, rates: Parameter, generators: Sequence[np.random.Generator] = ()) -> State:
        """The state with these rates, (C, N) or less, and all else as it would be after a time without activity.

        Currents are those that the rates send at once, so that a pattern is kept; resources are full. The noise is
        stationary, drawn from one generator per run.
        """
        rates = self._laid(rates, "rates") * self._constants.alive
        rest = State(rates, u=tuple(one.use for one in self._constants.plastic),
                     x=tuple(torch.ones_like(one.use) for one in self._constants.plastic))  # fmt: skip
        fast, slow = self._arriving(rest)
        if self.tau_syn is not None:
            rest = rest._replace(currents=fast)
        if self.slow is not None:
            rest = rest._replace(slow=slow)
        if self.adaptation is not None:
            rest = rest._replace(adaptation=torch.zeros_like(rates))
        if self.input_plasticity is not None:
            use = self._constants.input.use
            rest = rest._replace(input_u=use, input_x=torch.ones_like(use))
        if self.noise is not None:
            rest = rest._replace(noise=self.draws(1, generators)[0] * self._constants.noise_sd)
        return rest

    def draws(self, steps: int, generators: Sequence[np.random.Generator]) -> Tensor | None:
        """Standard normal numbers (steps, C, N) for so many steps, each run's from its own generator.

        They are drawn step by step, so that it makes no difference how many at a time. None without noise.
        """
        if self.noise is None:
            return None
        runs, trials = self.couplings.runs, self.couplings.trials
        if len(generators) != runs:
            raise ValueError(f"noise needs one generator for each of the {runs} runs, got {len(generators)}")
        columns, n = self.shape
        drawn = torch.empty(steps, n, columns, dtype=self.couplings.dtype)
        precision = np.float32 if self.couplings.dtype == torch.float32 else np.float64
        for run, generator in enumerate(generators):
            own = torch.from_numpy(generator.standard_normal((steps, trials, n), precision))
            drawn[:, :, run * trials : (run + 1) * trials] = own.mT
        return drawn.mT

    def step(self, state: State, feedforward: Tensor, noise: Tensor | None = None) -> State:
        """The state one step later; feedforward (C or 1, N), noise: standard normal numbers (C, N)."""
        return self.respond(self.receive(state), feedforward, noise)

    def receive(self, state: State) -> State:
        """Points 1 and 2 of the step: currents and resources move on; without tau_syn the currents are those of now."""
        fast, slow = self._arriving(state)
        c = self._constants
        if self.tau_syn is not None:
            fast = _filtered(state.currents, fast, c.syn)
        if self.slow is not None:
            slow = _filtered(state.slow, slow, c.slow)
        moved = [one.moved(*resources, picked(state.rates, cells, 1))
                 for one, cells, *resources in self._blocks(state)]  # fmt: skip
        u, x = zip(*moved, strict=True) if moved else ((), ())
        return state._replace(currents=fast, slow=slow, u=u, x=x)

    def respond(self, state: State, feedforward: Tensor, noise: Tensor | None = None) -> State:
        """Points 3 to 5 of the step: rates and adaptation move on, and the noise before them."""
        c, on_rate = self._constants, None
        if self.input_plasticity is not None:
            u, x = c.input.moved(state.input_u, state.input_x, (feedforward * c.input_rate).clamp_min(0))
            feedforward = c.input.strength * state.input_u * state.input_x * feedforward
            state = state._replace(input_u=u, input_x=x)
        net = feedforward + state.currents
        if self.slow is not None:
            net = net + state.slow
        if self.noise is not None:
            state = state._replace(noise=state.noise * c.noise_decay + noise * c.noise_kick)
            if self.noise.on == "rate":
                on_rate = state.noise
            else:
                net = net + state.noise
        rates = self._response(net, state.adaptation, on_rate)
        if self.tau_rate is not None:
            rates = _filtered(state.rates, rates, c.rate)
        if self.adaptation is not None:
            state = state._replace(adaptation=_filtered(state.adaptation, rates * c.adaptation, c.adapting))
        return state._replace(rates=rates, currents=None if self.tau_syn is None else state.currents)

    def _response(self, net: Tensor, adaptation: Tensor | None, noise: Tensor | None) -> Tensor:
        c = self._constants
        for what in (c.threshold, adaptation):
            if what is not None and not _is(what, 0):
                net = net - what
        rates = self.activation.phi(net if _is(c.gain, 1) else net * c.gain)
        if not _is(c.rate_max, 1):
            rates = rates * c.rate_max
        if noise is not None:
            rates = rates + noise
        return rates if _is(c.alive, 1) else rates * c.alive

    def _blocks(self, state: State) -> zip:
        return zip(self._constants.plastic, self.couplings.plastic_cells, state.u, state.x, strict=True)

    def _arriving(self, state: State) -> tuple[Tensor, Tensor | None]:
        """What arrives at once, for the currents and for the slow ones."""
        sent = [one.strength * u * x * picked(state.rates, cells, 1) for one, cells, u, x in self._blocks(state)]
        fast, excitatory = self.couplings.arriving(state.rates, sent)
        if self.slow is None:
            return fast, None
        return fast + excitatory * self._constants.rest, excitatory * self._constants.fraction

    # ---- parameters as the step reads them

    @cached_property
    def _constants(self) -> "_Constants":
        slow, adaptation, noise, silenced = self.slow, self.adaptation, self.noise, self.silenced
        given = self.input_plasticity
        return _Constants(
            threshold=self._constant(self.threshold, "threshold"),
            gain=self._constant(self.gain, "gain"),
            rate_max=self._constant(self.rate_max, "rate_max"),
            rate=self._decay(self.tau_rate, "tau_rate"),
            syn=self._decay(self.tau_syn, "tau_syn"),
            fraction=slow and self._constant(slow.fraction, "the slow current's fraction", 0, 1),
            rest=slow and self._constant(1 - _plain(slow.fraction), "the slow current's fraction"),
            slow=self._decay(slow and slow.tau, "the slow current's tau"),
            adaptation=adaptation and self._constant(adaptation.strength, "the adaptation's strength"),
            adapting=self._decay(adaptation and adaptation.tau, "the adaptation's tau"),
            noise_sd=noise and self._constant(noise.sd, "the noise's sd", 0),
            noise_decay=self._decay(noise and noise.tau, "the noise's tau", least=0.0),
            noise_kick=noise and self._constant(self._kick(noise), "the noise's tau"),
            alive=self._constant(1.0 if silenced is None else ~torch.as_tensor(silenced, dtype=torch.bool), "silenced"),
            plastic=tuple(map(self._block, self.plasticity, self.couplings.plastic_cells)),
            input=given and self._block(given, slice(0, self.shape[1])),
            input_rate=given and self._laid(torch.where(_plain(given.weight) == 0, 0.0, 1 / _plain(given.weight)),
                                            "the weight of the input"),
        )  # fmt: skip

    def _kick(self, noise: Noise) -> Tensor:
        """sd sqrt(1 - e^2), by which the deviation of the noise stays sd whatever dt is."""
        return _plain(noise.sd) * torch.sqrt(-torch.expm1(-2 * self.dt / _plain(noise.tau)))

    def _decay(self, tau: Parameter | None, what: str, least: float = LEAST) -> float | Tensor | None:
        """exp(-dt/tau)."""
        if tau is None:
            return None
        tau = _plain(tau)
        if not (tau >= least).all():
            raise ValueError(f"{what} must be {'>=' if least == 0 else 'above'} 0, got {float(tau.min()):g}")
        return self._constant(torch.exp(-self.dt / tau), what)

    def _constant(self, value: Parameter, what: str, low: float = -INFINITE, high: float = INFINITE) -> float | Tensor:
        """The value as a number where it is the same for all, else as it is laid out."""
        laid = self._laid(value, what, low, high)
        return float(laid[0, 0]) if (laid == laid[0, 0]).all() else laid

    def _laid(
        self, value: Parameter, what: str, low: float = -INFINITE, high: float = INFINITE, cells: int | None = None
    ) -> Tensor:
        """The value, low to high, for every column and neuron (or cell), columns beside each other in memory."""
        value, shape = _plain(value), (self.shape[0], self.shape[1] if cells is None else cells)
        try:
            value = value.expand(shape)
        except RuntimeError:
            raise ValueError(f"{what} must broadcast to {shape}, got shape {tuple(value.shape)}") from None
        if not ((low <= value) & (value <= high)).all():
            wrong = value[~((low <= value) & (value <= high))][0]
            raise ValueError(f"{what} must be numbers from {low:g} to {high:g}, got {float(wrong):g}")
        return value.mT.contiguous().to(self.couplings.dtype).mT

    def _block(self, one: Plasticity | InputPlasticity, cells: Indices) -> "_Block":
        size = cells.stop - cells.start if isinstance(cells, slice) else len(cells)
        ranges = {"use": (0, 1), "tau_facilitation": (0, INFINITE), "tau_recovery": (0, INFINITE),
                  "strength": (-INFINITE, INFINITE)}  # fmt: skip
        return _Block(self.dt, *(self._laid(getattr(one, name), name, *ends, size) for name, ends in ranges.items()))


@dataclass(frozen=True, eq=False)
class _Block:
    """Parameters of a plastic block, each (C, cells)."""

    dt: float
    use: Tensor
    tau_facilitation: Tensor
    tau_recovery: Tensor
    strength: Tensor

    def moved(self, u: Tensor, x: Tensor, rates: Tensor) -> tuple[Tensor, Tensor]:
        """u and x one step later, with these rates (and the u of now) held throughout it."""
        driven = self.use * rates
        u_end = self.use * (1 + self.tau_facilitation * rates) / (1 + self.tau_facilitation * driven)
        used = u * rates
        x_end = 1 / (1 + self.tau_recovery * used)
        u_decay = torch.exp(-self.dt * (1 / self.tau_facilitation + driven))
        x_decay = torch.exp(-self.dt * (1 / self.tau_recovery + used))
        return u_end + (u - u_end) * u_decay, x_end + (x - x_end) * x_decay


@dataclass(frozen=True, eq=False)
class _Constants:
    """What a step reads: (C, N), or a number where it is the same for all; None where there is no such thing."""

    threshold: float | Tensor
    gain: float | Tensor
    rate_max: float | Tensor
    rate: float | Tensor | None
    syn: float | Tensor | None
    fraction: float | Tensor | None
    rest: float | Tensor | None
    slow: float | Tensor | None
    adaptation: float | Tensor | None
    adapting: float | Tensor | None
    noise_sd: float | Tensor | None
    noise_decay: float | Tensor | None
    noise_kick: float | Tensor | None
    alive: float | Tensor
    plastic: tuple[_Block, ...]
    input: _Block | None
    input_rate: Tensor | None


def _plain(value: Parameter) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float64)


def _is(value: float | Tensor, number: float) -> bool:
    """Whether a constant is this number for all."""
    return isinstance(value, float) and value == number


def _filtered(state: Tensor, drive: Tensor, decay: float | Tensor) -> Tensor:
    """e state + (1 - e) drive: one operation, and exactly the drive where the state is that already."""
    return torch.lerp(drive, state, decay)
