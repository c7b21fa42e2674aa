"""The options of tasks: keys of [trialparams], each with its kind of value, default and sentence."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from randomnet.settings.option import Condition
from randomnet.settings.values import Boolean, Integer, Number, NumberOrList, Value

MOST_TRIALS = 10_000_000
LONGEST = 10_000  # steps or stimuli of a trial
NUMERIC = (Integer, Number, NumberOrList, Boolean)


@dataclass(frozen=True)
class Parameter:
    """One option of one or more tasks.

    name: its key. value: what it may be. text: one sentence for the help. generated: whether the task's generator
    takes it. training: whether only kinds that train read it. only: a further condition under which it is read.
    neutral: the value for results folders that are older than the option.
    """

    name: str
    value: Value
    default: Any
    text: str
    generated: bool = True
    training: bool = False
    only: Condition | None = None
    neutral: Any = None

    def check(self, value: Any) -> Any:
        """The value as a plain number (or numbers), truth value or text; a list of one stays a list.

        Raises ValueError naming the parameter.
        """
        plain = value.item() if isinstance(value, np.generic) else value
        text, truth = isinstance(plain, str), isinstance(plain, bool)
        try:
            if truth != isinstance(self.value, Boolean) or text == isinstance(self.value, NUMERIC):
                raise ValueError
            parsed = self.value.parse(str(plain))
        except ValueError:
            raise ValueError(f"{self.name}: expected {self.value.expected}, got {value!r}") from None
        return (parsed,) if isinstance(plain, tuple | list) and not isinstance(parsed, tuple) else parsed


UNSPLIT = Condition("trialparams.held_out = none", lambda config: config.trialparams.held_out == "none")

NR_OF_TRIALS = Parameter(
    "nr_of_trials",
    Integer(1, MOST_TRIALS),
    500,
    "Trials: of each class of the n-back tasks, of each of `tasks` of multitask, all of the others.",
)
TRAIN_SIZE = Parameter(
    "train_size", Number(0, 1, above=True), 0.8, "Share of the trials used for training.", generated=False, only=UNSPLIT
)
TEST_SIZE = Parameter(
    "test_size",
    Number(0, 1),
    0.0,
    "Share of the trials, taken from those that are not for training, which neither training nor the choice of the "
    "best epoch sees: test_loss and test_metrics of the best and of the last network are of these; 0 = none.",
    generated=False,
    only=UNSPLIT,
    neutral=0.0,
)
HELD_OUT = Parameter(
    "held_out",
    Value(),
    "none",
    "Conditions that are for validation alone, and all of it: names such as AC go, BD nogo (of odr degrees, of "
    "multitask tasks), or how many, drawn by seed; none: train_size splits the trials.",
    generated=False,
)
SPLIT = (NR_OF_TRIALS, TRAIN_SIZE, TEST_SIZE)  # of every task

INPUT_NOISE = Parameter(
    "input_noise",
    Number(0, 1000),
    0.15,
    "Standard deviation of the noise on every step and channel of the input (of multitask 0.3, to a trial's end; "
    "of reach and random_target 0.04, on target and go).",
)
RESAMPLED_INPUT_NOISE = Parameter(
    "resampled_input_noise",
    Number(0, 1000),
    0.0,
    "Standard deviation of noise besides, fresh in every update of the training, on every step and channel of what "
    "the network receives (of multitask to a trial's end), not in validation; input_noise is drawn once, with the "
    "trials.",
    generated=False,
    training=True,
)
NOISE = (INPUT_NOISE, RESAMPLED_INPUT_NOISE)
TRIAL_STEPS = Parameter(
    "trial_steps",
    Integer(6, LONGEST),
    100,
    "Steps per trial; of reach and random_target at least 100, of 10 ms each.",
)

N_BACK = (
    Parameter("trial_length", Integer(2, LONGEST), 5, "Stimuli per trial; the last is the target."),
    Parameter("n_back", Integer(1), 2, "Stimuli from the repeat to the target; below trial_length."),
    Parameter("lure_rate", Number(0, 1), 0.0, "Share of the non-matches with a repeat at a wrong lag."),
)
PICTURES = (
    Parameter("rescale", Boolean(), True, "Bring every image to [0, 1]."),
    Parameter(
        "images",
        Value(),
        "",
        "File of latents (.npz, .pt), or folder of MNIST's idx files; empty = a synthetic stand-in.",
        generated=False,
    ),
)
SEQUENCE = (Parameter("pattern_length", Integer(1, LONGEST), 5, "Values to be recalled."),)
FLIP_FLOP = (
    Parameter("n_bits", Integer(1, 1000), 3, "Bits to be remembered, each with a channel of pulses."),
    TRIAL_STEPS,
    Parameter("switch_prob", Number(0, 0.5), 0.01, "Probability per step and bit of a pulse, of each sign."),
    Parameter("blind_steps", Integer(0, LONGEST), 4, "Steps from a flip on that are not scored."),
)
DELAYED = (
    HELD_OUT,
    Parameter("steps_per_second", Integer(2, 1000), 10, "Steps of the network (model.dt) to a second of the task."),
    Parameter(
        "delay_jitter",
        NumberOrList(0, 100),
        0.0,
        "Seconds by which a delay is longer at most, at random in every trial; of a list, one of them.",
    ),
    Parameter(
        "iti_jitter",
        NumberOrList(0, 100),
        0.0,
        "Seconds of further silence at most before the first event, at random; of a list, one of them.",
    ),
    *NOISE,
    Parameter(
        "silence_weight",
        Number(0, 1_000_000),
        1.0,
        "Weight of the loss of outputs that are not silent when they should be.",
    ),
)
DECISIONS = (
    Parameter("margin", Number(0, 1000), 1.0, "Mean output up to which a right decision is pushed further."),
    Parameter(
        "cross_entropy",
        Number(0, 1),
        0.0,
        "Share of binary cross-entropy in the loss of decisions; the rest is that of the margin.",
    ),
)
ANGLES = (
    Parameter("delay", Number(0, 1000, above=True), 3.0, "Seconds that an angle is remembered."),
    Parameter("n_angles", Integer(0, 360), 8, "Angles, evenly on the circle; 0 = any."),
    Parameter("n_channels", Integer(3, 10_000), 16, "Channels, tuned to angles evenly on the circle."),
    Parameter("n_stimuli", Integer(1, 2), 1, "Angles to be remembered in a trial, one after the other."),
    Parameter("tuning", Number(0, 1000), 1.0, "Modulation of the bump of input, [1 + tuning cos]+ / (1 + tuning)."),
    Parameter(
        "erase", Number(0, 1000), 1.0, "Negative input to all channels for a second, which ends the delay; 0 = none."
    ),
    Parameter(
        "demanded_amplitude",
        Number(0, 1000),
        1.0,
        "Length of the readout (cos, sin) up to which it is pushed further.",
    ),
    Parameter("angle_tolerance", Number(0, 180), 15.0, "Degrees of error up to which an angle counts as right."),
)
MULTITASK = (
    HELD_OUT,
    Parameter(
        "tasks",
        Value(),
        "all",
        "Which tasks multitask has: names such as DelayPro, MemoryPro, or all 15; each keeps its channel.",
    ),
    replace(INPUT_NOISE, default=0.3),
    RESAMPLED_INPUT_NOISE,
    Parameter(
        "one_task_batches",
        Boolean(),
        False,
        "Every batch has trials of one of these tasks, drawn anew in every epoch; else of all, and always the same.",
        generated=False,
        training=True,
    ),
    Parameter(
        "ctd_fixation",
        Boolean(),
        False,
        "Fixation is asked for as in computation-through-dynamics: not where a response is withheld, nor at all in "
        "NonMatch2Sample, MatchCatPro and MatchCatAnti.",
    ),
)
REACHING = (
    replace(TRIAL_STEPS, default=300),
    replace(INPUT_NOISE, default=0.04),
    RESAMPLED_INPUT_NOISE,
    Parameter(
        "sensor_noise",
        Number(0, 10),
        0.005,
        "Standard deviation of the noise on what is seen and felt of the arm, and on its controls.",
    ),
    Parameter("go_amplitude", Number(0, 1000), 0.15, "Input of the channel that says go."),
    Parameter("catch_rate", Number(0, 1), 0.2, "Share of the trials without a go, in which the arm stays where it is."),
    Parameter("bump_rate", Number(0, 1), 0.5, "Share of the trials in which a force pushes the fingertip for a while."),
    Parameter("aligned", Boolean(), False, "Target and go come at bins 30 and 70 of every trial, and none lacks a go."),
    Parameter(
        "ramp_epochs",
        Integer(0),
        200,
        "Epochs until the loss in training is of whole trials, at first of their beginning.",
        training=True,
    ),
    Parameter("action_weight", Number(0, 1_000_000), 1.0, "Weight of the mean square of the controls in the loss."),
    Parameter("latent_weight", Number(0, 1_000_000), 5e-5, "Weight of the mean square of the states in the loss."),
    Parameter("reach_tolerance", Number(0), 5.0, "Centimetres from its goal up to which a reach ends rightly."),
)
NEUROGYM = (
    Parameter("env", Value(), "PerceptualDecisionMaking-v0", "Name of a registered environment of neurogym."),
    Parameter("env_params", Value(), "{}", 'What the environment takes, as JSON: {"dt": 50, "cohs": [6.4, 25.6]}.'),
    Parameter("env_period", Value(), "decision", "Period of the environment's trials that is scored; or all."),
)
