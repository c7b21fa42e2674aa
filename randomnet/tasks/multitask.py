"""The 15 tasks of MultiTask (Yang et al. 2019, Driscoll et al. 2022), laid out as in computation-through-dynamics.

Channels: 0 fixation; 1, 2 the cosine and sine of modality 1; 3, 4 of modality 2; 5 to 19 one for each task, which is 1
throughout a trial. Outputs: fixation, cosine, sine. A step is 20 ms; all trials have 320 steps, and are 0 after their
end. Lengths of phases in steps, uniform, both ends included:

| family   | context | stim1 | mem1  | stim2 | mem2 | response | shown                              | fixation input |
|----------|---------|-------|-------|-------|------|----------|------------------------------------|----------------|
| delay    | 15-34   | 10-74 | -     | -     | -    | 15-34    | first angle from stim1 to the end  | until response |
| memory   | 15-34   | 10-79 | 10-79 | -     | -    | 15-34    | first in stim1                     | until response |
| react    | 25-124  | -     | -     | -     | -    | 15-84    | first in response                  | to the end     |
| decision | 10-29   | 10-79 | 10-79 | 10-79 | 5-14 | 15-34    | first in stim1, second in stim2    | until response |
| match    | 10-29   | 10-79 | 10-79 | -     | -    | 15-34    | first in stim1, second in response | to the end     |

Angles are one of 32, from -pi on, and shown with length 1; but in decisions the second is 90 to 270 degrees from the
first, and they are shown with lengths m + s c and m - s c: m uniform in 0.8..1.2, the coherence c 0.08, 0.16 or 0.32,
the sign s +1 or -1, drawn for each of two modalities A and B. (Where both are compared and would cancel, which has no
answer, B's sign is A's.)

| task                               | answer                            | given where the second angle is             |
|------------------------------------|-----------------------------------|---------------------------------------------|
| DelayPro, MemoryPro, ReactPro      | the first angle                   | (always)                                    |
| DelayAnti, MemoryAnti, ReactAnti   | opposite to it                    | (always)                                    |
| IntMod1; IntMod2 (A on modality 2) | that of the greater length of A   | (always)                                    |
| ContextIntMod1; 2; ...Multimodal   | ... of A; of B; of both together  | (always)                                    |
| Match2Sample                       | the second angle                  | the first: half, the others 10-349 deg off  |
| NonMatch2Sample                    | the second angle                  | opposite to the first: the same             |
| MatchCatPro                        | the second angle                  | on the half of the circle of the first      |
| MatchCatAnti                       | the second angle                  | on the other half                           |
"""

import difflib
from dataclasses import dataclass

import numpy as np

from randomnet.tasks.timing import drawn_conditions
from randomnet.tasks.trials import Trials

STEPS = 320
PHASES = ("context", "stim1", "mem1", "stim2", "mem2", "response", "end")  # each by its first step
FIXATION, FIRST_RULE, CHANNELS, OUTPUTS = 0, 5, 20, 3
ANGLES = 32
COHERENCES = (0.08, 0.16, 0.32)
UNSCORED = 5  # steps at the start of a trial, and of a response
RESPONSE_WEIGHT = 5.0  # of the steps of a response, those before count 1
TOLERANCE = np.pi / 10  # of the direction of a response
LEAST = 0.5  # its length, which one that is withheld does not reach
WINDOW = 0.25  # the last part of a response, over which it is judged

Lengths = tuple[int, int] | None
Shown = tuple[tuple[int, str, str], ...]


@dataclass(frozen=True)
class Family:
    """Trials alike in time. lengths: least and most steps of each of PHASES but the end, None for no such phase. shown:
    which angle (0 or 1) is shown from the start of one phase to that of another. fixation: until which phase."""

    lengths: tuple[Lengths, ...]
    shown: Shown
    fixation: str


FAMILIES = {
    "delay": Family(((15, 34), (10, 74), None, None, None, (15, 34)), ((0, "stim1", "end"),), "response"),
    "memory": Family(((15, 34), (10, 79), (10, 79), None, None, (15, 34)), ((0, "stim1", "mem1"),), "response"),
    "react": Family(((25, 124), None, None, None, None, (15, 84)), ((0, "response", "end"),), "end"),
    "decision": Family(
        ((10, 29), (10, 79), (10, 79), (10, 79), (5, 14), (15, 34)),
        ((0, "stim1", "mem1"), (1, "stim2", "mem2")),
        "response",
    ),
    "match": Family(
        ((10, 29), (10, 79), (10, 79), None, None, (15, 34)),
        ((0, "stim1", "mem1"), (1, "response", "end")),
        "end",
    ),
}


