"""Whole experiments: layout, resume, workers, failures - to the byte."""

import dataclasses
import functools
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from randomnet import results
from randomnet.build.connectome import connectome_of
from randomnet.command_line import figures
from randomnet.connectome import spectral_radius
from randomnet.experiment import earlier_combos, engines
from randomnet.kinds.checkpoints import torch_bytes
from randomnet.kinds.train import run as train
from randomnet.recordings import Recording, Split, write_recording
from randomnet.results.locks import exclusive
from randomnet.schema.plan import read_plan
from randomnet.synthetic import built_in
from tests.support import made_up
from tests.support.marks import slow_except
from tests.support.option_reads import recorded_reads, unread
from tests.support.paths import ROOT
from tests.support.runs import (
    ALONE,
    EPOCHS,
    HALF,
    contents,
    differing,
    epochs_done,
    files,
    ini,
    is_worker,
    run,
    start,
    wait_for,
)
from tests.support.unexplained import unexplained


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """An experiment done once, in one process without interruption."""
    folder = tmp_path_factory.mktemp("reference")
    assert run(ini(folder)) == 0
    return folder / "a"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """HALF of EPOCHS done once, in one process without interruption."""
    folder = tmp_path_factory.mktemp("whole")
    assert run(ini(folder, epochs=EPOCHS), *HALF) == 0
    return folder / "a"


def test_the_layout_is_the_documented_one(reference):
    assert (reference / "folder_index.txt").read_text().splitlines() == [
        "0 ('Adam', 0)",
        "1 ('Adam', '0.5:-0.5')",
        "2 ('SGD', 0)",
        "3 ('SGD', '0.5:-0.5')",
    ]
    combos = pd.read_csv(reference / "combos.csv")
    assert list(combos.columns) == ["combo", "optimizer", "target"]
    summary = pd.read_csv(reference / "summary.csv")
    assert list(summary["status"]) == ["complete"] * 8
    assert {"loss_final", "lambda_max_final", "lambda_max_final_stderr", "D_KY_final", "h_KS_final"} <= set(summary)
    manifest = json.loads((reference / "manifest.json").read_text())
    assert manifest["combos"][0]["connectome"]["synthetic"] is True
    assert manifest["combos"][0]["settings"]["trainvalidate.lr"] == 0.05
    for combo in range(4):
        losses = np.load(reference / str(combo) / "train_loss_all.npy")
        assert losses.dtype == np.float64
        assert losses.shape == (2, 3)
        for iteration in range(2):
            folder = reference / str(combo) / f"iter_{iteration}"
            assert sorted(path.name for path in folder.iterdir()) == [
                *(["activity.npz"] if iteration == 0 else []),
                "arrays.npz",
                "history.csv",
                "model.pt",
                "run.json",
                "state.pt",
            ]
            history = pd.read_csv(folder / "history.csv")
            assert list(history["epoch"]) == [0, 1, 2, 3]
            np.testing.assert_array_equal(losses[iteration], history["train_loss"][1:])
            assert history["train_loss"][0] == summary.query("combo == @combo")["loss_initial"].iloc[iteration]
            assert history["train_loss"][3] == summary.query("combo == @combo")["loss_final"].iloc[iteration]


def test_the_arrays_are_what_they_are_called(reference):
    arrays = results.read_arrays(reference / "1" / "iter_0" / "arrays.npz")
    assert arrays["spectrum_initial"].shape == arrays["spectrum_final_stderr"].shape == (58,)
    assert (np.diff(arrays["spectrum_final"]) <= 0).all()
    np.testing.assert_allclose(arrays["target"], np.linspace(0.5, -0.5, 5))
    assert (arrays["gains_initial"] == 1).all()
    assert (arrays["gains_final"] != 1).any()
    model = torch.load(reference / "1" / "iter_0" / "model.pt", weights_only=True)
    np.testing.assert_array_equal(model["last"]["gains"].numpy(), arrays["gains_final"])


def test_the_same_iteration_starts_alike_in_every_combo_and_iterations_differ(reference):
    states = {
        (combo, iteration): results.read_arrays(reference / str(combo) / f"iter_{iteration}" / "arrays.npz")
        for combo in range(4)
        for iteration in range(2)
    }
    for iteration in range(2):
        for combo in range(1, 4):
            np.testing.assert_array_equal(
                states[combo, iteration]["spectrum_initial"], states[0, iteration]["spectrum_initial"]
            )
    assert (states[0, 0]["state_initial"] != states[0, 1]["state_initial"]).all()


