"""What --describe says and draws: facts known by hand, components and eigenvalues by other routes, the command."""

import errno
import os
import re
import resource
import subprocess
import sys
import time
import types

import numpy as np
import pytest

import runrandomnet
from randomnet import plotting
from randomnet.build.connectome import connectome_of
from randomnet.connectome import (
    Connectome,
    components,
    eigenvalues,
    eigenvalues_of,
    from_dense,
    saving,
    strong_components,
    weak_components,
)
from randomnet.connectome.eigenvalues import leading
from randomnet.description import as_text, contents_as_text, describe, groups_of, weight_facts
from randomnet.experiment import network_descriptions
from randomnet.schema.plan import read_plan
from tests.support.announcements import INI, announced
from tests.support.marks import slow_except
from tests.support.paths import ROOT

FIGURES = ("degrees", "eigenvalues", "matrix")


def by_hand():
    """0 <-> 1 with weights 2 and 8, 1 -> 2 with 3, and neuron 3, inhibitory, to itself and to 2."""
    matrix = np.zeros((4, 4))
    matrix[1, 0], matrix[0, 1], matrix[2, 1], matrix[3, 3], matrix[2, 3] = 2, 8, 3, -5, -1
    labels = {"neurotransmitter": np.array(["acetylcholine", "acetylcholine", "unknown", "gaba"])}
    notes = {"source": "hand", "synthetic": True, "neurons_without_sign": 1, "autapses_dropped": 7, "g": 1.0}
    return from_dense("hand", matrix, np.array(list("abcd")), labels, notes)


def edges(matrix):
    post, pre = np.nonzero(matrix)
    return post, pre, matrix[post, pre]


def test_all_facts_of_a_network_known_by_hand():
    about = describe(by_hand())
    assert about["neurons"] == 4 and about["edges"] == 5 and about["density"] == 5 / 12
    assert about["self_connections"] == 1 and about["reciprocity"] == 3 / 5
    in_degrees = {0: 1, 5: 1, 25: 1, 50: 1, 75: 1.25, 95: 1.85, 100: 2}
    assert about["in_degree"]["quantiles"] == pytest.approx(in_degrees) and about["in_degree"]["count"] == 4
    assert about["out_degree"]["quantiles"][0] == 0 and about["out_degree"]["mean"] == 1.25
    assert about["weights"]["excitatory"]["count"] == 3 and about["weights"]["excitatory"]["quantiles"][50] == 3
    assert about["weights"]["inhibitory"]["quantiles"][100] == 5 and about["weights"]["unit"] == "J"
    assert about["components"]["weak"] == {"number": 1, "largest": 4}
    assert about["components"]["strong"] == {"number": 3, "largest": 2}
    assert about["labels"] == {"neurotransmitter": {"acetylcholine": 2, "gaba": 1, "unknown": 1}}
    assert about["excitatory"] == 2 and about["inhibitory"] == 1 and about["neurons_without_output"] == 1
    assert about["spectral_radius"] == {"value": 5.0, "exact": True, "residual": 0.0, "converged": True}
    assert sorted(eigenvalues_of(by_hand()).values.real) == [-5, -4, 0, 4]


def test_the_text_holds_the_facts_one_a_line():
    text = as_text(describe(by_hand()), weight_facts(by_hand()))
    lines = {line[2:32].strip(): line[32:].strip() for line in text.splitlines()}
    assert text.startswith("hand (synthetic, not measured), as the runs use it: g = 1\n")
    assert lines["neurons"] == "4" and lines["edges"] == "5" and lines["self-connections"].startswith("1,")
    assert lines["density"].startswith("0.4167 of") and lines["reciprocity"].startswith("0.6 of")
    assert lines["neurons without a sign"] == "1"
    dropped = next(line for line in contents_as_text(describe(by_hand())).splitlines() if "themselves" in line)
    assert dropped.split() == ["connections", "of", "neurons", "with", "themselves", "7", "drop_autapses", "=", "True"]
    assert lines["strongly connected"] == "3 components, the largest of 2 neurons (50.0%)"
    assert lines["neurotransmitter"] == "3 groups: acetylcholine 2 (50.0%), gaba 1 (25.0%), unknown 1 (25.0%)"
    assert lines["spectral radius"].startswith("5 (all eigenvalues")
    assert lines["sha256 of this network"] == by_hand().sha256()
    assert "|J| excitatory, as read and used (J)" in text
    before = {**weight_facts(by_hand()), "unit": "synapses"}
    assert "|J| excitatory, as read (synapses)" in as_text(describe(by_hand()), before)


