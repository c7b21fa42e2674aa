"""Results folders of bio_rnn_mem, and logs of FlyStability's trainings, as a manifest, tables and arrays.

    bio_rnn_mem   <root>/folder_index.txt with a line `0 (0.0001, 'relu', 'Adam', 5)` per combo
                  <root>/<combo>/train_loss_all.npy, validate_loss_all.npy, ... (iterations, epochs)
                  <root>/<combo>/model_state_dict_epoch_<e>_iter_<i>.pth, whose shapes tell the task
    FlyStability  <root>/<run name>_logs.json, one per sample; the name states the settings

Column e - 1 of bio_rnn_mem's arrays is the network after epoch e. Row e of FlyStability's logs is the network after e
updates. Neither has a seed, versions or a checksum.
"""

import ast
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from randomnet.results.statuses import COMPLETE, DIVERGED, FORMAT, ResultsError
from randomnet.results.stored_shapes import tensor_shapes

INDEX = "folder_index.txt"
CURVES = ("train_loss", "validate_loss", "train_metrics", "validate_metrics")
TASKS = {(2, 1): "seq_mem", (2, 3): "nback_mem", (51, 3): "pic_latent_mem", (785, 3): "pic_mem"}  # channels, outputs
OPTIONS = {"activation": "model.activation", "optimizer": "trainvalidate.optimizer", "lr": "trainvalidate.lr",
           "pattern_length": "trialparams.pattern_length", "n_back": "trialparams.n_back"}  # fmt: skip
ACTIVATIONS, OPTIMIZERS = ("relu", "tanh"), ("Adam", "RMSprop", "SGD")
LOGS = "_logs.json"
ACTIVATION_WORDS = {"tanh_positive": "tanh_positive", "tanh_pos": "tanh_positive", "pos": "tanh_positive",
                    "tanh_streched": "tanh_stretched", "strech": "tanh_stretched", "tanh": "tanh",
                    "std": "tanh"}  # fmt: skip
PARTS = {  # of a run's name -> option
    r"ROI_(.+?)_(?=Subpop|Weights)": "net.roi",
    r"Subpop_(.+?)_(?=Weights)": "model.groups",
    r"Weights(True|False)": "trainvalidate.train_weights",
    r"Shifts(True|False)": "trainvalidate.train_shifts",
    r"Gains(True|False)": "trainvalidate.train_gains",
    r"_N(\d+)": "net.n",
    r"_lr([\d.e+-]+)": "trainvalidate.lr",
    r"_NLE(\d+)": "lyapunov.nle",
    r"_Epochs(\d+)": "trainvalidate.epochs",
    r"_g([\d.e+-]+)_": "net.g",
    r"_Tons([\d.e+-]+)": "lyapunov.tons",
    r"_Tsim([\d.e+-]+)": "lyapunov.tsim",
    r"_dt([\d.e+-]+)": "model.dt",
    r"_Param(\d+_\d+_\d+)": "trainvalidate.number_param",
}
LOSSES = {"l2Norm": "l2", "MSE": "mse", "Entropy": "sum of exponents, maximised"}
GRADIENTS = ("gains", "shifts", "weights")


@dataclass(frozen=True)
class Parts:
    """What a results folder holds, as `loading.Loaded` has it. arrays: by (combo, iteration)."""

    manifest: dict[str, Any]
    table: pd.DataFrame
    history: pd.DataFrame
    arrays: Mapping[tuple[int, int], dict[str, np.ndarray]] = field(default_factory=dict)


def read_predecessor(root: Path) -> Parts | None:
    """The content of a folder of bio_rnn_mem or FlyStability; None for any other. Raises ResultsError if damaged."""
    if (root / INDEX).is_file() and not (root / "manifest.json").exists():
        return _bio_rnn_mem(root)
    logs = sorted(root.glob(f"*{LOGS}"))
    return _flystability(root, logs) if logs else None


# ---- bio_rnn_mem


def _bio_rnn_mem(root: Path) -> Parts:
    combos = _index(root / INDEX)
    tasks = {task for number, _ in combos if (task := _task_of(root / str(number)))}
    if len(tasks) > 1:
        raise ResultsError(f"{root}: expected models of one task, got {', '.join(sorted(tasks))}")
    task = tasks.pop() if tasks else ""
    names = _option_names([values for _, values in combos], task)
    task = task or ("nback_mem" if "n_back" in names else "seq_mem")
    entries, histories, rows = [], [], []
    for number, values in combos:
        named = dict(zip(names, values, strict=True))
        curves = _curves(root / str(number))
        runs, epochs = next(iter(curves.values())).shape if curves else (0, 0)
        settings = {"trialparams.task_name": task, "trainvalidate.loss": "task", "trainvalidate.epochs": epochs}
        settings |= {OPTIONS.get(name, name): value for name, value in named.items()}
        entries.append({"combo": number, "values": named, "settings": settings, "connectome": {}})
        for iteration in range(runs):
            history = pd.DataFrame({"epoch": range(1, epochs + 1)} | {n: c[iteration] for n, c in curves.items()})
            history = history.dropna(subset=["train_loss"])
            histories.append(history.assign(**{"combo": number, **named, "iteration": iteration}))
            rows.append({"combo": number, **named, "iteration": iteration, **_task_summary(history)})
    iterations = max((row["iteration"] for row in rows), default=-1) + 1
    manifest = _manifest(root, names, entries, iterations)
    return Parts(manifest, pd.DataFrame(rows), pd.concat(histories, ignore_index=True) if histories else pd.DataFrame())


