"""The network: its connectome and its dynamics."""

from dataclasses import dataclass

from randomnet.activations import ACTIVATIONS
from randomnet.conditions import (
    AT_A_PATH,
    BY_CELLS,
    BY_CHOICE,
    BY_DENSITY,
    BY_EQUATION,
    BY_NAME,
    BY_NETWORK,
    JOINED,
    LOW_RANK,
    MADE,
    MEASURED_ONLY,
    OF_NODES,
    OVERLAPPING,
    RANDOM_ONLY,
    SIGNED,
    SINKHORN_ONLY,
    SOURCED,
    WEIGHTED,
)
from randomnet.connectome import SCALINGS
from randomnet.formats import EDGE_ROLES, FORMATS, SIGN_POLICIES, SYNAPSE_TYPES
from randomnet.nulls import EXTENTS, NULLS
from randomnet.settings.option import Section, option
from randomnet.settings.steps import Steps
from randomnet.settings.values import Boolean, Choice, Integer, Listed, Location, Named, Number, Several, Value
from randomnet.values.network import Columns, Label, Neurons, Symmetry

BUILT_IN_ROIS = ("AB", "EB", "PB", "NO", "ATL")
TRAINED = ("weights", "gains", "shifts")


@dataclass(frozen=True)
class NetSection(Section):
    """[net] The connectome."""

    where = BY_NETWORK

    roi: str = option(
        Value(),
        "EB",
        f"Brain region: {', '.join(BUILT_IN_ROIS)} (built-in, synthetic), one in path_to_network, or random. For "
        "hemibrain, neuPrint and FlyWire it may also be a list of regions, or all.",
        aliases=("net_name",),
        only=BY_NAME,
    )
    source: str = option(
        Choice(("auto", *FORMATS, *MADE)),
        "auto",
        "Format of the data at path_to_network. auto recognises it from the content. neuprint queries a server, "
        "with path_to_network = server/dataset, such as neuprint.janelia.org/hemibrain:v1.2.1. populations and "
        "regions are described in their sections; a new network is drawn in every iteration.",
        only=SOURCED,
    )
    sign_policy: str = option(
        Choice(tuple(SIGN_POLICIES)),
        "auto",
        f"Rule for the signs of neurons. {' '.join(f'{name}: {row.sentence}' for name, row in SIGN_POLICIES.items())}",
        only=MEASURED_ONLY,
    )
    min_synapses: int = option(
        Integer(0), 0, "Pairs of neurons with fewer synapses than this are not connected.", only=MEASURED_ONLY
    )
    largest_component: str = option(
        Choice(("none", "strong", "weak")),
        "none",
        "Keep only the largest strongly or weakly connected component.",
        only=MEASURED_ONLY,
    )
    drop_autapses: bool = option(Boolean(), True, "Remove connections of neurons with themselves.", only=MEASURED_ONLY)
    rows: str = option(
        Choice(("auto", "source", "target")),
        "auto",
        "Meaning of a row of the matrix: the presynaptic neuron (source) or the postsynaptic one (target). auto = "
        "as the format defines it, otherwise source.",
        only=MEASURED_ONLY,
    )
    columns: Listed = option(
        Columns(tuple(EDGE_ROLES)),
        Listed(),
        "Columns or attributes of edges by name, such as pre: from, post: to, weight: nr. Needed where their names are "
        f"not among the known spellings (docs/connectomes.md). Roles: {', '.join(EDGE_ROLES)}.",
        only=MEASURED_ONLY,
        neutral=Listed(),
    )
    weight_column: str = option(
        Value(),
        "",
        "Column or attribute of edges that has the weights, where several could. Short for columns = weight: name.",
        only=MEASURED_ONLY,
        neutral="",
    )
    synapse_type: str = option(
        Choice(SYNAPSE_TYPES),
        "chemical",
        "Synapses to use where a file tells their kinds. electrical: gap junctions, which are undirected and have no "
        "sign of transmitters. all: the sum of both.",
        only=MEASURED_ONLY,
        neutral="chemical",
    )
    labels: str = option(
        Location(),
        "",
        "Table of labels of the neurons (type, class, side, neurotransmitter, ...), with one row per neuron or with "
        "their ids. A column of transmitters gives signs by sign_policy.",
        only=MEASURED_ONLY,
        neutral="",
    )
    layer: int | str = option(
        Integer(0, words=("none", "mean")),
        "none",
        "Matrix to use of a stack (N, N, layers), such as one of subjects: its index from 0, or mean.",
        only=MEASURED_ONLY,
        neutral="none",
    )
    variable: str = option(
        Value(),
        "",
        "Sheet of an .xlsx file, or variable of a .mat or .npz file, where it has several.",
        aliases=("sheet",),
        only=MEASURED_ONLY,
        neutral="",
    )
    n: int = option(Integer(2, 100_000), 100, "Number of neurons of a random network.", only=RANDOM_ONLY)
    g: float = option(
        Number(0, above=True),
        1.0,
        "Coupling strength. Random weights are N(0, g^2/N). Weights of other networks are multiplied by g after "
        "normalization.",
        only=WEIGHTED,
        sizes=False,
    )
    symmetry: float = option(
        Symmetry(),
        0.0,
        "Correlation of the weights J_ij and J_ji of a random network, from -1 (antisymmetric) to 1 (symmetric); 0 = "
        "independent. Eigenvalues fill an ellipse with half axes g (1 + symmetry) and g (1 - symmetry).",
        only=RANDOM_ONLY,
        neutral=0.0,
        sizes=False,
    )
    parameter: str = option(
        Several(TRAINED),
        "weights",
        "Parameters that g scales. Gains and shifts are drawn from N(1, g^2/N). Parameters that are not named are "
        "as with g = 1.",
    )
    normalization: str = option(
        Steps(tuple(SCALINGS), alone=("auto", "none"), example="sinkhorn + abscissa"),
        "auto",
        "sinkhorn: excitatory and inhibitory inputs of each neuron sum to 0.5 each, and so do outputs. balanced: "
        "the same of inputs only. input_fraction: all inputs of a neuron sum to 1. in_degree: mean square 1 / "
        "in-degree. log1p: ln(1 + count). spectral_radius: largest |eigenvalue| 1. abscissa: largest real part of "
        "an eigenvalue 1. frobenius: mean square 1/N over all pairs, as random weights have at g = 1. none: "
        "unchanged. auto: sinkhorn for synapse counts of neurons with one sign each, otherwise none. A chain such "
        "as sinkhorn + abscissa applies each to the result of the one before. Null models are normalized in the "
        "same way.",
        only=WEIGHTED,
    )
    sinkhorn_iterations: int = option(
        Integer(1), 10, "Maximum number of Sinkhorn iterations (columns, then rows).", only=SINKHORN_ONLY
    )
    sinkhorn_tolerance: float = option(
        Number(0),
        1e-6,
        "Sinkhorn stops once the relative error of every column sum is at most this.",
        only=SINKHORN_ONLY,
    )
    dales_law: bool | str = option(
        Boolean(words=("auto",)),
        "auto",
        "True: every neuron has one sign, and training keeps it. auto: training keeps the initial sign of each "
        "edge. False: trained weights may change sign.",
        defaults={"task": False},
        only=SIGNED,
        sizes=False,
    )
    regions_from: str = option(
        Value(),
        "",
        "Kind of label that defines the region of each neuron, such as neuropil, type or cell_fibers. Empty = the "
        "regions of the connectome.",
        only=AT_A_PATH,
    )
    rnn_size: int = option(
        Integer(0),
        0,
        "Expected number of regions of a region matrix, which is checked; 0 = no check.",
        only=MEASURED_ONLY,
    )
    nr_neurons: int | tuple[int, ...] | str = option(
        Neurons(), 1, "Neurons per region of a region matrix. density = from ND_<roi>.npy.", only=MEASURED_ONLY
    )
    density_scaling: str = option(
        Choice(("ratio", "rank")),
        "ratio",
        "Numbers of neurons from densities: ratio = proportional to the density, rank = proportional to its rank.",
        only=BY_DENSITY,
    )
    density_neurons: float = option(
        Number(0, above=True), 1.0, "Number of neurons of the region with the lowest density.", only=BY_DENSITY
    )
    target_sparsity: float = option(
        Number(0, 1, above=True),
        0.8,
        "Fraction of the neurons of a target region that each neuron of a source region projects to.",
        only=MEASURED_ONLY,
    )
    intrinsic: bool = option(
        Boolean(), True, "Connect the neurons within each region of a region matrix.", only=MEASURED_ONLY
    )
    intrinsic_sparsity: float = option(
        Number(0, 1, above=True), 1.0, "Fraction of its own region that each neuron projects to.", only=MEASURED_ONLY
    )
    intrinsic_weight: float = option(
        Number(0, 1), 0.8, "Fraction of a region's outgoing weight that stays within the region.", only=MEASURED_ONLY
    )
    rand_partition: bool = option(
        Boolean(),
        True,
        "True: divide each weight between regions at random over its edges (stick-breaking, as bio2art). False: "
        "divide it equally.",
        only=MEASURED_ONLY,
    )
    keep_diag: bool = option(
        Boolean(), False, "Neurons of a region matrix may connect to themselves.", only=MEASURED_ONLY
    )
    null: str = option(
        Choice(("none", *NULLS)),
        "none",
        "Null model that replaces the connectome and is normalized in the same way. The table in docs/nulls.md "
        "lists what each one preserves.",
        only=BY_CHOICE,
        sizes=False,
    )
    edges_lost: float = option(Number(0, 1), 0.0, EXTENTS["edges_lost"], only=WEIGHTED, neutral=0.0)
    edges_added: float = option(Number(0, 1), 0.0, EXTENTS["edges_added"], only=WEIGHTED, neutral=0.0)
    weight_jitter: float = option(Number(0, 5), 0.0, EXTENTS["weight_jitter"], only=WEIGHTED, neutral=0.0, sizes=False)
    sign_errors: float = option(Number(0, 1), 0.0, EXTENTS["sign_errors"], only=WEIGHTED, neutral=0.0, sizes=False)
    random_w: bool = option(
        Boolean(),
        False,
        "Spelling of bio_rnn_mem for null = random_w: all weights, zeros included, are permuted off the diagonal.",
        only=BY_CHOICE,
        sizes=False,
    )
    paired_topology: bool = option(
        Boolean(),
        True,
        "True: draw the neurons of a region matrix, the null model and errors again in every iteration. False: draw "
        "them once, from the seed.",
        only=BY_CHOICE,
    )
    rank: int = option(
        Integer(0, 10_000),
        0,
        "Number K of low-rank factors beside the weights W: J = W + sum_k m_k n_k^T / N. m are output patterns, n "
        "selection vectors; 0 = none.",
    )
    factor_sd: float = option(
        Number(0),
        1.0,
        "Standard deviation of the initial entries of m, and of the part of n that is independent of m.",
        only=LOW_RANK,
        sizes=False,
    )
    factor_overlap: float = option(
        Number(),
        0.0,
        "Initial n = factor_overlap * m + an independent part.",
        only=LOW_RANK,
        sizes=False,
    )
    factor_mean: Listed = option(
        Named(none=True),
        Listed(),
        "Means of the initial entries of factors, such as m1: 0.5, n2: -1. Those not named are 0.",
        only=LOW_RANK,
        sizes=False,
    )
    factor_cov: Listed = option(
        Named(none=True),
        Listed(),
        "Variances and covariances of initial factors (LR_COV of NeuroTorch), such as m1 m1: 2, m1 n1: 0.8, m1 m2: "
        "1. Those not named follow factor_sd and factor_overlap: m m sd^2, m n overlap sd^2, n n (1 + overlap^2) "
        "sd^2, others 0.",
        only=LOW_RANK,
        sizes=False,
    )
    factor_on: str = option(
        Choice(("all", "edges")),
        "all",
        "Pairs of units that the factors connect. all: every pair. edges: only edges of the network, to whose "
        "weights they add. With dales_law, an edge is 0 where its sum has the wrong sign.",
        only=LOW_RANK,
    )
    factor_support: str = option(
        Value(),
        "",
        "Units that the factors read and write, in the syntax of stimulation.units. Entries of other units are 0 "
        "and stay 0. Empty = all.",
        only=LOW_RANK,
    )
    background: bool = option(
        Boolean(),
        True,
        "True: the weights of the connectome are added to the factors. False: J consists of the factors only.",
        only=LOW_RANK,
    )
    readout: str = option(
        Choice(("linear", "overlap")),
        "linear",
        "Outputs of a task. linear: weighted sums of all rates. overlap: n_k . r / N with the selection vectors of "
        "the first factors, one for each output.",
        only=JOINED,
    )
    readout_gain: float | str = option(
        Number(0, above=True, words=("learnt",)),
        1.0,
        "Gain of an overlap readout. learnt: one gain for each output, trained from 1 on.",
        only=OVERLAPPING,
    )


