"""External input: a constant and a list of events that add to it, the same bits however many steps are asked for.

| pattern  | over the angles theta = 2 pi i / N_A of the population's neurons, d = theta - phase |
|----------|------------------------------------------------------------------|
| constant | 1                                                                |
| cosine   | [1 + sigma cos d]_+ / (1 + sigma), peak 1                        |
| gaussian | exp(-d^2 / (2 sigma^2)), d wrapped to -pi .. pi, sigma in rad    |
| vector   | the values given                                                 |

Phases are in degrees, times in the unit of dt, counted from the first step that is sampled: those of a transient are
below 0. A step belongs to an event if onset <= t < offset for t = step dt, with times rounded to whole steps.
"""

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from randomnet.simulation.blocks import Indices, indices

SOME = 64  # steps that are added at a time
Angles = Callable[[np.ndarray, np.ndarray], np.ndarray]  # of d (C, N_A) and sigma (C, 1)


def _gaussian(d: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    wrapped = (d + math.pi) % (2 * math.pi) - math.pi
    return np.exp(-0.5 * (wrapped / sigma) ** 2)


PATTERNS: dict[str, Angles | None] = {
    "constant": lambda d, sigma: np.ones_like(d),
    "cosine": lambda d, sigma: np.maximum(1 + sigma * np.cos(d), 0) / (1 + sigma),
    "gaussian": _gaussian,
    "vector": None,
}


@dataclass(frozen=True, eq=False)
class Event:
    """What one population, None for all neurons as one, receives from onset to offset.

    Numbers may be one for all columns or one for each, (C,). vector: (N_A,), or one per column (C, N_A), of the
    pattern `vector` alone. Raises ValueError.
    """

    onset: float | np.ndarray
    offset: float | np.ndarray
    population: int | None
    pattern: str
    amplitude: float | np.ndarray
    phase: float | np.ndarray = 0.0
    sigma: float | np.ndarray = 1.0
    vector: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.pattern not in PATTERNS:
            near = difflib.get_close_matches(str(self.pattern), PATTERNS, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise ValueError(f"pattern must be one of {', '.join(PATTERNS)}, got {self.pattern!r}{hint}")
        if (self.vector is not None) != (self.pattern == "vector"):
            raise ValueError(f"a vector belongs to the pattern vector, and only there, got the pattern {self.pattern}")
        for what in ("onset", "offset", "amplitude", "phase", "sigma"):
            if not np.isfinite(getattr(self, what)).all():
                raise ValueError(f"{what} of an event must be finite, got {getattr(self, what)}")
        if np.any(np.asarray(self.offset) < np.asarray(self.onset)):
            raise ValueError(f"an event must end after it begins, got {self.onset} to {self.offset}")
        least, sigma = (0, "above 0") if self.pattern == "gaussian" else (-1, "above -1")
        if np.any(np.asarray(self.sigma) <= least):
            raise ValueError(f"sigma of the pattern {self.pattern} must be {sigma}, got {self.sigma}")

    def profile(self, size: int) -> np.ndarray:
        """amplitude times pattern over a population of this size, (C or 1, N_A) float64."""
        amplitude, phase, sigma = (np.reshape(value, (-1, 1)) for value in (self.amplitude, self.phase, self.sigma))
        if self.vector is not None:
            return amplitude * np.atleast_2d(np.asarray(self.vector, float))
        d = 2 * math.pi * np.arange(size) / size - np.radians(phase)
        return amplitude * PATTERNS[self.pattern](d, sigma)


@dataclass(frozen=True, eq=False)
class FeedForward:
    """External input of C columns: `baseline` (N,), or (1 or C, N), and events; groups: population of each neuron (N,).

    before: what the baseline is multiplied with before the column's first event; tau: time constant of a filter of the
    whole input, as in the network, 0 for none, which begins as if the baseline had always been there. Both one for all,
    or of each population (P,), or (C, P). Raises ValueError.
    """

    baseline: np.ndarray | Tensor
    groups: np.ndarray
    dt: float
    events: tuple[Event, ...] = ()
    before: float | np.ndarray = 1.0
    tau: float | np.ndarray = 0.0
    dtype: torch.dtype = torch.float32

    def __post_init__(self) -> None:
        if not self.dt > 0:
            raise ValueError(f"dt must be above 0, got {self.dt}")
        if not self.events and np.any(np.asarray(self.before) != 1):
            raise ValueError("a factor before the first event needs an event, got none")
        if np.shape(self.baseline)[-1:] != (len(self.groups),):
            raise ValueError(f"baseline must be (C, {len(self.groups)}), got shape {np.shape(self.baseline)}")
        if not (np.isfinite(self.tau) & (np.asarray(self.tau) >= 0)).all():
            raise ValueError(f"tau of the input must be >= 0, got {self.tau}")
        for event in self.events:
            last = int(self.groups.max())
            if event.population is not None and not 0 <= event.population <= last:
                raise ValueError(f"population of an event must be 0 to {last}, or None for all, got {event.population}")
        if len(self._sizes() - {1}) > 1:
            raise ValueError(f"numbers must be one for all columns or one for each, got {sorted(self._sizes())}")
        self._terms  # noqa: B018 - vectors are checked here

    @property
    def columns(self) -> int:
        """C, 1 where all columns receive the same."""
        return max(term.columns for term in self._terms)

    def _sizes(self) -> set[int]:
        """How many columns each of the numbers is for."""
        each = [getattr(event, what) for event in self.events
                for what in ("onset", "offset", "amplitude", "phase", "sigma")]  # fmt: skip
        rows = [event.vector for event in self.events if event.vector is not None]
        rows += [self.baseline, self.before, self.tau]
        return {np.size(value) for value in each} | {len(np.atleast_2d(value)) for value in rows}

    def bytes(self, steps: int) -> int:
        """What the input takes where it is computed for so many steps at once."""
        return steps * self.columns * len(self.groups) * torch.empty((), dtype=self.dtype).element_size()

    def at(self, first: int, last: int) -> Tensor:
        """The input of the steps first, ..., last - 1, (steps, C or 1, N), columns beside each other in memory."""
        courses = [term.course(first, last) for term in self._terms]
        steps = last - first
        alike = all((course == course[:1]).all() for course in courses)
        total = torch.zeros(1 if alike else steps, len(self.groups), self.columns, dtype=self.dtype)
        for term, course in zip(self._terms, courses, strict=True):
            for begin in range(0, len(total), SOME):
                some = course[begin : min(begin + SOME, len(total))]
                if some.any():  # one product and one sum of each number: the same bits for any steps
                    given = torch.from_numpy(some).to(self.dtype).unsqueeze(1) * term.profile
                    total[begin : begin + len(some), term.cells] += given
        return total.expand(steps, -1, -1).mT

    @cached_property
    def _terms(self) -> tuple["_Term", ...]:
        return tuple(term for population in range(int(self.groups.max()) + 1) for term in self._of(population))

    def _of(self, population: int) -> list["_Term"]:
        """The baseline of one population, what is taken off it before the first event, and the events."""
        cells = np.flatnonzero(self.groups == population)
        tau, before = (self._of_population(value, population) for value in (self.tau, self.before))
        decay = np.array([math.exp(-self.dt / one) if one else 0.0 for one in tau])
        baseline = np.atleast_2d(np.asarray(self.baseline, float))[:, cells]
        terms = [self._term(cells, baseline, None, None, np.zeros(1))]
        if (before != 1).any():
            first = np.min(np.stack(np.broadcast_arrays(*(self._steps(event.onset) for event in self.events))), axis=0)
            terms.append(self._term(cells, (before[:, None] - 1) * baseline, None, first, decay))
        for event in self.events:
            if event.population is None:
                profile = event.profile(len(self.groups))[:, cells]
            elif event.population == population:
                profile = event.profile(len(cells))
            else:
                continue
            terms.append(self._term(cells, profile, self._steps(event.onset), self._steps(event.offset), decay))
        return terms

    def _of_population(self, value: float | np.ndarray, population: int) -> np.ndarray:
        """(C or 1,)."""
        rows = np.atleast_2d(np.asarray(value, float))
        return np.broadcast_to(rows, (len(rows), int(self.groups.max()) + 1))[:, population]

    def _steps(self, time: float | np.ndarray) -> np.ndarray:
        return np.floor(np.atleast_1d(np.asarray(time, float)) / self.dt + 0.5).astype(np.int64)

    def _term(
        self,
        cells: np.ndarray,
        profile: np.ndarray,
        onset: np.ndarray | None,
        offset: np.ndarray | None,
        decay: np.ndarray,
    ) -> "_Term":
        laid = torch.from_numpy(np.ascontiguousarray(profile.T)).to(self.dtype)
        if len(laid) != len(cells):
            raise ValueError(f"a vector must have one value for each of {len(cells)} neurons, got {len(laid)}")
        if (laid == laid[:, :1]).all():
            laid = laid[:, :1]
        times = (None if one is None else one[:1] if (one == one[0]).all() else one for one in (onset, offset, decay))
        return _Term(indices(cells), laid, *times)


@dataclass(frozen=True, eq=False)
class _Term:
    """What some cells receive, profile (cells, C or 1), from step onset to step offset, each (C or 1,), or None: ever.

    decay: (C or 1,), of the filter that it comes through, 0 for none.
    """

    cells: Indices
    profile: Tensor
    onset: np.ndarray | None
    offset: np.ndarray | None
    decay: np.ndarray

    @property
    def columns(self) -> int:
        """C, 1 where all columns receive the same."""
        times = [one for one in (self.onset, self.offset, self.decay) if one is not None]
        return max(self.profile.shape[1], *map(len, times))

    def course(self, first: int, last: int) -> np.ndarray:
        """(steps, C or 1): how much of it there is."""
        step = np.arange(first, last)[:, None]
        since = np.full((1, 1), np.iinfo(np.int32).max) if self.onset is None else step - self.onset + 1
        if self.offset is None:
            return _risen(since, self.decay) + 0.0 * step
        length = np.full(self.offset.shape, np.iinfo(np.int32).max) if self.onset is None else self.offset - self.onset
        over = np.maximum(step - self.offset + 1, 0)
        return _risen(np.minimum(since, length), self.decay) * _power(self.decay, over)


def _risen(steps: np.ndarray, decay: np.ndarray) -> np.ndarray:
    """1 - e^steps, 0 before the first."""
    return np.where(steps > 0, 1 - _power(decay, np.maximum(steps, 0)), 0.0)


def _power(decay: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """e^steps, number by number: vectors of other lengths could round otherwise."""
    if not decay.any():
        return np.where(steps > 0, 0.0, 1.0)
    decays, steps = np.broadcast_arrays(decay, steps)
    each = [base**power for base, power in zip(decays.ravel().tolist(), steps.ravel().tolist(), strict=True)]
    return np.array(each).reshape(steps.shape)


def whole_steps(time: float, dt: float, what: str = "time") -> int:
    """How many steps of dt a time is. Raises ValueError where that is not a whole number."""
    steps = round(time / dt)
    if abs(time / dt - steps) > 1e-6 * max(1.0, abs(steps)):
        raise ValueError(f"{what} must be a whole number of steps of {dt:g}, got {time:g}, {time / dt:g} steps")
    return steps
