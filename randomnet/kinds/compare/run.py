"""kind = compare: how true the dynamics are that models inferred from recordings, of kind = fit or made elsewhere.

One run holds all complete models of the folders in [source] folder against what was recorded: rates, states, spikes,
and both systems' fixed points and exponents (`scoring` has the columns). A model that cannot be compared has a row that
says why. Beside scores.csv, a row per model, and scores_mean.csv, means over iterations with 95 % intervals (Student's
t), the run's folder has arrays.npz, of M models, S scores, E test trials of T bins, P and Q fixed points:

| array                                    | what it is                                                              |
|------------------------------------------|-------------------------------------------------------------------------|
| score_names, scores                      | (S,), (M, S)                                                            |
| labels, names, combos, iterations        | (M,) of each model; sizes, of its latents; axes, axis_values (A,) (M, A) |
| m<k>_states_true, m<k>_states_inferred   | (E, T, 3) of model k, mapped, along the true states' principal axes     |
| m<k>_explained                           | (3,) shares of variance of these axes                                   |
| m<k>_points_..., m<k>_unstable_...       | (P or Q, 3), (P or Q,) fixed points there, and unstable directions      |
| m<k>_eigenvalues_...                     | (pairs, leading) complex, of the Jacobians at matched points            |
| m<k>_operator_..., m<k>_exponents_...    | eigenvalues of the delay operators; leading Lyapunov exponents          |
| m<k>_rates_true, m<k>_rates_inferred     | (T, neurons) of one trial                                               |
| m<k>_flow_grid, m<k>_flow_...            | (n, n, 2) in the first two axes, the step of each system per bin        |

Models that were compared before an interruption are in its checkpoint, and not compared again.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch

from randomnet import results
from randomnet.artifacts.comparison_inputs import (
    Model,
    check_unmixed,
    folders_of,
    models_of,
    recording_in,
    trained_of,
    unfinished,
)
from randomnet.artifacts.sources import SOURCE, checksum
from randomnet.kinds.compare.evaluation import Case, Lacking, Settings, Truth
from randomnet.kinds.compare.figure_arrays import shown
from randomnet.kinds.compare.scoring import HEADLINE_SCORES, SCORERS, SCORES, Arrays, remarks
from randomnet.kinds.kind import Cost, Kind, ProgressCallback, Stop, one_at_a_time
from randomnet.kinds.train import outputs
from randomnet.schema.plan import Run
from randomnet.training import Interrupted

HEADLINE = ("models", "compared", *HEADLINE_SCORES, "seconds")
LEVEL = 0.95
HEAD = ("label", "combo", "iteration", "model", "latent_size")  # the columns of scores.csv before the axes
TAIL = ("status", "reason", "left_out", "remarks", "seconds")
Compared = tuple[dict[str, Any], Arrays]  # a model's row of the table, and what figures need


def check(run: Run) -> dict[str, Any]:
    """Everything that can be wrong before the run starts; returns what is compared. Raises ConfigError."""
    models = models_of(run)
    check_unmixed(run, folders_of(run))
    digest = hashlib.sha256()
    for path in (path for model in models for path in model.files()):
        digest.update(checksum(path).encode() if path.is_file() else b"-")
    known = [(model.folder.record or {}).get("connectome") or {} for model in models if model.folder]
    return {
        "name": f"{len(models)} models",
        "neurons": max((about.get("neurons") or 0 for about in known), default=0),
        "source": f"{run.config.source.folder}; of each complete run the network of the lowest validation loss",
        "inputs": {SOURCE: digest.hexdigest()},
    }


def length(run: Run) -> float:
    """Metrics of all models."""
    return len(models_of(run)) * len(run.config.comparing.chosen)


def execute_one(run: Run, folder: results.RunFolder, report: ProgressCallback, stop: Stop) -> dict[str, Any]:
    """Compare all models and write scores.csv, scores_mean.csv and arrays.npz; returns what run.json says of it."""
    began, facts, done = time.perf_counter(), check(run), _kept(folder)
    before = sum(row["seconds"] for row, _ in done.values())
    table, arrays = _scored(run, folder, done, report, stop)
    means = mean_scores(table)
    results.write_csv(folder.path / "scores.csv", table)
    results.write_csv(folder.path / "scores_mean.csv", means)
    results.write_arrays(folder.path / "arrays.npz", arrays)
    broken = table[table["status"] != results.COMPLETE]
    notes = [f"{row['label']} combo {row['combo']} iteration {row['iteration']}: {row['reason']}"
             for row in broken.to_dict("records")]  # fmt: skip
    summary = {"models": len(table), "compared": len(table) - len(broken)}
    summary |= {name: float(table[name].mean()) for name in SCORES if name in table and table[name].notna().any()}
    return {
        "status": results.COMPLETE if len(broken) < len(table) else results.FAILED,
        "reason": "" if len(broken) < len(table) else "no model could be compared: " + notes[0],
        "notes": unfinished(run) + notes,
        "summary": summary | {"seconds": round(before + time.perf_counter() - began, 2)},
        "connectome": facts,
    }



def _scored(
    run: Run, folder: results.RunFolder, done: dict[int, Compared], report: ProgressCallback, stop: Callable[[], bool]
) -> tuple[pd.DataFrame, Arrays]:
    """The table of scores.csv, and all arrays; done: by number the models that are compared, which grow."""
    chosen, truths = run.config.comparing.chosen, _Truths(run, stop)
    rows: list[Any] = []
    arrays: Arrays = {}
    for number, model in enumerate(models_of(run)):
        told = 0

        def tell(metrics: int) -> None:
            nonlocal told
            told += metrics
            report({"advance": metrics})

        row, own = done[number] if number in done else _row(model, truths, chosen, lambda: tell(1))
        tell(len(chosen) - told)
        if number not in done and row["status"] == results.COMPLETE:
            done[number] = row, own
            _keep(folder, done)
        rows.append(row)
        arrays |= {f"m{number}_{name}": array for name, array in own.items()}
    table = _ordered(pd.DataFrame(rows, dtype=object))
    return table, arrays | _tabulated(table)


def _keep(folder: results.RunFolder, done: dict[int, Compared]) -> None:
    """Write the checkpoint."""
    tensors = {number: (row, {name: torch.from_numpy(array) for name, array in own.items()})
               for number, (row, own) in done.items()}  # fmt: skip
    results.write_bytes(folder.checkpoint, outputs.torch_bytes(tensors))


def _kept(folder: results.RunFolder) -> dict[int, Compared]:
    """What it has."""
    saved = outputs.read_checkpoint(folder.checkpoint, torch.device("cpu")) or {}
    return {number: (row, {name: tensor.numpy() for name, tensor in own.items()})
            for number, (row, own) in saved.items()}  # fmt: skip


class _Truths:
    """The truth of each model; that of the last one is kept, as models of one recording often follow each other."""

    def __init__(self, run: Run, stop: Callable[[], bool]) -> None:
        def pause() -> None:
            if stop():
                raise Interrupted

        self.settings = Settings(run.config.comparing, lambda: run.generator("starts"), pause)
        self.known: dict[Any, Truth] = {}

    def of(self, model: Model) -> Truth:
        """Raises ValueError where there is no recording."""
        self.settings.pause()
        path = model.source()
        if path not in self.known:
            recording = recording_in(path)
            try:
                truth = Truth(recording, trained_of(recording, path), self.settings)
            except ValueError as error:  # the network has gone: what needs it is left out
                truth = Truth(recording, None, self.settings, str(error))
            self.known = {path: truth}
        return self.known[path]


def _row(model: Model, truths: _Truths, chosen: Sequence[str], done: Callable[[], None]) -> Compared:
    """Of one model. What is wrong with it is in the row."""
    began = time.perf_counter()
    row = {"label": model.label, "combo": model.combo, "iteration": model.iteration, "model": model.name}
    row |= {name if name not in (*HEAD, *TAIL) else f"axis {name}": value for name, value in model.values.items()}
    try:
        arrays = model.arrays()
        if "test_latents" in arrays and arrays["test_latents"].ndim == 3:
            row["latent_size"] = arrays["test_latents"].shape[-1]
        case = Case(truths.of(model), arrays, model.system())
        scores, left_out, kept = _measured(case, chosen, done)
    except ValueError as error:
        nan = "expected finite values" in str(error)
        scores, kept = {}, {}
        end = {"status": results.DIVERGED if nan else results.FAILED, "reason": str(error)}
    else:
        end = {"status": results.COMPLETE, "reason": "", "left_out": "; ".join(left_out),
               "remarks": "; ".join(remarks(scores))}  # fmt: skip
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in scores.items()}
    arrays = {name: np.array(array, order="C") for name, array in kept.items()}
    return row | plain | end | {"seconds": round(time.perf_counter() - began, 2)}, arrays


def _measured(case: Case, chosen: Sequence[str], done: Callable[[], None]) -> tuple[dict[str, float], list, Arrays]:
    """Scores, what was left out and why, and arrays."""
    scores: dict[str, float] = {}
    left_out, arrays = [], shown(case)
    for name in chosen:
        case.truth.settings.pause()
        try:
            own, kept = SCORERS[name](case)
            scores, arrays = scores | own, arrays | kept
        except Lacking as error:
            left_out.append(f"{name}: {error}")
        except (ValueError, RuntimeError) as error:  # the second: of torch
            left_out.append(f"{name} could not be computed: {' '.join(str(error).split())}")
        done()
    return scores, left_out, arrays


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    """Label, combo, iteration, model, latent size, axes; scores; status, reason, what was left out, remarks, time."""
    table = table.reindex(columns=[*table, *(name for name in (*HEAD, *TAIL) if name not in table)])
    axes, scores = axes_of(table), [name for name in SCORES if name in table]
    texts = ["reason", "left_out", "remarks", *axes]
    table[texts] = table[texts].astype(object).fillna("")
    table[scores] = table[scores].astype(float)
    table["latent_size"] = table["latent_size"].astype(float).astype("Int64")
    return table[[*HEAD, *axes, *scores, *TAIL]].astype({"combo": int, "iteration": int, "seconds": float})


def axes_of(table: pd.DataFrame) -> list[str]:
    """The columns of a table of scores that are axes of a folder's grid."""
    return [name for name in table if name not in (*HEAD, *SCORES, *TAIL)]


