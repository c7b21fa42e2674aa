"""Every option of the INI, once: name, kind of value, default, who reads it, and the sentence that explains it.

A section is a frozen dataclass, an option one of its fields. `--help-config` prints this module; the reader parses
with it; a results folder records it. Names of registries (activations, losses, ...) are repeated here because this
floor knows no other; a test holds each list against its registry.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from randomnet.config.option import MADE, SIMULATE, SPECTRAL, TRAINED, TRAINING, UNSET, Option, Section
from randomnet.config.sections import (
    AnalysisSection,
    CombosParamsSection,
    ComparingSection,
    DynamicsSection,
    ExecutionSection,
    ExperimentSection,
    InferenceSection,
    LyapunovSection,
    ModelSection,
    NetSection,
    PathsSection,
    PipelineSection,
    PopulationsSection,
    PretrainedParamsSection,
    ProjectionsSection,
    RecordingSection,
    RegionsSection,
    SimulationSection,
    SourceSection,
    StimulationSection,
    TrainValidateSection,
    TrialParamsSection,
)
from randomnet.config.values import Share, weighted

VALUES_ONLY = (  # options that change numbers, and no array's size
    "paths.pretrained",
    "net.g",
    "net.dales_law",
    "net.null",
    "net.random_w",
    "net.factor_sd",
    "net.factor_overlap",
    "net.factor_mean",
    "net.factor_cov",
    "populations.couplings",
    "populations.gain",
    "populations.external",
    "populations.external_rate",
    "populations.external_degree",
    "lyapunov.target",
    "trainvalidate.optimizer",
    "trainvalidate.lr",
    "trainvalidate.lr_decay",
    "trainvalidate.clip_norm",
    "trainvalidate.weight_bounds",
    "trainvalidate.early_stopping",
    "trainvalidate.stop_below",
    "trainvalidate.flat_window",
    "trainvalidate.flat_tolerance",
    "trainvalidate.init",
    "trainvalidate.remap_w",
    "inference.dropout",
    "inference.kl_ic",
    "inference.kl_co",
    "inference.l2",
    "inference.coordinated",
    "inference.weight_decay",
    "inference.eps",
    "inference.plateau_factor",
    "inference.plateau_patience",
    "inference.plateau_lr",
)

SHAPING = ("populations.sizes", "model.dt", "simulation.window", "simulation.keep",
           "simulation.initial_points")  # what is simulated side by side  # fmt: skip


@dataclass(frozen=True)
class Config:
    """One combination of all options, checked; the only thing a kind unpacks."""

    experiment: ExperimentSection = field(default_factory=ExperimentSection)
    paths: PathsSection = field(default_factory=PathsSection)
    net: NetSection = field(default_factory=NetSection)
    populations: PopulationsSection = field(default_factory=PopulationsSection)
    regions: RegionsSection = field(default_factory=RegionsSection)
    projections: ProjectionsSection = field(default_factory=ProjectionsSection)
    model: ModelSection = field(default_factory=ModelSection)
    lyapunov: LyapunovSection = field(default_factory=LyapunovSection)
    analysis: AnalysisSection = field(default_factory=AnalysisSection)
    stimulation: StimulationSection = field(default_factory=StimulationSection)
    dynamics: DynamicsSection = field(default_factory=DynamicsSection)
    simulation: SimulationSection = field(default_factory=SimulationSection)
    source: SourceSection = field(default_factory=SourceSection)
    comparing: ComparingSection = field(default_factory=ComparingSection)
    recording: RecordingSection = field(default_factory=RecordingSection)
    inference: InferenceSection = field(default_factory=InferenceSection)
    pipeline: PipelineSection = field(default_factory=PipelineSection)
    trainvalidate: TrainValidateSection = field(default_factory=TrainValidateSection)
    trialparams: TrialParamsSection = field(default_factory=TrialParamsSection)
    pretrainedparams: PretrainedParamsSection = field(default_factory=PretrainedParamsSection)
    combosparams: CombosParamsSection = field(default_factory=CombosParamsSection)
    execution: ExecutionSection = field(default_factory=ExecutionSection)

    @property
    def trained(self) -> tuple[str, ...]:
        """Which of weights, gains, shifts and factors are trained, in that order."""
        if self.experiment.kind not in TRAINING or self.model.architecture != "network":
            return ()
        frozen = ["weights"] if self.trainvalidate.freeze_layer or not self.net.background else []
        if not self.net.rank:
            frozen.append("factors")
        names = (*TRAINED, "factors")
        return tuple(name for name in names if getattr(self.trainvalidate, f"train_{name}") and name not in frozen)

    @property
    def drawn_at_random(self) -> bool:
        """Whether the network is a random matrix, another one in every iteration."""
        return self.net.roi == "random" and not self.described

    @property
    def described(self) -> bool:
        """Whether the network is described by populations or regions, not measured or named."""
        return self.net.source in MADE

    @property
    def has_task(self) -> bool:
        """Whether the network is trained on a task."""
        return self.trialparams.task_name != "none"

    @property
    def uses_spectrum(self) -> bool:
        """Whether a Lyapunov spectrum is computed."""
        if self.experiment.kind in SPECTRAL:
            return True
        if self.experiment.kind in SIMULATE:
            return self.simulation.spectrum
        return self.spectrum_loss is not None or self.lyapunov.spectrum_every > 0

    @property
    def losses(self) -> dict[str, float]:
        """The terms of the loss and their weights; none where nothing is trained."""
        if self.experiment.kind not in TRAINING:
            return {}
        return weighted(self.trainvalidate.loss)

    @property
    def spectrum_loss(self) -> str | None:
        """The term of the loss that is one of the spectrum."""
        return next((name for name in self.losses if name != "task"), None)

    @property
    def null(self) -> str:
        """The null model, or none; `random_w = True` is one of them."""
        return "random_w" if self.net.random_w else self.net.null

    @property
    def scaling(self) -> str:
        """The normalization that is meant: `auto` resolved."""
        if self.net.normalization != "auto":
            return self.net.normalization
        made_up = self.drawn_at_random or self.described
        return "none" if made_up or self.trainvalidate.init != "connectome" else "sinkhorn"

    def settings(self) -> dict[str, Any]:
        """Every option that this run's results depend on, as `section.key` -> plain value."""
        return {
            f"{section}.{key}": _plain(getattr(getattr(self, section), key))
            for section, key, about in options()
            if about.identity and is_read(about, self)
        }

    def shape(self) -> tuple[tuple[str, str], ...]:
        """What the sizes of a run's arrays, and so its time and memory, depend on; hashable.

        Simulated networks of one size go side by side whatever connects their neurons and filters their rates.
        """
        settings = {name: str(value) for name, value in self.settings().items() if name not in VALUES_ONLY}
        if self.experiment.kind in SIMULATE:
            free = ("model.", "populations.", "dynamics.", "simulation.")
            settings = {name: value for name, value in settings.items()
                        if name in SHAPING or not name.startswith(free)}  # fmt: skip
        return tuple(settings.items())


