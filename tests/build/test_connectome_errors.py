"""[net] edges_lost, edges_added, weight_jitter and sign_errors: in every grid, paired over combos, and recorded."""

import itertools
import json

import numpy as np
import pytest

import randomnet as rn
from randomnet.build.connectome import connectome_of
from randomnet.schema.plan import read_plan
from randomnet.settings import ConfigError
from tests.support.networks import INI, matrix_of, network, saved
from tests.support.runs import run


def edges(connectome):
    return set(zip(connectome.post.tolist(), connectome.pre.tolist(), strict=True))


def plan_of(folder, *settings):
    (folder / "a.ini").write_text(INI.format(path=saved(folder, matrix_of("counts")), folder=folder))
    return read_plan(folder / "a.ini", settings)


def without_path(folder):
    lines = INI.format(path="", folder=folder).splitlines()
    return "\n".join(line for line in lines if not line.startswith(("path_to_network", "largest")))


def first_run(folder, *settings):
    return read_plan(folder / "a.ini", settings).combos[0].runs()[0]


def test_combos_are_in_error_at_the_same_edges_and_iterations_at_others(tmp_path):
    grid = "combosparams.combos_params={'g': [1, 2], 'edges_lost': [0, 0.1, 0.2]}"
    plan = plan_of(tmp_path, grid, "trainvalidate.iterations=2")
    found = {(combo.values["g"], combo.values["edges_lost"], run.iteration): edges(connectome_of(run))
             for combo in plan.combos for run in combo.runs()}  # fmt: skip
    assert found[1, 0.1, 0] == found[2, 0.1, 0] > found[1, 0.2, 0]
    assert found[1, 0.1, 0] != found[1, 0.1, 1] and found[1, 0, 0] == found[1, 0, 1]


def test_errors_follow_the_null_and_precede_normalization(tmp_path):
    path = saved(tmp_path, matrix_of("counts"))
    null, wrong = (network(tmp_path, path, "net.null=degree", f"net.edges_lost={lost}") for lost in (0, 0.3))
    assert edges(wrong) < edges(null) and wrong.provenance["null"] == "degree"
    inputs = np.bincount(wrong.post, np.abs(wrong.weights), minlength=wrong.n)
    assert wrong.provenance["normalization"] == "sinkhorn" and np.allclose(inputs[inputs > 0.75], 1)


@pytest.mark.parametrize("setting", ["net.edges_lost=0.1", "net.sign_errors=0.1", "net.weight_jitter=0.2"])
def test_a_random_network_is_in_error_too(tmp_path, setting):
    (tmp_path / "a.ini").write_text(without_path(tmp_path))
    drawn = ("net.roi=random", "net.n=20")
    wrong, right = (connectome_of(first_run(tmp_path, *drawn, *more)) for more in ([setting], []))
    assert not np.array_equal(wrong.dense(), right.dense())
    with pytest.raises(ConfigError, match=r"edges_added: expected a fraction that random has room for, got 0.1"):
        connectome_of(first_run(tmp_path, *drawn, "net.edges_added=0.1"))


def test_an_error_that_drawn_weights_would_undo_is_refused(tmp_path):
    drawn = ("trainvalidate.init=xavier", "trainvalidate.remap_w=False")
    for setting in ("net.sign_errors=0.1", "net.weight_jitter=0.1"):
        with pytest.raises(ConfigError, match=r"expected 0 with trainvalidate.init = .*, which draws all weights"):
            plan_of(tmp_path, *drawn, setting)
    plan_of(tmp_path, *drawn, "net.edges_lost=0.1")


@pytest.mark.parametrize("network", ["net.roi=EB", "net.roi=random"])
def test_the_console_and_the_manifest_say_what_is_wrong(tmp_path, capsys, network):
    of_edges = "random" in network
    (tmp_path / "a.ini").write_text(without_path(tmp_path))
    settings = (network, *["net.n=30"] * of_edges, "net.edges_lost=0.1", "net.sign_errors=0.1", "lyapunov.tsim=5",
                "trainvalidate.iterations=2", "execution.workers=1")  # fmt: skip
    run(tmp_path / "a.ini", *itertools.chain(*(("--set", setting) for setting in settings)))
    facts = json.loads((tmp_path / "out" / "manifest.json").read_text())["combos"][0]["connectome"]
    kind, lost, wrong = ("edges", 87, 87) if of_edges else ("neurons", 2901, 44)
    assert facts["edges_lost"] == lost and facts[f"{kind}_of_wrong_sign"] == wrong
    out = capsys.readouterr().out
    assert f"in error: {lost:,} edges lost, signs of {wrong} {kind} wrong" in out
    assert "drawn anew in each of 2 iterations" in out


def test_from_python():
    right, wrong = rn.connectome("EB"), rn.connectome("EB", edges_lost=0.1)
    assert wrong.provenance["edges_lost"] == len(right.weights) - len(wrong.weights) == round(0.1 * len(right.weights))
    assert "2,901 edges lost" in repr(wrong)
