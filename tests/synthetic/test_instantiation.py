"""Regions to neurons: the predecessor's edge counts, weights that sum to the regions' own, and what is refused."""

import json
import time

import numpy as np
import pytest

import runrandomnet
from randomnet.connectome import Connectome, from_dense
from randomnet.formats import read_densities, read_region_matrix
from randomnet.initialisation import rank_order_remap, recurrent
from randomnet.instantiation import (
    DENSITY_SCALINGS,
    instantiate,
    neurons_by_density,
    neurons_per_region,
    stick_breaking,
)
from randomnet.nulls import random_w
from tests.support.marks import slow_except


@pytest.fixture
def bio2art(connectomes):
    return connectomes / "bio2art"


def made(matrix, neurons, *, seed=0, **settings):
    names = np.array([f"R{number}" for number in range(len(matrix))])
    regions = from_dense("regions", np.asarray(matrix, float), names, {"region": names}, {"source": "test"})
    return instantiate(regions, neurons, rng=np.random.default_rng(seed), **settings)


def region_sums(connectome, regions):
    """(N, N) sums of the weights between regions, and (N, N) numbers of edges."""
    index = {name: number for number, name in enumerate(regions.names)}
    of = np.array([index[name] for name in connectome.labels["region"]])
    pairs = of[connectome.post] * regions.n + of[connectome.pre]
    sums = np.bincount(pairs, connectome.weights, minlength=regions.n**2)
    return sums.reshape(regions.n, -1), np.bincount(pairs, minlength=regions.n**2).reshape(regions.n, -1)


def density(connectome):
    return len(connectome.weights) / connectome.n**2


# ---- the predecessor's edge counts


@pytest.mark.parametrize(
    ("name", "k", "units", "edges"),
    [
        ("Marmoset_Normalized", 4, 220, 23004),
        ("Macaque_Normalized", 4, 116, 6780),
        ("Human_Betzel_Normalized", 4, 228, 8268),
        ("Drosophila", 4, 196, 23988),
        ("Mouse_Gamanut_Normalized", 4, 76, 4176),
        ("Mouse_Ypma_Oh", 4, 224, 24372),
        ("Marmoset_Normalized", 1, 55, 1862),
        ("Marmoset_Normalized", 2, 110, 7558),
        ("Marmoset_Normalized", 3, 165, 11502),
        ("Marmoset_Normalized", 10, 550, 153910),
        ("Marmoset_Normalized", 12, 660, 230700),
    ],
)
@pytest.mark.parametrize("rand_partition", [True, False])
def test_edges_of_the_shipped_matrices(bio2art, name, k, units, edges, rand_partition):
    """No edge is lost, in single precision neither."""
    regions = read_region_matrix(bio2art, name)
    network = instantiate(regions, k, rand_partition=rand_partition, rng=np.random.default_rng(k))
    assert (network.n, len(network.weights)) == (units, edges)
    assert network.weights.astype(np.float32).min() > np.finfo(np.float32).tiny


def test_density_of_marmoset(bio2art):
    network = instantiate(read_region_matrix(bio2art, "Marmoset_Normalized"), 4, rng=np.random.default_rng(0))
    assert density(network) == pytest.approx(0.4753, abs=5e-5)


@pytest.mark.parametrize(
    ("settings", "edges", "share"),
    [
        ({"target_sparsity": 0.1, "intrinsic": False}, 6770, 0.0661),
        ({"intrinsic": False}, 54160, 0.5289),
        ({"keep_diag": True}, 58560, 0.5719),
        ({"keep_diag": True, "intrinsic_sparsity": 0.5}, 56360, 0.5504),
    ],
)
def test_edges_of_macaque_with_one_region_of_forty(bio2art, settings, edges, share):
    neurons = np.where(np.arange(29) == 4, 40, 10)
    regions = read_region_matrix(bio2art, "Macaque_Normalized")
    network = instantiate(regions, neurons, rand_partition=False, rng=np.random.default_rng(0), **settings)
    assert (network.n, len(network.weights)) == (320, edges)
    assert density(network) == pytest.approx(share, abs=5e-5)


def test_twelve_neurons_per_region_are_made_in_two_seconds(bio2art):
    regions = read_region_matrix(bio2art, "Marmoset_Normalized")
    start = time.process_time()
    instantiate(regions, 12, rng=np.random.default_rng(0))
    assert time.process_time() - start < 2


# ---- weights