def sections() -> dict[str, type[Section]]:
    """Section name -> its dataclass, in the order of the INI."""
    return {entry.name: entry.default_factory for entry in dataclasses.fields(Config)}  # type: ignore[misc]


def options() -> list[tuple[str, str, Option]]:
    """Every (section, key, Option), in the order of the INI."""
    return [
        (section, entry.name, _of_section(entry.metadata["option"], kind))
        for section, kind in sections().items()
        for entry in dataclasses.fields(kind)  # type: ignore[arg-type]  # every section is a dataclass
    ]


def _of_section(about: Option, kind: type[Section]) -> Option:
    """An option with what its section says of it."""
    return dataclasses.replace(about, kinds=kind.read_by if about.kinds is None else about.kinds, where=kind.where)


def neutral_settings() -> dict[str, Any]:
    """`section.key` -> value, of the options added since the first results folders, for manifests that lack them."""
    added = [(f"{section}.{key}", about.neutral) for section, key, about in options() if about.neutral is not UNSET]
    return {name: _plain(value) for name, value in added}


def is_read(about: Option, config: Config) -> bool:
    """Whether a run with this config reads the option."""
    return config.experiment.kind in (about.kinds or ()) and not unmet(about, config)


def unmet(about: Option, config: Config) -> str:
    """The condition, in words, for which a run with this config does not read the option; '' where there is none."""
    conditions = [condition for condition in (about.where, about.only) if condition]
    return next((words for words, holds in conditions if not holds(config)), "")


def _plain(value: Any) -> Any:
    if isinstance(value, Share):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
