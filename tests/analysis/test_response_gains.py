"""Gains of classes fitted to made-up responses whose gains are known."""

import numpy as np
import pytest
import torch

from randomnet.analysis.response_gains import GainModel, Pairs, class_shares, fold_numbers, logistic_scores
from randomnet.metrics.pair_ranks import auc

CLASSES = np.arange(60) % 3
GAINS = torch.tensor([0.3, 1.7, 0.9], dtype=torch.float64)


@pytest.fixture(scope="module")
def made_up():
    """A sparse network of 60 neurons and the pairs whose response is large where gains are GAINS."""
    rng = np.random.default_rng(0)
    matrix = rng.exponential(size=(60, 60)) * (rng.random((60, 60)) < 0.1)
    matrix = 0.5 * matrix / np.maximum(matrix.sum(1, keepdims=True), 1e-9)
    model = GainModel(torch.from_numpy(matrix), torch.ones(60).double(), torch.from_numpy(CLASSES))
    to, by = (torch.from_numpy(index) for index in np.nonzero(~np.eye(60, dtype=bool)))
    pairs = Pairs(by, to, torch.zeros(len(to), dtype=torch.bool))
    sizes = model.log_responses(GAINS, pairs)
    noise = torch.from_numpy(rng.standard_normal(len(to)))
    return model, Pairs(by, to, sizes + noise > torch.quantile(sizes, 0.9))


def scored(model, gains, pairs):
    return auc(model.log_responses(gains, pairs).numpy(), pairs.positive.numpy())


def test_the_fit_finds_the_order_of_the_gains_and_predicts_as_well_as_the_true_ones(made_up):
    model, pairs = made_up
    gains = model.fit(pairs)
    assert gains.argsort().tolist() == GAINS.argsort().tolist()
    assert scored(model, gains, pairs) > scored(model, GAINS, pairs) - 0.01
    assert scored(model, gains, pairs) > scored(model, torch.ones(3).double(), pairs) + 0.05


def test_gains_are_at_a_maximum_of_the_likelihood(made_up):
    """No other gain of one class alone predicts better by much."""
    model, pairs = made_up
    gains = model.fit(pairs)
    for place in range(3):
        for factor in (0.7, 1.4):
            other = gains.clone()
            other[place] = (other[place] * factor).clamp(max=model.largest_gain())
            assert scored(model, other, pairs) < scored(model, gains, pairs) + 0.005


def test_fitted_gains_leave_the_network_stable(made_up):
    model, pairs = made_up
    strong = GainModel(4 * model.weights, model.slopes, model.classes)
    gains = strong.fit(pairs)
    assert (gains > 0).all() and (gains <= strong.largest_gain()).all()
    step = gains[strong.classes].unsqueeze(-1) * strong.weights
    assert float(torch.linalg.eigvals(step).abs().max()) < 1


def test_folds_keep_the_pairs_of_a_stimulated_neuron_together():
    neurons = np.random.default_rng(1).integers(0, 23, 500)
    folds = fold_numbers(neurons, 5, np.random.default_rng(2))
    assert all(len(set(folds[neurons == neuron])) == 1 for neuron in range(23))
    counts = [len(set(neurons[folds == fold])) for fold in range(5)]
    assert sorted(counts) == [4, 4, 5, 5, 5]


def test_shares_of_classes_are_of_training_pairs_alone():
    pairs = Pairs(torch.tensor([0, 0, 1, 1]), torch.tensor([1, 2, 0, 2]), torch.tensor([True, True, False, True]))
    shares = class_shares(np.array([0, 1, 0]), pairs, np.array([True, True, True, False]))
    assert shares.tolist() == [1.5 / 2, 1.5 / 2, 0.5 / 2, 0.5 / 2]


def test_the_logistic_regression_is_at_the_maximum_of_its_likelihood():
    """The mean of each input is the same of responses and of predicted chances, on training pairs alone."""
    rng = np.random.default_rng(3)
    features = rng.standard_normal((400, 2)) * [1, 5] + [0, 7]
    positive = rng.random(400) < 1 / (1 + np.exp(-features[:, 0] + 0.2 * features[:, 1]))
    training = np.arange(400) < 300
    scores = logistic_scores(features, positive, training)
    chance = 1 / (1 + np.exp(-scores[training]))
    inputs = np.column_stack([features[training], np.ones(300)])
    np.testing.assert_allclose(inputs.T @ (positive[training] - chance) / 300, 0, atol=1e-4)
    changed = np.where(training, positive, ~positive)
    np.testing.assert_array_equal(logistic_scores(features, changed, training), scores)
