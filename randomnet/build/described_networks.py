"""Networks that the config describes instead of naming: populations, and regions."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from randomnet.connectome import Connectome
from randomnet.memory import machine_memory
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError, nearest
from randomnet.synthetic import Kernel, Populations, population_network, read_description, region_network
from randomnet.synthetic.regions import Description, Input, from_dict, input_matrix
from randomnet.tasks import TASKS

UNIT_BYTES, EDGE_BYTES = 400, 60  # while a network is drawn


def made(run: Run) -> Connectome:
    """The network that [populations] or [regions] describes, as this iteration draws it. Raises ConfigError."""
    return _populations(run) if run.config.net.source == "populations" else _regions(run)


def _populations(run: Run) -> Connectome:
    about = populations_of(run)
    try:
        edges = sum(block.n_post * (block.n_pre if block.k is None else block.k) for block in about.blocks())
        _check_room("sizes", about.n, edges)
        return population_network(about, run.generator("network"))
    except ValueError as error:
        raise _said(error) from None


def populations_of(run: Run) -> Populations:
    """What [populations] describes. Raises ConfigError."""
    chosen = run.config.populations
    names = tuple(name for name, _ in chosen.sizes)
    try:
        kernels = {block: _kernel(block, *how) for block, *how in chosen.kernels}
        return Populations(
            names=names,
            sizes=tuple(size for _, size in chosen.sizes),
            couplings=dict(chosen.couplings),
            in_degree=_in_degrees(chosen.in_degree, names),
            kernels=kernels,
            gain=chosen.gain,
            external=dict(chosen.external),
            external_rate=chosen.external_rate,
            external_degree=None if chosen.external_degree == "none" else chosen.external_degree,
            fixed_in_degree=chosen.fixed_in_degree,
            self_connections=chosen.self_connections,
            unsigned=chosen.unsigned,
        )
    except ValueError as error:
        raise _said(error) from None


def _said(error: ValueError) -> ConfigError:
    said = re.sub("in_degree (is|=) None", "in_degree = all", str(error))  # as the INI has it
    return ConfigError(f"[populations] {said}")


def _kernel(block: str, name: str, kappa: float, phase: float) -> Kernel:
    try:
        return Kernel(name, kappa, phase)
    except ValueError as error:
        raise ValueError(f"kernels of {block}: {error}") from None


def _check_room(what: str, units: float, edges: float) -> None:
    """ValueError for a network that cannot fit into this machine's memory."""
    memory = machine_memory()
    need = UNIT_BYTES * units + EDGE_BYTES * edges
    if need > memory:
        raise ValueError(
            f"{what}: expected a network that fits into {memory / 1e9:.0f} GB of memory, got {units:.3g} units and "
            f"about {edges:.2g} connections, which need {need / 1e9:.3g} GB"
        )


def _in_degrees(given: Any, names: tuple[str, ...]) -> tuple[float, ...] | None:
    """K of each population, as it is given for all or by name."""
    if given == "all":
        return None
    if not isinstance(given, tuple):
        return (given,) * len(names)
    found = dict(given)
    if set(found) != set(names):
        raise ValueError(f"in_degree: expected one for each of {', '.join(names)} alone, got {', '.join(found)}")
    return tuple(found[name] for name in names)


def _regions(run: Run) -> Connectome:
    chosen, (description, where, name) = run.config.regions, description_of(run)
    try:
        units = {region.name: region.units for region in description.regions}
        edges = sum(units[one.source] * units[one.target] * (1 - one.sparsity) for one in description.connections)
        _check_room(name, sum(units.values()), edges)
        _check_inputs(run, description)
        return region_network(
            description,
            run.generator("network"),
            initialisation=chosen.initialisation,
            self_connections=chosen.self_connections,
            name=name,
        )
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from None


def _check_inputs(run: Run, description: Description) -> None:
    """ConfigError for regions with inputs of their own, and a task that has not as many channels."""
    if not (run.config.has_task and description.inputs):
        return
    task, units = run.config.trialparams.task_name, description.input_units
    channels, _ = TASKS[task].sizes(vars(run.config.trialparams))
    if units != channels:
        came = ", ".join(f"{given.name}: {given.units}" for given in description.inputs)
        option = "inputs" if run.config.regions.regions else "regions_file"
        raise ConfigError(
            f"[regions] {option}: expected inputs of {channels} units in all, as {task} has so many channels (or no "
            f"inputs, and each channel reaches all units), got {units} ({came})"
        )


