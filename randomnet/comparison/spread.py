"""How far runs of one combo lie apart, beside the error that each of them has by itself.

    spread_over     what the runs differ in: starts of the same network, networks, or iterations where that is unknown
    spread_table    a row per combo: mean of the largest exponent, error of one trajectory, spread over its runs
    spread_texts    the same in words

The standard error of an exponent is that of one trajectory. Another start of the same network may end on another
attractor, or measure another stretch of a slow one, and then the spread is what a reader needs.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from randomnet.results import COMPLETE

EXPONENT, ERROR = "lambda_max", "lambda_max_stderr"
NETWORK = "network"  # checksum of a run's network
COLUMNS = ("runs", EXPONENT, "stderr_of_one", "spread", "over")
SAME, OTHER, UNKNOWN = "starts of the same network", "networks", "iterations"


def spread_over(networks: Sequence[object] | pd.Series | None) -> str:
    """What the runs of one combo differ in, told by their networks' checksums; None or empty ones: unknown."""
    if networks is None:
        return UNKNOWN
    known = [network for network in networks if isinstance(network, str) and network]
    if len(known) < len(networks) or not known:
        return UNKNOWN
    count = len(set(known))
    return SAME if count == 1 else OTHER if count == len(known) else UNKNOWN


def spread_table(runs: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """A row for each group of runs by these columns that has two or more complete runs with a largest exponent.

    runs: status, lambda_max, and where they are known lambda_max_stderr and network. stderr_of_one: the root mean
    square of the runs' standard errors; spread: the standard deviation over the runs, and `over` what these are.
    """
    rows = []
    if EXPONENT in runs:
        values = runs[EXPONENT].astype(float)
        for key, part in runs[(runs["status"] == COMPLETE) & np.isfinite(values)].groupby(list(by), sort=False):
            if len(part) > 1:
                rows.append((*key, *_row(part)))
    return pd.DataFrame(rows, columns=[*by, *COLUMNS])


def _row(part: pd.DataFrame) -> tuple[int, float, float, float, str]:
    exponents = part[EXPONENT].astype(float)
    errors = part[ERROR].astype(float).dropna() if ERROR in part else pd.Series(dtype=float)
    error = float(np.sqrt((errors**2).mean())) if len(errors) else np.nan
    return len(part), float(exponents.mean()), error, float(exponents.std()), spread_over(part.get(NETWORK))


def spread_texts(table: pd.DataFrame) -> Iterator[str]:
    """A line for each row of a spread table, after the columns that it is by."""
    by = [name for name in table if name not in COLUMNS]
    for row in table.to_dict("records"):
        where = " ".join(f"{name} {row[name]}" for name in by)
        error = f"s.e. of one trajectory {row['stderr_of_one']:.2g}" if np.isfinite(row["stderr_of_one"]) else ""
        parts = [f"{EXPONENT} {row[EXPONENT]:.3g}", error, f"s.d. over {row['runs']} {row['over']} {row['spread']:.2g}"]
        yield f"{where}: {', '.join(filter(None, parts))}"
