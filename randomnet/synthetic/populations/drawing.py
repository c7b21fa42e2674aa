"""A population network drawn from its description."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from randomnet.connectome import Connectome
from randomnet.synthetic.populations.kernels import RING, Block, ring
from randomnet.synthetic.populations.record import Populations

CHUNK = 2**17  # entries of a block that are held at once: 1 MB of numbers, which stay in the cache


class Edges(NamedTuple):
    """A block's edges, by row: in-degrees (n_post,), presynaptic neurons (E,) in B, weights (E,) or one for all.

    clipped: the share of pairs whose P was out of bounds.
    """

    degrees: np.ndarray
    pre: np.ndarray
    weights: np.ndarray | float
    clipped: float


def population_network(about: Populations, rng: np.random.Generator, name: str = "populations") -> Connectome:
    """The network, drawn from `rng`: labels `population`, the drive, and in the provenance what was realised.

    In-degrees are Bernoulli, or exactly K (`fixed_in_degree`): with u uniform, the K smallest of the N_B keys
    u (1 - p) / (p (1 - u)) make a neuron's inputs (Pareto sampling, Rosen 1997). With the uniform kernel these are any
    K cells alike; with others cell j is among them with a probability close to p_ij = K P_ij / N_B.
    P outside [0, N_B / K], which only low-rank kernels reach, is clipped (all-to-all: below 0, unless unsigned); for
    a fixed in-degree what is left is scaled to a sum of K.
    Every block has a stream of its own, seeded from `rng`: to change one leaves the edges of the others as they were.
    drive: (N,), None without external input. provenance["blocks"]: block -> mean_in_degree, sd_in_degree (over the
    neurons of A), clipped (share of pairs). ValueError where a fixed in-degree finds fewer than K cells with P > 0.
    """
    vectors = low_rank_vectors(about, rng)
    seeds = rng.integers(2**63, size=(len(about.names), len(about.names)))
    drawn = [(block, _edges(block, *_sides(about, block, vectors), np.random.default_rng(seeds[block.a, block.b])))
             for block in about.blocks()]  # fmt: skip
    return Connectome(
        name,
        *_joined(about, drawn),
        names=_names(about),
        labels={"population": np.repeat(np.array(about.names), about.sizes)},
        provenance={
            "source": "populations",
            "synthetic": True,
            "blocks": {block.name: _realised(edges) for block, edges in drawn},
        },
        drive=_drive(about),
    )


def low_rank_vectors(about: Populations, rng: np.random.Generator) -> np.ndarray:
    """xi1 .. xi4 of every neuron, (N, 4) float64: what a network draws first, so the same from the same seed."""
    values, axes = np.linalg.eigh(np.asarray(about.low_rank_covariance, float))
    values = np.where(values > 1e-12 * values[-1], values, 0)  # equal columns stay equal: no sqrt of a rounding error
    root = (axes * np.sqrt(values)) @ axes.T  # the symmetric root, the only one that no choice of axes can change
    return np.asarray(about.low_rank_means, float) + rng.standard_normal((about.n, 4)) @ root


def _names(about: Populations) -> np.ndarray:
    width = max(4, len(str(max(about.sizes) - 1)))  # one width for all, or E, 10000 and E1, 0000 would be one name
    texts = [f"{name}{i:0{width}d}" for name, size in zip(about.names, about.sizes, strict=True) for i in range(size)]
    return np.array(texts)


def _drive(about: Populations) -> np.ndarray | None:
    if not about.external:
        return None
    scale = about.external_rate * (1.0 if about.external_degree is None else math.sqrt(about.external_degree))
    strengths = [scale * about.external.get(name, 0.0) for name in about.names]
    if not np.isfinite(strengths).all():
        raise ValueError(f"external: expected strengths that external_rate leaves finite, got drives of {strengths}")
    return np.repeat(strengths, about.sizes)


def _realised(edges: Edges) -> dict[str, float]:
    mean, sd = float(edges.degrees.mean()), float(edges.degrees.std())
    return {"mean_in_degree": mean, "sd_in_degree": sd, "clipped": edges.clipped}


def _joined(about: Populations, drawn: list[tuple[Block, Edges]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """post, pre and weights of all blocks, sorted by post, then pre."""
    offsets = np.concatenate([[0], np.cumsum(about.sizes)])
    degrees = np.zeros((about.n, len(about.names)), np.int64)
    for block, edges in drawn:
        degrees[offsets[block.a] : offsets[block.a + 1], block.b] = edges.degrees
    starts = (np.cumsum(degrees) - degrees.ravel()).reshape(degrees.shape)  # of every neuron's inputs from each B
    post = np.repeat(np.arange(about.n), degrees.sum(axis=1))
    pre, weights = np.empty(len(post), np.int64), np.empty(len(post))
    for block, edges in drawn:
        shifts = starts[offsets[block.a] : offsets[block.a + 1], block.b] - np.cumsum(edges.degrees) + edges.degrees
        places = np.arange(len(edges.pre)) + np.repeat(shifts, edges.degrees)
        pre[places] = edges.pre + offsets[block.b]
        weights[places] = edges.weights
    return post, pre, weights


# ---- one block


def _sides(about: Populations, block: Block, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n_post, 2) and (n_pre, 2) whose products are cos d, or the sum over low-rank vectors."""
    if block.kernel.name in RING:
        angles = ring(block.n_post) - math.radians(block.kernel.phase), ring(block.n_pre)
        post, pre = (np.stack([np.cos(side), np.sin(side)], axis=1) for side in angles)
        return post, pre
    offsets = np.concatenate([[0], np.cumsum(about.sizes)])
    post, pre = (slice(offsets[i], offsets[i + 1]) for i in (block.a, block.b))
    return vectors[post][:, [0, 2]], vectors[pre][:, [1, 3]]


