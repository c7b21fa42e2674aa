"""What networks are measured by and trained on: spectra, training, tasks."""

from dataclasses import dataclass

from randomnet.config.interval import Interval
from randomnet.config.option import (
    ALL,
    ANALYSE,
    AUTO,
    CONTINUED,
    DECIDED,
    DELAYED,
    DRAWN,
    FACTORS_TRAINED,
    FLAT,
    FLIP_FLOP,
    JUDGED,
    LOW_RANK,
    N_BACK,
    NOISY_INPUT,
    ODR,
    PICTURES,
    RECALL,
    SIMULATE,
    SPECTRAL,
    SPECTRUM,
    SPLIT,
    STIMULATE,
    TARGETED,
    TASKED,
    TEN_PERCENT,
    TRAIN,
    TRAINING,
    UNTASKED,
    WEIGHTS_TRAINED,
    option,
)
from randomnet.config.values import (
    Boolean,
    Choice,
    CountOrShare,
    Counts,
    Integer,
    Number,
    NumberOrList,
    Ordinals,
    Share,
    Sum,
    Target,
    Value,
)


@dataclass(frozen=True)
class LyapunovSection:
    """[lyapunov] The spectrum; times in units of tau, exponents per tau, natural logarithm."""

    nle: int | Share = option(
        CountOrShare(),
        TEN_PERCENT,
        "How many leading exponents are computed, or seen by the loss.",
        only=SPECTRUM,
        defaults={"spectrum": ALL, "transition": 1},
    )
    tsim: float | str = option(
        Number(0, above=True, words=("auto",)),
        200.0,
        "Time over which exponents are averaged; auto = until their standard errors are at most `tolerance`.",
        only=SPECTRUM,
    )
    tolerance: float = option(
        Number(0, above=True), 0.01, "Standard error that tsim = auto aims at.", kinds=JUDGED, only=AUTO
    )
    tsim_max: float = option(
        Number(0, above=True), 10_000.0, "Time after which tsim = auto gives up, and says so.", kinds=JUDGED, only=AUTO
    )
    initial_states: int = option(
        Integer(1, 1000), 5, "Initial states, each with its own frame, of one network.", kinds=("convergence",)
    )
    tons: float | str = option(
        Number(0, above=True, words=("adaptive",)),
        0.2,
        "Time between reorthonormalisations (QR).",
        only=SPECTRUM,
        defaults={"task": 1.0},
    )
    driven: bool = option(
        Boolean(),
        True,
        "With a task: along its trials, or of the network left to itself, with no input but its biases.",
        kinds=SPECTRAL,
        only=TASKED,
    )
    spectrum_every: int = option(
        Integer(0),
        0,
        "Epochs of a task between records of the leading exponents along its validation trials; 0 = none.",
        kinds=TRAIN,
        only=TASKED,
    )
    tsim_first: float | str = option(
        Number(0, above=True, words=("tsim",)),
        "tsim",
        "Time averaged in the first epochs of a training, which is doubled, up to tsim, each time the loss stops "
        "falling; what is reported at the end is always over tsim.",
        kinds=TRAIN,
        only=UNTASKED,
    )
    warm_start: bool = option(
        Boolean(),
        False,
        "Every epoch goes on from the state and frame that the last one ended with, without transients.",
        kinds=TRAIN,
        only=UNTASKED,
    )
    transient: float = option(Number(0), 10.0, "Time the state settles before the frame starts.", only=SPECTRUM)
    frame_transient: float = option(Number(0), 10.0, "Time the frame settles before averaging.", only=SPECTRUM)
    target: float | tuple[float, float] | str = option(
        Target(),
        0.0,
        "What the exponents are trained to: one value, a curve spread over them, or a file of N values.",
        kinds=TRAIN,
        only=TARGETED,
    )


