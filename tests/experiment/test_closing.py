"""What is said when an experiment has ended: reasons, runs left out, spread over runs, and the exit code."""

import json

import numpy as np
import pandas as pd
import pytest

from randomnet.comparison.coupling import unequal_coupling_notes
from randomnet.comparison.network_identity import NETWORK, source_of_variation
from randomnet.comparison.spread import COLUMNS, spread_table, spread_texts
from randomnet.experiment import closing_report as closing
from randomnet.schema.config import SCHEMA
from tests.support.runs import run
from tests.support.spectral_runs import BASE, experiment


def test_each_spectrum_that_did_not_converge_is_named_with_its_first_reason():
    table = pd.DataFrame(
        {
            "combo": [0, 0, 0, 1],
            "iteration": [0, 1, 2, 0],
            "status": ["complete", "complete", "unbounded", "diverged"],
            "converged": [True, False, False, False],
            "verdict": ["converged", "too short to tell", "unbounded", "diverged"],
            "notes": ["", "tsim = 10 is too short; h_KS is a lower bound (raise nle)", "grows", ""],
        }
    )
    said = list(closing.lines(table))
    assert said == [
        "1 of 2 spectra too short to tell (tsim = 10 is too short): combo 0 iteration 1",
        "1 of 4 runs diverged; left out of means, comparisons and figures",
        "1 of 4 runs unbounded: lambda_max is a growth rate; left out of means, comparisons and figures",
    ]
    old = table[["combo", "iteration", "status", "converged"]].iloc[:2]
    assert list(closing.lines(old)) == ["1 of 2 spectra not converged: combo 0 iteration 1"]
    many = pd.DataFrame({"combo": 0, "iteration": range(14), "status": "complete", "converged": False})
    places = "combo 0 iteration 0, combo 0 iteration 1, combo 0 iteration 2, and 11 more"
    assert list(closing.lines(many)) == [f"14 of 14 spectra not converged: {places}"]
    moved = many.assign(verdict="not converged", notes=[f"moves by {one}.5 errors" for one in range(14)])
    assert list(closing.lines(moved)) == [f"14 of 14 spectra not converged (moves by 0.5 errors): {places}"]
    reasons = moved.assign(notes=[f"because of {chr(97 + one)}" for one in range(14)])
    assert len(list(closing.lines(reasons))) == 11 and list(closing.lines(reasons))[-1].startswith("... and 4 more")


def test_of_training_the_spectra_before_and_after_are_told_apart():
    row = {"combo": 0, "iteration": 0, "status": "complete", "converged_initial": True, "converged_final": False}
    row |= {"verdict_initial": "converged", "verdict_final": "not converged", "notes_final": "it drifts"}
    grows = {**row, "iteration": 1, "verdict_final": "unbounded"}
    assert list(closing.lines(pd.DataFrame([row, grows]))) == [
        "1 of 4 spectra not converged (it drifts): combo 0 iteration 0 final",
        "1 of 2 networks end unbounded: lambda_max_final is a growth rate, in no mean",
    ]


def test_spectra_after_training_of_records_of_different_lengths_are_told():
    rows = {"combo": [0, 0, 1, 1], "iteration": [0, 1] * 2, "status": "complete"}
    table = pd.DataFrame(rows | {"tsim_used_final": [np.nan, 100.0, 100.0, 100.0]})
    [said] = closing.lines(table)
    assert said.startswith("combo 0: spectra after training are of records of 100 τ and, by an earlier version, of the")
    assert not list(closing.lines(table.iloc[2:])) and not list(closing.lines(pd.DataFrame(rows)))


def test_the_spread_is_the_standard_deviation_of_complete_runs_beside_the_error_of_one():
    table = pd.DataFrame(
        {
            "combo": [0] * 4 + [1, 1, 2],
            "status": ["complete"] * 3 + ["unbounded"] + ["complete"] * 3,
            "lambda_max": [0.1, 0.2, 0.6, 9.0, 1.0, 2.0, 3.0],
            "lambda_max_stderr": [0.01, 0.02, 0.02, 0.0, np.nan, np.nan, 0.1],
            "network": ["a", "a", "a", "a", "b", "c", "d"],
        }
    )
    spread = spread_table(table, ["combo"]).set_index("combo")
    assert list(spread.index) == [0, 1] and list(spread["runs"]) == [3, 2]
    assert list(spread["over"]) == ["starts of the same network", "networks"]
    np.testing.assert_allclose(spread["lambda_max"], [0.3, 1.5])
    np.testing.assert_allclose(spread["spread"], [np.std([0.1, 0.2, 0.6], ddof=1), np.sqrt(0.5)])
    np.testing.assert_allclose(spread["stderr_of_one"], [np.sqrt(0.0009 / 3), np.nan])
    assert list(spread_texts(spread.reset_index())) == [
        "combo 0: lambda_max 0.3, s.e. of one trajectory 0.017, s.d. over 3 starts of the same network 0.26",
        "combo 1: lambda_max 1.5, s.d. over 2 networks 0.71",
    ]


