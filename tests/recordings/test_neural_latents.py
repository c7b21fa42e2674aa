"""Arrays of the Neural Latents Benchmark, and its scores against independent implementations."""

import numpy as np
import pytest

from randomnet.metrics import bps, mean_r2, psth_r2, velocity_r2
from randomnet.metrics.neural_latents import PENALTIES
from randomnet.recordings import read_recording

TRIALS, EVALUATED, BINS, HELD_IN, HELD_OUT, FORWARD, CONDITIONS = 15, 6, 8, 4, 2, 3, 2


def arrays(**more):
    rng = np.random.default_rng(0)
    found = {}
    for split, count in (("train", TRIALS), ("eval", EVALUATED)):
        for which, neurons in (("heldin", HELD_IN), ("heldout", HELD_OUT)):
            found[f"{split}_spikes_{which}"] = rng.poisson(1.0, (count, BINS, neurons)).astype(float)
        found[f"{split}_behavior"] = rng.standard_normal((count, BINS, 2))
    for which, neurons in (("heldin", HELD_IN), ("heldout", HELD_OUT)):
        found[f"eval_spikes_{which}_forward"] = rng.poisson(1.0, (EVALUATED, FORWARD, neurons)).astype(float)
    found["psth"] = rng.random((CONDITIONS, BINS, HELD_IN + HELD_OUT))
    found["eval_cond_idx"] = np.array([[0, 2, 4], [1, 5, -1]])
    return found | more


def check(recording, given):
    train, valid, test = (recording.splits[name] for name in ("train", "valid", "test"))
    whole = np.concatenate([given["train_spikes_heldin"], given["train_spikes_heldout"]], 2)
    np.testing.assert_array_equal(valid.spikes, whole[4::5])
    np.testing.assert_array_equal(train.spikes, np.delete(whole, [4, 9, 14], 0))
    np.testing.assert_array_equal(valid.behaviour, given["train_behavior"][4::5].astype(np.float32))
    np.testing.assert_array_equal(test.held_out, given["eval_spikes_heldout"])
    np.testing.assert_array_equal(test.forward[..., HELD_IN:], given["eval_spikes_heldout_forward"])
    assert recording.heldin == HELD_IN and test.conds.tolist() == [0, 1, 0, -1, 0, 1]
    assert recording.psth.shape == (CONDITIONS, BINS, HELD_IN + HELD_OUT)
    assert recording.notes == ("every 5th training trial validates, as the benchmark has no validation trials",)


def test_arrays_of_the_benchmark_are_a_recording(tmp_path):
    np.savez(tmp_path / "nlb.npz", **arrays())
    check(read_recording(tmp_path / "nlb.npz"), arrays())


@pytest.mark.parametrize("group", ["", "mc_maze/"])
def test_a_file_with_one_group_and_lists_of_different_lengths_is_read(tmp_path, group):
    h5py = pytest.importorskip("h5py", reason="h5py is of the extra recordings")
    with h5py.File(tmp_path / "nlb.h5", "w") as file:
        for key, array in arrays().items():
            if key != "eval_cond_idx":
                file[group + key] = array
        ragged = file.create_dataset(f"{group}eval_cond_idx", 2, dtype=h5py.vlen_dtype(np.int64))
        ragged[0], ragged[1] = np.array([0, 2, 4]), np.array([1, 5])
    check(read_recording(tmp_path / "nlb.h5"), arrays())


def test_without_held_out_spikes_of_the_evaluation_validation_takes_its_place(tmp_path):
    given = {key: array for key, array in arrays().items() if not key.startswith("eval_spikes_heldout")}
    np.savez(tmp_path / "nlb.npz", **given)
    found = read_recording(tmp_path / "nlb.npz")
    assert found.splits["test"] is found.splits["valid"]
    assert "the evaluation trials have no held-out spikes: they are left out" in found.notes


def test_what_does_not_fit_is_said(tmp_path):
    np.savez(tmp_path / "nlb.npz", **arrays(train_spikes_heldout=np.zeros((3, BINS, 2))))
    with pytest.raises(ValueError, match=r"expected counts \(trials, time, neurons\) of the same trials and bins, got"):
        read_recording(tmp_path / "nlb.npz")


