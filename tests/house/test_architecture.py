"""The house of DESIGN: a module imports only from lower floors, and no file outgrows its room."""

import ast
import re

import pytest

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


@pytest.mark.parametrize("path", [path for path in MODULES if room(path) != "__init__"], ids=str)
def test_a_module_imports_only_from_lower_floors(path):
    here = room(path)
    assert here in FLOORS, f"{here} has no floor; give it one here and in the README's map"
    for other in imported_rooms(path):
        assert other == here or FLOORS[other] < FLOORS[here], f"{here} (floor {FLOORS[here]}) imports {other}"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_of_more_than_420_lines_becomes_a_folder(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 420


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
