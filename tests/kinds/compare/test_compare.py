"""kind = compare, on made-up recordings and fits whose truth is known."""

import itertools
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox
from torch import Tensor

import runrandomnet
import visualization
from randomnet import metrics, plotting, results
from randomnet.analysis import autodiff_jacobian
from randomnet.artifacts.sources import checksum
from randomnet.artifacts.systems import freeze_input, replay_inputs
from randomnet.artifacts.trained_networks import TrainedNetwork
from randomnet.comparison.intervals import mean_interval
from randomnet.figures.compare import SCORES as FIGURES_SCORES
from randomnet.figures.compare import _first_models, _inferred_dynamics, _trajectories
from randomnet.kinds.compare import run as compare
from randomnet.kinds.compare.evaluation import GroundTruth, MetricUnavailable, ModelEvaluation, Settings
from randomnet.kinds.compare.figure_arrays import figure_arrays
from randomnet.kinds.compare.options import ComparingSection
from randomnet.kinds.compare.scoring import SCORERS, _agreement_by_chance, remarks
from randomnet.plotting import Series
from randomnet.recordings import Recording, Split, write_recording
from randomnet.rnn import Network
from randomnet.schema.plan import read_plan
from randomnet.synthetic import random_network
from randomnet.training import Interrupted

NEURONS, HELD_IN, BINS = 12, 9, 40
COUNTS = {"train": 30, "valid": 8, "test": 20}
EASY = "rate_r2 + state_r2 + cycle_con + bps + co_bps + procrustes"


def orthogonal(rng, n):
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


@dataclass
class Memory:
    """x <- x + (s - 1)(x - x^3), in other coordinates z = c x + shift: 3^n fixed points, 2^n of them stable."""

    c: Tensor
    shift: Tensor
    gain: float = 0.2
    channels: int = 1
    dt: float = 0.5

    @property
    def n(self):
        return len(self.c)

    def rest(self, batch):
        return self.shift.expand(batch, -1)

    def step(self, state, x):
        inner = (state - self.shift) @ self.c
        inner = inner + self.gain * (inner - inner**3)
        if self.channels:
            inner = inner + x @ torch.ones(self.channels, self.n, dtype=inner.dtype)
        return inner @ self.c.mT + self.shift


def memory(n=2, rng=None, **more):
    c = np.eye(n) if rng is None else orthogonal(rng, n)
    shift = np.zeros(n) if rng is None else rng.standard_normal(n)
    return Memory(torch.from_numpy(c), torch.from_numpy(shift), **more)


def trained_network(rng, form):
    """A random network of 5 units with an input of 2 channels."""
    network = Network(random_network(5, 1.5, rng), activation="tanh_stretched", form=form, dt=0.2)
    drawn = {name: torch.from_numpy(rng.standard_normal(shape)) for name, shape in
             (("input_weights", (5, 2)), ("readout_weights", (1, 5)), ("readout_bias", (1,)))}  # fmt: skip
    system = network.double().requires_grad_(False).dynamics()
    return TrainedNetwork(replace(system, drive=torch.from_numpy(rng.standard_normal(5))), drawn)


def followed(system, inputs, starts):
    state, states = torch.from_numpy(starts), []
    for t in range(inputs.shape[1]):
        state = system.step(state, torch.from_numpy(inputs[:, t]))
        states.append(state)
    return torch.stack(states, 1).numpy()


@pytest.fixture(scope="module")
def recording():
    """Of a memory of two bits, 12 neurons that read it."""
    rng, splits = np.random.default_rng(0), {}
    readout = 0.6 * rng.standard_normal((2, NEURONS))
    for name, count in COUNTS.items():
        inputs = 0.3 * rng.standard_normal((count, BINS, 1))
        latents = followed(memory(), inputs, rng.uniform(-1.2, 1.2, (count, 2)))
        rates = np.exp(latents @ readout)
        splits[name] = Split(rng.poisson(rates).astype(np.uint8), HELD_IN, np.arange(count),
                             rates.astype(np.float32), latents.astype(np.float32), inputs.astype(np.float32),
                             inputs.astype(np.float32))  # fmt: skip
    return Recording(splits, readout.astype(np.float32))


def arrays_of(recording, turned=None, extra=0, **more):
    """What a fit of the truth itself would write: latents turned round, with dimensions that nothing reads."""
    rng, arrays = np.random.default_rng(1), {"inputs_used": np.array("true")}
    for name, split in recording.splits.items():
        latents = split.latents if turned is None else split.latents @ turned.c.numpy().T + turned.shift.numpy()
        latents = np.concatenate([latents, rng.standard_normal((*latents.shape[:2], extra))], 2)
        arrays |= {f"{name}_rates": split.rates, f"{name}_latents": latents.astype(np.float32)}
    return arrays | more


def settings(**options):
    small = {"point_starts": 150, "point_steps": 60, "dsa_delays": 5, "dsa_rank": 10, "lyapunov_bins": 400,
             "free_bins": 60}
    made = ComparingSection(exponents=2, **small | options)
    return Settings(made, lambda: np.random.default_rng(5), lambda: None)


def evaluation(recording, system, metrics, arrays, model):
    """The model of these arrays beside the recorded system."""
    return ModelEvaluation(GroundTruth(recording, system, metrics), arrays, model)


def scores_of(case):
    found = {}
    for metric in SCORERS.values():
        try:
            found |= metric(case)[0]
        except MetricUnavailable:
            continue
    return found


# ---- scores


