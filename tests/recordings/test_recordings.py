"""Simulated recordings against closed forms: dispersion, mean rates, ceilings, files to the byte."""

import json
import math
import re
import sys

import numpy as np
import pytest

from randomnet.extras import install_line
from randomnet.metrics import bps
from randomnet.recordings import (
    RATES,
    READOUTS,
    ObservationModel,
    Recording,
    Split,
    dense,
    expected_fano,
    fano,
    fit_observation,
    one_hot,
    read_recording,
    spike_counts,
    split_indices,
    write_recording,
)
from tests.support.marks import slow_except


def rng(seed=0):
    return np.random.default_rng(seed)


# ---- what neurons read


def test_no_latent_is_read_again_before_all_are_read():
    readout = one_hot(7, 24, rng())
    assert readout.shape == (7, 24) and (readout.sum(0) == 1).all() and set(np.unique(readout)) == {0, 1}
    chosen = readout.argmax(0)
    for stack in (chosen[:7], chosen[7:14], chosen[14:21]):
        assert sorted(stack) == list(range(7))
    assert len(set(chosen[21:])) == 3 and chosen[:7].tolist() != chosen[7:14].tolist()
    assert (one_hot(7, 3, rng()).sum(1) <= 1).all()


def test_dense_neurons_read_unit_variance_of_unit_latents():
    activity = rng(1).standard_normal((20_000, 40)) @ dense(40, 400, rng())
    assert activity.var() == pytest.approx(1, abs=4 * math.sqrt(2 / (40 * 400)))  # the spread of 16,000 squared weights


@pytest.mark.parametrize("reading", READOUTS)
def test_activity_is_the_product_with_the_readout(reading):
    latents = rng(1).standard_normal((3, 5, 4)).astype(np.float32)
    probe = fit_observation(latents, READOUTS[reading](4, 9, rng()), 2.0, "exp")
    expected = np.einsum("btd,dn->btn", latents.astype(float), probe.readout)
    np.testing.assert_allclose(probe.activity(latents), expected, rtol=1e-12)


# ---- rates

MEAN_RATES = {"exp": math.exp(1 / 8), "softplus": 0.7234928, "sigmoid": 1.0}  # the second by quadrature


@pytest.mark.parametrize("rate", RATES)
def test_mean_rates_of_gaussian_latents(rate):
    latents = rng(2).standard_normal((100, 500, 20)).astype(np.float32)
    found = fit_observation(latents, np.eye(20, dtype=np.float32), 2.0, rate).rates(latents)
    error = float(found.std()) / math.sqrt(found.size)
    assert found.mean(dtype=float) == pytest.approx(MEAN_RATES[rate], abs=4 * error) and error < 1e-3


def test_sigmoids_steepen_over_neurons_not_over_time():
    probe = ObservationModel(np.eye(5, dtype=np.float32), np.array(0.0), np.array(1.0), 1.0, "sigmoid")
    z = rng(3).standard_normal((2, 30, 5)).astype(np.float32)
    steepness = 10 ** np.array([0.2, 0.4, 0.6, 0.8, 1.0])
    np.testing.assert_allclose(probe.rates(z), 2 / (1 + np.exp(-steepness * z)), rtol=1e-5)


def test_normalisation_over_everything_or_per_unit():
    latents = (rng(4).standard_normal((10, 20, 3)) * [1, 5, 0] + [0, 2, 7]).astype(np.float32)
    readout = np.eye(3, dtype=np.float32)
    whole, each = (fit_observation(latents, readout, 4.0, "exp", how) for how in ("all", "unit"))
    z = np.log(whole.rates(latents).astype(float))
    assert z.mean() == pytest.approx(0, abs=1e-6) and z.std() == pytest.approx(1 / 4, rel=1e-6)
    z = np.log(each.rates(latents).astype(float))
    np.testing.assert_allclose(z.mean((0, 1)), 0, atol=1e-6)
    np.testing.assert_allclose(z.std((0, 1)), [1 / 4, 1 / 4, 0], atol=1e-6)


