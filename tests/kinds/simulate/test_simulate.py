"""kind = simulate against closed forms and against simulating by hand."""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch

import runrandomnet
from randomnet.build.connectome import connectome_of
from randomnet.results import ResultsFolder
from randomnet.schema.plan import read_plan
from randomnet.theory import rank_one_overlap, ring_bump

RING = """
[experiment]
kind = simulate
[paths]
path_to_results = {out}
[net]
source = populations
[populations]
sizes = E: 100
couplings = EE: -5
in_degree = all
self_connections = True
unsigned = True
kernels = EE: cosine -1
external = E: 10
external_rate = 1
[model]
activation = relu
dt = 0.2
[analysis]
settle = 0
duration = 80
[simulation]
window = 0.4
events = E: cosine 5 from 0 to 20 phase 90
initial = zero
decode = E
[trainvalidate]
precision = float64
[execution]
workers = 1
"""
PAIR = """
[experiment]
kind = simulate
seed = 4
[paths]
path_to_results = {out}
[net]
source = populations
[populations]
sizes = E: 30, I: 20
couplings = EE: 1, EI: -2, IE: 1.5, II: -1
in_degree = 6
external = E: 1, I: 0.5
external_rate = 2
external_degree = 9
[model]
activation = relu
dt = 0.1
tau = E: 1, I: 0.5
[analysis]
settle = 0
duration = 4
[simulation]
window = 0.2
{more}
[trainvalidate]
iterations = 1
precision = float64
[execution]
workers = 1
"""


def run(folder, text, *overrides, more="", code=0):
    path = folder / "a.ini"
    path.write_text(text.format(out=folder / "out", more=more))
    assert runrandomnet.main([str(path), *(part for one in overrides for part in ("--set", one))]) == code
    return (read_plan(path, overrides), ResultsFolder(folder / "out")) if code == 0 else None


def summary(folder):
    return pd.read_csv(folder / "out" / "summary.csv")


def test_the_bump_of_a_ring_is_that_of_theory_and_stays_where_it_was_put(tmp_path):
    run(tmp_path, RING, 'combosparams.combos_params={"turned": [0, 90]}')
    bump = ring_bump(-5, 5, 10)
    for index, phase in enumerate((90, 180)):
        arrays = ResultsFolder(tmp_path / "out").run(index, 0).arrays
        np.testing.assert_allclose(arrays["bump_mean"][0, -1], bump.mean, rtol=1e-3)  # of 100 neurons
        np.testing.assert_allclose(arrays["bump_amplitude"][0, -1], bump.modulation, rtol=1e-3)
        np.testing.assert_allclose(np.degrees(arrays["bump_phase"][0, -1]), phase, atol=1e-3)
        assert (arrays["event_onset"], arrays["event_offset"]) == (0, 20)
    end = summary(tmp_path)  # after the stimulus: the mean over the whole record is another
    np.testing.assert_allclose(end["bump_mean_end"], bump.mean, rtol=1e-3)
    np.testing.assert_allclose(end["bump_modulation_end"], bump.modulation / bump.mean, rtol=1e-3)
    assert (abs(end["bump_modulation"] - end["bump_modulation_end"]) > 0.005).all()


def by_hand(connectome, tau, steps, drives, tau_syn=None, threshold=0.0):
    """Rates (steps, N) from silence, in exponential Euler steps of 0.1."""
    weights, rates, found = connectome.dense(), np.zeros(connectome.n), []
    currents = np.zeros(connectome.n)
    for step in range(steps):
        arriving = weights @ rates
        currents = arriving if tau_syn is None else currents + (1 - np.exp(-0.1 / tau_syn)) * (arriving - currents)
        target = np.maximum(currents + drives[step] - threshold, 0)
        rates = rates + (1 - np.exp(-0.1 / tau)) * (target - rates)
        found.append(rates)
    return np.array(found)