def test_every_metric_of_the_schema_has_its_function_and_all_columns_are_listed(recording):
    assert tuple(SCORERS) == tuple(metrics.METRICS)
    arrays = arrays_of(recording, train_inferred_inputs=recording.splits["train"].inputs,
                       test_inferred_inputs=recording.splits["test"].inputs)  # fmt: skip
    case = evaluation(recording, memory(), settings(), arrays, memory())
    assert set(scores_of(case)) == {score.column for score in metrics.scores()}


def test_the_system_itself_in_other_coordinates_is_perfect_by_every_metric(recording):
    turned = memory(rng=np.random.default_rng(3))
    arrays = arrays_of(recording, turned, train_inferred_inputs=-recording.splits["train"].inputs,
                       test_inferred_inputs=-recording.splits["test"].inputs)  # fmt: skip
    found = scores_of(evaluation(recording, memory(), settings(), arrays, turned))
    ones = ("rate_r2", "state_r2_true_to_inferred", "state_r2_inferred_to_true", "cycle_con", "input_r2",
            "points_agreement", "points_share", "memories_agreement")  # fmt: skip
    zeros = ("procrustes", "dsa", "dsa_eigenvalues", "points_distance", "eigenvalue_distance",
             "eigenvalue_time_constants", "eigenvalue_frequencies")  # fmt: skip
    assert {name: found[name] for name in ones} == pytest.approx(dict.fromkeys(ones, 1.0), abs=1e-5)
    assert {name: found[name] for name in zeros} == pytest.approx(dict.fromkeys(zeros, 0.0), abs=2e-3)
    assert found["points_true"] == found["points_inferred"] == found["points_matched"] == 9
    assert remarks(found) == ["dsa {dsa:.3g} is not above the floor {dsa_floor:.3g}".format(**found)]
    assert found["memories_true"] == found["memories_inferred"] == 4
    assert found["bps"] == found["bps_ceiling"] > 0.05 and found["co_bps"] == found["co_bps_ceiling"]
    assert found["dsa_floor"] > found["dsa"]
    assert found["spectrum_distance"] < 0.05  # another start under the same inputs
    assert found["lambda_max_true"] < 0


def test_chance_is_what_shuffled_trials_and_random_pairs_reach(recording):
    case = evaluation(recording, memory(), settings(), arrays_of(recording), memory())
    scores = SCORERS["state_r2"](case)[0] | SCORERS["procrustes"](case)[0]
    assert abs(scores["state_r2_true_to_inferred_chance"]) < 0.2 < scores["state_r2_true_to_inferred"]
    assert scores["procrustes"] < 0.01 < 0.8 < scores["procrustes_chance"]
    latents = case.of("latents")[1]
    other = case.shuffled(latents)
    assert sorted(map(bytes, other)) == sorted(map(bytes, latents))
    assert not any(np.array_equal(*pair) for pair in zip(other, latents, strict=True)), "no trial keeps its place"


def test_agreement_by_chance_is_the_mean_over_random_pairs():
    rng = np.random.default_rng(0)
    true, inferred = rng.random(40) < 0.3, rng.random(40) < 0.8
    expected = (true[:, None] == inferred).mean()  # over all pairs
    assert _agreement_by_chance(true.mean(), inferred.mean()) == pytest.approx(expected, abs=1e-12)


def test_fixed_points_and_eigenvalues_are_those_of_the_memory(recording):
    case = evaluation(recording, memory(), settings(), arrays_of(recording), memory(gain=0.1))
    points = case.truth.points
    assert points.unstable.tolist() == [0] * 4 + [1] * 4 + [2]
    np.testing.assert_allclose(np.sort(points.points[:4].abs().numpy().ravel()), 1, atol=1e-9)
    scores, arrays = SCORERS["eigenvalues"](case)
    # stable 1 - 2g, unstable 1 + g: 0.6, 1.2 against 0.8, 1.1; of 9 points with two directions 12 are stable of 18
    assert scores["eigenvalue_distance"] == pytest.approx((12 * 0.2 + 6 * 0.1) / 18, abs=1e-6)
    ratio = np.log(np.log(0.6) / np.log(0.8))  # at the 8 points that have a direction that decays
    assert scores["eigenvalue_time_constants"] == pytest.approx(ratio, abs=1e-6)
    assert arrays["eigenvalues_true"].shape == (9, 2)
    assert scores_of(case)["points_distance"] == pytest.approx(0, abs=1e-4)


def test_the_truths_own_cycle_consistency_counts_what_no_neuron_reads(recording):
    """Of three true dimensions two are read out: 2/3 of the whitened variance is the most that there is."""
    rng = np.random.default_rng(4)
    splits = {name: replace(split, latents=np.concatenate(
        [split.latents, rng.standard_normal((*split.latents.shape[:2], 1))], 2).astype(np.float32))
        for name, split in recording.splits.items()}  # fmt: skip
    truth = GroundTruth(Recording(splits, recording.readout), None, settings())
    scores = scores_of(ModelEvaluation(truth, arrays_of(recording), None))
    assert scores["cycle_con_truth"] == pytest.approx(2 / 3, abs=0.02)


def test_unmatched_points_and_distances_that_noise_reaches_are_remarked():
    known = {"dsa": 0.2, "dsa_floor": 0.1, "points_true": 9, "points_inferred": 9}
    assert remarks(known) == remarks({}) == []
    assert remarks(known | {"dsa": 0.1, "points_inferred": 12}) == [
        "dsa 0.1 is not above the floor 0.1", "fixed points: 9 matched, of 9 true and 12 inferred"]  # fmt: skip
    assert remarks(known | {"points_inferred": 0}) == ["fixed points: 0 matched, of 9 true and 0 inferred"]


