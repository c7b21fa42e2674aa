"""Connectomes against closed forms: scalings, orientation, files, the built-in ROIs and random networks."""

import codecs
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from randomnet.connectome import (
    Connectome,
    balanced,
    from_dense,
    in_degree,
    input_fraction,
    largest_component,
    log1p,
    scaled,
    sinkhorn,
    spectral_radius,
    with_spectral_radius,
)
from randomnet.formats import (
    FIBERS,
    TRANSMITTERS,
    FormatError,
    load_npy,
    load_pickle,
    read_roi_folder,
    roi_folders,
)
from randomnet.synthetic import built_in, random_network
from randomnet.synthetic.rois import ROI_STATISTICS, TRANSMITTER_SHARES
from tests.support.paths import ROOT


def named(n):
    return np.array([f"n{number}" for number in range(n)])


def signed(n=30, density=0.4, seed=0):
    """A random network with one sign per neuron, no autapses and weights over four decades."""
    rng = np.random.default_rng(seed)
    matrix = rng.lognormal(0, 2, (n, n)) * (rng.random((n, n)) < density) * np.where(rng.random(n) < 0.6, 1, -1)
    np.fill_diagonal(matrix, 0)
    return from_dense("signed", matrix, named(n))


def same_edges_and_signs(a, b):
    assert (a.post == b.post).all() and (a.pre == b.pre).all()
    assert (np.sign(a.weights) == np.sign(b.weights)).all()


# ---- scalings by rows, and components


@pytest.mark.parametrize("scaling", [balanced, input_fraction, in_degree, log1p])
def test_scalings_keep_edges_and_signs_and_say_their_name(scaling):
    made = signed()
    after = scaling(made)
    same_edges_and_signs(made, after)
    assert after.provenance["normalization"] == scaling.__name__
    empty = from_dense("empty", np.zeros((3, 3)), named(3))
    assert len(scaling(empty).weights) == 0


def test_inputs_after_scaling_by_rows():
    made = signed()
    matrix = input_fraction(made).dense()
    np.testing.assert_allclose(np.abs(matrix).sum(1), np.abs(made.dense()).any(1), atol=1e-12)
    matrix = balanced(made).dense()
    for sign in (1, -1):
        part = np.where(np.sign(matrix) == sign, matrix, 0).sum(1)
        np.testing.assert_allclose(part, 0.5 * sign * (np.sign(made.dense()) == sign).any(1), atol=1e-12)
    matrix, counts = in_degree(made).dense(), (made.dense() != 0).sum(1)
    size = np.sqrt(np.mean(np.square(made.weights)))
    rows = counts > 0
    np.testing.assert_allclose(matrix[rows], made.dense()[rows] / (size * np.sqrt(counts[rows, None])))
    np.testing.assert_allclose(np.expm1(np.abs(log1p(made).weights)), np.abs(made.weights))


@pytest.mark.parametrize("kind", ["strong", "weak"])
@pytest.mark.parametrize("seed", range(12))
def test_the_largest_component_is_that_of_reachability(kind, seed):
    rng = np.random.default_rng(seed)
    matrix = (rng.random((25, 25)) < rng.uniform(0.02, 0.08)).astype(float)
    reach = np.eye(25, dtype=bool) | (matrix > 0)
    if kind == "weak":
        reach |= reach.T
    for _ in range(5):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    sizes = (reach & reach.T).sum(1)
    made = Connectome("m", *np.nonzero(matrix), matrix[matrix > 0], named(25))
    if sizes.max() == 1:
        with pytest.raises(ValueError, match=f"no {kind}ly connected component"):
            largest_component(made, kind)
        return
    found = largest_component(made, kind)
    assert found.n == sizes.max() and found.provenance["neurons_outside_component_dropped"] == 25 - found.n
    kept = np.isin(made.names, found.names)
    assert len(set(map(tuple, (reach & reach.T)[kept]))) == 1  # one component, whole
    np.testing.assert_array_equal(found.dense(), matrix[np.ix_(kept, kept)])


