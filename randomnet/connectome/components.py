"""Connected components of a directed graph given as lists of edges, of large ones by scipy.sparse.csgraph."""

from typing import Literal

import numpy as np

from randomnet.connectome.record import Connectome, subset

Connection = Literal["weak", "strong"]

SMALL = 200  # neurons of networks whose components take less time by products than scipy.sparse.csgraph to load


def weak_components(post: np.ndarray, pre: np.ndarray, n: int) -> np.ndarray:
    """(N,) int64: the number 0, 1, ... of each neuron's weakly connected component.

    post, pre: (E,) integers.
    """
    return _components(post, pre, n, "weak")


def strong_components(post: np.ndarray, pre: np.ndarray, n: int) -> np.ndarray:
    """(N,) int64: the number 0, 1, ... of each neuron's strongly connected component.

    post, pre: (E,) integers.
    """
    return _components(post, pre, n, "strong")


def _components(post: np.ndarray, pre: np.ndarray, n: int, connection: Connection) -> np.ndarray:
    if n <= SMALL:
        return _of_products(post, pre, n, connection)
    from scipy.sparse import csr_array  # here, as the import takes 0.2 s
    from scipy.sparse.csgraph import connected_components

    # to build the rows directly takes half the memory of scipy's conversion
    columns = post.astype(np.int32)[np.argsort(pre, kind="stable")]
    starts = np.concatenate([[0], np.cumsum(np.bincount(pre, minlength=n))]).astype(np.int32)
    graph = csr_array((np.ones(len(post), np.int8), columns, starts), shape=(n, n))
    return connected_components(graph, connection=connection)[1].astype(np.int64)


def _of_products(post: np.ndarray, pre: np.ndarray, n: int, connection: Connection) -> np.ndarray:
    """The components from the powers of the adjacency matrix, which tell which neuron reaches which."""
    known, reached = np.zeros((n, n), np.float32), np.eye(n, dtype=np.float32)
    reached[post, pre] = 1
    if connection == "weak":
        reached[pre, post] = 1
    while (reached != known).any():
        known, reached = reached, np.minimum(reached @ reached, 1)
    return np.unique((reached * reached.T).argmax(1), return_inverse=True)[1].astype(np.int64)


def largest_component(connectome: Connectome, kind: str) -> Connectome:
    """The largest strongly (`strong`) or weakly (`weak`) connected component; the neurons dropped are counted.

    Raises ValueError where no two neurons are connected so.
    """
    number = {"strong": strong_components, "weak": weak_components}[kind](connectome.post, connectome.pre, connectome.n)
    sizes = np.bincount(number)
    if sizes.max(initial=0) < 2:
        raise ValueError(f"{connectome.name} has no {kind}ly connected component of two neurons or more")
    kept = number == sizes.argmax()
    return subset(connectome, kept, largest_component=kind, neurons_outside_component_dropped=int((~kept).sum()))
