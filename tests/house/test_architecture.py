"""The house of DESIGN: a module imports only from lower floors, and no file outgrows its room."""

import ast
import re
import subprocess
import sys
from pathlib import Path

from randomnet import results
from randomnet.figures import benchmark as drawn_benchmark
from randomnet.kinds.benchmark import stopwatch
from randomnet.lyapunov import record
from randomnet.plotting import style
from tests.support.paths import MODULES, ROOT

ROOMS = (  # from the lowest floor to the highest
    ("registry", "renamed_options", "settings", "display", "callable_package",
     "array_arguments", "forks", "loading"),
    ("plugins", "losses", "memory", "connectome", "activations", "optimizers", "results", "console", "version",
     "extras", "integration", "double_backward", "input_series", "bump", "compiled", "devices", "student_t"),
    ("tasks", "nulls", "formats", "synthetic", "metrics", "conditions", "values", "cells", "fetch",
     "instantiation", "initialisation", "rnn", "lyapunov", "plotting", "recordings", "comparison", "systems", "theory",
     "prediction"),
    ("options of kinds", "effectors", "analysis", "simulation", "figures", "report", "description", "api",
     "architectures"),
    ("schema", "objectives", "multiregion"),
    ("training", "inference"),
    ("artifacts",),
    ("build",),
    ("kinds", "selfcheck"),
    ("experiment",),
    ("command_line", "notebook"),
)  # fmt: skip
FLOORS = {room: floor for floor, rooms in enumerate(ROOMS) for room in rooms}
OPTIONS = "options of kinds"  # kinds/__init__, kinds/reads and kinds/<kind>/options: free of torch, for the schema


def room_of(name):
    """The room of a module, given the parts of its name below randomnet; None of randomnet itself."""
    parts = [part for part in name if part != "__init__"]
    if parts in (["kinds"], ["kinds", "reads"]) or (parts[:1] == ["kinds"] and parts[-1] == "options"):
        return OPTIONS
    return parts[0] if parts else None


def room(path):
    return room_of(path.relative_to(ROOT / "randomnet").with_suffix("").parts)


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "randomnet":
            parts = node.module.split(".")[1:]
            for alias in node.names:
                module = [*parts, alias.name]
                yield room_of(module if is_module(module) else parts)
        elif isinstance(node, ast.Import):
            yield from (
                room_of(alias.name.split(".")[1:]) for alias in node.names if alias.name.startswith("randomnet.")
            )


def is_module(parts):
    return (
        Path(ROOT / "randomnet", *parts[:-1], f"{parts[-1]}.py").exists() or Path(ROOT / "randomnet", *parts).is_dir()
    )


def test_every_room_has_a_floor():
    assert {room(path) for path in MODULES} - {None} == set(FLOORS), (
        "give each room a floor here and in the README's map"
    )


def test_a_module_imports_only_from_lower_floors():
    upward = [
        f"{path.relative_to(ROOT)} (floor {FLOORS[room(path)]}) imports {other} (floor {FLOORS[other]})"
        for path in MODULES
        if room(path)
        for other in imported_rooms(path)
        if other not in (None, room(path)) and FLOORS[other] >= FLOORS[room(path)]
    ]
    assert not upward, "\n".join(upward)


def test_a_module_of_more_than_420_lines_becomes_a_folder():
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert not {str(path): count for path, count in lines.items() if count > 420}


def test_the_visualiser_never_imports_a_model():
    command = ROOT / "randomnet" / "command_line" / "figures.py"
    assert {"results", "plotting"} <= set(imported_rooms(command))
    allowed = {"console", "results", "plotting", "comparison", "settings", "figures", "theory"}
    allowed |= {"tasks", "losses", "metrics", "registry", "plugins", "renamed_options"}  # registries, free of torch
    allowed.add("forks")
    drawing = [path for folder in ("plotting", "figures") for path in (ROOT / "randomnet" / folder).glob("*.py")]
    assert set(imported_rooms(ROOT / "visualization.py")) == {"command_line"}
    assert set(imported_rooms(command)) <= allowed | {"command_line", "report"}  # of the former the program's name
    drawing += (ROOT / "randomnet" / "report").glob("*.py")
    for path in drawing:
        of_report = {"report", "formats"} if path.parent.name == "report" else set()
        assert set(imported_rooms(path)) <= allowed | of_report
        assert not re.search(r"^\s*(import|from) torch\b", path.read_text(encoding="utf-8"), re.MULTILINE), path


def test_what_two_rooms_write_that_cannot_import_each_other_is_the_same():
    assert style.TOO_SHORT == record.TOO_SHORT
    assert (record.DIVERGED, record.UNBOUNDED) == (results.DIVERGED, results.UNBOUNDED)
    assert drawn_benchmark.BUSY == stopwatch.BUSY


def test_the_text_of_an_ini_is_checked_without_loading_torch():
    code = "import sys; from randomnet.schema import plan; assert not {'torch', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_help_waits_for_no_large_library():
    code = (
        "import runrandomnet, sys\n"
        "for argument in ('--help-config', '--help-columns', '--help'):\n"
        "    try: runrandomnet.main([argument])\n"
        "    except SystemExit: pass\n"
        "print({'scipy', 'torch', 'filelock', 'matplotlib'} & set(sys.modules), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stderr.strip() == "set()"


def test_networks_from_python_wait_for_no_drawing():
    code = "import sys, randomnet as rn; rn.network, rn.connectome; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