@dataclass(frozen=True)
class TrainValidateSection:
    """[trainvalidate] The training."""

    loss: str = option(
        Sum(Choice(("l2", "mse", "sinai", "task"), {"l2norm": "l2", "entropy": "sinai"})),
        "mse",
        "l2: norm of (exponents - target); mse: mean square of it; sinai: the sum of positive exponents, maximised; "
        "task: that of the task, to which one of the others may be added.",
        kinds=TRAIN,
        defaults={"task": "task"},
    )
    optimizer: str = option(
        Choice(("Adam", "RMSprop", "SGD", "AdamW")), "Adam", "PyTorch's, with its defaults.", kinds=TRAINING
    )
    lr: float = option(Number(0, above=True), 0.01, "Learning rate.", kinds=TRAINING)
    lr_decay: float = option(
        Number(0, 1, above=True), 1.0, "The learning rate of epoch e = 0, 1, ... is lr times lr_decay^e.", kinds=TRAIN
    )
    epochs: int = option(Integer(1, 10_000_000), 10, "Updates of the parameters.", kinds=TRAIN)
    iterations: int = option(
        Integer(1, 100_000),
        1,
        "Repeats of every combo, each with its own seed.",
        aliases=("n_samples",),
        identity=False,
    )
    train_weights: bool = option(
        Boolean(), False, "Train the weights of the edges that exist.", kinds=TRAINING, defaults={"task": True}
    )
    train_gains: bool = option(
        Boolean(), True, "Train one gain per group.", kinds=TRAINING, defaults={"task": False}
    )
    train_shifts: bool = option(
        Boolean(), True, "Train one shift per group.", kinds=TRAINING, defaults={"task": False}
    )
    train_factors: bool = option(
        Boolean(), True, "Train the factors of low rank, m and n.", kinds=TRAIN, only=LOW_RANK
    )
    freeze_factors: tuple[int, ...] | str = option(
        Ordinals(),
        "none",
        "Which of the K factors are not trained after all, such as those that an earlier task has trained.",
        kinds=TRAIN,
        only=FACTORS_TRAINED,
    )
    freeze_layer: bool = option(Boolean(), False, "The weights of the edges are not trained after all.", kinds=TRAIN)
    init: str = option(
        Choice(("connectome", "default", "xavier", "he")),
        "connectome",
        "Initial weights: the connectome's; or drawn for its edges as torch.nn.RNN (default), Glorot or He do.",
        defaults={"task": "default"},
    )
    remap_w: bool = option(
        Boolean(),
        True,
        "Give the drawn weights the rank order of the connectome's.",
        only=DRAWN,
    )
    number_param: str | int | tuple[int, int, int] = option(
        Counts(),
        "all",
        "How many entries may move, chosen by seed: of each trained parameter, or of weights, gains, shifts.",
        kinds=TRAIN,
    )
    weight_bounds: tuple[float, float] | str = option(
        Interval(),
        "none",
        "low:high of |w| of the weights that are trained, kept after every update (a weight at a bound can leave it "
        "inwards); those that begin outside are clipped, and counted as weights_clipped.",
        kinds=TRAIN,
        only=WEIGHTS_TRAINED,
    )
    clip_norm: float = option(
        Number(0, above=True), 2000.0, "Each parameter's gradient is clipped to this L2 norm.", kinds=TRAIN
    )
    early_stopping: int = option(
        Integer(0), 0, "Stop after this many epochs without a better loss; 0 = never.", kinds=TRAIN
    )
    stop_below: float = option(
        Number(), 0.0, "Stop once the loss, in validation where there is one, is below this; 0 = never.", kinds=TRAIN
    )
    flat_window: int = option(
        Integer(0),
        0,
        "Stop once the losses of so many epochs, in validation where there is one, differ by less than flat_tolerance; "
        "0 = never.",
        kinds=TRAIN,
    )
    flat_tolerance: float = option(
        Number(0, above=True), 0.001, "Difference below which losses count as flat.", kinds=TRAIN, only=FLAT
    )
    batch_size: int = option(Integer(1), 128, "Trials per update.", kinds=TRAINING, only=TASKED)
    noise: float = option(
        Number(0),
        0.0,
        "sigma of the noise of the state while training, not in validation: sigma sqrt(2/a) N(0, 1), a = dt / tau, at "
        "every step and trial, beside the drive of each neuron.",
        kinds=TRAIN,
        only=TASKED,
    )
    truncate: int = option(
        Integer(0),
        0,
        "Back-propagation through time is cut before every so many-th step of a trial: the state passes no gradient to "
        "the steps before; 0 = never.",
        kinds=TRAIN,
        only=TASKED,
    )
    segment: int = option(
        Integer(0),
        0,
        "Steps of a trial that are kept in memory at a time; each such segment is gone through again for the gradient, "
        "which stays the same; 0 = all.",
        kinds=TRAIN,
        only=TASKED,
    )
    store_every_epoch: int = option(
        Integer(0),
        10,
        "Epochs between stored models (model_state_dict_epoch_E_iter_I.pth); 0 = none.",
        kinds=TRAIN,
        only=TASKED,
        identity=False,
    )
    precision: str = option(
        Choice(("float32", "float64")),
        "float32",
        "Of the training or simulation; reported spectra are always float64.",
        kinds=(*TRAINING, *SIMULATE),
        defaults=dict.fromkeys((*SPECTRAL, *ANALYSE, *STIMULATE), "float64"),
    )