def test_figures_of_scores_say_what_is_not_above_the_floor_and_how_many_points_were_matched():
    rows = {"series": ["a"] * 3, "x": [0, 0, 0], "dsa": [0.3, 0.1, 0.05], "dsa_floor": [0.1] * 3, "cycle_con": 0.4,
            "cycle_con_truth": 0.7, "points_distance": 0.1, "points_true": 9, "eigenvalue_frequencies": 0.2,
            "points_inferred": [9, 12, 7], "procrustes": [0.5, 1.5, 1.0], "procrustes_chance": 1.2}  # fmt: skip
    shown = ("dsa", "cycle_con", "points_distance", "procrustes", "eigenvalue_frequencies")
    panels = [panel for panel in FIGURES_SCORES if panel.column in shown]
    figure = plotting.scores(pd.DataFrame(rows), panels, [Series("a", 0)], mean_interval, ())
    by_label = {axes.get_ylabel().split("\n")[0]: axes for axes in figure.axes}
    for label, expected in (("↓ DSA distance", {False: [0.3], True: [0.05, 0.1]}),
                            ("↓ Procrustes", {False: [0.5, 1.0], True: [1.5]})):  # fmt: skip
        dots = {line.get_markerfacecolor() == "white": sorted(line.get_ydata()) for line in by_label[label].lines
                if line.get_marker() == "o"}  # fmt: skip
        assert dots == expected
    for label in ("↓ fixed points,", "↓ frequencies,"):
        assert by_label[label].get_title().replace("\n", " ") == "7 to 9 matched, of 9 true and 7 to 12 inferred"
    assert by_label["↓ DSA distance"].get_title() == by_label["↑ cycle consistency"].get_title() == ""
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"not above the noise floor or not better than chance", "of the truth itself"} <= set(texts)
    assert "↑ higher is better, ↓ lower is better" in texts
    old = {name: values for name, values in rows.items() if name not in ("cycle_con_truth", "points_true")}
    plotting.scores(pd.DataFrame(old), panels, [Series("a", 0)], mean_interval, ())  # as earlier versions have it


def test_the_held_input_is_the_mean_of_a_phase_and_moves_fixed_points(recording):
    case = evaluation(recording, memory(), settings(held_input=(10, 20)), arrays_of(recording), memory())
    x = recording.splits["test"].true_inputs[:, 10:20].mean(dtype=np.float64)
    roots = np.roots([-0.2, 0, 0.2, x])
    stable = roots[np.abs(1 + 0.2 - 0.6 * roots**2) < 1].real
    found = case.truth.points.points[case.truth.points.unstable == 0].numpy()
    np.testing.assert_allclose(np.unique(found.round(6)), np.sort(stable).round(6), atol=1e-6)
    late = evaluation(recording, memory(), settings(held_input=(10, 50)), arrays_of(recording), memory())
    with pytest.raises(MetricUnavailable, match="held_input: expected recorded inputs of at least 50 bins"):
        SCORERS["fixed_points"](late)


def test_models_that_are_given_no_input_have_exponents_too(recording):
    alone = evaluation(recording, memory(), settings(), arrays_of(recording) | {"inputs_used": np.array("none")},
                 memory(channels=0))  # fmt: skip
    scores, arrays = SCORERS["spectrum"](alone)
    np.testing.assert_allclose(arrays["exponents_inferred"], np.log(0.6) / 0.5, rtol=1e-3)  # it rests at a corner
    assert scores["spectrum_distance"] > 0


@dataclass(frozen=True)
class Growing:
    """h' = 1.1 h, which no bound holds."""

    n: int = 2
    channels: int = 1
    dt: float = 0.5

    def step(self, state, x):
        return 1.1 * state


def test_growth_without_bound_has_no_exponents_to_compare(recording):
    with pytest.raises(MetricUnavailable, match="a spectrum is unbounded"):
        SCORERS["spectrum"](evaluation(recording, memory(), settings(), arrays_of(recording), Growing()))


def test_invented_and_missing_dimensions_are_told_apart(recording):
    found = scores_of(evaluation(recording, None, settings(), arrays_of(recording, extra=2), None))
    assert found["state_r2_inferred_to_true"] == pytest.approx(1, abs=1e-5)
    assert found["state_r2_true_to_inferred"] < 0.6
    assert (found["cycle_con_components"], found["cycle_con_dimensions"]) == (2, 4)
    assert found["cycle_con_truth"] == pytest.approx(1, abs=1e-5)  # both true dimensions are read out
    assert found["cycle_con"] == pytest.approx(0.5, abs=0.02)
    assert found["rate_r2"] == 1 and "spectrum_distance" not in found and "points_true" not in found


def test_what_is_not_there_is_lacking_in_words(recording):
    bare = Recording({name: Split(split.spikes, HELD_IN, split.inds) for name, split in recording.splits.items()})
    case = evaluation(bare, None, settings(), arrays_of(recording), None)
    said = {}
    for name, metric in SCORERS.items():
        try:
            metric(case)
        except MetricUnavailable as error:
            said[name] = str(error)
    assert said["rate_r2"] == "the recording has no rates" and said["dsa"] == "the recording has no latents"
    assert said["input_r2"] == "the model has no inferred_inputs"
    assert said["spectrum"] == "the model's step is not known"
    assert said["fixed_points"] == "the system that was recorded is not known"
    assert set(SCORERS) - set(said) == {"cycle_con", "bps", "co_bps"}
    assert figure_arrays(case) == {}
    case = evaluation(recording, memory(), settings(point_farthest=1e-9), arrays_of(recording), memory())
    with pytest.raises(MetricUnavailable, match="the recorded system has no fixed point there"):
        SCORERS["eigenvalues"](case)


