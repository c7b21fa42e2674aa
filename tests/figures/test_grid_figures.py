"""Figures of a whole grid: where each option goes, and that no mean is over runs that differ in an option."""

import itertools
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import visualization
from randomnet.comparison.intervals import mean_interval
from randomnet.comparison.result_sentences import headline_of
from randomnet.comparison.study import Arrangement, Study
from randomnet.figures import FIGURES, ON_SPECTRUM, FigureSet, grid_figures, grid_layout, spectra
from randomnet.figures.grid_figures import needs_log
from randomnet.figures.overviews import of_spectral_training
from randomnet.plotting import Panel, style
from randomnet.settings import ConfigError
from tests.support.spectral_folders import RUNS, UNBOUNDED, gather, make, spectrum_run

GRID = {"g": [1.0, 2.0, 4.0], "null": ["none", "degree"], "activation": ["tanh", "relu"]}
PANEL = [Panel("lambda_max", "exponent")]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Coarse pictures; a warning of numpy, pandas or matplotlib is an error."""
    monkeypatch.setitem(style.STYLE, "savefig.dpi", 40)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def value(values, iteration):
    """A value that differs between all combos, so that no two cells and no pooled set have the same mean."""
    null, activation = values.get("null") == "degree", values.get("activation") == "relu"
    return float(values.get("g", 1)) + 10 * null + 100 * activation + 1000 * values.get("lr", 0) + 0.1 * iteration


@pytest.fixture
def known(monkeypatch):
    def run(values, iteration, k):
        arrays, summary = spectrum_run(values, iteration, k)
        return arrays, summary | {"lambda_max": value(values, iteration), "converged": True}

    monkeypatch.setitem(RUNS, "spectrum", run)


def arranged(study, **asked):
    return replace(study, arrangement=Arrangement(**asked))


def points(figure, gid):
    """All y that are drawn with this group id, of all axes."""
    return [float(y) for axes in figure.axes for line in axes.lines if line.get_gid() == gid for y in line.get_ydata()]


def legend_texts(figure):
    return [text.get_text().replace("\u00a0", " ").replace("\n", " ") for text in figure.legends[0].get_texts()]


def cell_means(grid, iterations=3):
    rows = (dict(zip(grid, row, strict=True)) for row in itertools.product(*grid.values()))
    return [np.mean([value(row, i) for i in range(iterations)]) for row in rows]


# layout


@pytest.mark.parametrize(
    ("grid", "x", "series", "facets"),
    [
        ({}, "", (), ()),
        ({"g": [1, 2]}, "g", (), ()),
        (GRID, "g", ("null",), ("activation",)),
        ({"lr": [0.1, 0.2], "g": [1, 2, 3]}, "g", ("lr",), ()),
        ({"null": ["none", "degree"]}, "", ("null",), ()),
        ({"roi": ["EB", "PB"], "null": ["none", "degree"]}, "roi", ("null",), ()),
        ({"roi": ["EB", "PB"], "loss": ["l2", "mse"]}, "", ("roi",), ("loss",)),
        ({"loss": ["l2", "mse", "sinai"], "lr": [0.1, 0.2]}, "lr", (), ("loss",)),
    ],
)
def test_the_layout_of_one_folder(tmp_path, grid, x, series, facets):
    layout = grid_layout.grid_layout(gather(make(tmp_path / "a", "spectrum", grid, iterations=1)))
    assert (layout.x, layout.series, layout.facets) == (x, series, facets)


def test_folders_are_colours_with_their_nulls(tmp_path):
    grid = {"g": [1, 2], "null": ["none", "degree"]}
    study = gather(*(make(tmp_path / name, "spectrum", grid, iterations=1) for name in "ab"))
    assert grid_layout.grid_layout(study)[:3] == ("g", ("label", "null"), ())


def test_what_the_user_asks_for_comes_first(tmp_path):
    study = gather(make(tmp_path / "a", "spectrum", GRID, iterations=1))
    layout = grid_layout.grid_layout(arranged(study, x="null", colour="activation", panels="g"))
    assert layout[:3] == ("null", ("activation",), ("g",))


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"x": "gg"}, "--x: expected an option of g, null, activation, got 'gg'; did you mean 'g'?"),
        ({"pool": ("activaton",)}, "did you mean 'activation'?"),
        ({"colour": "label"}, "--colour: expected an option of g, null, activation, got 'label'"),
        ({"x": "g", "panels": "g"}, "g already has a place, by --x"),
        ({"x": "g", "pool": ("g",)}, "--pool: g already has a place, by --x"),
    ],
)
def test_an_arrangement_that_cannot_be_is_refused(tmp_path, asked, text):
    study = arranged(gather(make(tmp_path / "a", "spectrum", GRID, iterations=1)), **asked)
    with pytest.raises(ConfigError) as error:
        grid_layout.grid_layout(study)
    assert text in str(error.value)


def test_losses_have_no_common_mean(tmp_path):
    study = gather(make(tmp_path / "a", "spectrum", {"loss": ["l2", "mse"], "g": [1, 2]}, iterations=1))
    with pytest.raises(ConfigError, match="different quantities"):
        grid_layout.grid_layout(arranged(study, pool=("loss",)))


def test_an_unknown_option_on_the_command_line_writes_nothing(tmp_path, capsys):
    root = make(tmp_path / "a", "spectrum", GRID, iterations=1)
    out = tmp_path / "out"
    code = visualization.main(["--results_folders", str(root), "--save_figs", str(out), "--x", "nul"])
    error = capsys.readouterr().err
    assert code == 2 and error.count("\n") == 1 and "did you mean 'null'?" in error and not out.exists()


def test_zipped_options_have_one_axis(tmp_path):
    """An option that another one determines needs no panels."""
    study = gather(make(tmp_path / "a", "spectrum", {"g": [1, 2], "lr": [0.1, 0.2]}, iterations=1))
    kept = [combo for combo in study.combos if (combo.values["g"], combo.values["lr"]) in ((1, 0.1), (2, 0.2))]
    assert grid_layout._needed(kept, ["lr"], ["g"]) == [] and grid_layout._needed(study.combos, ["lr"], ["g"]) == ["lr"]


@pytest.mark.parametrize(
    ("values", "log"),
    [([1, 2, 3, 4], False), ([1, 2, 4, 8], True), ([0.001, 0.01, 0.1], True), ([0, 1, 2, 4, 8], False),
     ([1, 2], False), ([0.5, 1, 1.5], False)],
)  # fmt: skip
def test_the_axis_is_log_where_the_values_are(values, log):
    assert needs_log(values) is log


# means


def test_no_mean_and_no_line_is_over_an_option(tmp_path, known):
    """g x null x activation: every mean is that of exactly one combo, and so is every point of a line."""
    study = gather(make(tmp_path / "a", "spectrum", GRID))
    (figure,) = dict(grid_figures.grid_figures(study, "overview", PANEL)).values()
    expected = sorted(cell_means(GRID))
    np.testing.assert_allclose(sorted(points(figure, "mean")), expected)
    np.testing.assert_allclose(sorted(points(figure, "means")), expected)
    over_nulls = {np.mean([value({"g": g, "null": null, "activation": phi}, 1) for null in GRID["null"]])
                  for g in GRID["g"] for phi in GRID["activation"]}  # fmt: skip
    drawn = [*points(figure, "mean"), *points(figure, "means")]
    assert all(min(abs(y - pooled) for y in drawn) > 1 for pooled in over_nulls)
    rows = [dict(zip(GRID, row, strict=True)) for row in itertools.product(*GRID.values())]
    runs = sorted(value(row, i) for row in rows for i in range(3))
    np.testing.assert_allclose(sorted(points(figure, "run")), runs)  # every run is a dot
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["activation function = tanh", "activation function = relu"]
    assert {"null model = none, n = 3", "null model = degree, n = 3"} <= set(legend_texts(figure))


def test_intervals_are_those_of_one_cell(tmp_path, known):
    study = gather(make(tmp_path / "a", "spectrum", {"g": [1.0, 2.0], "activation": ["tanh", "relu"]}))
    (figure,) = dict(grid_figures.grid_figures(study, "overview", PANEL)).values()
    bars = [part for axes in figure.axes for part in axes.collections if part.get_gid() == "interval"]
    ends = sorted(tuple(sorted(path.vertices[:, 1])) for part in bars for path in part.get_paths())
    rows = [{"g": g, "activation": phi} for g in (1.0, 2.0) for phi in ("tanh", "relu")]
    np.testing.assert_allclose(ends, sorted(mean_interval([value(row, i) for i in range(3)]) for row in rows))


def test_only_a_pooled_option_is_averaged_over_and_the_title_says_so(tmp_path, known):
    grid = {"g": [1.0, 2.0], "lr": [0.1, 0.3], "null": ["none", "degree"]}
    study = arranged(gather(make(tmp_path / "a", "spectrum", grid)), pool=("lr",))
    (figure,) = dict(grid_figures.grid_figures(study, "overview", PANEL)).values()
    expected = [np.mean([value({"g": g, "lr": lr, "null": null}, i) for lr in grid["lr"] for i in range(3)])
                for g in grid["g"] for null in grid["null"]]  # fmt: skip
    np.testing.assert_allclose(sorted(points(figure, "mean")), sorted(expected))
    assert "means over learning rate" in figure.get_suptitle().replace("\n", " ")
    bars = [part for axes in figure.axes for part in axes.collections if part.get_gid() == "interval"]
    ends = sorted(tuple(sorted(path.vertices[:, 1])) for part in bars for path in part.get_paths())
    values = [[np.mean([value({"g": g, "lr": lr, "null": null}, i) for lr in grid["lr"]]) for i in range(3)]
              for g in grid["g"] for null in grid["null"]]  # fmt: skip
    np.testing.assert_allclose(ends, sorted(map(mean_interval, values)))  # the runs of an iteration are one value


def test_random_samples_have_dots_and_no_means(tmp_path, known):
    grid = {"g": np.linspace(1, 2, 12).round(3).tolist(), "lr": np.linspace(0.1, 0.2, 12).round(3).tolist()}
    study = gather(make(tmp_path / "a", "spectrum", grid, iterations=1))
    keep = [group for place, group in enumerate(study.groups) if place % 13 == 0]  # the diagonal
    numbers = [combo.number for group in keep for combo in group.combos]
    study = replace(study, groups=keep, runs=study.runs[study.runs["number"].isin(numbers)])
    (figure,) = dict(grid_figures.grid_figures(study, "overview", PANEL)).values()
    assert not points(figure, "mean") and not points(figure, "means") and len(points(figure, "run")) == 24
    assert [axes.get_xlabel() for axes in figure.axes] == ["coupling g", "learning rate"]


def test_unbounded_runs_are_counted_in_the_panel_and_in_no_mean(tmp_path):
    ends = {(0, 0): ("unbounded", UNBOUNDED)}
    study = gather(make(tmp_path / "a", "spectrum", {"g": [2.0, 4.0]}, ends=ends))
    (figure,) = dict(grid_figures.grid_figures(study, "overview", PANEL)).values()
    assert figure.axes[0].get_title() == "left out: 1 unbounded"
    assert len(points(figure, "run")) == 5
    table = study.runs.query("status == 'complete'")
    expected = [part["lambda_max"].mean() for _, part in table.groupby("number")]
    np.testing.assert_allclose(sorted(points(figure, "mean")), sorted(expected))
    assert any("n = 2 to 3" in text for text in legend_texts(figure))


def test_runs_that_did_not_converge_are_hollow(tmp_path):
    study = gather(make(tmp_path / "a", "spectrum", {"g": [2.0, 4.0]}))  # iteration 2 never converges
    (figure,) = dict(grid_figures.grid_figures(study, "overview", PANEL)).values()
    hollow = [y for line in figure.axes[0].lines if line.get_gid() == "run" and line.get_markerfacecolor() == "white"
              for y in line.get_ydata()]  # fmt: skip
    np.testing.assert_allclose(sorted(hollow), sorted(study.runs.query("iteration == 2")["lambda_max"]))
    assert "not converged, or too short to tell" in legend_texts(figure)


@pytest.mark.parametrize(("seeds", "checksums", "pairs"), [((1, 1), "differ", 6), ((1, 2), "differ", 0),
                                                           ((1, 1), "equal", 0)])  # fmt: skip
def test_lines_join_pairs_alone(tmp_path, known, seeds, checksums, pairs):
    """Runs of equal iterations are pairs if both folders draw new networks from equal seeds."""
    folders = [make(tmp_path / name, "spectrum", {"g": [1.0, 2.0]}, seed=seed)
               for name, seed in zip("ab", seeds, strict=True)]  # fmt: skip
    study = gather(*folders)
    names = [row.label + (str(row.iteration) if checksums == "differ" else "") for row in study.runs.itertuples()]
    study = replace(study, runs=study.runs.assign(connectome_sha256=names))
    (figure,) = dict(grid_figures.grid_figures(study, "overview", PANEL)).values()
    assert sum(line.get_gid() == "pair" for line in figure.axes[0].lines) == pairs
    assert any("starts of one network" in text for text in legend_texts(figure)) == (checksums == "equal")


# pages and files


@pytest.mark.slow
def test_more_than_12_panels_become_pages(tmp_path, capsys, known):
    grid = {"g": [1.0, 2.0, 4.0], "activation": ["tanh", "relu", "erf"], "roi": ["EB", "PB"], "lr": [0.1, 0.2]}
    study = gather(make(tmp_path / "a", "spectrum", grid, iterations=1))
    pages = dict(spectra.dynamics_figures(study, None))
    layout = grid_layout.grid_layout(study)
    assert layout == ("g", ("activation",), ("lr", "roi"), (), ())
    assert list(pages) == ["overview"] and len(pages["overview"].axes) == 12
    more = gather(make(tmp_path / "b", "spectrum", grid | {"null": ["none", "degree"]}, iterations=1))
    pages = dict(spectra.dynamics_figures(more, None))
    assert list(pages) == ["overview", "overview_2", "overview_3", "overview_4"]  # of 9
    assert "36 panels on 4 pages" in capsys.readouterr().out
    assert all("page" in figure.get_suptitle() for figure in pages.values())


@pytest.mark.slow
def test_twelve_combos_of_two_folders_give_at_most_8_files(tmp_path):
    grid = {"g": [1, 2, 4], "null": ["none", "degree"], "activation": ["tanh", "relu"]}
    folders = [make(tmp_path / name, "spectrum", grid, iterations=2, k=6) for name in "ab"]
    out = tmp_path / "out"
    assert visualization.main(["--results_folders", *map(str, folders), "--save_figs", str(out)]) == 0
    files = [path.name for path in out.iterdir() if path.is_file()]
    assert "overview.png" in files and len(files) <= 8
    assert [path.name for path in out.iterdir() if path.is_dir()] == ["by_combo"]


def test_a_kind_without_an_overview_of_its_own_has_one_of_its_columns(tmp_path, known):
    study = gather(make(tmp_path / "a", "spectrum", {"g": [1.0, 2.0]}))
    row = FigureSet(metrics=("lambda_max",), overview=("lambda_max",), figures=())
    (figure,) = dict(row.overviews(study, None)).values()
    assert [axes.get_ylabel() for axes in figure.axes] == ["lambda max"]
    np.testing.assert_allclose(sorted(points(figure, "mean")), cell_means({"g": [1.0, 2.0]}))


# what is drawn of each quantity


def test_a_quantity_that_is_equal_in_all_runs_is_said_in_the_title_and_not_drawn(tmp_path, known):
    study = gather(make(tmp_path / "a", "spectrum", {"g": [1.0, 2.0]}))
    study = replace(study, runs=study.runs.assign(h_KS=0.0))
    panels = [*PANEL, Panel("h_KS", "entropy rate\nh$_\\mathrm{KS}$ (1/τ)")]
    (figure,) = dict(grid_figures.grid_figures(study, "overview", panels)).values()
    assert len(figure.axes) == 1 and figure.get_suptitle().endswith("entropy rate is 0 in all runs")


@pytest.mark.parametrize(("iterations", "apart"), [(1, False), (3, True)])
def test_single_runs_stand_at_their_value(tmp_path, known, iterations, apart):
    study = gather(make(tmp_path / "a", "spectrum", {"g": [1, 2], "null": ["none", "degree"]}, iterations=iterations))
    (figure,) = dict(grid_figures.grid_figures(study, "overview", PANEL)).values()
    places = {float(x) for line in figure.axes[0].lines if line.get_gid() == "run" for x in line.get_xdata()}
    assert (not places <= {1.0, 2.0}) == apart


def test_a_single_run_has_its_value_beside_its_dot(tmp_path, known):
    study = gather(make(tmp_path / "a", "spectrum", {}, iterations=1))
    (figure,) = dict(grid_figures.grid_figures(study, "overview", PANEL)).values()
    assert [text.get_text() for text in figure.axes[0].texts] == ["1"]  # value of g = 1, iteration 0


def test_intervals_lie_above_the_dots(tmp_path, known):
    study = gather(make(tmp_path / "a", "spectrum", {"g": [1.0, 2.0]}))
    (figure,) = dict(grid_figures.grid_figures(study, "overview", PANEL)).values()
    axes = figure.axes[0]
    dots = max(line.get_zorder() for line in axes.lines if line.get_gid() == "run")
    assert all(bar.get_zorder() > dots for bar in axes.collections if bar.get_gid() == "interval")


@pytest.mark.parametrize(("measured", "column"), [
    ([3.0, 4.0], "loss_measured_final"),
    ([np.nan, np.nan], "loss_final"),
    ([np.nan, 4.0], "loss_final"),  # one folder has none
])  # fmt: skip
def test_the_overview_of_a_training_has_the_loss_of_the_sentence(measured, column):
    runs = pd.DataFrame({"label": ["a", "b"], "status": "complete", "loss_final": [1.0, 2.0],
                         "loss_measured_final": measured})  # fmt: skip
    study = Study([], (), (), runs, ("a", "b"))
    loss, _ = of_spectral_training(study, None)
    assert loss.column == column == headline_of(study, FIGURES[ON_SPECTRUM].headlines).column
