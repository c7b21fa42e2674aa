"""The result of a study in plain sentences, made from the same pairs, intervals and corrections as tests.csv.

Headline       the column that a study is about
sentences      one sentence for each comparison, or the order of the combos; then the doubts
doubts         how many runs are missing, left out, or have a verdict that weakens them

A study of networks and controls is about their difference; the same of several folders. Without either, it is about
the order of its combos. A sentence never has a number from a cell that mixes options.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd

from randomnet.comparison import hypothesis_tests, matching, means, significance, verdicts
from randomnet.comparison.controls import option_values, runs_of_combos
from randomnet.comparison.hypothesis_tests import PAIRED, RANKS, STARTS, TWO_NETWORKS, side_text
from randomnet.comparison.intervals import interval_text
from randomnet.comparison.study import ABSENT, ALL, LOSS, REFERENCE_VALUES, TASK, Combo, Study, canonical
from randomnet.comparison.study_notes import differing_settings
from randomnet.results import FINISHED, MISSING, STOPPED

TRIALS = "trialparams."
AFTER = "lambda_max_final"  # whose verdict is that of a training's last spectrum
DATA = (TRIALS, "source.")  # beginnings of settings that decide what the loss of one run is of
TRAINING_ONLY = ("one_task_batches", "ramp_epochs", "resampled_input_noise")  # settings of TRIALS that are of training
MOST_COMPARISONS, MOST_CELLS, MOST_NAMED = 4, 4, 6
INCOMPARABLE = (TASK, LOSS, "lyapunov.target", "lyapunov.nle")  # losses of their values are different quantities
NAMES_OF_CONTROLS = {"null": "its {value} null", "random_w": "its shuffled weights"}
STATUSES = {MISSING: "unfinished", "failed": "failed", "diverged": "diverged, left out",
            "unbounded": "unbounded, left out", STOPPED: "stopped by halving, not ranked"}  # fmt: skip


class Headline(NamedTuple):
    """A column that answers the question of a kind.

    best: whether its first end, the lowest or the highest, is the better one. before: column of the same quantity of
    the untrained networks.
    """

    column: str
    words: str
    lowest_first: bool = True
    best: bool = True
    before: str = ""


class Figures(Protocol):
    """What a kind's set of figures says of its columns; see randomnet.figures.FigureSet."""

    @property
    def tested(self) -> tuple[str, ...]:
        """The columns of tests.csv."""

    @property
    def headlines(self) -> tuple[Headline, ...]:
        """The columns that answer the question, the most telling first."""


def tests_of(study: Study, tested: Sequence[str]) -> pd.DataFrame:
    """The rows of tests.csv: of labels, and of controls with their reference, in every cell of the grid."""
    seeds = {combo.label: combo.loaded.manifest.get("seed") for combo in study.combos}
    pairs = [*hypothesis_tests.label_pairs(study.runs), *matching.value_pairs(study)]
    return hypothesis_tests.table_of_tests(pairs, tested, study.shared, seeds)


def sentences(study: Study, figure_set: Figures, tests: pd.DataFrame | None = None) -> list[str]:
    """The result in sentences, the doubts last. tests: the table of tests_of, where it is known already."""
    headline = headline_of(study, figure_set.headlines)
    if headline is None:
        return [*_sentence("No run has a result yet"), *doubts(study, "")]
    table = tests_of(study, figure_set.tested) if tests is None else tests
    rows = table[table["metric"] == headline.column] if len(table) else table
    result = _comparisons(study, headline, rows, table) if len(rows) else _orders(study, headline)
    return [*_before_training(study, headline), *result, *doubts(study, headline.column)]


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
        yield from _comparisons(study, before, table, table)


def headline_of(study: Study, headlines: Sequence[Headline]) -> Headline | None:
    """The first headline of which any run with a result has a value; None without one."""
    finished = study.runs[study.runs["status"].isin(FINISHED)]
    for headline in headlines:
        if headline.column in finished and np.isfinite(finished[headline.column].astype(float)).any():
            return headline
    return None


