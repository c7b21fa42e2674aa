"""Networks of regions: the two reference networks typed by hand, the rules of each block, and every bad key refused."""

import dataclasses
import json
import math
import time

import numpy as np
import pytest

from randomnet.synthetic.regions import (
    INITIALISATIONS,
    Connection,
    Description,
    Region,
    from_dict,
    input_matrix,
    read_description,
    region_network,
)

FIRST = {
    "__comment_source": ["the first dialect: cell types, and signs on connections"],
    "recurrent_regions": [
        {"name": "striatum", "num_units": 100, "base_firing": 0, "cell_types": {"d1": 0.5, "d2": 0.5}},
        {"name": "gpe", "num_units": 50, "base_firing": 1, "init": 1},
        {"name": "stn", "num_units": 50, "base_firing": 1},
        {"name": "snr", "num_units": 50, "base_firing": 1, "init": 1},
        {"name": "thal", "num_units": 50, "base_firing": 1},
        {"name": "alm", "num_units": 50, "base_firing": 0, "cell_types": {"exc": 0.7, "inhib": 0.3}},
    ],
    "recurrent_connections": [
        {"src_region": "striatum", "dst_region": "striatum", "sign": "inhib", "sparsity": 0.7},
        {"src_region": "striatum", "src_region_cell_type": "d2", "dst_region": "gpe", "sign": "inhib"},
        {"src_region": "striatum", "src_region_cell_type": "d1", "dst_region": "snr", "sign": "inhib"},
        {"src_region": "gpe", "dst_region": "stn", "sign": "inhib"},
        {"src_region": "stn", "dst_region": "snr", "sign": "exc"},
        {"src_region": "snr", "dst_region": "thal", "sign": "inhib"},
        {"src_region": "thal", "dst_region": "striatum", "sign": "exc"},
        {"src_region": "thal", "dst_region": "alm", "sign": "exc"},
        {"src_region": "alm", "src_region_cell_type": "exc", "dst_region": "alm", "sign": "exc"},
        {"src_region": "alm", "src_region_cell_type": "inhib", "dst_region": "alm", "sign": "inhib"},
        {"src_region": "alm", "src_region_cell_type": "exc", "dst_region": "striatum", "sign": "exc"},
    ],
    "input_regions": [{"name": "iti", "num_units": 1}],
    "input_connections": [{"input": "iti", "dst_region": "striatum", "sign": "exc", "sparsity": 0.5}],
}
FIRST_BLOCKS = {"striatum/d1": 50, "striatum/d2": 50, "gpe": 50, "stn": 50, "snr": 50, "thal": 50, "alm/exc": 35,
                "alm/inhib": 15}  # fmt: skip
FIRST_SIGNS = [  # [post, pre], in the order of the blocks
    [-1, -1, 0, 0, 0, 1, 1, 0],
    [-1, -1, 0, 0, 0, 1, 1, 0],
    [0, -1, 0, 0, 0, 0, 0, 0],
    [0, 0, -1, 0, 0, 0, 0, 0],
    [-1, 0, 0, 1, 0, 0, 0, 0],
    [0, 0, 0, 0, -1, 0, 0, 0],
    [0, 0, 0, 0, 0, 1, 1, -1],
    [0, 0, 0, 0, 0, 1, 1, -1],
]

SECOND = {
    "recurrent_regions": [
        {"name": "d1", "num_units": 50, "sign": "neg", "parent_region": "striatum"},
        {"name": "d2", "num_units": 50, "sign": "neg", "parent_region": "striatum"},
        {"name": "gpe", "num_units": 50, "sign": "neg", "base_firing": 1, "init": 1},
        {"name": "stn", "num_units": 50, "base_firing": 1},
        {"name": "snr", "num_units": 50, "sign": "neg", "base_firing": 1, "init": 1, "parent_region": None},
        {"name": "thal", "num_units": 50, "sign": "pos", "base_firing": 1, "learnable_bias": True},
        {"name": "alm_exc", "num_units": 40, "parent_region": "alm"},
        {"name": "alm_inhib", "num_units": 10, "sign": "neg", "parent_region": "alm"},
    ],
    "recurrent_connections": [
        {"src_region": "d1", "dst_region": "d1", "sparsity": 0.9},
        {"src_region": "d1", "dst_region": "d2", "sparsity": 0.9},
        {"src_region": "d2", "dst_region": "d1", "sparsity": 0.9},
        {"src_region": "d2", "dst_region": "d2", "sparsity": 0.9},
        {"src_region": "d2", "dst_region": "gpe", "sparsity": 0.25},
        {"src_region": "d1", "dst_region": "snr", "sparsity": 0.25},
        {"src_region": "gpe", "dst_region": "stn", "sparsity": 0.25},
        {"src_region": "stn", "dst_region": "snr", "sparsity": 0.25},
        {"src_region": "snr", "dst_region": "thal", "sparsity": 0.25},
        {"src_region": "thal", "dst_region": "d1", "sparsity": 0.25},
        {"src_region": "thal", "dst_region": "d2", "sparsity": 0.25},
        {"src_region": "thal", "dst_region": "alm_exc", "sparsity": 0.25},
        {"src_region": "thal", "dst_region": "alm_inhib", "sparsity": 0.25},
        {"src_region": "alm_exc", "dst_region": "alm_exc", "sparsity": 0.25},
        {"src_region": "alm_exc", "dst_region": "alm_inhib", "sparsity": 0.25},
        {"src_region": "alm_inhib", "dst_region": "alm_exc", "sparsity": 0.25},
        {"src_region": "alm_inhib", "dst_region": "alm_inhib", "sparsity": 0.25},
        {"src_region": "alm_exc", "dst_region": "d1", "sparsity": 0.25},
        {"src_region": "alm_exc", "dst_region": "d2", "sparsity": 0.25},
    ],
    "input_regions": [{"name": "iti", "num_units": 25}],
    "input_connections": [
        {"src_region": "iti", "dst_region": "d1", "sparsity": 0.25},
        {"src_region": "iti", "dst_region": "d2", "sparsity": 0.25},
    ],
}
SECOND_BLOCKS = {"d1": 50, "d2": 50, "gpe": 50, "stn": 50, "snr": 50, "thal": 50, "alm_exc": 40, "alm_inhib": 10}
SECOND_KEPT = [  # [post, pre]: targets of each source unit, with the sign
    [-5, -5, 0, 0, 0, 37, 37, 0],
    [-5, -5, 0, 0, 0, 37, 37, 0],
    [0, -37, 0, 0, 0, 0, 0, 0],
    [0, 0, -37, 0, 0, 0, 0, 0],
    [-37, 0, 0, 37, 0, 0, 0, 0],
    [0, 0, 0, 0, -37, 0, 0, 0],
    [0, 0, 0, 0, 0, 30, 30, -30],
    [0, 0, 0, 0, 0, 7, 7, -7],
]


