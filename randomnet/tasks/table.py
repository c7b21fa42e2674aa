"""The table of tasks: generator, options, channels and loss of each."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from randomnet.registry import Registry
from randomnet.settings.values import names_text
from randomnet.tasks import parameters
from randomnet.tasks.delayed_response import PLANE, odr
from randomnet.tasks.environments import actions_of, channels_of, neurogym_trials
from randomnet.tasks.flip_flop import flip_flop
from randomnet.tasks.generators import CLASSES, check_lengths, nback_mem, pic_latent_mem, pic_mem, seq_mem
from randomnet.tasks.images import LATENT_CHANNELS, SIDE, Images
from randomnet.tasks.multitask import CHANNELS, OUTPUTS, chosen_tasks, multitask
from randomnet.tasks.pairs import PAIR_CHANNELS, PAIR_OUTPUTS, dpa, dual, go_nogo
from randomnet.tasks.parameters import Parameter
from randomnet.tasks.reaching import CONTEXT, ReachTrials, reaching
from randomnet.tasks.trials import Trials, train_count

Size = int | str | Callable[[Mapping[str, Any]], int]


def _number(size: int | str, parameters: Mapping[str, Any]) -> int:
    return parameters[size] if isinstance(size, str) else size


@dataclass(frozen=True)
class Task:
    """One task.

    text: one sentence. generate(rng, **parameters) -> Trials, or ReachTrials of a closed loop, where what is shown
    depends on what the network does. options: its own keys of [trialparams], besides those of every task. channels of
    the input and outputs of the readout: numbers, the name of the parameter that says it, or a function of all. loss:
    how outputs are judged. label: the loss with its unit, for axes of figures. source: where the task comes from.
    per_class: nr_of_trials counts the trials of each of two classes, not all. pictured: it shows images.
    check(parameters): raises ValueError for parameters that contradict each other.
    """

    text: str
    generate: Callable[..., Trials | ReachTrials]
    options: tuple[Parameter, ...]
    channels: Size
    outputs: Size
    loss: str
    label: str
    source: str
    per_class: bool = False
    pictured: bool = False
    closed: bool = False
    check: Callable[[Mapping[str, Any]], None] = lambda parameters: None

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All its keys of [trialparams]."""
        return parameters.SPLIT + self.options

    def has(self, name: str) -> bool:
        """Whether the task has a parameter of this name."""
        return name in {parameter.name for parameter in self.parameters}

    def sizes(self, parameters: Mapping[str, Any]) -> tuple[int, int]:
        """Channels and outputs, with these parameters. Raises ValueError where these make none."""
        channels, outputs = (size(parameters) if callable(size) else size for size in (self.channels, self.outputs))
        return _number(channels, parameters), _number(outputs, parameters)

    def trials(self, parameters: Mapping[str, Any]) -> int:
        """Total number of trials with these parameters."""
        several = len(chosen_tasks(parameters["tasks"])) if "tasks" in parameters else 1
        return parameters["nr_of_trials"] * several * (2 if self.per_class else 1)


SHORTEST_REACH = 100  # steps of 10 ms
NATS = "loss: negative log-\nlikelihood (nats)"
BIO_RNN_MEM, NEUROTORCH, CTD = "bio_rnn_mem", "NeuroTorch", "computation-through-dynamics"


def _check_lengths(parameters: Mapping[str, Any]) -> None:
    check_lengths(parameters["trial_length"], parameters["n_back"], parameters["lure_rate"])


def _check_tasks(parameters: Mapping[str, Any]) -> None:
    chosen_tasks(parameters["tasks"])


def _check_steps(parameters: Mapping[str, Any]) -> None:
    if parameters["trial_steps"] < SHORTEST_REACH:
        raise ValueError(
            f"trial_steps: expected a whole number from {SHORTEST_REACH} on, got {parameters['trial_steps']}"
        )


def _n_back(text: str, generate: Callable[..., Trials], channels: int, *, pictured: bool = True) -> Task:
    """The row of a task of two classes: whether the last stimulus equals that of n_back steps before."""
    options = parameters.N_BACK + (parameters.PICTURES if pictured else ())
    return Task(text, generate, options, channels, CLASSES, "classes", NATS, BIO_RNN_MEM, per_class=True,
                pictured=pictured, check=_check_lengths)  # fmt: skip