@pytest.mark.slow
def test_results_do_not_depend_on_the_number_of_workers(reference, tmp_path):
    assert run(ini(tmp_path, workers=2)) == 0
    assert differing(contents(tmp_path / "a"), contents(reference)) == []


def test_iterations_can_be_added_where_the_null_is_drawn_anew(tmp_path):
    path = ini(tmp_path, epochs=1)
    null = ("--set", "net.null=degree", "--set", 'combosparams.combos_params={"optimizer": ["Adam"]}')
    assert run(path, *null) == 0
    assert run(path, *null, "--set", "trainvalidate.iterations=3") == 0
    assert len(pd.read_csv(tmp_path / "a" / "summary.csv")) == 3


def test_the_manifest_has_the_spectral_radius_before_and_after_scaling(reference, capsys):
    one = read_plan(reference.parent / "a.ini").combos[0].runs()[0]
    expected = [spectral_radius(made) for made in (built_in("AB"), connectome_of(one))]
    fact = json.loads((reference / "manifest.json").read_text())["combos"][0]["connectome"]
    assert [fact["spectral_radius_before"], fact["spectral_radius"]] == pytest.approx(expected)
    assert run(reference.parent / "a.ini", "--dry-run") == 0
    text = f"spectral radius {expected[0]:.4g} as it is, {expected[1]:.4g} after normalization and g"
    assert text in capsys.readouterr().out


def test_running_again_touches_nothing_that_is_complete(tmp_path, capsys):
    path = ini(tmp_path)
    assert run(path) == 0
    before = files(tmp_path / "a" / "0") | files(tmp_path / "a" / "3")
    assert run(path) == 0
    assert files(tmp_path / "a" / "0") | files(tmp_path / "a" / "3") == before
    assert "8 of 8 runs are there already" in capsys.readouterr().out


def test_what_a_kill_leaves_behind_is_cleared_at_the_next_start(tmp_path, reference):
    shutil.copytree(reference, tmp_path / "a")
    path = ini(tmp_path)
    for name in ("0/iter_0/checkpoint.pt", "0/iter_1/error.txt", "1/iter_0/.tmp-run.json-77", "1/.tmp-b-7", ".tmp-c-7"):
        (tmp_path / "a" / name).write_text("half")
    before = contents(reference)
    assert len(differing(contents(tmp_path / "a"), before)) == 3
    assert run(path) == 0
    assert differing(contents(tmp_path / "a"), before) == []
    assert not list((tmp_path / "a").rglob(".tmp-*"))


@pytest.mark.parametrize("checkpointed", [1, 3])
def test_a_model_has_the_same_bytes_after_a_kill_between_training_and_writing(
    tmp_path, reference, monkeypatch, checkpointed
):
    path, write_outputs = ini(tmp_path), train.write_outputs
    path.write_text(path.read_text().replace("checkpoint_every = 1", f"checkpoint_every = {checkpointed}"))

    def killed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "write_outputs", killed)
    assert run(path) == 130
    assert not list((tmp_path / "a").rglob("model.pt"))
    monkeypatch.setattr(train, "write_outputs", write_outputs)
    assert run(path) == 0
    assert differing(contents(tmp_path / "a"), contents(reference)) == []


def test_torch_saves_equal_values_as_equal_bytes_whatever_memory_they_share():
    values = torch.arange(3.0)
    shared = {"last": {"gains": values}, "best": {"gains": values}, "part": [values[:2]]}
    name = "".join(["ga", "ins"])
    apart = {"last": {name: values.clone()}, "best": {"gains": values.clone()}, "part": [values[:2].clone()]}
    assert torch_bytes(shared) == torch_bytes(apart)
    assert torch_bytes(shared) != torch_bytes(shared | {"part": [values[1:]]})


def test_a_worker_without_a_parent_ends_and_records_nothing(tmp_path, monkeypatch):
    here, there = multiprocessing.Pipe()
    there.close()
    codes = []

    def end(code):
        codes.append(code)
        raise SystemExit(code)

    monkeypatch.setattr(engines.os, "_exit", end)
    (tmp_path / "a").mkdir()
    one = read_plan(ini(tmp_path)).combos[0].runs()[0]
    with pytest.raises(SystemExit):
        engines.carry_out((one,), tmp_path / "a", functools.partial(engines._send, here), lambda: False)
    assert codes == [1]
    assert not list(tmp_path.rglob("error.txt")) and not list(tmp_path.rglob("run.json"))