@pytest.mark.parametrize("name", ["Marmoset_Normalized", "Mouse_Gamanut_Normalized", "Drosophila"])
@pytest.mark.parametrize("rand_partition", [True, False])
def test_region_sums_are_preserved(bio2art, name, rand_partition):
    """Between regions those of the matrix; within one share / (1 - share) = 4 times what leaves it, so 80 % of all."""
    regions = read_region_matrix(bio2art, name)
    network = instantiate(regions, 5, rand_partition=rand_partition, rng=np.random.default_rng(1))
    sums, edges = region_sums(network, regions)
    matrix = regions.dense()
    expected = matrix + np.diag(4 * matrix.sum(0))
    np.testing.assert_allclose(sums, expected, rtol=1e-13)
    np.testing.assert_array_equal(edges, 5 * 4 * (expected > 0))
    np.testing.assert_allclose(np.diag(sums) / sums.sum(0), 0.8)


def test_two_regions_keep_their_direction():
    """Only 0 -> 1 is connected: every edge between regions leads there, and only region 0 has weight to share."""
    network = made([[0, 0], [0.5, 0]], [2, 3], target_sparsity=1.0)
    matrix = network.dense()
    assert (matrix[2:, :2] > 0).all() and not matrix[:2, 2:].any() and not matrix[2:, 2:].any()
    assert matrix[2:, :2].sum() == pytest.approx(0.5) and matrix[:2, :2].sum() == pytest.approx(2.0)
    assert network.names.tolist() == ["R0.0", "R0.1", "R1.0", "R1.1", "R1.2"]
    assert network.labels["region"].tolist() == ["R0", "R0", "R1", "R1", "R1"]
    assert network.provenance["regions_without_intrinsic"] == ["R1"]


def test_every_neuron_of_a_source_has_its_share_of_different_targets():
    """k = 5 of 8 per source neuron, half to even: 2.5 -> 2, 3.5 -> 4; each target is as likely as any other."""
    for size, kept in ((5, 2), (7, 4)):
        network = made([[0, 0], [1, 0]], [3, size], target_sparsity=0.5, intrinsic=False)
        assert (network.dense()[3:, :3] > 0).sum(0).tolist() == [kept] * 3
    counts = sum((made([[0, 0], [1, 0]], [1, 5], intrinsic=False, target_sparsity=0.4, seed=s).dense() > 0)[1:, 0]
                 for s in range(500))  # fmt: skip
    assert counts.sum() == 1000 and np.abs(counts - 200).max() < 5 * np.sqrt(500 * 0.4 * 0.6)


def test_intrinsic_targets_are_others_and_all_alike():
    counts = sum((made([[0, 0], [1, 0]], [5, 1], intrinsic_sparsity=0.4, seed=s).dense() > 0)[:5, :5]
                 for s in range(500))  # fmt: skip
    assert not counts.diagonal().any() and (counts.sum(0) == 1000).all()
    assert np.abs(counts[~np.eye(5, dtype=bool)] - 250).max() < 5 * np.sqrt(500 / 4)


@pytest.mark.parametrize(("keep_diag", "share", "kept"), [(False, 1.0, 3), (True, 1.0, 4), (False, 0.9, 3),
                                                          (True, 0.9, 4), (False, 0.01, 1)])  # fmt: skip
def test_how_many_intrinsic_targets(keep_diag, share, kept):
    network = made([[0, 0], [1, 0]], [4, 1], keep_diag=keep_diag, intrinsic_sparsity=share)
    assert (network.dense()[:4, :4] > 0).sum(0).tolist() == [kept] * 4


def test_equal_parts():
    network = made([[0, 3], [1, 0]], [2, 5], rand_partition=False, target_sparsity=1.0, intrinsic=False)
    matrix = network.dense()
    np.testing.assert_allclose(matrix[:2, 2:], 0.3)
    np.testing.assert_allclose(matrix[2:, :2], 0.1)


def expected_moments(parts):
    """Mean and mean square of a random part of a stick of length 1, of which every break takes U(0, 1) of the rest.

    The i-th of the first parts - 1 has mean 2^-i and mean square 3^-i, the last those of the one before it; any of
    them is drawn, as the order is random.
    """
    breaks = np.append(np.arange(1, parts), parts - 1)
    return (0.5**breaks).mean(), (1 / 3.0**breaks).mean()


