"""Simulated neural recordings: spikes of neurons that read the states of a system, and their rates.

    readouts      which latents each neuron reads: one each, in random permutations, or all with random weights
    observation   activity -> expected spikes per bin, with a fixed normalisation (`ObservationModel`)
    spikes        counts of a given dispersion; realised dispersion
    record        the `Recording` with its splits
    neural_latents  arrays of the Neural Latents Benchmark
    files         .npz and .h5, also those of the Computation-Thru-Dynamics Benchmark
    named         a user's recording of named neurons, matched to those of a connectome

Arrays are (trials, time, .); one bin is one step of the system; held-in neurons come first.
"""

from randomnet.recordings.files import FILE_NAMES, check_writable, read_recording, write_recording
from randomnet.recordings.named import Match, NeuralActivity, match_neurons, read_activity
from randomnet.recordings.observation import NORMALISATIONS, RATES, ObservationModel, fit_observation
from randomnet.recordings.readouts import READOUTS, dense, one_hot
from randomnet.recordings.record import SPLITS, Recording, Split, split_indices
from randomnet.recordings.spikes import expected_fano, fano, spike_counts

__all__ = [
    "FILE_NAMES",
    "NORMALISATIONS",
    "RATES",
    "READOUTS",
    "SPLITS",
    "Match",
    "NeuralActivity",
    "ObservationModel",
    "Recording",
    "Split",
    "check_writable",
    "dense",
    "expected_fano",
    "fano",
    "fit_observation",
    "match_neurons",
    "one_hot",
    "read_activity",
    "read_recording",
    "spike_counts",
    "split_indices",
    "write_recording",
]
