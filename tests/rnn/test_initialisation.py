"""Initial weights: the bounds of the predecessor's table and of torch, and the remap."""

import numpy as np
import pytest
import torch

from randomnet.initialisation import BOUNDS, biases, bound, inputs, rank_order_remap, readout, recurrent

H, C, OUT = 220, 2, 1

# init -> bounds of recurrent, input and readout weights, as the specification prints them
TABLE = {"default": (0.0674, 0.0674, 0.0674), "xavier": (0.117, 0.164, 0.165), "he": (0.165, 0.165, 0.165)}


def same_distribution(a, b):
    """The two-sample test of Kolmogorov and Smirnov at 2 exp(-2 c^2) = 1e-4."""
    a, b = np.sort(a.ravel()), np.sort(b.ravel())
    both = np.concatenate([a, b])
    distance = np.abs(np.searchsorted(a, both, "right") / len(a) - np.searchsorted(b, both, "right") / len(b)).max()
    return distance < np.sqrt(np.log(2e4) / 2) * np.sqrt((len(a) + len(b)) / (len(a) * len(b)))


def ranks(values):
    return np.argsort(np.argsort(values))


def draws(init, seed=0):
    rng = np.random.default_rng(seed)
    return recurrent(H, 48400, init, rng), inputs(H, C, init, rng), readout(OUT, H, init, rng)


@pytest.mark.parametrize("init", BOUNDS)
def test_bounds_of_the_table(init):
    """Uniform: all values within the bound, the largest of n within it by 10/n, the variance bound^2 / 3."""
    for values, limit, other in zip(draws(init), TABLE[init], (H, C, OUT), strict=True):
        exact = bound(init, H, other)
        assert exact == pytest.approx(limit, abs=6e-4 if limit > 0.1 else 6e-5)
        assert exact * (1 - 10 / values.size) < np.abs(values).max() <= exact
        assert abs(np.square(values).mean() / (exact**2 / 3) - 1) < 5 * np.sqrt(0.8 / values.size)
        assert abs(values.mean()) < 5 * exact / np.sqrt(3 * values.size) and values.dtype == np.float64
    assert [values.shape for values in draws(init)] == [(48400,), (H, C), (OUT, H)]


def torch_layers(init):
    """What the predecessor does with torch, the readout's fan of he mended."""
    torch.manual_seed(0)
    network, layer = torch.nn.RNN(C, H), torch.nn.Linear(H, OUT)
    weights = [network.weight_hh_l0, network.weight_ih_l0, layer.weight]
    if init == "xavier":
        for weight in weights:
            torch.nn.init.xavier_uniform_(weight)
    if init == "he":
        for weight, mode in zip(weights, ("fan_out", "fan_out", "fan_in"), strict=True):
            torch.nn.init.kaiming_uniform_(weight, mode=mode, nonlinearity="relu")
    return [weight.detach().double().numpy().ravel() for weight in (*weights, network.bias_ih_l0, layer.bias)]


@pytest.mark.parametrize("init", BOUNDS)
def test_the_distributions_are_those_of_torch(init):
    for ours, theirs in zip(draws(init), torch_layers(init), strict=False):
        assert same_distribution(ours, theirs)


def test_biases_are_those_of_torch():
    ours = biases(5000, H, np.random.default_rng(0))
    limit = H**-0.5
    assert ours.shape == (5000,) and 0.999 * limit < np.abs(ours).max() <= limit
    *_, units, outputs = torch_layers("default")
    assert np.abs(units).max() <= limit and np.abs(outputs).max() <= limit
    assert same_distribution(ours, units)


@pytest.mark.parametrize("init", ["Xavier", "", "uniform"])
def test_other_inits_are_errors(init):
    rng = np.random.default_rng(0)
    for draw in (lambda: recurrent(4, 5, init, rng), lambda: inputs(4, 2, init, rng), lambda: readout(1, 4, init, rng)):
        with pytest.raises(ValueError, match=rf"init must be one of default, xavier, he, got '{init}'"):
            draw()


def test_values_come_from_the_generator():
    for a, b, c in zip(draws("he", 1), draws("he", 1), draws("he", 2), strict=True):
        assert (a == b).all() and (a != c).all()


# ---- the remap


def test_remapped_values_rank_as_the_weights():
    rng = np.random.default_rng(0)
    values, weights = recurrent(50, 1000, "default", rng), rng.lognormal(0, 3, 1000)
    after = rank_order_remap(values, weights)
    assert (ranks(after) == ranks(weights)).all()  # rank correlation 1
    assert (np.sort(after) == np.sort(values)).all()
    assert after[weights.argmax()] == values.max() and after[weights.argmin()] == values.min()


def test_equal_weights_take_their_values_in_order():
    after = rank_order_remap(np.array([0.3, -0.1, 0.2, -0.4]), np.array([1.0, 0.5, 1.0, 0.5]))
    assert after.tolist() == [0.2, -0.4, 0.3, -0.1]


def test_one_value_per_weight():
    with pytest.raises(ValueError, match=r"one value per weight, got shapes \(3,\) and \(4,\)"):
        rank_order_remap(np.ones(3), np.ones(4))
