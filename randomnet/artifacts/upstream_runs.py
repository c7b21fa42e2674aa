"""The completed run of an earlier experiment that a run starts from: found by the values of its options.

Which combo of a results folder is meant follows from the settings in its manifest.json, not from combo numbers, as two
grids may list the same values in another order. The choice is printed, kept in manifest.json and run.json, and its
checksum is compared when a results folder is resumed.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from randomnet.conditions import MADE
from randomnet.nulls import NULLS
from randomnet.results import COMPLETE, ResultsError, ResultsFolder
from randomnet.schema.config import Config, neutral_settings
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError

SAME = "same"  # the combo with this run's values, and the run's own iteration
UNSAVED = "paths.path_to_network"  # may be an axis, and is no setting
LISTED = 6  # values that an error lists
OWN = ("source.", "paths.pretrained", "pretrainedparams.")  # of each stage its own


@dataclass(frozen=True)
class Upstream:
    """The file that a run starts from, and which run wrote it.

    option: section.key of the option that names its folder. root: that folder; None for a file that is named itself.
    combo, iteration: those of the folder. values: of the axes of its grid; None where no manifest says them. epoch: how
    many epochs its network was trained for; None where that is unknown. which: the option's word for the network, such
    as last or best. shared: whether all iterations start from this one. status: of the run that wrote it.
    """

    option: str
    path: Path
    root: Path | None = None
    combo: int | None = None
    iteration: int | None = None
    values: Mapping[str, Any] | None = None
    epoch: int | None = None
    which: str = ""
    shared: bool = False
    status: str = COMPLETE

    def facts(self) -> dict[str, Any]:
        """What manifest.json and run.json say of it."""
        return {
            "option": self.option,
            "path": str(self.path.resolve()),
            "folder": None if self.root is None else str(self.root),
            "combo": self.combo,
            "values": dict(self.values or {}),
            "iteration": self.iteration,
            "epoch": self.epoch,
            "which": self.which,
            "shared": self.shared,
            "status": self.status,
            "sha256": checksum(self.path),
        }


def checksum(path: Path) -> str:
    """sha256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ---- which combo


@dataclass(frozen=True)
class Choice:
    """How an option names runs of a folder: where it is written, the folder, and the option for a combo's number.

    number: empty where there is no such option, and the user is to name a file.
    """

    where: str
    folder: str
    number: str = ""

    def combo(self, run: Run, manifest: Mapping[str, Any], wanted: int | str) -> dict[str, Any]:
        """The entry of the manifest that is meant: that of the number, or the only one whose settings do not differ
        from the run's in what its grid varies. Raises ConfigError."""
        entries = manifest["combos"]
        if wanted != SAME:
            return self._numbered(entries, int(wanted))
        settings = settings_of(run)
        axes = [key for key in _differing(entries) if key in settings and not key.startswith(OWN)]
        agreeing = [entry for entry in entries if not _disagreements(entry, settings, axes)]
        if len(agreeing) == 1:
            return agreeing[0]
        raise ConfigError(self._ambiguous(agreeing, entries, settings, axes))

    def _numbered(self, entries: Sequence[Mapping[str, Any]], number: int) -> dict[str, Any]:
        for entry in entries:
            if entry["combo"] == number:
                return dict(entry)
        there = listed(entry["combo"] for entry in entries)
        raise ConfigError(f"{self.number}: expected one of {self.folder}, {there}, got {number}")

    def _ambiguous(
        self,
        agreeing: Sequence[Mapping[str, Any]],
        entries: Sequence[Mapping[str, Any]],
        settings: Mapping[str, Any],
        axes: Sequence[str],
    ) -> str:
        """What to say where several combos agree with the run, or none does."""
        expected = f"{self.where}: expected one combo of {self.folder} with this run's values"
        if agreeing:
            names = ", ".join(_differing(agreeing))
            which = "; ".join(_described(entry, _differing(agreeing)) for entry in agreeing[:LISTED])
            return (f"{expected}, got {len(agreeing)} that differ in {names}, which this run leaves open ({which}); "
                    f"{self._advice(agreeing[0]['combo'])}")  # fmt: skip
        values = ", ".join(f"{key} = {settings[key]!r}" for key in axes)
        which = "; ".join(_described(entry, axes) for entry in entries[:LISTED])
        advice = self._advice(entries[0]["combo"])
        return f"{expected}, {values}, got none of these ({which}); change the values, or {advice}"

    def _advice(self, number: int) -> str:
        if not self.number:
            return "name the file of one run instead of the folder"
        return f"say {self.number} = {number}, or list numbers in combos_params"


def iteration_in(
    wanted: int | str, own: int, there: Sequence[int], where: str, folder: str, only: bool = False
) -> int:
    """The iteration of a folder that is meant: the number, or for `same` the run's own.

    only: whether a single one serves every iteration of the run. Raises ConfigError where the folder lacks it.
    """
    number = own if wanted == SAME else int(wanted)
    if only and wanted == SAME and len(there) == 1:
        number = there[0]
    if number not in there:
        reason = ", the run's own; a number starts all iterations from that one" if wanted == SAME else ""
        raise ConfigError(f"{where}: expected one of {folder}, {listed(there)}, got {number}{reason}")
    return number


def entry_at(combo: Path) -> dict[str, Any] | None:
    """What the manifest of the results folder around a combo's folder says of it; None where there is none."""
    try:
        entries = (ResultsFolder(combo.parent).manifest or {}).get("combos", [])
    except ResultsError:
        return None
    return next((entry for entry in entries if str(entry.get("combo")) == combo.name), None)


def iteration_at(folder: Path) -> int | None:
    """The iteration of a run's folder, by its name; None for another folder."""
    match = re.fullmatch(r"iter_(\d+)", folder.name)
    return int(match[1]) if match else None


