"""Figures of kind = benchmark: seconds beside those of the bare matrix products."""

import numpy as np

from randomnet.comparison import matching
from randomnet.comparison.matching import Study
from randomnet.figures.options import against_option, against_options, numeric_options
from randomnet.figures.runs import Figures
from randomnet.plotting import Panel

BUSY = 0.05  # share of the wall time that others had, from which on a run is called disturbed; as in kinds.benchmark
PANELS = (
    Panel("spectrum_seconds", "one spectrum (s)", reference="spectrum_products_seconds"),
    Panel("epoch_seconds", "one training epoch (s)", reference="epoch_products_seconds"),
)


def seconds_figures(study: Study, ylabel: str | None) -> Figures:
    """Seconds against each numeric option, log-log; of folders without one, by label or what else they vary."""
    title = matching.titled(study.combos, "; ".join(filter(None, [machine_text(study), busy_text(study)])))
    options = numeric_options(study, study.combos)
    for option in options:
        yield from against_option(study, "seconds", option, PANELS, title)
    if not options:
        yield from against_options(study, "seconds", PANELS)


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
