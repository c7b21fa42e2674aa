"""What kind = record reads, and [source], the results that later stages use."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from randomnet.conditions import FROM_SOURCE
from randomnet.kinds import reads
from randomnet.settings.option import Condition, Section, option
from randomnet.settings.readers import ALL, Key, Reader, all_but
from randomnet.settings.values import Boolean, Choice, Integer, Location, Number

IN_FOLDER = Condition(
    "source.folder is a results folder, no file",
    lambda config: (
        Path(config.source.folder).suffix not in (".npz", ".h5")
        and (config.from_source or not config.has_role("system of a source"))
    ),
)
OWN_PROBE = Condition("recording.like is empty", lambda config: not config.recording.like)


@dataclass(frozen=True)
class SourceSection(Section):
    """[source] Results of an earlier stage: of train for record, of record for fit, of fit for compare, and so on."""

    folder: str = option(
        Location(results=True, several=True),
        "",
        "Results folder of the earlier stage. For kind = fit it may be a file of recordings (.npz, .h5). For "
        "compare it may be several folders, separated by commas. For analyse and spectrum it has cells of kind = "
        "train, or models of kind = fit, in place of a network of [net].",
        neutral="",
    )
    combo: int | str = option(
        Integer(0, words=("same",)),
        "same",
        "Combo of that folder. same: the one with this run's values of all options in that folder's grid.",
        only=IN_FOLDER,
    )
    iteration: int | str = option(
        Integer(0, words=("same",)),
        "same",
        "Iteration of that folder. same: the run's own, or the only one, which all iterations then use.",
        only=IN_FOLDER,
    )
    which: str = option(
        Choice(("best", "last")), "best", "Model of that run: the best on validation, or the last.", only=FROM_SOURCE,
        neutral="best",
    )


@dataclass(frozen=True)
class RecordingSection(Section):
    """[recording] Recorded neurons, which read the states of a trained network along new trials of [trialparams]."""

    which: str = option(Choice(("best", "last")), "best", "Recorded network: the best on validation, or the last.")
    heldin: int = option(Integer(1, 100_000), 50, "Number of neurons that models of the recording see.", only=OWN_PROBE)
    heldout: int = option(Integer(0, 100_000), 10, "Number of neurons that models are to predict.", only=OWN_PROBE)
    reading: str = option(
        Choice(("onehot", "dense")),
        "onehot",
        "What a recorded neuron reads. onehot: one unit, in random permutations of all units. dense: all units, "
        "with random weights.",
        only=OWN_PROBE,
    )
    rate: str = option(
        Choice(("exp", "softplus", "sigmoid")),
        "exp",
        "Expected spikes per bin as a function of z. exp: e^z. softplus: ln(1 + e^z). sigmoid: 2 sigmoid(c z), with "
        "c from 10^0.2 to 10 over the neurons.",
        only=OWN_PROBE,
    )
    scale: float = option(
        Number(0, above=True),
        2.0,
        "z is what a neuron reads, minus its mean, divided by this number of standard deviations.",
        only=OWN_PROBE,
    )
    normalise: str = option(
        Choice(("all", "unit")),
        "all",
        "Mean and standard deviation that z uses: over all neurons, or of each neuron.",
        only=OWN_PROBE,
    )
    like: str = option(
        Location(results=True),
        "",
        "Recording whose neurons and normalisation are reused, so that the two can be compared. A file, or a "
        "results folder of kind = record; empty = new ones.",
    )
    dispersion: float = option(
        Number(0, 1000, above=True),
        1.0,
        "Fano factor of the counts: 1 Poisson, above 1 negative binomial, below 1 binomial as far as it exists.",
    )
    state_noise: float = option(
        Number(0),
        0.0,
        "Standard deviation of state noise. It is added to every unit after every step of the recorded trials, and "
        "is not scaled by dt or tau.",
    )
    trim_start: int = option(Integer(0, 1_000_000), 0, "Number of bins that are removed at the start of every trial.")
    trim_end: int = option(Integer(0, 1_000_000), 0, "Number of bins that are removed at the end of every trial.")
    valid_size: float = option(Number(0, 1, above=True), 0.2, "Fraction of the trials for validation.")
    test_size: float = option(Number(0, 1, above=True), 0.2, "Fraction of the trials for the test.")
    units_seed: int = option(
        Integer(0),
        0,
        "Another seed gives another choice of what neurons read; 0 = it follows from experiment.seed.",
        only=OWN_PROBE,
    )
    spikes_seed: int = option(
        Integer(0), 0, "Another seed gives other spikes of the same rates; 0 = they follow from experiment.seed."
    )
    hdf5: bool = option(
        Boolean(), False, "Also write recording.h5, with the arrays of recording.npz; needs h5py.", grid=False
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
        "source": all_but("which"),
        "recording": ALL,
        "trialparams": all_but(*reads.SPLITTING, *reads.TRAINING_ONLY),
    },
    sections={"source": SourceSection, "recording": RecordingSection},
    checks=(_recorded,),
    module="randomnet.kinds.record.run",
)