def doubts(study: Study, metric: str) -> list[str]:
    """One sentence on runs that are missing, left out or weakened by a verdict; empty where there are none."""
    total = len(study.runs)
    texts = [
        f"{count} {text}" for status, text in STATUSES.items() if (count := (study.runs["status"] == status).sum())
    ]
    counts = verdicts.verdict_counts(metric, study.runs) if metric in study.runs else {}
    left = ("not_converged", "too_short", "lower_bounds", "undetermined")
    texts += [f"{counts[name]} {verdicts.TEXTS[name]}" for name in left if counts.get(name)]
    if AFTER in study.runs and metric != AFTER:
        counts = verdicts.verdict_counts(AFTER, study.runs)
        texts += [f"{counts[name]} spectra after training {verdicts.TEXTS[name]}" for name in left[:2] if counts[name]]
    return [*([f"Of {total} runs, {'; '.join(texts)}."] if texts else []), *_other_differences(study)]


def _other_differences(study: Study) -> list[str]:
    """A sentence on the settings by which folders differ beside their grids and nulls; empty without any."""
    names = [name.split(".")[-1] for name in differing_settings(study) if name.split(".")[-1] not in REFERENCE_VALUES]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return [f"The folders also differ in {', '.join(names[:MOST_NAMED])}{more}."] if names else []


def _sentence(*parts: str) -> Iterator[str]:
    yield f"{', '.join(filter(None, parts))}."


def _differing(combos: Sequence[Combo], of_data: bool = False) -> list[str]:
    """The options by which losses of these combos are not the same quantity. of_data: whether trials count as well."""
    names = [name for combo in combos for name in combo.settings if name.startswith(DATA) and of_data]
    names = [name for name in dict.fromkeys(names) if name.removeprefix(TRIALS) not in TRAINING_ONLY]
    values = {option: {canonical(value) for combo in combos if (value := combo.get(option)) is not ABSENT}
              for option in dict.fromkeys((*INCOMPARABLE, *names))}  # fmt: skip
    return [option for option, different in values.items() if len(different) > 1]


def _comparisons(study: Study, headline: Headline, rows: pd.DataFrame, table: pd.DataFrame) -> Iterator[str]:
    """A sentence for each control, or pair of labels; those of controls first."""
    is_control = rows["label_a"] == rows["label_b"]
    m = int(table["p"].notna().sum())
    sides = ["label_a", "label_b", *(name for name in ("own_a", "own_b") if name in rows)]
    within, between = rows[is_control], rows[~is_control]
    groups = [group for _, group in within.fillna({"own_a": "", "own_b": ""}).groupby(sides, sort=False)]
    groups += [group for _, group in between.groupby(["label_a", "label_b"], sort=False)]
    several = len({*rows["label_a"], *rows["label_b"]}) > 1
    for group in groups[:MOST_COMPARISONS]:
        yield _comparison(study, headline, group.to_dict("records"), m, several)
    if len(groups) > MOST_COMPARISONS:
        yield f"{len(groups) - MOST_COMPARISONS} more comparisons are in tests.csv."


def _comparison(study: Study, headline: Headline, cells: list[dict[str, Any]], m: int, several: bool) -> str:
    """The sentence on one pair of sides over the cells of the grid."""
    network, control = _names(study, cells[0], several)
    subject = f"{headline.words} of {network}"
    if headline.best and (options := _differing(_combos_of(study, cells[0]))):
        names = " and ".join(option.split(".")[-1] for option in options)
        return f"{_capital(subject)} and of {control} are different quantities, as {names} differs: no comparison."
    known = [cell for cell in cells if _is_number(cell["difference_b_minus_a"])]
    if not known:
        return f"{_capital(subject)} and of {control} cannot be compared: no cell has results of both."
    tested = [cell for cell in known if _is_number(cell["p"])]
    if not tested:
        return f"{_effects(subject, control, known[:1], cells)}; {_why_no_p(known)}."
    decided = [cell for cell in tested if cell["p_holm"] <= significance.ALPHA]
    if not decided:
        return f"{_undecided(subject, control, tested, len(cells), m)}."
    texts: list[str] = []
    for sign in (-1, 1):
        of_sign = [cell for cell in decided if np.sign(cell["difference_b_minus_a"]) == sign]
        if of_sign:
            texts.append(_decided(subject if not texts else "it", control, of_sign, len(cells), m))
    left = len(cells) - len(decided)
    rest = f" {left} of {len(cells)} cells do not decide." if left else ""
    return f"{'. '.join(map(_capital, texts))}.{rest}"


