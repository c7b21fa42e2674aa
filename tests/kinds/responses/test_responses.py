"""kind = responses on a made-up worm, and on the real one against published numbers."""

import json

import numpy as np
import pandas as pd
import pytest

import runrandomnet
import visualization
from randomnet.kinds.responses import computing
from randomnet.kinds.responses.computing import network_responses
from randomnet.results import ResultsFolder
from randomnet.schema.plan import read_plan
from tests.support import made_up
from tests.support.option_reads import recorded_reads, unread

INI = """
[experiment]
kind = responses
[paths]
path_to_network = {folder}/herm_full_edgelist.csv
path_to_results = {folder}/out
responses = {folder}/signal_propagation_wt.csv
[net]
normalization = input_fraction
g = 0.5
[model]
activation = linear
[responses]
bootstrap = 300
permutations = 50
[execution]
workers = 1
"""
ALL_TYPES = 'combosparams.combos_params={"synapse_type": ["chemical", "electrical", "all"]}'


@pytest.fixture
def worm(tmp_path):
    made_up.worm(tmp_path)
    (tmp_path / "a.ini").write_text(INI.format(folder=tmp_path))
    return tmp_path


def run(folder, *overrides):
    return runrandomnet.main([str(folder / "a.ini"), *(part for one in overrides for part in ("--set", one))])


def done(folder, *overrides):
    """The rows of summary.csv, and the arrays of the first run."""
    assert run(folder, *overrides) == 0
    return pd.read_csv(folder / "out" / "summary.csv"), ResultsFolder(folder / "out").run(0, 0).arrays


def draw(folder):
    names = ["--results_folders", str(folder / "out"), "--results_labels", "worm"]
    visualization.main([*names, "--save_figs", str(folder / "figs")])


def linear_model(folder):
    """Responses (40, 40) of the linear network of chemical synapses, by name."""
    rows = pd.read_csv(folder / "herm_full_edgelist.csv", skipinitialspace=True)
    rows = rows[rows["Type"] == "chemical"]
    rows[["Source", "Target"]] = rows[["Source", "Target"]].apply(lambda column: column.str.strip())
    names = sorted({*rows["Source"], *rows["Target"]})
    matrix = rows.pivot_table(index="Target", columns="Source", values="Weight", fill_value=0)
    matrix = matrix.reindex(index=names, columns=names, fill_value=0).to_numpy(dtype=float)
    fractions = matrix / np.maximum(matrix.sum(1, keepdims=True), 1e-9)
    return pd.DataFrame(np.linalg.inv(np.eye(len(names)) - 0.5 * fractions), names, names)


def test_the_responses_of_a_linear_network_and_their_auc(worm):
    summary, arrays = done(worm)
    row, exact = summary.iloc[0], linear_model(worm)
    names = arrays["names"].tolist()
    np.testing.assert_allclose(arrays["responses"], exact.loc[names, names], atol=1e-12)
    table = pd.read_csv(worm / "signal_propagation_wt.csv").iloc[:-1]
    plain = {name: name.replace("A0", "A") for name in names}
    known = dict(zip(plain.values(), plain, strict=True))
    scores = [exact.loc[known[to], known[by]] for by, to in zip(table["stimulated"], table["responding"], strict=True)]
    responded = (table["q"] < 0.05).to_numpy()
    scores = np.array(scores)
    difference = scores[responded][:, None] - scores[~responded]
    assert row["auc"] == pytest.approx(((difference > 1e-12) + 0.5 * (abs(difference) <= 1e-12)).mean(), abs=1e-4)
    assert row["auc_low"] < row["auc"] < row["auc_high"] and row["auc_absolute"] == row["auc"]
    assert row["pairs"] == 40 * 39 and row["stimulated_neurons"] == row["measured_neurons"] == 40
    assert row["responding_pairs"] == responded.sum() and row["unmatched_neurons"] == 1
    assert abs(row["auc_permuted"] - 0.5) < 0.03 and row["auc_permuted_p"] == pytest.approx(1 / 51)
    assert arrays["unmatched"].tolist() == ["XX1"]
    manifest = json.loads((worm / "out" / "manifest.json").read_text())
    assert manifest["combos"][0]["connectome"]["unmatched"] == ["XX1"]


def test_synaptic_steps_are_those_of_the_shortest_path(worm):
    summary, arrays = done(worm)
    names = arrays["names"].tolist()
    linked = linear_model(worm).loc[names, names].to_numpy()  # powers of the weights, of which the first are steps
    steps, reached = np.full(linked.shape, np.inf), np.eye(40)
    rows = pd.read_csv(worm / "herm_full_edgelist.csv", skipinitialspace=True)
    rows = rows[rows["Type"] == "chemical"]
    edges = np.zeros((40, 40))
    for by, to in zip(rows["Source"].str.strip(), rows["Target"].str.strip(), strict=True):
        edges[names.index(to), names.index(by)] = 1
    for number in range(1, 40):
        reached = edges @ reached
        steps[np.isinf(steps) & (reached > 0)] = number
    np.testing.assert_array_equal(arrays["synaptic_steps"], steps[arrays["responding"], arrays["stimulated"]])
    assert arrays["step_names"].tolist() == ["1", "2", "3", "4 or more", "no path"]
    assert arrays["step_pairs"].sum() == 40 * 39
    assert summary["share_of_steps_1"][0] == pytest.approx(arrays["responded"][arrays["synaptic_steps"] == 1].mean())


