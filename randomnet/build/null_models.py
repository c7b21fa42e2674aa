"""[net] null: drawn, refused at the door where it cannot change the connectome, with notes on what it does to it."""

from collections.abc import Iterator

import numpy as np

from randomnet.connectome import Connectome
from randomnet.nulls import NULLS, changing, differs, is_symmetric, is_unable, share_of_edges
from randomnet.settings import ConfigError

UNABLE = {  # null -> of which networks all its draws are the network itself
    "degree": "as no edges can exchange targets, and the weights of each neuron are equal",
    "degree_undirected": "as no edges can exchange ends",
    "boundary": "as no edges can exchange targets within regions, and each neuron's weights into a region are equal",
    "distance": "as no edges of one length can exchange targets, and the weights of each neuron are equal",
    "group": "as its edges have no other places between their groups, or no other weights",
    "erdos": "as all pairs are connected by equal weights",
    "random_w": "as all pairs are connected by equal weights",
    "weights": "as its weights are all equal",
    "weights_sign": "as its weights of each sign are all equal",
    "weights_group": "as its weights of each sign are equal between any two groups",
    "sign": "as its weights have one sign",
    "gaussian": "as all pairs are connected by equal weights",
    "dense": "as all pairs are connected by weights of one size",
    "transposed": "as its matrix is symmetric",
}
REWIRING = ("degree", "degree_undirected", "boundary", "distance", "group", "erdos", "random_w")
GROUPED = {"group": "erdos", "weights_group": "weights_sign", "boundary": "degree"}  # what they are with one group


def null_of(connectome: Connectome, name: str, rng: np.random.Generator) -> Connectome:
    """A draw of the null model, with `edges_shared` and `null_notes` in its provenance. Raises ConfigError where the
    connectome does not allow it, or the null cannot change it."""
    where = "[net] null: expected one that"
    try:
        drawn = NULLS[name].draw(connectome, rng)
    except ValueError as error:
        raise ConfigError(f"{where} {connectome.name} allows, got {name!r}: {error}") from None
    if not differs(connectome, drawn) and is_unable(connectome, name, rng):
        others = ", ".join(changing(connectome, rng))
        advice = f"; these do: {others}" if others else ""
        raise ConfigError(f"{where} can change {connectome.name}, got {name!r}, which cannot, {UNABLE[name]}{advice}")
    shared = share_of_edges(connectome, drawn)
    notes = tuple(_notes(connectome, drawn, name, shared))
    return drawn.replace(drawn.weights, edges_shared=shared, **({"null_notes": notes} if notes else {}))


def _notes(connectome: Connectome, drawn: Connectome, name: str, shared: float) -> Iterator[str]:
    """What a user may not expect of this null of this connectome."""
    kind = drawn.provenance.get("null_groups", "region")
    if name in GROUPED and len(np.unique(connectome.labels[kind])) == 1:
        yield f"all neurons are of one {kind}, so that null {name} is {GROUPED[name]}"
    if not differs(connectome, drawn):
        yield "this draw equals the connectome"
    elif shared == 1 and name in REWIRING:
        yield "no edge has moved: weights alone differ"
    if name in REWIRING and is_symmetric(connectome) and not is_symmetric(drawn):
        yield f"null {name} loses the symmetry of the matrix; degree_undirected and random_w keep it"