@dataclass(frozen=True)
class Rule:
    """One task. modalities: which angles and lengths, A (0) or B (1), each modality of the input shows, None for none.
    compared: whose lengths decide, of decisions. turned: whether the answer, or the second angle of a match, is
    opposite. category: whether halves of the circle are matched, not angles. fixates: whether the predecessor asks for
    fixation before responses."""

    family: str
    modalities: tuple[int | None, int | None] = (0, None)
    compared: tuple[int, ...] = ()
    turned: bool = False
    category: bool = False
    fixates: bool = True


RULES = {
    "DelayPro": Rule("delay"),
    "DelayAnti": Rule("delay", turned=True),
    "MemoryPro": Rule("memory"),
    "MemoryAnti": Rule("memory", turned=True),
    "ReactPro": Rule("react"),
    "ReactAnti": Rule("react", turned=True),
    "IntMod1": Rule("decision", compared=(0,)),
    "IntMod2": Rule("decision", (None, 0), compared=(0,)),
    "ContextIntMod1": Rule("decision", (0, 1), compared=(0,)),
    "ContextIntMod2": Rule("decision", (0, 1), compared=(1,)),
    "ContextIntMultimodal": Rule("decision", (0, 1), compared=(0, 1)),
    "Match2Sample": Rule("match"),
    "NonMatch2Sample": Rule("match", turned=True, fixates=False),
    "MatchCatPro": Rule("match", category=True, fixates=False),
    "MatchCatAnti": Rule("match", turned=True, category=True, fixates=False),
}


@dataclass(frozen=True)
class _Variables:
    """Trials of one task. starts: (trials, PHASES) steps; angles: (trials, 2) rad; lengths: (trials, A and B, 2);
    answer: (trials,) rad; asked: (trials,) bool, whether it is to be given."""

    starts: np.ndarray
    angles: np.ndarray
    lengths: np.ndarray
    answer: np.ndarray
    asked: np.ndarray

    def during(self, first: str, until: str) -> np.ndarray:
        """(trials, STEPS) bool: from the start of a phase to that of another."""
        steps, begin, end = np.arange(STEPS), *(self.starts[:, PHASES.index(name)] for name in (first, until))
        return (steps >= begin[:, None]) & (steps < end[:, None])


def multitask(
    rng: np.random.Generator,
    *,
    nr_of_trials: int,
    tasks: str,
    input_noise: float,
    ctd_fixation: bool,
) -> Trials:
    """nr_of_trials of each of the tasks: inputs (trials, 320, 20) with noise N(0, input_noise^2) on all channels until
    the end of each trial, targets (trials, 320, 3) of the loss `response`; see the module's text.

    The fixation target is 1 until the response, then 0, but stays 1 where none is to be given; with ctd_fixation it is
    as in computation-through-dynamics: 0 there too, and 0 throughout in the last three tasks. The mask has the weights
    of steps: 0 of the first five of a trial and of a response, 5 of its others, 1 before it. Raises ValueError as
    `chosen_tasks`.
    """
    names = chosen_tasks(tasks)
    shape = (nr_of_trials * len(names), STEPS)
    true, targets = np.zeros((*shape, CHANNELS), np.float32), np.zeros((*shape, OUTPUTS), np.float32)
    weights, phases = np.zeros(shape, np.float32), np.zeros((shape[0], len(PHASES)), np.int64)
    inputs = np.empty_like(true) if input_noise else true
    for number, name in enumerate(names):
        which = slice(number * nr_of_trials, (number + 1) * nr_of_trials)
        drawn = _random_variables(rng, RULES[name], nr_of_trials)
        true[which], phases[which] = _inputs(drawn, name), drawn.starts
        targets[which], weights[which] = _targets(drawn, RULES[name], ctd_fixation), _weights(drawn)
        noise = rng.standard_normal(true[which].shape, dtype=np.float32) * drawn.during("context", "end")[..., None]
        if input_noise:
            inputs[which] = true[which] + np.float32(input_noise) * noise
    return Trials(
        inputs,
        targets,
        weights,
        OUTPUTS,
        "response",
        "trials of each task in equal numbers",
        synthetic=False,
        loss_params={"names": names, "tolerance": TOLERANCE, "least": LEAST, "window": WINDOW},
        conditions=np.repeat(np.arange(len(names)), nr_of_trials),
        condition_names=names,
        true_inputs=true if input_noise else None,
        phases=phases,
        phase_names=PHASES,
        stratified=True,
    )