@dataclass(frozen=True)
class ModelSection(Section):
    """[model] The dynamics."""

    architecture: str = option(
        Choice(("network", "gru", "lstm", "rnn", "linear", "node")),
        "network",
        "Model that is trained on a task. network: the network of [net]. gru, lstm, rnn (tanh), linear and node "
        "(h + .1 MLP([h, x])): cells without a connectome. Cells have a linear readout and a learnt initial state.",
    )
    hidden_size: int = option(Integer(1, 10_000), 64, "Number of units of the cell.", only=BY_CELLS)
    mlp_layers: int = option(Integer(1, 100), 2, "Number of hidden layers of a neural ODE's MLP.", only=OF_NODES)
    mlp_units: int = option(Integer(1, 10_000), 128, "Number of units of each hidden layer of that MLP.", only=OF_NODES)
    activation: str = option(
        Choice(tuple(ACTIVATIONS), {alias: name for name, row in ACTIVATIONS.items() for alias in row.aliases}),
        "tanh_positive",
        "Activation function phi(gain (x - shift)). tanh has no gain and no shift. torch.nn.RNN has tanh, which is "
        "the default with a task.",
        aliases=("nonlinearity",),
        defaults={"task": "tanh"},
        only=BY_NETWORK,
    )
    dt: float = option(
        Number(0, 1, above=True),
        0.1,
        "Euler step in units of tau. 1 is the discrete map (an Elman network).",
        defaults={"task": 1.0},
        only=BY_NETWORK,
    )
    tau: Listed | float = option(
        Named(low=0, above=True, one=True),
        1.0,
        "Time constant of all neurons, or of each region or population by name; at least dt. Its unit is the "
        "reference tau, the unit of all times: a = dt / tau. Neurons without a region have 1.",
        only=BY_NETWORK,
    )
    integrator: str = option(
        Choice(("euler", "rk4")),
        "euler",
        "euler: one evaluation per step, as in FlyStability; the discrete map at dt = 1. rk4: fourth-order "
        "Runge-Kutta, close to the continuous flow.",
        only=BY_EQUATION,
    )
    form: str = option(
        Choice(("current", "rate")),
        "current",
        "current: h <- (1-a) h + a J phi(h). rate: r <- (1-a) r + a phi(J r). In both, a = dt / tau.",
        defaults={"task": "rate"},
        only=BY_EQUATION,
    )
    groups: str = option(
        Label(
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
        "Label of the connectome whose neurons share one gain and one shift. neuron = each neuron has its own.",
        aliases=("subpopulation",),
        only=BY_NETWORK,
    )
