"""Networks that are described, not measured: populations, and regions."""

from dataclasses import dataclass

from randomnet.conditions import BY_NETWORK, LISTED, POPULATIONS, PROJECTED, REGIONS, UNLISTED
from randomnet.settings.option import Section, option
from randomnet.settings.values import Boolean, Choice, Listed, Named, Number, Value
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
        "Populations and their neurons.",
        only=POPULATIONS,
    )
    couplings: Listed = option(
        Named(none=True),
        Listed([("EE", 1.0), ("EI", -1.5), ("IE", 1.0), ("II", -1.0)]),
        "Strengths J of blocks: the name of the postsynaptic population, then that of the presynaptic one; blocks left "
        "out are empty.",
        only=POPULATIONS,
    )
    in_degree: Listed | float | str = option(
        Named(low=1, one=True, words=("all",)),
        50.0,
        "K: mean inputs that a neuron has from each population; weights are gain J / sqrt(K). all = from all neurons, "
        "with weights gain J / N.",
        only=POPULATIONS,
    )
    kernels: Listed = option(
        Kernels(KERNELS),
        Listed(),
        "How a block's connections (of in_degree = all: weights) depend on the two neurons' places, with kappa and "
        "phase; blocks left out are uniform.",
        only=POPULATIONS,
    )
    gain: float = option(Number(0, above=True), 1.0, "Factor of all recurrent weights.", only=POPULATIONS)
    external: Listed = option(
        Named(none=True),
        Listed(),
        "Strengths J0 of the constant external input of populations, sqrt(external_degree) external_rate J0.",
        only=POPULATIONS,
    )
    external_rate: float = option(Number(), 0.0, "m0, the rate of the external input.", only=POPULATIONS)
    external_degree: float | str = option(
        Number(0, above=True, words=("none",)),
        "none",
        "K of the external input; none = the input is external_rate J0.",
        only=POPULATIONS,
    )
    fixed_in_degree: bool = option(
        Boolean(), False, "Exactly K inputs for each neuron, not K on average.", only=POPULATIONS
    )
    self_connections: bool = option(Boolean(), False, "Neurons may connect to themselves.", only=POPULATIONS)
    unsigned: bool = option(
        Boolean(), False, "Strengths of one presynaptic population may have both signs.", only=POPULATIONS
    )


@dataclass(frozen=True)
class RegionsSection(Section):
    """[regions] Regions and their cell types, in a file or here (with net.source = regions)."""

    where = BY_NETWORK

    regions: Entries = option(
        RegionList(),
        Entries(),
        "Regions, one on each line or with commas between. After the number of units come, in any order, pos or neg "
        "(what all its units send), name and fraction of each cell type, and base_firing (constant drive), init "
        "(initial state), tau (time constant, as model.tau) or parent (a name that groups regions) with their values.",
        only=REGIONS,
    )
    inputs: Entries = option(
        InputList(),
        Entries(),
        "Input regions with their units; with a task they are its channels, in their order.",
        only=LISTED,
    )
    regions_file: str = option(
        Value(),
        "",
        "JSON file of regions, inputs and connections, in either form of mRNNTorch; relative paths start at the "
        "folder the command is run in. It is given in place of regions, inputs and [projections].",
        only=UNLISTED,
        identity=False,
        grid=True,
    )
    initialisation: str = option(
        Choice(("uniform", "xavier", "balanced")),
        "uniform",
        "Weights: uniform in 0..sqrt(1/2H) of H units, with their sign; xavier: normal, by block, without sign; "
        "balanced: uniform, so that the excitatory and the inhibitory inputs of each unit are equal.",
        only=REGIONS,
    )
    self_connections: bool = option(Boolean(), True, "Units may connect to themselves.", only=REGIONS)


@dataclass(frozen=True)
class ProjectionsSection(Section):
    """[projections] The connections between the regions of [regions], and which ones of any regions are not trained."""

    where = BY_NETWORK

    projections: Entries = option(
        ProjectionList(),
        Entries(),
        "From a region, an input, or a cell type (region/type), to a region or cell type: one on each line or with "
        "commas between. The number is the density, the share of the target's units that each source unit sends to; "
        "exc or inhib is the sign where the source has none, and exc where neither is given.",
        only=LISTED,
    )
    fixed: Entries = option(
        EndsList(),
        Entries(),
        "Projections that are not trained, from a region, an input, or a cell type (region/type), to a region or cell "
        "type; or recurrent, or input: all of a kind. Of any network with regions; number_param chooses from the rest.",
        only=PROJECTED,
    )