def test_combos_and_iterations_can_be_added_without_touching_the_old(tmp_path, reference):
    path = ini(tmp_path)
    assert run(path) == 0
    grown = path.read_text().replace('["Adam", "SGD"]', '["RMSprop", "Adam", "SGD"]').replace("ions = 2", "ions = 3")
    path.write_text(grown)
    assert run(path) == 0
    index = (tmp_path / "a" / "folder_index.txt").read_text().splitlines()
    assert index[:2] == ["0 ('Adam', 0)", "1 ('Adam', '0.5:-0.5')"]
    assert index[4:] == ["4 ('RMSprop', 0)", "5 ('RMSprop', '0.5:-0.5')"]
    after = contents(tmp_path / "a")
    for name, content in contents(reference).items():
        if "iter_" in name:
            assert after[name] == content
    assert np.load(tmp_path / "a" / "0" / "train_loss_all.npy").shape == (3, 3)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("epochs = 3", "epochs = 2"), "trainvalidate.epochs was 3, is 2; epochs can be raised"),
        (("nle = 5", "nle = 10%"), "lyapunov.nle was 5, is '10%'"),
        (("seed = 5", "seed = 6"), "experiment.seed was 5, is 6"),
        (("roi = AB", "roi = EB"), "net.roi was 'AB', is 'EB'"),
        (('["Adam", "SGD"]', '["RMSprop"]'), "trainvalidate.optimizer was 'Adam', is 'RMSprop'"),
    ],
)
def test_a_changed_config_is_refused_with_the_differing_keys(reference, tmp_path, capsys, change, named):
    path = tmp_path / "b.ini"
    path.write_text((reference.parent / "a.ini").read_text().replace(*change))
    before = files(reference)
    assert run(path) == 2
    error = capsys.readouterr().err
    assert named in error
    assert "--fresh" in error
    assert len(error.splitlines()) == 1
    assert files(reference) == before


def test_files_that_another_version_read_otherwise_are_not_said_to_have_changed():
    old = {"name": "worm", "sha256": "a", "edges": 2990, "inhibitory": 0, "files": {"worm.graphml": "c"}}
    new = {**old, "sha256": "b", "edges": 2194, "inhibitory": 20, "contents": []}
    text = earlier_combos._connectome_difference(old, new)
    assert "are the same" in text and "2,194 edges and 20 inhibitory neurons, not 2,990 and 0" in text
    for changed in ({**old, "files": {"worm.graphml": "d"}}, {**old, "contents": []}):
        assert "has changed (sha256 b)" in earlier_combos._connectome_difference(changed, new)


def test_fresh_moves_the_old_folder_aside(tmp_path):
    path = ini(tmp_path, epochs=1)
    assert run(path) == 0
    old = files(tmp_path / "a")
    path.write_text(path.read_text().replace("seed = 5", "seed = 6"))
    assert run(path, "--fresh") == 0
    [aside] = [folder for folder in tmp_path.iterdir() if folder.name.startswith("a.2")]
    assert {p.relative_to(aside): c[0] for p, c in files(aside).items()} == {
        p.relative_to(tmp_path / "a"): c[0] for p, c in old.items()
    }
    assert json.loads((tmp_path / "a" / "manifest.json").read_text())["seed"] == 6


def test_a_run_that_fails_leaves_its_traceback_and_the_rest_go_on(tmp_path, monkeypatch, capsys):
    kind = train.KIND

    def sometimes(runs, *rest):
        if any((run.combo, run.iteration) == (2, 1) for run in runs):
            raise RuntimeError("struck by lightning")
        return kind.execute(runs, *rest)

    path = ini(tmp_path)
    path.write_text(path.read_text().replace("batch_runs = 2", "batch_runs = 1"))
    assert run(path) == 0
    (tmp_path / "a").rename(tmp_path / "undisturbed")
    monkeypatch.setattr(train, "KIND", dataclasses.replace(train.KIND, execute=sometimes))
    path.write_text(path.read_text().replace("batch_runs = 1", "batch_runs = 8"))
    assert run(path) == 1
    assert "--retry-failed" in capsys.readouterr().out
    failed = tmp_path / "a" / "2" / "iter_1"
    assert "struck by lightning" in (failed / "error.txt").read_text()
    assert json.loads((failed / "run.json").read_text())["status"] == "failed"
    assert not (tmp_path / "a" / "2" / "train_loss_all.npy").exists()
    monkeypatch.setattr(train, "KIND", dataclasses.replace(train.KIND, execute=kind.execute))
    assert run(path) == 1, "a failed run is not tried again unasked"
    assert run(path, "--retry-failed") == 0
    # all of its batch were done one by one, and it was at last
    assert differing(contents(tmp_path / "a"), contents(tmp_path / "undisturbed")) == []


