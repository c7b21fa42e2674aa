"""What networks are measured by and trained on: spectra, training, tasks."""

from dataclasses import dataclass

from randomnet.config.option import (
    ALL,
    ANALYSE,
    AUTO,
    DRAWN,
    FLIP_FLOP,
    JUDGED,
    N_BACK,
    PICTURES,
    RECALL,
    SPECTRAL,
    SPECTRUM,
    STIMULATE,
    TARGETED,
    TASKED,
    TEN_PERCENT,
    TRAIN,
    TRAINING,
    UNTASKED,
    option,
)
from randomnet.config.values import Boolean, Choice, CountOrShare, Counts, Integer, Number, Share, Sum, Target, Value


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
    clip_norm: float = option(
        Number(0, above=True), 2000.0, "Each parameter's gradient is clipped to this L2 norm.", kinds=TRAIN
    )
    early_stopping: int = option(
        Integer(0), 0, "Stop after this many epochs without a better loss; 0 = never.", kinds=TRAIN
    )
    batch_size: int = option(Integer(1), 128, "Trials per update.", kinds=TRAINING, only=TASKED)
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
        "Of the training; reported spectra are always float64.",
        kinds=TRAINING,
        defaults=dict.fromkeys((*SPECTRAL, *ANALYSE, *STIMULATE), "float64"),
    )


@dataclass(frozen=True)
class TrialParamsSection:
    """[trialparams] The task; trial_params = {...} (JSON or a Python literal, as in bio_rnn_mem) sets the same keys."""

    task_name: str = option(
        Choice(("none", "seq_mem", "nback_mem", "pic_latent_mem", "pic_mem", "flip_flop")),
        "none",
        "The task; with one, several defaults differ.",
    )
    nr_of_trials: int = option(
        Integer(1, 10_000_000), 500, "Trials: all of seq_mem and flip_flop, of each class of the others.", only=TASKED
    )
    train_size: float = option(
        Number(0, 1, above=True), 0.8, "Share of the trials used for training.", only=TASKED
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
        Number(0, 1000), 0.15, "Standard deviation of the noise on the pulses.", only=FLIP_FLOP
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
