"""Draws a population network from its description."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from randomnet.connectome import Connectome
from randomnet.synthetic.populations.description import Populations
from randomnet.synthetic.populations.kernels import RING, Block, ring

CHUNK = 2**17  # entries of a block that are drawn at a time: 1 MB, which fits into the cache


class Edges(NamedTuple):
    """The edges of a block, by row.

    degrees: in-degrees (n_post,). pre: presynaptic neurons (E,), indices within B. weights: (E,), or one number for
    all. clipped: the share of pairs whose P was out of bounds.
    """

    degrees: np.ndarray
    pre: np.ndarray
    weights: np.ndarray | float
    clipped: float


def population_network(description: Populations, rng: np.random.Generator, name: str = "populations") -> Connectome:
    """The network, drawn from `rng`, with labels `population`, the drive, and realised in-degrees in the provenance.

    Edges are Bernoulli, or every in-degree is exactly K (`fixed_in_degree`). The latter uses Pareto sampling (Rosen
    1997): with u uniform, the K smallest of the N_B keys u (1 - p) / (p (1 - u)) are a neuron's inputs. With the
    uniform kernel, all sets of K cells are equally likely; with others, cell j is included with a probability close to
    p_ij = K P_ij / N_B.

    P outside [0, N_B / K], which only low-rank kernels reach, is clipped (all-to-all: below 0, unless unsigned). With a
    fixed in-degree, the clipped P is scaled to a sum of K. Every block has its own random stream, seeded from `rng`, so
    that a change of one block preserves the edges of the others. drive: (N,), None without external input.
    provenance["blocks"]: block -> mean_in_degree, sd_in_degree (over the neurons of A), clipped (share of pairs).
    Raises ValueError where a neuron with a fixed in-degree has fewer than K cells with P > 0.
    """
    vectors = low_rank_vectors(description, rng)
    seeds = rng.integers(2**63, size=(len(description.names), len(description.names)))
    drawn = []
    for block in description.blocks():
        block_rng = np.random.default_rng(seeds[block.a, block.b])
        drawn.append((block, _draw_edges(block, *_structure_factors(description, block, vectors), block_rng)))
    return Connectome(
        name,
        *_join_blocks(description, drawn),
        names=_names(description),
        labels={"population": np.repeat(np.array(description.names), description.sizes)},
        provenance={
            "source": "populations",
            "synthetic": True,
            "blocks": {block.name: _block_facts(edges) for block, edges in drawn},
        },
        drive=_drive(description),
    )


def low_rank_vectors(description: Populations, rng: np.random.Generator) -> np.ndarray:
    """xi1 .. xi4 of every neuron, (N, 4) float64.

    `population_network` draws them first, so that the same seed gives the same vectors here.
    """
    values, axes = np.linalg.eigh(np.asarray(description.low_rank_covariance, float))
    values = np.where(values > 1e-12 * values[-1], values, 0)  # the sqrt of a rounding error would split equal columns
    root = (axes * np.sqrt(values)) @ axes.T  # the symmetric root does not depend on the choice of axes
    return np.asarray(description.low_rank_means, float) + rng.standard_normal((description.n, 4)) @ root


def _names(description: Populations) -> np.ndarray:
    width = max(4, len(str(max(description.sizes) - 1)))  # of one width, as E 10000 and E1 0000 would be equal
    sizes = zip(description.names, description.sizes, strict=True)
    return np.array([f"{name}{number:0{width}d}" for name, size in sizes for number in range(size)])


def _drive(description: Populations) -> np.ndarray | None:
    if not description.external:
        return None
    degree = description.external_degree
    scale = description.external_rate * (1.0 if degree is None else math.sqrt(degree))
    strengths = [scale * description.external.get(name, 0.0) for name in description.names]
    if not np.isfinite(strengths).all():
        raise ValueError(f"external: expected strengths that external_rate leaves finite, got drives of {strengths}")
    return np.repeat(strengths, description.sizes)


def _block_facts(edges: Edges) -> dict[str, float]:
    mean, sd = float(edges.degrees.mean()), float(edges.degrees.std())
    return {"mean_in_degree": mean, "sd_in_degree": sd, "clipped": edges.clipped}


def _join_blocks(
    description: Populations, drawn: list[tuple[Block, Edges]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """post, pre and weights of all blocks, sorted by post, then pre."""
    offsets = np.concatenate([[0], np.cumsum(description.sizes)])
    degrees = np.zeros((description.n, len(description.names)), np.int64)
    for block, edges in drawn:
        degrees[offsets[block.a] : offsets[block.a + 1], block.b] = edges.degrees
    starts = (np.cumsum(degrees) - degrees.ravel()).reshape(degrees.shape)  # of every neuron's inputs from each B
    post = np.repeat(np.arange(description.n), degrees.sum(axis=1))
    pre, weights = np.empty(len(post), np.int64), np.empty(len(post))
    for block, edges in drawn:
        shifts = starts[offsets[block.a] : offsets[block.a + 1], block.b] - np.cumsum(edges.degrees) + edges.degrees
        places = np.arange(len(edges.pre)) + np.repeat(shifts, edges.degrees)
        pre[places] = edges.pre + offsets[block.b]
        weights[places] = edges.weights
    return post, pre, weights


# ---- one block


def _structure_factors(description: Populations, block: Block, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Factors (n_post, 2) and (n_pre, 2); their products are cos d, or the sum over low-rank vectors."""
    if block.kernel.name in RING:
        angles = ring(block.n_post) - math.radians(block.kernel.phase), ring(block.n_pre)
        left, right = (np.stack([np.cos(side), np.sin(side)], axis=1) for side in angles)
        return left, right
    offsets = np.concatenate([[0], np.cumsum(description.sizes)])
    post, pre = (slice(offsets[i], offsets[i + 1]) for i in (block.a, block.b))
    return vectors[post][:, [0, 2]], vectors[pre][:, [1, 3]]


