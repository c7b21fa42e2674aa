"""The sections of the INI: every option once, with its kind of value, default, conditions and sentence."""

from randomnet.config.sections.analysis import AnalysisSection, StimulationSection
from randomnet.config.sections.comparing import ComparingSection
from randomnet.config.sections.described import PopulationsSection, ProjectionsSection, RegionsSection
from randomnet.config.sections.general import CombosParamsSection, ExecutionSection, ExperimentSection, PathsSection
from randomnet.config.sections.inference import InferenceSection
from randomnet.config.sections.network import ModelSection, NetSection
from randomnet.config.sections.pipeline import PipelineSection
from randomnet.config.sections.recording import RecordingSection
from randomnet.config.sections.simulation import DynamicsSection, SimulationSection
from randomnet.config.sections.source import SourceSection
from randomnet.config.sections.training import LyapunovSection, PretrainedParamsSection, TrainValidateSection
from randomnet.config.sections.trialparams import TrialParamsSection

__all__ = [
    "AnalysisSection",
    "CombosParamsSection",
    "ComparingSection",
    "DynamicsSection",
    "ExecutionSection",
    "ExperimentSection",
    "InferenceSection",
    "LyapunovSection",
    "ModelSection",
    "NetSection",
    "PathsSection",
    "PipelineSection",
    "PopulationsSection",
    "PretrainedParamsSection",
    "ProjectionsSection",
    "RecordingSection",
    "RegionsSection",
    "SimulationSection",
    "SourceSection",
    "StimulationSection",
    "TrainValidateSection",
    "TrialParamsSection",
]