def _decided(subject: str, control: str, cells: list[dict[str, Any]], total: int, m: int) -> str:
    """The cells that differ in one direction, and the numbers of the one with the largest difference."""
    largest = max(cells, key=lambda cell: abs(cell["difference_b_minus_a"]))
    where = "" if total == 1 else f" in {len(cells)} of {total} cells ({_listed(cells)})"
    most = "" if total == 1 else f", most at {_cell_text(largest)}"
    verb = _direction(largest)
    return f"{_capital(subject)} is {verb} that of {control}{where}{most} by {_numbers(largest, m)}"


def _undecided(subject: str, control: str, cells: list[dict[str, Any]], total: int, m: int) -> str:
    """Why no cell decides, with the numbers of the cell of the smallest p."""
    first = min(cells, key=lambda cell: (cell["p"], -abs(cell["difference_b_minus_a"])))
    where = "" if total == 1 else f" in any of {total} cells"
    is_zero = first["difference_b_minus_a"] == 0
    amount = "the mean difference is" if is_zero else f"it is {_direction(first)} by"
    first_text = amount if total == 1 else f"Smallest p at {_cell_text(first)}: {amount.removeprefix('it is ')}"
    smallest = min(cell["smallest_p"] for cell in cells)
    design, n = first["design"], first["n"]
    floor = f"{n} {_units(design)} allow no p below {smallest:.2g}"
    if smallest > significance.ALPHA:
        reason = f"{floor}, and p < 0.05 needs {_needed(design)}"
    elif m * smallest > significance.ALPHA:
        before = [cell for cell in cells if cell["p"] <= significance.ALPHA]
        reason = f"{floor}, which Holm's correction for {m} tests raises above 0.05"
        reason += f"; before it, p is at most 0.05 in {len(before)} of {total} cells" if before and total > 1 else ""
    else:
        reason = "the difference may be chance"
    text = f"{_capital(subject)} and of {control}: the study cannot tell a difference{where}"
    return f"{text}. {_capital(first_text)} {_numbers(first, m)}. {_capital(reason)}"


def _effects(subject: str, control: str, cells: Sequence[Mapping[str, Any]], of: Sequence[Mapping[str, Any]]) -> str:
    cell = cells[0]
    where = "" if len(of) == 1 else f" at {_cell_text(cell)}"
    size = "" if cell["difference_b_minus_a"] == 0 else f" by {abs(cell['difference_b_minus_a']):.3g}"
    return f"{_capital(subject)} is {_direction(cell)} that of {control}{where}{size}"


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


def _numbers(cell: Mapping[str, Any], m: int) -> str:
    """Difference a - b with its interval, n and p, as in tests.csv with the sign turned."""
    difference = cell["difference_b_minus_a"]
    sign = -1 if difference <= 0 else 1
    ends = [cell[name] for name in ("interval_low", "interval_high")]
    has_interval = all(map(_is_number, ends))
    low, high = sorted(sign * end + 0.0 for end in ends) if has_interval else (0.0, 0.0)
    text = interval_text(abs(difference), low, high) if has_interval else f"{abs(difference):.3g}"
    of = f"{100 * cell['interval_level']:.0f} % interval" if has_interval else "no interval"
    of += " for one further draw" if cell["design"] in RANKS and has_interval else ""
    pieces = [f"{text} ({of})", f"n = {int(cell['n'])} {_units(cell['design'], int(cell['n']))}"]
    corrected = f" ({cell['p_holm']:.2g} after Holm's correction for {m} tests)" if m > 1 else ""
    return ", ".join([*pieces, f"p = {cell['p']:.2g}{corrected}"])


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
    name = NAMES_OF_CONTROLS.get(option.split(".")[-1], "{value}").format(value=value.replace("_", " "))
    of_folder = next((combo for combo in study.combos if combo.label == cell["label_a"]), None)
    record = of_folder.record if of_folder else {}
    connectome = f"the {'synthetic ' * bool(record.get('synthetic'))}connectome"
    if record.get("name"):
        connectome = f"{connectome} {record['name']}"
    return f"{connectome} in {cell['label_a']}" if several else connectome, name


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
    texts = [_cell_text(cell) for cell in cells]
    more = f"; and {len(texts) - MOST_CELLS} more" if len(texts) > MOST_CELLS else ""
    return "; ".join(texts[:MOST_CELLS]) + more


