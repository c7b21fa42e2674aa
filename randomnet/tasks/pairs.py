"""Delayed pair association, Go/NoGo, and both at once (NeuroTorch's DPA, Go/NoGo and dual task).

| s         | event                  | channel          | dpa | go_nogo | dual |
|-----------|------------------------|------------------|-----|---------|------|
| 1 - 2     | sample: A +1 or B -1   | 0                | yes | no      | yes  |
| 3 - 4     | distractor: Go         | 2                | no  | yes     | yes  |
| 3 - 4     | distractor: NoGo       | 3                | no  | yes     | yes  |
| 5 - 5.5   | cue                    | 2, that of Go    | no  | yes     | yes  |
| 5.5 - 6   | reward; lick or not    | 4                | no  | yes     | yes  |
| 7 - 8     | test: C +1 or D -1     | 1                | yes | no      | yes  |
| 8 - 9     | choice: pair or not    | none             | yes | no      | yes  |

Cue and reward come with every distractor, and tell nothing of which it was. Output 0, the choice, is to be positive for
the pairs A-C and B-D, negative for A-D and B-C; output 1, the lick, positive after Go and negative after NoGo. Outputs
are to be silent (0) at other times, but while the test (choice) or the cue (lick) is on, when nothing is asked; nor is
anything asked of the lick in trials of dual without distractor from cue to reward. Channels and outputs of the three
tasks are the same, so that a network goes on from one to the next. go_nogo ends at 7 s, the others at 9 s.

Intervals: `iti_jitter` puts off everything, `delay_jitter` everything after the first event, by a whole number of steps
each, uniform from 0 to that many seconds in every trial, or one of a list; all trials are as long as the longest.
"""

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import numpy as np

from randomnet.tasks.timing import (
    Event,
    Window,
    drawn_conditions,
    drawn_shifts,
    during,
    in_steps,
    jitters,
    noisy,
    whole_steps,
)
from randomnet.tasks.trials import Trials

SAMPLE, DISTRACTOR, CUE, REWARD, TEST, DECISION = (1, 2), (3, 4), (5, 5.5), (5.5, 6), (7, 8), (8, 9)
OF_PAIRS = {"sample": SAMPLE, "test": TEST, "choice": DECISION}
OF_DISTRACTORS = {"distractor": DISTRACTOR, "cue": CUE, "reward": REWARD}
PAIR_CHANNELS = 5
PAIR_OUTPUTS = ("choice", "lick")

Condition = tuple[int, int, int, int]  # sample, test, Go, NoGo
PAIRS: dict[str, Condition] = {"AC": (1, 1, 0, 0), "AD": (1, -1, 0, 0), "BC": (-1, 1, 0, 0), "BD": (-1, -1, 0, 0)}
DISTRACTORS: dict[str, Condition] = {"go": (0, 0, 1, 0), "nogo": (0, 0, 0, 1)}
BOTH: dict[str, Condition] = {
    f"{pair} {distractor}": (*PAIRS[pair][:2], *other[2:])
    for pair, (distractor, other) in product(PAIRS, {**DISTRACTORS, "none": (0, 0, 0, 0)}.items())
}


def dpa(rng: np.random.Generator, **settings: Any) -> Trials:
    """Delayed pair association: 4 conditions in equal numbers; see the module's text, and `_trials` for settings."""
    return _trials(rng, PAIRS, SAMPLE, DECISION[1], **settings)


def go_nogo(rng: np.random.Generator, **settings: Any) -> Trials:
    """Go or NoGo alone: 2 conditions in equal numbers; see the module's text, and `_trials` for settings."""
    return _trials(rng, DISTRACTORS, DISTRACTOR, TEST[0], **settings)


def dual(rng: np.random.Generator, **settings: Any) -> Trials:
    """Delayed pair association with Go, NoGo or no distractor in the delay: 12 conditions in equal numbers; see the
    module's text, and `_trials` for settings."""
    return _trials(rng, BOTH, SAMPLE, DECISION[1], **settings)


