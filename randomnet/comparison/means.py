"""Means over runs, for means.csv and for the console.

means_table   a row for every label, cell of the grid and metric
overview      the table for the console: a row per cell and label

Only complete runs enter a mean; runs that are left out, and verdicts, are counted in further columns.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from randomnet.comparison import verdicts
from randomnet.comparison.hypothesis_tests import side_text
from randomnet.comparison.intervals import mean_interval
from randomnet.comparison.network_identity import source_of_variation
from randomnet.results import FINISHED, STOPPED

MEDIAN = ", median"  # suffix of a metric of the overview that is a median
MEANS = ("n", "mean", "sd", "stderr", "interval_low", "interval_high", "over", "planned", *verdicts.COUNTS, "note")


def means_table(runs: pd.DataFrame, metrics: Sequence[str], options: Sequence[str]) -> pd.DataFrame:
    """Mean, spread and 95 % interval of every metric, per label and cell of the grid.

    runs: as hypothesis_tests.table_of_tests takes them. over: whether the runs are networks or starts of one
    network; the interval is of the mean over these.
    """
    options = [name for name in options if name not in MEANS]  # the combo's text includes these options
    rows = []
    for _, cell_runs in runs.groupby(["label", "combo", "own"], sort=False):
        first = cell_runs.iloc[0]
        head = {"combo": first["combo"], **first[list(options)].to_dict()}
        for metric in (metric for metric in metrics if cell_runs[metric].notna().any()):
            rows.append(
                {**head, "metric": metric, "label": first["label"], "own": first["own"], **_row(metric, cell_runs)}
            )
    table = pd.DataFrame(rows, columns=["combo", *options, "metric", "label", "own", *MEANS])
    return table.drop(columns=[name for name in ("own", "note") if not table[name].fillna("").any()])


def _row(metric: str, part: pd.DataFrame) -> Mapping[str, Any]:
    complete = part[part["status"].isin(FINISHED)]
    values = complete[metric].to_numpy(dtype=float)
    values = values[np.isfinite(values)]
    n, several = len(values), len(values) > 1
    low, high = mean_interval(values) if several else (None, None)
    counts = verdicts.verdict_counts(metric, part)
    return {
        "n": n, "mean": float(values.mean()) if n else None, "sd": float(values.std(ddof=1)) if several else None,
        "stderr": float(values.std(ddof=1) / np.sqrt(n)) if several else None, "interval_low": low,
        "interval_high": high, "over": source_of_variation(part), "planned": len(part), **counts,
        "note": "; ".join(verdicts.verdict_notes([("", counts, len(part))])),
    }  # fmt: skip


def overview(runs: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Mean ± standard deviation over complete runs as text, a row per cell and label; `runs` as in means_table.

    Columns count runs that diverged, were unbounded or did not converge, if there are any. Metrics without any value
    are left out. A metric that ends in MEDIAN is the median instead. A mean that includes a lower bound has the mark ≥.
    """
    complete_runs = runs[runs["status"].isin(FINISHED)]
    metrics_with_values = [
        name for name in metrics if np.isfinite(complete_runs[name.removesuffix(MEDIAN)].astype(float)).any()
    ]
    statuses = [status for status in ("diverged", "unbounded", STOPPED) if (runs["status"] == status).any()]
    exponent = "lambda_max_final" if "verdict_final" in runs else "lambda_max"
    verdict_columns = [
        name for name in ("not_converged", "too_short") if verdicts.verdict_counts(exponent, complete_runs)[name]
    ]
    lines = []
    for (combo, label, options), cell_runs in runs.groupby(["combo", "label", "own"], sort=False):
        complete = cell_runs[cell_runs["status"].isin(FINISHED)]
        line = {"combo": combo, "label": side_text(label, options), "runs": f"{len(complete)}/{len(cell_runs)}"}
        line |= {status: int((cell_runs["status"] == status).sum()) for status in statuses}
        line |= {name.replace("_", " "): verdicts.verdict_counts(exponent, complete)[name] for name in verdict_columns}
        for name in metrics_with_values:
            text = _summary(complete[name.removesuffix(MEDIAN)].astype(float), name.endswith(MEDIAN))
            bounds = verdicts.is_lower_bound(name.removesuffix(MEDIAN), complete).any()
            line[name] = f"≥ {text}" if bounds else text
        lines.append(line)
    return pd.DataFrame(lines)


def _summary(values: pd.Series, median: bool) -> str:
    values = values[np.isfinite(values)]
    if median or not len(values):
        return f"{values.median():.4g}" if len(values) else "-"
    return f"{values.mean():.4g}" + (f" ± {values.std():.2g}" if len(values) > 1 else "")
