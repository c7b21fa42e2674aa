"""The INI engine: options, kinds of value, reading, grids, help text. It knows nothing of networks."""

from randomnet.settings.option import Condition, Option, Section, option
from randomnet.settings.readers import ALL, Reader, all_but, only
from randomnet.settings.schema import Schema
from randomnet.settings.steps import steps_of
from randomnet.settings.values import ConfigError, Share, nearest

__all__ = [
    "ALL",
    "Condition",
    "ConfigError",
    "Option",
    "Reader",
    "Schema",
    "Section",
    "Share",
    "all_but",
    "nearest",
    "only",
    "option",
    "steps_of",
]
