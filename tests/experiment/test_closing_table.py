"""The table at the end of an experiment: means with their intervals, the order of combos, and what is left out."""

import numpy as np
import pandas as pd
import pytest

from randomnet.comparison.intervals import mean_interval
from randomnet.experiment.closing_table import (
    LONGEST_VALUE,
    WIDTH,
    incomparable,
    interval_text,
    mean_of,
    option_text,
    table_lines,
)
from randomnet.kinds import KINDS
from randomnet.kinds.kind import Ranking, kind_of
from randomnet.schema.plan import read_plan
from tests.support.runs import ini, run

LOWEST, HIGHEST = (Ranking("loss_final"),), (Ranking("lambda_max", lowest_first=False, best=False),)


def runs(values, name="loss_final", **more):
    """A table of runs: combo -> values of one column over iterations."""
    rows = [{"combo": combo, "g": combo / 2, "iteration": i, "status": "complete", name: value}
            for combo, each in values.items() for i, value in enumerate(each)]  # fmt: skip
    return pd.DataFrame(rows).assign(**more)


def lines(table, rankings=LOWEST, headline=("loss_final",), varied=("g",), **more):
    return list(table_lines(table, varied, headline, rankings, **more))


def combos_in_order(said):
    return [int(line.split()[0]) for line in said if line.split()[0].isdecimal()]


def test_a_line_a_combo_has_the_mean_and_the_interval_of_the_mean_best_first():
    values = {0: [0.5, 0.7, 0.6], 1: [0.11, 0.13, 0.15], 2: [2.0, 2.5, 2.2]}
    said = lines(runs(values))
    low, high = mean_interval(np.array(values[1]))
    assert said[0] == "mean over iterations [95 % interval of the mean]; best first by loss_final"
    assert said[1].split() == ["combo", "g", "runs", "loss_final"] and combos_in_order(said) == [1, 0, 2]
    text = f"0.1300 [{low:.3f}, {high:.3f}]"
    assert said[2].split()[:3] == ["1", "0.5", "3/3"] and said[2].endswith(text)
    assert said[-1] == f"best: combo 1 (g = 0.5): loss_final {text}, n = 3, lowest of 3 combos"


@pytest.mark.parametrize(
    ("numbers", "text"),
    [((0.1572, -0.634, 0.948), "0.157 [-0.63, 0.95]"), ((78.05, -81.8, 238), "78.0 [-82, 238]"),
     ((0.21214, 0.21101, 0.21321), "0.21214 [0.2110, 0.2132]"),
     ((3.25e-13, 1e-13, 5.5e-13), "3.25e-13 [1e-13, 5.5e-13]"),
     ((2e7, 1e7, 3e7), "2e+07 [1e+07, 3e+07]"), ((1.0, 1.0, 1.0), "1 [1, 1]")],
)  # fmt: skip
def test_an_interval_has_two_digits_of_its_half_width(numbers, text):
    assert interval_text(*numbers) == text


def test_intervals_that_overlap_with_the_best_are_counted():
    said = lines(runs({0: [0.5, 0.7, 0.6], 1: [0.52, 0.7, 0.65], 2: [20.0, 20.1, 20.2]}))
    assert said[-1].endswith("those of 1 of the other 2 combos")


def test_where_no_end_is_better_the_last_line_says_highest():
    said = lines(runs({0: [-1, -2], 1: [3, 4]}, "lambda_max"), HIGHEST, ("lambda_max",))
    assert combos_in_order(said) == [1, 0] and not any("best" in line for line in said)
    assert any(line.startswith("highest: combo 1 (g = 0.5): lambda_max 3.5") for line in said)


def test_runs_without_a_result_are_in_no_mean_and_are_counted():
    table = runs({0: [1.0, 3.0, 50.0, 60.0], 1: [9.0] * 4}, "lambda_max")
    table.loc[table.index[2:4], "status"] = ["unbounded", "diverged"]
    table.loc[table.index[4:], "status"] = "failed"
    said = lines(table, HIGHEST, ("lambda_max",))
    first = next(line for line in said if line.split()[0] == "0")
    assert first.split()[2:4] == ["2/4", "2.0"] and first.endswith("1 unbounded, 1 diverged")
    assert said[3].split() == ["1", "0.5", "0/4", "-", "4", "failed"], "a combo without a value is last"
    assert said[-1].endswith("n = 2, the only combo with a value")


def test_an_unbounded_network_after_training_is_in_no_mean_of_exponents():
    table = runs({0: [0.1, 0.3, 9.0]}, "lambda_max_final", verdict_final=["converged", "not converged", "unbounded"])
    mean = mean_of(table, "lambda_max_final")
    assert (mean.n, mean.value) == (2, pytest.approx(0.2)) and mean.text.endswith("(n = 2)")
    [line] = [line for line in lines(table, (), ("lambda_max_final",)) if line.startswith("    0")]
    assert line.endswith("1 not converged, 1 end unbounded")


