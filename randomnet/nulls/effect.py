"""What a null model changes of a connectome: nothing, some of its edges, or weights alone."""

import numpy as np

from randomnet.connectome import Connectome
from randomnet.nulls.models import NULLS

SMALL, DRAWS, DRAWS_LARGE = 1000, 15, 2  # edges up to which chance may leave a network as it is; draws that tell
MOST_TRIED = 50_000  # edges of networks of which all nulls are tried


def differs(connectome: Connectome, other: Connectome) -> bool:
    """Whether edges or weights do."""
    pairs = [(getattr(connectome, part), getattr(other, part)) for part in ("post", "pre", "weights")]
    return not all(np.array_equal(*pair) for pair in pairs)


def is_unable(connectome: Connectome, name: str, rng: np.random.Generator) -> bool:
    """Whether the null cannot change the connectome, as further draws equal it too, after a first one that did.

    With two networks that it could reach, all draws would be this one with a probability of 2^-16.
    """
    null = NULLS[name]
    draws = DRAWS if len(connectome.weights) <= SMALL else DRAWS_LARGE
    return not (null.random and any(differs(connectome, null.draw(connectome, rng)) for _ in range(draws)))


def changing(connectome: Connectome, rng: np.random.Generator) -> list[str]:
    """The null models that change the connectome, by a draw of each; none of large ones, as that takes too long."""
    return [name for name in NULLS if len(connectome.weights) <= MOST_TRIED and _changes(connectome, name, rng)]


def _changes(connectome: Connectome, name: str, rng: np.random.Generator) -> bool:
    try:
        return differs(connectome, NULLS[name].draw(connectome, rng))
    except ValueError:  # which needs what the connectome lacks
        return False


def share_of_edges(connectome: Connectome, other: Connectome) -> float:
    """Share of the connectome's edges off the diagonal that the other network of as many neurons has too."""
    keys, others = (one.post * one.n + one.pre for one in (connectome, other))
    off = connectome.post != connectome.pre
    return float(np.isin(keys[off], others, assume_unique=True).mean()) if off.any() else 1.0
