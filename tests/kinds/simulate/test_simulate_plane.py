"""Trajectories of kind = simulate that begin on a grid in the plane of two low-rank vectors, and their figure."""

import numpy as np
import pytest

import runrandomnet
import visualization
from randomnet import plotting
from randomnet.build.connectome import connectome_of
from randomnet.build.low_rank import factors_of
from randomnet.build.populations import PopulationView
from randomnet.plotting import PhasePlane, style
from randomnet.results import ResultsFolder
from randomnet.schema.plan import read_plan

FACTORS = """
[experiment]
kind = simulate
seed = 3
[paths]
path_to_results = {out}
[net]
roi = random
n = 60
rank = 2
factor_overlap = 0.7
background = False
[model]
activation = linear
dt = 0.1
[analysis]
settle = 0
duration = 3
[simulation]
window = 0.1
initial = plane
initial_plane = n1, n2
initial_rate = 0.2
initial_points = 5
keep = overlaps
[trainvalidate]
precision = float64
[execution]
workers = 1
"""
KERNELS = """
[experiment]
kind = simulate
[paths]
path_to_results = {out}
[net]
source = populations
[populations]
sizes = E: 40, I: 30
couplings = EE: 1, EI: -1, IE: 1, II: -1
in_degree = 5
kernels = EE: low_rank 0.5
external = E: 2, I: 1
[model]
activation = relu
dt = 0.1
[analysis]
settle = 0
duration = 1
[simulation]
window = 0.1
initial = plane
initial_points = 3
[trainvalidate]
precision = float64
[execution]
workers = 1
"""


def run(folder, text, *overrides, code=0):
    path = folder / "a.ini"
    path.write_text(text.format(out=folder / "out"))
    assert runrandomnet.main([str(path), *(part for one in overrides for part in ("--set", one))]) == code
    return (read_plan(path, overrides), ResultsFolder(folder / "out")) if code == 0 else None


def grid(extent, points):
    axis = np.linspace(-extent, extent, points)
    return np.array([[a, b] for b in axis for a in axis])


def test_overlaps_of_a_linear_network_follow_the_map_of_two_numbers(tmp_path):
    """r <- e r + (1 - e) m n^T r / N, so kappa = n^T r / N follows kappa <- (e + (1 - e) n^T m / N) kappa."""
    plan, folder = run(tmp_path, FACTORS)
    first = plan.combos[0].runs()[0]
    m, n = factors_of(first, connectome_of(first))
    arrays = folder.run(0, 0).arrays
    np.testing.assert_allclose(arrays["initial_plane"], grid(1, 5))
    kappa = (0.2 + grid(1, 5) @ n.T) @ n / 60
    np.testing.assert_allclose(arrays["initial_overlaps"], kappa, rtol=1e-12)
    step = np.exp(-0.1) * np.eye(2) + (1 - np.exp(-0.1)) * (n.T @ m) / 60
    expected = np.stack([kappa @ np.linalg.matrix_power(step, t + 1).T for t in range(30)], axis=1)
    np.testing.assert_allclose(arrays["plane_overlaps"], expected, rtol=1e-9)
    np.testing.assert_allclose(arrays["kept_overlaps"], expected, rtol=1e-9)
    assert arrays["plane"].tolist() == ["n1", "n2"] and arrays["rates"].shape == (25, 30, 60)
    assert np.ptp(expected[:, -1], axis=0).min() > 0.1


def test_rates_of_kernels_are_cut_off_at_0_and_vectors_are_of_the_populations_that_read_them(tmp_path):
    sets = "simulation.initial_extent=3", "simulation.initial_rate=0.5", "simulation.window=0.1", "model.tau=1e9"
    plan, folder = run(tmp_path, KERNELS, *sets)  # rates that stay as they are
    first = plan.combos[0].runs()[0]
    xi = PopulationView(first, connectome_of(first)).low_rank.copy()
    assert np.abs(xi[40:]).max() > 0.1
    xi[40:] = 0
    start = np.maximum(0.5 + grid(3, 3) @ xi[:, [0, 2]].T, 0)
    arrays = folder.run(0, 0).arrays
    np.testing.assert_allclose(arrays["rates"][:, -1], start, atol=1e-6)
    np.testing.assert_allclose(arrays["initial_overlaps"], start @ xi[:, [0, 2]] / 70, atol=1e-12)
    assert (start == 0).mean() > 0.1 and (start[:, 40:] == 0.5).all()


