"""The sections of the INI: every option once, with its kind of value, default, conditions and sentence."""

from dataclasses import dataclass

from randomnet.config.option import (
    BUILT_IN_ROIS,
    BY_CHOICE,
    BY_DENSITY,
    DRAWN,
    KINDS,
    MEASURED_ONLY,
    N_BACK,
    PICTURES,
    RANDOM_ONLY,
    RECALL,
    SINKHORN_ONLY,
    SPECTRUM,
    TARGETED,
    TASKED,
    TEN_PERCENT,
    TRAIN,
    option,
)
from randomnet.config.values import (
    Boolean,
    Choice,
    CountOrShare,
    Counts,
    Integer,
    Neurons,
    Number,
    Share,
    Sum,
    Target,
    Value,
)


@dataclass(frozen=True)
class ExperimentSection:
    """[experiment] What is done."""

    kind: str = option(Choice(KINDS), "train", "What every run does.", grid=False)
    name: str = option(Value(), "experiment", "A title for figures and the manifest.", identity=False)
    seed: int = option(
        Integer(0),
        0,
        "The one seed; network, weights, initial state and basis of iteration i follow from (seed, i).",
        grid=False,
    )


@dataclass(frozen=True)
class PathsSection:
    """[paths] Where things are; relative paths start at the folder the command is run in."""

    path_to_network: str = option(
        Value(),
        "",
        "Folder that holds a sub-folder per measured ROI, or region matrices C_<roi>.npy; empty = the built-in ROIs.",
        only=BY_CHOICE,
        identity=False,
        grid=True,
    )
    path_to_results: str = option(Value(), "results", "Folder the results go to; made if missing.", identity=False)
    pretrained: str = option(
        Value(),
        "",
        "Results folder (or one model.pt) of an earlier run whose last trained model each run starts from.",
        kinds=TRAIN,
    )


@dataclass(frozen=True)
class NetSection:
    """[net] The connectome."""

    roi: str = option(
        Value(),
        "EB",
        f"Brain region: {', '.join(BUILT_IN_ROIS)} (built-in, synthetic), one in path_to_network, or random.",
        aliases=("net_name",),
    )
    source: str = option(Choice(("auto",)), "auto", "Where the network comes from; auto recognises it.")
    rows: str = option(
        Choice(("auto", "source", "target")),
        "auto",
        "What a row of the matrix is: the presynaptic (source) or the postsynaptic neuron; auto = as known of "
        "the file, else source.",
        only=MEASURED_ONLY,
    )
    n: int = option(Integer(2, 100_000), 100, "Neurons of a random network.", only=RANDOM_ONLY)
    g: float = option(
        Number(0, above=True),
        1.0,
        "Coupling: random weights are N(0, g^2/N); other networks are multiplied by g after normalization.",
    )
    normalization: str = option(
        Choice(("auto", "sinkhorn", "spectral_radius", "none")),
        "auto",
        "sinkhorn: E and I inputs of each neuron sum to 0.5 each; spectral_radius: largest |eigenvalue| of the initial "
        "weights 1; none: as they are; auto: sinkhorn for signed counts, else none.",
    )
    sinkhorn_iterations: int = option(
        Integer(1), 10, "Sinkhorn sweeps (columns, then rows) at most.", only=SINKHORN_ONLY
    )
    sinkhorn_tolerance: float = option(
        Number(0), 1e-6, "Sinkhorn stops when no column sum is further off than this share.", only=SINKHORN_ONLY
    )
    dales_law: bool | str = option(
        Boolean(words=("auto",)),
        "auto",
        "True: every neuron has one sign and training keeps it; auto: training keeps the sign each edge starts "
        "with; False: trained weights may change sign.",
        task_default=False,
    )
    rnn_size: int = option(
        Integer(0), 0, "Regions of a region matrix, to be checked; 0 = as many as it has.", only=MEASURED_ONLY
    )
    nr_neurons: int | tuple[int, ...] | str = option(
        Neurons(), 1, "Neurons per region of a region matrix; density = from ND_<roi>.npy.", only=MEASURED_ONLY
    )
    density_scaling: str = option(
        Choice(("ratio", "rank")),
        "ratio",
        "Neurons from densities: in proportion to them, or to their rank.",
        only=BY_DENSITY,
    )
    density_neurons: float = option(
        Number(0, above=True), 1.0, "Neurons of the region with the lowest density.", only=BY_DENSITY
    )
    target_sparsity: float = option(
        Number(0, 1, above=True),
        0.8,
        "Share of a target region's neurons that each neuron of a source region projects to.",
        only=MEASURED_ONLY,
    )
    intrinsic: bool = option(Boolean(), True, "Connections within regions of a region matrix.", only=MEASURED_ONLY)
    intrinsic_sparsity: float = option(
        Number(0, 1, above=True), 1.0, "Share of its own region that each neuron projects to.", only=MEASURED_ONLY
    )
    intrinsic_weight: float = option(
        Number(0, 1), 0.8, "Share of a region's outgoing weight that stays within it.", only=MEASURED_ONLY
    )
    rand_partition: bool = option(
        Boolean(),
        True,
        "Split a region's weight at random over its neuron pairs, or equally.",
        only=MEASURED_ONLY,
    )
    keep_diag: bool = option(Boolean(), False, "Neurons of a region may connect to themselves.", only=MEASURED_ONLY)
    random_w: bool = option(
        Boolean(),
        False,
        "The null model of bio_rnn_mem: all weights, zeros included, permuted off the diagonal.",
        only=BY_CHOICE,
    )
    paired_topology: bool = option(
        Boolean(),
        True,
        "Draw a region matrix's neurons and the null anew in every iteration; False = once, from the seed.",
        only=BY_CHOICE,
    )



