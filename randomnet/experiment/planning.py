"""What is to be done in a results folder: every run checked, and what is already there kept."""

import contextlib
import dataclasses
import json
import os
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from randomnet import results
from randomnet.build.connectome import radii_of
from randomnet.kinds.kind import kind_of
from randomnet.schema.config import neutral_settings
from randomnet.schema.plan import Combo, Plan, Run
from randomnet.settings import ConfigError
from randomnet.version import code_version

CHOOSING = tuple(f"pretrainedparams.pretrained_{name}" for name in ("combo", "epoch", "iteration"))
PRETRAINED = "paths.pretrained"
OWN_FILES = ("config.ini", "combos.csv", "folder_index.txt", "summary.csv", "spectra.csv", ".lock")


@dataclass(frozen=True)
class Prepared:
    """A checked experiment: its combos, numbered as in the results folder, and the manifest to be written there."""

    combos: tuple[Combo, ...]
    manifest: dict[str, Any]
    notes: tuple[str, ...] = ()

    def runs(self) -> list[Run]:
        """All runs, iteration by iteration, so that every combo has its first result early."""
        runs = [run for combo in self.combos for run in combo.runs()]
        return sorted(runs, key=lambda run: (run.iteration, run.combo))


def check(plan: Plan) -> list[dict[str, Any]]:
    """Check every run of every combo before anything starts; per combo the facts of the first iteration's connectome,
    which stays the same when iterations are added, and `upstream`, what each iteration starts from. Raises
    ConfigError."""
    facts: list[dict[str, Any]] = []
    radii: dict[Any, Any] = {}
    for combo in plan.combos:
        try:
            kind = kind_of(combo.config.experiment.kind)
            first, *others = combo.runs()
            found = kind.check(first)
            facts.append(found | (radii_of(first, radii) if "edges" in found else {}))  # while its network is at hand
            upstream = {run.iteration: kind.check(run).get("upstream", []) for run in others}
            upstream = {first.iteration: found.get("upstream", [])} | upstream
            if any(upstream.values()):
                facts[-1]["upstream"] = [{"run": number, **one} for number, some in upstream.items() for one in some]
        except ConfigError as error:
            values = ", ".join(f"{name}={value!r}" for name, value in combo.values.items())
            where = f", combo {combo.index} ({values})" if values else ""
            raise ConfigError(f"{plan.path}{where}: {error}") from None
    return facts


