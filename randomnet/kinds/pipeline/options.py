"""What kind = pipeline reads: a chain of experiments, each of which uses results of earlier ones."""

from dataclasses import dataclass

from randomnet.settings.option import Section, option
from randomnet.settings.readers import ALL, Reader, all_but, only
from randomnet.values.stages import Chain, SettingList, StageList


@dataclass(frozen=True)
class PipelineSection(Section):
    """[pipeline] The experiments that kind = pipeline runs in sequence."""

    stages: Chain = option(
        StageList(),
        Chain(),
        "Name and INI of each stage, in order. Results go to a folder of that name in paths.path_to_results. record "
        "uses the last train before it, fit the last record, compare every fit. [execution] beside [pipeline] is that "
        "of every stage.",
        grid=False,
    )
    set: Chain = option(
        SettingList(), Chain(), "Options of single stages, which replace those in their files.", grid=False
    )


PIPELINE = Reader(
    "pipeline",
    "Run experiments in sequence, each with the results of earlier ones.",
    reads={
        "experiment": only("kind", "name"),
        "paths": only("path_to_results"),
        "pipeline": ALL,
        "trainvalidate": only("iterations"),
        "execution": all_but("device", "batch_runs", "memory_budget", "tensorboard"),  # handed to the stages
    },
    sections={"pipeline": PipelineSection},
)
