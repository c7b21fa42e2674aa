"""Figures of kind = record: a trial from inputs to spikes, the neurons, and statistics of the recording."""

from randomnet import plotting
from randomnet.comparison.study import Study
from randomnet.figures.example_networks import example_networks
from randomnet.figures.runs import Figures
from randomnet.plotting import Panel, RecordedNeurons, RecordedTrial

PANELS = (
    Panel("mean_rate", "mean rate\n(spikes per bin)", least=0.0),
    Panel("fano", "Fano factor\ngiven the rates", least=0.0),
    Panel("bps_ceiling", "bits per spike\nof the true rates"),
    Panel("accuracy", "accuracy of the\nnetwork (%)", linear=True),
)
PARTS = ("inputs", "outputs", "latents", "rates", "spikes")


def trial_figures(study: Study, ylabel: str | None) -> Figures:
    """An example test trial of each of the first networks."""
    for stem, title, _, arrays in example_networks(study, "trial", "example_spikes"):
        parts = {name: arrays[f"example_{name}"] for name in PARTS}
        trial = RecordedTrial(arrays["times"], **parts, heldin=int(arrays["heldin"]))
        yield stem, plotting.recorded_trial(trial, f"{title}, trial\u00a0{arrays['example_trial']}")


def neuron_figures(study: Study, ylabel: str | None) -> Figures:
    """Rates and Fano factors of the neurons of each of the first networks."""
    for stem, title, _, arrays in example_networks(study, "neurons", "neuron_fano"):
        rate, fano, expected = (arrays[f"neuron_{name}"] for name in ("rate", "fano", "fano_expected"))
        neurons = RecordedNeurons(rate, fano, expected, heldin=int(arrays["heldin"]))
        yield stem, plotting.recorded_neurons(neurons, title)
