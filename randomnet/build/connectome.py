"""From a Run's config to its connectome: read or make, instantiate, shuffle, initialise, normalise, scale."""

import dataclasses
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from randomnet import initialisation
from randomnet.artifacts.trained_files import file_of
from randomnet.build import pretrained
from randomnet.build.described_networks import made
from randomnet.build.low_rank import without_background
from randomnet.build.normalization import normalised_by
from randomnet.build.null_models import null_of
from randomnet.connectome import (
    Connectome,
    largest_component,
    scaled,
    spectral_radius,
)
from randomnet.connectome.eigenvalues import LARGEST_DENSE
from randomnet.formats import (
    FORMATS,
    FormatError,
    Options,
    has_counts,
    read_connectome,
    read_densities,
    recognise,
    region_matrices,
    roi_folders,
)
from randomnet.instantiation import instantiate, neurons_by_density
from randomnet.schema.config import Config
from randomnet.schema.plan import Run
from randomnet.schema.sections.network import BUILT_IN_ROIS, NetSection
from randomnet.settings import ConfigError, nearest
from randomnet.synthetic import built_in, random_network, unconnected

LARGEST_MADE = 1000  # neurons of a described network, of which every combo has its own, whose radius is recorded
REGIONAL = (
    "rnn_size",
    "nr_neurons",
    "density_scaling",
    "density_neurons",
    "target_sparsity",
    "intrinsic",
    "intrinsic_sparsity",
    "intrinsic_weight",
    "rand_partition",
    "keep_diag",
)


def connectome_of(run: Run) -> Connectome:
    """The run's network with the weights that training starts from. Raises ConfigError."""
    net, config, run = run.config.net, run.config, _of_stored_iteration(run)
    if config.has_task and config.paths.pretrained:
        found = _with_names(run, pretrained.connectome_of(run))
    elif config.drawn_at_random and not net.background:  # whose n^2 weights nobody needs
        found = unconnected(net.n)
    else:
        found = _scaled(run)
    if not net.rank:
        return found
    bare = without_background(run, found)
    return dataclasses.replace(bare, provenance={**bare.provenance, "rank": net.rank})


def _of_stored_iteration(run: Run) -> Run:
    """The run, or where it starts from the network of another iteration the same with that, as networks are drawn by
    iteration."""
    chosen = file_of(run).iteration if run.config.paths.pretrained else None
    return run if chosen in (None, run.iteration) else dataclasses.replace(run, iteration=chosen)


def _with_names(run: Run, trained: Connectome) -> Connectome:
    """A trained network, of which a model holds the weights alone, with the names and labels of the network that the
    run describes. Raises ConfigError where that is another one."""
    own = trained if run.config.drawn_at_random else _weighted(run)
    if own is trained:
        return trained
    where = f"[paths] pretrained: expected the network that [net] describes, {own.name}"
    if own.n != trained.n:
        raise ConfigError(f"{where} of {own.n} neurons, got one of {trained.n} in {file_of(run).path}")
    if file_of(run).values is not None and not _within(trained, own):
        raise ConfigError(f"{where}, got one with connections that it lacks in {file_of(run).path}")
    return dataclasses.replace(trained, name=f"{own.name}, pretrained", names=own.names, labels=own.labels)


def _within(network: Connectome, other: Connectome) -> bool:
    """Whether every connection of the network is one of the other, which has as many neurons."""
    ours, theirs = (one.post * one.n + one.pre for one in (network, other))
    return bool(np.isin(ours, theirs).all())


def labelled(run: Run, connectome: Connectome) -> Connectome:
    """The network by whose labels units are chosen: in place of a stored model's, which has none, the run's own."""
    if connectome.labels or run.config.drawn_at_random:
        return connectome
    own = _scaled(_of_stored_iteration(run))
    return own if own.n == connectome.n else connectome


@lru_cache(maxsize=1)  # asked for several times in a row, as a run is checked
def _scaled(run: Run) -> Connectome:
    config = run.config
    g = config.net.g if "weights" in config.net.parameter else 1.0
    normalised = normalised_by(_scaling_of(run), _weighted(run), config.net)
    try:
        with np.errstate(over="ignore"):
            return scaled(normalised, g)
    except ValueError as error:
        raise ConfigError(f"[net] g: expected a number that leaves weights finite, got {g:g}: {error}") from None


