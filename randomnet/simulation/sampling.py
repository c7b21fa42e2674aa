"""Rates over time: windows of a simulation, and the whole deterministic state as a system that has a spectrum."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from randomnet.simulation.inputs import FeedForward
from randomnet.simulation.network import RateNetwork, State
from randomnet.systems import OfStep, of_step

KEPT = ("currents", "slow", "adaptation", "u", "x", "input_u", "input_x", "noise", "overlaps")
CHUNK, CHUNK_BYTES = 200, 32e6  # steps whose input and noise are made at a time, at most, and their room


@dataclass(frozen=True, eq=False)
class Samples:
    """Means over W windows, of C columns.

    times: (W,), the windows' centres in the unit of dt; a step number s fills s dt to (s + 1) dt. rates: (C, W, N).
    kept: what else was asked for, (C, W, N); u and x of plastic block number i are u_i and x_i, (C, W, cells); overlaps
    (C, W, K). nan from where a column is no longer finite, or for all once none is. finite: (C,) bool, whether it
    stayed so to the end. state: after the last step; step: the number of the next.
    """

    times: np.ndarray
    rates: Tensor
    kept: dict[str, Tensor]
    finite: Tensor
    state: State
    step: int


@contextmanager
def _flushed() -> Iterator[None]:
    """Numbers too small for their full precision are 0 meanwhile: silent neurons' rates decay to such, for ever, and a
    product with them takes many times as long."""
    smallest = torch.tensor(torch.finfo(torch.float32).tiny)
    before = float(smallest / 2) == 0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


@torch.no_grad()
@_flushed()
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
    at_once: bool = False,
    generators: Sequence[np.random.Generator] = (),
    keep: Sequence[str] = (),
    tick: Callable[[int], None] = lambda done: None,
) -> Samples:
    """Samples of `steps` steps after a transient that is not sampled; each sample is the mean over one window of steps.

    start: the number of the first sampled step; the transient are the `transient` steps before it. Going on from what
    is returned (state, start = step, no transient, the same generators) gives the bits of one longer simulation.
    chunk: steps whose input and noise are made at a time, which changes no bit; None: by their room in memory. at_once:
    whether the input of all steps is made before the first, which changes none either. tick is told after each chunk
    how many steps are done; what it raises ends the simulation. Raises ValueError where window does not divide steps,
    or for a name in `keep` that the network has no such thing of.
    """
    if window < 1 or steps < 1 or transient < 0 or steps % window:
        raise ValueError(f"steps must be a whole number of windows, got {steps} steps and windows of {window}")
    _check(network, feedforward, keep)
    chunk = _chunk(network) if chunk is None else chunk
    record = _Record(network, state, steps // window, window, tuple(keep))
    first, last = start - transient, start + steps
    prepared = feedforward.at(first, last) if at_once else None
    for begin in range(first, last, chunk):
        some = range(begin, min(begin + chunk, last))
        given = feedforward.at(some.start, some.stop) if prepared is None else prepared[begin - first :]
        drawn = network.draws(len(some), generators)
        for index, step in enumerate(some):
            state = network.step(state, given[index], None if drawn is None else drawn[index])
            if step >= start:
                record.add(state)
        tick(some.stop - first)
        if not _finite(state).any():
            break
    times = (start + (np.arange(steps // window) + 0.5) * window) * network.dt
    rates = record.means.pop("rates")
    return Samples(times, rates, record.means, record.finite & _finite(state), state, last)


def _check(network: RateNetwork, feedforward: FeedForward, keep: Sequence[str]) -> None:
    columns, n = network.shape
    if feedforward.columns not in (1, columns) or len(feedforward.groups) != n:
        came = feedforward.columns, len(feedforward.groups)
        raise ValueError(f"the input must be of {columns} columns, or one for all, and {n} neurons, got {came}")
    if feedforward.dt != network.dt or feedforward.dtype != network.couplings.dtype:
        raise ValueError(
            f"the input must have the network's dt and precision, {network.dt:g} and {network.couplings.dtype}, "
            f"got {feedforward.dt:g} and {feedforward.dtype}"
        )
    there = kept_names(network)
    for name in keep:
        if name not in there:
            raise ValueError(f"of this network can be kept {', '.join(there) or 'nothing but the rates'}, got {name!r}")


def kept_names(network: RateNetwork) -> tuple[str, ...]:
    """What of this network can be kept besides its rates."""
    there = {
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
    return tuple(name for name in KEPT if there[name] is not None)


def _chunk(network: RateNetwork) -> int:
    columns, n = network.shape
    return min(CHUNK, 1 + int(CHUNK_BYTES / (columns * n * network.couplings.dtype.itemsize)))


def _finite(state: State) -> Tensor:
    """(C,): whether all of a column's rates and currents are finite."""
    seen = state.rates if state.currents is None else state.rates + state.currents
    return seen.sum(1, dtype=torch.float64).isfinite()


