"""External input: a constant plus events. Its bits do not depend on how many steps are computed at a time.

| pattern  | value at the angles theta = 2 pi i / N_A of the population's neurons, d = theta - phase |
|----------|------------------------------------------------------------------|
| constant | 1                                                                |
| cosine   | [1 + sigma cos d]_+ / (1 + sigma), peak 1                        |
| gaussian | exp(-d^2 / (2 sigma^2)), d wrapped to -pi .. pi, sigma in rad    |
| vector   | the event's own values                                           |

Phases are in degrees. Times are in the unit of dt, counted from the first sampled step; times in a transient are
negative. A step belongs to an event if onset <= t < offset for t = step dt, with times rounded to whole steps.
"""

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from randomnet.display import Brief
from randomnet.simulation.couplings import Indices, compact_indices

STEPS_AT_ONCE = 64  # steps whose input is added in one operation
Angles = Callable[[np.ndarray, np.ndarray], np.ndarray]  # function of d (C, N_A) and sigma (C, 1)


def _gaussian(d: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    wrapped = (d + math.pi) % (2 * math.pi) - math.pi
    return np.exp(-0.5 * (wrapped / sigma) ** 2)


PATTERNS: dict[str, Angles | None] = {
    "constant": lambda d, sigma: np.ones_like(d),
    "cosine": lambda d, sigma: np.maximum(1 + sigma * np.cos(d), 0) / (1 + sigma),
    "gaussian": _gaussian,
    "vector": None,
}
NUMBERS = ("onset", "offset", "amplitude", "phase", "sigma")  # fields of an Event


@dataclass(frozen=True, eq=False, repr=False)
class Event(Brief):
    """Input to one population from onset to offset; population None: to all neurons as one population.

    A number may be the same for all columns, or one per column (C,). vector: (N_A,), or one per column (C, N_A), only
    with the pattern `vector`. Raises ValueError.
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
            came = "no vector" if self.vector is None else "a vector"
            raise ValueError(f"the pattern vector, and no other, must have a vector, got {self.pattern} with {came}")
        for name in NUMBERS:
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"{name} of an event must be finite, got {getattr(self, name)}")
        if np.any(np.asarray(self.offset) < np.asarray(self.onset)):
            raise ValueError(f"an event must end after it begins, got {self.onset} to {self.offset}")
        lower = 0 if self.pattern == "gaussian" else -1
        if np.any(np.asarray(self.sigma) <= lower):
            raise ValueError(f"sigma of the pattern {self.pattern} must be above {lower}, got {self.sigma}")

    def profile(self, size: int) -> np.ndarray:
        """amplitude times pattern for a population of this size, (C or 1, N_A) float64."""
        amplitude, phase, sigma = (np.reshape(value, (-1, 1)) for value in (self.amplitude, self.phase, self.sigma))
        if self.vector is not None:
            return amplitude * np.atleast_2d(np.asarray(self.vector, float))
        d = 2 * math.pi * np.arange(size) / size - np.radians(phase)
        return amplitude * PATTERNS[self.pattern](d, sigma)


@dataclass(frozen=True, eq=False, repr=False)
class FeedForward(Brief):
    """External input of C columns: a baseline plus events.

    baseline: (N,), or (1 or C, N). groups: population of each neuron (N,). before: factor of the baseline before the
    column's first event. tau: time constant of a filter of the whole input, 0 for none; it starts as if the baseline
    had always been present. before and tau are one number, or one per population (P,), or (C, P). series: (1 or C,
    steps, N), input that is added step by step from step 0 on, and not filtered. Raises ValueError.
    """

    baseline: np.ndarray | Tensor
    groups: np.ndarray
    dt: float
    events: tuple[Event, ...] = ()
    before: float | np.ndarray = 1.0
    tau: float | np.ndarray = 0.0
    dtype: torch.dtype = torch.float32
    series: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not self.dt > 0:
            raise ValueError(f"dt must be above 0, got {self.dt}")
        if not self.events and np.any(np.asarray(self.before) != 1):
            raise ValueError("a factor of the baseline before the first event needs an event, got none")
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
        if self.series is not None and (self.series.ndim != 3 or self.series.shape[2] != len(self.groups)):
            raise ValueError(f"series must be (C, steps, {len(self.groups)}), got shape {self.series.shape}")
        self._terms  # noqa: B018 - this checks the vectors

    @property
    def columns(self) -> int:
        """C, or 1 where all columns receive the same."""
        return max(1 if self.series is None else len(self.series), *(term.columns for term in self._terms))

    def _sizes(self) -> set[int]:
        """For how many columns the numbers are."""
        numbers = [getattr(event, name) for event in self.events for name in NUMBERS]
        rows = [event.vector for event in self.events if event.vector is not None]
        rows += [self.baseline, self.before, self.tau]
        sizes = {np.size(value) for value in numbers} | {len(np.atleast_2d(value)) for value in rows}
        return sizes | ({len(self.series)} if self.series is not None else set())

    def bytes(self, steps: int) -> int:
        """The memory of the input of this many steps, in bytes."""
        return steps * self.columns * len(self.groups) * torch.empty((), dtype=self.dtype).element_size()

    def at(self, first: int, last: int) -> Tensor:
        """The input of the steps first, ..., last - 1, (steps, C or 1, N); columns are contiguous in memory."""
        time_courses = [term.time_course(first, last) for term in self._terms]
        steps = last - first
        constant = self.series is None and all((course == course[:1]).all() for course in time_courses)
        total = torch.zeros(1 if constant else steps, len(self.groups), self.columns, dtype=self.dtype)
        for term, course in zip(self._terms, time_courses, strict=True):
            for begin in range(0, len(total), STEPS_AT_ONCE):
                values = course[begin : min(begin + STEPS_AT_ONCE, len(total))]
                if values.any():  # one product and one sum per number, so that its bits do not depend on the steps
                    term_input = torch.from_numpy(values).to(self.dtype).unsqueeze(1) * term.profile
                    total[begin : begin + len(values), term.cells] += term_input
        if self.series is not None:
            inside = slice(max(first, 0), max(min(last, self.series.shape[1]), 0))
            values = torch.from_numpy(self.series[:, inside]).to(self.dtype).permute(1, 2, 0)
            total[inside.start - first : inside.start - first + len(values)] += values
        return total.expand(steps, -1, -1).mT

    @cached_property
    def _terms(self) -> tuple["_Term", ...]:
        populations = range(int(self.groups.max()) + 1)
        return tuple(term for population in populations for term in self._population_terms(population))

    def _population_terms(self, population: int) -> list["_Term"]:
        """The terms of one population: the baseline, its change before the first event, and the events."""
        cells = np.flatnonzero(self.groups == population)
        tau, before = (self._value_of(value, population) for value in (self.tau, self.before))
        decay = np.array([math.exp(-self.dt / constant) if constant else 0.0 for constant in tau])
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

    def _value_of(self, value: float | np.ndarray, population: int) -> np.ndarray:
        """The value (C or 1,) of one population."""
        rows = np.atleast_2d(np.asarray(value, float))
        return np.broadcast_to(rows, (len(rows), int(self.groups.max()) + 1))[:, population]

    def _steps(self, time: float | np.ndarray) -> np.ndarray:
        """Times rounded to whole steps, (C or 1,)."""
        return np.floor(np.atleast_1d(np.asarray(time, float)) / self.dt + 0.5).astype(np.int64)

    def _term(
        self,
        cells: np.ndarray,
        profile: np.ndarray,
        onset: np.ndarray | None,
        offset: np.ndarray | None,
        decay: np.ndarray,
    ) -> "_Term":
        columns = torch.from_numpy(np.ascontiguousarray(profile.T)).to(self.dtype)
        if len(columns) != len(cells):
            raise ValueError(f"a vector must have one value for each of {len(cells)} neurons, got {len(columns)}")
        if (columns == columns[:, :1]).all():
            columns = columns[:, :1]
        return _Term(compact_indices(cells), columns, *map(_compressed, (onset, offset, decay)))


@dataclass(frozen=True, eq=False)
class _Term:
    """Input to some cells: profile (cells, C or 1), from step onset to step offset.

    onset, offset: (C or 1,), or None for no beginning or end. decay: (C or 1,), of the filter per step, 0 for none.
    """

    cells: Indices
    profile: Tensor
    onset: np.ndarray | None
    offset: np.ndarray | None
    decay: np.ndarray

    @property
    def columns(self) -> int:
        """C, or 1 where all columns receive the same."""
        times = [values for values in (self.onset, self.offset, self.decay) if values is not None]
        return max(self.profile.shape[1], *map(len, times))

    def time_course(self, first: int, last: int) -> np.ndarray:
        """(steps, C or 1): the factor of the profile at the steps first, ..., last - 1."""
        step = np.arange(first, last)[:, None]
        since = np.full((1, 1), np.iinfo(np.int32).max) if self.onset is None else step - self.onset + 1
        if self.offset is None:
            return _rise(since, self.decay) + 0.0 * step
        length = np.full(self.offset.shape, np.iinfo(np.int32).max) if self.onset is None else self.offset - self.onset
        after = np.maximum(step - self.offset + 1, 0)
        return _rise(np.minimum(since, length), self.decay) * _power(self.decay, after)


def _compressed(values: np.ndarray | None) -> np.ndarray | None:
    """Values (C or 1,) as (1,) where they are equal."""
    return None if values is None else values[:1] if (values == values[0]).all() else values


def _rise(steps: np.ndarray, decay: np.ndarray) -> np.ndarray:
    """1 - decay^steps, and 0 for steps below 1."""
    return np.where(steps > 0, 1 - _power(decay, np.maximum(steps, 0)), 0.0)


def _power(decay: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """decay^steps, number by number, as NumPy may round differently in vectors of another length."""
    if not decay.any():
        return np.where(steps > 0, 0.0, 1.0)
    decays, steps = np.broadcast_arrays(decay, steps)
    powers = [base**exponent for base, exponent in zip(decays.ravel().tolist(), steps.ravel().tolist(), strict=True)]
    return np.array(powers).reshape(steps.shape)


def whole_steps(time: float, dt: float, name: str = "time") -> int:
    """The number of steps of dt in a time. Raises ValueError, naming the time, where that is not a whole number.

    >>> from randomnet.simulation import whole_steps
    >>> whole_steps(2.0, 0.1)
    20
    >>> whole_steps(0.25, 0.1, 'window')
    Traceback (most recent call last):
    ValueError: window must be a whole number of steps of 0.1, got 0.25, 2.5 steps
    """
    steps = round(time / dt)
    if abs(time / dt - steps) > 1e-6 * max(1.0, abs(steps)):
        raise ValueError(f"{name} must be a whole number of steps of {dt:g}, got {time:g}, {time / dt:g} steps")
    return steps
