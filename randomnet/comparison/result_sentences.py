"""The result of a study in plain sentences, made from the same pairs, intervals and corrections as tests.csv.

sentences      one or two for each comparison, or the order of the combos; crossings of zero over g; then the doubts
doubts         how many runs are missing, left out, or have a verdict that weakens them

A study of networks and controls is about their difference; the same of several folders. Without either, it is about
the order of its combos. A sentence never has a number from a cell that mixes options.

The first quantity of a kind is the one question asked, so its p is as it is: a cell decides where it is at most 0.05.
Of several cells of a grid, the sentence says in how many that holds with Holm's correction for these cells.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from randomnet.comparison import hypothesis_tests, matching, significance, verdicts
from randomnet.comparison.crossings import EXPONENT, crossing_sentences
from randomnet.comparison.headlines import (
    Headline,
    capital,
    control_text,
    incomparable_options,
    is_number,
    network_text,
)
from randomnet.comparison.hypothesis_tests import PAIRED, RANKS, STARTS, TWO_NETWORKS
from randomnet.comparison.intervals import interval_text
from randomnet.comparison.order_sentences import order_sentences
from randomnet.comparison.study import ALL, REFERENCE_VALUES, Combo, Study
from randomnet.comparison.study_notes import differing_settings
from randomnet.results import FINISHED, MISSING, STOPPED

AFTER = "lambda_max_final"  # whose verdict is that of a training's last spectrum
NOTHING, ORDER, COMPARISONS = "nothing", "order", "comparisons"  # COMPARISONS includes the order of combos
MOST_COMPARISONS, MOST_CELLS, MOST_NAMED = 4, 4, 6
WORDS = {"too_short": "too short to tell whether they converged"}
STATUSES = {MISSING: "unfinished", "failed": "failed", "diverged": "diverged, left out",
            "unbounded": "unbounded, left out", STOPPED: "stopped by halving, not ranked"}  # fmt: skip


class Figures(Protocol):
    """What a kind's set of figures says of its columns; see randomnet.figures.FigureSet."""

    @property
    def tested(self) -> tuple[str, ...]:
        """The columns of tests.csv."""

    @property
    def headlines(self) -> tuple[Headline, ...]:
        """The columns that answer the question, the most telling first."""

    @property
    def sentences(self) -> Callable[[Study], Iterable[str]] | None:
        """Sentences of the kind, before all others but the doubts; None where it has none."""

    @property
    def sentences_replace(self) -> str:
        """What is left out where the kind has sentences of a study: NOTHING, ORDER or COMPARISONS."""


def tests_of(study: Study, tested: Sequence[str]) -> pd.DataFrame:
    """The rows of tests.csv: of labels, and of controls with their reference, in every cell of the grid."""
    seeds = {combo.label: combo.loaded.manifest.get("seed") for combo in study.combos}
    pairs = [*hypothesis_tests.label_pairs(study.runs), *matching.value_pairs(study)]
    return hypothesis_tests.table_of_tests(pairs, tested, study.shared, seeds)


def sentences(study: Study, figure_set: Figures, tests: pd.DataFrame | None = None) -> list[str]:
    """The result in sentences, the doubts last. tests: the table of tests_of, where it is known already."""
    headline = headline_of(study, figure_set.headlines)
    if headline is None:
        nothing = [] if study.runs["status"].isin(FINISHED).any() else ["No run has a result yet."]
        return [*nothing, *doubts(study, "")]
    of_kind = list(figure_set.sentences(study)) if figure_set.sentences else []
    replaced = figure_set.sentences_replace if of_kind else NOTHING
    if replaced == COMPARISONS:
        return [*of_kind, *doubts(study, headline.column)]
    table = tests_of(study, figure_set.tested) if tests is None else tests
    rows = table[table["metric"] == headline.column] if len(table) else table
    order = () if replaced == ORDER else order_sentences(study, headline)
    result = list(_comparisons(study, headline, rows) if len(rows) else order)
    result = [*of_kind, *result, *_before_training(study, headline)]
    crossings = crossing_sentences(study) if headline.column == EXPONENT else []
    return [*result, *_on_p(result, table), *crossings, *doubts(study, headline.column)]