@pytest.mark.parametrize("seed", range(60))
def test_components_and_their_eigenvalues_against_matrix_powers_and_the_dense_solver(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 14))
    present = rng.random((n, n)) < rng.random() * 0.4
    post, pre, _ = edges(present)
    either = present | present.T
    monkeypatch.setattr(components, "SMALL", (0, components.SMALL)[seed % 2])  # by scipy, or by products
    for found, matrix in ((strong_components(post, pre, n), present), (weak_components(post, pre, n), either)):
        reach = np.linalg.matrix_power(np.eye(n) + matrix, n) > 0
        assert np.array_equal(found[:, None] == found, reach & reach.T)
        assert set(found) == set(range(found.max() + 1))
    weights = present * rng.standard_normal((n, n))
    found = eigenvalues(*edges(weights), strong_components(*edges(weights)[:2], n))
    assert found.complete and len(found.values) == n
    assert np.allclose(np.poly(found.values).real, np.poly(weights), atol=1e-9)


@pytest.mark.parametrize("values", [[3.0], [1, 2], np.random.default_rng(0).lognormal(size=999).tolist()])
def test_quantiles_are_those_of_numpy(values):
    n = len(values) + 1
    post, pre = np.arange(1, n), np.zeros(n - 1, np.int64)
    star = Connectome("star", post, pre, -np.array(values, float), np.arange(n).astype(str), {}, {"source": "x"})
    found = weight_facts(star)["inhibitory"]
    assert found["mean"] == pytest.approx(np.mean(values)) and found["count"] == len(values)
    for percent, value in found["quantiles"].items():
        assert value == pytest.approx(np.percentile(values, percent))
    assert weight_facts(star)["excitatory"] == {"count": 0, "mean": None, "quantiles": {}}


def test_a_long_path_and_a_long_cycle_need_no_recursion():
    here = np.arange(50_000)
    assert len(np.unique(strong_components(here[1:], here[:-1], 50_000))) == 50_000
    assert len(np.unique(strong_components(np.roll(here, -1), here, 50_000))) == 1
    shuffled = np.random.default_rng(0).permutation(here)
    assert len(np.unique(weak_components(shuffled[1:], shuffled[:-1], 50_000))) == 1


def pair(rng, n, values):
    """A random matrix with two more eigenvalues: those of the 2 x 2 block, in a random plane."""
    plane, _ = np.linalg.qr(rng.standard_normal((n, 2)))
    return 0.5 * rng.standard_normal((n, n)) / np.sqrt(n) + plane @ np.array(values) @ plane.T


@pytest.mark.parametrize("seed", slow_except(range(4), 0))
@pytest.mark.parametrize("kind", ["circular law", "positive", "negative", "complex", "both signs alike"])
def test_arnoldi_finds_the_spectral_radius_of_the_dense_solver(kind, seed):
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((300, 300)) / np.sqrt(300)
    matrix = {
        "circular law": noise,
        "positive": np.abs(noise),
        "negative": noise - 2 / 300,
        "complex": pair(rng, 300, [[0.5, 1.5], [-1.5, 0.5]]),
        "both signs alike": pair(rng, 300, [[2.0, 0], [0, -2.0]]),
    }[kind]
    exact, found = np.linalg.eigvals(matrix), leading(*edges(matrix))
    assert found.radius == pytest.approx(np.abs(exact).max(), rel=1e-6) and found.residual < 1e-6
    top = exact[np.abs(exact).argmax()]
    assert min(abs(found.values[0] - top), abs(found.values[0] - top.conj())) < 1e-5 or kind == "both signs alike"
    assert not found.complete


