"""Networks that an INI describes - populations, regions - in experiments."""

import json

import numpy as np
import pandas as pd
import pytest

import runrandomnet
from randomnet.build.connectome import connectome_of
from randomnet.build.network import build_setup
from randomnet.schema.plan import read_plan
from tests.support import made_up

INI = """
[experiment]
kind = {kind}
seed = 2
[paths]
path_to_results = {out}
[net]
source = {source}
[model]
activation = relu
form = rate
{more}
[execution]
workers = 1
"""
POPULATIONS = """
[populations]
sizes = E: 16, I: 4
in_degree = E: 8, I: 3
external = E: 2
external_rate = 0.5
external_degree = 9
kernels = EE: cosine 0.4 90
"""
SPECTRUM = "[lyapunov]\ntsim = 4\nnle = 2\ntransient = 1\nframe_transient = 1\n"
REGIONS = {
    "recurrent_regions": [
        {"name": "cortex", "num_units": 8, "base_firing": 1, "init": 2, "cell_types": {"exc": 0.75, "inhib": 0.25}},
        {"name": "thalamus", "num_units": 4, "base_firing": 0},
    ],
    "recurrent_connections": [
        {"src_region": "cortex", "src_region_cell_type": "exc", "dst_region": "thalamus", "sign": "exc"},
        {"src_region": "cortex", "src_region_cell_type": "inhib", "dst_region": "cortex", "sign": "inhib"},
        {"src_region": "thalamus", "dst_region": "cortex", "sign": "exc", "sparsity": 0.5},
    ],
    "input_regions": [],
    "input_connections": [],
}


def ini(folder, source="populations", kind="spectrum", more=POPULATIONS + SPECTRUM):
    path = folder / "a.ini"
    path.write_text(INI.format(out=folder / "out", source=source, kind=kind, more=more))
    return path


def regional(folder, description=REGIONS, more=SPECTRUM, **options):
    file = folder / (options.pop("name", "net") + ".json")
    file.write_text(json.dumps(description))
    chosen = "".join(f"{name} = {value}\n" for name, value in options.items())
    return ini(folder, "regions", more=f"[regions]\nregions_file = {file}\n{chosen}{more}")


def run(path, *overrides):
    return runrandomnet.main([str(path), *(part for one in overrides for part in ("--set", one))])


def networks(path, *overrides, iterations=2):
    plan = read_plan(path, [f"trainvalidate.iterations={iterations}", *overrides])
    return [connectome_of(one) for one in plan.combos[0].runs()]


def test_populations_are_drawn_anew_in_every_iteration_unless_told(tmp_path):
    first, second = networks(ini(tmp_path))
    assert first.n == 20 and first.labels["population"].tolist() == ["E"] * 16 + ["I"] * 4
    assert first.sha256() != second.sha256()
    assert first.sha256() == networks(ini(tmp_path))[0].sha256()
    same = networks(ini(tmp_path), "net.paired_topology=False")
    assert same[0].sha256() == same[1].sha256() == first.sha256()
    np.testing.assert_allclose(first.drive, [3 * 0.5 * 2] * 16 + [0] * 4)
    assert np.unique(first.weights[(first.post < 16) & (first.pre >= 16)]) == pytest.approx(-1.5 / np.sqrt(3))
    assert first.provenance["blocks"].keys() == {"EE", "EI", "IE", "II"}


def test_g_normalization_and_nulls_apply_to_them_as_to_any_network(tmp_path):
    plain, *_ = networks(ini(tmp_path))
    scaled, *_ = networks(ini(tmp_path), "net.g=3")
    np.testing.assert_allclose(scaled.weights, 3 * plain.weights)
    radius, *_ = networks(ini(tmp_path), "net.normalization=spectral_radius")
    assert np.abs(np.linalg.eigvals(radius.dense())).max() == pytest.approx(1)
    null, *_ = networks(ini(tmp_path), "net.null=degree")
    assert (null.pre != plain.pre).any()
    np.testing.assert_array_equal(null.drive, plain.drive)
    assert (np.bincount(null.post, minlength=20) == np.bincount(plain.post, minlength=20)).all()


