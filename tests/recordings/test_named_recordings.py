"""A user's recording of named neurons: what is read of every format, made regular, matched, and refused."""

import pickle
import zipfile

import numpy as np
import pytest

from randomnet.artifacts.recorded_activity import recorded_activity
from randomnet.connectome import from_dense
from randomnet.recordings import NeuralActivity, match_neurons, read_activity
from randomnet.recordings.named import hdf5 as hdf5_files
from randomnet.settings import ConfigError

NAMES = np.array(["AVAL", "AVAR", "DA1", "DB02"])
TIMES = 0.1 * np.arange(30) + 2.0
VALUES = np.sin(TIMES[:, None] * [1, 2, 3, 4])
SPIKES = {"AVAL": [0.05, 0.15, 0.17, 0.95], "DA1": [0.31], "AVAR": []}


def connectome(names=NAMES, **labels):
    matrix = np.roll(np.eye(len(names)), 1, axis=0)
    return from_dense("worm", matrix, np.asarray(names), {kind: np.asarray(column) for kind, column in labels.items()})


def table(path, values=VALUES, times=TIMES, names=NAMES, separator=",", **columns):
    header = ["time", *columns, *names]
    rows = [[f"{time:.6f}", *(str(column[row]) for column in columns.values()),
             *("" if np.isnan(value) else repr(float(value)) for value in values[row])]
            for row, time in enumerate(times)]  # fmt: skip
    path.write_text("\n".join(separator.join(row) for row in [header, *rows]) + "\n", encoding="utf-8")
    return path


def arrays(path, **content):
    np.savez(path, **content)
    return path


def hdf5(path, **content):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for key, value in content.items():
            file[key] = value.astype("S") if value.dtype.kind == "U" else value
    return path


