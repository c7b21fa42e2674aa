"""The table that the console prints at the end: a line per combo, best first; of a single run a line per figure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import pandas as pd

from randomnet.comparison import verdicts
from randomnet.comparison.intervals import interval_text, mean_interval
from randomnet.comparison.network_identity import source_of_variation
from randomnet.experiment import halving
from randomnet.kinds.kind import Ranking
from randomnet.results import COMPLETE, FINISHED, STOPPED, UNBOUNDED
from randomnet.schema.plan import Plan

WIDTH = 100  # columns of the console that the table takes, at most
MOST_ROWS = 40
LONGEST_VALUE = 24  # characters of an option's value
LONGEST_NOTE = 40
SEPARATOR = "  "
NO_MEANS = ("combo", "iteration", "status", "verdict", "notes")  # columns, or their beginnings, without means
LESS_IMPORTANT = (("chance", "baseline"), ("_initial",))  # beginnings and endings of columns that come last
PARTS = ("_stderr", "_low", "_high")  # endings of columns that belong to another one
WITHOUT_INTERVAL = "seconds"
TARGET = "lyapunov.target"


@dataclass(frozen=True)
class Mean:
    """The mean of a column over the runs of a combo, its 95 % interval or None, and how it reads."""

    value: float
    interval: tuple[float, float] | None
    n: int
    text: str


def table_lines(
    table: pd.DataFrame,
    varied: Sequence[str],
    headline: Sequence[str],
    rankings: Sequence[Ranking],
    differing: str = "",
) -> Iterator[str]:
    """Yield the lines of the table, and a last line that names the best combo.

    table: a row per run, with the checksums of network_identity if known. varied: the gridded options. headline and
    rankings: of the kind. differing: an option by which the combos differ so that losses are not comparable.
    """
    if len(table) == 1:
        yield from _single_run(table.iloc[0], headline)
        return
    ranking = next((each for each in rankings if _has_values(table, each.column)), None)
    if ranking and ranking.best and differing:
        yield from _combos(table, varied, headline, None, ranking.column)
        if table["combo"].nunique() > 1:
            yield f"no best combo: {ranking.column} is not comparable between combos of different {differing}"
        return
    yield from _combos(table, varied, headline, ranking, ranking.column if ranking else "")


def incomparable(plan: Plan) -> str:
    """Return the gridded option that makes losses of the combos incomparable, such as the task; empty for none."""
    first, *others = [
        halving.data_settings(combo)
        | {name: value for name, value in combo.config.settings().items() if name == TARGET}
        for combo in plan.combos
    ]
    return next((name for other in others for name in {**first, **other} if first.get(name) != other.get(name)), "")


def _combos(
    table: pd.DataFrame, varied: Sequence[str], headline: Sequence[str], ranking: Ranking | None, leading: str
) -> Iterator[str]:
    groups = _groups(table, ranking)
    first = [table.iloc[rows] for rows in groups[:MOST_ROWS]]
    metrics = [name for name in headline if _has_values(table, name) and not name.endswith(PARTS)]
    metrics = [name for name in metrics if not name.startswith(NO_MEANS)]
    metrics.sort(key=lambda name: name.startswith(LESS_IMPORTANT[0]) or name.endswith(LESS_IMPORTANT[1]))
    constants = {name: values[0] for name in metrics if name != leading and (values := _constant(table, name))}
    metrics = [name for name in dict.fromkeys((leading, *metrics)) if name and name not in constants]
    columns = [
        _Column("combo", [str(runs["combo"].iloc[0]) for runs in first]),
        *(_Column(name, [option_text(runs[name].iloc[0]) for runs in first]) for name in varied if name in table),
        _Column("runs", [f"{int(runs['status'].isin(FINISHED).sum())}/{len(runs)}" for runs in first]),
        *(_Column(name, [mean_of(runs, name).text for runs in first], is_metric=True) for name in metrics),
    ]
    notes = _Column("", [_shortened(_note(runs), LONGEST_NOTE) for runs in first], is_left=True)
    shown = _fitting(columns, notes.width + len(SEPARATOR) if any(notes.cells) else 0)
    yield from _legend(table, groups, ranking)
    yield from _text_lines([*shown, notes])
    if len(groups) > MOST_ROWS:
        yield f"... and {len(groups) - MOST_ROWS} more combos in summary.csv"
    left_out = [column.name for column in columns if column not in shown]
    if left_out:
        yield _shortened(f"not shown for lack of room, see summary.csv: {', '.join(left_out)}", WIDTH)
    if constants:
        yield _shortened(f"all runs: {', '.join(f'{name} {value:.4g}' for name, value in constants.items())}", WIDTH)
    if ranking and len(groups) > 1:
        yield from _best(table, groups, varied, ranking)


def _groups(table: pd.DataFrame, ranking: Ranking | None) -> list[list[int]]:
    """Return the rows of each combo, the best combo first."""
    rows: dict[Any, list[int]] = {}
    for row, combo in enumerate(table["combo"]):
        rows.setdefault(combo, []).append(row)
    groups = list(rows.values())
    if ranking is None:
        return groups
    stopped = (table["status"] == STOPPED).to_numpy()
    means = _means(table, groups, ranking.column)
    keys = [_sort_key(mean, bool(stopped[group].any()), ranking) for mean, group in zip(means, groups, strict=True)]
    return [groups[index] for index in sorted(range(len(groups)), key=keys.__getitem__)]


def _means(table: pd.DataFrame, groups: Sequence[list[int]], name: str) -> list[Mean]:
    """Return the mean of a column over the finished runs of each group, as `mean_of`, but without text."""
    numbers = np.where(table["status"].isin(FINISHED), _values_or_nan(table, name), np.nan)
    return [_mean(values[np.isfinite(values)], name) for values in (numbers[group] for group in groups)]


def _mean(values: np.ndarray, name: str) -> Mean:
    """Return the mean of finite values, and its interval where there is one; without text."""
    if not len(values):
        return Mean(float("nan"), None, 0, "-")
    has_interval = len(values) > 1 and name != WITHOUT_INTERVAL and np.ptp(values)
    return Mean(float(values.mean()), mean_interval(values) if has_interval else None, len(values), "")


@dataclass(frozen=True, eq=False)
class _Column:
    name: str
    cells: list[str]
    is_metric: bool = False
    is_left: bool = False

    @property
    def width(self) -> int:
        """Return the width of the widest cell, or of the name."""
        return max(map(len, [self.name, *self.cells]))

    def text(self, row: int) -> str:
        """Return a cell, or the name for row -1, in the width of the column."""
        cell = self.name if row < 0 else self.cells[row]
        return cell if self.is_left else cell.rjust(self.width)


def _fitting(columns: Sequence[_Column], reserved: int) -> list[_Column]:
    """Return the columns that fit: combo, runs, the first metric, then options, then further metrics."""
    first = next((column for column in columns if column.is_metric), None)
    required = [column for column in columns if column.name in ("combo", "runs") or column is first]
    kept = list(required)
    room = WIDTH - reserved - sum(column.width + len(SEPARATOR) for column in required) + len(SEPARATOR)
    others = [column for column in columns if column not in required]
    for column in [each for each in others if not each.is_metric] + [each for each in others if each.is_metric]:
        if column.width + len(SEPARATOR) <= room:
            kept.append(column)
            room -= column.width + len(SEPARATOR)
    return [column for column in columns if column in kept]


def _text_lines(columns: Sequence[_Column]) -> Iterator[str]:
    for row in range(-1, len(columns[0].cells)):
        yield SEPARATOR.join(column.text(row) for column in columns).rstrip()


def _legend(table: pd.DataFrame, groups: Sequence[list[int]], ranking: Ranking | None) -> Iterator[str]:
    """Yield what the numbers are of, and the order."""
    texts = []
    finished = table["status"].isin(FINISHED).to_numpy()
    several = [rows for rows in groups if finished[rows].sum() > 1]
    if several:
        sources = (source_of_variation(table.iloc[rows]) for rows in several)
        first = next(sources)
        source = first if all(other == first for other in sources) else "iterations"
        texts.append(f"mean over {source} [95 % interval of the mean]")
    if ranking and len(groups) > 1:
        end = "lowest" if ranking.lowest_first else "highest"
        texts.append(f"{'best' if ranking.best else end} first by {ranking.column}")
    if texts:
        yield "; ".join(texts)


def _best(table: pd.DataFrame, groups: Sequence[list[int]], varied: Sequence[str], ranking: Ranking) -> Iterator[str]:
    """Yield the line of the first combo, with how many intervals of others overlap its own."""
    first = table.iloc[groups[0]]
    mean = mean_of(first, ranking.column)
    end = "lowest" if ranking.lowest_first else "highest"
    values = ", ".join(f"{name} = {option_text(first[name].iloc[0])}" for name in varied if name in first)
    text = f"{'best' if ranking.best else end}: combo {first['combo'].iloc[0]}{f' ({values})' if values else ''}"
    means = [other for other in _means(table, groups[1:], ranking.column) if other.n]
    among = f"{end} of {len(means) + 1} combos" if means else "the only combo with a value"
    text += f": {ranking.column} {mean.text}, n = {mean.n}, {among}"
    overlapping = sum(_overlap(mean, other) for other in means)
    yield text
    if overlapping:
        yield f"  intervals that overlap with its own: those of {overlapping} of the other {len(means)} combos"


def _overlap(a: Mean, b: Mean) -> bool:
    if a.interval is None or b.interval is None:
        return False
    return a.interval[0] <= b.interval[1] and b.interval[0] <= a.interval[1]


def _sort_key(mean: Mean, is_stopped: bool, ranking: Ranking) -> tuple[bool, bool, float]:
    """Return a key: combos without a value last, before them those that halving stopped, first the best."""
    value = mean.value if ranking.lowest_first else -mean.value
    return not mean.n, is_stopped, value if mean.n else 0.0


def mean_of(runs: pd.DataFrame, name: str) -> Mean:
    """Return the mean of a column over finished runs; neither unbounded networks nor missing values enter it."""
    finished = runs[runs["status"].isin(FINISHED)]
    values = _values(finished, name)
    mean, interval, n, text = astuple(_mean(values, name))
    if not n:
        return Mean(mean, interval, n, text)
    text = f"{mean:.4g}"
    if interval:
        text = interval_text(mean, *interval)
    elif len(values) == 1 and f"{name}_stderr" in finished:
        error = _numbers(finished[f"{name}_stderr"]).dropna()
        text += f" ± {error.iloc[0]:.2g}" if len(error) else ""
    text += f" (n = {len(values)})" if len(values) < len(finished) else ""
    bound = verdicts.BOUNDS.get(name)
    is_bound = bound in finished and (_numbers(finished[bound]) == 1).any()
    return Mean(mean, interval, n, f"≥ {text}" if is_bound else text)


def _values(finished: pd.DataFrame, name: str) -> np.ndarray:
    """Return the finite values of a column; those of spectra of unbounded networks are growth rates, and left out."""
    values = _values_or_nan(finished, name)
    return values[np.isfinite(values)]


def _values_or_nan(finished: pd.DataFrame, name: str) -> np.ndarray:
    """Return a value of a column for each row; nan where it is left out."""
    values = _numbers(finished[name]).to_numpy(copy=True) if name in finished else np.full(len(finished), np.nan)
    suffix = verdicts.stage_suffix(name)
    if suffix is not None and f"verdict{suffix}" in finished:
        values[(finished[f"verdict{suffix}"] == UNBOUNDED).to_numpy()] = np.nan
    return values


def _numbers(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column, errors="coerce").astype(float)


def _has_values(table: pd.DataFrame, name: str) -> bool:
    return bool(len(_values(table[table["status"].isin(FINISHED)], name)))


def _constant(table: pd.DataFrame, name: str) -> list[float]:
    """Return the one value that all finished runs have in a column, as a list; empty where they differ."""
    finished = table[table["status"].isin(FINISHED)]
    values = _values(finished, name)
    return [float(values[0])] if len(values) == len(finished) > 1 and not np.ptp(values) else []


def _note(runs: pd.DataFrame) -> str:
    """Return how many runs did not complete, and how many spectra of the others did not converge."""
    counts = runs["status"].value_counts(sort=False)
    texts = [f"{count} {status}" for status, count in counts.items() if status != COMPLETE]
    exponent = "lambda_max_final" if "verdict_final" in runs or "converged_final" in runs else "lambda_max"
    verdict = verdicts.verdict_counts(exponent, runs)
    texts += [f"{verdict[name]} {verdicts.TEXTS[name]}" for name in ("not_converged", "too_short") if verdict[name]]
    if exponent != "lambda_max" and verdict["unbounded"]:
        texts.append(f"{verdict['unbounded']} end unbounded")
    return ", ".join(texts)


def _single_run(run: pd.Series, headline: Sequence[str]) -> Iterator[str]:
    """Yield a line per figure of the run, with its error or interval."""
    yield f"combo {run['combo']} iteration {run['iteration']}: {run['status']}"
    names = [name for name in headline if name in run and not name.endswith(PARTS)]
    width = max((len(name) for name in names), default=0)
    for name in names:
        yield _shortened(f"  {name.ljust(width)}  {figure_text(run, name)}".rstrip(), WIDTH)


def figure_text(run: pd.Series | Mapping[str, Any], name: str) -> str:
    """Return a figure of a run with its error or interval as text; empty where there is none."""
    value = run.get(name)
    if value is None or value != value:
        return ""
    text = _value_text(value)
    low, high, error = (run.get(f"{name}{ending}") for ending in ("_low", "_high", "_stderr"))
    if _is_number(low) and _is_number(high):
        return f"{text} [{low:.4g}, {high:.4g}]"
    return f"{text} ± {error:.2g}" if _is_number(error) else text


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and bool(np.isfinite(value))


def _value_text(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        return f"{value:.4g}"
    return str(value)


def option_text(value: Any) -> str:
    """A value of an option, shortened; of a path its end, by which files differ."""
    text = _value_text(value)
    if len(text) > LONGEST_VALUE and ("/" in text or "\\" in text):
        return f"...{text[3 - LONGEST_VALUE :]}"
    return _shortened(text, LONGEST_VALUE)


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3].rstrip()}..."
