"""The allowed cells of columns: kinds of cell, exact whole numbers, texts without spaces around them."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from randomnet.formats.files import one_line

if TYPE_CHECKING:
    import pandas as pd

INTEGER, NUMBER = r"[+-]?[0-9]+", r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
WHOLE = re.compile(r"([+-]?[0-9]+)(\.0*)?")  # as pandas and R write whole floats
EXACT = 2**53  # floats of 64 bits skip whole numbers above it
ROUNDING = 1e-6  # of probabilities in 32 bits
SHOWN, LISTED = 40, 12  # characters of a name, and names of a list, in errors
ABSENT = ("", "nan")  # never names
NO_VALUE = (*ABSENT, "na", "n/a", "<na>", "null", "none")  # no names where the others are whole numbers
ROUNDED = ": a float cannot hold such ids, and has rounded them; export them as texts or whole numbers"


@dataclass(frozen=True)
class Kind:
    """The allowed cells of a column: texts in a CSV match the pattern, and values are `valid`."""

    expected: str
    pattern: str
    dtypes: str  # letters of NumPy for the types that pandas may have read
    valid: Callable[[np.ndarray], np.ndarray] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether values are whole numbers that must be exact."""
        return self.dtypes == "i"

    def holds(self, cell: str) -> bool:
        """Whether a text is an allowed cell."""
        cell = cell.strip()
        if not re.fullmatch(self.pattern, cell):
            return False
        if self.is_whole:
            value = whole_number(cell)
            return value is not None and (self.valid is None or bool(self.valid(np.array([value]))[0]))
        number = TRUTH.get(cell.lower(), cell or "nan")
        return self.valid is None or bool(self.valid(np.array([float(number)]))[0])


KINDS: dict[str, Kind] = {
    "id": Kind("an id as a whole number of 64 bits", WHOLE.pattern, "i"),
    "count": Kind("a count >= 0 as a whole number", WHOLE.pattern, "i", lambda values: values >= 0),
    "weight": Kind("a weight >= 0", NUMBER, "if", lambda values: np.isfinite(values) & (values >= 0)),
    "signed": Kind("a number", NUMBER, "if", np.isfinite),
    "entry": Kind("a number or an empty cell", rf"({NUMBER}|(?i:true|false))?", "if", lambda values: ~np.isinf(values)),
    "sign": Kind("a sign (1, -1 or 0)", r"[+-]?1(\.0*)?|[+-]?0(\.0*)?", "if", lambda v: np.isin(v, (-1, 0, 1))),
    "share": Kind("a probability (0 to 1) or nothing", rf"({NUMBER}|(?i:nan))?", "if",
                  lambda values: np.isnan(values) | ((values >= 0) & (values <= 1 + ROUNDING))),
    "name": Kind("a name", r"(?is)(?!(nan)?$).+", "OU"),
    "text": Kind("a text", r"(?s).*", "OU"),
    "category": Kind("a text", r"(?s).*", "OU"),
}  # fmt: skip
TEXTS = ("name", "text", "category")
TRUTH = {"true": "1", "false": "0"}  # as entries of a matrix
EMPTIES = {"share": ("", "nan"), "entry": ("",)}  # cells that are nan


class WrongCell(Exception):
    """The index of the first wrong value of a column, and the value."""

    def __init__(self, index: int, value: object) -> None:
        super().__init__(index, value)
        self.index, self.value = index, value


def shown(name: object) -> str:
    """A name of a column or neuron for errors, of at most SHOWN characters."""
    text = one_line(name)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def listed(names: Sequence[object]) -> str:
    """At most LISTED names, joined by commas, and how many more there are."""
    more = len(names) - LISTED
    return ", ".join(map(shown, names[:LISTED])) + (f", ... and {more:,} more" if more > 0 else "")


def repeated_name(names: Iterable[str]) -> str | None:
    """The first name that comes twice; None where all differ."""
    known: set[str] = set()
    for name in names:
        if name in known:
            return name
        known.add(name)
    return None


def without_r_prefix(names: Sequence[str], ids: Iterable[str]) -> tuple[str, ...]:
    """The names of columns, without the X that R puts before numbers where the ids tell that it is R's.

    The X goes where every name is X and a number, and these numbers are the ids (of rows), or all but some of them.
    """
    numbers, known = tuple(name[1:] for name in names), set(ids)
    are_numbers = bool(numbers) and all(re.fullmatch(r"X[0-9]+", name) for name in names)
    is_r = are_numbers and (known <= set(numbers) or set(numbers) <= known) and bool(known)
    return numbers if is_r else tuple(names)


def whole_number(cell: str) -> int | None:
    """The whole number of a text (`3`, `3.0`); None for other texts, more than 64 bits, and floats above 2^53."""
    match = WHOLE.fullmatch(cell.strip())
    if not match:
        return None
    value = int(match[1])
    if match[2] and abs(value) > EXACT:
        return None
    return value if -(2**63) <= value < 2**63 else None