def test_arrays_of_other_trials_or_nan_are_refused(recording):
    truth = GroundTruth(recording, None, settings())
    arrays = arrays_of(recording)
    with pytest.raises(ValueError, match=r"test_rates: expected the trials and bins .*\(20, 40, 12\), got \(19, 40"):
        ModelEvaluation(truth, arrays | {"test_rates": arrays["test_rates"][1:]}, None)
    with pytest.raises(ValueError, match="train_latents: expected it among the model's arrays"):
        ModelEvaluation(truth, {name: array for name, array in arrays.items() if name != "train_latents"}, None)
    broken = arrays["test_latents"].copy()
    broken[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="test_latents: expected finite values, got 1 of 1600 nan or infinite"):
        ModelEvaluation(truth, arrays | {"test_latents": broken}, None)


def test_a_driven_system_moves_states_and_tangents_along_its_inputs():
    rng = np.random.default_rng(7)
    system, inputs = memory(3, rng), torch.from_numpy(rng.standard_normal((5, 1)))
    state, frame = torch.from_numpy(rng.standard_normal((2, 3))).split(1)
    bundle = replay_inputs(system, inputs, 0.5).advance(torch.cat([state, frame]), 7, 3)
    by_hand = state.clone()
    jacobian = torch.eye(3, dtype=torch.float64)
    for t in range(3, 10):
        x = inputs[t % 5][None]
        step, slope = freeze_input(system, x[0])
        jacobian = slope(by_hand)[0] @ jacobian
        torch.testing.assert_close(step(by_hand), system.step(by_hand, x))
        by_hand = system.step(by_hand, x)
    torch.testing.assert_close(bundle, torch.cat([by_hand, frame @ jacobian.mT]))
    with pytest.raises(ValueError, match=r"inputs must have shape \(time, 1\), got \(5, 2\)"):
        replay_inputs(system, torch.zeros(5, 2), 0.5)


def test_what_is_shown_is_the_flow_of_both_systems_in_the_same_plane(recording):
    turned = memory(rng=np.random.default_rng(3))
    arrays = figure_arrays(evaluation(recording, memory(), settings(), arrays_of(recording, turned), turned))
    np.testing.assert_allclose(arrays["flow_inferred"], arrays["flow_true"], atol=1e-4)
    np.testing.assert_allclose(arrays["states_inferred"], arrays["states_true"], atol=1e-4)
    assert arrays["states_true"].shape == (8, BINS, 3) and not arrays["states_true"][..., 2].any()
    assert arrays["explained"].sum() == pytest.approx(1)
    assert arrays["rates_true"].shape == (BINS, 5)


# ---- whole runs


def fit_folder(root, recording_path, recordings, models, kind="fit", source=None):
    """A results folder as kind = fit writes it: models[combo][iteration] are arrays, None where a run is missing."""
    combos = [{"combo": combo, "values": {"latent": 2 + combo}, "connectome": {},
               "settings": {"source.folder": str(source or recording_path), "inference.architecture": "gru"}}
              for combo in range(len(models))]  # fmt: skip
    manifest = {"format": results.FORMAT, "kind": kind, "seed": 0, "iterations": len(models[0]), "varied": ["latent"],
                "combos": combos}  # fmt: skip
    folder = results.ResultsFolder(root)
    root.mkdir()
    results.write_json(root / "manifest.json", manifest)
    facts = {"name": "made up", "source": str(recording_path), "inputs": {"source.folder": checksum(recording_path)}}
    for combo, iterations in enumerate(models):
        for iteration, arrays in enumerate(iterations):
            run = folder.run(combo, iteration)
            run.create()
            if arrays is not None:
                results.write_arrays(run.path / "arrays.npz", arrays)
                run.finish({"status": "complete", "summary": {}, "connectome": facts})


def noisy(recording, rng, amount, extra=0):
    arrays = arrays_of(recording, extra=extra)
    return {name: array * np.exp(amount * rng.standard_normal(array.shape)) if "rates" in name else array
            for name, array in arrays.items()}  # fmt: skip


@pytest.fixture(scope="module")
def study(recording, tmp_path_factory):
    """Two folders, of 2 combos with 3 iterations and of 1 with 3; one model has nan, one has no arrays left."""
    root, rng = tmp_path_factory.mktemp("study"), np.random.default_rng(9)
    write_recording(root / "recording.npz", recording)
    good = [[noisy(recording, rng, 0.1 * (1 + combo), combo) for _ in range(3)] for combo in range(2)]
    good[1][2]["test_rates"][0, 0, 0] = np.nan
    fit_folder(root / "fit_gru", root / "recording.npz", recording, good)
    fit_folder(root / "fit_node", root / "recording.npz", recording, [[noisy(recording, rng, 0.3) for _ in range(3)]])
    (root / "fit_node" / "0" / "iter_1" / "arrays.npz").unlink()
    return root


def ini(root, name, folders, comparing="", **more):
    text = f"""
[experiment]
kind = compare
seed = 3
[paths]
path_to_results = {root / name}
[source]
folder = {', '.join(str(root / folder) for folder in folders)}
[comparing]
{comparing}
[execution]
workers = 1
"""
    path = root / f"{name}.ini"
    path.write_text(text)
    return path


def compared(root, name, folders, comparing=""):
    assert runrandomnet.main([str(ini(root, name, folders, comparing))]) == 0
    return root / name / "0" / "iter_0"


@pytest.fixture(scope="module")
def run(study):
    return compared(study, "out", ["fit_gru", "fit_node"], f"metrics = {EASY} + dsa\ndsa_delays = 5\ndsa_rank = 10")