def test_other_data_share_the_first_normalisation():
    first, other = rng(5).standard_normal((2, 6, 8, 3)).astype(np.float32)
    probe = fit_observation(first, np.eye(3, dtype=np.float32), 2.0, "exp")
    expected = np.exp((3 * other + 1 - first.mean(dtype=float)) / (2 * first.std(dtype=float)))
    np.testing.assert_allclose(probe.rates(3 * other + 1), expected, rtol=1e-5)


# ---- spikes


def excess_kurtosis(rate, dispersion):
    if dispersion == 1:
        return 1 / rate
    r, p = rate / (dispersion - 1), 1 / dispersion
    return 6 / r + p**2 / ((1 - p) * r)


@pytest.mark.parametrize("rate", slow_except([0.3, 1, 3], 1))
@pytest.mark.parametrize("dispersion", [1, 1.5, 2])
def test_the_fano_factor_is_the_dispersion(rate, dispersion):
    """Within .01, which is four standard errors of so many counts: (s - rate)^2 / rate has the variance
    D^2 (excess kurtosis + 2)."""
    spread = dispersion * math.sqrt(2 + excess_kurtosis(rate, dispersion))
    rates = np.full((100, int((4 * spread / 0.01) ** 2 / 100), 1), rate, np.float32)
    spikes = spike_counts(rates, dispersion, rng(6))
    assert fano(spikes, rates)[0] == pytest.approx(dispersion, abs=0.01)
    assert expected_fano(rates, dispersion)[0] == pytest.approx(dispersion)
    assert spikes.mean() == pytest.approx(rate, abs=4 * math.sqrt(dispersion * rate / rates.size))


@pytest.mark.parametrize(
    ("rate", "dispersion", "factor"),
    [
        (2.0, 0.5, 0.5),  # of 4
        (3.0, 0.75, 0.75),  # of 12
        (0.5, 0.5, 0.5),
        (1.2, 0.5, 0.5),  # of 2 or 3
        (1.2, 0.2, 0.2),
        (1.2, 0.05, 0.2 * 0.8 / 1.2),  # 1 or 2, which is the least there is
        (0.3, 0.5, 0.7),  # 0 or 1: 1 - rate
        (0.5, 0.1, 0.5),
        (7.7, 0.001, 0.3 * 0.7 / 7.7),
    ],
)
def test_below_one_means_stay_and_the_fano_factor_is_the_dispersion_where_it_can(rate, dispersion, factor):
    rates = np.full((100, 3000, 1), rate, np.float32)
    spikes = spike_counts(rates, dispersion, rng(7))
    assert spikes.mean() == pytest.approx(rate, abs=4 * math.sqrt(factor * rate / rates.size))
    deviations = np.square(spikes - np.float64(rate)) / rate
    assert fano(spikes, rates)[0] == pytest.approx(factor, abs=4 * deviations.std() / math.sqrt(rates.size))
    assert expected_fano(rates, dispersion)[0] == pytest.approx(factor, rel=1e-5)
    assert spikes.max() <= math.ceil(rate / (1 - dispersion))


def test_below_one_no_rate_misses_a_dispersion_that_it_can_have():
    """Over many rates and dispersions: D, or the variance f (1 - f) of the two whole numbers around the rate."""
    rates = np.float32(10 ** rng(11).uniform(-3, 3, (1, 1, 4000)))
    least = (rates - np.floor(rates)) * (1 - (rates - np.floor(rates))) / rates
    for dispersion in (0.01, 0.3, 0.5, 0.9, 0.999):
        found = expected_fano(rates, dispersion)
        np.testing.assert_allclose(found, np.maximum(dispersion, least)[0, 0], rtol=1e-4)


def test_factors_of_rates_that_change_are_weighted_by_the_rates():
    rates = np.array([[[0.5, 0.0], [2.0, 0.0]]], np.float32)
    found = expected_fano(rates, 0.5)  # 1 - .5 and .5
    assert found[0] == pytest.approx((0.5 * 0.5 + 2 * 0.5) / 2.5) and np.isnan(found[1])
    spikes = np.array([[[1, 0], [4, 0]]], np.uint8)
    assert fano(spikes, rates)[0] == pytest.approx((0.25 + 4) / 2.5) and np.isnan(fano(spikes, rates)[1])