def test_an_experiment_on_populations_runs_and_says_what_they_are(tmp_path):
    path = ini(tmp_path, more=POPULATIONS.replace("in_degree = E: 8, I: 3\n", "") + SPECTRUM
               + '[combosparams]\ncombos_params = {"in_degree": ["all", 3, "E: 4, I: 2"]}\n')  # fmt: skip
    assert run(path) == 0
    summary = pd.read_csv(tmp_path / "out" / "summary.csv")
    assert set(summary["status"]) == {"complete"} and summary["lambda_max"].nunique() == 3
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    about = [combo["connectome"] for combo in manifest["combos"]]
    assert [entry["synthetic"] for entry in about] == [True] * 3
    assert about[1]["blocks"]["EI"]["mean_in_degree"] == pytest.approx(3, abs=2)
    assert run(path) == 0, "and goes on from there"


def test_their_gains_are_trained_by_population(tmp_path):
    path = ini(tmp_path, kind="train", more=POPULATIONS + SPECTRUM + "tsim_measured = 4\n[trainvalidate]\nepochs = 3\n")
    assert run(path, "model.groups=population", "model.activation=tanh_positive") == 0
    arrays = np.load(tmp_path / "out" / "0" / "iter_0" / "arrays.npz")
    assert arrays["groups"].tolist() == ["E", "I"] and (arrays["gains_final"] != 1).all()


def test_regions_have_their_drive_initial_state_and_cell_types(tmp_path):
    [network] = networks(regional(tmp_path), iterations=1)
    assert network.name == "net"
    assert network.labels["region"].tolist() == ["cortex"] * 8 + ["thalamus"] * 4
    assert network.labels["type"].tolist() == ["exc"] * 6 + ["inhib"] * 2 + [""] * 4
    assert network.signs.tolist() == [1] * 6 + [-1] * 2 + [1] * 4
    assert network.drive.tolist() == [1] * 8 + [0] * 4
    start = build_setup(read_plan(regional(tmp_path)).combos[0].runs()[0])
    assert start.state.tolist() == [2] * 8 + [0] * 4
    state = start.state[None]
    after = start.network.dynamics().step(state.to(start.network.drive.dtype)).double()
    expected = 0.9 * state.numpy() + 0.1 * np.maximum(network.dense() @ start.state.numpy() + network.drive, 0)
    np.testing.assert_allclose(after, expected, rtol=1e-6)
    assert run(regional(tmp_path)) == 0
    [balanced] = networks(regional(tmp_path, initialisation="balanced"), iterations=1)
    excited, inhibited = balanced.dense()[:8].clip(min=0).sum(1), -balanced.dense()[:8].clip(max=0).sum(1)
    both = (excited > 0) & (inhibited > 0)
    assert both.sum() > 3
    np.testing.assert_allclose(excited[both], inhibited[both])


@pytest.mark.slow
def test_units_that_break_dales_law_are_named_in_the_facts_and_by_describe(tmp_path, capsys):
    """Three of five send both signs; where all do, or none, no names would tell more than the number."""
    regions = "[regions]\nregions = a: 3, b: 2\n[projections]\nprojections = a -> a, b -> a: inhib"
    named = {}
    for name, more in (("some", ", a -> b: inhib"), ("all", ", a -> b: inhib, b -> b"), ("none", "")):
        path = tmp_path / f"{name}.ini"
        out = tmp_path / name
        path.write_text(f"[experiment]\nkind = spectrum\n[paths]\npath_to_results = {out}\n[net]\nsource = regions\n"
                        f"[lyapunov]\ntsim = 2\n[execution]\nworkers = 1\n{regions}{more}\n")  # fmt: skip
        assert runrandomnet.main([str(path)]) == 0
        facts = json.loads((out / "0" / "iter_0" / "run.json").read_text())["connectome"]
        assert facts["dale_broken"] == facts["mixed_signs"] == {"some": 3, "all": 5, "none": 0}[name]
        named[name] = facts.get("mixed_first")
    assert named == {"some": ["a0000", "a0001", "a0002"], "all": None, "none": None}
    capsys.readouterr()
    assert runrandomnet.main([str(tmp_path / "some.ini"), "--describe", "--save_figs", str(tmp_path / "figs")]) == 0
    assert "of both signs                   a0000, a0001, a0002\n" in capsys.readouterr().out


