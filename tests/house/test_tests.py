"""The tests themselves: in folders of rooms, apart from each other, and quick somewhere in every room."""

import ast

from tests.support.paths import ROOT
from tests.support.quick import not_quick

TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


def functions(path):
    """The names of the tests of a module, as pytest shows them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    return {f"{path.relative_to(ROOT).as_posix()}::{name}" for name in names}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_tests_lie_in_folders_of_rooms():
    assert [path.name for path in TESTS if path.parent == ROOT / "tests"] == []


def test_no_test_imports_another():
    """What several need is in tests/support: a test module can be read, moved and run alone."""
    names = {(path.relative_to(ROOT).as_posix(), name) for path in TESTS for name in imported(path)}
    assert {(path, name) for path, name in names if name.rpartition(".")[2].startswith("test_")} == set()


def test_every_room_has_quick_tests():
    left_out, rooms = not_quick(), {}
    for path in TESTS:
        rooms.setdefault(path.parent.relative_to(ROOT).as_posix(), set()).update(functions(path) - left_out)
    assert [room for room, quick in rooms.items() if not quick] == []