def _trials(
    rng: np.random.Generator,
    conditions: Mapping[str, Condition],
    first: Window,
    end: float,
    *,
    nr_of_trials: int,
    steps_per_second: int,
    delay_jitter: float | tuple[float, ...],
    iti_jitter: float | tuple[float, ...],
    input_noise: float,
    margin: float,
    cross_entropy: float,
    silence_weight: float,
) -> Trials:
    """Inputs (nr_of_trials, time, 5) with noise N(0, input_noise^2), targets (nr_of_trials, time, 2) of the loss sign.

    Raises ValueError where an event does not begin and end with a step.
    """
    later, before = jitters(delay_jitter, iti_jitter, steps_per_second)
    time = whole_steps(end, steps_per_second, "steps_per_second") + before.max() + later.max()
    which = drawn_conditions(rng, nr_of_trials, len(conditions))
    put_off = drawn_shifts(rng, nr_of_trials, before)
    later_on = put_off + drawn_shifts(rng, nr_of_trials, later)

    def on(window: Window) -> np.ndarray:
        return during(window, time, put_off if window == first else later_on, steps_per_second)

    inputs, targets, mask = _shown_and_asked(np.array(list(conditions.values())), which, on, (nr_of_trials, time))
    return Trials(
        noisy(rng, inputs, input_noise),
        targets,
        mask,
        len(PAIR_OUTPUTS),
        "sign",
        "events in equal numbers",
        synthetic=False,
        loss_params={
            "margin": margin,
            "cross_entropy": cross_entropy,
            "silence": silence_weight,
            "names": PAIR_OUTPUTS,
        },
        conditions=which,
        condition_names=tuple(conditions),
        events=_events(conditions, first, before, later, steps_per_second),
        true_inputs=inputs if input_noise else None,
    )


def _events(
    conditions: Mapping[str, Condition], first: Window, before: np.ndarray, later: np.ndarray, steps_per_second: int
) -> tuple[Event, ...]:
    """What happens in all trials at the same steps, in this order; nothing where `before` or `later`, the steps that
    events may be put off by, are several."""
    if len(before) > 1 or len(later) > 1:
        return ()
    pairs, _, distractors, _ = _any_of(np.array(list(conditions.values())))
    windows = (OF_PAIRS if pairs else {}) | (OF_DISTRACTORS if distractors else {})
    windows = dict(sorted(windows.items(), key=lambda item: item[1]))
    put_off = {name: int(before[0] + (window != first) * later[0]) for name, window in windows.items()}
    return in_steps(windows, put_off, steps_per_second)


def _any_of(conditions: np.ndarray) -> np.ndarray:
    """(4,) whether any of the conditions (conditions, 4) has each entry."""
    return np.asarray(conditions.any(axis=0))


def _shown_and_asked(
    conditions: np.ndarray, which: np.ndarray, on: Callable[[Window], np.ndarray], shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs without noise, targets and mask of trials of `which` (trials,) of the conditions (conditions, 4)."""
    inputs = np.zeros((*shape, PAIR_CHANNELS), np.float32)
    targets = np.zeros((*shape, len(PAIR_OUTPUTS)), np.float32)
    mask = np.ones(targets.shape, bool)
    sample, test, go, nogo = conditions[which].T[:, :, None]
    pairs, _, distractors, _ = _any_of(conditions)
    if pairs:
        inputs[..., 0], inputs[..., 1] = sample * on(SAMPLE), test * on(TEST)
        targets[..., 0] = sample * test * on(DECISION)
        mask[..., 0] = ~on(TEST)
    if distractors:
        asked = (go + nogo) > 0
        inputs[..., 2], inputs[..., 3] = go * on(DISTRACTOR) + asked * on(CUE), nogo * on(DISTRACTOR)
        inputs[..., 4] = asked * on(REWARD)
        targets[..., 1] = (go - nogo) * on(REWARD)
        mask[..., 1] = ~on(CUE) & (asked | ~on(REWARD))
    return inputs, targets, mask
