"""The table of tasks: what each is made by, which parameters it takes, and what it asks of a network."""

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from randomnet.tasks.flip_flop import flip_flop
from randomnet.tasks.generators import CLASSES, check_lengths, nback_mem, pic_latent_mem, pic_mem, seq_mem
from randomnet.tasks.images import LATENT_CHANNELS, SIDE, Images
from randomnet.tasks.trials import Trials, train_count


@dataclass(frozen=True)
class Parameter:
    """One trial parameter. kind: int, float or bool; text: one sentence for the help; default: None where it must be
    given; low, high: a number's limits, which `between` leaves out."""

    name: str
    kind: type
    text: str
    default: int | float | bool | None = None
    low: int = 0
    high: int | None = None
    between: bool = False

    @property
    def expected(self) -> str:
        """What it may be, in words."""
        if self.kind is bool:
            return "True or False"
        words = "a whole number" if self.kind is int else "a number"
        if self.high is None:
            return f"{words} of at least {self.low}"
        return f"{words} between {self.low} and {self.high}" + ", both left out" * self.between

    def check(self, value: Any) -> int | float | bool:
        """The value as a plain number or truth value. Raises ValueError naming the parameter."""
        if not self._fits(value):
            raise ValueError(f"{self.name}: expected {self.expected}, got {value!r}")
        return self.kind(value)

    def _fits(self, value: Any) -> bool:
        if self.kind is bool or isinstance(value, bool | np.bool_):
            return self.kind is bool and isinstance(value, bool | np.bool_)
        numbers = (int, np.integer) if self.kind is int else (int, float, np.integer, np.floating)
        if not isinstance(value, numbers):
            return False
        high = math.inf if self.high is None else self.high
        return self.low < value < high if self.between else self.low <= value <= high


@dataclass(frozen=True)
class Task:
    """One task.

    generate(rng, **parameters) -> Trials; parameters: those of trial_params, in order; channels of the input and
    outputs of the readout: numbers, or the name of the parameter that says it; classification: classes or values;
    per_class: nr_of_trials counts the trials of each of two classes, not all; pictured: it shows images.
    """

    text: str
    generate: Callable[..., Trials]
    parameters: tuple[Parameter, ...]
    channels: int | str
    outputs: int | str
    classification: bool
    per_class: bool
    pictured: bool = False

    def sizes(self, parameters: Mapping[str, Any]) -> tuple[int, int]:
        """Channels and outputs, with these parameters."""
        return tuple(parameters[size] if isinstance(size, str) else size for size in (self.channels, self.outputs))

    def trials(self, nr_of_trials: int) -> int:
        """How many trials there are in all."""
        return nr_of_trials * (2 if self.per_class else 1)


MOST_TRIALS = 10**7
LONGEST = 10**4

TOTAL = Parameter(
    "nr_of_trials", int, "Number of trials, training and validation together.", 500, low=1, high=MOST_TRIALS
)
PER_CLASS = Parameter(
    "nr_of_trials", int, "Number of trials of EACH class: there are twice as many.", 500, low=1, high=MOST_TRIALS
)
TRAIN_SIZE = Parameter("train_size", float, "Share of the trials used for training.", 0.8, high=1, between=True)
PATTERN_LENGTH = Parameter("pattern_length", int, "Values to be recalled.", low=1, high=LONGEST)
TRIAL_LENGTH = Parameter("trial_length", int, "Stimuli per trial; the last is the target.", 5, low=2, high=LONGEST)
N_BACK = Parameter("n_back", int, "How many stimuli before the target the repeat stands; below trial_length.", low=1)
RESCALE = Parameter("rescale", bool, "Bring every image to [0, 1].", True)
LURE_RATE = Parameter(
    "lure_rate", float, "Probability that a non-match repeats its target at a wrong lag.", 0.0, high=1
)
N_BITS = Parameter("n_bits", int, "Bits to be remembered, each with a channel of pulses.", 3, low=1, high=1000)
TRIAL_STEPS = Parameter("trial_steps", int, "Steps per trial.", 100, low=6, high=LONGEST)
SWITCH_PROB = Parameter("switch_prob", float, "Probability per step and bit of a pulse, of each sign.", 0.01, high=0.5)
BLIND_STEPS = Parameter("blind_steps", int, "Steps from a flip on that are not scored.", 4, high=LONGEST)
INPUT_NOISE = Parameter("input_noise", float, "Standard deviation of the noise on the pulses.", 0.15, high=1000)

