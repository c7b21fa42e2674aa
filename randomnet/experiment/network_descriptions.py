"""--describe: every distinct network of a grid once, as text and as figures, without any run."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from matplotlib.figure import Figure

from randomnet import description, plotting, results
from randomnet.artifacts.trained_files import provides_network, trained_file
from randomnet.artifacts.upstream_runs import checksum
from randomnet.build.connectome import connectome_of
from randomnet.build.coupling_strength import fingerprint
from randomnet.connectome import Connectome, Eigenvalues, eigenvalues_of
from randomnet.connectome.eigenvalues import CONVERGED
from randomnet.experiment import network_files
from randomnet.experiment.announcement import combos_text, shared_values
from randomnet.experiment.redraws import is_redrawn
from randomnet.nulls import Errors
from randomnet.schema.plan import Combo, Plan, Run
from randomnet.settings import ConfigError, nearest

DRAWS, DRAWS_LARGE = 10, 3  # iterations, at most, whose networks are drawn to measure how much they differ
LARGE = 1_000_000  # edges


def show(plan: Plan, folder: Path, save: Path | None = None) -> Iterator[str]:
    """Yield texts for the user: each network of iteration 0 with the paths of its figures, drawn into `folder`.

    save: a new file for the network as the runs use it; several networks become one file each, with their gridded
    values in its name. Where every iteration has its own network, as with a null model, a table says how much the
    iterations differ. All networks are built before the first is described. Files of other content are never
    overwritten: figures are numbered, and a network is not saved. Raises ConfigError for a network that cannot be read,
    or a folder or file that cannot be written.
    """
    networks = _distinct(plan)
    known: dict[tuple, tuple[float, Eigenvalues]] = {}
    targets = network_files.targets(save, [_values(plan, combos) for combos in networks]) if save else []
    _make(folder)
    combos = len(plan.combos)
    yield f"{len(networks)} different network{'s' * (len(networks) > 1)} in {combos} combo{'s' * (combos > 1)}"
    for number, equal_combos in enumerate(networks):
        run = equal_combos[0].runs()[0]
        connectome = connectome_of(run)
        eigenvalues = _shared_eigenvalues(connectome, known)
        weights = _unmodified_weights(run)
        facts = description.describe(connectome, eigenvalues)
        yield f"\n{combos_text(plan, equal_combos)}, iteration 0"
        yield from filter(None, [description.contents_as_text(facts)])
        yield description.as_text(facts, weights)
        yield from _notes(run)
        stem = _stem(plan, equal_combos, connectome)
        yield from (f"  figure  {path}" for path in _write(folder, stem, connectome, eigenvalues))
        if save:
            yield from network_files.write(connectome, targets[number])
        yield from _iterations(equal_combos[0], facts)


def _shared_eigenvalues(connectome: Connectome, known: dict[tuple, tuple[float, Eigenvalues]]) -> Eigenvalues:
    """Return the eigenvalues of a network; those of one that differs only by a factor, as by g, are scaled.

    known: fingerprint of a network -> its largest |weight| and its eigenvalues; a new network is added.
    """
    largest = float(np.abs(connectome.weights).max(initial=0.0))
    if not largest:
        return eigenvalues_of(connectome)
    key = fingerprint(connectome.post * connectome.n + connectome.pre, connectome.weights / largest, connectome.n)
    if key not in known:
        known[key] = largest, eigenvalues_of(connectome)
    before, eigenvalues = known[key]
    return dataclasses.replace(eigenvalues, values=eigenvalues.values * (largest / before))


def _iterations(combo: Combo, first: dict) -> Iterator[str]:
    """Yield how much the networks of the iterations differ; empty where all iterations have the same network."""
    if not is_redrawn(first, combo.config):
        return
    runs = combo.runs()
    if len(runs) == 1:
        yield "  one draw of a random network, with iterations = 1; more iterations show how far draws differ"
        return
    number = DRAWS if first["edges"] <= LARGE else DRAWS_LARGE
    drawn = [first, *(description.describe(connectome_of(run)) for run in runs[1:number])]
    yield description.draws_as_text(drawn, len(runs))


def _distinct(plan: Plan) -> list[list[Combo]]:
    """Return the combos in groups of equal networks, by checksum, as networks are too large to be kept."""
    groups: dict[str, list[Combo]] = {}
    for combo in plan.combos:
        try:
            checksum = connectome_of(combo.runs()[0]).sha256()
        except ConfigError as error:
            values = ", ".join(f"{name}={value!r}" for name, value in combo.values.items())
            where = f", combo {combo.index} ({values})" if values else ""
            raise ConfigError(f"{plan.path}{where}: {error}") from None
        groups.setdefault(checksum, []).append(combo)
    return list(groups.values())


def _unmodified_weights(run: Run) -> dict | None:
    """Return facts of the weights as read from a file, or instantiated from regions; None for drawn networks."""
    config = run.config
    if config.drawn_at_random or provides_network(config):
        return None
    net = dataclasses.replace(config.net, null="none", random_w=False, normalization="none", g=1.0, dales_law="auto",
                              **dataclasses.asdict(Errors()))  # fmt: skip
    training = dataclasses.replace(config.trainvalidate, init="connectome", remap_w=False)
    plain = dataclasses.replace(config, net=net, trainvalidate=training)
    return description.weight_facts(connectome_of(dataclasses.replace(run, config=plain)))


def _notes(run: Run) -> Iterator[str]:
    if run.config.paths.pretrained:
        path = trained_file(run).path
        use = "" if run.config.takes_stored_network else ", whose weights, gains and shifts the run then takes over"
        yield f"  trained model                   {path}, sha256 {checksum(path)}{use}"


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(
            f"--save_figs {folder}: expected a folder to write to, got: {error.strerror or error}"
        ) from None


def _stem(plan: Plan, equal_combos: list[Combo], connectome: Connectome) -> str:
    """Return a file name that is safe everywhere: the network's name, and its gridded values if there are several."""
    text = "_".join(filter(None, [connectome.name, _values(plan, equal_combos)]))
    return re.sub(r"[^\w=.+-]+", "-", text).strip("-.")[:100] or "network"


