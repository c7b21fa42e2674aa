"""The completed upstream run that a run starts from, chosen by the values of its options.

The combo of a results folder is chosen by the settings in its manifest.json. Combo numbers do not identify it, because
two grids may list the same values in another order. The choice is printed and recorded in manifest.json and run.json.
Its checksum is compared when a results folder is resumed.
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
from randomnet.nulls import EXTENTS, NULLS
from randomnet.results import COMPLETE, ResultsError, ResultsFolder
from randomnet.schema.config import Config, neutral_settings
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError

SAME = "same"  # the combo with this run's values, or the run's own iteration
UNSAVED = "paths.path_to_network"  # may be an axis of a grid, but is not among the settings of a manifest
LISTED = 6  # combos that an error lists
STAGE_OPTIONS = ("source.", "paths.pretrained", "pretrainedparams.")  # which every stage has for itself


@dataclass(frozen=True)
class Upstream:
    """The file that a run starts from, and the run that wrote it.

    option: section.key of the option that names its folder. root: that folder; None where the option names the file.
    combo, iteration: those of the folder. values: of the axes of its grid; None without a manifest. epoch: the epochs
    its network was trained for; None where that is unknown. which: the option's word for the network, such as last or
    best. shared: whether all iterations start from this file. status: of the run that wrote it.
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
        """Return what manifest.json and run.json say of the file."""
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
    """Return the sha256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ---- which combo


@dataclass(frozen=True)
class ComboChoice:
    """How an option chooses a combo of a folder: the option, the folder, and the option for a combo's number.

    number: empty where there is no such option, and the user has to name a file.
    """

    where: str
    folder: str
    number: str = ""

    def entry_for(self, run: Run, manifest: Mapping[str, Any], wanted: int | str) -> dict[str, Any]:
        """Return the manifest's entry of the chosen combo.

        That is the one of the number or, for `same`, the only one that agrees with the run in all that the folder's
        grid varies. Raises ConfigError.
        """
        entries = manifest["combos"]
        if wanted != SAME:
            return self._numbered(entries, int(wanted))
        settings = run_settings(run)
        axes = [key for key in _differing(entries) if key in settings and not key.startswith(STAGE_OPTIONS)]
        agreeing = [entry for entry in entries if not _disagreements(entry, settings, axes)]
        if len(agreeing) == 1:
            return agreeing[0]
        raise ConfigError(self._ambiguous(agreeing, entries, settings, axes))

    def _numbered(self, entries: Sequence[Mapping[str, Any]], number: int) -> dict[str, Any]:
        for entry in entries:
            if entry["combo"] == number:
                return dict(entry)
        known = number_list(entry["combo"] for entry in entries)
        raise ConfigError(f"{self.number}: expected one of {self.folder}, {known}, got {number}")

    def _ambiguous(
        self,
        agreeing: Sequence[Mapping[str, Any]],
        entries: Sequence[Mapping[str, Any]],
        settings: Mapping[str, Any],
        axes: Sequence[str],
    ) -> str:
        """Return the error where several combos agree with the run, or none does."""
        expected = f"{self.where}: expected one combo of {self.folder} with this run's values"
        if agreeing:
            names = ", ".join(_differing(agreeing))
            which = "; ".join(_entry_text(entry, _differing(agreeing)) for entry in agreeing[:LISTED])
            return (f"{expected}, got {len(agreeing)} that differ in {names}, which this run leaves open ({which}); "
                    f"{self._advice(agreeing[0]['combo'])}")  # fmt: skip
        values = ", ".join(f"{key} = {settings[key]!r}" for key in axes)
        which = "; ".join(_entry_text(entry, axes) for entry in entries[:LISTED])
        advice = self._advice(entries[0]["combo"])
        return f"{expected}, {values}, got none of these ({which}); change the values, or {advice}"

    def _advice(self, number: int) -> str:
        if not self.number:
            return "name the file of one run instead of the folder"
        return f"say {self.number} = {number}, or list numbers in combos_params"


def choose_iteration(
    wanted: int | str, run_iteration: int, available: Sequence[int], option: str, folder: str, only: bool = False
) -> int:
    """Return the chosen iteration of a folder: the number, or for `same` that of the run.

    only: whether a folder's single iteration serves every iteration of the run. Raises ConfigError where the folder
    does not have the iteration.
    """
    number = run_iteration if wanted == SAME else int(wanted)
    if only and wanted == SAME and len(available) == 1:
        number = available[0]
    if number not in available:
        reason = ", the run's own; a number starts all iterations from that one" if wanted == SAME else ""
        raise ConfigError(f"{option}: expected one of {folder}, {number_list(available)}, got {number}{reason}")
    return number


def manifest_entry(combo: Path) -> dict[str, Any] | None:
    """Return the entry of a combo's folder in the manifest of its results folder; None without a manifest."""
    try:
        entries = (ResultsFolder(combo.parent).manifest or {}).get("combos", [])
    except ResultsError:
        return None
    return next((entry for entry in entries if str(entry.get("combo")) == combo.name), None)


def iteration_of_folder(folder: Path) -> int | None:
    """Return the iteration of a run's folder, by its name; None for another folder."""
    match = re.fullmatch(r"iter_(\d+)", folder.name)
    return int(match[1]) if match else None


def number_list(numbers: Iterable[int]) -> str:
    """Return numbers as text: 0, or 0 to 2, or 0, 10, 20."""
    ordered = sorted(numbers)
    if not ordered:
        return "none"
    if len(ordered) > 1 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"{ordered[0]} to {ordered[-1]}"
    return ", ".join(map(str, ordered[:20])) + (", ..." if len(ordered) > 20 else "")