@lru_cache(maxsize=1)  # drawing a null model can take minutes
def _weighted(run: Run) -> Connectome:
    """The run's network with its weights as they are before normalization and g. Raises ConfigError."""
    net, config = run.config.net, run.config
    if config.drawn_at_random:
        return _initialised(random_network(net.n, 1.0, run.generator("network")), run)
    drawing = run if net.paired_topology else dataclasses.replace(run, iteration=0)
    measured = made(drawing) if config.described else _measured_for(net, config)
    if net.largest_component != "none":
        measured = _component(measured, net.largest_component)
    if measured.provenance.get("source") == "bio2art region matrix":
        measured = _instantiated(measured, drawing)
    else:
        _not_regional(net, measured)
    if net.regions_from:
        measured = _with_regions(measured, net.regions_from)
    if config.null != "none":
        measured = null_of(measured, config.null, drawing.generator("null"))
    weighted = _initialised(measured, run)
    if net.dales_law is True and weighted.mixed:
        raise ConfigError(
            f"[net] dales_law: expected auto or False, as {weighted.mixed} neurons of {weighted.name} have weights of "
            "both signs, got True"
        )
    return weighted


def facts_of(run: Run) -> dict[str, Any]:
    """What the manifest says of the run's network; of a random one what holds for every draw."""
    net = run.config.net
    if _is_random_matrix(run):
        return {
            "name": "random",
            "synthetic": True,
            "neurons": net.n,
            "edges": net.n * (net.n - 1) if net.background else 0,
            "source": "random N(0, g^2/N), drawn anew in every iteration",
        }
    return connectome_of(run).facts()


def _is_random_matrix(run: Run) -> bool:
    """Whether no connectome and no stored network is behind the weights."""
    return run.config.drawn_at_random and not (run.config.has_task and run.config.paths.pretrained)


def radii_of(run: Run, known: dict[str, float]) -> dict[str, float]:
    """`spectral_radius` of the run's network, and `spectral_radius_before` normalization and g; none of a random one,
    nor of one so large that they take minutes (--describe has them).

    known: sha256 -> spectral radius of networks met before, as combos often share theirs; it is added to.
    """
    if _is_random_matrix(run):
        return {}
    networks = {"spectral_radius": connectome_of(run)}
    if run.config.net.rank:  # that of the weights alone is not that of the network
        return {}
    if networks["spectral_radius"].n > (LARGEST_MADE if run.config.described else LARGEST_DENSE):
        return {}
    if not (run.config.has_task and run.config.paths.pretrained):
        networks["spectral_radius_before"] = _weighted(run)
    radii = {}
    for name, connectome in networks.items():
        checksum = connectome.sha256()
        if checksum not in known:
            known[checksum] = spectral_radius(connectome)
        radii[name] = known[checksum]
    return radii


def _measured_for(net: NetSection, config: Config) -> Connectome:
    options = Options("", net.rows, net.sign_policy, net.min_synapses, net.drop_autapses)
    return _measured(net.roi, config.paths.path_to_network, net.source, options)


@lru_cache(maxsize=4)
def _measured(roi: str, folder: str, source: str, options: Options) -> Connectome:
    """The connectome as it was measured, or made to stand for one; it is the same in every run."""
    if not folder:
        if roi not in BUILT_IN_ROIS:
            known = (*BUILT_IN_ROIS, "random")
            raise ConfigError(
                f"[net] roi: expected one of {', '.join(known)} as paths.path_to_network is empty, "
                f"got {roi!r}{nearest(roi, known)}"
            )
        return built_in(roi)
    try:
        return _read(Path(folder).expanduser(), roi, source, options)
    except OSError as error:
        raise ConfigError(f"[paths] path_to_network: expected a readable file or folder, got {error}") from None


def _read(path: Path, roi: str, source: str, options: Options) -> Connectome:
    if source != "neuprint" and not path.exists():  # whose path is a server's
        raise ConfigError(f"[paths] path_to_network: expected a file or a folder, got {str(path)!r}, not there")
    chosen = f"[net] roi = {roi}"
    try:
        if path.is_dir() and source in ("auto", "bio2art", "flystability"):
            folders, matrices = _regions_in(path, roi, source)
            if folders or matrices:
                return _named(path, roi, folders, matrices, options)
        chosen = "[paths] path_to_network"
        if FORMATS[recognise(path).format if source == "auto" else source].has_rois and roi != "all":
            chosen, options = f"[net] roi = {roi}", dataclasses.replace(options, roi=roi)
            if not options.rois:
                raise ConfigError(f"[net] roi: expected names of ROIs, or all, got {roi!r}")
        return read_connectome(path, source, options)
    except FormatError as error:
        raise ConfigError(f"{chosen}: {error}") from None