def test_every_model_has_a_row_also_one_with_nan_and_one_without_arrays(run):
    table = pd.read_csv(run / "scores.csv")
    assert list(zip(table["label"], table["combo"], table["iteration"], strict=True)) == [
        *(("fit_gru", combo, iteration) for combo in range(2) for iteration in range(3)),
        *(("fit_node", 0, iteration) for iteration in range(3)),
    ]
    assert table["status"].tolist() == ["complete"] * 5 + ["diverged", "complete", "failed", "complete"]
    assert "test_rates: expected finite values, got 1 of" in table["reason"][5]
    assert "expected the arrays of a model, got FileNotFoundError" in table["reason"][7]
    assert table["latent"].tolist() == [2, 2, 2, 3, 3, 3, 2, 2, 2]
    assert table["latent_size"].dropna().tolist() == [2, 2, 2, 3, 3, 3, 2, 2] and (table["model"] == "gru").all()
    good = table[table["status"] == "complete"]
    assert good["rate_r2"].between(0, 1).all() and (good["co_bps"] < good["co_bps_ceiling"] + 0.02).all()
    assert table[table["status"] != "complete"][["rate_r2", "dsa"]].isna().all(axis=None)
    assert list(table.columns[:6]) == ["label", "combo", "iteration", "model", "latent_size", "latent"]
    record = json.loads((run / "run.json").read_text())
    assert record["summary"]["models"] == 9 and record["summary"]["compared"] == 7
    assert record["summary"]["rate_r2"] == pytest.approx(good["rate_r2"].mean())
    assert len(record["notes"]) == 2 and record["notes"][0].startswith("fit_gru combo 1 iteration 2: test_rates")


def test_means_have_students_interval_over_iterations(run):
    table, means = pd.read_csv(run / "scores.csv"), pd.read_csv(run / "scores_mean.csv")
    row = means[(means["label"] == "fit_gru") & (means["combo"] == 0) & (means["metric"] == "rate_r2")].iloc[0]
    values = table[(table["label"] == "fit_gru") & (table["combo"] == 0)]["rate_r2"]
    assert (row["mean"], row["sd"], row["n"]) == pytest.approx((values.mean(), values.std(), 3))
    half = 4.302653 * values.std() / np.sqrt(3)  # Student's t of two degrees of freedom at 97.5 %
    assert (row["low"], row["high"]) == pytest.approx((values.mean() - half, values.mean() + half), rel=1e-6)
    two = means[(means["label"] == "fit_node") & (means["metric"] == "rate_r2")].iloc[0]
    assert two["n"] == 2 and two["latent"] == 2
    assert set(means["metric"]) >= {"rate_r2", "co_bps_ceiling", "dsa", "dsa_floor", "cycle_con_raw"}


def test_the_arrays_have_what_figures_draw(run):
    arrays, table = results.read_arrays(run / "arrays.npz"), pd.read_csv(run / "scores.csv")
    assert arrays["labels"].tolist() == table["label"].tolist()
    column = arrays["score_names"].tolist().index("rate_r2")
    np.testing.assert_allclose(arrays["scores"][:, column], table["rate_r2"])
    assert arrays["axes"].tolist() == ["latent"] and arrays["axis_values"][:, 0].tolist() == list("222333222")
    assert arrays["m0_states_true"].shape == (8, BINS, 3) and "m5_states_true" not in arrays
    assert {"m8_operator_true", "m8_operator_inferred", "m8_rates_true"} <= set(arrays)


@pytest.mark.slow
def test_the_figures_have_a_panel_per_score_and_the_models_beside_the_truth(run, study):
    out = study / "figs"
    asked = ["--results_folders", str(study / "out"), "--save_figs", str(out), "--format", "svg"]
    assert visualization.main(asked) == 0
    names = {file.name for file in (out / "by_combo").iterdir()}
    assert {"scores.svg", "scores_by_latent.svg", "dynamics.svg"} <= names and (out / "overview.svg").exists()
    text = (out / "by_combo" / "scores.svg").read_text()
    for said in ("rate R²", "held-out neurons", "what the true rates get", "between halves", "fit_gru", "fit_node"):
        assert said in text
    assert "Lyapunov" not in text and "fixed points" not in text  # which were not asked for
    text = (out / "by_combo" / "dynamics.svg").read_text()
    assert all(said in text for said in ("true states", "inferred states, mapped", "fit_gru, hidden_size 3", "PC 1 ("))


def ink(label):
    """Where the number of a tick stands, which may have an empty line above it."""
    box = label.get_window_extent()
    return Bbox.from_extents(box.x0 - 1, box.y0, box.x1 + 1, box.y0 + box.height / (1 + label.get_text().count("\n")))


SIZES = [(3, 8, 10, 64, 128), (3, 10), (10, 11, 12, 128), (3, 5, 8, 16, 32, 64)]


@pytest.mark.parametrize("sizes", [pytest.param(each, marks=[pytest.mark.slow] * (each != SIZES[0])) for each in SIZES])
def test_the_axis_of_latents_has_the_numbers_that_there_are_and_none_over_another(sizes):
    rows = [{"series": name, "x": size, **{panel.column: 1 - 1 / size for panel in FIGURES_SCORES}}
            for name in "ab" for size in sizes for _ in range(3)]  # fmt: skip
    looks = [Series(name, number) for number, name in enumerate("ab")]
    figure = plotting.scores(pd.DataFrame(rows), FIGURES_SCORES, looks, mean_interval, (), "latents", numeric=True)
    FigureCanvasAgg(figure).draw()
    axes = figure.axes[len(FIGURES_SCORES) - 1]
    assert axes.get_xscale() == "log" and axes.get_xlabel() == "latents" and len(axes.get_xticks(minor=True)) == 0
    np.testing.assert_allclose(axes.get_xticks(), sizes)
    labels = [label for label in axes.get_xticklabels() if label.get_text()]
    assert len(labels) >= min(len(sizes), 3) and labels[0].get_text() == str(sizes[0])
    assert not any(one.overlaps(other) for one, other in itertools.combinations(map(ink, labels), 2))
    means = [line for line in axes.lines if line.get_marker() == "_"]
    assert [len(line.get_xdata()) for line in means] == [len(sizes)] * 2
    assert (means[0].get_xdata() < means[1].get_xdata()).all()  # beside each other