@pytest.mark.parametrize("inputs", ["live", "sequential"])
@pytest.mark.parametrize("syn", [None, 0.3])
def test_rates_are_those_of_a_simulation_by_hand(tmp_path, syn, inputs):
    more = f"initial = zero\nevents = E: constant 0.5 from 1 to 3, E: constant -1 from 2 to 3\ninputs = {inputs}\n"
    more += "[dynamics]\nthreshold = E: 0.5, I: 0\n" + (f"tau_syn = {syn}\n" if syn else "")
    plan, folder = run(tmp_path, PAIR, more=more)
    network = connectome_of(plan.combos[0].runs()[0])
    excitatory = network.labels["population"] == "E"
    drives = np.tile(np.where(excitatory, 6.0, 3.0), (40, 1))  # sqrt(9) 2 J0
    drives[10:30, excitatory] += 3 * 0.5
    drives[20:30, excitatory] -= 3 * 1.0
    expected = by_hand(network, np.where(excitatory, 1.0, 0.5), 40, drives, syn, np.where(excitatory, 0.5, 0.0))
    arrays = folder.run(0, 0).arrays
    np.testing.assert_allclose(arrays["rates"][0], expected.reshape(20, 2, -1).mean(1), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(arrays["times"], 0.1 + 0.2 * np.arange(20))
    np.testing.assert_allclose(arrays["rates_mean"][1, 0], arrays["rates"][0][:, ~excitatory].mean(1))


@pytest.mark.parametrize("shape", ["steps", "trajectories"])
def test_an_input_of_ones_own_is_added_step_by_step(tmp_path, capsys, shape):
    """From the first step after settling on; without it, and after its end, the input is the constant one."""
    series = np.random.default_rng(0).standard_normal((30, 14) if shape == "steps" else (2, 30, 14))
    plan, _ = run(tmp_path, PAIR, more="initial = zero\n")
    network = connectome_of(plan.combos[0].runs()[0])
    if network.n != series.shape[-1]:
        series = np.random.default_rng(0).standard_normal((*series.shape[:-1], network.n))
    np.save(tmp_path / "input.npy", series)
    excitatory = network.labels["population"] == "E"
    more = f"initial = zero\ninput_file = {tmp_path / 'input.npy'}\n"
    given = [f"paths.path_to_results={tmp_path / 'own'}", "analysis.trajectories=2", "analysis.settle=0.2"]
    for inputs in ("live", "sequential"):
        run(tmp_path, PAIR, *given, f"simulation.inputs={inputs}", more=more)
        rates = ResultsFolder(tmp_path / "own").run(0, 0).arrays["rates"]
        for trial in range(2):
            drives = np.tile(np.where(excitatory, 6.0, 3.0), (42, 1))
            drives[2:32] += series if shape == "steps" else series[trial]
            expected = by_hand(network, np.where(excitatory, 1.0, 0.5), 42, drives)[2:]
            np.testing.assert_allclose(rates[trial], expected.reshape(20, 2, -1).mean(1), rtol=1e-9, atol=1e-11)
        given = [f"paths.path_to_results={tmp_path / 'again'}", *given[1:]]
    np.save(tmp_path / "input.npy", series[..., :3])
    run(tmp_path, PAIR, more=more, code=2)
    assert "[simulation] input_file: expected finite numbers of shape (steps, " in capsys.readouterr().err


AXES = '{"couplings.EE": [0.5, 1], "in_degree": [4, 6], "use": [0.1, 0.5], "noise_seed": [0, 1]}'


@pytest.mark.slow
def test_a_grid_side_by_side_is_each_of_its_runs_alone(tmp_path):
    more = "[dynamics]\nplastic = EE\nou_noise = 0.3\nnmda_fraction = 0.2\nadaptation = 0.1\n"
    text, grid = PAIR.replace("in_degree = 6\n", ""), f"combosparams.combos_params={AXES}"
    overrides = (grid, "analysis.trajectories=2", "analysis.duration=1", "trainvalidate.iterations=2")
    found = {}
    for name, beside in (("one", 1), ("all", "auto")):
        (tmp_path / name).mkdir()
        _, found[name] = run(tmp_path / name, text, *overrides, f"execution.batch_runs={beside}", more=more)
    places = [(combo, iteration) for combo in range(16) for iteration in (0, 1)]
    rates = {name: np.stack([folder.run(*place).arrays["rates"] for place in places]) for name, folder in found.items()}
    np.testing.assert_allclose(rates["all"], rates["one"], rtol=1e-9, atol=1e-12)
    flat = rates["one"].reshape(32, -1)
    assert all(np.abs(flat[i] - flat[j]).max() > 1e-6 for i in range(32) for j in range(i))  # no axis is without effect
    table = summary(tmp_path / "all")
    assert set(table["couplings.EE"]) == {0.5, 1} and set(table["noise_seed"]) == {0, 1}


def test_balanced_rates_are_those_of_mean_field_theory(tmp_path):
    """G2 of populations.md at K = 50, smaller; the theory's own columns stand beside them."""
    network = ["sizes=E: 2000, I: 2000", "couplings=EE: 0.5, EI: -0.75, IE: 0.5, II: -0.5", "in_degree=50"]
    network += ["external=E: 2, I: 1", "external_degree=50", "external_rate=1"]
    others = ["model.tau=1", "trainvalidate.precision=float32", "analysis.settle=20", "dynamics.threshold=1"]
    run(tmp_path, PAIR, *(f"populations.{one}" for one in network), *others)
    found = summary(tmp_path).iloc[0]
    np.testing.assert_allclose([found["theory_E"], found["theory_I"]], [4.083, 4.588], rtol=0.03)  # of this draw
    np.testing.assert_allclose(found["rate_E"], found["theory_E"], rtol=0.03)
    np.testing.assert_allclose(found["rate_I"], found["theory_I"], rtol=0.03)


@pytest.mark.parametrize(
    ("override", "error"),
    [
        ("simulation.window=0.25", "[simulation] window: expected a whole number of steps (model.dt) of 0.1"),
        ("simulation.window=0.3", "[analysis] duration: expected a whole number of windows (simulation.window) of 0.3"),
        ("simulation.events=X: constant 1 from 0 to 1", "[simulation] events: expected populations of the network"),
        ("simulation.decode=F", "[simulation] decode: expected populations of the network, E, I, got 'F'"),
        ("dynamics.plastic=EF", "[dynamics] plastic: expected blocks of the network, EE, EI, IE, II, got 'EF'"),
        ("dynamics.threshold=E: 1", "[dynamics] threshold: expected one number for all, or one for each of E, I"),
        ("simulation.silenced=E: 31", "[simulation] silenced: expected at most 30 neurons of E, got 31"),
        ("simulation.keep=u", "[simulation] keep: expected what the network has, nothing, got u"),
        ("dynamics.tau_nmda=1", "applies only where dynamics.nmda_fraction is above 0"),
        ("model.form=rate", "[model] form: expected it left out, as it is not available for kind = simulate"),
        ("trialparams.task_name=seq_mem", "none with kind = simulate"),
        ("analysis.duration=1e5", "fits into"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_nothing_is_written(tmp_path, capsys, override, error):
    overrides = [override]
    if "1e5" in override:
        overrides += ["analysis.trajectories=10000"]
    run(tmp_path, PAIR, *overrides, code=2)
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and error in said[0], said
    assert not (tmp_path / "out").exists()


def test_a_plastic_input_is_what_its_resources_let_through(tmp_path):
    """U = .3, tau .2 and 1 at 2 per unit of time: u x of the stationary state (populations.md), exact whatever dt."""
    _, folder = run(tmp_path, PAIR, "populations.couplings=EE: 0", "dynamics.plastic_input=True", "analysis.settle=60")
    u = 0.3 * (1 + 0.2 * 2) / (1 + 0.3 * 0.2 * 2)
    share = u / (1 + u * 1.0 * 2)
    arrays = folder.run(0, 0).arrays
    np.testing.assert_allclose(arrays["rates_mean"][:, 0, -1], [6 * share, 3 * share], rtol=1e-6)


def test_the_spectrum_is_that_of_the_whole_state(tmp_path):
    """Of two filters and rates above threshold: logarithms of the eigenvalues of the step of (rates, currents)."""
    text = PAIR.replace("EI: -2, IE: 1.5, II: -1", "EI: -1, IE: 0.5, II: -0.5").replace("model]", "model]\n# linear")
    more = "spectrum = True\n[dynamics]\ntau_syn = 0.4\n[lyapunov]\nnle = 50\ntsim = 40\ntons = 0.1\ntransient = 40"
    plan, folder = run(tmp_path, text.replace("activation = relu", "activation = linear"), more=more)
    network = connectome_of(plan.combos[0].runs()[0])
    e, f, n = np.exp(-0.1 / 0.4), np.exp(-0.1 / np.where(network.labels["population"] == "E", 1.0, 0.5)), network.n
    currents = np.hstack([(1 - e) * network.dense(), e * np.eye(n)])  # of (rates, currents) before the step
    rates = np.hstack([np.diag(f), np.zeros((n, n))]) + (1 - f)[:, None] * currents
    expected = np.sort(np.log(np.abs(np.linalg.eigvals(np.vstack([rates, currents])))) / 0.1)[::-1]
    found = folder.run(0, 0).arrays["exponents"]
    np.testing.assert_allclose(found[:5], expected[:5], atol=0.05)
    np.testing.assert_allclose(summary(tmp_path)["lambda_max"], found[0])


def test_rates_that_leave_the_range_of_numbers_are_called_diverged(tmp_path, capsys):
    run(tmp_path, PAIR, "populations.gain=1e30", "trainvalidate.precision=float32", "analysis.duration=20", code=1)
    assert summary(tmp_path)["status"].tolist() == ["diverged"]
    assert "All runs diverged, so that there is no result; the first: rates left the range" in capsys.readouterr().out


def test_silent_neurons_are_silent_and_other_seeds_are_other_states(tmp_path):
    grid = 'combosparams.combos_params={"initial_seed": [0, 1]}'
    _, folder = run(tmp_path, PAIR, grid, "simulation.silenced=E: 10, I: 3")
    first, other = (folder.run(combo, 0).arrays for combo in (0, 1))
    silent = (first["rates"] == 0).all((0, 1))
    assert silent[:30].sum() >= 10 and silent[30:].sum() >= 3
    assert ((other["rates"] == 0).all((0, 1)) & silent).sum() >= 13 and (first["rates"] != other["rates"]).any()


def test_the_same_seeds_give_the_same_bits_and_each_seed_changes_its_own_stream_alone(tmp_path):
    before = torch.get_default_dtype(), torch.get_float32_matmul_precision(), torch.is_grad_enabled()
    more = "[dynamics]\nou_noise = 0.3\n"
    found = {}
    for name, *overrides in (
        ("one",),
        ("again",),
        ("noise", "dynamics.noise_seed=1"),
        ("state", "simulation.initial_seed=1"),
        ("all", "experiment.seed=5"),
    ):
        (tmp_path / name).mkdir()
        plan, folder = run(tmp_path / name, PAIR, "simulation.initial=gaussian", "analysis.duration=1", *overrides,
                           more=more)  # fmt: skip
        found[name] = connectome_of(plan.combos[0].runs()[0]).sha256(), folder.run(0, 0).arrays["rates"].tobytes()
    assert found["one"] == found["again"]
    assert found["noise"][0] == found["state"][0] == found["one"][0] != found["all"][0]
    assert len({rates for _, rates in found.values()}) == 4
    assert (torch.get_default_dtype(), torch.get_float32_matmul_precision(), torch.is_grad_enabled()) == before


@pytest.mark.parametrize("noisy", ["E", "I"])
def test_each_population_has_its_own_noise(tmp_path, noisy):
    """Of populations without connections and input, rates are those of the noise: where there is none they are 0."""
    sizes = {"E": 0.0, "I": 0.0} | {noisy: 0.3}
    more = f"initial = zero\n[dynamics]\nou_noise = {', '.join(f'{name}: {sd}' for name, sd in sizes.items())}\n"
    plan, folder = run(tmp_path, PAIR, "populations.couplings=none", "populations.external=none", more=more)
    assert len(connectome_of(plan.combos[0].runs()[0]).weights) == 0
    rates = dict(zip("EI", np.split(folder.run(0, 0).arrays["rates"][0], [30], 1), strict=True))
    assert rates.pop(noisy).max() > 0.05
    assert not next(iter(rates.values())).any()


def test_three_populations_have_the_exact_rates_of_fixed_in_degrees(tmp_path):
    """r = (1 - K w)^-1 I, as of G1, in an experiment of three."""
    couplings = {"EE": 0.2, "EP": -0.5, "ES": -0.3, "PE": 0.6, "PP": -0.4, "PS": -0.2, "SE": 0.4, "SP": -0.1}
    network = ["sizes=E: 60, P: 30, S: 24", "in_degree=9", "fixed_in_degree=True", "external_rate=1",
               f"couplings={', '.join(f'{name}: {value}' for name, value in couplings.items())}",
               "external=E: 2, P: 1.5, S: 1", "external_degree=4"]  # fmt: skip
    run(tmp_path, PAIR, *(f"populations.{one}" for one in network), "model.tau=E: 1, P: 0.5, S: 0.7",
        "analysis.settle=60", "analysis.duration=1")  # fmt: skip
    total = np.zeros((3, 3))
    for name, value in couplings.items():
        total["EPS".index(name[0]), "EPS".index(name[1])] = 3 * value  # K J / sqrt(K)
    exact = np.linalg.solve(np.eye(3) - total, [4, 3, 2])
    assert (exact > 0.2).all()
    found = summary(tmp_path).iloc[0]
    np.testing.assert_allclose([found[f"rate_{name}"] for name in "EPS"], exact, rtol=1e-6)


def test_a_connectome_is_simulated_by_its_labels(tmp_path):
    text = PAIR[: PAIR.index("[net]")] + PAIR[PAIR.index("[model]") :]
    text = text.replace("tau = E: 1, I: 0.5", "")
    _, folder = run(tmp_path, text, "net.roi=EB", "model.activation=tanh_positive", "analysis.duration=1")
    arrays = folder.run(0, 0).arrays
    assert len(arrays["populations"]) > 1 and np.isfinite(arrays["rates"]).all()


@pytest.mark.slow
def test_a_network_of_regions_and_its_null_have_the_rates_that_their_blocks_predict(tmp_path):
    """G3 of populations.md on a network that no populations made: out-degrees are fixed, weights uniform."""
    text = PAIR[: PAIR.index("[net]")] + """[net]
source = regions
[regions]
regions = E: 900 pos base_firing 1, I: 450 neg base_firing 0.7
[projections]
projections = E -> E: .1, E -> I: .1, I -> E: .2, I -> I: .1
""" + PAIR[PAIR.index("[model]") :]
    run(tmp_path, text, 'combosparams.combos_params={"null": ["none", "erdos"]}', "analysis.settle=30",
        "analysis.duration=1")  # fmt: skip
    found = summary(tmp_path)
    for name in "EI":
        np.testing.assert_allclose(found[f"rate_{name}"], found[f"theory_{name}"], rtol=0.01)
    assert (found["rate_E"] - found["rate_I"]).abs().min() > 0.05 and found["rate_I"].min() > 0.1
    assert abs(found["rate_E"][0] / found["rate_E"][1] - 1) > 0.02, "the null is another network"


def test_the_overlap_of_rank_one_is_that_of_theory(tmp_path):
    """G5 of populations.md, with raw draws: n.m/N has an sd of sqrt(2 s^2 + 1)/sqrt(N), of which 4 are allowed."""
    text = PAIR[: PAIR.index("[net]")] + PAIR[PAIR.index("[model]") :].replace("tau = E: 1, I: 0.5", "")
    net = ["roi=random", "n=4000", "rank=1", "factor_overlap=3", "background=False"]
    others = ["model.activation=erf", "analysis.settle=40", "simulation.keep=overlaps"]
    _, folder = run(tmp_path, text, *(f"net.{one}" for one in net), *others)
    overlap = folder.run(0, 0).arrays["kept_overlaps"][0, -1, 0]
    np.testing.assert_allclose(abs(overlap), rank_one_overlap(3), rtol=4 * 0.028)  # of kappa: 1.2 times that of s


def test_a_step_that_is_coarse_for_a_filter_is_noted(tmp_path):
    run(tmp_path, PAIR, "dynamics.tau_syn=0.15", "analysis.duration=1")
    assert summary(tmp_path)["notes"][0].split("; ")[0] == "dt = 0.1 is more than half of tau_syn, 0.15"


NO_THEORY = "no theory_ columns: mean-field theory does not hold with"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("dynamics.ou_noise=0.3; dynamics.adaptation=0.1", f"{NO_THEORY} adaptation, noise"),
        ("dynamics.plastic=EE", f"{NO_THEORY} plastic connections"),
        ("dynamics.threshold=0", "deviations of single neurons grow (eigenvalue 1.19, stable below 1)"),
        ("populations.couplings=EE: 3, EI: -0.2, IE: 0.2, II: -0.2",
         "theory_ columns are empty: mean-field theory finds no stable stationary state"),
        ("populations.couplings=EE: 0.2, EI: -0.2, IE: 0.2, II: -0.2", None),
    ],
)
def test_where_theory_says_nothing_the_notes_say_why(tmp_path, override, said):
    run(tmp_path, PAIR, *override.split("; "), "analysis.duration=1")
    found = summary(tmp_path).iloc[0]
    if said is None:
        assert np.isfinite(found["theory_E"]) and pd.isna(found["notes"])
    else:
        assert pd.isna(found.get("theory_E")) and found["notes"].endswith(said)


@pytest.mark.parametrize("filters", ["model.tau=E: 1, I: {}", "dynamics.tau_syn=E: 0.5, I: {}"])
def test_theory_is_silent_where_slow_inhibition_makes_the_means_oscillate(tmp_path, filters):
    """The simulation is the reference: it settles at the theory's rates with fast inhibition, not with slow one."""
    sizes = ["populations.sizes=E: 200, I: 100", "populations.in_degree=50", "dynamics.threshold=1"]
    couplings = "populations.couplings=EE: 0.5, EI: -0.75, IE: 0.5, II: -0.5"
    for tau in (1, 30):
        changes = [*sizes, couplings, filters.format(tau), f"paths.path_to_results={tmp_path / str(tau)}"]
        run(tmp_path, PAIR, *changes, "analysis.settle=40", "analysis.duration=10")
        row = pd.read_csv(tmp_path / str(tau) / "summary.csv").iloc[0]
        settled = abs(row["rate_E"] / row.get("theory_E", np.nan) - 1) < 0.15
        assert settled == (tau == 1)
        assert pd.isna(row["theory_E"]) == (tau == 30) == ("oscillate and grow" in str(row["notes"]))


def test_what_is_missing_of_a_batch_becomes_the_bytes_it_had(tmp_path):
    grid = 'combosparams.combos_params={"couplings.EE": [0.5, 1, 1.5], "noise_seed": [0, 1]}'
    overrides = (grid, "trainvalidate.precision=float32", "analysis.duration=2")
    more = "[dynamics]\nou_noise = 0.3\nplastic = EE\n"
    run(tmp_path, PAIR, *overrides, more=more)
    files = sorted((tmp_path / "out").glob("*/iter_0/arrays.npz"))
    before = {path: path.read_bytes() for path in files}
    for path in files[1:4]:
        shutil.rmtree(path.parent)
    run(tmp_path, PAIR, *overrides, more=more)
    assert len(files) == 6 and {path: path.read_bytes() for path in files} == before


def test_theory_knows_cell_types(tmp_path):
    """Only half of B is reached, and the other half reaches A; all in-degrees are as drawn, all weights alike."""
    text = PAIR[: PAIR.index("[net]")] + "[net]\nsource = regions\n" + PAIR[PAIR.index("[model]") :]
    text = text.replace("tau = E: 1, I: 0.5", "")
    regions = ["regions.regions=A: 600 pos base_firing 1, B: 400 neg x .5 y .5 base_firing 0.5"]
    regions += ["projections.projections=A -> B/x: .5, B/y -> A: .5", "analysis.settle=30"]
    run(tmp_path, text, *regions)
    found = summary(tmp_path).iloc[0]
    np.testing.assert_allclose([found["rate_A"], found["rate_B"]], [found["theory_A"], found["theory_B"]], rtol=0.02)


def test_rates_may_begin_as_the_regions_say(tmp_path):
    text = PAIR[: PAIR.index("[net]")] + "[net]\nsource = regions\n" + PAIR[PAIR.index("[model]") :]
    text = text.replace("tau = E: 1, I: 0.5", "tau = 1")
    regions = ["regions.regions=A: 3 init 2, B: 2 init -1", "projections.projections=A -> B: 1"]
    short = ["simulation.window=0.1", "analysis.duration=0.1"]
    _, folder = run(tmp_path, text, *regions, "simulation.initial=network", *short)
    np.testing.assert_allclose(folder.run(0, 0).arrays["rates"][0, 0, :3], 2 * np.exp(-0.1))  # of an A, without input


@pytest.mark.parametrize(
    ("overrides", "error"),
    [
        (["dynamics.tau_syn=0"], "[dynamics] tau_syn: expected"),
        (["simulation.events=E: cosine 1 from 1 to 2 sigma -1"], "[simulation] events: expected"),
        (["simulation.events=E: constant 1 from 1 to 2 phase 3"], "[simulation] events: expected"),
        (["simulation.events=E: constant 1 from 9 to 10"], "within 4 (analysis.duration), got from 9 to 10"),
        (["simulation.events=E: constant 1 from 1 to 1.01"], "expected at least one step of 0.1 (model.dt)"),
        (["simulation.events=E: xi1 1 from 1 to 2"], "[populations] kernels: expected a low_rank kernel"),
        (["analysis.settle=0.04"], "[analysis] settle: expected a whole number of steps"),
        (["dynamics.rate_filter=False"], "[dynamics] rate_filter: expected True where model.tau is not 1"),
        (["populations.couplings=EE: 1", "dynamics.plastic=EI"], "expected blocks that have connections, got EI"),
        (["dynamics.plastic_input=True", "populations.external=none"], "[dynamics] plastic_input: expected False"),
        (["simulation.spectrum=True", "dynamics.ou_noise=1"], "[simulation] spectrum: expected False with noise"),
        (["simulation.initial=network"], "[simulation] initial: expected zero, constant or gaussian"),
        (["populations.sizes=E: 2, I: 20", "populations.in_degree=1", "simulation.decode=E"], "at least 3 neurons"),
    ],
)
def test_what_would_have_no_effect_or_no_meaning_is_refused(tmp_path, capsys, overrides, error):
    run(tmp_path, PAIR, *overrides, code=2)
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and error in said[0], said


def test_zeros_by_name_are_off(tmp_path):
    off = ["dynamics.ou_noise=E: 0, I: 0", "dynamics.adaptation=E: 0, I: 0", "simulation.silenced=E: 0"]
    run(tmp_path, PAIR, *off, "simulation.spectrum=True", "lyapunov.nle=2", "lyapunov.tsim=1", "analysis.duration=1")
    found = summary(tmp_path).iloc[0]
    assert found["status"] == "complete" and "theory_E" in found and np.isfinite(found["lambda_max"])
