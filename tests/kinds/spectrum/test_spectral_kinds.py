"""Kinds spectrum, transition and convergence: whole experiments against the same computed by hand."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

import visualization
from randomnet.build.network import build_setup
from randomnet.kinds.convergence import outputs as convergence
from randomnet.kinds.spectra import compute_spectrum
from randomnet.kinds.spectrum import run as kind
from randomnet.lyapunov import Schedule, Spectrum, random_frame, spectrum
from randomnet.results import ResultsFolder
from randomnet.training import Interrupted
from tests.support.runs import contents, run
from tests.support.spectral_runs import BASE, experiment, runs_of


def test_a_spectrum_is_that_of_the_network_it_was_asked_of(tmp_path):
    changes = ("trainvalidate.iterations=2", "lyapunov.nle=12")
    out = experiment(tmp_path, "spectrum", *changes)
    table = pd.read_csv(out / "spectra.csv")
    assert list(table.columns) == ["combo", "iteration", "index", "exponent", "stderr"]  # no option is gridded
    summary = pd.read_csv(out / "summary.csv").set_index("iteration")
    for one in runs_of(tmp_path, *changes):
        start = build_setup(one)
        with torch.no_grad():
            system = start.network.double().dynamics()
        found = spectrum(system, start.state, start.frame, Schedule(60, 0.2, 5, 5))
        rows = table[table["iteration"] == one.iteration]
        np.testing.assert_allclose(rows["exponent"], found.exponents, rtol=1e-12)
        np.testing.assert_allclose(rows["stderr"], found.stderr, rtol=1e-12)
        assert list(rows["index"]) == list(range(1, 13))
        row = summary.loc[one.iteration]
        assert row["lambda_max"] == pytest.approx(found.exponents[0])
        for name, estimate in (("D_KY", found.dimension), ("h_KS", found.entropy)):
            columns = [name, *(f"{name}_{end}" for end in ("stderr", "low", "high"))]
            np.testing.assert_allclose(row[columns].astype(float), estimate, rtol=1e-9)
        assert (row["n_zero"], row["verdict"]) == (found.n_zero, found.verdict)
        assert abs(row["sum_rule_residual"]) < 1e-9 and row["converged"] == found.converged
        assert (row["form"], row["integrator"], row["dt"]) == ("current", "euler", 0.1)


def test_all_exponents_are_the_default_of_spectrum_and_one_of_transition(tmp_path):
    full = pd.read_csv(experiment(tmp_path, "spectrum", name="full") / "summary.csv")
    one = pd.read_csv(experiment(tmp_path, "transition", name="one") / "summary.csv")
    assert full["exponents"][0] == 12 and one["exponents"][0] == 1
    assert one["lambda_max"][0] == pytest.approx(full["lambda_max"][0], abs=1e-9)
    assert np.isnan(one["D_KY"][0]) == (one["lambda_max"][0] > 0) and np.isnan(one["sum_rule_residual"][0])


def test_a_partial_spectrum_says_what_it_cannot_tell(tmp_path):
    summary = pd.read_csv(experiment(tmp_path, "spectrum", "net.n=60", "net.g=4", "lyapunov.nle=1") / "summary.csv")
    assert summary["lambda_max"][0] > 0 and summary["h_KS_lower_bound"][0] and np.isnan(summary["D_KY"][0])
    assert "D_KY needs more exponents" in summary["notes"][0] and "h_KS is a lower bound" in summary["notes"][0]


def test_growth_is_called_unbounded_whatever_the_length_of_the_record(tmp_path):
    changes = "model.activation=relu", "net.g=20"
    outs = [experiment(tmp_path, "spectrum", *changes, f"lyapunov.tsim={tsim}", name=f"t{tsim}") for tsim in (20, 900)]
    short, long = (pd.read_csv(out / "summary.csv").iloc[0] for out in outs)
    assert short["status"] == long["status"] == "unbounded"  # the longer one would leave the range of numbers
    assert short["lambda_max"] == pytest.approx(long["lambda_max"], rel=1e-6)
    assert not any((out / "spectra.csv").exists() for out in outs)


RELU = ("model.activation=relu", "trainvalidate.iterations=3", "lyapunov.nle=1", "net.n=30")


def test_growth_without_bound_is_a_status_and_no_transition_to_chaos(tmp_path, capsys):
    """Of relu networks with radius rho the state shrinks, or from some radius on grows by the leading exponent."""
    grid = 'combosparams.combos_params={"g": [0.5, 1.0, 3.0, 4.0]}'
    ini, out = tmp_path / "a.ini", tmp_path / "out"
    ini.write_text(BASE.format(kind="transition", out=out).replace("g = 2\n", ""))
    arguments = [part for change in (grid, *RELU) for part in ("--set", change)]
    assert run(ini, *arguments) == 0
    said = capsys.readouterr()
    assert said.err.count("unbounded") == 6 and "6 of 12 runs unbounded: lambda_max is a growth rate" in said.out
    table = pd.read_csv(out / "summary.csv")
    assert list(table["status"]) == ["complete"] * 6 + ["unbounded"] * 6
    lost = table[table["status"] == "unbounded"]
    assert (lost["lambda_max"] > 0.5).all() and (lost["verdict"] == "unbounded").all() and not lost["converged"].any()
    assert lost[["n_positive", "D_KY", "h_KS"]].isna().all(axis=None)
    assert set(pd.read_csv(out / "spectra.csv")["combo"]) == {0, 1}
    before = contents(out)
    assert run(ini, *arguments) == 0 and "12 of 12 runs are there already" in capsys.readouterr().out
    assert contents(out) == before
    assert visualization.main(["--results_folders", str(out), "--save_figs", str(tmp_path / "figs")]) == 0
    row = pd.read_csv(tmp_path / "figs" / "transition.csv").iloc[0]
    assert np.isnan(row["g_c"]) and (row["unbounded"], row["unbounded_from"]) == (6, 3.0)
    assert row["note"] == "no transition to chaos: growth is unbounded from g = 3"


def test_a_state_that_grows_from_any_start_makes_a_convergence_unbounded(tmp_path):
    changes = ("model.activation=relu", "lyapunov.initial_states=2", "net.g=4", "lyapunov.nle=1")
    row = pd.read_csv(experiment(tmp_path, "convergence", *changes) / "summary.csv").iloc[0]
    assert (row["status"], row["verdict"], bool(row["converged"])) == ("unbounded", "unbounded", False)


@pytest.mark.slow
def test_results_do_not_depend_on_the_number_of_workers(tmp_path):
    grid = 'combosparams.combos_params={"form": ["current", "rate"], "integrator": ["euler", "rk4"]}'
    one = experiment(tmp_path, "spectrum", grid, "lyapunov.tsim=20", name="one")
    two = experiment(tmp_path, "spectrum", grid, "lyapunov.tsim=20", "execution.workers=2", name="two")
    assert (one / "spectra.csv").read_bytes() == (two / "spectra.csv").read_bytes()
    for combo in range(4):
        arrays = f"{combo}/iter_0/arrays.npz"
        assert (one / arrays).read_bytes() == (two / arrays).read_bytes()
    kept = contents(one)
    assert run(one.with_suffix(".ini"), "--set", grid, "--set", "lyapunov.tsim=20") == 0
    assert {name: kept[name] for name in kept if name.endswith("npz")} == {
        name: content for name, content in contents(one).items() if name.endswith("npz")
    }


def test_a_state_that_leaves_the_range_of_numbers_is_no_result(tmp_path):
    out = experiment(tmp_path, "spectrum", "model.activation=relu", "net.g=1e200", code=1)
    row = pd.read_csv(out / "summary.csv").iloc[0]
    assert row["status"] == "diverged" and not row["converged"] and "not finite" in row["notes"]
    assert not (out / "spectra.csv").exists()


def test_auto_says_whether_the_tolerance_was_reached(tmp_path):
    reached = experiment(tmp_path, "transition", "lyapunov.tsim=auto", "lyapunov.tolerance=0.05", name="reached")
    row = pd.read_csv(reached / "summary.csv").iloc[0]
    assert row["lambda_max_stderr"] <= 0.05 and row["converged"]
    hurried = ("lyapunov.tsim=auto", "lyapunov.tolerance=1e-9", "lyapunov.tsim_max=150")
    row = pd.read_csv(experiment(tmp_path, "transition", *hurried, name="hurried") / "summary.csv").iloc[0]
    assert row["tsim_used"] == 150 and not row["converged"] and "tolerance of 1e-09" in row["notes"]


def test_g_spreads_the_parameters_that_are_named(tmp_path):
    """Gains and shifts N(1, g^2/N); weights that are not named are those of g = 1."""
    (tmp_path / "out.ini").write_text(BASE.format(kind="spectrum", out=tmp_path / "out"))

    def start(*changes):
        return build_setup(runs_of(tmp_path, "net.n=400", *changes)[0])

    one, weights = start("net.g=1"), start("net.g=3")
    np.testing.assert_allclose(weights.connectome.weights, 3 * one.connectome.weights)
    gains = start("net.g=3", "net.parameter=gains")
    np.testing.assert_array_equal(gains.connectome.weights, one.connectome.weights)
    drawn = gains.network.gains().detach().numpy()
    # mean and standard deviation of 400 normal numbers, within four standard errors
    assert abs(drawn.mean() - 1) < 4 * 0.15 / 20 and abs(drawn.std() / 0.15 - 1) < 4 / np.sqrt(800)
    assert not gains.network.shifts().any()
    both = start("net.g=3", "net.parameter=shifts, weights")
    np.testing.assert_array_equal(both.connectome.weights, weights.connectome.weights)
    assert both.network.gains().eq(1).all() and both.network.shifts().std() > 0.1


def test_convergence_ends_at_the_spectra_of_its_initial_states(tmp_path):
    changes = ("lyapunov.initial_states=3", "lyapunov.nle=4")
    arrays = np.load(experiment(tmp_path, "convergence", *changes) / "0" / "iter_0" / "arrays.npz")
    assert arrays["running"].shape == (3, len(arrays["times"]), 4)
    np.testing.assert_allclose(arrays["running"][:, -1], arrays["exponents_of_states"], rtol=1e-12)
    np.testing.assert_allclose(arrays["running_stderr"][:, -1], arrays["stderr_of_states"], rtol=1e-12)
    assert arrays["times"][-1] == pytest.approx(60) and np.allclose(arrays["intervals"], 0.2)
    [one] = runs_of(tmp_path, *changes)
    start = build_setup(one)
    with torch.no_grad():
        system = start.network.double().dynamics()
    first = spectrum(system, start.state, start.frame[:4], Schedule(60, 0.2, 5, 5))
    np.testing.assert_allclose(arrays["exponents_of_states"][0], first.exponents, rtol=1e-12)
    assert not np.allclose(arrays["exponents_of_states"][1], first.exponents, rtol=1e-6)


def record(rates):
    """A Spectrum of one exponent whose growth has these rates in units of time."""
    rates = np.asarray(rates, dtype=float)[:, None]
    one = np.ones(len(rates))
    return Spectrum(rates, one, np.zeros(1), np.zeros(3), 0.0, 0.0, 0.0, 0.0)


def test_initial_states_that_end_apart_are_no_convergence():
    noise = 0.01 * np.random.default_rng(0).standard_normal((3, 400))
    alike = [record(0.3 + row) for row in noise]
    assert all(one.converged for one in alike) and convergence._disagreement(alike) == ()
    apart = [*alike[:2], record(0.1 + noise[2])]
    assert all(one.converged for one in apart)  # each by itself
    assert "different exponents" in convergence._disagreement(apart)[0]


def test_an_adaptive_interval_is_the_same_for_all_initial_states(tmp_path):
    arrays = np.load(experiment(tmp_path, "convergence", "lyapunov.tons=adaptive") / "0" / "iter_0" / "arrays.npz")
    assert len(set(arrays["intervals"])) == 1 and arrays["running"].shape[0] == 5


def test_a_trained_network_has_the_spectrum_that_its_training_reported(tmp_path):
    shared = ("lyapunov.transient=5", "model.activation=tanh_positive")
    trained = experiment(tmp_path, "train", *shared, "trainvalidate.precision=float64", "trainvalidate.epochs=3",
                         "lyapunov.tsim_measured=0", name="trained")  # fmt: skip
    out = experiment(tmp_path, "spectrum", *shared, f"paths.pretrained={trained}")
    arrays = np.load(out / "0" / "iter_0" / "arrays.npz")
    reported = np.load(trained / "0" / "iter_0" / "arrays.npz")
    np.testing.assert_allclose(arrays["exponents"], reported["spectrum_final"], rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(arrays["gains"], reported["gains_final"])


TASK = ("trialparams.task_name=seq_mem", "trialparams.nr_of_trials=20", "lyapunov.nle=3", "model.activation=tanh")


def test_with_a_task_it_is_driven_along_the_trials(tmp_path):
    trained = experiment(tmp_path, "train", *TASK, "trainvalidate.epochs=1", "lyapunov.spectrum_every=1",
                         "trainvalidate.precision=float64", name="trained")  # fmt: skip
    out = experiment(tmp_path, "spectrum", *TASK)
    arrays = np.load(out / "0" / "iter_0" / "arrays.npz")
    reported = np.load(trained / "0" / "iter_0" / "arrays.npz")
    np.testing.assert_allclose(arrays["exponents"], reported["spectrum_initial"], rtol=1e-9)


def test_a_task_network_left_to_itself_has_only_its_biases(tmp_path):
    (tmp_path / "out.ini").write_text(BASE.format(kind="spectrum", out=tmp_path / "out"))
    [one] = runs_of(tmp_path, *TASK, "lyapunov.driven=False")
    start = build_setup(one)
    found = compute_spectrum(one, start, 3)
    with torch.no_grad():
        matrix, own = start.network.double().matrix(), start.network.interface
        bias = own["input_bias"] + own["recurrent_bias"]
        state, frame = start.state, start.frame[:3]
        logs = []
        for step in range(70):
            state = torch.tanh(matrix @ state + bias)
            if step < 5:
                continue
            q, r = torch.linalg.qr(((1 - state**2) * (frame @ matrix.mT)).mT)
            frame = q.mT
            logs.append(r.diagonal().abs().log())
    expected = torch.stack(logs[5:]).mean(0).sort(descending=True).values
    np.testing.assert_allclose(found.exponents, expected.numpy(), rtol=1e-9)


def test_an_interrupted_spectrum_is_done_again(tmp_path, monkeypatch):
    (tmp_path / "out.ini").write_text(BASE.format(kind="spectrum", out=tmp_path / "out"))
    [one] = runs_of(tmp_path)
    folder = ResultsFolder(tmp_path / "out").run(0, 0)
    folder.create()
    with pytest.raises(Interrupted):
        kind.execute([one], [folder], lambda run, row: None, lambda: True)
    assert folder.status == "missing"
    rows = []
    [(_, record)] = kind.execute([one], [folder], lambda run, row: rows.append(row), lambda: False)
    assert sum(row["advance"] for row in rows) == pytest.approx(60, abs=2)
    json.dumps(record["summary"])


def test_a_null_takes_the_place_of_the_connectome_and_is_drawn_anew_in_every_iteration(tmp_path):
    (tmp_path / "out.ini").write_text(BASE.format(kind="spectrum", out=tmp_path / "out").replace("n = 12\n", "")
                                      .replace("roi = random", "roi = AB"))  # fmt: skip
    bio, null = (build_setup(runs_of(tmp_path, f"net.null={name}")[0]).connectome for name in ("none", "degree"))
    for side in ("post", "pre"):
        counts = [np.bincount(getattr(one, side), minlength=one.n) for one in (bio, null)]
        np.testing.assert_array_equal(*counts)
    assert null.facts()["null"] == "degree" and null.sha256() != bio.sha256()
    two = runs_of(tmp_path, "net.null=degree", "trainvalidate.iterations=2")[1]
    assert build_setup(two).connectome.sha256() != null.sha256()


@pytest.mark.long
@pytest.mark.slow
def test_errors_are_calibrated_for_a_chaotic_network(tmp_path):
    """N = 64, 50 seeds of state and frame: the truth of a long run within 2 errors in 90-99 % of ten exponents."""
    (tmp_path / "out.ini").write_text(BASE.format(kind="spectrum", out=tmp_path / "out"))
    [one] = runs_of(tmp_path, "net.n=64", "net.g=3", "model.activation=tanh")
    with torch.no_grad():
        system = build_setup(one).network.double().dynamics()

    def found(seed, tsim):
        rng = np.random.default_rng(seed)
        state = torch.from_numpy(rng.standard_normal(64))
        return spectrum(system, state, torch.from_numpy(random_frame(rng, 10, 64)), Schedule(tsim, 0.5, 100, 50))

    truth = found(10**6, 25_000)
    spectra = [found(seed, 600) for seed in range(50)]
    inside = [np.abs(one.exponents - truth.exponents) < 2 * one.stderr for one in spectra]
    assert 0.90 <= np.mean(inside) <= 0.99
    assert np.mean([one.converged for one in spectra]) > 0.9