def mean_scores(table: pd.DataFrame) -> pd.DataFrame:
    """One row per label, combo and score: mean, sd and n over iterations, and the 95 % interval of the mean.

    No interval, and no sd, of a single value. A folder with several kinds of model has them apart by combo.
    """
    rows, names = [], [name for name in SCORES if name in table]
    head = ["label", "combo", "model", "latent_size", *axes_of(table)]
    for _, part in table.groupby(["label", "combo"], sort=False):
        first = part.iloc[0][head].to_dict()
        for name in names:
            values = part.loc[part["status"] == results.COMPLETE, name].astype(float)
            values = values[np.isfinite(values)].to_numpy()
            if len(values):
                rows.append(first | {"metric": name} | _interval(values))
    return pd.DataFrame(rows, columns=[*head, "metric", "mean", "sd", "n", "low", "high"])


def _interval(values: np.ndarray) -> dict[str, float]:
    from scipy.special import stdtrit  # here, as the import takes 0.2 s

    n, mean = len(values), float(values.mean())
    if n < 2:
        return {"mean": mean, "n": n}
    sd = float(values.std(ddof=1))
    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * sd / np.sqrt(n)
    return {"mean": mean, "sd": sd, "n": n, "low": mean - half, "high": mean + half}


def _tabulated(table: pd.DataFrame) -> Arrays:
    """The table as arrays, for figures."""
    names, axes = [name for name in SCORES if name in table], axes_of(table)
    return {
        "score_names": np.array(names, dtype=str),
        "scores": table[names].to_numpy(dtype=float),
        "labels": table["label"].to_numpy(dtype=str),
        "names": table["model"].to_numpy(dtype=str),
        "combos": table["combo"].to_numpy(dtype=int),
        "iterations": table["iteration"].to_numpy(dtype=int),
        "sizes": table["latent_size"].astype(float).to_numpy(),
        "axes": np.array(axes, dtype=str),
        "axis_values": table[axes].to_numpy(dtype=object).astype(str),
    }


def estimate(runs: Sequence[Run]) -> Cost:
    """Time of each run, from the first model of it."""
    run = runs[0]
    models, truths = models_of(run), _Truths(run, lambda: False)
    began = time.perf_counter()
    _row(models[0], truths, run.config.comparing.chosen, lambda: None)
    each = time.perf_counter() - began
    return Cost(each / len(run.config.comparing.chosen), each * len(models))


KIND = Kind(
    check=check,
    execute=one_at_a_time(execute_one),
    estimate=estimate,
    length=length,
    unit="metric",
    headline=HEADLINE,
)
