"""Attributes of the edges of a graph by name, as numbers or words, and what each is used as."""

import re
from typing import Any

import numpy as np

from randomnet.formats.assembly import LARGEST
from randomnet.formats.contents import Part
from randomnet.formats.files import FormatError, one_line
from randomnet.formats.graphs.record import Graph
from randomnet.formats.spellings import EDGE_ROLES, role_columns
from randomnet.formats.tables.reading import NUMBER, Table

REAL = re.compile(NUMBER)


class Edges:
    """The attributes of the edges of a graph, by name, as lists with None where an edge lacks one."""

    def __init__(self, table: Table, graph: Graph) -> None:
        self.table, self.edges = table, graph.edges
        names = dict.fromkeys(name for *_, attributes in graph.edges for name in attributes)
        self.columns = {name: [attributes.get(name) for *_, attributes in graph.edges] for name in names}
        self.uses: dict[str, Part] = {}
        self.parsed: dict[str, list[float | None]] = {}  # attribute -> its values as numbers

    def place(self, name: str) -> str:
        """The place of an attribute in errors and parts."""
        return f"{self.table}, edge attribute {name}"

    def edge(self, number: int) -> str:
        """The place of an edge, counted from 0, in errors."""
        source, target = (one_line(end)[:40] for end in self.edges[number][:2])
        return f"{self.table}, edge {number + 1} ({source} -> {target})"

    def use(self, name: str, use: str, note: str = "") -> None:
        """Record what an attribute is used as."""
        self.uses[name] = Part(f"{self.table.name}, edge attribute {name}", use, note)

    def free(self) -> list[str]:
        """The attributes that have no use so far."""
        return [name for name in self.columns if name not in self.uses]

    def texts(self, name: str) -> tuple[list[str], np.ndarray]:
        """Different texts of an attribute without spaces around them, and (E,) codes; "" where it is missing."""
        codes: dict[Any, int] = {}
        values = ["" if value is None else str(value).strip() for value in self.columns[name]]
        index = [codes.setdefault(value, len(codes)) for value in values]
        return list(codes), np.array(index, dtype=np.int64)

    def numbers(self, name: str) -> np.ndarray:
        """(E,) an attribute as numbers. Raises FormatError for others, and for edges without it."""
        numbers = self._as_numbers(name)
        if None in numbers:
            number = numbers.index(None)
            value = self.columns[name][number]
            actual = "none" if value is None else one_line(repr(value)[:80])
            raise FormatError(f"{self.edge(number)}: expected a number of at most 2^53 as {name}, got {actual}")
        return np.array(numbers, dtype=np.float64)

    def is_numeric(self, name: str) -> bool:
        """Whether most values of an attribute are numbers, but for those that count the edges."""
        present = len(self.columns[name]) - self.columns[name].count(None)
        numbers = [number for number in self._as_numbers(name) if number is not None]
        counts = len(numbers) > 2 and numbers in (list(range(len(numbers))), list(range(1, len(numbers) + 1)))
        return 2 * len(numbers) > present and not (counts and not role_columns([name], EDGE_ROLES["weight"]))

    def _as_numbers(self, name: str) -> list[float | None]:
        if name not in self.parsed:
            self.parsed[name] = [as_number(value) for value in self.columns[name]]
        return self.parsed[name]


def as_number(value: Any) -> float | None:
    """The value of a number, or of the text of one, of at most 2^53; None for other values."""
    if isinstance(value, str) and REAL.fullmatch(value.strip()):
        value = float(value)
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST  # False for NaN
    return float(value) if fits else None
