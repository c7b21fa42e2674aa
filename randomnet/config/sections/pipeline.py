"""A chain of experiments, each going on from what the ones before it have written."""

from dataclasses import dataclass

from randomnet.config.chain import Chain, SettingList, StageList
from randomnet.config.option import PIPELINE, Section, option


@dataclass(frozen=True)
class PipelineSection(Section):
    """[pipeline] The experiments that kind = pipeline carries out one after the other."""

    read_by = PIPELINE

    stages: Chain = option(
        StageList(),
        Chain(),
        "Each stage's name and INI, in order; its results go to a folder of its name in paths.path_to_results. record "
        "goes on from the last train before it, fit from the last record, compare from every fit.",
        grid=False,
    )
    set: Chain = option(
        SettingList(), Chain(), "Options of single stages in place of those in their files.", grid=False
    )
