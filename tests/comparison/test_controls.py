"""Networks and their controls in results folders of their own are drawn as those of one folder are."""

import numpy as np
import pandas as pd
import pytest

from randomnet.command_line import figures as figures_command
from randomnet.comparison.controls import families
from randomnet.comparison.coupling import control_coupling_notes
from randomnet.comparison.significance import smallest_rank_p
from randomnet.figures.nulls import null_figures
from randomnet.plotting.nulls import NETWORK, NULL
from tests.support.null_runs import run

GRID = '{"g": [1, 2]}'


def study_of(folders, *more):
    """The study of folders by label, and its kind."""
    labels = [*folders]
    return figures_command.gather(figures_command.parse(
        ["--results_folders", *(str(folders[label]) for label in labels), "--results_labels", *labels, "--save_figs",
         "x", *more]))  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A network and its nulls, each in a folder of its own; `other` has another activation."""
    settings = {
        "bio": (GRID, ["net.null=none"]),
        "degree": (GRID, ["net.null=degree", "trainvalidate.iterations=6"]),
        "run7": (GRID, ["net.null=weights"]),
        "shuffled": (GRID, ["net.random_w=True"]),
        "two": ('{"null": ["degree", "weights"], "g": [2, 3]}', []),
        "other": (GRID, ["net.null=degree", "model.activation=tanh_positive"]),
    }
    made = {}
    for label, (grid, changes) in settings.items():
        root = tmp_path_factory.mktemp(label)
        assert run(root, *changes, grid=grid) == 0
        made[label] = root / "out"
    return made


def test_a_null_in_a_folder_of_its_own_has_a_panel_beside_the_network(folders):
    study, kind = study_of({label: folders[label] for label in ("degree", "bio", "run7")})
    figures = dict(null_figures(study, kind.tested))
    panels = figures["nulls_lambda_max_bio"].axes
    runs = {label: pd.read_csv(folders[label] / "summary.csv") for label in ("bio", "degree", "run7")}
    assert [axes.get_title() for axes in panels] == [
        f"degree\n6 draws, p ≥ {smallest_rank_p(6):.2g}",
        f"run7, null=weights\n4 draws, p ≥ {smallest_rank_p(4):.2g}",
    ]
    for axes, label in zip(panels, ("degree", "run7"), strict=True):
        line = next(line for line in axes.lines if line.get_color() == NETWORK)
        np.testing.assert_allclose(line.get_ydata(), runs["bio"].groupby("g")["lambda_max"].median())
        dots = [y for line in axes.lines if line.get_color() == NULL for y in line.get_ydata()]
        np.testing.assert_allclose(sorted(dots), sorted(runs[label]["lambda_max"]))


def test_nulls_that_agree_with_the_network_in_all_other_settings_alone_are_its_own(folders):
    def named(*labels):
        study, _ = study_of({label: folders[label] for label in labels})
        return [{text: [(combo.label, combo.get("g")) for combo in combos] for text, combos in one.controls.items()}
                for one in families(study)]  # fmt: skip

    assert named("bio", "other") == [] == named("degree", "run7")
    assert [[*controls] for controls in named("bio", "shuffled", "degree")] == [
        ["degree", "shuffled, random_w=True"]]  # fmt: skip
    assert named("bio", "two") == [{"two, null=degree": [("two", 2)], "two, null=weights": [("two", 2)]}]


def test_unequal_radii_of_controls_in_other_folders_are_said_with_their_remedy(folders):
    study, _ = study_of({label: folders[label] for label in ("bio", "degree")})
    means = [pd.read_csv(folders[label] / "summary.csv").query("g == 1")["spectral_radius"] for label in study.labels]
    said = list(control_coupling_notes(study))
    assert said[0] == (f"bio: Note: equal g is not equal radius: bio {means[0].mean():.3g}, degree "
                       f"{means[1].mean():.3g} +- {means[1].std():.2g} (g=1); normalization = "
                       "spectral_radius makes them equal")  # fmt: skip


def test_nulls_of_another_connectome_are_not_drawn(folders, tmp_path):
    matrix = np.load(folders["bio"].parent / "matrix.npy")
    assert run(tmp_path, "net.null=degree", grid=GRID, matrix=2 * matrix[::-1, ::-1]) == 0
    study, kind = study_of({"bio": folders["bio"], "degree": tmp_path / "out"})
    assert not list(families(study)) and not dict(null_figures(study, kind.tested))
