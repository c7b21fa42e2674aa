"""What a reader used of a file and what it left: rows of one table, which the provenance of a connectome records."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

NOT_USED = "not used"
CONTENTS = "contents"  # the key in the provenance


class Part(NamedTuple):
    """One part of a file: a column, an attribute, an array, a sheet, or the rows of one kind.

    place: the part, such as `edges.csv, column nt_type`. use: what it is used as, or NOT_USED. note: counts, the reason
    why it is not used, or the option that would use it.
    """

    place: str
    use: str
    note: str = ""

    @property
    def is_used(self) -> bool:
        """Whether the reader used the part."""
        return self.use != NOT_USED


def unused(place: str, note: str = "") -> Part:
    """A part that the reader left out, and why."""
    return Part(place, NOT_USED, note)


def recorded(parts: Iterable[Part]) -> dict[str, list[dict[str, str]]]:
    """The parts as an entry of the provenance, in plain values."""
    return {CONTENTS: [part._asdict() for part in parts]}


def parts_of(provenance: Mapping[str, Any]) -> list[Part]:
    """The parts that a provenance records; empty for networks that no file describes."""
    return [Part(row["place"], row["use"], row["note"]) for row in provenance.get(CONTENTS, ())]
