"""The functions of one number, from which loops are compiled, against those for tensors."""

import math

import numpy as np
import pytest
import torch

from randomnet.activations import ACTIVATIONS

GRID = np.concatenate([np.linspace(-30, 30, 1201), [-1e3, -1e-20, 0.0, 1e-20, 0.5, 1.0, 1e3]])


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_the_function_of_one_number_agrees_with_that_of_tensors(name):
    row, u = ACTIVATIONS[name], torch.from_numpy(GRID)
    got = np.array([row.scalar(float(value)) for value in GRID]).T
    for function, values in zip((row.phi, row.dphi, row.ddphi), got, strict=True):
        np.testing.assert_allclose(values, function(u.clone()).numpy(), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_the_rate_of_nan_is_nan(name):
    assert math.isnan(ACTIVATIONS[name].scalar(math.nan)[0])
