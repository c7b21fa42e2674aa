"""Tables of measured responses: a neuron was stimulated and another one recorded, as in the worm's signal propagation.

A row per pair: the stimulated and the responding neuron, q, and where the table has them the response and how often the
pair was measured. Source of the worm's table: Randi et al. 2023 (Nature 623).
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from randomnet.formats.files import FormatError
from randomnet.formats.spellings import Role, role_columns
from randomnet.formats.tables.cells import listed, shown
from randomnet.formats.tables.reading import Table, read_all, tables_in

ROLES: Mapping[str, Role] = {
    "stimulated": Role("stimulated neuron", (
        "stimulated", "stimulatedneuron", "stim", "stimneuron", "stimulus", "perturbed", "perturbedneuron", "activated",
        "source", "sourceneuron", "pre", "from", "upstream",
    )),
    "responding": Role("responding neuron", (
        "responding", "respondingneuron", "responder", "resp", "recorded", "recordedneuron", "observed", "downstream",
        "target", "targetneuron", "post", "to",
    )),
    "response": Role("response", (
        "response", "meanresponse", "dff", "dfoverf", "deltaff", "df", "amplitude", "effect", "value",
    )),
    "q": Role("false discovery rate that there is a response", (
        "q", "qvalue", "qvalues", "qval", "fdr", "padj", "padjusted", "adjustedp",
    )),
    "occurrences": Role("how often the pair was measured", (
        "occurrences", "occurrence", "n", "count", "counts", "trials", "events", "observations", "nobs", "repeats",
    )),
}  # fmt: skip
KINDS = {"stimulated": "name", "responding": "name", "response": "entry", "q": "share", "occurrences": "count"}
NEEDED = ("stimulated", "responding", "q")


@dataclass(frozen=True, eq=False)
class MeasuredResponses:
    """P measured pairs of neurons, in the order of the file.

    stimulated, responding: (P,) names. q: (P,), from 0 to 1; nan where there is none. response: (P,), nan where there
    is none. occurrences: (P,) int64; 1 in a table without them. used: role -> name of its column.
    """

    stimulated: np.ndarray
    responding: np.ndarray
    q: np.ndarray
    response: np.ndarray
    occurrences: np.ndarray
    used: Mapping[str, str]

    @property
    def names(self) -> np.ndarray:
        """The names of all neurons, sorted."""
        return np.unique(np.concatenate([self.stimulated, self.responding]))


@dataclass(frozen=True, eq=False)
class MatchedResponses:
    """The pairs of different neurons that a network has.

    neurons: (K,) index of each measured neuron in the network. stimulated, responding: (P,) index within `neurons`.
    q, response, occurrences: (P,). unmatched: names that the network lacks. left_out: pairs of a neuron with itself.
    """

    neurons: np.ndarray
    stimulated: np.ndarray
    responding: np.ndarray
    q: np.ndarray
    response: np.ndarray
    occurrences: np.ndarray
    unmatched: tuple[str, ...]
    left_out: int


def read_responses(path: Path) -> MeasuredResponses:
    """Return the measured pairs of a table. Raises FormatError, one line with what was expected and what came."""
    table = _table(path)
    used = {role: spelled[0] for role, row in ROLES.items() if (spelled := role_columns(table.columns, row))}
    for role in NEEDED:
        if role not in used:
            spellings = ", ".join(ROLES[role].spellings[:5])
            expected = f"a column of the {ROLES[role].use} ({spellings}, ...)"
            raise FormatError(f"{table}: expected {expected}, got {listed(table.columns)}")
    cells = read_all(table, {column: KINDS[role] for role, column in used.items()})
    columns: dict[str, Any] = {role: np.asarray(cells[column]) for role, column in used.items()}
    pairs = len(columns["q"])
    if not pairs:
        raise FormatError(f"{table}: expected a row per measured pair of neurons, got none")
    for role in ("stimulated", "responding"):
        columns[role] = np.char.strip(columns[role].astype(str))
    columns.setdefault("response", np.full(pairs, np.nan))
    columns.setdefault("occurrences", np.ones(pairs, dtype=np.int64))
    _check_pairs(table, columns["stimulated"], columns["responding"])
    return MeasuredResponses(**columns, used=used)


def _table(path: Path) -> Table:
    """The only table at a path. Raises FormatError."""
    if not path.is_file():
        actual = "a folder: name the file" if path.is_dir() else "nothing of this name"
        raise FormatError(f"{path}: expected a table with a row per measured pair of neurons, got {actual}")
    tables = [table for table in tables_in(path) if table.columns and table.headed]
    if len(tables) != 1:
        raise FormatError(f"{path}: expected one table whose columns have names, got {len(tables) or 'none'}")
    return tables[0]


def _check_pairs(table: Table, stimulated: np.ndarray, responding: np.ndarray) -> None:
    """Raise FormatError for a pair with several rows."""
    seen: dict[tuple[str, str], int] = {}
    for row, pair in enumerate(zip(stimulated.tolist(), responding.tolist(), strict=True), start=2):
        if pair in seen:
            names = " and ".join(shown(name) for name in pair)
            raise FormatError(f"{table}, row {row}: expected one row per pair, got {names} in row {seen[pair]} too")
        seen[pair] = row


def plain_name(name: str) -> str:
    """The name in lower case, without spaces and without leading zeros of its numbers: DA01 and DA1 are one neuron."""
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", "".join(name.split()).casefold())


def match_responses(measured: MeasuredResponses, names: np.ndarray) -> MatchedResponses:
    """Return the measured pairs of different neurons that are among the names (N,) of a network.

    A name is matched as it is, or else by its plain spelling, where one neuron alone has it.
    """
    places = _places(measured.names.tolist(), [str(name).strip() for name in names])
    ends = [np.array([places[name] for name in side.tolist()])
            for side in (measured.stimulated, measured.responding)]  # fmt: skip
    itself = (ends[0] == ends[1]) & (ends[0] >= 0)
    is_used = (ends[0] >= 0) & (ends[1] >= 0) & ~itself
    neurons = np.unique(np.concatenate([end[is_used] for end in ends]))
    stimulated, responding = (np.searchsorted(neurons, end[is_used]) for end in ends)
    return MatchedResponses(
        neurons,
        stimulated,
        responding,
        measured.q[is_used],
        measured.response[is_used],
        measured.occurrences[is_used],
        tuple(name for name, place in places.items() if place < 0),
        int(itself.sum()),
    )


def _places(measured: list[str], names: list[str]) -> dict[str, int]:
    """Measured name -> place among the names of the network, or -1. Plain spellings that several share match nobody."""
    known = {name: place for place, name in enumerate(names)}
    plain, alike = Counter(map(plain_name, names)), Counter(map(plain_name, measured))
    single = {plain_name(name): place for name, place in known.items() if plain[plain_name(name)] == 1}

    def place_of(name: str) -> int:
        spelled = plain_name(name)
        return known.get(name, single.get(spelled, -1) if alike[spelled] == 1 else -1)

    return {name: place_of(name) for name in measured}
