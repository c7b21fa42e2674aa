"""What is shown while runs go on: lines where there is no terminal, and the time that is left."""

import re

import pandas as pd
import pytest

from randomnet.console import duration_text
from randomnet.experiment import engines
from randomnet.experiment.progress import Progress, TimeLeft
from randomnet.kinds.kind import kind_of
from randomnet.results import ResultsFolder
from randomnet.schema.plan import read_plan
from tests.support.runs import ini, run


class Clock:
    """A clock that stands still until it is set."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (3.0, "3 s"), (45, "45 s"), (89, "89 s"), (90, "1.5 min"), (720, "12 min"), (5400, "1.5 h"),
     (36000, "10 h"), (216000, "2.5 days")],
)  # fmt: skip
def test_durations_for_people(seconds, text):
    assert duration_text(seconds) == text


def test_the_time_left_is_the_time_so_far_by_what_is_done():
    clock = Clock()
    left = TimeLeft({(0, 0): 10, (1, 0): 30}, clock=clock)
    assert left.seconds() is None and left.text() == ""
    clock.now = 20.0
    left.advance((0, 0), 4)
    assert left.seconds() == pytest.approx(20 * 36 / 4) and left.text() == "about 3 min left"
    left.end((0, 0))  # it stopped early
    assert left.seconds() == pytest.approx(20 * 30 / 10)
    left.advance((1, 0), 31)  # the untrained network is a row too
    assert left.seconds() == 0 and left.text() == ""


def test_halving_leaves_out_a_part_of_all_epochs():
    clock = Clock()
    left = TimeLeft({(0, 0): 10, (1, 0): 10}, share=0.75, clock=clock)
    clock.now = 10.0
    left.advance((0, 0), 5)
    left.end((0, 0))  # stopped at a rung, which the share accounts for
    assert left.seconds() == pytest.approx(10 * (15 - 5) / 5)


def shown(tmp_path, clock, log_every=60.0):
    plan = read_plan(ini(tmp_path, epochs=10), [])
    runs = [run for combo in plan.combos for run in combo.runs()]
    folder, kind = ResultsFolder(tmp_path / "a"), kind_of("train")
    return Progress(folder, kind, len(runs) + 2, runs, log_every=log_every, clock=clock)


def epoch(number):
    return engines.Epoch(1, 0, {"epoch": number, "train_loss": 0.5, "lambda_max": 0.1})


def test_a_line_a_minute_has_epoch_loss_and_time_left(tmp_path, capsys):
    clock = Clock()
    with shown(tmp_path, clock) as progress:
        progress.epoch(epoch(0))
        for number in range(1, 5):
            clock.now += 25.0
            progress.epoch(epoch(number))
    [line] = capsys.readouterr().err.splitlines()
    assert line == ("combo 1 iteration 0: epoch 3 of 10, loss 0.5, lambda_max +0.1000; 2 of 10 runs ended, "
                    "about 32 min left")  # fmt: skip
    assert pytest.approx(32.08, abs=0.01) == 75 * (80 - 3) / 3 / 60


def test_0_seconds_are_no_lines_about_epochs(tmp_path, capsys):
    clock = Clock()
    with shown(tmp_path, clock, log_every=0.0) as progress:
        clock.now = 1e6
        progress.epoch(epoch(1))
        progress.ended(engines.Ended(1, 0, "failed", "ValueError: no"))
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("[3/10] combo 1 iteration 0 failed: ValueError: no; about ")


def test_a_run_of_a_spectrum_says_which_part_is_done(tmp_path, capsys):
    clock = Clock()
    with shown(tmp_path, clock) as progress:
        clock.now = 100.0
        progress.epoch(engines.Epoch(1, 0, {"advance": 2.5}))
    assert capsys.readouterr().err.startswith("combo 1 iteration 0: 25 %; 2 of 10 runs ended, about ")


def test_a_run_that_waits_or_was_interrupted_has_not_ended(tmp_path, capsys):
    with shown(tmp_path, Clock()) as progress:
        progress.ended(engines.Ended(0, 0, engines.WAITING))
        progress.epoch(epoch(1))
        progress.ended(engines.Ended(0, 0, engines.INTERRUPTED))
    assert capsys.readouterr().err == "[2/10] combo 0 iteration 0 interrupted\n"


def test_each_ended_run_has_its_figures_seconds_and_the_time_left(tmp_path, capsys):
    assert run(ini(tmp_path), "--set", 'combosparams.combos_params={"optimizer": ["Adam"]}') == 0
    said = capsys.readouterr().err.splitlines()
    table = pd.read_csv(tmp_path / "a" / "summary.csv")
    for line, row in zip(said, table.to_dict("records"), strict=True):
        figures = r"loss_final (\S+), lambda_max_final ([^;]*); (\S+) s"
        found = re.match(rf"\[(\d)/2\] combo 0 iteration (\d) complete: {figures}", line)
        assert found and [int(found[1]), int(found[2])] == [row["iteration"] + 1, row["iteration"]]
        assert float(found[3]) == pytest.approx(row["loss_final"], rel=1e-3)
        assert float(found[4].split()[0]) == pytest.approx(row["lambda_max_final"], rel=1e-3)
        assert float(found[5]) == pytest.approx(row["seconds"], rel=1e-2)


@pytest.mark.parametrize("seconds", ["-1", "nan", "inf"])
def test_no_such_seconds_between_lines(tmp_path, capsys, seconds):
    assert run(ini(tmp_path), f"--log-every={seconds}") == 2
    assert capsys.readouterr().err.startswith("error: --log-every: expected seconds from 0 on, got ")
    assert not (tmp_path / "a").exists()