def test_a_mean_with_a_lower_bound_is_marked():
    table = runs({0: [0.1, 0.3]}, "h_KS", h_KS_lower_bound=[False, True])
    assert mean_of(table, "h_KS").text.startswith("≥ 0.20 [")
    assert mean_of(table.assign(h_KS_lower_bound=False), "h_KS").text.startswith("0.20 [")


def test_a_combo_of_one_run_shows_the_error_of_its_trajectory():
    table = runs({0: [0.1], 1: [0.2]}, "lambda_max", lambda_max_stderr=[0.01, 0.02])
    said = lines(table, HIGHEST, ("lambda_max", "lambda_max_stderr"))
    assert said[0] == "highest first by lambda_max" and "0.2 ± 0.02" in said[2]


def test_the_table_is_at_most_100_columns_wide_and_names_what_is_not_shown():
    rng = np.random.default_rng(0)
    table = runs({combo: rng.normal(size=3) for combo in range(60)})
    names = [f"a_long_name_of_a_column_{i}" for i in range(6)]
    table = table.assign(path="x" * 80, **{name: rng.normal(size=len(table)) for name in names})
    table.loc[table["combo"] == 0, "status"] = ["failed", "diverged", "missing"]
    said = lines(table, headline=("loss_final", *names), varied=("g", "path"))
    assert all(len(line) <= WIDTH for line in said if not line.startswith("best: "))
    assert len(combos_in_order(said)) == 40
    assert "... and 20 more combos in summary.csv" in said
    assert any(line.startswith("not shown for lack of room") and names[-5] in line for line in said)
    assert max(len(word) for word in said[2].split()) <= LONGEST_VALUE


def test_a_column_of_one_value_is_named_once():
    table = runs({0: [0.5, 0.7], 1: [0.1, 0.2]}).assign(neurons=12)
    said = lines(table, headline=("neurons", "loss_final"))
    assert "all runs: neurons 12" in said and "neurons" not in said[1]


def test_a_single_run_is_a_list_of_its_figures():
    table = runs({0: [0.25]}, lambda_max=0.5, lambda_max_stderr=0.03, D_KY=2.0, D_KY_low=1.5, D_KY_high=2.5, h_KS=None)
    said = lines(table, headline=("loss_final", "lambda_max", "lambda_max_stderr", "D_KY", "D_KY_low", "h_KS"))
    assert said == ["combo 0 iteration 0: complete", "  loss_final  0.25", "  lambda_max  0.5 ± 0.03",
                    "  D_KY        2 [1.5, 2.5]", "  h_KS"]  # fmt: skip


def test_losses_of_different_tasks_or_targets_are_not_ranked(tmp_path):
    values = {0: [0.5, 0.7], 1: [0.1, 0.2]}
    assert incomparable(read_plan(ini(tmp_path), [])) == "lyapunov.target"
    same = read_plan(ini(tmp_path), ['combosparams.combos_params={"optimizer": ["Adam", "SGD"]}'])
    assert incomparable(same) == ""
    said = lines(runs(values), differing="lyapunov.target")
    assert combos_in_order(said) == [0, 1] and not any(line.startswith("best") for line in said)
    assert said[-1] == "no best combo: loss_final is not comparable between combos of different lyapunov.target"
    exponents = lines(runs(values, "lambda_max"), HIGHEST, ("lambda_max",), differing="lyapunov.target")
    assert any(line.startswith("highest: combo 0") for line in exponents), "exponents are"


@pytest.mark.parametrize("name", [name for name, reader in KINDS.items() if reader.module])
def test_each_kind_is_ordered_by_a_column_of_its_headline(name):
    kind = kind_of(name)
    assert {ranking.column for ranking in kind.rankings} <= set(kind.headline)


def test_an_experiment_ends_with_the_table(tmp_path, capsys):
    changes = ("--set", 'combosparams.combos_params={"optimizer": ["Adam", "SGD"]}')
    assert run(ini(tmp_path), *changes) == 0
    said = capsys.readouterr().out.splitlines()
    table = pd.read_csv(tmp_path / "a" / "summary.csv")
    best = table.groupby("combo")["loss_final"].mean().idxmin()
    assert any(line.startswith(f"best: combo {best} (optimizer = ") for line in said)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("/somewhere/data/signal_propagation_wt.csv", "...al_propagation_wt.csv"),
        ("short/a.csv", "short/a.csv"),
        ("a long value that is no path at all", "a long value that is..."),
        (0.123456, "0.1235"),
    ],
)
def test_a_long_path_is_shown_by_its_end(value, text):
    assert option_text(value) == text and len(text) <= LONGEST_VALUE
