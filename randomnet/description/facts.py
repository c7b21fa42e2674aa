"""Facts of a connectome as plain values, from its list of edges alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from randomnet.connectome import Connectome, Eigenvalues, eigenvalues_of, strong_components, weak_components
from randomnet.connectome.eigenvalues import CONVERGED
from randomnet.formats import has_counts

QUANTILES = (0, 5, 25, 50, 75, 95, 100)  # percent
GROUPED_BY = {  # labels that a matrix may be sorted by, the first that there is: kind -> what the groups are
    "population": "population",
    "cell_fibers": "cell fibre",
    "region": "region",
    "super_class": "super-class",
    "neurotransmitter": "neurotransmitter",
    "class": "class",
    "type": "type",
    "side": "side",
}
ORDERED = ("population",)  # their neurons have an order of their own, such as that on a ring
MOST_GROUPS = 150  # of more groups nothing could be seen
SIGNS = ("excitatory", "inhibitory", "both signs", "no output")


@dataclass(frozen=True, eq=False)
class Groups:
    """Neurons in the order of their groups: order (N,) of indices; by: what the groups are; their names and sizes."""

    order: np.ndarray
    by: str
    names: tuple[str, ...]
    sizes: tuple[int, ...]


def describe(connectome: Connectome, found: Eigenvalues | None = None) -> dict[str, Any]:
    """What the connectome is, as plain values: its `facts()` and these.

    self_connections, neurons_without_output, in_degree and out_degree (edges), weights (see `weight_facts`), labels
    (kind -> label -> neurons, the most frequent first), components (weak and strong: number, neurons of the largest),
    spectral_radius (value, exact, relative residual, converged). found: its eigenvalues, where they are known already.
    """
    n, post, pre = connectome.n, connectome.post, connectome.pre
    found = eigenvalues_of(connectome) if found is None else found
    return {
        **connectome.facts(),
        "self_connections": int((post == pre).sum()),
        "neurons_without_output": int((connectome.signs == 0).sum()) - connectome.mixed,
        "in_degree": _quantiles(np.bincount(post, minlength=n)),
        "out_degree": _quantiles(np.bincount(pre, minlength=n)),
        "weights": weight_facts(connectome),
        "labels": {kind: _counts(labels) for kind, labels in connectome.labels.items()},
        "components": {
            "weak": _sizes(weak_components(post, pre, n)),
            "strong": _sizes(strong_components(post, pre, n)),
        },
        "spectral_radius": {
            "value": found.radius,
            "exact": found.complete,
            "residual": found.residual,
            "converged": found.residual <= CONVERGED,
        },
    }


def weight_facts(connectome: Connectome) -> dict[str, Any]:
    """Of |J|: its unit, how many edges have weight 0, and by sign its count, mean and quantiles.

    The unit is `synapses` for counts as formats that hold such have them, and `J` for all else.
    """
    weights, notes = connectome.weights, connectome.provenance
    counted = has_counts(connectome) or str(notes.get("source")).startswith("synthetic stand-in")
    changed = notes.get("g", 1) != 1 or "normalization" in notes or "initial_weights" in notes
    return {
        "unit": "synapses" if counted and not changed and bool((weights == np.round(weights)).all()) else "J",
        "zero": int((weights == 0).sum()),
        "excitatory": _quantiles(weights[weights > 0]),
        "inhibitory": _quantiles(-weights[weights < 0]),
    }


def groups_of(connectome: Connectome) -> Groups:
    """By the first label of GROUPED_BY that makes some groups, else by sign; within a group by sign and out-degree.

    Those of a label of ORDERED stay in their order.
    Groups are in the order of their names, or, where every neuron is one, in that of the neurons.
    """
    signs, degrees = connectome.signs, np.bincount(connectome.pre, minlength=connectome.n)
    for kind, by in GROUPED_BY.items():
        names, index, sizes = np.unique(connectome.labels.get(kind, []), return_inverse=True, return_counts=True)
        if len(names) == connectome.n:
            every = np.arange(connectome.n)
            return Groups(every, by, tuple(connectome.labels[kind].tolist()), (1,) * connectome.n)
        if 2 <= len(names) <= MOST_GROUPS:
            order = np.argsort(index, kind="stable") if kind in ORDERED else np.lexsort([-degrees, -signs, index])
            return Groups(order, by, tuple(names.tolist()), tuple(sizes.tolist()))
    silent = np.bincount(connectome.pre, connectome.weights != 0, minlength=connectome.n) == 0
    index = np.select([signs > 0, signs < 0, ~silent], [0, 1, 2], 3)
    sizes = np.bincount(index, minlength=len(SIGNS)).tolist()
    present = {text: size for text, size in zip(SIGNS, sizes, strict=True) if size}
    return Groups(np.lexsort([-degrees, index]), "sign", tuple(present), tuple(present.values()))


def _quantiles(values: np.ndarray) -> dict[str, Any]:
    """count, mean, and `quantiles`: percent -> value; no quantiles of nothing."""
    if not len(values):
        return {"count": 0, "mean": None, "quantiles": {}}
    found = np.quantile(values, np.array(QUANTILES) / 100)
    return {
        "count": len(values),
        "mean": float(values.mean()),
        "quantiles": dict(zip(QUANTILES, found.tolist(), strict=True)),
    }


def _counts(labels: np.ndarray) -> dict[str, int]:
    names, counts = np.unique(labels, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return dict(zip(names[order].tolist(), counts[order].tolist(), strict=True))


def _sizes(components: np.ndarray) -> dict[str, int]:
    sizes = np.bincount(components)
    return {"number": len(sizes), "largest": int(sizes.max(initial=0))}
