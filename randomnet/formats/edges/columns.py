"""Columns of a table of edges by their role: by spelling, by the options of [net], or by position where no header is.

Every column of the table is either in `EdgeColumns`, or among its parts that are not used.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from randomnet.formats.contents import Part, unused
from randomnet.formats.edges.content import (
    are_numbers,
    are_truths,
    end_of,
    first_words,
    numeric_columns,
    tell,
    why_no_weight,
)
from randomnet.formats.files import FormatError, one_line
from randomnet.formats.options import Options
from randomnet.formats.signs import are_transmitters
from randomnet.formats.spellings import (
    EDGE_ROLES,
    ELECTRICAL,
    EXC_OR_INH,
    NODE_ROLES,
    NOT_EDGES,
    PLACES,
    TRUE_TYPES,
    WEIGHTS_BY_SYNAPSE,
    are_opposite_signs,
    is_quality,
    normalized,
    role_columns,
    weights_by_words,
    weights_of_kind,
)
from randomnet.formats.tables.cells import whole_number
from randomnet.formats.tables.reading import NUMBER, Table
from randomnet.settings import nearest

LISTED = 12  # columns in an error
MOST_COLUMNS = 1000  # of a list of edges; wider tables are matrices
MOST_CELLS, MOST_NUMBERS = 6, 4  # per row of edges without a header, where ids are names, and where all are numbers
ONE = ("pre", "post", "weight", "sign")  # roles that only one column may have
LABELS = ("type", "instance", "class", "sub_class", "super_class", "side", "region", "hemilineage", "role")
OF_END = ("region", "area", "segmentid", "gid", "idx", "partner", "partnerid", "population", "pop")  # beside ids
NAMES = ("name", "neuronname", "cellname", "neuron", "cell")  # of neurons, beside their ids


@dataclass(frozen=True)
class EdgeColumns:
    """Columns of a table of edges.

    roles: role in EDGE_ROLES -> column. by_synapse: type of synapse -> column of its weights. words: columns such as
    type, whose words say whether they are types of synapses, directions, or signs. labels: column -> (`pre` or `post`,
    kind of label). weight_note: why a column is the weight whose name does not say it. doubtful: columns of
    numbers that may be weights, where no other is. parts: the columns that are not used.
    """

    roles: Mapping[str, str]
    by_synapse: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    labels: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    weight_note: str = ""
    doubtful: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()


def has_edges(table: Table) -> bool:
    """Whether a table with a header has columns of both neurons of edges; False for counts of synapses per neuron."""
    if not table.headed or len(table.columns) > MOST_COLUMNS or _counts_synapses(table):
        return False
    return all(_spelled(role, table.columns) for role in ("pre", "post"))


def tells_more(table: Table) -> bool:
    """Whether rows of edges have transmitters, signs, types of synapses, or labels of their neurons, by the header."""
    roles = ("sign", "transmitter", "synapse_type", "direction")
    ends = [end for column in table.columns if (end := end_of(column))]
    labels = [name for _, name in ends if any(name in NODE_ROLES[role].spellings for role in LABELS)]
    return bool(labels) or any(tells_role(role, table) for role in roles)


def tells_role(role: str, table: Table) -> bool:
    """Whether a column of edges has the role by the header."""
    return bool(_spelled(role, table.columns))


def is_named(table: Table, options: Options) -> bool:
    """Whether [net] columns names both neurons of edges, or one beside a spelled one, among the table's columns."""
    names = {role: name for role, name in options.columns if role in ("pre", "post")}
    columns = {normalized(column) for column in table.columns}
    others = [role for role in ("pre", "post") if role not in names]
    spelled = all(_spelled(role, table.columns) for role in others)
    return bool(names) and spelled and all(normalized(name) in columns for name in names.values())


def listed_columns(table: Table) -> str:
    """The columns of edges by spelling, for a phrase."""
    columns = [name for role in (*ONE, "transmitter") for name in _spelled(role, table.columns)]
    return ", ".join(dict.fromkeys(columns))


