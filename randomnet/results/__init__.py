"""Results folders: one sub-folder per run, written atomically, and read back as one table.

Layout (`<root>` is path_to_results)::

    <root>/config.ini manifest.json folder_index.txt combos.csv summary.csv spectra.csv
    <root>/<combo>/train_loss_all.npy                 float64 (iterations, epochs), column e - 1 after epoch e
    <root>/<combo>/iter_<i>/run.json history.csv arrays.npz *.npy trials.npz activity.npz model.pt

`manifest.json` records the planned runs. `run.json` is written last and records that a run ended, and how. Everything
else can be rebuilt from the folders of the runs.

    statuses  how runs end, and ResultsError
    files     reading files, and writing them atomically
    folders   RunFolder and ResultsFolder
    loading   a whole folder in memory
    predecessors  folders of bio_rnn_mem and logs of FlyStability; stored_shapes: shapes of tensors in their models
    history   history.csv and summaries of earlier versions
    locks     locks between processes; shares: parts of an experiment's runs
    run_states  how far an experiment is, without a lock
    columns   the meaning of every column
"""

from randomnet.results.files import (
    TEMPORARY,
    read_arrays,
    read_json,
    replace_file,
    temporary_path,
    write_array,
    write_arrays,
    write_bytes,
    write_csv,
    write_json,
    write_text,
)
from randomnet.results.folders import ResultsFolder, RunFolder
from randomnet.results.history import COUNTED_FROM_UNTRAINED, read_history
from randomnet.results.loading import Loaded, load
from randomnet.results.shares import Share
from randomnet.results.statuses import (
    COMPLETE,
    DIVERGED,
    ENDED,
    FAILED,
    FINISHED,
    FORMAT,
    LEFT_OUT,
    MISSING,
    STOPPED,
    UNBOUNDED,
    ResultsError,
)

__all__ = [
    "COMPLETE", "COUNTED_FROM_UNTRAINED", "DIVERGED", "ENDED", "FAILED", "FINISHED", "FORMAT", "LEFT_OUT", "MISSING",
    "STOPPED", "TEMPORARY", "UNBOUNDED", "Loaded", "ResultsError", "ResultsFolder", "RunFolder", "Share", "load",
    "read_arrays", "read_history", "read_json", "replace_file", "temporary_path", "write_array", "write_arrays",
    "write_bytes", "write_csv", "write_json", "write_text",
]  # fmt: skip