def test_a_loss_that_is_not_finite_ends_that_run_only(tmp_path):
    path = ini(tmp_path)
    text = path.read_text().replace('{"optimizer": ["Adam", "SGD"]', '{"g": [0.01, 1e30]')
    path.write_text(text.replace("g = 3\n", ""))
    path.write_text(path.read_text().replace("roi = AB", "roi = AB\nnormalization = none"))
    path.write_text(path.read_text().replace("[trainvalidate]", "[model]\nactivation = relu\n[trainvalidate]"))
    assert run(path) == 0
    summary = pd.read_csv(tmp_path / "a" / "summary.csv")
    assert set(summary.loc[summary["g"] == 1e30, "status"]) == {"diverged"}
    assert set(summary.loc[summary["g"] < 1, "status"]) == {"complete"}
    record = json.loads((tmp_path / "a" / "2" / "iter_0" / "run.json").read_text())
    assert record["reason"].startswith("epoch 0: ")


def test_a_second_process_in_the_folder_is_refused(reference, capsys):
    with exclusive(reference / ".lock"):
        assert run(reference.parent / "a.ini") == 2
    assert "another process is working in this results folder" in capsys.readouterr().err


@pytest.mark.slow
def test_shares_side_by_side_are_the_whole(tmp_path, reference):
    """Three processes, one of them killed and started again."""
    path = ini(tmp_path)
    processes = [start(path, "--shard", f"{number}/3") for number in (1, 2, 3)]
    wait_for(lambda: list((tmp_path / "a").glob("*/iter_*/*")), processes[0])
    processes[1].kill()
    said = [process.communicate(timeout=120)[0] for process in processes]
    assert [processes[0].exitcode, processes[2].exitcode] == [0, 0], said
    assert run(path, "--shard", "2/3") == 0
    assert differing(contents(tmp_path / "a"), contents(reference)) == []
    assert list(pd.read_csv(tmp_path / "a" / "summary.csv")["status"]) == ["complete"] * 8
    assert run(path) == 0, "all is there"


def test_a_share_has_the_runs_that_are_its_own(tmp_path, capsys):
    assert run(ini(tmp_path), "--shard", "2/4") == 0
    done = {tuple(path.parts[-3:-1]) for path in (tmp_path / "a").glob("*/iter_*/run.json")}
    assert done == {("2", "iter_0"), ("3", "iter_0")}  # a batch of two
    assert len(pd.read_csv(tmp_path / "a" / "summary.csv")) == 8
    out = capsys.readouterr().out
    assert out.count(" 1/1 ") == 2 and "missing" not in out


def test_shares_that_would_do_the_same_runs_are_refused(tmp_path, capsys):
    path = ini(tmp_path)
    folder = results.ResultsFolder(tmp_path / "a")
    for held, others in [
        (
            results.Share(1, 2, "-batch_runs-2"),
            {"1/2": "process works on share 1/2", "1/3": "division into shares here (1-of-2-batch_runs-2)"},
        ),
        (None, {"1/2": "another process is working in this results folder"}),
    ]:
        with folder.lock(held):
            for asked, text in others.items():
                assert run(path, "--shard", asked) == 2
                assert text in capsys.readouterr().err
            assert run(path) == 2
    with folder.lock(results.Share(1, 2)), folder.lock(results.Share(2, 2)):
        pass
    with folder.lock(results.Share(1, 2, "-batch_runs-2")):  # other batches are other shares
        assert run(path, "--shard", "2/2", "--set", "execution.batch_runs=3") == 2
        assert "another division into shares here (1-of-2-batch_runs-2)" in capsys.readouterr().err