@dataclass(frozen=True)
class TrialParamsSection:
    """[trialparams] The task; trial_params = {...} (JSON or a Python literal, as in bio_rnn_mem) sets the same keys."""

    task_name: str = option(
        Choice(
            ("none", "seq_mem", "nback_mem", "pic_latent_mem", "pic_mem", "flip_flop", "odr", "dpa", "go_nogo", "dual")
        ),
        "none",
        "The task; with one, several defaults differ.",
    )
    nr_of_trials: int = option(
        Integer(1, 10_000_000), 500, "Trials: of each class of the n-back tasks, all of the others.", only=TASKED
    )
    train_size: float = option(
        Number(0, 1, above=True), 0.8, "Share of the trials used for training.", only=SPLIT
    )
    trial_length: int = option(
        Integer(2, 10_000), 5, "Stimuli per trial; the last is the target.", only=N_BACK
    )
    pattern_length: int = option(Integer(1, 10_000), 5, "Values to be recalled.", only=RECALL)
    n_back: int = option(
        Integer(1), 2, "Stimuli from the repeat to the target; below trial_length.", only=N_BACK
    )
    lure_rate: float = option(
        Number(0, 1), 0.0, "Share of the non-matches with a repeat at a wrong lag.", only=N_BACK
    )
    n_bits: int = option(Integer(1, 1000), 3, "Bits to be remembered, each with a channel of pulses.", only=FLIP_FLOP)
    trial_steps: int = option(Integer(6, 10_000), 100, "Steps per trial.", only=FLIP_FLOP)
    switch_prob: float = option(
        Number(0, 0.5), 0.01, "Probability per step and bit of a pulse, of each sign.", only=FLIP_FLOP
    )
    blind_steps: int = option(Integer(0, 10_000), 4, "Steps from a flip on that are not scored.", only=FLIP_FLOP)
    input_noise: float = option(
        Number(0, 1000),
        0.15,
        "Standard deviation of the noise on every step and channel of the input.",
        only=NOISY_INPUT,
    )
    held_out: str = option(
        Value(),
        "none",
        "Conditions that are for validation alone, and all of it: names such as AC go, BD nogo (of odr degrees), or "
        "how many, drawn by seed; none: train_size splits the trials.",
        only=DELAYED,
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
    rescale: bool = option(Boolean(), True, "Bring every image to [0, 1].", only=PICTURES)
    images: str = option(
        Value(),
        "",
        "File of latents (.npz, .pt), or folder of MNIST's idx files; empty = a synthetic stand-in.",
        only=PICTURES,
    )


@dataclass(frozen=True)
class PretrainedParamsSection:
    """[pretrainedparams] Which stored model of paths.pretrained a task starts from."""

    pretrained_epoch: int = option(Integer(0), 0, "Its epoch.", only=TASKED)
    pretrained_iteration: int = option(Integer(0), 0, "Its iteration.", only=TASKED)
    keep_readout: bool = option(
        Boolean(), False, "Keep its readout, too: for a task of as many outputs that mean the same.", only=CONTINUED
    )
