"""The sections of the INI: every option once, with its kind of value, default, conditions and sentence."""

from randomnet.config.sections.analysis import AnalysisSection, StimulationSection
from randomnet.config.sections.described import PopulationsSection, ProjectionsSection, RegionsSection
from randomnet.config.sections.general import CombosParamsSection, ExecutionSection, ExperimentSection, PathsSection
from randomnet.config.sections.network import ModelSection, NetSection
from randomnet.config.sections.simulation import DynamicsSection, SimulationSection
from randomnet.config.sections.training import (
    LyapunovSection,
    PretrainedParamsSection,
    TrainValidateSection,
    TrialParamsSection,
)

__all__ = [
    "AnalysisSection",
    "CombosParamsSection",
    "DynamicsSection",
    "ExecutionSection",
    "ExperimentSection",
    "LyapunovSection",
    "ModelSection",
    "NetSection",
    "PathsSection",
    "PopulationsSection",
    "PretrainedParamsSection",
    "ProjectionsSection",
    "RegionsSection",
    "SimulationSection",
    "StimulationSection",
    "TrainValidateSection",
    "TrialParamsSection",
]
