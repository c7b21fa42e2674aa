"""What the console prints when all runs have ended: why some did not converge, and how much runs differ."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from randomnet.comparison.coupling import unequal_coupling_notes
from randomnet.comparison.spread import spread_table, spread_texts
from randomnet.experiment.halving import TABLE, ranking
from randomnet.results import COMPLETE, DIVERGED, STOPPED, UNBOUNDED

MOST_LINES = 10  # of one subject
LONGEST = 100  # characters of a reason
LENGTH = "tsim_used_final"
MOST_PLACES = 3  # named after a reason
NUMBER = re.compile(r"[0-9][0-9.e+-]*")  # reasons that differ only in numbers are counted together
WHEN = ("", "_initial", "_final")  # endings of columns: of one spectrum, or of those before and after training


def lines(
    table: pd.DataFrame, varied: Sequence[str] = (), normalizations: Mapping[int, str] | None = None
) -> Iterator[str]:
    """Yield all lines for the table of an outcome.

    varied: the gridded options, which are columns of the table. normalizations: combo -> the applied chain of scalings,
    where it is known.
    """
    yield from _first(list(_verdicts(table)), "of these in the notes of summary.csv")
    if "verdict" not in table:  # its reasons are in the lines before
        yield from _first(list(_notes(table)), "notes in summary.csv")
    yield from _left_out(table)
    yield from _first(list(_lengths(table)), "combos in summary.csv")
    yield from _best_combos(table, varied)
    yield from unequal_coupling_notes(table, varied, normalizations or {})
    yield from _multistable(table)
    several = pd.to_numeric(table.get("initial_states", pd.Series(dtype=float)), errors="coerce").gt(1).any()
    if table["iteration"].nunique() > 1 or (several and "attractors" in table):
        yield from _first(list(spread_texts(spread_table(table, ["combo", *varied]))), "combos in summary.csv")


def _first(texts: list[str], rest: str) -> Iterator[str]:
    yield from texts[:MOST_LINES]
    if len(texts) > MOST_LINES:
        yield f"... and {len(texts) - MOST_LINES} more {rest}"


def _verdicts(table: pd.DataFrame) -> Iterator[str]:
    """Yield a line for each reason why spectra of complete runs did not converge; unbounded ones are left out."""
    spectra = 0
    groups: dict[Any, Any] = {}
    for row in table[table["status"] == COMPLETE].to_dict("records"):
        for when in WHEN:
            verdict, converged = row.get(f"verdict{when}"), str(row.get(f"converged{when}")).casefold()
            text = verdict if isinstance(verdict, str) and verdict else "not converged"
            spectra += converged in ("true", "1", "1.0", "false", "0", "0.0")
            if text != UNBOUNDED and converged in ("false", "0", "0.0"):
                reason = _reason(row.get(f"notes{when}"))
                place = f"combo {row['combo']} iteration {row['iteration']}{when.replace('_', ' ')}"
                groups.setdefault((text, NUMBER.sub("", reason)), (reason, []))[1].append(place)
    for (text, _), (reason, places) in groups.items():
        yield f"{len(places)} of {spectra} spectra {text}{reason}: {_first_of(places)}"


def _multistable(table: pd.DataFrame) -> Iterator[str]:
    """Yield how many networks have several attractors with different exponents, and those of the first network."""
    if "attractors" not in table:
        return
    rows = table[pd.to_numeric(table["attractors"], errors="coerce") > 1]
    if len(rows):
        places = [f"combo {row['combo']} iteration {row['iteration']}" for row in rows.to_dict("records")]
        notes = str(rows["notes"].iloc[0]).split("; ")
        first = next((note.removeprefix("multistable: ") for note in notes if note.startswith("multistable")), "")
        yield f"{len(rows)} of {len(table)} runs multistable: {_first_of(places)}; the first: {first}"


def _first_of(places: list[str]) -> str:
    """Return the first places, and how many more there are."""
    more = len(places) - MOST_PLACES
    return ", ".join(places[:MOST_PLACES]) + (f", and {more} more" if more > 0 else "")


def _reason(notes: object) -> str:
    """Return the first of the notes, in brackets."""
    first = notes.split(";")[0].strip() if isinstance(notes, str) else ""
    reason = first if len(first) <= LONGEST else f"{first[:LONGEST].rstrip()} ..."
    return f" ({reason})" if reason else ""


def _notes(table: pd.DataFrame) -> Iterator[str]:
    """Yield each note of the runs once, with how many runs have it."""
    noted = table[table["notes"].fillna("") != ""] if "notes" in table else table[:0]
    for note, runs in noted.groupby("notes", sort=False) if len(noted) else ():
        first, more = runs.iloc[0], ", ..." * (len(runs) > 1)
        place = f"combo {first['combo']} iteration {first['iteration']}{more}"
        yield f"Note: {len(runs)} of {len(table)} runs ({place}): {note}"


def _lengths(table: pd.DataFrame) -> Iterator[str]:
    """Yield combos of a training whose spectra have records of different lengths, such as from different versions."""
    complete = table[table["status"] == COMPLETE]
    for combo, runs in complete.groupby("combo") if LENGTH in complete else ():
        lengths = runs[LENGTH].astype(float)
        if lengths.nunique(dropna=False) > 1:
            known = ", ".join(f"{length:g} τ" for length in sorted(lengths.dropna().unique()))
            others = " and, by an earlier version, of the window trained on" if lengths.isna().any() else ""
            yield (f"combo {combo}: spectra after training are of records of {known}{others}; their mean mixes these "
                   "(tsim_measured = 0 measures the window)")  # fmt: skip


def _best_combos(table: pd.DataFrame, varied: Sequence[str]) -> Iterator[str]:
    """Yield the best combos of a successive halving, as a table, and what their losses are."""
    if not (table["status"] == STOPPED).any():
        return
    ranked = ranking(table, varied)
    yield f"\nBest of {len(ranked)} combos by validation loss (mean over iterations); all are in {TABLE}:"
    yield ranked.head(MOST_LINES).to_string(index=False, float_format=lambda value: f"{value:.4g}")
    test = next((name for name in ("test_loss_best", "nll_test") if name in table), "")
    where = f"; {test} in summary.csv is of trials that chose nothing" if test else "; a test_size keeps trials aside"
    yield f"The lowest of many validation losses is optimistic{where}"


def _left_out(table: pd.DataFrame) -> Iterator[str]:
    """Yield how many runs diverged or grew without bound, and how many networks did so before or after training."""
    for status, text in ((DIVERGED, "diverged"), (UNBOUNDED, "unbounded: lambda_max is a growth rate")):
        count = int((table["status"] == status).sum())
        if count:
            yield f"{count} of {len(table)} runs {text}; left out of means, comparisons and figures"
    for when, verb in (("initial", "begin"), ("final", "end")):
        count = int((table.get(f"verdict_{when}", pd.Series(dtype=str)) == UNBOUNDED).sum())
        if count:
            yield f"{count} of {len(table)} networks {verb} unbounded: lambda_max_{when} is a growth rate, in no mean"
