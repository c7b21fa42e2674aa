"""A whole results folder in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from randomnet.display import Brief
from randomnet.renamed_options import earlier_columns
from randomnet.results.folders import ResultsFolder, run_rows
from randomnet.results.history import add_option_columns, read_history
from randomnet.results.predecessors import read_predecessor
from randomnet.results.statuses import FORMAT, ResultsError

KEPT_BYTES = 50_000  # of the arrays of one run


@dataclass(frozen=True, repr=False)
class Loaded(Brief):
    """A results folder in memory.

    table:   one row per planned run: combo, the varied options, iteration, seed, status, the run's summary.
    history: one row per run and epoch: combo, the varied options, iteration, epoch, train_loss, lambda_max, ...
    varied:  names of the gridded options, in their order.
    arrays_in_memory: of a predecessor's folder, which has no arrays.npz.
    kept: small arrays that were read before, as each figure asks for those of all runs.
    """

    root: Path
    manifest: dict[str, Any]
    table: pd.DataFrame
    history: pd.DataFrame
    varied: tuple[str, ...] = field(default=())
    arrays_in_memory: Mapping[tuple[int, int], dict[str, np.ndarray]] | None = None
    kept: dict[tuple[int, int], dict[str, np.ndarray]] = field(default_factory=dict, compare=False)

    def arrays(self, combo: int, iteration: int) -> dict[str, np.ndarray]:
        """The arrays of one run; empty if it has none yet."""
        if self.arrays_in_memory is not None:
            return self.arrays_in_memory.get((combo, iteration), {})
        if (combo, iteration) in self.kept:
            return {name: array.copy() for name, array in self.kept[combo, iteration].items()}
        arrays = ResultsFolder(self.root).run(combo, iteration).arrays
        if arrays and sum(array.nbytes for array in arrays.values()) < KEPT_BYTES:
            self.kept[combo, iteration] = {name: array.copy() for name, array in arrays.items()}
        return arrays

    def trials(self, combo: int, iteration: int) -> dict[str, np.ndarray]:
        """The example trials of one run; empty if it has none."""
        return {} if self.arrays_in_memory is not None else ResultsFolder(self.root).run(combo, iteration).trials

    def activity(self, combo: int, iteration: int) -> dict[str, np.ndarray]:
        """Rates of one run's trained network over time; empty if it has none."""
        return {} if self.arrays_in_memory is not None else ResultsFolder(self.root).run(combo, iteration).activity


def load(root: Path, manifest: Mapping[str, Any] | None = None) -> Loaded:
    """Read a results folder; unfinished runs have the status `missing` and the epochs written so far.

    Folders of bio_rnn_mem and logs of FlyStability are read too, see `predecessors`. Raises ResultsError, naming what
    is missing, for any other folder.
    """
    root = Path(root)
    if not root.is_dir():
        raise ResultsError(f"{root}: expected a results folder, got {'a file' if root.exists() else 'nothing there'}")
    folder = ResultsFolder(root)
    manifest = dict(manifest or folder.manifest or {})
    predecessor = None if manifest else read_predecessor(root)
    if predecessor:
        varied = tuple(predecessor.manifest["varied"])
        return Loaded(root, predecessor.manifest, predecessor.table, predecessor.history, varied, predecessor.arrays)
    if "combos" not in manifest:
        raise ResultsError(f"{root}: expected a results folder with manifest.json, which is not there")
    if manifest.get("format") != FORMAT:
        raise ResultsError(f"{root}: expected results format {FORMAT}, got {manifest.get('format')}")
    histories = []
    for combo in manifest["combos"]:
        for iteration in range(manifest["iterations"]):
            history = read_history(folder.run(combo["combo"], iteration).path / "history.csv")
            if len(history):
                history = history.rename(columns=earlier_columns(history, combo["values"]))
                histories.append(add_option_columns(history, combo["combo"], combo["values"], iteration))
    history = pd.concat(histories, ignore_index=True) if histories else pd.DataFrame()
    return Loaded(root, manifest, pd.DataFrame(run_rows(folder, manifest)), history, tuple(manifest.get("varied", ())))
