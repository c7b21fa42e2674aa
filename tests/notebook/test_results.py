"""load and run: folders and INIs from Python."""

import subprocess
import sys

import numpy as np
import pytest

import randomnet as rn
from tests.support.paths import ROOT
from tests.support.spectral_folders import make


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("folder")
    ini = root / "my.ini"
    ini.write_text(f"[experiment]\nkind = spectrum\n[paths]\npath_to_results = {root / 'spec'}\n[net]\nroi = random\n"
                   "n = 10\n[lyapunov]\ntsim = 5\n")  # fmt: skip
    return rn.run(ini, {"net.g": [1, 2, 3], "trainvalidate.iterations": 2})


def test_run_returns_what_load_does(folder):
    loaded = rn.load(folder.root)
    assert loaded.table.equals(folder.table) and loaded.varied == ("g",) and len(loaded.table) == 6
    assert list(loaded.spectra()["g"].unique()) == [1, 2, 3]
    assert loaded.table["status"].eq("complete").all()
    assert repr(loaded) == f"Results: {folder.root}, kind spectrum; runs: 6 complete; g varied"
    assert "lambda_max" in loaded._repr_html_()


def test_the_best_run(folder):
    lowest = folder.best("lambda_max")
    assert lowest["lambda_max"] == folder.table["lambda_max"].min()
    assert folder.best("lambda_max", highest=True)["lambda_max"] == folder.table["lambda_max"].max()
    with pytest.raises(ValueError, match="did you mean 'lambda_max'"):
        folder.best("lambdamax")
    with pytest.raises(ValueError, match="without any"):
        folder.best("verdict")


def test_the_best_run_is_one_with_a_result(tmp_path):
    """The lowest and the highest value are of runs that diverged and grew without bound: they are growth rates."""
    ends = {(0, 0): ("diverged", {"lambda_max": -9.0}), (1, 2): ("unbounded", {"lambda_max": 9.0})}
    results = rn.load(make(tmp_path / "spec", "spectrum", {"g": [1, 2]}, ends=ends))
    lowest, highest = results.best("lambda_max"), results.best("lambda_max", highest=True)
    assert (lowest["combo"], lowest["iteration"]) == (0, 1) and (highest["combo"], highest["iteration"]) == (1, 1)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: rn.load(3), r"load\(\): expected the path of a results folder, got int"),
        (lambda: rn.run(None), r"run\(\): expected the path of an INI or a dictionary, got NoneType"),
        (lambda: rn.run("my.ini", 3), r"run\(\): expected options such as"),
        (lambda: rn.run("my.ini", "net.g=1"), r"run\(\): expected options such as"),
        (lambda: rn.run({}, {3: 4}), r"run\(\): expected options such as"),
        (lambda: rn.fit(None, None), r"fit\(\): expected a network of randomnet, got NoneType"),
        (lambda: rn.fit(rn.network(rn.connectome("random", n=5)), "mse"), r"fit\(\): expected a loss, such as .*str"),
        (lambda: rn.network(rn.connectome("random", n=5), train=True), "train: expected a list of names"),
    ],
)
def test_a_wrong_type_is_named_with_what_is_expected(call, text):
    with pytest.raises(TypeError, match=text):
        call()


def test_rows_of_different_lengths_are_no_matrix():
    with pytest.raises(ValueError, match=r"connectome\(\): expected a matrix \(N, N\), got rows of different lengths"):
        rn.connectome([[1, 2], [3]])


def test_runs_that_are_there_stay(folder):
    again = rn.run(folder.root.parent / "my.ini", {"net.g": [1, 2, 3], "trainvalidate.iterations": 2})
    assert again.table.equals(folder.table)


def test_figures_of_a_folder(folder):
    assert folder.plot("lambda_max").axes
    with pytest.raises(ValueError, match="expected one of the columns"):
        folder.plot()


def test_the_spectra_of_a_combo_share_one_axes(folder):
    """Each line has the means over iterations; two iterations stand in the text of its legend."""
    (axes,) = folder.plot("spectrum", combo=2).axes
    means = np.mean([folder.arrays(2, iteration)["exponents"] for iteration in (0, 1)], axis=0)
    assert any(np.array_equal(line.get_ydata(), means) for line in axes.lines)
    with pytest.raises(ValueError, match="got combo 7"):
        folder.plot("spectrum", combo=7)
    with pytest.raises(ValueError, match='expected a combo with "spectrum" only'):
        folder.plot("lambda_max", combo=1)


def test_spectra_before_and_after_training_share_one_axes(tmp_path):
    options = {"net.roi": "random", "net.n": 10, "lyapunov.tsim": 5, "lyapunov.nle": 3, "trainvalidate.epochs": 1}
    trained = rn.run(options, {"paths.path_to_results": tmp_path / "r", "execution.workers": 1})
    figure, arrays = trained.plot("spectrum"), trained.arrays()
    drawn = [line.get_ydata() for line in figure.axes[0].lines]
    for name in ("spectrum_initial", "spectrum_final"):
        assert any(np.array_equal(values, arrays[name]) for values in drawn)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "before training, 1 run", "after training, 1 run", "target"]  # fmt: skip


def test_networks_and_their_iterations_differ(folder):
    first, second = folder.network(1, 0), folder.network(1, 1)
    assert not (first.module.edge_weights() == second.module.edge_weights()).all()
    with pytest.raises(ValueError, match="a combo from 0 to 2 and an iteration from 0 to 1, got 7 and 0"):
        folder.network(7)
    with pytest.raises(ValueError, match="did you mean 'best'"):
        folder.network(0, 0, "bst")
    with pytest.raises(ValueError, match="a run with a task"):
        folder.trials()


def test_what_is_wrong_is_a_value_error(tmp_path):
    with pytest.raises(ValueError, match="expected a results folder, got nothing there"):
        rn.load(tmp_path / "nothing")
    with pytest.raises(ValueError, match="gg: expected one of"):
        rn.run({"net.gg": 3})
    with pytest.raises(ValueError, match="expected an INI file"):
        rn.run(tmp_path / "no.ini")


def test_names_are_loaded_when_they_are_asked_for():
    code = (
        "import sys, randomnet as rn\n"
        "assert 'torch' not in sys.modules\n"
        "names = {'connectome', 'network', 'fit', 'spectrum_loss', 'task', 'spectrum', 'load', 'run'}\n"
        "assert names <= set(dir(rn)) and 'torch' not in sys.modules\n"
        "assert callable(rn.connectome) and rn.connectome.Connectome and rn.connectome('AB').n\n"
        "assert rn.analysis.fixed_points"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