def edges_without_header(table: Table) -> str:
    """`edges` where the rows of a table without a header are two neurons and a few further cells, or else "".

    Whole numbers are ids where the table is no square; `either` where it is one, whose third column could be weights.
    """
    rows, width = table.layout.rows, len(table.columns)
    if table.headed or table.kind != "csv" or not 2 <= width <= MOST_CELLS or not rows:
        return ""
    are_numbers = [all(re.fullmatch(NUMBER, cell) for cell in cells) for cells in zip(*rows, strict=True)]
    if not any(are_numbers[:2]):
        return "edges" if width == 2 or any(are_numbers[2:]) else ""
    ids = [whole_number(cell) for row in rows for cell in row[:2]]
    if not all(are_numbers) or width > MOST_NUMBERS or any(number is None or number < 0 for number in ids):
        return ""
    if len(rows) != width:
        return "edges"
    return "either" if width > 2 and all(float(row[2]) > 0 for row in rows) else ""


def _counts_synapses(table: Table) -> bool:
    """Whether pre and post are properties of neurons, as in neuPrint's tables of neurons and of their ROIs."""
    names = {normalized(column) for column in table.columns}
    ends = [normalized(name) for role in ("pre", "post") for name in role_columns(table.columns, EDGE_ROLES[role])]
    return bool(names & set(NOT_EDGES)) and set(ends) <= {"pre", "post"}


def edge_columns(table: Table, options: Options) -> EdgeColumns:
    """The columns of a table of edges. Raises FormatError where a role is missing, or several columns have it."""
    if len(table.columns) > MOST_COLUMNS:
        actual = f"{len(table.columns):,}, {_listed(table.columns)}"
        raise FormatError(f"{table}: expected at most {MOST_COLUMNS:,} columns of an edge list, got {actual}")
    named = named_columns(table, options)
    if table.headed and not {"pre", "post"} & set(named) and _counts_synapses(table):
        raise not_edges(table, [])
    choice = _Choice(table, named if table.headed else {"pre": "1", "post": "2", **named})
    choice.take_spelled()
    choice.take_weights_by_synapse(named)
    choice.take_ends()
    choice.take_by_content()
    parts = [*choice.parts, *(unused(place_of(table, column), why_no_weight(column)) for column in choice.rest)]
    return EdgeColumns(
        choice.roles, choice.by_synapse, choice.words, choice.labels, choice.weight_note, choice.doubtful, tuple(parts)
    )


