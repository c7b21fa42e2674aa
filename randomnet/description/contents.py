"""What the files of a network hold, as text: groups of neurons, transmitters, losses, parts that were used and not."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from randomnet.description.columns import aligned
from randomnet.formats import NOT_USED, SIGN_POLICIES, SIGN_TABLE, Part, parts_of

MOST_UNUSED = 12  # rows of a table; further ones are listed in one
MOST_NAMES = 60  # in that row
MOST_GROUPS = 24  # more than any brain has super-classes
GROUPS = ("super_class", "class", "type")  # labels by which neurons are counted, the first that makes groups
LEFT_OUT = {  # number in the provenance -> what was left out, and why
    "autapses_dropped": ("connections of neurons with themselves", "drop_autapses = True"),
    "zero_weights_dropped": ("edges", "their weight is 0"),
    "cancelled": ("edges", "an inhibitory synapse and a gap junction sum to 0"),
    "pairs_below_min_synapses": ("pairs of neurons", "fewer synapses than min_synapses = {min_synapses:g}"),
    "rows_of_other_bodies_dropped": ("rows of edges", "an end is no neuron of the network"),
    "synapses_of_other_bodies_dropped": ("synapses", "those of these rows"),
    "neurons_without_edges_dropped": ("neurons", "without an edge in the ROIs"),
    "neurons_outside_component_dropped": ("neurons", "outside the largest_component = {largest_component}"),
    "edges_without_sign_dropped": ("edges", "sign_policy = {sign_policy} gives their neurons no sign"),
}
OTHER_LOSS = re.compile(r"(\w+)_(dropped|left_out)")  # further numbers of readers
SIGNS = {1.0: "+", -1.0: "-", 0.0: "none"}


class _Table(NamedTuple):
    """A table: its title, header and rows, and the largest width of each column but the last."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    limits: tuple[int, ...]


class TransmitterRow(NamedTuple):
    """A transmitter with its number of neurons, their sign as text, and the number of their synapses, if known."""

    name: str
    neurons: int
    sign: str
    synapses: float | None = None


def contents_as_text(facts: Mapping[str, Any]) -> str:
    """Tables of neurons, transmitters, what was left out, and what of the files was used; "" for a network without any.

    facts: those of `describe`.
    """
    files = list(facts.get("files", ()))
    title = f"what the file holds{': ' + files[0] if len(files) == 1 else ''}"
    tables = (
        _groups(facts),
        _transmitters(facts),
        _Table("left out", ("", "number", "why"), list(_losses(facts)), (46, 14)),
        _Table(title, ("part", "used as", "note"), part_rows(facts), (46, 26)),
    )
    texts = ["\n".join([f"  {table.title}", *aligned([table.header, *table.rows], table.limits)])
             for table in tables if table.rows]  # fmt: skip
    return "\n".join(texts)


