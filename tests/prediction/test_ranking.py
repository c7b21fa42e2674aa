"""Which neuron to record next: against brute force, the true posterior of linear models, the best set, and chance."""

import itertools

import numpy as np
import pytest
import torch
from scipy.optimize import least_squares

import randomnet as rn
from randomnet.prediction import activity_jacobian, rank_neurons

NOISE = 0.2


def linear_model(seed=0, neurons=12, samples=4, parameters=6):
    """Jacobians (N, S, P) of neurons of different size that share directions."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((neurons, 3)) @ rng.standard_normal((3, parameters))
    sizes = rng.lognormal(0, 0.7, (neurons, 1, 1))
    return sizes * (mixing[:, None] + 0.5 * rng.standard_normal((neurons, samples, parameters)))


def covariance(jacobian, recorded, prior=1.0):
    """The posterior covariance of the parameters, in closed form."""
    rows = jacobian[list(recorded)].reshape(-1, jacobian.shape[2])
    precision = rows.T @ rows / NOISE**2 + np.diag(np.broadcast_to(np.asarray(prior) ** -2.0, jacobian.shape[2]))
    return np.linalg.inv(precision)


def mean_error(jacobian, recorded, prior=1.0):
    """Mean square error expected of the neurons not recorded."""
    rest = np.delete(jacobian, list(recorded), axis=0)
    return np.einsum("usp,pq,usq->us", rest, covariance(jacobian, recorded, prior), rest).mean()


def information(jacobian, recorded, prior=1.0):
    before = np.linalg.slogdet(covariance(jacobian, [], prior))[1]
    return (before - np.linalg.slogdet(covariance(jacobian, recorded, prior))[1]) / 2


PRIORS = (1.0, np.linspace(0.5, 2, 6))


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("criterion", ["error", "information"])
def test_every_step_is_the_best_one_and_its_numbers_are_those_of_the_posterior(criterion, prior):
    jacobian = linear_model()
    ranking = rank_neurons(jacobian, noise=NOISE, prior=prior, criterion=criterion)
    assert sorted(ranking.order) == list(range(12))
    for step in range(11):
        before, chosen = list(ranking.order[:step]), ranking.order[step]
        scores = {
            other: information(jacobian, [*before, other], prior) if criterion == "information"
            else -mean_error(jacobian, [*before, other], prior)
            for other in range(12) if other not in before
        }  # fmt: skip
        assert scores[chosen] == pytest.approx(max(scores.values()), rel=1e-9, abs=1e-12)
        assert ranking.information[step] == pytest.approx(information(jacobian, before, prior), rel=1e-8, abs=1e-12)
        assert ranking.error[step] == pytest.approx(mean_error(jacobian, before, prior), rel=1e-8)
    assert np.isnan(ranking.error[-1])


def test_one_sample_for_each_neuron():
    jacobian = linear_model(samples=1)
    whole, flat = (rank_neurons(each, noise=NOISE) for each in (jacobian, jacobian[:, 0]))
    np.testing.assert_array_equal(whole.order, flat.order)


def test_what_is_recorded_already_counts():
    jacobian = linear_model()
    whole = rank_neurons(jacobian, noise=NOISE)
    rest = rank_neurons(jacobian, noise=NOISE, recorded=whole.order[:4], count=3)
    np.testing.assert_array_equal(rest.order, whole.order[4:7])
    np.testing.assert_allclose(rest.error, whole.error[4:8])


def test_a_copy_of_a_recorded_neuron_comes_last():
    jacobian = linear_model()
    jacobian[7] = 1.001 * jacobian[3]  # a little more than the same
    order = rank_neurons(jacobian, noise=1e-3, criterion="information").order.tolist()
    first, second = sorted((order.index(3), order.index(7)))
    assert second > first + 1


def test_the_expected_error_is_the_error_of_the_posterior_mean():
    jacobian, recorded = linear_model(1), [0, 5]
    rng, squares = np.random.default_rng(0), []
    rows, rest = jacobian[recorded].reshape(-1, 6), np.delete(jacobian, recorded, axis=0)
    gain = covariance(jacobian, recorded) @ rows.T / NOISE**2
    for _ in range(4000):
        parameters = rng.standard_normal(6)
        estimate = gain @ (rows @ parameters + NOISE * rng.standard_normal(len(rows)))
        squares.append(np.square(rest @ (parameters - estimate)).mean())
    expected = rank_neurons(jacobian, noise=NOISE, recorded=recorded, count=0).error[0]
    assert np.mean(squares) == pytest.approx(expected, abs=5 * np.std(squares) / np.sqrt(len(squares)))


def test_greedy_information_is_within_its_bound_of_the_best_set():
    for seed in range(20):
        jacobian = linear_model(seed, neurons=9)
        best = max(information(jacobian, chosen) for chosen in itertools.combinations(range(9), 3))
        greedy = rank_neurons(jacobian, noise=NOISE, count=3, criterion="information").information[-1]
        assert (1 - 1 / np.e) * best <= greedy <= best * (1 + 1e-9)


def test_ranked_neurons_predict_the_others_better_than_random_ones():
    ratios = []
    for seed in range(40):
        jacobian = linear_model(seed, neurons=20, parameters=15)
        ranked = rank_neurons(jacobian, noise=NOISE, count=4)
        draws = [np.random.default_rng([seed, draw]).choice(20, 4, replace=False) for draw in range(20)]
        at_random = np.mean([mean_error(jacobian, draw) for draw in draws])
        assert ranked.error[-1] < at_random
        ratios.append(np.log(ranked.error[-1] / at_random))
    assert np.mean(ratios) + 3 * np.std(ratios, ddof=1) / np.sqrt(40) < np.log(0.7)


def test_many_times_tell_what_their_directions_tell():
    jacobian = linear_model(samples=500, neurons=6)
    ranking = rank_neurons(jacobian, noise=NOISE)
    assert ranking.information[-1] == pytest.approx(information(jacobian, range(6)), rel=1e-8)


def test_from_python_in_a_table():
    ranking = rn.rank_neurons(linear_model(), noise=NOISE, count=2)
    assert list(ranking.frame().columns) == ["neuron", "information", "error"] and len(ranking.frame()) == 2
    assert repr(ranking).startswith("Ranking: 2 neurons by error: ")


@pytest.mark.parametrize("more, told", [
    ({"noise": 0.0}, "noise and prior must be finite numbers above 0"),
    ({"prior": [1.0, 2.0]}, "prior must be one number or 6"),
    ({"recorded": [1, 1]}, "different neurons from 0 to 11"),
    ({"recorded": [12]}, "different neurons from 0 to 11"),
    ({"recorded": [1], "count": 12}, "count must be from 0 to the 11 neurons"),
    ({"criterion": "errors"}, "criterion must be one of error, information, got 'errors'"),
    ({"jacobian": np.full((3, 2), np.nan)}, "jacobian must be finite numbers"),
])  # fmt: skip
def test_wrong_arguments_are_told(more, told):
    arguments = {"jacobian": linear_model(), "noise": NOISE, **more}
    with pytest.raises(ValueError, match=told):
        rank_neurons(arguments.pop("jacobian"), **arguments)


# ---- a network that is fitted


@pytest.mark.slow
def test_a_network_that_is_fitted_to_ranked_neurons_predicts_the_others_better():
    ratios = []
    for seed in range(20):
        network = FittedNetwork(seed)
        jacobian = activity_jacobian(network.rates, torch.tensor(network.prior, requires_grad=True))
        ranked = rank_neurons(jacobian, noise=network.noise, prior=network.sd, count=2).order
        rng = np.random.default_rng(seed)
        at_random = [network.error(rng.choice(network.n, 2, replace=False)) for _ in range(4)]
        ratios.append(np.log(network.error(ranked) / np.mean(at_random)))
    assert np.mean(ratios) + 3 * np.std(ratios, ddof=1) / np.sqrt(len(ratios)) < 0


class FittedNetwork:
    """h' = -h + W tanh(gain (h - shift)) from known states, with normal gains and shifts that are not known."""

    def __init__(self, seed, n=12, times=20, trials=2, noise=0.02, sd=0.1):
        rng = np.random.default_rng(seed)
        self.n, self.times, self.noise, self.sd = n, times, noise, sd
        self.weights = torch.tensor(rng.standard_normal((n, n)) * (rng.random((n, n)) < 0.4) * 1.5 / np.sqrt(0.4 * n))
        self.initial = torch.tensor(rng.standard_normal((trials, n)))
        self.prior = np.repeat([1.0, 0.0], n)
        self.truth = self.rates(torch.tensor(self.prior + sd * rng.standard_normal(2 * n)))
        self.observed = self.truth + noise * torch.tensor(rng.standard_normal(tuple(self.truth.shape)))

    def rates(self, parameters):
        """(..., times, trials, N) of parameters (..., 2 N)."""
        gains, shifts = parameters[..., None, : self.n], parameters[..., None, self.n :]
        state, rates = self.initial, []
        for _ in range(self.times):
            rates.append(torch.tanh(gains * (state - shifts)))
            state = state + 0.2 * (rates[-1] @ self.weights.mT - state)
        return torch.stack(rates, -3)

    def residuals(self, parameters, recorded):
        """(..., R) of the recorded activity and the prior, in units of their standard deviations."""
        activity = (self.rates(torch.tensor(parameters)) - self.observed)[..., recorded].flatten(-3).numpy()
        return np.concatenate([activity / self.noise, (parameters - self.prior) / self.sd], axis=-1)

    def derivative(self, parameters, recorded, step=1e-5):
        moved = parameters + step * np.concatenate([np.eye(2 * self.n), -np.eye(2 * self.n)])
        plus, minus = np.split(self.residuals(moved, recorded), 2)
        return (plus - minus).T / (2 * step)

    def error(self, recorded):
        """Mean square error of the other neurons over their variance, at the most probable parameters."""
        recorded = list(recorded)
        found = least_squares(self.residuals, self.prior, self.derivative, kwargs={"recorded": recorded}, max_nfev=20)
        rest = np.delete(np.arange(self.n), recorded)
        squares = (self.rates(torch.tensor(found.x)) - self.truth)[..., rest].square().mean()
        return float(squares / self.truth[..., rest].var(dim=(0, 1)).mean())
