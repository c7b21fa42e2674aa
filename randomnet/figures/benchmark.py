"""Figures of kind = benchmark: seconds beside those of the bare matrix products."""

import numpy as np

from randomnet.comparison import combo_texts
from randomnet.comparison.study import Study
from randomnet.figures.option_dependence import log_log_figure, numeric_options, option_dependence_figures
from randomnet.figures.runs import Figures
from randomnet.plotting import Panel

BUSY = 0.05  # share of the wall time that others had, from which on a run is called disturbed; as in kinds.benchmark
PANELS = (
    Panel("spectrum_seconds", "one spectrum (s)", reference="spectrum_products_seconds"),
    Panel("epoch_seconds", "one training epoch (s)", reference="epoch_products_seconds"),
)


def seconds_figures(study: Study, ylabel: str | None) -> Figures:
    """Seconds against each numeric option, log-log; of folders without one, by label or what else they vary."""
    title = combo_texts.title_with_task(study.combos, "; ".join(filter(None, [machine_text(study), busy_text(study)])))
    options = numeric_options(study, study.combos)
    for option in options:
        yield from log_log_figure(study, "seconds", option, PANELS, title)
    if not options:
        yield from option_dependence_figures(study, "seconds", PANELS)


def busy_text(study: Study) -> str:
    """In how many runs the machine was busy with other work, and how much; empty where it was not or is not known."""
    tables = [combo.loaded.table[combo.loaded.table["combo"] == combo.number] for combo in study.combos]
    known = np.concatenate([table["busy_share"].astype(float).dropna() for table in tables if "busy_share" in table]
                           or [[]])  # fmt: skip
    busy = known[known > BUSY]
    if not len(busy):
        return ""
    return f"busy in {len(busy)} of {len(known)} runs: up to {busy.max():.0%} of the wall time was others'"


def machine_text(study: Study) -> str:
    """The machine that was timed, of each label where they differ; empty where it is not known."""
    machines = {combo.label: combo.loaded.manifest.get("machine") for combo in study.combos}
    if len(set(machines.values())) == 1:
        machine = next(iter(machines.values()))
        return f"on {machine}" if machine else ""
    return ", ".join(f"{label} on {machine or 'an unknown machine'}" for label, machine in machines.items())