@pytest.mark.parametrize("parts", [2, 3, 8, 40])
def test_random_parts_have_the_moments_of_a_broken_stick(parts):
    """At every place, as the order is random; five standard errors allowed."""
    rng, draws = np.random.default_rng(parts), 4000
    shares = np.array([stick_breaking(parts, rng) for _ in range(draws)])
    mean, square = expected_moments(parts)
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-14)
    assert mean == pytest.approx(1 / parts)
    assert (np.abs(shares.mean(0) - mean) < 5 * shares.std(0) / np.sqrt(draws)).all()
    squares = np.square(shares)
    assert (np.abs(squares.mean(0) - square) < 5 * squares.std(0) / np.sqrt(draws)).all()


def as_in_bio2art(total, parts, rng):
    """What bio2art does, part after part: a uniform share of what is left, the rest at last, shuffled."""
    found, left = [], total
    for _ in range(parts - 1):
        found.append(rng.uniform(0, left))
        left -= found[-1]
    found.append(left)
    rng.shuffle(found)
    return np.array(found)


@pytest.mark.parametrize("parts", [2, 5, 12])
def test_ordered_parts_are_those_of_bio2art(parts):
    """From the largest to the smallest, in logarithms, by two samples; five standard errors of their difference."""
    draws, rng = 3000, np.random.default_rng(0)
    own = np.log([np.sort(stick_breaking(parts, rng)) for _ in range(draws)])
    theirs = np.log([np.sort(as_in_bio2art(1.0, parts, rng)) for _ in range(draws)])
    error = np.sqrt((own.var(0) + theirs.var(0)) / draws)
    assert (np.abs(own.mean(0) - theirs.mean(0)) < 5 * error).all()
    assert (np.abs(own.std(0) / theirs.std(0) - 1) < 0.2).all()


def test_many_parts_keep_their_order_and_stay_above_zero_in_single_precision():
    """The smallest of 2000 is e^-2000 of the whole; all differ, so that a remap has no ties."""
    shares = stick_breaking(2000, np.random.default_rng(0))
    assert len(np.unique(shares)) == 2000 and shares.sum() == pytest.approx(1, rel=1e-14)
    assert np.count_nonzero(shares > np.exp(-36)) == pytest.approx(36, abs=30)  # one a unit of the logarithm
    network = made([[0, 0], [4.6e-6, 0]], [60, 60], intrinsic=False)  # the smallest weight of Marmoset
    assert len(network.weights) == 60 * 48 and (network.weights.astype(np.float32) > 0).all()
    assert network.weights.sum() == pytest.approx(4.6e-6, rel=1e-12)


def test_it_is_drawn_from_its_generator(bio2art):
    regions = read_region_matrix(bio2art, "Macaque_Normalized")
    a, b, c = (instantiate(regions, 3, rng=np.random.default_rng(seed)).sha256() for seed in (1, 1, 2))
    assert a == b != c


# ---- what is said, and what is refused


def test_regions_of_one_neuron_have_no_intrinsic_connections_and_that_is_said(bio2art):
    regions = read_region_matrix(bio2art, "Macaque_Normalized")
    network = instantiate(regions, 1, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(network.dense(), regions.dense())
    assert network.provenance["regions_without_intrinsic"] == regions.names.tolist()
    with_self = instantiate(regions, 1, keep_diag=True, rng=np.random.default_rng(0))
    assert with_self.provenance["regions_without_intrinsic"] == [] and (with_self.dense().diagonal() > 0).all()
    assert instantiate(regions, 1, intrinsic=False, rng=np.random.default_rng(0)).provenance[
        "regions_without_intrinsic"] == []  # fmt: skip


def test_a_diagonal_gives_way_to_intrinsic_connections_and_that_is_said():
    matrix = [[7, 1], [1, 0]]
    network = made(matrix, 3)
    assert network.provenance["diagonal_replaced"] == 1
    assert network.sha256() == made([[0, 1], [1, 0]], 3).sha256()


def test_a_diagonal_is_spread_without_intrinsic_connections():
    network = made([[7, 1], [1, 0]], 3, intrinsic=False)
    inside = network.dense()[:3, :3]
    assert inside.sum() == pytest.approx(7) and not inside.diagonal().any() and (inside > 0).sum() == 6
    assert network.provenance["diagonal_replaced"] == 0
    assert made([[7, 1], [1, 0]], 1, intrinsic=False).provenance["regions_without_intrinsic"] == ["R0"]


def test_edges_come_from_the_list_not_from_the_weights():
    """The smallest weight there is between regions keeps its edges."""
    tiny = np.nextafter(0, 1)
    network = made([[0, 0], [tiny, 0]], [2, 2], target_sparsity=1.0, intrinsic=False)
    assert len(network.weights) == 4


def test_the_settings_are_in_the_provenance():
    provenance = made([[0, 1], [1, 0]], [2, 3], target_sparsity=0.5).provenance
    assert provenance["source"] == "test" and provenance["target_sparsity"] == 0.5
    assert provenance["neurons_per_region"] == [2, 3] and provenance["intrinsic_weight"] == 0.8


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"intrinsic_weight": 1.0}, "intrinsic_weight: expected .*below 1, got 1"),
        ({"intrinsic_weight": 0.0}, "intrinsic_weight: expected .*above 0"),
        ({"target_sparsity": 0.0}, "target_sparsity: expected .*above 0 and at most 1, got 0"),
        ({"target_sparsity": np.nan}, "target_sparsity"),
        ({"intrinsic_sparsity": 1.1}, "intrinsic_sparsity: expected .*at most 1, got 1.1"),
    ],
)
def test_settings_that_cannot_be(settings, text):
    with pytest.raises(ValueError, match=text):
        made([[0, 1], [1, 0]], 2, **settings)


