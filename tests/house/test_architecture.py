"""The house of DESIGN: a module imports only from lower floors, and no file outgrows its room."""

import ast
import re

from randomnet import results
from randomnet.figures import benchmark as drawn_benchmark
from randomnet.kinds import benchmark
from randomnet.lyapunov import record
from randomnet.plotting import style
from tests.support.paths import MODULES, ROOT

FLOORS = {
    "config": 0,
    "connectome": 0,
    "activations": 0,
    "optimizers": 0,
    "results": 0,
    "tasks": 0,
    "student": 0,
    "integration": 0,
    "double_backward": 0,
    "input_series": 0,
    "decoding": 0,
    "cells": 1,
    "effectors": 1,
    "fetch": 1,
    "description": 1,
    "formats": 1,
    "synthetic": 1,
    "instantiation": 1,
    "nulls": 1,
    "initialisation": 1,
    "rnn": 1,
    "lyapunov": 1,
    "metrics": 1,
    "plotting": 1,
    "recordings": 1,
    "comparison": 1,
    "systems": 1,
    "theory": 1,
    "analysis": 2,
    "objectives": 2,
    "figures": 2,
    "api": 2,
    "architectures": 2,
    "multiregion": 2,
    "simulation": 2,
    "inference": 3,
    "training": 3,
    "kinds": 4,
    "selfcheck": 4,
    "experiment": 5,
}


def room(path):
    return path.relative_to(ROOT / "randomnet").parts[0].removesuffix(".py")


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "randomnet":
            parts = node.module.split(".")
            yield from [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("randomnet."))


def floor_problems(path):
    """What is wrong with the imports of a module, a line for each."""
    here, module = room(path), path.relative_to(ROOT)
    if here not in FLOORS:
        return [f"{module}: {here} has no floor; give it one here and in the README's map"]
    others = sorted(set(imported_rooms(path)) - {here})
    higher = {other: FLOORS.get(other, "none") for other in others if FLOORS.get(other, 99) >= FLOORS[here]}
    return [f"{module} (floor {FLOORS[here]}) imports {other} (floor {floor})" for other, floor in higher.items()]


def test_a_module_imports_only_from_lower_floors():
    modules = [path for path in MODULES if room(path) != "__init__"]
    assert len(modules) > 100, f"expected the modules of the package in {ROOT / 'randomnet'}"
    assert [problem for path in modules for problem in floor_problems(path)] == []


def test_a_module_of_more_than_420_lines_becomes_a_folder():
    lines = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {module: count for module, count in lines.items() if count > 420} == {}


def test_the_visualiser_never_imports_a_model():
    assert {"results", "plotting"} <= set(imported_rooms(ROOT / "visualization.py"))
    allowed = {"results", "plotting", "comparison", "config", "figures", "theory"}
    drawing = [path for folder in ("plotting", "figures") for path in (ROOT / "randomnet" / folder).glob("*.py")]
    for path in [ROOT / "visualization.py", *drawing]:
        assert set(imported_rooms(path)) <= allowed
        assert not re.search(r"^\s*(import|from) torch\b", path.read_text(encoding="utf-8"), re.MULTILINE), path


def test_what_two_rooms_write_that_cannot_import_each_other_is_the_same():
    assert style.TOO_SHORT == record.TOO_SHORT
    assert (record.DIVERGED, record.UNBOUNDED) == (results.DIVERGED, results.UNBOUNDED)
    assert drawn_benchmark.BUSY == benchmark.BUSY


def test_the_text_of_an_ini_is_checked_without_loading_torch():
    for path in (ROOT / "randomnet" / "config").glob("*.py"):
        assert "import torch" not in path.read_text(encoding="utf-8")
