"""The table of tasks: what each is made by, which parameters it takes, and what it asks of a network."""

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from randomnet.tasks.delayed_response import PLANE, odr
from randomnet.tasks.environments import actions_of, channels_of, neurogym_trials
from randomnet.tasks.flip_flop import flip_flop
from randomnet.tasks.generators import CLASSES, check_lengths, nback_mem, pic_latent_mem, pic_mem, seq_mem
from randomnet.tasks.images import LATENT_CHANNELS, SIDE, Images
from randomnet.tasks.multitask import CHANNELS, OUTPUTS, chosen_tasks, multitask
from randomnet.tasks.pairs import PAIR_CHANNELS, PAIR_OUTPUTS, dpa, dual, go_nogo
from randomnet.tasks.reaching import CONTEXT, ReachTrials, reaching
from randomnet.tasks.trials import Trials, train_count


@dataclass(frozen=True)
class Parameter:
    """One trial parameter. kind: int, float, bool or str; text: one sentence for the help; default: None where it must
    be given; low, high: a number's limits, which `between` leaves out; listed: whether several numbers will do, too."""

    name: str
    kind: type
    text: str
    default: int | float | bool | str | None = None
    low: int = 0
    high: float | None = None
    between: bool = False
    listed: bool = False

    @property
    def expected(self) -> str:
        """What it may be, in words."""
        if self.kind is bool:
            return "True or False"
        if self.kind is str:
            return "text"
        words = "a whole number" if self.kind is int else "a number"
        if self.high is None:
            return f"{words} of at least {self.low}"
        limits = f"between {self.low} and {self.high}" + ", both left out" * self.between
        return f"{words} {limits}" + ", or several" * self.listed

    def check(self, value: Any) -> int | float | bool | str | tuple[float, ...]:
        """The value as a plain number (or numbers), truth value or text. Raises ValueError naming the parameter."""
        several = self.listed and isinstance(value, tuple | list) and len(value) > 0
        if not all(map(self._fits, value if several else [value])):
            raise ValueError(f"{self.name}: expected {self.expected}, got {value!r}")
        return tuple(map(self.kind, value)) if several else self.kind(value)

    def _fits(self, value: Any) -> bool:
        if self.kind is bool or isinstance(value, bool | np.bool_):
            return self.kind is bool and isinstance(value, bool | np.bool_)
        if self.kind is str:
            return isinstance(value, str)
        numbers = (int, np.integer) if self.kind is int else (int, float, np.integer, np.floating)
        if not isinstance(value, numbers):
            return False
        high = math.inf if self.high is None else self.high
        return bool(self.low < value < high if self.between else self.low <= value <= high)


Size = int | str | Callable[[Mapping[str, Any]], int]


def _number(size: int | str, parameters: Mapping[str, Any]) -> int:
    return parameters[size] if isinstance(size, str) else size


@dataclass(frozen=True)
class Task:
    """One task.

    generate(rng, **parameters) -> Trials, or ReachTrials where what is shown depends on what the network does, in a
    loop that is closed; parameters: those of trial_params, in order; channels of the input and outputs of the readout:
    numbers, the name of the parameter that says it, or a function of all; loss: how outputs are judged;
    per_class: nr_of_trials counts the trials of each of two classes, not all (of several tasks, those of each task);
    pictured: it shows images.
    """

    text: str
    generate: Callable[..., Trials | ReachTrials]
    parameters: tuple[Parameter, ...]
    channels: Size
    outputs: Size
    loss: str
    per_class: bool
    pictured: bool = False
    closed: bool = False

    def sizes(self, parameters: Mapping[str, Any]) -> tuple[int, int]:
        """Channels and outputs, with these parameters. Raises ValueError where these make none."""
        channels, outputs = (size(parameters) if callable(size) else size for size in (self.channels, self.outputs))
        return _number(channels, parameters), _number(outputs, parameters)

    def trials(self, parameters: Mapping[str, Any]) -> int:
        """How many trials there are in all, with these parameters."""
        several = len(chosen_tasks(parameters["tasks"])) if "tasks" in parameters else 1
        return parameters["nr_of_trials"] * several * (2 if self.per_class else 1)


