"""The file of a trained network that [paths] pretrained names: combo, iteration and epoch of a results folder.

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
from randomnet.artifacts.flystability_models import WEIGHTS, is_model_folder
from randomnet.artifacts.upstream_runs import (
    SAME,
    ComboChoice,
    Upstream,
    choose_iteration,
    contradictions,
    is_drawn,
    iteration_of_folder,
    manifest_entry,
    number_list,
    run_settings,
    saved_settings,
)
from randomnet.schema.config import Config
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError

MODEL, UNTRAINED, LAST = "model.pt", "initial", "last"
OPTION = "paths.pretrained"
EXPECTED = "[paths] pretrained: expected a results folder with a model for every run"
NUMBERED = re.compile(r"model_state_dict_epoch_(\d+)_iter_(\d+)\.pth")
BUILDING = ("net.", "model.", "populations.", "regions.")  # sections that define a network
FREE = {  # options of these that may differ in a later stage, or that are compared with the file itself
    "net.n",
    "net.rank",
    "net.readout",
    "net.dales_law",
    "model.groups",
    "model.integrator",
}
SIMULATED = ("model.dt", "model.tau", "model.form")  # options that may differ in a simulation
FREE_PREFIXES = ("net.factor_", "net.readout_")  # likewise


def numbered_name(epochs: int, iteration: int) -> str:
    """Return the name of the file with a task's network after `epochs` epochs, from 1 on."""
    return f"model_state_dict_epoch_{epochs - 1}_iter_{iteration}.pth"


def provides_network(config: Config) -> bool:
    """Return whether the run's network is the stored one: of a task or simulation, or a FlyStability model folder."""
    return config.takes_stored_network or model_folder(config) is not None


def model_folder(config: Config) -> Path | None:
    """Return the model folder of FlyStability that [paths] pretrained names; None where it names something else."""
    folder = Path(config.paths.pretrained).expanduser()
    return folder if config.paths.pretrained and is_model_folder(folder) else None


def trained_path(run: Run) -> Path:
    """Return the path of the file. Raises ConfigError."""
    return trained_file(run).path


def trained_file(run: Run) -> Upstream:
    """Return the file, and the run that wrote it. Raises ConfigError that names what does not match."""
    root = Path(run.config.paths.pretrained).expanduser()
    if not os.path.isdir(root):
        return _single_file(run, root)
    if is_model_folder(root):
        return _single_file(run, root / WEIGHTS)
    is_results_folder = os.path.isfile(root / "manifest.json")
    upstream = _in_results_folder(run, root) if is_results_folder else _in_old_folder(run, root)
    _check_readable(upstream.path)
    return upstream


def _check_readable(path: Path, reason: str = "") -> None:
    if not os.path.isfile(path) or not os.access(path, os.R_OK):
        raise ConfigError(f"{EXPECTED}, got no {path}{reason}")


# ---- a results folder


def _in_results_folder(run: Run, root: Path) -> Upstream:
    """Return the file in a results folder of RandomNet."""
    manifest, wanted = _manifest(root), run.config.pretrainedparams
    choice = ComboChoice("[paths] pretrained", str(root), "[pretrainedparams] pretrained_combo")
    entry = choice.entry_for(run, manifest, wanted.pretrained_combo)
    _check_same_network(run, entry, f"{root} combo {entry['combo']}")
    available, option = range(manifest["iterations"]), "[pretrainedparams] pretrained_iteration"
    iteration = choose_iteration(wanted.pretrained_iteration, run.iteration, available, option, str(root))
    folder = results.ResultsFolder(root).run(entry["combo"], iteration)
    path, epoch = _file_of_epoch(run, folder, iteration, _trains_gains(entry))
    shared = wanted.pretrained_iteration != SAME
    which = LAST if wanted.pretrained_epoch == LAST else ""
    values, number = entry["values"], entry["combo"]
    return Upstream(OPTION, path, root, number, iteration, values, epoch, which, shared, folder.status)


def _manifest(root: Path) -> dict[str, Any]:
    """Return the manifest of an experiment of kind = train. Raises ConfigError."""
    expected = "[paths] pretrained: expected a results folder of kind = train"
    try:
        manifest = results.ResultsFolder(root).manifest or {}
    except results.ResultsError as error:
        raise ConfigError(f"{expected}, got {root}: {error}") from None
    if manifest.get("kind") != "train":
        raise ConfigError(f"{expected}, got {root}, which is of kind = {manifest.get('kind')}")
    return manifest


def _check_same_network(run: Run, entry: Mapping[str, Any], name: str) -> None:
    """Raise ConfigError where the run describes another network than the trained one."""
    saved = saved_settings(entry)
    simulated = SIMULATED if run.config.has_role("simulation") else ()
    differences = contradictions(
        entry, run_settings(run), lambda key: key not in simulated and _defines_network(key, saved)
    )
    if differences:
        raise ConfigError(f"[paths] pretrained: expected the network that was trained in {name}, got a run with "
                          f"{', '.join(differences)}; give it the same, or another folder")  # fmt: skip


def _defines_network(key: str, saved: Mapping[str, Any]) -> bool:
    """Return whether a setting defines the network."""
    if key == "experiment.seed":
        return is_drawn(saved)
    return key.startswith(BUILDING) and key not in FREE and not key.startswith(FREE_PREFIXES)


def _trains_gains(entry: Mapping[str, Any]) -> bool:
    """Return whether gains or shifts may differ from 1 and 0."""
    saved = saved_settings(entry)
    trained = any(saved.get(f"trainvalidate.train_{name}") for name in ("gains", "shifts"))
    return trained or saved.get("net.parameter", "weights") != "weights"


