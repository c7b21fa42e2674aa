"""Differences of AUC between networks of kind = responses on the same measured pairs: response_differences.csv."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from randomnet.comparison import combo_texts
from randomnet.comparison.controls import is_network
from randomnet.comparison.intervals import interval_text
from randomnet.comparison.study import Combo, Study
from randomnet.figures.grid_layout import varied_options
from randomnet.figures.runs import arrays_by_iteration
from randomnet.metrics.pair_ranks import auc, auc_difference, resampled

SAMPLES = 2000
MOST_NETWORKS = 12  # that are compared
MOST_SENTENCES = 3
NEEDED = "permuted_auc"  # an array that runs with responses have
Arrays = dict[str, np.ndarray]


def differences_table(study: Study) -> pd.DataFrame:
    """A row for each two networks whose first runs have the same measured pairs; null models are left out.

    Columns: a, b, auc_a, auc_b, difference (a minus b), interval_low, interval_high, pairs, stimulated_neurons. The
    intervals are BCa bootstraps over stimulated neurons, the same ones for both networks.
    """
    networks = [combo for combo in study.combos if is_network(combo)] or study.combos
    options = varied_options(study, networks)
    alone = len({combo.label for combo in networks}) == 1
    named = [(_name(combo, options, alone), arrays) for combo in networks[:MOST_NETWORKS] if (arrays := _first(combo))]
    pairs = (pair for pair in combinations(named, 2) if _same_pairs(pair[0][1], pair[1][1]))
    return pd.DataFrame([_row(*first, *second) for first, second in pairs])


def difference_sentences(study: Study) -> Iterator[str]:
    """One sentence for each of the largest differences."""
    table = differences_table(study)
    if table.empty:
        return
    table = table.sort_values("difference", key=abs, ascending=False, kind="stable")
    for row in table.head(MOST_SENTENCES).to_dict("records"):
        first, second, sign = ("a", "b", 1) if row["difference"] >= 0 else ("b", "a", -1)
        low, high = sorted(sign * row[f"interval_{end}"] for end in ("low", "high"))
        text = interval_text(abs(row["difference"]), low, high)
        doubt = "" if low > 0 else ", so that which is larger cannot be told"
        yield f"On the same pairs, the AUC of {row[first]} is above that of {row[second]} by {text}{doubt}."


def _name(combo: Combo, options: list[str], alone: bool) -> str:
    """The values of the options; where there are several folders, with the label. alone: whether there is one."""
    values = ", ".join(f"{name} = {combo_texts.value_text(combo, name)}" for name in options)
    return values if values and alone else combo_texts.legend_text(combo.label, [combo.connectome], values)


def _first(combo: Combo) -> Arrays:
    """The arrays of the combo's first run with responses; empty without one."""
    return next((arrays for _, arrays in arrays_by_iteration(combo) if NEEDED in arrays), {})


def _same_pairs(first: Arrays, second: Arrays) -> bool:
    """Whether two runs are about the same pairs with the same responses."""
    if not np.array_equal(first["responded"], second["responded"]):
        return False
    ends = ("stimulated", "responding")
    return all(np.array_equal(first["names"][first[end]], second["names"][second[end]]) for end in ends)


def _row(first: str, one: Arrays, second: str, other: Arrays) -> dict[str, Any]:
    stimulated, places = np.unique(one["stimulated"], return_inverse=True)
    weights = resampled(len(stimulated), SAMPLES, np.random.default_rng(0))
    positive = one["responded"].astype(bool)
    change = auc_difference(one["predicted"], other["predicted"], positive, places, weights)
    return {
        "a": first,
        "b": second,
        "auc_a": auc(one["predicted"], positive),
        "auc_b": auc(other["predicted"], positive),
        "difference": change.value,
        "interval_low": change.low,
        "interval_high": change.high,
        "pairs": change.pairs,
        "stimulated_neurons": change.neurons,
    }
