"""Figures of the kinds spectrum, transition, convergence and benchmark, on made-up results folders."""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import visualization
from randomnet import plotting, theory
from randomnet.comparison.intervals import mean_interval
from randomnet.comparison.matching import read_combos
from randomnet.figures import FIGURES, benchmark, convergence, spectra
from randomnet.figures import transition as transitions
from randomnet.figures.grid_layout import option_numbers
from randomnet.figures.option_words import option_label
from randomnet.kinds.benchmark.stopwatch import BUSY
from randomnet.plotting import Panel, Series, style
from tests.support.spectral_folders import LOST, RUNS, SHORT, UNBOUNDED, N, benchmark_run, gather, lambda_max, make


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Coarse pictures; a warning of numpy, pandas or matplotlib is an error."""
    monkeypatch.setitem(style.STYLE, "savefig.dpi", 40)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def draw(tmp_path, *folders) -> tuple[set[str], Path]:
    out = tmp_path / "figs"
    assert visualization.main(["--results_folders", *map(str, folders), "--save_figs", str(out)]) == 0
    return {path.name for path in out.iterdir()} - {"report.html"}, out


def panels_of(rows, panels, series, groups=(), **facet):
    """A figure of one facet, in which each series and x is a cell."""
    table = pd.DataFrame(rows)
    table = table.assign(facet=0, cell=table["series"].astype(str) + table["x"].astype(str))
    values = () if groups else tuple(sorted(set(table["x"])))
    return plotting.grid_panels(table, panels, series, [plotting.Facet(groups=tuple(groups), values=values, **facet)],
                                mean_interval)  # fmt: skip


def bold(axes):
    return [line for line in axes.lines if line.get_linewidth() == style.STYLE["lines.linewidth"]]


def legend_texts(figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


# kind = spectrum


def test_spectra_of_all_values_of_a_numeric_option_are_one_figure_in_shades_of_one_scale(tmp_path):
    root = make(tmp_path / "a", "spectrum", {"g": [2.0, 0.5, 10], "roi": ["EB", "PB"]})
    figures = dict(spectra.spectrum_figures(gather(root), None))
    assert list(figures) == ["spectra_by_g_roi=EB", "spectra_by_g_roi=PB"]
    axes = figures["spectra_by_g_roi=EB"].axes[0]
    lines = bold(axes)
    for line, g in zip(lines, [0.5, 2.0, 10.0], strict=True):  # in their order
        np.testing.assert_allclose(line.get_xdata(), np.arange(1, N + 1) / N)
        np.testing.assert_allclose(line.get_ydata(), lambda_max(g, 1) - np.arange(N) / N)
    assert [line.get_color() for line in lines] == [Series("", shade=shade).color for shade in (0.0, 0.5, 1.0)]
    assert len(axes.collections) == 3  # bands
    assert legend_texts(figures["spectra_by_g_roi=EB"]) == [
        f"g = {g} (1\u00a0of\u00a03\u00a0not\u00a0converged)" for g in ("0.5", "2.0", "10")]
    assert figures["spectra_by_g_roi=EB"].get_suptitle().replace("\n", " ").replace("\u00a0", " ") == (
        "a: random (synthetic), roi = EB, 3 of 9 runs not converged")


def test_folders_differ_in_dash_where_the_colour_is_the_value(tmp_path):
    one, two = (make(tmp_path / name, "spectrum", {"g": [1.0, 2.0]}) for name in ("one", "two"))
    (figure,) = dict(spectra.spectrum_figures(gather(one, two), None)).values()
    looks = [(line.get_color(), line.get_linestyle()) for line in bold(figure.axes[0])]
    assert len(set(looks)) == 4 and len({color for color, _ in looks}) == 2 and len({dash for _, dash in looks}) == 2
    assert legend_texts(figure)[2:] == ["one: random (synthetic)", "two: random (synthetic)"]


def test_many_shades_are_not_all_named(tmp_path):
    root = make(tmp_path / "a", "spectrum", {"g": [round(0.1 * i, 1) for i in range(1, 31)]}, iterations=1, k=3)
    (figure,) = dict(spectra.spectrum_figures(gather(root), None)).values()
    texts = legend_texts(figure)
    assert len(bold(figure.axes[0])) == 30 and len(texts) == 12 and texts[0] == "g = 0.1" and texts[-1] == "g = 3.0"


def test_exponents_that_no_axis_can_show_are_counted_and_diverged_runs_too():
    falling = np.array([0.5, -1.0, -np.inf, -np.inf])
    runs = {"a": [(falling, np.zeros(4), 4), (np.array([0.5, -1.0, -2.0, -3.0]), np.zeros(4), 4)]}
    figure = plotting.spectra({"": runs}, {}, [Series("a")], notes={"a": " (1\u00a0diverged, left out)"})
    said = figure.legends[0].get_title().get_text().replace("\n", " ")
    assert "2 exponents at −∞ are not drawn (in 1 of 2 runs)" in said
    assert legend_texts(figure)[0].replace("\u00a0", " ") == "a, 2 runs (1 diverged, left out)"


def test_without_a_numeric_option_a_figure_per_combo(tmp_path):
    root = make(tmp_path / "a", "spectrum", {"roi": ["EB", "PB"]}, iterations=1, lacking=[(1, 0)])
    figures = dict(spectra.spectrum_figures(gather(root), None))
    assert list(figures) == ["spectra_roi=EB"]
    assert "standard error of the estimate" in figures["spectra_roi=EB"].legends[0].get_title().get_text()
    corners = figures["spectra_roi=EB"].axes[0].collections[0].get_paths()[0].vertices
    first = lambda_max(2.0, 0)
    assert {round(y, 9) for x, y in corners if x == 1 / N} >= {round(first - 0.02, 9), round(first + 0.02, 9)}


def test_the_overview_shows_every_run_the_mean_and_its_interval(tmp_path):
    root = make(tmp_path / "a", "spectrum", {"g": [2.0, 1.0, 4.0]})
    figures = dict(spectra.dynamics_figures(gather(root), None))
    assert list(figures) == ["overview"] and len(figures["overview"].axes) == 3
    axes = figures["overview"].axes[0]
    means = [(x, y) for line in axes.lines if line.get_gid() == "mean" for x, y in line.get_xydata()]
    np.testing.assert_allclose(means, [(g, lambda_max(g, 1)) for g in (1, 2, 4)])
    dots = [line for line in axes.lines if line.get_gid() == "run"]
    hollow = [line for line in dots if line.get_markerfacecolor() == "white"]
    assert sorted(float(y) for line in hollow for y in line.get_ydata()) == [lambda_max(g, 2) for g in (1, 2, 4)]
    assert sum(len(line.get_ydata()) for line in dots) == 9
    intervals = [part for part in axes.collections if part.get_gid() == "interval"]
    ends = sorted(y for part in intervals for path in part.get_paths() for y in path.vertices[:, 1])
    expected = [end for g in (1, 2, 4) for end in mean_interval([lambda_max(g, i) for i in range(3)])]
    np.testing.assert_allclose(ends, sorted(expected))
    assert [axes.get_ylabel().split("\n")[0] for axes in figures["overview"].axes] == [
        "largest Lyapunov exponent", "Kaplan-Yorke dimension", "entropy rate"]


def test_other_options_are_panels_and_labels_are_colours(tmp_path):
    one, two = (make(tmp_path / name, "spectrum", {"g": [1, 100], "roi": ["EB", "PB"]}) for name in ("one", "two"))
    (figure,) = dict(spectra.dynamics_figures(gather(one, two), None)).values()
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["region of interest = EB", "region of interest = PB", *[""] * 4]
    assert {axes.get_xscale() for axes in figure.axes} == {"log"}  # 1 to 100
    assert len({line.get_color() for line in figure.axes[0].lines if line.get_gid() == "run"}) == 2



def test_pooled_runs_of_an_iteration_are_one_value_of_the_mean_and_its_interval():
    """The runs of an iteration share its seed: ten combos of three iterations are three values, not thirty."""
    rows = [{"series": "a", "x": 1.0, "iteration": i, "status": "complete", "y": 10 * i + combo - 4.5}
            for i in range(3) for combo in range(10)]  # fmt: skip
    axes = panels_of(rows, [Panel("y", "y", least=0.0)], [Series("a")]).axes[0]
    assert [list(line.get_ydata()) for line in axes.lines if line.get_gid() == "mean"] == [[10.0]]
    assert sum(len(line.get_ydata()) for line in axes.lines if line.get_gid() == "run") == 30
    ends = [y for part in axes.collections for path in part.get_paths() for y in path.vertices[:, 1]]
    low, high = mean_interval([0.0, 10.0, 20.0])
    assert low < 0 and ends == [0.0, high]  # cut at the least
    assert axes.get_ylim()[0] == 0


def test_an_iteration_of_which_a_combo_diverged_is_the_mean_of_the_others():
    table = {"series": "a", "x": 1.0, "iteration": [0, 0, 1, 1], "y": [1.0, 3.0, 8.0, 1e9],
             "status": ["complete", "complete", "complete", "diverged"]}  # fmt: skip
    axes = panels_of(table, [Panel("y", "y")], [Series("a")]).axes[0]
    assert next(line for line in axes.lines if line.get_gid() == "mean").get_ydata()[0] == 5.0
    assert not axes.collections and axes.get_ylim()[1] < 10  # two iterations have no interval, however many runs


def test_values_that_are_all_zero_have_an_axis_from_zero():
    table = {"series": "a", "x": [1.0, 2.0], "iteration": 0, "status": "complete", "y": 0.0}
    axes = panels_of(table, [Panel("y", "y", least=0.0)], [Series("a")]).axes[0]
    assert axes.get_ylim() == (0, 1)


def test_long_names_of_groups_do_not_run_into_each_other():
    series = [Series(f"LARVA_MB_{side}", number) for number, side in enumerate(("LEFT", "RIGHT"))]
    rows = [{"series": one.text, "x": float(x), "iteration": i, "status": "complete", "y": float(i)}
            for x, one in enumerate(series) for i in range(3)]  # fmt: skip
    names = [one.text for one in series]
    by_label = panels_of(rows, [Panel("y", "y")] * 3, series, names)
    assert not any(len(axes.get_xticks()) for axes in by_label.axes)
    assert [text.split(",")[0] for text in legend_texts(by_label)[:2]] == names
    by_option = panels_of(rows, [Panel("y", "y")] * 3, series[:1], names)
    by_option.draw_without_rendering()
    assert {label.get_rotation() for axes in by_option.axes for label in axes.get_xticklabels()} == {30}


def test_a_panel_says_how_many_runs_have_no_value(tmp_path):
    ends = {(0, 1): ("complete", {"D_KY": None}), (1, 0): ("diverged", LOST)}
    study = gather(make(tmp_path / "a", "spectrum", {"g": [2.0, 4.0]}, ends=ends))
    figure = dict(spectra.dynamics_figures(study, None))
    titles = [axes.get_title().replace("\n", " ") for axes in figure["overview"].axes]
    assert titles == ["left out: 1 diverged", "left out: 1 diverged, 1 not determined", "left out: 1 diverged"]


def test_a_mean_with_a_lower_bound_in_it_is_marked_as_one_and_has_no_upper_interval():
    table = pd.DataFrame({"series": "a", "x": [0.0] * 3 + [1.0] * 3, "iteration": [0, 1, 2] * 2, "status": "complete",
                          "y": [1.0, 2.0, 3.0, 4.0, 5.0, 9.0], "low": [0, 0, 0, 0, 1, 0]})  # fmt: skip
    panel = Panel("y", "y", bound="low", bound_text="lower bound (partial spectrum)")
    figure = panels_of(table, [panel], [Series("a")], ["p", "q"])
    axes = figure.axes[0]
    marked = {str(line.get_marker())[:4] if isinstance(line.get_marker(), str) else "path" + str(line.get_color()):
              list(zip(line.get_xdata(), line.get_ydata(), strict=True)) for line in axes.lines
              if line.get_linestyle() == "None"}  # fmt: skip
    assert marked["_"] == [(0.0, 2.0)] and marked["pathk"] == [(1.0, 6.0)]
    assert [y for _, y in marked[f"path{Series('a').color}"]] == [5.0]
    spans = sorted(sorted(path.vertices[:, 1]) for part in axes.collections for path in part.get_paths())
    bound = mean_interval([4.0, 5.0, 9.0])[0]
    np.testing.assert_allclose(spans, sorted([mean_interval([1.0, 2.0, 3.0]), (min(bound, 6.0), 6.0)]))
    texts = legend_texts(figure)
    assert "lower bound (partial spectrum)" in texts and "mean including lower bounds, interval open above" in texts
    whole = panels_of(table.assign(low=0), [panel], [Series("a")], ["p", "q"])
    assert not any("bound" in text for text in legend_texts(whole))


def test_a_partial_spectrum_has_no_dimension_and_a_bound_of_the_entropy(tmp_path):
    root = make(tmp_path / "a", "spectrum", {"g": [2.0, 4.0]}, k=5, lacking=[(0, 0), (1, 0), (1, 1)])
    files, out = draw(tmp_path, root)
    assert files == {"by_combo", "overview.png", "tests.csv", "means.csv", "spread.csv"}
    assert [path.name for path in (out / "by_combo").iterdir()] == ["spectra_by_g.png"]
    figure = dict(spectra.dynamics_figures(gather(root), None))["overview"]
    assert [axes.get_ylabel().split("\n")[0] for axes in figure.axes] == ["largest Lyapunov exponent", "entropy rate"]
    assert "lower bound (partial spectrum)" in legend_texts(figure)
    table = pd.read_csv(out / "means.csv").set_index(["combo", "metric"])
    assert table.loc[("g=2.0", "lambda_max"), "n"] == 2 and ("g=2.0", "D_KY") not in table.index
    assert "converged" not in table.index.get_level_values("metric")


def test_nothing_finished_draws_nothing(tmp_path):
    for kind in RUNS:
        lacking = [(0, iteration) for iteration in range(3)]
        files, _ = draw(tmp_path / kind, make(tmp_path / kind / "a", kind, {"g": [1.0]}, lacking=lacking))
        assert files == {"tests.csv", "means.csv", *FIGURES[kind].tables}


def test_what_is_a_number_and_its_unit(tmp_path):
    grid = {"nle": ["5%", "10%"], "n": ["200", 1e2], "tsim": [10, 20], "roi": ["EB", "7"], "keep_diag": [True, False]}
    combos = read_combos(make(tmp_path / "a", "spectrum", grid, iterations=0), "a", 0)
    assert list(option_numbers(combos, "nle").values()) == [5, 10]
    assert option_label(combos, "nle", True) == "number of exponents (%)"
    assert list(option_numbers(combos, "n").values()) == [100, 200]
    assert option_label(combos, "tsim") == "averaging time (τ)"
    assert not option_numbers(combos, "roi") and not option_numbers(combos, "keep_diag")


# kind = transition


def test_the_figure_and_the_table_of_a_transition(tmp_path, capsys):
    grid = {"g": [0.4, 0.8, 1.6, 2.4], "n": [20, 40]}
    root = make(tmp_path / "a", "transition", grid, k=1, lacking=[(1, 0)])
    files, out = draw(tmp_path, root)
    assert files == {"overview.png", "by_combo", "transition.csv", "transition_differences.csv", "tests.csv",
                     "means.csv", "spread.csv"}  # fmt: skip
    table = pd.read_csv(out / "transition.csv")
    columns = ["label", "options", "g_c", "interval_low", "interval_high", "samples", "unbounded", "diverged"]
    assert list(table.columns) == [*columns, "unbounded_from", "note"] and table["note"].isna().all()
    assert list(table["options"]) == ["n=20", "n=40"] and list(table["samples"]) == [12, 11]
    np.testing.assert_allclose(table["g_c"], 1.2)
    assert ((table["interval_low"] < 1.2) & (table["interval_high"] > 1.2)).all()
    overview = dict(transitions.transition_overview(gather(root), None))["overview"]
    places = [line.get_xdata()[0] for line in overview.axes[0].lines if line.get_gid() == "crossing"]
    np.testing.assert_allclose(places, [1.2, 1.2])
    assert sum("crosses 0 at 1.2 (1.12 to 1.28)" in text for text in legend_texts(overview)) == 2
    figure = dict(transitions.transition_figures(gather(root), None))["transition"]
    lines = figure.axes[0].lines
    medians = [line for line in lines if line.get_marker() == "D"]
    np.testing.assert_allclose(medians[0].get_xdata(), grid["g"])
    np.testing.assert_allclose(medians[0].get_ydata(), [lambda_max(g, 1) for g in grid["g"]])
    crossings = [line for line in lines if list(line.get_ydata()) == [0, 1]]  # vertical
    np.testing.assert_allclose([line.get_xdata()[0] for line in crossings], 1.2)
    assert len(figure.axes[0].patches) == 2  # the intervals
    assert "median" in legend_texts(figure)
    curve = next(line for line in lines if line.get_color() == "k")
    low, high = figure.axes[0].get_ylim()
    assert low < curve.get_ydata().min() and curve.get_ydata().max() < high
    assert figure.get_suptitle().replace("\u00a0", " ") == f"N = {N} neurons"
    assert "lambda_max, median" in (seen := capsys.readouterr().out) and "g_c" in seen
    expected = [theory.largest_exponent(float(g), 0.1) for g in curve.get_xdata()]
    np.testing.assert_allclose(curve.get_ydata(), expected)
    assert legend_texts(figure)[0].startswith("n = 20: $g_c$\u00a0=\u00a01.20\u00a0[1.1")
    assert "N → ∞ (theory)" in legend_texts(figure)


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({}, {0.1}),
        ({"model.activation": "tanh_stretched", "model.integrator": "rk4"}, {0.0}),
        ({"model.integrator": "euler", "net.parameter": "weights", "model.dt": 1.0}, {1.0}),
        ({"net.roi": "EB"}, set()),
        ({"model.activation": "relu"}, set()),
        ({"net.parameter": "gain"}, set()),
        ({"net.normalization": "spectral_radius"}, set()),
        ({"model.tau": 2.0}, set()),
        ({"model.tau": 1.0}, {0.1}),
        ({"paths.pretrained": "results/x"}, set()),
        ({"paths.pretrained": None}, {0.1}),
        ({"trialparams.task_name": "seq_mem"}, set()),
        ({"trialparams.task_name": "none", "net.parameter": "weights + gains"}, set()),
        ({"trialparams.task_name": "none"}, {0.1}),
    ],
)
def test_theory_only_where_it_holds(tmp_path, monkeypatch, settings, steps):
    asked = set()
    monkeypatch.setattr(theory, "largest_exponent", lambda g, dt: asked.add(dt) or 0.0)
    study = gather(make(tmp_path / "a", "transition", {"g": [1.0, 2.0]}, k=1, settings=settings))
    figure = dict(transitions.transition_figures(study, None))["transition"]
    assert asked == steps
    assert ("N → ∞ (theory)" in legend_texts(figure)) == bool(steps)


@pytest.mark.slow
def test_a_transition_that_is_not_there_is_said_to_be_none(tmp_path):
    root = make(tmp_path / "a", "transition", {"g": [2.0, 3.0]}, k=1)
    figure = dict(transitions.transition_figures(gather(root), None))["transition"]
    assert "no crossing from below" in legend_texts(figure)[0] and not figure.axes[0].patches
    table = transitions.transition_table(gather(root))
    assert table["g_c"].isna().all() and list(table["samples"]) == [6]


def test_a_crossing_into_unbounded_growth_is_no_transition_to_chaos(tmp_path):
    grid = {"g": [0.4, 0.8, 1.6, 2.4]}
    ends = {(2, 0): ("unbounded", UNBOUNDED), (2, 1): ("unbounded", UNBOUNDED), (3, 0): ("diverged", LOST)}
    ends |= {(3, iteration): ("unbounded", UNBOUNDED) for iteration in (1, 2)}
    study = gather(make(tmp_path / "a", "transition", grid, k=1, ends=ends))
    row = transitions.transition_table(study).iloc[0]
    assert pd.isna(row["g_c"]) and (row["samples"], row["unbounded"], row["diverged"]) == (6, 4, 1)
    assert row["unbounded_from"] == 1.6 and row["note"] == "no transition to chaos: growth is unbounded from g = 1.6"
    figure = dict(transitions.transition_figures(study, None))["transition"]
    said = legend_texts(figure)[0].replace("\u00a0", " ").replace("\n", " ")
    assert "no transition to chaos: growth is unbounded from g = 1.6" in said
    assert "1 diverged, left out" in said and "4 unbounded, left out" in said
    assert next(line.get_ydata().tolist() for line in figure.axes[0].lines if line.get_marker() == "D") == [
        lambda_max(g, 1) for g in (0.4, 0.8)
    ]


def test_a_transition_of_which_every_run_is_unbounded_is_drawn_and_said(tmp_path):
    ends = {(combo, iteration): ("unbounded", UNBOUNDED) for combo in range(2) for iteration in range(3)}
    study = gather(make(tmp_path / "a", "transition", {"g": [2.0, 3.0]}, k=1, ends=ends))
    assert "growth is unbounded from g = 2" in legend_texts(
        dict(transitions.transition_figures(study, None))["transition"]
    )[0].replace("\u00a0", " ").replace("\n", " ")
    row = transitions.transition_table(study).iloc[0]
    assert (row["samples"], row["unbounded"]) == (0, 6) and pd.isna(row["g_c"])


@pytest.mark.slow
def test_unbounded_runs_are_in_no_mean_and_counted_everywhere(tmp_path, capsys):
    ends = {(0, 0): ("unbounded", UNBOUNDED), (0, 2): ("complete", SHORT)}
    root = make(tmp_path / "a", "spectrum", {"g": [2.0, 4.0]}, ends=ends)
    study = gather(root)
    axes = dict(spectra.dynamics_figures(study, None))["overview"].axes[0]
    means = [float(y) for line in axes.lines if line.get_gid() == "mean" for y in line.get_ydata()]
    np.testing.assert_allclose(means, [np.mean([lambda_max(2.0, i) for i in (1, 2)]), lambda_max(4.0, 1)])
    assert axes.get_title() == "left out: 1 unbounded"
    texts = legend_texts(dict(spectra.spectrum_figures(study, None))["spectra_by_g"])
    texts = [text.replace("\u00a0", " ").replace("\n", " ") for text in texts]
    assert any("1 of 2 too short to tell, 1 unbounded, left out" in text for text in texts)
    draw(tmp_path, root)
    said = capsys.readouterr().out
    assert "a: 1 of 6 runs unbounded, left out: combo 0 iteration 0" in said
    row = re.search(r"g=2.0 +a +2/3 +1 +0 +1 +([\d.]+)", said)
    assert float(row[1]) == pytest.approx(np.mean([lambda_max(2.0, i) for i in (1, 2)]))
    table = pd.read_csv(tmp_path / "figs" / "means.csv")
    lambdas = table[(table["metric"] == "lambda_max") & (table["combo"] == "g=2.0")].iloc[0]
    assert (lambdas["n"], lambdas["unbounded"], lambdas["diverged"]) == (2, 1, 0)


def test_errors_of_dimension_and_entropy_are_drawn_where_a_folder_has_them(tmp_path):
    ends = {(0, 1): ("complete", {"D_KY_stderr": 0.25, "h_KS_stderr": 0.1, "h_KS_low": 0.3, "h_KS_high": 0.7})}
    study = gather(make(tmp_path / "a", "spectrum", {"g": [2.0, 4.0]}, ends=ends))
    panels = dict(spectra.dynamics_figures(study, None))["overview"].axes
    bars = [[part for part in axes.collections if part.get_gid() == "standard errors"] for axes in panels]
    assert [sum(len(part.get_paths()) for part in some) for some in bars] == [6, 1, 1]
    np.testing.assert_allclose(bars[1][0].get_paths()[0].vertices[:, 1], [4.5, 5.5])
    np.testing.assert_allclose(bars[2][0].get_paths()[0].vertices[:, 1], [0.3, 0.7])  # as the folder has them


# kind = convergence


def test_convergence_has_a_panel_per_interval_and_a_colour_per_exponent(tmp_path):
    root = make(tmp_path / "a", "convergence", {"tons": ["adaptive", 2.0, 0.1]}, iterations=2, k=6, lacking=[(1, 1)])
    figures = dict(convergence.convergence_figures(gather(root), None))
    assert list(figures) == ["convergence_iter_0", "convergence_iter_1"]
    titles = [[axes.get_title() for axes in figure.axes] for figure in figures.values()]
    assert titles[0] == ["tons = 0.1 τ", "tons = 2 τ", "tons = adaptive (0.2–0.7 τ)"]
    assert titles[1] == ["tons = 0.1 τ", "tons = adaptive (0.2–0.7 τ)"]
    axes = figures["convergence_iter_0"].axes[0]
    means = bold(axes)
    assert [line.get_ydata()[-1] for line in means] == pytest.approx([0.6, 0.4, 0.2])  # exponents 1, 3, 5 of 6
    thin = [line for line in axes.lines if line.get_color() == means[0].get_color() and line not in means]
    assert [line.get_ydata()[-1] for line in thin] == pytest.approx([0.5, 0.6, 0.7])
    band = axes.collections[0].get_paths()[0].vertices
    assert {round(y, 6) for x, y in band if x == 100} == {0.5, 0.7}  # the spread over starts exceeds 0.05
    assert legend_texts(figures["convergence_iter_0"])[:3] == ["λ$_{1}$", "λ$_{3}$", "λ$_{5}$"]


@pytest.mark.parametrize(("apart", "differ"), [(0.27, False), (0.29, True)])
def test_starts_that_end_at_different_exponents_have_no_mean(apart, differ):
    """Standard errors of 0.0667: three of a difference are 0.283. The second exponent is the same of both starts."""
    ends = np.array([[1.0, 0.0], [1.0 + apart, 0.0]])
    estimates = np.broadcast_to(ends[:, None], (2, 5, 2))
    running = plotting.Running("tons = 1 τ", np.arange(1.0, 6.0), estimates, np.full((2, 5, 2), 0.2 / 3))
    figure = plotting.convergence([running], (0, 1))
    axes = figure.axes[0]
    assert [line.get_ydata()[-1] for line in bold(axes)] == pytest.approx([0.0] if differ else [1 + apart / 2, 0.0])
    assert len(axes.collections) == (1 if differ else 2)  # bands
    single = [line.get_ydata()[-1] for line in axes.lines if line not in bold(axes) and len(line.get_ydata()) == 5]
    assert single == pytest.approx([1.0, 1.0 + apart, 0.0, 0.0])
    assert axes.get_title() == "tons = 1 τ" + ("\ninitial states differ: no mean of λ$_{1}$" if differ else "")
    assert figure.legends[0].get_title().get_text().startswith("exponents 1, 2 of 2;")


def test_one_start_has_its_own_standard_error(tmp_path):
    times = np.arange(1.0, 4.0)
    estimates = np.array([1.0, 0.8, 0.7]).reshape(1, 3, 1)
    errors = np.array([np.nan, 0.2, 0.1]).reshape(1, 3, 1)
    figure = plotting.convergence([plotting.Running("", times, estimates, errors)], (0, 2))
    band = np.concatenate([path.vertices for path in figure.axes[0].collections[0].get_paths()])
    assert {round(y, 6) for x, y in band if x == 3} == {0.6, 0.8} and band[:, 0].min() == 2.0
    assert legend_texts(figure) == ["λ$_{1}$"]


def test_more_than_four_intervals_take_several_rows(tmp_path):
    root = make(tmp_path / "a", "convergence", {"tons": [0.1, 0.2, 0.5, 1.0, 2.0]}, iterations=1, k=1)
    (figure,) = dict(convergence.convergence_figures(gather(root), None)).values()
    assert len(figure.axes) == 5 and len({axes.get_subplotspec().rowspan.start for axes in figure.axes}) == 2
    assert len({axes.get_ylim() for axes in figure.axes}) == 1


# kind = benchmark


def test_benchmark_draws_seconds_and_products_log_log_and_names_the_machine(tmp_path):
    root = make(tmp_path / "a", "benchmark", {"n": [100, 200, 400], "nle": ["10%", "20%"]}, machine="Linux $x")
    figures = dict(benchmark.seconds_figures(gather(root), None))
    (figure,) = figures.values()
    assert figure.get_suptitle().endswith(r"on Linux \$x") and len(figure.axes) == 2
    axes = figure.axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    solid = next(line for line in axes.lines if line.get_gid() == "means")
    dashed = next(line for line in axes.lines if line.get_gid() == "reference")
    np.testing.assert_allclose(solid.get_ydata(), 2e-6 * np.array([100, 200, 400.0]) ** 2)
    np.testing.assert_allclose(dashed.get_ydata(), 1e-6 * np.array([100, 200, 400.0]) ** 2)
    texts = [text.replace("\u00a0", " ") for text in legend_texts(figure)[:2]]
    assert texts == ["number of exponents = 10%, n = 3", "number of exponents = 20%, n = 3"]


def test_a_benchmark_of_a_busy_machine_says_so_and_old_folders_say_nothing(tmp_path, monkeypatch):
    def disturbed(values, iteration, k):
        arrays, summary = benchmark_run(values, iteration, k)
        return arrays, summary | {"busy_share": [0.01, 0.3, 0.42][iteration]}

    grid = {"n": [100, 200]}
    assert benchmark.busy_text(gather(make(tmp_path / "old", "benchmark", grid, machine="Linux"))) == ""
    monkeypatch.setitem(RUNS, "benchmark", disturbed)
    study = gather(make(tmp_path / "busy", "benchmark", grid, machine="Linux"))
    expected = "on Linux; disturbed by other processes in 4 of 6 runs (up to 42% of the wall time)"
    title = dict(benchmark.seconds_figures(study, None))["overview"].get_suptitle()
    assert expected in title.replace("\n", " ")
    assert benchmark.BUSY == BUSY


def test_a_benchmark_without_a_grid_or_machine(tmp_path):
    files, _ = draw(tmp_path, make(tmp_path / "a", "benchmark", iterations=1))
    assert files == {"overview.png", "tests.csv", "means.csv"}


# all kinds


def test_kinds_do_not_mix(tmp_path, capsys):
    one, two = make(tmp_path / "one", "spectrum", {"g": [1.0]}), make(tmp_path / "two", "transition", {"g": [1.0]})
    out = tmp_path / "out"
    assert visualization.main(["--results_folders", str(one), str(two), "--save_figs", str(out)]) == 2
    error = capsys.readouterr().err
    assert "got spectrum (one), transition (two)" in error and error.count("\n") == 1 and not out.exists()
