"""rn.responses and rn.score_responses: the same as the runner."""

import numpy as np
import pandas as pd
import pytest

import randomnet as rn
from tests.support import made_up


@pytest.fixture(scope="module")
def worm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("worm")
    made_up.worm(folder)
    return folder


@pytest.fixture(scope="module")
def network(worm):
    connectome = rn.connectome(worm / "herm_full_edgelist.csv", normalization="input_fraction", g=0.5)
    return rn.network(connectome, activation="linear")


def test_responses_are_a_table_of_the_closed_form(network):
    found = rn.responses(network)
    exact = np.linalg.inv(np.eye(network.n) - network.connectome.dense())
    np.testing.assert_allclose(found.to_numpy(), exact, atol=1e-6)
    assert found.index.name == "responding" and found.columns.name == "stimulated"
    assert found.columns.tolist() == network.connectome.names.tolist()
    simulated = rn.responses(network, method="simulated", quantity="integral", response_time=60)
    np.testing.assert_allclose(simulated, exact, atol=1e-6)


def test_present_values_of_the_network_count(network):
    values, before = network.module.values(), rn.responses(network)
    network.module.assign(values | {"gains": 0.5 * values["gains"]})
    after = rn.responses(network)
    network.module.assign(values)
    exact = 0.5 * np.linalg.inv(np.eye(network.n) - 0.5 * network.connectome.dense())
    np.testing.assert_allclose(after.to_numpy(), exact, atol=1e-6)
    np.testing.assert_array_equal(rn.responses(network), before)


def test_scores_are_those_of_the_runner(network, worm, tmp_path):
    settings = {"bootstrap": 300, "permutations": 20}
    path = worm / "signal_propagation_wt.csv"
    scores = rn.score_responses(network, path, **settings)
    ini = {"experiment.kind": "responses", "paths.path_to_network": worm / "herm_full_edgelist.csv",
           "paths.responses": path, "net.normalization": "input_fraction", "net.g": 0.5,
           "model.activation": "linear"} | {f"responses.{name}": value for name, value in settings.items()}  # fmt: skip
    ini |= {"paths.path_to_results": tmp_path / "out", "execution.workers": 1}
    row = rn.run({name: str(value) for name, value in ini.items()}).table.iloc[0]
    assert scores.auc.value == pytest.approx(row["auc"]) and scores.auc.low == pytest.approx(row["auc_low"])
    assert scores.spearman.high == pytest.approx(row["spearman_high"])
    assert scores.permuted.mean() == pytest.approx(row["auc_permuted"])
    assert len(scores.frame()) == row["pairs"] and "AUC = " in repr(scores)
    again = rn.score_responses(network, pd.read_csv(path), **settings)
    assert again.auc == scores.auc and len(scores.plot().axes) == 4


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda net, path: rn.responses(net, q=0.1), TypeError, "expected one of method"),
        (lambda net, path: rn.responses(net, quantitys="peak"), TypeError, "did you mean .quantity."),
        (lambda net, path: rn.responses(net, quantity="sum"), ValueError, "sum"),
        (lambda net, path: rn.responses(np.eye(3)), TypeError, "expected a network or a connectome, got ndarray"),
        (lambda net, path: rn.score_responses(net, path, gains_by="role"), TypeError, "expected no gains_by"),
        (lambda net, path: rn.score_responses(net, "nothing.csv"), ValueError, "nothing.csv"),
        (lambda net, path: rn.score_responses(net, path, q=2), ValueError, "q"),
        (lambda net, path: rn.responses(rn.network(rn.connectome("AB", g=200), activation="linear")), ValueError,
         "at a stable fixed point"),
    ],
)  # fmt: skip
def test_what_cannot_work(network, worm, call, error, text):
    with pytest.raises(error, match=text):
        call(network, worm / "signal_propagation_wt.csv")
