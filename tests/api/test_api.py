"""RandomNet from Python: the examples of the documentation, and what is wrong said clearly."""

import doctest

import numpy as np
import pytest
import torch

import randomnet
from randomnet import api
from randomnet.rnn import Network
from randomnet.synthetic import random_network


def test_the_examples_run():
    found = doctest.testmod(api)
    assert found.attempted > 10 and not found.failed


def test_the_package_offers_it_by_name():
    matrix = [[0.5, 0.1], [0.0, 0.2]]
    assert (randomnet.spectrum(matrix, tsim=20).exponents == api.spectrum(matrix, tsim=20).exponents).all()
    with pytest.raises(AttributeError, match="no attribute 'spectra'"):
        _ = randomnet.spectra


def test_a_network_is_a_system():
    network = Network(random_network(12, 0.5, np.random.default_rng(0)), activation="tanh", dtype=torch.float64)
    with torch.no_grad():
        dynamics = network.dynamics()
    found = api.spectrum(dynamics, torch.ones(12), tsim=300)
    eigenvalues = torch.linalg.eigvals(dynamics.coupling.values)
    expected = (1 - 0.1 + 0.1 * eigenvalues).abs().log().sort(descending=True).values / 0.1
    # a linear network: what is left is the frame's transient, of a few units over the record
    np.testing.assert_allclose(found.exponents, expected.numpy(), atol=0.02)


def test_what_is_wrong_is_said():
    with pytest.raises(ValueError, match="state: expected the state"):
        api.spectrum(lambda state: state)
    with pytest.raises(ValueError, match="got str"):
        api.spectrum("henon", state=[1.0])
    with pytest.raises(ValueError, match=r"state: expected shape .*, of one trial, got \(2, 2\)"):
        api.spectrum(lambda state: state, state=np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"k must lie in 1\.\.2"):
        api.spectrum(np.eye(2), k=3)
    with pytest.raises(ValueError, match=r"a whole number, got 2.5"):
        api.spectrum(np.eye(3), k=2.5)
    with pytest.raises(ValueError, match=r"k must lie in 1\.\.2 \(N\), got 0"):
        api.spectrum(np.eye(2), k=0)
    with pytest.raises(ValueError, match="a real matrix"):
        api.spectrum(1j * np.eye(2))
    with pytest.raises(ValueError, match=r"float64 state of shape \(2,\).*same dtype"):
        api.spectrum(lambda h: torch.ones(2, 2) @ h, state=[1.0, 2.0])
    with pytest.raises(ValueError, match=r"a step in float64, got torch.float32"):
        api.spectrum(lambda h: torch.tanh(h.float()), state=[1.0, 2.0])
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        api.spectrum(np.eye(2), state=[1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"tsim must be at least one step of 1, got 0.2"):
        api.spectrum(np.eye(2), tsim=0.2)
    with pytest.raises(ValueError, match="tsim must be a finite number above 0 or 'auto', got inf"):
        api.spectrum(np.eye(2), tsim=float("inf"))


def test_what_is_no_number_is_no_spectrum():
    for step, state in ((lambda h: h * float("nan"), [1.0, 2.0]), (lambda h: h * h, [1e3, 1e3])):
        found = api.spectrum(step, state=state, tsim=100)
        assert found.diverged and not found.converged and "not finite" in found.doubts[0]
        assert np.isnan([*found.dimension, *found.entropy, found.n_positive]).all()
    grown = api.spectrum(lambda h: torch.relu(h) * 2, state=[1e290, 1e290], tsim=100)
    assert grown.verdict == "unbounded" and grown.exponents[0] == pytest.approx(np.log(2))


def test_a_dead_direction_does_not_keep_the_others_from_being_judged():
    found = api.spectrum([[0.5, 0, 0], [0, 0.2, 0], [0, 0, 0]], tsim="auto")
    assert found.tsim == 100 and found.converged
    np.testing.assert_allclose(found.exponents, [np.log(0.5), np.log(0.2), -np.inf], atol=1e-6)


def test_float32_modules_and_numbers_of_numpy_are_taken():
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(5, 5), torch.nn.Tanh())
    found = api.spectrum(module, state=torch.zeros(5), tsim=np.int64(100))
    assert found.exponents.dtype == np.float64 and module[0].weight.dtype == torch.float32
