"""The file of a trained network that [paths] pretrained means: which combo, iteration and epoch of a results folder.

    <folder>/<combo>/iter_<i>/model.pt                            the untrained network and that after the last epoch
    <folder>/<combo>/model_state_dict_epoch_<k>_iter_<i>.pth      that after k + 1 epochs, of a task

The number k in a file's name is bio_rnn_mem's, which counts epochs from 0: k = 0 is the network after one epoch, and
the untrained network has no such file. `pretrained_epoch` counts epochs of training: 0 is the untrained network, e is
read from k = e - 1.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from randomnet import results
from randomnet.artifacts.upstream_runs import (
    SAME,
    Choice,
    Upstream,
    contradictions,
    entry_at,
    is_drawn,
    iteration_at,
    iteration_in,
    listed,
    saved_settings,
    settings_of,
)
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError

MODEL, UNTRAINED, LAST = "model.pt", "initial", "last"
OPTION = "paths.pretrained"
EXPECTED = "[paths] pretrained: expected a results folder with a model for every run"
NUMBERED = re.compile(r"model_state_dict_epoch_(\d+)_iter_(\d+)\.pth")
BUILDING = ("net.", "model.", "populations.", "regions.")  # sections of what makes a network
FREE = {  # of these, options that a later stage may have otherwise, or that are compared with the file itself
    "net.n",
    "net.rank",
    "net.readout",
    "net.dales_law",
    "model.groups",
    "model.integrator",
}
FREE_PREFIXES = ("net.factor_", "net.readout_")  # likewise


def numbered_name(epochs: int, iteration: int) -> str:
    """The name of the file with a task's network after so many epochs, from 1 on."""
    return f"model_state_dict_epoch_{epochs - 1}_iter_{iteration}.pth"


def path_of(run: Run) -> Path:
    """The file that is meant. Raises ConfigError."""
    return file_of(run).path


def file_of(run: Run) -> Upstream:
    """The file that is meant, and the run that wrote it. Raises ConfigError, naming what does not match."""
    root = Path(run.config.paths.pretrained).expanduser()
    if not os.path.isdir(root):
        return _named(run, root)
    upstream = _in_results(run, root) if os.path.isfile(root / "manifest.json") else _in_numbered(run, root)
    _check_there(upstream.path)
    return upstream


def _check_there(path: Path, why: str = "") -> None:
    if not os.path.isfile(path) or not os.access(path, os.R_OK):
        raise ConfigError(f"{EXPECTED}, got no {path}{why}")


# ---- a results folder


def _in_results(run: Run, root: Path) -> Upstream:
    """In a results folder of RandomNet."""
    manifest, wanted = _manifest(root), run.config.pretrainedparams
    choice = Choice("[paths] pretrained", str(root), "[pretrainedparams] pretrained_combo")
    entry = choice.combo(run, manifest, wanted.pretrained_combo)
    _agree(run, entry, f"{root} combo {entry['combo']}")
    there, where = range(manifest["iterations"]), "[pretrainedparams] pretrained_iteration"
    iteration = iteration_in(wanted.pretrained_iteration, run.iteration, there, where, str(root))
    folder = results.ResultsFolder(root).run(entry["combo"], iteration)
    path, epoch = _of_epoch(run, folder, iteration, _trains_gains(entry))
    shared = wanted.pretrained_iteration != SAME
    which = LAST if wanted.pretrained_epoch == LAST else ""
    values, number = entry["values"], entry["combo"]
    return Upstream(OPTION, path, root, number, iteration, values, epoch, which, shared, folder.status)


def _manifest(root: Path) -> dict[str, Any]:
    """That of an experiment of kind = train. Raises ConfigError."""
    where = "[paths] pretrained: expected a results folder of kind = train"
    try:
        manifest = results.ResultsFolder(root).manifest or {}
    except results.ResultsError as error:
        raise ConfigError(f"{where}, got {root}: {error}") from None
    if manifest.get("kind") != "train":
        raise ConfigError(f"{where}, got {root}, which is of kind = {manifest.get('kind')}")
    return manifest


def _agree(run: Run, entry: Mapping[str, Any], name: str) -> None:
    """ConfigError where the run describes another network than was trained."""
    saved = saved_settings(entry)
    others = contradictions(entry, settings_of(run), lambda key: _matters(key, saved))
    if others:
        raise ConfigError(f"[paths] pretrained: expected the network that was trained in {name}, got a run with "
                          f"{', '.join(others)}; give it the same, or another folder")  # fmt: skip


def _matters(key: str, saved: Mapping[str, Any]) -> bool:
    """Whether a setting makes the network."""
    if key == "experiment.seed":
        return is_drawn(saved)
    return key.startswith(BUILDING) and key not in FREE and not key.startswith(FREE_PREFIXES)


def _trains_gains(entry: Mapping[str, Any]) -> bool:
    """Whether gains or shifts may be others than 1 and 0."""
    saved = saved_settings(entry)
    trained = any(saved.get(f"trainvalidate.train_{name}") for name in ("gains", "shifts"))
    return trained or saved.get("net.parameter", "weights") != "weights"