def made(content, seed=0, **settings):
    return region_network(from_dict(content), np.random.default_rng(seed), **settings)


def first(regions, connections=(), inputs=(), input_connections=()):
    """Generation 1 of the lists, with regions as (name, units) or (name, units, cell types)."""
    keys = ("name", "num_units", "cell_types")
    return {
        "recurrent_regions": [{**dict(zip(keys, region, strict=False)), "base_firing": 0} for region in regions],
        "recurrent_connections": [connection(*ends) for ends in connections],
        "input_regions": [dict(zip(keys, region, strict=False)) for region in inputs],
        "input_connections": [connection(*ends, source_key="input") for ends in input_connections],
    }


def connection(source, target, sign="exc", source_key="src_region", **more):
    """`source` and `target` are names, or region/cell_type."""
    found = {"sign": sign, **more}
    for key, end in ((source_key, source), ("dst_region", target)):
        found[key], *types = end.split("/")
        found.update({f"{key}_cell_type": name for name in types})
    return found


def changed(content, path, value):
    """A copy with `value` at the path of keys and indices, or without the key where it is Ellipsis."""
    content = json.loads(json.dumps(content))
    place = content
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    elif isinstance(place, list) and path[-1] == len(place):
        place.append(value)
    else:
        place[path[-1]] = value
    return content


def tiles(matrix, sizes):
    """{(row, column): block} of a matrix whose rows and columns are cut into `sizes`."""
    ends = np.cumsum(sizes)[:-1]
    return {(row, column): block for row, rows in enumerate(np.split(matrix, ends, 0))
            for column, block in enumerate(np.split(rows, ends, 1))}  # fmt: skip


# ---- the reference networks


@pytest.mark.parametrize("initialisation", ["uniform", "balanced"])
def test_the_first_reference_network(initialisation):
    network = made(FIRST, initialisation=initialisation)
    assert (network.n, len(network.weights)) == (350, 29000)
    blocks = tiles(network.dense(), list(FIRST_BLOCKS.values()))
    assert [[np.sign(blocks[row, column].sum()) for column in range(8)] for row in range(8)] == FIRST_SIGNS
    for (row, column), block in blocks.items():
        assert set(np.sign(block).ravel()) <= {0, FIRST_SIGNS[row][column]}
        if max(row, column) > 1 and FIRST_SIGNS[row][column]:
            assert block.all()
    assert (np.count_nonzero(network.dense()[:100, :100], axis=0) == 30).all()
    labels = zip(network.labels["region"], network.labels["type"], strict=True)
    ends = [f"{region}/{cell_type}" if cell_type else region for region, cell_type in labels]
    assert ends == [name for name, units in FIRST_BLOCKS.items() for _ in range(units)]
    assert not any(network.labels["parent"])
    assert network.mixed == network.provenance["dale_broken"] == 0


def test_the_second_reference_network():
    network = made(SECOND)
    assert (network.n, len(network.weights)) == (350, 20610)
    for (row, column), block in tiles(network.dense(), list(SECOND_BLOCKS.values())).items():
        assert (np.sign(block).sum(0) == SECOND_KEPT[row][column]).all()
        assert (np.count_nonzero(block, axis=0) == abs(SECOND_KEPT[row][column])).all()
    assert network.labels["region"].tolist() == [name for name, units in SECOND_BLOCKS.items() for _ in range(units)]
    assert network.labels["parent"].tolist() == ["striatum"] * 100 + [""] * 200 + ["alm"] * 50
    assert not any(network.labels["type"])
    assert from_dict(SECOND).regions[5].learnable_bias