def listed(numbers: Iterable[int]) -> str:
    """Numbers in words: 0, or 0 to 2, or 0, 10, 20."""
    ordered = sorted(numbers)
    if not ordered:
        return "none"
    if len(ordered) > 1 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"{ordered[0]} to {ordered[-1]}"
    return ", ".join(map(str, ordered[:20])) + (", ..." if len(ordered) > 20 else "")


# ---- settings


def settings_of(run: Run) -> dict[str, Any]:
    """The run's settings as a manifest has them, with the file of its connectome."""
    return _one_null(_settings(run.config)) | {UNSAVED: run.config.paths.path_to_network}


@lru_cache(maxsize=8)  # of a run they are asked for several times
def _settings(config: Config) -> dict[str, Any]:
    return json.loads(json.dumps(config.settings()))


def saved_settings(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a manifest's entry; those of options that are younger than it have their neutral values."""
    paths = [value for name, value in entry["values"].items() if name.split(".")[-1] == UNSAVED.split(".")[-1]]
    return _one_null(_neutral() | entry.get("settings", {})) | ({UNSAVED: paths[0]} if paths else {})


def _one_null(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings with random_w = True written as the null model that it is."""
    return settings | {"net.null": "random_w", "net.random_w": False} if settings.get("net.random_w") else settings


@lru_cache(maxsize=1)
def _neutral() -> dict[str, Any]:
    return neutral_settings()


def contradictions(entry: Mapping[str, Any], settings: Mapping[str, Any], matters: Callable[[str], bool]) -> list[str]:
    """In words, the settings of the run that are others than those of the entry, of the keys that matter."""
    saved = saved_settings(entry)
    keys = [key for key in settings if key in saved and key != UNSAVED and matters(key)]
    return [f"{key} = {settings[key]!r}, not {saved[key]!r}" for key in keys if saved[key] != settings[key]]


def is_drawn(settings: Mapping[str, Any]) -> bool:
    """Whether the network of such settings depends on the seed."""
    return is_redrawn({**settings, "net.paired_topology": True})


def is_redrawn(settings: Mapping[str, Any]) -> bool:
    """Whether every iteration of such settings has a network of its own: random weights or factors of low rank, and
    unless paired_topology is off, a described network, neurons of regions or a null model with several draws."""
    is_made, init = settings.get("net.source") in MADE, settings.get("trainvalidate.init", "connectome")
    if init != "connectome" or settings.get("net.rank") or (settings.get("net.roi") == "random" and not is_made):
        return True
    null = NULLS.get("random_w" if settings.get("net.random_w") else settings.get("net.null"))
    is_random_null = null is not None and null.random
    neurons = settings.get("net.nr_neurons", 1)  # a single one of each region has no choice of targets
    has_neurons = any(number != 1 for number in neurons) if isinstance(neurons, list | tuple) else neurons != 1
    return bool(settings.get("net.paired_topology", True)) and (is_made or has_neurons or is_random_null)


def _differing(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """The settings that are not the same in all entries."""
    every = [saved_settings(entry) for entry in entries]
    keys = dict.fromkeys(key for saved in every for key in saved)
    return [key for key in keys if any(saved.get(key) != every[0].get(key) for saved in every)]


def _disagreements(entry: Mapping[str, Any], settings: Mapping[str, Any], axes: Sequence[str]) -> list[str]:
    saved = saved_settings(entry)
    return [key for key in axes if key in saved and saved[key] != settings[key]]


def _described(entry: Mapping[str, Any], keys: Sequence[str]) -> str:
    saved = saved_settings(entry)
    return f"{entry['combo']}: " + ", ".join(f"{key} = {saved[key]!r}" for key in keys if key in saved)


# ---- in words


def announced(facts: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each distinct choice of all combos' facts, in their order."""
    groups: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for combo, about in enumerate(facts):
        for upstream in about.get("upstream", []):
            shared = upstream["shared"] or upstream["folder"] is None
            key = json.dumps([upstream[name] for name in ("option", "folder", "combo", "epoch", "which", "status")])
            groups.setdefault(key + (upstream["path"] if shared else ""), []).append((combo, upstream))
    several = len(groups) > 1
    return [_line(members, several) for members in groups.values()]


def _line(members: Sequence[tuple[int, Mapping[str, Any]]], several: bool) -> str:
    first = members[0][1]
    iterations = {upstream["iteration"] for _, upstream in members if upstream["iteration"] is not None}
    parts = [first["folder"] or first["path"]]
    if first["combo"] is not None:
        values = ", ".join(f"{name} = {value}" for name, value in first["values"].items())
        parts.append(f"combo {first['combo']}{' (' + values + ')' if values else ''}")
    if iterations:
        alike = " (for every iteration)" if first["shared"] else " (each run its own)" if len(iterations) > 1 else ""
        parts.append(f"iteration {listed(iterations)}{alike}")
    elif first["shared"]:
        parts.append("for every iteration")
    parts += [text for text in (_epoch_text(first), f"file {Path(first['path']).name}") if text]
    parts += [f"of a run that is {first['status']}"] * (first["status"] != COMPLETE)
    combos = f" -> combo {listed({combo for combo, _ in members})}" if several else ""
    return f"Starts from [{first['option'].replace('.', '] ')}: {', '.join(parts)}{combos}"


def _epoch_text(upstream: Mapping[str, Any]) -> str:
    if upstream["epoch"] is None:
        return upstream["which"] and f"the {upstream['which']} network"
    if upstream["epoch"] == 0:
        return "epoch 0, the untrained network"
    return f"epoch {upstream['epoch']}" + (f", the {upstream['which']}" if upstream["which"] else "")
