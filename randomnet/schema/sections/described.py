"""Networks that are described, not measured: populations, and regions."""

from dataclasses import dataclass

from randomnet.conditions import (
    BY_NETWORK,
    LISTED,
    LOW_RANK_KERNELS,
    POPULATIONS,
    PROJECTED,
    REGION_INPUTS,
    REGION_TASK,
    REGIONS,
    UNLISTED,
)
from randomnet.settings.option import Section, option
from randomnet.settings.values import Boolean, Choice, Listed, Location, Named, Number
from randomnet.values.network import Kernels
from randomnet.values.regions import EndsList, Entries, InputList, ProjectionList, RegionList

KERNELS = ("uniform", "cosine", "spec", "von_mises", "low_rank", "gaussian")


@dataclass(frozen=True)
class PopulationsSection(Section):
    """[populations] Populations and the strengths of the blocks between them (with net.source = populations)."""

    where = BY_NETWORK

    sizes: Listed = option(
        Named(whole=True, low=1),
        Listed([("E", 400), ("I", 100)]),
        "Populations and their numbers of neurons.",
        only=POPULATIONS,
    )
    couplings: Listed = option(
        Named(none=True),
        Listed([("EE", 1.0), ("EI", -1.5), ("IE", 1.0), ("II", -1.0)]),
        "Strengths J of blocks: the postsynaptic population, then the presynaptic one. Blocks that are not listed "
        "are empty.",
        only=POPULATIONS,
        sizes=False,
    )
    in_degree: Listed | float | str = option(
        Named(low=1, one=True, words=("all",)),
        50.0,
        "K, the mean number of inputs that a neuron has from each population. Weights are gain J / sqrt(K). all: "
        "every neuron is connected, with weights gain J / N.",
        only=POPULATIONS,
    )
    kernels: Listed = option(
        Kernels(KERNELS),
        Listed(),
        "Dependence of connection probabilities on the positions of the two neurons, with kappa and phase. With "
        "in_degree = all, weights depend on them instead. Blocks that are not listed are uniform.",
        only=POPULATIONS,
    )
    low_rank_mean: Listed = option(
        Named(none=True),
        Listed(),
        "Means of the vectors xi1 to xi4 of low_rank kernels (LR_MEAN of NeuroTorch), such as xi1: 0.5. Those not "
        "named are 0.",
        only=LOW_RANK_KERNELS,
        sizes=False,
        neutral=Listed(),
    )
    low_rank_covariance: Listed = option(
        Named(none=True),
        Listed(),
        "Variances and covariances of these vectors (LR_COV of NeuroTorch), such as xi1 xi2: 0.5, xi3 xi3: 2. Those "
        "not named are 1 for variances, xi1 xi2 and xi3 xi4, where 1 means equal vectors, and 0 for other pairs.",
        only=LOW_RANK_KERNELS,
        sizes=False,
        neutral=Listed(),
    )
    gain: float = option(Number(0, above=True), 1.0, "Factor of all recurrent weights.", only=POPULATIONS, sizes=False)
    external: Listed = option(
        Named(none=True),
        Listed(),
        "Strengths J0 of the constant external input, sqrt(external_degree) external_rate J0, by population.",
        only=POPULATIONS,
        sizes=False,
    )
    external_rate: float = option(Number(), 0.0, "m0, the rate of the external input.", only=POPULATIONS, sizes=False)
    external_degree: float | str = option(
        Number(0, above=True, words=("none",)),
        "none",
        "K of the external input. none: the input is external_rate J0.",
        only=POPULATIONS,
        sizes=False,
    )
    fixed_in_degree: bool = option(
        Boolean(), False, "Every neuron has exactly K inputs, rather than K on average.", only=POPULATIONS
    )
    self_connections: bool = option(Boolean(), False, "Neurons may connect to themselves.", only=POPULATIONS)
    unsigned: bool = option(
        Boolean(), False, "A presynaptic population may have strengths of both signs.", only=POPULATIONS
    )


@dataclass(frozen=True)
class RegionsSection(Section):
    """[regions] Regions and their cell types, in a file or here (with net.source = regions)."""

    where = BY_NETWORK

    regions: Entries = option(
        RegionList(),
        Entries(),
        "Regions, one per line or separated by commas: name, number of units, then properties in any order. pos or "
        "neg is the sign of all outputs. A cell type is given by its name and fraction. base_firing is a constant "
        "drive, init the initial state, tau the time constant (as model.tau), parent a name that groups regions. "
        "Trials of a task start from 0 instead. learnable_bias marks regions whose biases are trained, see biases.",
        only=REGIONS,
    )
    inputs: Entries = option(
        InputList(),
        Entries(),
        "Input regions with their numbers of units. With a task they are its input channels, in this order.",
        only=LISTED,
    )
    regions_file: str = option(
        Location(),
        "",
        "JSON file with regions, inputs and connections, in either format of mRNNTorch. It "
        "replaces regions, inputs and [projections].",
        only=UNLISTED,
        identity=False,
        grid=True,
    )
    initialisation: str = option(
        Choice(("uniform", "xavier", "balanced")),
        "uniform",
        "Initial weights. uniform: 0 to sqrt(1/2H) for H units, times the sign. xavier: normal, by block, of both "
        "signs. balanced: uniform, with equal excitatory and inhibitory input of each unit.",
        only=REGIONS,
    )
    input_initialisation: str = option(
        Choice(("uniform", "xavier")),
        "uniform",
        "Initial weights of the inputs. uniform: 0 to sqrt(1/(H+I)) for H units and I inputs, times the sign. xavier: "
        "normal, by block, of both signs.",
        only=REGION_INPUTS,
        neutral="uniform",
    )
    input_signs: str = option(
        Choice(("kept", "free")),
        "kept",
        "Signs of input weights in training. kept: each weight keeps the sign that it has at first. free: weights may "
        "change their signs (mRNNTorch's inp_constrained = False, with input_initialisation = xavier).",
        only=REGION_INPUTS,
        neutral="kept",
    )
    biases: str = option(
        Choice(("described", "learnable", "all")),
        "described",
        "Biases that a task trains. learnable: those of regions with learnable_bias, which start at base_firing; the "
        "others stay at base_firing (as MultiRegionRNN). all: those of all units, from random values. described: "
        "learnable where any region has learnable_bias, otherwise all.",
        only=REGION_TASK,
        neutral="described",
    )
    self_connections: bool = option(Boolean(), True, "Units may connect to themselves.", only=REGIONS)


@dataclass(frozen=True)
class ProjectionsSection(Section):
    """[projections] The connections between the regions of [regions], and which ones of any regions are not trained."""

    where = BY_NETWORK

    projections: Entries = option(
        ProjectionList(),
        Entries(),
        "Projections, one per line or separated by commas. They lead from a region, an input or a cell type "
        "(region/type) to a region or cell type. The number is the density: the fraction of target units that each "
        "source unit projects to. exc or inhib sets the sign of a source without one; the default is exc.",
        only=LISTED,
    )
    fixed: Entries = option(
        EndsList(),
        Entries(),
        "Projections that are not trained, from a region, an input or a cell type (region/type) to a region or cell "
        "type; of [populations], between these. recurrent or input: all of that kind. Of any network with regions or "
        "populations; number_param chooses among the others.",
        only=PROJECTED,
    )
