"""What kind = record reads, and [source], which says where later stages find the results they go on from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from randomnet.kinds import reads
from randomnet.settings.option import Condition, Section, option
from randomnet.settings.readers import ALL, Key, Reader, all_but
from randomnet.settings.values import Boolean, Choice, Integer, Number, Value

IN_FOLDER = Condition(
    "source.folder is a results folder, no file",
    lambda config: Path(config.source.folder).suffix not in (".npz", ".h5"),
)
OWN_PROBE = Condition("recording.like is empty", lambda config: not config.recording.like)


@dataclass(frozen=True)
class SourceSection(Section):
    """[source] The results of an earlier stage: of train for kind = record, of record for fit, of fit for compare."""

    folder: str = option(
        Value(),
        "",
        "Its results folder; of kind = fit also a file of recordings (.npz, .h5), of compare one or more, by commas.",
    )
    combo: int | str = option(
        Integer(0, words=("same",)),
        "same",
        "Which combo of it; same: the one that has this run's values of all options that its grid varies.",
        only=IN_FOLDER,
    )
    iteration: int | str = option(
        Integer(0, words=("same",)),
        "same",
        "Which iteration of it; same: the run's own, or the only one, from which then all iterations start.",
        only=IN_FOLDER,
    )


@dataclass(frozen=True)
class RecordingSection(Section):
    """[recording] Neurons that read the states of a network trained on a task, along new trials of [trialparams]."""

    which: str = option(
        Choice(("best", "last")), "best", "Which of the networks of the training: the best on validation, or the last."
    )
    heldin: int = option(Integer(1, 100_000), 50, "Neurons that models of the recording see.", only=OWN_PROBE)
    heldout: int = option(Integer(0, 100_000), 10, "Neurons that they are to predict.", only=OWN_PROBE)
    reading: str = option(
        Choice(("onehot", "dense")),
        "onehot",
        "What a neuron reads: one unit, in random permutations of all of them; or all, with random weights.",
        only=OWN_PROBE,
    )
    rate: str = option(
        Choice(("exp", "softplus", "sigmoid")),
        "exp",
        "Expected spikes per bin: e^z; ln(1 + e^z); or 2 sigmoid(c z), with c from 10^0.2 to 10 over the neurons.",
        only=OWN_PROBE,
    )
    scale: float = option(
        Number(0, above=True), 2.0, "z is what a neuron reads, less the mean, over scale standard deviations.",
        only=OWN_PROBE,
    )  # fmt: skip
    normalise: str = option(
        Choice(("all", "unit")),
        "all",
        "Mean and standard deviation: one of all neurons, or of each neuron its own.",
        only=OWN_PROBE,
    )
    like: str = option(
        Value(),
        "",
        "A recording (file, or results folder of kind = record) whose neurons and normalisation are taken over, so "
        "that the two can be compared; empty = its own.",
    )
    dispersion: float = option(
        Number(0, 1000, above=True),
        1.0,
        "Fano factor of the counts: 1 Poisson, above negative binomial, below binomial, as far as there are such.",
    )
    state_noise: float = option(
        Number(0), 0.0, "Standard deviation of noise on every state after every step, while it is recorded."
    )
    trim_start: int = option(Integer(0, 1_000_000), 0, "Bins that are left out at the start of every trial.")
    trim_end: int = option(Integer(0, 1_000_000), 0, "Bins that are left out at its end.")
    valid_size: float = option(Number(0, 1, above=True), 0.2, "Share of the trials for validation.")
    test_size: float = option(Number(0, 1, above=True), 0.2, "Share of the trials for the test.")
    units_seed: int = option(
        Integer(0), 0, "Another choice of what neurons read, by a seed of its own; 0 = by experiment.seed alone.",
        only=OWN_PROBE,
    )  # fmt: skip
    spikes_seed: int = option(
        Integer(0), 0, "Other spikes of the same rates, by a seed of their own; 0 = by experiment.seed alone."
    )
    hdf5: bool = option(
        Boolean(), False, "Write recording.h5 beside recording.npz, with the same arrays; needs h5py.", grid=False
    )


def _recorded(config: Any) -> tuple[Key, str] | None:
    if not config.has_task:
        return ("trialparams", "task_name"), "the task of the trials that are recorded"
    if config.recording.valid_size + config.recording.test_size >= 1:
        return ("recording", "test_size"), "less than 1 together with valid_size, so that trials are left to train on"
    return None


RECORD = Reader(
    "record",
    "Simulate neural recordings of trained networks along new trials of their task.",
    reads=reads.LATER_STAGE
    | {
        "source": ALL,
        "recording": ALL,
        "trialparams": all_but(*reads.SPLITTING, *reads.TRAINING_ONLY),
    },
    sections={"source": SourceSection, "recording": RecordingSection},
    checks=(_recorded,),
    module="randomnet.kinds.record.run",
)