@pytest.mark.parametrize("share", ["", "0/3", "4/3", "1", "1/", "a/b", "-1/3", "1/3/4"])
def test_a_share_that_is_none(tmp_path, share, capsys):
    assert run(ini(tmp_path), f"--shard={share}") == 2
    assert "--shard: expected a share such as 2/10" in capsys.readouterr().err
    assert run(ini(tmp_path), "--shard", "1/2", "--fresh") == 2
    assert "expected it without --fresh" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_a_dry_run_writes_nothing_and_says_what_it_would_cost(tmp_path, capsys):
    path = ini(tmp_path)
    assert run(path, "--dry-run") == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.ini"]
    out = capsys.readouterr().out
    assert "Network AB (synthetic, not measured): 58 neurons" in out
    assert "optimizer = SGD, target = 0.5:-0.5" in out
    assert "min on one worker" in out


@pytest.mark.slow
def test_pretrained_starts_from_the_last_values_of_the_same_run(reference, tmp_path):
    path = ini(tmp_path, epochs=1)
    assert run(path, "--set", f"paths.pretrained={reference}") == 0
    before = results.read_arrays(reference / "1" / "iter_1" / "arrays.npz")
    after = results.read_arrays(tmp_path / "a" / "1" / "iter_1" / "arrays.npz")
    np.testing.assert_array_equal(after["gains_initial"], before["gains_final"])
    np.testing.assert_allclose(after["spectrum_initial"], before["spectrum_final"], rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_keeps_a_checkpoint_and_says_how_to_go_on(tmp_path, whole, workers):
    path = ini(tmp_path, epochs=EPOCHS, workers=workers)
    command = [sys.executable, str(ROOT / "runrandomnet.py"), str(path), *HALF]
    words = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True, **words) as process:
        wait_for(lambda: list((tmp_path / "a").glob("*/iter_*/checkpoint.pt")), process)
        os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130, out
    assert f"python runrandomnet.py {path}" in out
    assert list((tmp_path / "a").glob("*/iter_*/checkpoint.pt"))
    assert run(path, *HALF, *ALONE) == 0
    assert differing(contents(tmp_path / "a"), contents(whole)) == []


@pytest.mark.slow
def test_a_schedulers_sigterm_to_all_processes_stops_at_a_checkpoint(tmp_path, whole):
    """As at the end of a job's time: to the workers too, as soon as they exist, some of them still starting."""
    path = ini(tmp_path, epochs=EPOCHS, workers=2)
    command = [sys.executable, str(ROOT / "runrandomnet.py"), str(path), *HALF]
    words = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    for late in (False, True):
        with subprocess.Popen(command, cwd=ROOT, start_new_session=True, **words) as process:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            if not children.parent.exists():
                process.kill()
                pytest.skip("needs Linux's /proc to find the workers")
            wait_for(lambda: sum(map(is_worker, children.read_text().split())) == 2, process)  # noqa: B023
            if late:
                wait_for(lambda: list((tmp_path / "a").glob("*/iter_*/checkpoint.pt")), process)
            os.killpg(process.pid, signal.SIGTERM)
            out, _ = process.communicate(timeout=60)
        assert process.returncode == 130, out
        assert "failed" not in out and not list((tmp_path / "a").rglob("error.txt"))
    assert run(path, *HALF, *ALONE) == 0
    assert differing(contents(tmp_path / "a"), contents(whole)) == []


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "kills"), [(1, 6), (2, 3)])
def test_killed_again_and_again_it_goes_on_to_the_same_bytes(tmp_path, whole, workers, kills):
    """Once as soon as it has begun, then at any moment of the epochs that follow."""
    path, root = ini(tmp_path, epochs=EPOCHS, workers=workers), tmp_path / "a"
    moments = random.Random(workers)
    for kill in range(kills):
        process = start(path, *HALF)
        if kill == 0:
            wait_for((root / ".lock").exists, process)
        else:
            further = epochs_done(root) + moments.randint(1, 18)
            wait_for(lambda further=further: epochs_done(root) >= further, process)
        time.sleep(moments.uniform(0, 0.03))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL, "it had not ended by then"
    assert run(path, *HALF, *ALONE) == 0
    assert differing(contents(root), contents(whole)) == []