class _Choice:
    """The roles that columns have so far; `rest`: the columns without one."""

    def __init__(self, table: Table, roles: Mapping[str, str]) -> None:
        self.table, self.roles = table, dict(roles)
        taken = set(roles.values())
        self.rest = [column for column in table.columns if column not in taken]
        self.by_synapse: dict[str, str] = {}
        self.words: tuple[str, ...] = ()
        self.labels: dict[str, tuple[str, str]] = {}
        self.weight_note = ""
        self.doubtful: tuple[str, ...] = ()
        self.parts: list[Part] = []

    def take_spelled(self) -> None:
        """Give roles to the columns that are spelled so. Raises FormatError."""
        for role in EDGE_ROLES if self.table.headed else ():
            columns = _spelled(role, self.rest)
            if role in ("pre", "post") and role not in self.roles:
                columns = _ids_before_names(columns)
            if role in ("synapse_type", "direction") and role not in self.roles:
                self.words += tuple(columns)
                self.rest = [column for column in self.rest if column not in columns]
                continue
            if len(columns) > 1 and role in ONE and role not in self.roles:
                raise _several(self.table, role, columns)
            if columns and role not in self.roles:
                self.roles[role], *columns = columns
                self.rest.remove(self.roles[role])
            for column in columns:
                self._leave(column, f"{self.roles[role]} is used as {role}")
        if missing := [role for role in ("pre", "post") if role not in self.roles]:
            raise not_edges(self.table, missing)

    def take_weights_by_synapse(self, named: Mapping[str, str]) -> None:
        """Take columns such as chemical_weight. Raises FormatError where another column may be the weight as well."""
        true_of = (*TRUE_TYPES, *(EXC_OR_INH if "sign" not in self.roles else ()))
        first = first_words(self.table, [name for name in self.rest if normalized(name) in true_of])
        truths = [column for column, words in first.items() if are_truths(words)]
        self.words += tuple(truths)
        self.rest = [column for column in self.rest if column not in truths]
        for kind in WEIGHTS_BY_SYNAPSE:
            columns = weights_of_kind(kind, self.rest)
            if "weight" in named:
                for column in columns:
                    self._leave(column, f"{named['weight']} is used as weight")
                continue
            columns = numeric_columns(self.table, columns)
            if len(columns) > 1 or (columns and "weight" in self.roles):
                raise _several(self.table, "weight", [*filter(None, [self.roles.get("weight")]), *columns])
            for column in columns:
                self.by_synapse[kind] = column
                self.rest.remove(column)
        others = weights_by_words(self.rest) if [*self.by_synapse] == [ELECTRICAL] else []
        if others := numeric_columns(self.table, others):
            raise _several(self.table, "weight", [*others, *self.by_synapse.values()])

    def take_ends(self) -> None:
        """Take labels of the neurons of one end, such as type_pre; leave transmitters of postsynaptic neurons.

        Where neither signs nor transmitters are told, a label of presynaptic neurons may be their signs.
        """
        first = {} if {"sign", "transmitter"} & set(self.roles) else first_words(self.table, self.rest)
        for column in list(self.rest) if self.table.headed else ():
            end, name = end_of(column) or ("", "")
            kind = next(
                (role for role in LABELS if name in NODE_ROLES[role].spellings), "name" if name in NAMES else ""
            )
            if end and name in NODE_ROLES["transmitter"].spellings:
                self._leave(column, "the transmitter of the postsynaptic neuron")
            elif end and kind and (end, kind) in self.labels.values():
                self._leave(column, f"another column is the {kind} of the same neuron")
            elif end == "pre" and are_opposite_signs(first.get(column, ()), kind in PLACES):
                self.words += (column,)
                self.rest.remove(column)
            elif end and kind:
                self.labels[column] = (end, kind)
                self.rest.remove(column)
            elif end == "post" and are_opposite_signs(first.get(column, ()), kind in PLACES):
                self._leave(column, "the sign of the postsynaptic neuron")

    def take_by_content(self) -> None:
        """Take texts that tell types of synapses, signs or directions; take numbers as the weight where there is none.

        Raises FormatError where several columns could be the weight.
        """
        first = first_words(self.table, self.rest)
        telling = [column for column in self.rest if not self.table.headed or tell(first[column])]
        self._take_transmitters(first)
        words = [column for column in telling if column in self.rest and not are_numbers(first[column])]
        self.words += tuple(words)
        self.rest = [column for column in self.rest if column not in words]
        if "weight" not in self.roles and not self.by_synapse:
            self._take_weight()

    def _take_transmitters(self, first: Mapping[str, set[str]]) -> None:
        """Take the only column whose words are transmitters; leave several, as one may be of postsynaptic neurons."""
        columns = [column for column in self.rest if are_transmitters(first[column])]
        if len(columns) == 1 and "transmitter" not in self.roles:
            self.roles["transmitter"] = columns[0]
            self.rest.remove(columns[0])
            return
        for column in columns:
            self._leave(column, "transmitters; [net] columns = transmitter: NAME reads one of these columns")

    def _take_weight(self) -> None:
        numeric = numeric_columns(self.table, self.rest)
        weights = [column for column in numeric if not self.table.headed or not why_no_weight(column)]
        self.doubtful = tuple(column for column in numeric if is_quality(column))
        named = weights_by_words(weights) if len(weights) > 1 else []
        if len(named) == 1:
            self.weight_note = "the only column of numbers with words of weights in its name"
            self.roles["weight"] = named[0]
            self.rest.remove(named[0])
            return
        if len(weights) > 1:
            raise FormatError(
                f"{self.table}: expected one column of weights, got {len(weights)} columns of numbers, "
                f"{_listed(weights)}: name it with [net] weight_column = {weights[0]}"
            )
        if weights:
            self.roles["weight"] = weights[0]
            self.weight_note = "the only further column of numbers"
            self.rest.remove(weights[0])

    def _leave(self, column: str, note: str) -> None:
        self.rest.remove(column)
        self.parts.append(unused(place_of(self.table, column), note))


def named_columns(table: Table, options: Options) -> dict[str, str]:
    """Role -> column as [net] columns and weight_column name them, in any case. Raises FormatError."""
    named = dict(options.columns)
    if unknown := [role for role in named if role not in EDGE_ROLES]:
        known = ", ".join(EDGE_ROLES)
        raise FormatError(
            f"{table}: expected columns = role: column with a role of {known}, got {unknown[0]!r}"
            f"{nearest(unknown[0], EDGE_ROLES)}"
        )
    if options.weight_column:
        if named.get("weight", options.weight_column) != options.weight_column:
            actual = f"weight: {named['weight']} and weight_column = {options.weight_column}"
            raise FormatError(f"{table}: expected one column of weights in columns and weight_column, got {actual}")
        named["weight"] = options.weight_column
    return {role: _column(table, role, name) for role, name in named.items()}


