"""Networks that the config describes instead of naming: populations, and regions."""

import re
from pathlib import Path
from typing import Any

from randomnet.config import ConfigError, Run
from randomnet.connectome import Connectome
from randomnet.kinds.interface import machine_memory
from randomnet.synthetic import Kernel, Populations, population_network, read_description, region_network

UNIT_BYTES, EDGE_BYTES = 400, 60  # while a network is drawn


def made(run: Run) -> Connectome:
    """The network that [populations] or [regions] describes, as this iteration draws it. Raises ConfigError."""
    return _populations(run) if run.config.net.source == "populations" else _regions(run)


def _populations(run: Run) -> Connectome:
    chosen = run.config.populations
    names = tuple(name for name, _ in chosen.sizes)
    try:
        kernels = {block: _kernel(block, *how) for block, *how in chosen.kernels}
        about = Populations(
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
        edges = sum(block.n_post * (block.n_pre if block.k is None else block.k) for block in about.blocks())
        _check_room("sizes", about.n, edges)
        return population_network(about, run.generator("network"))
    except ValueError as error:
        said = re.sub("in_degree (is|=) None", "in_degree = all", str(error))  # as the INI has it
        raise ConfigError(f"[populations] {said}") from None


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
    chosen = run.config.regions
    if not chosen.regions_file:
        raise ConfigError("[regions] regions_file: expected a JSON file with net.source = regions, got nothing")
    path = Path(chosen.regions_file).expanduser()
    try:
        description = read_description(path)
        units = {region.name: region.units for region in description.regions}
        edges = sum(units[one.source] * units[one.target] * (1 - one.sparsity) for one in description.connections)
        _check_room(str(path), sum(units.values()), edges)
        if run.config.has_task and description.inputs:
            raise ValueError(
                "expected regions without inputs of their own with a task, whose inputs reach all units, "
                f"got the input {description.inputs[0].name} in {path}"
            )
        return region_network(
            description,
            run.generator("network"),
            initialisation=chosen.initialisation,
            self_connections=chosen.self_connections,
            name=path.stem,
        )
    except (ValueError, OSError) as error:
        raise ConfigError(f"[regions] regions_file: {error}") from None
