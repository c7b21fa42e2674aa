"""The experiment as text: schema, reading, the grid."""

from randomnet.config.chained import steps_of
from randomnet.config.describe import help_text
from randomnet.config.grid import Combo, Plan, Run, read_plan
from randomnet.config.option import BUILT_IN_ROIS, TRAINED
from randomnet.config.schema import Config, neutral_settings
from randomnet.config.values import ConfigError, Share, nearest

__all__ = [
    "BUILT_IN_ROIS",
    "TRAINED",
    "Combo",
    "Config",
    "ConfigError",
    "Plan",
    "Run",
    "Share",
    "help_text",
    "nearest",
    "neutral_settings",
    "read_plan",
    "steps_of",
]
