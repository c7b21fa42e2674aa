"""Which options a run reads: attribute access to sections, recorded while the run goes on in this process."""

import sys
from contextlib import contextmanager
from typing import NamedTuple

from randomnet.nulls import EXTENTS
from randomnet.schema.config import SCHEMA
from randomnet.settings.option import Section

ENGINE = ("randomnet.settings", "randomnet.schema", "randomnet.conditions", "randomnet.kinds.reads", "dataclasses")
PROPERTIES = "randomnet.schema.config"  # reads for whoever asks the configuration
BY_THE_ENGINE = {("combosparams", key) for key in ("combos_params", "zip", "sample", "n_samples")}  # reads nobody else


class Allowance(NamedTuple):
    """Options that are accepted and not read in some runs, and why they are accepted there."""

    names: tuple[str, ...]
    where: object  # configuration -> whether such a run
    reason: str


ALLOWED = (
    Allowance(
        tuple(f"pretrainedparams.pretrained_{name}" for name in ("combo", "epoch", "iteration")),
        lambda config: not config.paths.pretrained,
        "INIs of bio_rnn_mem always have them, with and without a pretrained network",
    ),
    Allowance(
        ("net.g", "net.symmetry", "net.normalization", "trainvalidate.remap_w", *(f"net.{name}" for name in EXTENTS)),
        lambda config: bool(config.paths.pretrained),
        "they choose among the trained networks: the engine compares them with the settings of the folder's manifest",
    ),
    Allowance(
        ("execution.batch_runs", "execution.memory_budget"),
        lambda config: config.model.architecture != "network" or config.lyapunov.tsim == "auto" or config.from_source
        or config.experiment.kind == "benchmark",
        "such runs are carried out one by one, as batch_runs = 1 would ask for",
    ),
    Allowance(
        ("comparing.mixed",),
        lambda config: True,
        "it permits folders fitted to different recordings, and is asked for only where there are such",
    ),
)


def asker():
    """The module that asks for the value: of the configuration's properties, the one that asks for the property."""
    frame = sys._getframe(2)
    while frame.f_globals.get("__name__") == PROPERTIES and frame.f_back:
        frame = frame.f_back
    return frame.f_globals.get("__name__", "")


@contextmanager
def recorded_reads():
    """Yields a set that (section, key) join as code other than the engine's reads them."""
    names = {kind: name for name, kind in SCHEMA.sections.items()}
    reads = set()

    def read(section, key):
        if not key.startswith("_") and not asker().startswith(ENGINE):
            reads.add((names[type(section)], key))
        return object.__getattribute__(section, key)

    Section.__getattribute__ = read
    try:
        yield reads
    finally:
        del Section.__getattribute__


def unread(configs, reads):
    """Names of options that the kind accepts, that conditions of these combinations allow, and that no code reads.

    Options with an allowance are left out.
    """
    accepted = {
        key for config in configs for key in SCHEMA.options if SCHEMA.is_read(key, config) and not allowed(key, config)
    }
    return sorted(".".join(key) for key in accepted - reads - BY_THE_ENGINE)


def allowed(key, config):
    """Whether the option may stay unread in a run of this configuration."""
    return any(".".join(key) in one.names and one.where(config) for one in ALLOWED)