def small_recording(path):
    """Spikes of 8 neurons, 6 of them held in, at the same rate all the time, beside inputs that say nothing."""
    rng = np.random.default_rng(0)
    splits = {}
    for name, trials in (("train", 12), ("valid", 4), ("test", 4)):
        spikes = rng.poisson(1.0, (trials, 10, 8)).astype(np.uint8)
        inputs = rng.standard_normal((trials, 10, 3)).astype(np.float32)
        splits[name] = Split(spikes, 6, np.arange(trials), inputs=inputs, true_inputs=inputs)
    write_recording(path, Recording(splits))


def small_fits(root):
    """Three folders of models of that recording, with two latents that come from nowhere."""
    small_recording(root / "recording.npz")
    for name in ("gru", "node", "lfads"):
        few = ["trainvalidate.epochs=1", "inference.encoder_size=4", "inference.hidden_size=2"]
        few += [f"inference.architecture={name}"]
        few += ["experiment.kind=fit", f"source.folder={root / 'recording.npz'}"]
        few += [f"paths.path_to_results={root / name}"]
        (root / f"{name}.ini").write_text("")
        assert run(root / f"{name}.ini", *(part for one in few for part in ("--set", one)), *ALONE) == 0
    return [root / name for name in ("gru", "node", "lfads")]


TEMPLATES = [ROOT / "config.ini", *sorted((ROOT / "config").glob("*.ini"))]
PIPELINES = [path for path in TEMPLATES if path.stem.startswith("pipeline")]
LONG_TEMPLATES = ("analyse_multitask", "banc", "benchmark_sparse", "benchmark_task", "flossing", "flybrain_full",
                  "flybrain_pop", "flywire_brain", "malecns", "nback_mem", "nulls", "pic_latent_mem", "pic_mem",
                  "random_rnn", "reaching", "ring", "simulate", "study_edge_of_chaos", "study_instability",
                  "study_recording", "study_working_memory", "transition")  # fmt: skip
ONE_KIND = [path for path in TEMPLATES if path not in PIPELINES]
SHORT_TEMPLATES = [path for path in ONE_KIND if path.stem not in LONG_TEMPLATES]
GOES_ON = {"analyse_flip_flop": "flip_flop", "record": "flip_flop", "analyse_multitask": "multitask",
           "stimulate_task": "regions_task"}  # fmt: skip


@pytest.mark.parametrize("template", [name for name in GOES_ON if name != "record"])
def test_a_template_that_looks_into_another_means_its_last_model(template):
    after, before = (read_plan(ROOT / "config" / f"{name}.ini").config for name in (template, GOES_ON[template]))
    assert after.paths.pretrained == before.paths.path_to_results
    assert after.pretrainedparams.pretrained_epoch == "last"
    assert after.model == before.model and after.net == before.net
    assert after.regions == before.regions and after.projections == before.projections
    assert after.trialparams == before.trialparams


@pytest.mark.parametrize("template", slow_except(PIPELINES, PIPELINES[0]),
                         ids=lambda path: path.stem)  # fmt: skip
