"""kind = simulate with samples on disk: the same numbers as in memory, whole or not there, in little memory."""

import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

import randomnet
import runrandomnet
import visualization
from randomnet import plotting
from randomnet.kinds.simulate import run as simulate
from randomnet.kinds.simulate import samples
from randomnet.plotting import Activity, style
from randomnet.results import ResultsFolder
from randomnet.schema.plan import read_plan
from randomnet.settings import ConfigError

TEXT = """
[experiment]
kind = simulate
seed = 4
[paths]
path_to_results = {out}
[net]
source = populations
[populations]
sizes = E: 30, I: 20
in_degree = 6
couplings = EE: 1, EI: -2, IE: 1.5, II: -1
external = E: 1, I: 0.5
external_rate = 2
external_degree = 9
[model]
activation = relu
dt = 0.1
tau = E: 1, I: 0.5
[dynamics]
plastic = EE
ou_noise = 0.3
tau_syn = 0.4
[analysis]
trajectories = 3
settle = 1
duration = 20
[simulation]
window = 0.2
keep = currents + x
decode = E
events = E: cosine 2 from 4 to 8 phase 90
[execution]
workers = 1
"""
GRID = 'combosparams.combos_params={"couplings.EE": [0.5, 1], "noise_seed": [0, 1]}'
SAMPLES = ["rates", "kept_currents", "kept_x_0"]
linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory where Linux keeps it")


def written(folder):
    """The path of an INI whose results are in the folder's `out`."""
    folder.mkdir(exist_ok=True)
    path = folder / "a.ini"
    path.write_text(TEXT.format(out=folder / "out"))
    return path


def run(folder, place, *overrides, code=0):
    path = written(folder)
    sets = (f"simulation.samples={place}", *overrides)
    assert runrandomnet.main([str(path), *(part for one in sets for part in ("--set", one))]) == code
    return ResultsFolder(folder / "out")


@pytest.fixture
def small(monkeypatch):
    """Pieces of some windows: records here are of many."""
    monkeypatch.setattr(samples, "PIECE", 50_000)


def left(folder):
    """Names of files that are of no run which has ended, or not whole."""
    return [path.name for path in (folder / "out").rglob("*") if path.name.startswith(".tmp-") or path.suffix == ".npy"]


def test_samples_on_disk_are_those_in_memory_to_the_byte(tmp_path, small):
    found = {name: run(tmp_path / name, name, GRID, "trainvalidate.iterations=2") for name in ("memory", "disk")}
    for combo in range(4):
        for iteration in (0, 1):
            inside, outside = (found[name].run(combo, iteration).arrays for name in ("memory", "disk"))
            assert inside.keys() == outside.keys() and inside["rates"].shape == (3, 100, 50)
            for name, values in inside.items():
                assert values.dtype == outside[name].dtype and values.shape == outside[name].shape, name
                assert values.tobytes() == outside[name].tobytes(), name
            assert all(isinstance(outside[name], np.memmap) and not outside[name].flags.writeable for name in SAMPLES)
            np.testing.assert_allclose(outside["rates_mean"][1], outside["rates"][..., 30:].mean(-1), rtol=1e-5)
    records = [[folder.run(combo, 0).record["summary"] for combo in range(4)] for folder in found.values()]
    assert [{**one, "seconds": 0} for one in records[0]] == [{**one, "seconds": 0} for one in records[1]]
    assert sorted(set(left(tmp_path / "disk"))) == sorted(f"{name}.npy" for name in SAMPLES)


def test_a_record_in_pieces_is_the_record_at_once(tmp_path, monkeypatch):
    whole = run(tmp_path / "whole", "memory").run(0, 0).arrays
    monkeypatch.setattr(samples, "PIECE", 1)  # a window each
    pieces = run(tmp_path / "pieces", "disk").run(0, 0).arrays
    at_once = run(tmp_path / "at once", "memory", "simulation.inputs=sequential").run(0, 0).arrays
    for name in (*SAMPLES, "times"):
        assert whole[name].tobytes() == pieces[name].tobytes() == at_once[name].tobytes(), name
    for name in ("rates_mean", "rates_sd", "bump_amplitude"):
        np.testing.assert_allclose(whole[name], pieces[name], rtol=1e-5, atol=1e-6)
        assert pieces[name].tobytes() == at_once[name].tobytes(), name


