"""Figures and sentences of kind = responses: how the responses of networks agree with measured ones."""

from collections.abc import Iterator

import numpy as np

from randomnet import plotting
from randomnet.comparison import combo_texts
from randomnet.comparison.intervals import interval_text
from randomnet.comparison.study import Combo, Study
from randomnet.figures.example_networks import example_networks
from randomnet.figures.grid_layout import varied_options
from randomnet.figures.runs import Figures
from randomnet.plotting import MeasuredResponses, Panel, RocCurve
from randomnet.results import FINISHED

PANELS = (
    Panel("auc", "AUC of responses", ends=("auc_low", "auc_high"), own_chance="auc_permuted", linear=True,
          better="higher", quantity="auc"),
    Panel("auc_gains", "AUC with fitted gains,\nof held-out neurons", ends=("auc_gains_low", "auc_gains_high"),
          own_chance="auc_permuted", linear=True, better="higher", quantity="auc"),
    Panel("spearman", "rank correlation with\nmeasured responses", ends=("spearman_low", "spearman_high"), zero=True,
          better="higher"),
)  # fmt: skip
MOST_SENTENCES = 6
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
        arrays["predicted"],
        arrays["permuted_auc"],
        arrays["step_names"],
        arrays["step_share"],
        arrays["step_auc"],
        arrays["step_pairs"],
        len(np.unique(arrays["stimulated"])),
        arrays.get("gain_classes", NONE),
        arrays.get("gains", NONE),
        arrays.get("fold_gains", NONE),
    )


def response_sentences(study: Study) -> Iterator[str]:
    """One sentence for each of the first combos: its AUC, what it is of, and the level without identities.

    They are of the first run. Where gains are fitted, a second sentence says what these add for held-out neurons.
    """
    options = varied_options(study, study.combos)
    combos = [(combo, row) for combo in study.combos if np.isfinite(_estimate(row := _row_of(study, combo), "auc")[0])]
    for combo, row in combos[:MOST_SENTENCES]:
        values = ", ".join(f"{name} = {combo_texts.value_text(combo, name)}" for name in options)
        name = combo_texts.legend_text(combo.label, [combo.connectome], values)
        yield (f"{name}: the AUC of measured responses is {interval_text(*_estimate(row, 'auc'))} of "
               f"{int(row['pairs']):,} pairs ({int(row['stimulated_neurons'])} stimulated neurons, "
               f"{int(row['responding_pairs']):,} pairs responded); with identities permuted it is "
               f"{row['auc_permuted']:.3f} ± {row['auc_permuted_sd']:.3f} (p = {row['auc_permuted_p']:.2g}).")  # fmt: skip
        if np.isfinite(_estimate(row, "auc_gains")[0]):
            yield _gain_sentence(row)
    if len(combos) > MOST_SENTENCES:
        yield f"AUCs of {len(combos) - MOST_SENTENCES} more combos are in summary.csv."


def _gain_sentence(row: dict[str, float]) -> str:
    """What fitted gains add for stimulated neurons that the fit has not seen, and beside classes without wiring."""
    change, beyond = _estimate(row, "auc_gains_change"), _estimate(row, "auc_gains_beyond")
    adds = "adds to" if change[1] > 0 else "lowers" if change[2] < 0 else "does not change, as far as can be told,"
    return (f"One fitted gain per class {adds} the AUC of held-out stimulated neurons: {interval_text(*change)}. Classes "
            f"alone, without wiring, reach {interval_text(*_estimate(row, 'auc_classes'))}; wiring with gains differs "
            f"from that by {interval_text(*beyond)}.")  # fmt: skip