# ---- settings


def run_settings(run: Run) -> dict[str, Any]:
    """Return the run's settings as a manifest has them, with the file of its connectome."""
    return _with_one_null(_settings(run.config)) | {UNSAVED: run.config.paths.path_to_network}


@lru_cache(maxsize=8)  # a run's settings are needed several times
def _settings(config: Config) -> dict[str, Any]:
    return json.loads(json.dumps(config.settings()))


def saved_settings(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a manifest's entry; options that are newer than the manifest have neutral values."""
    paths = [value for name, value in entry["values"].items() if name.split(".")[-1] == UNSAVED.split(".")[-1]]
    return _with_one_null(_neutral() | entry.get("settings", {})) | ({UNSAVED: paths[0]} if paths else {})


def _with_one_null(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings with random_w = True written as the null model random_w."""
    return settings | {"net.null": "random_w", "net.random_w": False} if settings.get("net.random_w") else settings


@lru_cache(maxsize=1)
def _neutral() -> dict[str, Any]:
    return neutral_settings()


def contradictions(entry: Mapping[str, Any], settings: Mapping[str, Any], matters: Callable[[str], bool]) -> list[str]:
    """Return texts for the settings, among the keys that matter, that differ between the run and the entry."""
    saved = saved_settings(entry)
    keys = [key for key in settings if key in saved and key != UNSAVED and matters(key)]
    return [f"{key} = {settings[key]!r}, not {saved[key]!r}" for key in keys if saved[key] != settings[key]]


def is_drawn(settings: Mapping[str, Any]) -> bool:
    """Return whether the network of such settings depends on the seed."""
    return is_redrawn({**settings, "net.paired_topology": True})


def is_redrawn(settings: Mapping[str, Any]) -> bool:
    """Return whether every iteration of such settings has its own network.

    That is so with random weights or low-rank factors. Unless paired_topology is off, it is so with a described
    network, with random neurons of regions, with a null model that is drawn at random, and with a connectome in error.
    """
    described, init = settings.get("net.source") in MADE, settings.get("trainvalidate.init", "connectome")
    if init != "connectome" or settings.get("net.rank") or (settings.get("net.roi") == "random" and not described):
        return True
    null = NULLS.get("random_w" if settings.get("net.random_w") else settings.get("net.null"))
    is_random_null = null is not None and null.random
    neurons = settings.get("net.nr_neurons", 1)  # a single one of each region has no choice of targets
    has_neurons = any(number != 1 for number in neurons) if isinstance(neurons, list | tuple) else neurons != 1
    return bool(settings.get("net.paired_topology", True)) and (
        described or has_neurons or is_random_null or any(settings.get(f"net.{name}") for name in EXTENTS)
    )


def _differing(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the settings that differ between entries."""
    all_settings = [saved_settings(entry) for entry in entries]
    keys = dict.fromkeys(key for settings in all_settings for key in settings)
    return [key for key in keys if any(settings.get(key) != all_settings[0].get(key) for settings in all_settings)]


def _disagreements(entry: Mapping[str, Any], settings: Mapping[str, Any], axes: Sequence[str]) -> list[str]:
    saved = saved_settings(entry)
    return [key for key in axes if key in saved and saved[key] != settings[key]]


def _entry_text(entry: Mapping[str, Any], keys: Sequence[str]) -> str:
    saved = saved_settings(entry)
    return f"{entry['combo']}: " + ", ".join(f"{key} = {saved[key]!r}" for key in keys if key in saved)


# ---- on the console


def upstream_lines(facts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each distinct choice in the facts of all combos, in their order."""
    groups: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for combo, combo_facts in enumerate(facts):
        for upstream in combo_facts.get("upstream", []):
            shared = upstream["shared"] or upstream["folder"] is None
            key = json.dumps([upstream[name] for name in ("option", "folder", "combo", "epoch", "which", "status")])
            groups.setdefault(key + (upstream["path"] if shared else ""), []).append((combo, upstream))
    several = len(groups) > 1
    return [_upstream_line(members, several) for members in groups.values()]


def _upstream_line(members: Sequence[tuple[int, Mapping[str, Any]]], several: bool) -> str:
    first = members[0][1]
    iterations = {upstream["iteration"] for _, upstream in members if upstream["iteration"] is not None}
    parts = [first["folder"] or first["path"]]
    if first["combo"] is not None:
        values = ", ".join(f"{name} = {value}" for name, value in first["values"].items())
        parts.append(f"combo {first['combo']}{' (' + values + ')' if values else ''}")
    if iterations:
        use = " (for every iteration)" if first["shared"] else " (each run its own)" if len(iterations) > 1 else ""
        parts.append(f"iteration {number_list(iterations)}{use}")
    elif first["shared"]:
        parts.append("for every iteration")
    parts += [text for text in (_epoch_text(first), f"file {Path(first['path']).name}") if text]
    parts += [f"of a run that is {first['status']}"] * (first["status"] != COMPLETE)
    combos = f" -> combo {number_list({combo for combo, _ in members})}" if several else ""
    return f"Starts from [{first['option'].replace('.', '] ')}: {', '.join(parts)}{combos}"


def _epoch_text(upstream: Mapping[str, Any]) -> str:
    if upstream["epoch"] is None:
        return upstream["which"] and f"the {upstream['which']} network"
    if upstream["epoch"] == 0:
        return "epoch 0, the untrained network"
    return f"epoch {upstream['epoch']}" + (f", the {upstream['which']}" if upstream["which"] else "")
