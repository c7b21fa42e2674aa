"""Timing of tasks in seconds: whole steps, events with random shifts, and conditions in equal numbers."""

from collections.abc import Mapping

import numpy as np

Window = tuple[float, float]  # onset and offset, s
Event = tuple[str, int, int]  # name, first step, and the first one after it


def whole_steps(seconds: float, steps_per_second: int, what: str) -> int:
    """The steps of a time. Raises ValueError naming `what` where they are not whole."""
    steps = seconds * steps_per_second
    if abs(steps - round(steps)) > 1e-6:
        raise ValueError(
            f"{what}: expected times of whole steps, {steps_per_second} to the second (steps_per_second), "
            f"got {seconds:g} s"
        )
    return round(steps)


def during(window: Window, time: int, shifts: np.ndarray, steps_per_second: int) -> np.ndarray:
    """(trials, time) bool: the steps within the window, which `shifts` (trials,) put off by steps. Raises ValueError
    where the window's times are not whole steps."""
    onset, offset = (whole_steps(seconds, steps_per_second, "steps_per_second") for seconds in window)
    at = np.arange(time) - shifts[:, None]
    return (at >= onset) & (at < offset)


def in_steps(windows: Mapping[str, Window], put_off: Mapping[str, int], steps_per_second: int) -> tuple[Event, ...]:
    """Events by their windows, each delayed by so many steps."""
    ends = {name: [round(end * steps_per_second) + put_off[name] for end in window] for name, window in windows.items()}
    return tuple((name, onset, offset) for name, (onset, offset) in ends.items())


def possible_shifts(seconds: float | tuple[float, ...], steps_per_second: int, what: str) -> np.ndarray:
    """The steps that something may be put off by: all up to a time, or those of several times. Raises ValueError."""
    if isinstance(seconds, tuple):
        return np.array([whole_steps(one, steps_per_second, what) for one in seconds])
    return np.arange(whole_steps(seconds, steps_per_second, what) + 1)


def jitters(
    delay_jitter: float | tuple[float, ...], iti_jitter: float | tuple[float, ...], steps_per_second: int
) -> tuple[np.ndarray, np.ndarray]:
    """The steps that a delay, and the silence before the first event, may be longer by. Raises ValueError."""
    given = {"delay_jitter": delay_jitter, "iti_jitter": iti_jitter}
    longer, before = (possible_shifts(seconds, steps_per_second, name) for name, seconds in given.items())
    return longer, before


def drawn_shifts(rng: np.random.Generator, trials: int, possible: np.ndarray) -> np.ndarray:
    """(trials,): one of the possible shifts each, in steps, uniform."""
    return possible[rng.integers(len(possible), size=trials)]


def drawn_conditions(rng: np.random.Generator, trials: int, conditions: int) -> np.ndarray:
    """(trials,): the condition of each, in random order, all in equal numbers as far as these go."""
    return rng.permutation(np.arange(trials) % conditions)


def noisy(rng: np.random.Generator, inputs: np.ndarray, deviation: float) -> np.ndarray:
    """Inputs plus N(0, deviation^2) at every step and channel; drawn last, and also where the deviation is 0."""
    return inputs + np.float32(deviation) * rng.standard_normal(inputs.shape, dtype=np.float32)