def test_a_chain_has_no_strong_component_and_is_one_weakly():
    n = 3000
    chain = Connectome("chain", np.arange(1, n), np.arange(n - 1), np.ones(n - 1), named(n))
    assert largest_component(chain, "weak").n == n
    with pytest.raises(ValueError, match="no strongly connected component"):
        largest_component(chain, "strong")


# ---- the record


def test_a_matrix_comes_back_whole():
    matrix = signed().dense()
    made = from_dense("m", matrix, named(30))
    assert (made.dense() == matrix).all() and made.n == 30 and len(made.weights) == np.count_nonzero(matrix)


def test_signs_are_those_of_columns():
    matrix = np.array([[0, 1, -1, 0], [2, 0, -3, 0], [1, -1, 0, 0], [0, 0, 0, 0]], float)
    made = from_dense("m", matrix, named(4))
    assert made.signs.tolist() == [1, 0, -1, 0] and made.mixed == 1


def test_facts_of_a_small_network():
    matrix = np.array([[0, 1, 0, 0], [2, 0, -3, 0], [0, 0, 0, 5], [0, 0, 0, 0]], float)
    facts = from_dense("m", matrix, named(4), {"neurotransmitter": np.array(["a", "b", "a", "a"])}).facts()
    assert (facts["neurons"], facts["edges"], facts["density"]) == (4, 4, 4 / 12)
    assert facts["reciprocity"] == 2 / 4  # only 0 <-> 1
    assert (facts["excitatory"], facts["inhibitory"], facts["mixed_signs"]) == (3, 1, 0)
    assert facts["transmitters"] == {"a": 3, "b": 1} and facts["synthetic"] is False


def test_the_checksum_is_of_the_network_alone():
    a = signed()
    assert a.sha256() == from_dense("other name", a.dense(), a.names, provenance={"source": "x"}).sha256()
    labels = {"neurotransmitter": np.full(30, "gaba")}
    others = [
        scaled(a, 1.0000001),
        from_dense("signed", a.dense().T, a.names),
        from_dense("signed", a.dense(), a.names[::-1]),
        from_dense("signed", a.dense(), a.names, labels),
    ]
    assert len({a.sha256(), *(other.sha256() for other in others)}) == 5


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"pre": np.array([1])}, "one shape"),
        ({"pre": np.array([1, 3])}, r"0\.\.2"),
        ({"weights": np.array([1.0, np.nan])}, "finite"),
        ({"post": np.array([1, 0])}, "sorted"),
        ({"post": np.array([0, 0]), "pre": np.array([1, 1])}, "duplicates"),
        ({"labels": {"cell_fibers": np.array(["a"])}}, r"labels\['cell_fibers'\].*\(3,\).*\(1,\)"),
    ],
)
def test_a_record_checks_itself(changes, text):
    good = {"post": np.array([0, 1]), "pre": np.array([1, 2]), "weights": np.array([1.0, -1.0]), "names": named(3)}
    Connectome("good", **good)
    with pytest.raises(ValueError, match=text):
        Connectome("bad", **{**good, **changes})


def test_a_matrix_must_be_square():
    with pytest.raises(ValueError, match=r"square.*\(2, 3\)"):
        from_dense("m", np.ones((2, 3)), named(2))


# ---- groups


def test_groups_are_in_sorted_order():
    labels = {"neurotransmitter": np.array(["gaba", "acetylcholine", "gaba", "dopamine"])}
    index, groups = from_dense("m", np.eye(4)[::-1], named(4), labels).groups("neurotransmitter")
    assert groups.tolist() == ["acetylcholine", "dopamine", "gaba"] and index.tolist() == [2, 0, 2, 1]


def test_each_neuron_is_its_own_group():
    index, groups = signed(5).groups("neuron")
    assert index.tolist() == [0, 1, 2, 3, 4] and groups.tolist() == named(5).tolist()


def test_unknown_groups():
    with pytest.raises(ValueError, match="no labels 'cell_fibers'; it has neuron"):
        signed(5).groups("cell_fibers")


