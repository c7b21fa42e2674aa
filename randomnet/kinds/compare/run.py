"""kind = compare: how true the dynamics of models are that kind = fit, or another program, inferred from recordings.

One run compares all complete models of the folders in [source] folder with what was recorded: rates, states, spikes,
and both systems' fixed points and exponents (`scoring` has the columns). A model that cannot be compared has a row with
the reason. Models that were compared before an interruption are in the run's checkpoint, and not compared again.
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
    ComparedModel,
    check_same_recordings,
    folders_of,
    models_of,
    read_test_recording,
    recorded_network,
    unfinished_notes,
)
from randomnet.artifacts.sources import SOURCE, checksum
from randomnet.kinds.checkpoints import read_checkpoint, set_aside, torch_bytes
from randomnet.kinds.compare.evaluation import GroundTruth, MetricUnavailable, ModelEvaluation, Settings
from randomnet.kinds.compare.figure_arrays import figure_arrays
from randomnet.kinds.compare.outputs import FIRST_COLUMNS, LAST_COLUMNS, order_columns, table_arrays, write_outputs
from randomnet.kinds.compare.scoring import HEADLINE_SCORES, SCORERS, Arrays, remarks
from randomnet.kinds.kind import Cost, Kind, ProgressCallback, Ranking, Stop, one_at_a_time
from randomnet.kinds.progress import interruption_check
from randomnet.schema.plan import Run

HEADLINE = ("models", "compared", *HEADLINE_SCORES, "seconds")
Comparison = tuple[dict[str, Any], Arrays]  # a model's row of the table, and its arrays for figures


def check(run: Run) -> dict[str, Any]:
    """Check all that can be wrong before the run starts; return facts of the compared models. Raises ConfigError."""
    models = models_of(run)
    check_same_recordings(run, folders_of(run))
    digest = hashlib.sha256()
    for path in (path for model in models for path in model.files()):
        digest.update(checksum(path).encode() if path.is_file() else b"-")
    connectomes = [(model.folder.record or {}).get("connectome") or {} for model in models if model.folder]
    return {
        "name": f"{len(models)} models",
        "neurons": max((facts.get("neurons") or 0 for facts in connectomes), default=0),
        "source": f"{run.config.source.folder}; of each complete run the network of the lowest validation loss",
        "inputs": {SOURCE: digest.hexdigest()},
    }


def length(run: Run) -> float:
    """Return the number of metrics of all models."""
    return len(models_of(run)) * len(run.config.comparing.chosen)


def execute_one(run: Run, folder: results.RunFolder, report: ProgressCallback, stop: Stop) -> dict[str, Any]:
    """Compare all models and write scores.csv, scores_mean.csv and arrays.npz; return the record for run.json."""
    began, facts, comparisons = time.perf_counter(), check(run), _read_checkpoint(folder)
    seconds_before = sum(row["seconds"] for row, _ in comparisons.values())
    table, arrays = _compare_all(run, folder, comparisons, report, stop)
    record = write_outputs(folder, table, arrays, unfinished_notes(run))
    record["summary"]["seconds"] = round(seconds_before + time.perf_counter() - began, 2)
    return record | {"connectome": facts}


def _compare_all(
    run: Run, folder: results.RunFolder, comparisons: dict[int, Comparison], report: ProgressCallback, stop: Stop
) -> tuple[pd.DataFrame, Arrays]:
    """Return the table of scores.csv, and all arrays.

    comparisons: those in the checkpoint, by the number of the model; new ones are added and saved.
    """
    metrics, truths = run.config.comparing.chosen, _GroundTruths(run, stop)
    rows: list[Any] = []
    arrays: Arrays = {}
    for number, model in enumerate(models_of(run)):
        reported = 0

        def on_metrics(count: int) -> None:
            nonlocal reported
            reported += count
            report({"advance": count})

        known = number in comparisons
        row, model_arrays = comparisons[number] if known else _compare(model, truths, metrics, lambda: on_metrics(1))
        on_metrics(len(metrics) - reported)
        if not known and row["status"] == results.COMPLETE:
            comparisons[number] = row, model_arrays
            _save_checkpoint(folder, comparisons)
        rows.append(row)
        arrays |= {f"m{number}_{name}": array for name, array in model_arrays.items()}
    table = order_columns(pd.DataFrame(rows, dtype=object))
    return table, arrays | table_arrays(table)


def _save_checkpoint(folder: results.RunFolder, comparisons: dict[int, Comparison]) -> None:
    tensors = {number: (row, {name: torch.from_numpy(array) for name, array in arrays.items()})
               for number, (row, arrays) in comparisons.items()}  # fmt: skip
    results.write_bytes(folder.checkpoint, torch_bytes(tensors))


def _read_checkpoint(folder: results.RunFolder) -> dict[int, Comparison]:
    """Return the comparisons in the checkpoint; none without one, or with a damaged one, which is renamed."""
    saved = read_checkpoint(folder.checkpoint, torch.device("cpu")) or {}
    try:
        return {number: (row, {name: tensor.numpy() for name, tensor in tensors.items()})
                for number, (row, tensors) in saved.items()}  # fmt: skip
    except (AttributeError, TypeError, ValueError):
        set_aside(folder.checkpoint)
        return {}


class _GroundTruths:
    """The ground truth of each model; the last one is remembered, as models of one recording are often neighbours."""

    def __init__(self, run: Run, stop: Stop) -> None:
        pause = interruption_check(stop)
        self.settings = Settings(run.config.comparing, lambda: run.generator("starts"), pause)
        self.remembered: dict[Any, GroundTruth] = {}

    def of(self, model: ComparedModel) -> GroundTruth:
        """Return the ground truth of a model. Raises ValueError where there is no recording."""
        self.settings.pause()
        path = model.recording_file()
        if path not in self.remembered:
            recording = read_test_recording(path)
            try:
                truth = GroundTruth(recording, recorded_network(recording, path), self.settings)
            except ValueError as error:  # the network is not there any more: metrics that need it are left out
                truth = GroundTruth(recording, None, self.settings, str(error))
            self.remembered = {path: truth}
        return self.remembered[path]


def _compare(
    model: ComparedModel, truths: _GroundTruths, metrics: Sequence[str], on_metric: Callable[[], None]
) -> Comparison:
    """Compare one model; an error is in its row."""
    began = time.perf_counter()
    row = {"label": model.label, "combo": model.combo, "iteration": model.iteration, "model": model.name}
    columns = (*FIRST_COLUMNS, *LAST_COLUMNS)
    row |= {name if name not in columns else f"axis {name}": value for name, value in model.values.items()}
    try:
        arrays = model.arrays()
        if "test_latents" in arrays and arrays["test_latents"].ndim == 3:
            row["latent_size"] = arrays["test_latents"].shape[-1]
        evaluation = ModelEvaluation(truths.of(model), arrays, model.system())
        scores, left_out, arrays = _score(evaluation, metrics, on_metric)
    except ValueError as error:
        nan = "expected finite values" in str(error)
        scores, arrays = {}, {}
        end = {"status": results.DIVERGED if nan else results.FAILED, "reason": str(error)}
    else:
        end = {"status": results.COMPLETE, "reason": "", "left_out": "; ".join(left_out),
               "remarks": "; ".join(remarks(scores))}  # fmt: skip
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in scores.items()}
    arrays = {name: np.array(array, order="C") for name, array in arrays.items()}
    return row | plain | end | {"seconds": round(time.perf_counter() - began, 2)}, arrays


def _score(
    evaluation: ModelEvaluation, metrics: Sequence[str], on_metric: Callable[[], None]
) -> tuple[dict[str, float], list[str], Arrays]:
    """Return scores, the metrics that were left out with the reasons, and arrays."""
    scores: dict[str, float] = {}
    left_out, arrays = [], figure_arrays(evaluation)
    for name in metrics:
        evaluation.truth.settings.pause()
        try:
            metric_scores, metric_arrays = SCORERS[name](evaluation)
            scores, arrays = scores | metric_scores, arrays | metric_arrays
        except MetricUnavailable as error:
            left_out.append(f"{name}: {error}")
        except (ValueError, RuntimeError) as error:  # the second: of torch
            left_out.append(f"{name} could not be computed: {' '.join(str(error).split())}")
        on_metric()
    return scores, left_out, arrays


def estimate(runs: Sequence[Run]) -> Cost:
    """Return the cost of each run, from its first model."""
    run = runs[0]
    models, truths = models_of(run), _GroundTruths(run, lambda: False)
    began = time.perf_counter()
    _compare(models[0], truths, run.config.comparing.chosen, lambda: None)
    seconds = time.perf_counter() - began
    return Cost(seconds / len(run.config.comparing.chosen), seconds * len(models))


KIND = Kind(
    check=check,
    execute=one_at_a_time(execute_one),
    estimate=estimate,
    length=length,
    unit="metric",
    headline=HEADLINE,
    rankings=tuple(Ranking(name, lowest_first=False) for name in ("state_r2_true_to_inferred", "rate_r2")),
)