class _Record:
    """Sums over the window that is under way, and the means of those before."""

    def __init__(self, network: RateNetwork, state: State, windows: int, window: int, keep: Sequence[str]) -> None:
        self.window, self.low_rank = window, network.couplings.low_rank
        self.names, self.steps = keep, 0
        self.sums = {name: torch.zeros_like(value) for name, value in self._watched(state)}
        self.finite = torch.ones(len(state.rates), dtype=torch.bool)
        self.means = {name: mean.new_full((len(mean), windows, mean.shape[1]), torch.nan)
                      for name, mean in self._found()}  # fmt: skip

    def add(self, state: State) -> None:
        """One more step."""
        self.steps += 1
        for name, value in self._watched(state):
            self.sums[name] += value
        if self.steps % self.window == 0:
            self._close(self.steps // self.window - 1)

    def _watched(self, state: State) -> list[tuple[str, Tensor]]:
        found = [("rates", state.rates)]
        for name in self.names:
            if name in ("u", "x"):
                found += [(f"{name}_{index}", value) for index, value in enumerate(getattr(state, name))]
            elif name != "overlaps":
                found.append((name, getattr(state, name)))
        return found

    def _found(self) -> list[tuple[str, Tensor]]:
        found = [(name, total / self.window) for name, total in self.sums.items()]
        if "overlaps" in self.names:  # which are linear in the rates
            found.append(("overlaps", self.low_rank.overlaps(found[0][1])))
        return found

    def _close(self, index: int) -> None:
        """The window is over: its means are kept, and the sums begin anew."""
        for name, mean in self._found():
            finite = mean.isfinite().all(1, keepdim=True)
            self.means[name][:, index] = torch.where(finite, mean, torch.nan)
        self.finite &= self.means["rates"][:, index].isfinite().all(1)
        for total in self.sums.values():
            total.zero_()


# ---- the whole state


def whole(network: RateNetwork, feedforward: np.ndarray | Tensor) -> OfStep:
    """The deterministic state of a network of one column, flattened by `flat`, under constant input (N,), as a system.

    Everything that the network remembers is part of it: rates, currents, slow currents, adaptation, u and x. Where the
    currents alone are filtered, rates are a function of them: the state is then that before the response, and no
    direction of it is empty. Raises ValueError for a network with noise, or of more than one column.
    """
    if network.noise is not None:
        raise ValueError("a network with noise has no spectrum of its own: leave the noise out")
    if network.couplings.columns != 1:
        raise ValueError(f"a spectrum is of one network at a time, got {network.couplings.columns} columns")
    given = torch.as_tensor(feedforward).to(network.couplings.dtype).reshape(1, -1)
    like = network.start(0.0)

    def step(flattened: Tensor) -> Tensor:
        state = _shaped(like, flattened, _rates_follow(network))
        if _rates_follow(network):
            return _flattened(network, network.receive(network.respond(state, given)))
        return _flattened(network, network.step(state, given))

    return of_step(step, network.dt)


def flat(network: RateNetwork, state: State) -> Tensor:
    """A state (of one column) as `whole` has it, (S,)."""
    return _flattened(network, network.receive(state) if _rates_follow(network) else state)


def _rates_follow(network: RateNetwork) -> bool:
    """Whether rates are but a function of the currents, so that the step is taken from currents to currents."""
    return network.tau_rate is None and network.tau_syn is not None


def _flattened(network: RateNetwork, state: State) -> Tensor:
    rates = () if _rates_follow(network) else (state.rates,)
    given = state.input_u, state.input_x
    parts = (*rates, state.currents, state.slow, state.adaptation, *state.u, *state.x, *given)
    return torch.cat([part.reshape(-1) for part in parts if part is not None])


def _shaped(like: State, flattened: Tensor, rates_follow: bool) -> State:
    """A flattened state with the parts of `like`."""
    at = 0

    def following(value: Tensor | None) -> Tensor | None:
        nonlocal at
        if value is None:
            return None
        at += value.shape[1]
        return flattened[at - value.shape[1] : at].view(1, -1)

    return State(
        like.rates if rates_follow else following(like.rates),
        following(like.currents),
        following(like.slow),
        following(like.adaptation),
        tuple(following(value) for value in like.u),
        tuple(following(value) for value in like.x),
        input_u=following(like.input_u),
        input_x=following(like.input_x),
    )