def test_every_pipeline_runs(template, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    given, fits = read_plan(template).config.pipeline, {"gru": "GRU", "node": "neural ODE", "lfads": "LFADS"}
    short = {"trainvalidate.epochs": 1, "trainvalidate.iterations": 1}
    small = {
        "train": {"trialparams.nr_of_trials": 20, **short},
        "record": {"trialparams.nr_of_trials": 20, "trialparams.trial_steps": 12, "recording.heldin": 6},
        "compare": {"comparing.metrics": "rate_r2 + state_r2 + co_bps"},
    } | {name: {"inference.encoder_size": 4, **short} for name in fits}
    names = [entry.stage for entry in given.stages]
    chosen = {(entry.stage, key): value for entry in given.set for key, value in [entry.text.split("=", 1)]}
    alone = {"execution.workers": 1}
    chosen |= {(name, key): value for name in names for key, value in (small[name] | alone).items()}

    def scores_with(settings):
        said = ", ".join(f"{stage} {key} = {value}" for (stage, key), value in settings.items())
        given = (f"paths.path_to_results={tmp_path / 'out'}", f"pipeline.set={said}")
        assert run(template, *(part for one in given for part in ("--set", one))) == 0
        return pd.read_csv(tmp_path / "out" / "compare" / "0" / "iter_0" / "scores.csv")

    scores = scores_with(chosen)
    for name in names:
        assert set(pd.read_csv(tmp_path / "out" / name / "summary.csv")["status"]) == {"complete"}
    assert {fits[name] for name in names if name in fits} == set(scores["label"]) and scores["rate_r2"].notna().all()
    assert not unexplained(*(tmp_path / "out" / name for name in names))
    more = {(name, "trainvalidate.iterations"): 2 for name in names if name != "compare"}
    assert len(scores_with(chosen | more)) == 2 * len(scores), "of more models the comparison is done again"


@pytest.mark.parametrize("template", slow_except(ONE_KIND, *SHORT_TEMPLATES),
                         ids=lambda path: path.stem)  # fmt: skip
def test_every_template_runs(template, tmp_path):
    text, short = template.read_text(), ["execution.workers=1"]
    spectral = any(f"kind = {kind}\n" in text for kind in ("spectrum", "convergence", "transition"))
    if "kind = analyse\n" in text:
        short += ["analysis.starts=6", "analysis.duration=2"]
    elif "kind = responses\n" in text:
        short += ["responses.bootstrap=200", "responses.permutations=10"]
    elif "kind = stimulate\n" in text and "task_name" not in text:
        short += ["analysis.duration=2", "stimulation.onset=0.5", "stimulation.offset=1", "analysis.settle=0.5"]
    elif "kind = simulate\n" in text:
        short += [f"analysis.duration={0.2 if template.stem == 'simulate' else 1}", "analysis.settle=0.1"]
    elif "kind = predict\n" in text:
        short += ["analysis.duration=0.2", "analysis.trajectories=4", "predict.eigenvalues=0", "trainvalidate.epochs=2"]
    elif "kind = fit\n" in text:
        small_recording(tmp_path / "recording.npz")
        short += [f"source.folder={tmp_path / 'recording.npz'}", "trainvalidate.epochs=2", "inference.encoder_size=8"]
    elif "kind = compare\n" in text:
        fits = small_fits(tmp_path)
        short += [f"source.folder={', '.join(map(str, fits))}", "comparing.dsa_delays=2"]
    elif "[trialparams]" not in text:  # a task reads no times of the spectrum
        grid = 'combosparams.combos_params={"n": [30, 60], "tsim": [1, 2]}'
        short += [grid] if '"tsim"' in text else [f"lyapunov.tsim={25 if spectral else 1}"]
        short += ["lyapunov.transient=0.2", "lyapunov.frame_transient=0.2"]
        short += [] if "kind = " in text else ["lyapunov.tsim_measured=1"]
    if "tsim_first" in text:
        short += ["lyapunov.tsim_first=0.4"]
    if "task_name = multitask\n" in text:  # of each of 15 tasks
        short += ["trialparams.nr_of_trials=20"]
    if "kind = benchmark" not in text and "kind = convergence" not in text:
        short += ["trainvalidate.iterations=1"]
    if "kind = " not in text:
        short += ["trainvalidate.epochs=2"]
    if "report = True" in text:
        short += ["execution.report=False"]  # tests/command_line/test_ending.py has it
    if "halving = " in text:
        short += ["combosparams.n_samples=4", "combosparams.halving_epochs=1", "trialparams.nr_of_trials=20"]
    if template.stem.startswith("study_"):  # of a smaller region
        short += ["net.roi=AB"]
    if template.stem in GOES_ON:  # of what another template trains
        few = ["trainvalidate.epochs=1", f"paths.path_to_results={tmp_path / 'trained'}"]
        few += [one for one in short if "nr_of_trials" in one]
        path = ROOT / "config" / f"{GOES_ON[template.stem]}.ini"
        assert run(path, *(part for one in few for part in ("--set", one))) == 0
        short = [one for one in short if "duration" not in one]
        if "phases = " in text:
            short += ["analysis.phase_starts=4", "analysis.interpolation_steps=2"]
        if template.stem == "record":
            short += [f"source.folder={tmp_path / 'trained'}", "trialparams.nr_of_trials=20"]
        else:
            short += [f"paths.pretrained={tmp_path / 'trained'}"]
    if template.stem in made_up.OF_TEMPLATE:
        (tmp_path / "data").mkdir()
        short.append(f"paths.path_to_network={made_up.OF_TEMPLATE[template.stem](tmp_path / 'data')}")
    if template.stem == "responses":
        short.append(f"paths.responses={tmp_path / 'data' / 'signal_propagation_wt.csv'}")
    short.append(f"paths.path_to_results={tmp_path / 'out'}")
    with recorded_reads() as reads:
        assert run(template, *(part for setting in short for part in ("--set", setting))) == 0
    options = unread([combo.config for combo in read_plan(template, short).combos], reads)
    if "kind = compare\n" not in text:  # of a recording whose network is not known; test_option_reads has one of known
        assert not options, "accepted by the kind, and read by nobody: narrow the option's condition or its readers"
    statuses = set(pd.read_csv(tmp_path / "out" / "summary.csv")["status"])
    assert statuses == {"complete"} | ({results.STOPPED} if "halving = " in text else set())
    assert not unexplained(tmp_path / "out")


@pytest.mark.slow
def test_the_flip_flop_template_has_a_fixed_point_for_each_memory_and_each_way_between_them(tmp_path):
    """3^3 of them, 8 stable, by unstable directions 8, 12, 6, 1 (multiregion.md): at a fraction of its training."""
    trained, inside = tmp_path / "trained", tmp_path / "inside"
    few = ["trainvalidate.epochs=250", "trialparams.nr_of_trials=320", "trainvalidate.lr=0.01",
           f"paths.path_to_results={trained}"]  # fmt: skip
    look = [f"paths.pretrained={trained}", f"paths.path_to_results={inside}"]
    for template, settings in (("flip_flop", few), ("analyse_flip_flop", look)):
        overrides = [part for setting in settings for part in ("--set", setting)]
        assert run(ROOT / "config" / f"{template}.ini", *overrides, *ALONE) == 0
    assert pd.read_csv(trained / "summary.csv")["validate_metrics_best"][0] > 95
    unstable = np.load(inside / "0" / "iter_0" / "arrays.npz")["fixed_unstable"]
    assert np.bincount(unstable).tolist() == [8, 12, 6, 1]


def fall(root):
    record = json.loads((root / "0" / "iter_0" / "run.json").read_text())
    return record["summary"]["loss_initial"] / record["summary"]["loss_best"]


@pytest.mark.slow
def test_the_default_config_lowers_the_loss_tenfold(tmp_path):
    given = ["trainvalidate.iterations=1", "execution.workers=1", "execution.report=False"]
    given.append(f"paths.path_to_results={tmp_path / 'out'}")
    one = 'combosparams.combos_params={"null": ["none"]}'
    assert run(ROOT / "config.ini", *(part for text in [*given, one] for part in ("--set", text))) == 0
    assert fall(tmp_path / "out") >= 10


@pytest.mark.slow
def test_the_template_lowers_the_loss_of_a_measured_region_tenfold(tmp_path, connectomes):
    given = [
        f"paths.path_to_network={connectomes / 'rois'}",
        "net.roi=LARVA_MB_LEFT",
        "trainvalidate.iterations=1",
        "lyapunov.tsim=20",
        "execution.workers=1",
        f"paths.path_to_results={tmp_path / 'out'}",
    ]
    assert run(ROOT / "config" / "flybrain_full.ini", *(part for text in given for part in ("--set", text))) == 0
    assert fall(tmp_path / "out") >= 10


STUDIES = {"study_edge_of_chaos": "edge of chaos", "study_working_memory": "learn", "study_instability": "leading",
           "study_recording": "variance of unrecorded neurons"}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_a_study_ends_in_a_sentence_and_a_figure(name, tmp_path):
    """Of a small region, two null draws and short records; what is said is tested on made-up results."""
    short = ["net.roi=AB", "trainvalidate.iterations=2", f"paths.path_to_results={tmp_path / 'out'}"]
    short += {"study_working_memory": ["trainvalidate.epochs=2"],
              "study_recording": ["trainvalidate.epochs=2", "analysis.duration=0.2", "analysis.trajectories=4"],
              "study_edge_of_chaos": ["lyapunov.tsim=25", 'combosparams.combos_params={"null": ["none", "degree"], '
                                      '"g": [1, 3, 6]}']}.get(name, ["lyapunov.tsim=25"])  # fmt: skip
    template = ROOT / "config" / f"{name}.ini"
    assert run(template, *(part for setting in short for part in ("--set", setting)), *ALONE) == 0
    study, figure_set = figures.read_study([tmp_path / "out"], ["study"])
    assert STUDIES[name] in " ".join(figures.result_sentences.sentences(study, figure_set)[:2])
    assert next(stem for stem, _ in figure_set.overviews(study, None)) == "overview"
