"""vectors.csv and vectors.png from made-up runs: weights, sizes, ratios with intervals over runs, and old folders."""

import numpy as np
import pandas as pd
import pytest

import visualization
from randomnet import plotting, results
from randomnet.comparison.intervals import mean_interval
from randomnet.figures.vectors import sensitivities_table, vector_figures, vectors_table
from tests.support.spectral_folders import N, gather, make

SHARES = (0.6, 0.7, 0.5)  # of the first exponent's weight on the 10 neurons of group A, by iteration

SIZES = (10, 30)


def folder_with_vectors(root):
    folder = make(root, "spectrum")
    for iteration, share in enumerate(SHARES):
        path = folder / "0" / f"iter_{iteration}" / "arrays.npz"
        group_weights = np.array([[share, 1 - share], [0.25, 0.75]])
        weights = np.repeat(group_weights / SIZES, SIZES, axis=1)
        made = {
            "vector_exponents": np.array([0.3, 0.1 * iteration]),
            "vector_separated": np.array([True, iteration == 0]),
            "covariant_weights": weights,
            "covariant_participation": np.array([10.0 + iteration, 20.0]),
            "covariant_participation_stderr": np.array([1.0, 1.0]),
            "backward_participation": np.array([10.0, 15.0]),
            "forward_participation": np.array([9.0, 12.0]),
            "vector_group_forward_weights": group_weights[:, ::-1],
            "vector_group_kinds": np.array(["type", "type"]),
            "vector_group_names": np.array(["A", "B"]),
            "vector_group_sizes": np.array(SIZES),
            "vector_group_weights": group_weights,
        }
        results.write_arrays(path, results.read_arrays(path) | made)
    return folder


def test_the_table_has_weights_over_sizes_with_intervals_over_runs(tmp_path):
    table = vectors_table(gather(folder_with_vectors(tmp_path / "a")))
    assert list(zip(table["group"], table["index"], strict=True)) == [("A", 1), ("A", 2), ("B", 1), ("B", 2)]
    first, second = table.iloc[0], table.iloc[1]
    assert first["weight"] == pytest.approx(0.6) and first["expected"] == 10 / N and first["size"] == 10
    assert first["ratio"] == pytest.approx(0.6 * 4)
    assert (first["ratio_low"], first["ratio_high"]) == pytest.approx(mean_interval(np.array(SHARES) * 4))
    assert first["forward_weight"] == pytest.approx(0.4) and first["forward_ratio"] == pytest.approx(1.6)
    ends = mean_interval((1 - np.array(SHARES)) * 4)
    assert (first["forward_ratio_low"], first["forward_ratio_high"]) == pytest.approx(ends)
    assert second["ratio"] == 1 and second["exponent"] == pytest.approx(0.1)
    assert list(table["separated"]) == [3, 1, 3, 1] and (table["n"] == 3).all()


def test_the_interval_of_a_ratio_does_not_go_below_zero(tmp_path):
    folder = folder_with_vectors(tmp_path / "a")
    for iteration, weight in enumerate((0.0, 0.0, 0.9)):
        path = folder / "0" / f"iter_{iteration}" / "arrays.npz"
        made = {"vector_group_weights": np.array([[weight, 1 - weight], [0.25, 0.75]])}
        results.write_arrays(path, results.read_arrays(path) | made)
    assert vectors_table(gather(folder)).iloc[0]["ratio_low"] == 0


def test_the_figure_has_logarithms_of_the_ratios_and_participation_ratios(tmp_path):
    ((stem, figure),) = vector_figures(gather(folder_with_vectors(tmp_path / "a")), None)
    heat, forward, participation = figure.axes[:3]
    np.testing.assert_allclose(forward.images[0].get_array(), np.log2([[0.4 * 4, 3], [0.6 * 4 / 3, 1 / 3]]))
    (image,) = heat.images
    expected = np.log2([[0.6 * 4, 1], [0.4 * 4 / 3, 1]])
    assert stem == "vectors"
    np.testing.assert_allclose(image.get_array(), expected)
    assert [text.get_text() for text in heat.get_yticklabels()] == ["A (10)", "B (30)"]
    (line,) = (line for line in participation.lines if line.get_label() == "exponent separated")
    np.testing.assert_allclose(line.get_xydata(), [[1, 11.0]])
    assert len(plotting.render(figure, "png")) > 1000


