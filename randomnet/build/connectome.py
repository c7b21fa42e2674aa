"""From a Run's config to its connectome: read or draw, instantiate, randomise, initialise, normalise, scale."""

import dataclasses
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from randomnet import initialisation
from randomnet.artifacts.trained_files import provides_network, trained_file
from randomnet.build import pretrained
from randomnet.build.described_networks import described_network
from randomnet.build.low_rank import without_background
from randomnet.build.measured_responses import measured_part
from randomnet.build.normalization import normalize
from randomnet.build.null_models import draw_null, errors_of, in_error
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
    is_final,
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
from randomnet.synthetic import built_in, random_network, random_source, unconnected

LARGEST_MADE = 1000  # neurons of a described network whose radius is recorded; every combo has its own network
REGION_MATRIX = "bio2art region matrix"  # the source of a connectome whose neurons are drawn
REGION_OPTIONS = (
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
    """Return the run's network with the initial weights of training. Raises ConfigError."""
    net, config, run = run.config.net, run.config, _of_stored_iteration(run)
    if provides_network(config):
        connectome = _with_names_of_connectome(run, pretrained.pretrained_connectome(run))
    elif config.drawn_at_random and not net.background:  # its n^2 weights are not needed
        connectome = unconnected(net.n)
    else:
        connectome = _scaled(run)
    if not net.rank:
        return connectome
    connectome = without_background(run, connectome)
    return dataclasses.replace(connectome, provenance={**connectome.provenance, "rank": net.rank})


def _of_stored_iteration(run: Run) -> Run:
    """Return the run, with the iteration of the pretrained network it starts from, as networks differ by iteration."""
    iteration = trained_file(run).iteration if run.config.paths.pretrained else None
    return run if iteration in (None, run.iteration) else dataclasses.replace(run, iteration=iteration)


def _with_names_of_connectome(run: Run, trained: Connectome) -> Connectome:
    """Return a trained network, whose model has only weights, with the names and labels of the connectome of [net].

    Raises ConfigError where [net] describes another network.
    """
    if run.config.drawn_at_random:
        return trained
    connectome = _weighted(run)
    expected = f"[paths] pretrained: expected the network that [net] describes, {connectome.name}"
    if connectome.n != trained.n:
        raise ConfigError(f"{expected} of {connectome.n} neurons, got one of {trained.n} in {trained_file(run).path}")
    if trained_file(run).values is not None and not _is_subnetwork(trained, connectome):
        raise ConfigError(f"{expected}, got one with connections that it lacks in {trained_file(run).path}")
    name = f"{connectome.name}, pretrained"
    return dataclasses.replace(trained, name=name, names=connectome.names, labels=connectome.labels)


def _is_subnetwork(network: Connectome, other: Connectome) -> bool:
    """Return whether every connection of the network is in another network with as many neurons."""
    edges, other_edges = (each.post * each.n + each.pre for each in (network, other))
    return bool(np.isin(edges, other_edges).all())


def with_labels(run: Run, connectome: Connectome) -> Connectome:
    """Return the network whose labels select units: that of [net] in place of a stored model, which has no labels."""
    if connectome.labels or run.config.drawn_at_random:
        return connectome
    configured = _scaled(_of_stored_iteration(run))
    return configured if configured.n == connectome.n else connectome


@lru_cache(maxsize=1)  # needed several times in a row while a run is checked
def _scaled(run: Run) -> Connectome:
    config = run.config
    g = config.net.g if "weights" in config.net.parameter else 1.0
    normalised = normalize(_scaling_of(run), _weighted(run), config.net)
    try:
        with np.errstate(over="ignore"):
            return scaled(normalised, g)
    except ValueError as error:
        raise ConfigError(f"[net] g: expected a number that leaves weights finite, got {g:g}: {error}") from None


@lru_cache(maxsize=1)  # drawing a null model can take minutes
def _weighted(run: Run) -> Connectome:
    """Return the run's network with its weights before normalization and g. Raises ConfigError."""
    net, config = run.config.net, run.config
    drawing = run if net.paired_topology else dataclasses.replace(run, iteration=0)
    errors = drawing.generator("errors")
    if config.drawn_at_random:
        drawn = random_network(net.n, 1.0, run.generator("network"), net.symmetry)
        return _initialised(in_error(drawn, net, errors), run)
    connectome = described_network(drawing) if config.described else _measured_connectome(net, config)
    if net.largest_component != "none":
        connectome = _component(connectome, net.largest_component)
    if connectome.provenance.get("source") == REGION_MATRIX:
        connectome = _instantiated(connectome, drawing)
    else:
        _check_no_region_options(net, connectome)
    if net.regions_from:
        connectome = _with_regions(connectome, net.regions_from)
    if config.has_role("responses") and config.responses.restrict == "measured":
        connectome = measured_part(run, connectome)
    if config.null != "none":
        connectome = draw_null(connectome, config.null, drawing.generator("null"))
    weighted = _initialised(in_error(connectome, net, errors), run)
    if net.dales_law is True and weighted.mixed:
        raise ConfigError(
            f"[net] dales_law: expected auto or False, as {weighted.mixed} neurons of {weighted.name} have weights of "
            "both signs, got True"
        )
    return weighted


def has_same_neurons(run: Run) -> bool:
    """Return whether the networks of all iterations have the neurons and labels of this one, whatever is drawn anew."""
    config = run.config
    if config.described or config.from_source or config.paths.pretrained:
        return False
    return config.drawn_at_random or _measured_connectome(config.net, config).provenance.get("source") != REGION_MATRIX


def connectome_facts(run: Run) -> dict[str, Any]:
    """Return what the manifest says of the run's network; for a random one what holds for every draw."""
    net = run.config.net
    if _is_random_matrix(run) and not errors_of(net):
        return {
            "name": "random",
            "synthetic": True,
            "neurons": net.n,
            "edges": net.n * (net.n - 1) if net.background else 0,
            "source": f"{random_source(net.symmetry)}, drawn anew in every iteration",
        }
    return connectome_of(run).facts()


def _is_random_matrix(run: Run) -> bool:
    """Return whether the weights come from no connectome and no stored network."""
    return run.config.drawn_at_random and not provides_network(run.config)


def spectral_radii(run: Run, known: dict[str, float]) -> dict[str, float]:
    """Return `spectral_radius` of the run's network, and `spectral_radius_before` normalization and g.

    Empty for a random network, and for one so large that they take minutes (--describe has them). known: sha256 ->
    spectral radius of earlier networks, which combos often share; new ones are added.
    """
    if _is_random_matrix(run):
        return {}
    networks = {"spectral_radius": connectome_of(run)}
    if run.config.net.rank:  # the radius of the weights alone is not that of the network
        return {}
    if networks["spectral_radius"].n > (LARGEST_MADE if run.config.described else LARGEST_DENSE):
        return {}
    if not provides_network(run.config):
        networks["spectral_radius_before"] = _weighted(run)
    radii = {}
    for name, connectome in networks.items():
        checksum = connectome.sha256()
        if checksum not in known:
            known[checksum] = spectral_radius(connectome)
        radii[name] = known[checksum]
    return radii


def _measured_connectome(net: NetSection, config: Config) -> Connectome:
    options = Options(
        "",
        net.rows,
        net.sign_policy,
        net.min_synapses,
        net.drop_autapses,
        columns=tuple(net.columns),
        weight_column=net.weight_column,
        synapse_type=net.synapse_type,
        labels=net.labels,
        layer=str(net.layer),
        variable=net.variable,
    )
    return _read_or_built_in(net.roi, config.paths.path_to_network, net.source, options)


@lru_cache(maxsize=4)
def _read_or_built_in(roi: str, folder: str, source: str, options: Options) -> Connectome:
    """Return the connectome of a file or folder, or a built-in one; it is the same in every run."""
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
    if source != "neuprint" and not path.exists():  # the path of neuprint is a server
        raise ConfigError(f"[paths] path_to_network: expected a file or a folder, got {str(path)!r}, not there")
    option = f"[net] roi = {roi}"
    try:
        if path.is_dir() and source in ("auto", "bio2art", "flystability"):
            folders, matrices = _find_regions(path, roi, source)
            if folders or matrices:
                return _read_region(path, roi, folders, matrices, options)
        option = "[paths] path_to_network"
        row = FORMATS[recognise(path, options).format if source == "auto" else source]
        if roi != "all" and row.selects_rois(path, options):
            option, options = f"[net] roi = {roi}", dataclasses.replace(options, roi=roi)
            if not options.rois:
                raise ConfigError(f"[net] roi: expected names of ROIs, or all, got {roi!r}")
        return read_connectome(path, source, options)
    except FormatError as error:
        raise ConfigError(f"{option}: {error}") from None


def _find_regions(folder: Path, roi: str, source: str) -> tuple[list[str], list[str]]:
    """Return the ROI folders and the region matrices in a folder, or only the kind that the source names."""
    folders = roi_folders(folder) if source != "bio2art" else []
    matrices = region_matrices(folder) if source != "flystability" else []
    if source != "bio2art" and roi not in (*folders, *matrices) and (folder / roi).is_dir():
        folders.append(roi)  # a missing file becomes an error when it is read
    return folders, matrices


def _read_region(
    folder: Path, roi: str, folders: Sequence[str], matrices: Sequence[str], options: Options
) -> Connectome:
    """Return the network of the ROI folder or region matrix named `roi`. Raises ConfigError."""
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


def _check_no_region_options(net: NetSection, connectome: Connectome) -> None:
    """Raise ConfigError for an option of region matrices that another network would ignore."""
    for field in dataclasses.fields(net):
        if field.name in REGION_OPTIONS and getattr(net, field.name) != field.default:
            raise ConfigError(
                f"[net] {field.name}: expected it left out, as {connectome.name} is not a region matrix, "
                f"got {getattr(net, field.name)!r}"
            )


def _initialised(connectome: Connectome, run: Run) -> Connectome:
    """Return the connectome with the weights of [trainvalidate] init, on the same edges."""
    init, remap = run.config.trainvalidate.init, run.config.trainvalidate.remap_w
    if init == "connectome":
        return connectome
    rng = run.generator("initial")
    values = initialisation.recurrent(connectome.n, len(connectome.weights), init, rng)
    if remap:
        values = initialisation.rank_order_remap(values, connectome.weights)
    return connectome.replace(values, initial_weights=init, remapped=remap)


def _scaling_of(run: Run) -> str:
    """Return the chain of scalings, equal for a connectome and its nulls; `auto` balances E and I of signed counts."""
    net, config = run.config.net, run.config
    if net.normalization != "auto" or config.drawn_at_random or config.described:
        return config.scaling
    measured = _measured_connectome(net, config)
    if is_final(measured):
        return "none"
    weights = measured.weights
    counts = has_counts(measured) or bool((weights == np.round(weights)).all())
    return config.scaling if counts and bool((weights < 0).any()) and not measured.mixed else "none"