@pytest.mark.parametrize("content", [FIRST, SECOND])
def test_drive_initial_state_names_and_provenance(content):
    network = made(content)
    np.testing.assert_array_equal(network.drive, [0] * 100 + [1] * 200 + [0] * 50)
    np.testing.assert_array_equal(network.initial, ([0] * 100 + [1] * 50 + [0] * 50) + ([1] * 50 + [0] * 100))
    assert network.names[[0, 149, 150]].tolist() == [network.labels["region"][0] + "0000", "gpe0049", "stn0000"]
    sizes = {region["name"]: region["num_units"] for region in content["recurrent_regions"]}
    provenance = network.provenance
    assert provenance["source"] == "regions" and provenance["synthetic"] and provenance["regions"] == sizes
    assert provenance["inputs"] == {"iti": 1 if content is FIRST else 25}


def test_nothing_is_said_of_drive_and_state_where_all_are_zero():
    network = made(first([("a", 2)], [("a", "a")]))
    assert network.drive is None and network.initial is None


def test_names_of_units_are_their_own_also_beyond_ten_thousand():
    names = made(first([("a", 10001), ("a1", 1)])).names
    assert len(set(names)) == 10002 and names[[1, -1]].tolist() == ["a00001", "a100000"]


def test_it_survives_a_json_file(tmp_path):
    for content in (FIRST, SECOND):
        path = tmp_path / "net.json"
        path.write_text(json.dumps(content))
        assert read_description(path) == read_description(str(path)) == from_dict(content)


def test_the_reference_networks_are_made_in_a_second():
    start = time.process_time()
    for content in (FIRST, SECOND):
        made(content)
    assert time.process_time() - start < 1


# ---- blocks


@pytest.mark.parametrize(
    ("units", "given", "kept"),
    [
        (100, {"sparsity": 0.9}, 10),
        (2, {"sparsity": 0.25}, 1),
        (3, {"sparsity": 0.5}, 1),
        (4, {"sparsity": 0}, 4),
        (4, {"sparsity": None}, 4),
        (4, {"sparsity": 1}, 0),
        (4, {"sparsity": 1e-9}, 3),
        (4, {}, 4),
        (10, {"density": 0.7}, 7),  # 1 - .7 = .30000000000000004 in floats
        (100, {"sparsity": 0.07}, 93),  # 100 x .07 = 7.000000000000001 in floats
        (10, {"density": 0.71}, 7),
        (4, {"density": 0}, 0),
        (4, {"density": 1, "sparsity": None}, 4),
    ],
)
def test_zeros_per_column(units, given, kept):
    network = made(first([("a", 3), ("b", units)], [("a", "b", "inhib")]) | {
        "recurrent_connections": [connection("a", "b", "inhib", **given)]})  # fmt: skip
    matrix = network.dense()
    assert (np.count_nonzero(matrix[3:, :3], axis=0) == kept).all() and len(network.weights) == 3 * kept


def test_every_target_is_as_likely():
    """400 units each choose 3 of 10: each target has 120 +- 9.2, five standard deviations allowed."""
    content = first([("a", 400), ("b", 10)])
    content["recurrent_connections"] = [connection("a", "b", sparsity=0.7)]
    counts = np.count_nonzero(made(content).dense()[400:, :400], axis=1)
    assert counts.sum() == 1200 and np.abs(counts - 120).max() < 5 * math.sqrt(400 * 0.3 * 0.7)


@pytest.mark.parametrize(
    ("units", "fractions", "sizes"),
    [
        (5, [0.5, 0.5], [3, 2]),
        (50, [0.7, 0.3], [35, 15]),
        (100, [0.29, 0.71], [29, 71]),  # 28.999999999999996 in floats
        (10, [1 / 3, 1 / 3, 1 / 3], [4, 3, 3]),
        (10, [0.15, 0.35, 0.5], [2, 3, 5]),
        (7, [0.2, 0.2, 0.6], [2, 1, 4]),  # 1.4, 1.4, 4.2: both left units go by remainder, of equal ones to the first
        (8, [0.3, 0.3, 0.4], [3, 2, 3]),
        (3, [1.0], [3]),
    ],
)
def test_cell_types_have_the_largest_remainder(units, fractions, sizes):
    types = {f"t{number}": fraction for number, fraction in enumerate(fractions)}
    assert list(Region("a", units, cell_types=tuple(types.items())).type_units.values()) == sizes
    labels = made(first([("b", 2), ("a", units, types)])).labels["type"]
    assert labels.tolist() == ["", ""] + [name for name, size in zip(types, sizes, strict=True) for _ in range(size)]


def test_a_block_of_cell_types_has_their_sparsity():
    types = {"x": 0.25, "y": 0.75}
    content = first([("a", 8, types), ("b", 12, types)])
    content["recurrent_connections"] = [connection("a/y", "b/x", "inhib", sparsity=0.25)]
    matrix = made(content).dense()
    assert (np.count_nonzero(matrix[8:11, 2:8], axis=0) == 2).all() and np.count_nonzero(matrix) == 12
    assert matrix.max() == 0


def test_overlapping_connections_are_the_union_of_their_edges():
    types = {"x": 0.5, "y": 0.5}
    ends = [("a", "b"), ("a/x", "b"), ("a", "b/y"), ("b", "a", "inhib")]
    network = made(first([("a", 6, types), ("b", 4, types)], ends))
    assert len(network.weights) == 48 and np.abs(network.weights).max() <= math.sqrt(1 / 20)
    sparse = first([("a", 200, types), ("b", 4)])
    sparse["recurrent_connections"] = [connection("a", "b", sparsity=0.75), connection("a/x", "b", sparsity=0.75)]
    found = np.count_nonzero(made(sparse).dense()[200:, :200], axis=0)
    assert set(found[:100]) == {1, 2} and set(found[100:]) == {1}


