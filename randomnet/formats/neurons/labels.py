"""Labels of neurons from a table beside a network, as [net] labels names it: type, class, side, transmitter, sign."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from randomnet.formats.contents import Part, unused
from randomnet.formats.files import FormatError
from randomnet.formats.interpretation import Neurons
from randomnet.formats.neurons.tables import is_neuron_table, neurons_in
from randomnet.formats.tables.reading import Table, names_of, tables_in


def labelled(neurons: Neurons, labels: str, numbered: bool = False) -> tuple[Neurons, list[Part], Table]:
    """The neurons with the labels, signs and positions of the table at a path, its parts, and the table itself.

    numbered: whether the network only numbers its neurons, so that the rows are in its order. Labels of the table
    replace those of the network of the same kind. Raises FormatError, which names [net] labels.
    """
    table = label_table(labels)
    with of_labels():
        others, parts = neurons_in(table, neurons.names, by_row=True, numbered=numbered)
    joined, replaced = merged(neurons, others, table.name)
    return joined, [*parts, *replaced], table


@contextmanager
def of_labels() -> Iterator[None]:
    """Name [net] labels in the errors of a table that it names."""
    try:
        yield
    except FormatError as error:
        raise FormatError(f"[net] labels: {error}") from None


def merged(first: Neurons, second: Neurons, by: str) -> tuple[Neurons, list[Part]]:
    """The neurons with what both say of them, and what of the first is not used as the second says it too.

    by: the name of the second's file.
    """
    kinds = sorted(set(first.labels) & set(second.labels))
    parts = [unused(f"label {kind} of the network", f"{by} replaces it") for kind in kinds]
    values = {name: getattr(second, name) for name in ("signs", "positions") if getattr(second, name) is not None}
    parts += [unused(f"{name} of the neurons", f"{by} replaces them") for name in values
              if getattr(first, name) is not None]  # fmt: skip
    labels: Mapping[str, np.ndarray] = {**first.labels, **second.labels}
    return replace(first, names=second.names, labels=labels, **values), parts


def label_table(labels: str) -> Table:
    """The only table of neurons at a path. Raises FormatError, which names [net] labels."""
    path = Path(labels).expanduser()
    with of_labels():
        if not path.is_file():
            actual = "a folder: name the file" if path.is_dir() else "nothing of this name"
            raise FormatError(f"{path}: expected a table with a row per neuron, got {actual}")
        tables = [table for table in tables_in(path) if table.columns]
        if len(tables) > 1:
            tables = [table for table in tables if is_neuron_table(table)]
        if len(tables) != 1:
            actual = f"{len(tables)}: {names_of(tables)}" if tables else "none"
            expected = "one table with a row per neuron (CSV, TSV, parquet, sheet)"
            raise FormatError(f"{path}: expected {expected}, got {actual}")
    return tables[0]
