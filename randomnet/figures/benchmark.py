"""Figures of kind = benchmark: run times and those of the matrix products alone."""

import numpy as np

from randomnet.comparison import combo_texts
from randomnet.comparison.study import Study
from randomnet.figures.option_dependence import log_log_figure, numeric_options, option_dependence_figures
from randomnet.figures.runs import Figures
from randomnet.plotting import Panel

BUSY = 0.05  # share of the wall time taken by other processes above which a run is disturbed; as in kinds.benchmark
PANELS = (
    Panel("spectrum_seconds", "one spectrum (s)", reference="spectrum_products_seconds"),
    Panel("epoch_seconds", "one training epoch (s)", reference="epoch_products_seconds"),
)


def seconds_figures(study: Study, ylabel: str | None) -> Figures:
    """Seconds against each numeric option on log axes; without numeric options, by label and by the others."""
    title = combo_texts.title_with_task(study.combos, "; ".join(filter(None, [machine_text(study), busy_text(study)])))
    options = numeric_options(study, study.combos)
    for option in options:
        yield from log_log_figure(study, "seconds", option, PANELS, title)
    if not options:
        yield from option_dependence_figures(study, "seconds", PANELS)


def busy_text(study: Study) -> str:
    """Number of runs during which other processes used the machine, and how much; empty if none or unknown."""
    tables = [combo.loaded.table[combo.loaded.table["combo"] == combo.number] for combo in study.combos]
    shares = np.concatenate([table["busy_share"].astype(float).dropna() for table in tables if "busy_share" in table]
                           or [[]])  # fmt: skip
    busy = shares[shares > BUSY]
    if not len(busy):
        return ""
    return (
        f"disturbed by other processes in {len(busy)} of {len(shares)} runs (up to {busy.max():.0%} of the wall time)"
    )


def machine_text(study: Study) -> str:
    """The machine of the benchmark, per label if they differ; empty if unknown."""
    machines = {combo.label: combo.loaded.manifest.get("machine") for combo in study.combos}
    if len(set(machines.values())) == 1:
        machine = next(iter(machines.values()))
        return f"on {machine}" if machine else ""
    return ", ".join(f"{label} on {machine or 'an unknown machine'}" for label, machine in machines.items())