def chosen_tasks(text: str) -> tuple[str, ...]:
    """The tasks of `all`, or of names joined by commas, in the order of RULES. Raises ValueError."""
    if text == "all":
        return tuple(RULES)
    names = [name.strip() for name in text.split(",")]
    wrong = [name for name in names if name not in RULES]
    if wrong or len(set(names)) < len(names):
        near = difflib.get_close_matches(wrong[0], RULES, n=1) if wrong else ()
        raise ValueError(
            f"tasks: expected all, or different ones of {', '.join(RULES)}, joined by commas, got {text!r}"
            + "".join(f"; did you mean {name!r}?" for name in near)
        )
    return tuple(name for name in RULES if name in names)


def _random_variables(rng: np.random.Generator, rule: Rule, trials: int) -> _Variables:
    """All random variables of some trials of a task, except noise."""
    each = [np.zeros(trials, np.int64) if ends is None else rng.integers(ends[0], ends[1], trials, endpoint=True)
            for ends in FAMILIES[rule.family].lengths]  # fmt: skip
    starts = np.concatenate([np.zeros((trials, 1), np.int64), np.cumsum(np.stack(each, 1), axis=1)], axis=1)
    angles = -np.pi + 2 * np.pi / ANGLES * rng.integers(ANGLES, size=(trials, 2))
    lengths, first, everywhere = np.ones((trials, 2, 2)), angles[:, 0], np.ones(trials, bool)
    if rule.family == "decision":
        angles[:, 1] = first + np.radians(rng.uniform(90, 270, trials))
        lengths = _lengths(rng, trials, rule.compared)
        greater = lengths[:, rule.compared].sum(1).argmax(-1)
        return _Variables(starts, angles, lengths, np.take_along_axis(angles, greater[:, None], 1)[:, 0], everywhere)
    if rule.family != "match":
        return _Variables(starts, angles, lengths, first + np.pi * rule.turned, everywhere)
    if rule.category:
        asked = ((angles[:, 1] < 0) == (first < 0)) != rule.turned
    else:
        asked = drawn_conditions(rng, trials, 2) == 0
        angles[:, 1] = first + np.pi * rule.turned + np.where(asked, 0, np.radians(rng.integers(10, 350, trials)))
    return _Variables(starts, angles, lengths, angles[:, 1], asked)


def _lengths(rng: np.random.Generator, trials: int, compared: tuple[int, ...]) -> np.ndarray:
    """(trials, A and B, 2): m + s c and m - s c."""
    means = rng.uniform(0.8, 1.2, (trials, 2))
    coherences, signs = rng.choice(COHERENCES, (trials, 2)), rng.choice((-1, 1), (trials, 2))
    cancelling = (coherences[:, 0] == coherences[:, 1]) & (len(compared) > 1)
    signs[:, 1] = np.where(cancelling, signs[:, 0], signs[:, 1])
    return means[..., None] + (signs * coherences)[..., None] * np.array([1, -1])


def _inputs(drawn: _Variables, name: str) -> np.ndarray:
    """Inputs (trials, STEPS, CHANNELS) without noise."""
    rule = RULES[name]
    family = FAMILIES[rule.family]
    inputs = np.zeros((len(drawn.starts), STEPS, CHANNELS), np.float32)
    inputs[..., FIXATION] = drawn.during("context", family.fixation)
    inputs[..., FIRST_RULE + list(RULES).index(name)] = drawn.during("context", "end")
    for modality, source in enumerate(rule.modalities):
        for angle, first, until in family.shown if source is not None else ():
            on, theta = drawn.during(first, until), drawn.angles[:, angle]
            vector = drawn.lengths[:, source, angle, None] * np.stack([np.cos(theta), np.sin(theta)], -1)
            inputs[..., 1 + 2 * modality : 3 + 2 * modality] += on[..., None] * vector[:, None]
    return inputs


def _targets(drawn: _Variables, rule: Rule, ctd_fixation: bool) -> np.ndarray:
    """Targets (trials, STEPS, OUTPUTS)."""
    asked, response = drawn.asked[:, None], drawn.during("response", "end")
    targets = np.zeros((len(drawn.starts), STEPS, OUTPUTS), np.float32)
    kept = rule.fixates * drawn.during("context", "response")
    targets[..., 0] = kept if ctd_fixation else drawn.during("context", "response") | (response & ~asked)
    direction = np.stack([np.cos(drawn.answer), np.sin(drawn.answer)], -1)
    targets[..., 1:] = (response & asked)[..., None] * direction[:, None]
    return targets


def _weights(drawn: _Variables) -> np.ndarray:
    """(trials, STEPS): loss weight of each step."""
    response = drawn.during("response", "end")
    weights = drawn.during("context", "response") + RESPONSE_WEIGHT * response
    weights[:, :UNSCORED] = 0
    weights[response & (response.cumsum(1) <= UNSCORED)] = 0
    return weights
