"""Samples of a simulation over windows, and its whole deterministic state as a system with a Lyapunov spectrum."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from randomnet.display import Brief, Displayed
from randomnet.simulation.inputs import FeedForward
from randomnet.simulation.network import RateNetwork, State
from randomnet.systems import OfStep, of_step

VARIABLES = ("currents", "slow", "adaptation", "u", "x", "input_u", "input_x", "noise", "overlaps")
CHUNK, CHUNK_BYTES = 200, 32e6  # limits of the steps whose input and noise are computed at a time, and of their memory


@dataclass(frozen=True, eq=False, repr=False)
class Samples(Displayed):
    """Means over W windows, for C columns.

    times: (W,), the windows' centres in the unit of dt; step s lasts from s dt to (s + 1) dt. rates: (C, W, N).
    variables: the other recorded variables, (C, W, N); u and x of plastic block i are u_i and x_i, (C, W, cells);
    overlaps (C, W, K). Values are nan once a column is no longer finite, and in all columns once none is. finite: (C,)
    bool, whether a column stayed finite to the end. state: after the last step; step: the number of the next step.
    """

    drawing: ClassVar[str] = "samples"

    times: np.ndarray
    rates: Tensor
    variables: dict[str, Tensor]
    finite: Tensor
    state: State
    step: int

    def summary(self) -> str:
        """The numbers of columns, windows and neurons, the last time, and the other variables."""
        columns, windows, neurons = self.rates.shape
        others = f", with {', '.join(self.variables)}" if self.variables else ""
        return f"{columns} columns, {windows} windows up to t = {self.times[-1]:g}, {neurons} neurons{others}"


@contextmanager
def _flush_denormal() -> Iterator[None]:
    """Treat denormal numbers as 0 in this context.

    The rates of silent neurons decay to denormal numbers, with which a product takes many times as long.
    """
    smallest = torch.tensor(torch.finfo(torch.float32).tiny)
    before = float(smallest / 2) == 0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


@torch.no_grad()
@_flush_denormal()
def simulate(
    network: RateNetwork,
    state: State,
    feedforward: FeedForward,
    *,
    steps: int,
    window: int,
    transient: int = 0,
    start: int = 0,
    chunk: int | None = None,
    precompute_input: bool = False,
    generators: Sequence[np.random.Generator] = (),
    variables: Sequence[str] = (),
    on_progress: Callable[[int], None] = lambda steps: None,
) -> Samples:
    """Samples of `steps` steps after a transient; each sample is the mean over one window of steps.

    start: the number of the first sampled step; the transient is the `transient` steps before it. A simulation can be
    continued with the returned state, start = the returned step, no transient and the same generators; it then has the
    bits of one longer simulation. chunk: number of steps whose input and noise are computed at a time; None: chosen by
    their memory. precompute_input: compute the input of all steps before the first. Neither changes any bit. variables:
    names of VARIABLES to record besides the rates. on_progress(steps) receives the steps done after each chunk; an
    exception from it ends the simulation. Raises ValueError where window does not divide steps, or for a variable that
    the network lacks.

    >>> import numpy as np
    >>> import randomnet as rn
    >>> from randomnet.activations import ACTIVATIONS
    >>> from randomnet.simulation import FeedForward, RateNetwork, couplings, simulate
    >>> groups = np.zeros(4, int)
    >>> coupled = couplings(rn.connectome(0.1 * (1 - np.eye(4)), normalization='none'), groups)
    >>> network = RateNetwork(coupled, ACTIVATIONS['tanh'], dt=0.1, tau_rate=1.0)
    >>> samples = simulate(network, network.start(0.0), FeedForward(np.ones(4), groups, 0.1), steps=20, window=10)
    >>> samples
    Samples: 1 columns, 2 windows up to t = 1.5, 4 neurons
    >>> samples.rates[0, :, 0]
    tensor([0.3132, 0.6323])
    """
    if window < 1 or steps < 1 or transient < 0 or steps % window:
        raise ValueError(f"steps must be a whole number of windows, got {steps} steps and windows of {window}")
    _check(network, feedforward, variables)
    chunk = _chunk_steps(network) if chunk is None else chunk
    record = _Record(network, state, steps // window, window, tuple(variables))
    first, last = start - transient, start + steps
    whole_input = feedforward.at(first, last) if precompute_input else None
    for begin in range(first, last, chunk):
        numbers = range(begin, min(begin + chunk, last))
        inputs = feedforward.at(numbers.start, numbers.stop) if whole_input is None else whole_input[begin - first :]
        noise = network.draw_noise(len(numbers), generators)
        for index, step in enumerate(numbers):
            state = network.step(state, inputs[index], None if noise is None else noise[index])
            if step >= start:
                record.add(state)
        on_progress(numbers.stop - first)
        if not _finite(state).any():
            break
    times = (start + (np.arange(steps // window) + 0.5) * window) * network.dt
    rates = record.means.pop("rates")
    return Samples(times, rates, record.means, record.finite & _finite(state), state, last)


def _check(network: RateNetwork, feedforward: FeedForward, variables: Sequence[str]) -> None:
    columns, n = network.shape
    if feedforward.columns not in (1, columns) or len(feedforward.groups) != n:
        came = f"{feedforward.columns} columns and {len(feedforward.groups)} neurons"
        raise ValueError(f"the input must have {columns} columns, or one for all, and {n} neurons, got {came}")
    if feedforward.dt != network.dt or feedforward.dtype != network.couplings.dtype:
        raise ValueError(
            f"the input must have the network's dt and precision, {network.dt:g} and {network.couplings.dtype}, "
            f"got {feedforward.dt:g} and {feedforward.dtype}"
        )
    known = variable_names(network)
    for name in variables:
        if name not in known:
            expected = ", ".join(known) or "the rates only"
            raise ValueError(f"this network's recordable variables are {expected}, got {name!r}")


def variable_names(network: RateNetwork) -> tuple[str, ...]:
    """The variables of this network that can be recorded besides its rates.

    >>> from dataclasses import replace
    >>> import numpy as np
    >>> import randomnet as rn
    >>> from randomnet.activations import ACTIVATIONS
    >>> from randomnet.simulation import Adaptation, RateNetwork, couplings, variable_names
    >>> groups = np.zeros(4, int)
    >>> coupled = couplings(rn.connectome(0.1 * (1 - np.eye(4)), normalization='none'), groups)
    >>> network = RateNetwork(coupled, ACTIVATIONS['tanh'], dt=0.1, tau_rate=1.0)
    >>> variable_names(network), variable_names(replace(network, adaptation=Adaptation(0.5, 10.0)))
    ((), ('adaptation',))
    """
    parts = {
        "currents": network.tau_syn,
        "slow": network.slow,
        "adaptation": network.adaptation,
        "u": network.plasticity or None,
        "x": network.plasticity or None,
        "input_u": network.input_plasticity,
        "input_x": network.input_plasticity,
        "noise": network.noise,
        "overlaps": network.couplings.low_rank,
    }
    return tuple(name for name in VARIABLES if parts[name] is not None)


def _chunk_steps(network: RateNetwork) -> int:
    columns, n = network.shape
    return min(CHUNK, 1 + int(CHUNK_BYTES / (columns * n * network.couplings.dtype.itemsize)))


def _finite(state: State) -> Tensor:
    """(C,): whether all rates and currents of a column are finite."""
    total = state.rates if state.currents is None else state.rates + state.currents
    return total.sum(1, dtype=torch.float64).isfinite()


class _Record:
    """Sums over the present window, and the means of the windows before."""

    def __init__(self, network: RateNetwork, state: State, windows: int, window: int, names: Sequence[str]) -> None:
        self.window, self.low_rank = window, network.couplings.low_rank
        self.names, self.steps = names, 0
        self.sums = {name: torch.zeros_like(value) for name, value in self._variables(state)}
        self.finite = torch.ones(len(state.rates), dtype=torch.bool)
        self.means = {name: mean.new_full((len(mean), windows, mean.shape[1]), torch.nan)
                      for name, mean in self._window_means()}  # fmt: skip

    def add(self, state: State) -> None:
        """Add one more step."""
        self.steps += 1
        for name, value in self._variables(state):
            self.sums[name] += value
        if self.steps % self.window == 0:
            self._close_window(self.steps // self.window - 1)

    def _variables(self, state: State) -> list[tuple[str, Tensor]]:
        """Name and value of each variable whose sum is recorded."""
        variables = [("rates", state.rates)]
        for name in self.names:
            if name in ("u", "x"):
                variables += [(f"{name}_{index}", value) for index, value in enumerate(getattr(state, name))]
            elif name != "overlaps":
                variables.append((name, getattr(state, name)))
        return variables

    def _window_means(self) -> list[tuple[str, Tensor]]:
        means = [(name, total / self.window) for name, total in self.sums.items()]
        if "overlaps" in self.names:  # overlaps are linear in the rates
            means.append(("overlaps", self.low_rank.overlaps(means[0][1])))
        return means

    def _close_window(self, index: int) -> None:
        """Store the means of the window, and reset the sums."""
        for name, mean in self._window_means():
            finite = mean.isfinite().all(1, keepdim=True)
            self.means[name][:, index] = torch.where(finite, mean, torch.nan)
        self.finite &= self.means["rates"][:, index].isfinite().all(1)
        for total in self.sums.values():
            total.zero_()


# ---- the whole state


def state_system(network: RateNetwork, feedforward: np.ndarray | Tensor) -> OfStep:
    """The deterministic state of a network of one column under constant input (N,), as a system; differentiable.

    The state, flattened by `flatten_state`, has all variables: rates, currents, slow currents, adaptation, u and x.
    Where only the currents are filtered, the rates are a function of the currents. The state is then the one before
    the response, so that it has no redundant direction. Raises ValueError for a network with noise, or with more than
    one column.

    >>> from dataclasses import replace
    >>> import numpy as np
    >>> import torch
    >>> import randomnet as rn
    >>> from randomnet.activations import ACTIVATIONS
    >>> from randomnet.simulation import RateNetwork, couplings, flatten_state, state_system
    >>> groups = np.zeros(4, int)
    >>> coupled = couplings(rn.connectome(0.1 * (1 - np.eye(4)), normalization='none'), groups)
    >>> network = RateNetwork(coupled, ACTIVATIONS['tanh'], dt=0.1, tau_rate=1.0)
    >>> coupled = couplings(rn.connectome(0.1 * (1 - np.eye(4)), normalization='none'), groups, dtype=torch.float64)
    >>> network = replace(network, couplings=coupled)
    >>> system = state_system(network, np.ones(4))
    >>> state = flatten_state(network, network.start(0.5)).double()
    >>> print(f'{rn.spectrum(system, state, k=1, tsim=20).exponents[0]:.2f}')
    -0.92
    """
    inputs = torch.as_tensor(feedforward).to(network.couplings.dtype)
    step = flat_step(network)
    return of_step(lambda vector: step(vector, inputs), network.dt)


def flat_step(network: RateNetwork) -> Callable[[Tensor, Tensor], Tensor]:
    """The step of the flattened state (S,) of `state_system` under an input (N,). Raises ValueError as that does."""
    if network.noise is not None:
        raise ValueError("a network with noise has no deterministic spectrum: remove the noise")
    if network.couplings.columns != 1:
        raise ValueError(f"a spectrum needs a network of one column, got {network.couplings.columns} columns")
    like, currents_only = network.start(0.0), _has_only_currents(network)

    def step(vector: Tensor, inputs: Tensor) -> Tensor:
        state, inputs = _unflatten(like, vector, currents_only), inputs.reshape(1, -1)
        if currents_only:
            return _flatten(network, network.update_currents(network.update_rates(state, inputs)))
        return _flatten(network, network.step(state, inputs))

    return step


@dataclass(frozen=True, eq=False, repr=False)
class TrialDrivenState(Brief):
    """The whole state of a network driven by trials in a loop; the state starts anew at the beginning of each trial.

    Tangent vectors continue from trial to trial, as in `rnn.TrialDrivenSystem`. step: see `flat_step`. rest: (S,), the
    state at the start of a trial. drive: (trials, time, N), the external input of every step.
    """

    step: Callable[[Tensor, Tensor], Tensor]
    rest: Tensor
    drive: Tensor
    dt: float

    @property
    def bounded(self) -> bool:
        """True, because the state is reset at each trial."""
        return True

    def advance(self, bundle: Tensor, steps: int, start: int = 0) -> Tensor:
        """State and tangent vectors (1 + k, S) after `steps` steps from time `start`, which is in steps."""
        trials, time = self.drive.shape[:2]
        system = OfStep(lambda vector, index: self.step(vector, self.drive[divmod(index % (trials * time), time)]))
        while steps:
            step = start % time
            if step == 0:
                bundle = torch.cat([self.rest[None], bundle[1:]])
            count = min(steps, time - step)
            bundle = system.advance(bundle, count, start)
            start, steps = start + count, steps - count
        return bundle


def trial_driven_state(network: RateNetwork, drive: Tensor) -> TrialDrivenState:
    """The system of a network of one column driven by trials; drive: (trials, time, N). Raises ValueError.

    >>> import numpy as np
    >>> import torch
    >>> import randomnet as rn
    >>> from randomnet.activations import ACTIVATIONS
    >>> from randomnet.simulation import RateNetwork, couplings, trial_driven_state
    >>> groups = np.zeros(4, int)
    >>> coupled = couplings(rn.connectome(0.1 * (1 - np.eye(4)), normalization='none'), groups)
    >>> network = RateNetwork(coupled, ACTIVATIONS['tanh'], dt=0.1, tau_rate=1.0)
    >>> system = trial_driven_state(network, torch.ones(3, 20, 4))
    >>> system.dt, system.bounded
    (0.1, True)
    """
    rest = flatten_state(network, network.start(0.0))
    return TrialDrivenState(flat_step(network), rest, drive, network.dt)


def flatten_state(network: RateNetwork, state: State) -> Tensor:
    """A state of one column as the vector (S,) of `state_system`.

    >>> import numpy as np
    >>> import randomnet as rn
    >>> from randomnet.activations import ACTIVATIONS
    >>> from randomnet.simulation import RateNetwork, couplings, flatten_state
    >>> groups = np.zeros(4, int)
    >>> coupled = couplings(rn.connectome(0.1 * (1 - np.eye(4)), normalization='none'), groups)
    >>> network = RateNetwork(coupled, ACTIVATIONS['tanh'], dt=0.1, tau_rate=1.0)
    >>> flatten_state(network, network.start(0.5))
    tensor([0.5000, 0.5000, 0.5000, 0.5000])
    """
    return _flatten(network, network.update_currents(state) if _has_only_currents(network) else state)


def _has_only_currents(network: RateNetwork) -> bool:
    """Whether the rates are a function of the currents, so that a step leads from currents to currents."""
    return network.tau_rate is None and network.tau_syn is not None


def _flatten(network: RateNetwork, state: State) -> Tensor:
    rates = () if _has_only_currents(network) else (state.rates,)
    input_resources = state.input_u, state.input_x
    parts = (*rates, state.currents, state.slow, state.adaptation, *state.u, *state.x, *input_resources)
    return torch.cat([part.reshape(-1) for part in parts if part is not None])


def _unflatten(like: State, vector: Tensor, currents_only: bool) -> State:
    """The state whose parts, shaped as in `like`, are the pieces of the vector."""
    position = 0

    def next_piece(value: Tensor | None) -> Tensor | None:
        nonlocal position
        if value is None:
            return None
        position += value.shape[1]
        return vector[position - value.shape[1] : position].view(1, -1)

    return State(
        like.rates if currents_only else next_piece(like.rates),
        next_piece(like.currents),
        next_piece(like.slow),
        next_piece(like.adaptation),
        tuple(next_piece(value) for value in like.u),
        tuple(next_piece(value) for value in like.x),
        input_u=next_piece(like.input_u),
        input_x=next_piece(like.input_x),
    )
