"""Spectra, training, and the networks that training starts from."""

from dataclasses import dataclass

from randomnet.conditions import (
    AUTO,
    BY_NETWORK,
    CELLS_OPEN_LOOP,
    CONTINUED,
    DRAWN,
    DRIVABLE,
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
from randomnet.losses import LOSSES
from randomnet.settings.interval import Interval
from randomnet.settings.option import Section, option
from randomnet.settings.values import Boolean, Choice, CountOrShare, Integer, Number, Ordinals, Share, Sum
from randomnet.values.network import Counts, Patience, Target


@dataclass(frozen=True)
class LyapunovSection(Section):
    """[lyapunov] The spectrum; times in units of tau, exponents per tau, natural logarithm."""

    nle: int | Share = option(
        CountOrShare(),
        Share(10.0),
        "Number of leading exponents that are computed, or that the loss uses.",
        only=SPECTRUM,
    )
    tsim: float | str = option(
        Number(0, above=True, words=("auto",)),
        200.0,
        "Averaging time of the exponents. auto: until their standard errors are at most `tolerance`.",
        only=SPECTRUM,
    )
    tolerance: float = option(Number(0, above=True), 0.01, "Standard error at which tsim = auto stops.", only=AUTO)
    tsim_max: float = option(
        Number(0, above=True),
        10_000.0,
        "Longest averaging time of tsim = auto. A spectrum that has not reached its tolerance by then is reported "
        "as such.",
        only=AUTO,
    )
    initial_states: int = option(
        Integer(1, 1000),
        5,
        "Number of initial states of each network. Reported are the mean over them, their spread, and the error "
        "within one trajectory.",
        aliases=("starts",),
        neutral=1,
    )
    vectors: int = option(
        Integer(0, 1000),
        0,
        "Number of leading covariant Lyapunov vectors that are computed after the spectrum, at most nle: which "
        "neurons carry each exponent (docs/vectors.md). 0 = none.",
        neutral=0,
    )
    tons: float | str = option(
        Number(0, above=True, words=("adaptive",)),
        0.2,
        "Time between reorthonormalizations (QR). The default becomes the nearest whole number of steps of model.dt.",
        only=SPECTRUM,
        defaults={"task": 1.0},
    )
    driven: bool = option(
        Boolean(),
        True,
        "With a task. True: spectrum along its trials. False: spectrum of the undriven network, with no input but "
        "its biases.",
        only=DRIVABLE,
    )
    spectrum_every: int = option(
        Integer(0),
        0,
        "Epochs between spectra along the validation trials of a task, with the untrained and the last network; 0 = "
        "none.",
        only=TASKED,
    )
    tsim_first: float | str = option(
        Number(0, above=True, words=("tsim",)),
        "tsim",
        "Averaging time in the first epochs. It is doubled, up to tsim, each time the loss stops falling. The final "
        "spectrum always uses tsim.",
        only=UNTASKED,
    )
    tsim_measured: float = option(
        Number(0),
        100.0,
        "Minimum length of the record for spectra before and after training, and for loss_measured. It starts after "
        "the window that is trained on. 0 = spectra of that window, without loss_measured.",
        only=UNTASKED,
        identity=False,
    )
    nle_measured: int | Share = option(
        CountOrShare(),
        Share(100.0),
        "Number of leading exponents in the spectra before and after training, at least nle. All of them take longer "
        "than many epochs. Networks of more than 2000 neurons: nle.",
        only=UNTASKED,
        grid=False,
        neutral=Share(100.0),
    )
    truncate_gradient: float = option(
        Number(0),
        0.0,
        "Time after which the gradient of the exponents is cut, so that none reaches earlier states and frames. In "
        "chaotic networks, 1 or less trains where the full gradient does not (docs/training.md). 0 = never.",
        only=OF_EXPONENTS,
        neutral=0.0,
    )
    warm_start: bool = option(
        Boolean(),
        False,
        "Every epoch starts from the last state and frame of the one before, without transients.",
        only=UNTASKED,
    )
    transient: float = option(Number(0), 10.0, "Time for the state to settle before the frame starts.", only=SPECTRUM)
    frame_transient: float = option(Number(0), 10.0, "Time for the frame to settle before averaging.", only=SPECTRUM)
    target: float | tuple[float, float] | str = option(
        Target(),
        0.0,
        "Target of the exponents: one value, a curve over all exponents (first:last), or a file of N values.",
        only=TARGETED,
        sizes=False,
    )


@dataclass(frozen=True)
class TrainValidateSection(Section):
    """[trainvalidate] The training."""

    loss: str = option(
        Sum(Choice((*LOSSES, "task"), {alias: name for name, row in LOSSES.items() for alias in row.aliases})),
        "mse",
        " ".join(f"{name}: {row.sentence}." for name, row in LOSSES.items())
        + " task: the loss of the task; one of the others may be added.",
        defaults={"task": "task"},
    )
    optimizer: str = option(
        Choice(("Adam", "RMSprop", "SGD", "AdamW")),
        "Adam",
        "Optimizer of torch.optim of that name. With kind = train all its constants are PyTorch's defaults, so "
        "AdamW decays weights by 0.01.",
        sizes=False,
    )
    lr: float = option(
        Number(0, above=True),
        0.01,
        "Learning rate. 0.01 is FlyStability's, and PyTorch's for RMSprop; PyTorch has 0.001 for the others.",
        sizes=False,
    )
    lr_decay: float = option(
        Number(0, 1, above=True),
        1.0,
        "The learning rate of epoch e = 1, 2, ... is lr * lr_decay^(e - 1).",
        sizes=False,
    )
    epochs: int = option(
        Integer(1, 10_000_000),
        10,
        "Number of passes over all training trials; without trials, number of updates. Row e of history.csv is the "
        "network after e epochs, row 0 the untrained one. With trials, train_loss of rows between is the mean over "
        "the batches of that epoch, while the network changes.",
    )
    iterations: int = option(
        Integer(1, 100_000),
        1,
        "Repeats of every combo, each with its own random numbers.",
        aliases=("n_samples",),
        identity=False,
    )
    train_weights: bool = option(
        Boolean(),
        False,
        "Train the weights of existing edges.",
        only=BY_NETWORK,
        defaults={"task": True},
    )
    train_gains: bool = option(Boolean(), True, "Train one gain per group.", only=BY_NETWORK, defaults={"task": False})
    train_shifts: bool = option(
        Boolean(), True, "Train one shift per group.", only=BY_NETWORK, defaults={"task": False}
    )
    train_factors: bool = option(Boolean(), True, "Train the low-rank factors m and n.", only=LOW_RANK)
    freeze_factors: tuple[int, ...] | str = option(
        Ordinals(),
        "none",
        "Numbers of factors that are not trained, such as those of an earlier task.",
        only=FACTORS_TRAINED,
    )
    freeze_layer: bool = option(
        Boolean(), False, "Do not train the weights of edges, whatever train_weights says.", only=BY_NETWORK
    )
    init: str = option(
        Choice(("connectome", "default", "xavier", "he")),
        "connectome",
        "Initial weights. connectome: its weights. default, xavier, he: drawn for its edges as torch.nn.RNN, Glorot "
        "and He do.",
        only=BY_NETWORK,
        defaults={"task": "default"},
        sizes=False,
    )
    remap_w: bool = option(
        Boolean(),
        True,
        "Assign the drawn weights to edges in the rank order of the connectome's weights.",
        only=DRAWN,
        sizes=False,
    )
    number_param: str | int | tuple[int, int, int] = option(
        Counts(),
        "all",
        "Number of entries that are trained, chosen at random. One number: of each trained parameter. Three "
        "numbers: of weights, gains, shifts.",
        only=BY_NETWORK,
    )
    weight_bounds: tuple[float, float] | str = option(
        Interval(),
        "none",
        "low:high, bounds of |w| of trained weights after every update. Initial weights outside are clipped and "
        "counted as weights_clipped. A weight at a bound can move back inside.",
        only=WEIGHTS_TRAINED,
        sizes=False,
    )
    weight_decay: float | str = option(
        Number(0, words=("auto",)),
        "auto",
        "Weight decay: decoupled with AdamW, otherwise part of the gradient. auto: PyTorch's default, 0.01 with AdamW, "
        "else 0. With kind = fit it is 0 also with AdamW; lfads has that of its authors.",
        neutral="auto",
        sizes=False,
    )
    latent_l2: float = option(
        Number(0),
        0.0,
        "Weight in the loss of the mean square of the states, over all trials, steps and units. The "
        "Computation-Thru-Dynamics Benchmark has 1e-6 in some models. Recorded losses leave it out.",
        only=OPEN_LOOP,
        neutral=0.0,
        sizes=False,
    )
    eps: float = option(
        Number(0, above=True),
        1e-8,
        "Constant that the optimizer adds to the denominator. It is PyTorch's; lfads has that of its authors.",
        sizes=False,
    )
    plateau_factor: float = option(
        Number(0, 1, above=True),
        1.0,
        "Factor of the learning rate each time the validation loss has not fallen for more than plateau_patience "
        "epochs. 1 = never, as without a scheduler; PyTorch's ReduceLROnPlateau has 0.1.",
        sizes=False,
    )
    plateau_patience: int = option(
        Integer(0),
        6,
        "Epochs without improvement before the learning rate is reduced. The default is that of LFADS; PyTorch's "
        "ReduceLROnPlateau has 10.",
        only=PLATEAU,
        sizes=False,
    )
    plateau_lr: float = option(
        Number(0),
        1e-5,
        "Lower bound of the reduced learning rate. The default is that of LFADS; PyTorch's ReduceLROnPlateau has 0.",
        only=PLATEAU,
        sizes=False,
    )
    clip_norm: float = option(
        Number(0, above=True),
        2000.0,
        "Maximum norm of each parameter's gradient; with kind = fit, of the gradient of all parameters together.",
        sizes=False,
    )
    early_stopping: int = option(
        Patience(0),
        0,
        "Stop after this many epochs without a lower loss; 0 = never.",
        sizes=False,
    )
    stop_below: float = option(
        Number(),
        0.0,
        "Stop once the loss is below this (in validation where there is one); 0 = never.",
        sizes=False,
    )
    flat_window: int = option(
        Integer(0),
        0,
        "Stop once the losses of this many epochs differ by less than flat_tolerance (in validation where there is "
        "one); 0 = never.",
        sizes=False,
    )
    flat_tolerance: float = option(
        Number(0, above=True),
        0.001,
        "Difference below which losses count as flat.",
        only=FLAT,
        sizes=False,
    )
    batch_size: int = option(Integer(1), 128, "Trials per update.", only=OF_TRIALS)
    state_noise: float = option(
        Number(0),
        0.0,
        "Standard deviation s of state noise in training; validation has none. Every neuron receives s sqrt(2/a) "
        "N(0, 1) beside its input at every step, with a = dt / tau. Cells receive s N(0, 1) on the state after each "
        "readout.",
        only=TASKED,
    )
    initial_noise: float = option(
        Number(0),
        0.0,
        "Standard deviation of noise on the initial state of cells in training; validation has none. The "
        "Computation-Thru-Dynamics Benchmark has 0.05.",
        only=CELLS_OPEN_LOOP,
        neutral=0.0,
    )
    truncate: int = option(
        Integer(0),
        0,
        "Steps after which back-propagation through time is cut: the state passes no gradient to earlier steps; 0 = "
        "never.",
        only=OPEN_LOOP,
    )
    segment: int = option(
        Integer(0),
        0,
        "Steps of a trial that are kept in memory for the gradient; earlier segments are computed again. The "
        "gradient is the same; 0 = all steps.",
        only=OPEN_LOOP,
    )
    store_every_epoch: int = option(
        Integer(0),
        10,
        "Epochs between stored models; 0 = none. model_state_dict_epoch_K_iter_I.pth is the network after K + 1 "
        "epochs, as bio_rnn_mem counts from 0.",
        only=TASKED,
        identity=False,
    )
    precision: str = option(
        Choice(("float32", "float64")),
        "float32",
        "Precision of training or simulation. Reported spectra are always float64.",
    )


@dataclass(frozen=True)
class PretrainedParamsSection(Section):
    """[pretrainedparams] Which network of the folder in paths.pretrained a run starts from."""

    pretrained_combo: int | str = option(
        Integer(0, words=("same",)),
        "same",
        "Combo of the folder. same: the one with this run's values of all options in that folder's grid.",
        only=STARTED,
        neutral="same",
    )
    pretrained_epoch: int | str = option(
        Integer(0, words=("last",)),
        "last",
        "Number of training epochs of the network. last = the last one; 0 = the untrained network. For a task also "
        "e, from model_state_dict_epoch_<e - 1>_iter_<i>.pth, as bio_rnn_mem counts its files from 0.",
        only=STARTED,
        neutral="last",
    )
    pretrained_iteration: int | str = option(
        Integer(0, words=("same",)),
        "same",
        "Iteration of the folder. same: the run's own. A number: that one for all iterations.",
        only=STARTED,
        neutral="same",
    )
    keep_readout: bool = option(
        Boolean(),
        False,
        "Also keep the trained readout, for a task with as many outputs of the same meaning.",
        only=CONTINUED,
    )
