"""The plan of an experiment in its results folder: every run is checked, and earlier results are kept."""

import contextlib
import dataclasses
import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from randomnet import compiled, devices, results
from randomnet.build.connectome import has_same_neurons, spectral_radii
from randomnet.build.network import device_of
from randomnet.experiment.earlier_combos import EARLIER, Numbering, numbering_of
from randomnet.kinds.kind import kind_of
from randomnet.schema.plan import Combo, Plan, Run
from randomnet.settings import ConfigError
from randomnet.version import code_version

MOST_NAMED = 8  # combos in a note
OWN_FILES = ("config.ini", "combos.csv", "folder_index.txt", "summary.csv", "spectra.csv", ".lock")


@dataclass(frozen=True)
class Prepared:
    """A checked experiment: its combos, numbered as in the results folder, its manifest, and notes for the user.

    extended: numbers of combos that are to have more epochs than before, with the epochs before.
    """

    combos: tuple[Combo, ...]
    manifest: dict[str, Any]
    notes: tuple[str, ...] = ()
    extended: Mapping[int, int] = field(default_factory=dict)

    def runs(self) -> list[Run]:
        """Return all runs, iteration by iteration, so that every combo has its first result early."""
        runs = [run for combo in self.combos for run in combo.runs()]
        return sorted(runs, key=lambda run: (run.iteration, run.combo))


def check(plan: Plan) -> list[dict[str, Any]]:
    """Check every combo before anything starts; return the facts of each. Raises ConfigError.

    The facts are those of the first iteration's connectome, which stays the same when iterations are added, and
    `upstream`, the files that each iteration starts from. Other iterations are checked where they may have other files
    or neurons: to draw forty null models takes longer than to train one.
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
            differ = "edges" not in first_facts or "upstream" in first_facts or not has_same_neurons(first)
            upstream = {run.iteration: kind.check(run).get("upstream", []) for run in others if differ}
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

    Earlier combos keep their number, new ones follow. Those that the plan lacks stay in the manifest as
    `earlier_combos` and keep their runs, but are in no table. Raises ConfigError that names the settings that differ
    where the earlier experiment is another one.
    """
    entries = _entries(plan, facts)
    extend = not plan.config.combosparams.halving
    numbering = numbering_of(entries, old, plan.config.paths.path_to_results, extend)
    numbers = numbering.numbers
    order = np.argsort(numbers)
    steps, notes = _steps(plan, old)
    trials = steps if old is None else old.get("trials", compiled.EAGER)  # earlier versions had eager trials only
    choice = compiled.BUNDLES if steps == compiled.COMPILED and trials == compiled.EAGER else steps
    combos = [_with_steps(dataclasses.replace(plan.combos[index], index=numbers[index]), choice) for index in order]
    manifest: dict[str, Any] = {
        "format": results.FORMAT,
        "name": plan.config.experiment.name,
        "kind": plan.config.experiment.kind,
        "seed": plan.config.experiment.seed,
        "iterations": plan.config.trainvalidate.iterations,
        "varied": list(plan.varied),
        "combos": [{**entries[index], "combo": numbers[index]} for index in order],
        **({EARLIER: list(numbering.left_out)} if numbering.left_out else {}),
        "versions": versions(),
        "steps": steps,
        "trials": trials,
        "device": _device(plan, facts),
        "machine": _machine(),
        "created": (old or {}).get("created") or time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    notes = [*notes, *_notes(manifest, old or {}, numbering)]
    return Prepared(tuple(combos), manifest, tuple(notes), numbering.extended)


def _entries(plan: Plan, facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what a manifest says of each combo of the plan."""
    return [
        {
            "combo": combo.index,
            "values": combo.values,
            "settings": json.loads(json.dumps(combo.config.settings())),
            "connectome": combo_facts,
        }
        for combo, combo_facts in zip(plan.combos, facts, strict=True)
    ]


def _notes(manifest: dict[str, Any], old: dict[str, Any], numbering: Numbering) -> Iterator[str]:
    """Yield what is another than when the folder was last worked in: versions, combos and iterations."""
    for name, version in old.get("versions", {}).items():
        if manifest["versions"].get(name) != version:
            yield f"the runs that are there were made with {name} {version}, not {manifest['versions'].get(name)}"
    if old.get("device", manifest["device"]) != manifest["device"]:
        yield f"the runs that are there were computed on {old['device']}, those from now on on {manifest['device']}"
    if numbering.left_out:
        names = ", ".join(str(entry["combo"]) for entry in numbering.left_out[:MOST_NAMED])
        more = ", ..." if len(numbering.left_out) > MOST_NAMED else ""
        yield (f"combos {names}{more} of earlier starts are not in this INI: their runs stay in the folder, and are in "
               "no table")  # fmt: skip
    if numbering.extended:
        epochs = ", ".join(map(str, sorted(set(numbering.extended.values()))))
        yield (f"epochs was {epochs}: runs that ended for that go on, and their run.json says so "
               "(extended)")  # fmt: skip
    before, now = old.get("iterations", 0), manifest["iterations"]
    if isinstance(before, int) and before > now:
        yield f"iterations was {before}, is {now}: runs of later iterations stay in the folder, and are in no table"


def _steps(plan: Plan, old: dict[str, Any] | None) -> tuple[str, list[str]]:
    """Return how all runs of the folder compute steps, 'compiled' or 'eager', with notes.

    Runs that go on must not change to other roundings, so the manifest decides where there is one. Earlier versions
    had eager steps only. Raises ConfigError where compiled steps are needed and numba is missing.
    """
    choice = plan.config.execution.steps
    steps = choice if old is None else old.get("steps", compiled.EAGER)
    if steps == compiled.COMPILED and not compiled.is_available():
        needed = "numba and scipy that compile, for compiled steps"
        advice = "got none: pip install numba scipy, and leave NUMBA_DISABLE_JIT out"
        if old is None:
            raise ConfigError(f"[execution] steps: expected {needed}, {advice}, or set steps = eager")
        raise ConfigError(f"expected {needed} as in the runs of the folder, {advice}")
    if steps not in (compiled.COMPILED, compiled.EAGER):
        missing = ["numba is not installed or cannot compile, so steps are computed by torch, which takes longer"]
        return compiled.resolved(steps), [] if compiled.is_available() else missing
    if choice in (compiled.CHOICES[0], steps):
        return steps, []
    return steps, [f"the runs in the folder have {steps} steps, so execution.steps = {choice} is not used"]


def _device(plan: Plan, facts: list[dict[str, Any]]) -> str:
    """Return the names of the devices that the networks of the combos are computed on."""
    if plan.config.execution.engine == "ray":
        return "a GPU of the cluster" if plan.config.execution.gpus_per_run else "cpu"
    found = devices_of(plan, facts)
    return ", ".join(dict.fromkeys(map(devices.name_of, found))) or "cpu"


def devices_of(plan: Plan, facts: list[dict[str, Any]]) -> list[torch.device]:
    """Return the devices of the combos that compute a network, as this process would take them."""
    pairs = zip(plan.combos, facts, strict=True)
    return list(dict.fromkeys(device_of(combo.config, each["neurons"]) for combo, each in pairs if "neurons" in each))


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