def _on_p(result: Sequence[str], table: pd.DataFrame) -> Iterator[str]:
    """What the p of the result are not corrected for; nothing where there is no p, or no other test."""
    count = sum(", p = " in text for text in result)
    if count and int(table["p"].notna().sum()) > 1:
        each = "Each p is" if count > 1 else "This p is"
        yield (f"{each} of one question and not corrected for others. All quantities are in tests.csv, with Holm's "
               "correction.")  # fmt: skip


def _before_training(study: Study, headline: Headline) -> Iterator[str]:
    """A sentence on networks and their controls before training, which are a question and a family of tests by itself.

    Without it where no cell has a p, as where folders or combos differ in their training alone.
    """
    if headline.before not in study.runs:
        return
    before = Headline(headline.before, headline.words.replace("after training", "before training"), best=False)
    table = tests_of(study, (before.column,))
    table = table[(table["label_a"] == table["label_b"]) & table["p"].notna()] if len(table) else table
    if len(table):
        yield from _comparisons(study, before, table)


def headline_of(study: Study, headlines: Sequence[Headline]) -> Headline | None:
    """The first headline that runs of every folder with results have, else that any run has; None without one."""
    finished = study.runs[study.runs["status"].isin(FINISHED)]
    labels = {headline: labels_with(finished, headline.column) for headline in headlines}
    most = max((len(found) for found in labels.values()), default=0)
    return next((headline for headline, found in labels.items() if most and len(found) == most), None)


def labels_with(runs: pd.DataFrame, column: str) -> set[str]:
    """The labels of which any run has a value in this column."""
    if column not in runs:
        return set()
    return set(runs.loc[np.isfinite(runs[column].astype(float)), "label"])


def doubts(study: Study, metric: str) -> list[str]:
    """One sentence on runs that are missing, left out or weakened by a verdict; empty where there are none."""
    total = len(study.runs)
    texts = [
        f"{count} {text}" for status, text in STATUSES.items() if (count := (study.runs["status"] == status).sum())
    ]
    counts = verdicts.verdict_counts(metric, study.runs) if metric in study.runs else {}
    left = ("not_converged", "too_short", "lower_bounds", "undetermined")
    texts += [f"{counts[name]} {WORDS.get(name, verdicts.TEXTS[name])}" for name in left if counts.get(name)]
    if AFTER in study.runs and metric != AFTER:
        counts = verdicts.verdict_counts(AFTER, study.runs)
        texts += [f"{counts[name]} spectra after training {WORDS.get(name, verdicts.TEXTS[name])}"
                  for name in left[:2] if counts[name]]  # fmt: skip
    return [*([f"Of {total} runs, {'; '.join(texts)}."] if texts else []), *_other_differences(study)]


def _other_differences(study: Study) -> list[str]:
    """A sentence on the settings by which folders differ beside their grids and nulls; empty without any."""
    names = [name.split(".")[-1] for name in differing_settings(study) if name.split(".")[-1] not in REFERENCE_VALUES]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return [f"The folders also differ in {', '.join(names[:MOST_NAMED])}{more}."] if names else []


def _comparisons(study: Study, headline: Headline, rows: pd.DataFrame) -> Iterator[str]:
    """The result for each control, or pair of labels; those of controls first."""
    is_control = rows["label_a"] == rows["label_b"]
    sides = ["label_a", "label_b", *(name for name in ("own_a", "own_b") if name in rows)]
    within, between = rows[is_control], rows[~is_control]
    groups = [group for _, group in within.fillna({"own_a": "", "own_b": ""}).groupby(sides, sort=False)]
    groups += [group for _, group in between.groupby(["label_a", "label_b"], sort=False)]
    several = len({*rows["label_a"], *rows["label_b"]}) > 1
    for group in groups[:MOST_COMPARISONS]:
        yield _comparison(study, headline, group.to_dict("records"), several)
    if len(groups) > MOST_COMPARISONS:
        yield f"{len(groups) - MOST_COMPARISONS} more comparisons are in tests.csv."


