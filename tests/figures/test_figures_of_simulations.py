"""Figures of kind = simulate on made-up results folders, and the plots they are made of."""

import itertools
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import runrandomnet
import visualization
from randomnet import plotting
from randomnet.bump import bump
from randomnet.command_line import figures as figures_command
from randomnet.description import groups_of
from randomnet.figures import FIGURES, example_networks, simulate
from randomnet.figures.option_words import option_label
from randomnet.plotting import Activity, BumpCourse, HeatMap, Stimulus, style
from randomnet.plotting.activity import _lanes, _unbroken
from randomnet.plotting.blocks import profile
from randomnet.results import ResultsFolder, write_arrays
from randomnet.synthetic.populations import Kernel, Populations, population_network

SIZES = {"E": 60, "I": 20}
TIMES = 0.05 + 0.1 * np.arange(40)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Coarse pictures; a warning of numpy, pandas or matplotlib is an error."""
    monkeypatch.setitem(style.STYLE, "savefig.dpi", 40)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def rate(population, values, iteration):
    """Hz, what the made-up runs measure."""
    g, k = float(values.get("g", 1)), float(values.get("k", 100))
    return (g + k / 100) * (1 if population == "E" else 2) + 0.1 * (iteration - 1)


def simulated(values, iteration, decoded, events):
    """Arrays and summary of a run: a bump in E while 1 <= t < 3 that moves through 360 degrees."""
    angles = 2 * np.pi * np.arange(SIZES["E"]) / SIZES["E"]
    height = 0.5 * ((TIMES > 1) & (TIMES < 3))[None, :, None]
    phases = np.radians(340 + 15 * (TIMES - 1))[None, :, None] + 0.1 * np.arange(3)[:, None, None]
    e = rate("E", values, iteration) * (1 + height * np.cos(angles - phases))
    i = rate("I", values, iteration) * (1 + 0 * height) * np.ones(SIZES["I"]) * np.ones((3, 1, 1))
    rates = np.concatenate([e, i], axis=2).astype(np.float32)
    parts = [rates[:, :, :60], rates[:, :, 60:]]
    arrays = {"times": TIMES, "rates": rates, "population": np.repeat([0, 1], [60, 20]),
              "populations": np.array(list(SIZES)), "rates_mean": np.stack([part.mean(2) for part in parts]),
              "rates_sd": np.stack([part.std(2) for part in parts])}  # fmt: skip
    summary = {f"rate_{name}": rate(name, values, iteration) for name in SIZES}
    summary |= {"theory_E": 0.9 * rate("E", values, 1), "theory_I": None, "neurons": 80, "seconds": 1.0}
    if decoded:
        found = bump(rates[:, :, :60])
        arrays |= {"bump_mean": found.mean, "bump_amplitude": found.amplitude, "bump_phase": found.phase}
        summary |= {"bump_mean": 2.0, "bump_amplitude": 1.0, "bump_modulation": 0.5 * float(values.get("g", 1)),
                    "bump_phase": 1.0}  # fmt: skip
    if events:
        arrays |= {"event_onset": np.array([1.0, 1.5]), "event_offset": np.array([3.0, 2.0]),
                   "event_population": np.array(["E", "I"]), "event_label": np.array(["cosine, 340°", "constant"])}
    return arrays, summary


def make(root: Path, grid=None, iterations=2, decoded=True, events=True, lacking=(), unit="s") -> Path:
    """A results folder; `lacking` are the (combo, iteration) that have not ended."""
    grid, combos = grid or {}, []
    for number, row in enumerate(itertools.product(*grid.values())):
        about = {"name": "populations", "synthetic": True, "neurons": 80}
        values = dict(zip(grid, row, strict=True))
        settings = {"net.source": "populations", "dynamics.time_unit": unit}
        combos.append({"combo": number, "values": values, "settings": settings, "connectome": about})
    folder = ResultsFolder(root)
    folder.write_plan({"format": 1, "kind": "simulate", "name": root.name, "seed": 1, "iterations": iterations,
                       "varied": list(grid), "combos": combos}, "[results]\n")  # fmt: skip
    for combo, iteration in itertools.product(combos, range(iterations)):
        if (combo["combo"], iteration) not in lacking:
            run = folder.run(combo["combo"], iteration)
            run.create()
            arrays, summary = simulated(combo["values"], iteration, decoded, events)
            write_arrays(run.path / "arrays.npz", arrays | {"time_unit": np.array(unit)})
            run.finish({"combo": combo["combo"], "iteration": iteration, "seed": iteration, "status": "complete",
                        "summary": summary})  # fmt: skip
    return root


def gather(*folders):
    return figures_command.gather(figures_command.parse(["--results_folders", *map(str, folders), "--save_figs", "x"]))


def texts(axes):
    return [text.get_text().strip() for text in axes.texts]


# ---- the folder's figures


@pytest.mark.slow
def test_the_whole_command(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(example_networks, "MOST", 1)
    root = make(tmp_path / "ring", {"g": [1.0, 3.0], "k": [100, 200]})
    out = tmp_path / "figs"
    assert visualization.main(["--results_folders", str(root), "--save_figs", str(out)]) == 0
    names = {path.name for path in out.iterdir()} - {"report.html"}
    assert names == {"tests.csv", "means.csv", "overview.png", "by_combo"}
    by_combo = {path.name for path in (out / "by_combo").iterdir()}
    assert by_combo == {"activity_g=1.0_k=100.png", "maps.png", "bump_maps.png"}
    table = pd.read_csv(out / "means.csv")
    rows = table[(table["metric"] == "rate_I") & (table["k"] == 200) & (table["g"] == 3)]
    assert rows["mean"].item() == pytest.approx(2 * (3 + 2) - 0.05) and rows["n"].item() == 2
    said = capsys.readouterr().out
    assert not (table["metric"] == "theory_I").any() and "rate_E" in said
    assert "activity: drawn for the first 1 of 4 combos; --filter selects others" in said


def test_rates_have_the_theory_beside_them(tmp_path):
    study, kind = gather(make(tmp_path / "a", {"g": [1.0, 2.0]}))
    assert kind.metrics[:3] == ("rate_E", "rate_I", "theory_E") and kind.metrics[3:] == (
        "theory_I", *FIGURES["simulate"].metrics)  # fmt: skip
    (figure,) = dict(kind.first_figures(study, None)).values()
    e, i = figure.axes[:2]
    beside = [line for line in e.lines if line.get_marker() == "D"]
    assert [list(line.get_ydata()) for line in beside] == [[pytest.approx(0.9 * 2), pytest.approx(0.9 * 3)]]
    assert not [line for line in i.lines if line.get_marker() == "D" and len(line.get_ydata())]
    said = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "mean-field theory" in said and "matrix products alone" not in said


def test_many_populations_are_several_figures(tmp_path, monkeypatch):
    monkeypatch.setattr(simulate, "MOST_RATES", 1)
    study, kind = gather(make(tmp_path / "a", iterations=1))
    (overview,) = dict(kind.first_figures(study, None)).values()
    assert [axes.get_ylabel().split("\n")[0] for axes in overview.axes][:1] == ["rate of E"]
    (further,) = dict(simulate.rate_dots(study, None)).items()
    assert further[0] == "rates_2" and further[1].axes[0].get_ylabel().startswith("rate of I")


def test_maps_are_means_over_iterations_at_their_values(tmp_path):
    root = make(tmp_path / "a", {"g": [2.0, 0.5], "null": ["none", "degree"], "k": [400, 100, 200]},
                lacking=[(0, 0), (0, 1), (1, 1)])  # fmt: skip
    study, _ = gather(root)
    figures = dict(simulate.map_figures(study, None))
    assert sorted(figures) == ["bump_maps_null=degree", "bump_maps_null=none", "maps_null=degree", "maps_null=none"]
    e, i = (axes for axes in figures["maps_null=none"].axes if axes.get_images())
    assert [tick.get_text() for tick in e.get_xticklabels()] == ["0.5", "2.0"]
    assert [tick.get_text() for tick in e.get_yticklabels()] == ["100", "200", "400"]
    assert (e.get_xlabel(), e.get_ylabel(), i.get_title()) == (
        "coupling g", "number of inputs K", "rate of I (Hz)")
    expected = np.array([[rate("E", {"g": g, "k": k}, 0.5) for g in (0.5, 2.0)] for k in (100, 200, 400)])
    expected[0, 1] = rate("E", {"g": 2.0, "k": 100}, 0)  # of iteration 1 there is nothing
    expected[2, 1] = np.nan
    np.testing.assert_allclose(e.get_images()[0].get_array().filled(np.nan), expected)
    assert [text.get_text() for text in figures["maps_null=none"].legends[0].get_texts()] == ["no value"]
    assert not figures["maps_null=degree"].legends


@pytest.mark.parametrize("grid", [{"g": [1, 2]}, {"g": [1, 2], "k": [1]}, {"g": [1, 2], "k": [1, 2], "h": [1, 2]}])
def test_no_maps_without_two_axes(tmp_path, grid):
    study, _ = gather(make(tmp_path / "a", grid, iterations=1))
    assert not dict(simulate.map_figures(study, None))


def test_every_label_has_its_own_maps(tmp_path):
    study, _ = gather(*(make(tmp_path / name, {"g": [1, 2], "k": [1, 2]}, 1, decoded=False) for name in ("a", "b")))
    assert list(dict(simulate.map_figures(study, None))) == ["maps_a", "maps_b"]
    (overview,) = dict(FIGURES["simulate"].first_figures(study, None)).values()
    labels = {axes.get_ylabel() for axes in overview.axes}
    assert "rate of E\n(Hz)" in labels and not any("bump" in label for label in labels)


def test_activity_shows_rates_stimuli_and_the_bump(tmp_path):
    study, _ = gather(make(tmp_path / "a", iterations=1))
    (figure,) = dict(simulate.activity_figures(study, None)).values()
    strip, e, i, rates, moments, phase = figure.axes[:6]
    assert texts(strip) == ["E: cosine, 340°", "I: constant"]
    arrays, _ = simulated({}, 0, True, True)
    assert e.get_images()[0].get_array().shape == (60, 40) and i.get_images()[0].get_array().shape == (20, 40)
    np.testing.assert_array_equal(e.get_images()[0].get_array(), arrays["rates"][0, :, :60].T)
    assert e.get_images()[0].get_extent() == pytest.approx([0, 4, 0, 60])
    means = [line.get_ydata() for line in rates.lines if line.get_linewidth() == style.STYLE["lines.linewidth"]]
    expected = [part.mean((0, 2)) for part in np.split(arrays["rates"], [60], axis=2)]
    np.testing.assert_allclose(means, expected, rtol=1e-6)
    assert len(rates.lines) == 2 + 2 * 2 and len(moments.lines) == 2 and len(phase.lines) == 3
    drawn = phase.lines[0].get_ydata()
    assert np.nanmax(np.abs(np.diff(drawn))) < 20 and np.isnan(drawn[:10]).all() and np.isfinite(drawn[11:15]).all()


def test_times_and_rates_have_the_unit_of_the_experiment(tmp_path):
    study, _ = gather(make(tmp_path / "a", {"dt": [0.1, 0.2]}, iterations=1, events=False, unit="τ"))
    figure = next(iter(dict(simulate.activity_figures(study, None)).values()))
    assert [axes.get_ylabel() for axes in figure.axes if "(" in axes.get_ylabel()] == [
        "rate (1/τ)", "bump (1/τ)", "phase (°)"]  # fmt: skip
    assert "time (τ)" in {axes.get_xlabel() for axes in figure.axes}
    assert option_label(study.combos, "dt") == "time step (τ)"
    seconds, kind = gather(make(tmp_path / "b", {"dt": [0.1, 0.2]}, iterations=1))
    (rates,) = dict(kind.first_figures(seconds, None)).values()
    assert rates.axes[0].get_ylabel() == "rate of E\n(Hz)" and option_label(seconds.combos, "dt") == "time step (s)"


def test_without_events_or_bump_there_are_no_such_panels(tmp_path):
    study, _ = gather(make(tmp_path / "a", iterations=1, decoded=False, events=False))
    (figure,) = dict(simulate.activity_figures(study, None)).values()
    assert len(figure.axes) == 3 + 2 and not any(map(texts, figure.axes))  # with two colour bars


# ---- plots from arrays


def test_phases_are_not_joined_through_360_degrees_nor_over_gaps():
    times, degrees = _unbroken(np.arange(6.0), np.array([350.0, 358.0, 3.0, np.nan, 8.0, 300.0]))
    np.testing.assert_array_equal(degrees, [350, 358, np.nan, 3, np.nan, 8, np.nan, 300])
    assert len(times) == 8 and np.isnan(times[[2, 6]]).all()


def test_stimuli_that_overlap_have_rows_of_their_own():
    network = Activity(TIMES, np.ones((1, 40, 1)), np.zeros(1, int), ["E"],
                       [Stimulus(0, 1, "a"), Stimulus(0.5, 1.5, "b"), Stimulus(1, 2, "a long text of a stimulus"),
                        Stimulus(2, 3, "c"), Stimulus(3, 3.5, "d")])  # fmt: skip
    assert _lanes(network) == [0, 1, 0, 1, 0]


@pytest.mark.slow
@pytest.mark.parametrize(("windows", "populations"), [(1, 1), (2, 9), (40, 1)])
def test_activity_of_any_size(windows, populations):
    rates = np.random.default_rng(0).normal(size=(2, windows, 18))  # of both signs
    bump_ = BumpCourse(*(np.full((2, windows), value) for value in (1.0, 0.0, np.nan)))
    network = Activity(TIMES[:windows], rates, np.arange(18) % populations, [f"p${i}_" for i in range(populations)],
                       [Stimulus(9, 10, "later"), Stimulus(-1, 9, "all $ the time")], bump_)  # fmt: skip
    assert plotting.render(plotting.activity(network), "png").startswith(b"\x89PNG")


def test_a_map_takes_texts_and_says_where_there_is_no_value():
    values = np.array([[1.0, np.nan, -2.0]])
    maps = [HeatMap("a", values), HeatMap("b", np.abs(values))]
    figure = plotting.heat_map(maps, ["x_1", "$y", "z"], [0.1], "option", "K")
    first, second = (axes for axes in figure.axes if axes.get_images())
    assert [tick.get_text() for tick in first.get_xticklabels()] == ["x_1", r"\$y", "z"]
    assert first.get_images()[0].get_clim() == (-2, 2) and second.get_images()[0].get_clim() == (0, 2)
    assert plotting.render(figure, "png") and figure.legends
    with pytest.raises(ValueError, match=r"a: expected values of shape \(1, 2\), got \(1, 3\)"):
        plotting.heat_map([HeatMap("a", values)], ["x", "y"], [0.1])


def by_hand(dense, own, bins):
    """The profile, a pair at a time."""
    sums, counts = np.zeros(bins), np.zeros(bins)
    n_post, n_pre = dense.shape
    for i, j in itertools.product(range(n_post), range(n_pre)):
        if not (own and i == j):
            d = (i * n_pre - j * n_post) % (n_post * n_pre)  # in units of 1 / (n_post n_pre) turns
            at = (2 * bins * d + n_post * n_pre) // (2 * n_post * n_pre) % bins
            sums[at] += dense[i, j]
            counts[at] += 1
    return np.roll(sums / np.where(counts > 0, counts, np.nan), bins // 2)


@pytest.mark.parametrize(("n_post", "n_pre", "own"), [(40, 40, True), (50, 50, False), (30, 42, False), (7, 90, False)])
def test_the_profile_is_the_mean_over_all_pairs(n_post, n_pre, own):
    dense = np.random.default_rng(2).normal(size=(n_post, n_pre)) * (np.arange(n_pre) % 3 > 0)
    if own:
        np.fill_diagonal(dense, 0)
    post, pre = np.nonzero(dense)
    found = profile(post, pre, dense[post, pre], n_post, n_pre, own)
    assert found.distance[0] == -180 and (np.diff(found.distance) == pytest.approx(10))
    np.testing.assert_allclose(found.mean, by_hand(dense, own, 36), atol=1e-12)


def test_a_uniform_network_is_flat_and_a_tuned_one_is_its_kernel():
    """Within four standard errors; all-to-all, exactly flat."""
    kernels = {"EE": Kernel("cosine", 0.8), "IE": Kernel("von_mises", 1.0, 90.0)}
    about = Populations(("E", "I"), (600, 250), {"EE": 1.0, "EI": -1.0, "IE": 1.0}, (60, 50), kernels)
    network = population_network(about, np.random.default_rng(1))
    found = {}
    for name, a, b in (("EE", 0, 0), ("EI", 0, 600), ("IE", 600, 0)):
        n_post, n_pre = (600 if start == 0 else 250 for start in (a, b))
        block = ((network.post >= 600) == (a > 0)) & ((network.pre >= 600) == (b > 0))
        found[name] = profile(network.post[block] - a, network.pre[block] - b, network.weights[block], n_post, n_pre,
                              a == b)  # fmt: skip
    d = np.radians(found["EE"].distance)
    tuned = np.exp(np.cos(d - np.pi / 2)) / np.i0(1.0)
    for name, expected in (("EE", 1 + 0.8 * np.cos(d)), ("EI", -1 + 0 * d), ("IE", tuned)):
        k, n = (50, 250) if name == "EI" else (60, 600)
        one = found[name]
        assert (np.abs(one.mean - expected * np.sqrt(k) / n) < 4 * one.error + 0.004 * np.sqrt(k) / n).all(), name
    flat = population_network(Populations(("E",), (97,), {"EE": 2.0}, None), np.random.default_rng(0))
    one = profile(flat.post, flat.pre, flat.weights, 97, 97, is_one_population=True)
    np.testing.assert_allclose(one.mean[np.isfinite(one.mean)], 2 / 96, rtol=1e-12)


def test_blocks_have_a_row_for_each_population_and_a_colour_for_each_source():
    about = Populations(("E", "I"), (40, 20), {"EE": 1.0, "EI": -1.0, "IE": 1.0}, (5, 4), fixed_in_degree=True)
    network = population_network(about, np.random.default_rng(1))
    groups = np.repeat([0, 1], [40, 20])
    figure = plotting.blocks(network.post, network.pre, network.weights, groups, ["E", "I"])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["to E", "", "", "to I", "", ""]
    onto_e = [patch for patch in figure.axes[0].patches if not patch.get_fill()]
    assert [patch.get_data().values.max() for patch in onto_e] == [1, 1]  # every neuron has 5, or 4
    curves = [line for line in figure.axes[5].lines if len(line.get_xdata()) > 2]
    assert len(curves) == 1  # nothing from I to I
    assert plotting.render(figure, "png").startswith(b"\x89PNG")
    empty = plotting.blocks(np.zeros(0, int), np.zeros(0, int), np.zeros(0), np.zeros(5, int), ["E"])
    assert plotting.render(empty, "png").startswith(b"\x89PNG")


# ---- --describe


@pytest.mark.slow
def test_populations_are_described_by_their_blocks_in_their_order(tmp_path, capsys):
    ini = tmp_path / "a.ini"
    ini.write_text("[experiment]\nkind = spectrum\n[net]\nsource = populations\n[populations]\nsizes = S: 12, E: 30\n"
                   "couplings = SE: 1, EE: 1, ES: -1\nin_degree = 6\nkernels = EE: cosine 0.5\nexternal = E: 1\n"
                   f"external_rate = 1\n[paths]\npath_to_results = {tmp_path / 'out'}\n")  # fmt: skip
    assert runrandomnet.main([str(ini), "--describe", "--save_figs", str(tmp_path / "figs")]) == 0
    assert [path.name.split("_")[-1] for path in sorted((tmp_path / "figs").iterdir())] == [
        "blocks.png", "degrees.png", "eigenvalues.png", "matrix.png"]  # fmt: skip
    assert "populations_blocks.png" in capsys.readouterr().out


def test_neurons_of_a_ring_stay_in_their_order():
    about = Populations(("S", "E"), (5, 9), {"EE": 1.0, "ES": -1.0}, (3, 3))
    groups = groups_of(population_network(about, np.random.default_rng(0)))
    assert groups.by == "population" and groups.names == ("E", "S") and groups.sizes == (9, 5)
    assert groups.order.tolist() == [*range(5, 14), *range(5)]
