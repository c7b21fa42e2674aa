"""NumPy arrays or tensors: functions of analyses and metrics take both, and return what they were given."""

import numpy as np
import torch

from randomnet import analysis, metrics
from randomnet.analysis import Units
from randomnet.array_arguments import takes_arrays, takes_tensors

UNITS = Units(np.array(["a", "b", "c"]), {"region": np.array(["V1", "V1", "M1"])}, np.array([1, -1, 1]))


def test_functions_of_tensors_take_arrays():
    matrix = np.arange(9.0).reshape(3, 3)
    tensor = torch.from_numpy(matrix)
    cases = {"sorted_eigenvalues": (), "weight_subset": (UNITS, "M1", "V1"), "region_activity": (UNITS, "V1")}
    for name, args in cases.items():
        function = getattr(analysis, name)
        array, expected = function(matrix, *args), function(tensor, *args)
        assert isinstance(array, np.ndarray) and isinstance(expected, torch.Tensor), name
        np.testing.assert_array_equal(array, expected.numpy())
    filled = analysis.fill_units(np.zeros(3), UNITS, {"M1": np.array([7.0])})
    assert isinstance(filled, np.ndarray) and filled.tolist() == [0, 0, 7]
    points = analysis.fixed_points(lambda h: torch.tanh(2 * h), None, np.linspace(-2, 2, 9)[:, None])
    assert len(points.points) == 3


def test_functions_of_arrays_take_tensors():
    rng = np.random.default_rng(0)
    true, inferred = rng.standard_normal((2, 20, 3))
    assert metrics.r2(torch.from_numpy(true), torch.from_numpy(inferred)) == metrics.r2(true, inferred)
    _, columns = metrics.assignment(torch.tensor([[1.0, 0.0], [0.0, 5.0]]))
    assert isinstance(columns, torch.Tensor) and columns.tolist() == [1, 0]
    assert isinstance(metrics.clusters(true, 1.0), np.ndarray)


def test_texts_and_other_values_are_left_alone():
    seen = []
    takes_arrays(lambda *values: seen.extend(values))(np.array(["a"]), [np.zeros(2), None], {"x": 1})
    assert isinstance(seen[0], np.ndarray) and isinstance(seen[1][0], torch.Tensor) and seen[2] == {"x": 1}
    assert takes_tensors(lambda value: {"sum": value + 1})(torch.zeros(2))["sum"].tolist() == [1, 1]
    assert analysis.plane.__name__ == "plane" and ">>>" in analysis.plane.__doc__
