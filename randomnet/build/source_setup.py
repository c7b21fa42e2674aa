"""From [source] to the system of a run of kind analyse or spectrum: trained cells, or a model fitted to recordings.

Cells run along the validation trials of [trialparams], from their learnt initial state. Fitted models run along the
test trials of their recording, from the states that their encoder infers. A step of either is the unit of time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet import results
from randomnet.analysis import Jacobian
from randomnet.artifacts import sources
from randomnet.artifacts.comparison_inputs import source_file
from randomnet.artifacts.inferred_models import InferredSystem, load_inferred
from randomnet.artifacts.systems import DrivenSystem, TrialReplayedSystem, freeze_input
from randomnet.artifacts.trained_networks import TrainedCells, load_trained
from randomnet.artifacts.upstream_runs import checksum
from randomnet.build.targets import exponents_of
from randomnet.build.trials import task_facts, trials_of
from randomnet.lyapunov import random_frame
from randomnet.recordings import read_recording
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError

INPUTS = {"noisy": "inputs", "true": "true_inputs"}  # inference.inputs_used -> field of a Split


@dataclass(frozen=True)
class FrozenSystem:
    """A driven system under one constant input x (C,), with the methods of `Dynamics` that an analysis needs."""

    source: DrivenSystem
    x: Tensor

    def step(self, states: Tensor) -> Tensor:
        """Return the states (B, n) one step later."""
        return freeze_input(self.source, self.x)[0](states)

    @property
    def jacobian(self) -> Jacobian:
        """The Jacobian of the step, states (B, n) -> (B, n, n)."""
        return freeze_input(self.source, self.x)[1]


@dataclass(frozen=True)
class SourceSetup:
    """A system of [source] in double precision, its initial states and inputs, and a frame of tangent vectors.

    kind: train or fit, of the experiment that it is from. starts: (B, n), of each trial. inputs: (B, T, channels).
    record: facts for the manifest and run.json.
    """

    kind: str
    source: DrivenSystem
    starts: Tensor
    inputs: Tensor
    frame: Tensor
    record: dict[str, Any]

    @property
    def n(self) -> int:
        """The number of state variables."""
        return self.source.n

    @property
    def names(self) -> np.ndarray:
        """Names (n,) of the state variables."""
        return np.array([f"unit{number:04d}" for number in range(self.n)])

    def facts(self) -> dict[str, Any]:
        """Return what run.json says of the system."""
        return self.record

    def checksum(self) -> str:
        """Return a short checksum of the file of the system."""
        return str(self.record["inputs"][sources.SOURCE])[:12]

    def system(self) -> FrozenSystem:
        """Return the system without input."""
        return FrozenSystem(self.source, self.inputs.new_zeros(self.source.channels))

    def driven(self) -> TrialReplayedSystem:
        """Return the system along all trials, one after the other."""
        return TrialReplayedSystem(self.source, self.starts, self.inputs, 1.0)

    def undriven(self) -> TrialReplayedSystem:
        """Return the system without input, which never starts again."""
        zeros = self.inputs.new_zeros(1, 1, self.source.channels)
        return TrialReplayedSystem(self.source, self.starts[:1], zeros, 1.0, restarts=False)

    def along(self, inputs: Tensor, starts: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield for each step of inputs (B, T, channels) the input (B, channels) and the states (B, n) after it."""
        states = starts
        for x in inputs.unbind(1):
            states = self.source.step(states, x)
            yield x, states


def source_setup(run: Run) -> SourceSetup:
    """Return the system that [source] means, with its trials. Raises ConfigError."""
    kind = _kind_of(Path(run.config.source.folder).expanduser())
    folder = sources.source_of(run, kind)
    setup = _of_cells(run, folder) if kind == "train" else _of_fit(run, folder)
    rng = run.generator("basis")
    k = setup.source.n if setup.source.n <= 2000 else exponents_of(run, setup.source.n)
    frame = torch.from_numpy(random_frame(rng, k, setup.source.n))
    return SourceSetup(setup.kind, setup.source, setup.starts, setup.inputs, frame, setup.record)