def test_signed_regions_are_refused():
    with pytest.raises(ValueError, match="expected weights >= 0 between regions, got -1 in regions"):
        made([[0, -1], [1, 0]], 2)


# ---- neurons per region


def test_neurons_from_a_number_or_a_list():
    assert neurons_per_region(3, 4).tolist() == [4, 4, 4] and neurons_per_region(3, 4).dtype == np.int64
    assert neurons_per_region(3, [3, 1, 2]).tolist() == [3, 1, 2]  # in its order


@pytest.mark.parametrize(
    ("neurons", "text"),
    [
        ([1, 2], r"one number of neurons, or 3, one per region, got shape \(2,\)"),
        (0, "whole numbers >= 1, got 0"),
        ([1, -1, 2], "whole numbers >= 1"),
        (2.5, "whole numbers >= 1, got 2.5"),
        (True, "whole numbers >= 1"),
        ("four", "whole numbers >= 1"),
    ],
)
def test_neurons_that_cannot_be(neurons, text):
    with pytest.raises(ValueError, match=text):
        neurons_per_region(3, neurons)


@pytest.mark.parametrize(("scaling", "total"), [("ratio", 149), ("rank", 3080)])
def test_neurons_of_marmoset_by_density(bio2art, scaling, total):
    regions = read_region_matrix(bio2art, "Marmoset_Normalized")
    densities = read_densities(bio2art, "Marmoset_Normalized", regions.names)
    neurons = neurons_by_density(densities, scaling, 2)
    assert neurons.sum() == total and neurons.min() == 2
    assert (np.diff(neurons[np.argsort(densities)]) >= 0).all()  # denser regions have no fewer


def test_equal_densities_share_a_rank():
    assert neurons_by_density(np.array([5.0, 1.0, 5.0, 9.0]), "rank", 2).tolist() == [4, 2, 4, 6]


@pytest.mark.parametrize(
    ("densities", "scaling", "seed", "text"),
    [
        ([1, 2], "ranks", 2, "scaling must be one of ratio, rank, got 'ranks'"),
        ([1, np.nan], "ratio", 2, "expected densities > 0, got nan for region 1"),
        ([0, 1], "ratio", 2, "expected densities > 0, got 0 for region 0"),
        ([1, 2], "ratio", 0.1, "every region 1 to 2.31 neurons, got 0.1"),
        ([1e-300, 1e300], "ratio", 2, "every region 1 to 2.31 neurons"),
        ([1, 2], "rank", np.nan, "every region 1 to 2.31 neurons, got nan"),
    ],
)
def test_densities_that_cannot_be(densities, scaling, seed, text):
    assert list(DENSITY_SCALINGS) == ["ratio", "rank"]
    with pytest.raises(ValueError, match=text):
        neurons_by_density(np.array(densities, float), scaling, seed)


# ---- the radius that training starts from


def radius(connectome: Connectome, values):
    return np.abs(np.linalg.eigvals(connectome.replace(values).dense())).max()


