"""What networks are measured by, and how they are trained: spectra, training, what it begins with."""

from dataclasses import dataclass

from randomnet.conditions import (
    AUTO,
    BY_NETWORK,
    CONTINUED,
    DRAWN,
    FACTORS_TRAINED,
    FLAT,
    LOW_RANK,
    OF_EXPONENTS,
    OF_TRIALS,
    OPEN_LOOP,
    PLATEAU,
    SPECTRUM,
    STARTED,
    TARGETED,
    TASKED,
    UNTASKED,
    WEIGHTS_TRAINED,
)
from randomnet.settings.interval import Interval
from randomnet.settings.option import Section, option
from randomnet.settings.values import Boolean, Choice, CountOrShare, Integer, Number, Ordinals, Share, Sum
from randomnet.values.network import Counts, Target


@dataclass(frozen=True)
class LyapunovSection(Section):
    """[lyapunov] The spectrum; times in units of tau, exponents per tau, natural logarithm."""

    nle: int | Share = option(
        CountOrShare(),
        Share(10.0),
        "How many leading exponents are computed, or seen by the loss.",
        only=SPECTRUM,
    )
    tsim: float | str = option(
        Number(0, above=True, words=("auto",)),
        200.0,
        "Time over which exponents are averaged; auto = until their standard errors are at most `tolerance`.",
        only=SPECTRUM,
    )
    tolerance: float = option(Number(0, above=True), 0.01, "Standard error that tsim = auto aims at.", only=AUTO)
    tsim_max: float = option(
        Number(0, above=True), 10_000.0, "Time after which tsim = auto gives up, and says so.", only=AUTO
    )
    initial_states: int = option(
        Integer(1, 1000),
        5,
        "Initial states, each with its own frame, of one network; what is reported is their mean, the spread between "
        "them and the error within one trajectory.",
        aliases=("starts",),
        neutral=1,
    )
    tons: float | str = option(
        Number(0, above=True, words=("adaptive",)),
        0.2,
        "Time between reorthonormalisations (QR); the default becomes the nearest whole number of steps of model.dt.",
        only=SPECTRUM,
        defaults={"task": 1.0},
    )
    driven: bool = option(
        Boolean(),
        True,
        "With a task: along its trials, or of the network left to itself, with no input but its biases.",
        only=TASKED,
    )
    spectrum_every: int = option(
        Integer(0),
        0,
        "Epochs of a task between records of the leading exponents along its validation trials, the untrained and the "
        "last network included; 0 = none.",
        only=TASKED,
    )
    tsim_first: float | str = option(
        Number(0, above=True, words=("tsim",)),
        "tsim",
        "Time averaged in the first epochs of a training, which is doubled, up to tsim, each time the loss stops "
        "falling; what is reported at the end is always over tsim.",
        only=UNTASKED,
    )
    tsim_measured: float = option(
        Number(0),
        100.0,
        "Length, at least, of the record of spectra before and after training and of loss_measured. It begins where "
        "the window ends that is trained on. 0 = spectra of that window, and no loss_measured.",
        only=UNTASKED,
        identity=False,
    )
    truncate_gradient: float = option(
        Number(0),
        0.0,
        "Time after which the gradient of the exponents is cut: state and frame pass none to the time before. Inside "
        "chaos 1 or less trains where the whole gradient does not (docs/training.md); 0 = never.",
        only=OF_EXPONENTS,
        neutral=0.0,
    )
    warm_start: bool = option(
        Boolean(),
        False,
        "Every epoch goes on from the state and frame that the last one ended with, without transients.",
        only=UNTASKED,
    )
    transient: float = option(Number(0), 10.0, "Time the state settles before the frame starts.", only=SPECTRUM)
    frame_transient: float = option(Number(0), 10.0, "Time the frame settles before averaging.", only=SPECTRUM)
    target: float | tuple[float, float] | str = option(
        Target(),
        0.0,
        "What the exponents are trained to: one value, a curve spread over them, or a file of N values.",
        only=TARGETED,
    )