def part_rows(facts: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row for each part: place, use and note; unused ones come last, marked by a -, and many share a row."""
    parts = [shortened(part, facts) for part in parts_of(facts)]
    used = [tuple(part) for part in parts if part.is_used]
    if parts and facts.get("weights_are"):
        used.append(("weights", "weight", facts["weights_are"]))
    unused = [part for part in parts if not part.is_used]
    listed, more = unused[:MOST_UNUSED], unused[MOST_UNUSED:]
    if len(more) == 1:
        listed, more = unused, []
    rows: list[tuple[str, ...]] = [*used, *(("-", *part) for part in listed)]
    if more:
        rows.append(("-", f"{len(more):,} more parts", NOT_USED, _listed([part.place for part in more])))
    return rows


def transmitter_rows(facts: Mapping[str, Any]) -> list[TransmitterRow]:
    """The transmitters of a network and the signs that its sign policy gives them, the most frequent first."""
    table = facts.get(SIGN_TABLE)
    if table:
        rows = [TransmitterRow(name, int(row["neurons"]), sign_text(row["sign"]), float(row["synapses"]))
                for name, row in table.items()]  # fmt: skip
    else:
        policy = facts.get("sign_policy")
        counts = facts.get("transmitters", {})
        rows = [TransmitterRow(name, count, _sign_by(policy, name)) for name, count in counts.items()]
    return sorted(rows, key=lambda row: -row.neurons)


def sign_text(sign: float) -> str:
    """+, - or none; the number itself between them, as the mean of several neurons."""
    return SIGNS.get(sign, f"{sign:+.2f}")


def _sign_by(policy: str | None, transmitter: str) -> str:
    """The sign of a transmitter under a policy; "" where the policy is no table."""
    rule = SIGN_POLICIES.get(policy or "")
    if policy == "none":
        return SIGNS[1.0]
    if rule is None or rule.signs is None:
        return ""
    return sign_text(float(rule.signs.get(transmitter, rule.other_sign)))


def shortened(part: Part, provenance: Mapping[str, Any]) -> Part:
    """The part with names of files in place of their paths, and without the name of an only file."""
    place, use, note = (_without_folders(text, provenance) for text in part)
    if len(files := list(provenance.get("files", ()))) == 1:
        place = place.removeprefix(f"{files[0]}, ").removesuffix(f" in {files[0]}")
    return Part(place, use, note)


def _without_folders(text: str, provenance: Mapping[str, Any]) -> str:
    for name in provenance.get("files", ()):
        folder = r"(^|(?<= in )|(?<=; )|(?<=: ))(?:(?! in )[^,;])*[/\\]"
        text = re.sub(f"{folder}(?={re.escape(name)})", "", text)
    return text


def _listed(places: Sequence[str]) -> str:
    """The places as a list in words, with what they begin with said once."""
    words = [place.split(" ") for place in places]
    same = next((number for number, texts in enumerate(zip(*words, strict=False)) if len(set(texts)) > 1), 0)
    start = " ".join(words[0][:same])
    names = [" ".join(parts[same:]) for parts in words]
    more = [f"and {len(names) - MOST_NAMES:,} more"] * (len(names) > MOST_NAMES)
    listed = ", ".join(names[:MOST_NAMES] + more)
    return f"{start}: {listed}" if start else listed


def _groups(facts: Mapping[str, Any]) -> _Table:
    """The table of neurons by the first label of GROUPS that makes groups; without rows where none does."""
    for kind in GROUPS:
        counts = facts["labels"].get(kind, {})
        if 2 <= len(counts) < facts["neurons"]:
            break
    else:
        return _Table("", (), [], ())
    rows = [(name, f"{count:,}", f"{count / facts['neurons']:.1%}") for name, count in counts.items()]
    if len(rows) > MOST_GROUPS + 1:
        others = sum(list(counts.values())[MOST_GROUPS:])
        last = (f"{len(rows) - MOST_GROUPS:,} others", f"{others:,}", f"{others / facts['neurons']:.1%}")
        rows[MOST_GROUPS:] = [last]
    return _Table(f"neurons by {kind}", (kind, "neurons", "share"), [*rows], (46, 12))


def _transmitters(facts: Mapping[str, Any]) -> _Table:
    """The table of transmitters; without the columns of signs and synapses where nothing is known of them."""
    header = ("transmitter", "neurons", "sign", "synapses")
    rows = [(row.name, f"{row.neurons:,}", row.sign, "" if row.synapses is None else f"{row.synapses:,.10g}")
            for row in transmitter_rows(facts)]  # fmt: skip
    known = [place for place in range(len(header)) if place < 2 or any(row[place] for row in rows)]
    rows, header = [tuple(row[place] for place in known) for row in rows], tuple(header[place] for place in known)
    return _Table("transmitters", header, rows, (40, 12, 8)[: len(known) - 1])


def _losses(facts: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield what was left out, its number and why."""
    for why, count in facts.get("no_neurons", {}).items():
        yield "rows of the table of neurons", f"{count:,}", why
    for key, (left, why) in LEFT_OUT.items():
        if facts.get(key):
            yield left, f"{facts[key]:,.10g}", why.format_map(_Known(facts))
    if facts.get("edges_without_sign_dropped") and facts.get("synapses_without_sign"):
        yield "synapses", f"{facts['synapses_without_sign']:,.10g}", "those of these edges"
    for key, count in facts.items():
        match = OTHER_LOSS.fullmatch(key)
        if match and key not in LEFT_OUT and isinstance(count, (int, float)) and count:
            yield match[1].replace("_", " "), f"{count:,.10g}", ""
    if facts.get("sinkhorn_lost"):
        yield "edges without effect", f"{facts['sinkhorn_lost']:,}", "sinkhorn drives them below 1e-12 of the largest"


class _Known(dict[str, Any]):
    """Values for a text; a value that is not known is nan."""

    def __missing__(self, key: str) -> float:
        return float("nan")
