"""Rate networks with filters, short-term plasticity, adaptation, slow currents and noise: one pure step of the state.

Every linear filter takes exponential Euler steps, y <- e y + (1 - e) drive with e = exp(-dt/tau). They are exact for a
drive that is constant during each step (in float32 to 6e-8 tau/dt, because smaller changes are lost to rounding). One
step, with W[post, pre]:

1. x = W r; in a plastic block x = W (strength u x r), after which u and x are updated;
2. currents h <- e h + (1 - e) x with tau_syn, or h = x; a share of the input from excitatory neurons passes the slow
   filter instead;
3. y = rate_max phi(gain (feedforward + h + slow + noise - threshold - a)); feedforward bypasses the filters, and may
   pass plastic synapses of its own;
4. rates r <- e r + (1 - e) y with tau_rate, or r = y; without either filter this is a discrete map;
5. adaptation a <- e a + (1 - e) A r.

Source: NeuroTorch (kiriclope/NeuroTorch, now NeuroFlame), whose filters had a gain other than 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from randomnet.activations import Activation
from randomnet.display import Brief
from randomnet.simulation.couplings import Couplings, Indices, select_cells

INFINITE, SMALLEST = float("inf"), torch.finfo(torch.float64).tiny
Parameter = float | np.ndarray | Tensor  # anything that broadcasts to (C, N)


class State(NamedTuple):
    """The state of a network, each variable (C, N), or None where the network lacks it.

    u, x: utilisation and resources of each plastic block, (C, cells) for its presynaptic neurons. noise: the present
    value of the noise. input_u, input_x: of the synapses of the external input.
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


@dataclass(frozen=True, eq=False, repr=False)
class SlowCurrent(Brief):
    """NMDA: the share `fraction` of the input from excitatory neurons is filtered with `tau` instead of tau_syn."""

    fraction: Parameter
    tau: Parameter


@dataclass(frozen=True, eq=False, repr=False)
class Adaptation(Brief):
    """The threshold rises by a, a' = (strength r - a) / tau."""

    strength: Parameter
    tau: Parameter


@dataclass(frozen=True, eq=False, repr=False)
class Plasticity(Brief):
    """Short-term plasticity of the block to `post` from `pre`, a factor on top of its W.

    u' = (use - u)/tau_facilitation + use (1 - u) r, x' = (1 - x)/tau_recovery - u x r, and strength u x r is
    transmitted. Steps are exact for a constant r (and, for x, a constant u). Parameters broadcast to (C, cells of pre);
    rates are per unit of time. With a time constant of 0, the variable is always at its steady state. Source: mean
    field of Hansel and Mato (2013). That of Markram et al. (1998) is the same: there u is the utilisation before a
    spike, v' = -v/tau_facilitation + use (1 - v) r, the share v + use (1 - v) is used, and this share obeys u'.
    """

    post: int
    pre: int
    use: Parameter = 0.03
    tau_facilitation: Parameter = 1.0
    tau_recovery: Parameter = 0.2
    strength: Parameter = 1.0


@dataclass(frozen=True, eq=False, repr=False)
class InputPlasticity(Brief):
    """Short-term plasticity of the external input, which becomes strength u x feedforward.

    Its presynaptic neurons have the rate feedforward / weight. weight: the input per unit of their rate, such as
    sqrt(K_ext) J_A0. Where weight is 0, or the rate would be below 0, the rate is 0. Parameters broadcast to (C, N).
    """

    weight: Parameter
    use: Parameter = 0.3
    tau_facilitation: Parameter = 0.2
    tau_recovery: Parameter = 1.0
    strength: Parameter = 1.0


@dataclass(frozen=True, eq=False, repr=False)
class Noise(Brief):
    """Ornstein-Uhlenbeck noise with the stationary standard deviation `sd`; tau 0: white noise.

    on: added to the `input`, or to the response y (`rate`).
    """

    sd: Parameter
    tau: Parameter
    on: str = "input"

    def __post_init__(self) -> None:
        if self.on not in ("input", "rate"):
            raise ValueError(f"noise must be on input or rate, got {self.on!r}")