def prepare(plan: Plan, facts: list[dict[str, Any]], old: dict[str, Any] | None) -> Prepared:
    """Lay the plan over the manifest of an earlier experiment in the same folder, if there is one.

    Combos that are there keep their number, new ones follow. Raises ConfigError where the earlier experiment is another
    one, naming the settings that differ.
    """
    entries = [
        {
            "combo": combo.index,
            "values": combo.values,
            "settings": json.loads(json.dumps(combo.config.settings())),
            "connectome": about,
        }
        for combo, about in zip(plan.combos, facts, strict=True)
    ]
    numbers = list(range(len(entries))) if old is None else _numbers(plan, entries, old)
    order = np.argsort(numbers)
    combos = [dataclasses.replace(plan.combos[index], index=numbers[index]) for index in order]
    manifest: dict[str, Any] = {
        "format": results.FORMAT,
        "name": plan.config.experiment.name,
        "kind": plan.config.experiment.kind,
        "seed": plan.config.experiment.seed,
        "iterations": plan.config.trainvalidate.iterations,
        "varied": list(plan.varied),
        "combos": [{**entries[index], "combo": numbers[index]} for index in order],
        "versions": versions(),
        "machine": _machine(),
        "created": (old or {}).get("created") or time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    notes = []
    for name, version in (old or {}).get("versions", {}).items():
        if manifest["versions"].get(name) != version:
            notes.append(f"the runs that are there were made with {name} {version}, not {manifest['versions'][name]}")
    return Prepared(tuple(combos), manifest, tuple(notes))


def check_folder(folder: results.ResultsFolder) -> dict[str, Any] | None:
    """The manifest that is in the results folder. Raises ConfigError where the folder is something else."""
    root = folder.root
    if not root.exists():
        return None
    if not root.is_dir():
        raise ConfigError(f"expected a folder, got the file {root}")
    manifest = folder.manifest
    if manifest is None:
        foreign = [path.name for path in root.iterdir() if not path.name.startswith((*OWN_FILES, results.TEMPORARY))]
        if foreign:
            raise ConfigError(
                f"expected an empty or new folder, or one with results of RandomNet, got {root}, which holds other "
                f"files ({foreign[0]})"
            )
    elif manifest.get("format") != results.FORMAT or not isinstance(manifest.get("combos"), list):
        raise ConfigError(
            f"expected a manifest.json of format {results.FORMAT} with its combos in {root}, "
            f"got format {manifest.get('format')}"
        )
    return manifest


def _machine() -> str:
    """Processor, cores and system, for those who compare times."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    return f"{model}, {os.cpu_count()} cores, {platform.platform()}"


def versions() -> dict[str, str]:
    """What the numbers depend on."""
    return {
        "randomnet": code_version(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": sys.platform,
    }


def _numbers(plan: Plan, entries: list[dict[str, Any]], old: dict[str, Any]) -> list[int]:
    """The number of each new combo: that of the old combo with the same settings, else the next free one."""
    where = f"expected a folder for this experiment, got {plan.config.paths.path_to_results} with another one"
    advice = "; give this one another path_to_results, or move the old one aside with --fresh"
    if plan.config.trainvalidate.iterations < old.get("iterations", 0):
        raise ConfigError(
            f"{where}: trainvalidate.iterations was {old['iterations']}, is "
            f"{plan.config.trainvalidate.iterations}{advice}"
        )
    numbers: dict[int, int] = {}
    for combo in old["combos"]:
        distances = [_differences(combo, entry) for entry in entries]
        nearest = min(range(len(entries)), key=lambda index: len(distances[index]))
        if distances[nearest]:
            raise ConfigError(f"{where}: {', '.join(distances[nearest])}{advice}")
        numbers[nearest] = combo["combo"]
    free = max(numbers.values(), default=-1) + 1
    for index in range(len(entries)):
        if index not in numbers:
            numbers[index] = free
            free += 1
    return [numbers[index] for index in range(len(entries))]


def _differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What differs between a combo of the manifest and one of the plan, in words.

    A setting that only the manifest has makes no difference by itself: earlier versions recorded options that no run
    of the kind reads. Where the option is read under a condition, a setting of that condition differs too.
    """
    added = {key: value for key, value in neutral_settings().items() if key in new["settings"]}
    before, now = added | old["settings"], new["settings"]
    undated = "upstream" not in old["connectome"]  # no network is started from, or by an older meaning of the options
    differing = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
    differing = [key for key in differing if not (undated and key in CHOOSING)]
    if not now.keys() & set(differing):
        differing = []
    found = [f"{key} was {before.get(key, 'not read')!r}, is {now.get(key, 'not read')!r}" for key in differing]
    found += [] if found else _other_upstream(old, new)
    inputs = [about["connectome"].get("inputs", {}) for about in (old, new)]
    found += [
        f"the file of {key} has changed" for key in inputs[1] if not found and inputs[0].get(key) != inputs[1][key]
    ]
    checksums = old["connectome"].get("sha256"), new["connectome"].get("sha256")
    if not found and checksums[0] != checksums[1]:
        found = [_connectome_change(old["connectome"], new["connectome"])]
    return found


def _other_upstream(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """In words, where an iteration would start from another file than the runs that are there."""
    now = new["connectome"].get("upstream", [])
    if "upstream" not in old["connectome"]:
        return _other_than_undated(old, now)
    before = {(one["run"], one["option"]): one for one in old["connectome"]["upstream"]}
    for one in now:
        was = before.get((one["run"], one["option"]))
        if was and was["sha256"] != one["sha256"]:
            moved = f"was {was['path']}, is {one['path']}," if was["path"] != one["path"] else "has changed"
            return [f"the file of {one['option']} {moved} for iteration {one['run']}"]
    return []


def _other_than_undated(old: dict[str, Any], now: list[dict[str, Any]]) -> list[str]:
    """The same for manifests of versions before `upstream`: all iterations of a task started from one stored epoch,
    counted from 0, in the folder of the combo's number; others from the last network of their own iteration."""
    was = old["connectome"].get("inputs", {}).get(PRETRAINED)
    now = [one for one in now if one["option"] == PRETRAINED]
    epoch, iteration = (old["settings"].get(f"pretrainedparams.pretrained_{name}") for name in ("epoch", "iteration"))
    if not was or not now:
        return []
    tasked = epoch is not None
    alike = all(one["sha256"] == was for one in (now if tasked else now[:1]))
    if alike and (tasked or not any(one["shared"] and one["folder"] for one in now)):
        return []
    meant = f"epoch {epoch + 1} of iteration {iteration} for all" if tasked else "the last of the same combo number"
    advice = f" (to go on: pretrained_epoch = {epoch + 1}, pretrained_iteration = {iteration})" if tasked else ""
    return [f"the network of {PRETRAINED} was {meant}, by an older meaning of the options, is {now[0]['path']}{advice}"]


def _connectome_change(old: dict[str, Any], new: dict[str, Any]) -> str:
    """Why a network has another checksum: a partition of version 0.1 (Dirichlet), else another file."""
    if new.get("partition") and "partition" not in old and old.get("rand_partition"):
        return (
            f"net.rand_partition breaks the weights of {new['name']} as bio2art does ({new['partition']}) since "
            "version 0.2.0, and made other networks before"
        )
    return f"the connectome {new['name']} has changed (sha256 {new['sha256']})"
