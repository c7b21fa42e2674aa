"""Files and folders that an INI names: beside the INI, in the current folder, or written by earlier runs."""

from pathlib import Path

import pytest

from randomnet.command_line.program import ROOT
from randomnet.experiment.pipeline import stages_of
from randomnet.schema.config import SCHEMA
from randomnet.schema.plan import read_plan
from randomnet.settings.places import place_of
from tests.support.plans import grid


@pytest.fixture
def inis(tmp_path, monkeypatch):
    """The folder `inis` with INIs, seen from the folder `here` beside it."""
    for name in ("inis", "here"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "inis"


def read(folder, text, *overrides):
    (folder / "a.ini").write_text(text)
    return read_plan(folder / "a.ini", overrides)


def fill(*paths):
    for path in paths:
        path.write_text("0")


NETWORK = "[paths]\npath_to_network = data\n"


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("current", [False, True])
def test_a_file_is_looked_for_beside_the_ini_then_in_the_current_folder(inis, tmp_path, beside, current):
    fill(*[inis / "data"] * beside, *[tmp_path / "here" / "data"] * current)
    made = read(inis, NETWORK)
    taken = str(inis / "data") if beside else "data"
    assert made.config.paths.path_to_network == taken
    assert f"path_to_network = {taken}\n" in made.text  # as recorded with the results
    both = (f"paths.path_to_network: {taken} is taken, not data, which is there too",)
    assert made.notes == (both if beside and current else ())


def test_what_is_in_the_current_folder_stays_as_written(inis, monkeypatch):
    fill(inis / "data")
    monkeypatch.chdir(inis)
    made = read(inis, NETWORK)
    assert made.config.paths.path_to_network == "data" and not made.notes


def test_results_of_earlier_runs_are_looked_for_in_the_current_folder_first(inis, tmp_path):
    text = "[paths]\npretrained = results\n"
    fill(inis / "results")
    assert read(inis, text).config.paths.pretrained == str(inis / "results")
    fill(tmp_path / "here" / "results")
    made = read(inis, text)
    assert made.config.paths.pretrained == "results" and "results is taken, not " in made.notes[0]


def test_results_are_written_below_the_current_folder(inis):
    (inis / "out").mkdir()
    assert read(inis, "[paths]\npath_to_results = out\n").config.paths.path_to_results == "out"


def test_paths_of_the_command_line_start_at_the_current_folder(inis):
    fill(inis / "data")
    assert read(inis, "", "paths.path_to_network=data").config.paths.path_to_network == "data"


def test_values_of_an_axis_are_looked_for_too(inis):
    fill(inis / "a.csv")
    made = read(inis, grid('{"path_to_network": ["a.csv", "b.csv"], "g": [1, 2]}'))
    found = [combo.config.paths.path_to_network for combo in made.combos]
    assert found == [str(inis / "a.csv")] * 2 + ["b.csv"] * 2
    assert made.combos[0].values["path_to_network"] == str(inis / "a.csv")
    assert read(inis, made.text).combos == made.combos


@pytest.mark.parametrize("target", ["0", "1.25:-1.25", "curve.txt"])
def test_only_a_target_that_is_a_path_is_looked_for(inis, target):
    fill(inis / "0", inis / "curve.txt")
    found = read(inis, f"[lyapunov]\ntarget = {target}\n").config.lyapunov.target
    assert found == {"0": 0.0, "1.25:-1.25": (1.25, -1.25), "curve.txt": str(inis / "curve.txt")}[target]


def test_each_of_several_folders_is_looked_for(inis):
    for name in ("a", "b"):
        (inis / name).mkdir()
    kind = SCHEMA.options["source", "folder"].value
    found = kind.with_paths("a, c, b", lambda path: place_of(path, inis / "a.ini")[0])
    assert found == f"{inis / 'a'}, c, {inis / 'b'}"


@pytest.mark.parametrize("path", ["", "~/data", "/data", "a\nb", "x" * 5000])
def test_what_is_no_relative_path_of_a_file_stays_as_written(inis, path):
    assert place_of(path, inis / "a.ini") == (path, "")


def test_a_path_may_go_on_inside_a_file(inis):
    fill(inis / "worm.nwb")
    inside = Path("worm.nwb", "processing", "ophys")
    assert place_of(str(inside), inis / "a.ini") == (str(inis / inside), "")
    assert place_of("none.nwb/ophys", inis / "a.ini") == ("none.nwb/ophys", "")


# ---- templates from anywhere


@pytest.mark.parametrize("option", [key for key, about in SCHEMA.options.items() if about.identity])
def test_a_path_is_looked_for_only_where_the_option_is_one(option):
    kind = SCHEMA.options[option].value
    moved = kind.with_paths("some: thing", lambda path: f"moved/{path}") != "some: thing"
    paths = {"paths.pretrained", "net.labels", "lyapunov.target", "simulation.input_file", "source.folder",
             "recording.like", "comparing.recording", "trialparams.images", "pipeline.stages",
             "paths.recording", "paths.responses"}  # fmt: skip
    assert moved == (".".join(option) in paths)


def test_the_files_of_templates_are_found_from_anywhere(inis):
    template = ROOT / "config" / "regions.ini"
    found = read_plan(template).config.regions.regions_file
    assert found == str(ROOT / "config" / "regions.json")
    stages = stages_of(read_plan(ROOT / "config" / "pipeline_flipflop.ini"))
    assert next(stage.plan.path for stage in stages) == ROOT / "config" / "flip_flop.ini"
    assert all(stage.plan.path.parent == ROOT / "config" for stage in stages)


def test_a_copied_template_finds_the_files_of_templates_too(tmp_path, monkeypatch):
    """A copy in the folder above `config`, as config.ini is."""
    (tmp_path / "config").mkdir()
    fill(tmp_path / "config" / "regions.json")
    copy = tmp_path / "config.ini"
    copy.write_text((ROOT / "config" / "regions.ini").read_text())
    monkeypatch.chdir(tmp_path / "config")
    assert read_plan(copy).config.regions.regions_file == str(tmp_path / "config" / "regions.json")


def test_stages_are_written_with_other_text_unchanged():
    kind = SCHEMA.options["pipeline", "stages"].value
    assert kind.with_paths("a: x.ini,\n  b-1: y z.ini", str.upper) == "a: X.INI,\n  b-1: Y Z.INI"
    assert kind.with_paths("none", str.upper) == "none"