def test_a_broken_dale_is_counted():
    network = made(first([("a", 3), ("b", 2)], [("a", "a"), ("a", "b", "inhib"), ("b", "a", "inhib")]))
    assert network.provenance["dale_broken"] == network.mixed == 3


def test_self_connections_are_allowed_and_can_be_removed():
    content = first([("a", 5), ("b", 3)], [("a", "a"), ("a", "b"), ("b", "b", "inhib")])
    whole, without = made(content), made(content, self_connections=False)
    assert np.diag(whole.dense()).all() and not np.diag(without.dense()).any()
    np.testing.assert_array_equal(without.dense(), whole.dense() - np.diag(np.diag(whole.dense())))


def test_a_network_may_have_no_connections():
    network = made(first([("a", 3)]))
    assert network.n == 3 and len(network.weights) == 0
    assert input_matrix(from_dict(first([("a", 3)])), np.random.default_rng(0))[1].shape == (3, 0)


# ---- weights


def test_uniform_weights():
    """U[0, sqrt(1/(2H))]: mean half the bound, standard deviation bound / sqrt(12); five standard errors allowed."""
    network, bound = made(FIRST), math.sqrt(1 / 700)
    sizes, edges = np.abs(network.weights), len(network.weights)
    assert sizes.min() > 0 and 0.999 < sizes.max() / bound <= 1
    assert abs(sizes.mean() - bound / 2) < 5 * bound / math.sqrt(12 * edges)
    assert abs(sizes.std() - bound / math.sqrt(12)) < 0.01 * bound


def test_unbalanced_excitation_has_the_radius_of_the_predecessor():
    """Three full regions of 100, two excitatory: mRNNTorch's radius is 2.07; every row sums to 100 bound / 2 = 2.04."""
    content = {"recurrent_regions": [{"name": name, "num_units": 100, "sign": sign}
                                     for name, sign in zip("abc", ("pos", "pos", "neg"), strict=True)],
               "recurrent_connections": [{"src_region": source, "dst_region": target}
                                         for source in "abc" for target in "abc"]}  # fmt: skip
    networks = [made(content, initialisation=how).dense() for how in ("uniform", "balanced")]
    radii = [np.abs(np.linalg.eigvals(network)).max() for network in networks]
    assert radii[0] == pytest.approx(2.05, abs=0.05) and radii[1] < 0.4


def test_xavier_weights_have_no_sign_and_the_variance_of_their_block():
    network = made(FIRST, initialisation="xavier")
    assert len(network.weights) == 29000
    matrix = network.dense()
    for block, fans in ((matrix[200:250, 150:200], 100), (matrix[:100, 250:300], 150), (matrix[300:, 300:335], 85)):
        assert block.std() == pytest.approx(math.sqrt(2 / fans), rel=5 / math.sqrt(2 * block.size))
        assert abs(block.mean()) < 5 * math.sqrt(2 / fans / block.size)
    assert network.provenance["dale_broken"] == network.mixed > 300


def test_balanced_inputs_are_equal_where_a_unit_has_both():
    uniform, balanced = made(FIRST), made(FIRST, initialisation="balanced")
    plus, minus = (np.maximum(sign * balanced.dense(), 0).sum(1) for sign in (1, -1))
    both = [0, 1, 4, 6, 7]  # of the blocks in FIRST_SIGNS; gpe, stn and thal have inhibition alone
    chosen = np.repeat([block in both for block in range(8)], list(FIRST_BLOCKS.values()))
    np.testing.assert_allclose(plus[chosen], minus[chosen], rtol=1e-12)
    np.testing.assert_array_equal(balanced.dense()[~chosen], uniform.dense()[~chosen])
    np.testing.assert_allclose(np.abs(balanced.dense()).sum(1), np.abs(uniform.dense()).sum(1), rtol=1e-12)
    np.testing.assert_array_equal(np.sign(balanced.weights), np.sign(uniform.weights))


@pytest.mark.parametrize("initialisation", INITIALISATIONS)
@pytest.mark.parametrize("radius", [0.3, 1.5])
def test_spectral_radius_is_that_of_numpy(initialisation, radius):
    network = made(FIRST, initialisation=initialisation, spectral_radius=radius)
    assert np.abs(np.linalg.eigvals(network.dense())).max() == pytest.approx(radius, rel=1e-9)
    plain = made(FIRST, initialisation=initialisation)
    np.testing.assert_allclose(network.weights / plain.weights, network.weights[0] / plain.weights[0])
    assert network.provenance["spectral_radius"] == radius


def test_a_feedforward_network_has_no_radius_to_scale():
    content = first([("a", 3), ("b", 4), ("c", 2)], [("a", "b"), ("b", "c", "inhib"), ("a", "c")])
    with pytest.raises(ValueError, match=r"^ff has spectral radius 0 \(no cycles\), so it cannot be scaled to 0\.9$"):
        made(content, spectral_radius=0.9, name="ff")
    loops = first([("a", 1), ("b", 4)], [("a", "a"), ("a", "b")])
    assert made(loops, spectral_radius=0.9).dense()[0, 0] == pytest.approx(0.9)
    with pytest.raises(ValueError, match="spectral radius 0"):
        made(loops, spectral_radius=0.9, self_connections=False)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"initialisation": "unifrom"}, "one of uniform, xavier, balanced, got 'unifrom'; did you mean 'uniform'?"),
        ({"spectral_radius": 0}, "spectral_radius must be a finite number above 0, got 0"),
        ({"spectral_radius": float("nan")}, "spectral_radius must be a finite number above 0, got nan"),
        ({"spectral_radius": math.inf}, "spectral_radius must be a finite number above 0, got inf"),
    ],
)
def test_settings_that_are_refused(settings, text):
    with pytest.raises(ValueError) as caught:
        made(FIRST, **settings)
    assert text in str(caught.value)


