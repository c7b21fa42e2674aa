"""Several initial states of one network: their spectra, clusters of them, and starts and networks as two sources."""


import numpy as np
import pandas as pd
import pytest

import visualization
from randomnet.build.network import build_setup
from randomnet.build.spectra import schedule_of, system_of
from randomnet.command_line import figures as figures_command
from randomnet.comparison.spread import spread_table, variance_components
from randomnet.figures import spectra
from randomnet.kinds import initial_states
from randomnet.lyapunov import Spectrum, spectrum
from randomnet.schema.plan import read_plan
from tests.support.paths import CONNECTOMES
from tests.support.runs import run
from tests.support.spectral_runs import BASE, experiment, runs_of

LARVA = CONNECTOMES / "rois" / "LARVA_MB_LEFT"


def made(rate, error=0.001, drift=0.0, seed=0):
    """A spectrum of one exponent, of 20 batches whose scatter gives this error."""
    noise = np.random.default_rng(seed).standard_normal(20)
    noise = (noise - noise.mean()) / noise.std(ddof=1) * error * np.sqrt(20)
    rates = rate + noise + drift * np.linspace(-1, 1, 20)
    return Spectrum(4 * rates[:, None], np.full(20, 4.0), np.zeros(3), np.ones(5), 1.0, np.nan, 0, 0)


def test_one_initial_state_changes_no_column_and_no_number(tmp_path):
    plain = experiment(tmp_path, "spectrum", name="plain")
    one = experiment(tmp_path, "spectrum", "lyapunov.starts=1", name="one")
    files = [[(out / "0" / "iter_0" / "arrays.npz").read_bytes(), (out / "spectra.csv").read_bytes()]
             for out in (plain, one)]  # fmt: skip
    assert files[0] == files[1]
    assert "attractors" not in pd.read_csv(plain / "summary.csv")


@pytest.mark.parametrize("changes", [(), ("lyapunov.tons=adaptive",), ("model.integrator=rk4",)])
def test_every_initial_state_has_the_spectrum_that_it_has_alone(tmp_path, changes):
    changes = ("lyapunov.initial_states=3", "lyapunov.nle=4", *changes)
    out = experiment(tmp_path, "spectrum", *changes)
    (one,) = runs_of(tmp_path, *changes)
    start = build_setup(one)
    schedule, system = schedule_of(one), system_of(one, start)
    first = spectrum(system, start.state, start.frame[:4], schedule)
    each = [first]
    for state, frame in list(initial_states.states_and_frames(one, start, 4))[1:]:
        each.append(spectrum(system, state, frame, schedule))
    if "adaptive" not in changes[-1]:
        arrays = np.load(out / "0" / "iter_0" / "arrays.npz")
        np.testing.assert_allclose(arrays["exponents_of_states"], [part.exponents for part in each], atol=1e-7)
    row = pd.read_csv(out / "summary.csv").iloc[0]
    assert row["initial_states"] == 3 and row["verdict"] == initial_states.worst_verdict(each)
    assert len(set(np.round([part.state[0] for part in each], 9))) > 1 or first.exponents[0] < 0
    values = np.load(out / "0" / "iter_0" / "arrays.npz")["lambda_max_of_states"]
    assert row["lambda_max"] == pytest.approx(values.mean())
    assert row["lambda_max_between"] == pytest.approx(values.std(ddof=1), abs=1e-9)


def test_the_error_of_the_mean_has_both_sources_in_it():
    """Of starts alike it is that of the trajectories, over the root of their number; else that of the spread."""
    alike = initial_states.summary_of_states([made(0.5, 0.01)] * 4)
    assert alike["lambda_max_within"] == pytest.approx(0.01) and alike["lambda_max_between"] == pytest.approx(0)
    assert alike["lambda_max_stderr"] == pytest.approx(0.005)
    apart = initial_states.summary_of_states([made(rate, 0.001) for rate in (0.1, 0.5)])
    assert apart["lambda_max"] == pytest.approx(0.3) and apart["lambda_max_stderr"] == pytest.approx(0.2)


def test_clusters_are_further_apart_than_their_errors():
    found = [made(-0.06), made(-0.42), made(-0.4205), made(-0.48), made(-0.4195)]
    assert [len(group) for group in initial_states.clusters(found)] == [1, 3, 1]
    figures = initial_states.summary_of_states(found)
    assert figures["attractors"] == 3 and figures["verdict"] == "converged"
    assert "multistable: 3 clusters of lambda_max at -0.06, -0.42, -0.48 (1, 3, 1 of 5" in figures["notes"]
    assert len(initial_states.clusters([made(rate, 0.05) for rate in (-0.06, -0.42, -0.48)])) == 2
    assert len(initial_states.clusters([made(1.0, 1e-9), made(1.001, 1e-9)])) == 1  # 1 % apart is one
    drifting = [made(-0.06), made(-0.42, drift=0.05)]
    assert initial_states.summary_of_states(drifting)["attractors"] == 1
    assert initial_states.summary_of_states(drifting)["verdict"] == "not converged"
    assert "multistable" not in initial_states.summary_of_states(drifting)["notes"]


@pytest.mark.slow
def test_starts_of_one_attractor_are_rarely_called_several():
    """5 starts, errors as estimated from 20 batches: a gap of 5 combined errors is rarer than one in a hundred."""
    false = 0
    for seed in range(120):
        rates = np.random.default_rng(seed).normal(0.1, 0.01, 5)
        false += len(initial_states.clusters([made(rate, 0.01, seed=seed) for rate in rates])) > 1
    assert false <= 4  # of 120 the binomial of .01 has more once in 150 times


