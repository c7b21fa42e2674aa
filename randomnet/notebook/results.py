"""`load`: a results folder with its tables, networks and trials; `run`: an INI, from Python."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from randomnet import experiment
from randomnet import results as folders
from randomnet.artifacts.inferred_models import load_inferred
from randomnet.artifacts.trained_networks import network_of_file, read_model
from randomnet.build.network import build_setup
from randomnet.display import Displayed
from randomnet.experiment import pipeline
from randomnet.notebook.inferred import NotebookModel
from randomnet.notebook.losses import trials_of_split
from randomnet.notebook.networks import NotebookNetwork, defines_network
from randomnet.notebook.options import new_path, text_of
from randomnet.schema.config import SCHEMA
from randomnet.schema.plan import Plan, Run, read_plan
from randomnet.settings import ConfigError, nearest
from randomnet.settings.readers import Key
from randomnet.tasks import ReachTrials, Trials

VALUES = ("initial", "last", "best")  # networks of a training
HIGHER_IS_BETTER = ("metrics", "accuracy", "bps", "r2", "correct")  # in names of columns
BUILT_BY = ("spectrum", "transition", "convergence", "stimulate", "analyse")  # kinds with a network of [model]


@dataclass(frozen=True, eq=False, repr=False)
class Results(Displayed):
    """A results folder. root: its path. loaded: its tables as `randomnet.results.load` reads them."""

    drawing: ClassVar[str] = "results"

    root: Path
    loaded: folders.Loaded

    @property
    def table(self) -> pd.DataFrame:
        """One row per run: combo, the gridded options, iteration, seed, status, and the columns of summary.csv."""
        return self.loaded.table

    @property
    def history(self) -> pd.DataFrame:
        """One row per run and epoch, as in history.csv; empty for kinds without training."""
        return self.loaded.history

    @property
    def varied(self) -> tuple[str, ...]:
        """Names of the gridded options."""
        return self.loaded.varied

    @property
    def kind(self) -> str:
        """The kind of the experiment."""
        return str(self.loaded.manifest.get("kind", "of an earlier program"))

    @cached_property
    def plan(self) -> Plan:
        """The experiment that its config.ini describes. Raises ConfigError."""
        return read_plan(self.root / "config.ini")

    def frame(self) -> pd.DataFrame:
        """The table of runs."""
        return self.table

    def summary(self) -> str:
        """The folder, its kind, and the number of runs by status."""
        counts = self.table["status"].value_counts() if "status" in self.table else {}
        runs = ", ".join(f"{count} {status}" for status, count in counts.items())
        grid = f"; {', '.join(self.varied)} varied" if self.varied else ""
        return f"{self.root}, kind {self.kind}; runs: {runs or 'none'}{grid}"

    def spectra(self) -> pd.DataFrame:
        """One row per run and exponent, as in spectra.csv; empty for kinds without spectra."""
        path = self.root / "spectra.csv"
        return pd.read_csv(path) if path.exists() else pd.DataFrame()

    def arrays(self, combo: int = 0, iteration: int = 0) -> dict[str, np.ndarray]:
        """The arrays of arrays.npz of a run. Raises ValueError where there is no such run."""
        self._check(combo, iteration)
        return self.loaded.arrays(combo, iteration)

    def example_trials(self, combo: int = 0, iteration: int = 0) -> dict[str, np.ndarray]:
        """The arrays of trials.npz of a run: inputs, and outputs before and after training; empty without a task."""
        self._check(combo, iteration)
        return self.loaded.trials(combo, iteration)

    def best(self, column: str, highest: bool | None = None) -> pd.Series:
        """The row of the run with the best value of a column, among those that did not diverge, fail or grow unbounded.

        highest: whether a higher value is better; None: for accuracies, bits per spike and R2. Raises ValueError for a
        column without numbers, with the nearest one.
        """
        table = self.table
        if column not in table:
            raise ValueError(f"best(): expected a column of the table, got {column!r}{nearest(str(column), table)}")
        has_result = table["status"].isin(folders.FINISHED)
        values = pd.to_numeric(table[column], errors="coerce").where(has_result)
        if values.isna().all():
            raise ValueError(f"best(): expected a column with numbers, got {column!r} without any")
        higher = any(word in column for word in HIGHER_IS_BETTER) if highest is None else highest
        return table.loc[values.idxmax() if higher else values.idxmin()]

    def network(self, combo: int = 0, iteration: int = 0, which: str = "last") -> NotebookNetwork | NotebookModel:
        """The network of a run, as a module that runs on new inputs.

        which: of kind = train and fit: last, best (of the lowest loss), or initial. Of other kinds it is the network
        that the run built from [net]. Raises ValueError for kinds without a network, and for runs that have not ended.
        """
        self._check(combo, iteration)
        if which not in VALUES:
            raise ValueError(f"which: expected one of {', '.join(VALUES)}, got {which!r}{nearest(which, VALUES)}")
        run, folder = self._run(combo, iteration), folders.ResultsFolder(self.root).run(combo, iteration)
        options = {key: text for key, text in self.plan.combos[combo].texts.items() if defines_network(key)}
        if self.kind == "train":
            module = _readable(lambda: network_of_file(read_model(folder.path / "model.pt"), which))
            return NotebookNetwork(module, run, options)
        if self.kind == "fit":
            return NotebookModel(load_inferred(folder, which).model, f"{self.root.name}, {which}")
        if self.kind not in BUILT_BY:
            raise ValueError(f"network(): expected a run of kind train, fit, {', '.join(BUILT_BY)}, got {self.kind}")
        if run.config.from_source:
            source = run.config.source.folder
            raise ValueError(f"network(): expected a run with a network of [net], got one of the system in {source}")
        setup = build_setup(run)
        return NotebookNetwork(setup.network, run, options, setup)

    def trials(self, combo: int = 0, iteration: int = 0, split: str = "validation") -> Trials | ReachTrials:
        """The trials of a run's task: training, validation or test, drawn again from its seed.

        Raises ValueError for a run without a task, or without trials of that split.
        """
        self._check(combo, iteration)
        run = self._run(combo, iteration)
        if not run.config.has_task:
            raise ValueError(f"trials(): expected a run with a task, got {self.root} of task_name = none")
        return trials_of_split(run, split)

    def _run(self, combo: int, iteration: int) -> Run:
        return self.plan.combos[combo].runs()[iteration]

    def _check(self, combo: int, iteration: int) -> None:
        """Raise ValueError where there is no such run."""
        rows = self.table
        if not ((rows["combo"] == combo) & (rows["iteration"] == iteration)).any():
            combos, iterations = rows["combo"].max(), rows["iteration"].max()
            raise ValueError(
                f"expected a combo from 0 to {combos} and an iteration from 0 to {iterations}, "
                f"got {combo} and {iteration}"
            )


def load(folder: str | Path) -> Results:
    """A results folder, also one of bio_rnn_mem or a log of FlyStability.

    Raises ValueError for a folder without results.

    >>> import randomnet as rn
    >>> rn.load("results/no_such_folder")
    Traceback (most recent call last):
    ValueError: results/no_such_folder: expected a results folder, got nothing there
    """
    path = _path_of("load()", "the path of a results folder", folder)
    try:
        return Results(path, folders.load(path))
    except folders.ResultsError as error:
        raise ValueError(str(error)) from None


def run(
    config: str | Path | Mapping[str, Any], options: Mapping[str, Any] | None = None, /, *,
    fresh: bool = False, retry_failed: bool = False,
) -> Results:  # fmt: skip
    """Carry out an INI as `python runrandomnet.py config.ini` does, and return its results.

    config: the path of an INI, or a dictionary {"section.key": value} in place of one. options: {"section.key": value},
    as --set has them; a list is an axis of the grid, a tuple or a dictionary one value. fresh, retry_failed: as the
    options of the command. Runs that are there already stay as they are.

    In a script, runs are carried out one by one unless execution.workers is written; in a notebook, side by side.
    Raises ValueError with the command's message for a wrong INI, before anything is written.

    >>> import randomnet as rn
    >>> from tempfile import TemporaryDirectory
    >>> options = {"experiment.kind": "spectrum", "net.roi": "random", "net.n": 10, "net.g": [1, 2], "lyapunov.tsim": 5}
    >>> with TemporaryDirectory() as folder:
    ...     r = rn.run(options, {"paths.path_to_results": f"{folder}/r"})
    >>> r.table[["combo", "g", "status"]]
       combo  g    status
    0      0  1  complete
    1      1  2  complete
    """
    path, written = _ini_of(config, options or {})
    overrides = [f"{name}={text}" for name, text in written.items()]
    plan = read_plan(path, overrides)
    if hasattr(sys.modules["__main__"], "__file__") and ("execution", "workers") not in plan.combos[0].texts:
        plan = read_plan(path, [*overrides, "execution.workers=1"])
    with _plain_errors():
        if plan.config.experiment.kind == "pipeline":
            return _run_pipeline(plan, fresh)
        return Results(*_carry_out(plan, fresh, retry_failed))


def _carry_out(plan: Plan, fresh: bool, retry_failed: bool) -> tuple[Path, folders.Loaded]:
    outcome = experiment.run(plan, experiment.check(plan), fresh=fresh, retry_failed=retry_failed)
    return outcome.root, folders.load(outcome.root)


def _run_pipeline(plan: Plan, fresh: bool) -> Results:
    """Carry out the stages of a pipeline; return the results of the last one."""
    stages = pipeline.stages_of(plan)
    pipeline.check_folder(plan, stages)

    def run_stage(stage: pipeline.Stage) -> int:
        _carry_out(stage.plan, fresh or pipeline.outdated(stage), False)
        return 0

    pipeline.run_stages(plan, stages, run_stage)
    return load(stages[-1].plan.config.paths.path_to_results)


def _path_of(function: str, expected: str, value: Any) -> Path:
    """The path that the user names. Raises TypeError for anything else."""
    if not isinstance(value, (str, PathLike)):
        raise TypeError(f"{function}: expected {expected}, got {type(value).__name__}")
    return Path(value)


def _ini_of(config: str | Path | Mapping[str, Any], options: Mapping[str, Any]) -> tuple[Path, dict[str, str]]:
    """The path of the INI, empty where a dictionary stands for it, and the texts of the options."""
    if isinstance(config, Mapping):
        path, options = new_path("config.ini"), {**config, **dict(options)}
        path.write_text("", encoding="utf-8")
    else:
        path = _path_of("run()", "the path of an INI or a dictionary", config).expanduser()
    if not isinstance(options, Mapping) or not all(isinstance(name, str) for name in options):
        raise TypeError(f"run(): expected options such as {{'net.g': 2}}, got {options!r}")
    return path, {name: _override(name, value) for name, value in options.items()}


def _override(name: str, value: Any) -> str:
    """The text of an option as --set has it; a list is an axis, unless the option's own value may be one."""
    section, _, key = name.partition(".")
    known: Key | None = SCHEMA.names.get((section, key.lower()))
    is_axis = known is None or not SCHEMA.options[known].value.may_be_list
    if isinstance(value, list) and is_axis:
        return json.dumps([part.item() if isinstance(part, np.generic) else part for part in value])
    return text_of(known or (section, key), value)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn errors of a results folder into a ConfigError, which is a ValueError."""
    try:
        yield
    except folders.ResultsError as error:
        raise ConfigError(str(error)) from None


def _readable(read: Any) -> Any:
    """What `read` returns. Raises ConfigError for a model.pt of another version."""
    try:
        return read()
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"expected a model.pt of this version, got one without {error}") from None
