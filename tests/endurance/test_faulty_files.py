"""Every write of every kind fails in turn: the command ends in words, and the next one ends at the same bytes."""

import contextlib

import pytest

from tests.support.endurance import alone, cases, command, generators, is_told, lasting, prepared
from tests.support.faulty_files import KINDS_OF_FAULT, Faults, faulty
from tests.support.runs import differing
from tests.support.small_kinds import KINDS

MOST_OPERATIONS = 10_000  # all of them


@pytest.fixture(scope="module", params=list(KINDS))
def whole(request, tmp_path_factory):
    """The INI of a kind, how often it writes, and what it leaves."""
    folder = tmp_path_factory.mktemp(request.param)
    path, faults = prepared(folder, request.param), Faults()
    with contextlib.chdir(folder), faulty(folder, faults):
        assert command(path.name, *alone(request.param))[0] == 0
    expected = lasting(folder / request.param, request.param)
    (folder / request.param).rename(folder / "whole")
    return path, faults.names, expected


def chosen(number, rng):
    """The operations that fail: all of them in turn, or as many as are asked for."""
    wanted = cases(MOST_OPERATIONS)
    return range(1, number + 1) if wanted >= number else sorted(rng.sample(range(1, number + 1), wanted))


@pytest.mark.long
@pytest.mark.parametrize("fault", list(KINDS_OF_FAULT))
def test_every_write_fails_in_turn(whole, fault):
    path, names, expected = whole
    folder, kind = path.parent, path.stem
    (_, rng), wrong = next(generators(f"{kind} {fault}", 1)), []
    for at in chosen(len(names), rng):
        root = folder / kind
        with contextlib.chdir(folder), faulty(root, Faults(at=at, **KINDS_OF_FAULT[fault])):
            first = command(path.name, *alone(kind))
        with contextlib.chdir(folder):
            second = command(path.name, "--retry-failed", *alone(kind))
        ends, changed = is_told(first[0], first[2]) and second[0] == 0, differing(lasting(root, kind), expected)
        if not ends or changed or list(root.rglob(".tmp-*")):
            wrong.append((at, names[at - 1], first[0], first[2][-500:], second[0], second[2][-300:], changed))
        root.rename(folder / f"done-{fault}-{at}".replace(" ", "-"))
    assert not wrong, f"{len(wrong)}: {wrong[:5]}"


def test_a_fault_is_met_once_or_from_then_on(tmp_path):
    for lasts, expected in ((False, [True, False, True]), (True, [True, False, False])):
        written = []
        with faulty(tmp_path, Faults(number=28, at=3, lasting=lasts)):
            for _ in range(3):
                with contextlib.suppress(OSError), open(tmp_path / "a", "w") as file:
                    file.write("a")
                    written.append(True)
                    continue
                written.append(False)
        assert written == expected