def test_a_state_that_grows_without_bound_is_what_the_run_reports(tmp_path):
    changes = ("model.activation=relu", "net.g=20", "lyapunov.initial_states=2", "lyapunov.nle=1")
    row = pd.read_csv(experiment(tmp_path, "transition", *changes) / "summary.csv").iloc[0]
    assert (row["status"], row["verdict"]) == ("unbounded", "unbounded") and "2 of 2 initial states" in row["notes"]


def test_along_trials_there_is_one_initial_state(tmp_path, capsys):
    (tmp_path / "a.ini").write_text(BASE.format(kind="spectrum", out=tmp_path / "out"))
    changes = ("trialparams.task_name=seq_mem", "lyapunov.initial_states=2")
    assert run(tmp_path / "a.ini", *(part for change in changes for part in ("--set", change))) == 2
    assert "[lyapunov] initial_states" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_the_default_is_one_and_five_for_a_convergence(tmp_path):
    for kind, expected in (("spectrum", 1), ("transition", 1), ("convergence", 5)):
        (tmp_path / "a.ini").write_text(BASE.format(kind=kind, out=tmp_path / "out"))
        assert read_plan(tmp_path / "a.ini", ()).config.lyapunov.initial_states == expected


@pytest.mark.parametrize("truth", [0.0, 0.5])
def test_two_sources_recovers_the_variances_that_were_simulated(truth):
    """The mean of the estimated variance between networks is the true one (before it is cut off at 0)."""
    generator, networks, starts, sd = np.random.default_rng(1), 6, 4, 0.3
    across, inside = [], []
    for _ in range(1500):
        values = generator.normal(0, truth, (networks, 1)) + generator.normal(0, sd, (networks, starts))
        found = variance_components(values.mean(1), values.std(1, ddof=1), np.full(networks, starts))
        across.append(found.networks**2)
        inside.append(found.starts**2)
    assert np.mean(inside) == pytest.approx(sd**2, rel=0.03)
    if truth:
        assert np.mean(across) == pytest.approx(truth**2, rel=0.05)  # 3 standard errors of this mean
    else:
        assert np.median(across) == 0 and np.mean(across) < sd**2 / starts


def test_the_spread_table_says_starts_and_networks_where_runs_have_several_starts():
    rows = {"combo": 0, "status": "complete", "lambda_max": [0.1, 0.3], "lambda_max_stderr": 0.05,
            "initial_states": 4, "lambda_max_between": 0.02, "lambda_max_within": 0.001}  # fmt: skip
    found = spread_table(pd.DataFrame({**rows, "network": ["a", "b"]}), ["combo"]).iloc[0]
    expected = variance_components(np.array([0.1, 0.3]), np.full(2, 0.02), np.full(2, 4))
    assert (found["sd_networks"], found["sd_starts"]) == pytest.approx(expected[:2])
    assert found["stderr_of_one"] == pytest.approx(0.001)
    same = spread_table(pd.DataFrame({**rows, "network": ["a", "a"]}), ["combo"]).iloc[0]
    half = 0.02 * np.sqrt(3) / 2  # of four values with this standard deviation
    values = np.concatenate([0.1 + half * np.array([1, 1, -1, -1]), 0.3 + half * np.array([1, 1, -1, -1])])
    assert np.isnan(same["sd_networks"]) and same["sd_starts"] == pytest.approx(values.std(ddof=1))
    plain = pd.DataFrame({"combo": 0, "status": "complete", "lambda_max": [0.1, 0.3]})
    assert "sd_starts" not in spread_table(plain, ["combo"])


@pytest.mark.slow
def test_every_start_is_a_small_dot_beside_its_run(tmp_path):
    out = experiment(tmp_path, "spectrum", "lyapunov.starts=3", "lyapunov.nle=12", "trainvalidate.iterations=2")
    arguments = ["--results_folders", str(out), "--save_figs", str(tmp_path / "figs")]
    assert visualization.main(arguments) == 0
    assert {"sd_networks", "sd_starts"} <= set(pd.read_csv(tmp_path / "figs" / "spread.csv"))
    study = figures_command.gather(figures_command.parse(arguments))[0]
    figure = dict(spectra.dynamics_figures(study, None))["overview"]
    small = [line for line in figure.axes[0].lines if line.get_markersize() == 1.5]
    expected = [np.load(out / "0" / f"iter_{i}" / "arrays.npz")["lambda_max_of_states"] for i in range(2)]
    np.testing.assert_allclose([line.get_ydata() for line in small], expected)
    assert any("initial states of a run" in text.get_text() for text in figure.legends[0].get_texts())


@pytest.mark.slow
@pytest.mark.skipif(not LARVA.exists(), reason="the connectomes are not beside the project")
def test_the_larval_mushroom_body_has_three_attractors_at_strong_coupling(tmp_path, capsys):
    changes = (f"paths.path_to_network={LARVA}", "net.normalization=sinkhorn", "lyapunov.starts=5", "lyapunov.nle=2",
               "model.activation=tanh", "lyapunov.tsim=600", "lyapunov.transient=1000")  # fmt: skip
    text = BASE.format(kind="spectrum", out=tmp_path / "out").replace("roi = random\nn = 12\ng = 2", "g = 16")
    text = text.replace("tsim = 60\ntransient = 5\n", "").replace("activation = tanh_stretched\n", "")
    (tmp_path / "a.ini").write_text(text)
    assert run(tmp_path / "a.ini", *(part for change in changes for part in ("--set", change))) == 0
    row = pd.read_csv(tmp_path / "out" / "summary.csv").iloc[0]
    assert row["attractors"] == 3 and "at -0.0592, -0.419, -0.483" in row["notes"]
    assert "1 of 1 runs multistable" in capsys.readouterr().out
