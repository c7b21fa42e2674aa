"""How neural recordings of a trained network are simulated."""

from dataclasses import dataclass

from randomnet.config.option import OWN_PROBE, RECORD, Section, option
from randomnet.config.values import Boolean, Choice, Integer, Number, Value


@dataclass(frozen=True)
class RecordingSection(Section):
    """[recording] Neurons that read the states of a network trained on a task, along new trials of [trialparams]."""

    read_by = RECORD

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
