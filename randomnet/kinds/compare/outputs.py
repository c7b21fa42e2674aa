"""Outputs of a comparison: scores.csv, scores_mean.csv, arrays.npz, and the summary of run.json.

scores.csv has a row per model. scores_mean.csv has means over iterations with 95 % intervals (Student's t). Arrays, of
M models, S scores, E test trials of T bins, P and Q fixed points:

| array                                    | content                                                                 |
|------------------------------------------|-------------------------------------------------------------------------|
| score_names, scores                      | (S,), (M, S)                                                            |
| labels, names, combos, iterations        | (M,) of each model; sizes, of its latents; axes, axis_values (A,) (M, A) |
| m<k>_states_true, m<k>_states_inferred   | (E, T, 3) of model k, mapped, along the true states' principal axes     |
| m<k>_explained                           | (3,) shares of variance of these axes                                   |
| m<k>_points_..., m<k>_unstable_...       | (P or Q, 3), (P or Q,) fixed points there, and unstable directions      |
| m<k>_eigenvalues_...                     | (pairs, leading) complex, of the Jacobians at matched points            |
| m<k>_operator_..., m<k>_exponents_...    | eigenvalues of the delay operators; leading Lyapunov exponents          |
| m<k>_dsa_search_delays, .._errors        | (d,), (d, ranks) held-out error of DSA's delays and ranks 1, 2, ...     |
| m<k>_rates_true, m<k>_rates_inferred     | (T, neurons) of one trial                                               |
| m<k>_flow_grid, m<k>_flow_...            | (n, n, 2) in the first two axes, the step of each system per bin        |
"""

from typing import Any

import numpy as np
import pandas as pd

from randomnet import results
from randomnet.kinds.compare.scoring import SCORES, Arrays

LEVEL = 0.95
FIRST_COLUMNS = ("label", "combo", "iteration", "model", "latent_size")  # of scores.csv; then come the axes
LAST_COLUMNS = ("status", "reason", "left_out", "remarks", "seconds")


def write_outputs(
    folder: results.RunFolder, table: pd.DataFrame, arrays: Arrays, unfinished: list[str]
) -> dict[str, Any]:
    """Write both tables and the arrays; return the record for run.json.

    unfinished: notes on runs of the compared folders that are not complete.
    """
    results.write_csv(folder.path / "scores.csv", table)
    results.write_csv(folder.path / "scores_mean.csv", mean_scores(table))
    results.write_arrays(folder.path / "arrays.npz", arrays)
    broken = table[table["status"] != results.COMPLETE]
    notes = [f"{row['label']} combo {row['combo']} iteration {row['iteration']}: {row['reason']}"
             for row in broken.to_dict("records")]  # fmt: skip
    summary = {"models": len(table), "compared": len(table) - len(broken)}
    summary |= {name: float(table[name].mean()) for name in SCORES if name in table and table[name].notna().any()}
    return {
        "status": results.COMPLETE if len(broken) < len(table) else results.FAILED,
        "reason": "" if len(broken) < len(table) else "no model could be compared: " + notes[0],
        "notes": unfinished + notes,
        "summary": summary,
    }


def order_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the columns in order: FIRST_COLUMNS, axes, scores, LAST_COLUMNS."""
    table = table.reindex(columns=[*table, *(name for name in (*FIRST_COLUMNS, *LAST_COLUMNS) if name not in table)])
    axes, scores = axes_of(table), [name for name in SCORES if name in table]
    texts = ["reason", "left_out", "remarks", *axes]
    table[texts] = table[texts].astype(object).fillna("")
    table[scores] = table[scores].astype(float)
    table["latent_size"] = table["latent_size"].astype(float).astype("Int64")
    table = table[[*FIRST_COLUMNS, *axes, *scores, *LAST_COLUMNS]]
    return table.astype({"combo": int, "iteration": int, "seconds": float})


def axes_of(table: pd.DataFrame) -> list[str]:
    """Return the columns of a table of scores that are axes of a folder's grid."""
    return [name for name in table if name not in (*FIRST_COLUMNS, *SCORES, *LAST_COLUMNS)]


def mean_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row per label, combo and score: mean, sd and n over iterations, and the 95 % interval of the mean.

    A single value has no interval and no sd. A folder with several kinds of model has them apart by combo.
    """
    rows, names = [], [name for name in SCORES if name in table]
    columns = ["label", "combo", "model", "latent_size", *axes_of(table)]
    for _, part in table.groupby(["label", "combo"], sort=False):
        first = part.iloc[0][columns].to_dict()
        for name in names:
            values = part.loc[part["status"] == results.COMPLETE, name].astype(float)
            values = values[np.isfinite(values)].to_numpy()
            if len(values):
                rows.append(first | {"metric": name} | _mean_and_interval(values))
    return pd.DataFrame(rows, columns=[*columns, "metric", "mean", "sd", "n", "low", "high"])


def _mean_and_interval(values: np.ndarray) -> dict[str, float]:
    from scipy.special import stdtrit  # here, as the import takes 0.2 s

    n, mean = len(values), float(values.mean())
    if n < 2:
        return {"mean": mean, "n": n}
    sd = float(values.std(ddof=1))
    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * sd / np.sqrt(n)
    return {"mean": mean, "sd": sd, "n": n, "low": mean - half, "high": mean + half}


def table_arrays(table: pd.DataFrame) -> Arrays:
    """Return the table as arrays, for figures."""
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
