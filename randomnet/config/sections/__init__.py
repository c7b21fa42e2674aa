"""The sections of the INI: every option once, with its kind of value, default, conditions and sentence."""

from randomnet.config.sections.general import CombosParamsSection, ExecutionSection, ExperimentSection, PathsSection
from randomnet.config.sections.network import ModelSection, NetSection
from randomnet.config.sections.training import (
    LyapunovSection,
    PretrainedParamsSection,
    TrainValidateSection,
    TrialParamsSection,
)

__all__ = [
    "CombosParamsSection",
    "ExecutionSection",
    "ExperimentSection",
    "LyapunovSection",
    "ModelSection",
    "NetSection",
    "PathsSection",
    "PretrainedParamsSection",
    "TrainValidateSection",
    "TrialParamsSection",
]