KILL = """
import os, signal, sys
import runrandomnet
from randomnet import results
from randomnet.kinds.simulate import samples
samples.PIECE = 50_000
where, last = {"samples": ((samples._FileSamples, "put"), 14),
               "arrays": ((results, "write_arrays"), 2)}[sys.argv[1]]
own, count = getattr(*where), [0]
def killed(*arguments):
    count[0] += 1
    if count[0] == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return own(*arguments)
setattr(*where, killed)
runrandomnet.main(sys.argv[2:])
"""


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """A grid of short runs that nobody stopped."""
    return run(tmp_path_factory.mktemp("reference"), "disk", GRID, "analysis.duration=8")


@pytest.mark.slow
@pytest.mark.parametrize(("moment", "ended"), [("samples", 0), ("arrays", 1)])
def test_a_killed_run_leaves_nothing_that_looks_whole_and_ends_with_the_same_bytes(tmp_path, reference, moment, ended):
    path = written(tmp_path)
    sets = [GRID, "simulation.samples=disk", "analysis.duration=8"]
    arguments = [str(path), *(part for one in sets for part in ("--set", one))]
    root = Path(randomnet.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", KILL, moment, *arguments], cwd=root, capture_output=True, check=False)
    assert done.returncode == -9, done.stderr
    folder = ResultsFolder(tmp_path / "out")
    assert all(folder.run(combo, 0).status == "missing" for combo in range(4))
    some = [folder.run(combo, 0).arrays for combo in range(4)]
    assert all(not arrays or set(SAMPLES) <= arrays.keys() for arrays in some)
    assert sum(map(bool, some)) == ended
    assert runrandomnet.main(arguments) == 0
    for combo in range(4):
        for name in ("arrays.npz", *(f"{name}.npy" for name in SAMPLES)):
            again, other = (one.run(combo, 0).path / name for one in (folder, reference))
            assert again.read_bytes() == other.read_bytes(), name
    assert not [name for name in left(tmp_path) if name.startswith(".tmp-")]


def test_a_run_that_goes_on_in_memory_has_no_files_of_its_first_start(tmp_path):
    folder = run(tmp_path, "disk")
    (folder.run(0, 0).path / "run.json").unlink()
    run(tmp_path, "memory")
    assert not left(tmp_path) and set(SAMPLES) <= folder.run(0, 0).arrays.keys()


def test_what_diverges_or_finds_the_disk_full_leaves_no_samples(tmp_path, monkeypatch, small, capsys):
    folder = run(tmp_path / "diverged", "disk", "populations.gain=1e30", code=1)
    assert folder.run(0, 0).status == "diverged" and not left(tmp_path / "diverged")
    own, calls = samples._FileSamples.put, []

    def full(*arguments):
        calls.append(1)
        if len(calls) == 5:
            raise OSError(28, "No space left on device")
        own(*arguments)

    monkeypatch.setattr(samples._FileSamples, "put", full)
    folder = run(tmp_path / "full", "disk", code=1)
    assert folder.run(0, 0).status == "missing" and not left(tmp_path / "full"), "it goes on once there is room"
    assert "No space left on device" in "".join(capsys.readouterr())


Usage = namedtuple("Usage", "total used free")


def test_what_does_not_fit_is_said_before_it_starts(tmp_path, monkeypatch):
    def checked(place, free, *overrides):
        monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(free, 0, free))
        plan = read_plan(written(tmp_path), (f"simulation.samples={place}", *overrides))
        return simulate.check(plan.combos[0].runs()[0])

    longer = "analysis.duration=1e6", "analysis.trajectories=3000", "dynamics.ou_noise=0"  # 8 TB
    with pytest.raises(ConfigError, match=r"\[analysis\] duration: expected .* memory, got .*samples = disk keeps"):
        checked("memory", 1e15, *longer, "dynamics.tau_syn=none", "simulation.keep=none", "simulation.decode=none")
    fitting = "analysis.duration=2e5", "analysis.trajectories=100"  # 40 GB of samples, 8 GB of means
    assert checked("disk", 1e15, *fitting)["neurons"] == 50
    with pytest.raises(ConfigError, match=r"\[simulation\] samples: expected records that fit into 10 GB of free disk"):
        checked("disk", 1e10, *fitting)
    whole = 4 * 3 * 100 * 3 * 50  # bytes of samples, at most: x is of 30 cells
    checked("disk", 2.2 * whole, "trainvalidate.iterations=2")
    with pytest.raises(ConfigError, match="in 3 iterations"):
        checked("disk", 2.2 * whole, "trainvalidate.iterations=3")


