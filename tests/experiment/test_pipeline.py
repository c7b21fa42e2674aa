"""kind = pipeline: what each stage goes on from, what is refused, and going on after an interruption."""

from pathlib import Path

import pandas as pd
import pytest

import runrandomnet
from randomnet.experiment.pipeline import stages_of
from randomnet.results import ResultsFolder
from randomnet.schema.plan import read_plan
from randomnet.values.stages import SettingList, StageList
from tests.support.paths import ROOT

TRAIN = """
[experiment]
kind = train
[net]
roi = random
n = 8
[model]
activation = tanh
[trialparams]
task_name = flip_flop
nr_of_trials = 10
trial_steps = 20
[trainvalidate]
init = connectome
epochs = 2
store_every_epoch = 0
[execution]
workers = 1
"""
SPECTRUM = """
[experiment]
kind = spectrum
[net]
roi = random
n = 8
[lyapunov]
tsim = 2
transient = 1
nle = 2
[execution]
workers = 1
"""


def pipeline(folder: Path, stages: str, more: str = "") -> Path:
    texts = {kind: f"[experiment]\nkind = {kind}\n" for kind in ("record", "fit", "compare")}
    texts["record"] += "[trialparams]\ntask_name = flip_flop\n"
    for name, text in ({"train": TRAIN, "spectrum": SPECTRUM} | texts).items():
        (folder / f"{name}.ini").write_text(text)
    path = folder / "pipeline.ini"
    path.write_text(f"[experiment]\nkind = pipeline\n[paths]\npath_to_results = {folder / 'out'}\n"
                    f"[pipeline]\nstages = {stages}\n{more}")  # fmt: skip
    return path


def listed(folder: Path, *names: str) -> str:
    return ", ".join(f"{name}: {folder / name.rstrip('0123456789')}.ini" for name in names)


def test_each_stage_goes_on_from_the_last_one_of_the_kind_that_it_needs(tmp_path):
    path = pipeline(tmp_path, listed(tmp_path, "train1", "train2", "record", "fit1", "fit2", "compare"))
    out = tmp_path / "out"
    found = {stage.name: stage for stage in stages_of(read_plan(path))}
    assert [stage.kind for stage in found.values()] == ["train", "train", "record", "fit", "fit", "compare"]
    sources = {name: stage.plan.config.source.folder for name, stage in found.items()}
    assert sources == {"train1": "", "train2": "", "record": f"{out / 'train2'}", "fit1": f"{out / 'record'}",
                       "fit2": f"{out / 'record'}", "compare": f"{out / 'fit1'}, {out / 'fit2'}"}  # fmt: skip
    assert all(stage.plan.config.paths.path_to_results == str(out / name) for name, stage in found.items())


def test_execution_is_handed_to_the_stages_that_read_it(tmp_path):
    more = "set = spectrum execution.workers = 3\n[execution]\nworkers = 2\nthreads = 2\ncheckpoint_every = 7\n"
    path = pipeline(tmp_path, listed(tmp_path, "train", "spectrum", "record"), more)
    train, spectrum, record = (stage.plan.config.execution for stage in stages_of(read_plan(path)))
    assert (train.workers, train.threads, train.checkpoint_every) == (2, 2, 7)
    assert (spectrum.workers, spectrum.threads) == (3, 2), "[pipeline] set comes first"
    assert (record.workers, record.threads) == (2, 2)
    path.write_text(path.read_text().replace("workers = 2", "engine = ray\naddress = auto"))
    stages = stages_of(read_plan(path))
    assert {(stage.plan.config.execution.engine, stage.plan.config.execution.address) for stage in stages} == {
        ("ray", "auto")
    }