def _comparison(study: Study, headline: Headline, cells: list[dict[str, Any]], several: bool) -> str:
    """One or two sentences on one pair of sides over the cells of the grid: the effect in words, then its numbers."""
    network, control = _names(study, cells[0], several)
    subject = f"{headline.words} of {network}"
    if headline.best and (options := incomparable_options(_combos_of(study, cells[0]))):
        names = " and ".join(option.split(".")[-1] for option in options)
        return f"{capital(subject)} and of {control} are different quantities, as {names} differs: no comparison."
    known = [cell for cell in cells if is_number(cell["difference_b_minus_a"])]
    if not known:
        return f"{capital(subject)} and of {control} cannot be compared: no cell has results of both."
    tested = [cell for cell in known if is_number(cell["p"])]
    if not tested:
        return f"{_effects(subject, control, known[:1], cells)}; {_why_no_p(known)}."
    decided = [cell for cell in tested if cell["p"] <= significance.ALPHA]
    if not decided:
        return _undecided(f"{network} and {control} in {headline.words}", network, tested, len(cells))
    return _decided(subject, control, decided, tested, len(cells))


def _decided(
    subject: str, control: str, decided: list[dict[str, Any]], tested: list[dict[str, Any]], total: int
) -> str:
    """In which cells the sides differ and in which direction, and the numbers of the largest difference."""
    largest = max(decided, key=lambda cell: abs(cell["difference_b_minus_a"]))
    if total == 1:
        text = f"{capital(subject)} is {_direction(largest)} that of {control} by {_numbers(largest)}"
        return f"{text}{_caveat(decided)}."
    parts: list[str] = []
    for sign in (-1, 1):
        if of_sign := [cell for cell in decided if np.sign(cell["difference_b_minus_a"]) == sign]:
            that = "it" if parts else f"that of {control}"
            parts.append(f"{_direction(of_sign[0])} {that} at {_listed(of_sign)} ({len(of_sign)} of {total} cells)")
    return (f"Cell by cell, the {subject} is {' and '.join(parts)}{_caveat(decided)}. "
            f"Largest difference, at {_cell_text(largest)}: {_numbers(largest)}{_correction(tested)}.")  # fmt: skip


def _caveat(cells: Sequence[Mapping[str, Any]]) -> str:
    """A warning where most of the compared runs have a doubtful spectrum; empty otherwise."""
    doubtful = sum(int(cell[f"{name}_{side}"]) for cell in cells for name in ("not_converged", "too_short")
                   for side in "ab")  # fmt: skip
    runs = sum(int(cell[f"n_{side}"]) for cell in cells for side in "ab")
    return f"; {doubtful} of these {runs} runs are not converged, or too short to tell" if 2 * doubtful > runs else ""


def _correction(tested: Sequence[Mapping[str, Any]]) -> str:
    """In how many of these cells p is small after Holm's correction for all of them; empty for one cell."""
    if len(tested) < 2:
        return ""
    adjusted = significance.holm(np.array([cell["p"] for cell in tested], dtype=float))
    count = int((adjusted <= significance.ALPHA).sum())
    first = min(tested, key=lambda cell: cell["smallest_p"])
    if len(tested) * first["smallest_p"] > significance.ALPHA:
        units = _units(first["design"])
        return f"; {first['n']} {units} cannot reach 0.05 with Holm's correction for {len(tested)} cells"
    return f"; with Holm's correction for {len(tested)} cells, p is at most 0.05 in {count or 'none'}"


def _undecided(sides: str, network: str, cells: list[dict[str, Any]], total: int) -> str:
    """That no cell decides, with the numbers of the cell of the smallest p, and whether any p could."""
    first = min(cells, key=lambda cell: (cell["p"], -abs(cell["difference_b_minus_a"])))
    where = "" if total == 1 else f" in any of {total} cells"
    begin = f"{capital(network)} is" if total == 1 else f"Smallest p at {_cell_text(first)}:"
    amount = f"{_direction(first)} by"
    if first["difference_b_minus_a"] == 0:
        begin, amount = ("The" if total == 1 else f"{begin} the"), "mean difference is"
    smallest, reason = min(cell["smallest_p"] for cell in cells), ""
    if smallest > significance.ALPHA:
        units = _units(first["design"])
        reason = f"; {first['n']} {units} allow no p below {smallest:.2g}, 0.05 needs {_needed(first['design'])}"
    return f"No difference can be told between {sides}{where}. {begin} {amount} {_numbers(first)}{reason}."


def _effects(subject: str, control: str, cells: Sequence[Mapping[str, Any]], of: Sequence[Mapping[str, Any]]) -> str:
    cell = cells[0]
    where = "" if len(of) == 1 else f" at {_cell_text(cell)}"
    size = "" if cell["difference_b_minus_a"] == 0 else f" by {abs(cell['difference_b_minus_a']):.3g}"
    return f"{capital(subject)} is {_direction(cell)} that of {control}{where}{size}"


