"""Figures of kind = fit: learning curves, rates beside the true ones, and what models reach."""

from functools import partial

from randomnet import plotting
from randomnet.comparison.matching import Study
from randomnet.figures.networks import first_networks
from randomnet.figures.options import against_options
from randomnet.figures.runs import Figures
from randomnet.figures.training import curve_figures
from randomnet.plotting import InferredRates, Panel

POISSON = "negative log-likelihood\n(nats per bin and neuron)"
PANELS = (
    Panel("nll_test", POISSON),
    Panel("co_bps", "held-out neurons\n(bits per spike)", zero=True),
    Panel("rate_r2", "R² of the rates"),
)
likelihood_figures = partial(curve_figures, label=POISSON)


def rate_figures(study: Study, ylabel: str | None) -> Figures:
    """Some neurons' true and inferred rates in a trial of the test, of each of the first models."""
    for stem, title, _, arrays in first_networks(study, "rates", "example_rates"):
        true, rates, r2, neurons = (arrays[f"example_{name}"] for name in ("true", "rates", "r2", "neurons"))
        inferred = InferredRates(true, rates, r2, neurons, heldin=int(arrays["example_heldin"]))
        yield stem, plotting.inferred_rates(inferred, title)


def fit_dots(study: Study, ylabel: str | None) -> Figures:
    """Likelihood, bits per spike and R2 on the test, by label and against every gridded option."""
    yield from against_options(study, "fit", PANELS)
