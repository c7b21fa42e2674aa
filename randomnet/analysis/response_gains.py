"""Gains of classes of neurons that are fitted to measured responses, through the steady responses in closed form.

The gain of a class multiplies the slopes of its neurons. The model of a measured response is a logistic regression on
ln |response|; its order, and so its AUC, depends on the gains alone.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from randomnet.analysis.responses import steady_responses

STABLE = 0.99  # largest |eigenvalue| of S J that gains can reach
FLOOR = 1e-12  # of |response|, relative to the largest, so that pairs without a path have a logarithm
ITERATIONS = 60
NEWTON_STEPS, RIDGE = 20, 1e-6
PRIOR = 1e-2  # weight of the squared ln(gain / start), so that a class without influence keeps its start


@dataclass(frozen=True)
class Pairs:
    """Measured pairs: stimulated and responding neuron (P,) in the network, and whether there was a response (P,)."""

    stimulated: Tensor
    responding: Tensor
    positive: Tensor

    def where(self, mask: Tensor) -> "Pairs":
        """The pairs of a mask (P,)."""
        return Pairs(self.stimulated[mask], self.responding[mask], self.positive[mask])


@dataclass(frozen=True)
class GainModel:
    """The linearised network whose gains are fitted.

    weights: J, (N, N). slopes: (N,), at the operating point. classes: (N,) index of the class of each neuron.
    """

    weights: Tensor
    slopes: Tensor
    classes: Tensor

    @property
    def count(self) -> int:
        """The number of classes."""
        return int(self.classes.max()) + 1

    def largest_gain(self) -> float:
        """The gain of all classes at which |S J| has the largest eigenvalue STABLE; smaller gains are always stable."""
        matrix = (self.slopes.unsqueeze(-1) * self.weights).abs()
        radius = float(torch.linalg.eigvals(matrix).abs().max())
        return STABLE / radius if radius > 0 else 1 / FLOOR

    def log_responses(self, gains: Tensor, pairs: Pairs) -> Tensor:
        """ln |response| of pairs (P,) with gains (C,) of the classes; differentiable."""
        sizes = steady_responses(self.weights, self.slopes * gains[self.classes]).abs()
        return torch.log(sizes[pairs.responding, pairs.stimulated] + FLOOR * sizes.max())

    def fit(self, pairs: Pairs) -> Tensor:
        """Return the gains (C,) by which the model predicts best which pairs respond, from L-BFGS.

        Both kinds of pair have the same total weight. Gains are between 0 and `largest_gain`, and start at 1, or at
        half of the largest one where that is less.
        """
        largest = self.largest_gain()
        start = torch.full((self.count,), min(1.0, largest / 2), dtype=self.weights.dtype)
        origin = torch.logit(start / largest)
        values = torch.cat([origin, torch.tensor([1.0, 0.0], dtype=origin.dtype)]).requires_grad_()
        scores = self.log_responses(start, pairs)
        centre, spread = scores.mean(), scores.std()
        share = pairs.positive.double().mean()
        weights = torch.where(pairs.positive, 0.5 / share, 0.5 / (1 - share))
        optimizer = torch.optim.LBFGS([values], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

        def loss() -> Tensor:
            optimizer.zero_grad()
            gains = largest * torch.sigmoid(values[:-2])
            logits = values[-2] * (self.log_responses(gains, pairs) - centre) / spread + values[-1]
            likelihood = torch.nn.functional.binary_cross_entropy_with_logits(logits, pairs.positive.double(), weights)
            total = likelihood + PRIOR * torch.log(gains / start).square().mean()
            total.backward()
            return total

        optimizer.step(loss)
        return (largest * torch.sigmoid(values[:-2])).detach()


def fold_numbers(neurons: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    """Return the fold (P,) of each pair, given its stimulated neuron (P,): all pairs of a neuron are in one fold."""
    names, index = np.unique(neurons, return_inverse=True)
    return rng.permutation(np.arange(len(names)) % folds)[index]


def class_shares(classes: np.ndarray, pairs: Pairs, training: np.ndarray) -> np.ndarray:
    """Return for each pair (P,) the share of training pairs between its two classes that respond, without any wiring.

    training: (P,) bool. Shares are (responses + .5) / (pairs + 1), so that classes without pairs have .5.
    """
    count = int(classes.max()) + 1
    cells = classes[pairs.responding.numpy()] * count + classes[pairs.stimulated.numpy()]
    positive = pairs.positive.numpy()
    every, responses = (np.bincount(cells[mask], minlength=count**2) for mask in (training, training & positive))
    return ((responses + 0.5) / (every + 1))[cells]


def logistic_scores(features: np.ndarray, positive: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Return the linear scores (P,) of a logistic regression on features (P, F), fitted to the training pairs alone.

    positive, training: (P,) bool. Newton steps from 0 with a ridge of RIDGE per pair.
    """
    centre, spread = features[training].mean(0), features[training].std(0)
    inputs = np.column_stack([(features - centre) / np.where(spread > 0, spread, 1), np.ones(len(features))])
    rows, target = inputs[training], positive[training].astype(float)
    ridge, values = RIDGE * len(rows) * np.eye(inputs.shape[1]), np.zeros(inputs.shape[1])
    for _ in range(NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-(rows @ values)))
        slope = rows.T @ (target - chance) - ridge @ values
        values = values + np.linalg.solve((rows.T * (chance * (1 - chance))) @ rows + ridge, slope)
    return np.asarray(inputs @ values)