def test_fixed_points_and_flow_are_drawn_over_the_states(recording):
    turned = memory(rng=np.random.default_rng(3))
    case = evaluation(recording, memory(), settings(), arrays_of(recording, turned), turned)
    own = figure_arrays(case) | SCORERS["fixed_points"](case)[1] | SCORERS["eigenvalues"](case)[1]
    arrays = {f"m0_{name}": array for name, array in own.items()}
    arrays |= {"labels": np.array(["GRU"]), "axes": np.array(["latent"]), "axis_values": np.array([["2"]])}
    one = _inferred_dynamics(arrays, 0, True)
    assert one.name == "GRU, hidden_size 2" and one.eigenvalues_of.startswith("Jacobians")
    third = _inferred_dynamics(arrays | {"iterations": np.array([3])}, 0, True, True)
    assert third.name == "GRU, hidden_size 2, iteration\u00a03"
    np.testing.assert_allclose(*(points[np.lexsort(points.round(3).T)] for points in one.points), atol=1e-3)
    figure = plotting.inferred_dynamics([one])
    true, inferred = figure.axes[:2]
    assert true.get_xlim() == inferred.get_xlim() and true.get_ylim() == inferred.get_ylim()
    marks = [line for line in inferred.lines if line.get_marker() in ("o", "X")]
    assert [len(line.get_xdata()) for line in marks] == [4, 5]  # stable, and not
    said = [text.get_text() for axes in (true, inferred) for text in axes.texts]
    assert said == ["9 fixed points", "9 fixed points, 9 matched"]
    assert "stable fixed point" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_same_states_are_drawn_in_three_dimensions(recording):
    case = evaluation(recording, memory(), settings(), arrays_of(recording), memory())
    own = figure_arrays(case) | SCORERS["fixed_points"](case)[1]
    arrays = {f"m0_{name}": array for name, array in own.items()}
    arrays |= {"labels": np.array(["fit"]), "combos": np.array([0]), "iterations": np.array([0]),
               "axes": np.array([], str), "axis_values": np.zeros((1, 0), str)}  # fmt: skip
    (chosen,) = _first_models(arrays)
    figure = plotting.trajectories_3d([_trajectories(arrays, *chosen)])
    true, inferred = figure.axes
    for axes, states in ((true, own["states_true"]), (inferred, own["states_inferred"])):
        drawn = [np.stack(line.get_data_3d(), 1) for line in axes.lines if line.get_linestyle() == "-"]
        np.testing.assert_array_equal(np.stack(drawn), states)
        markers = sum(len(line.get_data_3d()[0]) for line in axes.lines if line.get_linestyle() != "-")
        assert markers == len(own["points_true"]) == 9
        assert axes.get_xlabel().startswith("PC 1 (") and axes.get_xlim() == true.get_xlim()


def test_the_search_for_dsas_dimensions_is_drawn_with_its_choice(recording):
    case = evaluation(recording, memory(), settings(dsa_dimensions="held_out"), arrays_of(recording), memory())
    scores, arrays = SCORERS["dsa"](case)
    delays, errors = arrays["dsa_search_delays"], arrays["dsa_search_errors"]
    used = int(scores["dsa_delays_used"]), int(scores["dsa_rank_used"])
    row = delays.tolist().index(used[0])
    assert errors[row, used[1] - 1] < 2 * np.nanmin(errors), "as good as the best but for its error"
    figure = plotting.dsa_search(delays, errors, used)
    (circle,) = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert (circle.get_xdata()[0], circle.get_ydata()[0]) == (used[1], errors[row, used[1] - 1])


def test_the_same_seed_gives_the_same_scores(run, study):
    again = compared(study, "again", ["fit_gru", "fit_node"],
                     f"metrics = {EASY} + dsa\ndsa_delays = 5\ndsa_rank = 10")  # fmt: skip
    left = [pd.read_csv(folder / "scores.csv").drop(columns="seconds") for folder in (run, again)]
    pd.testing.assert_frame_equal(*left, check_exact=True)
    assert (run / "arrays.npz").read_bytes() == (again / "arrays.npz").read_bytes()


def test_only_the_metrics_that_are_asked_for_are_computed(study):
    folder = compared(study, "few", ["fit_node"], "metrics = bps + rate_r2\nlabels = node")
    table = pd.read_csv(folder / "scores.csv")
    assert list(table.columns[6:-5]) == ["rate_r2", "bps", "bps_ceiling"]
    assert set(table["label"]) == {"node"}


def test_runs_that_are_not_complete_are_counted_in_a_note(study, recording):
    fit_folder(study / "half", study / "recording.npz", recording, [[arrays_of(recording), None, None]])
    folder = compared(study, "halved", ["half"], "metrics = rate_r2")
    notes = json.loads((folder / "run.json").read_text())["notes"]
    assert notes == ["half: 2 of 3 runs are not complete, and left out"]
    assert len(pd.read_csv(folder / "scores.csv")) == 1


