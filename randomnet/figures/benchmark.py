"""Figures of kind = benchmark: run times and those of the matrix products alone."""

import numpy as np

from randomnet.comparison.study import Study
from randomnet.figures.grid_figures import grid_figures
from randomnet.figures.overviews import OVERVIEW
from randomnet.figures.runs import Figures
from randomnet.plotting import Panel

BUSY = 0.05  # share of the wall time taken by other processes above which a run is disturbed; as in kinds.benchmark
PANELS = (
    Panel("spectrum_seconds", "one spectrum (s)", reference="spectrum_products_seconds",
          log=True),
    Panel("epoch_seconds", "one training epoch (s)", reference="epoch_products_seconds",
          log=True),
)


def seconds_figures(study: Study, ylabel: str | None) -> Figures:
    """The overview: seconds of a spectrum and of an epoch, with those of the matrix products alone."""
    note = "; ".join(filter(None, [machine_text(study), busy_text(study)]))
    yield from grid_figures(study, OVERVIEW, PANELS, note)


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
