"""How many of the runs behind a number have a verdict that weakens it.

verdict_counts   of one metric and one set of runs: not converged, too short, lower bounds, ...
verdict_notes    the same in words, for both sides of a comparison

Verdicts concern spectra: they apply to exponents and quantities derived from them, not to losses.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from randomnet.results import COMPLETE, DIVERGED, UNBOUNDED

OF_SPECTRA = ("lambda_max", "n_positive", "D_KY", "h_KS")
WHEN = ("_initial", "_final")
NOT_CONVERGED, TOO_SHORT = "not converged", "too short to tell"  # verdicts
# Metrics that are lower bounds if exponents that were not computed may be positive: metric -> its flag.
BOUNDS = {"h_KS": "h_KS_lower_bound", "n_positive": "h_KS_lower_bound"}
COUNTS = ("not_converged", "too_short", "lower_bounds", "undetermined", "unbounded", "diverged")
TEXTS = {"not_converged": NOT_CONVERGED, "too_short": "too short to tell", "lower_bounds": "lower bounds",
         "undetermined": "not determined, left out", "unbounded": "unbounded, left out",
         "diverged": "diverged, left out"}  # fmt: skip


def verdict_counts(metric: str, runs: pd.DataFrame) -> dict[str, int]:
    """COUNTS of a metric. runs: one row each, with status and, if known, verdicts, converged and bounds.

    undetermined: complete runs without a value, such as D_KY when too few exponents were computed.
    """
    complete = runs[runs["status"] == COMPLETE]
    verdicts, _ = _verdicts(metric, complete)
    missing = ~np.isfinite(complete[metric].astype(float)) if metric in complete else np.zeros(len(complete), bool)
    return {
        "not_converged": int(not_converged(metric, complete).sum()),
        "too_short": int(too_short(metric, complete).sum()),
        "lower_bounds": int(is_lower_bound(metric, complete).sum()),
        "undetermined": int((missing & (verdicts != UNBOUNDED)).sum()),
        "unbounded": unbounded_count(metric, runs),
        "diverged": int((runs["status"] == DIVERGED).sum()),
    }


def not_converged(metric: str, runs: pd.DataFrame) -> np.ndarray:
    """Mask (runs,) of runs whose spectrum did not converge; those too short to tell are not included."""
    verdicts, converged = _verdicts(metric, runs)
    return (verdicts == NOT_CONVERGED) | ((verdicts == "") & (converged == 0))


def too_short(metric: str, runs: pd.DataFrame) -> np.ndarray:
    """Mask (runs,) of runs whose record is too short to tell whether the spectrum converged."""
    return _verdicts(metric, runs)[0] == TOO_SHORT


def stage_suffix(metric: str) -> str | None:
    """ "", "_initial" or "_final": the spectrum that a metric is of; None if it is of no spectrum."""
    if not metric.startswith(OF_SPECTRA):
        return None
    return next((suffix for suffix in WHEN if metric.endswith(suffix)), "")


def _verdicts(metric: str, runs: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Verdict on the metric's spectrum of each run ("" if unknown), and whether it converged (1, 0 or nan)."""
    suffix = stage_suffix(metric)
    if suffix is None:
        return np.full(len(runs), "", dtype=object), np.full(len(runs), np.nan)
    texts = runs.get(f"verdict{suffix}", pd.Series(dtype=object, index=runs.index))
    flags = runs.get(f"converged{suffix}", pd.Series(np.nan, index=runs.index))
    verdicts = np.array([text if isinstance(text, str) else "" for text in texts], dtype=object)
    return verdicts, pd.to_numeric(flags, errors="coerce").to_numpy(dtype=float)


def is_lower_bound(metric: str, runs: pd.DataFrame) -> pd.Series:
    """Mask of the runs whose value of the metric is a lower bound."""
    flag = BOUNDS.get(metric)
    return runs[flag].astype(float) == 1 if flag in runs else pd.Series(False, index=runs.index)


def unbounded_count(metric: str, runs: pd.DataFrame) -> int:
    """How many runs are left out as unbounded; metrics before or after training have their own verdict."""
    column = f"verdict{stage_suffix(metric)}" if stage_suffix(metric) else "status"
    return int((runs[column if column in runs else "status"] == UNBOUNDED).sum())


def verdict_notes(sides: Sequence[tuple[str, Mapping[str, int], int]]) -> list[str]:
    """A text for each kind of verdict that any side has. sides: (name, counts, number of runs) each."""
    texts = []
    for name, text in TEXTS.items():
        parts = [f"{count[name]} of {total} runs{side}" for side, count, total in sides if count[name]]
        texts += [f"{text}: {' and '.join([', '.join(parts[:-1]), parts[-1]][len(parts) < 2 :])}"] if parts else []
    return texts
