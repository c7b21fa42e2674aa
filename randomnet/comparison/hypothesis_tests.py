"""Differences between two sets of runs with their tests: the rows of tests.csv.

label_pairs      pairs of sets of runs that differ in their label
table_of_tests   a row for every pair of sets, cell of the grid and metric
console_table    the same as text
shared_notes     lines on notes that many rows have, and on the correction of p

The design of a row depends on whether each side has a new network in every iteration (network_identity.origin):

RANK_A, RANK_B one network (a, or b) among draws: percentile, z and rank p. Its value is the median of its starts
PAIRS          new networks on both sides: pairs of equal iterations, which share their seed; d_z and sign-flip p
STARTS         one and the same network on both sides: pairs of its starts
TWO_NETWORKS   two networks, each the same in every iteration: no p, as there is one of each
ASSUMED        unknown: as PAIRS, and the note says so

A cell has one value of every gridded option; nothing is averaged over options.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from randomnet.comparison import significance, verdicts
from randomnet.comparison.intervals import LEVEL, mean_interval, prediction_interval
from randomnet.comparison.network_identity import FIXED, REDRAWN, origin, same_network
from randomnet.results import COMPLETE

RANK_A, RANK_B = "rank of a among draws of b", "rank of b among draws of a"
PAIRS, STARTS, ASSUMED = "pairs", "pairs of starts", "pairs (assumed)"
TWO_NETWORKS = "two networks"
RANKS, PAIRED = (RANK_A, RANK_B), (PAIRS, STARTS, ASSUMED)
FOR_POWER = "for 80 % power at the observed effect"
OF_MEAN, OF_DRAWS = "mean difference", "difference of one draw"
RESULT = ("design", "n", "n_a", "n_b", "mean_a", "mean_b", "sd_a", "sd_b", "difference_b_minus_a", "interval_low",
          "interval_high", "interval_level", "interval_of", "effect", "effect_size", "percentile", "p", "p_holm",
          "p_bh", "smallest_p", "pairs_for_power")  # fmt: skip
COUNTED = tuple(f"{name}_{side}" for name in verdicts.COUNTS for side in "ab")
COLUMNS = (*RESULT, *COUNTED, "note")
LEGEND = ("[interval], p; pct: percentile of the one network among its draws, with an interval for one further draw; "
          "! some not converged, ? some too short to tell, ≥ some lower bounds")  # fmt: skip
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?")  # a number in a note
OPEN_ABOVE = "D_KY"  # prefix of a metric that is empty if it exceeds the number of computed exponents
LARGE_SPREAD = 0.5  # share of the draws' standard deviation; a larger spread of starts is noted


def label_pairs(runs: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """The runs of every two labels, as table_of_tests takes them."""
    for a, b in itertools.combinations(runs["label"].unique(), 2):
        yield runs[runs["label"] == a], runs[runs["label"] == b]


def table_of_tests(
    pairs: Iterable[tuple[pd.DataFrame, pd.DataFrame]], metrics: Sequence[str], options: Sequence[str],
    seeds: Mapping[str, Any] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """A row for every pair of sets of runs, cell of the grid and metric.

    pairs:   pairs of tables with one row per run. Columns: label (one per table), combo (text of the options that both
             have), own (text of the options that only this table has, often empty), iteration, status, those of
             `options` and `metrics`, and if known those of network_identity and verdicts.
    options: the shared options, each of which becomes a column.
    seeds:   the base seed of every label; unequal seeds are noted.

    p_holm and p_bh are adjusted for all rows of the table with a p.
    """
    options = [
        name for name in options if name not in COLUMNS
    ]  # `n` has another meaning here, and combo has these options
    rows = [row for a, b in pairs for row in _cells(a, b, metrics, options, seeds or {})]
    columns = ["combo", *options, "metric", "label_a", "label_b", "own_a", "own_b", *COLUMNS]
    table = pd.DataFrame(rows, columns=columns)
    has_p = table["p"].notna()
    p = table.loc[has_p, "p"].to_numpy(dtype=float)
    table.loc[has_p, "p_holm"], table.loc[has_p, "p_bh"] = significance.holm(p), significance.benjamini_hochberg(p)
    return table.drop(columns=[name for name in ("own_a", "own_b") if not table[name].fillna("").any()])


def _cells(
    a_runs: pd.DataFrame, b_runs: pd.DataFrame, metrics: Sequence[str], options: Sequence[str],
    seeds: Mapping[str, Any],
) -> Iterator[dict[str, Any]]:  # fmt: skip
    labels = {"label_a": a_runs["label"].iloc[0], "label_b": b_runs["label"].iloc[0]}
    caution = _seed_caution(seeds, *labels.values())
    for combo in (combo for combo in a_runs["combo"].unique() if (b_runs["combo"] == combo).any()):
        for (own_a, a), (own_b, b) in itertools.product(_by_own(a_runs, combo), _by_own(b_runs, combo)):
            head = {"combo": combo, **a.iloc[0][list(options)].to_dict(), **labels, "own_a": own_a, "own_b": own_b}
            for metric in metrics:
                if all(metric in part and part[metric].notna().any() for part in (a, b)):
                    yield {**head, "metric": metric, **compare(a, b, metric, caution)}


def _by_own(runs: pd.DataFrame, combo: str) -> list[tuple[str, pd.DataFrame]]:
    return list(runs[runs["combo"] == combo].groupby("own", sort=False))


def compare(a: pd.DataFrame, b: pd.DataFrame, metric: str, caution: str = "") -> dict[str, Any]:
    """COLUMNS for one metric and two sets of runs of one cell, without adjusted p. caution: note on unequal seeds."""
    values = [_by_iteration(runs, metric) for runs in (a, b)]
    design = comparison_design(a, b)
    counts = [verdicts.verdict_counts(metric, runs) for runs in (a, b)]
    above_range = [count["undetermined"] if metric.startswith(OPEN_ABOVE) else 0 for count in counts]
    row = _sides(design, values) | _test(design, values, above_range)
    sides = [(f" of {side}", count, len(runs)) for side, count, runs in zip("ab", counts, (a, b), strict=True)]
    row |= {f"{name}_{side}": count[name] for side, count in zip("ab", counts, strict=True) for name in count}
    notes = [*_notes(row), caution if design in PAIRED else "", *verdicts.verdict_notes(sides)]
    return row | {"note": "; ".join(filter(None, notes))}


def comparison_design(a: pd.DataFrame, b: pd.DataFrame) -> str:
    """The design for two sets of runs; see the module."""
    origins = [origin(runs) for runs in (a, b)]
    if origins == [FIXED, FIXED]:
        return STARTS if same_network(a, b) else TWO_NETWORKS
    if set(origins) == {FIXED, REDRAWN}:
        return RANK_A if origins[0] == FIXED else RANK_B
    return PAIRS if origins == [REDRAWN, REDRAWN] else ASSUMED


def _by_iteration(runs: pd.DataFrame, metric: str) -> pd.Series:
    """Finite values of complete runs by iteration; several runs of one iteration are averaged."""
    complete = runs[runs["status"] == COMPLETE]
    values = complete[metric].astype(float)
    finite = np.isfinite(values)
    return values[finite].groupby(complete["iteration"][finite]).mean()


def _sides(design: str, values: Sequence[pd.Series]) -> dict[str, Any]:
    """Count, mean and standard deviation of both sides, and the difference b - a.

    For pairs it is the mean difference. For one network among draws it is between its value and the draws' mean. For
    two networks it is between their means.
    """
    row: dict[str, Any] = {"design": design}
    for side, side_values in zip("ab", values, strict=True):
        row |= {f"n_{side}": len(side_values), f"mean_{side}": float(side_values.mean()) if len(side_values) else None,
                f"sd_{side}": float(side_values.std()) if len(side_values) > 1 else None}  # fmt: skip
    if design in PAIRED:
        differences = _differences(*values)
        return row | {"difference_b_minus_a": float(differences.mean()) if len(differences) else None}
    network = {RANK_A: 0, RANK_B: 1}.get(design)
    centres = [
        float(numbers.median() if place == network else numbers.mean())
        for place, numbers in enumerate(values)
        if len(numbers)
    ]
    return row | {"difference_b_minus_a": centres[1] - centres[0] if len(centres) == 2 else None}


def _differences(a: pd.Series, b: pd.Series) -> np.ndarray:
    """b - a over the iterations that both have, (pairs,)."""
    differences = (b - a).to_numpy(dtype=float)
    return differences[np.isfinite(differences)]


def _test(design: str, values: Sequence[pd.Series], above_range: Sequence[int]) -> dict[str, Any]:
    """n, interval, effect and p, if design and runs allow them. above_range: values of a and b above all others."""
    if design == TWO_NETWORKS:
        return {"n": 0}
    all_values = np.concatenate([side.to_numpy() for side in values])
    if len(all_values) > 1 and (all_values == all_values[0]).all() and (design in PAIRED or not any(above_range)):
        return {"n": min(map(len, values)), "note": "all values are equal: nothing to test"}
    if design in PAIRED:
        return _pairs_test(_differences(*values))
    sign = 1 if design == RANK_A else -1
    starts, draws = (_with_infinities(*side) for side in list(zip(values, above_range, strict=True))[::sign])
    return _rank_test(starts, draws.to_numpy(), sign)


def _with_infinities(values: pd.Series, count: int) -> pd.Series:
    return pd.concat([values.astype(float), pd.Series([np.inf] * count, dtype=float)])


def _pairs_test(differences: np.ndarray) -> dict[str, Any]:
    """n, interval, d_z, p and power for paired differences (n,)."""
    n = len(differences)
    row: dict[str, Any] = {"n": n, "smallest_p": significance.smallest_sign_flip_p(n)}
    if n < 2:
        return row
    low, high = mean_interval(differences)
    spread = differences.std(ddof=1)
    effect = float(differences.mean() / spread) if spread > 1e-12 * np.abs(differences).max() else None
    p = significance.sign_flip_p(differences)
    needed = significance.pairs_for_power(effect) if effect and p > significance.ALPHA else None
    return row | {"interval_low": low, "interval_high": high, "interval_level": LEVEL, "interval_of": OF_MEAN,
                  "effect": "d_z", "effect_size": effect, "p": p, "pairs_for_power": needed}  # fmt: skip


def _rank_test(starts: pd.Series, draws: np.ndarray, sign: int) -> dict[str, Any]:
    """Interval, z and p of one network, given its starts, among draws (n,).

    sign: 1 if the draws are b, so that draws minus network is b - a; -1 if they are a. The network's value is the
    median of its starts: with a mean, an attractor that few starts reach would make one in ten networks significant.
    Values that are known only to be above all others are infinite: they have ranks, but no z and no interval.
    """
    n = len(draws)
    row: dict[str, Any] = {"n": n, "smallest_p": significance.smallest_rank_p(n)}
    if starts.empty:
        return row | {"note": "no p, as no complete run of the one network has a value"}
    if n < 2:
        return row
    value = float(starts.median())
    if not np.isfinite(value):
        return row | {"note": "the network itself is not determined: nothing to rank"}
    row |= {"percentile": significance.percentile(value, draws), "p": significance.rank_p(value, draws)}
    if np.isinf(draws).any():
        return row
    low, high, level = prediction_interval(sign * (draws - value))
    spread = draws.std(ddof=1)
    z = float((value - draws.mean()) / spread) if spread > 1e-12 * np.abs(draws).max() else None
    return row | {"interval_low": low, "interval_high": high, "interval_level": level, "interval_of": OF_DRAWS,
                  "effect": "z", "effect_size": z}  # fmt: skip


def _notes(row: Mapping[str, Any]) -> Iterator[str]:
    """What so few runs cannot show, and what the design cannot tell."""
    n, design = row["n"], row["design"]
    if "note" in row:
        yield row["note"]
        return
    if design == TWO_NETWORKS:
        yield "two networks, one of each kind: no p, as their starts say nothing about other networks"
        return
    if design == ASSUMED:
        yield "assumes that both sides are redrawn in every iteration, which is unknown"
    if design == STARTS:
        yield "both sides are the same network: the test is about its starts, not about networks"
    units = "draws" if design in RANKS else "pairs"
    if row.get("p") is None:
        yield f"no interval and no p: they need at least 2 {units} of complete runs, and there {_count_text(n)}"
    elif row["smallest_p"] > significance.ALPHA:
        yield f"{n} {units} allow no p below {row['smallest_p']:.2g}, and p < .05 needs {_needed(design)}"
    elif row.get("pairs_for_power"):
        yield f"about {row['pairs_for_power']} pairs {FOR_POWER}"
    if design in RANKS:
        yield _spread_note(row)
        if row.get("p") is not None and row["n"] > row["n_b" if design == RANK_A else "n_a"]:
            yield "undetermined draws count as above all others in percentile and p, and are left out of the difference"


def _needed(design: str) -> int:
    return significance.DRAWS_NEEDED if design in RANKS else significance.PAIRS_NEEDED


def _spread_note(row: Mapping[str, Any]) -> str:
    """A note if the network's starts spread as much as draws; else empty."""
    starts, draws = (row["sd_a"], row["sd_b"])[:: 1 if row["design"] == RANK_A else -1]
    if not (starts and draws and starts > LARGE_SPREAD * draws):
        return ""
    share = f"{starts / draws:.2g}"
    return f"starts of the one network spread {share} times as much as the draws: p is conservative"