@pytest.mark.slow
def test_planes_side_by_side_are_each_alone(tmp_path):
    values = '{"initial_plane": ["xi1, xi3", "xi4, xi1"], "initial_points": [2, 3], "initial_extent": [0.5, 1]}'
    sets = f"combosparams.combos_params={values}", "populations.kernels=EE: low_rank 0.5, IE: low_rank 0.2"
    found, text = {}, KERNELS.replace("initial_points = 3\n", "")
    for name, beside in (("all", "auto"), ("one", 1)):
        (tmp_path / name).mkdir()
        _, folder = run(tmp_path / name, text, *sets, f"execution.batch_runs={beside}", "simulation.samples=disk")
        found[name] = [folder.run(combo, 0).arrays for combo in range(8)]
    for together, alone in zip(*found.values(), strict=True):
        for name in ("rates", "plane_overlaps", "initial_plane", "initial_overlaps"):
            np.testing.assert_allclose(together[name], alone[name], rtol=1e-9, atol=1e-12)
    assert [len(arrays["rates"]) for arrays in found["all"]] == [4, 4, 9, 9] * 2
    assert not np.allclose(found["all"][0]["rates"], found["all"][1]["rates"])
    assert not np.allclose(found["all"][0]["rates"], found["all"][4]["rates"])


@pytest.mark.slow
def test_a_spectrum_begins_at_the_first_state_of_the_plane(tmp_path):
    more = "simulation.spectrum=True", "lyapunov.nle=2", "lyapunov.tsim=20", "lyapunov.transient=40"
    plan, folder = run(tmp_path, FACTORS, *more)
    first = plan.combos[0].runs()[0]
    m, n = factors_of(first, connectome_of(first))
    step = np.exp(-0.1) * np.eye(2) + (1 - np.exp(-0.1)) * (n.T @ m) / 60
    expected = np.sort(np.log(np.abs(np.linalg.eigvals(step))) / 0.1)[::-1]
    np.testing.assert_allclose(folder.run(0, 0).arrays["exponents"], expected, atol=0.02)


@pytest.mark.parametrize(
    ("text", "override", "error"),
    [
        (FACTORS, "simulation.initial_plane=n1, n3", "[simulation] initial_plane: expected factors of net.rank = 2"),
        (FACTORS, "simulation.initial_plane=n1", "[simulation] initial_plane: expected two different vectors, of xi1"),
        (FACTORS, "simulation.initial_plane=n1, n1", "[simulation] initial_plane: expected two different vectors"),
        (FACTORS, "simulation.initial_plane=xi1, n1", "[net] source: expected populations, which alone have low-rank"),
        (FACTORS, "analysis.settle=1", "[analysis] settle: expected 0 with initial = plane"),
        (FACTORS, "analysis.trajectories=4", "simulation.initial is not plane, whose trajectories are initial_points"),
        (FACTORS, "simulation.initial=zero", "applies only where simulation.initial = "),
        (KERNELS, "simulation.initial_plane=xi1, xi2", "expected two vectors that span a plane"),
        (KERNELS, "simulation.initial_plane=xi1, m1", "[simulation] initial_plane: expected xi1 to xi4, as net.rank"),
        (KERNELS, "populations.kernels=EE: cosine 0.1", "[populations] kernels: expected a low_rank kernel"),
        (KERNELS, "simulation.initial_points=1", "[simulation] initial_points: expected a whole number from 2 to 100"),
    ],
)
def test_what_is_wrong_with_a_plane_is_said_in_one_line(tmp_path, capsys, text, override, error):
    run(tmp_path, text, override, code=2)
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and error in said[0], said


# ---- the figure


def made_up(turning=False):
    """Of 4 starts two go to (1, 0), one to (-1, 0), and one is there from the start; or all turn around 0."""
    starts = np.array([[0.5, 1.0], [0.5, -1.0], [-0.5, 0.3], [-1.0, 0.0]])
    ends = np.array([[1.0, 0.0], [1.0, 0.01], [-1.0, 0.0], [-1.0, 0.0]])
    times = 0.05 + 0.1 * np.arange(100)
    share = np.exp(-2 * times)[:, None]
    paths = share * starts[:, None] + (1 - share) * ends[:, None]
    if turning:
        paths = starts[:, None] + np.stack([np.cos(times), np.sin(times)], -1)
    return PhasePlane(starts, paths, ("xi1", "n12"), times, "s", 2)