def is_rounded(cell: str) -> bool:
    """Whether a text is a float that may have lost digits of an id: with an exponent, or above 2^53."""
    is_float = bool(re.fullmatch(NUMBER, cell.strip())) and not re.fullmatch(INTEGER, cell.strip())
    return is_float and ("e" in cell.lower() or abs(float(cell)) >= EXACT)


def checked(cells: "pd.Series", kind: str) -> Any:
    """The values of a column as its kind requires. Raises WrongCell.

    `name` and `category` are a pandas.Categorical of texts, `text` an array of str, other kinds arrays of numbers.
    """
    if kind == "text":
        texts = stripped(cells)
        return np.array(texts.categories, dtype=str)[texts.codes] if len(texts) else np.zeros(0, str)
    if kind in TEXTS:
        return _names(cells) if kind == "name" else stripped(cells)
    rule = KINDS[kind]
    if not len(cells):
        return np.zeros(0, np.int64 if rule.is_whole else float)
    values = _values(cells, kind)
    if values.dtype.kind not in rule.dtypes:
        raise WrongCell(0, cells.iloc[0])
    is_valid = rule.valid(values) if rule.valid is not None else None
    if is_valid is not None and not is_valid.all():
        index = int(np.argmin(is_valid))
        raise WrongCell(index, cells.iloc[index])
    return values


def _values(cells: "pd.Series", kind: str) -> np.ndarray:
    if kind in EMPTIES:
        return _with_empties(cells, EMPTIES[kind])
    return exact(cells) if KINDS[kind].is_whole else _fitting(cells.to_numpy())


def exact(cells: "pd.Series") -> np.ndarray:
    """The whole numbers of a column as int64; texts and floats that are exact count. Raises WrongCell."""
    if isinstance(cells.dtype, np.dtype) and cells.dtype.kind in "iu":
        return _fitting(cells.to_numpy())
    if isinstance(cells.dtype, np.dtype) and cells.dtype.kind == "f":
        values = cells.to_numpy()
        is_exact = np.isfinite(values) & (np.trunc(values) == values) & (np.abs(values) <= EXACT)
        if not is_exact.all():
            index = int(np.argmin(is_exact))
            raise WrongCell(index, values[index])
        return values.astype(np.int64)
    values = stripped(cells)
    numbers = [whole_number(name) for name in values.categories]
    is_whole = np.array([number is not None for number in numbers] + [False])[values.codes]
    if not is_whole.all():
        index = int(np.argmin(is_whole))
        raise WrongCell(index, cells.iloc[index])
    return np.array([number or 0 for number in numbers] + [0], dtype=np.int64)[values.codes]


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def stripped(cells: "pd.Series") -> "pd.Categorical":
    """Texts without spaces around them, as a pandas.Categorical; cells without a value are empty texts."""
    import pandas as pd

    values = cells.astype("category").array
    has_empty = bool((values.codes < 0).any())  # of parquet and feather; in a CSV an empty cell is a text
    names = np.array([*(_text(name).strip() for name in values.categories), *[""] * has_empty], dtype=object)
    if not len(names):
        return pd.Categorical([])
    unique, codes = np.unique(names, return_inverse=True)
    return pd.Categorical.from_codes(codes[values.codes], pd.Index(unique, dtype=object))


def unusable_names(names: Iterable[str]) -> set[str]:
    """The names among these that are none: empty, nan, and words such as NA where all others are whole numbers."""
    names = list(names)
    others = [name for name in names if name.lower() not in NO_VALUE]
    are_numbers = bool(others) and all(whole_number(name) is not None for name in others)
    refused = NO_VALUE if are_numbers else ABSENT
    return {name for name in names if name.lower() in refused}


def _names(cells: "pd.Series") -> "pd.Categorical":
    if isinstance(cells.dtype, np.dtype) and cells.dtype.kind == "f":  # ids in a parquet file
        cells = cells.copy() if len(cells) == 0 else type(cells)(exact(cells))
    names = stripped(cells)
    if unusable := unusable_names(names.categories):
        is_name = ~np.isin(np.asarray(names.categories, dtype=object), list(unusable))[names.codes]
        if not is_name.all():
            index = int(np.argmin(is_name))
            raise WrongCell(index, cells.iloc[index])
    return names


def _with_empties(cells: "pd.Series", empties: tuple[str, ...]) -> np.ndarray:
    """(rows,) numbers; nan for a cell in `empties`, inf for another text."""
    import pandas as pd

    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, copy=True)
    if isinstance(cells.dtype, np.dtype) and cells.dtype.kind in "iuf":
        return numbers  # the word nan in a text is no float here
    words = cells.astype(str).str.strip().str.lower()
    if "nan" not in empties:  # entries
        numbers = pd.to_numeric(words.replace(TRUTH), errors="coerce").to_numpy(np.float64, copy=True)
    is_empty = cells.isna() | words.isin(empties)
    numbers[np.isnan(numbers) & ~is_empty.to_numpy()] = np.inf
    return numbers


def _fitting(values: np.ndarray) -> np.ndarray:
    """Integers as int64 where all values fit; other values unchanged."""
    if values.dtype.kind not in "iu" or (values.dtype.kind == "u" and len(values) and values.max() >= 2**63):
        return values
    return values.astype(np.int64, copy=False)