def check_source(run: Run) -> dict[str, Any]:
    """Return the facts of the system that [source] means. Raises ConfigError."""
    setup = source_setup(run)
    if run.config.uses_spectrum:
        exponents_of(run, setup.n)
    return setup.facts()


def _kind_of(root: Path) -> str:
    """Return train or fit, the kind of a results folder. Raises ConfigError."""
    try:
        manifest = results.ResultsFolder(root).manifest if root.is_dir() else None
    except results.ResultsError:
        manifest = None
    kind = (manifest or {}).get("kind", "not there" if not root.exists() else "no results folder")
    if kind not in ("train", "fit"):
        raise ConfigError(f"[source] folder: expected a results folder of kind = train or fit, got {root}, {kind}")
    return str(kind)


def _of_cells(run: Run, folder: results.RunFolder) -> SourceSetup:
    """Return trained cells along the validation trials of the run's task. Raises ConfigError."""
    cells = load_trained(folder, run.config.source.which, double=True)
    if not isinstance(cells, TrainedCells):
        raise ConfigError(
            f"[source] folder: expected cells (model.architecture), got {folder.path}, a network of weights; name it "
            "with [paths] pretrained"
        )
    if not run.config.has_task:
        raise ConfigError("[trialparams] task_name: expected the task of [source] folder, got none")
    trials = trials_of(run)[1]
    sizes, wanted = (trials.inputs.shape[2], trials.outputs), (cells.channels, cells.outputs)
    if sizes != wanted:
        raise ConfigError(
            f"[trialparams] task_name: expected a task of {wanted[0]} channels and {wanted[1]} outputs, as the cells "
            f"of [source] folder have, got {run.config.trialparams.task_name} with {sizes[0]} and {sizes[1]}"
        )
    inputs = torch.from_numpy(trials.inputs).double()
    name = cells.network.cell.name
    facts = sources.source_facts(folder.path / "model.pt", name, cells.n, run, run.config.source.which)
    record = facts | {"synthetic": False, "task": task_facts(run)}
    return SourceSetup("train", cells, cells.rest(len(inputs)), inputs, inputs.new_zeros(0), record)


def _of_fit(run: Run, folder: results.RunFolder) -> SourceSetup:
    """Return a fitted model along the test trials of its recording. Raises ConfigError."""
    if run.config.has_task:
        name = run.config.trialparams.task_name
        raise ConfigError(f"[trialparams] task_name: expected none with a model of kind = fit, whose recording has "
                          f"the trials, got {name}")  # fmt: skip
    model = load_inferred(folder, run.config.source.which, double=True)
    starts = model.starts.get("test", model.starts.get("valid"))
    if starts is None:
        raise ConfigError(f"[source] folder: expected start states in {folder.path / 'arrays.npz'}, got none")
    facts = sources.source_facts(folder.path / "model.pt", "a fitted model", model.n, run, run.config.source.which)
    inputs, path = _inputs_of_fit(model, folder)
    facts["inputs"] |= {"recording": checksum(path)}
    trials = {"name": "a recording", "trials": f"{len(inputs)} to test", "source": str(path), "synthetic": False}
    record = facts | {"synthetic": False, "task": trials}
    return SourceSetup("fit", model, starts.double(), inputs, inputs.new_zeros(0), record)


def _inputs_of_fit(model: InferredSystem, folder: results.RunFolder) -> tuple[Tensor, Path]:
    """Return the inputs (B, T, channels) that the model receives in the test trials, and the recording's file."""
    try:
        path = source_file(folder)
        split = read_recording(path).splits["test"]
    except ValueError as error:
        raise ConfigError(f"[source] folder: {error}") from None
    used = str(folder.arrays.get("inputs_used", "none"))
    inputs = getattr(split, INPUTS[used]) if used in INPUTS else None
    if inputs is None:
        inputs = np.zeros((*split.spikes.shape[:2], model.channels))
    return torch.from_numpy(np.asarray(inputs, np.float64)), path