def test_paths_are_told_apart_by_where_they_end():
    flow = made_up()
    assert flow.places().tolist() == [0, 0, 1, 1] and not flow.moving.any()
    figure = plotting.phase_plane(flow, "a title")
    (axes,) = figure.axes
    assert axes.get_xlabel() == "overlap with ξ$_{1}$ (Hz)" and axes.get_ylabel() == "overlap with n$_{12}$ (Hz)"
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["4 initial states", "2 end here", "2 end here"]
    heading = "10 s from a grid of initial states, means over 0.1 s; 2 events in this time"
    assert legend.get_title().get_text() == heading
    starts, ends, moving = (points.get_offsets() for points in axes.collections[1:])
    np.testing.assert_allclose(starts, flow.starts)
    np.testing.assert_allclose(ends, flow.paths[:, -1])
    assert len(moving) == 0 and len(axes.texts) == 3  # an arrow on each path that goes anywhere


def test_what_still_moves_ends_nowhere():
    flow = made_up(turning=True)
    assert flow.moving.all() and (flow.places() == -1).all()
    (legend,) = plotting.phase_plane(flow).legends
    assert [text.get_text() for text in legend.get_texts()] == ["4 initial states", "4 still moving"]


def test_many_places_have_one_colour():
    angles = 2 * np.pi * np.arange(12) / 12
    starts = np.stack([np.cos(angles), np.sin(angles)], -1)
    flow = PhasePlane(starts, np.repeat(0.5 * starts[:, None], 30, 1), ("n1", "n2"), 0.5 + np.arange(30), "τ")
    (legend,) = plotting.phase_plane(flow).legends
    assert [text.get_text() for text in legend.get_texts()] == ["12 initial states", "12 end at 12 points"]


@pytest.mark.slow
def test_the_figure_is_drawn_of_a_folder(tmp_path, monkeypatch):
    monkeypatch.setitem(style.STYLE, "savefig.dpi", 40)
    run(tmp_path, FACTORS, 'combosparams.combos_params={"initial_extent": [0.5, 0.9]}')
    figures = tmp_path / "figures"
    assert visualization.main(["--results_folders", str(tmp_path / "out"), "--save_figs", str(figures)]) == 0
    names = {path.name for path in figures.rglob("*.png")}
    assert {f"plane_initial_extent={value}.png" for value in (0.5, 0.9)} <= names


def test_vectors_of_kernels_have_the_covariance_of_the_ini(tmp_path, capsys):
    """Means and covariances of NeuroTorch's LR_MEAN and LR_COV; what is not named stays as it was."""
    ini = tmp_path / "a.ini"
    ini.write_text(KERNELS.format(out=tmp_path / "out"))
    given = ["populations.sizes=E: 20000, I: 30", "populations.low_rank_mean=xi1: 1, xi3: -2",
             "populations.low_rank_covariance=xi2 xi1: 0.5, xi1 xi3: 0.2, xi4 xi3: 0"]  # fmt: skip
    [run] = read_plan(ini, given).combos[0].runs()
    vectors = PopulationView(run, connectome_of(run)).low_rank
    np.testing.assert_allclose(vectors.mean(0), [1, 0, -2, 0], atol=0.03)
    expected = [[1, 0.5, 0.2, 0], [0.5, 1, 0, 0], [0.2, 0, 1, 0], [0, 0, 0, 1]]
    np.testing.assert_allclose(np.cov(vectors.T), expected, atol=0.04)
    plain, same = (read_plan(ini, extra).combos[0].runs()[0] for extra in ([], ["populations.low_rank_mean=none"]))
    assert connectome_of(plain).sha256() == connectome_of(same).sha256()
    for wrong, text in {
        "low_rank_mean=xi5: 1": "expected names that are xi1 to xi4, got 'xi5'",
        "low_rank_covariance=xi1: 1": "expected pairs of names such as xi1 xi2, got 'xi1'",
        "low_rank_covariance=xi1 xi2: 0, xi2 xi1: 0": "expected every pair once",
        "low_rank_covariance=xi1 xi2: 3": "expected no negative eigenvalue",
    }.items():
        assert runrandomnet.main([str(ini), "--set", f"populations.{wrong}"]) == 2
        assert text in capsys.readouterr().err