def _orders(study: Study, headline: Headline) -> Iterator[str]:
    """The order of all combos, or of those among which the column is the same quantity."""
    options = _differing(study.combos, of_data=True) if headline.best else []
    if not options:
        yield from _order(study, study.runs, headline)
        return
    names = " and ".join(option.split(".")[-1] for option in options)
    yield f"{_capital(headline.words)} is another quantity for each {names}: the study ranks no combos across these."
    sets: dict[tuple, list[Combo]] = {}
    for combo in study.combos:
        sets.setdefault(option_values(combo, options), []).append(combo)
    for combos in list(sets.values())[:MOST_COMPARISONS] if max(map(len, sets.values())) > 1 else ():
        yield from _order(study, runs_of_combos(study.runs, combos), headline)


def _order(study: Study, runs: pd.DataFrame, headline: Headline) -> Iterator[str]:
    """The first combo with its mean and interval, the last, and how many intervals overlap with the first's.

    Combos that a halving stopped have results of fewer epochs, so that they have no place in the order.
    """
    stopped = runs.groupby(["label", "number"])["status"].transform(lambda statuses: (statuses == STOPPED).any())
    runs = runs[~stopped.astype(bool)]
    table = means.means_table(runs, [headline.column], study.shared)
    rows = [row for row in table.to_dict("records") if _is_number(row["mean"])]
    rows.sort(key=lambda row: row["mean"] if headline.lowest_first else -row["mean"])
    several = len(study.labels) > 1
    if not rows:
        return
    first = rows[0]
    if len(rows) == 1:
        of = "" if len(study.combos) == 1 else f" of {_row_name(first, several)}"
        yield from _sentence(f"{_capital(headline.words)}{of} is {_mean_text(first)}", _one_run(first))
        return
    end = "best" if headline.best else "lowest" if headline.lowest_first else "highest"
    first_text, second_text, last_text = (
        f"{_row_name(row, several)} with {_mean_text(row)}" for row in (first, rows[1], rows[-1])
    )
    text = f"{_capital(headline.words)}: {end} of {len(rows)} combos is {first_text}"
    others = f"then {second_text}; last {last_text}" if len(rows) > 2 else f"the other is {second_text}"
    yield f"{text}; {others}."
    yield from _certainty(rows)


def _certainty(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Whether the order is more than chance: how many intervals overlap with that of the first combo."""
    first, *others = rows
    if not all(_is_number(row["interval_low"]) for row in rows):
        yield "The study cannot tell whether this order is chance: that needs several runs of every combo."
        return
    overlapping = sum(row["interval_low"] <= first["interval_high"] and first["interval_low"] <= row["interval_high"]
                      for row in others)  # fmt: skip
    if overlapping and len(others) == 1:
        yield "The other's interval overlaps with its own, so the study does not tell them apart."
    elif overlapping:
        yield (f"The intervals of {overlapping} of the other {len(others)} combos overlap with its own, so the study "
               "does not tell these apart.")  # fmt: skip
    else:
        yield "No other combo's interval overlaps with its own."


def _one_run(row: Mapping[str, Any]) -> str:
    return "" if row["n"] > 1 else "which is one run: the study has no interval"


def _row_name(row: Mapping[str, Any], several: bool) -> str:
    combo = "" if row["combo"] == ALL else row["combo"].replace("=", " = ")
    own = row.get("own")
    parts = [combo, own.replace("=", " = ") if isinstance(own, str) and own else ""]
    text = ", ".join(filter(None, parts))
    return side_text(row["label"], text) if several or not text else text


def _mean_text(row: Mapping[str, Any]) -> str:
    low, high = row["interval_low"], row["interval_high"]
    if not (_is_number(low) and high > low):
        return f"{row['mean']:.4g} (n = {row['n']})"
    return f"{interval_text(row['mean'], low, high)} (n = {row['n']} {row['over']})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _is_number(value: Any) -> bool:
    return value is not None and bool(np.isfinite(float(value)))