@pytest.mark.parametrize("dispersion", [0.5, 1, 3])
def test_the_same_generator_gives_the_same_bytes_and_rates_of_0_no_spikes(dispersion):
    rates = rng(8).gamma(1, 2, (5, 20, 6)).astype(np.float32)
    rates[..., 2] = 0
    one, same, other = (spike_counts(rates, dispersion, rng(seed)) for seed in (1, 1, 2))
    assert one.dtype == np.uint8 and one.tobytes() == same.tobytes() != other.tobytes()
    assert not one[..., 2].any() and one.any((0, 1)).sum() == 5


def test_large_counts_have_16_bits():
    spikes = spike_counts(np.full((2, 3, 1), 1000, np.float32), 1, rng())
    assert spikes.dtype == np.uint16 and spikes.min() > 1000 - 6 * math.sqrt(1000)


def test_the_ceiling_of_log_normal_rates():
    """Of rates e^(z/2) with z ~ N(0, 1), true rates have 1/8 nat per spike."""
    rates = np.exp(rng(9).standard_normal((100, 1000, 20)) / 2).astype(np.float32)
    spikes = spike_counts(rates, 1, rng(10))
    each = [bps(spikes[..., [neuron]], rates[..., [neuron]]) for neuron in range(20)]
    assert bps(spikes, rates) == pytest.approx(0.1803, abs=4 * np.std(each, ddof=1) / math.sqrt(20))
    assert np.std(each) / math.sqrt(20) < 5e-4


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: spike_counts(np.ones((1, 1, 1)), 0, rng()), "dispersion must be a number above 0, got 0"),
        (lambda: spike_counts(-np.ones((1, 1, 1)), 1, rng()), r"rates must be from 0 to 30000 spikes per bin, got -1"),
        (lambda: spike_counts(np.full((1, 1, 1), np.inf), 1, rng()), "rates must be from 0 to 30000"),
        (lambda: spike_counts(np.full((1, 99, 1), 2e4), 1e5, rng()), "counts must be at most 65535 per bin"),
        (lambda: fit_observation(np.ones((2, 3, 4)), np.eye(4), 2, "exp"), "latents must vary"),
        (lambda: fit_observation(rng().random((2, 3, 4)), np.eye(4), 2, "relu"), "rate must be one of exp, softplus"),
        (lambda: fit_observation(rng().random((2, 3, 4)), np.eye(5), 2, "exp"), r"5 units of a readout .5, 5., got .2"),
        (lambda: fit_observation(rng().random((2, 3, 4)), np.eye(4), 2, "exp", "no"), "normalise must be one of all"),
        (lambda: ObservationModel(np.eye(4), np.zeros(3), np.array(1.0), 2, "exp"), "readout, mean and sd must have"),
    ],
)
def test_what_cannot_be_is_said(call, text):
    with pytest.raises(ValueError, match=text):
        call()


# ---- records


def split(trials=6, seed=0, **more):
    random = rng(seed)
    rates = random.gamma(2, 1, (trials, 8, 5)).astype(np.float32)
    latents, inputs = (random.standard_normal((trials, 8, size)).astype(np.float32) for size in (3, 2))
    known = {"rates": rates, "latents": latents, "inputs": inputs, "true_inputs": inputs.round()}
    known |= {"conds": random.integers(3, size=trials), "extra": random.integers(9, size=(trials, 2))}
    return Split(random.poisson(rates).astype(np.uint8), 4, np.arange(trials) + 10 * seed, **(known | more))


COUNTS = {"train": 6, "valid": 3, "test": 2}


def recording():
    splits = {"train": split(6, 0), "valid": split(3, 1), "test": split(2, 2)}
    readout = one_hot(3, 5, rng())
    about = {"seed": 3, "scale": 2.0, "rate": "exp", "task": "flip_flop ü"}
    return Recording(splits, readout, np.array(0.25), np.array(1.5), readout.argmax(0), about)


ARRAYS = ("spikes", "inds", "rates", "latents", "inputs", "true_inputs", "conds", "extra")


