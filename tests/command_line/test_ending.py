"""The end of an experiment with report = True: sentences of result, a report, and how to use an own network."""

import dataclasses
import re
from pathlib import Path

import pandas as pd
import pytest

from randomnet import experiment
from randomnet.command_line import ending, figures
from randomnet.command_line.program import path_argument
from tests.support.paths import ROOT
from tests.support.runs import contents, differing, run

TEXT = """
[experiment]
name = test
[paths]
path_to_results = {results}
[net]
roi = AB
[lyapunov]
nle = 3
tsim = 2
transient = 1
frame_transient = 1
tsim_measured = 2
nle_measured = 3
[trainvalidate]
epochs = 2
iterations = 2
[combosparams]
combos_params = {{"null": ["none", "degree"]}}
[execution]
workers = 1
"""
REPORT = ("--set", "execution.report=True")


def ini(folder, name="a"):
    path = folder / f"{name}.ini"
    path.write_text(TEXT.format(results=folder / name))
    return path


@pytest.fixture
def drawn_at_once(monkeypatch):
    """The visualiser writes a report without figures, which take seconds; its command lines."""
    calls = []

    def main(arguments):
        calls.append(arguments)
        folder = figures.Path(arguments[arguments.index("--save_figs") + 1])
        folder.mkdir()
        (folder / figures.REPORT).write_text("report")
        return 0

    monkeypatch.setattr(figures, "main", main)
    return calls


@pytest.mark.slow
def test_it_ends_with_the_result_and_a_report_and_the_results_stay_the_same(tmp_path, capsys):
    assert run(ini(tmp_path, "plain")) == 0
    assert "Report:" not in capsys.readouterr().out
    assert run(ini(tmp_path), *REPORT) == 0
    out = capsys.readouterr().out
    *_, result, report, own, templates = out.splitlines()
    assert "connectome AB and its degree null" in out and result.endswith(".")
    assert report == f"Report: {tmp_path / 'a' / 'report' / 'report.html'}"
    assert "AB is synthetic here" in own and "path_to_network" in own and "--fetch" in templates
    page = (tmp_path / "a" / "report" / "report.html").read_text(encoding="utf-8")
    assert "its degree null" in page and "<img" in page
    assert differing(contents(tmp_path / "a"), contents(tmp_path / "plain")) == []


def test_the_sentence_has_the_numbers_of_the_table_of_tests(tmp_path, capsys, drawn_at_once):
    assert run(ini(tmp_path), *REPORT) == 0
    summary = pd.read_csv(tmp_path / "a" / "summary.csv")
    network = summary.loc[summary["null"] == "none", "loss_measured_final"].median()
    draws = summary.loc[summary["null"] == "degree", "loss_measured_final"]
    lines = [line for line in capsys.readouterr().out.splitlines() if "degree null" in line]
    assert [re.findall("loss measured (before|after)", line) for line in lines] == [["after"], ["before"]]
    assert f"by {abs(network - draws.mean()):.3g}"[:6] in lines[0] and "n = 2 draws" in lines[0]
    untrained = summary.groupby("null")["loss_measured_initial"]
    difference = untrained.median()["none"] - untrained.mean()["degree"]
    assert f"by {abs(difference):.3g}"[:6] in lines[1] and "Holm" not in lines[1]
    assert drawn_at_once == [["--results_folders", str(tmp_path / "a"), "--save_figs", str(tmp_path / "a" / "report")]]


def test_a_failure_to_draw_fails_no_run(tmp_path, capsys, monkeypatch):
    def broken(arguments):
        raise RuntimeError("no\nfonts")

    monkeypatch.setattr(figures, "main", broken)
    assert run(ini(tmp_path), *REPORT) == 0
    assert "Note: there is no report, as drawing ended with RuntimeError: no fonts" in capsys.readouterr().out
    monkeypatch.setattr(figures, "main", lambda arguments: 2)
    assert run(ini(tmp_path), *REPORT) == 0
    assert "Note: there is no report, as drawing ended with exit code 2" in capsys.readouterr().out


def test_the_last_share_writes_it(tmp_path, capsys, drawn_at_once):
    alone = ("--set", "execution.batch_runs=1")
    assert run(ini(tmp_path), *REPORT, *alone, "--shard", "1/2") == 0
    out = capsys.readouterr().out
    assert "Report: it is written once the other 2 runs have ended" in out and not drawn_at_once
    assert run(ini(tmp_path), *REPORT, *alone, "--shard", "2/2") == 0
    assert f"Report: {tmp_path / 'a' / 'report' / 'report.html'}" in capsys.readouterr().out and len(drawn_at_once) == 1


def test_an_interrupted_experiment_has_none(tmp_path, capsys, drawn_at_once, monkeypatch):
    whole = experiment.run
    monkeypatch.setattr(
        experiment, "run", lambda *a, **b: dataclasses.replace(whole(*a, **b), interrupted=True)
    )
    assert run(ini(tmp_path), *REPORT) == 130
    assert "Report" not in capsys.readouterr().out and not drawn_at_once


@pytest.mark.parametrize("record", [{"name": "EB", "synthetic": False}, {"name": "EB"}, {"synthetic": True}, {},
                                    {"name": "regions", "synthetic": True, "source": "regions"},
                                    {"name": "populations", "synthetic": True, "source": "populations"}])  # fmt: skip
def test_a_measured_network_needs_no_advice(record):
    assert not list(ending.own_network_lines({"combos": [{"connectome": record}]}))


def test_templates_that_are_advised_exist():
    for name in ending.TEMPLATES.split(", "):
        assert (ROOT / "config" / f"{name}.ini").exists()


def test_a_folder_whose_name_begins_as_an_option_is_drawn(tmp_path, monkeypatch, drawn_at_once):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-odd").mkdir()
    path, problem = ending._draw(Path("-odd"))
    assert path and not problem
    options = figures.parse(drawn_at_once[0])
    assert [Path(each).resolve() for each in options.results_folders] == [tmp_path / "-odd"]
    assert Path(options.save_figs).resolve() == path.resolve().parent
    assert path_argument(Path("odd")) == "odd"