@dataclass(frozen=True)
class TrainValidateSection(Section):
    """[trainvalidate] The training."""

    loss: str = option(
        Sum(Choice(("l2", "mse", "sinai", "task"), {"l2norm": "l2", "entropy": "sinai"})),
        "mse",
        "l2: norm of (exponents - target); mse: mean square of it; sinai: the sum of positive exponents, maximised; "
        "task: that of the task, to which one of the others may be added.",
        defaults={"task": "task"},
    )
    optimizer: str = option(
        Choice(("Adam", "RMSprop", "SGD", "AdamW")), "Adam", "PyTorch's, with its defaults.",
    )  # fmt: skip
    lr: float = option(Number(0, above=True), 0.01, "Learning rate.")
    lr_decay: float = option(
        Number(0, 1, above=True), 1.0, "The learning rate of epoch e = 1, 2, ... is lr times lr_decay^(e - 1)."
    )
    epochs: int = option(
        Integer(1, 10_000_000),
        10,
        "Times that all parameters learn from all trials; without trials, updates. Row e of history.csv is the network "
        "after e of them, row 0 the untrained one. With trials, train_loss between the first and the last row is the "
        "mean over the batches of the epoch, while the network changes.",
    )  # fmt: skip
    iterations: int = option(
        Integer(1, 100_000),
        1,
        "Repeats of every combo, each with its own seed.",
        aliases=("n_samples",),
        identity=False,
    )
    train_weights: bool = option(
        Boolean(),
        False,
        "Train the weights of the edges that exist.",
        only=BY_NETWORK,
        defaults={"task": True},
    )
    train_gains: bool = option(Boolean(), True, "Train one gain per group.", only=BY_NETWORK, defaults={"task": False})
    train_shifts: bool = option(
        Boolean(), True, "Train one shift per group.", only=BY_NETWORK, defaults={"task": False}
    )
    train_factors: bool = option(Boolean(), True, "Train the factors of low rank, m and n.", only=LOW_RANK)
    freeze_factors: tuple[int, ...] | str = option(
        Ordinals(),
        "none",
        "Which of the K factors are not trained after all, such as those that an earlier task has trained.",
        only=FACTORS_TRAINED,
    )
    freeze_layer: bool = option(
        Boolean(), False, "The weights of the edges are not trained after all.", only=BY_NETWORK
    )
    init: str = option(
        Choice(("connectome", "default", "xavier", "he")),
        "connectome",
        "Initial weights: the connectome's; or drawn for its edges as torch.nn.RNN (default), Glorot or He do.",
        only=BY_NETWORK,
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
        only=BY_NETWORK,
    )
    weight_bounds: tuple[float, float] | str = option(
        Interval(),
        "none",
        "low:high of |w| of the weights that are trained, kept after every update (a weight at a bound can leave it "
        "inwards); those that begin outside are clipped, and counted as weights_clipped.",
        only=WEIGHTS_TRAINED,
    )
    weight_decay: float = option(
        Number(0), 0.0, "Weight decay: of AdamW decoupled, of the others a part of the gradient.",
    )  # fmt: skip
    eps: float = option(Number(0, above=True), 1e-8, "What the optimizer adds to its roots.")
    plateau_factor: float = option(
        Number(0, 1, above=True),
        1.0,
        "The learning rate is multiplied by it each time the validation loss has not fallen for more than "
        "plateau_patience epochs; 1 = never.",
    )
    plateau_patience: int = option(Integer(0), 6, "Epochs that are waited for a lower loss.", only=PLATEAU)
    plateau_lr: float = option(Number(0), 1e-5, "The learning rate is lowered to this at most.", only=PLATEAU)
    clip_norm: float = option(
        Number(0, above=True), 2000.0, "Each parameter's gradient (of kind = fit that of all) is clipped to this norm.",
    )  # fmt: skip
    early_stopping: int = option(
        Integer(0), 0, "Stop after this many epochs without a better loss; 0 = never.",
    )  # fmt: skip
    stop_below: float = option(
        Number(), 0.0, "Stop once the loss, in validation where there is one, is below this; 0 = never."
    )
    flat_window: int = option(
        Integer(0),
        0,
        "Stop once the losses of so many epochs, in validation where there is one, differ by less than flat_tolerance; "
        "0 = never.",
    )
    flat_tolerance: float = option(
        Number(0, above=True), 0.001, "Difference below which losses count as flat.", only=FLAT
    )
    batch_size: int = option(Integer(1), 128, "Trials per update.", only=OF_TRIALS)
    state_noise: float = option(
        Number(0),
        0.0,
        "sigma of the noise of the state while training, not in validation: sigma sqrt(2/a) N(0, 1), a = dt / tau, at "
        "every step and trial, beside the drive of each neuron; of cells sigma N(0, 1), added to each state after the "
        "readout.",
        only=TASKED,
    )
    truncate: int = option(
        Integer(0),
        0,
        "Back-propagation through time is cut before every so many-th step of a trial: the state passes no gradient to "
        "the steps before; 0 = never.",
        only=OPEN_LOOP,
    )
    segment: int = option(
        Integer(0),
        0,
        "Steps of a trial that are kept in memory at a time; each such segment is gone through again for the gradient, "
        "which stays the same; 0 = all.",
        only=OPEN_LOOP,
    )
    store_every_epoch: int = option(
        Integer(0),
        10,
        "Epochs between stored models, model_state_dict_epoch_K_iter_I.pth after K + 1 epochs (bio_rnn_mem counts from "
        "0); 0 = none.",
        only=TASKED,
        identity=False,
    )
    precision: str = option(
        Choice(("float32", "float64")),
        "float32",
        "Of the training or simulation; reported spectra are always float64.",
    )


@dataclass(frozen=True)
class PretrainedParamsSection(Section):
    """[pretrainedparams] Which network of the folder in paths.pretrained a run starts from."""

    pretrained_combo: int | str = option(
        Integer(0, words=("same",)),
        "same",
        "Which combo of it; same: the one that has this run's values of all options that its grid varies.",
        only=STARTED,
        neutral="same",
    )
    pretrained_epoch: int | str = option(
        Integer(0, words=("last",)),
        "last",
        "After how many epochs of training: last, or 0 = the untrained network; of a task also e, from its file "
        "model_state_dict_epoch_<e - 1>_iter_<i>.pth. These count from 0 as in bio_rnn_mem: 0 is after one epoch.",
        only=STARTED,
        neutral="last",
    )
    pretrained_iteration: int | str = option(
        Integer(0, words=("same",)),
        "same",
        "Which iteration of it; same: the run's own; a number: that one for all iterations.",
        only=STARTED,
        neutral="same",
    )
    keep_readout: bool = option(
        Boolean(), False, "Keep its readout, too: for a task of as many outputs that mean the same.", only=CONTINUED
    )