def assert_same(one, other):
    assert list(one.splits) == list(other.splits) and dict(one.metadata) == dict(other.metadata)
    for name, mine in one.splits.items():
        theirs = other.splits[name]
        assert mine.heldin == theirs.heldin
        for array in ARRAYS:
            a, b = getattr(mine, array), getattr(theirs, array)
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
    for array in ("readout", "mean", "sd", "latent_index"):
        a, b = getattr(one, array), getattr(other, array)
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("ending", [".npz", ".h5"])
def test_a_recording_is_read_as_it_was_written_and_written_as_it_was_read(tmp_path, ending):
    if ending == ".h5":
        pytest.importorskip("h5py", reason="h5py is of the extra recordings")
    first, second = tmp_path / f"a{ending}", tmp_path / f"b{ending}"
    write_recording(first, recording())
    found = read_recording(first)
    assert_same(recording(), found)
    assert found.notes == () and (found.neurons, found.heldin) == (5, 4)
    write_recording(second, found)
    assert first.read_bytes() == second.read_bytes()


def test_the_documented_keys_are_in_the_file(tmp_path):
    write_recording(tmp_path / "a.npz", recording())
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        kinds = ("encod_data", "recon_data", "inputs", "true_inputs", "activity", "latents", "inds", "conds", "extra")
        every = {f"{name}_{kind}" for name in ("train", "valid", "test") for kind in kinds}
        assert set(file.files) == every | {
            "readout", "orig_mean", "orig_std", "perm_neurons", "n_heldin", "about"
        }  # fmt: skip
        np.testing.assert_array_equal(file["train_encod_data"], file["train_recon_data"][..., :4])
        assert file["train_recon_data"].dtype == np.uint8 and json.loads(str(file["about"]))["seed"] == 3
        np.testing.assert_array_equal(file["readout"].argmax(0), file["perm_neurons"])


def benchmark_arrays():
    """What a file of the Computation-Thru-Dynamics Benchmark has: numbers with a point, and no test."""
    found = {"readout": np.eye(3, 5), "orig_mean": np.full((1, 1, 1), 0.5), "orig_std": np.full((1, 1, 1), 2.0),
             "perm_neurons": np.array([2, 0, 1, 0, 2])}  # fmt: skip
    for seed, (name, trials) in enumerate({"train": 6, "valid": 3}.items()):
        own = split(trials, seed)
        found |= {f"{name}_encod_data": own.spikes[..., :4].astype(float), f"{name}_recon_data": own.spikes * 1.0,
                  f"{name}_activity": own.rates.astype(float), f"{name}_latents": own.latents.astype(float),
                  f"{name}_inputs": own.inputs, f"{name}_extra": own.extra * 1.0, f"{name}_inds": own.inds}  # fmt: skip
    return found


@pytest.mark.parametrize("kind", ["npz", "h5"])
def test_files_of_the_benchmark_are_read(tmp_path, kind):
    path = tmp_path / "theirs"
    if kind == "h5":
        h5py = pytest.importorskip("h5py", reason="h5py is of the extra recordings")
        with h5py.File(path, "w") as file:
            for key, array in benchmark_arrays().items():
                file.create_dataset(key, data=array)
    else:
        with open(path, "wb") as file:
            np.savez(file, **benchmark_arrays())
    found = read_recording(path)
    assert found.splits["train"].spikes.dtype == np.uint8 and found.heldin == 4 and found.neurons == 5
    np.testing.assert_array_equal(found.splits["valid"].spikes, split(3, 1).spikes)
    np.testing.assert_array_equal(found.splits["valid"].rates, split(3, 1).rates)
    assert found.splits["valid"].held_in.shape == (3, 8, 4) and found.splits["valid"].held_out.shape == (3, 8, 1)
    assert found.mean.shape == () and float(found.sd) == 2 and found.splits["train"].true_inputs is None
    assert found.splits["test"] is found.splits["valid"]
    assert found.notes == ("no test split: the validation split is used in its place",)


