"""kind = pipeline: several experiments in sequence, each starting from the results of earlier ones.

    <path_to_results>/<stage>/    the results folder of each stage, the same as of the experiment alone
    <path_to_results>/config.ini  the pipeline itself
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from randomnet import results
from randomnet.artifacts.comparison_inputs import folders_of
from randomnet.experiment.planning import OWN_FILES, check
from randomnet.schema.config import SCHEMA
from randomnet.schema.plan import Plan, read_plan
from randomnet.settings import ConfigError, nearest

NEEDED = {"record": "train", "fit": "record", "compare": "fit"}  # kind of a stage -> kind of its source


@dataclass(frozen=True)
class Stage:
    """A stage: its name, and its experiment with its results folder and source in the pipeline."""

    name: str
    plan: Plan

    @property
    def kind(self) -> str:
        """The kind of the experiment."""
        return self.plan.config.experiment.kind


def stages_of(plan: Plan) -> list[Stage]:
    """Return the stages, each read and checked as far as possible before earlier ones have run. Raises ConfigError."""
    section, root = plan.config.pipeline, Path(plan.config.paths.path_to_results)
    names = [entry.stage for entry in section.stages]
    if not names:
        raise ConfigError(f"{plan.path}: [pipeline] stages: expected at least one stage and its INI, got none")
    for entry in section.set:
        if entry.stage not in names:
            known = f"one of the stages {', '.join(names)}"
            raise ConfigError(
                f"{plan.path}: [pipeline] set: expected {known}, got {entry.stage!r}{nearest(entry.stage, names)}"
            )
    stages: list[Stage] = []
    for entry in section.stages:
        overrides = [override.text for override in section.set if override.stage == entry.stage]
        overrides.append(f"paths.path_to_results={root / entry.stage}")
        stage_plan = _read(plan, entry.text, overrides)
        if handed := _handed(plan, stage_plan, overrides):
            overrides = [*handed, *overrides]
            stage_plan = _read(plan, entry.text, overrides)
        kind = stage_plan.config.experiment.kind
        if kind == "pipeline":
            raise ConfigError(f"{plan.path}: [pipeline] stages: expected experiments, got the pipeline {entry.text}")
        sources = _sources(stages, kind, root)
        if kind in NEEDED and not sources:
            raise ConfigError(
                f"{plan.path}: [pipeline] stages: expected a stage of kind = {NEEDED[kind]} before {entry.stage}, "
                f"which is of kind = {kind}, got {', '.join(names[:len(stages)]) or 'none'}"
            )
        if sources:
            stage_plan = _read(plan, entry.text, [*overrides, f"source.folder={', '.join(sources)}"])
        if kind == "compare":
            _check_comparison(plan, stage_plan)
        stages.append(Stage(entry.stage, stage_plan))
    return stages


def _read(plan: Plan, file: str, overrides: Sequence[str]) -> Plan:
    try:
        return read_plan(Path(file).expanduser(), overrides)
    except ConfigError as error:
        raise ConfigError(f"{plan.path}: [pipeline] {error}") from None


def _handed(plan: Plan, stage_plan: Plan, overrides: Sequence[str]) -> list[str]:
    """Return overrides with the pipeline's [execution], which replaces that of a stage's INI.

    Left out are options that the stage's kind does not read, and those that [pipeline] set has for the stage.
    """
    kind, own = SCHEMA.reader_of(stage_plan.config), {override.partition("=")[0].strip() for override in overrides}
    return [f"{section}.{key}={text}" for (section, key), text in plan.combos[0].texts.items()
            if section == "execution" and f"{section}.{key}" not in own
            and kind in SCHEMA.options[section, key].readers]  # fmt: skip


def _check_comparison(plan: Plan, stage_plan: Plan) -> None:
    """Raise ConfigError for what a comparison would refuse once its models exist."""
    root = plan.config.paths.path_to_results
    if "," in root:
        raise ConfigError(
            f"{plan.path}: [paths] path_to_results: expected a folder without a comma where a stage is of kind = "
            f"compare, as [source] folder is a list by commas, got {root!r}"
        )
    try:
        folders_of(stage_plan.combos[0].runs()[0])
    except ConfigError as error:
        raise ConfigError(f"{plan.path}: [pipeline] {stage_plan.path}: {error}") from None


def _sources(earlier: Sequence[Stage], kind: str, root: Path) -> list[str]:
    """Return the source folders of a stage: all fits for a comparison, else the last folder of its source's kind."""
    folders = [str(root / stage.name) for stage in earlier if stage.kind == NEEDED.get(kind)]
    return folders if kind == "compare" else folders[-1:]


def run_stages(plan: Plan, stages: Sequence[Stage], run_stage: Callable[[Stage], int]) -> int:
    """Run each stage with `run_stage`, as long as its exit code is 0; return the last exit code.

    The pipeline's INI is written beside the stages; an INI that is there is replaced once all stages have run.
    """
    ini = Path(plan.config.paths.path_to_results).expanduser() / "config.ini"
    for number, stage in enumerate(stages, 1):
        print(f"\nStage {number}/{len(stages)}: {stage.name}", flush=True)
        code = run_stage(stage)
        if not ini.exists():
            results.write_text(ini, plan.text)
        if code:
            return code
    results.write_text(ini, plan.text)
    return 0


def outdated(stage: Stage) -> bool:
    """Return whether the models of a comparison have changed, or there are new ones; it is then repeated."""
    manifest = results.ResultsFolder(Path(stage.plan.config.paths.path_to_results).expanduser()).manifest
    if stage.kind != "compare" or manifest is None:
        return False
    known = [combo.get("connectome", {}).get("inputs") for combo in manifest.get("combos", [])]
    return any(facts["inputs"] not in known for facts in check(stage.plan))


def check_folder(plan: Plan, stages: Sequence[Stage]) -> None:
    """Raise ConfigError where the results folder holds anything but these stages."""
    root, names = Path(plan.config.paths.path_to_results).expanduser(), [stage.name for stage in stages]
    expected = "[paths] path_to_results: expected a new folder, or one of this pipeline"
    if root.exists() and not root.is_dir():
        raise ConfigError(f"{expected}, got the file {root}")
    if (root / "manifest.json").exists():
        raise ConfigError(f"{expected}, got {root}, which holds an experiment")
    present = [path.name for path in root.iterdir()] if root.exists() else []
    others = [name for name in present if name not in names and not name.startswith((*OWN_FILES, results.TEMPORARY))]
    if present and "config.ini" not in present and others:
        raise ConfigError(f"{expected}, got {root}, which holds other files ({others[0]})")