@pytest.mark.parametrize(
    ("networks", "said"),
    [
        (["a", "a"], "starts of the same network"),
        (["a", "b"], "networks"),
        (["a", "a", "b"], "networks"),
        (["a", None], "iterations"),
        (None, "iterations"),
    ],
)
def test_what_the_runs_are_is_told_by_their_networks(networks, said):
    part = pd.DataFrame({"status": ["complete"] * len(networks or [0, 0])})
    part = part if networks is None else part.assign(**{NETWORK: networks})
    assert source_of_variation(part) == said


def test_clusters_of_the_starts_of_one_network_are_said():
    """Three attractors, as of the larval mushroom body at strong coupling; networks that differ are none."""
    values = [-0.06, -0.061, -0.42, -0.42, -0.48, -0.8]
    runs = pd.DataFrame({"combo": 0, "status": "complete", "lambda_max": values, "lambda_max_stderr": 0.001,
                         "converged": [True] * 5 + [False], NETWORK: "same"})  # fmt: skip
    table = spread_table(runs, ["combo"])
    assert table["attractors"][0] == 3 and "multistable: 3 clusters" in next(spread_texts(table))
    other = spread_table(runs.assign(**{NETWORK: [str(value) for value in range(6)]}), ["combo"])
    assert "attractors" not in other and "multistable" not in next(spread_texts(other))


@pytest.mark.slow
def test_a_measured_network_has_starts_and_a_drawn_one_networks(tmp_path, capsys):
    more = ("trainvalidate.iterations=3", "lyapunov.nle=1")
    drawn = pd.read_csv(experiment(tmp_path, "spectrum", *more, name="drawn") / "summary.csv")
    assert "s.d. over 3 networks" in capsys.readouterr().out and drawn["network"].nunique() == 3
    for name, network in (("built_in", "roi = EB"), ("one null", "roi = EB\nnull = degree\npaired_topology = False")):
        ini = tmp_path / f"{name}.ini"
        ini.write_text(BASE.format(kind="spectrum", out=tmp_path / name).replace("roi = random\nn = 12", network))
        assert run(ini, *(part for change in more for part in ("--set", change))) == 0
        found = pd.read_csv(tmp_path / name / "summary.csv")
        assert found["network"].nunique() == 1 and found["lambda_max"].nunique() == 3
        spread = f"s.d. over 3 starts of the same network {found['lambda_max'].std():.2g}"
        assert spread in capsys.readouterr().out


def test_other_values_on_the_same_edges_are_another_network(tmp_path):
    ini = tmp_path / "a.ini"
    ini.write_text(BASE.format(kind="spectrum", out=tmp_path / "out").replace("roi = random\nn = 12", "roi = EB"))
    changes = ("trainvalidate.iterations=2", "lyapunov.nle=1", "net.parameter=gains")
    assert run(ini, *(part for change in changes for part in ("--set", change))) == 0
    table = pd.read_csv(tmp_path / "out" / "summary.csv")
    records = [json.loads((tmp_path / "out" / "0" / f"iter_{i}" / "run.json").read_text()) for i in (0, 1)]
    assert records[0]["connectome"]["sha256"] == records[1]["connectome"]["sha256"]
    assert table["network"].nunique() == 2


def test_an_experiment_of_which_every_run_diverged_exits_with_1_and_says_so(tmp_path, capsys):
    ini = tmp_path / "a.ini"
    ini.write_text(BASE.format(kind="train", out=tmp_path / "out").replace("tsim = 60", "tsim = 6"))
    changes = ("trainvalidate.epochs=3", "lyapunov.nle=2", "model.activation=linear", "trainvalidate.lr=1e30")
    arguments = [str(ini), *(part for change in changes for part in ("--set", change))]
    assert run(*arguments) == 1
    said = capsys.readouterr().out
    assert "All runs diverged, so that there is no result; the first: epoch" in said
    assert run(*arguments) == 1, "and again, where nothing is left to do"


