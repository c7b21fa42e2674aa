"""The options of tasks: keys of [trialparams], each with its kind of value, default and sentence."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from randomnet.settings.option import Condition
from randomnet.settings.values import Boolean, Integer, Location, Number, NumberOrList, Value

MOST_TRIALS = 10_000_000
LONGEST = 10_000  # steps or stimuli of a trial
NUMERIC = (Integer, Number, NumberOrList, Boolean)


@dataclass(frozen=True)
class Parameter:
    """One option of one or more tasks.

    name: its key. value: what it may be. text: its sentence for the help. generated: whether the task's generator
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
        if text and plain in getattr(self.value, "words", ()):
            return plain
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
    "Number of trials: of each class of the n-back tasks, of each of `tasks` of multitask, in all for the others.",
)
TRAIN_SIZE = Parameter(
    "train_size", Number(0, 1, above=True), 0.8, "Fraction of the trials for training.", generated=False, only=UNSPLIT
)
TEST_SIZE = Parameter(
    "test_size",
    Number(0, 1),
    0.0,
    "Fraction of the trials for the test, out of those that are not for training; 0 = none. They are used "
    "neither in training nor to choose the best epoch. test_loss and test_metrics of the best and the last "
    "network are over them.",
    generated=False,
    only=UNSPLIT,
    neutral=0.0,
)
HELD_OUT = Parameter(
    "held_out",
    Value(),
    "none",
    "Conditions for validation only; all other trials are for training. Names such as AC go, BD nogo (for odr "
    "degrees, for multitask tasks), or a number, drawn by seed. none: train_size splits the trials.",
    generated=False,
)
SPLIT = (NR_OF_TRIALS, TRAIN_SIZE, TEST_SIZE)  # of every task

INPUT_NOISE = Parameter(
    "input_noise",
    Number(0, 1000),
    0.15,
    "Standard deviation of input noise, added to every channel at every step, and not scaled by dt or tau. It "
    "is drawn once, with the trials. Multitask has 0.3, until the trial ends; reach and random_target 0.04, on "
    "target and go.",
)
RESAMPLED_INPUT_NOISE = Parameter(
    "resampled_input_noise",
    Number(0, 1000),
    0.0,
    "Standard deviation of input noise that is resampled at every update of the training; validation has none. "
    "It is added to every channel at every step, and not scaled by dt or tau. In multitask it ends with the "
    "trial.",
    generated=False,
    training=True,
    neutral=0.0,
)
NOISE = (INPUT_NOISE, RESAMPLED_INPUT_NOISE)
TRIAL_STEPS = Parameter(
    "trial_steps",
    Integer(6, LONGEST),
    100,
    "Steps per trial; for reach and random_target at least 100, of 10 ms each.",
)