def test_stages_are_carried_out_and_go_on(tmp_path, capsys):
    more = "set = train trainvalidate.epochs = 3, spectrum lyapunov.nle = 3\n"
    path = pipeline(tmp_path, listed(tmp_path, "train", "spectrum"), more)
    assert runrandomnet.main([str(path), "--dry-run"]) == 0
    assert not (tmp_path / "out").exists()
    assert runrandomnet.main([str(path)]) == 0
    out = {name: ResultsFolder(tmp_path / "out" / name) for name in ("train", "spectrum")}
    assert len(out["train"].run(0, 0).record["summary"]) > 3
    assert out["train"].run(0, 0).record["summary"]["epochs_done"] == 3
    assert len(out["spectrum"].run(0, 0).arrays["exponents"]) == 3
    before = {name: (folder.run(0, 0).path / "run.json").stat().st_mtime_ns for name, folder in out.items()}
    (out["spectrum"].run(0, 0).path / "run.json").unlink()
    assert runrandomnet.main([str(path)]) == 0
    after = {name: (folder.run(0, 0).path / "run.json").stat().st_mtime_ns for name, folder in out.items()}
    assert after["train"] == before["train"] and after["spectrum"] > before["spectrum"]
    path.write_text(path.read_text().replace("epochs = 3", "epochs = 4"))
    assert runrandomnet.main([str(path)]) == 0
    assert out["train"].run(0, 0).record["summary"]["epochs_done"] == 4
    path.write_text(path.read_text().replace("nle = 3", "nle = 4"))
    assert runrandomnet.main([str(path)]) == 2
    assert "lyapunov.nle was 3, is 4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stages", "more", "text"),
    [
        ("record", "", "expected a stage of kind = train before record"),
        ("train, compare", "", "expected a stage of kind = fit before compare"),
        ("train", "set = trian trainvalidate.epochs = 3", "got 'trian'; did you mean 'train'?"),
        ("train", "set = train trainvalidate.epoch = 3", "did you mean 'epochs'?"),
        ("train", "set = train epochs 3", "expected options of stages, such as"),
        ("train", "[execution]\nbatch_runs = 1", "[execution] batch_runs: expected it left out, as it is not"),
        ("train, no", "", "no.ini: expected an INI file"),
        ("train, train", "", "expected stages and their INI files"),
        ("pipeline", "", "expected experiments, got the pipeline"),
        ("", "", "stages: expected"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, capsys, stages, more, text):
    path = pipeline(tmp_path, listed(tmp_path, *stages.split(", ")) if stages else "", more)
    assert runrandomnet.main([str(path)]) == 2
    error = capsys.readouterr().err
    assert text in error and len(error.splitlines()) == 1 and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("folder", "comparing", "text"),
    [
        ("out", "labels = one, two", "[comparing] labels: expected 1, one for each of [source] folder, got 2"),
        ("out", "recording = there", "[comparing] recording: applies only where [source] folder has .npz files"),
        ("out, 2", "", "[paths] path_to_results: expected a folder without a comma where a stage is of kind = compare"),
    ],
)
def test_what_a_comparison_would_refuse_is_said_before_the_first_stage(tmp_path, capsys, folder, comparing, text):
    path = pipeline(tmp_path, listed(tmp_path, "train", "record", "fit", "compare"))
    path.write_text(path.read_text().replace(f"{tmp_path / 'out'}\n", f"{tmp_path / folder}\n"))
    (tmp_path / "compare.ini").write_text(f"[experiment]\nkind = compare\n[comparing]\n{comparing}\n")
    assert runrandomnet.main([str(path)]) == 2
    error = capsys.readouterr().err
    assert text in error and len(error.splitlines()) == 1 and not (tmp_path / folder).exists()


def test_a_folder_of_something_else_is_refused(tmp_path, capsys):
    path = pipeline(tmp_path, listed(tmp_path, "train"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("")
    assert runrandomnet.main([str(path)]) == 2
    assert "holds other files (thesis.tex)" in capsys.readouterr().err
    for option in (["--describe"], ["--shard", "1/2"]):
        assert runrandomnet.main([str(path), *option]) == 2
        assert "with the INI of one stage" in capsys.readouterr().err


def test_lists_are_what_their_texts_say():
    stages = StageList().parse("a: x/y.ini,\n b-2 : C:/z w.ini".replace("\n", ""))
    assert [tuple(one) for one in stages] == [("a", "x/y.ini"), ("b-2", "C:/z w.ini")]
    assert StageList().parse(str(stages)) == stages
    chosen = SettingList().parse('a net.roi = EB, b combosparams.combos_params={"lr": [0.1, 0.2]}, a net.g=1')
    assert [tuple(one) for one in chosen] == [
        ("a", "net.roi=EB"), ("b", 'combosparams.combos_params={"lr": [0.1, 0.2]}'), ("a", "net.g=1")]  # fmt: skip
    assert SettingList().parse(str(chosen)) == chosen


def test_what_is_refused_leaves_no_trace(tmp_path, capsys):
    path = pipeline(tmp_path, listed(tmp_path, "train", "spectrum"))
    (tmp_path / "train.ini").write_text(TRAIN.replace("n = 8", "n = 1e9"))
    for option in ([], ["--dry-run"]):
        assert runrandomnet.main([str(path), *option]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1 and not (tmp_path / "out").exists()
    (tmp_path / "train.ini").write_text(TRAIN)
    assert runrandomnet.main([str(path)]) == 0
    before = (tmp_path / "out" / "config.ini").read_text()
    assert runrandomnet.main([str(path), "--set", "pipeline.set=spectrum lyapunov.nle = 3"]) == 2
    assert (tmp_path / "out" / "config.ini").read_text() == before


@pytest.mark.long
@pytest.mark.slow
def test_the_flip_flop_pipeline_finds_three_bits_in_spikes(tmp_path, monkeypatch):
    """From the task to inferred dynamics with the templates as they are: the network solves the task, the best model
    has its rates, and left to itself a model that has them remembers as many patterns as the network, 2^3."""
    monkeypatch.chdir(ROOT)
    out = tmp_path / "out"
    assert runrandomnet.main(["config/pipeline_flipflop.ini", "--set", f"paths.path_to_results={out}"]) == 0
    assert ResultsFolder(out / "train").run(0, 0).record["summary"]["validate_metrics_best"] > 98
    scores = pd.read_csv(out / "compare" / "0" / "iter_0" / "scores.csv")
    assert (scores["status"] == "complete").all() and scores["rate_r2"].max() > 0.9
    large = scores[(scores["label"] == "LFADS") | ((scores["label"] == "GRU") & (scores["latent_size"] == 64))]
    assert (scores["memories_true"] == 8).all() and large["memories_inferred"].max() >= 8
