"""Paired statistics of runs: how much two sets of runs differ, and how sure that is.

    paired_differences   the runs both sets have, as b - a
    bootstrap_interval   percentile bootstrap of the mean difference
    t_interval           Student's interval of a mean
    permutation_p        two-sided sign-flip test of a mean difference of zero
    compare              all of it for one metric of two sets of runs, as one row
    label_pairs          the pairs of sets of runs that differ in their label
    comparison_table     every pair of sets of runs, combo and metric, and all combos pooled
    overview             the table for the console: a row per combo and label
    differences          the same of a comparison table: a row per pair, all combos pooled
    summary_table        one set of runs alone: means and standard errors
    with_summary         these and the rows of a comparison, as one table

Only complete runs enter a mean; diverged and unbounded ones are counted beside it, for leaving them out flatters. No
correction for the number of rows is made.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from randomnet.student import t_quantile

MEDIAN = ", median"  # after the name of a metric of the overview
POOLED = "pooled"
# Of a spectrum of which exponents that were not computed may be positive, these are lower bounds: metric -> its flag.
BOUNDS = {"h_KS": "h_KS_lower_bound", "n_positive": "h_KS_lower_bound"}
BOUNDED = "lower bounds (partial spectrum)"
POOLED_NOTE = "a pair is an iteration, the mean over its combos, which share its seed"
LEVEL = 0.95
RESAMPLES = 10_000
FLIPS = 20_000
EXACT_UP_TO = 12
SEED = 20_240_229  # fixed: the same runs give the same table, byte for byte
CHUNK = 1_000_000  # numbers drawn at once, so that many pairs do not need much memory


def paired_differences(a: pd.Series, b: pd.Series) -> np.ndarray:
    """b - a over the index entries where both have a finite value; shape (pairs,)."""
    differences = (b.astype(float) - a.astype(float)).to_numpy()
    return differences[np.isfinite(differences)]


def bootstrap_interval(differences: np.ndarray, level: float = LEVEL, seed: int = SEED) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of `differences`, shape (n,), in their unit.

    Efron and Tibshirani (1993), section 13.3, with RESAMPLES resamples from a fixed seed. ValueError where n < 2.
    """
    values = _at_least_two(differences)
    generator = np.random.default_rng(seed)
    means = [values[generator.integers(0, len(values), (rows, len(values)))].mean(axis=1)
             for rows in _chunks(RESAMPLES, len(values))]
    tail = (1 - level) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return float(low), float(high)