OF_THE_SPLIT = ("train_size", "held_out")  # parameters of `Trials.split`, not of a generator
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
INPUT_NOISE = Parameter(
    "input_noise", float, "Standard deviation of the noise on every step and channel.", 0.15, high=1000
)
HELD_OUT = Parameter(
    "held_out", str, "Conditions for validation alone, by name or how many; none: trials at random.", "none"
)
STEPS_PER_SECOND = Parameter("steps_per_second", int, "Steps of the network to a second.", 10, low=2, high=1000)
DELAY_JITTER = Parameter(
    "delay_jitter", float, "Seconds by which a delay is longer at most, or one of several.", 0.0, high=100, listed=True
)
ITI_JITTER = Parameter(
    "iti_jitter", float, "Seconds of more silence at most at first, or one of several.", 0.0, high=100, listed=True
)
SILENCE_WEIGHT = Parameter(
    "silence_weight", float, "Weight of the loss of outputs that are not silent when they should be.", 1.0, high=10**6
)
MARGIN = Parameter("margin", float, "Mean output up to which a right decision is pushed further.", 1.0, high=1000)
CROSS_ENTROPY = Parameter(
    "cross_entropy", float, "Share of binary cross-entropy in the loss of decisions; not the margin's.", 0.0, high=1
)
N_ANGLES = Parameter("n_angles", int, "Angles, evenly on the circle; 0 = any.", 8, high=360)
N_CHANNELS = Parameter("n_channels", int, "Channels, tuned to angles evenly on the circle.", 16, low=3, high=10_000)
N_STIMULI = Parameter("n_stimuli", int, "Angles to be remembered in a trial, one after the other.", 1, low=1, high=2)
TUNING = Parameter("tuning", float, "Modulation of a bump of input: [1 + tuning cos]+ / (1 + tuning).", 1.0, high=1000)
DELAY = Parameter("delay", float, "Seconds that an angle is remembered.", 3.0, high=1000)
ERASE = Parameter("erase", float, "Negative input to all channels that ends a delay; 0 = none.", 1.0, high=1000)
DEMANDED_AMPLITUDE = Parameter(
    "demanded_amplitude", float, "Length of the readout up to which it is pushed further in the delay.", 1.0, high=1000
)
ANGLE_TOLERANCE = Parameter("angle_tolerance", float, "Degrees of error up to which an angle is right.", 15.0, high=180)
PER_TASK = replace(TOTAL, text="Number of trials of EACH task, training and validation together.")
OF_ALL_CHANNELS = replace(INPUT_NOISE, default=0.3)
CHOSEN_TASKS = Parameter("tasks", str, "Which of the tasks there are, by name with commas between them; or all.", "all")
CTD_FIXATION = Parameter(
    "ctd_fixation", bool, "Fixation is asked for as in computation-through-dynamics, not where responses are.", False
)

REACH_STEPS = Parameter("trial_steps", int, "Bins of 10 ms per trial.", 300, low=100, high=LONGEST)
OF_CONTEXT = replace(INPUT_NOISE, text="Standard deviation of the noise on target and go.", default=0.04)
SENSOR_NOISE = Parameter(
    "sensor_noise", float, "Standard deviation of the noise on what is seen and felt, and on controls.", 0.005, high=10
)
GO_AMPLITUDE = Parameter("go_amplitude", float, "Input of the channel that says go.", 0.15, high=1000)
CATCH_RATE = Parameter("catch_rate", float, "Share of the trials without a go.", 0.2, high=1)
BUMP_RATE = Parameter("bump_rate", float, "Share of the trials in which the fingertip is pushed.", 0.5, high=1)
ALIGNED = Parameter("aligned", bool, "Target and go come at the same bins of all trials, and none lacks a go.", False)
RAMP_EPOCHS = Parameter("ramp_epochs", int, "Epochs until the whole trial counts, at first its beginning.", 200)
ACTION_WEIGHT = Parameter("action_weight", float, "Weight of the mean square of the controls.", 1.0, high=10**6)
LATENT_WEIGHT = Parameter("latent_weight", float, "Weight of the mean square of the states.", 5e-5, high=10**6)
REACH_TOLERANCE = Parameter("reach_tolerance", float, "Centimetres from its goal up to which a reach is right.", 5.0)
ENV = Parameter("env", str, "Name of a registered environment of neurogym.", "PerceptualDecisionMaking-v0")
ENV_PARAMS = Parameter("env_params", str, "What the environment takes, as JSON.", "{}")
ENV_PERIOD = Parameter("env_period", str, "Period of its trials that is scored; or all.", "decision")

_VALUES = (PER_CLASS, TRAIN_SIZE, TRIAL_LENGTH, N_BACK, LURE_RATE)
_PICTURES = (*_VALUES, RESCALE)
_DELAYED = (TOTAL, TRAIN_SIZE, HELD_OUT, STEPS_PER_SECOND, DELAY_JITTER, ITI_JITTER, INPUT_NOISE, SILENCE_WEIGHT)
_DECISIONS = (*_DELAYED, MARGIN, CROSS_ENTROPY)
_MULTI = (PER_TASK, TRAIN_SIZE, HELD_OUT, CHOSEN_TASKS, OF_ALL_CHANNELS, CTD_FIXATION)
_BUMPS = (N_ANGLES, N_CHANNELS, N_STIMULI, TUNING, DELAY, ERASE, DEMANDED_AMPLITUDE, ANGLE_TOLERANCE)