def test_a_network_without_labels_has_its_participation_alone(tmp_path):
    folder = folder_with_vectors(tmp_path / "a")
    for iteration in range(3):
        path = folder / "0" / f"iter_{iteration}" / "arrays.npz"
        none = {"vector_group_kinds": np.array([], dtype=str), "vector_group_names": np.array([], dtype=str),
                "vector_group_sizes": np.array([], dtype=int), "vector_group_weights": np.zeros((2, 0)),
                "vector_group_forward_weights": np.zeros((2, 0))}  # fmt: skip
        results.write_arrays(path, results.read_arrays(path) | none)
    study = gather(folder)
    ((_, figure),) = vector_figures(study, None)
    assert len(figure.axes) == 1 and vectors_table(study).empty


def test_folders_without_vectors_are_drawn_as_before_and_beside_others(tmp_path):
    old, new = make(tmp_path / "old", "spectrum"), folder_with_vectors(tmp_path / "new")
    assert not list(vector_figures(gather(old), None)) and vectors_table(gather(old)).empty
    assert sensitivities_table(gather(old)).empty
    assert visualization.main(["--results_folders", str(old), str(new), "--save_figs", str(tmp_path / "figs")]) == 0
    assert set(pd.read_csv(tmp_path / "figs" / "vectors.csv")["label"]) == {"new"}
    assert not (tmp_path / "figs" / "sensitivities.csv").exists()


def test_sensitivities_are_means_over_runs_with_intervals(tmp_path):
    folder = folder_with_vectors(tmp_path / "a")
    for iteration, value in enumerate((0.1, 0.2, 0.6)):
        path = folder / "0" / f"iter_{iteration}" / "arrays.npz"
        made = {"sensitivity_pairs": np.array([[value, 1.0]]), "sensitivity_pairs_stderr": np.array([[0.3, 0.0]]),
                "pair_kinds": np.array(["type", "type"]), "pair_post": np.array(["A", "B"]),
                "pair_pre": np.array(["B", "B"]), "groups": np.array(["n1"]), "sensitivity_gains": np.array([[2.0]]),
                "sensitivity_gains_stderr": np.array([[0.5]])}  # fmt: skip
        results.write_arrays(path, results.read_arrays(path) | made)
    table = sensitivities_table(gather(folder))
    names = list(zip(table["parameter"], table["kind_of_group"], table["post"], table["pre"], strict=True))
    assert names == [("weights", "type", "A", "B"), ("weights", "type", "B", "B"), ("gains", "", "n1", "")]
    first = table.iloc[0]
    assert first["sensitivity"] == pytest.approx(0.3) and first["stderr"] == pytest.approx(0.3) and first["n"] == 3
    ends = mean_interval(np.array([0.1, 0.2, 0.6]))
    assert (first["interval_low"], first["interval_high"]) == pytest.approx(ends)
    assert table.iloc[2]["sensitivity"] == 2.0


def test_a_group_that_only_some_networks_have_is_a_mean_over_those(tmp_path):
    folder = folder_with_vectors(tmp_path / "a")
    path = folder / "0" / "iter_2" / "arrays.npz"
    results.write_arrays(path, results.read_arrays(path) | {"vector_group_names": np.array(["C", "B"])})
    table = vectors_table(gather(folder))
    first = table[table["index"] == 1].set_index("group")
    assert first["n"].to_dict() == {"A": 2, "B": 3, "C": 1}
    assert first.loc["A", "ratio"] == pytest.approx(4 * np.mean(SHARES[:2]))
    assert np.isnan(first.loc["C", "ratio_low"]) and first.loc["C", "ratio"] == pytest.approx(4 * SHARES[2])
