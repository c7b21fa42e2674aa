"""kill -9 at any moment of an experiment of any kind, by both engines: the next starts end at the same bytes."""

import contextlib
import os
import signal
import time

import pytest

from tests.support.endurance import alone, cases, generators, lasting, prepared
from tests.support.runs import differing, start
from tests.support.small_kinds import KINDS

ENGINES = {
    "local": (),
    "two workers": ("--set", "execution.workers=2"),
    "ray": ("--set", "execution.engine=ray", "--set", "execution.workers=1"),
}
ATTEMPTS = 20  # starts of one experiment


@pytest.fixture(scope="module", params=[(kind, engine) for engine in ENGINES for kind in KINDS], ids="-".join)
def whole(request, tmp_path_factory):
    """The INI of a kind, its options, seconds that it takes, and what it leaves."""
    kind, engine = request.param
    if engine == "ray":
        pytest.importorskip("ray")
    folder = tmp_path_factory.mktemp(kind)
    path, options = prepared(folder, kind), (*ENGINES[engine], *alone(kind))
    start(folder / "none.ini").communicate()  # the first start loads everything, which later ones fork
    began = time.monotonic()
    with contextlib.chdir(folder):
        process = start(path.name, *options)
        said, _ = process.communicate()
    assert process.exitcode == 0, said
    seconds = time.monotonic() - began
    expected = lasting(folder / kind, kind)
    (folder / kind).rename(folder / "whole")
    return path, options, seconds, expected


def killed(path, options, seconds):
    """Start an experiment and kill its whole group after so many seconds; whether it had ended before."""
    process = start(path.name, *options)
    process.join(seconds)
    if process.exitcode is not None:
        assert process.exitcode == 0, process.communicate()[0]
        return True
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.join()
    return False


@pytest.mark.long
def test_a_killed_experiment_ends_at_the_same_bytes(whole):
    """500 kills over all pairs of kind and engine: 14 of each."""
    path, options, seconds, expected = whole
    kind, wanted, kills, wrong = path.stem, max(1, cases(500) // (len(KINDS) * len(ENGINES)) + 1), 0, []
    for case, rng in generators(f"kills {path}", 10 * wanted):
        root = path.parent / kind
        with contextlib.chdir(path.parent):
            for _ in range(ATTEMPTS):
                if killed(path, options, rng.uniform(0.02, 1.2) * seconds):
                    break
                kills += 1
            else:
                assert killed(path, options, 600)
        if changed := differing(lasting(root, kind), expected):
            wrong.append((case, changed))
        root.rename(path.parent / f"done-{case}")
        if kills >= wanted:
            break
    print(f"{kills} kills")
    assert not wrong
