"""Gains of classes of neurons, fitted to measured responses and tested on stimulated neurons that were held out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from randomnet.analysis.response_gains import GainModel, Pairs, class_shares, fold_numbers, logistic_scores
from randomnet.kinds.responses.scoring import ResponseScores
from randomnet.metrics.pair_ranks import Estimate, auc_difference, auc_estimate


@dataclass(frozen=True)
class GainFit:
    """Fitted gains of C classes, and how they predict held-out pairs.

    names, sizes: (C,) of the classes, and their numbers of neurons. gains: (C,) of all pairs. fold_gains: (folds, C).
    held_out: (P,) predictions of ln |response| of pairs whose stimulated neuron the fit did not see. auc: of these.
    change: minus the AUC of the same network with all gains 1. classes: AUC of the shares by class alone, without
    wiring. joint: AUC of a logistic regression on both. joint_change: minus that of classes alone.
    """

    names: np.ndarray
    sizes: np.ndarray
    gains: np.ndarray
    fold_gains: np.ndarray
    held_out: np.ndarray
    auc: Estimate
    change: Estimate
    classes: Estimate
    joint: Estimate
    joint_change: Estimate


def fit_gains(
    model: GainModel,
    names: np.ndarray,
    scores: ResponseScores,
    folds: int,
    rng: np.random.Generator,
    report: Callable[[], Any] = lambda: None,
) -> GainFit:
    """Return the gains of the classes, cross-validated over stimulated neurons. report: called after each fit."""
    measured, neurons = scores.measured, torch.from_numpy(scores.measured.neurons)
    pairs = Pairs(neurons[measured.stimulated], neurons[measured.responding], torch.from_numpy(scores.positive))
    fold_of = fold_numbers(measured.stimulated, folds, rng)
    held_out, shares, joint = (np.empty(len(fold_of)) for _ in range(3))
    fold_gains = []
    for fold in range(folds):
        test = fold_of == fold
        fold_gains.append(model.fit(pairs.where(torch.from_numpy(~test))))
        sizes = model.log_responses(fold_gains[-1], pairs).numpy()
        share = class_shares(model.classes.numpy(), pairs, ~test)
        both = np.column_stack([sizes, np.log(share / (1 - share))])
        held_out[test], shares[test] = sizes[test], share[test]
        joint[test] = logistic_scores(both, scores.positive, ~test)[test]
        report()
    gains = model.fit(pairs)
    report()
    sample = (scores.positive, scores.places, scores.weights)
    return GainFit(
        names,
        np.bincount(model.classes.numpy(), minlength=len(names)),
        gains.numpy(),
        torch.stack(fold_gains).numpy(),
        held_out,
        auc_estimate(held_out, *sample),
        auc_difference(held_out, np.abs(scores.predicted), *sample),
        auc_estimate(shares, *sample),
        auc_estimate(joint, *sample),
        auc_difference(joint, shares, *sample),
    )
