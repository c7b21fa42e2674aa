"""Which groups of neurons carry the leading exponent of a network: overview and sentences of spectra with vectors.

carrier_overview    the overview: ratios of every run beside random neurons and null models
carrier_sentences   the answer, where the grid is one network and its controls

The groups are those of the first kind in KINDS of which the network has several.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from randomnet import plotting
from randomnet.comparison import combo_texts
from randomnet.comparison.controls import is_control, is_network
from randomnet.comparison.headlines import capital, control_text, network_text
from randomnet.comparison.intervals import interval_text
from randomnet.comparison.network_identity import FIXED, REDRAWN, origin, source_of_variation
from randomnet.comparison.significance import ALPHA, DRAWS_NEEDED, holm, rank_p, smallest_rank_p
from randomnet.comparison.study import REFERENCE_VALUES, Combo, Study
from randomnet.figures.overviews import OVERVIEW
from randomnet.figures.runs import Figures
from randomnet.figures.spectra import dynamics_figures
from randomnet.figures.vectors import Arrays, group_rows, places_of_groups, runs_of, runs_with_vectors
from randomnet.plotting import Carried

KINDS = ("type", "class", "cell_fibers", "super_class", "neurotransmitter", "region", "sign")
MOST_GROUPS = 16  # in the figure, those of the largest weight
MOST_NAMED = 3  # groups in a sentence
VECTORS = {"": ("vector_group_weights", "who carries the leading direction\n(covariant vector)"),
           "forward_": ("vector_group_forward_weights", "who excites it\n(forward vector)")}  # fmt: skip


@dataclass(frozen=True)
class Carriers:
    """The leading vector of a network and of its controls: arrays of runs, and the rows of vectors.csv of the network.

    kind: of the groups. rows: by group, of the first exponent. controls: name -> arrays of runs, and rows of the table.
    """

    combo: Combo
    kind: str
    runs: Sequence[Arrays]
    rows: pd.DataFrame
    table: pd.DataFrame
    controls: Mapping[str, tuple[Sequence[Arrays], pd.DataFrame]]

    def ratios(self, runs: Sequence[Arrays], key: str) -> np.ndarray:
        """Weight of the first vector over the share of neurons, (runs, G), nan for groups that a run has not."""
        values = np.full((len(runs), len(self.rows)), np.nan)
        for row, run in zip(values, runs, strict=True):
            places = places_of_groups(run)
            for column, name in enumerate(self.rows["group"]):
                if (place := places.get((self.kind, name))) is not None:
                    expected = run["vector_group_sizes"][place] / run["covariant_weights"].shape[1]
                    row[column] = run[key][0, place] / expected
        return values


def carriers_of(study: Study) -> Carriers | None:
    """The vectors of the one network of a study and of its controls; None with several networks, or without vectors."""
    with_vectors = [(combo, runs) for combo in study.combos if (runs := runs_with_vectors(combo))]
    networks = [pair for pair in with_vectors if is_network(pair[0])]
    if len(networks) != 1:
        return None
    ((combo, runs),) = networks
    rows = pd.DataFrame(list(group_rows(runs)))
    rows = rows[rows["index"] == 1] if len(rows) else rows
    kinds = [kind for kind in KINDS if len(rows) and (rows["kind_of_group"] == kind).sum() > 1]
    if not kinds:
        return None
    rows = rows[rows["kind_of_group"] == kinds[0]].sort_values("ratio", ascending=False, ignore_index=True)
    controls = {}
    for other, arrays in with_vectors:
        names = [name for name in REFERENCE_VALUES if is_control(other, name)]
        if len(names) == 1 and other.label == combo.label:
            controls[control_text(names[0], str(other.get(names[0])))] = (arrays, runs_of(study, other))
    return Carriers(combo, kinds[0], runs, rows, runs_of(study, combo), controls)


def carrier_overview(study: Study, ylabel: str | None) -> Figures:
    """The carriers of one network, and then exponent, dimension and entropy rate; these alone for other studies."""
    carriers = carriers_of(study)
    if carriers is None:
        yield from dynamics_figures(study, ylabel)
        return
    yield OVERVIEW, _figure(carriers)
    for stem, figure in dynamics_figures(study, ylabel):
        yield stem.replace(OVERVIEW, "dynamics", 1), figure


def _figure(carriers: Carriers) -> Figure:
    rows = carriers.rows
    order = rows.sort_values("weight", ascending=False).index[:MOST_GROUPS].sort_values()
    panels = []
    for prefix, (key, name) in VECTORS.items():
        ratios = [carriers.ratios(runs, key)[:, order]
                  for runs in (carriers.runs, *(runs for runs, _ in carriers.controls.values()))]  # fmt: skip
        low, high = (rows.loc[order, f"{prefix}{column}"].to_numpy() if f"{prefix}{column}" in rows else
                     np.full(len(order), np.nan) for column in ("size_low", "size_high"))  # fmt: skip
        intervals = rows.loc[order, [f"{prefix}ratio_low", f"{prefix}ratio_high"]].to_numpy()
        panels.append(Carried(name, ratios, low, high, intervals))
    left_out = f", the {len(order)} of {len(rows)} with most weight" if len(order) < len(rows) else ""
    everyone = {network_text(carriers.combo): (carriers.runs, carriers.table), **carriers.controls}
    series = [f"{name} ({f'{len(runs)} {source_of_variation(table)}' if len(runs) > 1 else '1 run'})"
              for name, (runs, table) in everyone.items()]  # fmt: skip
    groups = [f"{row.group} ({row.size:g})" for row in rows.loc[order].itertuples()]
    title = [combo_texts.legend_text(carriers.combo.label, [carriers.combo.connectome]),
             f"largest exponent {rows['exponent'].iloc[0]:.3g} per τ",
             f"groups by {_kind(carriers)} (neurons){left_out}"]  # fmt: skip
    return plotting.carriers(panels, groups, series, ", ".join(title))


def carrier_sentences(study: Study) -> list[str]:
    """Which groups have more or less of the leading direction than their size gives; empty for other studies."""
    carriers = carriers_of(study)
    if carriers is None or "size_p" not in carriers.rows:
        return []
    rows = carriers.rows.assign(p=holm(carriers.rows["size_p"].to_numpy()))
    decided = rows[rows["p"] <= ALPHA]
    order = decided["ratio"].apply(np.log).abs().sort_values(ascending=False).index[:MOST_NAMED]
    decided = decided.loc[order.sort_values()]
    sentences = [*_stability(carriers), _answer(carriers, rows, decided)]
    sentences += [_among(carriers, name, decided) for name in carriers.controls if len(decided)]
    return [*sentences, *_undetermined(carriers)]


def _kind(carriers: Carriers) -> str:
    return carriers.kind.replace("_", " ")


def _stability(carriers: Carriers) -> Iterator[str]:
    """That the network is stable, so that there is no instability to carry."""
    unstable, n = sum(int(run["vector_unstable"]) > 0 for run in carriers.runs), len(carriers.runs)
    if 2 * unstable <= n:
        yield (f"There is no instability to carry: the largest exponent is {carriers.rows['exponent'].iloc[0]:.3g}, "
               f"and above 0 in {unstable} of {n} runs. The rest is of the direction that decays slowest.")  # fmt: skip


def _answer(carriers: Carriers, rows: pd.DataFrame, decided: pd.DataFrame) -> str:
    name, kind, many = network_text(carriers.combo), _kind(carriers), len(rows)
    corrected = f"p among random neurons, with Holm's correction for {many} groups by {kind}"
    if not len(decided):
        first = rows.loc[rows["size_p"].idxmin()]
        return (f"No group by {kind} of {name} has more or less of the leading direction than its size gives: "
                f"{first['group']}, of the smallest p, has {_ratio(first)} times its share of neurons "
                f"(p = {first['p']:.2g}; {corrected}).")  # fmt: skip
    more, less = decided[decided["ratio"] > 1], decided[decided["ratio"] <= 1]
    parts = [f"{text} {', '.join(_group(row) for row in part.to_dict('records'))}"
             for text, part in (("more in", more), ("less in", less)) if len(part)]  # fmt: skip
    others = many - int((rows["p"] <= ALPHA).sum())
    rest = f"; the other {others} cannot be told from as many random neurons" if others else ""
    return (f"In {name}, the leading direction has {' and '.join(parts)} than the number of neurons gives{rest} "
            f"({corrected}).")  # fmt: skip


def _group(row: Mapping[str, Any]) -> str:
    return f"{row['group']} ({_ratio(row)} times, p = {row['p']:.2g})"


def _ratio(row: Mapping[str, Any]) -> str:
    low, high = row["ratio_low"], row["ratio_high"]
    return interval_text(row["ratio"], low, high) if np.isfinite(low) and high > low else f"{row['ratio']:.3g}"


def _among(carriers: Carriers, name: str, decided: pd.DataFrame) -> str:
    """Where the ratios of these groups lie among those of a control."""
    runs, table = carriers.controls[name]
    is_ranked = (origin(carriers.table), origin(table)) == (FIXED, REDRAWN)
    key, texts = VECTORS[""][0], []
    ratios, others = carriers.ratios(carriers.runs, key), carriers.ratios(runs, key)
    for column, group in decided["group"].items():
        values = others[:, column][np.isfinite(others[:, column])]
        p = f", p = {rank_p(float(np.median(ratios[:, column])), values):.2g}" if is_ranked and len(values) > 1 else ""
        texts.append(f"{group} {np.median(values):.3g} times{p}" if len(values) else f"{group} unknown")
    smallest = smallest_rank_p(len(runs))
    few = f"; {len(runs)} draws allow no p below {smallest:.2g}, 0.05 needs {DRAWS_NEEDED}"
    untested = "; without p, as it is not one network among draws"
    reason = untested if not is_ranked else few if smallest > ALPHA else ""
    return f"{capital(name)} has medians of {', '.join(texts)} over {len(runs)} runs{reason}."


def _undetermined(carriers: Carriers) -> Iterator[str]:
    """In how many runs the leading vector is not determined, as its exponent equals the next one."""
    n = len(carriers.runs)
    lost = n - sum(bool(run["vector_separated"][0]) for run in carriers.runs)
    if lost:
        yield (f"In {lost} of {n} runs the first exponent is not told from the second, so that the leading direction "
               "is not determined there.")  # fmt: skip
