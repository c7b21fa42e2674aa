"""The task that networks are trained on."""

from dataclasses import dataclass

from randomnet.conditions import (
    DECIDED,
    DELAYED,
    FLIP_FLOP,
    HELD_OUT,
    IN_STEPS,
    MULTITASK,
    N_BACK,
    NEUROGYM,
    NOISY_INPUT,
    ODR,
    PICTURES,
    REACHING,
    RECALL,
    SPLIT,
    TASKED,
)
from randomnet.settings.option import Section, option
from randomnet.settings.values import Boolean, Choice, Integer, Number, NumberOrList, Value


@dataclass(frozen=True)
class TrialParamsSection(Section):
    """[trialparams] The task; trial_params = {...} (JSON or a Python literal, as in bio_rnn_mem) sets the same keys."""

    task_name: str = option(
        Choice(
            (
                *("none", "seq_mem", "nback_mem", "pic_latent_mem", "pic_mem", "flip_flop"),
                *("odr", "dpa", "go_nogo", "dual", "multitask", "reach", "random_target", "neurogym"),
            )
        ),
        "none",
        "The task; with one, several defaults differ.",
    )
    nr_of_trials: int = option(
        Integer(1, 10_000_000),
        500,
        "Trials: of each class of the n-back tasks, of each of `tasks` of multitask, all of the others.",
        only=TASKED,
    )
    train_size: float = option(Number(0, 1, above=True), 0.8, "Share of the trials used for training.", only=SPLIT)
    test_size: float = option(
        Number(0, 1),
        0.0,
        "Share of the trials, taken from those that are not for training, which neither training nor the choice of the "
        "best epoch sees: test_loss and test_metrics of the best and of the last network are of these; 0 = none.",
        only=SPLIT,
        neutral=0.0,
    )
    trial_length: int = option(Integer(2, 10_000), 5, "Stimuli per trial; the last is the target.", only=N_BACK)
    pattern_length: int = option(Integer(1, 10_000), 5, "Values to be recalled.", only=RECALL)
    n_back: int = option(Integer(1), 2, "Stimuli from the repeat to the target; below trial_length.", only=N_BACK)
    lure_rate: float = option(Number(0, 1), 0.0, "Share of the non-matches with a repeat at a wrong lag.", only=N_BACK)
    n_bits: int = option(Integer(1, 1000), 3, "Bits to be remembered, each with a channel of pulses.", only=FLIP_FLOP)
    trial_steps: int = option(
        Integer(6, 10_000),
        100,
        "Steps per trial; of reach and random_target at least 100, of 10 ms each.",
        only=IN_STEPS,
        defaults={"reach": 300, "random_target": 300},
    )
    switch_prob: float = option(
        Number(0, 0.5), 0.01, "Probability per step and bit of a pulse, of each sign.", only=FLIP_FLOP
    )
    blind_steps: int = option(Integer(0, 10_000), 4, "Steps from a flip on that are not scored.", only=FLIP_FLOP)
    input_noise: float = option(
        Number(0, 1000),
        0.15,
        "Standard deviation of the noise on every step and channel of the input (of multitask 0.3, to a trial's end; "
        "of reach and random_target 0.04, on target and go).",
        only=NOISY_INPUT,
        defaults={"multitask": 0.3, "reach": 0.04, "random_target": 0.04},
    )
    dynamic_noise: float = option(
        Number(0, 1000),
        0.0,
        "Standard deviation of noise besides, fresh in every update of the training, on every step and channel of what "
        "the network receives (of multitask to a trial's end), not in validation; input_noise is drawn once, with the "
        "trials.",
        only=NOISY_INPUT,
    )
    held_out: str = option(
        Value(),
        "none",
        "Conditions that are for validation alone, and all of it: names such as AC go, BD nogo (of odr degrees, of "
        "multitask tasks), or how many, drawn by seed; none: train_size splits the trials.",
        only=HELD_OUT,
    )
    steps_per_second: int = option(
        Integer(2, 1000), 10, "Steps of the network (model.dt) to a second of the task.", only=DELAYED
    )
    delay: float = option(Number(0, 1000, above=True), 3.0, "Seconds that an angle is remembered.", only=ODR)
    delay_jitter: float | tuple[float, ...] = option(
        NumberOrList(0, 100),
        0.0,
        "Seconds by which a delay is longer at most, at random in every trial; of a list, one of them.",
        only=DELAYED,
    )
    iti_jitter: float | tuple[float, ...] = option(
        NumberOrList(0, 100),
        0.0,
        "Seconds of further silence at most before the first event, at random; of a list, one of them.",
        only=DELAYED,
    )
    silence_weight: float = option(
        Number(0, 1_000_000),
        1.0,
        "Weight of the loss of outputs that are not silent when they should be.",
        only=DELAYED,
    )
    margin: float = option(
        Number(0, 1000), 1.0, "Mean output up to which a right decision is pushed further.", only=DECIDED
    )
    cross_entropy: float = option(
        Number(0, 1),
        0.0,
        "Share of binary cross-entropy in the loss of decisions; the rest is that of the margin.",
        only=DECIDED,
    )
    n_angles: int = option(Integer(0, 360), 8, "Angles, evenly on the circle; 0 = any.", only=ODR)
    n_channels: int = option(Integer(3, 10_000), 16, "Channels, tuned to angles evenly on the circle.", only=ODR)
    n_stimuli: int = option(Integer(1, 2), 1, "Angles to be remembered in a trial, one after the other.", only=ODR)
    tuning: float = option(
        Number(0, 1000), 1.0, "Modulation of the bump of input, [1 + tuning cos]+ / (1 + tuning).", only=ODR
    )
    erase: float = option(
        Number(0, 1000), 1.0, "Negative input to all channels for a second, which ends the delay; 0 = none.", only=ODR
    )
    demanded_amplitude: float = option(
        Number(0, 1000), 1.0, "Length of the readout (cos, sin) up to which it is pushed further.", only=ODR
    )
    angle_tolerance: float = option(
        Number(0, 180), 15.0, "Degrees of error up to which an angle counts as right.", only=ODR
    )
    tasks: str = option(
        Value(),
        "all",
        "Which tasks multitask has: names such as DelayPro, MemoryPro, or all 15; each keeps its channel.",
        only=MULTITASK,
    )
    one_task_batches: bool = option(
        Boolean(),
        False,
        "Every batch has trials of one of these tasks, drawn anew in every epoch; else of all, and always the same.",
        only=MULTITASK,
    )
    ctd_fixation: bool = option(
        Boolean(),
        False,
        "Fixation is asked for as in computation-through-dynamics: not where a response is withheld, nor at all in "
        "NonMatch2Sample, MatchCatPro and MatchCatAnti.",
        only=MULTITASK,
    )
    sensor_noise: float = option(
        Number(0, 10),
        0.005,
        "Standard deviation of the noise on what is seen and felt of the arm, and on its controls.",
        only=REACHING,
    )
    go_amplitude: float = option(Number(0, 1000), 0.15, "Input of the channel that says go.", only=REACHING)
    catch_rate: float = option(
        Number(0, 1), 0.2, "Share of the trials without a go, in which the arm stays where it is.", only=REACHING
    )
    bump_rate: float = option(
        Number(0, 1), 0.5, "Share of the trials in which a force pushes the fingertip for a while.", only=REACHING
    )
    aligned: bool = option(
        Boolean(), False, "Target and go come at bins 30 and 70 of every trial, and none lacks a go.", only=REACHING
    )
    ramp_epochs: int = option(
        Integer(0), 200, "Epochs until the loss in training is of whole trials, at first of their start.", only=REACHING
    )  # fmt: skip
    action_weight: float = option(
        Number(0, 1_000_000), 1.0, "Weight of the mean square of the controls in the loss.", only=REACHING
    )
    latent_weight: float = option(
        Number(0, 1_000_000), 5e-5, "Weight of the mean square of the states in the loss.", only=REACHING
    )
    reach_tolerance: float = option(
        Number(0), 5.0, "Centimetres from its goal up to which a reach ends rightly.", only=REACHING
    )
    env: str = option(
        Value(), "PerceptualDecisionMaking-v0", "Name of a registered environment of neurogym.", only=NEUROGYM
    )
    env_params: str = option(
        Value(), "{}", 'What the environment takes, as JSON: {"dt": 50, "cohs": [6.4, 25.6]}.', only=NEUROGYM
    )
    env_period: str = option(
        Value(), "decision", "Period of the environment's trials that is scored; or all.", only=NEUROGYM
    )
    rescale: bool = option(Boolean(), True, "Bring every image to [0, 1].", only=PICTURES)
    images: str = option(
        Value(),
        "",
        "File of latents (.npz, .pt), or folder of MNIST's idx files; empty = a synthetic stand-in.",
        only=PICTURES,
    )