def _column(table: Table, role: str, name: str) -> str:
    """The column of a name in any case; the exact one first. Raises FormatError."""
    if name in table.columns:
        return name
    matches = [column for column in table.columns if normalized(column) == normalized(name)]
    if len(matches) == 1:
        return matches[0]
    actual = _listed(matches or table.columns)
    near = "" if matches else nearest(name, table.columns)
    raise FormatError(f"{table}: expected a column {name!r} as [net] columns names it ({role}), got {actual}{near}")


def _spelled(role: str, columns: Sequence[str]) -> list[str]:
    """The columns that are spelled as a role, the best first; also `pre_` and a transmitter, or an id, of neurons."""
    spelled = role_columns(columns, EDGE_ROLES[role])
    if role == "transmitter":
        return list(dict.fromkeys([*spelled, *_of_end("pre", NODE_ROLES["transmitter"].spellings, columns)]))
    if role in ("pre", "post") and not spelled:
        return _of_end(role, (*NODE_ROLES["id"].spellings, *OF_END), columns)
    return spelled


def _of_end(role: str, names: Sequence[str], columns: Sequence[str]) -> list[str]:
    """The columns such as pre_ or _post with one of the names."""
    ends = {column: end_of(column) for column in columns}
    return [column for column, end in ends.items() if end and end[0] == role and end[1] in names]


def _ids_before_names(columns: Sequence[str]) -> list[str]:
    """The one column of ids where the others are names of the same neurons, such as pre_id beside pre_name."""
    names = [column for column in columns if (end := end_of(column)) and end[1] in NAMES]
    ids = [column for column in columns if column not in names]
    return ids if len(ids) == 1 and normalized(ids[0]).endswith("id") else list(columns)


def _several(table: Table, role: str, columns: Sequence[str]) -> FormatError:
    names = ", ".join(column for column in table.columns if column in columns)
    advice = f"columns = {role}: {columns[0]}" + (f" or weight_column = {columns[0]}" if role == "weight" else "")
    advice = "rename one" if len(set(columns)) == 1 else f"[net] {advice} decides"
    return FormatError(f"{table}, row 1: expected one column of {role}, got {names}: {advice}")


def not_edges(table: Table, missing: Sequence[str]) -> FormatError:
    """The error for a table that is no list of edges, by the roles that it lacks."""
    actual = f"{_listed(table.columns)}: {advice(table, missing)}"
    return FormatError(f"{table}: expected columns of an edge list, got {actual}")


def advice(table: Table, missing: Sequence[str] = ()) -> str:
    """Which roles of an edge list a table lacks, and the line of [net] that would name them."""
    missing = missing or [role for role in ("pre", "post") if not _spelled(role, table.columns)]
    if not missing:
        return "pre and post are numbers of synapses of one neuron here"
    lines: list[str] = []
    guesses: dict[str, str] = {}
    for role in missing:
        guess = _guess(role, [column for column in table.columns if column not in guesses.values()])
        lines.append(f"{role}: {guess or 'NAME'}")
        if guess:
            guesses[role] = guess
    words = " and ".join(EDGE_ROLES[role].use for role in missing)
    return f"no column is spelled as {words}; name it with [net] columns = {', '.join(lines)}"


def _guess(role: str, columns: Sequence[str]) -> str:
    """The column whose name is nearest to a spelling of the role, or ""."""
    best, ratio = "", 0.6
    for column in columns:
        for spelling in EDGE_ROLES[role].spellings:
            near = difflib.SequenceMatcher(None, normalized(column)[:40], spelling).ratio()
            if near > ratio:
                best, ratio = column, near
    return best


def _listed(columns: Sequence[str]) -> str:
    names = ", ".join(one_line(column)[:40] for column in columns[:LISTED])
    more = len(columns) - LISTED
    return (names or "none") + (f", ... and {more:,} more" if more > 0 else "")


def place_of(table: Table, column: str) -> str:
    """The text that names a column of a table in the contents."""
    return f"{table.name}, column {column or 1}"
