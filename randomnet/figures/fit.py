"""Figures of kind = fit: learning curves, inferred rates with the true ones, and scores of the models."""

from functools import partial

from randomnet import plotting
from randomnet.comparison.study import Study
from randomnet.figures.example_networks import example_networks
from randomnet.figures.runs import Figures
from randomnet.figures.training import curve_figures
from randomnet.plotting import InferredRates, Panel

POISSON = "negative log-likelihood\n(nats per bin and neuron)"
PANELS = (
    Panel("nll_test", POISSON, better="lower"),
    Panel("co_bps", "co-bps: held-out neurons\n(bits per spike)", zero=True, better="higher",
          reference="co_bps_ceiling", texts=("model", "ceiling: the true rates")),
    Panel("rate_r2", "R² of the rates", better="higher"),
)  # fmt: skip
NEURAL_LATENTS = (  # beside co-bps
    Panel("vel_r2", "vel R²: behaviour decoded", better="higher"),
    Panel("psth_r2", "PSTH R²: mean responses", better="higher"),
    Panel("fp_bps", "fp-bps: bins after the trial\n(bits per spike)", zero=True, better="higher"),
)
likelihood_figures = partial(curve_figures, label=POISSON)


def rate_figures(study: Study, ylabel: str | None) -> Figures:
    """True and inferred rates of some neurons in a test trial, for each of the first models."""
    for stem, title, _, arrays in example_networks(study, "rates", "example_rates"):
        true, rates, r2, neurons = (arrays[f"example_{name}"] for name in ("true", "rates", "r2", "neurons"))
        inferred = InferredRates(true, rates, r2, neurons, heldin=int(arrays["example_heldin"]))
        yield stem, plotting.inferred_rates(inferred, title)


def inference_quantities(study: Study, ylabel: str | None) -> list[Panel]:
    """The quantities of the overview, with the scores of the Neural Latents Benchmark that the recording allows."""
    return [*PANELS, *(panel for panel in NEURAL_LATENTS if panel.column in study.runs)]
