"""Which options a run reads: attribute access to sections, recorded while the run goes on in this process."""

import sys
from contextlib import contextmanager

from randomnet.schema.config import SCHEMA
from randomnet.settings.option import Section

ENGINE = ("randomnet.settings", "randomnet.schema", "randomnet.conditions", "randomnet.kinds.reads", "dataclasses")
PROPERTIES = "randomnet.schema.config"  # reads for whoever asks the configuration
BY_THE_ENGINE = {("combosparams", "combos_params")}  # reads nobody else


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
    """Names of options that the kind accepts, that conditions of these combinations allow, and that no code reads."""
    accepted = {key for config in configs for key in SCHEMA.options if SCHEMA.is_read(key, config)}
    return sorted(".".join(key) for key in accepted - reads - BY_THE_ENGINE)
