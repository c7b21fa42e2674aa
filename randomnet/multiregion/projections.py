"""Projections by name: which edges are fixed, and which share a scale.

A projection is `source -> target` and means all edges between the units of its ends. An end is a region, an input (as
source), or `region/type`, a cell type of one region. `recurrent` and `input` mean all edges of that kind.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from randomnet.settings import nearest

SCALES = ("block", "type")
ARROW = " -> "
LISTED = 20  # projections that an error lists

Labels = Mapping[str, np.ndarray]  # "region" and "type": (n,) texts of the units at one end
Ends = tuple[Labels, Labels, np.ndarray, np.ndarray]  # labels of sources and targets; pre and post (E,)


def fixed_edges(fixed: Iterable[str], kinds: Mapping[str, Ends]) -> dict[str, np.ndarray]:
    """Masks (E,) of the edges that are fixed by their kind or projection, for each kind. Raises ValueError.

    kinds: the edges of each kind, by the caller's names of the kinds, such as `recurrent` and `input`.

    >>> import numpy as np
    >>> from randomnet.multiregion import fixed_edges
    >>> labels = {'region': np.array(['V1', 'M1'])}
    >>> edges = (labels, labels, np.array([0, 1]), np.array([1, 0]))  # V1 -> M1 and back
    >>> fixed_edges(['V1 -> M1'], {'recurrent': edges})
    {'recurrent': array([ True, False])}
    """
    is_fixed = {kind: np.zeros(len(ends[2]), bool) for kind, ends in kinds.items()}
    for name in fixed:
        if name in is_fixed:
            if not len(is_fixed[name]):
                raise ValueError(f"fixed: expected existing projections, got {name!r} for a network without any")
            is_fixed[name][:] = True
            continue
        masks = {kind: _mask(name, *ends) for kind, ends in kinds.items()}
        if not any(mask.any() for mask in masks.values()):
            raise ValueError(f"fixed: {_unknown(name, kinds)}")
        for kind, mask in masks.items():
            is_fixed[kind] |= mask
    return is_fixed


def pairs_of(by: str, ends: Ends, fixed: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """The index (E,) of each edge's pair of ends, and the pairs' names, in network order.

    by: `block` for pairs of regions, `type` for pairs of `region/type`. Fixed edges have index 0; a pair whose edges
    are all fixed is left out.
    """
    sources, targets, pre, post = ends
    (source_names, source), (target_names, target) = (_index_labels(_labels(labels, by))
                                                      for labels in (sources, targets))  # fmt: skip
    keys = target[post] * len(source_names) + source[pre]
    known = np.unique(keys[~fixed])
    pairs = np.where(fixed, 0, np.searchsorted(known, keys))
    ends_of_pairs = (divmod(int(key), len(source_names)) for key in known)
    return pairs, tuple(f"{source_names[from_]}{ARROW}{target_names[to]}" for to, from_ in ends_of_pairs)


def _index_labels(labels: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The distinct labels in the order of their first units, and each unit's index among them."""
    names, first, index = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return [str(name) for name in names[order]], np.argsort(order)[index]


def _labels(labels: Labels, by: str) -> np.ndarray:
    """(n,): region or `region/type` of each unit."""
    regions = labels["region"]
    if by == "block" or "type" not in labels:
        return regions
    pairs = zip(regions.tolist(), labels["type"].tolist(), strict=True)
    return np.array([f"{region}/{kind}" if kind else region for region, kind in pairs])


def _mask(name: str, sources: Labels, targets: Labels, pre: np.ndarray, post: np.ndarray) -> np.ndarray:
    """(E,) bool: the edges of a projection; a region's name may contain an arrow, too."""
    parts, mask = name.split(ARROW), np.zeros(len(pre), bool)
    for split in range(1, len(parts)):
        source, target = ARROW.join(parts[:split]), ARROW.join(parts[split:])
        mask |= _is_in(sources, source)[pre] & _is_in(targets, target)[post]
    return mask


def _is_in(labels: Labels, name: str) -> np.ndarray:
    """(n,) bool: the units of a region, or of `region/type`."""
    return (labels["region"] == name) | (_labels(labels, "type") == name)


def _unknown(name: str, kinds: Mapping[str, Ends]) -> str:
    known = [pair for ends in kinds.values() for pair in pairs_of("block", ends, np.zeros(len(ends[2]), bool))[1]]
    more = f", ... ({len(known)} in all)" if len(known) > LISTED else ""
    expected = f"{', '.join(kinds)} or a projection, one of {', '.join(known[:LISTED])}{more}"
    return f"expected {expected}, got {name!r}{nearest(name, known)}"