def _file_of_epoch(run: Run, folder: results.RunFolder, iteration: int, gains: bool) -> tuple[Path, int | None]:
    """Return the file of the epoch, and how many epochs its network was trained for. Raises ConfigError."""
    wanted, model = run.config.pretrainedparams.pretrained_epoch, folder.path / MODEL
    done = _epochs_done(folder)
    if wanted in (LAST, 0, done) and not (wanted == done and _numbered_file(run, folder, wanted, iteration, gains)):
        _check_readable(model, f", as that run is {folder.status}")
        return model, 0 if wanted == 0 else done
    path = _numbered_file(run, folder, wanted, iteration, gains)
    if path:
        return path, wanted
    files = _stored_epochs(folder.path.parent).get(iteration, []) if run.config.has_task and not gains else []
    known = number_list({0, *files, *([] if done is None else [done])})
    raise ConfigError(f"[pretrainedparams] pretrained_epoch: expected {LAST}, or one of the stored epochs {known} of "
                      f"{folder.path}, got {wanted}")  # fmt: skip


def _numbered_file(run: Run, folder: results.RunFolder, epochs: int, iteration: int, gains: bool) -> Path | None:
    """Return the file of a task's epoch; None without one, or where gains would be missing in it."""
    path = folder.path.parent / numbered_name(epochs, iteration)
    return path if run.config.has_task and not gains and path.is_file() else None


def _epochs_done(folder: results.RunFolder) -> int | None:
    """Return how many epochs a run that has ended was trained for; None where that is unknown."""
    summary = (folder.record or {}).get("summary") or {}
    return summary.get("epochs_done")


def _stored_epochs(folder: Path) -> dict[int, list[int]]:
    """Return iteration -> the epochs after which there are files of it in a combo's folder."""
    epochs: dict[int, list[int]] = {}
    for match in filter(None, (NUMBERED.fullmatch(name) for name in sorted(os.listdir(folder)))):
        epochs.setdefault(int(match[2]), []).append(int(match[1]) + 1)
    return {iteration: sorted(counts) for iteration, counts in epochs.items()}


# ---- a folder of bio_rnn_mem, which has no manifest


def _in_old_folder(run: Run, root: Path) -> Upstream:
    """Return the file in a folder without a manifest. Raises ConfigError."""
    combos = [path for path in root.iterdir() if path.name.isdecimal() and path.is_dir() and _stored_epochs(path)]
    if not combos:
        missing = f"no manifest.json, and no 0/{numbered_name(1, 0)}"
        raise ConfigError(f"{EXPECTED}, got {root}, which has {missing}; or name a {MODEL}")
    wanted, numbers = run.config.pretrainedparams, sorted(int(path.name) for path in combos)
    number = numbers[0] if wanted.pretrained_combo == SAME and len(numbers) == 1 else wanted.pretrained_combo
    if number not in numbers:
        raise ConfigError(
            f"[pretrainedparams] pretrained_combo: expected one of {root}, {number_list(numbers)}, as no manifest.json "
            f"says which values each has (see its folder_index.txt), got {number}"
        )
    stored = _stored_epochs(root / str(number))
    option = "[pretrainedparams] pretrained_iteration"
    iteration = choose_iteration(wanted.pretrained_iteration, run.iteration, sorted(stored), option, str(root))
    epoch = stored[iteration][-1] if wanted.pretrained_epoch == LAST else wanted.pretrained_epoch
    if epoch not in stored[iteration]:
        raise ConfigError(
            f"[pretrainedparams] pretrained_epoch: expected {LAST}, or one of the stored epochs "
            f"{number_list(stored[iteration])} of {root} combo {number} iteration {iteration} "
            f"(a file's number plus 1), got {epoch}"
        )
    path, which = root / str(number) / numbered_name(epoch, iteration), LAST * (wanted.pretrained_epoch == LAST)
    return Upstream(OPTION, path, root, number, iteration, None, epoch, which, wanted.pretrained_iteration != SAME)


# ---- one file


def _single_file(run: Run, path: Path) -> Upstream:
    """Return the file that the option names, for all iterations, and the run in whose folder it is."""
    _check_readable(path)
    wanted, numbered, folders = run.config.pretrainedparams, NUMBERED.fullmatch(path.name), path.absolute().parents
    entry = manifest_entry(folders[0] if numbered else folders[min(1, len(folders) - 1)])
    iteration = int(numbered[2]) if numbered else iteration_of_folder(folders[0])
    if entry:
        _check_same_network(run, entry, str(path))
    epoch = int(numbered[1]) + 1 if numbered else _epochs_done(results.RunFolder(path.parent))
    if wanted.pretrained_epoch == 0 and not numbered:
        epoch = 0
    known = {"combo": entry.get("combo") if entry else None, "iteration": iteration, "epoch": epoch}
    for name, value in known.items():
        option = getattr(wanted, f"pretrained_{name}")
        if option not in (SAME, LAST, value):
            expected = "nothing" if value is None else value
            raise ConfigError(
                f"[pretrainedparams] pretrained_{name}: expected it left out, or {expected}, as {path} is one file, "
                f"got {option}"
            )
    values = entry["values"] if entry else None
    which = LAST if wanted.pretrained_epoch == LAST and not numbered else ""
    return Upstream(OPTION, path, None, known["combo"], iteration, values, epoch, which, shared=True)