def t_interval(values: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Student's interval of the mean of `values`, shape (n,), in their unit. ValueError where n < 2.

    For the few runs that experiments have: a bootstrap of 3 runs is much too narrow.
    """
    values = _at_least_two(values)
    half = t_quantile(level, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)


def permutation_p(differences: np.ndarray, seed: int = SEED) -> float:
    """Two-sided sign-flip p value of a mean difference of zero; `differences` has shape (n,).

    All 2^n sign patterns where n <= EXACT_UP_TO; beyond that FLIPS random ones, with the observed pattern counted in
    (Phipson and Smyth 2010), so that p is never 0. ValueError where n < 2.
    """
    values = _at_least_two(differences)
    # Rounding must not decide whether a pattern equal to the observed one counts.
    threshold = abs(values.sum()) - 1e-12 * np.abs(values).sum()
    if len(values) <= EXACT_UP_TO:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(values))))
        return float(np.mean(np.abs(signs @ values) >= threshold))
    generator = np.random.default_rng(seed)
    extreme = 0
    for rows in _chunks(FLIPS, len(values)):
        signs = generator.integers(0, 2, (rows, len(values))) * 2.0 - 1.0
        extreme += int(np.sum(np.abs(signs @ values) >= threshold))
    return (1 + extreme) / (1 + FLIPS)


def compare(a: pd.Series, b: pd.Series) -> dict[str, Any]:
    """One row of figures for two sets of runs; the index (for example the iteration) says which runs are a pair.

    mean_a, mean_b and their standard errors are over all n_a and n_b runs; the difference, its interval and p are over
    the n pairs. What too few runs cannot give is None, and `note` says why.
    """
    differences = paired_differences(a, b)
    row = {"n": len(differences), **_means(a, "_a"), **_means(b, "_b")}
    row["difference_b_minus_a"] = float(differences.mean()) if len(differences) else None
    low, high = bootstrap_interval(differences) if len(differences) > 1 else (None, None)
    p = permutation_p(differences) if len(differences) > 1 else None
    return {**row, "interval_low": low, "interval_high": high, "permutation_p": p, "note": _note(row)}


def label_pairs(runs: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """The runs of every two labels, as comparison_table takes them."""
    for a, b in itertools.combinations(runs["label"].unique(), 2):
        yield runs[runs["label"] == a], runs[runs["label"] == b]


def comparison_table(
    pairs: Iterable[tuple[pd.DataFrame, pd.DataFrame]], metrics: Sequence[str], options: Sequence[str],
    seeds: Mapping[str, Any] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Compare two sets of runs, of every pair of them, in every combo, and over all combos that both have.

    pairs:   of tables with one row per run: label (one in each set), combo (the text of the options that both sets
             have), own (the text of those this set alone has, often empty), iteration, status, the columns of
             `options` and of `metrics`.
    options: the shared options, each of which becomes a column.
    seeds:   the base seed of every label; pairs of different seeds are noted.

    Where a set has several combos of the same shared options, each is compared on its own. In the pooled rows a pair
    is an iteration: the mean over all combos that both sets have of it, since these share its seed.
    """
    options = [name for name in options if name not in COMPARED]  # `n` is the pairs; the combo's text has the option
    columns = ["combo", *options, "metric", "label_a", "label_b", "own_a", "own_b", *COMPARED]
    rows = [row for a, b in pairs for row in _compared(a, b, metrics, options, seeds)]
    return _without_empty(pd.DataFrame(rows, columns=columns), "own_a", "own_b")


def _compared(
    a_runs: pd.DataFrame, b_runs: pd.DataFrame, metrics: Sequence[str], options: Sequence[str],
    seeds: Mapping[str, Any] | None,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    both = [combo for combo in a_runs["combo"].unique() if (b_runs["combo"] == combo).any()]
    if not both:
        return
    label_a, label_b = a_runs["label"].iloc[0], b_runs["label"].iloc[0]
    names = {"label_a": label_a, "label_b": label_b}
    caution = _seed_caution(seeds, label_a, label_b)
    for combo in both:
        for (own_a, a), (own_b, b) in itertools.product(_by_own(a_runs, combo), _by_own(b_runs, combo)):
            head = {"combo": combo, **a.iloc[0][list(options)].to_dict(), **names, "own_a": own_a, "own_b": own_b}
            yield from _rows(head, a, b, metrics, caution)
    a, b = (part[part["combo"].isin(both)] for part in (a_runs, b_runs))
    head = {"combo": POOLED, **names, "own_a": _common(a["own"]), "own_b": _common(b["own"])}
    yield from _rows(head, a, b, metrics, caution)


def summary_table(runs: pd.DataFrame, metrics: Sequence[str], options: Sequence[str]) -> pd.DataFrame:
    """Means and standard errors of every metric of one label's runs, per combo and over all combos."""
    options = [name for name in options if name not in COUNTS]  # as in comparison_table
    parts = [(part["combo"].iloc[0], part) for _, part in runs.groupby(["combo", "own"], sort=False)]
    rows = []
    for combo, part in [*parts, *([(POOLED, runs)] if len(parts) > 1 else [])]:
        settings = {} if combo == POOLED else part.iloc[0][list(options)].to_dict()
        for metric in _present(metrics, part):
            counts = {"planned": len(part), "diverged": _diverged(part), "unbounded": _unbounded(metric, part)}
            head = {"combo": combo, **settings, "metric": metric, "label": part["label"].iloc[0]}
            rows.append({**head, **_means(_complete(part)[metric], ""), **counts, "note": _bound_note(metric, part)})
    columns = ["combo", *options, "metric", "label", "n", "mean", "stderr", "planned", "diverged", "unbounded", "note"]
    return _without_empty(pd.DataFrame(rows, columns=columns), "note")


def with_summary(summary: pd.DataFrame, compared: pd.DataFrame) -> pd.DataFrame:
    """The rows of summary_table and, where there are any, after them those of comparison_table; the note is last."""
    if compared.empty:
        return summary
    columns = [name for name in dict.fromkeys([*summary, *compared]) if name != "note"]
    rows = [*summary.to_dict("records"), *compared.to_dict("records")]
    table = pd.DataFrame(rows, columns=[*columns, "note"])
    return table.astype(dict.fromkeys(COUNTS, "Int64"))


def overview(runs: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Mean ± standard deviation over complete runs as text, a row per combo and label; `runs` as in comparison_table.

    Runs that diverged or grew without bound are counted where there are any. A metric that no complete run has is left
    out. One that ends in MEDIAN is the median instead. A mean of which any value is a lower bound is one too.
    """
    every = _complete(runs)
    shown = [name for name in metrics if np.isfinite(every[name.removesuffix(MEDIAN)].astype(float)).any()]
    lost = [status for status in ("diverged", "unbounded") if (runs["status"] == status).any()]
    lines = []
    for (combo, label, own), part in runs.groupby(["combo", "label", "own"], sort=False):
        complete = _complete(part)
        line = {"combo": combo, "label": _side(label, own), "runs": f"{len(complete)}/{len(part)}"}
        line |= {status: int((part["status"] == status).sum()) for status in lost}
        for name in shown:
            text = _summary(complete[name.removesuffix(MEDIAN)].astype(float), name.endswith(MEDIAN))
            line[name] = f"≥ {text}" if _bounded(name.removesuffix(MEDIAN), complete).any() else text
        lines.append(line)
    return pd.DataFrame(lines)


def differences(table: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """The pooled rows of a comparison table as text, a row per pair of sets: mean b - a [interval], p."""
    if "label_a" not in table:
        return pd.DataFrame()
    rows = table[(table["combo"] == POOLED) & table["label_a"].notna() & table["metric"].isin(metrics)]
    lines: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows.to_dict("records"):
        a, b = (_side(row[f"label_{side}"], row.get(f"own_{side}")) for side in "ab")
        lines.setdefault((a, b), {"a": a, "b": b})[row["metric"]] = _difference(row)
    return pd.DataFrame([{name: line.get(name, "-") for name in ("a", "b", *rows["metric"].unique())}
                         for line in lines.values()])  # fmt: skip


def _side(label: str, own: Any) -> str:
    return f"{label}, {own}" if isinstance(own, str) and own else label


def _difference(row: Mapping[str, Any]) -> str:
    if row["n"] < 1:
        return "-"
    text = f"{row['difference_b_minus_a']:.3g}"
    if row["n"] > 1:
        text += f" [{row['interval_low']:.2g}, {row['interval_high']:.2g}], p {row['permutation_p']:.2g}"
    return text + (" (of bounds)" if BOUNDED in row["note"] else "")


def _summary(values: pd.Series, median: bool) -> str:
    values = values[np.isfinite(values)]
    if median or not len(values):
        return f"{values.median():.4g}" if len(values) else "-"
    return f"{values.mean():.4g}" + (f" ± {values.std():.2g}" if len(values) > 1 else "")


COUNTS = ("n", "n_a", "n_b", "planned", "diverged", "unbounded", "diverged_a", "diverged_b", "unbounded_a",
          "unbounded_b")
COMPARED = ("n", "n_a", "n_b", "mean_a", "mean_b", "stderr_a", "stderr_b", "difference_b_minus_a", "interval_low",
            "interval_high", "permutation_p", "diverged_a", "diverged_b", "unbounded_a", "unbounded_b", "note")


def _rows(
    head: Mapping[str, Any], a: pd.DataFrame, b: pd.DataFrame, metrics: Sequence[str], caution: str
) -> list[dict[str, Any]]:
    rows = []
    pooled = head["combo"] == POOLED
    for metric in _present(metrics, a, b):
        # A label's own combos of one shared combo are averaged into one value per pair, and only then compared.
        paired = [_complete(part).groupby(["combo", "iteration"])[metric].mean() for part in (a, b)]
        values = [_complete(part)[metric] for part in (a, b)]
        if pooled:
            # The combos of an iteration share its seed, so they are no independent pairs: an iteration is one.
            both = pd.concat(paired, axis=1, join="inner", keys=("a", "b")).dropna().groupby("iteration").mean()
            paired = values = [both["a"], both["b"]]
        row = compare(*paired) | _means(values[0], "_a") | _means(values[1], "_b")
        note = "; ".join(filter(None, [row["note"], POOLED_NOTE if pooled else "", caution, _bound_note(metric, a, b)]))
        rows.append({**head, "metric": metric, **row, "diverged_a": _diverged(a), "diverged_b": _diverged(b),
                     "unbounded_a": _unbounded(metric, a), "unbounded_b": _unbounded(metric, b), "note": note})
    return rows


def _by_own(runs: pd.DataFrame, combo: str) -> list[tuple[str, pd.DataFrame]]:
    return list(runs[runs["combo"] == combo].groupby("own", sort=False))


def _present(metrics: Sequence[str], *tables: pd.DataFrame) -> list[str]:
    return [metric for metric in metrics if all(metric in table and table[metric].notna().any() for table in tables)]


def _common(texts: pd.Series) -> str:
    """What all of them are; empty where they differ."""
    return str(texts.iloc[0]) if texts.nunique() == 1 else ""


def _without_empty(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    return table.drop(columns=[name for name in columns if not table[name].fillna("").any()])


def _bounded(metric: str, runs: pd.DataFrame) -> pd.Series:
    """Of which runs the metric is a lower bound."""
    flag = BOUNDS.get(metric)
    return runs[flag].astype(float) == 1 if flag in runs else pd.Series(False, index=runs.index)


def _bound_note(metric: str, *sets: pd.DataFrame) -> str:
    """How many of the runs of one or two sets are lower bounds; empty where none is."""
    found = [_bounded(metric, _complete(runs)) for runs in sets]
    if not any(which.any() for which in found):
        return ""
    whose = [f" of {side}" for side in "ab"] if len(sets) > 1 else [""]
    counts = [f"{which.sum()} of {len(which)} runs{side}" for which, side in zip(found, whose, strict=True)]
    return f"{BOUNDED}: {' and '.join(counts)}"


def _complete(runs: pd.DataFrame) -> pd.DataFrame:
    return runs[runs["status"] == "complete"]


def _diverged(runs: pd.DataFrame) -> int:
    return int((runs["status"] == "diverged").sum())


def _unbounded(metric: str, runs: pd.DataFrame) -> int:
    """How many runs are left out as unbounded; of exponents before or after training the verdict on that network says
    so."""
    exponents = metric.startswith(("lambda_max_", "n_positive_", "D_KY_", "h_KS_"))
    verdict = f"verdict_{metric.rpartition('_')[2]}"
    return int((runs[verdict if exponents and verdict in runs else "status"] == "unbounded").sum())


def _means(values: pd.Series, suffix: str) -> dict[str, Any]:
    """Count, mean and standard error of the finite values; None where they are too few."""
    finite = values.to_numpy(dtype=float)
    finite = finite[np.isfinite(finite)]
    n = len(finite)
    return {
        f"n{suffix}": n,
        f"mean{suffix}": float(finite.mean()) if n else None,
        f"stderr{suffix}": float(finite.std(ddof=1) / np.sqrt(n)) if n > 1 else None,
    }


def _note(row: Mapping[str, Any]) -> str:
    n = row["n"]
    notes = []
    if n < 2:
        notes.append(f"no interval and no p: they need at least 2 pairs of complete runs and there {_are(n)}")
    elif 2 ** (1 - n) > 1 - LEVEL:
        notes.append(f"with {n} pairs p cannot be below {2.0 ** (1 - n):g}")
    return "; ".join(notes)


def _are(n: int) -> str:
    return "is 1" if n == 1 else f"are {n}"


def _seed_caution(seeds: Mapping[str, Any] | None, a: str, b: str) -> str:
    if seeds is None or seeds.get(a) == seeds.get(b):
        return ""
    return f"paired by iteration although the seeds differ ({a} {seeds.get(a)}, {b} {seeds.get(b)})"


def _at_least_two(differences: np.ndarray) -> np.ndarray:
    values = np.asarray(differences, dtype=float)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(f"expected at least 2 finite differences of shape (n,), got shape {values.shape}: {values}")
    return values


def _chunks(total: int, width: int) -> list[int]:
    """Split `total` rows of `width` numbers into chunks of bounded size."""
    step = max(1, CHUNK // width)
    return [min(step, total - start) for start in range(0, total, step)]