@pytest.mark.parametrize("measure", ["steady", "integral", "peak"])
def test_a_simulated_linear_network_responds_as_the_closed_form_says(worm, measure):
    few = ["responses.bootstrap=200", "responses.permutations=10", f"responses.quantity={measure}"]
    _, linear = done(worm, *few)
    _, simulated = done(worm, *few, "responses.method=simulated", f"paths.path_to_results={worm}/out2")
    again = ResultsFolder(worm / "out2").run(0, 0).arrays
    np.testing.assert_allclose(again["responses"], linear["responses"], atol=1e-6)
    assert simulated["responses"].shape == (40, 40)


def test_a_network_at_an_unstable_point_has_no_responses(worm):
    assert run(worm, "net.g=1.5") == 1
    record = json.loads((worm / "out" / "0" / "iter_0" / "run.json").read_text())
    assert record["status"] == "diverged" and "the fixed point is unstable" in record["reason"]


@pytest.mark.slow
def test_gains_by_class_are_fitted_and_drawn(worm):
    gains = ["responses.gains_by=role", f"net.labels={worm}/roles.csv", "responses.folds=3"]
    summary, arrays = done(worm, *gains)
    row = summary.iloc[0]
    assert arrays["gain_classes"].tolist() == ["inter", "motor", "sensory"]
    assert arrays["fold_gains"].shape == (3, 3) and (arrays["gains"] > 0).all()
    assert row["gain_of_motor"] == pytest.approx(arrays["gains"][1])
    assert row["auc_gains_change"] == pytest.approx(row["auc_gains"] - row["auc"], abs=1e-12)
    assert row["auc_joint_change"] == pytest.approx(row["auc_joint"] - row["auc_classes"], abs=1e-12)
    assert row["auc_joint_change_low"] > 0.1, "the wiring adds to the classes"
    assert abs(row["auc_classes"] - 0.5) < 0.1, "responses of the made-up worm know no classes"
    figures = worm / "figs"
    draw(worm)
    assert (figures / "overview.png").exists() and list((figures / "by_combo").glob("measured_responses*.png"))
    report = (figures / "report.html").read_text()
    assert "the AUC of measured responses is" in report and "One fitted gain per class" in report


@pytest.mark.slow
def test_networks_are_compared_on_the_same_pairs(worm, capsys):
    summary, _ = done(worm, ALL_TYPES)
    draw(worm)
    table, known = pd.read_csv(worm / "figs" / "response_differences.csv"), summary.set_index("synapse_type")["auc"]
    assert table["a"].tolist() == [f"synapse_type = {name}" for name in ("chemical", "chemical", "electrical")]
    for row in table.to_dict("records"):
        first, second = (known[row[side].split(" = ")[1]] for side in "ab")
        assert row["difference"] == pytest.approx(first - second, abs=1e-12)
        assert row["interval_low"] < row["difference"] < row["interval_high"]
    assert table["interval_low"][0] > 0.1, "responses of the made-up worm are those of chemical synapses"
    text = "On the same pairs, the AUC of synapse_type = chemical is above that of synapse_type = electrical by"
    assert text in capsys.readouterr().out


@pytest.mark.slow
def test_networks_are_compared_with_nulls_and_tables_with_each_other(worm, capsys):
    other = pd.read_csv(worm / "signal_propagation_wt.csv").iloc[::2]
    other.to_csv(worm / "unc31.csv", index=False)
    grid = json.dumps({"paths.responses": [f"{worm}/signal_propagation_wt.csv", f"{worm}/unc31.csv"],
                       "null": ["none", "degree"]})  # fmt: skip
    more = ["trainvalidate.iterations=3", "responses.restrict=measured"]
    summary, _ = done(worm, f"combosparams.combos_params={grid}", *more)
    assert len(summary) == 12 and (summary["status"] == "complete").all()
    means = summary.groupby(["paths.responses" if "paths.responses" in summary else "responses", "null"])["auc"].mean()
    assert means.iloc[1] > means.iloc[0] and means.iloc[3] > means.iloc[2], "degree, then none"
    draw(worm)
    out = capsys.readouterr().out
    assert "responses = unc31" in out
    assert "p = 0.02, the lowest that 50 permutations allow." in out
    drawn = sorted(path.name for path in (worm / "figs" / "by_combo").iterdir())
    assert any("responses=unc31" in name for name in drawn) and not any("csv" in name for name in drawn), drawn
    assert any("responses=unc31" in text for text in pd.read_csv(worm / "figs" / "means.csv")["combo"])
    assert "auc" in set(pd.read_csv(worm / "figs" / "tests.csv")["metric"])


