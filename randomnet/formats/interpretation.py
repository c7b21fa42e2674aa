"""Edges and neurons as a file lists them -> Connectome: types of synapses, directions, transmitters, and signs.

Every format of edges (tables, spreadsheets, graphs) passes through `interpreted`, so that one rule holds for all.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from randomnet.connectome import Connectome
from randomnet.formats.assembly import assemble
from randomnet.formats.contents import Part, recorded, unused
from randomnet.formats.doubtful_names import alike, refuse_totals
from randomnet.formats.files import FormatError
from randomnet.formats.options import Options
from randomnet.formats.signs import LABEL, transmitter_names, with_signs
from randomnet.formats.spellings import (
    CHEMICAL,
    ELECTRICAL,
    LONG_SIGN_WORDS,
    NEUROMUSCULAR,
    RECEIVED,
    SYNAPSE_WORDS,
    normalized,
)

OTHER = "other"
TYPES = (CHEMICAL, ELECTRICAL, RECEIVED, NEUROMUSCULAR, OTHER)  # of synapses, by their codes in EdgeRows
UNSIGNED = "electrical synapses have no sign"
MISSING_CODES = (-999, -9999, -99999, -32768, -(2**31))  # of measurements, rasters and integers of R
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
        rows: dict[str, Any] = {name: None if array is None else array[mask] for name, array in values.items()}
        texts = self.transmitters
        return EdgeRows(**rows, transmitters=None if texts is None else Texts(texts.codes[mask], texts.names))


def stacked(parts: Sequence[EdgeRows]) -> EdgeRows:
    """The rows of all parts, which have the same columns, one part after the other."""
    names = ("pre", "post", "weights", "signs", "types", "undirected")
    columns = {name: [getattr(part, name) for part in parts] for name in names}
    joined: dict[str, Any] = {
        name: None if arrays[0] is None else np.concatenate(arrays) for name, arrays in columns.items()
    }
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
    _refuse_codes(rows, file)
    refuse_totals(neurons.names, rows.pre, rows.post, rows.weights, file)
    rows, kind_parts = _of_type(rows, options.synapse_type, file)
    directions = _directions(rows.undirected)
    rows, both_ways = _listed_once(rows)
    labels, label_parts = _labels(rows, neurons, file)
    signed, sign_parts = _signed(rows, neurons, options.sign_policy, file)
    all_parts = [*parts, *alike(neurons.names), *kind_parts, *both_ways, *label_parts, *sign_parts]
    if signed is not None and LABEL in labels and "transmitters" not in {part.place for part in parts}:
        all_parts.append(Part("transmitters", f"label {LABEL}, not as signs", "the file has signs"))
    notes = {**provenance, **directions, **recorded(all_parts)}

    def assembled(some: EdgeRows) -> Connectome:
        some = _mirrored(some)
        return assemble(name, neurons.names, some.pre, some.post, some.weights, labels, notes, options, file)

    def with_chemical_signs(connectome: Connectome) -> Connectome:
        return with_file_signs(connectome) if signed else with_signs(connectome, options.sign_policy, missing=missing)

    connectome = _assembled(rows, signed, assembled, with_chemical_signs)
    return dataclasses.replace(connectome, positions=neurons.positions)


def _assembled(
    rows: EdgeRows,
    signed: EdgeRows | None,
    assembled: Callable[[EdgeRows], Connectome],
    with_chemical_signs: Callable[[Connectome], Connectome],
) -> Connectome:
    """The Connectome of the rows: chemical synapses with signs, electrical ones without, or the sum of both."""
    is_electrical = _electrical(rows)
    electrical = assembled(_symmetric(rows.where(is_electrical))) if is_electrical.any() else None
    if electrical and is_electrical.all():
        return electrical.replace(electrical.weights, sign_policy="none", unsigned=UNSIGNED)
    chemical = dataclasses.replace(rows, weights=np.abs(rows.weights)) if signed is None else signed
    connectome = with_chemical_signs(assembled(chemical.where(~_electrical(chemical)) if electrical else chemical))
    return _sum(connectome, electrical) if electrical else connectome


def _electrical(rows: EdgeRows) -> np.ndarray:
    """(E,) whether each row is an electrical synapse."""
    return np.zeros(len(rows.pre), bool) if rows.types is None else rows.types == TYPES.index(ELECTRICAL)


def _labels(rows: EdgeRows, neurons: Neurons, file: object) -> tuple[dict[str, np.ndarray], list[Part]]:
    """The labels of the neurons, with the transmitters of their rows where they have no others."""
    labels = dict(neurons.labels)
    if rows.transmitters is None or LABEL in labels:
        return labels, []
    common, several = most_common(rows, len(neurons.names))
    note = f"{several:,} neurons have rows of several; that of most of their synapses counts"
    parts = [Part(f"transmitters of rows in {short_name(file)}", "transmitters of neurons", note)] * (several > 0)
    return {**labels, LABEL: transmitter_names(common)}, parts


def _signed(rows: EdgeRows, neurons: Neurons, policy: str, file: object) -> tuple[EdgeRows | None, list[Part]]:
    """The rows with the signs of the file, None where it has none or the policy is another; and what is left out."""
    parts = []
    negative, is_electrical = rows.weights < 0, _electrical(rows)
    if count := int((negative & is_electrical).sum()):
        parts.append(unused(f"negative weights of {count:,} electrical synapses", "these have no sign"))
    of_edges = rows.signs is not None or bool((negative & ~is_electrical).any())
    if not of_edges and neurons.signs is None:
        return None, parts
    if policy != "auto":
        return None, [*parts, unused(f"signs in {short_name(file)}", f"as sign_policy = {policy}")]
    if not of_edges:
        assert neurons.signs is not None, "checked above"
        rows = _mirrored(rows)  # first, as each end of an undirected edge has a sign of its own
        return dataclasses.replace(rows, weights=rows.weights * neurons.signs[rows.pre]), parts
    if neurons.signs is not None:
        parts.append(unused(f"signs of neurons beside {short_name(file)}", "the edges have signs"))
    weights = rows.weights if rows.signs is None else np.abs(rows.weights) * rows.signs
    return dataclasses.replace(rows, weights=weights), parts


def types_of_words(words: Iterable[str]) -> np.ndarray:
    """(words,) int8 indices into TYPES; excitatory and inhibitory synapses are chemical, other words another type."""
    names = [normalized(word) for word in words]
    types = [SYNAPSE_WORDS.get(name, CHEMICAL if name in LONG_SIGN_WORDS else OTHER) for name in names]
    return np.array([TYPES.index(synapse_type) for synapse_type in types], np.int8)


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
        reason = LEFT_OUT.get(name, f"synapse_type = {name} or all reads them")
        use = {CHEMICAL: "directed edges", ELECTRICAL: "undirected edges without a sign"}.get(name, "")
        text = f"{count:,} row{'s' * (count != 1)}"
        place = f"{name} synapses in {short_name(file)}"
        parts += [Part(place, use, text) if name in wanted else unused(place, f"{text}; {reason}")] * (count > 0)
    if ELECTRICAL in wanted and (unequal := _unequal_pairs(rows.where(_electrical(rows)))):
        note = f"{unequal:,} pairs; the larger weight holds"
        place = f"unequal directions of electrical synapses in {short_name(file)}"
        parts.append(Part(place, "one weight per pair", note))
    is_wanted = np.isin(rows.types, [TYPES.index(name) for name in wanted])
    if not is_wanted.any():
        there = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "none"
        raise FormatError(f"{file}: expected rows of synapse_type = {synapse_type}, got {there}")
    return rows.where(is_wanted), parts


def most_common(rows: EdgeRows, n: int) -> tuple[np.ndarray, int]:
    """(n,) the transmitter of most outgoing synapses of each neuron, "" where its rows name none; and the number of
    neurons whose rows name several."""
    assert rows.transmitters is not None, "rows with transmitters"
    codes, names = rows.transmitters
    is_named = (codes >= 0) & (np.append(names, "") != "")[codes]
    key = rows.pre[is_named] * len(names) + codes[is_named]
    totals = np.bincount(key, np.abs(rows.weights[is_named]), minlength=n * len(names)).reshape(n, len(names))
    if not len(names):
        return np.full(n, ""), 0
    return np.where(totals.any(1), names[totals.argmax(1)], ""), int(((totals > 0).sum(1) > 1).sum())


def _mirrored(rows: EdgeRows) -> EdgeRows:
    """The rows with each undirected one, but for autapses, as two directed ones."""
    if rows.undirected is None:
        return rows
    back = rows.where(rows.undirected & (rows.pre != rows.post))
    back = dataclasses.replace(back, pre=back.post, post=back.pre)
    return dataclasses.replace(stacked([rows, back]), undirected=None)


def _listed_once(rows: EdgeRows) -> tuple[EdgeRows, list[Part]]:
    """The rows, directed where all undirected ones are in the file in both directions, with equal weights."""
    if rows.undirected is None or not rows.undirected.any():
        return rows, []
    mask = rows.undirected & (rows.pre != rows.post)
    pre, post, n = rows.pre[mask], rows.post[mask], int(max(rows.pre.max(), rows.post.max())) + 1
    ways = []
    for first, second in ((pre, post), (post, pre)):
        pairs, index = np.unique(first * n + second, return_inverse=True)
        ways.append((pairs, np.bincount(index, rows.weights[mask], minlength=len(pairs))))
    (pairs, sums), (back, back_sums) = ways
    if not len(pairs) or not np.array_equal(pairs, back) or not np.allclose(sums, back_sums, rtol=1e-12, atol=0):
        return rows, []
    note = "all of them with the same weight, so each way counts once"
    return dataclasses.replace(rows, undirected=None), [Part("undirected edges", "listed in both directions", note)]


def _refuse_codes(rows: EdgeRows, file: object) -> None:
    """Raise FormatError where the only negative weight is a number that marks missing values."""
    negative = rows.weights[rows.weights < 0]
    if len(negative) and negative[0] in MISSING_CODES and (negative == negative[0]).all():
        actual = f"{negative[0]:.0f} in {len(negative):,} entries and no other negative number"
        raise FormatError(
            f"{file}: expected weights, got {actual}, which marks missing values: write 0 where there is no connection"
        )


def _directions(undirected: np.ndarray | None) -> dict[str, Any]:
    if undirected is None or not undirected.any():
        return {"directed": True}
    subject = "the graph is" if undirected.all() else f"{int(undirected.sum())} edges are"
    return {"directed": False, "undirected": f"{subject} undirected in the file, so the edges go both ways"}


def _symmetric(rows: EdgeRows) -> EdgeRows:
    """Electrical synapses, each pair once in each direction: listed once or twice in the file, the larger sum holds."""
    low, high, sums, _ = _both_ways(rows)
    return EdgeRows(low, high, sums.max(0), undirected=np.ones(len(low), bool))


def _unequal_pairs(rows: EdgeRows) -> int:
    """The number of pairs of neurons that are listed in both directions, with different sums of weights."""
    _, _, sums, is_listed = _both_ways(rows)
    return int((is_listed.all(0) & (sums[0] != sums[1])).sum())


def _both_ways(rows: EdgeRows) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The pairs of neurons low <= high, (P,) each; (2, P) sums of weights from low to high and back; whether listed."""
    low, high = np.minimum(rows.pre, rows.post), np.maximum(rows.pre, rows.post)
    n = int(high.max(initial=0)) + 1
    pairs, index = np.unique(low * n + high, return_inverse=True)
    place = (rows.pre > rows.post) * len(pairs) + index
    sums, numbers = (np.bincount(place, weights, 2 * len(pairs)).reshape(2, -1)
                     for weights in (np.abs(rows.weights), None))  # fmt: skip
    return pairs // n, pairs % n, sums, numbers > 0


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