def test_the_benchmark_reads_every_key_that_it_wants_from_our_files(tmp_path):
    """Its reader takes these keys with h5py, one by one, and makes tensors of floats of them."""
    h5py = pytest.importorskip("h5py", reason="h5py is of the extra recordings")
    bare = {name: split(trials, inputs=None, true_inputs=None, extra=None) for name, trials in COUNTS.items()}
    given = Recording(bare, one_hot(3, 5, rng()), np.array(0.25), np.array(1.5))
    write_recording(tmp_path / "recording.h5", given)
    wanted = ("encod_data", "recon_data", "inputs", "activity", "latents", "inds", "extra")
    with h5py.File(tmp_path / "recording.h5") as file:
        for name in ("train", "valid"):
            arrays = [file[f"{name}_{key}"][()].astype(np.float32) for key in wanted]
            assert {len(array) for array in arrays} == {COUNTS[name]}, "one set of tensors needs equal first axes"
            assert arrays[2].shape == (COUNTS[name], 8, 0) and arrays[6].shape == (COUNTS[name], 0)
        for key in ("orig_mean", "orig_std", "readout"):
            assert np.isfinite(file[key][()]).all()
    found = read_recording(tmp_path / "recording.h5")
    assert all(each.inputs is None and each.extra is None for each in found.splits.values())


def test_spikes_alone_are_enough(tmp_path):
    spikes = {name: split(trials).spikes for name, trials in (("train", 6), ("valid", 3))}
    np.savez(tmp_path / "a.npz", **{f"{name}_encod_data": some.astype(np.int64) for name, some in spikes.items()})
    found = read_recording(tmp_path / "a.npz")
    np.testing.assert_array_equal(found.splits["train"].spikes, spikes["train"])
    assert found.heldin == found.neurons == 5 and found.splits["train"].inds.tolist() == list(range(6))
    assert found.splits["train"].rates is None and found.readout is None and found.metadata == {}


GOOD = np.ones((2, 3, 4))


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"train_recon_data": None, "valid_recon_data": None, "spikes": GOOD},
         "expected the arrays train_recon_data or train_encod_data and valid_recon_data or valid_encod_data, got s"),
        ({"valid_recon_data": None}, "expected the arrays valid_recon_data or valid_encod_data, got train_recon_data"),
        ({"train_recon_data": GOOD / 2}, "train_recon_data: expected whole numbers from 0 to 65535, got values from 0"),
        ({"train_recon_data": -GOOD}, "expected whole numbers from 0 to 65535, got values from -1"),
        ({"train_recon_data": np.nan * GOOD}, "expected whole numbers from 0 to 65535, got values from nan"),
        ({"train_recon_data": GOOD[0]}, r"expected spike counts \(trials, time, neurons\), got \(3, 4\)"),
        ({"valid_recon_data": GOOD[..., :3]}, r"spikes of train and valid must agree in \(time, .\), got \(3, 4\) and"),
        ({"train_encod_data": 2 * GOOD[..., :3]},
         r"train_encod_data: expected the first 3 neurons of train_recon_data \(2, 3, 4\), got others \(2, 3, 3\)"),
        ({"train_latents": GOOD[:1]}, r"latents must have shape \(trials, time, .\) as spikes \(2, 3, 4\), got \(1, 3"),
        ({"train_activity": GOOD[..., :1]}, r"rates must have the shape of spikes \(2, 3, 4\), got \(2, 3, 1\)"),
        ({"train_inds": np.arange(3)}, r"inds must have shape \(trials,\) as spikes \(2, 3, 4\), got \(3,\)"),
        ({"readout": np.array(["a"])}, "readout: expected numbers, got <U1"),
        ({"about": np.array("[1]")}, "about: expected a JSON object, got '.1.'"),
        ({"n_heldin": np.array(9)}, "heldin must be from 1 to the 4 neurons, got 9"),
        ({"train_inputs": np.array(3.0)}, r"inputs must have shape \(trials, time, .\) as spikes .*, got \(\)"),
        ({"train_latents": 1e300 * GOOD}, r"latents: expected numbers that 32 bits can hold, got 1e\+300"),
        ({"train_extra": np.array(3.0)}, r"extra must have shape \(trials, .\) as spikes \(2, 3, 4\), got \(\)"),
        ({"train_encod_data": np.array(3.0)}, r"train_encod_data: expected \(trials, time, neurons\), got \(\)"),
        ({"n_heldin": np.array(np.inf)}, "n_heldin: expected one whole number, got inf"),
        ({"n_heldin": np.array(2.5)}, r"n_heldin: expected one whole number, got 2\.5"),
        ({"n_heldin": np.array([4, 4])}, r"n_heldin: expected one whole number, got \(2,\) int64"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said_with_its_name(tmp_path, arrays, text):
    path = tmp_path / "a.npz"
    both = {"train_recon_data": GOOD, "valid_recon_data": GOOD} | arrays
    np.savez(path, **{key: array for key, array in both.items() if array is not None})
    with pytest.raises(ValueError, match=text) as error:
        read_recording(path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)


def test_what_is_no_recording_is_said(tmp_path):
    with pytest.raises(ValueError, match=r"none.npz: expected a recording, got No such file"):
        read_recording(tmp_path / "none.npz")
    np.save(tmp_path / "a.npy", GOOD)
    pickled = tmp_path / "b.npz"
    np.savez(pickled, train_recon_data=np.array([{}], object))
    (tmp_path / "c").write_bytes(b"PK but no zip")
    (tmp_path / "d").write_bytes(b"")
    (tmp_path / "e.h5").write_bytes(b"\x89HDF but none")
    for name in ("a.npy", "b.npz", "c", "d", "e.h5"):
        if name == "e.h5":
            pytest.importorskip("h5py", reason="h5py is of the extra recordings")
        with pytest.raises(ValueError, match=f"{name}: expected a (whole )?recording") as error:
            read_recording(tmp_path / name)
        assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match=r"a.mat: expected a name that ends in .npz or .h5, got '.mat'"):
        write_recording(tmp_path / "a.mat", recording())
    assert not (tmp_path / "a.mat").exists()