def _count_text(n: int) -> str:
    return "is 1" if n == 1 else f"are {n}"


def _seed_caution(seeds: Mapping[str, Any], a: str, b: str) -> str:
    if seeds.get(a) == seeds.get(b):
        return ""
    return f"paired by iteration although the seeds differ ({a} {seeds.get(a)}, {b} {seeds.get(b)})"


def console_table(table: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """The rows of a tests table as text, one per pair of sets and cell, with a column per metric."""
    lines: dict[tuple, dict[str, Any]] = {}
    rows = table[table["metric"].isin(metrics)]
    for row in rows.to_dict("records"):
        a, b = (side_text(row[f"label_{side}"], row.get(f"own_{side}")) for side in "ab")
        line = lines.setdefault((row["combo"], a, b), {"combo": row["combo"], "a": a, "b": b, "n": row["n"]})
        count = f" n {row['n']}" if row["n"] != line["n"] and pd.notna(row["p"]) else ""
        line[row["metric"]] = _cell_text(row) + count
    names = ("combo", "a", "b", "n", *rows["metric"].unique())
    return pd.DataFrame([{name: line.get(name, "-") for name in names} for line in lines.values()])


def shared_notes(table: pd.DataFrame) -> Iterator[str]:
    """Lines on a tests table: notes that many rows have, and the number of p that are corrected."""
    notes = table["note"].fillna("").str.split("; ").explode()
    notes = notes[notes != ""]
    for _, similar in notes.groupby([NUMBER.sub("", note) for note in notes], sort=False) if len(notes) else ():
        note = _merged(list(dict.fromkeys(similar)))
        if not note.startswith(tuple(verdicts.TEXTS.values())) and not note.endswith(FOR_POWER):
            yield f"{len(similar)} of {len(table)} tests: {note}"
    pairs = table["pairs_for_power"].dropna().astype(int)
    if len(pairs):
        count = f"{pairs.min()}" if pairs.min() == pairs.max() else f"{pairs.min()} to {pairs.max()}"
        yield f"{len(pairs)} of {len(table)} tests with p > .05: about {count} pairs {FOR_POWER}"
    m = int(table["p"].notna().sum())
    if m > 1:
        significant = int((table["p_holm"] <= significance.ALPHA).sum())
        chance = f"about {m * significance.ALPHA:.2g} would be below .05 by chance"
        yield f"tests.csv has {m} p values: {chance}; after Holm's correction {significant} are at most .05"


def _merged(notes: Sequence[str]) -> str:
    """One text for notes that differ in numbers only, which become ranges."""
    texts, numbers = NUMBER.split(notes[0]), zip(*map(NUMBER.findall, notes), strict=True)
    ends = [(min(values, key=float), max(values, key=float)) for values in numbers]
    ranges = [low if low == high else f"{low} to {high}" for low, high in ends]
    return "".join(itertools.chain(*itertools.zip_longest(texts, ranges, fillvalue="")))


def side_text(label: str, options: Any) -> str:
    """A label and its own options."""
    return f"{label}, {options}" if isinstance(options, str) and options else label


def _cell_text(row: Mapping[str, Any]) -> str:
    if np.isnan(_number(row["difference_b_minus_a"])):
        return "-"
    text = f"{row['difference_b_minus_a']:.3g}"
    if not np.isnan(_number(row["p"])):
        text += f" [{row['interval_low']:.2g}, {row['interval_high']:.2g}]" if pd.notna(row["interval_low"]) else ""
        text += f" pct {row['percentile']:.0f}" if row["design"] in RANKS else ""
        text += f" p {row['p']:.2g}"
    marks = {"!": "not_converged", "≥": "lower_bounds", "?": "too_short"}
    return text + "".join(mark for mark, name in marks.items() if row[f"{name}_a"] or row[f"{name}_b"])


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
