"""RandomNet from Python: the examples of the documentation, and what is wrong said clearly."""

import doctest

import numpy as np
import pytest
import torch

import randomnet
from randomnet import library
from randomnet.rnn import Network
from randomnet.synthetic import random_network


def test_the_examples_run():
    found = doctest.testmod(library)
    assert found.attempted > 10 and not found.failed


def test_the_package_offers_it_by_name():
    assert randomnet.spectrum is library.spectrum
    with pytest.raises(AttributeError, match="no attribute 'spectra'"):
        _ = randomnet.spectra


def test_a_network_is_a_system():
    network = Network(random_network(12, 0.5, np.random.default_rng(0)), activation="tanh", dtype=torch.float64)
    with torch.no_grad():
        dynamics = network.dynamics()
    found = library.spectrum(dynamics, torch.ones(12), tsim=300)
    eigenvalues = torch.linalg.eigvals(dynamics.matrix)
    expected = (1 - 0.1 + 0.1 * eigenvalues).abs().log().sort(descending=True).values / 0.1
    # a linear network: what is left is the frame's transient, of a few units over the record
    np.testing.assert_allclose(found.exponents, expected.numpy(), atol=0.02)


def test_what_is_wrong_is_said():
    with pytest.raises(ValueError, match="expected a state"):
        library.spectrum(lambda state: state)
    with pytest.raises(ValueError, match="got str"):
        library.spectrum("henon", state=[1.0])
    with pytest.raises(ValueError, match=r"got shape \(2, 2\)"):
        library.spectrum(lambda state: state, state=np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"k must lie in 1\.\.2"):
        library.spectrum(np.eye(2), k=3)
