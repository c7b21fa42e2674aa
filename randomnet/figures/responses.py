"""Figures and sentences of kind = responses: how the responses of networks agree with measured ones."""

from collections.abc import Iterator

import numpy as np

from randomnet import plotting
from randomnet.comparison import combo_texts
from randomnet.comparison.controls import is_network
from randomnet.comparison.intervals import interval_text
from randomnet.comparison.study import Combo, Study
from randomnet.figures.example_networks import example_networks
from randomnet.figures.grid_layout import varied_options
from randomnet.figures.response_differences import difference_sentences
from randomnet.figures.runs import Figures
from randomnet.metrics.pair_ranks import resampled, shares_by_rank
from randomnet.plotting import MeasuredResponses, Panel, RocCurve
from randomnet.results import FINISHED

BARS = "thin bar: 95 % interval of a run over stimulated neurons"


def _auc_panel(column: str, label: str) -> Panel:
    return Panel(column, label, ends=(f"{column}_low", f"{column}_high"), bar_text=BARS, chance=(0.5, 0.5),
                 chance_label="chance level: AUC {level}", linear=True, better="higher", quantity="auc")  # fmt: skip


PANELS = (
    _auc_panel("auc", "AUC of\nmeasured responses"),
    _auc_panel("auc_gains", "AUC with fitted gains,\nof held-out neurons"),
    Panel("spearman", "rank correlation with\nmeasured responses", ends=("spearman_low", "spearman_high"),
          bar_text=BARS, zero=True, better="higher"),
)  # fmt: skip
INTERVALS = (
    *(f"{name}_{end}" for end in ("low", "high")
      for name in ("auc", "spearman", "auc_gains", "auc_gains_change", "auc_classes", "auc_joint", "auc_joint_change")),
    *("auc_permuted_sd", "auc_permuted_p"),
)  # fmt: skip
MOST_SENTENCES = 6
SAMPLES = 1000  # of the intervals in the figure
NONE = np.empty(0)
Arrays = dict[str, np.ndarray]


def response_figures(study: Study, ylabel: str | None) -> Figures:
    """A figure for each of the first networks."""
    for stem, title, combo, arrays in example_networks(study, "measured_responses", "permuted_auc"):
        yield stem, plotting.measured_responses(_record(_row_of(study, combo), arrays), title)


def _row_of(study: Study, combo: Combo) -> dict[str, float]:
    """The columns of the first finished run of a combo."""
    rows = study.runs[(study.runs["label"] == combo.label) & (study.runs["number"] == combo.number)]
    rows = rows[rows["status"].isin(FINISHED)]
    return {} if rows.empty else rows.iloc[0].to_dict()


def _estimate(row: dict[str, float], name: str) -> tuple[float, float, float]:
    """A column with the ends of its interval."""
    value, low, high = (float(row.get(f"{name}{end}", np.nan)) for end in ("", "_low", "_high"))
    return value, low, high


def _record(row: dict[str, float], arrays: Arrays) -> MeasuredResponses:
    curves = [RocCurve("network", arrays["predicted"], _estimate(row, "auc"))]
    if "held_out" in arrays:
        curves.append(RocCurve("with fitted gains, held out", arrays["held_out"], _estimate(row, "auc_gains")))
    return MeasuredResponses(
        tuple(curves),
        arrays["responded"].astype(bool),
        _shares(arrays),
        arrays["permuted_auc"],
        arrays["step_names"],
        arrays["step_share"],
        arrays["step_auc"],
        arrays["step_pairs"],
        len(np.unique(arrays["stimulated"])),
        _class_names(arrays),
        arrays.get("gains", NONE),
        arrays.get("fold_gains", NONE),
    )


def _shares(arrays: Arrays) -> np.ndarray:
    """(10, 4): share of pairs that responded in tenths of the pairs by predicted response, with BCa intervals."""
    stimulated, places = np.unique(arrays["stimulated"], return_inverse=True)
    weights = resampled(len(stimulated), SAMPLES, np.random.default_rng(0))
    parts = shares_by_rank(arrays["predicted"], arrays["responded"].astype(bool), places, weights)
    return np.array([part[:4] for part in parts])


def _class_names(arrays: Arrays) -> np.ndarray:
    """The names of the classes with their numbers of neurons; empty without gains."""
    if "gain_classes" not in arrays:
        return NONE
    sizes = zip(arrays["gain_classes"].tolist(), arrays["gain_sizes"].tolist(), strict=True)
    return np.array([f"{name}\n({size:,})" for name, size in sizes])


def response_sentences(study: Study) -> Iterator[str]:
    """One sentence for each of the first combos: its AUC, what it is of, and the level without identities.

    They are of the first run; null models are left out where there are others. Where gains are fitted, another
    sentence says what these add for held-out neurons.
    """
    networks = [combo for combo in study.combos if is_network(combo)] or study.combos
    options = varied_options(study, networks)
    combos = [(combo, row) for combo in networks if np.isfinite(_estimate(row := _row_of(study, combo), "auc")[0])]
    for combo, row in combos[:MOST_SENTENCES]:
        values = ", ".join(f"{name} = {combo_texts.value_text(combo, name)}" for name in options)
        name = combo_texts.legend_text(combo.label, [combo.connectome], values)
        yield (f"{name}: the AUC of measured responses is {interval_text(*_estimate(row, 'auc'))}, of "
               f"{int(row['pairs']):,} pairs ({int(row['responding_pairs']):,} responded) and "
               f"{int(row['stimulated_neurons'])} stimulated neurons. With identities permuted it is "
               f"{row['auc_permuted']:.3f} ± {row['auc_permuted_sd']:.3f} (SD), p = {row['auc_permuted_p']:.2g}"
               f"{_floor_text(combo, row['auc_permuted_p'])}.")
        if np.isfinite(_estimate(row, "auc_gains")[0]):
            yield _gain_sentence(row)
    if len(combos) > MOST_SENTENCES:
        yield f"AUCs of {len(combos) - MOST_SENTENCES} more combos are in summary.csv."
    yield from difference_sentences(study)


def _floor_text(combo: Combo, p: float) -> str:
    """That the permutations allow no lower p, where it is the lowest; else nothing."""
    count = combo.get("responses.permutations")
    if not isinstance(count, int) or p > 1.001 / (1 + count):
        return ""
    return f", the lowest that {count:,} permutations allow"


def _gain_sentence(row: dict[str, float]) -> str:
    """What fitted gains add for stimulated neurons that the fit has not seen, and beside classes without wiring."""
    change, beyond = _estimate(row, "auc_gains_change"), _estimate(row, "auc_joint_change")
    adds = "adds to" if change[1] > 0 else "lowers" if change[2] < 0 else "does not change, as far as can be told,"
    return (f"One fitted gain per class {adds} the AUC of held-out stimulated neurons, by {interval_text(*change)}. "
            f"Classes alone, without wiring, reach {interval_text(*_estimate(row, 'auc_classes'))}; wiring with gains "
            f"adds {interval_text(*beyond)} to these.")  # fmt: skip