def test_the_table_of_the_console_is_empty_where_there_is_no_value(tmp_path, capsys):
    """All runs grow without bound, so that whole columns have none."""
    experiment(tmp_path, "spectrum", "model.activation=relu", "net.g=4", "lyapunov.nle=2", name="grown")
    table = capsys.readouterr().out
    assert "D_KY" in table and "unbounded" in table and "None" not in table and "NaN" not in table


def of_nulls(radii, abscissas=None, g=(1,)):
    """A summary with iterations of each null at each g."""
    rows = [
        {"combo": combo, "iteration": i, "status": "complete", "g": size, "null": null,
         "spectral_radius": size * radius, "spectral_abscissa": size * (abscissas or radii)[null][i]}
        for size in g for combo, null in enumerate(radii) for i, radius in enumerate(radii[null])
    ]  # fmt: skip
    return pd.DataFrame(rows)


CHAINS = {0: "sinkhorn", 1: "sinkhorn", 2: "sinkhorn"}


def test_controls_of_another_radius_are_named_with_the_chain_that_equals_them():
    table = of_nulls({"none": [10.8, 10.8], "degree": [7.2, 9.2]}, g=(1, 3))
    said = list(unequal_coupling_notes(table, ["g", "null"], CHAINS))
    assert said == [  # the abscissa is the radius here
        "Note: equal g is not equal radius: none 10.8, degree 8.2 +- 1.4 (g = 1); normalization = sinkhorn + "
        "spectral_radius makes them equal"
    ]
    assert said[0] in list(closing.lines(table, ["g", "null"], CHAINS))


def test_the_abscissa_has_its_own_line_where_it_differs_otherwise():
    radii = {"none": [4.0], "degree": [4.0]}
    table = of_nulls(radii, {"none": [4.0], "degree": [2.0]})
    chains = dict.fromkeys(range(3), "log1p + spectral_radius")
    assert list(unequal_coupling_notes(table, ["null"], chains)) == [
        "Note: equal g is not equal abscissa: none 4, degree 2; normalization = log1p + abscissa makes them equal"
    ]


@pytest.mark.parametrize(("option", "network", "control"), [("random_w", False, True), ("net.null", "none", "sign")])
def test_controls_of_any_name_are_compared_with_their_network(option, network, control):
    table = of_nulls({control: [2.0], network: [4.0]}).rename(columns={"null": option})
    said = list(unequal_coupling_notes(table, [option], {}))
    assert said == [f"Note: equal g is not equal radius: {control} 2, {network} 4; normalization = spectral_radius "
                    "makes them equal"]  # fmt: skip


@pytest.mark.parametrize(
    ("chain", "remedy"),
    [
        ("sinkhorn + frobenius", "; normalization = sinkhorn + spectral_radius makes them equal"),
        ("abscissa + log1p", "; normalization = abscissa + log1p + spectral_radius makes them equal"),
        ("spectral_radius + log1p", ""),  # no step may come twice, and log1p is another after other weights
    ],
)
def test_the_remedy_is_a_chain_that_equals_them_and_may_be_written(chain, remedy):
    table = of_nulls({"none": [4.0], "sign": [2.0]})
    assert list(unequal_coupling_notes(table, ["null"], {0: chain})) == [
        f"Note: equal g is not equal radius: none 4, sign 2{remedy}"]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "varied"),
    [
        (of_nulls({"none": [4.0, 4.0], "degree": [4.1, 4.2]}), ["null"]),  # 4 % apart
        (of_nulls({"none": [4.0], "degree": [8.0]}), ["g"]),
        (of_nulls({"none": [4.0], "degree": [8.0]}).drop(columns=["spectral_radius", "spectral_abscissa"]), ["null"]),
        (of_nulls({"none": [4.0], "degree": [8.0]}).assign(status="failed"), ["null"]),
        (of_nulls({"none": [4.0], "degree": [float("nan")]}), ["null"]),
    ],
    ids=["about equal", "no nulls", "older summary", "nothing complete", "unknown"],
)
def test_nothing_is_said_where_controls_are_equal_or_unknown(table, varied):
    assert list(unequal_coupling_notes(table, varied, CHAINS)) == []


def test_no_column_of_the_spread_has_the_name_of_an_option():
    """Gridded options are columns beside them."""
    names = {name for section, key in SCHEMA.options for name in (key, f"{section}.{key}")}
    assert not names & set(COLUMNS)
