"""[net] normalization: chains of scalings, what each step is recorded to have done, and what is refused."""

import json

import numpy as np
import pandas as pd
import pytest

from randomnet.connectome import (
    SCALINGS,
    eigenvalues_of,
    from_dense,
    sinkhorn,
    spectral_radius,
    with_abscissa,
    with_frobenius_norm,
)
from randomnet.schema.config import SCHEMA
from randomnet.schema.plan import read_plan
from randomnet.settings import ConfigError, steps_of
from randomnet.settings.steps import Steps
from randomnet.synthetic import random_network
from tests.support.networks import INI, matrix_of, network, saved
from tests.support.paths import ROOT
from tests.support.runs import run

CHAINED = "sinkhorn + abscissa"
CHAIN = Steps(("sinkhorn", "log1p", "abscissa"), alone=("auto", "none"))


def named(matrix):
    return from_dense("made", np.array(matrix, float), np.arange(len(matrix)).astype(str))


# ---- the option


def test_a_chain_is_read_in_its_order():
    assert CHAIN.parse("log1p+Sinkhorn +abscissa") == "log1p + sinkhorn + abscissa"
    assert steps_of("log1p + sinkhorn") == ("log1p", "sinkhorn") and steps_of("none") == ()
    assert CHAIN.expected == "one of auto, none, sinkhorn, log1p, abscissa, or a chain such as sinkhorn + log1p"


def test_the_chain_in_the_error_is_one_that_works(tmp_path):
    option = SCHEMA.options["net", "normalization"].value
    chain = option.expected.partition("such as ")[2]
    assert option.parse(chain) == chain and len(steps_of(chain)) == 2
    made = network(tmp_path, saved(tmp_path, matrix_of("counts")), f"net.normalization={chain}")
    assert made.provenance["normalization"] == chain and np.isfinite(made.weights).all()


@pytest.mark.parametrize("text", ["auto + sinkhorn", "sinkhorn + none", "sinkhorn + sinkhorn", "sinkhorn +", "", "sum"])
def test_what_is_no_chain_is_refused(text):
    with pytest.raises(ValueError):
        CHAIN.parse(text)


def test_a_wrong_step_is_told_with_the_nearest_one(tmp_path):
    for text, hint in [("sinkhorn + absissa", "did you mean 'abscissa'"), ("sinkhorn + none", "none stands alone")]:
        with pytest.raises(ConfigError, match=r"expected one of auto, none, sinkhorn, .* or a chain") as error:
            network(tmp_path, saved(tmp_path, matrix_of("counts")), f"net.normalization={text}")
        assert hint in str(error.value)


def test_sinkhorns_options_are_read_by_a_chain_with_it_alone(tmp_path):
    path = saved(tmp_path, matrix_of("counts"))
    few = network(tmp_path, path, "net.normalization=sinkhorn + abscissa", "net.sinkhorn_iterations=1")
    many = network(tmp_path, path, "net.normalization=sinkhorn + abscissa")
    assert not np.allclose(few.weights, many.weights)
    with pytest.raises(ConfigError, match=r"sinkhorn_iterations: .* or a chain with it"):
        network(tmp_path, path, "net.normalization=log1p + abscissa", "net.sinkhorn_iterations=1")
    with pytest.raises(ConfigError, match="another with roi = random"):
        (tmp_path / "r.ini").write_text("[net]\nroi = random\nnormalization = log1p + sinkhorn\n")
        read_plan(tmp_path / "r.ini")


# ---- what the steps do


def test_the_abscissa_is_one_afterwards_and_the_radius_need_not_be():
    matrix = np.zeros((3, 3))
    matrix[:2, :2], matrix[2, 2] = [[0, -4], [4, 0]], 0.5  # eigenvalues +- 4i and .5
    after = with_abscissa(named(matrix))
    assert eigenvalues_of(after).abscissa == pytest.approx(1) and spectral_radius(after) == pytest.approx(8)
    assert after.provenance["abscissa_before"] == pytest.approx(0.5)


@pytest.mark.parametrize("matrix", [[[-1, 2], [0, -3]], [[0, 0], [1, 0]]])
def test_a_network_without_positive_real_parts_has_no_abscissa_to_scale(tmp_path, matrix):
    with pytest.raises(ValueError, match=r"no eigenvalue with a positive real part .* spectral_radius or frobenius"):
        with_abscissa(named(matrix))


