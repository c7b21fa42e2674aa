"""--describe: every distinct network of a grid once, as text and as figures; no run is made."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from matplotlib.figure import Figure

from randomnet import description, plotting, results
from randomnet.artifacts.trained_files import file_of
from randomnet.artifacts.upstream_runs import checksum
from randomnet.build.connectome import connectome_of
from randomnet.connectome import Connectome, Eigenvalues, eigenvalues_of
from randomnet.connectome.eigenvalues import CONVERGED
from randomnet.experiment.announcement import combos_text, shared_values
from randomnet.experiment.redrawing import is_redrawn
from randomnet.schema.plan import Combo, Plan, Run
from randomnet.settings import ConfigError

DRAWS, DRAWS_LARGE = 10, 3  # iterations, at most, whose networks are drawn to see how far they differ
LARGE = 1_000_000  # edges


def show(plan: Plan, folder: Path) -> Iterator[str]:
    """Texts for the user: each network of iteration 0 with the paths of its figures, drawn into `folder`.

    Where every iteration has a network of its own, as a null model does, a table says how far the iterations differ.
    All networks are made before the first is described. Files of other content are never overwritten: the new ones are
    numbered. Raises ConfigError for what cannot be read, or a folder that cannot be written.
    """
    networks = _distinct(plan)
    _make(folder)
    combos = len(plan.combos)
    yield f"{len(networks)} different network{'s' * (len(networks) > 1)} in {combos} combo{'s' * (combos > 1)}"
    for same in networks:
        run = same[0].runs()[0]
        connectome = connectome_of(run)
        found = eigenvalues_of(connectome)
        before = _before(run)
        about = description.describe(connectome, found)
        yield f"\n{combos_text(plan, same)}, iteration 0"
        yield description.as_text(about, before)
        yield from _notes(run)
        yield from (f"  figure  {path}" for path in _write(folder, _stem(plan, same, connectome), connectome, found))
        yield from _iterations(same[0], about)


def _iterations(combo: Combo, first: dict) -> Iterator[str]:
    """How far the networks of the iterations differ; nothing where all iterations have the same one."""
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
    """The combos by their networks, which are too large to be kept side by side."""
    alike: dict[str, list[Combo]] = {}
    for combo in plan.combos:
        try:
            checksum = connectome_of(combo.runs()[0]).sha256()
        except ConfigError as error:
            values = ", ".join(f"{name}={value!r}" for name, value in combo.values.items())
            where = f", combo {combo.index} ({values})" if values else ""
            raise ConfigError(f"{plan.path}{where}: {error}") from None
        alike.setdefault(checksum, []).append(combo)
    return list(alike.values())


def _before(run: Run) -> dict | None:
    """The weights as they were read, or of regions instantiated, where they were; None where nothing is read."""
    config = run.config
    if config.drawn_at_random or (config.has_task and config.paths.pretrained):
        return None
    net = dataclasses.replace(config.net, null="none", random_w=False, normalization="none", g=1.0, dales_law="auto")
    training = dataclasses.replace(config.trainvalidate, init="connectome", remap_w=False)
    plain = dataclasses.replace(config, net=net, trainvalidate=training)
    return description.weight_facts(connectome_of(dataclasses.replace(run, config=plain)))


def _notes(run: Run) -> Iterator[str]:
    if run.config.paths.pretrained:
        chosen = file_of(run)
        taken = "" if run.config.has_task else ", whose weights, gains and shifts the run then takes over"
        yield f"  trained model                   {chosen.path}, sha256 {checksum(chosen.path)}{taken}"


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(
            f"--save_figs {folder}: expected a folder to write to, got: {error.strerror or error}"
        ) from None


def _stem(plan: Plan, same: list[Combo], connectome: Connectome) -> str:
    """A file name that is safe everywhere: the network's name, and the gridded values where there are several."""
    values = shared_values(plan, same) if len(same) < len(plan.combos) else ""
    text = "_".join(filter(None, [connectome.name, values.replace(" = ", "=").replace(", ", "_")]))
    return re.sub(r"[^\w=.+-]+", "-", text).strip("-.")[:100] or "network"


def _write(folder: Path, stem: str, connectome: Connectome, found: Eigenvalues) -> list[Path]:
    """Draw the figures into files that are new or the same already; their paths."""
    drawn = {name: plotting.render(figure, "png") for name, figure in _figures(connectome, found).items()}
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


def _figures(connectome: Connectome, found: Eigenvalues) -> dict[str, Figure]:
    post, pre, weights = connectome.post, connectome.pre, connectome.weights
    made = ["synthetic"] * bool(connectome.provenance.get("synthetic"))
    about = ", ".join([*made, *filter(None, [description.steps(connectome.provenance)])])
    title = f"{connectome.name}{f' ({about})' if about else ''}: {connectome.n:,} neurons, {len(weights):,} edges"
    groups = description.groups_of(connectome)
    sorted_by = (groups.order, groups.by, groups.names, groups.sizes)
    figures = {
        "matrix": plotting.weight_matrix(post, pre, weights, *sorted_by, title=title),
        "degrees": plotting.degrees(post, pre, weights, connectome.n, title=title),
        "eigenvalues": plotting.eigenvalues(found.values, found.residuals <= CONVERGED, found.complete, title=title),
    }
    if "population" in connectome.labels:
        names, first, index = np.unique(connectome.labels["population"], return_index=True, return_inverse=True)
        order = np.argsort(first)  # as the network lists them
        texts = names[order].tolist()
        figures["blocks"] = plotting.blocks(post, pre, weights, np.argsort(order)[index], texts, title=title)
    return figures
