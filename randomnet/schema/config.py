"""The schema of RandomNet, assembled from general sections and those of kinds, and `Config`, one combination."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from randomnet.conditions import MADE
from randomnet.kinds import KINDS
from randomnet.renamed_options import RENAMED
from randomnet.schema.adapting import adapted
from randomnet.schema.contradictions import contradiction
from randomnet.schema.sections.described import PopulationsSection, ProjectionsSection, RegionsSection
from randomnet.schema.sections.general import CombosParamsSection, ExecutionSection, ExperimentSection, PathsSection
from randomnet.schema.sections.network import TRAINED, ModelSection, NetSection
from randomnet.schema.sections.training import LyapunovSection, PretrainedParamsSection, TrainValidateSection
from randomnet.schema.sections.trialparams import TrialParamsSection
from randomnet.schema.spellings import spelled_out, unfolded
from randomnet.settings.option import UNSET, Section
from randomnet.settings.readers import Key, Reader
from randomnet.settings.schema import Schema, Values, assemble, key_of, plain, value_of
from randomnet.settings.values import weighted
from randomnet.tasks import TASKS, Task

SHAPING = ("populations.sizes", "model.dt", "simulation.window", "simulation.keep",
           "simulation.initial_points")  # what is simulated side by side  # fmt: skip


# Keys that mean the same in every section that has them. Axes of other shared keys keep their section in results.
COMMON = ("architecture", "hidden_size", "mlp_layers", "mlp_units", "start_noise", "state_noise")


SECTIONS: dict[str, type[Section]] = {  # in the order of the INI
    "experiment": ExperimentSection,
    "paths": PathsSection,
    "net": NetSection,
    "populations": PopulationsSection,
    "regions": RegionsSection,
    "projections": ProjectionsSection,
    "model": ModelSection,
    "lyapunov": LyapunovSection,
    **{name: section for kind in KINDS.values() for name, section in kind.sections.items()},
    "trainvalidate": TrainValidateSection,
    "trialparams": TrialParamsSection,
    "pretrainedparams": PretrainedParamsSection,
    "combosparams": CombosParamsSection,
    "execution": ExecutionSection,
}


@dataclass(frozen=True)
class Config:
    """One combination of all options, checked; the only thing a kind unpacks.

    Each section is an attribute. of_kinds: (name, section) of the sections that kinds bring along.
    """

    experiment: ExperimentSection
    paths: PathsSection
    net: NetSection
    populations: PopulationsSection
    regions: RegionsSection
    projections: ProjectionsSection
    model: ModelSection
    lyapunov: LyapunovSection
    trainvalidate: TrainValidateSection
    trialparams: Any  # TrialParamsSection, whose options come from the tasks
    pretrainedparams: PretrainedParamsSection
    combosparams: CombosParamsSection
    execution: ExecutionSection
    of_kinds: tuple[tuple[str, Section], ...]

    def __getattr__(self, name: str) -> Any:
        """A section that a kind brings along. Raises AttributeError."""
        sections = dict(self.__dict__.get("of_kinds", ()))
        if name not in sections:
            raise AttributeError(f"Config: no section {name!r}")
        return sections[name]

    def replaced(self, values: Mapping[str, Any]) -> "Config":
        """The same with other values of some options, `section.key` -> value."""
        config = self
        for name, value in values.items():
            section, key = key_of(name)
            changed = replace(getattr(config, section), **{key: value})
            if section in dict(config.of_kinds):
                config = replace(config, of_kinds=tuple({**dict(config.of_kinds), section: changed}.items()))
            else:
                config = replace(config, **{section: changed})
        return config

    @property
    def kind(self) -> Reader:
        """What the experiment kind reads and does."""
        return KINDS[self.experiment.kind]

    def has_role(self, role: str) -> bool:
        """Whether the kind has this role."""
        return role in self.kind.roles

    def reads(self, name: str) -> bool:
        """Whether the kind reads the option `section.key`, where its conditions hold."""
        section, key = key_of(name)
        return key in self.kind.reads.get(section, ())

    @property
    def trains(self) -> bool:
        """Whether the kind trains networks, or measures the time of training."""
        return self.has_role("training")

    @property
    def trained(self) -> tuple[str, ...]:
        """Which of weights, gains, shifts and factors are trained, in that order."""
        if not self.trains or self.model.architecture != "network":
            return ()
        frozen = ["weights"] if self.trainvalidate.freeze_layer or not self.net.background else []
        if not self.net.rank:
            frozen.append("factors")
        names = (*TRAINED, "factors")
        return tuple(name for name in names if getattr(self.trainvalidate, f"train_{name}") and name not in frozen)

    @property
    def drawn_at_random(self) -> bool:
        """Whether the network is a random matrix, drawn in every iteration."""
        return self.net.roi == "random" and not self.described

    @property
    def described(self) -> bool:
        """Whether the network is described by populations or regions, not measured or named."""
        return self.net.source in MADE

    @property
    def from_source(self) -> bool:
        """Whether the system is a cell or a fitted model of [source], and none is built."""
        return self.has_role("system of a source") and bool(self.source.folder.strip())

    @property
    def task(self) -> Task | None:
        """The task's row; None without a task."""
        return TASKS[self.trialparams.task_name] if self.has_task else None

    @property
    def has_task(self) -> bool:
        """Whether the network is trained on a task."""
        return self.trialparams.task_name != "none"

    @property
    def takes_stored_network(self) -> bool:
        """Whether the connections and their weights are those of the model in paths.pretrained."""
        return bool(self.paths.pretrained) and (self.has_task or self.has_role("simulation"))

    @property
    def uses_spectrum(self) -> bool:
        """Whether a Lyapunov spectrum is computed."""
        if self.has_role("spectra"):
            return True
        if self.has_role("simulation"):
            return self.simulation.spectrum
        return self.spectrum_loss is not None or self.lyapunov.spectrum_every > 0

    @property
    def losses(self) -> dict[str, float]:
        """Terms of the loss -> weights; empty where nothing is trained."""
        if not self.trains:
            return {}
        return weighted(self.trainvalidate.loss)

    @property
    def spectrum_loss(self) -> str | None:
        """The term of the loss that depends on the spectrum; None without one."""
        return next((name for name in self.losses if name != "task"), None)

    @property
    def null(self) -> str:
        """The null model, or none; `random_w = True` is one of them."""
        return "random_w" if self.net.random_w else self.net.null

    @property
    def scaling(self) -> str:
        """The normalization, with `auto` resolved."""
        if self.net.normalization != "auto":
            return self.net.normalization
        made_up = self.drawn_at_random or self.described
        return "none" if made_up or self.trainvalidate.init != "connectome" else "sinkhorn"

    @cached_property
    def keys_read(self) -> frozenset[Key]:
        """The options that a run with this configuration reads, as (section, key)."""
        return SCHEMA.keys_read(self)

    def settings(self) -> dict[str, Any]:
        """Every option that this run's results depend on, as `section.key` -> plain value."""
        return dict(self._settings)

    @cached_property
    def _settings(self) -> dict[str, Any]:
        return {
            ".".join(key): plain(value_of(self, key))
            for key, option in SCHEMA.options.items()
            if option.identity and key in self.keys_read
        }

    def shape(self) -> tuple[tuple[str, str], ...]:
        """The settings that determine the sizes of a run's arrays; hashable. Runs of equal shape can share a batch.

        Simulated networks of one size share a batch whatever their connections and filters.
        """
        return self._shape

    @cached_property
    def _shape(self) -> tuple[tuple[str, str], ...]:
        settings = {name: str(value) for name, value in self._settings.items() if SCHEMA.options[key_of(name)].sizes}
        if self.has_role("simulation"):
            free = ("model.", "populations.", "dynamics.", "simulation.")
            settings = {name: value for name, value in settings.items()
                        if name in SHAPING or not name.startswith(free)}  # fmt: skip
        return tuple(settings.items())


