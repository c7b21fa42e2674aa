"""Connected components of a directed graph given as lists of edges, in time that grows with the edges."""

import numpy as np

from randomnet.connectome.record import Connectome, subset


def weak_components(post: np.ndarray, pre: np.ndarray, n: int) -> np.ndarray:
    """(N,) int64: the number 0, 1, ... of each neuron's weakly connected component.

    post, pre: (E,) int64. Every root joins its lowest neighbour among the roots, until no edge joins two of them.
    """
    root = np.arange(n)
    while len(post):
        one, other = root[post], root[pre]
        apart = one != other
        post, pre, one, other = post[apart], pre[apart], one[apart], other[apart]
        np.minimum.at(root, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(root, above := root[root]):
            root = above
    return np.unique(root, return_inverse=True)[1].astype(np.int64)


def strong_components(post: np.ndarray, pre: np.ndarray, n: int) -> np.ndarray:
    """(N,) int64: the number 0, 1, ... of each neuron's strongly connected component, by Tarjan 1972.

    post, pre: (E,) int64. Without recursion, as paths may be as long as the graph. A number for every edge's end is
    made only when it is visited: lists of them would take more memory than the edges.
    """
    targets = np.ascontiguousarray(post[np.argsort(pre, kind="stable")]).data
    ends = np.cumsum(np.bincount(pre, minlength=n)).tolist()
    edges = [0, *ends[:-1]]
    low, seen, done = [0] * n, 0, n + 1  # low: 0 where not visited, `done` where its component is known
    found, components = np.zeros(n, np.int64), 0
    for start in range(n):
        path, waiting, began = ([] if low[start] else [start]), [], {}
        while path:
            here = path[-1]
            if not low[here]:
                seen += 1
                low[here] = began[here] = seen
                waiting.append(here)
            edge, end, least = edges[here], ends[here], low[here]
            while edge < end and (reached := low[targets[edge]]):
                least = reached if reached < least else least
                edge += 1
            low[here], edges[here] = least, edge  # an edge to a new neuron is looked at again on the way back
            if edge < end:
                path.append(targets[edge])
                continue
            path.pop()
            if least == began[here]:
                member = -1
                while member != here:
                    member = waiting.pop()
                    low[member], found[member] = done, components
                components += 1
    return found


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