def _draw_edges(block: Block, left: np.ndarray, right: np.ndarray, rng: np.random.Generator) -> Edges:
    degrees, pre, weights, clipped = [], [], [], 0
    for rows in _chunks(block):
        pattern, outside = _pattern(block, left[rows], right)
        allowed = np.ones((len(left[rows]), block.n_pre), bool)
        if block.without_self:
            np.fill_diagonal(allowed[:, rows.start :], False)
        clipped += int(np.count_nonzero(outside & allowed))
        present = _draw_pairs(block, pattern, allowed, rng)
        degrees.append(np.count_nonzero(present, axis=1))
        places = np.flatnonzero(present)
        pre.append((places % block.n_pre).astype(np.int32))
        if block.k is None:
            weights.append(_all_to_all_weights(block, pattern, present.shape, rng).ravel()[places])
    return Edges(
        np.concatenate(degrees),
        np.concatenate(pre),
        np.concatenate(weights) if block.k is None else block.strength / math.sqrt(block.k),
        clipped / (block.n_post * block.possible_inputs),
    )


def _chunks(block: Block) -> Iterator[slice]:
    rows = max(1, CHUNK // block.n_pre)
    return (slice(start, min(start + rows, block.n_post)) for start in range(0, block.n_post, rows))


def _pattern(block: Block, left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P within its bounds, (rows, n_pre) or for a uniform kernel (1, 1), and a mask of where it was clipped."""
    if block.kernel.name in ("uniform", "gaussian"):
        return np.ones((1, 1)), np.zeros((1, 1), bool)
    structure = left[:, :1] * right[:, 0] + left[:, 1:] * right[:, 1]
    pattern = block.pattern(structure)
    if block.k is None and block.unsigned:
        return pattern, np.zeros((1, 1), bool)
    limit = np.inf if block.k is None else block.pattern_sum / block.k
    outside = (pattern < 0) | (pattern > limit) if block.kernel.name == "low_rank" else np.zeros((1, 1), bool)
    return pattern.clip(0, limit), outside  # also removes rounding errors below 0, which would change a weight's sign


def _draw_pairs(block: Block, pattern: np.ndarray, allowed: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(rows, n_pre) bool: the connected pairs."""
    if block.k is None:
        return allowed
    if block.fixed:
        return _draw_fixed_degree(block.name, int(block.k), pattern * allowed, rng)
    present = rng.random(allowed.shape) < pattern * (block.k / block.pattern_sum)
    return present & allowed


def _all_to_all_weights(
    block: Block, pattern: np.ndarray, shape: tuple[int, ...], rng: np.random.Generator
) -> np.ndarray:
    if block.kernel.name == "gaussian":
        return block.strength / math.sqrt(block.pattern_sum) * rng.standard_normal(shape)
    return np.broadcast_to(block.strength / block.pattern_sum * pattern, shape)


def _draw_fixed_degree(name: str, k: int, pattern: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Exactly K cells in every row, by Pareto sampling; cells with P = 0 are never drawn. Raises ValueError."""
    fewest = np.count_nonzero(pattern, axis=1).min()
    if fewest < k:
        raise ValueError(
            f"kernels[{name!r}]: a fixed in-degree expected {k} cells with P > 0 or more for every neuron, "
            f"got {fewest}"
        )
    p, uniform = _inclusion_probabilities(pattern, k), rng.random(pattern.shape)
    keys = np.full(pattern.shape, np.inf)
    np.divide(uniform * (1 - p), (1 - uniform) * p, out=keys, where=p > 0)
    present = np.zeros(pattern.shape, bool)
    np.put_along_axis(present, np.argpartition(keys, k - 1, axis=1)[:, :k], True, axis=1)
    return present


def _inclusion_probabilities(pattern: np.ndarray, k: int) -> np.ndarray:
    """Probabilities proportional to P, at most 1, that sum to K in every row."""
    p = pattern * (k / pattern.sum(axis=1, keepdims=True))
    while (p > 1 + 1e-9).any():  # the excess above 1 is shared among the others; each pass fixes at least one cell
        certain = p >= 1
        rest = np.where(certain, 0, pattern)
        total = np.maximum(rest.sum(axis=1, keepdims=True), np.finfo(float).tiny)
        p = np.where(certain, 1, rest * ((k - certain.sum(axis=1, keepdims=True)) / total))
    return p.clip(max=1)