def _of_epoch(run: Run, folder: results.RunFolder, iteration: int, gains: bool) -> tuple[Path, int | None]:
    """The file of the epoch that is meant, and how many epochs its network was trained for. Raises ConfigError."""
    wanted, model = run.config.pretrainedparams.pretrained_epoch, folder.path / MODEL
    done = _epochs_done(folder)
    if wanted in (LAST, 0, done) and not (wanted == done and _numbered(run, folder, wanted, iteration, gains)):
        _check_there(model, f", as that run is {folder.status}")
        return model, 0 if wanted == 0 else done
    path = _numbered(run, folder, wanted, iteration, gains)
    if path:
        return path, wanted
    files = _epochs_of(folder.path.parent).get(iteration, []) if run.config.has_task and not gains else []
    there = listed({0, *files, *([] if done is None else [done])})
    raise ConfigError(f"[pretrainedparams] pretrained_epoch: expected {LAST}, or one of the stored epochs {there} of "
                      f"{folder.path}, got {wanted}")  # fmt: skip


def _numbered(run: Run, folder: results.RunFolder, epochs: int, iteration: int, gains: bool) -> Path | None:
    """The file of a task's epoch, where there is one that holds all of the network."""
    path = folder.path.parent / numbered_name(epochs, iteration)
    return path if run.config.has_task and not gains and path.is_file() else None


def _epochs_done(folder: results.RunFolder) -> int | None:
    """How many epochs a run that ended was trained for."""
    summary = (folder.record or {}).get("summary") or {}
    return summary.get("epochs_done")


def _epochs_of(folder: Path) -> dict[int, list[int]]:
    """Iteration -> after how many epochs there are files of it in a combo's folder."""
    epochs: dict[int, list[int]] = {}
    for match in filter(None, (NUMBERED.fullmatch(name) for name in sorted(os.listdir(folder)))):
        epochs.setdefault(int(match[2]), []).append(int(match[1]) + 1)
    return {iteration: sorted(counts) for iteration, counts in epochs.items()}


# ---- a folder of bio_rnn_mem, which has no manifest


def _in_numbered(run: Run, root: Path) -> Upstream:
    combos = [path for path in root.iterdir() if path.name.isdecimal() and path.is_dir() and _epochs_of(path)]
    if not combos:
        missing = f"no manifest.json, and no 0/{numbered_name(1, 0)}"
        raise ConfigError(f"{EXPECTED}, got {root}, which has {missing}; or name a {MODEL}")
    wanted, numbers = run.config.pretrainedparams, sorted(int(path.name) for path in combos)
    number = numbers[0] if wanted.pretrained_combo == SAME and len(numbers) == 1 else wanted.pretrained_combo
    if number not in numbers:
        raise ConfigError(
            f"[pretrainedparams] pretrained_combo: expected one of {root}, {listed(numbers)}, as no manifest.json says "
            f"which values each has (see its folder_index.txt), got {number}"
        )
    stored = _epochs_of(root / str(number))
    where = "[pretrainedparams] pretrained_iteration"
    iteration = iteration_in(wanted.pretrained_iteration, run.iteration, sorted(stored), where, str(root))
    epoch = stored[iteration][-1] if wanted.pretrained_epoch == LAST else wanted.pretrained_epoch
    if epoch not in stored[iteration]:
        raise ConfigError(
            f"[pretrainedparams] pretrained_epoch: expected {LAST}, or one of the stored epochs "
            f"{listed(stored[iteration])} of {root} combo {number} iteration {iteration} (a file's number plus 1), got "
            f"{epoch}"
        )
    path, which = root / str(number) / numbered_name(epoch, iteration), LAST * (wanted.pretrained_epoch == LAST)
    return Upstream(OPTION, path, root, number, iteration, None, epoch, which, wanted.pretrained_iteration != SAME)


# ---- one file


def _named(run: Run, path: Path) -> Upstream:
    """A file that is named itself, for all iterations; the run that wrote it where it still lies in its folder."""
    _check_there(path)
    wanted, numbered = run.config.pretrainedparams, NUMBERED.fullmatch(path.name)
    combo = path.absolute().parent if numbered else path.absolute().parents[min(1, len(path.absolute().parents) - 1)]
    entry, iteration = entry_at(combo), int(numbered[2]) if numbered else iteration_at(path.absolute().parent)
    if entry:
        _agree(run, entry, str(path))
    epoch = int(numbered[1]) + 1 if numbered else _epochs_done(results.RunFolder(path.parent))
    if wanted.pretrained_epoch == 0 and not numbered:
        epoch = 0
    known = {"combo": entry.get("combo") if entry else None, "iteration": iteration, "epoch": epoch}
    for name, value in known.items():
        asked = getattr(wanted, f"pretrained_{name}")
        if asked not in (SAME, LAST, value):
            there = "nothing" if value is None else value
            raise ConfigError(
                f"[pretrainedparams] pretrained_{name}: expected it left out, or {there}, as {path} is one file, got "
                f"{asked}"
            )
    values = entry["values"] if entry else None
    which = LAST if wanted.pretrained_epoch == LAST and not numbered else ""
    return Upstream(OPTION, path, None, known["combo"], iteration, values, epoch, which, shared=True)
