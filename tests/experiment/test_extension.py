"""More epochs for runs that have ended: they go on from their last state, to the bytes of a single training."""

import json

import numpy as np
import pytest

from randomnet import results
from tests.support.runs import HALF, contents, differing, ini, run, start, wait_for
from tests.support.small_kinds import write_ini

TASK = """
[experiment]
kind = train
seed = 2
[paths]
path_to_results = {results}
[net]
roi = random
n = 12
[trialparams]
task_name = flip_flop
nr_of_trials = 24
[trainvalidate]
loss = task
epochs = {epochs}
iterations = 1
batch_size = 8
lr = 0.003
state_noise = 0.1
early_stopping = 50
[execution]
workers = 1
steps = eager
"""


def task_ini(folder, name="a", epochs=3):
    path = folder / f"{name}.ini"
    path.write_text(TASK.format(results=folder / name, epochs=epochs))
    return path


def without_history_of_extension(found):
    """Contents without the entry that only an extended run has."""
    records = {name: {key: value for key, value in content.items() if key != "extended"}
               for name, content in found.items() if name.endswith("run.json")}  # fmt: skip
    return found | records


def extended(root):
    return [json.loads(path.read_text()).get("extended") for path in sorted(root.glob("*/iter_*/run.json"))]


@pytest.fixture(scope="module")
def six(tmp_path_factory):
    """Six epochs asked for at once."""
    folder = tmp_path_factory.mktemp("six")
    assert run(ini(folder, epochs=6), *HALF) == 0
    return folder / "a"


def test_more_epochs_end_at_the_bytes_of_a_single_training(tmp_path, capsys, six):
    assert run(ini(tmp_path, epochs=2), *HALF) == 0
    assert run(ini(tmp_path, epochs=4), *HALF) == 0
    assert "epochs was 2: runs that ended for that go on" in capsys.readouterr().out
    assert run(ini(tmp_path, epochs=6), *HALF) == 0
    assert extended(tmp_path / "a") == [[2, 4]] * 4
    assert differing(without_history_of_extension(contents(tmp_path / "a")), contents(six)) == []
    assert np.load(tmp_path / "a" / "0" / "train_loss_all.npy").shape == (2, 6)
    assert run(ini(tmp_path, epochs=6), *HALF) == 0
    assert "4 of 4 runs are there already" in capsys.readouterr().out


@pytest.mark.slow
def test_a_task_with_noise_ends_at_the_bytes_of_a_single_training(tmp_path):
    assert run(task_ini(tmp_path)) == run(task_ini(tmp_path, epochs=5)) == run(task_ini(tmp_path, "b", 5)) == 0
    assert differing(without_history_of_extension(contents(tmp_path / "a")), contents(tmp_path / "b")) == []


@pytest.mark.slow
def test_a_prediction_ends_at_the_bytes_of_a_single_training(tmp_path, monkeypatch):
    for name, numbers in (("parts", (1, 3)), ("whole", (3,))):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        for epochs in numbers:
            assert run(write_ini(tmp_path / name, "predict", epochs).name) == 0
    found, expected = (contents(tmp_path / name / "predict") for name in ("parts", "whole"))
    assert extended(tmp_path / "parts" / "predict") == [[1]]
    assert differing(without_history_of_extension(found), expected) == []


@pytest.mark.slow
def test_a_killed_extension_ends_at_the_same_bytes(tmp_path):
    many = ("--set", "execution.batch_runs=2")
    assert run(ini(tmp_path, epochs=2), *HALF, *many) == 0
    process = start(ini(tmp_path, epochs=40), *HALF, *many)
    wait_for(lambda: list((tmp_path / "a").glob("*/iter_*/checkpoint.pt")), process)
    process.kill()
    process.communicate()
    assert run(ini(tmp_path, epochs=40), *HALF, *many) == run(ini(tmp_path, "b", epochs=40), *HALF, *many) == 0
    assert extended(tmp_path / "a") == [[2]] * 4
    assert differing(without_history_of_extension(contents(tmp_path / "a")), contents(tmp_path / "b")) == []


def test_runs_without_their_state_are_named_and_stay(tmp_path, capsys):
    assert run(ini(tmp_path, epochs=1), *HALF, "--set", "execution.keep_state=False") == 0
    assert not list(tmp_path.rglob("state.pt"))
    before = contents(tmp_path / "a")
    for arguments in ((), ("--dry-run",)):
        assert run(ini(tmp_path, epochs=2), *HALF, *arguments) == (0 if arguments else 2)
        said = "".join(capsys.readouterr())
        assert "epochs was 1, is 2: expected the state.pt of runs that ended" in said
        assert "combo 0 iteration 0" in said
    assert contents(tmp_path / "a") == before


def test_a_damaged_state_begins_anew_and_ends_at_the_same_bytes(tmp_path, six):
    alone = ("--set", "execution.batch_runs=1", "--set", "trainvalidate.iterations=1")
    assert run(ini(tmp_path, epochs=2), *HALF, *alone) == 0
    place = tmp_path / "a" / "1" / "iter_0"
    (place / "state.pt").write_bytes(b"hello")
    assert run(ini(tmp_path, epochs=4), *HALF, *alone) == run(ini(tmp_path, "b", epochs=4), *HALF, *alone) == 0
    (place / "state.damaged").unlink()
    assert differing(without_history_of_extension(contents(tmp_path / "a")), contents(tmp_path / "b")) == []


def test_epochs_that_the_grid_lists_are_combos_of_their_own(tmp_path):
    grids = [("--set", f'combosparams.combos_params={{"epochs": {epochs}}}') for epochs in ([1, 2], [2, 3])]
    assert [run(ini(tmp_path), *grid) for grid in grids] == [0, 0]
    manifest = results.ResultsFolder(tmp_path / "a").manifest
    assert [entry["combo"] for entry in manifest["combos"]] == [1, 2]
    assert [entry["combo"] for entry in manifest["earlier_combos"]] == [0]
    assert extended(tmp_path / "a") == [None] * 6


def test_a_run_that_stopped_for_a_reason_stays(tmp_path):
    early = ("--set", "trainvalidate.flat_window=1", "--set", "trainvalidate.flat_tolerance=1")
    assert run(ini(tmp_path, epochs=2), *HALF, *early) == 0
    place = tmp_path / "a" / "0" / "iter_0"
    before, reason = contents(tmp_path / "a"), json.loads((place / "run.json").read_text())["reason"]
    assert "flat" in reason
    assert run(ini(tmp_path, epochs=4), *HALF, *early) == 0
    assert {name: content for name, content in contents(tmp_path / "a").items() if "iter_" in name} == {
        name: content for name, content in before.items() if "iter_" in name
    }


def test_runs_that_go_on_beside_others_say_so(tmp_path):
    assert run(ini(tmp_path, epochs=1), *HALF) == 0
    assert run(ini(tmp_path, epochs=2), *HALF, "--set", "execution.batch_runs=1") == 0
    records = [json.loads(path.read_text()) for path in (tmp_path / "a").glob("*/iter_*/run.json")]
    assert all(record["extended_beside_others"] and record["extended"] == [1] for record in records)


def test_a_new_iteration_begins_beside_runs_that_go_on(tmp_path):
    one = ("--set", "trainvalidate.iterations=1")
    assert run(ini(tmp_path, epochs=1), *HALF, *one) == run(ini(tmp_path, epochs=2), *HALF) == 0
    assert extended(tmp_path / "a") == [[1], None, [1], None]
    table = results.load(tmp_path / "a").table
    assert (table["status"] == "complete").all() and (table["epochs_done"] == 2).all()
