"""kind = benchmark on a busy machine: the process time stands beside the wall time, and says so."""

import itertools
import time

import pytest
import torch

from randomnet.kinds.benchmark.stopwatch import Stopwatch


@pytest.fixture
def clocks(monkeypatch):
    """Clocks that jobs advance: wall and process seconds."""
    now = {"wall": 0.0, "process": 0.0}
    monkeypatch.setattr(time, "perf_counter", lambda: now["wall"])
    monkeypatch.setattr(time, "process_time", lambda: now["process"])
    monkeypatch.setattr(time, "thread_time", lambda: now["process"])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    return now


def job(clocks, seconds, others):
    """A job of so many seconds of work, between which others have the machine, for another time in each turn."""
    waits = itertools.cycle(others)

    def work():
        clocks["process"] += seconds
        clocks["wall"] += seconds + next(waits)

    return work


SHARES = [([0.0], 0.0), ([0.02], 0.02 / 1.02), ([1.0], 0.5), ([0, 0, 0, 3, 0, 0], 0.375)]


@pytest.mark.parametrize("others, share", SHARES)
def test_the_share_of_others_is_told_where_it_is_more_than_a_few_percent(clocks, others, share):
    """Of all turns but the first, which warms up; the fastest turn may have been undisturbed."""
    watch = Stopwatch()
    (fastest,) = watch.in_turns(job(clocks, 1.0, others))
    figures = watch.summary()
    assert figures["busy_share"] == pytest.approx(share) and figures["process_seconds"] == pytest.approx(5)
    assert figures["wall_seconds"] == pytest.approx(5 / (1 - share)) and fastest == pytest.approx((1 + min(others), 1))
    expected = f"the machine was busy: {share:.0%} of the wall time was others'" if share > 0.05 else ""
    assert figures["notes"] == expected


def test_work_on_a_gpu_has_no_share(clocks, monkeypatch):
    watch = Stopwatch()
    watch.in_turns(job(clocks, 1.0, [1.0]))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert watch.summary() == {}


def test_a_sleeping_process_is_one_that_did_not_run():
    """By the machine's own clocks: half a second of sleep has no process time."""
    if torch.cuda.is_available():
        pytest.skip("the process waits for its GPU")
    watch = Stopwatch()
    watch.in_turns(lambda: time.sleep(0.02))
    assert watch.summary()["busy_share"] > 0.5
