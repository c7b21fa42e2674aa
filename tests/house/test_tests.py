"""The tests themselves: in folders of rooms, apart from each other, and quick somewhere in every room."""

import re

from tests.support.paths import ROOT
from tests.support.quick import not_quick

PATHS = sorted((ROOT / "tests").rglob("test_*.py"))
TEXTS = {path.relative_to(ROOT): path.read_text(encoding="utf-8") for path in PATHS}


def test_tests_lie_in_folders_of_rooms():
    assert [str(path) for path in TEXTS if path.parent.name == "tests"] == []


def test_no_test_imports_another():
    """What several need is in tests/support: a test module can be read, moved and run alone."""
    imported = re.compile(r"^ *(?:from|import) +(?:tests\.)?(?:\w+\.)*test_\w+", re.MULTILINE)
    assert {str(path): imported.findall(text) for path, text in TEXTS.items() if imported.search(text)} == {}


def test_every_room_has_quick_tests():
    left_out, rooms = not_quick(), {}
    for path, text in TEXTS.items():
        names = {f"{path.as_posix()}::{name}" for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}
        rooms.setdefault(path.parent.as_posix(), set()).update(names - left_out)
    assert [room for room, quick in rooms.items() if not quick] == []
