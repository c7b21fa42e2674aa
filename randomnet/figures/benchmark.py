"""Figures of kind = benchmark: seconds beside those of the bare matrix products."""

from randomnet.comparison import matching
from randomnet.comparison.matching import Study
from randomnet.figures.options import against_option, against_options, numeric_options
from randomnet.figures.runs import Figures
from randomnet.plotting import Panel

PANELS = (
    Panel("spectrum_seconds", "one spectrum (s)", beside="spectrum_products_seconds"),
    Panel("epoch_seconds", "one training epoch (s)", beside="epoch_products_seconds"),
)


def seconds_figures(study: Study, ylabel: str | None) -> Figures:
    """Seconds against each numeric option, log-log; of folders without one, by label or what else they vary."""
    title = matching.titled(study.combos, machine_text(study))
    options = numeric_options(study, study.combos)
    for option in options:
        yield from against_option(study, "seconds", option, PANELS, title)
    if not options:
        yield from against_options(study, "seconds", PANELS)


def machine_text(study: Study) -> str:
    """The machine that was timed, of each label where they differ; empty where it is not known."""
    machines = {combo.label: combo.loaded.manifest.get("machine") for combo in study.combos}
    if len(set(machines.values())) == 1:
        machine = next(iter(machines.values()))
        return f"on {machine}" if machine else ""
    return ", ".join(f"{label} on {machine or 'an unknown machine'}" for label, machine in machines.items())
