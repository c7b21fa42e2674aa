"""The plan of an experiment in its results folder: every run is checked, and earlier results are kept."""

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

from randomnet import compiled, results
from randomnet.build.connectome import spectral_radii
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
    """A checked experiment: its combos, numbered as in the results folder, its manifest, and notes for the user."""

    combos: tuple[Combo, ...]
    manifest: dict[str, Any]
    notes: tuple[str, ...] = ()

    def runs(self) -> list[Run]:
        """Return all runs, iteration by iteration, so that every combo has its first result early."""
        runs = [run for combo in self.combos for run in combo.runs()]
        return sorted(runs, key=lambda run: (run.iteration, run.combo))


def check(plan: Plan) -> list[dict[str, Any]]:
    """Check every run of every combo before anything starts; return the facts of each combo. Raises ConfigError.

    The facts are those of the first iteration's connectome, which stays the same when iterations are added, and
    `upstream`, the files that each iteration starts from.
    """
    facts: list[dict[str, Any]] = []
    radii: dict[Any, Any] = {}
    for combo in plan.combos:
        try:
            kind = kind_of(combo.config.experiment.kind)
            first, *others = combo.runs()
            first_facts = kind.check(first)
            # while its network is cached
            facts.append(first_facts | (spectral_radii(first, radii) if "edges" in first_facts else {}))
            upstream = {run.iteration: kind.check(run).get("upstream", []) for run in others}
            upstream = {first.iteration: first_facts.get("upstream", [])} | upstream
            if any(upstream.values()):
                facts[-1]["upstream"] = [
                    {"run": iteration, **file} for iteration, files in upstream.items() for file in files
                ]
        except ConfigError as error:
            values = ", ".join(f"{name}={value!r}" for name, value in combo.values.items())
            where = f", combo {combo.index} ({values})" if values else ""
            raise ConfigError(f"{plan.path}{where}: {error}") from None
    return facts