def test_states_that_are_only_some_of_the_systems_have_no_step(recording):
    case = evaluation(recording, memory(3), settings(), arrays_of(recording), memory(3))
    for name, whose in (("fixed_points", "recording does not have"), ("spectrum", "arrays do not have")):
        with pytest.raises(MetricUnavailable, match=f"the {whose} all 3 states"):
            SCORERS[name](case)


def test_steps_that_are_not_known_are_said_to_be_left_out(study):
    folder = compared(study, "left", ["fit_node"], "metrics = rate_r2 + fixed_points")
    table = pd.read_csv(folder / "scores.csv")
    assert table["left_out"][0] == "fixed_points: the system that was recorded is not known"
    assert table["status"][0] == "complete"


def test_models_from_elsewhere_are_arrays_with_a_recording(study, recording):
    results.write_arrays(study / "theirs.npz", arrays_of(recording))
    folder = compared(study, "mixed", ["theirs.npz", "fit_node"],
                      f"metrics = rate_r2\nrecording = {study / 'recording.npz'}")  # fmt: skip
    table = pd.read_csv(folder / "scores.csv")
    assert table["rate_r2"][0] == 1 and table["model"][0] == "arrays" and table["label"][0] == "theirs"


def test_a_broken_file_from_elsewhere_is_a_row_beside_the_others(study, recording):
    good = arrays_of(recording)
    broken = {"scalar": np.array(3.0), "complex": 1j * good["test_latents"], "text": np.array(["a"]),
              "wide": np.concatenate([good["test_latents"]] * 2, -1)}  # fmt: skip
    np.savez(study / "good.npz", **good)
    for name, latents in broken.items():
        np.savez(study / f"{name}.npz", **{**good, "test_latents": latents})
    (study / "words.npz").write_text("no arrays")
    broken["words"] = None
    files = [f"{name}.npz" for name in ("good", *broken)]
    folder = compared(study, "broken", files, f"metrics = rate_r2 + bps\nrecording = {study / 'recording.npz'}")
    table = pd.read_csv(folder / "scores.csv").set_index("label")
    assert table["status"].to_dict() == {"good": "complete"} | dict.fromkeys(broken, "failed")
    assert table.loc["good", "rate_r2"] == 1 and "as train_latents has, got" in table.loc["wide", "reason"]
    assert table.loc["words", "reason"].endswith("expected the arrays of a model (.npz), got another kind of file")
    for name in ("scalar", "complex", "text"):
        assert table.loc[name, "reason"].startswith("test_latents: expected real numbers (trials, time, .), got")


def test_a_network_that_has_gone_costs_only_the_scores_that_need_it(study, recording):
    file = study / "orphan.npz"
    write_recording(file, replace(recording, metadata={"source": str(study / "gone" / "model.pt"), "dt": 0.5}))
    fit_folder(study / "orphans", file, recording, [[arrays_of(recording)]])
    table = pd.read_csv(compared(study, "orphaned", ["orphans"], "metrics = rate_r2 + fixed_points") / "scores.csv")
    assert table["rate_r2"][0] == 1 and "gone/model.pt" in table["left_out"][0] and table["status"][0] == "complete"


def test_models_that_have_changed_since_are_not_those_that_were_compared(study, recording, capsys):
    fit_folder(study / "first", study / "recording.npz", recording, [[arrays_of(recording)]])
    compared(study, "of first", ["first"], "metrics = rate_r2")
    arrays = results.ResultsFolder(study / "first").run(0, 0).path / "arrays.npz"
    results.write_arrays(arrays, noisy(recording, np.random.default_rng(0), 0.1))
    assert runrandomnet.main([str(ini(study, "of first", ["first"], "metrics = rate_r2"))]) == 2
    assert "the file of source.folder has changed" in capsys.readouterr().err


def test_other_labels_are_not_those_that_were_compared(study, capsys):
    """They stand in every row of the tables, and in the checkpoint of a comparison that was interrupted."""
    compared(study, "named", ["fit_node"], "metrics = rate_r2\nlabels = node")
    assert runrandomnet.main([str(ini(study, "named", ["fit_node"], "metrics = rate_r2\nlabels = ODE"))]) == 2
    assert "comparing.labels was 'node', is 'ODE'" in capsys.readouterr().err


def test_folders_that_were_moved_together_find_each_other(tmp_path, recording):
    """By the end of the path and the checksum, so that another file of that name is not taken for it."""
    old, file = tmp_path / "cluster", Path("results", "record", "recording.npz")
    (old / file).parent.mkdir(parents=True)
    write_recording(old / file, recording)
    fit_folder(old / "results" / "fits", old / file, recording, [[arrays_of(recording)]])
    new = old.rename(tmp_path / "laptop")
    table = pd.read_csv(compared(new / "results", "out", ["fits"], "metrics = rate_r2") / "scores.csv")
    assert table["status"].tolist() == ["complete"] and table["rate_r2"][0] == 1
    (new / file).write_bytes(b"another")
    assert runrandomnet.main([str(ini(new / "results", "again", ["fits"], "metrics = rate_r2"))]) == 1
    table = pd.read_csv(new / "results" / "again" / "0" / "iter_0" / "scores.csv")
    assert table["status"].tolist() == ["failed"] and f"{old / file} is not there" in table["reason"][0]