def _reaching(text: str, sensed: int, controls: int) -> Task:
    """The row of a reaching task of an arm with so many sensory channels and controls."""
    generate = partial(reaching, sensed=sensed, controls=controls)
    label = "loss: squared error of the\nfingertip (m²), and effort"
    return Task(text, generate, parameters.REACHING, sensed + CONTEXT, controls, "reach", label, CTD, closed=True,
                check=_check_steps)  # fmt: skip


def _decisions(text: str, generate: Callable[..., Trials]) -> Task:
    """The row of a task with the outputs choice and lick."""
    options, label = parameters.DELAYED + parameters.DECISIONS, "loss: margin of decisions,\nand silence"
    return Task(text, generate, options, PAIR_CHANNELS, len(PAIR_OUTPUTS), "sign", label, NEUROTORCH)


TASKS: Registry[Task] = Registry(
    {
        "seq_mem": Task(
            "Recall a sequence of numbers after a cue.",
            seq_mem,
            parameters.SEQUENCE,
            channels=2,
            outputs=1,
            loss="squared",
            label="loss: mean squared\nerror of recall (MSE)",
            source=BIO_RNN_MEM,
        ),
        "nback_mem": _n_back(
            "Say whether the last number is that of n_back steps before.", nback_mem, 2, pictured=False
        ),
        "pic_latent_mem": _n_back(
            "Say whether the last picture, as latents, is that of n_back steps before.",
            pic_latent_mem,
            1 + LATENT_CHANNELS,
        ),
        "pic_mem": _n_back(
            "Say whether the last picture, as pixels, is that of n_back steps before.", pic_mem, 1 + SIDE * SIDE
        ),
        "flip_flop": Task(
            "Remember of each bit whether its last pulse was up or down.",
            flip_flop,
            parameters.FLIP_FLOP + parameters.NOISE,
            channels="n_bits",
            outputs="n_bits",
            loss="bits",
            label="loss: mean squared\nerror of the bits (MSE)",
            source=CTD,
        ),
        "odr": Task(
            "Remember an angle over a delay.",
            odr,
            parameters.DELAYED + parameters.ANGLES,
            channels="n_channels",
            outputs=PLANE,
            loss="angle",
            label="loss: 1 - cos(error),\namplitude and silence",
            source=NEUROTORCH,
        ),
        "dpa": _decisions("Say whether two stimuli apart by a delay are a pair.", dpa),
        "go_nogo": _decisions("Lick at the cue after one stimulus, and not after another.", go_nogo),
        "dual": _decisions("Say whether two stimuli are a pair, with or without go_nogo in the delay.", dual),
        "multitask": Task(
            "Any of 15 tasks of angles, as a channel of the input says.",
            multitask,
            parameters.MULTITASK,
            channels=CHANNELS,
            outputs=OUTPUTS,
            loss="response",
            label="loss: weighted mean\nsquared error",
            source=CTD,
            check=_check_tasks,
        ),
        "reach": _reaching("Move an arm of two links to targets, by torques.", 6, 2),
        "random_target": _reaching("Move an arm of two links to targets, by six muscles.", 14, 6),
        "neurogym": Task(
            "Act rightly in an environment of neurogym.",
            neurogym_trials,
            parameters.NEUROGYM,
            channels_of,
            actions_of,
            loss="classes",
            label=NATS,
            source="neurogym",
        ),
    }
)


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
            known = names_text(str(name), names)
            raise ValueError(f"{task_name}: unknown parameter {name!r}; expected one of {known}{_nearest(name, names)}")
    try:
        checked = {parameter.name: _value(parameter, params) for parameter in task.parameters}
        if checked.get("held_out", "none") == "none":
            split = checked["nr_of_trials"] if "tasks" in checked else task.trials(checked)
            train_count(split, checked["train_size"])
        task.check(checked)
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
    task = TASKS[task_name]
    checked = {parameter.name: checked[parameter.name] for parameter in task.parameters if parameter.generated}
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
    return parameter.check(params[parameter.name]) if parameter.name in params else parameter.default


def _nearest(name: Any, names: Iterable[str]) -> str:
    found = difflib.get_close_matches(str(name).lower(), names, n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