def _index(path: Path) -> list[tuple[int, tuple[Any, ...]]]:
    """The number and the values of each combo. Raises ResultsError."""
    combos: list[tuple[int, tuple[Any, ...]]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        number, _, text = line.strip().partition(" ")
        try:
            values = ast.literal_eval(text)
            if not isinstance(values, tuple) or (combos and len(values) != len(combos[0][1])):
                raise ValueError
            combos.append((int(number), values))
        except (ValueError, SyntaxError):
            raise ResultsError(
                f"{path}: expected lines such as 0 (0.0001, 'relu', 'Adam', 5), got {line.strip()!r}"
            ) from None
    if not combos:
        raise ResultsError(f"{path}: expected a line per combo, got none")
    return combos


def _option_names(values: Sequence[tuple[Any, ...]], task: str) -> list[str]:
    """The options of the positions of these values, as folder_index.txt has no names.

    Of two columns of whole numbers the first is pattern_length and the second n_back, the order of the grid.
    """
    columns = list(zip(*values, strict=True))
    several = sum(all(isinstance(value, int) for value in column) for column in columns) > 1
    lengths = "n_back" if task in ("nback_mem", "pic_latent_mem", "pic_mem") else "pattern_length"
    names: list[str] = []
    for position, column in enumerate(columns):
        if set(column) <= set(ACTIVATIONS):
            name = "activation"
        elif set(column) <= set(OPTIMIZERS):
            name = "optimizer"
        elif all(isinstance(value, int) for value in column):
            name = ("n_back" if "pattern_length" in names else "pattern_length") if several else lengths
        else:
            name = "lr" if all(isinstance(value, (int, float)) for value in column) else f"option_{position}"
        names.append(name if name not in names else f"option_{position}")
    return names


def _curves(folder: Path) -> dict[str, np.ndarray]:
    """The curves of a combo, (iterations, epochs) each; accuracies only where they were saved."""
    curves: dict[str, np.ndarray] = {}
    for name in CURVES:
        path = folder / f"{name}_all.npy"
        if not path.is_file():
            continue
        try:
            values = np.load(path, allow_pickle=False)
        except (ValueError, OSError) as error:
            raise ResultsError(f"{path}: expected an array of numbers, got {' '.join(str(error).split())}") from None
        shape = next((other.shape for other in curves.values()), values.shape)
        saved = name not in ("train_metrics", "validate_metrics") or bool(np.any(values))
        if values.ndim == 2 and values.shape == shape and saved:
            curves[name] = values.astype(float)
    return _without_untrained(curves) if "train_loss" in curves else {}


def _without_untrained(curves: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The curves with nan in the last epochs whose losses are all 0, as of a run that was ended before them."""
    losses = np.stack([values for name, values in curves.items() if name.endswith("_loss")])
    is_trained = (losses != 0).any(axis=0)
    is_reached = np.flip(np.logical_or.accumulate(np.flip(is_trained, 1), axis=1), 1)
    return {name: np.where(is_reached, values, np.nan) for name, values in curves.items()}


def _task_of(folder: Path) -> str:
    """The task of a combo, by the channels and outputs of one of its models; empty where that is unknown."""
    for path in sorted(folder.glob("model_state_dict_epoch_*_iter_*.pth")):
        try:
            shapes = tensor_shapes(path)
            return TASKS.get((shapes["rnn.weight_ih_l0"][1], shapes["fc.weight"][0]), "")
        except (ResultsError, KeyError, IndexError, zipfile.BadZipFile):
            continue
    return ""


def _task_summary(history: pd.DataFrame) -> dict[str, Any]:
    """The columns of summary.csv that the curves of a run tell."""
    if history.empty:
        return {"status": "missing"}
    last = history.iloc[-1]
    summary = {"status": COMPLETE, "epochs_done": int(last["epoch"]), "loss_final": last["train_loss"]}
    for name in ("validate_loss", "validate_metrics"):
        if name in history:
            best = history[name].min() if name == "validate_loss" else history[name].max()
            summary |= {f"{name}_final": last[name], f"{name}_best": best}
    column = "validate_loss" if "validate_loss" in history else "train_loss"
    return summary | {"epoch_best": int(history.loc[history[column].idxmin(), "epoch"])}


def _manifest(
    root: Path, varied: Sequence[str], entries: list[dict[str, Any]], iterations: int
) -> dict[str, Any]:
    return {"format": FORMAT, "name": root.resolve().name, "kind": "train", "seed": None, "iterations": iterations,
            "varied": list(varied), "combos": entries}  # fmt: skip


# ---- FlyStability


def _flystability(root: Path, logs: Sequence[Path]) -> Parts:
    """The trainings of these logs; those whose names differ in the sample alone are one combo."""
    groups: dict[str, list[Path]] = {}
    for path in sorted(logs, key=lambda path: (re.sub(r"_Sample\d+", "", path.name), _sample(path))):
        groups.setdefault(re.sub(r"_Sample\d+", "", path.name), []).append(path)
    settings = [_named_settings(name.removesuffix(LOGS)) for name in groups]
    varied = [name for name in dict.fromkeys(name for each in settings for name in each)
              if len({str(each.get(name)) for each in settings}) > 1]  # fmt: skip
    entries, histories, rows, arrays = [], [], [], {}
    for number, (each, paths) in enumerate(zip(settings, groups.values(), strict=True)):
        values = {name.split(".")[-1]: each.get(name, "") for name in varied}
        entries.append({"combo": number, "values": values, "settings": each, "connectome": {}})
        for iteration, path in enumerate(paths):
            history, spectrum = _log(path)
            head = {"combo": number, **values, "iteration": iteration}
            histories.append(history.assign(**head))
            rows.append({**head, **_spectrum_summary(history, spectrum)})
            arrays[number, iteration] = {"spectrum_final": spectrum} if len(spectrum) else {}
    iterations = max(len(paths) for paths in groups.values())
    manifest = _manifest(root, [name.split(".")[-1] for name in varied], entries, iterations)
    return Parts(manifest, pd.DataFrame(rows), pd.concat(histories, ignore_index=True), arrays)


def _sample(path: Path) -> int:
    match = re.search(r"_Sample(\d+)", path.name)
    return int(match[1]) if match else 0


def _named_settings(name: str) -> dict[str, Any]:
    """The settings that the name of a run states."""
    word = next((word for word in ACTIVATION_WORDS if name.startswith(f"{word}_")), "")
    settings: dict[str, Any] = {"trialparams.task_name": "none"}
    settings |= {"model.activation": ACTIVATION_WORDS[word]} if word else {}
    for pattern, option in PARTS.items():
        match = re.search(pattern, name)
        if match:
            settings[option] = _plain(match[1].rstrip("."))
    loss = re.search(r"_(l2Norm|MSE|Entropy)(?:_(-?[\d.]+)(?:_(-?[\d.]+))?)?_", name)
    if loss:
        settings["trainvalidate.loss"] = LOSSES[loss[1]]
        if loss[2]:
            settings["lyapunov.target"] = f"{loss[2]}:{loss[3]}" if loss[3] else _plain(loss[2])
    return settings


def _plain(text: str) -> Any:
    try:
        return json.loads(text.lower())
    except ValueError:
        return text


def _log(path: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """The history of a training and its latest spectrum. Raises ResultsError."""
    expected = f"{path}: expected a log of FlyStability with lists training_loss and training_lambda_max"
    try:
        log = json.loads(path.read_text(encoding="utf-8"))
        columns = dict(_columns(log))
        history = pd.DataFrame(columns)
        spectrum = np.sort(np.asarray(log.get("spectrum", []), dtype=float).ravel())[::-1]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ResultsError(f"{expected}, got {type(error).__name__}: {' '.join(str(error).split())}") from None
    return history, spectrum


def _columns(log: Mapping[str, Any]) -> Iterator[tuple[str, list[float]]]:
    losses = [float(value) for value in log["training_loss"]]
    yield "epoch", list(range(len(losses)))
    yield "train_loss", losses
    names = {"training_lambda_max": "lambda_max", "time_training[s]": "seconds"}
    names |= {f"grad_{name}": f"clipped_norm_{name}" for name in GRADIENTS}
    for name, column in names.items():
        values = [float(value) for value in np.ravel(log.get(name, []))]
        if len(values) == len(losses) and (not column.startswith("clipped") or any(values)):
            yield column, values


def _spectrum_summary(history: pd.DataFrame, spectrum: np.ndarray) -> dict[str, Any]:
    """The columns of summary.csv that a log tells."""
    losses = history["train_loss"]
    if losses.empty:
        return {"status": "missing"}
    status = COMPLETE if np.isfinite(losses.iloc[-1]) else DIVERGED
    summary = {"status": status, "epochs_done": len(losses) - 1, "loss_initial": losses.iloc[0]}
    summary |= {"loss_final": losses.iloc[-1], "loss_best": losses.min(), "epoch_best": int(losses.idxmin())}
    if "lambda_max" in history:
        summary |= {"lambda_max_initial": history["lambda_max"].iloc[0]}
        summary |= {"lambda_max_final": history["lambda_max"].iloc[-1]}
    if len(spectrum):
        positive = spectrum[spectrum > 0]
        summary |= {"n_positive_final": len(positive), "h_KS_final": float(positive.sum())}
    return summary