def _edges(block: Block, left: np.ndarray, right: np.ndarray, rng: np.random.Generator) -> Edges:
    degrees, pre, weights, clipped = [], [], [], 0
    for rows in _chunks(block):
        pattern, outside = _pattern(block, left[rows], right)
        allowed = np.ones((len(left[rows]), block.n_pre), bool)
        if block.without_self:
            np.fill_diagonal(allowed[:, rows.start :], False)
        clipped += int(np.count_nonzero(outside & allowed))
        present = _present(block, pattern, allowed, rng)
        degrees.append(np.count_nonzero(present, axis=1))
        places = np.flatnonzero(present)
        pre.append((places % block.n_pre).astype(np.int32))
        if block.k is None:
            weights.append(_all_to_all(block, pattern, present.shape, rng).ravel()[places])
    return Edges(
        np.concatenate(degrees),
        np.concatenate(pre),
        np.concatenate(weights) if block.k is None else block.strength / math.sqrt(block.k),
        clipped / (block.n_post * block.cells),
    )


def _chunks(block: Block) -> Iterator[slice]:
    rows = max(1, CHUNK // block.n_pre)
    return (slice(start, min(start + rows, block.n_post)) for start in range(0, block.n_post, rows))


def _pattern(block: Block, left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P, (rows, n_pre) or, uniform, (1, 1), within its bounds, and where it was not."""
    if block.kernel.name in ("uniform", "gaussian"):
        return np.ones((1, 1)), np.zeros((1, 1), bool)
    structure = left[:, :1] * right[:, 0] + left[:, 1:] * right[:, 1]
    pattern = block.pattern(structure)
    if block.k is None and block.unsigned:
        return pattern, np.zeros((1, 1), bool)
    most = np.inf if block.k is None else block.room / block.k
    outside = (pattern < 0) | (pattern > most) if block.kernel.name == "low_rank" else np.zeros((1, 1), bool)
    return pattern.clip(0, most), outside  # a ring's P may be below 0 by a rounding error: a weight of the wrong sign


def _present(block: Block, pattern: np.ndarray, allowed: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(rows, n_pre) bool: which pairs are connected."""
    if block.k is None:
        return allowed
    if block.fixed:
        return _exactly(block, pattern * allowed, rng)
    present = rng.random(allowed.shape) < pattern * (block.k / block.room)
    return present & allowed


def _all_to_all(block: Block, pattern: np.ndarray, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    if block.kernel.name == "gaussian":
        return block.strength / math.sqrt(block.room) * rng.standard_normal(shape)
    return np.broadcast_to(block.strength / block.room * pattern, shape)


def _exactly(block: Block, pattern: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """K cells of every row, by Pareto sampling; P = 0 is never among them."""
    assert block.k is not None, "drawn for a kernel with an in-degree"
    k = int(block.k)
    fewest = np.count_nonzero(pattern, axis=1).min()
    if fewest < k:
        raise ValueError(
            f"kernels[{block.name!r}]: a fixed in-degree expected {k} cells with P > 0 or more for every neuron, "
            f"got {fewest}"
        )
    chances, uniform = _chances(pattern, k), rng.random(pattern.shape)
    keys = np.full(pattern.shape, np.inf)
    np.divide(uniform * (1 - chances), (1 - uniform) * chances, out=keys, where=chances > 0)
    present = np.zeros(pattern.shape, bool)
    np.put_along_axis(present, np.argpartition(keys, k - 1, axis=1)[:, :k], True, axis=1)
    return present


def _chances(pattern: np.ndarray, k: int) -> np.ndarray:
    """Probabilities proportional to P, none above 1, that sum to K in every row."""
    chances = pattern * (k / pattern.sum(axis=1, keepdims=True))
    while (chances > 1 + 1e-9).any():  # what is above 1 goes to the others; each pass settles one cell or more
        sure = chances >= 1
        rest = np.where(sure, 0, pattern)
        left = (k - sure.sum(axis=1, keepdims=True)) / np.maximum(rest.sum(axis=1, keepdims=True), np.finfo(float).tiny)
        chances = np.where(sure, 1, rest * left)
    return chances.clip(max=1)