@pytest.mark.slow
def test_the_spectral_radius_of_initial_weights(bio2art):
    """The predecessor's: .86-.88 remapped (one draw of a topology), .43 not remapped, .42 / .41 of the null.

    Allowed are three standard deviations over draws, here .03 remapped; simulated stick-breaking gives .95 +- .04.
    """
    regions = read_region_matrix(bio2art, "Marmoset_Normalized")
    radii = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        network = instantiate(regions, 4, rng=rng)
        null = random_w(network, rng)
        values = recurrent(network.n, len(network.weights), "default", rng)
        radii.append([radius(network, rank_order_remap(values, network.weights)), radius(network, values),
                      radius(null, rank_order_remap(values, null.weights)), radius(null, values)])  # fmt: skip
    remap, plain, null_remap, null_plain = np.mean(radii, axis=0)
    spread = np.std(radii, axis=0)
    assert spread[0] < 0.06 and (spread[1:] < 0.03).all()
    assert abs(remap - 0.87) < 3 * spread[0]
    assert abs(plain - 0.43) < 3 * spread[1]
    assert abs(null_remap - 0.42) < 3 * spread[2] and abs(null_plain - 0.41) < 3 * spread[3]


@pytest.mark.parametrize(
    ("name", "k", "published"),
    slow_except([
        ("Marmoset_Normalized", 2, 1.36),
        ("Marmoset_Normalized", 3, None),
        ("Marmoset_Normalized", 4, None),
        ("Marmoset_Normalized", 6, 0.65),
        ("Macaque_Normalized", 2, None),
        ("Macaque_Normalized", 6, None),
        ("Mouse_Ypma_Oh", 2, None),
        ("Mouse_Ypma_Oh", 6, None),
    ], ("Marmoset_Normalized", 2, 1.36)),
)  # fmt: skip
def test_the_remapped_radius_is_that_of_bio2art(bio2art, name, k, published):
    """Means over seeds, against bio2art's partition of the same totals; four standard errors of the difference.

    published: what bio2art itself gives, rounded, of which one draw may be three standard deviations off.
    """
    regions, seeds = read_region_matrix(bio2art, name), 6
    own, theirs = [], []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        network, equal = (instantiate(regions, k, rand_partition=random, rng=rng) for random in (True, False))
        values = recurrent(network.n, len(network.weights), "default", rng)
        own.append(radius(network, rank_order_remap(values, network.weights)))
        theirs.append(radius(equal, rank_order_remap(values, repartitioned(equal, k, rng))))
    error = np.sqrt((np.var(own, ddof=1) + np.var(theirs, ddof=1)) / seeds)
    assert abs(np.mean(own) - np.mean(theirs)) < 4 * error
    assert published is None or abs(np.mean(own) - published) < 3 * np.std(own, ddof=1)


def repartitioned(network, k, rng):
    """The weights of the network, those between every two of its regions of k neurons broken as in bio2art."""
    blocks = network.post // k * network.n + network.pre // k
    weights = np.empty(len(blocks))
    order = np.argsort(blocks, kind="stable")
    for inside in np.split(order, np.flatnonzero(np.diff(blocks[order])) + 1):
        weights[inside] = as_in_bio2art(network.weights[inside].sum(), len(inside), rng)
    return weights


def test_a_results_folder_of_another_partition_is_refused_with_the_reason(bio2art, tmp_path, capsys):
    """Folders of version 0.1 have networks of a Dirichlet partition, and say nothing of it."""
    out = tmp_path / "results"
    ini = tmp_path / "config.ini"
    ini.write_text(f"[experiment]\nkind = spectrum\n[paths]\npath_to_network = {bio2art}\npath_to_results = {out}\n"
                   "[net]\nroi = Mouse_Gamanut_Normalized\nnr_neurons = 2\n[lyapunov]\ntsim = 2\nnle = 2\n"
                   "[trainvalidate]\niterations = 1\n[execution]\nworkers = 1\n")  # fmt: skip
    arguments = [str(ini)]
    assert runrandomnet.main(arguments) == 0 == runrandomnet.main([*arguments, "--dry-run"])
    manifest = json.loads((out / "manifest.json").read_text())
    facts = manifest["combos"][0]["connectome"]
    assert facts.pop("partition") == "stick-breaking"
    facts |= {"concentration": 0.18, "sha256": "0" * 64}
    (out / "manifest.json").write_text(json.dumps(manifest))
    capsys.readouterr()
    for more, code in (([], 2), (["--dry-run"], 0)):  # which says that a run would be refused, and goes on
        assert runrandomnet.main([*arguments, *more]) == code
        output = capsys.readouterr()
        told = output.err + output.out
        assert "net.rand_partition breaks the weights of Mouse_Gamanut_Normalized as bio2art does" in told
        assert "since version 0.2.0" in told and "has changed" not in told
