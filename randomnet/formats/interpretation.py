"""Edges and neurons as a file lists them -> Connectome: types of synapses, directions, transmitters, and signs.

Every format of edges (tables, spreadsheets, graphs) passes through `interpreted`, so that one rule holds for all.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from randomnet.connectome import Connectome
from randomnet.formats.assembly import assemble
from randomnet.formats.contents import Part, recorded, unused
from randomnet.formats.files import FormatError
from randomnet.formats.options import Options
from randomnet.formats.signs import LABEL, transmitter_names, with_signs
from randomnet.formats.spellings import CHEMICAL, ELECTRICAL, NEUROMUSCULAR, RECEIVED

OTHER = "other"
TYPES = (CHEMICAL, ELECTRICAL, RECEIVED, NEUROMUSCULAR, OTHER)  # of synapses, by their codes in EdgeRows
LEFT_OUT = {
    RECEIVED: "the same synapses are listed as sent",
    NEUROMUSCULAR: "synapses onto muscles",
    OTHER: "no option reads them",
}


class Texts(NamedTuple):
    """(E,) texts as codes into different names; a code of -1 is no text."""

    codes: np.ndarray
    names: np.ndarray


@dataclass(frozen=True, eq=False)
class EdgeRows:
    """The rows of edges of a file.

    pre, post: (E,) int64 indices of neurons. weights: (E,) numbers. signs: (E,) -1, 0 or 1, where a column tells them.
    types: (E,) indices into TYPES, where the file tells the types of synapses. transmitters: of the presynaptic neuron
    of each row. undirected: (E,) bool; None where all are directed.
    """

    pre: np.ndarray
    post: np.ndarray
    weights: np.ndarray
    signs: np.ndarray | None = None
    types: np.ndarray | None = None
    transmitters: Texts | None = None
    undirected: np.ndarray | None = None

    def where(self, mask: np.ndarray) -> "EdgeRows":
        """The rows in a mask (E,)."""
        values = {name: getattr(self, name) for name in ("pre", "post", "weights", "signs", "types", "undirected")}
        rows = {name: None if array is None else array[mask] for name, array in values.items()}
        texts = self.transmitters
        return EdgeRows(**rows, transmitters=None if texts is None else Texts(texts.codes[mask], texts.names))


def stacked(parts: Sequence[EdgeRows]) -> EdgeRows:
    """The rows of all parts, which have the same columns, one part after the other."""
    names = ("pre", "post", "weights", "signs", "types", "undirected")
    columns = {name: [getattr(part, name) for part in parts] for name in names}
    joined = {name: None if arrays[0] is None else np.concatenate(arrays) for name, arrays in columns.items()}
    texts = [part.transmitters for part in parts if part.transmitters is not None]
    transmitters = Texts(np.concatenate([codes for codes, _ in texts]), texts[0].names) if texts else None
    return EdgeRows(**joined, transmitters=transmitters)


@dataclass(frozen=True, eq=False)
class Neurons:
    """The neurons of a file: (N,) names; kind of label -> (N,) texts; (N,) signs; (N, 3) positions."""

    names: np.ndarray
    labels: Mapping[str, np.ndarray] = field(default_factory=dict)
    signs: np.ndarray | None = None
    positions: np.ndarray | None = None


def interpreted(
    name: str,
    rows: EdgeRows,
    neurons: Neurons,
    options: Options,
    provenance: Mapping[str, Any],
    parts: list[Part],
    file: object,
    missing: str,
) -> Connectome:
    """The Connectome of listed edges and neurons, with `parts` and what was decided here in its provenance.

    Electrical synapses are undirected and have no sign of transmitters. Under sign_policy `auto` the signs are those of
    the file: of edges, or else of neurons, or else of transmitters. file: the file in errors. missing: what errors
    expect where a sign policy lacks transmitters. Raises FormatError.
    """
    rows, kind_parts = _of_type(rows, options.synapse_type, file)
    labels = dict(neurons.labels)
    if rows.transmitters is not None and LABEL not in labels:
        labels[LABEL] = transmitter_names(most_common(rows, len(neurons.names)))
    is_signed = rows.signs is not None or neurons.signs is not None or bool((rows.weights < 0).any())
    use_signs = is_signed and options.sign_policy == "auto"
    unsigned = dataclasses.replace(rows, weights=np.abs(rows.weights))
    directions = _directions(rows.undirected)
    if use_signs:
        parts = [*parts, *_overruled(rows, neurons, labels, parts)]
        rows = _signed(rows, neurons)
    else:
        rows = unsigned
    if is_signed and not use_signs:
        parts = [*parts, unused(f"signs in {short_name(file)}", f"as sign_policy = {options.sign_policy}")]
    notes = {**provenance, **directions, **recorded([*parts, *kind_parts])}

    def assembled(some: EdgeRows) -> Connectome:
        some = _mirrored(some)
        return assemble(name, neurons.names, some.pre, some.post, some.weights, labels, notes, options, file)

    is_electrical = _are_electrical(unsigned)
    if is_electrical.all() and len(is_electrical):
        connectome = assembled(_symmetric(unsigned))
        connectome = connectome.replace(connectome.weights, sign_policy="none")
    else:
        connectome = assembled(rows.where(~_are_electrical(rows)) if is_electrical.any() else rows)
        if use_signs:
            connectome = with_file_signs(connectome)
        else:
            connectome = with_signs(connectome, options.sign_policy, missing=missing)
        if is_electrical.any():
            connectome = _sum(connectome, assembled(_symmetric(unsigned.where(is_electrical))))
    return dataclasses.replace(connectome, positions=neurons.positions)


def with_file_signs(connectome: Connectome) -> Connectome:
    """The connectome with notes on its signs, which are those of the file."""
    silent = int((connectome.signs == 0).sum()) - connectome.mixed
    notes = {"sign_policy": "as in the file", "neurons_without_sign": silent, "neurons_of_both_signs": connectome.mixed}
    return connectome.replace(connectome.weights, **notes)


def short_name(file: object) -> str:
    """The name of a file without its folder, for the contents."""
    return str(getattr(file, "name", file))


def _of_type(rows: EdgeRows, synapse_type: str, file: object) -> tuple[EdgeRows, list[Part]]:
    """The rows of the synapses to use, and what became of each type. Raises FormatError where none is left."""
    if rows.types is None:
        if synapse_type != "chemical":
            raise FormatError(
                f"{file}: expected types of synapses for synapse_type = {synapse_type}, got none: leave it out, or "
                "name the column as columns = synapse_type: name"
            )
        return rows, []
    wanted = (CHEMICAL, ELECTRICAL) if synapse_type == "all" else (synapse_type,)
    counts = {name: int((rows.types == code).sum()) for code, name in enumerate(TYPES)}
    parts = []
    for name, count in counts.items():
        reason = LEFT_OUT.get(name, f"synapse_type = {synapse_type}; synapse_type = {name} or all reads them")
        use = {CHEMICAL: "directed edges", ELECTRICAL: "undirected edges without a sign"}.get(name, "")
        text = f"{count:,} rows"
        place = f"{name} synapses in {short_name(file)}"
        parts += [Part(place, use, text) if name in wanted else unused(place, f"{text}; {reason}")] * (count > 0)
    is_wanted = np.isin(rows.types, [TYPES.index(name) for name in wanted])
    if not is_wanted.any():
        there = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "none"
        raise FormatError(f"{file}: expected rows of synapse_type = {synapse_type}, got {there}")
    return rows.where(is_wanted), parts


def _are_electrical(rows: EdgeRows) -> np.ndarray:
    """(E,) whether each row is an electrical synapse."""
    return np.zeros(len(rows.pre), bool) if rows.types is None else rows.types == TYPES.index(ELECTRICAL)


def _signed(rows: EdgeRows, neurons: Neurons) -> EdgeRows:
    """The rows with weights that have the signs of their rows, or else of their presynaptic neurons."""
    if rows.signs is not None:
        return dataclasses.replace(rows, weights=np.abs(rows.weights) * rows.signs)
    if (rows.weights < 0).any() or neurons.signs is None:
        return rows
    rows = _mirrored(rows)  # first, as each end of an undirected edge has a sign of its own
    return dataclasses.replace(rows, weights=rows.weights * neurons.signs[rows.pre])


def _mirrored(rows: EdgeRows) -> EdgeRows:
    """The rows with each undirected one, but for autapses, as two directed ones."""
    if rows.undirected is None:
        return rows
    back = rows.where(rows.undirected & (rows.pre != rows.post))
    back = dataclasses.replace(back, pre=back.post, post=back.pre)
    return dataclasses.replace(stacked([rows, back]), undirected=None)


def _overruled(rows: EdgeRows, neurons: Neurons, labels: Mapping[str, Any], parts: list[Part]) -> list[Part]:
    """The signs and transmitters of neurons that signs of the file overrule, where no part says so yet."""
    by_edges = rows.signs is not None or bool((rows.weights < 0).any())
    told = {part.place for part in parts}
    source = "edges" if by_edges else "neurons"
    overruled = [unused("signs of neurons", "the edges have signs")] * (by_edges and neurons.signs is not None)
    if LABEL in labels:
        overruled.append(Part("transmitters", f"label {LABEL}, not as signs", f"the {source} have signs"))
    return [part for part in overruled if part.place not in told]


def most_common(rows: EdgeRows, n: int) -> np.ndarray:
    """(n,) the transmitter of most outgoing synapses of each neuron, "" where its rows name none."""
    assert rows.transmitters is not None, "rows with transmitters"
    codes, names = rows.transmitters
    is_named = (codes >= 0) & (np.append(names, "") != "")[codes]
    key = rows.pre[is_named] * len(names) + codes[is_named]
    totals = np.bincount(key, np.abs(rows.weights[is_named]), minlength=n * len(names)).reshape(n, len(names))
    return np.where(totals.any(1), names[totals.argmax(1)], "") if len(names) else np.full(n, "")


def _directions(undirected: np.ndarray | None) -> dict[str, Any]:
    if undirected is None or not undirected.any():
        return {"directed": True}
    subject = "the graph is" if undirected.all() else f"{int(undirected.sum())} edges are"
    return {"directed": False, "undirected": f"{subject} undirected in the file, so the edges go both ways"}


def _symmetric(rows: EdgeRows) -> EdgeRows:
    """Electrical synapses, each pair once in each direction: listed once or twice in the file, the larger sum holds."""
    n = int(max(rows.pre.max(), rows.post.max())) + 1
    pairs, index = np.unique(rows.pre * n + rows.post, return_inverse=True)
    sums = np.bincount(index, np.abs(rows.weights))
    low, high = np.minimum(pairs // n, pairs % n), np.maximum(pairs // n, pairs % n)
    unordered, index = np.unique(low * n + high, return_inverse=True)
    sizes = np.zeros(len(unordered))
    np.maximum.at(sizes, index, sums)
    return EdgeRows(unordered // n, unordered % n, sizes, undirected=np.ones(len(unordered), bool))


def _sum(first: Connectome, second: Connectome) -> Connectome:
    """The connectome with the weights of both; the edges of the second are counted."""
    keys = np.concatenate([each.post * each.n + each.pre for each in (first, second)])
    pairs, index = np.unique(keys, return_inverse=True)
    weights = np.bincount(index, np.concatenate([first.weights, second.weights]))
    post, pre = np.divmod(pairs, first.n)
    is_edge = weights != 0  # an inhibitory synapse and a gap junction of the same size
    provenance = {**first.provenance, "electrical_edges": len(second.weights), "cancelled": int((~is_edge).sum())}
    post, pre, weights = post[is_edge], pre[is_edge], weights[is_edge]
    return dataclasses.replace(first, post=post, pre=pre, weights=weights, provenance=provenance)
