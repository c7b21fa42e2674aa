"""From a Run's config to networks of described populations or regions, instead of a connectome's file."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from randomnet.connectome import Connectome
from randomnet.memory import machine_memory
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError, nearest
from randomnet.synthetic import Kernel, Populations, population_network, read_description, region_network
from randomnet.synthetic.populations import SYMMETRIC
from randomnet.synthetic.regions import Description, Input, from_dict, input_matrix
from randomnet.tasks import TASKS

VECTORS = ("xi1", "xi2", "xi3", "xi4")
UNIT_BYTES, EDGE_BYTES = 400, 60  # of memory while a network is drawn


def described_network(run: Run) -> Connectome:
    """Return the network that [populations] or [regions] describes, as drawn in this iteration. Raises ConfigError."""
    return _population_connectome(run) if run.config.net.source == "populations" else _region_connectome(run)


def _population_connectome(run: Run) -> Connectome:
    populations = populations_of(run)
    try:
        edges = sum(block.n_post * (block.n_pre if block.k is None else block.k) for block in populations.blocks())
        _check_room("sizes", populations.n, edges)
        return population_network(populations, run.generator("network"))
    except ValueError as error:
        raise _populations_error(error) from None


def populations_of(run: Run) -> Populations:
    """Return the populations of [populations]. Raises ConfigError."""
    section = run.config.populations
    names = tuple(name for name, _ in section.sizes)
    try:
        kernels = {block: _kernel(block, *how) for block, *how in section.kernels}
        return Populations(
            names=names,
            sizes=tuple(size for _, size in section.sizes),
            couplings=dict(section.couplings),
            in_degree=_in_degrees(section.in_degree, names),
            kernels=kernels,
            gain=section.gain,
            external=dict(section.external),
            external_rate=section.external_rate,
            external_degree=None if section.external_degree == "none" else section.external_degree,
            fixed_in_degree=section.fixed_in_degree,
            self_connections=section.self_connections,
            unsigned=section.unsigned,
            low_rank_means=_low_rank_means(section.low_rank_mean),
            low_rank_covariance=_low_rank_covariance(section.low_rank_covariance),
        )
    except ValueError as error:
        raise _populations_error(error) from None


def _low_rank_means(written: Iterable[tuple[str, float]]) -> tuple[float, ...]:
    """Return the means of xi1 to xi4. Raises ValueError."""
    means = [0.0] * len(VECTORS)
    for name, value in written:
        means[_vector(name, "low_rank_mean")] = value
    return tuple(means)


def _low_rank_covariance(written: Iterable[tuple[str, float]]) -> tuple[tuple[float, ...], ...]:
    """Return the covariance (4, 4) of xi1 to xi4. Raises ValueError where a pair is named twice."""
    matrix, named = np.array(SYMMETRIC), set()
    for pair, value in written:
        names = pair.split()
        if len(names) != 2:
            raise ValueError(f"low_rank_covariance: expected pairs of names such as xi1 xi2, got {pair!r}")
        row, column = sorted(_vector(name, "low_rank_covariance") for name in names)
        if (row, column) in named:
            raise ValueError(f"low_rank_covariance: expected every pair once, got {pair!r} a second time")
        named.add((row, column))
        matrix[row, column] = matrix[column, row] = value
    return tuple(map(tuple, matrix.tolist()))


def _vector(name: str, key: str) -> int:
    if name not in VECTORS:
        raise ValueError(f"{key}: expected names that are xi1 to xi4, got {name!r}{nearest(name, VECTORS)}")
    return VECTORS.index(name)


def _populations_error(error: ValueError) -> ConfigError:
    text = re.sub("in_degree (is|=) None", "in_degree = all", str(error))  # as the INI has it
    return ConfigError(f"[populations] {text}")


def _kernel(block: str, name: str, kappa: float, phase: float) -> Kernel:
    try:
        return Kernel(name, kappa, phase)
    except ValueError as error:
        raise ValueError(f"kernels of {block}: {error}") from None


def _check_room(option: str, units: float, edges: float) -> None:
    """Raise ValueError for a network that does not fit into this machine's memory."""
    memory = machine_memory()
    need = UNIT_BYTES * units + EDGE_BYTES * edges
    if need > memory:
        raise ValueError(
            f"{option}: expected a network that fits into {memory / 1e9:.0f} GB of memory, got {units:.3g} units and "
            f"about {edges:.2g} connections, which need {need / 1e9:.3g} GB"
        )


def _in_degrees(value: Any, names: tuple[str, ...]) -> tuple[float, ...] | None:
    """Return the in-degree K of each population, from one number or one by name; None for `all`."""
    if value == "all":
        return None
    if not isinstance(value, tuple):
        return (value,) * len(names)
    by_name = dict(value)
    if set(by_name) != set(names):
        raise ValueError(f"in_degree: expected one for each of {', '.join(names)} alone, got {', '.join(by_name)}")
    return tuple(by_name[name] for name in names)


def _region_connectome(run: Run) -> Connectome:
    section, (description, option, name) = run.config.regions, description_of(run)
    try:
        units = {region.name: region.units for region in description.regions}
        edges = sum(
            units[projection.source] * units[projection.target] * (1 - projection.sparsity)
            for projection in description.connections
        )
        _check_room(name, sum(units.values()), edges)
        _check_inputs(run, description)
        return region_network(
            description,
            run.generator("network"),
            initialisation=section.initialisation,
            self_connections=section.self_connections,
            name=name,
        )
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(f"{option}: {error}") from None


