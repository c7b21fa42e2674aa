"""What a report has beside figures, from a study.

title         of the page
doubts        what is missing, left out, unequal, or cannot be shown
data, software   the networks and the versions in a line each
computation   equation and schedule: the settings of model, dynamics and spectra
connectomes   facts of each connectome: size, edges, signs, source, checksums
folders       versions, machine and configuration of each results folder
options       the grid; commands: what makes the results again
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from randomnet.comparison.coupling import control_coupling_notes
from randomnet.comparison.hypothesis_tests import shared_notes
from randomnet.comparison.result_sentences import doubts as result_doubts
from randomnet.comparison.study import Combo, Study, distinct_values
from randomnet.comparison.study_notes import study_notes

CHECKSUM = "SHA-256 of its weights (with g, of the first combo)"
FACTS = {  # key of a manifest's record of a connectome -> its name in the report
    "neurons": "neurons", "edges": "edges", "density": "density", "reciprocity": "reciprocity",
    "excitatory": "excitatory neurons", "inhibitory": "inhibitory neurons", "mixed_signs": "neurons of both signs",
    "source": "source", "format": "format", "roi": "ROI", "connections": "file of connections",
    "sign_policy": "rule of signs", "neurons_of_unknown_transmitter": "neurons of unknown transmitter",
    "min_synapses": "fewest synapses of a pair", "autapses_dropped": "self-connections dropped",
    "duplicates_summed": "rows summed that name one pair", "normalization": "normalization",
    "spectral_radius_before": "spectral radius as it is", "null": "null model",
    "edges_lost": "edges lost", "edges_added": "edges added", "weight_jitter": "log-normal sd of wrong weights",
    "neurons_of_wrong_sign": "neurons of wrong sign", "edges_of_wrong_sign": "edges of wrong sign", "sha256": CHECKSUM,
}  # fmt: skip
COMPUTATION = {  # setting -> its name in the report
    "net.g": "coupling g", "model.activation": "activation function", "model.form": "form of the equation",
    "model.integrator": "integrator", "model.dt": "time step dt (τ)",
    "lyapunov.nle": "exponents of the loss or spectrum",
    "lyapunov.transient": "transient of the state (τ)", "lyapunov.frame_transient": "transient of the frame (τ)",
    "lyapunov.tsim": "length of the record tsim (τ)", "lyapunov.tons": "time between QRs (τ)",
    "lyapunov.target": "target of the spectrum", "trainvalidate.loss": "loss", "trialparams.task_name": "task",
    "trainvalidate.epochs": "epochs", "trainvalidate.lr": "learning rate",
}  # fmt: skip
MOST_VALUES = 8  # of one setting
MOST_CONNECTOMES, MOST_FILES = 6, 60
CONFIGURATION = "config.ini"
COMMIT = re.compile(r"\+g([0-9a-f]+)(\.dirty)?")


class Facts(NamedTuple):
    """Facts of connectomes (name, text for each), their files with SHA-256, and how many connectomes are left out."""

    rows: list[tuple[str, list[str]]]
    files: list[tuple[str, str]]
    left: int


class Folder(NamedTuple):
    """One results folder: its label and name, facts of its making (name, text), and its configuration."""

    label: str
    name: str
    facts: list[tuple[str, str]]
    configuration: str


def title(study: Study, kind: str) -> str:
    """Names of the experiments, or the labels of several folders, and the kind."""
    names = list(dict.fromkeys(str(combo.loaded.manifest.get("name") or combo.label) for combo in study.combos))
    return f"{' and '.join(names if len(study.labels) == 1 else study.labels)} ({kind})"


def doubts(study: Study, tests: pd.DataFrame, metric: str) -> list[str]:
    """Lines on what is missing, what differs between folders, and what so few runs cannot show."""
    return [
        *result_doubts(study, metric),
        *study_notes(study),
        *(line.replace("Note: ", "") for line in control_coupling_notes(study)),
        *(shared_notes(tests) if len(tests) else ()),
    ]


def data(study: Study) -> str:
    """The networks of a study without their nulls, such as `EB (synthetic, 436 neurons)`; empty if none is recorded."""
    texts = []
    for combo in study.combos:
        record = combo.record or {}
        if record.get("name") and not record.get("null"):
            origin = "synthetic" if record.get("synthetic") else "from a file"
            texts.append(f"{record['name']} ({origin}, {record.get('neurons', '?')} neurons)")
    texts = list(dict.fromkeys(texts))
    more = f" and {len(texts) - MOST_CONNECTOMES} more" if len(texts) > MOST_CONNECTOMES else ""
    return f"{'; '.join(texts[:MOST_CONNECTOMES])}{more}"


def software(study: Study) -> str:
    """The versions of RandomNet that made the folders, with their days."""
    manifests = [combo.loaded.manifest for combo in study.combos]
    texts = [f"{(manifest.get('versions') or {}).get('randomnet', 'of an unknown version')}, "
             f"{str(manifest.get('created') or 'on an unknown day')[:10]}" for manifest in manifests]  # fmt: skip
    return "; ".join(dict.fromkeys(texts))


def computation(study: Study) -> list[tuple[str, str]]:
    """What equation was computed how: each of COMPUTATION that the runs read, with its values over all combos."""
    rows = []
    for option, name in COMPUTATION.items():
        values = [combo.settings[option] for combo in study.combos if combo.settings.get(option) not in (None, "")]
        texts = list(dict.fromkeys(map(str, values)))
        if texts:
            rows.append((name, ", ".join(texts[:MOST_VALUES]) + (", ..." if len(texts) > MOST_VALUES else "")))
    return rows


def connectomes(study: Study) -> Facts:
    """The facts of each different connectome; those that differ in g alone count as one."""
    columns: dict[str, dict[str, str]] = {}
    files: dict[tuple[str, str], None] = {}
    for combo in study.combos:
        if combo.record:
            facts = dict(_facts(combo, combo.record))
            columns.setdefault(repr({name: text for name, text in facts.items() if name != CHECKSUM}), facts)
            files |= dict.fromkeys(_files(combo.record))
    every = list(columns.values())
    names = list(dict.fromkeys(name for facts in every for name in facts))
    rows = [(name, [facts.get(name, "–") for facts in every[:MOST_CONNECTOMES]]) for name in names]
    return Facts(rows, list(files)[:MOST_FILES], max(0, len(every) - MOST_CONNECTOMES))


def _facts(combo: Combo, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "name", combo.connectome or str(record.get("name") or "network")
    yield "measured or synthetic", "synthetic" if record.get("synthetic") else "measured, or given by a file"
    for key, name in FACTS.items():
        value = record.get(key)
        if value not in (None, "", {}, []):
            yield name, _plain(value)


def _files(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    files = record.get("files")
    if isinstance(files, Mapping):
        yield from ((str(name), str(checksum)) for name, checksum in files.items())


def folders(study: Study) -> list[Folder]:
    """Every results folder with its versions and configuration."""
    first = {combo.label: combo for combo in reversed(study.combos)}
    return [_folder(label, first[label]) for label in study.labels if label in first]


def _folder(label: str, combo: Combo) -> Folder:
    manifest, root = combo.loaded.manifest, combo.loaded.root
    versions = manifest.get("versions") or {}
    version = str(versions.get("randomnet", "not recorded"))
    commit = COMMIT.search(version)
    text = f"{commit[1]}{', with uncommitted changes' if commit[2] else ''}" if commit else "not recorded"
    facts = [
        ("experiment", str(manifest.get("name") or "")), ("kind", str(manifest.get("kind"))),
        ("base seed", str(manifest.get("seed"))), ("iterations", str(manifest.get("iterations"))),
        ("started", str(manifest.get("created") or "not recorded")), ("RandomNet", version), ("git commit", text),
        *((name, str(value)) for name, value in versions.items() if name != "randomnet"),
        ("machine", str(manifest.get("machine") or "not recorded")),
        ("device", str(manifest.get("device") or "not recorded")),
    ]  # fmt: skip
    return Folder(label, root.resolve().name, facts, _configuration(combo))


def _configuration(combo: Combo) -> str:
    """The INI as the runner has stored it; empty in folders without one."""
    try:
        return (combo.loaded.root / CONFIGURATION).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def options(study: Study) -> list[tuple[str, list[str]]]:
    """The gridded options and their values."""
    return [(option, distinct_values(study.combos, option)) for option in study.varied]


def commands(names: Sequence[str], runner: str, visualiser: str) -> list[str]:
    """The commands that make these results and their figures again, given those of runner and visualiser."""
    runs = [f"{runner} {_quoted(f'{name}/{CONFIGURATION}')}" for name in names]
    return [*runs, f"{visualiser} --results_folders {' '.join(map(_quoted, names))} --save_figs figs"]


def _quoted(text: str) -> str:
    """A path as a word of a shell."""
    return text if re.fullmatch(r"[\w@%+=:,./-]+", text) else "'" + text.replace("'", "'\"'\"'") + "'"


def _plain(value: Any) -> str:
    if isinstance(value, float) and not math.isinf(value):
        return f"{value:.4g}"
    return str(value)
