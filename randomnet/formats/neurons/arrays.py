"""Arrays of one value per neuron beside a matrix in the same file -> names, labels, signs and positions."""

from collections.abc import Container, Mapping
from dataclasses import replace

import numpy as np

from randomnet.formats.contents import Part
from randomnet.formats.files import FormatError
from randomnet.formats.interpretation import Neurons
from randomnet.formats.matrices.record import Shape, numbered
from randomnet.formats.neurons.tables import described
from randomnet.formats.spellings import NODE_ROLES, normalized, role_columns
from randomnet.formats.tables.cells import EXACT, listed
from randomnet.formats.tables.reading import Table

NAMES = ("ids", "names")  # which must be names, whatever else is there
PLURALS = {"classes": "class"}
OF_NEURONS = ("neuron", "node", "cell", "region", "roi", "area", "parcel")  # and name or label: names of neurons
POSITIONS = ("position", "pos", "xyz", "coord", "coordinate", "centroid", "soma", "location")


def is_per_neuron(name: str, shape: Shape, n: int) -> bool:
    """Whether an array of this name and shape has a value per neuron, or a position."""
    return shape in ((n,), (n, 1), (1, n)) or (shape == (n, 3) and _singular(name) in POSITIONS)


def neurons_of_arrays(
    table: Table, arrays: Mapping[str, np.ndarray], n: int, word: str
) -> tuple[Neurons, bool, list[Part]]:
    """The neurons that arrays of a value per neuron describe, whether they are numbered, and what was used.

    word: what the file calls an array. Raises FormatError where `ids` or `names` are no different ids.
    """
    positions = {name: array for name, array in arrays.items() if array.shape == (n, 3) and n != 3}
    values = {name: _decoded(array) for name, array in arrays.items() if name not in positions}
    values |= {name: _whole(values[name]) for name in values if name in NAMES or _singular(name).lower().endswith("id")}
    for name in NAMES:
        if name in values and not _are_names(values[name], n):
            array = values[name]
            actual = f"{len(np.unique(array)) if array.dtype.kind != 'O' else 'objects'} of {array.dtype} {array.shape}"
            raise FormatError(f"{table}: expected {n} different ids as integers or texts in {name}, got {actual}")
    key = _names_in(values, n)
    names = numbered(n) if key is None else np.char.strip(values[key].astype(str))
    columns = {_singular(name, values): name for name in values if name != key}
    texts = {column: values[name].astype(str) for column, name in columns.items()}
    neurons, parts = described(table, texts, names, word, table.name)
    place = f"{table.name}, {word} "
    named = {place + column: place + name for column, name in columns.items()}
    parts = [part._replace(place=named.get(part.place, part.place)) for part in parts]
    parts += [Part(place + name, "positions") for name in positions]
    if key is not None:
        parts = [Part(place + key, "names of neurons", f"{n:,} different"), *parts]
    return _with_positions(neurons, positions, table.name, word), key is None, parts


def _with_positions(neurons: Neurons, positions: Mapping[str, np.ndarray], place: str, word: str) -> Neurons:
    """The neurons at their positions. Raises FormatError for two arrays of positions."""
    if len(positions) > 1:
        raise FormatError(f"{place}: expected one {word} of positions, got {listed([*positions])}")
    for array in positions.values():
        places = array.astype(np.float64)
        places[~np.isfinite(places).all(1)] = np.nan
        return replace(neurons, positions=places)
    return neurons


def _names_in(arrays: Mapping[str, np.ndarray], n: int) -> str | None:
    """The array of names: ids, names, or one that is spelled so, or the only one of n different texts."""
    singular = {_singular(name): name for name in arrays}
    spelled = [singular[name] for name in role_columns(singular, NODE_ROLES["id"]) if name != "index"]
    combined = [f"{of}{word}" for of in OF_NEURONS for word in ("name", "label", "id")]
    spelled += [name for name in arrays if _singular(normalized(name)) in combined]
    signs = [singular[name] for role in ("transmitter", "sign") for name in role_columns(singular, NODE_ROLES[role])]
    texts = [name for name, array in arrays.items()
             if array.dtype.kind == "U" and name not in signs and _are_names(array, n)]  # fmt: skip
    candidates = [name for name in NAMES if name in arrays] + spelled + (texts if len(texts) == 1 else [])
    return next((name for name in candidates if _are_names(arrays[name], n)), None)


def _are_names(array: np.ndarray, n: int) -> bool:
    if array.shape != (n,) or array.dtype.kind not in "iuU":
        return False
    texts = np.char.strip(array.astype(str))
    return bool((texts != "").all()) and len(np.unique(texts)) == n


def _whole(array: np.ndarray) -> np.ndarray:
    """Whole numbers as integers, as MATLAB has them as floats; other arrays, and floats that may be rounded, stay."""
    is_exact = array.dtype.kind == "f" and bool(((array == np.trunc(array)) & (np.abs(array) <= EXACT)).all())
    return array.astype(np.int64) if is_exact else array


def _singular(name: str, names: Container[str] = ()) -> str:
    """The spelling of a column for the name of an array: `types` is `type`, unless `names` have that as well."""
    lower = name.lower()
    singular = PLURALS.get(lower, lower.removesuffix("s"))
    spelled = any(role_columns([singular], role) for role in NODE_ROLES.values())
    return singular if (spelled or singular in POSITIONS) and singular not in names else name


def _decoded(array: np.ndarray) -> np.ndarray:
    """A row of values; bytes as texts, in UTF-8 or else Latin-1."""
    array = array.ravel() if array.ndim == 2 and 1 in array.shape else array
    if array.dtype.kind != "S":
        return array
    try:
        return np.char.decode(array, "utf-8")
    except UnicodeDecodeError:
        return np.char.decode(array, "latin-1")
