"""Overlays have the values of one option in one axes, and nothing in a line that differs in anything else."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from randomnet import plotting
from randomnet.command_line.figures import gather, parse
from randomnet.figures import FIGURES, ON_SPECTRUM
from randomnet.figures.overlays import course_overlays, exponent_densities, seconds_of_epochs, spectrum_overlays
from randomnet.figures.spectra import extensive_figures
from randomnet.plotting import Series
from randomnet.results import ResultsFolder, write_arrays
from tests.support import spectral_folders

ITERATIONS, EPOCHS = 2, 5


def seconds(values):
    return 1e-3 * values["nle"] * values["n"]


def trained(root, grid, loss="mse"):
    """A folder of trained networks: the loss is nle * n at all epochs, the exponents are -target after training."""
    combos = []
    for number, row in enumerate(itertools.product(*grid.values())):
        values = dict(zip(grid, row, strict=True))
        settings = {"net.roi": "random", "trainvalidate.loss": values.get("loss", loss)}
        about = {"name": "random", "synthetic": True, "neurons": values["n"]}
        combos.append({"combo": number, "values": values, "settings": settings, "connectome": about})
    folder = ResultsFolder(root)
    folder.write_plan({"format": 1, "kind": "train", "name": root.name, "seed": 1, "iterations": ITERATIONS,
                       "varied": list(grid), "combos": combos}, "[results]\n")  # fmt: skip
    for combo, iteration in itertools.product(combos, range(ITERATIONS)):
        values, run = combo["values"], folder.run(combo["combo"], iteration)
        run.create()
        n, epoch = values["n"], np.arange(EPOCHS)
        warm = np.where(epoch == 1, 50.0, seconds(values))  # the first epoch warms up
        run.write_history(pd.DataFrame({"epoch": epoch, "train_loss": float(values["nle"] * n), "lambda_max": 0.1,
                                        "seconds": warm}))  # fmt: skip
        spectrum = np.full(n, -float(values["nle"]))
        write_arrays(run.path / "arrays.npz", {
            "target": np.zeros(values["nle"]), "state_initial": np.zeros(n),
            **{f"spectrum_{when}{what}": spectrum for when in ("initial", "final") for what in ("", "_stderr")},
        })  # fmt: skip
        run.finish({"combo": combo["combo"], "iteration": iteration, "seed": 1, "status": "complete", "summary": {
            "loss_final": 1.0, "lambda_max_final": 0.1}})  # fmt: skip
    return root


def study_of(*folders):
    return gather(parse(["--results_folders", *map(str, folders), "--save_figs", "x"]))[0]


GRID = {"n": [30, 60], "nle": [2, 5]}


def lines(axes):
    return {line.get_color(): line for line in axes.lines if len(line.get_xdata()) > 2 and line.get_linewidth() > 1}


def test_courses_have_a_line_per_value_and_a_figure_per_value_of_the_other_option(tmp_path):
    figures = dict(course_overlays(study_of(trained(tmp_path / "a", GRID)), None))
    assert set(figures) == {"courses_by_n_nle=2", "courses_by_n_nle=5", "courses_by_nle_n=30", "courses_by_nle_n=60"}
    levels = sorted(line.get_ydata()[-1] for line in lines(figures["courses_by_nle_n=60"].axes[0]).values())
    assert levels == pytest.approx([120, 300])
    assert "number of exponents" in figures["courses_by_nle_n=60"].get_suptitle()


def test_folders_are_not_mixed(tmp_path):
    grid = {"n": [30], "nle": [2, 5]}
    figures = dict(course_overlays(study_of(trained(tmp_path / "a", grid), trained(tmp_path / "b", grid)), None))
    assert set(figures) == {"courses_by_nle_a", "courses_by_nle_b"}
    for figure in figures.values():
        (legend,) = figure.legends
        assert [text.get_text() for text in legend.get_texts()] == ["nle = 2, 2 runs", "nle = 5, 2 runs"]


def test_losses_that_differ_are_not_in_one_axes(tmp_path):
    grid = {"n": [30], "nle": [2], "loss": ["mse", "l2"]}
    figures = dict(course_overlays(study_of(trained(tmp_path / "a", grid)), None))
    (figure,) = figures.values()
    assert [axes.get_ylabel().split("\n")[0] for axes in figure.axes] == ["largest Lyapunov exponent"]


def test_final_spectra_of_all_values_are_in_one_axes(tmp_path):
    figures = dict(spectrum_overlays(study_of(trained(tmp_path / "a", GRID)), None))
    assert len(figures) == 4
    exponents = {line.get_ydata()[0] for line in lines(figures["final_spectra_by_nle_n=30"].axes[0]).values()}
    assert exponents >= {-2.0, -5.0}


def test_seconds_of_epochs_leave_out_the_first_and_are_log_log(tmp_path):
    figures = dict(seconds_of_epochs(study_of(trained(tmp_path / "a", GRID)), None))
    assert set(figures) == {"seconds_of_epochs_by_n", "seconds_of_epochs_by_nle"}
    (axes,) = figures["seconds_of_epochs_by_n"].axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    drawn = {float(y) for line in axes.lines for y in line.get_ydata()}
    expected = sorted(seconds({"n": n, "nle": nle}) for n in GRID["n"] for nle in GRID["nle"])
    assert sorted({round(value, 9) for value in drawn}) == pytest.approx(expected)


def test_the_density_of_a_uniform_spectrum_is_constant_and_its_area_is_1():
    exponents = [(np.linspace(-1, 0, 4000), 4000)]
    (axes,) = plotting.exponent_density({"a": exponents}, [Series("a")]).axes
    heights, edges, _ = axes.patches[0].get_data()
    np.testing.assert_allclose(heights, 1.0, rtol=0.05)
    assert np.sum(heights * np.diff(edges)) == pytest.approx(1)


def test_the_density_of_leading_exponents_has_their_share_as_area():
    values = np.r_[np.linspace(-1, 0, 24), -np.inf]
    figure = plotting.exponent_density({"a": [(values, 100)] * 2}, [Series("a")])
    heights, edges, _ = figure.axes[0].patches[0].get_data()
    assert np.sum(heights * np.diff(edges)) == pytest.approx(0.24)
    heading = figure.legends[0].get_title().get_text().replace("\n", " ")
    assert "25% of the exponents" in heading and "2 exponents at \u2212\u221e are not drawn" in heading


def test_densities_are_drawn_by_option_or_by_folder(tmp_path):
    by_option = study_of(spectral_folders.make(tmp_path / "a", "spectrum", {"g": [1.0, 2.0]}))
    assert [stem for stem, _ in exponent_densities(by_option, None)] == ["density_by_g"]
    alone = study_of(spectral_folders.make(tmp_path / "b", "spectrum"))
    assert [stem for stem, _ in exponent_densities(alone, None)] == ["density"]


def test_dimension_and_entropy_per_neuron_are_drawn_where_networks_differ_in_size(tmp_path):
    study = study_of(spectral_folders.make(tmp_path / "a", "spectrum", {"n": [20, 40]}))
    assert not list(extensive_figures(study, None))
    study.runs["neurons"] = np.where(study.runs["number"] == 0, 20, 40)
    (figure,) = (figure for stem, figure in extensive_figures(study, None) if stem == "per_neuron")
    ratios = {float(y) for line in figure.axes[0].lines for y in line.get_ydata() if line.get_gid() == "run"}
    assert ratios == {5 / 20, 5 / 40}
    assert "D$_\\mathrm{KY}$ / N" in figure.axes[0].get_ylabel()


def test_lines_are_told_apart_in_grey(tmp_path):
    names = study_of(trained(tmp_path / "a", {"n": [30], "nle": [2], "loss": ["mse", "l2", "l1"]}))
    (figure,) = dict(spectrum_overlays(names, None)).values()
    drawn = figure.legends[0].get_lines()[:3]
    assert len({str(handle._unscaled_dash_pattern) for handle in drawn}) == 3
    numbers = study_of(trained(tmp_path / "b", {"n": [30], "nle": [2, 4, 6]}))
    (figure,) = dict(spectrum_overlays(numbers, None)).values()
    greys = [np.dot([0.2126, 0.7152, 0.0722], to_rgb(handle.get_color())) for handle in figure.legends[0].get_lines()]
    assert (np.diff(greys[:3]) > 0.1).all()


@pytest.mark.parametrize(("middle", "lines"), [(0.0, 1), (-0.3, 1), (-5.0, 0)])
def test_a_line_at_zero_does_not_squeeze_a_density(middle, lines):
    exponents = [(np.linspace(middle - 0.1, middle + 0.1, 40), 40)]
    (axes,) = plotting.exponent_density({"a": exponents}, [Series("a")]).axes
    assert len(axes.lines) == lines


def test_courses_on_a_log_axis_beside_linear_ones_say_so(tmp_path):
    study = study_of(trained(tmp_path / "a", {"n": [30], "nle": [2, 50]}))
    (figure,) = dict(FIGURES[ON_SPECTRUM].first_figures(study, None)).values()
    said = {axes.get_yscale(): axes.get_ylabel().endswith("(log axis)") for axes in figure.axes}
    assert said == {"log": True, "linear": False}