_REACH = (TOTAL, TRAIN_SIZE, REACH_STEPS, OF_CONTEXT, SENSOR_NOISE, GO_AMPLITUDE, CATCH_RATE, BUMP_RATE, ALIGNED,
          RAMP_EPOCHS, ACTION_WEIGHT, LATENT_WEIGHT, REACH_TOLERANCE)  # fmt: skip


def _reaching(text: str, sensed: int, controls: int) -> Task:
    """Reaches of an arm of which so many channels are sensed, and that takes so many controls."""
    generate = partial(reaching, sensed=sensed, controls=controls)
    return Task(text, generate, _REACH, sensed + CONTEXT, controls, loss="reach", per_class=False, closed=True)


def _decisions(text: str, generate: Callable[..., Trials]) -> Task:
    """A task of choice and lick."""
    return Task(text, generate, _DECISIONS, PAIR_CHANNELS, len(PAIR_OUTPUTS), loss="sign", per_class=False)


TASKS: dict[str, Task] = {
    "seq_mem": Task(
        "Recall a sequence of numbers after a cue.",
        seq_mem,
        (TOTAL, TRAIN_SIZE, PATTERN_LENGTH),
        channels=2,
        outputs=1,
        loss="squared",
        per_class=False,
    ),
    "nback_mem": Task(
        "Say whether the last number is that of n_back steps before.",
        nback_mem,
        _VALUES,
        channels=2,
        outputs=CLASSES,
        loss="classes",
        per_class=True,
    ),
    "pic_latent_mem": Task(
        "Say whether the last picture, as latents, is that of n_back steps before.",
        pic_latent_mem,
        _PICTURES,
        channels=1 + LATENT_CHANNELS,
        outputs=CLASSES,
        loss="classes",
        per_class=True,
        pictured=True,
    ),
    "pic_mem": Task(
        "Say whether the last picture, as pixels, is that of n_back steps before.",
        pic_mem,
        _PICTURES,
        channels=1 + SIDE * SIDE,
        outputs=CLASSES,
        loss="classes",
        per_class=True,
        pictured=True,
    ),
    "flip_flop": Task(
        "Remember of each bit whether its last pulse was up or down.",
        flip_flop,
        (TOTAL, TRAIN_SIZE, N_BITS, TRIAL_STEPS, SWITCH_PROB, BLIND_STEPS, INPUT_NOISE),
        channels="n_bits",
        outputs="n_bits",
        loss="bits",
        per_class=False,
    ),
    "odr": Task(
        "Remember an angle over a delay.",
        odr,
        (*_DELAYED, *_BUMPS),
        channels="n_channels",
        outputs=PLANE,
        loss="angle",
        per_class=False,
    ),
    "dpa": _decisions("Say whether two stimuli apart by a delay are a pair.", dpa),
    "go_nogo": _decisions("Lick at the cue after one stimulus, and not after another.", go_nogo),
    "dual": _decisions("Say whether two stimuli are a pair, with or without go_nogo in the delay.", dual),
    "multitask": Task(
        "Any of 15 tasks of angles, as a channel of the input says.",
        multitask,
        _MULTI,
        channels=CHANNELS,
        outputs=OUTPUTS,
        loss="response",
        per_class=False,
    ),
    "reach": _reaching("Move an arm of two links to targets, by torques.", 6, 2),
    "random_target": _reaching("Move an arm of two links to targets, by six muscles.", 14, 6),
    "neurogym": Task(
        "Act rightly in an environment of neurogym.",
        neurogym_trials,
        (TOTAL, TRAIN_SIZE, ENV, ENV_PARAMS, ENV_PERIOD),
        channels_of,
        actions_of,
        loss="classes",
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
        if checked.get("held_out", "none") == "none":
            split = checked["nr_of_trials"] if "tasks" in checked else task.trials(checked)
            train_count(split, checked["train_size"])
        if "tasks" in checked:
            chosen_tasks(checked["tasks"])
        if "n_back" in checked:
            check_lengths(checked["trial_length"], checked["n_back"], checked["lure_rate"])
    except ValueError as error:
        raise ValueError(f"{task_name}: {error}") from None
    return checked


def make(
    task_name: str, params: Mapping[str, Any], rng: np.random.Generator, images: Images | None = None
) -> Trials | ReachTrials:
    """The trials of a task, before the split. images: for the picture tasks; None = made up, and called synthetic.

    Raises ValueError as check_parameters, and where the images do not fit the task.
    """
    checked = check_parameters(task_name, params)
    checked = {name: value for name, value in checked.items() if name not in OF_THE_SPLIT}
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
