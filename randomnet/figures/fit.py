"""Figures of kind = fit: learning curves, inferred rates with the true ones, and scores of the models."""

from functools import partial

from randomnet import plotting
from randomnet.comparison.study import Study
from randomnet.figures.example_networks import example_networks
from randomnet.figures.option_dependence import option_dependence_figures
from randomnet.figures.runs import Figures
from randomnet.figures.training import curve_figures
from randomnet.plotting import InferredRates, Panel

POISSON = "negative log-likelihood\n(nats per bin and neuron)"
PANELS = (
    Panel("nll_test", POISSON),
    Panel("co_bps", "held-out neurons\n(bits per spike)", zero=True),
    Panel("rate_r2", "R² of the rates"),
)
NEURAL_LATENTS = (
    Panel("co_bps", "co-bps: held-out neurons\n(bits per spike)", zero=True),
    Panel("vel_r2", "vel R²: behaviour decoded"),
    Panel("psth_r2", "PSTH R²: mean responses"),
    Panel("fp_bps", "fp-bps: bins after the trial\n(bits per spike)", zero=True),
)
likelihood_figures = partial(curve_figures, label=POISSON)


def rate_figures(study: Study, ylabel: str | None) -> Figures:
    """True and inferred rates of some neurons in a test trial, for each of the first models."""
    for stem, title, _, arrays in example_networks(study, "rates", "example_rates"):
        true, rates, r2, neurons = (arrays[f"example_{name}"] for name in ("true", "rates", "r2", "neurons"))
        inferred = InferredRates(true, rates, r2, neurons, heldin=int(arrays["example_heldin"]))
        yield stem, plotting.inferred_rates(inferred, title)


def fit_dots(study: Study, ylabel: str | None) -> Figures:
    """Likelihood, bits per spike and R² on the test trials, by label and against every gridded option."""
    yield from option_dependence_figures(study, "fit", PANELS)


def neural_latents_figures(study: Study, ylabel: str | None) -> Figures:
    """The four scores of the Neural Latents Benchmark, where a recording has what one of its own three needs."""
    own = [name for name in ("vel_r2", "psth_r2", "fp_bps") if name in study.runs]
    if own and study.runs[own].notna().any(axis=None):
        yield from option_dependence_figures(study, "neural_latents", NEURAL_LATENTS)
