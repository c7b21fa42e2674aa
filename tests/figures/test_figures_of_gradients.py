"""The gradient's norm over epochs, from histories with the norm of the whole or of each parameter."""

import numpy as np
import pandas as pd
import pytest

import runrandomnet
import visualization
from randomnet.figures.training import GRADIENT_NORM, with_gradient_norm
from randomnet.results import ResultsFolder


def test_norms_of_parameters_add_as_squares_and_the_norm_of_the_whole_stays():
    parts = pd.DataFrame({"grad_norm_gains": [np.nan, 3.0, 0.0], "grad_norm_shifts": [np.nan, 4.0, 2.0]})
    np.testing.assert_allclose(with_gradient_norm(parts)[GRADIENT_NORM], [np.nan, 5, 2])
    whole = pd.DataFrame({"grad_norm": [np.nan, 1.5], "clipped_norm": [np.nan, 1.0], "train_loss": [2.0, 1.0]})
    np.testing.assert_allclose(with_gradient_norm(whole)[GRADIENT_NORM], [np.nan, 1.5])


def test_a_history_without_norms_stays_as_it_is():
    for history in (pd.DataFrame({"epoch": [0, 1], "clipped_norm": 1.0}), pd.DataFrame({"grad_norm": [np.nan]})):
        pd.testing.assert_frame_equal(with_gradient_norm(history), history)


@pytest.mark.slow
def test_the_norm_is_below_the_loss(tmp_path):
    text = (f"[paths]\npath_to_results = {tmp_path / 'out'}\n[net]\nroi = random\nn = 8\n[trainvalidate]\nepochs = 2\n"
            "[lyapunov]\ntsim = 2\n[execution]\nworkers = 1\n")  # fmt: skip
    (tmp_path / "a.ini").write_text(text)
    assert runrandomnet.main([str(tmp_path / "a.ini")]) == 0
    history = pd.read_csv(ResultsFolder(tmp_path / "out").run(0, 0).path / "history.csv")
    assert with_gradient_norm(history)[GRADIENT_NORM][1:].gt(0).all()
    asked = ["--results_folders", str(tmp_path / "out"), "--save_figs", str(tmp_path / "figs"), "--format", "svg"]
    assert visualization.main(asked) == 0
    assert ">norm of the gradient<" in (tmp_path / "figs" / "by_combo" / "loss.svg").read_text()