@pytest.mark.slow
def test_groups_do_not_depend_on_the_hash_seed(roi_folder):
    code = (
        "import sys; from pathlib import Path; from randomnet.formats import read_roi_folder as read\n"
        "c = read(Path(sys.argv[1]))\n"
        "print(c.sha256(), [[x.tolist() for x in c.groups(k)] for k in ('neurotransmitter', 'cell_fibers')])"
    )
    folder, said = roi_folder(), set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", code, str(folder)]
        said.add(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    assert len(said) == 1 and "acetylcholine" in said.pop()


# ---- scalings


@pytest.mark.parametrize("g", [0.1, 1.5])
def test_scaled(g):
    before = signed()
    after = scaled(before, g)
    same_edges_and_signs(before, after)
    np.testing.assert_array_equal(after.dense(), g * before.dense())
    assert after.provenance["g"] == g and "g" not in before.provenance


@pytest.mark.parametrize("n", [2, 3, 8])
def test_spectral_radius_of_a_cycle(n):
    """Eigenvalues of a cycle are the n-th roots of the product of its weights; its symmetric part has others."""
    weights = np.random.default_rng(n).uniform(0.1, 9, n) * np.where(np.arange(n) % 2, -1, 1)
    matrix = np.zeros((n, n))
    matrix[(np.arange(n) + 1) % n, np.arange(n)] = weights
    closed = np.abs(weights).prod() ** (1 / n)
    cycle = from_dense("cycle", matrix, named(n))
    assert spectral_radius(cycle) == pytest.approx(closed, rel=1e-12)
    assert spectral_radius(from_dense("cycle", matrix.T, named(n))) == pytest.approx(closed, rel=1e-12)
    after = with_spectral_radius(cycle)
    np.testing.assert_allclose(after.dense(), matrix / closed, rtol=1e-12)
    assert spectral_radius(after) == pytest.approx(1, rel=1e-12)
    assert after.provenance["spectral_radius_before"] == pytest.approx(closed)


def test_spectral_radius_of_a_triangle_is_its_diagonal_entry():
    """General solver: a strongly non-normal matrix, whose largest singular value is far from its radius."""
    matrix = np.triu(np.full((6, 6), 50.0), 1) + np.diag([0.5, -2.0, 1.0, 0.1, 1.5, -0.3])
    triangle = from_dense("triangle", matrix, named(6))
    assert spectral_radius(triangle) == pytest.approx(2, rel=1e-9)
    same_edges_and_signs(triangle, with_spectral_radius(triangle))


def test_no_cycle_no_radius():
    order = np.random.default_rng(0).permutation(12)
    matrix = np.tril(np.ones((12, 12)), -1)[np.ix_(order, order)]
    with pytest.raises(ValueError, match="dag has spectral radius 0"):
        with_spectral_radius(from_dense("dag", matrix, named(12)))


def sinkhorn_cases():
    rng = np.random.default_rng(5)
    lacking = signed(20, 0.5, 3).dense()
    lacking[0] = np.where(lacking[0] > 0, lacking[0], 0)  # no inhibitory input
    lacking[1] = np.where(lacking[1] < 0, lacking[1], 0)  # no excitatory input
    lacking[2] = 0  # no input
    lacking[:, 3] = 0  # no output
    positive = np.abs(rng.standard_normal((9, 9))) * (1 - np.eye(9))
    yield signed()
    yield built_in("AB")
    yield from_dense("lacking", lacking, named(20))
    yield from_dense("one sign", -positive, named(9))


@pytest.mark.parametrize("before", list(sinkhorn_cases()), ids=lambda case: case.name)
@pytest.mark.parametrize("iterations", [1, 10])
def test_sinkhorn(before, iterations):
    after = sinkhorn(before, iterations, 0)
    same_edges_and_signs(before, after)
    matrix, was = after.dense(), before.dense()
    reported = after.provenance["sinkhorn_residual"]
    for sign, word in ((1, "excitatory"), (-1, "inhibitory")):
        block, there = np.where(np.sign(was) == sign, matrix, 0), np.sign(was) == sign
        rows = there.any(1)
        np.testing.assert_allclose(block[rows].sum(1), sign * 0.5, rtol=1e-13)
        assert (block[~rows] == 0).all()
        assert (word in reported) == rows.any()
        if rows.any():
            columns = np.abs(block).sum(0)[there.any(0)]
            target = 0.5 * rows.sum() / there.any(0).sum()  # all rows' input, shared by the columns
            assert reported[word] == pytest.approx(np.abs(columns / target - 1).max(), rel=1e-9, abs=1e-13)


def test_sinkhorn_converges_and_stops_at_its_tolerance():
    before = built_in("AB")
    ends = [max(sinkhorn(before, n, 0).provenance["sinkhorn_residual"].values()) for n in (1, 5, 20, 100)]
    assert ends == sorted(ends, reverse=True) and ends[-1] < 1e-6
    stopped, longer = sinkhorn(before, 10_000, 1e-3), sinkhorn(before, 100, 0)
    found = max(stopped.provenance["sinkhorn_residual"].values())
    assert 1e-6 < found <= 1e-3 and (stopped.weights != longer.weights).any()


def test_sinkhorn_forgets_the_scale_of_rows_and_columns():
    """Its limit is one matrix for all D1 W D2."""
    before, rng = from_dense("w", 1 + np.random.default_rng(1).random((7, 7)), named(7)), np.random.default_rng(2)
    rows, columns = rng.uniform(0.1, 9, (2, 7))
    again = from_dense("w", rows[:, None] * before.dense() * columns, named(7))
    np.testing.assert_allclose(sinkhorn(again, 500, 0).dense(), sinkhorn(before, 500, 0).dense(), rtol=1e-10)


def test_sinkhorn_needs_one_sign_per_neuron():
    with pytest.raises(ValueError, match="one sign per neuron, but 10 of random"):
        sinkhorn(random_network(10, 1.0, np.random.default_rng(0)))


# ---- the FlyStability ROI folder


def two_neurons(signs):
    return {
        "adjacency": np.array([[0.0, 7.0], [0.0, 0.0]]),  # row 0, column 1: 7 synapses
        "ids": np.array([11, 22]),
        "signs": np.array(signs),
        "transmitters": {11: 1, 22: 0},
        "fibers": {11: 0, 22: 1},
    }


@pytest.mark.parametrize(
    ("rows", "signs", "post", "pre", "weight"),
    [
        ("source", [1, 0], 1, 0, 7.0),  # neuron 0 is presynaptic, and excitatory
        ("source", [0, 1], 1, 0, -7.0),
        ("target", [1, 0], 0, 1, -7.0),  # neuron 1 is presynaptic, and inhibitory
        ("target", [0, 1], 0, 1, 7.0),
    ],
)
def test_one_synapse_between_two_neurons(roi_folder, rows, signs, post, pre, weight):
    read = read_roi_folder(roi_folder(**two_neurons(signs)), rows)
    expected = np.zeros((2, 2))
    expected[post, pre] = weight
    np.testing.assert_array_equal(read.dense(), expected)
    assert read.names.tolist() == ["11", "22"] and read.provenance["rows"] == rows


def test_a_folder_is_read_as_it_is(roi_folder):
    folder = roi_folder()
    counts, signs = np.load(folder / "adjacency_scc.npy"), np.load(folder / "ei_neuron_types.npy")
    read = read_roi_folder(folder)
    np.testing.assert_array_equal(np.abs(read.dense()), counts.T)
    assert read.signs.tolist() == (2 * signs - 1).tolist()
    assert read.labels["neurotransmitter"].tolist() == [
        "acetylcholine", "acetylcholine", "acetylcholine", "dopamine", "gaba", "glutamate",
    ]  # fmt: skip
    assert read.labels["cell_fibers"].tolist() == [FIBERS[code] for code in (0, 0, 1, 1, 2, 185)]
    assert read.provenance["synthetic"] is False and len(read.provenance["files"]) == 5
    assert roi_folders(folder.parent) == ["TINY"]


def test_the_codes_are_those_of_the_predecessor():
    assert TRANSMITTERS == ("gaba", "acetylcholine", "glutamate", "serotonin", "octopamine", "dopamine", "neither")
    assert len(FIBERS) == len(set(FIBERS)) == 186
    assert (FIBERS[0], FIBERS[1], FIBERS[60], FIBERS[185]) == ("PDM25", "ADM09", "PDL01", "AVL15")


OTHER_NAMES = {
    "signs": "ei_neuron.npy",
    "transmitters": "ei_neuron_types.pkl",
    "fibers": "cell_body_fiber_assignement.pkl",
}


def test_both_spellings_of_the_names(roi_folder):
    assert read_roi_folder(roi_folder("A", files=OTHER_NAMES)).sha256() == read_roi_folder(roi_folder("B")).sha256()


@pytest.mark.parametrize(
    "changes",
    [
        {"transmitters": lambda codes: {key: TRANSMITTERS[code] for key, code in codes.items()}},
        {"fibers": lambda codes: {str(key): FIBERS[code] for key, code in codes.items()}},
        {"fibers": lambda codes: {np.int64(key): np.int32(code) for key, code in codes.items()}},
        {"transmitters": lambda codes: {**codes, 999: 3}},  # a neuron outside of the component
        {"adjacency": lambda counts: counts.astype(np.uint16)},
        {"adjacency": np.asfortranarray},
        {"adjacency": lambda counts: counts + 4 * np.eye(6)},  # self-connections are dropped
        {"ids": lambda ids: ids.astype(float)},
        {"signs": lambda signs: signs.astype(bool)},
        {"signs": lambda signs: signs.astype(float)},
    ],
    ids=["names", "names by text ids", "NumPy integers", "more", "uint16", "Fortran", "autapses", "float ids",
         "bool signs", "float signs"],
)  # fmt: skip
def test_other_ways_to_write_the_same_network(roi_folder, changes):
    assert read_roi_folder(roi_folder("A", **changes)).sha256() == read_roi_folder(roi_folder("B")).sha256()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_pickle_protocol(tmp_path, protocol):
    content = {1: 2, 3: "PDM25", "list": [1.5, None, True, (1,)], np.int64(7): np.int64(8)}
    (tmp_path / "d.pkl").write_bytes(pickle.dumps(content, protocol))
    assert load_pickle(tmp_path / "d.pkl") == content


class Runs:
    """Unpickles by calling a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize(
    ("function", "arguments", "named"),
    [
        (os.system, ("touch {}",), "posix.system"),
        (subprocess.Popen, ("touch {}",), "Popen"),
        (eval, ("open('{}', 'w')",), "eval"),
        (open, ("{}", "w"), "open"),
        (getattr, (1, "real"), "getattr"),
        (np.load, ("{}",), "numpy"),
        (Path, ("{}",), "pathlib"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_pickle_runs_nothing(tmp_path, function, arguments, named, protocol):
    target = tmp_path / "ran"
    content = {1: Runs(function, *(a.format(target) if isinstance(a, str) else a for a in arguments))}
    (tmp_path / "d.pkl").write_bytes(pickle.dumps(content, protocol))
    with pytest.raises(FormatError, match=rf"d\.pkl: .*{named}.*refused"):
        load_pickle(tmp_path / "d.pkl")
    assert not target.exists()


def test_a_pickle_may_not_choose_a_codec(tmp_path):
    (tmp_path / "d.pkl").write_bytes(pickle.dumps({1: Runs(codecs.encode, "x", "rot13")}))
    with pytest.raises(FormatError, match=r"d\.pkl: expected bytes in latin1, got rot13"):
        load_pickle(tmp_path / "d.pkl")


def test_an_array_of_objects_is_not_unpickled(tmp_path):
    target = tmp_path / "ran"
    np.save(tmp_path / "a.npy", np.array([Runs(os.system, f"touch {target}")], dtype=object), allow_pickle=True)
    with pytest.raises(FormatError, match=r"a\.npy: expected a \.npy array of numbers"):
        load_npy(tmp_path / "a.npy")
    assert not target.exists()


def test_an_archive_is_not_an_array(tmp_path):
    np.savez(tmp_path / "a.npz", np.ones(2))
    with pytest.raises(FormatError, match="archive of several"):
        load_npy(tmp_path / "a.npz")


# ---- the mushroom body of the larva


def reached(edges, start):
    """Which nodes a breadth-first search from `start` reaches; edges: (N, N) bool [to, from]."""
    seen = np.zeros(len(edges), bool)
    front = np.arange(len(edges)) == start
    seen |= front
    while front.any():
        front = edges[:, front].any(1) & ~seen
        seen |= front
    return seen


@pytest.mark.parametrize(("side", "neurons"), [("left", 126), ("right", 139)])
def test_larva(connectomes, side, neurons):
    """The ROI folder is the largest strongly connected component of the published edge list, signs on columns."""
    read = read_roi_folder(connectomes / "rois" / f"LARVA_MB_{side.upper()}")
    counts = np.abs(read.dense())
    assert read.n == neurons and reached(counts > 0, 0).all() and reached(counts.T > 0, 0).all()
    kind = pd.Series(read.labels["cell_fibers"]).map(dict(zip(FIBERS[:4], "KIOP", strict=True))).to_numpy()
    assert (read.signs == np.where(kind == "O", -1, 1)).all()
    assert set(read.labels["neurotransmitter"][kind == "K"]) == {"acetylcholine"}
    assert set(read.labels["neurotransmitter"][kind == "O"]) == {"glutamate"}
    # Kenyon cells drive the output neurons, which do not answer
    assert counts[np.ix_(kind == "O", kind == "K")].sum() > 2000 and not counts[np.ix_(kind == "K", kind == "O")].any()

    neurons = pd.read_csv(connectomes / f"larva_{side}_csv" / "traced-neurons.csv").set_index("bodyId")
    edges = pd.read_csv(connectomes / f"larva_{side}_csv" / "traced-total-connections.csv")
    published = np.zeros((len(neurons), len(neurons)))
    place = pd.Series(range(len(neurons)), neurons.index)
    published[place[edges["bodyId_post"]], place[edges["bodyId_pre"]]] = edges["weight"]
    np.fill_diagonal(published, 0)
    inside = reached(published > 0, 0) & reached(published.T > 0, 0)
    np.testing.assert_array_equal(counts, published[np.ix_(inside, inside)])
    assert (kind == neurons["type"][inside]).all()


def test_larva_with_both_spellings(connectomes, tmp_path):
    folder = connectomes / "rois" / "LARVA_MB_LEFT"
    shutil.copytree(folder, tmp_path / "LARVA_MB_LEFT")
    for old, new in (
        ("ei_neuron_types.npy", "ei_neuron.npy"),
        ("neurotransmitter_assignments.pkl", "ei_neuron_types.pkl"),
        ("cell_body_fiber_assignments.pkl", "cell_body_fiber_assignement.pkl"),
    ):
        (tmp_path / "LARVA_MB_LEFT" / old).rename(tmp_path / "LARVA_MB_LEFT" / new)
    assert read_roi_folder(tmp_path / "LARVA_MB_LEFT").sha256() == read_roi_folder(folder).sha256()


def test_larva_balanced(connectomes):
    read = read_roi_folder(connectomes / "rois" / "LARVA_MB_RIGHT")
    after = sinkhorn(read)
    matrix = after.dense()
    same_edges_and_signs(read, after)
    np.testing.assert_allclose(np.where(matrix > 0, matrix, 0).sum(1), 0.5)
    inhibited = (matrix < 0).any(1)
    np.testing.assert_allclose(np.where(matrix < 0, matrix, 0).sum(1)[inhibited], -0.5)


# ---- the built-in ROIs

# N that FlyStability's own run settings allow (its README's nLE = ceil(p N))
SIZES = {"AB": (57, 58), "EB": (436, 436), "PB": (353, 380), "NO": (496, 518), "ATL": (527, 528)}


@pytest.fixture(scope="module", params=list(ROI_STATISTICS))
def region(request):
    return request.param, built_in(request.param)


def test_built_in_size_and_density(region):
    name, made = region
    low, high = SIZES[name]
    assert low <= made.n <= high
    assert made.facts()["density"] == pytest.approx(ROI_STATISTICS[name].density, rel=0.1)


def test_built_in_is_strongly_connected(region):
    edges = region[1].dense() != 0
    assert reached(edges, 0).all() and reached(edges.T, 0).all() and not edges.diagonal().any()


def test_built_in_synapse_counts_have_a_heavy_tail(region):
    """Whole numbers of which the top tenth holds more than that of an exponential, 0.1 (1 + ln 10) = 0.33."""
    counts = np.sort(np.abs(region[1].weights))[::-1]
    assert (counts == counts.round()).all() and counts[-1] == 1
    assert counts[: len(counts) // 10].sum() > 0.38 * counts.sum()
    assert counts[0] > 25 * np.median(counts)


def test_built_in_edges_are_answered(region):
    """More than in a random network, where the share of answered edges is the density."""
    name, made = region
    edges = made.dense() != 0
    answered = (edges & edges.T).sum() / edges.sum()
    assert abs(answered - ROI_STATISTICS[name].reciprocity) < 0.12 and answered > 1.8 * made.facts()["density"]


def test_built_in_signs_follow_the_transmitter(region):
    made = region[1]
    assert made.mixed == 0
    expected = [TRANSMITTER_SHARES[transmitter][1] for transmitter in made.labels["neurotransmitter"]]
    assert made.signs.tolist() == expected and set(expected) == {1, -1}


def test_built_in_labels(region):
    name, made = region
    assert len(set(made.names)) == made.n and len(made.groups("cell_fibers")[1]) == ROI_STATISTICS[name].fibers


def test_built_in_says_that_it_is_made_up(region):
    facts = region[1].facts()
    assert facts["synthetic"] is True and "synthetic" in facts["source"]


def test_built_in_is_one_fixed_network(region):
    np.random.seed(1)  # the global generator must not matter
    assert built_in(region[0]).sha256() == region[1].sha256()


# ---- the random network


@pytest.mark.parametrize(("n", "g"), [(2, 1.0), (50, 0.5), (200, 3.0)])
def test_random_weights_have_variance_g_squared_over_n(n, g):
    """Sum of M = N (N-1) squares over g^2/N is chi-squared: mean M, variance 2 M; five standard deviations allowed."""
    draws = [random_network(n, g, np.random.default_rng(seed)) for seed in range(400 if n == 2 else 3)]
    weights = np.concatenate([made.weights for made in draws]) * np.sqrt(n) / g
    m = len(weights)
    assert m == len(draws) * n * (n - 1)
    assert abs(np.square(weights).sum() - m) < 5 * np.sqrt(2 * m)
    assert abs(weights.sum()) < 5 * np.sqrt(m)
    assert abs((weights**4).sum() - 3 * m) < 5 * np.sqrt(96 * m)  # Gaussian: E w^4 = 3, Var w^4 = 96


def test_random_network_has_no_self_connections_and_all_others():
    made = random_network(20, 1.0, np.random.default_rng(0))
    assert ((made.dense() == 0) == np.eye(20, dtype=bool)).all() and made.facts()["synthetic"] is True


def test_random_weights_are_independent_of_their_answers():
    """Not symmetric, nor antisymmetric: the correlation of J_ij with J_ji is 0 within five standard errors."""
    matrix = random_network(200, 1.0, np.random.default_rng(3)).dense()
    upper = np.triu_indices(200, 1)
    assert abs(np.corrcoef(matrix[upper], matrix.T[upper])[0, 1]) < 5 / np.sqrt(len(upper[0]))


def test_random_radius_is_g():
    """The circular law: all eigenvalues within g, up to finite-size fluctuations of order N^-1/2."""
    assert spectral_radius(random_network(400, 1.5, np.random.default_rng(0))) == pytest.approx(1.5, rel=0.15)


def test_random_network_is_drawn_from_its_generator():
    a, b, c = (random_network(9, 1.0, np.random.default_rng(seed)).sha256() for seed in (1, 1, 2))
    assert a == b != c