def test_another_file_is_another_network_to_a_results_folder(tmp_path, capsys):
    assert run(regional(tmp_path)) == 0
    changed = json.loads(json.dumps(REGIONS))
    changed["recurrent_regions"][0]["base_firing"] = 5
    assert run(regional(tmp_path, changed, name="other")) == 2
    assert "has changed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        (["populations.couplings=EE: 1, EX: 2"], "[populations] couplings"),
        (["populations.sizes=E: 1.5"], "[populations] sizes: expected names with whole numbers >= 1"),
        (["populations.sizes=E: 10, E: 4"], "[populations] sizes: expected names with whole numbers"),
        (["populations.in_degree=E: 4"], "[populations] in_degree: expected one for each of E, I alone, got E"),
        (["populations.in_degree=500"], "[populations] "),
        (["populations.sizes=E: 10000000000, I: 9", "populations.couplings=II: 1", "populations.kernels=none"],
         "sizes: expected a network that fits"),
        (["populations.sizes=none"], "[populations] sizes: expected names with whole numbers"),
        (["populations.kernels=EE: uniform 5"], "[populations] kernels of EE: kappa"),
        (["populations.kernels=EE: gaussian"], "in_degree = all"),
        (["populations.external=E: 1e308", "populations.external_rate=1e308"], "[populations] external: expected"),
        (["populations.sizes=E: 900000, I: 9", "populations.in_degree=all"], "sizes: expected a network that fits"),
        (["populations.kernels=EE: kosine 1"], "[populations] kernels: expected blocks with one of uniform"),
        (["populations.kernels=EE: cosine 2"], "[populations] "),
        (["net.roi=EB"], "[net] roi: applies only where net.source is not populations or regions"),
        (["paths.path_to_network=x"], "[paths] path_to_network: applies only where"),
        (["net.n=5"], "[net] n: applies only where net.roi = random"),
        (["regions.regions_file=x.json"], "[regions] regions_file: applies only where net.source = regions"),
        (["net.sorce=regions"], "did you mean 'source'?"),
    ],
)
def test_what_is_wrong_with_populations_is_said_in_one_line(tmp_path, capsys, overrides, text):
    path = ini(tmp_path)
    path.write_text(made_up.without(path.read_text(), overrides))
    assert run(path, *overrides) == 2
    error = capsys.readouterr().err
    assert text in error and len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_what_is_wrong_with_regions_is_said_in_one_line(tmp_path, capsys):
    broken = json.loads(json.dumps(REGIONS))
    broken["recurrent_connections"][1]["dst_region"] = "kortex"
    enormous = json.loads(json.dumps(REGIONS))
    enormous["recurrent_regions"][0]["num_units"] = 10**10
    driven = {**REGIONS, "input_regions": [{"name": "light", "num_units": 5}],
              "input_connections": [{"input": "light", "dst_region": "thalamus"}]}  # fmt: skip
    task = "[trialparams]\ntask_name = seq_mem\n[trainvalidate]\ninit = connectome\n"
    for make, text in (
        (lambda: ini(tmp_path, "regions", more=SPECTRUM), "regions_file: expected a JSON file"),
        (lambda: ini(tmp_path, "regions", more="[regions]\nregions_file = no.json\n" + SPECTRUM), "no.json"),
        (lambda: regional(tmp_path, broken), "recurrent_connections[1].dst_region"),
        (lambda: regional(tmp_path, {"recurrent_region": []}, name="other"), "recurrent_region"),
        (lambda: regional(tmp_path, enormous, name="enormous"), "expected a network that fits into"),
    ):
        assert run(make()) == 2
        error = capsys.readouterr().err
        assert text in error and "regions_file" in error and len(error.splitlines()) == 1
    path = regional(tmp_path, driven, more=task, name="driven")
    path.write_text(path.read_text().replace("kind = spectrum", "kind = train"))
    assert run(path) == 2
    assert "expected inputs of 2 units in all, as seq_mem has so many channels" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
