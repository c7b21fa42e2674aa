"""Simulated neural recordings: spikes of neurons that read the states of a system, with the rates behind them.

    units     which latents each neuron reads: permutations of them, one after the other, or random weights
    rates     activity -> expected spikes per bin, normalised once and for all (`Probe`)
    spikes    counts of a given dispersion; realised dispersion
    record    the `Recording` with its splits
    files     .npz and .h5, also those of the Computation-Thru-Dynamics Benchmark

Arrays are (trials, time, .), one bin is one step of the system; held-in neurons come first.
"""

from randomnet.recordings.files import FILE_NAMES, check_writable, read_recording, write_recording
from randomnet.recordings.rates import NORMALISATIONS, RATES, Probe, probe_of
from randomnet.recordings.record import SPLITS, Recording, Split, parted
from randomnet.recordings.spikes import expected_fano, fano, spike_counts
from randomnet.recordings.units import READOUTS, dense, one_hot

__all__ = [
    "FILE_NAMES",
    "NORMALISATIONS",
    "RATES",
    "READOUTS",
    "SPLITS",
    "Probe",
    "Recording",
    "Split",
    "check_writable",
    "dense",
    "expected_fano",
    "fano",
    "one_hot",
    "parted",
    "probe_of",
    "read_recording",
    "spike_counts",
    "write_recording",
]