@pytest.mark.parametrize(
    ("override", "text"),
    [
        ("paths.responses=", "[paths] responses: expected a table of measured responses"),
        ("paths.responses=nothing.csv", "[paths] responses: nothing.csv: expected a table with a row per measured"),
        ("responses.q=1e-9", "below which none of"),
        ("responses.occurrences=100", "[responses] occurrences: expected at most 8, the most that a pair"),
        ("responses.gains_by=rule", "[responses] gains_by: expected a kind of label"),
        ("model.integrator=rk4", "[model] integrator: expected euler"),
        ("net.roi=random", "[net]"),
        ("responses.quantity=sum", "[responses] quantity"),
    ],
)
def test_what_cannot_work_is_said_before_anything_starts(worm, capsys, override, text):
    more = ("paths.path_to_network=",) if "roi" in override else ()
    assert run(worm, override, *more) == 2
    error = capsys.readouterr().err
    assert text in error and not (worm / "out").exists()


READ = {
    "linear": (),
    "peak": ("responses.quantity=peak",),
    "simulated": ("responses.method=simulated", "responses.quantity=integral", "responses.response_time=5"),
    "gains": ("responses.gains_by=role", "responses.folds=2"),
}


@pytest.mark.parametrize("case", READ)
def test_every_option_that_a_run_accepts_is_read(worm, case):
    few = ("responses.bootstrap=200", "responses.permutations=10", *READ[case])
    with recorded_reads() as reads:
        assert run(worm, *few) == 0
    assert not unread([combo.config for combo in read_plan(worm / "a.ini", few).combos], reads)


# ---- the real worm


@pytest.fixture
def celegans(connectomes, tmp_path):
    """The folder of an INI on the wiring and responses of C. elegans."""
    source = connectomes / "celegans"
    if not (source / "signal_propagation_wt.csv").is_file():
        pytest.skip(f"measured responses of C. elegans are not at {source}")
    (tmp_path / "a.ini").write_text(INI.format(folder=source).replace(f"{source}/out", f"{tmp_path}/out"))
    return tmp_path


PUBLISHED = {"chemical": 0.600, "electrical": 0.660, "all": 0.640}


@pytest.mark.slow
@pytest.mark.parametrize("restrict", ["measured", "none"])
def test_a_plain_linear_model_on_the_wiring_of_the_worm_has_the_known_auc(celegans, restrict):
    """(I - W / 2)^-1 of input fractions: 205 measured neurons, 23,383 pairs."""
    summary, _ = done(celegans, ALL_TYPES, f"responses.restrict={restrict}")
    assert (summary["measured_neurons"] == 205).all() and (summary["pairs"] == 23_383).all()
    found = dict(zip(summary["synapse_type"], summary["auc"], strict=True))
    assert found == pytest.approx(PUBLISHED, abs=0.005)
    assert (abs(summary["auc_permuted"] - 0.5) < 0.02).all() and (summary["auc_permuted_sd"] < 0.03).all()


@pytest.mark.parametrize("kept", [None, "signal_propagation_wt.csv"])
def test_the_table_of_the_command_line_replaces_those_of_the_grid(worm, capsys, kept):
    tables = [str(worm / "signal_propagation_wt.csv"), str(worm / "herm_full_edgelist.csv")]
    with open(worm / "a.ini", "a") as file:
        file.write(f"[combosparams]\ncombos_params = {json.dumps({'paths.responses': tables})}\n")
    table = worm / kept if kept else ""
    if kept:
        plan = read_plan(worm / "a.ini", [f"paths.responses={table}"])
        assert len(plan.combos) == 1 and plan.config.paths.responses == str(table)
        assert plan.notes == (f"--set paths.responses={table} counts instead of the axis 'paths.responses' of "
                              "combos_params",)  # fmt: skip
    else:
        assert run(worm, "paths.responses=") == 2
        expected = "--set: [paths] responses: expected a table of measured responses with kind = responses, got ''"
        assert capsys.readouterr().err.startswith(f"error: {expected}")


def test_a_network_that_all_iterations_share_is_computed_once(worm, monkeypatch):
    computed = []

    def counted(*arguments):
        computed.append(network_responses(*arguments))
        return computed[-1]

    monkeypatch.setattr(computing, "network_responses", counted)
    more = ["trainvalidate.iterations=2", 'combosparams.combos_params={"null": ["none", "weights"]}']
    summary, arrays = done(worm, "responses.method=simulated", "responses.response_time=2", *more)
    assert (summary["status"] == "complete").all() and len(computed) == 1 + 2
    folder = ResultsFolder(worm / "out")
    np.testing.assert_array_equal(arrays["responses"], folder.run(0, 1).arrays["responses"])
    assert summary["auc"].nunique() == 3, "one of the network itself, two of its nulls"
