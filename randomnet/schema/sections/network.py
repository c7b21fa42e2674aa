"""The network: its connectome and its dynamics."""

from dataclasses import dataclass

from randomnet.activations import ACTIVATIONS
from randomnet.conditions import (
    AT_A_PATH,
    BY_CELLS,
    BY_CHOICE,
    BY_DENSITY,
    BY_NAME,
    BY_NETWORK,
    JOINED,
    LOW_RANK,
    MADE,
    MEASURED_ONLY,
    OF_NODES,
    OVERLAPPING,
    RANDOM_ONLY,
    SINKHORN_ONLY,
    SOURCED,
)
from randomnet.connectome import SCALINGS
from randomnet.formats import FORMATS, SIGN_POLICIES
from randomnet.nulls import NULLS
from randomnet.settings.option import Section, option
from randomnet.settings.steps import Steps
from randomnet.settings.values import Boolean, Choice, Integer, Listed, Named, Number, Several, Value
from randomnet.values.network import Neurons

BUILT_IN_ROIS = ("AB", "EB", "PB", "NO", "ATL")
TRAINED = ("weights", "gains", "shifts")
@dataclass(frozen=True)
class NetSection(Section):
    """[net] The connectome."""

    where = BY_NETWORK

    roi: str = option(
        Value(),
        "EB",
        f"Brain region: {', '.join(BUILT_IN_ROIS)} (built-in, synthetic), one in path_to_network (also a list, or all, "
        "of hemibrain, neuPrint and FlyWire), or random.",
        aliases=("net_name",),
        only=BY_NAME,
    )
    source: str = option(
        Choice(("auto", *FORMATS, *MADE)),
        "auto",
        "Format of what is at path_to_network; auto recognises it by its content. neuprint alone asks a server: "
        "path_to_network is server/dataset, such as neuprint.janelia.org/hemibrain:v1.2.1. populations, regions: "
        "described in the sections of these names, and made anew in every iteration.",
        only=SOURCED,
    )
    sign_policy: str = option(
        Choice(tuple(SIGN_POLICIES)),
        "auto",
        "Signs from transmitters: shiu (GABA, Glu -1, others +1), strict (ACh +1, GABA, Glu -1, others lost), expected "
        "(by probability), ei, none; auto = shiu where transmitters are known, or as the file has them.",
        only=MEASURED_ONLY,
    )
    min_synapses: int = option(
        Integer(0), 0, "Pairs of neurons with fewer synapses in all are no connection.", only=MEASURED_ONLY
    )
    largest_component: str = option(
        Choice(("none", "strong", "weak")),
        "none",
        "Keep only the largest strongly or weakly connected component.",
        only=MEASURED_ONLY,
    )
    drop_autapses: bool = option(Boolean(), True, "Drop connections of neurons with themselves.", only=MEASURED_ONLY)
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
    parameter: str = option(
        Several(TRAINED),
        "weights",
        "What g scales: weights as above, gains and shifts as N(1, g^2/N) each; what is not named is as with g = 1.",
    )
    normalization: str = option(
        Steps(tuple(SCALINGS), alone=("auto", "none")),
        "auto",
        "sinkhorn: E and I inputs of each neuron sum to 0.5 each, and outputs alike; balanced: the inputs alone; "
        "input_fraction: all its inputs to 1; in_degree: mean square 1 / in-degree; log1p: ln(1 + count); "
        "spectral_radius: largest |eigenvalue| 1; abscissa: largest real part of an eigenvalue 1; frobenius: mean "
        "square 1/N over all pairs, as random weights at g = 1 have; none: as they are; auto: sinkhorn for counts of "
        "neurons with one sign each, else none. A chain such as sinkhorn + abscissa applies each to the result of the "
        "one before. Null models are normalized anew.",
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
        defaults={"task": False},
    )
    regions_from: str = option(
        Value(),
        "",
        "Kind of label, such as neuropil, type or cell_fibers, that says which region each neuron is of; empty = as "
        "the connectome itself says.",
        only=AT_A_PATH,
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
        "Break a weight between regions at random into those of its edges (stick-breaking, as bio2art), or equally.",
        only=MEASURED_ONLY,
    )
    keep_diag: bool = option(Boolean(), False, "Neurons of a region may connect to themselves.", only=MEASURED_ONLY)
    null: str = option(
        Choice(("none", *NULLS)),
        "none",
        "Null model in place of the connectome, which is then normalized as that is; the table in "
        "docs/nulls.md tells what each keeps.",
        only=BY_CHOICE,
    )
    random_w: bool = option(
        Boolean(),
        False,
        "bio_rnn_mem's spelling of null = random_w: all weights, zeros included, permuted off the diagonal.",
        only=BY_CHOICE,
    )
    paired_topology: bool = option(
        Boolean(),
        True,
        "Draw a region matrix's neurons and the null anew in every iteration; False = once, from the seed.",
        only=BY_CHOICE,
    )
    rank: int = option(
        Integer(0, 10_000),
        0,
        "K factors of low rank beside the weights W: J = W + sum_k m_k n_k^T / N, with output patterns m and selection "
        "vectors n; 0 = none.",
    )
    factor_sd: float = option(
        Number(0),
        1.0,
        "m starts as N(0, factor_sd^2), and so does the part of n that is n's own.",
        only=LOW_RANK,
    )
    factor_overlap: float = option(
        Number(),
        0.0,
        "n starts as factor_overlap times m, and a part of its own.",
        only=LOW_RANK,
    )
    factor_mean: Listed = option(
        Named(none=True),
        Listed(),
        "Means over units that are not 0 of what factors start as, such as m1: 0.5, n2: -1.",
        only=LOW_RANK,
    )
    factor_cov: Listed = option(
        Named(none=True),
        Listed(),
        "Variances and covariances of what factors start as (NeuroTorch's LR_COV), m1 m1: 2, m1 n1: 0.8, "
        "m1 m2: 1; those not named are as factor_sd and factor_overlap have them: m m: sd^2, m n: overlap sd^2, n n: "
        "(1 + overlap^2) sd^2, others 0.",
        only=LOW_RANK,
    )
    factor_on: str = option(
        Choice(("all", "edges")),
        "all",
        "Which pairs of units the factors connect: all; or the network's edges alone, to whose weights they add, where "
        "with dales_law an edge whose sum has the other sign is 0.",
        only=LOW_RANK,
    )
    factor_support: str = option(
        Value(),
        "",
        "Which units the factors read and write, as stimulation.units says it; empty = all. The entries of the others "
        "are, and stay, 0.",
        only=LOW_RANK,
    )
    background: bool = option(
        Boolean(),
        True,
        "The connectome's weights beside the factors; False: J is the factors alone.",
        only=LOW_RANK,
    )
    readout: str = option(
        Choice(("linear", "overlap")),
        "linear",
        "What a task's outputs are: sums of all rates with weights of their own; or the overlaps n_k . r / N with the "
        "selection vectors of the first factors, one for each output.",
        only=JOINED,
    )
    readout_gain: float | str = option(
        Number(0, above=True, words=("learnt",)),
        1.0,
        "What an overlap is multiplied by; learnt: one gain for each output, trained from 1 on.",
        only=OVERLAPPING,
    )


