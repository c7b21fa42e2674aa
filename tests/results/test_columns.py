"""Every column that is written is explained once, on the command line and on a page of the documentation."""


import pytest
from scipy.special import stdtrit

import runrandomnet
import visualization
from randomnet.lyapunov.batches import FALSE_ALARMS
from randomnet.results.columns import TABLES, explained, help_text, page
from tests.support.marks import slow_except
from tests.support.paths import ROOT
from tests.support.spectral_runs import BASE
from tests.support.unexplained import unexplained

GRID = 'combosparams.combos_params={"g": [0.5, 2.5]}'
TASK = ("trialparams.task_name=seq_mem", "trialparams.nr_of_trials=20", "model.activation=tanh")
RUNS = {
    "spectrum": ("lyapunov.starts=2", "lyapunov.nle=12"),
    "transition": ("trainvalidate.iterations=2",),
    "convergence": ("lyapunov.initial_states=2",),
    "train": ("trainvalidate.epochs=2", "lyapunov.nle=3", "lyapunov.tsim_measured=5"),
    "train on a task": ("trainvalidate.epochs=2", "lyapunov.nle=3", "lyapunov.spectrum_every=1", *TASK,
                        "trialparams.test_size=0.1"),
    "simulate": ("simulation.spectrum=True", "analysis.duration=20"),
}  # fmt: skip


def run_kind(tmp_path, name):
    kind = name.split()[0]
    ini, out = tmp_path / "a.ini", tmp_path / "out"
    text = BASE.format(kind=kind, out=out).replace("g = 2\n", "")
    ini.write_text(text)
    arguments = [part for change in (GRID, *RUNS[name]) for part in ("--set", change)]
    assert runrandomnet.main([str(ini), *arguments]) == 0
    return out


@pytest.mark.parametrize("name", slow_except(RUNS, "train on a task"))
def test_no_table_has_a_column_that_is_not_explained(tmp_path, name):
    """Of results folders and figures; test_every_template_runs does the same of the other kinds."""
    out = run_kind(tmp_path, name)
    assert visualization.main(["--results_folders", str(out), "--save_figs", str(tmp_path / "figs")]) == 0
    assert not unexplained(tmp_path)


def test_the_page_is_the_registry():
    assert (ROOT / "docs" / "columns.md").read_text(encoding="utf-8") == page()


def test_every_column_is_declared_once_in_its_table_in_one_sentence():
    for table in TABLES:
        names = [column.name for column in table.columns]
        assert len(names) == len(set(names))
        for column in table.columns:
            assert column.meaning[0].isupper() and column.meaning.endswith(".") and len(column.meaning) < 240, column


def test_endings_say_what_they_add():
    ((_, column),) = [found for found in explained("loss_measured_final_stderr") if "train" in found[0].scope]
    expected = "Standard error of loss_measured for the network after the last update. Loss of the"
    assert column.meaning.startswith(expected)
    assert explained("validate_end_error_final")[0][1].meaning.startswith("Value of validate_end_error for the network")
    assert not explained("no_such_column") and not explained("no_such_column_final")


def test_thresholds_in_words_are_those_of_the_verdict():
    says = explained("drift")[0][1].meaning
    one, ten = (stdtrit(19, 1 - FALSE_ALARMS / exponents / 2) for exponents in (1, 10))
    assert f"{one:.1f} for one exponent, {ten:.1f} for ten" in says


def test_the_command_line_explains_columns(capsys):
    assert runrandomnet.main(["--help-columns", "ill_conditioned"]) == 0
    assert "condition number above 1e8" in capsys.readouterr().out
    assert runrandomnet.main(["--help-columns"]) == 0 and help_text() in capsys.readouterr().out
    for name in ("g", "net.g"):  # gridded options are columns too
        assert runrandomnet.main(["--help-columns", name]) == 0
        assert "option of [net]\n  g: " in capsys.readouterr().out
    assert runrandomnet.main(["--help-columns", "drfit"]) == 2
    assert "did you mean 'drift'" in capsys.readouterr().err
