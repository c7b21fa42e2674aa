"""From an INI to the network of a run: what `auto` means, and what a scaling must not lose."""

import dataclasses

import numpy as np
import pytest
import torch

from randomnet.build import null_models
from randomnet.build.connectome import connectome_of
from randomnet.build.network import build_setup, double
from randomnet.connectome import sinkhorn
from randomnet.experiment import check
from randomnet.schema.plan import read_plan
from randomnet.settings import ConfigError
from tests.support import made_up
from tests.support.networks import INI, matrix_of, network, saved
from tests.support.runs import run


@pytest.mark.parametrize("kind", ["counts", "unsigned", "mixed", "weights"])
def test_auto_balances_signed_counts_and_nothing_else(tmp_path, kind):
    path = saved(tmp_path, matrix_of(kind))
    plain = network(tmp_path, path, "net.normalization=none")
    made = network(tmp_path, path)
    expected = sinkhorn(plain).weights if kind == "counts" else plain.weights
    np.testing.assert_array_equal(made.weights, expected)


def test_a_null_is_scaled_as_its_connectome(tmp_path):
    """Not one with sinkhorn and the other without: a null of both signs is refused instead."""
    path = saved(tmp_path, matrix_of("counts"))
    with pytest.raises(ConfigError, match="normalization: expected one that fits, got 'sinkhorn'"):
        network(tmp_path, path, "net.null=gaussian")
    assert network(tmp_path, path, "net.null=gaussian", "net.normalization=none").mixed


def test_a_check_draws_the_null_of_each_combo_once(tmp_path, monkeypatch):
    """As that can take minutes, and the check asks for the network, its facts and its spectral radii.

    Draws of later iterations have as many neurons, so that they are made by the runs alone.
    """
    drawn, degree = [], null_models.NULLS["degree"]

    def counted(connectome, rng):
        drawn.append(degree.draw(connectome, rng))
        return drawn[-1]

    counting = dataclasses.replace(degree, draw=counted)
    monkeypatch.setattr(null_models, "NULLS", {**null_models.NULLS, "degree": counting})
    (tmp_path / "a.ini").write_text(INI.format(path=saved(tmp_path, matrix_of("counts")), folder=tmp_path))
    settings = ("net.null=degree", "trainvalidate.iterations=3", 'combosparams.combos_params={"g": [1, 2]}')
    facts = check(read_plan(tmp_path / "a.ini", settings))
    assert len(drawn) == 2
    assert len({facts[0]["spectral_radius"], facts[0]["spectral_radius_before"], facts[1]["spectral_radius"]}) == 3


def test_what_a_run_does_to_its_network_does_not_reach_the_next(tmp_path):
    """A process keeps the network that it made last."""
    (tmp_path / "a.ini").write_text(INI.format(path=saved(tmp_path, matrix_of("counts")), folder=tmp_path))
    one = read_plan(tmp_path / "a.ini", ["net.dales_law=False"]).combos[0].runs()[0]
    expected, begun = connectome_of(one).weights.copy(), build_setup(one).network
    begun.assign({name: values + 1 for name, values in begun.values().items()})
    np.testing.assert_array_equal(connectome_of(one).weights, expected)


@pytest.mark.parametrize("scaling", ["spectral_radius", "input_fraction", "balanced", "in_degree"])
@pytest.mark.parametrize("size", [1e-310, 1e-3, 1e3])
def test_a_scaling_keeps_every_weight_or_says_so(tmp_path, scaling, size):
    matrix = matrix_of("counts") * size
    try:
        made = network(tmp_path, saved(tmp_path, matrix), f"net.normalization={scaling}")
    except ConfigError as error:
        assert "expected one that keeps all weights" in str(error) and size == 1e-310
    else:
        np.testing.assert_array_equal(np.sign(made.dense()), np.sign(matrix.T))


def test_errors_name_the_option_that_is_to_blame(tmp_path, capsys):
    (tmp_path / "h").mkdir()
    archive = made_up.hemibrain(tmp_path / "h")
    (tmp_path / "list.csv").write_text("pre,post,weight\n1,2,x\n")
    for path, roi, says in [
        (archive, "EBB", "[net] roi = EBB: "),
        (archive, ",", "[net] roi: expected names of ROIs, or all, got ','"),
        (tmp_path / "list.csv", "EB", "[paths] path_to_network: "),
    ]:
        (tmp_path / "a.ini").write_text(INI.format(path=path, folder=tmp_path))
        assert run(tmp_path / "a.ini", "--set", f"net.roi={roi}") == 2
        said = capsys.readouterr().err
        assert says in said and len(said.splitlines()) == 1


def test_a_copy_in_double_precision_shares_indices_but_no_values(tmp_path):
    (tmp_path / "a.ini").write_text(INI.format(path=saved(tmp_path, matrix_of("counts")), folder=tmp_path))
    setup = build_setup(read_plan(tmp_path / "a.ini").combos[0].runs()[0])
    copy = double(setup.network)
    assert copy.edges.data_ptr() == setup.network.edges.data_ptr()
    assert copy.weights.start.dtype == torch.float64
    before = setup.network.weights.start.clone()
    with torch.no_grad():
        copy.weights.start += 1
    assert torch.equal(setup.network.weights.start, before)