def prepare(plan: Plan, facts: list[dict[str, Any]], old: dict[str, Any] | None) -> Prepared:
    """Return the plan merged with the manifest of an earlier experiment in the same folder, if there is one.

    Earlier combos keep their number, new ones follow. Raises ConfigError that names the settings that differ where the
    earlier experiment is another one.
    """
    entries = [
        {
            "combo": combo.index,
            "values": combo.values,
            "settings": json.loads(json.dumps(combo.config.settings())),
            "connectome": combo_facts,
        }
        for combo, combo_facts in zip(plan.combos, facts, strict=True)
    ]
    numbers = list(range(len(entries))) if old is None else _combo_numbers(plan, entries, old)
    order = np.argsort(numbers)
    steps, notes = _steps(plan, old)
    combos = [_with_steps(dataclasses.replace(plan.combos[index], index=numbers[index]), steps) for index in order]
    manifest: dict[str, Any] = {
        "format": results.FORMAT,
        "name": plan.config.experiment.name,
        "kind": plan.config.experiment.kind,
        "seed": plan.config.experiment.seed,
        "iterations": plan.config.trainvalidate.iterations,
        "varied": list(plan.varied),
        "combos": [{**entries[index], "combo": numbers[index]} for index in order],
        "versions": versions(),
        "steps": steps,
        "machine": _machine(),
        "created": (old or {}).get("created") or time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    for name, version in (old or {}).get("versions", {}).items():
        if manifest["versions"].get(name) != version:
            notes.append(f"the runs that are there were made with {name} {version}, not {manifest['versions'][name]}")
    return Prepared(tuple(combos), manifest, tuple(notes))


def _steps(plan: Plan, old: dict[str, Any] | None) -> tuple[str, list[str]]:
    """Return how all runs of the folder compute steps, 'compiled' or 'eager', with notes.

    Runs that go on must not change to other roundings, so the manifest decides where there is one. Earlier versions
    had eager steps only. Raises ConfigError where compiled steps are needed and numba is missing.
    """
    choice = plan.config.execution.steps
    steps = choice if old is None else old.get("steps", compiled.EAGER)
    if steps == compiled.COMPILED and not compiled.is_available():
        raise ConfigError(
            "execution.steps: expected numba and scipy for compiled steps, got none: pip install numba scipy"
            + ("" if old is None else "; the runs in the folder have compiled steps")
        )
    if steps not in (compiled.COMPILED, compiled.EAGER):
        steps = compiled.COMPILED if compiled.is_available() else compiled.EAGER
        missing = ["numba is not installed, so steps are computed by torch, which takes longer"]
        return steps, [] if steps == compiled.COMPILED else missing
    if choice in (compiled.CHOICES[0], steps):
        return steps, []
    return steps, [f"the runs in the folder have {steps} steps, so execution.steps = {choice} is not used"]


def _with_steps(combo: Combo, steps: str) -> Combo:
    execution = dataclasses.replace(combo.config.execution, steps=steps)
    return dataclasses.replace(combo, config=dataclasses.replace(combo.config, execution=execution))


def check_folder(folder: results.ResultsFolder) -> dict[str, Any] | None:
    """Return the manifest in the results folder, None without one. Raises ConfigError for any other folder or file."""
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
    """Return processor, cores and system, with which times can be compared."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    return f"{model}, {os.cpu_count()} cores, {platform.platform()}"


def versions() -> dict[str, str]:
    """Return the versions of the software that the numbers depend on."""
    return {
        "randomnet": code_version(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": sys.platform,
    }


def _combo_numbers(plan: Plan, entries: list[dict[str, Any]], old: dict[str, Any]) -> list[int]:
    """Return the number of each new combo: that of the old combo with the same settings, else the next free one.

    Raises ConfigError where an old combo has no equal.
    """
    expected = f"expected a folder for this experiment, got {plan.config.paths.path_to_results} with another one"
    advice = "; give this one another path_to_results, or move the old one aside with --fresh"
    if plan.config.trainvalidate.iterations < old.get("iterations", 0):
        raise ConfigError(
            f"{expected}: trainvalidate.iterations was {old['iterations']}, is "
            f"{plan.config.trainvalidate.iterations}{advice}"
        )
    numbers: dict[int, int] = {}
    for combo in old["combos"]:
        distances = [_differences(combo, entry) for entry in entries]
        nearest = min(range(len(entries)), key=lambda index: len(distances[index]))
        if distances[nearest]:
            raise ConfigError(f"{expected}: {', '.join(distances[nearest])}{advice}")
        numbers[nearest] = combo["combo"]
    free = max(numbers.values(), default=-1) + 1
    for index in range(len(entries)):
        if index not in numbers:
            numbers[index] = free
            free += 1
    return [numbers[index] for index in range(len(entries))]


def _differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return texts for what differs between an old and a new entry: settings, else files, else the connectome.

    A setting that only the manifest has makes no difference by itself: earlier versions recorded options that no run
    of the kind reads. Where the option is read under a condition, a setting of that condition differs too.
    """
    added = {key: value for key, value in neutral_settings().items() if key in new["settings"]}
    before, now = added | old["settings"], new["settings"]
    undated = "upstream" not in old["connectome"]  # there is no pretrained network, or the options had an older meaning
    differing = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
    differing = [key for key in differing if not (undated and key in CHOOSING)]
    if not now.keys() & set(differing):
        differing = []
    differences = [f"{key} was {before.get(key, 'not read')!r}, is {now.get(key, 'not read')!r}" for key in differing]
    differences += [] if differences else _upstream_differences(old, new)
    inputs = [entry["connectome"].get("inputs", {}) for entry in (old, new)]
    if not differences:
        changed = [key for key in inputs[1] if inputs[0].get(key) != inputs[1][key]]
        differences = [f"the file of {key} has changed" for key in changed]
    checksums = old["connectome"].get("sha256"), new["connectome"].get("sha256")
    if not differences and checksums[0] != checksums[1]:
        differences = [_connectome_difference(old["connectome"], new["connectome"])]
    return differences


def _upstream_differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return a text where an iteration would start from another file than the earlier runs."""
    now = new["connectome"].get("upstream", [])
    if "upstream" not in old["connectome"]:
        return _differences_from_undated(old, now)
    before = {(file["run"], file["option"]): file for file in old["connectome"]["upstream"]}
    for file in now:
        earlier = before.get((file["run"], file["option"]))
        if earlier and earlier["sha256"] != file["sha256"]:
            moved = earlier["path"] != file["path"]
            change = f"was {earlier['path']}, is {file['path']}," if moved else "has changed"
            return [f"the file of {file['option']} {change} for iteration {file['run']}"]
    return []


def _differences_from_undated(old: dict[str, Any], now: list[dict[str, Any]]) -> list[str]:
    """Return the same for manifests of versions without `upstream`.

    There, all iterations of a task started from one stored epoch, counted from 0, in the folder of the combo's number;
    runs without a task started from the last network of their own iteration.
    """
    sha256 = old["connectome"].get("inputs", {}).get(PRETRAINED)
    now = [file for file in now if file["option"] == PRETRAINED]
    epoch, iteration = (old["settings"].get(f"pretrainedparams.pretrained_{name}") for name in ("epoch", "iteration"))
    if not sha256 or not now:
        return []
    has_task = epoch is not None
    equal = all(file["sha256"] == sha256 for file in (now if has_task else now[:1]))
    if equal and (has_task or not any(file["shared"] and file["folder"] for file in now)):
        return []
    before = f"epoch {epoch + 1} of iteration {iteration} for all" if has_task else "the last of the same combo number"
    advice = f" (to go on: pretrained_epoch = {epoch + 1}, pretrained_iteration = {iteration})" if has_task else ""
    return [
        f"the network of {PRETRAINED} was {before}, by an older meaning of the options, is {now[0]['path']}{advice}"
    ]


def _connectome_difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    """Return why a network has another checksum: another version's partition or reading of files, or another file."""
    if new.get("partition") and "partition" not in old and old.get("rand_partition"):
        return (
            f"net.rand_partition breaks the weights of {new['name']} as bio2art does ({new['partition']}) since "
            "version 0.2.0, and made other networks before"
        )
    if "contents" in new and "contents" not in old and new["files"] == old.get("files"):
        return (
            f"the files of {new['name']} are the same, but this version uses more of them, such as signs and types of "
            f"synapses (--describe lists it): {new['edges']:,} edges and {new['inhibitory']:,} inhibitory neurons, not "
            f"{old['edges']:,} and {old['inhibitory']:,}"
        )
    return f"the connectome {new['name']} has changed (sha256 {new['sha256']})"
