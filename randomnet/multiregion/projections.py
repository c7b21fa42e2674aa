"""Projections by name: which edges are fixed, and which share a scale.

A projection is `source -> target`, where the ends are regions, inputs as sources, or `region/type`, a cell type of one
region; it means all edges between their units. `recurrent` and `input` mean all edges of that kind.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from randomnet.settings import nearest

SCALES = ("block", "type")
ARROW = " -> "
SHOWN = 20  # projections that an error lists

Labels = Mapping[str, np.ndarray]  # "region" and "type": (n,) texts of the units at one end
Ends = tuple[Labels, Labels, np.ndarray, np.ndarray]  # labels of sources and targets; pre and post (E,)


def fixed_edges(fixed: Iterable[str], kinds: Mapping[str, Ends]) -> dict[str, np.ndarray]:
    """For recurrent and input edges (E,) bool: which are fixed by their kind or projection. Raises ValueError.

    kinds: `recurrent`, `input`, or both, as the caller calls them.
    """
    found = {kind: np.zeros(len(ends[2]), bool) for kind, ends in kinds.items()}
    for name in fixed:
        if name in found:
            if not len(found[name]):
                raise ValueError(f"fixed: expected projections that there are, got {name!r} of a network without any")
            found[name][:] = True
            continue
        masks = {kind: _mask(name, *ends) for kind, ends in kinds.items()}
        if not any(mask.any() for mask in masks.values()):
            raise ValueError(f"fixed: {_unknown(name, kinds)}")
        for kind, mask in masks.items():
            found[kind] |= mask
    return found


def pairs_of(by: str, ends: Ends, fixed: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """The number (E,) of each edge's pair of regions, or of `region/type`, and the pairs' names, in network order.

    Edges that are fixed have number 0 and count for no pair.
    """
    sources, targets, pre, post = ends
    (names, source), (other, target) = (_numbered(_texts(labels, by)) for labels in (sources, targets))
    keys = target[post] * len(names) + source[pre]
    known = np.unique(keys[~fixed])
    numbers = np.where(fixed, 0, np.searchsorted(known, keys))
    pairs = (divmod(int(key), len(names)) for key in known)
    return numbers, tuple(f"{names[from_]}{ARROW}{other[to]}" for to, from_ in pairs)


def _numbered(texts: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Labels in the order of their first units, and each unit's number among them."""
    labels, first, index = np.unique(texts, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return [str(labels[one]) for one in order], np.argsort(order)[index]


def _texts(labels: Labels, by: str) -> np.ndarray:
    regions = labels["region"]
    if by == "block" or "type" not in labels:
        return regions
    pairs = zip(regions.tolist(), labels["type"].tolist(), strict=True)
    return np.array([f"{region}/{kind}" if kind else region for region, kind in pairs])


def _mask(name: str, sources: Labels, targets: Labels, pre: np.ndarray, post: np.ndarray) -> np.ndarray:
    """(E,) bool: the edges of a projection; names may hold arrows themselves."""
    parts, found = name.split(ARROW), np.zeros(len(pre), bool)
    for place in range(1, len(parts)):
        source, target = ARROW.join(parts[:place]), ARROW.join(parts[place:])
        found |= _at(sources, source)[pre] & _at(targets, target)[post]
    return found


def _at(labels: Labels, name: str) -> np.ndarray:
    """(n,) bool: the units of a region, or of `region/type`."""
    return (labels["region"] == name) | (_texts(labels, "type") == name)


def _unknown(name: str, kinds: Mapping[str, Ends]) -> str:
    known = [pair for ends in kinds.values() for pair in pairs_of("block", ends, np.zeros(len(ends[2]), bool))[1]]
    more = f", ... ({len(known)} in all)" if len(known) > SHOWN else ""
    expected = f"{', '.join(kinds)} or a projection, one of {', '.join(known[:SHOWN])}{more}"
    return f"expected {expected}, got {name!r}{nearest(name, known)}"