def nwb(path, trials=None, timestamps=TIMES, rate=0.0, units=None, conversion=1.0):
    """A file after the schema of NWB 2.7: a RoiResponseSeries whose rois refer to a table, units, and trials."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file.attrs["nwb_version"], file.attrs["neurodata_type"] = "2.7.0", "NWBFile"
        if units is None:
            cells = file.create_group("processing/ophys/ImageSegmentation/PlaneSegmentation")
            cells["id"], cells["ID_labels"] = np.arange(5), np.array(["none", *NAMES[::-1]], dtype="S")
            cells.attrs["neurodata_type"] = "PlaneSegmentation"
            series = file.create_group("processing/ophys/Fluorescence/RoiResponseSeries")
            series.attrs["neurodata_type"] = "RoiResponseSeries"
            series["data"] = VALUES
            series["data"].attrs["conversion"] = conversion
            series["rois"] = np.array([4, 3, 2, 1])
            series["rois"].attrs["table"] = cells.ref
            if rate:
                series["starting_time"] = 2.0
                series["starting_time"].attrs["rate"] = rate
            else:
                series["timestamps"] = timestamps
        else:
            group = file.create_group("units")
            group.attrs["neurodata_type"] = "Units"
            group["id"], group["name"] = np.arange(len(units)), np.array(list(units), dtype="S")
            group["spike_times"] = np.concatenate([np.array(times, float) for times in units.values()])
            group["spike_times_index"] = np.cumsum([len(times) for times in units.values()])
        if trials is not None:
            group = file.create_group("intervals/trials")
            group["start_time"], group["stop_time"] = np.array(trials, float).T
    return path


FILES = {
    "table": lambda folder: table(folder / "a.csv"),
    "tabs": lambda folder: table(folder / "a.txt", separator="\t"),
    "npz": lambda folder: arrays(folder / "a.npz", activity=VALUES, time=TIMES, names=NAMES),
    "transposed": lambda folder: arrays(folder / "a.npz", dff=VALUES.T, dt=np.array(0.1), names=NAMES),
    "rate": lambda folder: arrays(folder / "a.npz", traces=VALUES[None], fs=np.array(10.0), neurons=NAMES),
    "hdf5": lambda folder: hdf5(folder / "a.h5", rates=VALUES, t=TIMES, ids=NAMES),
    "group": lambda folder: hdf5(folder / "a.h5", **{"run/rates": VALUES, "run/t": TIMES, "run/names": NAMES}),
    "nwb": lambda folder: nwb(folder / "a.nwb"),
    "nwb, rate": lambda folder: nwb(folder / "a.nwb", rate=10.0),
}


# ---- formats


@pytest.mark.parametrize("name", FILES)
def test_every_format_has_the_same_activity(tmp_path, name):
    read = read_activity(FILES[name](tmp_path))
    assert read.values.shape == (1, 30, 4) and read.dt == pytest.approx(0.1)
    np.testing.assert_allclose(read.values[0], VALUES, atol=1e-12)
    assert read.names.tolist() == NAMES.tolist()
    assert read.kind == {"transposed": "calcium", "rate": "calcium", "nwb": "calcium", "nwb, rate": "calcium"}.get(
        name, "rates")  # fmt: skip
    assert ("(neurons, time): transposed" in str(read.notes)) == (name == "transposed")


@pytest.mark.parametrize("name", ["npz", "nwb", "table"])
def test_spike_times_are_counts_in_bins(tmp_path, name):
    times = [np.array(each, float) for each in SPIKES.values()]
    ends = np.cumsum([len(each) for each in times])
    trials = np.array([[0.0, 1.0], [0.1, 1.1]])
    if name == "npz":
        path = arrays(tmp_path / "s.npz", spike_times=np.concatenate(times), spike_times_index=ends,
                      names=np.array(list(SPIKES)), trials=trials)  # fmt: skip
    elif name == "nwb":
        path = nwb(tmp_path / "s.nwb", units=SPIKES, trials=trials)
    else:
        path = tmp_path / "s.csv"
        rows = [f"{neuron},{time}" for neuron, each in SPIKES.items() for time in each]
        path.write_text("\n".join(["neuron,time", *rows]))
    read = read_activity(path, bin_width=0.1)
    assert read.kind == "spikes"
    if name == "table":  # from the first spike on, and without the silent neuron, which has no row
        assert read.names.tolist() == ["AVAL", "DA1"] and read.values.shape == (1, 10, 2)
        assert read.values[0, :, 0].tolist() == [1, 2, 0, 0, 0, 0, 0, 0, 0, 1]
        return
    assert read.names.tolist() == list(SPIKES) and read.values.shape == (2, 10, 3)
    assert read.values[0, :, 0].tolist() == [1, 2, 0, 0, 0, 0, 0, 0, 0, 1]
    assert read.values[1, :, 0].tolist() == [2, 0, 0, 0, 0, 0, 0, 0, 1, 0]
    assert read.values[..., 1].sum() == 2 and read.values[..., 2].sum() == 0


def test_a_path_goes_on_inside_a_file(tmp_path):
    path = hdf5(tmp_path / "a.h5", **{f"{group}/{key}": value for group, scale in (("one", 1), ("two", 2))
                                      for key, value in (("rates", scale * VALUES), ("t", TIMES))})  # fmt: skip
    assert read_activity(path / "two").values.max() == pytest.approx(2 * VALUES.max())
    assert read_activity(nwb(tmp_path / "b.nwb") / "processing/ophys/Fluorescence").names.tolist() == NAMES.tolist()


def test_the_unit_of_nwb_is_applied(tmp_path):
    np.testing.assert_allclose(read_activity(nwb(tmp_path / "a.nwb", conversion=0.01)).values[0], 0.01 * VALUES)


# ---- trials, gaps and what is unknown


def test_trials_of_a_table_are_cut_to_the_shortest(tmp_path):
    trial = np.repeat([1, 2, 3], [12, 10, 8])
    read = read_activity(table(tmp_path / "a.csv", trial=trial))
    assert read.values.shape == (3, 8, 4)
    np.testing.assert_allclose(read.values[1], VALUES[12:20])
    assert "3 trials of 8 to 12 samples are cut to 8: 6 samples are left out" in read.notes


def test_trials_of_nwb_cut_the_series(tmp_path):
    read = read_activity(nwb(tmp_path / "a.nwb", trials=[[2.0, 2.95], [3.5, 4.45], [9.0, 10.0]]))
    assert read.values.shape == (2, 10, 4)
    np.testing.assert_allclose(read.values[1], VALUES[15:25])
    assert "10 samples lie outside the 3 trials: left out" in read.notes
    assert "1 trials have no samples: left out" in read.notes


def test_a_gap_is_unknown(tmp_path):
    kept = np.r_[0:10, 14:30]
    read = read_activity(table(tmp_path / "a.csv", VALUES[kept], TIMES[kept]))
    assert read.values.shape == (1, 30, 4) and np.isnan(read.values[0, 10:14]).all()
    np.testing.assert_allclose(read.values[0, kept], VALUES[kept])
    assert read.notes == ("1 gap of 4 samples in all: unknown",)


def test_times_that_jitter_a_little_keep_their_values_and_others_are_interpolated(tmp_path):
    jitter = np.random.default_rng(0).uniform(-1, 1, 30)
    near = read_activity(table(tmp_path / "a.csv", times=TIMES + 0.005 * jitter))
    np.testing.assert_allclose(near.values[0], VALUES)
    times = np.cumsum(0.1 + 0.04 * jitter)
    line = times[:, None] * np.arange(1, 5)
    far = read_activity(table(tmp_path / "b.csv", line, times))
    expected = times[0] + far.dt * np.arange(far.values.shape[1])
    np.testing.assert_allclose(far.values[0, :, 0], expected, atol=1e-5)
    assert far.notes[0].startswith("times are irregular: interpolated every 0.")


def test_unknown_and_infinite_samples_are_told(tmp_path):
    values = VALUES.copy()
    values[3, 1], values[4, 2], values[:, 3] = np.nan, np.inf, np.nan
    read = read_activity(arrays(tmp_path / "a.npz", rates=values, time=TIMES, names=NAMES))
    assert (~read.known).sum() == 32 and not read.known[0, 3, 1] and not read.known[0, 4, 2]
    assert read.notes == (
        "unknown: 32 of 120 samples",
        "of which 1 are infinite",
        "neurons without any known sample: 1",
    )
    assert "26.67% unknown" in repr(read)
    again = read_activity(table(tmp_path / "a.csv", np.where(np.isinf(values), np.nan, values)))
    np.testing.assert_array_equal(again.known, read.known)


def test_resampling_interpolates_and_sums_spikes():
    line = NeuralActivity(np.arange(9.0)[None, :, None] * np.ones(2), np.array(["a", "b"]), 0.3)
    np.testing.assert_allclose(line.resampled(0.2).values[0, :, 0], 0.2 / 0.3 * np.arange(13))
    holes = line.values.copy()
    holes[0, 4, 1] = np.nan
    finer = NeuralActivity(holes, line.names, 0.3).resampled(0.1)
    assert np.flatnonzero(np.isnan(finer.values[0, :, 1])).tolist() == [10, 11, 12, 13, 14]
    counts = NeuralActivity(np.ones((1, 9, 1)), np.array(["a"]), 0.1, "spikes")
    assert counts.resampled(0.2).values.tolist() == [[[2], [2], [2], [2]]]
    with pytest.raises(ValueError, match=r"expected a multiple of the bin of the spikes, 0\.1, got 0\.15"):
        counts.resampled(0.15)


# ---- matching


def activity(*names):
    return NeuralActivity(np.zeros((1, 2, len(names))), np.array(names), 0.1)


def test_names_match_in_any_order():
    match = match_neurons(activity("DA1", "AVAR", "x1", "AVAL"), connectome())
    assert match.recorded.tolist() == [0, 1, 3] and match.neurons.tolist() == [2, 1, 0]
    assert match.unmatched == ("x1",)
    assert match.notes == ("3 of 4 recorded neurons are matched by name to 4 neurons",
                           "not in worm and not used: 1 of 4 recorded neurons, 'x1'")  # fmt: skip


def test_zeros_and_case_differ_where_no_exact_name_is():
    match = match_neurons(activity("da01", "DB2", "AVAL"), connectome())
    assert match.neurons.tolist() == [2, 3, 0]
    assert match_neurons(activity("DA01", "DA1"), connectome(["DA1", "DA01"])).neurons.tolist() == [1, 0]


def test_labels_match_where_names_do_not():
    ids = connectome(["720575940619", "720575940620"], type=["a", "b"], region=["c", "c"])
    assert match_neurons(activity("b", "a"), ids).neurons.tolist() == [1, 0]
    assert "matched by the label type" in match_neurons(activity("b"), ids).notes[0]
    with pytest.raises(ValueError, match=r"expected names of neurons of worm, such as '720575940619', .* got 'c'"):
        match_neurons(activity("c"), ids)


def test_neurons_without_names_are_in_the_order_of_the_connectome():
    assert match_neurons(activity("", "", "", ""), connectome()).neurons.tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="expected names of neurons of worm"):
        match_neurons(activity("", "", ""), connectome())


def test_a_neuron_that_is_there_twice_is_refused():
    with pytest.raises(ValueError, match="expected every neuron once, got 'DA1' and 'DA01', which are one neuron"):
        match_neurons(activity("DA1", "DA01"), connectome())


def test_what_a_run_receives_is_the_activity_of_its_neurons(tmp_path):
    names = np.array(["x1", *NAMES[:3]])
    used, match = recorded_activity(str(table(tmp_path / "a.csv", names=names)), connectome(), dt=0.2)
    assert used.names.tolist() == NAMES[:3].tolist() and match.neurons.tolist() == [0, 1, 2]
    np.testing.assert_allclose(used.values[0], VALUES[::2, 1:], atol=1e-6)
    assert any("'x1'" in note for note in used.notes) and any("0.2 apart" in note for note in used.notes)
    with pytest.raises(ConfigError, match=r"^\[paths\] recording: .*b.csv: expected a recording, got No such file"):
        recorded_activity(str(tmp_path / "b.csv"), connectome())


# ---- files that are wrong


def header(dtype, shape):
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00v\x00" + text.ljust(117).encode() + b"\n"


def pickled(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("rates.npy", header("'|O'", "(1,)") + pickle.dumps([print]))
    return path


def bomb(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("rates.npy", header("'<f8'", "(1000000000000, 4)"))
    return path


def linked(path, elsewhere):
    h5py = pytest.importorskip("h5py")
    hdf5(elsewhere, rates=VALUES)
    with h5py.File(path, "w") as file:
        file["rates"] = h5py.ExternalLink(str(elsewhere), "/rates")
        file["t"] = TIMES
    return path


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def of_another_version(path):
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 6] = 220  # the version that is needed to read the archive
    path.write_bytes(content)
    return path


def text(path, content):
    path.write_bytes(content)
    return path


WRONG = {
    "nothing": (lambda f: f / "none.csv", "expected a recording, got No such file"),
    "folder": (lambda f: f, "expected a recording, got Is a directory"),
    "empty": (lambda f: text(f / "a.csv", b""), "expected a header with time and neurons"),
    "image": (lambda f: text(f / "a.csv", b"\x89PNG\r\n\x1a\n\x00\xff"), "got another kind of file"),
    "no time": (lambda f: text(f / "a.csv", b"a,b\n1,2\n3,4\n"), "expected a column time, got a, b"),
    "word": (lambda f: text(f / "a.csv", b"time,b\n1,2\n3,x\n"), "column 'b', row 3: expected a number, got 'x'"),
    "ragged": (lambda f: text(f / "a.csv", b"time,b\n1,2\n3\n4,5\n"), "row 3: expected 2 cells, got 1"),
    "twice": (lambda f: text(f / "a.csv", b"time,b,b\n1,2,3\n3,4,5\n"), "expected every column once, got 'b' twice"),
    "backward": (lambda f: text(f / "a.csv", b"time,b\n1,2\n3,4\n2,5\n"), "times that increase, got 3 and then 2"),
    "endless gap": (lambda f: text(f / "a.csv", b"t,b\n1,2\n2,4\n3,4\n1e9,5\n"), "expected gaps that are shorter"),
    "pickle": (lambda f: pickled(f / "a.npz"), "a.npz: "),
    "bomb": (lambda f: bomb(f / "a.npz"), "a.npz: "),
    "cut npz": (lambda f: cut(FILES["npz"](f)), "a.npz: "),
    "another zip": (lambda f: of_another_version(FILES["npz"](f)), "a.npz: "),
    "cut hdf5": (lambda f: cut(FILES["hdf5"](f)), "expected a whole HDF5 file, got"),
    "link": (lambda f: linked(f / "a.h5", f / "b.h5"), "expected data in the file itself, got a link to another file"),
    "no spikes index": (lambda f: arrays(f / "a.npz", spike_times=TIMES), "expected spike_times_index"),
    "wrong ends": (lambda f: arrays(f / "a.npz", spike_times=TIMES, spike_times_index=np.array([3, 2])), "ascending"),
    "no bin": (lambda f: nwb(f / "a.nwb", units=SPIKES), "expected a bin width for spike times, got none"),
    "no step": (lambda f: arrays(f / "a.npz", rates=VALUES), "expected times: an array time"),
    "names": (lambda f: arrays(f / "a.npz", rates=VALUES, time=TIMES, names=NAMES[:3]), "30 times and 3 names"),
    "two": (lambda f: arrays(f / "a.npz", rates=VALUES, spikes=VALUES, time=TIMES), "expected one array of rates"),
    "texts": (lambda f: arrays(f / "a.npz", rates=NAMES, time=TIMES), "expected numbers"),
    "place": (lambda f: nwb(f / "a.nwb") / "processing/none", "expected 'processing/none' in /, got processing"),
    "place in text": (lambda f: table(f / "a.csv") / "none", "expected an HDF5 file, as none is a place in it"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_told_in_one_line(tmp_path, name):
    make, told = WRONG[name]
    path = make(tmp_path)
    with pytest.raises(ValueError) as error:
        read_activity(path)
    assert told in str(error.value) and "\n" not in str(error.value) and len(str(error.value)) < 600


def test_a_file_that_crashes_the_library_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5_files, "PROBE", "import os; os._exit(139)")  # what a shell says of a segmentation fault
    with pytest.raises(ValueError, match="expected a whole HDF5 file, got a damaged one"):
        read_activity(nwb(tmp_path / "a.nwb"))


def test_numbers_of_rows_are_no_names(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = nwb(tmp_path / "a.nwb")
    table_of_rois = "processing/ophys/ImageSegmentation/PlaneSegmentation"
    with h5py.File(path, "a") as file:
        del file[f"{table_of_rois}/ID_labels"]
    assert read_activity(path).names.tolist() == [""] * 4
    with h5py.File(path, "a") as file:
        file[f"{table_of_rois}/id"][:] = 720575940600000000 + np.arange(5)
    assert read_activity(path).names.tolist() == [str(720575940600000000 + row) for row in (4, 3, 2, 1)]


def test_several_series_are_named(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = nwb(tmp_path / "a.nwb")
    with h5py.File(path, "a") as file:
        file.copy(file["processing/ophys/Fluorescence"], "processing/ophys/DfOverF")
        table_of_rois = file["processing/ophys/ImageSegmentation/PlaneSegmentation"].ref
        file["processing/ophys/DfOverF/RoiResponseSeries/rois"].attrs["table"] = table_of_rois
    with pytest.raises(ValueError, match=r"got several \(processing/ophys/DfOverF/RoiResponseSeries, processing"):
        read_activity(path)
    assert read_activity(path / "processing/ophys/DfOverF").values.shape == (1, 30, 4)