# ---- drawn from its generator, whatever the order


@pytest.mark.parametrize("initialisation", INITIALISATIONS)
def test_same_seed_same_bytes(initialisation):
    a, b, c = (made(FIRST, seed, initialisation=initialisation).sha256() for seed in (1, 1, 2))
    assert a == b != c


def test_inputs_too_are_drawn_from_their_generator():
    a, b, c = (input_matrix(from_dict(SECOND), np.random.default_rng(seed))[1].tobytes() for seed in (1, 1, 2))
    assert a == b != c


def test_blocks_are_not_alike():
    network = made(first([("a", 9), ("b", 9)], [("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")]))
    values = network.weights
    assert len(set(values)) == len(values) == 324


@pytest.mark.parametrize("content", [FIRST, SECOND])
@pytest.mark.parametrize("initialisation", INITIALISATIONS)
@pytest.mark.parametrize("radius", [None, 0.8])
def test_permuted_lists_are_the_permuted_network(content, initialisation, radius):
    rng = np.random.default_rng(3)
    other = {key: [entries[place] for place in rng.permutation(len(entries))] for key, entries in content.items()}
    settings = {"initialisation": initialisation, "spectral_radius": radius}
    one, two = made(content, **settings), made(other, **settings)
    assert one.names.tolist() != two.names.tolist()
    place = {name: number for number, name in enumerate(two.names)}
    order = [place[name] for name in one.names]
    # sums of floats depend on the order in their last bits, single draws do not
    tolerance = 0 if initialisation != "balanced" and radius is None else 1e-12
    np.testing.assert_allclose(two.dense()[np.ix_(order, order)], one.dense(), rtol=tolerance)
    for what in ("drive", "initial"):
        np.testing.assert_array_equal(getattr(two, what)[order], getattr(one, what))
    for kind, labels in one.labels.items():
        assert two.labels[kind][order].tolist() == labels.tolist()
    of_inputs = [input_matrix(from_dict(some), np.random.default_rng(0))[1] for some in (content, other)]
    np.testing.assert_array_equal(of_inputs[1][order], of_inputs[0])


def test_overlaps_do_not_depend_on_the_order():
    types = {"x": 0.5, "y": 0.5}
    content = first([("a", 6, types), ("b", 4, types)], [("a", "b"), ("a/x", "b"), ("a", "b/y")])
    turned = content | {"recurrent_connections": content["recurrent_connections"][::-1]}
    assert made(content).sha256() == made(turned).sha256()


# ---- inputs


def test_input_weights_of_the_references():
    names, matrix = input_matrix(from_dict(FIRST), np.random.default_rng(0))
    assert names == ["iti0000"] and matrix.shape == (350, 1)
    assert np.count_nonzero(matrix[:100]) == 50 and not matrix[100:].any() and matrix.min() == 0
    names, matrix = input_matrix(from_dict(SECOND), np.random.default_rng(0))
    assert names == [f"iti{number:04d}" for number in range(25)] and matrix.shape == (350, 25)
    for rows in (slice(0, 50), slice(50, 100)):
        assert (np.count_nonzero(matrix[rows], axis=0) == 37).all()
    bound = math.sqrt(1 / 375)
    assert not matrix[100:].any() and matrix.min() == 0 and 0.99 * bound < matrix.max() <= bound


def test_inputs_are_concatenated_and_signed():
    content = first([("a", 3, {"x": 0.67, "y": 0.33}), ("b", 2)], (), [("in1", 2), ("in0", 3)],
                    [("in0", "b", "inhib"), ("in1", "a/x")])  # fmt: skip
    names, matrix = input_matrix(from_dict(content), np.random.default_rng(0))
    assert names == ["in10000", "in10001", "in00000", "in00001", "in00002"]
    expected = [[1, 1, 0, 0, 0], [1, 1, 0, 0, 0], [0] * 5, [0, 0, -1, -1, -1], [0, 0, -1, -1, -1]]
    np.testing.assert_array_equal(np.sign(matrix), expected)
    second = {"recurrent_regions": [{"name": "a", "num_units": 2}],
              "input_regions": [{"name": "in", "num_units": 2, "sign": "neg"}],
              "input_connections": [{"src_region": "in", "dst_region": "a"}]}  # fmt: skip
    assert (input_matrix(from_dict(second), np.random.default_rng(0))[1] < 0).all()


# ---- dialects


def test_defaults():
    description = from_dict({"recurrent_regions": [{"base_firing": 2}, {"base_firing": 0, "name": "b"}],
                             "recurrent_connections": [{"src_region": "region_0", "dst_region": "b"}],
                             "input_regions": [{"num_units": 3}],
                             "input_connections": [{"input": "input_0", "dst_region": "b"}]})  # fmt: skip
    assert description.regions == (Region("region_0", 100, 2.0), Region("b", 100))
    assert description.connections == (Connection("region_0", "b", sign=1, sparsity=0.0),)
    assert (description.inputs[0].name, description.inputs[0].units, description.inputs[0].sign) == ("input_0", 3, None)
    second = from_dict({"recurrent_regions": [{"num_units": 5, "sign": "pos"}]})
    assert second == Description((Region("region_0", 5, sign=1),))


