"""kind = pipeline: several experiments in turn, each going on from what those before it have written.

    <path_to_results>/<stage>/    the results folder of each stage, as if it had been run alone
    <path_to_results>/config.ini  the pipeline itself
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from randomnet import results
from randomnet.artifacts.comparison_inputs import folders_of
from randomnet.experiment.planning import OWN_FILES, check
from randomnet.schema.plan import Plan, read_plan
from randomnet.settings import ConfigError, nearest

NEEDED = {"record": "train", "fit": "record", "compare": "fit"}  # what a stage goes on from


@dataclass(frozen=True)
class Stage:
    """A stage: its name and its experiment, with the results folder and the source that it has in the pipeline."""

    name: str
    plan: Plan

    @property
    def kind(self) -> str:
        """What it does."""
        return self.plan.config.experiment.kind


def stages_of(plan: Plan) -> list[Stage]:
    """The stages, each read and checked as far as that goes before those before it are done. Raises ConfigError."""
    chosen, root = plan.config.pipeline, Path(plan.config.paths.path_to_results)
    names = [entry.stage for entry in chosen.stages]
    if not names:
        raise ConfigError(f"{plan.path}: [pipeline] stages: expected at least one stage and its INI, got none")
    for entry in chosen.set:
        if entry.stage not in names:
            known = f"one of the stages {', '.join(names)}"
            raise ConfigError(
                f"{plan.path}: [pipeline] set: expected {known}, got {entry.stage!r}{nearest(entry.stage, names)}"
            )
    found: list[Stage] = []
    for entry in chosen.stages:
        own = [one.text for one in chosen.set if one.stage == entry.stage]
        folder = [f"paths.path_to_results={root / entry.stage}"]
        alone = _read(plan, entry.text, [*own, *folder])
        kind = alone.config.experiment.kind
        if kind == "pipeline":
            raise ConfigError(f"{plan.path}: [pipeline] stages: expected experiments, got the pipeline {entry.text}")
        sources = _sources(found, kind, root)
        if kind in NEEDED and not sources:
            raise ConfigError(
                f"{plan.path}: [pipeline] stages: expected a stage of kind = {NEEDED[kind]} before {entry.stage}, "
                f"which is of kind = {kind}, got {', '.join(names[:len(found)]) or 'none'}"
            )
        if sources:
            alone = _read(plan, entry.text, [*own, *folder, f"source.folder={', '.join(sources)}"])
        if kind == "compare":
            _check_compared(plan, alone)
        found.append(Stage(entry.stage, alone))
    return found


def _read(plan: Plan, file: str, overrides: Sequence[str]) -> Plan:
    try:
        return read_plan(Path(file).expanduser(), overrides)
    except ConfigError as error:
        raise ConfigError(f"{plan.path}: [pipeline] {error}") from None


def _check_compared(plan: Plan, alone: Plan) -> None:
    """ConfigError for what a comparison would refuse once all it needs is there."""
    root = plan.config.paths.path_to_results
    if "," in root:
        raise ConfigError(
            f"{plan.path}: [paths] path_to_results: expected a folder without a comma where a stage is of kind = "
            f"compare, as [source] folder is a list by commas, got {root!r}"
        )
    try:
        folders_of(alone.combos[0].runs()[0])
    except ConfigError as error:
        raise ConfigError(f"{plan.path}: [pipeline] {alone.path}: {error}") from None


def _sources(before: Sequence[Stage], kind: str, root: Path) -> list[str]:
    """The folders that a stage of this kind goes on from: of all fits, or of the last of the others."""
    every = [str(root / stage.name) for stage in before if stage.kind == NEEDED.get(kind)]
    return every if kind == "compare" else every[-1:]


def in_turn(plan: Plan, stages: Sequence[Stage], one: Callable[[Stage], int]) -> int:
    """Each stage by `one`, which returns its exit code, as long as that is 0; returns the last. The pipeline's own INI
    is kept beside them, another one in its place once all are done as that says."""
    kept = Path(plan.config.paths.path_to_results).expanduser() / "config.ini"
    for number, stage in enumerate(stages, 1):
        print(f"\nStage {number}/{len(stages)}: {stage.name}", flush=True)
        code = one(stage)
        if not kept.exists():
            results.write_text(kept, plan.text)
        if code:
            return code
    results.write_text(kept, plan.text)
    return 0


def outdated(stage: Stage) -> bool:
    """Whether models that a comparison was of have changed, or others have been added, since: it is then done again."""
    manifest = results.ResultsFolder(Path(stage.plan.config.paths.path_to_results).expanduser()).manifest
    if stage.kind != "compare" or manifest is None:
        return False
    known = [combo.get("connectome", {}).get("inputs") for combo in manifest.get("combos", [])]
    return any(facts["inputs"] not in known for facts in check(stage.plan))


def check_folder(plan: Plan, stages: Sequence[Stage]) -> None:
    """ConfigError where the results folder is no place for these stages."""
    root, names = Path(plan.config.paths.path_to_results).expanduser(), [stage.name for stage in stages]
    where = "[paths] path_to_results: expected a new folder, or one of this pipeline"
    if root.exists() and not root.is_dir():
        raise ConfigError(f"{where}, got the file {root}")
    if (root / "manifest.json").exists():
        raise ConfigError(f"{where}, got {root}, which holds an experiment")
    there = [path.name for path in root.iterdir()] if root.exists() else []
    others = [name for name in there if name not in names and not name.startswith((*OWN_FILES, results.TEMPORARY))]
    if there and "config.ini" not in there and others:
        raise ConfigError(f"{where}, got {root}, which holds other files ({others[0]})")
