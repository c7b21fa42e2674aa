"""Lines that a run prints of its network's file: what was not used, and where signs come from; and on its balance."""

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from randomnet.description.columns import WIDTH
from randomnet.description.contents import TransmitterRow, shortened, transmitter_rows
from randomnet.formats import SIGN_POLICIES, Part, parts_of

MOST_LINES = 2
LONGEST_NOTE = 60  # on a part, where it names no option
BALANCED = 0.01  # share of a column sum's target by which the sum of a balanced network may differ
IMPORTANT = re.compile(r"sign|transmitter|nt\b|nt_|weight|synaps|count", re.IGNORECASE)
COLUMN = re.compile(r"(?:(?P<file>.+), )?(?P<kind>column|attribute|array|sheet|variable)s? (?P<names>.+?)"
                    r"(?P<owner> of nodes| of edges| of the graph)?")  # fmt: skip
RULES = [name for name in SIGN_POLICIES if name not in ("auto", "ei")]
NO_WEIGHTS = re.compile(r"\b1 for |no column of weights")


def reading_notes(facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield lines on what a file has and the network does not: unused parts, signs, weights.

    facts: those of `Connectome.facts()`, which have the provenance.
    """
    yield from _unused_lines(facts)
    yield from _wrapped(_signs(facts))
    weights = [str(facts.get("weights", "")), *(part.note for part in parts_of(facts) if part.use == "weight")]
    yield from (f"weights: {text}" for text in weights if NO_WEIGHTS.search(text))


def sinkhorn_notes(facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield how far Sinkhorn's scaling balances the network, what does so where it cannot, and the weights it loses."""
    for sign, residual in facts.get("sinkhorn_residual", {}).items():
        verdict = "" if residual <= BALANCED else " (not balanced)"
        yield f"Sinkhorn: {sign} column sums depart by at most {residual:.2g} of their target{verdict}"
    if max(facts.get("sinkhorn_residual", {}).values(), default=0) > BALANCED:
        yield "more sinkhorn_iterations balance it, unless its pattern of edges has no balance"
        yield "normalization = balanced scales inputs alone: their sums are then exact, and every edge stays"
    if facts.get("sinkhorn_lost"):
        yield (
            f"Sinkhorn: {facts['sinkhorn_lost']:,} of {facts['edges']:,} edges are lost, as their weights fall below "
            "1e-12 of the largest; fewer sinkhorn_iterations keep them"
        )


def _unused_lines(facts: Mapping[str, Any]) -> list[str]:
    """At most MOST_LINES lines that name the parts of the files that are not used."""
    parts = [shortened(part, facts) for part in parts_of(facts) if not part.is_used]
    parts.sort(key=lambda part: (not IMPORTANT.search(part.place), not part.place.endswith(" rows")))
    texts = _grouped(parts)
    for count in range(len(texts), 0, -1):
        more = "; further parts, which --describe lists" if count < len(texts) else ""
        lines = _wrapped(f"not used: {'; '.join(texts[:count])}{more}")
        if len(lines) <= MOST_LINES:
            return lines
    return [f"not used: {len(parts):,} parts of the file, which --describe lists"] if parts else []


def _grouped(parts: Sequence[Part]) -> list[str]:
    """Texts on parts; columns of one file whose notes name no option share a text."""
    texts: dict[tuple[str, ...], list[str]] = {}
    for number, part in enumerate(parts):
        match = COLUMN.fullmatch(part.place)
        if match and "=" not in part.note:
            owner = f"{match['owner'] or ''}{' of ' + match['file'] if match['file'] else ''}"
            texts.setdefault((match["kind"], owner), []).append(match["names"])
        else:
            place = part.place.rpartition(" in ")[0] or part.place
            note = part.note if "=" in part.note else textwrap.shorten(part.note, LONGEST_NOTE, placeholder=" ...")
            texts[(str(number),)] = [f"{place} ({note})" if note else place]
    return [f"{key[0]}{'s' * (len(names) > 1)} {', '.join(names)}{key[1]}" if len(key) > 1 else names[0]
            for key, names in texts.items()]  # fmt: skip


def _signs(facts: Mapping[str, Any]) -> str:
    """A text on the rule of signs, with the counts of transmitters; "" where the source has no such rule."""
    policy = facts.get("sign_policy")
    if policy is None:
        return ""
    rows = transmitter_rows(facts)
    if policy == "none":
        if "unsigned" in facts:
            return f"signs: all weights are positive, as {facts['unsigned']}"
        unused = f"; transmitters are known, but not used ({_counts(rows, signed=False)})" if rows else ""
        return f"signs: all weights are positive (sign_policy = none){unused}{_others(policy) if rows else ''}"
    rule = SIGN_POLICIES.get(policy)
    if rule is None:
        return f"signs {policy}"
    if policy == "ei" or not rows:
        return f"signs by {policy}: {rule.sentence}"
    changed = facts.get("kenyon_cells_overridden", 0)
    kenyon = f"; {changed:,} Kenyon cells are taken as acetylcholine, whatever the file says" if changed else ""
    return f"signs by {policy}: {_counts(rows)}{kenyon}{_others(policy)}"


def _counts(rows: Sequence[TransmitterRow], signed: bool = True) -> str:
    counts = [f"{row.name.replace(', ', '/')} {row.neurons:,} {row.sign if signed else ''}".strip() for row in rows[:8]]
    return ", ".join(counts + [f"and {len(rows) - 8} more"] * (len(rows) > 8))


def _others(policy: str) -> str:
    return f" (other rules of sign_policy: {', '.join(name for name in RULES if name != policy)})"


def _wrapped(text: str) -> list[str]:
    """The text in lines of at most WIDTH; later ones are indented."""
    return textwrap.wrap(text, WIDTH - 4, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