def test_a_file_without_a_telling_key_is_the_same_network_in_both():
    plain = {"recurrent_regions": [{"name": "a", "num_units": 3, "base_firing": 0}],
             "recurrent_connections": [{"src_region": "a", "dst_region": "a", "sparsity": 0.5}]}  # fmt: skip
    one = changed(plain, ("recurrent_regions", 0, "cell_types"), {})
    two = changed(plain, ("recurrent_regions", 0, "sign"), "pos")
    assert made(plain).sha256() == made(one).sha256() == made(two).sha256()


def test_without_a_telling_key_what_only_one_generation_reads_tells():
    no_drive = {"recurrent_regions": [{"name": "a", "num_units": 3}]}
    assert from_dict(no_drive).regions[0].base_firing == 0
    no_size = {"recurrent_regions": [{"name": "a", "base_firing": 0}]}
    assert from_dict(no_size).regions[0].units == 100
    with pytest.raises(ValueError, match="generation 1 requires"):
        from_dict({"recurrent_regions": [{"name": "a", "num_units": 3}, {"name": "b"}]})


def test_the_sign_of_a_connection_is_honoured():
    """Without another key of generation 1, the sign tells; it was ignored by generation 2 and must not be here."""
    content = {"recurrent_regions": [{"name": "a", "num_units": 3, "base_firing": 0}],
               "recurrent_connections": [{"src_region": "a", "dst_region": "a", "sign": "inhib"}]}  # fmt: skip
    assert (made(content).weights < 0).all()


BETWEEN = {"recurrent_regions": [{"name": "a", "num_units": 4, "parent_region": "c"}, {"name": "b", "num_units": 2}],
           "recurrent_connections": [{"src_region": "a", "dst_region": "b", "sign": "exc", "sparsity": 0.5},
                                     {"src_region": "b", "dst_region": "a", "sign": "inhib"}],
           "input_regions": [{"name": "in", "num_units": 2}],
           "input_connections": [{"src_region": "in", "dst_region": "a", "sign": "inhib"}]}  # fmt: skip


def test_versions_between_the_generations_have_signs_of_connections_and_inputs_by_src_region():
    description = from_dict(BETWEEN)
    assert [connection.sign for connection in description.connections] == [1, -1]
    assert description.input_connections == (Connection("in", "a", sign=-1),)
    assert description.regions[0] == Region("a", 4, parent="c") and description.regions[0].sign is None
    unsigned = changed(BETWEEN, (IC, 0, "sign"), ...)
    assert [connection.sign for connection in from_dict(unsigned).connections] == [1, -1]
    with pytest.raises(ValueError, match=r"input_connections\[0\].sign of generation 1 and"):
        from_dict(changed(BETWEEN, (R, 0, "sign"), "pos"))
    with pytest.raises(ValueError, match=r"dst_region: expected the name of a region, got none"):
        from_dict(changed(BETWEEN, (IC, 0, "dst_region"), ...))


def test_the_sign_of_a_region_is_that_of_its_connections():
    assert [connection.sign for connection in from_dict(SECOND).connections] == [-1] * 7 + [1] + [-1] + [1] * 6 + [
        -1, -1, 1, 1]  # fmt: skip


def test_records_are_frozen_and_tell_their_ends():
    assert str(Connection("a", "b", "x", None)) == "a/x -> b"
    with pytest.raises(dataclasses.FrozenInstanceError):
        from_dict(FIRST).regions[0].units = 3


# ---- what is refused

