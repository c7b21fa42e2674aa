"""Every kind that builds a network says in summary.csv how strongly that is coupled."""

import numpy as np
import pandas as pd
import pytest
import torch

from randomnet.build import coupling_strength
from randomnet.build.connectome import connectome_of
from randomnet.build.network import build_setup
from randomnet.connectome import COUPLING
from tests.support.marks import slow_except
from tests.support.runs import run
from tests.support.spectral_runs import BASE, experiment, runs_of

SHORT = {
    "spectrum": ("lyapunov.nle=2",),
    "transition": (),
    "convergence": ("lyapunov.nle=2",),
    "analyse": ("analysis.starts=4", "analysis.trajectories=2", "analysis.duration=20"),
    "stimulate": ("stimulation.units=neuron=unit0001", "analysis.trajectories=2", "analysis.duration=50"),
    "simulate": ("analysis.duration=20", "analysis.settle=0"),
    "benchmark": ("lyapunov.nle=2",),
    "train": ("lyapunov.nle=2", "lyapunov.tsim_measured=5", "trainvalidate.epochs=2", "trainvalidate.iterations=2"),
}
PLAIN = BASE.partition("[lyapunov]")[0] + "[execution]\nworkers = 1\n"
OF_SPECTRA = ("spectrum", "transition", "convergence", "benchmark", "train")


def by_hand(matrix):
    """Radius, abscissa and second |eigenvalue|, where no pair leads; and the Frobenius norm."""
    values = np.linalg.eigvals(matrix)
    values = values[np.argsort(-np.abs(values), kind="stable")]
    second = np.abs(values[1 if values[0].imag == 0 else 2])
    return [np.abs(values[0]), values.real.max(), second, np.linalg.norm(matrix)]


def short(tmp_path, kind, *changes):
    """A short experiment of that kind; its folder and all its changes."""
    changes = (*SHORT[kind], *changes)
    if kind in OF_SPECTRA:
        return experiment(tmp_path, kind, *changes), changes
    (tmp_path / "out.ini").write_text(PLAIN.format(kind=kind, out=tmp_path / "out"))
    assert run(tmp_path / "out.ini", *(part for change in changes for part in ("--set", change))) == 0
    return tmp_path / "out", changes


@pytest.mark.parametrize("kind", slow_except(SHORT, *(kind for kind in SHORT if kind != "benchmark")))
def test_the_summary_of_every_kind_has_the_strength_of_its_networks(tmp_path, kind):
    out, changes = short(tmp_path, kind)
    table = pd.read_csv(out / "summary.csv")
    suffix = "_initial" if kind == "train" else ""
    assert {f"{name}{suffix}" for name in COUPLING} <= {*table.columns}
    for one in runs_of(tmp_path, *changes):
        row = table.set_index("iteration").loc[one.iteration]
        found = [row[f"{name}{suffix}"] for name in COUPLING[:4]]
        precision = 1e-5 if kind in ("train", "benchmark") else 1e-8  # in float32
        assert found == pytest.approx(by_hand(connectome_of(one).dense()), rel=precision)


def test_training_records_the_strength_before_and_after(tmp_path):
    out, _ = short(tmp_path, "train", "trainvalidate.lr=0.05", "trainvalidate.train_weights=True")
    row = pd.read_csv(out / "summary.csv").iloc[0]
    stored = torch.load(out / "0" / "iter_0" / "model.pt", weights_only=True)
    edges, weights = stored["network"]["edges"], stored["last"]["weights"]
    matrix = torch.zeros(144, dtype=torch.float64)
    matrix[edges] = weights.double()
    after = [row[f"{name}_final"] for name in COUPLING[:4]]
    assert after == pytest.approx(by_hand(matrix.view(12, 12).numpy()), rel=1e-5)
    assert abs(row["frobenius_norm_final"] / row["frobenius_norm_initial"] - 1) > 1e-4


def test_a_spectrum_of_a_trained_network_has_that_ones_strength(tmp_path):
    trained, _ = short(tmp_path, "train", "trainvalidate.lr=0.05", "trainvalidate.train_weights=True")
    name = f"paths.pretrained={trained}"
    out = experiment(tmp_path, "spectrum", name, "lyapunov.nle=2", name="after")
    ends = [pd.read_csv(folder / "summary.csv").iloc[0] for folder in (trained, out)]
    assert ends[1]["spectral_radius"] == pytest.approx(ends[0]["spectral_radius_final"], rel=1e-5)


def test_factors_of_low_rank_count_and_g_scales_the_rest(tmp_path):
    changes = ("net.rank=1", "net.factor_sd=3", "lyapunov.nle=2")
    out = experiment(tmp_path, "spectrum", *changes)
    start = build_setup(runs_of(tmp_path, *changes)[0])
    row = pd.read_csv(out / "summary.csv").iloc[0]
    expected = by_hand(start.network.double().matrix().detach().numpy())
    assert [row[name] for name in COUPLING[:4]] == pytest.approx(expected, rel=1e-8)
    grid = 'combosparams.combos_params={"g": [1, 3]}'
    ini = tmp_path / "grid.ini"
    ini.write_text((tmp_path / "out.ini").read_text().replace("g = 2\n", "").replace("/out", "/grid"))
    assert run(ini, "--set", "lyapunov.nle=2", "--set", grid) == 0
    table = pd.read_csv(tmp_path / "grid" / "summary.csv")
    for name in COUPLING[:4]:
        np.testing.assert_allclose(table[name][1] / table[name][0], 3, rtol=1e-8)
    np.testing.assert_allclose(*table["balancing_residual"], rtol=1e-9)


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e300])
def test_networks_of_any_size_are_measured_without_overflow(size):
    """Squares of these weights are no numbers; their eigenvalues are."""
    matrix = np.array([[0.0, 3.0], [2.0, 1.0]])  # eigenvalues 3 and -2
    found = coupling_strength.strength_of_matrix(matrix * size)
    expected = [3 * size, 3 * size, 2 * size, np.sqrt(14) * size]
    assert [found[name] for name in COUPLING[:4]] == pytest.approx(expected, rel=1e-9)