@dataclass(frozen=True, eq=False, repr=False)
class RateNetwork(Brief):
    """Networks side by side, C columns of N neurons; see the module's docstring for the step.

    tau_rate: time constant of each neuron's rate; tau_syn: of each (postsynaptic) neuron's currents; None: no filter.
    Times are in the unit of dt. silenced: (N,) or (C, N) bool, neurons whose rates are 0. Parameters broadcast to
    (C, N). The couplings must have the plastic blocks as separate parts and, with a slow current, the input from
    excitatory neurons, too. Raises ValueError.
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
        blocks = tuple((block.post, block.pre) for block in self.plasticity)
        if blocks != self.couplings.plastic:
            raise ValueError(f"the couplings must have the plastic blocks {blocks}, got {self.couplings.plastic}")
        if self.couplings.split != (self.slow is not None):
            raise ValueError("the couplings must be split if there is a slow current, and only then, got "
                             f"split={self.couplings.split}")  # fmt: skip
        self._constants  # noqa: B018 - this checks the shapes

    @property
    def shape(self) -> tuple[int, int]:
        """(C, N)."""
        return self.couplings.columns, self.couplings.n

    @property
    def doubts(self) -> tuple[str, ...]:
        """A sentence for each filter whose time constant is below two steps: it is exact, but coarse."""
        filters = {"tau_rate": self.tau_rate, "tau_syn": self.tau_syn, "the slow current's tau": self.slow,
                   "the adaptation's tau": self.adaptation}  # fmt: skip
        shortest = {name: float(torch.as_tensor(getattr(part, "tau", part)).min())
                    for name, part in filters.items() if part is not None}  # fmt: skip
        return tuple(f"dt = {self.dt:g} is more than half of {name}, {tau:g}"
                     for name, tau in shortest.items() if self.dt > tau / 2)  # fmt: skip

    def start(self, rates: Parameter, generators: Sequence[np.random.Generator] = ()) -> State:
        """The state with these rates, which broadcast to (C, N); all else is as after a time without activity.

        The currents are the recurrent input of the rates, so that a pattern of rates persists; resources are full. The
        noise is stationary, drawn from one generator per run.
        """
        rates = self._broadcast(rates, "rates") * self._constants.alive
        state = State(rates, u=tuple(block.use for block in self._constants.plastic),
                      x=tuple(torch.ones_like(block.use) for block in self._constants.plastic))  # fmt: skip
        fast, slow = self._recurrent_input(state)
        if self.tau_syn is not None:
            state = state._replace(currents=fast)
        if self.slow is not None:
            state = state._replace(slow=slow)
        if self.adaptation is not None:
            state = state._replace(adaptation=torch.zeros_like(rates))
        if self.input_plasticity is not None:
            use = self._constants.input.use
            state = state._replace(input_u=use, input_x=torch.ones_like(use))
        if self.noise is not None:
            state = state._replace(noise=self.draw_noise(1, generators)[0] * self._constants.noise_sd)
        return state

    def draw_noise(self, steps: int, generators: Sequence[np.random.Generator]) -> Tensor | None:
        """Standard normal numbers (steps, C, N), each run's from its own generator; None without noise.

        They are drawn step by step, so that the numbers do not depend on how many steps are drawn at a time.
        """
        if self.noise is None:
            return None
        runs, trials = self.couplings.runs, self.couplings.trials
        if len(generators) != runs:
            raise ValueError(f"noise needs one generator for each of the {runs} runs, got {len(generators)}")
        columns, n = self.shape
        noise = torch.empty(steps, n, columns, dtype=self.couplings.dtype)
        precision = np.float32 if self.couplings.dtype == torch.float32 else np.float64
        for run, generator in enumerate(generators):
            run_noise = torch.from_numpy(generator.standard_normal((steps, trials, n), precision))
            noise[:, :, run * trials : (run + 1) * trials] = run_noise.mT
        return noise.mT

    def step(self, state: State, feedforward: Tensor, noise: Tensor | None = None) -> State:
        """The state one step later; feedforward (C or 1, N), noise: standard normal numbers (C, N)."""
        return self.update_rates(self.update_currents(state), feedforward, noise)

    def update_currents(self, state: State) -> State:
        """Points 1 and 2 of the step: currents, u and x are updated; without tau_syn, currents are the input itself."""
        fast, slow = self._recurrent_input(state)
        c = self._constants
        if self.tau_syn is not None:
            fast = _filter(state.currents, fast, c.syn)
        if self.slow is not None:
            slow = _filter(state.slow, slow, c.slow)
        resources = [block.step(u, x, select_cells(state.rates, cells, 1))
                     for block, cells, u, x in self._blocks(state)]  # fmt: skip
        u, x = zip(*resources, strict=True) if resources else ((), ())
        return state._replace(currents=fast, slow=slow, u=u, x=x)

    def update_rates(self, state: State, feedforward: Tensor, noise: Tensor | None = None) -> State:
        """Points 3 to 5 of the step: noise, then rates and adaptation are updated."""
        c, rate_noise = self._constants, None
        if self.input_plasticity is not None:
            u, x = c.input.step(state.input_u, state.input_x, (feedforward * c.input_rate).clamp_min(0))
            feedforward = c.input.strength * state.input_u * state.input_x * feedforward
            state = state._replace(input_u=u, input_x=x)
        net = feedforward + state.currents
        if self.slow is not None:
            net = net + state.slow
        if self.noise is not None:
            state = state._replace(noise=state.noise * c.noise_decay + noise * c.noise_scale)
            if self.noise.on == "rate":
                rate_noise = state.noise
            else:
                net = net + state.noise
        rates = self._response(net, state.adaptation, rate_noise)
        if self.tau_rate is not None:
            rates = _filter(state.rates, rates, c.rate)
        if self.adaptation is not None:
            state = state._replace(adaptation=_filter(state.adaptation, rates * c.adaptation, c.adapting))
        return state._replace(rates=rates, currents=None if self.tau_syn is None else state.currents)

    def _response(self, net: Tensor, adaptation: Tensor | None, noise: Tensor | None) -> Tensor:
        """The response y to the net input."""
        c = self._constants
        for threshold in (c.threshold, adaptation):
            if threshold is not None and not _equals(threshold, 0):
                net = net - threshold
        rates = self.activation.phi(net if _equals(c.gain, 1) else net * c.gain)
        if not _equals(c.rate_max, 1):
            rates = rates * c.rate_max
        if noise is not None:
            rates = rates + noise
        return rates if _equals(c.alive, 1) else rates * c.alive

    def _blocks(self, state: State) -> zip:
        """Parameters, presynaptic cells, u and x of each plastic block."""
        return zip(self._constants.plastic, self.couplings.plastic_cells, state.u, state.x, strict=True)

    def _recurrent_input(self, state: State) -> tuple[Tensor, Tensor | None]:
        """The unfiltered recurrent input of the currents and of the slow currents."""
        transmitted = [block.strength * u * x * select_cells(state.rates, cells, 1)
                       for block, cells, u, x in self._blocks(state)]  # fmt: skip
        fast, excitatory = self.couplings.recurrent_input(state.rates, transmitted)
        if self.slow is None:
            return fast, None
        return fast + excitatory * self._constants.fast_fraction, excitatory * self._constants.fraction

    # ---- parameters as the step reads them

    @cached_property
    def _constants(self) -> "_Constants":
        slow, adaptation, noise, silenced = self.slow, self.adaptation, self.noise, self.silenced
        inputs = self.input_plasticity
        return _Constants(
            threshold=self._constant(self.threshold, "threshold"),
            gain=self._constant(self.gain, "gain"),
            rate_max=self._constant(self.rate_max, "rate_max"),
            rate=self._decay(self.tau_rate, "tau_rate"),
            syn=self._decay(self.tau_syn, "tau_syn"),
            fraction=slow and self._constant(slow.fraction, "the slow current's fraction", 0, 1),
            fast_fraction=slow and self._constant(1 - _float64(slow.fraction), "the slow current's fraction"),
            slow=self._decay(slow and slow.tau, "the slow current's tau"),
            adaptation=adaptation and self._constant(adaptation.strength, "the adaptation's strength"),
            adapting=self._decay(adaptation and adaptation.tau, "the adaptation's tau"),
            noise_sd=noise and self._constant(noise.sd, "the noise's sd", 0),
            noise_decay=self._decay(noise and noise.tau, "the noise's tau", minimum=0.0),
            noise_scale=noise and self._constant(self._noise_scale(noise), "the noise's tau"),
            alive=self._constant(1.0 if silenced is None else ~torch.as_tensor(silenced, dtype=torch.bool), "silenced"),
            plastic=tuple(map(self._block, self.plasticity, self.couplings.plastic_cells)),
            input=inputs and self._block(inputs, slice(0, self.shape[1])),
            input_rate=inputs and self._broadcast(
                torch.where(_float64(inputs.weight) == 0, 0.0, 1 / _float64(inputs.weight)), "the weight of the input"),
        )  # fmt: skip

    def _noise_scale(self, noise: Noise) -> Tensor:
        """sd sqrt(1 - e^2), with which the standard deviation of the noise is sd for any dt."""
        return _float64(noise.sd) * torch.sqrt(-torch.expm1(-2 * self.dt / _float64(noise.tau)))

    def _decay(self, tau: Parameter | None, name: str, minimum: float = SMALLEST) -> float | Tensor | None:
        """exp(-dt/tau)."""
        if tau is None:
            return None
        tau = _float64(tau)
        if not (tau >= minimum).all():
            raise ValueError(f"{name} must be {'>=' if minimum == 0 else 'above'} 0, got {float(tau.min()):g}")
        return self._constant(torch.exp(-self.dt / tau), name)

    def _constant(self, value: Parameter, name: str, low: float = -INFINITE, high: float = INFINITE) -> float | Tensor:
        """The value as a number where it is the same for all columns and neurons, else as a tensor (C, N).

        A trained value stays a tensor, which has a gradient.
        """
        tensor = self._broadcast(value, name, low, high)
        equal = not tensor.requires_grad and (tensor == tensor[0, 0]).all()
        return float(tensor[0, 0]) if equal else tensor

    def _broadcast(
        self, value: Parameter, name: str, low: float = -INFINITE, high: float = INFINITE, cells: int | None = None
    ) -> Tensor:
        """The value as (C, N), or (C, cells), within low..high; columns are contiguous in memory. Raises ValueError."""
        value, shape = _float64(value), (self.shape[0], self.shape[1] if cells is None else cells)
        try:
            value = value.expand(shape)
        except RuntimeError:
            raise ValueError(f"{name} must broadcast to {shape}, got shape {tuple(value.shape)}") from None
        if not ((low <= value) & (value <= high)).all():
            wrong = value[~((low <= value) & (value <= high))][0]
            raise ValueError(f"{name} must be numbers from {low:g} to {high:g}, got {float(wrong):g}")
        return value.mT.contiguous().to(self.couplings.dtype).mT

    def _block(self, plasticity: Plasticity | InputPlasticity, cells: Indices) -> "_Block":
        size = cells.stop - cells.start if isinstance(cells, slice) else len(cells)
        ranges = {"use": (0, 1), "tau_facilitation": (0, INFINITE), "tau_recovery": (0, INFINITE),
                  "strength": (-INFINITE, INFINITE)}  # fmt: skip
        values = (self._broadcast(getattr(plasticity, name), name, *ends, size) for name, ends in ranges.items())
        return _Block(self.dt, *values)


@dataclass(frozen=True, eq=False)
class _Block:
    """Parameters of a plastic block, each (C, cells) but dt."""

    dt: float
    use: Tensor
    tau_facilitation: Tensor
    tau_recovery: Tensor
    strength: Tensor

    def step(self, u: Tensor, x: Tensor, rates: Tensor) -> tuple[Tensor, Tensor]:
        """u and x one step later; the rates, and for x also u, are constant during the step."""
        driven = self.use * rates
        u_end = self.use * (1 + self.tau_facilitation * rates) / (1 + self.tau_facilitation * driven)
        used = u * rates
        x_end = 1 / (1 + self.tau_recovery * used)
        u_decay = torch.exp(-self.dt * (1 / self.tau_facilitation + driven))
        x_decay = torch.exp(-self.dt * (1 / self.tau_recovery + used))
        return u_end + (u - u_end) * u_decay, x_end + (x - x_end) * x_decay


@dataclass(frozen=True, eq=False)
class _Constants:
    """The constants of a step: (C, N), or a number where all are equal; None where the network lacks the part."""

    threshold: float | Tensor
    gain: float | Tensor
    rate_max: float | Tensor
    rate: float | Tensor | None
    syn: float | Tensor | None
    fraction: float | Tensor | None
    fast_fraction: float | Tensor | None
    slow: float | Tensor | None
    adaptation: float | Tensor | None
    adapting: float | Tensor | None
    noise_sd: float | Tensor | None
    noise_decay: float | Tensor | None
    noise_scale: float | Tensor | None
    alive: float | Tensor
    plastic: tuple[_Block, ...]
    input: _Block | None
    input_rate: Tensor | None


def _float64(value: Parameter) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float64)


def _equals(value: float | Tensor, number: float) -> bool:
    """Whether a constant is this number for all columns and neurons."""
    return isinstance(value, float) and value == number


def _filter(state: Tensor, drive: Tensor, decay: float | Tensor) -> Tensor:
    """e state + (1 - e) drive, in one operation; exactly the drive where the state equals it."""
    return torch.lerp(drive, state, decay)