def test_arnoldi_ends_where_its_space_is_invariant_and_says_where_it_has_not_converged():
    flat = np.ones((200, 200)) - np.eye(200)  # two different eigenvalues
    assert leading(*edges(flat)).radius == pytest.approx(199)
    ring = np.roll(np.eye(3000), 1, axis=0)  # 3000 eigenvalues of magnitude 1
    found = leading(*edges(ring))
    assert found.residual > 1e-3 and found.radius <= 1 + 1e-9
    nothing = leading(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    assert nothing.radius == 0 and nothing.residual == 0
    about = describe(by_hand(), found)
    assert not about["spectral_radius"]["converged"] and "not converged" in as_text(about)


@pytest.mark.parametrize("n", [30, 300])
def test_arnoldi_leaves_out_neurons_without_edges(n):
    rng = np.random.default_rng(3)
    matrix = rng.random((n, n)) * (rng.random((n, n)) < 0.3)
    matrix[::7], matrix[:, ::7] = 0, 0
    found = leading(*edges(matrix))
    assert found.radius == pytest.approx(np.abs(np.linalg.eigvals(matrix)).max(), rel=1e-6)
    assert len(found.values) == min(len(matrix) - len(matrix[::7]), 40)


def test_arnoldi_of_a_large_network_makes_fewer_products(monkeypatch):
    import scipy.sparse.linalg

    products = []

    class Counted(scipy.sparse.linalg.LinearOperator):
        def __init__(self, matrix):
            super().__init__(matrix.dtype, matrix.shape)
            self.matrix = matrix

        def _matvec(self, vector):
            products.append(1)
            return self.matrix @ vector

    eigs = scipy.sparse.linalg.eigs
    counted = lambda matrix, *given, **named: eigs(Counted(matrix), *given, **named)  # noqa: E731
    monkeypatch.setattr(scipy.sparse.linalg, "eigs", counted)
    monkeypatch.setattr(sys.modules[leading.__module__], "LARGE", 2000)
    ring = leading(*edges(np.roll(np.eye(3000), 1, axis=0)))
    assert ring.residual > 1e-3 and 500 < len(products) < 1000  # of the 3,600 of smaller networks
    matrix = np.abs(np.random.default_rng(0).standard_normal((300, 300)))
    assert leading(*edges(matrix)).radius == pytest.approx(np.abs(np.linalg.eigvals(matrix)).max(), rel=1e-6)


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
@pytest.mark.parametrize("n", [20, 300])
def test_arnoldi_of_a_rank_one_matrix_is_its_trace_at_any_scale(n, scale):
    rng = np.random.default_rng(1)
    one, other = rng.random(n), rng.random(n)
    found = leading(*edges(np.outer(one, other) * scale))
    assert found.radius == pytest.approx(one @ other * scale, rel=1e-9) and found.residual < 1e-9
    zero = leading(*edges(np.outer(one, other))[:2], np.zeros(n * n))
    assert zero.radius == 0 and zero.residual == 0


@pytest.mark.parametrize("kind", ["full", "one sign alike"])
def test_arnoldi_gives_the_same_bytes_twice(kind):
    rng = np.random.default_rng(2)
    matrix = rng.standard_normal((300, 300)) if kind == "full" else np.ones((300, 300))  # its space has one dimension
    once, again = leading(*edges(matrix)), leading(*edges(matrix))
    assert once.values.tobytes() == again.values.tobytes()


def test_neurons_are_sorted_by_group_then_sign_then_out_degree():
    groups = groups_of(by_hand())
    assert groups.by == "neurotransmitter" and groups.names == ("acetylcholine", "gaba", "unknown")
    assert groups.sizes == (2, 1, 1) and groups.order.tolist() == [1, 0, 3, 2]
    bare = from_dense("bare", by_hand().dense(), by_hand().names)
    assert groups_of(bare).names == ("excitatory", "inhibitory", "no output")
    regions = from_dense("r", by_hand().dense(), by_hand().names, {"region": np.array(list("dcba"))})
    assert groups_of(regions).order.tolist() == [0, 1, 2, 3] and groups_of(regions).names == tuple("dcba")


def test_the_matrix_has_postsynaptic_rows_and_of_many_neurons_the_means_of_blocks():
    network = by_hand()
    groups = groups_of(network)
    figure = plotting.weight_matrix(network.post, network.pre, network.weights, groups.order, groups.by, groups.names,
                                    groups.sizes)  # fmt: skip
    image = figure.axes[0].images[0].get_array()
    assert np.array_equal(image, network.dense()[np.ix_(groups.order, groups.order)])
    assert figure.axes[0].get_xlabel().startswith("presynaptic") and figure.axes[0].get_ylabel().startswith("postsyn")
    post, pre = np.arange(1, 2000), np.zeros(1999, np.int64)
    large = plotting.weight_matrix(post, pre, np.full(1999, 4.0), np.arange(2000), "sign", ["excitatory"], [2000])
    image = large.axes[0].images[0].get_array()
    assert image.shape == (500, 500) and image[1, 0] == 1.0 and image[0, 0] == 0.75 and not image[:, 1:].any()
    assert "mean J" in large.axes[1].get_xlabel()


def test_the_curves_of_degrees_are_shares_of_at_least_this_much():
    axes = plotting.degrees(*edges(by_hand().dense()), 4).axes[0]
    x, y = axes.lines[1].get_data()  # out-degrees 1, 2, 0, 2
    assert x.tolist() == [0, 1, 2, 2] and y.tolist() == [1, 0.75, 0.5, 0]


def describing(tmp_path, *more, text=None, roi="AB"):
    ini = tmp_path / "one.ini"
    ini.write_text(text or INI.format(results=tmp_path / "results", roi=roi))
    return runrandomnet.main([str(ini), "--describe", "--save_figs", str(tmp_path / "figs"), *more])


def drawn(tmp_path):
    return sorted(path.name for path in (tmp_path / "figs").iterdir())


@pytest.mark.slow
def test_both_networks_of_the_default_config_are_described_in_the_current_folder(tmp_path):
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    ended = subprocess.run([sys.executable, ROOT / "runrandomnet.py", ROOT / "config.ini", "--describe"],
                           cwd=tmp_path, env=environment, capture_output=True, text=True)  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "2 different networks in 2 combos" in ended.stdout and "synthetic, not measured" in ended.stdout
    assert "normalization sinkhorn, g = 3" in ended.stdout and "as read (synapses)" in ended.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["describe_config"]
    names = sorted(path.name for path in (tmp_path / "describe_config").iterdir())
    assert names == sorted(f"EB_null={null}_{figure}.png" for null in ("none", "degree") for figure in FIGURES)
    assert all((tmp_path / "describe_config" / name).read_bytes().startswith(b"\x89PNG") for name in names)


def test_networks_that_differ_by_a_factor_share_their_eigenvalues(monkeypatch):
    rng = np.random.default_rng(4)
    matrix = rng.standard_normal((50, 50)) * (rng.random((50, 50)) < 0.3)
    other = matrix[rng.permutation(50)]
    asked = []
    counted = lambda network: asked.append(1) or eigenvalues_of(network)  # noqa: E731
    monkeypatch.setattr(network_descriptions, "eigenvalues_of", counted)
    known = {}
    for used in (matrix, other, 3.7 * matrix, 0.2 * other, np.zeros((50, 50))):
        found = network_descriptions._shared_eigenvalues(from_dense("m", used, np.arange(50).astype(str)), known)
        assert found.radius == pytest.approx(np.abs(np.linalg.eigvals(used)).max(), rel=1e-9)
    assert len(asked) == 3  # of the two networks, and of the one without edges


@pytest.mark.slow
def test_a_grid_of_two_nulls_is_two_networks_and_nothing_of_other_content_is_overwritten(tmp_path, capsys):
    text = INI.format(results=tmp_path / "results", roi="AB")
    text += '[combosparams]\ncombos_params = {"null": ["degree", "weights_sign"], "tsim": [10, 20]}\n'
    assert describing(tmp_path, text=text) == 0
    said = capsys.readouterr().out
    assert "2 different networks in 4 combos" in said and "combos 2, 3 (null = weights_sign), iteration 0" in said
    first = [f"AB_null={null}_{figure}.png" for null in ("degree", "weights_sign") for figure in FIGURES]
    assert drawn(tmp_path) == first and not (tmp_path / "results").exists()
    assert describing(tmp_path, text=text) == 0 and drawn(tmp_path) == first  # the same bytes again
    other = tmp_path / "figs" / first[0]
    other.write_bytes(b"mine")
    assert describing(tmp_path, text=text) == 0 and other.read_bytes() == b"mine"
    assert drawn(tmp_path) == sorted(first + [f"AB_null=degree-2_{figure}.png" for figure in FIGURES])


@pytest.mark.parametrize("changes, says", [
    (["--set", "net.roi=EBB"], "expected one of AB, EB"),
    (["--set", "net.null=boundary"], r"\[net\] null: expected one that AB allows"),
    (["--set", "paths.path_to_network=/not/there"], "path_to_network"),
])  # fmt: skip
def test_wrong_input_is_one_line_and_nothing_is_written(tmp_path, capsys, changes, says):
    assert describing(tmp_path, *changes) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and said.err.startswith("error: ") and not said.out
    assert re.search(says, said.err)
    assert [path.name for path in tmp_path.iterdir()] == ["one.ini"]


def test_a_folder_that_cannot_be_and_figures_without_describe_are_one_line(tmp_path, capsys):
    (tmp_path / "figs").write_text("a file")
    assert describing(tmp_path) == 2 and "--save_figs" in capsys.readouterr().err
    assert runrandomnet.main([str(tmp_path / "one.ini"), "--save_figs", "x"]) == 2
    assert "expected --describe with it" in capsys.readouterr().err


@pytest.mark.slow
def test_a_measured_region_is_described_with_its_files(connectomes, tmp_path, capsys):
    changes = [f"paths.path_to_network={connectomes / 'rois'}", "net.roi=LARVA_MB_LEFT"]
    assert describing(tmp_path, *(part for change in changes for part in ("--set", change))) == 0
    said = capsys.readouterr().out
    assert "(measured)" in said and "adjacency_scc.npy, sha256 2a194bc7" in said and "126 neurons (100.0%)" in said


@pytest.mark.slow
def test_a_hundred_thousand_neurons_take_seconds_and_little_memory():
    rng, n = np.random.default_rng(0), 100_000
    popular = rng.lognormal(size=n)
    key = np.unique(rng.choice(n, 1_000_000, p=popular / popular.sum()) * n + rng.integers(n, size=1_000_000))
    post, pre = np.divmod(key, n)
    weights = np.ceil(rng.lognormal(size=len(key))) * np.where(rng.random(n) < 0.8, 1, -1)[pre]
    whole = Connectome("whole", post, pre, weights, np.arange(n).astype(str), {}, {"source": "x", "synthetic": True})
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    found = eigenvalues_of(whole)
    about = describe(whole, found)
    seconds, memory = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert seconds < 60 and memory < 1e6  # kB; about 10 s and 0.3 GB
    assert not found.complete and about["spectral_radius"]["converged"]
    assert about["components"]["strong"]["largest"] > 90_000


# ---- networks that differ between iterations and combos


def table(said):
    """The rows of the table over iterations: name -> mean, sd, smallest, largest."""
    lines = iter(said.split("\n"))
    next(line for line in lines if "has a network of its own" in line)
    next(lines)
    rows = {}
    for line in lines:
        if not line.strip() or not line.startswith("  "):
            break
        name, *values = re.split(r"\s{2,}", line.strip())
        rows[name] = [float(value) for value in values]
    return rows


@pytest.mark.slow
def test_iterations_of_a_null_are_described_together_and_each_drawn(tmp_path, capsys):
    """By draws of the runs themselves; density is kept, reciprocity and radius differ."""
    text = INI.format(results=tmp_path / "results", roi="AB\nnull = degree")
    more = ("--set", "trainvalidate.iterations=4")
    assert describing(tmp_path, *more, text=text) == 0
    said = capsys.readouterr().out
    assert "over all 4 iterations" in said and "AB (a null model of the synthetic network), as the runs use it" in said
    runs = read_plan(tmp_path / "one.ini", ["trainvalidate.iterations=4"]).combos[0].runs()
    networks = [connectome_of(run) for run in runs]
    assert len({network.sha256() for network in networks}) == 4
    expected = {"reciprocity": [network.facts()["reciprocity"] for network in networks],
                "spectral radius": [np.abs(np.linalg.eigvals(network.dense())).max() for network in networks],
                "edges": [len(network.weights) for network in networks]}  # fmt: skip
    for name, values in expected.items():
        row = np.mean(values), np.std(values, ddof=1), min(values), max(values)
        np.testing.assert_allclose(table(said)[name], row, rtol=2e-4)
    assert table(said)["reciprocity"][1] > 0 == table(said)["edges"][1]


@pytest.mark.slow
@pytest.mark.parametrize("null, says", [("none", ""), ("dense", ""), ("erdos", "one draw of a random network")])
def test_one_network_of_all_iterations_has_no_table(tmp_path, capsys, null, says):
    text = INI.format(results=tmp_path / "results", roi="AB")
    iterations = 1 if says else 3
    more = ("--set", f"net.null={null}", "--set", f"trainvalidate.iterations={iterations}")
    assert describing(tmp_path, *more, "--set", "net.normalization=none", text=text) == 0
    said = capsys.readouterr().out
    assert "has a network of its own" not in said and says in said and ("one draw" in said) == bool(says)


def test_the_console_names_each_network_and_calls_a_null_a_null(tmp_path, capsys):
    said = announced(tmp_path, capsys, grid={"null": ["none", "degree"], "tsim": [2, 3]})
    connectome, null = said.split("combos 2, 3 (null = degree):")
    assert "combos 0, 1 (null = none):\nNetwork AB (synthetic, not measured):" in connectome
    assert "drawn anew" not in connectome and "null model" not in connectome
    assert "Network AB (null model degree of the synthetic network; drawn anew in each of 2 iterations" in null
    plan = read_plan(tmp_path / "one.ini", ["trainvalidate.iterations=2"])
    for text, combo in ((connectome, 0), (null, 2)):
        facts = connectome_of(plan.combos[combo].runs()[0]).facts()
        assert f"reciprocity {facts['reciprocity']:.2f}" in text


@pytest.mark.parametrize("neurons, redrawn", [(1, False), (2, True)])
def test_neurons_of_regions_are_drawn_anew_where_there_are_several(connectomes, tmp_path, capsys, neurons, redrawn):
    changes = ("net.roi=Mouse_Gamanut_Normalized", f"paths.path_to_network={connectomes / 'bio2art'}",
               f"net.nr_neurons={neurons}")  # fmt: skip
    said = announced(tmp_path, capsys, *changes)
    assert "Network Mouse_Gamanut_Normalized (measured" in said and ("drawn anew" in said) == redrawn
    plan = read_plan(tmp_path / "one.ini", [*changes, "trainvalidate.iterations=2"])
    assert (len({connectome_of(run).sha256() for run in plan.combos[0].runs()}) == 2) == redrawn


def test_networks_that_differ_by_a_factor_share_a_text_with_their_radii(tmp_path, capsys):
    said = announced(tmp_path, capsys, grid={"g": [1, 4]})
    assert said.count("Network AB") == 1 and "combo 0" not in said
    low, high = re.search(r"(\S+) to (\S+) after normalization and g", said).groups()
    assert float(high) == pytest.approx(4 * float(low), rel=1e-3)


def test_a_null_that_is_drawn_once_or_is_not_random_is_not_called_redrawn(tmp_path, capsys):
    for more in (["net.null=degree", "net.paired_topology=False"], ["net.null=dense", "net.normalization=none"]):
        said = announced(tmp_path, capsys, *more)
        assert "null model" in said and "drawn anew" not in said
    assert "drawn anew" not in announced(tmp_path, capsys, "net.null=degree", iterations=1)


def test_many_networks_are_counted(tmp_path, capsys):
    nulls = ["none", "degree", "erdos", "random_w", "weights", "weights_sign", "sign", "gaussian"]
    said = announced(tmp_path, capsys, "net.normalization=none", grid={"null": nulls})
    assert said.count("Network AB") == 6 and "... and 2 more networks" in said


@pytest.mark.parametrize("template", ["record", "fit_gru", "compare", "reaching"])
def test_runs_without_a_network_of_net_are_not_described(template, capsys):
    assert runrandomnet.main([str(ROOT / "config" / f"{template}.ini"), "--describe"]) == 2
    assert "expected --describe with runs that read [net], got none" in capsys.readouterr().err


# ---- --save


def read_again(tmp_path, path, *settings):
    """The network of an experiment on a saved file, with the default normalization and g."""
    text = INI.format(results=tmp_path / "more", roi="all").replace("[paths]\n", f"[paths]\npath_to_network = {path}\n")
    (tmp_path / "again.ini").write_text(text)
    return connectome_of(read_plan(tmp_path / "again.ini", settings).combos[0].runs()[0])


@pytest.mark.parametrize("ending", ["npz", "parquet", "csv", "graphml"])
@pytest.mark.parametrize("normalization", ["sinkhorn", "none"])
def test_the_saved_network_is_that_of_the_runs_and_is_not_normalized_again(tmp_path, capsys, ending, normalization):
    """With normalization = none its weights are counts, which `auto` would normalize in other files."""
    path, changes = tmp_path / f"net.{ending}", [f"net.normalization={normalization}", "net.null=degree"]
    assert describing(tmp_path, "--save", str(path), *(word for one in changes for word in ("--set", one))) == 0
    assert f"saved   {path}" in capsys.readouterr().out
    used = connectome_of(read_plan(tmp_path / "one.ini", changes).combos[0].runs()[0])
    again = read_again(tmp_path, path)
    assert again.sha256() == used.sha256() and "normalization" not in again.provenance
    assert again.provenance["saved"]["null"] == "degree" and again.provenance["synthetic"]
    halved = read_again(tmp_path, path, "net.g=0.5")
    assert np.array_equal(halved.weights, used.weights / 2)
    balanced = read_again(tmp_path, path, "net.normalization=balanced")  # what is asked for is done
    assert balanced.provenance["normalization"] == "balanced" and balanced.sha256() != used.sha256()


@pytest.mark.slow
def test_several_networks_are_saved_under_their_values_and_none_is_overwritten(tmp_path, capsys):
    text = INI.format(results=tmp_path / "results", roi="AB")
    text += '[combosparams]\ncombos_params = {"null": ["none", "degree"], "tsim": [10, 20]}\n'
    assert describing(tmp_path, "--save", str(tmp_path / "m.npz"), text=text) == 0
    names = ["m_null=degree.npz", "m_null=none.npz"]
    assert sorted(path.name for path in tmp_path.glob("*.npz")) == names
    plan = read_plan(tmp_path / "one.ini", [])
    for name, combo in zip(names, (2, 0), strict=True):
        assert read_again(tmp_path, tmp_path / name).sha256() == connectome_of(plan.combos[combo].runs()[0]).sha256()
    (tmp_path / names[1]).unlink()
    before = (tmp_path / names[0]).read_bytes()
    capsys.readouterr()
    assert describing(tmp_path, "--save", str(tmp_path / "m.npz"), text=text) == 2
    said = capsys.readouterr()
    assert "m_null=degree.npz: expected a new file" in said.err and said.err.count("\n") == 1 and not said.out
    assert (tmp_path / names[0]).read_bytes() == before and not (tmp_path / names[1]).exists()


@pytest.mark.parametrize("name, says", [
    ("net.mat", r"expected a name that ends in \.npz, \.parquet, \.csv, \.graphml, got \.mat"),
    ("one.ini", "expected a name that ends in"),
    ("there.csv", "expected a new file, got one that is there already"),
    ("nowhere/net.npz", "expected a file in a folder that exists"),
])  # fmt: skip
def test_a_file_that_cannot_be_saved_is_one_line_before_anything_is_written(tmp_path, capsys, name, says):
    (tmp_path / "there.csv").write_text("mine")
    assert describing(tmp_path, "--save", str(tmp_path / name)) == 2
    said = capsys.readouterr()
    assert re.search(says, said.err) and said.err.count("\n") == 1 and not said.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.ini", "there.csv"]
    assert (tmp_path / "there.csv").read_text() == "mine"


def test_a_full_disk_and_save_without_describe_are_one_line(tmp_path, capsys, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(saving, "os", types.SimpleNamespace(fsync=full, getpid=os.getpid))
    assert describing(tmp_path, "--save", str(tmp_path / "net.npz")) == 2
    error = capsys.readouterr().err
    assert "net.npz: expected a file that can be written, got: No space left" in error and error.count("\n") == 1
    assert not list(tmp_path.glob("*net*"))
    assert runrandomnet.main([str(tmp_path / "one.ini"), "--save", "x.npz"]) == 2
    assert "--save x.npz: expected --describe with it" in capsys.readouterr().err