def test_frobenius_is_the_norm_of_a_random_network_at_g_1():
    """sum J^2 = N; a network of independent weights then has a radius of 1, within 10 % at N = 500."""
    made = random_network(500, 3.7, np.random.default_rng(0))
    after = with_frobenius_norm(made)
    assert np.square(after.weights).sum() == pytest.approx(500)
    assert spectral_radius(after) == pytest.approx(1, rel=0.1)
    assert after.provenance["frobenius_norm_before"] == pytest.approx(np.linalg.norm(made.weights))
    with pytest.raises(ValueError, match="no weights but 0"):
        with_frobenius_norm(named(np.zeros((2, 2))))


def test_every_step_is_applied_to_the_result_of_the_one_before_and_g_last(tmp_path):
    path = saved(tmp_path, matrix_of("counts"))
    made = network(tmp_path, path, "net.normalization=log1p + sinkhorn + abscissa", "net.g=3")
    plain = network(tmp_path, path, "net.normalization=none")
    logarithms = plain.replace(np.sign(plain.weights) * np.log1p(np.abs(plain.weights)))
    balanced = sinkhorn(logarithms)
    abscissa = np.linalg.eigvals(balanced.dense()).real.max()
    np.testing.assert_allclose(made.dense(), 3 * balanced.dense() / abscissa, rtol=1e-10)
    notes = made.provenance
    assert notes["normalization"] == "log1p + sinkhorn + abscissa" and notes["g"] == 3
    steps = notes["normalization_steps"]
    assert [step["step"] for step in steps] == ["log1p", "sinkhorn", "abscissa"]
    assert steps[1]["sinkhorn_residual"] == balanced.provenance["sinkhorn_residual"]
    assert steps[2]["abscissa_before"] == pytest.approx(abscissa)
    assert "normalized_after_null" not in notes


@pytest.mark.parametrize("step", SCALINGS)
def test_a_chain_of_one_step_is_that_scaling(tmp_path, step):
    path = saved(tmp_path, matrix_of("counts"))
    made = network(tmp_path, path, f"net.normalization={step}")
    expected = SCALINGS[step].scale(network(tmp_path, path, "net.normalization=none"))
    np.testing.assert_array_equal(made.weights, expected.weights)
    assert made.provenance["normalization"] == step and "normalization_steps" not in made.provenance


def test_chains_are_an_axis_of_the_grid_that_equals_what_they_name(tmp_path):
    """Of the connectome and of its nulls, in the summary of every run."""
    ini = tmp_path / "a.ini"
    ini.write_text(INI.format(path=saved(tmp_path, matrix_of("counts")), folder=tmp_path))
    grid = {"null": ["none", "degree"], "normalization": ["sinkhorn", "sinkhorn+spectral_radius", CHAINED]}
    sets = ("trainvalidate.iterations=2", "lyapunov.tsim=5", "execution.workers=1", "net.g=2",
            f"combosparams.combos_params={json.dumps(grid)}")  # fmt: skip
    assert run(ini, *(part for one in sets for part in ("--set", one))) == 0
    table = pd.read_csv(tmp_path / "out" / "summary.csv")
    radius = table[table["normalization"] == "sinkhorn + spectral_radius"]["spectral_radius"]
    abscissa = table[table["normalization"] == CHAINED]["spectral_abscissa"]
    np.testing.assert_allclose([*radius, *abscissa], 2, rtol=1e-9)
    assert np.ptp(table[table["normalization"] == "sinkhorn"]["spectral_radius"]) > 0.01
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    facts = {tuple(entry["values"].values()): entry["connectome"] for entry in manifest["combos"]}
    assert facts["degree", CHAINED]["normalization_steps"][1]["step"] == "abscissa"
    assert facts["degree", "sinkhorn"]["normalized_after_null"] and "edges_shared" in facts["degree", "sinkhorn"]
    assert "normalized_after_null" not in facts["none", "sinkhorn"]


# ---- edges that sinkhorn cannot keep


def vanishing():
    """Rows are sources. Source 1 reaches neuron 2 alone, which should receive as much from it as source 0 gives to
    two: impossible, so that the weight 0 -> 2 falls with every sweep."""
    matrix = np.zeros((4, 4))
    matrix[0, [1, 2, 3]], matrix[1, 2], matrix[2, 0], matrix[3, 0] = 1, 1, -2, -1
    return matrix


def remedy_of(error):
    return str(error).partition("sinkhorn_iterations = ")[2].partition(" ")[0]