def test_what_contradicts_samples_on_disk_is_refused(tmp_path, capsys):
    run(tmp_path, "disk", "simulation.inputs=sequential", code=2)
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and "[simulation] inputs: expected live with samples = disk" in said[0]


MEASURE = """
import sys
import runrandomnet
from randomnet.kinds.simulate import samples
samples.PIECE = 1e6
path, *sets = sys.argv[1:]
for place, duration in (("disk", 25), ("disk", 100), ("memory", 100)):
    more = (*sets, f"simulation.samples={place}", f"analysis.duration={duration}",
            f"paths.path_to_results={path}.{place}.{duration}")
    assert runrandomnet.main([path, *(part for one in more for part in ("--set", one))]) == 0
    print("PEAK", next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@linux
def test_memory_is_that_of_a_piece(tmp_path):
    record = 8 * 25 * 500 * 400  # 40 MB
    sets = ["populations.sizes=E: 300, I: 100", "analysis.trajectories=25", "simulation.keep=none",
            "simulation.events=none", "analysis.settle=0", "trainvalidate.precision=float64", "dynamics.plastic=none",
            "dynamics.tau_syn=none"]  # fmt: skip
    command = [sys.executable, "-c", MEASURE, str(written(tmp_path)), *sets]
    root = Path(randomnet.__file__).parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    short, disk, memory = (1024 * int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("PEAK"))
    assert disk - short < 0.25 * record and memory - short > 0.9 * record
    rates = ResultsFolder(tmp_path / "a.ini.disk.100").run(0, 0).arrays["rates"]
    assert rates.nbytes == record and np.isfinite(rates[:, -1]).all()


@pytest.mark.slow
def test_figures_of_samples_on_disk_are_those_of_samples_in_memory(tmp_path, monkeypatch, small):
    monkeypatch.setitem(style.STYLE, "savefig.dpi", 40)
    drawn = {}
    for name in ("memory", "disk"):
        run(tmp_path / name, name)
        shutil.move(tmp_path / name / "out", tmp_path / "same")
        figures = tmp_path / f"figures of {name}"
        assert visualization.main(["--results_folders", str(tmp_path / "same"), "--save_figs", str(figures)]) == 0
        drawn[name] = {path.name: path.read_bytes() for path in figures.rglob("*.png")}
        os.rename(tmp_path / "same", tmp_path / f"{name} done")
    assert "activity.png" in drawn["memory"] and drawn["memory"] == drawn["disk"]


def test_a_raster_of_many_windows_is_of_means_over_some_of_them(tmp_path):
    rates = np.random.default_rng(0).random((2, 9001, 7), np.float32)
    np.save(tmp_path / "rates.npy", rates)
    population = np.array([0, 1, 1, 0, 0, 1, 0])
    mapped = np.load(tmp_path / "rates.npy", mmap_mode="r")
    network = Activity(np.arange(9001) + 0.5, mapped, population, ["A", "B"])
    image, every = network.image(1)
    own = rates[0][:, population == 1]
    assert every == 3 and image.shape == (3, 3001)
    np.testing.assert_allclose(image[:, :3000], own[:9000].reshape(3000, 3, 3).mean(1).T, rtol=1e-6)
    np.testing.assert_array_equal(image[:, 3000], own[9000])
    axes = plotting.activity(network).axes[1]
    assert axes.images[0].get_extent()[1] == pytest.approx(9003) and axes.get_xlim() == (0, 9001)