def _check_inputs(run: Run, description: Description) -> None:
    """Raise ConfigError for regions whose own inputs are not as many as the task's channels."""
    if not (run.config.has_task and description.inputs):
        return
    task, units = run.config.trialparams.task_name, description.input_units
    channels, _ = TASKS[task].sizes(vars(run.config.trialparams))
    if units != channels:
        sizes = ", ".join(f"{region.name}: {region.units}" for region in description.inputs)
        option = "inputs" if run.config.regions.regions else "regions_file"
        raise ConfigError(
            f"[regions] {option}: expected inputs of {channels} units in all, as {task} has so many channels (or no "
            f"inputs, and each channel reaches all units), got {units} ({sizes})"
        )


def region_inputs(run: Run) -> tuple[Input, ...]:
    """Return the own inputs of the run's regions, which receive a task; empty where a task reaches all neurons."""
    return description_of(run)[0].inputs if run.config.net.source == "regions" else ()


def region_inputs_checksum(run: Run) -> str:
    """Return the sha256 of the inputs of the run's regions."""
    description = description_of(run)[0]
    return hashlib.sha256(repr((description.inputs, description.input_connections)).encode()).hexdigest()


def input_weights(run: Run) -> np.ndarray:
    """Return the weights (N, channels) from each input unit to the regions, 0 without a connection."""
    drawing = run if run.config.net.paired_topology else replace(run, iteration=0)
    law, rng = run.config.regions.input_initialisation, drawing.generator("interface").spawn(1)[0]
    return input_matrix(description_of(run)[0], rng, initialisation=law)[1]


def learnable_biases(run: Run) -> np.ndarray | None:
    """Return which units' biases a task trains, (N,) bool; None where all are trained (`[regions] biases`)."""
    regions = description_of(run)[0].regions if run.config.net.source == "regions" else ()
    learnable, wanted = [region.learnable_bias for region in regions], run.config.regions.biases
    if not regions or wanted == "all" or (wanted == "described" and not any(learnable)):
        return None
    return np.repeat(learnable, [region.units for region in regions])


def description_of(run: Run) -> tuple[Description, str, str]:
    """Return the regions of the file or of the INI, their option, and a name for them. Raises ConfigError."""
    section = run.config.regions
    if section.regions:
        return _description_from_ini(run), "[regions] regions", "regions"
    option, path = "[regions] regions_file", Path(section.regions_file).expanduser()
    try:
        return read_description(path), option, path.stem
    except (ValueError, OSError) as error:
        raise ConfigError(f"{option}: {error}") from None


def _description_from_ini(run: Run) -> Description:
    """Return the regions, inputs and projections of the INI, which pass the checks of a file. Raises ConfigError."""
    section, projections = run.config.regions, run.config.projections.projections
    inputs = {entry.name for entry in section.inputs} - {region.name for region in section.regions}
    known = [entry.name for entry in (*section.regions, *section.inputs)]
    for entry in projections:
        option = f"[projections] projections: {str(entry)!r}"
        if entry.source not in known:
            near = nearest(entry.source, known)
            raise ConfigError(f"{option}: expected from one of {', '.join(known)}, got {entry.source!r}{near}")
        if entry.source in inputs and entry.source_type:
            reason = f"{entry.source} is an input, got {entry.source_type!r}"
            raise ConfigError(f"{option}: expected no cell type, as {reason}")
    entries = {
        "recurrent_regions": section.regions,
        "recurrent_connections": [entry for entry in projections if entry.source not in inputs],
        "input_regions": section.inputs,
        "input_connections": [entry for entry in projections if entry.source in inputs],
    }
    content = {kind: [_as_description_entry(kind, entry) for entry in of_kind] for kind, of_kind in entries.items()}
    try:
        return from_dict(content, "", mixed=True)
    except ValueError as error:
        raise ConfigError(_ini_error(str(error).removeprefix(": "), entries)) from None


def _as_description_entry(kind: str, entry: Any) -> dict[str, Any]:
    """Return an entry of the INI as one of a description file, with the keys that it has."""
    if kind.endswith("regions"):
        named = {"name": entry.name, "num_units": entry.units, "sign": entry.sign}
        if kind == "recurrent_regions":
            named |= {"cell_types": dict(entry.cell_types), "base_firing": entry.base_firing, "init": entry.init,
                      "parent_region": entry.parent, "learnable_bias": entry.learnable_bias}  # fmt: skip
    else:
        source = "input" if kind == "input_connections" else "src_region"
        named = {source: entry.source, "src_region_cell_type": entry.source_type, "dst_region": entry.target,
                 "dst_region_cell_type": entry.target_type, "sign": entry.sign, "density": entry.density,
                 "sparsity": entry.sparsity}  # fmt: skip
    return {key: value for key, value in named.items() if value not in ("", None)}


def _ini_error(error: str, entries: Mapping[str, Sequence[Any]]) -> str:
    """Return an error text in which paths of a description file are replaced by the INI's entries."""
    options = dict(zip(entries, ("regions] regions", "projections] projections", "regions] inputs",
                                 "projections] projections"), strict=True))  # fmt: skip
    first = re.match(rf"({'|'.join(entries)})\b", error)

    def replacement(match: re.Match) -> str:
        return repr(str(entries[match[1]][int(match[2])])) + match[3].replace(".", ": ", 1)

    text = re.sub(rf"({'|'.join(entries)})\[(\d+)\]((?:\.\w+)*)", replacement, error)
    return f"[{options[first[1]] if first else 'regions] regions'}: {text}"
