"""The config.ini that a run has written into its results folder, after the folder was moved, copied or renamed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from randomnet.schema.plan import Plan, read_plan
from randomnet.settings import ConfigError

OPTION = "paths.path_to_results"


def plan_in_place(path: Path, overrides: Sequence[str]) -> Plan:
    """Return the plan of an INI; that of a results folder is about this folder, wherever it lies now.

    Raises ConfigError for a wrong INI, and for one in a results folder that names a folder of another name, which may
    have been renamed or be meant for a new experiment.
    """
    plan = read_plan(path, overrides)
    root, written = path.parent, plan.config.paths.path_to_results
    is_written_here = path.name == "config.ini" and (root / "manifest.json").is_file()
    is_chosen = any(override.partition("=")[0].strip() == OPTION for override in overrides)
    if not is_written_here or is_chosen or Path(written).expanduser().resolve() == root.resolve():
        return plan
    if Path(written).expanduser().resolve().name != root.resolve().name:
        raise ConfigError(
            f"{path}: [paths] path_to_results: expected {root}, the results folder that this INI lies in, got "
            f"{written}; to go on with the runs here: --set {OPTION}={root}; for a new experiment copy the INI to "
            "another folder"
        )
    plan = read_plan(path, [*overrides, f"{OPTION}={root}"])
    note = f"{OPTION}: {root}, in which this INI lies, is taken, not {written}"
    return replace(plan, notes=(*plan.notes, note))
