"""[lyapunov] nle_measured: as many exponents are measured before and after training; the leading ones do not change."""

import json

import numpy as np
import pytest

from tests.support.runs import run

TEXT = """
[paths]
path_to_results = {results}
[net]
roi = AB
g = 3
[lyapunov]
nle = 4
tsim = 2
transient = 1
frame_transient = 1
tsim_measured = 30
{more}
[trainvalidate]
epochs = 3
lr = .05
[execution]
workers = 1
"""


def ini(folder, name, more=""):
    path = folder / f"{name}.ini"
    path.write_text(TEXT.format(results=folder / name, more=more))
    return path


def outputs(folder):
    run_folder = folder / "0" / "iter_0"
    return dict(np.load(run_folder / "arrays.npz")), json.loads((run_folder / "run.json").read_text())["summary"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Arrays and summary of a training with all exponents."""
    folder = tmp_path_factory.mktemp("whole")
    assert run(ini(folder, "a")) == 0
    return outputs(folder / "a")


@pytest.mark.parametrize(("measured", "count"), [("7", 7), ("2", 4), ("15%", 9)])
def test_fewer_exponents_are_the_leading_ones_of_all(tmp_path, whole, measured, count):
    """Gram-Schmidt takes the vectors one after the other: the growth of the first does not depend on the others."""
    assert run(ini(tmp_path, "a", f"nle_measured = {measured}")) == 0
    (arrays, summary), (all_arrays, all_summary) = outputs(tmp_path / "a"), whole
    assert len(all_arrays["spectrum_final"]) == 58
    for when in ("initial", "final"):
        assert arrays[f"spectrum_{when}"].shape == (count,)
        # exponents that are close change places in a short record, so that the last ones are not the leading of all
        np.testing.assert_allclose(arrays[f"spectrum_{when}"][:2], all_arrays[f"spectrum_{when}"][:2], rtol=1e-6)
        for name in (f"lambda_max_{when}", f"loss_measured_{when}", f"loss_measured_{when}_stderr"):
            assert summary[name] == pytest.approx(all_summary[name], rel=1e-6), name
    np.testing.assert_array_equal(arrays["gains_final"], all_arrays["gains_final"])


def test_more_exponents_than_neurons_are_refused(tmp_path, capsys):
    assert run(ini(tmp_path, "a", "nle_measured = 59")) == 2
    assert "[lyapunov] nle_measured: expected at most N = 58 exponents, got 59" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_another_number_is_another_experiment(tmp_path, capsys):
    assert run(ini(tmp_path, "a", "nle_measured = 7")) == 0
    assert run(ini(tmp_path, "a")) == 2
    assert "lyapunov.nle_measured was 7, is '100%'" in capsys.readouterr().err