N_BACK = (
    Parameter("trial_length", Integer(2, LONGEST), 5, "Number of stimuli per trial; the last one is the target."),
    Parameter("n_back", Integer(1), 2, "Number of stimuli from a repeat to the target; below trial_length."),
    Parameter("lure_rate", Number(0, 1), 0.0, "Fraction of non-matches with a repeat at a wrong lag."),
)
PICTURES = (
    Parameter("rescale", Boolean(), True, "Scale every image to [0, 1]."),
    Parameter(
        "images",
        Location(),
        "",
        "File of latents (.npz, .pt), or folder with MNIST's idx files; empty = a synthetic stand-in.",
        generated=False,
    ),
)
SEQUENCE = (Parameter("pattern_length", Integer(1, LONGEST), 5, "Number of values to remember."),)
FLIP_FLOP = (
    Parameter("n_bits", Integer(1, 1000), 3, "Number of bits to remember, each with a channel of pulses."),
    TRIAL_STEPS,
    Parameter("switch_prob", Number(0, 0.5), 0.01, "Probability of a pulse of each sign, per step and bit."),
    Parameter("blind_steps", Integer(0, LONGEST), 4, "Number of steps from each flip on that are not scored."),
    Parameter(
        "stimulated",
        Boolean(),
        False,
        "One random bit of every trial also receives an input of 0.5 to 1.5 in the middle half of the trial. Pulses "
        "still count.",
        neutral=False,
    ),
)
DELAYED = (
    HELD_OUT,
    Parameter("steps_per_second", Integer(2, 1000), 10, "Steps of the network (model.dt) per second of the task."),
    Parameter(
        "delay_jitter",
        NumberOrList(0, 100),
        0.0,
        "Maximum random increase of a delay, in seconds, in every trial. A list: one of its values at random.",
    ),
    Parameter(
        "iti_jitter",
        NumberOrList(0, 100),
        0.0,
        "Maximum random silence before the first event, in seconds. A list: one of its values at random.",
    ),
    *NOISE,
    Parameter(
        "silence_weight",
        Number(0, 1_000_000),
        1.0,
        "Loss weight of outputs that should be silent.",
    ),
)
DECISIONS = (
    Parameter("margin", Number(0, 1000), 1.0, "Mean output up to which the loss increases a correct decision."),
    Parameter(
        "cross_entropy",
        Number(0, 1),
        0.0,
        "Weight of binary cross-entropy in the loss of decisions; the margin loss has the rest.",
    ),
)
ANGLES = (
    Parameter("delay", Number(0, 1000, above=True), 3.0, "Delay, in seconds, over which an angle is remembered."),
    Parameter("n_angles", Integer(0, 360), 8, "Number of angles, evenly spaced on the circle; 0 = any angle."),
    Parameter(
        "n_channels",
        Integer(3, 10_000),
        16,
        "Number of channels, tuned to angles that are evenly spaced on the circle.",
    ),
    Parameter("n_stimuli", Integer(1, 2), 1, "Number of angles to remember in a trial, one after the other."),
    Parameter("tuning", Number(0, 1000), 1.0, "Modulation of the input bump, [1 + tuning cos]+ / (1 + tuning)."),
    Parameter(
        "erase", Number(0, 1000), 1.0, "Negative input to all channels for one second, which ends the delay; 0 = none."
    ),
    Parameter(
        "demanded_amplitude",
        Number(0, 1000),
        1.0,
        "Length of the readout (cos, sin) up to which the loss increases it.",
    ),
    Parameter(
        "angle_tolerance", Number(0, 180), 15.0, "Largest error, in degrees, of an angle that counts as correct."
    ),
)
MULTITASK = (
    HELD_OUT,
    Parameter(
        "tasks",
        Value(),
        "all",
        "Tasks of multitask, such as DelayPro, MemoryPro; all = all 15. Each keeps its channel.",
    ),
    replace(INPUT_NOISE, default=0.3),
    RESAMPLED_INPUT_NOISE,
    Parameter(
        "one_task_batches",
        Boolean(),
        False,
        "True: every batch has trials of one task, drawn again in every epoch. False: batches mix all tasks, and "
        "stay the same.",
        generated=False,
        training=True,
    ),
    Parameter(
        "ctd_fixation",
        Boolean(),
        False,
        "Require fixation as computation-through-dynamics does: not where a response is withheld, nor in "
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
        "Standard deviation of noise on vision and proprioception of the arm, and on its controls. It is added at "
        "every step, and not scaled by dt or tau.",
    ),
    *(
        Parameter(
            f"{name}_noise",
            Number(0, 10, words=("sensor",)),
            "sensor",
            f"Standard deviation of noise on {what}; sensor = that of sensor_noise.",
            neutral="sensor",
        )
        for name, what in (("vision", "vision"), ("proprioception", "proprioception"), ("action", "the controls"))
    ),
    Parameter("go_amplitude", Number(0, 1000), 0.15, "Amplitude of the go signal."),
    Parameter("catch_rate", Number(0, 1), 0.2, "Fraction of trials without a go signal, in which the arm must stay."),
    Parameter(
        "bump_rate", Number(0, 1), 0.5, "Fraction of trials in which a force pushes the fingertip for some time."
    ),
    Parameter(
        "aligned", Boolean(), False, "Target and go appear at bins 30 and 70 of every trial, and every trial has a go."
    ),
    Parameter(
        "ramp_epochs",
        Integer(0),
        200,
        "Epochs until the training loss covers whole trials; it starts with their first part.",
        training=True,
    ),
    Parameter("action_weight", Number(0, 1_000_000), 1.0, "Loss weight of the mean square of the controls."),
    Parameter("latent_weight", Number(0, 1_000_000), 5e-5, "Loss weight of the mean square of the states."),
    Parameter("reach_tolerance", Number(0), 5.0, "Largest distance from the goal, in centimetres, of a correct reach."),
)
NEUROGYM = (
    Parameter("env", Value(), "PerceptualDecisionMaking-v0", "Name of a registered environment of neurogym."),
    Parameter("env_params", Value(), "{}", 'Arguments of the environment as JSON: {"dt": 50, "cohs": [6.4, 25.6]}.'),
    Parameter("env_period", Value(), "decision", "Period of the environment's trials that is scored; or all."),
)