def test_a_recording_that_has_changed_since_is_a_reason(study, recording):
    other = study / "other.npz"
    write_recording(other, recording)
    fit_folder(study / "stale", other, recording, [[arrays_of(recording)], [arrays_of(recording)]])
    results.write_arrays(other, {"spikes": np.zeros(3)})
    path = ini(study, "stale_out", ["stale"], "metrics = rate_r2")
    assert runrandomnet.main([str(path)]) in (0, 1)
    table = pd.read_csv(study / "stale_out" / "0" / "iter_0" / "scores.csv")
    assert (table["status"] == "failed").all() and "is not the file any more" in table["reason"][0]


@pytest.mark.parametrize(
    ("folders", "comparing", "text"),
    [
        ([], "", "[source] folder: expected results folders of kind = fit, or .npz files, by commas, got nothing"),
        (["nowhere"], "", "[source] folder: expected the results folder of an experiment of kind = fit, got"),
        (["trained"], "", "which is of kind = train"),
        (["empty"], "", "expected a folder with at least one complete run"),
        (["fit_gru", "elsewhere"], "", "expected models of the same recordings, or [comparing] mixed = True, got fit_"),
        (["fit_gru", "fit_node"], "labels = one", "[comparing] labels: expected 2, one for each"),
        (["fit_gru", "fit_node"], "labels = a, a", "[comparing] labels: expected a different one for each, got a, a"),
        (["theirs2.npz"], "", "[comparing] recording: expected a file of recordings, or a results folder of kind"),
        (["fit_gru"], "recording = there", "[comparing] recording: applies only where [source] folder has .npz"),
        (["fit_gru"], "metrics = rate_r3", "[comparing] metrics: expected one or more of all, rate_r2"),
        (["fit_gru"], "held_input = 4", "[comparing] held_input: expected zero, or bins such as 40:60, got '4'"),
        (["fit_gru"], "metrics = bps\ndsa_rank = 3", "applies only where comparing.metrics has dsa"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(study, recording, capsys, folders, comparing, text):
    if not (study / "trained").exists():
        fit_folder(study / "trained", study / "recording.npz", recording, [[arrays_of(recording)]], kind="train")
        fit_folder(study / "empty", study / "recording.npz", recording, [[None]])
        fit_folder(study / "elsewhere", study / "recording.npz", recording, [[arrays_of(recording)]], source="there")
        results.write_arrays(study / "theirs2.npz", arrays_of(recording))
    assert runrandomnet.main([str(ini(study, "refused", folders, comparing))]) == 2
    error = capsys.readouterr().err
    assert text in error and len(error.strip().splitlines()) == 1
    assert not (study / "refused").exists()


def test_progress_is_told_metric_by_metric_and_a_stop_is_heard(study):
    run = read_plan(ini(study, "told", ["fit_node"], "metrics = rate_r2 + bps")).combos[0].runs()[0]
    told, folder = [], results.ResultsFolder(study / "told").run(0, 0)
    folder.create()
    with pytest.raises(Interrupted):
        compare.execute_one(run, folder, told.append, lambda: True)
    assert not told
    record = compare.execute_one(run, folder, told.append, lambda: False)
    assert sum(row["advance"] for row in told) == compare.length(run) == 6 and record["status"] == "complete"


def test_an_interrupted_comparison_goes_on_with_the_next_model_to_the_same_bytes(study, monkeypatch):
    """Stopped in the third of nine; what has failed before is tried again."""
    options = f"metrics = {EASY} + dsa\ndsa_delays = 5\ndsa_rank = 10"
    whole = compared(study, "whole", ["fit_gru", "fit_node"], options)
    run = read_plan(ini(study, "parts", ["fit_gru", "fit_node"], options)).combos[0].runs()[0]
    folder, told, seen, cases = results.ResultsFolder(study / "parts").run(0, 0), [], [], compare.ModelEvaluation
    folder.create()
    with pytest.raises(Interrupted):
        compare.execute_one(run, folder, told.append, lambda: len(told) > 2 * len(run.config.comparing.chosen))
    assert sum(row["advance"] for row in told) < 3 * len(run.config.comparing.chosen) and folder.checkpoint.exists()
    monkeypatch.setattr(compare, "ModelEvaluation", lambda *parts: seen.append(parts) or cases(*parts))
    told.clear()
    record = compare.execute_one(run, folder, told.append, lambda: False)
    assert len(seen) == 6 and record["status"] == "complete"  # of nine one cannot be read
    assert sum(row["advance"] for row in told) == compare.length(run)
    tables = [pd.read_csv(path / "scores.csv").drop(columns="seconds") for path in (whole, folder.path)]
    pd.testing.assert_frame_equal(*tables, check_exact=True)
    assert (whole / "arrays.npz").read_bytes() == (folder.path / "arrays.npz").read_bytes()


@pytest.mark.parametrize("form", ["current", "rate"])
def test_the_closed_forms_of_randomnets_networks_are_the_derivatives_of_their_step(form):
    rng = np.random.default_rng(11)
    network = trained_network(rng, form)
    states, inputs = (torch.from_numpy(rng.standard_normal(shape)) for shape in ((4, 5), (4, 2)))
    step, jacobian = freeze_input(network, inputs[0])
    torch.testing.assert_close(step(states), network.step(states, inputs[:1].expand(4, -1)))
    torch.testing.assert_close(jacobian(states), autodiff_jacobian(step)(states))
    frame = torch.eye(5, dtype=torch.float64)
    bundle = replay_inputs(network, inputs, 0.2).advance(torch.cat([states[:1], frame]), 4)
    state, product = states[:1], frame
    for x in inputs.split(1):
        product = autodiff_jacobian(lambda s, x=x: network.step(s, x.expand(len(s), -1)))(state)[0] @ product
        state = network.step(state, x)
    torch.testing.assert_close(bundle, torch.cat([state, product.mT]))