def test_lost_edges_come_with_a_remedy_that_works(tmp_path):
    path = saved(tmp_path, vanishing())
    chain = "net.normalization=sinkhorn"
    with pytest.raises(ConfigError, match=r"'sinkhorn', which loses 1 of 6 .* normalization = balanced") as error:
        network(tmp_path, path, chain, "net.sinkhorn_iterations=9000")
    assert remedy_of(error.value) == "9"
    kept = network(tmp_path, path, chain, "net.sinkhorn_iterations=9")
    assert (kept.weights != 0).all() and "sinkhorn_lost" not in kept.provenance
    assert (network(tmp_path, path, "net.normalization=balanced").weights != 0).all()


def test_the_remedy_works_on_the_larva(tmp_path, connectomes):
    path, roi = connectomes / "rois", "net.roi=LARVA_MB_LEFT"
    with pytest.raises(ConfigError, match="loses 1 of 5970 to rounding and 15 more to less than 1e-12") as error:
        network(tmp_path, path, roi, "net.sinkhorn_iterations=1000")
    sweeps = remedy_of(error.value)
    made = network(tmp_path, path, roi, f"net.sinkhorn_iterations={sweeps}")
    assert sweeps == "10" and (made.weights != 0).all() and "sinkhorn_lost" not in made.provenance


def test_weights_driven_below_1e_12_of_the_largest_are_counted_and_the_run_goes_on(tmp_path, connectomes):
    path, roi = connectomes / "rois", "net.roi=LARVA_MB_LEFT"
    counts = network(tmp_path, path, roi, "net.normalization=none")
    for sweeps in (20, 100):
        made = network(tmp_path, path, roi, f"net.sinkhorn_iterations={sweeps}")
        sizes = np.abs(made.weights)
        small = int((sizes < 1e-12 * sizes.max()).sum())
        assert made.provenance.get("sinkhorn_lost", 0) == small and (sizes > 0).all()
    assert small == 10 and len(made.weights) == len(counts.weights)


def test_weights_that_are_tiny_in_the_file_are_not_counted_as_lost(tmp_path):
    matrix = np.array([[0, 1, 1e-14], [1, 0, 1], [1, 1, 0]])
    made = network(tmp_path, saved(tmp_path, matrix), "net.normalization=sinkhorn", "net.sinkhorn_iterations=1")
    assert "sinkhorn_lost" not in made.provenance


def sums_of_inputs(connectome, sign):
    """The sums of inputs of one sign of the neurons that have some."""
    block = np.sign(connectome.weights) == sign
    sums = np.bincount(connectome.post[block], connectome.weights[block], minlength=connectome.n)
    return sums[np.unique(connectome.post[block])]


@pytest.mark.parametrize("roi", ["LARVA_MB_LEFT", "LARVA_MB_RIGHT"])
def test_balanced_balances_inputs_where_sinkhorn_does_not_balance(tmp_path, connectomes, roi):
    roi = f"net.roi={roi}"
    departing = network(tmp_path, connectomes / "rois", roi)
    assert max(departing.provenance["sinkhorn_residual"].values()) > 0.4
    made = network(tmp_path, connectomes / "rois", roi, "net.normalization=balanced")
    for sign in (1, -1):
        np.testing.assert_allclose(sums_of_inputs(made, sign), 0.5 * sign, rtol=1e-12)
    assert np.abs(made.weights).min() > 1e-6 * np.abs(made.weights).max()


def row_of(name, scaling):
    sentence = scaling.sentence.replace("|", r"\|")
    cells = (f"`{name}`", sentence, scaling.needs, "yes" if scaling.uniform else "", scaling.source)
    return "| " + " | ".join(cells) + " |"


def test_the_page_of_scalings_is_made_from_the_rows():
    page = (ROOT / "docs" / "normalization.md").read_text(encoding="utf-8")
    assert [row for row in page.splitlines() if row.startswith("| `")] == [
        row_of(name, scaling) for name, scaling in SCALINGS.items()
    ]


@pytest.mark.parametrize("name", SCALINGS)
def test_a_scaling_does_what_its_row_says(name):
    """All weights are divided by one number where the row says so, and the row's note is in the provenance."""
    before, scaling = named(matrix_of("counts").T), SCALINGS[name]
    after = scaling.scale(before)
    ratios = after.weights / before.weights
    assert (np.ptp(ratios) < 1e-9 * ratios.max()) == scaling.uniform
    new = set(after.provenance) - {"normalization"}
    assert new == ({scaling.note} if scaling.note else set())