def test_without_h5py_one_sentence_says_how_to_get_it(tmp_path, monkeypatch):
    (tmp_path / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    monkeypatch.setitem(sys.modules, "h5py", None)
    advice = re.escape(f"HDF5, got none installed: {install_line('recordings')}")
    with pytest.raises(ValueError, match=f"a.h5: expected h5py to read {advice}"):
        read_recording(tmp_path / "a.h5")
    with pytest.raises(ValueError, match=f"expected h5py to write {advice}"):
        write_recording(tmp_path / "b.h5", recording())
    assert not (tmp_path / "b.h5").exists()


def test_trials_are_parted_without_being_used_twice():
    parts = split_indices(50, 0.2, 0.1, rng())
    assert [len(parts[name]) for name in ("train", "valid", "test")] == [35, 10, 5]
    assert sorted(np.concatenate(list(parts.values()))) == list(range(50))
    assert all((np.diff(places) > 0).all() for places in parts.values())
    assert np.ptp(parts["test"]) > 5  # not one after the other
    strata = np.arange(40) % 4
    for name, places in split_indices(40, 0.2, 0.2, rng(), strata).items():
        assert np.bincount(strata[places]).tolist() == [{"train": 6}.get(name, 2)] * 4
    with pytest.raises(ValueError, match=r"that leave trials to train on, got 0.5 and 0.5 of 10"):
        split_indices(10, 0.5, 0.5, rng())
    with pytest.raises(ValueError, match=r"leave trials of each condition to train on, got 0.2 and 0.2 of 2"):
        split_indices(8, 0.2, 0.2, rng(), np.arange(8) % 4)


def test_parts_of_a_split_that_do_not_fit_are_told():
    with pytest.raises(ValueError, match=r"spikes must have shape \(trials, time, neurons\) and be uint8 or uint16"):
        Split(np.ones((2, 3, 4)), 2, np.arange(2))
    with pytest.raises(ValueError, match=r"extra must have shape \(trials, .\) as spikes \(6, 8, 5\), got \(6,\)"):
        split(extra=np.arange(6))
    with pytest.raises(ValueError, match="splits must be train and valid, and may be test, got train"):
        Recording({"train": split()})
    with pytest.raises(ValueError, match="heldin of train and valid must agree, got 4 and 3"):
        Recording({"train": split(), "valid": Split(split().spikes, 3, np.arange(6))})
