"""Arrays of one value per neuron beside a matrix in the same file -> names, labels, signs and positions."""

from collections.abc import Mapping

import numpy as np

from randomnet.formats.contents import Part
from randomnet.formats.files import FormatError
from randomnet.formats.interpretation import Neurons
from randomnet.formats.matrix_record import numbered
from randomnet.formats.neuron_tables import described
from randomnet.formats.spellings import NODE_ROLES, role_columns
from randomnet.formats.tables import Table

NAMES = ("ids", "names")  # which must be names, whatever else is there
PLURALS = {"names": "name", "labels": "label", "types": "type", "classes": "class", "sides": "side",
           "regions": "region"}  # fmt: skip


def neurons_of_arrays(
    table: Table, arrays: Mapping[str, np.ndarray], n: int, word: str
) -> tuple[Neurons, bool, list[Part]]:
    """The neurons that arrays (N,) of texts and numbers describe, whether they are numbered, and what was used.

    word: what the file calls an array. Raises FormatError where `ids` or `names` are no different ids.
    """
    arrays = {name: _decoded(array) for name, array in arrays.items()}
    for name in NAMES:
        if name in arrays and not _are_names(arrays[name], n):
            array = arrays[name]
            actual = f"{len(np.unique(array)) if array.dtype.kind != 'O' else 'objects'} of {array.dtype} {array.shape}"
            raise FormatError(f"{table}: expected {n} different ids as integers or texts in {name}, got {actual}")
    key = _names_in(arrays, n)
    names = numbered(n) if key is None else np.char.strip(arrays[key].astype(str))
    others = {_singular(name): array.astype(str) for name, array in arrays.items() if name != key}
    parts = [] if key is None else [Part(f"{table.name}, {word} {key}", "names of neurons", f"{n:,} different")]
    neurons, more = described(table, others, names, word, table.name)
    return neurons, key is None, [*parts, *more]


def _names_in(arrays: Mapping[str, np.ndarray], n: int) -> str | None:
    """The array of names: ids, names, or one that is spelled so and has n different texts or numbers."""
    singular = {_singular(name): name for name in arrays}
    spelled = [singular[name] for name in role_columns(singular, NODE_ROLES["id"]) if name.lower() != "index"]
    candidates = [name for name in NAMES if name in arrays] + spelled
    return next((name for name in candidates if _are_names(arrays[name], n)), None)


def _are_names(array: np.ndarray, n: int) -> bool:
    if array.shape != (n,) or array.dtype.kind not in "iuU":
        return False
    texts = np.char.strip(array.astype(str))
    return bool((texts != "").all()) and len(np.unique(texts)) == n


def _singular(name: str) -> str:
    """The spelling of a column for the name of an array: names -> name."""
    return PLURALS.get(name.lower(), name)


def _decoded(array: np.ndarray) -> np.ndarray:
    """Bytes as texts, where they are UTF-8."""
    if array.dtype.kind != "S":
        return array
    try:
        return np.char.decode(array, "utf-8")
    except UnicodeDecodeError:
        return np.char.decode(array, "latin-1")