R, C, IN, IC = "recurrent_regions", "recurrent_connections", "input_regions", "input_connections"
BAD = [  # (content, path of the change, value, the error's text; where it begins with a colon, after that path)
    # keys
    (FIRST, ("regions",), [], "regions: unknown key, expected one of recurrent_regions, recurrent_connections, "),
    (FIRST, ("recurent_regions",), [], "did you mean 'recurrent_regions'?"),
    (FIRST, ("comment",), [], "comment: unknown key"),
    (FIRST, (R, 0, "num_unit"), 3, ": unknown key, expected one of name, num_units, "),
    (FIRST, (R, 0, "num_unit"), 3, "did you mean 'num_units'?"),
    (FIRST, (R, 0, "bad\nkey"), 3, "recurrent_regions[0].bad key: unknown key"),
    (SECOND, (R, 0, "__comment_x"), 3, ": unknown key"),
    (FIRST, (C, 3, "sparcity"), 3, ": unknown key"),
    (SECOND, (IN, 0, "init"), 0, ": unknown key"),
    (SECOND, (IC, 1, "delay"), 0, ": unknown key"),
    # dialects
    (FIRST, (R, 1, "sign"), "pos",
     "expected keys of one generation, got recurrent_regions[0].cell_types of generation 1 and "
     "recurrent_regions[1].sign of generation 2"),
    (FIRST, (R, 1, "parent_region"), "alm", "recurrent_regions[1].parent_region of generation 2"),
    (FIRST, (R, 1, "learnable_bias"), False, "recurrent_regions[1].learnable_bias of generation 2"),
    (FIRST, (IN, 0, "sign"), "pos", "input_regions[0].sign of generation 2"),
    (FIRST, (IC, 0, "src_region"), "iti", "input_connections[0].src_region of generation 2"),
    (SECOND, (R, 2, "cell_types"), {}, "recurrent_regions[2].cell_types of generation 1"),
    (SECOND, (C, 2, "src_region_cell_type"), None, "recurrent_connections[2].src_region_cell_type of generation 1"),
    (SECOND, (C, 2, "dst_region_cell_type"), "x", "recurrent_connections[2].dst_region_cell_type of generation 1"),
    (SECOND, (IC, 1, "input"), "iti", "input_connections[1].input of generation 1"),
    (SECOND, (IC, 1, "sign"), "exc", "input_connections[1].sign of generation 1"),
    (SECOND, (C, 3, "sign"), "inhib",
     ": expected the sign on the source region alone, got 'inhib' (the documentation of generation 2 has it here, but "
     "its program ignores it)"),
    # required
    (FIRST, (R, 4, "base_firing"), ..., ": expected a number, as generation 1 requires"),
    (SECOND, (R, 4, "num_units"), ..., ": expected a number of units, as generation 2"),
    (FIRST, (C, 0, "src_region"), ..., ": expected the name of a source, as"),
    (SECOND, (C, 0, "dst_region"), ..., ": expected the name of a region, as"),
    (FIRST, (IN, 0, "num_units"), ..., ": expected a number of units, as generation 1"),
    (SECOND, (IN, 0, "name"), ..., ": expected a name, as generation 2 requires, got none"),
    (FIRST, (IC, 0, "input"), ..., ": expected the name of a source, as generation 1"),
    (SECOND, (IC, 0, "src_region"), ..., ": expected the name of a source, as"),
    (FIRST, (R,), [], ": expected at least one region, got none"),
    (FIRST, (R,), ..., ": expected at least one region, got none"),
    # names
    (FIRST, (C, 3, "dst_region"), "striatm",
     ": expected one of striatum, gpe, stn, snr, thal, alm, got 'striatm'; did you mean 'striatum'?"),
    (FIRST, (C, 3, "src_region"), "gpi", ": expected one of striatum, gpe"),
    (FIRST, (C, 3, "src_region"), "iti", ": expected one of striatum, gpe"),
    (FIRST, (C, 1, "src_region_cell_type"), "d3", ": expected one of d1, d2, got 'd3'"),
    (FIRST, (C, 1, "dst_region_cell_type"), "d1", ": expected no name, as gpe has no cell types, got 'd1'"),
    (FIRST, (IC, 0, "input"), "itti", ": expected one of iti, got 'itti'; did you mean 'iti'?"),
    (FIRST, (IN,), [], "input_connections[0].input: expected no name, as there are no input regions, got 'iti'"),
    (FIRST, (IC, 0, "dst_region_cell_type"), "d4", ": expected one of d1, d2"),
    (SECOND, (IC, 0, "src_region"), "d1", ": expected one of iti, got 'd1'"),
    (SECOND, (IC, 1, "dst_region"), "d3", ": expected one of d1, d2, gpe"),
    (FIRST, (R, 2, "name"), "gpe", ": expected a unique name, got 'gpe', the name of recurrent_regions[1]"),
    (FIRST, (IN, 0, "name"), "alm", ": expected a unique name, got 'alm', the name of recurrent_regions[5]"),
    (SECOND, (IN, 1), {"name": "iti", "num_units": 1}, "input_regions[1].name: expected a unique name, got 'iti'"),
    (first([("region_1", 2)]), (R, 1), {"base_firing": 0}, "recurrent_regions[1].name: expected a unique name"),
    (FIRST, (R, 2, "name"), "", ": expected a name, got ''"),
    (FIRST, (R, 2, "name"), None, ": expected a name, got null"),
    (FIRST, (R, 2, "name"), 3, ": expected a name, got 3"),
    (FIRST, (R, 2, "name"), "a\nb", ": expected a name, got 'a\\nb'"),
    (SECOND, (R, 2, "parent_region"), "", ": expected a name, got ''"),
    # values
    (FIRST, (R, 0, "num_units"), 0, ": expected a whole number of at least 1, got 0"),
    (FIRST, (R, 0, "num_units"), 2.5, ": expected a whole number of at least 1, got 2.5"),
    (FIRST, (R, 0, "num_units"), True, ": expected a whole number of at least 1, got True"),
    (FIRST, (R, 0, "num_units"), "50", ": expected a whole number of at least 1, got '50'"),
    (SECOND, (IN, 0, "num_units"), -1, ": expected a whole number of at least 1, got -1"),
    (FIRST, (R, 0, "base_firing"), "1", ": expected a finite number, got '1'"),
    (FIRST, (R, 0, "base_firing"), float("nan"), ": expected a finite number, got nan"),
    (SECOND, (R, 0, "init"), float("inf"), ": expected a finite number, got inf"),
    (SECOND, (R, 0, "init"), 10**400, ": expected a finite number, got 1000"),
    (SECOND, (R, 0, "init"), None, ": expected a finite number, got null"),
    (FIRST, (C, 4, "sparsity"), 1.5, ": expected a number in 0..1, got 1.5"),
    (SECOND, (C, 4, "sparsity"), -0.1, ": expected a number in 0..1, got -0.1"),
    (SECOND, (IC, 0, "density"), 2, ": expected a number in 0..1, got 2"),
    (SECOND, (C, 4, "density"), 0.75,
     "recurrent_connections[4]: expected sparsity or density = 1 - sparsity, got both"),
    (FIRST, (C, 4, "sign"), "inh", ": expected exc or inhib, got 'inh'; did you mean 'inhib'?"),
    (FIRST, (C, 4, "sign"), -1, ": expected exc or inhib, got -1"),
    (FIRST, (C, 4, "sign"), ["exc"], ": expected exc or inhib, got ['exc']"),
    (FIRST, (IC, 0, "sign"), "pos", ": expected exc or inhib, got 'pos'"),
    (SECOND, (R, 4, "sign"), "exc", ": expected pos or neg, got 'exc'"),
    (SECOND, (IN, 0, "sign"), None, ": expected pos or neg, got null"),
    (SECOND, (R, 4, "learnable_bias"), 1, ": expected true or false, got 1"),
    (FIRST, (R, 0, "cell_types"), ["d1"], ": expected an object of names and fractions"),
    (FIRST, (R, 1, "cell_types"), {"a": 0.5, "b": 0.4}, ": expected fractions that sum to 1, got a sum of 0.9"),
    (FIRST, (R, 1, "cell_types"), {"a": 1.5, "b": -0.5},
     "recurrent_regions[1].cell_types.a: expected a fraction above 0"),
    (FIRST, (R, 1, "cell_types"), {"a": 1, "b": 0},
     "recurrent_regions[1].cell_types.b: expected a fraction above 0, of at most 1, got 0"),
    (FIRST, (R, 1, "cell_types"), {"": 1}, ": expected a name, got ''"),
    (FIRST, (R, 1, "cell_types"), {"a": 0.995, "b": 0.005},
     "recurrent_regions[1].num_units: expected at least one unit for every cell type, got 50 for a, b"),
    # connections
    (SECOND, (C, 19), {"src_region": "stn", "dst_region": "snr"},
     ": expected every connection once, got stn -> snr again, as in recurrent_connections[7]"),
    (FIRST, (C, 11), connection("striatum/d2", "gpe", "exc"),
     ": expected every connection once, got striatum/d2 -> gpe again, as in recurrent_connections[1]"),
    (FIRST, (IC, 1), {"input": "iti", "dst_region": "striatum"}, ": expected every connection once"),
    (FIRST, (C, 11), connection("striatum", "gpe"),
     ": expected one sign for every edge, got opposite ones from recurrent_connections[11] (striatum -> gpe) and "
     "recurrent_connections[1] (striatum/d2 -> gpe)"),
    (FIRST, (C, 11), connection("thal", "striatum/d1", "inhib"),
     "expected one sign for every edge, got opposite ones from recurrent_connections[11] (thal -> striatum/d1) and "
     "recurrent_connections[6] (thal -> striatum)"),
    (FIRST, (IC, 1), {"input": "iti", "dst_region": "striatum", "dst_region_cell_type": "d1", "sign": "inhib"},
     ": expected one sign for every edge"),
    # shapes
    (FIRST, (R,), {"name": "a"}, ": expected a list of objects, got {'name': 'a'}"),
    (FIRST, (C,), None, ": expected a list of objects, got null"),
    (FIRST, (C, 1), "gpe", ": expected an object, got 'gpe'"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "path", "value", "text"), BAD)
