"""Work beside a process: done once each, errors included; and cores of this machine."""

import os
import signal
import time

import pytest

from randomnet import forks
from randomnet.forks import ForkedWork

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")


def writer(path, text):
    def write():
        path.write_text(f"{text} by {os.getpid()}")

    return write


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(forks, "can_fork", lambda: True)
    monkeypatch.setattr(forks, "cores", lambda: 2)


def test_work_is_done_in_other_processes_and_waited_for(tmp_path, two_cores):
    with ForkedWork() as forked:
        for number in range(5):
            forked.do(writer(tmp_path / str(number), number))
            assert len(forked.children) <= 2
    texts = [(tmp_path / str(number)).read_text().split(" by ") for number in range(5)]
    assert [text for text, _ in texts] == list("01234")
    assert str(os.getpid()) not in {process for _, process in texts}


def test_an_error_beside_is_raised_here(tmp_path, two_cores):
    tried = tmp_path / "tried"

    def fail():
        tried.write_text(tried.read_text() + "x" if tried.exists() else "x")
        raise ValueError("of the work")

    with pytest.raises(ValueError, match="of the work"), ForkedWork() as forked:
        forked.do(fail)
    assert tried.read_text() == "xx"


def test_an_error_of_this_process_waits_for_the_others(tmp_path, two_cores):
    with pytest.raises(KeyError), ForkedWork() as forked:
        forked.do(writer(tmp_path / "a", "done"))
        raise KeyError
    assert not forked.children and (tmp_path / "a").exists()


def test_an_error_beside_waits_for_the_others(tmp_path, two_cores):
    def fail():
        raise ValueError

    def write_late():
        time.sleep(0.2)
        (tmp_path / "a").touch()

    with pytest.raises(ValueError), ForkedWork() as forked:
        forked.do(fail)
        forked.do(write_late)
    assert not forked.children and (tmp_path / "a").exists()


def test_work_whose_process_is_killed_is_done_here(tmp_path, two_cores):
    here = os.getpid()

    def write():
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        (tmp_path / "a").touch()

    with ForkedWork() as forked:
        forked.do(write)
    assert (tmp_path / "a").exists()


def test_without_memory_for_a_process_work_is_done_here(tmp_path, two_cores, monkeypatch):
    def fork():
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", fork)
    with ForkedWork() as forked:
        forked.do(writer(tmp_path / "a", "done"))
        assert (tmp_path / "a").read_text() == f"done by {os.getpid()}"


def test_work_is_done_where_ended_processes_are_not_reported(tmp_path, two_cores):
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with ForkedWork() as forked:
            forked.do(writer(tmp_path / "a", "done"))
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert (tmp_path / "a").read_text() == f"done by {os.getpid()}"


@pytest.mark.parametrize(("number", "forked"), [(1, True), (2, False)])
def test_with_one_core_or_several_threads_work_is_done_here(tmp_path, monkeypatch, number, forked):
    monkeypatch.setattr(forks, "can_fork", lambda: forked)
    monkeypatch.setattr(forks, "cores", lambda: number)
    with ForkedWork() as forked:
        forked.do(writer(tmp_path / "a", "done"))
        assert (tmp_path / "a").read_text() == f"done by {os.getpid()}"
