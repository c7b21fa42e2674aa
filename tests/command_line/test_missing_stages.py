"""Results that an experiment goes on from and that are not there: the command that makes them."""

from pathlib import Path

import pytest

import runrandomnet
from randomnet.command_line.missing_stages import template_of
from randomnet.command_line.program import ROOT
from randomnet.schema.plan import read_plan

TEMPLATES = ROOT / "config"


def refused(capsys, *arguments):
    assert runrandomnet.main([str(argument) for argument in arguments]) == 2
    return capsys.readouterr().err.strip()


@pytest.mark.parametrize(
    ("template", "maker"),
    [
        ("record", "flip_flop"),
        ("fit_gru", "record"),
        ("compare", "fit_gru"),  # the first of three
        ("analyse_flip_flop", "flip_flop"),
        ("stimulate_task", "regions_task"),
    ],
)
def test_a_missing_stage_says_the_command_that_makes_it(tmp_path, monkeypatch, capsys, template, maker):
    monkeypatch.chdir(tmp_path)
    error = refused(capsys, TEMPLATES / f"{template}.ini")
    command = error.partition("; to make it: ")[2]
    assert len(error.splitlines()) == 1 and command.endswith(str(TEMPLATES / f"{maker}.ini"))
    made = read_plan(TEMPLATES / f"{maker}.ini").config.paths.path_to_results
    assert made in error.partition("; to make it: ")[0]
    assert not list(tmp_path.iterdir())


def test_the_command_is_short_in_the_folder_of_the_program(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    missing = "paths.pretrained=results/flip_flop/combo_0/of_nobody.pt"
    error = refused(capsys, "config/analyse_flip_flop.ini", "--set", missing)
    template = Path("config", "flip_flop.ini")
    assert error.endswith(f"; to make it: python runrandomnet.py {template}")


def test_results_that_no_template_makes_are_only_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    error = refused(capsys, TEMPLATES / "record.ini", "--set", "source.folder=results/flip_flop2")
    assert "results/flip_flop2, which is not there" in error and "to make it" not in error


def test_another_error_says_no_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results" / "flip_flop").mkdir(parents=True)
    assert "to make it" not in refused(capsys, TEMPLATES / "record.ini")


def test_the_results_of_a_stage_are_those_of_its_pipeline():
    assert template_of("results/pipeline_flipflop/train").name == "pipeline_flipflop.ini"
    assert template_of("results/flip_flop/") == TEMPLATES / "flip_flop.ini"
    assert template_of("results/flip") is None