@dataclass(frozen=True)
class ModelSection:
    """[model] The dynamics."""

    activation: str = option(
        Choice(
            ("tanh", "tanh_stretched", "tanh_positive", "relu", "softplus", "sigmoid", "linear"),
            {
                "std": "tanh",
                "tanh_streched": "tanh_stretched",
                "tanh_strech": "tanh_stretched",
                "strech": "tanh_stretched",
                "streched": "tanh_stretched",
                "stretch": "tanh_stretched",
                "pos": "tanh_positive",
                "tanh_pos": "tanh_positive",
                "identity": "linear",
            },
        ),
        "tanh_positive",
        "Nonlinearity phi(gain (x - shift)); tanh is the one without gain and shift.",
        aliases=("nonlinearity",),
        task_default="tanh",
    )
    dt: float = option(
        Number(0, 1, above=True),
        0.1,
        "Euler step in units of tau; 1 is the discrete map (an Elman network).",
        task_default=1.0,
    )
    form: str = option(
        Choice(("current", "rate")),
        "current",
        "current: h <- (1-dt) h + dt J phi(h); rate: r <- (1-dt) r + dt phi(J r).",
        task_default="rate",
    )
    groups: str = option(
        Choice(
            ("neuron", "neurotransmitter", "cell_fibers"),
            {"cell_fibres": "cell_fibers", "cell_fiber": "cell_fibers", "neurons": "neuron"},
        ),
        "neuron",
        "Which neurons share one gain and one shift.",
        aliases=("subpopulation",),
    )


@dataclass(frozen=True)
class LyapunovSection:
    """[lyapunov] The spectrum; times in units of tau, exponents per tau, natural logarithm."""

    nle: int | Share = option(CountOrShare(), TEN_PERCENT, "How many leading exponents the loss sees.", only=SPECTRUM)
    tsim: float = option(Number(0, above=True), 200.0, "Time over which exponents are averaged.", only=SPECTRUM)
    tons: float | str = option(
        Number(0, above=True, words=("adaptive",)),
        0.2,
        "Time between reorthonormalisations (QR).",
        only=SPECTRUM,
        task_default=1.0,
    )
    spectrum_every: int = option(
        Integer(0),
        0,
        "Epochs of a task between records of the leading exponents along its validation trials; 0 = none.",
        kinds=TRAIN,
        only=TASKED,
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
        task_default="task",
    )
    optimizer: str = option(Choice(("Adam", "RMSprop", "SGD", "AdamW")), "Adam", "PyTorch's, with its defaults.")
    lr: float = option(Number(0, above=True), 0.01, "Learning rate.")
    epochs: int = option(Integer(1, 10_000_000), 10, "Updates of the parameters.", kinds=TRAIN)
    iterations: int = option(
        Integer(1, 100_000),
        1,
        "Repeats of every combo, each with its own seed.",
        aliases=("n_samples",),
        identity=False,
    )
    train_weights: bool = option(Boolean(), False, "Train the weights of the edges that exist.", task_default=True)
    train_gains: bool = option(Boolean(), True, "Train one gain per group.", task_default=False)
    train_shifts: bool = option(Boolean(), True, "Train one shift per group.", task_default=False)
    freeze_layer: bool = option(Boolean(), False, "The weights of the edges are not trained after all.", kinds=TRAIN)
    init: str = option(
        Choice(("connectome", "default", "xavier", "he")),
        "connectome",
        "Initial weights: the connectome's; or drawn for its edges as torch.nn.RNN (default), Glorot or He do.",
        task_default="default",
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
    batch_size: int = option(Integer(1), 128, "Trials per update.", only=TASKED)
    store_every_epoch: int = option(
        Integer(0),
        10,
        "Epochs between stored models (model_state_dict_epoch_E_iter_I.pth); 0 = none.",
        kinds=TRAIN,
        only=TASKED,
        identity=False,
    )
    precision: str = option(
        Choice(("float32", "float64")), "float32", "Of the training; reported spectra are always float64."
    )


@dataclass(frozen=True)
class TrialParamsSection:
    """[trialparams] The task; trial_params = {...} (JSON or a Python literal, as in bio_rnn_mem) sets the same keys."""

    task_name: str = option(
        Choice(("none", "seq_mem", "nback_mem", "pic_latent_mem", "pic_mem")),
        "none",
        "The working-memory task; with one, several defaults differ.",
    )
    nr_of_trials: int = option(
        Integer(1, 10_000_000), 500, "Trials: all of seq_mem, of each class of the others.", only=TASKED
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

    pretrained_epoch: int = option(Integer(0), 0, "Its epoch.", kinds=TRAIN, only=TASKED)
    pretrained_iteration: int = option(Integer(0), 0, "Its iteration.", kinds=TRAIN, only=TASKED)


@dataclass(frozen=True)
class CombosParamsSection:
    """[combosparams] The grid."""

    combos_params: str = option(
        Value(),
        "{}",
        'JSON such as {"lr": [0.1, 0.01], "nle": ["5%", "10%"]}: the cartesian product of these values, of any option, '
        "by its key or as section.key.",
        identity=False,
    )


@dataclass(frozen=True)
class ExecutionSection:
    """[execution] How the runs are carried out; results do not depend on workers or checkpoints."""

    workers: int | str = option(
        Integer(1, 4096, words=("auto",)),
        "auto",
        "Runs at the same time, each a process; auto = cores.",
        identity=False,
    )
    device: str = option(Choice(("auto", "cpu", "cuda")), "auto", "auto = cuda where there is one.")
    threads: int = option(Integer(1, 1024), 1, "Threads per worker.", grid=False)
    checkpoint_every: int = option(
        Integer(1), 10, "Epochs between checkpoints, from which a killed run goes on.", kinds=TRAIN, identity=False
    )
