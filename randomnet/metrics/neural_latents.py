"""Metrics of the Neural Latents Benchmark (Pei et al. 2021) besides bits per spike: behaviour and mean responses.

Both are means of R² over columns, as scikit-learn's `r2_score` has them, and unlike `regression.r2`.
"""

import numpy as np

from randomnet.array_arguments import takes_tensors

PENALTIES = np.logspace(-4, 0, 9)  # of ridge regression, from which cross-validation chooses
FOLDS = 5  # of consecutive samples


@takes_tensors
def velocity_r2(
    train_rates: np.ndarray, train_behaviour: np.ndarray, test_rates: np.ndarray, test_behaviour: np.ndarray
) -> float:
    """R² of behaviour that ridge regression decodes from rates, (B, T, N) and (B, T, K), mean over its columns.

    The penalty is chosen by 5-fold cross-validation on the training trials. Bins with nan in the behaviour are left
    out. Raises ValueError for different trials and bins, and for fewer than five samples.

    >>> import numpy as np
    >>> from randomnet.metrics import velocity_r2
    >>> rng = np.random.default_rng(0)
    >>> rates = rng.standard_normal((20, 10, 3))
    >>> velocity = rates @ rng.standard_normal((3, 2))
    >>> round(velocity_r2(rates[:10], velocity[:10], rates[10:], velocity[10:]), 3)
    1.0
    """
    x, y = _decodable(train_rates, train_behaviour)
    test_x, test_y = _decodable(test_rates, test_behaviour)
    folds = np.array_split(np.arange(len(x)), FOLDS)
    scores = [np.mean([_fold_score(x, y, fold, penalty) for fold in folds]) for penalty in PENALTIES]
    best = PENALTIES[int(np.argmax(scores))]
    return mean_r2(test_y, _predict(x, y, test_x, best))


@takes_tensors
def psth_r2(psth: np.ndarray, rates: np.ndarray, conditions: np.ndarray) -> float:
    """R² of mean rates by condition against mean responses psth (C, T, N), mean over neurons.

    rates: (B, T, N). conditions: (B,) the row of psth of each trial, -1 for none. Conditions without trials, and bins
    with nan in the psth, are left out. Raises ValueError for other shapes, or without any condition.

    >>> import numpy as np
    >>> from randomnet.metrics import psth_r2
    >>> psth = np.arange(12.0).reshape(2, 3, 2)
    >>> psth_r2(psth, psth, np.array([0, 1]))
    1.0
    """
    if psth.ndim != 3 or psth.shape[1:] != rates.shape[1:]:
        raise ValueError(f"psth: expected (conditions, {rates.shape[1]}, {rates.shape[2]}), got {psth.shape}")
    present = [condition for condition in range(len(psth)) if (conditions == condition).any()]
    if not present:
        raise ValueError("conditions: expected a trial of one of them, got none")
    true = np.concatenate([psth[condition] for condition in present])
    means = np.concatenate([rates[conditions == condition].mean(0) for condition in present])
    known = np.isfinite(true).all(1)
    return mean_r2(true[known], means[known])


@takes_tensors
def mean_r2(truth: np.ndarray, predicted: np.ndarray) -> float:
    """The mean over columns of R² of (M, K); a constant column counts 1 where it is predicted exactly, else 0.

    >>> import numpy as np
    >>> from randomnet.metrics import mean_r2
    >>> truth = np.array([[0.0, 1.0], [1.0, 3.0]])
    >>> mean_r2(truth, truth), mean_r2(truth, truth.mean(0) + 0 * truth)
    (1.0, 0.0)
    """
    truth = truth.astype(np.float64)
    errors, totals = np.square(truth - predicted).sum(0), np.square(truth - truth.mean(0)).sum(0)
    varies = totals > 0
    scores = np.where(errors == 0, 1.0, 0.0)
    scores[varies] = 1 - errors[varies] / totals[varies]
    return float(scores.mean())


def _decodable(rates: np.ndarray, behaviour: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rates and behaviour (M, .) of the bins whose behaviour is known."""
    if rates.ndim != 3 or behaviour.ndim != 3 or rates.shape[:2] != behaviour.shape[:2]:
        raise ValueError(f"rates and behaviour: expected the same trials and bins, got {rates.shape} and "
                         f"{behaviour.shape}")  # fmt: skip
    known = np.isfinite(behaviour).all(2)
    if known.sum() < FOLDS:
        raise ValueError(f"behaviour: expected at least {FOLDS} known bins, got {int(known.sum())}")
    return rates[known].astype(np.float64), behaviour[known].astype(np.float64)


def _fold_score(x: np.ndarray, y: np.ndarray, fold: np.ndarray, penalty: float) -> float:
    """R² of the samples of a fold, predicted from the others."""
    others = np.ones(len(x), bool)
    others[fold] = False
    return mean_r2(y[fold], _predict(x[others], y[others], x[fold], penalty))


def _predict(x: np.ndarray, y: np.ndarray, at: np.ndarray, penalty: float) -> np.ndarray:
    """Predictions at `at` of ridge regression of y (M, K) on x (M, N), whose offset is not penalised."""
    means = x.mean(0), y.mean(0)
    centred = x - means[0]
    gram = centred.T @ centred + penalty * np.eye(x.shape[1])
    return (at - means[0]) @ np.linalg.solve(gram, centred.T @ (y - means[1])) + means[1]