@dataclass(frozen=True)
class ModelSection(Section):
    """[model] The dynamics."""

    architecture: str = option(
        Choice(("network", "gru", "rnn", "linear", "node")),
        "network",
        "What is trained on a task: the network of [net]; or cells that no connectome constrains, with a linear "
        "readout and a learnt initial state: gru, rnn (tanh), linear, node (h + .1 MLP([h, x])).",
    )
    states: int = option(Integer(1, 10_000), 64, "Size of the state of cells.", only=BY_CELLS)
    hidden_layers: int = option(Integer(1, 100), 2, "Layers of the MLP.", only=OF_NODES)
    hidden_units: int = option(Integer(1, 10_000), 128, "Units of each.", only=OF_NODES)
    activation: str = option(
        Choice(tuple(ACTIVATIONS), {alias: name for name, row in ACTIVATIONS.items() for alias in row.aliases}),
        "tanh_positive",
        "Nonlinearity phi(gain (x - shift)); tanh is the one without gain and shift.",
        aliases=("nonlinearity",),
        defaults={"task": "tanh"},
        only=BY_NETWORK,
    )
    dt: float = option(
        Number(0, 1, above=True),
        0.1,
        "Euler step in units of tau; 1 is the discrete map (an Elman network).",
        defaults={"task": 1.0},
        only=BY_NETWORK,
    )
    tau: Listed | float = option(
        Named(low=0, above=True, one=True),
        1.0,
        "Time constant of all neurons, or of each region (or population) by name, in units of the reference tau in "
        "which all times are: a = dt / tau. At least dt; neurons without a region have 1.",
        only=BY_NETWORK,
    )
    integrator: str = option(
        Choice(("euler", "rk4")),
        "euler",
        "euler: one evaluation a step (FlyStability's; the discrete map at dt = 1); rk4: Runge-Kutta's four, close to "
        "the flow.",
        only=BY_NETWORK,
    )
    form: str = option(
        Choice(("current", "rate")),
        "current",
        "current: h <- (1-a) h + a J phi(h); rate: r <- (1-a) r + a phi(J r), with a = dt / tau.",
        defaults={"task": "rate"},
        only=BY_NETWORK,
    )
    groups: str = option(
        Choice(
            (
                "neuron",
                "neurotransmitter",
                "cell_fibers",
                "type",
                "class",
                "super_class",
                "region",
                "parent",
                "population",
            ),
            {
                "cell_fibres": "cell_fibers",
                "cell_fiber": "cell_fibers",
                "neurons": "neuron",
                "cell_type": "type",
            },
        ),
        "neuron",
        "Which neurons share one gain and one shift: those of one such label, where the connectome has it.",
        aliases=("subpopulation",),
        only=BY_NETWORK,
    )