def make_config(sections: Mapping[str, Section]) -> Config:
    """A configuration of these sections, by name."""
    of_kinds = {name: section for name, section in sections.items() if name not in Config.__dataclass_fields__}
    general: dict[str, Any] = {name: section for name, section in sections.items() if name not in of_kinds}
    return Config(of_kinds=tuple(of_kinds.items()), **general)


def default_config() -> Config:
    """All options at their own defaults."""
    return make_config({name: section() for name, section in SECTIONS.items()})


def _layers(values: Values) -> list[str]:
    """Names of layers of defaults: the kind's choice, the kind, `task`, and the task's own."""
    kind = KINDS[values["experiment"].get("kind", ExperimentSection.kind)]
    task = values["trialparams"].get("task_name", "none")
    section, key = key_of(kind.choice)
    choice = [values[section].get(key, getattr(SECTIONS[section], key))] if kind.choice else []
    return [*choice, kind.name, *(["task", task] if task != "none" else [])]


SCHEMA = Schema(
    sections=SECTIONS,
    options=assemble(SECTIONS, KINDS),
    readers=KINDS,
    reader_key=("experiment", "kind"),
    grid_key=("combosparams", "combos_params"),
    sample_key=("combosparams", "sample"),
    zip_key=("combosparams", "zip"),
    count_key=("combosparams", "n_samples"),
    seed_key=("experiment", "seed"),
    reserved=("combo", "iteration"),  # columns of every table of results
    make=make_config,
    layers=_layers,
    adapt=adapted,
    contradiction=contradiction,
    unfold=unfolded,
    spell_out=spelled_out,
    renamed={key_of(earlier): key_of(current) for earlier, current in RENAMED.items()},
    common=COMMON,
)


def neutral_settings() -> dict[str, Any]:
    """`section.key` -> value of options that are missing in results folders of earlier versions."""
    added = {key: option.neutral for key, option in SCHEMA.options.items() if option.neutral is not UNSET}
    return {".".join(key): plain(neutral) for key, neutral in added.items()}
