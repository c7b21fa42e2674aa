"""Spread of the largest exponent over the runs of a combo, and the standard error of each run.

spread_table          a row per combo: mean exponent, standard error of one trajectory, spread over its runs
spread_texts          the same in words
clusters              exponents of one network in groups that differ by more than chance: different attractors
variance_components   spread between networks and between initial states of one network, by analysis of variance

The standard error of an exponent is that of one trajectory. Another initial state of the same network may reach
another attractor, or sample another part of a slowly varying one. The spread over runs includes this. It is split
into both sources if runs have several initial states, or if several iterations have the same network.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from randomnet.comparison.network_identity import SAME, source_of_variation
from randomnet.results import COMPLETE

EXPONENT, ERROR = "lambda_max", "lambda_max_stderr"
STATES, BETWEEN, WITHIN = "initial_states", "lambda_max_between", "lambda_max_within"
SOURCES = ("sd_networks", "sd_starts", "starts_per_network")
ATTRACTORS = "attractors"
COLUMNS = ("runs", EXPONENT, "stderr_of_one", "spread", "over", *SOURCES, ATTRACTORS)
GAP_IN_ERRORS = 5.0  # smallest distance between two attractors, in combined standard errors
SMALLEST_GAP = 0.01  # smallest distance, as a share of the largest magnitude


class VarianceComponents(NamedTuple):
    """Standard deviations between networks and between starts of one network, nan if unknown; starts per network."""

    networks: float
    starts: float
    count: float  # type: ignore[assignment]  # hides tuple.count, which nobody calls


def spread_table(runs: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """A row for each group of runs with several complete runs, or with one run of several initial states.

    runs: status, lambda_max, and if known lambda_max_stderr, converged, the checksums of network_identity,
    initial_states, attractors, lambda_max_between and lambda_max_within. by: columns that define the groups.
    Columns: stderr_of_one: root mean square standard error of one trajectory. spread: standard deviation over runs.
    over: what these runs differ in. attractors: clusters among the converged starts of one network. The others are
    those of `variance_components`.
    """
    rows = []
    if EXPONENT in runs:
        values = runs[EXPONENT].astype(float)
        for key, group in runs[(runs["status"] == COMPLETE) & np.isfinite(values)].groupby(list(by), sort=False):
            if len(group) > 1 or (_numbers(group, STATES) > 1).any():
                rows.append((*key, *_row(group)))
    table = pd.DataFrame(rows, columns=[*by, *COLUMNS])
    empty_columns = [] if table[SOURCES[-1]].notna().any() else list(SOURCES)
    return table.drop(columns=empty_columns + [ATTRACTORS] * (not table[ATTRACTORS].gt(1).any()))


def _row(group: pd.DataFrame) -> tuple[float | str, ...]:
    exponents, within = group[EXPONENT].astype(float), _numbers(group, WITHIN)
    errors = within.fillna(_numbers(group, ERROR)).dropna()
    error = float(np.sqrt((errors**2).mean())) if len(errors) else np.nan
    components = _components(group)
    spread = float(exponents.std())
    return (
        len(group),
        float(exponents.mean()),
        error,
        spread,
        source_of_variation(group),
        *components,
        _attractors(group),
    )


def _attractors(part: pd.DataFrame) -> float:
    """Number of clusters of the starts of one network; the largest of any run if runs have several starts.

    It is nan if the runs have different networks, or if none converged.
    """
    if (_numbers(part, STATES) > 1).any():
        return float(_numbers(part, ATTRACTORS).max()) if source_of_variation(part) == SAME else np.nan
    converged = part[_numbers(part, "converged") == 1]
    if source_of_variation(part) != SAME or converged.empty:
        return np.nan
    return float(len(clusters(converged[EXPONENT].astype(float), _numbers(converged, ERROR).fillna(0.0))))


def clusters(exponents: Sequence[float] | pd.Series, errors: Sequence[float] | pd.Series) -> list[list[float]]:
    """Exponents (n,) with standard errors (n,), grouped in descending order.

    Neighbours in one group are no further apart than GAP_IN_ERRORS combined errors, or SMALLEST_GAP of their size.
    """
    pairs = sorted(zip(map(float, exponents), map(float, errors), strict=True), reverse=True)
    smallest_gap = SMALLEST_GAP * max((abs(value) for value, _ in pairs), default=0.0)
    groups: list[list[float]] = []
    for index, (value, error) in enumerate(pairs):
        previous, previous_error = pairs[index - 1] if index else (np.inf, 0.0)
        if previous - value > max(GAP_IN_ERRORS * np.hypot(error, previous_error), smallest_gap):
            groups.append([])
        groups[-1].append(value)
    return groups


def _components(part: pd.DataFrame) -> VarianceComponents:
    """Variance components for runs with several initial states each; unknown otherwise."""
    counts, between = _numbers(part, STATES), _numbers(part, BETWEEN)
    if not (counts > 1).all() or between.isna().any():
        return VarianceComponents(np.nan, np.nan, np.nan)
    if source_of_variation(part) == SAME:
        # With one network, every run adds initial states, and the spread between networks is unknown.
        means = part[EXPONENT].astype(float)
        squares = ((counts - 1) * between**2).sum() + (counts * (means - np.average(means, weights=counts)) ** 2).sum()
        return VarianceComponents(np.nan, float(np.sqrt(squares / (counts.sum() - 1))), float(counts.sum()))
    return variance_components(part[EXPONENT].to_numpy(float), between.to_numpy(), counts.to_numpy())


def variance_components(means: np.ndarray, between: np.ndarray, counts: np.ndarray) -> VarianceComponents:
    """Spread between networks and between starts of a network.

    means (n,), standard deviations `between` (n,) and counts (n,) of the starts of n networks. One-way random effects
    by the method of moments (Searle, Casella and McCulloch 1992, section 3.6): the variance between networks is (mean
    square between - mean square within) / n_0, or 0 if that is negative. The spread of starts includes the error of
    their trajectories.
    """
    total, networks = counts.sum(), len(means)
    within = ((counts - 1) * between**2).sum() / (total - networks)
    if networks < 2:
        return VarianceComponents(np.nan, float(np.sqrt(within)), float(total))
    among = (counts * (means - (counts * means).sum() / total) ** 2).sum() / (networks - 1)
    n_0 = (total - (counts**2).sum() / total) / (networks - 1)
    networks_sd, starts_sd = np.sqrt(max(0.0, (among - within) / n_0)), np.sqrt(within)
    return VarianceComponents(float(networks_sd), float(starts_sd), float(total / networks))


def _numbers(part: pd.DataFrame, name: str) -> pd.Series:
    """A column as numbers; nan if it does not exist."""
    return part[name].astype(float) if name in part else pd.Series(np.nan, part.index)


def spread_texts(table: pd.DataFrame) -> Iterator[str]:
    """A line for each row of a spread table, which begins with its group."""
    by = [name for name in table if name not in COLUMNS]
    for row in table.to_dict("records"):
        where = " ".join(f"{name} {row[name]}" for name in by)
        error = f"s.e. of one trajectory {row['stderr_of_one']:.2g}" if np.isfinite(row["stderr_of_one"]) else ""
        parts = [f"{EXPONENT} {row[EXPONENT]:.3g}", error, _spread_text(row)]
        yield f"{where}: {', '.join(filter(None, parts))}"


def _spread_text(row: dict[str, float]) -> str:
    starts, networks = row.get("sd_starts", np.nan), row.get("sd_networks", np.nan)
    if not np.isfinite(starts):
        clusters_text = f", multistable: {row[ATTRACTORS]:.0f} clusters" if row.get(ATTRACTORS, 0) > 1 else ""
        return f"s.d. over {row['runs']} {row['over']} {row['spread']:.2g}{clusters_text}"
    text = f"s.d. over {row[SOURCES[-1]]:.3g} starts of a network {starts:.2g}"
    return f"{text}, between {row['runs']} {row['over']} {networks:.2g}" if np.isfinite(networks) else text