def _values(plan: Plan, equal_combos: list[Combo]) -> str:
    """Return the gridded values of these combos as a part of a file name; empty where they are all combos."""
    values = shared_values(plan, equal_combos) if len(equal_combos) < len(plan.combos) else ""
    return re.sub(r"[^\w=.+-]+", "-", values.replace(" = ", "=").replace(", ", "_")).strip("-.")


def _write(folder: Path, stem: str, connectome: Connectome, eigenvalues: Eigenvalues) -> list[Path]:
    """Draw the figures into files that are new, or have the same content already; return their paths."""
    drawn = {name: plotting.render(figure, "png") for name, figure in _figures(connectome, eigenvalues).items()}
    for number in range(1, 10_000):
        numbered = stem if number == 1 else f"{stem}-{number}"
        contents = {folder / f"{numbered}_{name}.png": content for name, content in drawn.items()}
        try:
            if all(not path.exists() or path.read_bytes() == content for path, content in contents.items()):
                for path, content in contents.items():
                    results.write_bytes(path, content)
                return list(contents)
        except OSError as error:
            raise ConfigError(f"--save_figs {folder}: expected a folder to write to, got: {error}") from None
    raise ConfigError(f"--save_figs {folder}: expected room for {stem}, got 9999 other figures of that name")


def _figures(connectome: Connectome, eigenvalues: Eigenvalues) -> dict[str, Figure]:
    names = [name for name in FIGURES if name != "blocks" or "population" in connectome.labels]
    return {name: figure_of(connectome, name, eigenvalues) for name in names}


def figure_of(connectome: Connectome, name: str, eigenvalues: Eigenvalues | None = None) -> Figure:
    """Return one of FIGURES of a network; eigenvalues are computed where None.

    Raises ValueError for another name, and for blocks of a network without populations.
    """
    if name not in FIGURES:
        raise ValueError(f"figure: expected one of {', '.join(FIGURES)}, got {name!r}{nearest(name, FIGURES)}")
    return FIGURES[name](connectome, eigenvalues)


def _title(connectome: Connectome) -> str:
    origin = ["synthetic"] * bool(connectome.provenance.get("synthetic"))
    origin = ", ".join([*origin, *filter(None, [description.steps(connectome.provenance)])])
    edges = len(connectome.weights)
    return f"{connectome.name}{f' ({origin})' if origin else ''}: {connectome.n:,} neurons, {edges:,} edges"


def _edges(connectome: Connectome) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return connectome.post, connectome.pre, connectome.weights


def _eigenvalues(connectome: Connectome, eigenvalues: Eigenvalues | None) -> Figure:
    values = eigenvalues_of(connectome) if eigenvalues is None else eigenvalues
    settled = values.residuals <= CONVERGED
    return plotting.eigenvalues(values.values, settled, values.complete, title=_title(connectome))


def _matrix(connectome: Connectome, eigenvalues: Eigenvalues | None) -> Figure:
    groups, title = description.groups_of(connectome), _title(connectome)
    return plotting.weight_matrix(
        *_edges(connectome), groups.order, groups.by, groups.names, groups.sizes, title=title
    )


def _degrees(connectome: Connectome, eigenvalues: Eigenvalues | None) -> Figure:
    return plotting.degrees(*_edges(connectome), connectome.n, title=_title(connectome))


def _blocks(connectome: Connectome, eigenvalues: Eigenvalues | None) -> Figure:
    if "population" not in connectome.labels:
        raise ValueError(f"blocks: expected a network with populations, got {connectome.name} without")
    names, first, index = np.unique(connectome.labels["population"], return_index=True, return_inverse=True)
    order = np.argsort(first)  # as the network lists them
    texts = names[order].tolist()
    return plotting.blocks(*_edges(connectome), np.argsort(order)[index], texts, title=_title(connectome))


FIGURES = {"matrix": _matrix, "degrees": _degrees, "eigenvalues": _eigenvalues, "blocks": _blocks}