def test_what_is_wrong_is_refused_by_its_key(tmp_path, content, path, value, text):
    if text.startswith(":"):
        place = path[0] + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path[1:])
        text = place + text
    with pytest.raises(ValueError) as caught:
        from_dict(changed(content, path, value), "net")
    assert text in str(caught.value) and str(caught.value).startswith("net: ") and "\n" not in str(caught.value)
    file = tmp_path / "net.json"
    file.write_text(json.dumps(changed(content, path, value)))
    with pytest.raises(ValueError) as caught:
        read_description(file)
    assert text in str(caught.value) and str(caught.value).startswith(f"{file}: ")


def test_signs_may_differ_where_no_edge_is_shared():
    types = {"x": 0.5, "y": 0.5}
    ends = [("a/x", "b"), ("a/y", "b", "inhib"), ("b", "a/x", "inhib"), ("b", "a/y")]
    network = made(first([("a", 4, types), ("b", 2)], ends))
    assert network.provenance["dale_broken"] == 2 and len(network.weights) == 16


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "expected a JSON file, got Expecting value"),
        (b"[net]\nunits = 3", "expected a JSON file, got "),
        (b"\xff\xfe\x00", "expected a JSON file, got 'utf-8' codec"),
        (b"[" * 100000, "expected a JSON file, got maximum recursion depth exceeded"),
        (b"[1, 2]", "expected an object with the lists recurrent_regions, recurrent_connections, input_regions, "
                    "input_connections, got [1, 2]"),
        (b"3", "expected an object with the lists recurrent_regions"),
        (b"null", "expected an object with the lists recurrent_regions"),
        (b"{}", "recurrent_regions: expected at least one region, got none"),
        (b'{"recurrent_regions": [{"name": "a", "name": "b"}]}', "got the key 'name' twice in one object"),
        (None, "expected a JSON file, got No such file or directory"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_description_is_refused_by_its_name(tmp_path, data, text):
    path = tmp_path / "net.json"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ValueError) as caught:
        read_description(path)
    assert text in str(caught.value) and str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)
