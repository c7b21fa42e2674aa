"""A network against its null models, from the run to the table and the figure."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from randomnet import plotting
from randomnet.command_line import figures as figures_command
from randomnet.comparison.significance import rank_p
from randomnet.figures.nulls import null_figures
from randomnet.plotting import NullPanel
from randomnet.plotting.nulls import NETWORK
from tests.support.null_runs import run


def table_of(folder):
    """What is written as tests.csv, without the pictures."""
    asked = figures_command.parse(["--results_folders", str(folder), "--save_figs", "x"])
    return figures_command.tested(*figures_command.gather(asked))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("nulls")
    assert run(root) == 0
    return root / "out"


def test_a_measured_network_is_ranked_among_its_nulls_in_each_cell(folder, capsys):
    every = table_of(folder)
    capsys.readouterr()
    figures_command.say_tests(every, ["lambda_max"])
    said, table = capsys.readouterr().out, every.query("metric == 'lambda_max'")
    runs = pd.read_csv(folder / "summary.csv")
    assert list(table["combo"]) == ["g=1", "g=2"] and set(table["design"]) == {"rank of a among draws of b"}
    for row in table.to_dict("records"):
        cell = runs[runs["g"] == float(row["combo"][2:])]
        values = {null: part["lambda_max"] for null, part in cell.groupby("null")}
        assert row["p"] == pytest.approx(rank_p(values["none"].median(), values["degree"].to_numpy()))
        assert row["sd_a"] == pytest.approx(values["none"].std()) and row["smallest_p"] == pytest.approx(0.4)
    assert "4 draws allow no p below 0.4, and p < .05 needs 39" in said and "pct" in said


def test_older_folders_are_told_by_their_connectomes_and_those_without_are_said_to_be_unknown(folder, tmp_path):
    def table(strip):
        root = tmp_path / strip
        shutil.copytree(folder, root / "out")
        for path in (root / "out").glob("*/iter_*/run.json"):
            record = json.loads(path.read_text())
            del record["summary"]["network"]
            if strip == "both":
                del record["connectome"]["sha256"]
            path.write_text(json.dumps(record))
        return table_of(root / "out")

    assert set(table("network")["design"]) == {"rank of a among draws of b"}
    unknown = table("both").query("metric == 'lambda_max'")
    assert set(unknown["design"]) == {"pairs (assumed)"} and unknown["note"].str.contains("which is unknown").all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["trainvalidate.iterations=10"], "degree: 10 draws against one network: smallest p 0.18; p < .05 needs 39\n"),
        (["trainvalidate.iterations=39"], "null = degree: 39 draws against one network: smallest p 0.05\n"),
        (["net.paired_topology=False"], "null = degree: one network against one network: no p"),
        (["trainvalidate.init=xavier", "trainvalidate.iterations=5"],
         "null = degree: 5 pairs: smallest p 0.062; p < .05 needs 6"),
        (["net.rank=1", "trainvalidate.iterations=5"], "null = degree: 5 pairs: smallest p 0.062; p < .05 needs 6"),
    ],
)  # fmt: skip
def test_the_floor_of_p_is_said_before_the_run(tmp_path, capsys, changes, said):
    assert run(tmp_path, *changes, more=["--dry-run"]) == 0
    assert said in capsys.readouterr().out and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["net.null=degree", "trainvalidate.iterations=10"], "null = degree: 10 draws against one network: smallest p"),
        (["net.random_w=True", "trainvalidate.iterations=1"],
         "null = random_w: 1 draw against one network: no p; p < .05 needs 39\n"),
        (["net.null=degree", "trainvalidate.init=xavier", "trainvalidate.iterations=5"], "null = degree: 5 pairs"),
        (["trainvalidate.iterations=10"], None),
    ],
)  # fmt: skip
def test_the_floor_is_said_of_a_null_in_a_folder_of_its_own(tmp_path, capsys, changes, said):
    assert run(tmp_path, *changes, more=["--dry-run"], grid='{"g": [1, 2]}') == 0
    text = capsys.readouterr().out
    assert said in text if said else "smallest p" not in text


def test_random_networks_are_compared_in_pairs_and_fixed_nulls_have_no_p(tmp_path):
    grid = '{"null": ["none", "weights"]}'
    for changes, design in ((["trainvalidate.init=xavier"], "pairs"), (["net.paired_topology=False"], "two networks")):
        root = tmp_path / design
        root.mkdir()
        assert run(root, *changes, grid=grid) == 0
        table = table_of(root / "out").query("metric == 'lambda_max'")
        assert list(table["design"]) == [design] and table["p"].notna().all() == (design == "pairs")


def test_the_figure_has_the_network_as_a_line_on_the_draws_of_each_null(folder):
    asked = figures_command.parse(["--results_folders", str(folder), "--save_figs", "x"])
    study, kind = figures_command.gather(asked)
    figures = dict(null_figures(study, kind.tested))
    axes = figures["nulls_lambda_max"].axes[0]
    runs = pd.read_csv(folder / "summary.csv")
    by = runs.groupby(["null", "g"])["lambda_max"]
    line = next(line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_linestyle() == "-"
                and line.get_color() == NETWORK)  # fmt: skip
    np.testing.assert_allclose(line.get_ydata(), by.median()["none"])
    dots = [y for line in axes.lines if line.get_marker() == "o" for y in line.get_ydata()]
    np.testing.assert_allclose(sorted(dots), sorted(runs[runs["null"] == "degree"]["lambda_max"]))
    assert axes.get_title() == "null=degree\n4 draws, p ≥ 0.4" and axes.get_xlabel() == "coupling g"
    bands = [part.get_paths()[0].vertices[:, 1] for part in axes.collections]
    expected = by.min()["degree"].min(), by.max()["degree"].max()  # of 4 draws their range
    assert any((band.min(), band.max()) == pytest.approx(expected) for band in bands)


def test_without_a_numeric_option_the_network_is_a_bar_among_its_draws():
    panels = [NullPanel(f"null={i}", np.array([0.0]), [np.array([1.0, 3.0])], [np.arange(5.0)], [np.arange(5) == 2])
              for i in range(6)]  # fmt: skip
    figure = plotting.nulls(panels, "none", "y", groups=[""])
    assert len([axes for axes in figure.axes if axes.axison]) == 6
    bar = next(line for line in figure.axes[0].lines if line.get_marker() == "None")
    assert list(bar.get_ydata()) == [2.0, 2.0]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts[0] == "none" and texts[-1] == "not converged or too short to tell"
