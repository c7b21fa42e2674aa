"""How far runs of one combo lie apart, beside the error that each of them has by itself.

    spread_table    a row per combo: mean of the largest exponent, error of one trajectory, spread over its runs
    spread_texts    the same in words
    clusters        largest exponents of one network that lie apart by more than chance: different attractors
    variance_components     spread between networks and between the initial states of one, by analysis of variance

The standard error of an exponent is that of one trajectory. Another start of the same network may end on another
attractor, or measure another stretch of a slow one, and then the spread is what a reader needs. Where each run has
several initial states, or several iterations have the same network, the two sources are told apart.
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
GAP = 5.0  # combined standard errors between the largest exponents of two attractors, at least
LEAST_GAP = 0.01  # of the largest magnitude among them: what is less apart is one


class VarianceComponents(NamedTuple):
    """Standard deviations between networks and between starts of one network, nan where unknown; starts per network."""

    networks: float
    starts: float
    count: float


def spread_table(runs: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """A row for each group of runs by these columns that has two or more complete runs with a largest exponent, or
    one run of several initial states.

    runs: status, lambda_max, and where they are known lambda_max_stderr, converged, the checksums of
    comparison.networks, initial_states, attractors, lambda_max_between and lambda_max_within. stderr_of_one: the root
    mean square of the standard errors of one trajectory; spread: the standard deviation over the runs, and `over` what
    these are; attractors: how many clusters the converged starts of one network make; the rest: `variance_components`.
    """
    rows = []
    if EXPONENT in runs:
        values = runs[EXPONENT].astype(float)
        for key, part in runs[(runs["status"] == COMPLETE) & np.isfinite(values)].groupby(list(by), sort=False):
            if len(part) > 1 or (_column(part, STATES) > 1).any():
                rows.append((*key, *_row(part)))
    table = pd.DataFrame(rows, columns=[*by, *COLUMNS])
    unknown = [] if table[SOURCES[-1]].notna().any() else list(SOURCES)
    return table.drop(columns=unknown + [ATTRACTORS] * (not table[ATTRACTORS].gt(1).any()))


def _row(part: pd.DataFrame) -> tuple[float | str, ...]:
    exponents, within = part[EXPONENT].astype(float), _column(part, WITHIN)
    errors = within.fillna(_column(part, ERROR)).dropna()
    error = float(np.sqrt((errors**2).mean())) if len(errors) else np.nan
    sources = _sources_of(part)
    spread = float(exponents.std())
    return len(part), float(exponents.mean()), error, spread, source_of_variation(part), *sources, _attractors(part)


def _attractors(part: pd.DataFrame) -> float:
    """Clusters of the starts of one network; where runs have several starts each, the most that one run has; nan where
    runs are no starts or none has converged."""
    if (_column(part, STATES) > 1).any():
        return float(_column(part, ATTRACTORS).max()) if source_of_variation(part) == SAME else np.nan
    converged = part[_column(part, "converged") == 1]
    if source_of_variation(part) != SAME or converged.empty:
        return np.nan
    return float(len(clusters(converged[EXPONENT].astype(float), _column(converged, ERROR).fillna(0.0))))


def clusters(exponents: Sequence[float] | pd.Series, errors: Sequence[float] | pd.Series) -> list[list[float]]:
    """Exponents (n,) with standard errors (n,) in groups, descending: neighbours in one are no further apart than GAP
    combined errors, or LEAST_GAP of their size."""
    some = sorted(zip(map(float, exponents), map(float, errors), strict=True), reverse=True)
    least = LEAST_GAP * max((abs(value) for value, _ in some), default=0.0)
    groups: list[list[float]] = []
    for place, (value, error) in enumerate(some):
        above, other = some[place - 1] if place else (np.inf, 0.0)
        if above - value > max(GAP * np.hypot(error, other), least):
            groups.append([])
        groups[-1].append(value)
    return groups


def _sources_of(part: pd.DataFrame) -> VarianceComponents:
    """The two sources, of runs with several initial states each; unknown where they have one."""
    counts, between = _column(part, STATES), _column(part, BETWEEN)
    if not (counts > 1).all() or between.isna().any():
        return VarianceComponents(np.nan, np.nan, np.nan)
    if source_of_variation(part) == SAME:
        # One network: every run adds initial states, and nothing is known of other networks.
        means = part[EXPONENT].astype(float)
        squares = ((counts - 1) * between**2).sum() + (counts * (means - np.average(means, weights=counts)) ** 2).sum()
        return VarianceComponents(np.nan, float(np.sqrt(squares / (counts.sum() - 1))), float(counts.sum()))
    return variance_components(part[EXPONENT].to_numpy(float), between.to_numpy(), counts.to_numpy())


def variance_components(means: np.ndarray, between: np.ndarray, counts: np.ndarray) -> VarianceComponents:
    """Spread between networks and between starts of a network, of means (n,), standard deviations (n,) and counts (n,).

    One-way random effects by the method of moments (Searle, Casella and McCulloch 1992, section 3.6): the variance
    between networks is (mean square between - mean square within) / n_0, and 0 where that is negative. The spread of
    starts has the error of their trajectories in it.
    """
    total, networks = counts.sum(), len(means)
    inside = ((counts - 1) * between**2).sum() / (total - networks)
    if networks < 2:
        return VarianceComponents(np.nan, float(np.sqrt(inside)), float(total))
    across = (counts * (means - (counts * means).sum() / total) ** 2).sum() / (networks - 1)
    size = (total - (counts**2).sum() / total) / (networks - 1)
    networks_sd, starts_sd = np.sqrt(max(0.0, (across - inside) / size)), np.sqrt(inside)
    return VarianceComponents(float(networks_sd), float(starts_sd), float(total / networks))


def _column(part: pd.DataFrame, name: str) -> pd.Series:
    """A column as numbers, nan where there is none."""
    return part[name].astype(float) if name in part else pd.Series(np.nan, part.index)


def spread_texts(table: pd.DataFrame) -> Iterator[str]:
    """A line for each row of a spread table, after the columns that it is by."""
    by = [name for name in table if name not in COLUMNS]
    for row in table.to_dict("records"):
        where = " ".join(f"{name} {row[name]}" for name in by)
        error = f"s.e. of one trajectory {row['stderr_of_one']:.2g}" if np.isfinite(row["stderr_of_one"]) else ""
        parts = [f"{EXPONENT} {row[EXPONENT]:.3g}", error, _spread_text(row)]
        yield f"{where}: {', '.join(filter(None, parts))}"


def _spread_text(row: dict[str, float]) -> str:
    starts, networks = row.get("sd_starts", np.nan), row.get("sd_networks", np.nan)
    if not np.isfinite(starts):
        several = f", multistable: {row[ATTRACTORS]:.0f} clusters" if row.get(ATTRACTORS, 0) > 1 else ""
        return f"s.d. over {row['runs']} {row['over']} {row['spread']:.2g}{several}"
    said = f"s.d. over {row[SOURCES[-1]]:.3g} starts of a network {starts:.2g}"
    return f"{said}, between {row['runs']} {row['over']} {networks:.2g}" if np.isfinite(networks) else said
