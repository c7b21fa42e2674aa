"""The oculomotor delayed response: remember an angle over a delay (NeuroTorch's ODR).

| s, with the delay D              | event                            | readout z = (cos, sin) |
|----------------------------------|----------------------------------|------------------------|
| 0 - 1                            | none                             | silent                 |
| 1 - 2                            | a bump of input around the angle | nothing is asked       |
| 2 - 2 + D                        | none                             | points to the angle    |
| 2 + D - 3 + D, if erase is not 0 | input of -erase to all channels  | nothing is asked       |
| 3 + D - 4 + D, if erase is not 0 | none                             | silent                 |

With n_stimuli = 2 all of it happens twice in a trial, the second time with another angle and from the state that the
first left behind: what is left of the first angle shows as a serial bias. `delay_jitter` makes the delay longer and
`iti_jitter` the silence before the bump, by a whole number of steps each, uniform from 0 to that many seconds or one of
a list, each time anew; all trials are as long as the longest, and silent in the end where there is an `erase`.
"""

from itertools import product

import numpy as np

from randomnet.tasks.timing import (
    Event,
    drawn_conditions,
    drawn_shifts,
    during,
    in_steps,
    jitters,
    noisy,
    whole_steps,
)
from randomnet.tasks.trials import Trials

BUMP = (1, 2)  # s
ERASING = (0, 1)  # s after the delay
PLANE = 2  # outputs


def odr(
    rng: np.random.Generator,
    *,
    nr_of_trials: int,
    n_angles: int,
    n_channels: int,
    n_stimuli: int,
    tuning: float,
    delay: float,
    erase: float,
    steps_per_second: int,
    delay_jitter: float | tuple[float, ...],
    iti_jitter: float | tuple[float, ...],
    input_noise: float,
    demanded_amplitude: float,
    silence_weight: float,
    angle_tolerance: float,
) -> Trials:
    """Inputs (nr_of_trials, time, n_channels): of an angle phi, channel k gets [1 + tuning cos(theta_k - phi)]_+ /
    (1 + tuning) with theta_k = 2 pi k / n_channels, and all get noise N(0, input_noise^2). Targets (nr_of_trials, time,
    2) of the loss `angle`. n_angles: angles evenly on the circle, in equal numbers; 0 = uniform. Raises ValueError
    where a time is not one of whole steps, and for two stimuli without an erase.
    """
    if n_stimuli > 1 and not erase:
        raise ValueError(f"erase: expected above 0 with n_stimuli = {n_stimuli}, as nothing else ends a delay, got 0")
    loss_params = {"demanded": demanded_amplitude, "silence": silence_weight, "tolerance": angle_tolerance}
    held = whole_steps(delay, steps_per_second, "delay")
    longer, before = jitters(delay_jitter, iti_jitter, steps_per_second)
    shown, rest = (2 * steps_per_second, 2 * steps_per_second if erase else 0)  # before and after the delay
    time = n_stimuli * (before.max() + shown + held + longer.max() + rest)
    angles, which, names = _angles(rng, nr_of_trials, n_angles, n_stimuli)
    inputs = np.zeros((nr_of_trials, time, n_channels), np.float32)
    targets, mask = np.zeros((nr_of_trials, time, PLANE), np.float32), np.ones((nr_of_trials, time), bool)
    now = np.zeros(nr_of_trials, np.int64)  # where each trial stands, in steps
    for phi in angles.T:
        now = now + drawn_shifts(rng, nr_of_trials, before)
        end = now + shown + held + drawn_shifts(rng, nr_of_trials, longer)
        bump, erasing = during(BUMP, time, now, steps_per_second), during(ERASING, time, end, steps_per_second)
        holding = ~_until(now + shown, time) & _until(end, time)
        inputs += bump[..., None] * _bumps(phi, n_channels, tuning)[:, None] - np.float32(erase) * erasing[..., None]
        targets += holding[..., None] * np.stack([np.cos(phi), np.sin(phi)], -1)[:, None].astype(np.float32)
        mask &= ~(bump | erasing)
        now = end + rest
    return Trials(
        noisy(rng, inputs, input_noise),
        targets,
        mask if erase else mask & _until(end, time),  # what is left of shorter delays
        PLANE,
        "angle",
        "angles in equal numbers" if n_angles else "uniform angles",
        synthetic=False,
        loss_params=loss_params,
        conditions=which,
        condition_names=names,
        events=_events(n_stimuli, delay, bool(erase), before, longer, steps_per_second),
        true_inputs=inputs if input_noise else None,
    )


def _events(
    n_stimuli: int, delay: float, erase: bool, before: np.ndarray, longer: np.ndarray, steps_per_second: int
) -> tuple[Event, ...]:
    """When angles are shown and erased, in steps; nothing where `before` or `longer`, the steps that silences and
    delays may be longer by, are several."""
    if len(before) > 1 or len(longer) > 1:
        return ()
    found: list[Event] = []
    now = 0
    for number in range(n_stimuli):
        which = f" {number + 1}" if n_stimuli > 1 else ""
        end = BUMP[1] + delay
        windows = {f"angle{which}": BUMP} | ({f"erase{which}": (end, end + ERASING[1])} if erase else {})
        put_off = {f"angle{which}": now + int(before[0]), f"erase{which}": now + int(before[0] + longer[0])}
        found += in_steps(windows, put_off, steps_per_second)
        now += int(before[0] + longer[0]) + round((end + 2) * steps_per_second)
    return tuple(found)


def _until(steps: np.ndarray, time: int) -> np.ndarray:
    """(trials, time): whether it is earlier than each trial's step."""
    return np.arange(time) < steps[:, None]


def _angles(
    rng: np.random.Generator, trials: int, n_angles: int, n_stimuli: int
) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    """Angles (trials, n_stimuli) in rad, and which conditions they are, named by degrees such as 45 or 45+90."""
    if not n_angles:
        return 2 * np.pi * rng.random((trials, n_stimuli)), None, ()
    conditions = list(product(range(n_angles), repeat=n_stimuli))
    which = drawn_conditions(rng, trials, len(conditions))
    names = ("+".join(f"{360 * index / n_angles:g}" for index in each) for each in conditions)
    return 2 * np.pi / n_angles * np.array(conditions)[which], which, tuple(names)


def _bumps(phi: np.ndarray, channels: int, tuning: float) -> np.ndarray:
    """(trials, channels), peak 1."""
    theta = 2 * np.pi * np.arange(channels) / channels
    return (np.maximum(1 + tuning * np.cos(theta - phi[:, None]), 0) / (1 + tuning)).astype(np.float32)
