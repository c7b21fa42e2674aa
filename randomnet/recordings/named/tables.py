"""Activity of named neurons in text tables: a column for each neuron, or a row for each spike."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from randomnet.recordings.named.arrays import TIMES
from randomnet.recordings.named.grid import cleaned, trials_on_grid
from randomnet.recordings.named.record import NeuralActivity
from randomnet.recordings.named.spike_times import of_spikes

TRIAL, NEURON = ("trial", "trials"), ("neuron", "unit", "cell", "name")


def of_table(path: Path, bin_width: float) -> NeuralActivity:
    header, rows = _table_in(path)
    lower = [name.lower() for name in header]
    time, trial, neuron = (next((lower.index(name) for name in names if name in lower), None)
                           for names in (TIMES, TRIAL, NEURON))  # fmt: skip
    if time is None:
        raise ValueError(f"expected a column {TIMES[0]}, got {', '.join(header)[:120]}")
    groups = _groups([row[trial] for row in rows]) if trial is not None else [np.arange(len(rows))]
    times = _numbers(header[time], [row[time] for row in rows])
    if neuron is not None and len(header) == 2 + (trial is not None):
        if trial is not None:
            raise ValueError("expected spikes without a column trial, as it has no starts and ends, got one")
        cells = np.array([row[neuron].strip() for row in rows])
        names = np.unique(cells)
        return of_spikes([times[cells == name] for name in names], names, None, bin_width)
    of_neurons = [index for index in range(len(header)) if index not in (time, trial) and header[index]]
    unnamed = len(header) - len(of_neurons) - 1 - (trial is not None)
    if not of_neurons:
        raise ValueError(f"expected a column for each neuron beside {header[time]}, got none")
    values, unknown = cleaned(np.stack([_numbers(header[i], [row[i] for row in rows]) for i in of_neurons], axis=1))
    stacked, dt, notes = trials_on_grid([(times[group], values[group]) for group in groups])
    notes = (*unknown, *(f"{unnamed} columns without a name are not used",) * (unnamed > 0), *notes)
    return NeuralActivity(stacked, np.array([header[index] for index in of_neurons]), dt, "rates", notes)


def _table_in(path: Path) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a text table. Raises ValueError for another file."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        if "\0" in text:
            raise UnicodeError
        first = text[: text.find("\n")] if "\n" in text else text
        separator = max(",\t;", key=first.count)
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator, strict=True) if any(row)]
    except (UnicodeError, csv.Error):
        raise ValueError("expected .npz, HDF5, NWB or a text table of a recording, got another kind of file") from None
    if len(rows) < 3 or len(rows[0]) < 2:
        raise ValueError("expected a header with time and neurons and at least two rows below it, got fewer")
    header = [name.strip() for name in rows[0]]
    named = [name for name in header if name]
    if len(set(named)) < len(named):
        raise ValueError(f"expected every column once, got {next(n for n in named if named.count(n) > 1)!r} twice")
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(header):
            raise ValueError(f"row {number}: expected {len(header)} cells, got {len(row)}")
    return header, rows[1:]


def _numbers(name: str, cells: Sequence[str]) -> np.ndarray:
    """Cells as numbers, nan where empty. Raises ValueError naming column and row."""
    numbers = np.empty(len(cells))
    for index, cell in enumerate(cells):
        try:
            numbers[index] = float(cell) if cell.strip() else np.nan
        except ValueError:
            raise ValueError(f"column {name!r}, row {index + 2}: expected a number, got {cell[:40]!r}") from None
    return numbers


def _groups(cells: Sequence[str]) -> list[np.ndarray]:
    """The rows of each trial, trials in the order of their first rows."""
    order = {cell: number for number, cell in enumerate(dict.fromkeys(cells))}
    number = np.array([order[cell] for cell in cells])
    return [np.flatnonzero(number == trial) for trial in range(len(order))]