def _regions_in(folder: Path, roi: str, source: str) -> tuple[list[str], list[str]]:
    """The ROI folders and the region matrices in a folder, one kind of them where the source insists on it."""
    folders = roi_folders(folder) if source != "bio2art" else []
    matrices = region_matrices(folder) if source != "flystability" else []
    if source != "bio2art" and roi not in (*folders, *matrices) and (folder / roi).is_dir():
        folders.append(roi)  # it may lack a file, which reading it will say
    return folders, matrices


def _named(
    folder: Path, roi: str, folders: Sequence[str], matrices: Sequence[str], options: Options
) -> Connectome:
    """The ROI folder or region matrix of that name in a folder of such."""
    if roi in matrices and roi in folders:
        raise ConfigError(f"[net] roi: expected one network of that name in {folder}, got {roi}/ and C_{roi}.npy")
    if roi in matrices:
        return read_connectome(folder, "bio2art", dataclasses.replace(options, roi=roi))
    if roi in folders:
        return read_connectome(folder / roi, "flystability", options)
    known = [*folders, *matrices]
    raise ConfigError(
        f"[net] roi: expected an ROI folder or a region matrix in {folder}, got {roi!r}; it has {', '.join(known)}"
        f"{nearest(roi, known)}"
    )


def _instantiated(regions: Connectome, run: Run) -> Connectome:
    net = run.config.net
    if net.rnn_size not in (0, regions.n):
        raise ConfigError(f"[net] rnn_size: expected {regions.n}, the regions of {regions.name}, got {net.rnn_size}")
    neurons: Any = net.nr_neurons
    try:
        if neurons == "density":
            folder = Path(run.config.paths.path_to_network).expanduser()
            densities = read_densities(folder, regions.name, regions.names)
            neurons = neurons_by_density(densities, net.density_scaling, net.density_neurons)
        return instantiate(
            regions,
            neurons,
            target_sparsity=net.target_sparsity,
            intrinsic=net.intrinsic,
            intrinsic_sparsity=net.intrinsic_sparsity,
            intrinsic_weight=net.intrinsic_weight,
            rand_partition=net.rand_partition,
            keep_diag=net.keep_diag,
            rng=run.generator("network"),
        )
    except ValueError as error:
        raise ConfigError(f"[net] roi = {net.roi}, instantiated with nr_neurons = {net.nr_neurons}: {error}") from None


def _component(connectome: Connectome, kind: str) -> Connectome:
    try:
        return largest_component(connectome, kind)
    except ValueError as error:
        raise ConfigError(f"[net] largest_component: expected one that there is, got {kind!r}: {error}") from None


def _with_regions(connectome: Connectome, kind: str) -> Connectome:
    try:
        return connectome.with_regions(kind)
    except ValueError as error:
        near = nearest(kind, connectome.labels)
        raise ConfigError(f"[net] regions_from: expected a kind of label, got {kind!r}: {error}{near}") from None


def _not_regional(net: NetSection, connectome: Connectome) -> None:
    """ConfigError for a setting of region matrices that another network would ignore."""
    for field in dataclasses.fields(net):
        if field.name in REGIONAL and getattr(net, field.name) != field.default:
            raise ConfigError(
                f"[net] {field.name}: expected it left out, as {connectome.name} is not a region matrix, "
                f"got {getattr(net, field.name)!r}"
            )


def _initialised(connectome: Connectome, run: Run) -> Connectome:
    """The connectome with the weights that [trainvalidate] init asks for, on the same edges."""
    init, remap = run.config.trainvalidate.init, run.config.trainvalidate.remap_w
    if init == "connectome":
        return connectome
    rng = run.generator("initial")
    values = initialisation.recurrent(connectome.n, len(connectome.weights), init, rng)
    if remap:
        values = initialisation.rank_order_remap(values, connectome.weights)
    return connectome.replace(values, initial_weights=init, remapped=remap)


def _scaling_of(run: Run) -> str:
    """The scaling that is meant, of a connectome and of its nulls alike: `auto` balances E and I of signed counts."""
    net, config = run.config.net, run.config
    if net.normalization != "auto" or config.drawn_at_random or config.described:
        return config.scaling
    measured = _measured_for(net, config)
    weights = measured.weights
    counts = has_counts(measured) or bool((weights == np.round(weights)).all())
    return config.scaling if counts and bool((weights < 0).any()) and not measured.mixed else "none"
