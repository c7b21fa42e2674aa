"""A user's recording of named neurons: rates, calcium traces or spikes, matched to the neurons of a connectome.

    record       `NeuralActivity`: activity in trials, at regular times, nan where unknown
    grid         samples at any times as samples at regular times
    spike_times  spikes as counts in bins
    files        reading: arrays (.npz, HDF5), tables (CSV), nwb (Neurodata Without Borders); hdf5 opens files safely
    matching     recorded neurons and those of a connectome, by name
"""

from randomnet.recordings.named.files import read_activity
from randomnet.recordings.named.matching import Match, match_neurons
from randomnet.recordings.named.record import NeuralActivity

__all__ = ["Match", "NeuralActivity", "match_neurons", "read_activity"]
