"""What kind = pipeline reads: a chain of experiments, each going on from what the ones before it have written."""

from dataclasses import dataclass

from randomnet.settings.option import Section, option
from randomnet.settings.readers import ALL, Reader, only
from randomnet.values.stages import Chain, SettingList, StageList


@dataclass(frozen=True)
class PipelineSection(Section):
    """[pipeline] The experiments that kind = pipeline carries out one after the other."""

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


PIPELINE = Reader(
    "pipeline",
    "Carry out experiments one after the other.",
    reads={
        "experiment": only("kind", "name"),
        "paths": only("path_to_results"),
        "pipeline": ALL,
        "trainvalidate": only("iterations"),
    },
    sections={"pipeline": PipelineSection},
)