def inputs_of(run: Run) -> tuple[Input, ...]:
    """The inputs that the run's regions have, through which a task enters; none where it reaches all neurons."""
    return description_of(run)[0].inputs if run.config.net.source == "regions" else ()


def checksum_of_inputs(run: Run) -> str:
    """sha256 of what the run's regions say of their inputs."""
    description = description_of(run)[0]
    return hashlib.sha256(repr((description.inputs, description.input_connections)).encode()).hexdigest()


def input_weights(run: Run) -> np.ndarray:
    """(N, channels), 0 without a connection: what the regions receive from each input unit, drawn as they are."""
    drawing = run if run.config.net.paired_topology else replace(run, iteration=0)
    return input_matrix(description_of(run)[0], drawing.generator("interface").spawn(1)[0])[1]


def description_of(run: Run) -> tuple[Description, str, str]:
    """The regions of the file or of the INI, the option they stand in, and a name for them. Raises ConfigError."""
    chosen = run.config.regions
    if chosen.regions:
        return _listed(run), "[regions] regions", "regions"
    where, path = "[regions] regions_file", Path(chosen.regions_file).expanduser()
    try:
        return read_description(path), where, path.stem
    except (ValueError, OSError) as error:
        raise ConfigError(f"{where}: {error}") from None


def _listed(run: Run) -> Description:
    """The regions, inputs and projections of the INI, by the checks of a file's."""
    chosen, projections = run.config.regions, run.config.projections.projections
    inputs = {given.name for given in chosen.inputs} - {region.name for region in chosen.regions}
    known = [entry.name for entry in (*chosen.regions, *chosen.inputs)]
    for entry in projections:
        where = f"[projections] projections: {str(entry)!r}"
        if entry.source not in known:
            near = nearest(entry.source, known)
            raise ConfigError(f"{where}: expected from one of {', '.join(known)}, got {entry.source!r}{near}")
        if entry.source in inputs and entry.source_type:
            came = f"{entry.source} is an input, got {entry.source_type!r}"
            raise ConfigError(f"{where}: expected no cell type, as {came}")
    entries = {
        "recurrent_regions": chosen.regions,
        "recurrent_connections": [entry for entry in projections if entry.source not in inputs],
        "input_regions": chosen.inputs,
        "input_connections": [entry for entry in projections if entry.source in inputs],
    }
    content = {kind: [_described(kind, entry) for entry in some] for kind, some in entries.items()}
    try:
        return from_dict(content, "", mixed=True)
    except ValueError as error:
        raise ConfigError(_in_words_of_the_ini(str(error).removeprefix(": "), entries)) from None


def _described(kind: str, entry: Any) -> dict[str, Any]:
    """An entry of an INI as one of a description: the keys it has."""
    if kind.endswith("regions"):
        named = {"name": entry.name, "num_units": entry.units, "sign": entry.sign}
        if kind == "recurrent_regions":
            named |= {"cell_types": dict(entry.cell_types), "base_firing": entry.base_firing, "init": entry.init,
                      "parent_region": entry.parent}  # fmt: skip
    else:
        source = "input" if kind == "input_connections" else "src_region"
        named = {source: entry.source, "src_region_cell_type": entry.source_type, "dst_region": entry.target,
                 "dst_region_cell_type": entry.target_type, "sign": entry.sign, "density": entry.density,
                 "sparsity": entry.sparsity}  # fmt: skip
    return {key: value for key, value in named.items() if value not in ("", None)}


def _in_words_of_the_ini(error: str, entries: Mapping[str, Sequence[Any]]) -> str:
    """An error that names entries of the description by their paths, with the entries themselves in their places."""
    options = dict(zip(entries, ("regions] regions", "projections] projections", "regions] inputs",
                                 "projections] projections"), strict=True))  # fmt: skip
    first = re.match(rf"({'|'.join(entries)})\b", error)

    def written(found: re.Match) -> str:
        return repr(str(entries[found[1]][int(found[2])])) + found[3].replace(".", ": ", 1)

    said = re.sub(rf"({'|'.join(entries)})\[(\d+)\]((?:\.\w+)*)", written, error)
    return f"[{options[first[1]] if first else 'regions] regions'}: {said}"
