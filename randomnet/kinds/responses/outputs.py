"""Outputs of kind = responses: arrays.npz and the summary of run.json.

Of K measured neurons, P pairs, S groups of synaptic steps, and C classes with gains:

| array                           | content                                                                        |
|---------------------------------|--------------------------------------------------------------------------------|
| names, responses                | (K,) names; (K, K) responses of the network, [responding, stimulated]          |
| stimulated, responding          | (P,) index of the pair's neurons in `names`                                    |
| predicted, responded            | (P,) response of the network; whether q is below the limit                     |
| measured, q, occurrences        | (P,) the columns of the table                                                  |
| synaptic_steps                  | (P,) from the stimulated to the responding neuron; inf without a path          |
| permuted_auc                    | (permutations,), AUCs with permuted identities                                 |
| step_names, step_share, step_auc | (S,) texts; (S, 4) value, ends of the interval, and standard error            |
| step_pairs, step_neurons        | (S,) numbers of pairs and of stimulated neurons                                |
| unmatched                       | names of the table that the network lacks                                      |
| gain_classes, gain_sizes        | (C,) texts; (C,) numbers of neurons                                            |
| gains, fold_gains               | (C,) of all pairs; (folds, C)                                                  |
| held_out                        | (P,) ln abs(response) with gains that did not see the stimulated neuron        |
"""

from typing import Any

import numpy as np

from randomnet.kinds.responses.gains import GainFit
from randomnet.kinds.responses.scoring import ResponseScores
from randomnet.metrics.pair_ranks import Estimate

ESTIMATES = ("auc", "auc_absolute", "spearman", "spearman_absolute")


def arrays_of(scores: ResponseScores, fit: GainFit | None) -> dict[str, np.ndarray]:
    """Return the arrays of a run."""
    measured, steps = scores.measured, scores.by_steps
    arrays = {
        "names": scores.names.astype(str),
        "responses": scores.responses,
        "stimulated": measured.stimulated,
        "responding": measured.responding,
        "predicted": scores.predicted,
        "measured": measured.response,
        "q": measured.q,
        "occurrences": measured.occurrences,
        "responded": scores.positive,
        "synaptic_steps": scores.steps,
        "permuted_auc": scores.permuted,
        "step_names": np.array([group.name for group in steps]),
        "step_share": np.array([group.share[:4] for group in steps]),
        "step_auc": np.array([group.auc[:4] for group in steps]),
        "step_pairs": np.array([group.auc.pairs for group in steps]),
        "step_neurons": np.array([group.auc.neurons for group in steps]),
        "unmatched": np.array(measured.unmatched, dtype=str),
    }
    if fit is not None:
        arrays |= {"gain_classes": fit.names.astype(str), "gain_sizes": fit.sizes, "gains": fit.gains,
                   "fold_gains": fit.fold_gains, "held_out": fit.held_out}  # fmt: skip
    return arrays


def columns_of(scores: ResponseScores, fit: GainFit | None) -> dict[str, Any]:
    """Return the columns of summary.csv."""
    columns: dict[str, Any] = {
        "pairs": scores.auc.pairs,
        "responding_pairs": int(scores.positive.sum()),
        "stimulated_neurons": scores.auc.neurons,
        "measured_neurons": len(scores.names),
        "unmatched_neurons": len(scores.measured.unmatched),
    }
    for name in ESTIMATES:
        columns |= _estimate_columns(name, getattr(scores, name))
    columns |= {
        "auc_permuted": float(scores.permuted.mean()),
        "auc_permuted_sd": float(scores.permuted.std(ddof=1)),
        "auc_permuted_p": scores.permuted_p,
    }
    for group in scores.by_steps:
        name = group.name.replace(" ", "_")
        parts = {"auc": group.auc, "share": group.share}
        columns |= {f"{part}_of_steps_{name}": _number(estimate.value) for part, estimate in parts.items()}
    if fit is not None:
        of_gains = {"auc_gains": fit.auc, "auc_gains_change": fit.change, "auc_classes": fit.classes,
                    "auc_joint": fit.joint,
                    "auc_joint_change": fit.joint_change}  # fmt: skip
        for name, estimate in of_gains.items():
            columns |= _estimate_columns(name, estimate)
        columns |= {f"gain_of_{name}": float(gain) for name, gain in zip(fit.names, fit.gains, strict=True)}
    return columns


def _estimate_columns(name: str, estimate: Estimate) -> dict[str, float | None]:
    """Return the value, the ends of its interval, and its standard error."""
    values = {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high,
              f"{name}_stderr": estimate.stderr}  # fmt: skip
    return {column: _number(value) for column, value in values.items()}


def _number(value: float) -> float | None:
    """Return a number, or None for nan."""
    return float(value) if np.isfinite(value) else None
