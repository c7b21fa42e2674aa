"""Facts of a connectome as plain values, computed from its list of edges."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from randomnet.connectome import Connectome, Eigenvalues, eigenvalues_of, strong_components, weak_components
from randomnet.connectome.eigenvalues import CONVERGED
from randomnet.formats import has_counts

QUANTILES = (0, 5, 25, 50, 75, 95, 100)  # percent
GROUPED_BY = {  # label -> its name in figures; a matrix is sorted by the first of these that makes groups
    "population": "population",
    "cell_fibers": "cell fibre",
    "region": "region",
    "super_class": "super-class",
    "neurotransmitter": "neurotransmitter",
    "class": "class",
    "type": "type",
    "side": "side",
}
ORDERED = ("population",)  # labels whose neurons keep their order, such as that on a ring
MOST_GROUPS = 150  # more groups could not be told apart in a figure
SIGNS = ("excitatory", "inhibitory", "both signs", "no output")


@dataclass(frozen=True, eq=False)
class Groups:
    """Neurons sorted by group. order: (N,) indices; by: the label in words; names, sizes: of each group in order."""

    order: np.ndarray
    by: str
    names: tuple[str, ...]
    sizes: tuple[int, ...]


def describe(connectome: Connectome, spectrum: Eigenvalues | None = None) -> dict[str, Any]:
    """The connectome's `facts()` and further facts, as plain values.

    self_connections, neurons_without_output, in_degree and out_degree (edges), weights (see `weight_facts`),
    weights_are (the reader's note on them), labels (kind -> label -> number of neurons, the most frequent first),
    components (weak and strong: their number, neurons of the largest), spectral_radius (value, exact, relative
    residual, converged). spectrum: its eigenvalues; they are computed where None.
    """
    n, post, pre = connectome.n, connectome.post, connectome.pre
    spectrum = eigenvalues_of(connectome) if spectrum is None else spectrum
    return {
        **connectome.facts(),
        "self_connections": int((post == pre).sum()),
        "neurons_without_output": int((connectome.signs == 0).sum()) - connectome.mixed,
        "in_degree": _quantiles(np.bincount(post, minlength=n)),
        "out_degree": _quantiles(np.bincount(pre, minlength=n)),
        "weights": weight_facts(connectome),
        "weights_are": str(connectome.provenance.get("weights", "")),
        "labels": {kind: _counts(labels) for kind, labels in connectome.labels.items()},
        "components": {
            "weak": _sizes(weak_components(post, pre, n)),
            "strong": _sizes(strong_components(post, pre, n)),
        },
        "spectral_radius": {
            "value": spectrum.radius,
            "exact": spectrum.complete,
            "residual": spectrum.residual,
            "converged": spectrum.residual <= CONVERGED,
        },
    }


def weight_facts(connectome: Connectome) -> dict[str, Any]:
    """The unit of the weights, the number of edges of weight 0, and count, mean and quantiles of |J| by sign.

    The unit is `synapses` for unchanged counts of formats that hold synapse counts, and `J` otherwise.
    """
    weights, notes = connectome.weights, connectome.provenance
    are_counts = has_counts(connectome) or str(notes.get("source")).startswith("synthetic stand-in")
    is_changed = notes.get("g", 1) != 1 or "normalization" in notes or "initial_weights" in notes
    return {
        "unit": "synapses" if are_counts and not is_changed and bool((weights == np.round(weights)).all()) else "J",
        "zero": int((weights == 0).sum()),
        "excitatory": _quantiles(weights[weights > 0]),
        "inhibitory": _quantiles(-weights[weights < 0]),
    }


def groups_of(connectome: Connectome) -> Groups:
    """The neurons sorted by the first label of GROUPED_BY that makes groups, or else by sign.

    Within a group, neurons are sorted by sign and out-degree; with a label of ORDERED they keep their order. Groups are
    in the order of their names, or in that of the neurons where every neuron is a group.
    """
    signs, degrees = connectome.signs, np.bincount(connectome.pre, minlength=connectome.n)
    for kind, by in GROUPED_BY.items():
        names, index, sizes = np.unique(connectome.labels.get(kind, []), return_inverse=True, return_counts=True)
        if len(names) == connectome.n:
            return Groups(np.arange(connectome.n), by, tuple(connectome.labels[kind].tolist()), (1,) * connectome.n)
        if 2 <= len(names) <= MOST_GROUPS:
            order = np.argsort(index, kind="stable") if kind in ORDERED else np.lexsort([-degrees, -signs, index])
            return Groups(order, by, tuple(names.tolist()), tuple(sizes.tolist()))
    silent = np.bincount(connectome.pre, connectome.weights != 0, minlength=connectome.n) == 0
    index = np.select([signs > 0, signs < 0, ~silent], [0, 1, 2], 3)
    sizes = np.bincount(index, minlength=len(SIGNS)).tolist()
    present = {text: size for text, size in zip(SIGNS, sizes, strict=True) if size}
    return Groups(np.lexsort([-degrees, index]), "sign", tuple(present), tuple(present.values()))


def _quantiles(values: np.ndarray) -> dict[str, Any]:
    """count, mean (None without values), and quantiles: percent -> value (empty without values)."""
    if not len(values):
        return {"count": 0, "mean": None, "quantiles": {}}
    quantiles = np.quantile(values, np.array(QUANTILES) / 100)
    return {
        "count": len(values),
        "mean": float(values.mean()),
        "quantiles": dict(zip(QUANTILES, quantiles.tolist(), strict=True)),
    }


def _counts(labels: np.ndarray) -> dict[str, int]:
    """Label -> number of neurons, the most frequent first."""
    names, counts = np.unique(labels, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return dict(zip(names[order].tolist(), counts[order].tolist(), strict=True))


def _sizes(components: np.ndarray) -> dict[str, int]:
    """The number of components, and the number of neurons of the largest."""
    sizes = np.bincount(components)
    return {"number": len(sizes), "largest": int(sizes.max(initial=0))}
