"""The effect of a null model on a connectome: whether it changes the network, and how many edges stay."""

import numpy as np

from randomnet.connectome import Connectome
from randomnet.nulls.models import NULLS

SMALL, DRAWS, DRAWS_LARGE = 1000, 15, 2  # DRAWS: of networks up to SMALL edges, which a draw may equal by chance
MOST_EDGES = 50_000  # of networks of which all null models are drawn


def differs(connectome: Connectome, other: Connectome) -> bool:
    """Whether edges or weights of the two networks differ."""
    pairs = [(getattr(connectome, part), getattr(other, part)) for part in ("post", "pre", "weights")]
    return not all(np.array_equal(*pair) for pair in pairs)


def is_unable(connectome: Connectome, name: str, rng: np.random.Generator) -> bool:
    """Whether the null model cannot change the connectome: further draws equal it too, after a first one that did.

    If the null model could reach two networks, all 16 draws would equal the connectome with a probability of 2^-16.
    """
    null = NULLS[name]
    draws = DRAWS if len(connectome.weights) <= SMALL else DRAWS_LARGE
    return not (null.random and any(differs(connectome, null.draw(connectome, rng)) for _ in range(draws)))


def changing(connectome: Connectome, rng: np.random.Generator) -> list[str]:
    """The null models that change the connectome, by a draw of each; empty for large ones, as draws take too long."""
    return [name for name in NULLS if len(connectome.weights) <= MOST_EDGES and _changes(connectome, name, rng)]


def _changes(connectome: Connectome, name: str, rng: np.random.Generator) -> bool:
    try:
        return differs(connectome, NULLS[name].draw(connectome, rng))
    except ValueError:  # the connectome lacks what the null model needs
        return False


def share_of_edges(connectome: Connectome, other: Connectome) -> float:
    """Share of the connectome's edges off the diagonal that also exist in the other network, with as many neurons."""
    keys, other_keys = (network.post * network.n + network.pre for network in (connectome, other))
    off_diagonal = connectome.post != connectome.pre
    shared = np.isin(keys[off_diagonal], other_keys, assume_unique=True)
    return float(shared.mean()) if off_diagonal.any() else 1.0