def ridge(x, y, at, penalty):
    """Ridge regression as a least-squares problem of augmented rows, with a column for the offset."""
    rows = np.concatenate([np.c_[x, np.ones(len(x))], np.sqrt(penalty) * np.eye(x.shape[1], x.shape[1] + 1)])
    targets = np.concatenate([y, np.zeros((x.shape[1], y.shape[1]))])
    return np.c_[at, np.ones(len(at))] @ np.linalg.lstsq(rows, targets, rcond=None)[0]


def columns_r2(true, predicted):
    return np.mean([1 - np.var(t - p - np.mean(t - p)) / np.var(t) - np.mean(t - p) ** 2 / np.var(t)
                    for t, p in zip(true.T, predicted.T, strict=True)])  # fmt: skip


@pytest.mark.parametrize(("change", "text"), [
    ({"train_behavior": np.zeros((TRIALS - 1, BINS, 2))}, r"train_behavior: expected 15 trials, .* got shape \(14"),
    ({"psth": np.zeros((CONDITIONS, BINS - 1, 6))}, r"psth: expected .* \(2, 8, 6\), got \(2, 7, 6\)"),
    ({"psth": np.zeros((CONDITIONS + 1, BINS, 6))}, r"psth: expected .* \(2, 8, 6\), got \(3, 8, 6\)"),
])  # fmt: skip
def test_behaviour_and_mean_responses_of_another_size_are_refused_when_read(tmp_path, change, text):
    np.savez(tmp_path / "nlb.npz", **arrays(**change))
    with pytest.raises(ValueError, match=text):
        read_recording(tmp_path / "nlb.npz")


def test_behaviour_is_decoded_by_cross_validated_ridge_regression():
    rng = np.random.default_rng(1)
    rates, test_rates = rng.random((10, 6, 5)), rng.random((4, 6, 5))
    weights = rng.standard_normal((5, 2))
    behaviour, test_behaviour = (
        each @ weights + 0.5 * rng.standard_normal((*each.shape[:2], 2)) for each in (rates, test_rates)
    )
    behaviour[2, 3] = np.nan
    known = np.isfinite(behaviour).all(2)
    x, y = rates[known], behaviour[known]
    folds, means = np.array_split(np.arange(len(x)), 5), []
    for penalty in PENALTIES:
        predicted = [ridge(np.delete(x, fold, 0), np.delete(y, fold, 0), x[fold], penalty) for fold in folds]
        means.append(np.mean([columns_r2(y[fold], each) for fold, each in zip(folds, predicted, strict=True)]))
    best = PENALTIES[np.argmax(means)]
    at, true = test_rates.reshape(-1, 5), test_behaviour.reshape(-1, 2)
    expected = columns_r2(true, ridge(x, y, at, best))
    assert velocity_r2(rates, behaviour, test_rates, test_behaviour) == pytest.approx(expected, abs=1e-9)


def test_mean_responses_are_compared_neuron_by_neuron():
    rng = np.random.default_rng(2)
    rates, conditions = rng.random((6, 5, 3)), np.array([0, 1, 0, -1, 1, 1])
    means = np.stack([rates[conditions == c].mean(0) for c in (0, 1)])
    assert psth_r2(means, rates, conditions) == 1
    psth = means + rng.standard_normal(means.shape)
    psth[1, 3] = np.nan
    true, predicted = (np.delete(each.reshape(10, 3), 8, 0) for each in (psth, means))
    assert psth_r2(psth, rates, conditions) == pytest.approx(columns_r2(true, predicted), abs=1e-12)
    with pytest.raises(ValueError, match="expected a trial of one of them, got none"):
        psth_r2(means, rates, np.full(6, -1))


def test_a_constant_column_counts_as_in_scikit_learn():
    true = np.array([[1.0, 0.0], [1.0, 2.0]])
    assert mean_r2(true, true) == 1 and mean_r2(true, true + np.array([1.0, 0.0])) == 0.5


def test_bits_of_forward_spikes_are_those_of_the_rates():
    rng = np.random.default_rng(3)
    spikes, rates = rng.poisson(2, (4, 3, 5)), rng.random((4, 3, 5)) + 0.5
    means = spikes.mean((0, 1))
    gain = (spikes * np.log(rates) - rates).sum() - (spikes * np.log(means) - means).sum()
    assert bps(spikes, rates) == pytest.approx(gain / spikes.sum() / np.log(2))