def _why_no_p(cells: Sequence[Mapping[str, Any]]) -> str:
    """Why none of these cells has a p: the study decides nothing."""
    designs = {cell["design"] for cell in cells}
    if designs == {TWO_NETWORKS}:
        return "the study cannot decide: there is one network of each kind, so there is no p"
    if any("all values are equal" in str(cell["note"]) for cell in cells):
        return "there is nothing to test: all values are equal"
    n = max(int(cell["n"]) for cell in cells)
    units, needed = _units(cells[0]["design"]), _needed(cells[0]["design"])
    return f"the study cannot decide: it has {n} {units if n != 1 else units.rstrip('s')}, and p < 0.05 needs {needed}"


def _numbers(cell: Mapping[str, Any]) -> str:
    """Difference a - b with its interval, n and the p of this one comparison, as in tests.csv with the sign turned."""
    difference = cell["difference_b_minus_a"]
    sign = -1 if difference <= 0 else 1
    ends = [cell[name] for name in ("interval_low", "interval_high")]
    has_interval = all(map(is_number, ends))
    low, high = sorted(sign * end + 0.0 for end in ends) if has_interval else (0.0, 0.0)
    text = interval_text(abs(difference), low, high) if has_interval else f"{abs(difference):.3g}"
    name = "prediction interval" if cell["design"] in RANKS else "interval"
    of = f"{100 * cell['interval_level']:.0f} % {name}" if has_interval else "no interval"
    pieces = [f"{text} ({of})", f"n = {int(cell['n'])} {_units(cell['design'], int(cell['n']))}"]
    return ", ".join([*pieces, f"p = {cell['p']:.2g}"])


def _units(design: str, n: int = 2) -> str:
    if design == STARTS:
        return "pair of starts of one network" if n == 1 else "pairs of starts of one network"
    text = "draw" if design in RANKS else "pair"
    return text if n == 1 else f"{text}s"


def _needed(design: str) -> int:
    return significance.PAIRS_NEEDED if design in PAIRED else significance.DRAWS_NEEDED


def _direction(cell: Mapping[str, Any]) -> str:
    difference = cell["difference_b_minus_a"]
    return "equal to" if difference == 0 else "above" if difference < 0 else "below"


def _names(study: Study, cell: Mapping[str, Any], several: bool) -> tuple[str, str]:
    """What the sides of a comparison are called: the connectome and its null in one folder, else the labels."""
    if cell["label_a"] != cell["label_b"]:
        return f"{cell['label_a']}", f"{cell['label_b']}"
    option, _, value = str(cell.get("own_b") or "").partition("=")
    of_folder = next((combo for combo in study.combos if combo.label == cell["label_a"]), None)
    connectome = network_text(of_folder) if of_folder else "the connectome"
    return f"{connectome} in {cell['label_a']}" if several else connectome, control_text(option, value)


def _combos_of(study: Study, cell: Mapping[str, Any]) -> list[Combo]:
    """The combos of both labels in a cell."""
    labels = (cell["label_a"], cell["label_b"])
    return [combo for group in study.groups if group.key == cell["combo"] for combo in group.combos
            if combo.label in labels]  # fmt: skip


def _cell_text(cell: Mapping[str, Any]) -> str:
    own = [cell.get(name) for name in ("own_a", "own_b")] if cell["label_a"] != cell["label_b"] else []
    texts = [cell["combo"] if cell["combo"] != ALL else "", *(text for text in own if isinstance(text, str))]
    return ", ".join(dict.fromkeys(filter(None, texts))).replace("=", " = ") or ALL


def _listed(cells: Sequence[Mapping[str, Any]]) -> str:
    """The cells, such as `g = 2, 4`, or `a = 1, b = 2; a = 2, b = 2`; the first ones of many."""
    texts = [_cell_text(cell) for cell in cells]
    more = f" and {len(texts) - MOST_CELLS} more" if len(texts) > MOST_CELLS else ""
    texts = texts[:MOST_CELLS]
    names = {text.partition(" = ")[0] for text in texts}
    if len(names) == 1 and not any(", " in text for text in texts):
        return f"{texts[0]}{''.join(', ' + text.partition(' = ')[2] for text in texts[1:])}{more}"
    return "; ".join(texts) + more