_VALUES = (PER_CLASS, TRAIN_SIZE, TRIAL_LENGTH, N_BACK, LURE_RATE)
_PICTURES = (*_VALUES, RESCALE)

TASKS: dict[str, Task] = {
    "seq_mem": Task(
        "Recall a sequence of numbers after a cue.",
        seq_mem,
        (TOTAL, TRAIN_SIZE, PATTERN_LENGTH),
        channels=2,
        outputs=1,
        classification=False,
        per_class=False,
    ),
    "nback_mem": Task(
        "Say whether the last number is that of n_back steps before.",
        nback_mem,
        _VALUES,
        channels=2,
        outputs=CLASSES,
        classification=True,
        per_class=True,
    ),
    "pic_latent_mem": Task(
        "Say whether the last picture, as latents, is that of n_back steps before.",
        pic_latent_mem,
        _PICTURES,
        channels=1 + LATENT_CHANNELS,
        outputs=CLASSES,
        classification=True,
        per_class=True,
        pictured=True,
    ),
    "pic_mem": Task(
        "Say whether the last picture, as pixels, is that of n_back steps before.",
        pic_mem,
        _PICTURES,
        channels=1 + SIDE * SIDE,
        outputs=CLASSES,
        classification=True,
        per_class=True,
        pictured=True,
    ),
    "flip_flop": Task(
        "Remember of each bit whether its last pulse was up or down.",
        flip_flop,
        (TOTAL, TRAIN_SIZE, N_BITS, TRIAL_STEPS, SWITCH_PROB, BLIND_STEPS, INPUT_NOISE),
        channels="n_bits",
        outputs="n_bits",
        classification=False,
        per_class=False,
    ),
}


def check_parameters(task_name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of the task, checked, as plain values, with defaults where `params` is silent; in table order.

    Raises ValueError, one line: the parameter, what was expected, what came, and the nearest valid name.
    """
    task = _task(task_name)
    if not isinstance(params, Mapping):
        raise ValueError(f"{task_name}: expected parameters as a dictionary, got {params!r}")
    names = [parameter.name for parameter in task.parameters]
    for name in params:
        if name not in names:
            raise ValueError(
                f"{task_name}: unknown parameter {name!r}; expected one of {', '.join(names)}{_nearest(name, names)}"
            )
    try:
        checked = {parameter.name: _value(parameter, params) for parameter in task.parameters}
        train_count(task.trials(checked["nr_of_trials"]), checked["train_size"])
        if "n_back" in checked:
            check_lengths(checked["trial_length"], checked["n_back"], checked["lure_rate"])
    except ValueError as error:
        raise ValueError(f"{task_name}: {error}") from None
    return checked


def make(task_name: str, params: Mapping[str, Any], rng: np.random.Generator, images: Images | None = None) -> Trials:
    """The trials of a task, before the split. images: for the picture tasks; None = made up, and called synthetic.

    Raises ValueError as check_parameters, and where the images do not fit the task.
    """
    checked = check_parameters(task_name, params)
    del checked["train_size"]
    task = TASKS[task_name]
    if task.pictured:
        return task.generate(rng, images=images, **checked)
    if images is not None:
        raise ValueError(f"{task_name}: expected no images, as it shows none, got those of {images.source}")
    return task.generate(rng, **checked)


def _task(name: str) -> Task:
    if not isinstance(name, str) or name not in TASKS:
        raise ValueError(f"task_name: expected one of {', '.join(TASKS)}, got {name!r}{_nearest(name, TASKS)}")
    return TASKS[name]


def _value(parameter: Parameter, params: Mapping[str, Any]) -> Any:
    if parameter.name in params:
        return parameter.check(params[parameter.name])
    if parameter.default is None:
        raise ValueError(f"{parameter.name}: expected {parameter.expected}, got nothing; it has no default")
    return parameter.default


def _nearest(name: Any, names: Iterable[str]) -> str:
    found = difflib.get_close_matches(str(name).lower(), names, n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
