"""Locks of files and folders: against other processes, also killed ones, and file systems without any."""

import errno
import os
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from randomnet import results
from randomnet.results import files, folders
from randomnet.results.locks import LockHeld, LocksUnsupported, exclusive, is_unlocked

SHARE = results.Share(1, 2)
HOLDERS = {
    "file": "exclusive(root / '.lock')",
    "whole": "ResultsFolder(root).lock()",
    "share": "ResultsFolder(root).lock(Share(1, 2))",
    "moment": "ResultsFolder(root).brief_lock()",
    "task": "ResultsFolder(root).task_lock(7)",
}


@contextmanager
def holding(root, holder):
    """Another process that holds a lock until it is told to end."""
    code = (
        "import sys; from pathlib import Path; from randomnet.results import ResultsFolder, Share\n"
        "from randomnet.results.locks import exclusive\n"
        f"root = Path(sys.argv[1])\nwith {HOLDERS[holder]}: print(flush=True); sys.stdin.readline()"
    )
    command = [sys.executable, "-c", code, str(root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        yield process
        if process.poll() is None:
            process.communicate("\n")


def test_a_lock_is_refused_while_another_process_has_it_and_free_once_that_is_killed(tmp_path):
    path = tmp_path / ".lock"
    with holding(tmp_path, "file") as process:
        assert not is_unlocked(path)
        with pytest.raises(LockHeld), exclusive(path):
            pass
        began = time.monotonic()
        with pytest.raises(LockHeld), exclusive(path, timeout=0.3):
            pass
        assert 0.2 < time.monotonic() - began < 5
        process.kill()
        process.wait()
        assert is_unlocked(path)
    with exclusive(path), pytest.raises(LockHeld), exclusive(path):  # this process excludes itself, too
        pass


def test_who_waits_has_the_lock_when_it_is_given_back(tmp_path):
    with holding(tmp_path, "file") as process:
        process.stdin.write("\n")
        process.stdin.flush()
        with exclusive(tmp_path / ".lock", timeout=60):
            pass


def excluded(folder, share=None):
    try:
        with folder.lock(share):
            return ""
    except results.ResultsError as error:
        return str(error)


def test_the_whole_folder_excludes_shares_and_shares_exclude_it(tmp_path):
    folder = results.ResultsFolder(tmp_path)
    with holding(tmp_path, "whole"):
        for share in (None, SHARE):
            assert "another process is working in this results folder" in excluded(folder, share)
    with holding(tmp_path, "share") as process:
        assert "another process is working in this results folder" in excluded(folder)
        assert "another process works on share 1/2" in excluded(folder, SHARE)
        assert "another division into shares here (1-of-2)" in excluded(folder, results.Share(1, 3))
        assert excluded(folder, results.Share(2, 2)) == ""
        process.kill()
        process.wait()
        assert excluded(folder) == excluded(folder, results.Share(1, 3)) == ""


def test_a_share_of_a_lost_machine_is_waited_for_and_one_of_this_machine_is_not(tmp_path, monkeypatch):
    folder = results.ResultsFolder(tmp_path)
    with holding(tmp_path, "share") as process:
        began = time.monotonic()
        assert "another process works on share 1/2" in excluded(folder, SHARE)
        assert time.monotonic() - began < 5
        monkeypatch.setattr(folders, "is_held_here", lambda path: False)  # as a lock of another machine
        monkeypatch.setattr(folders, "TASK_TIMEOUT", 0.3)
        assert "another process works on share 1/2" in excluded(folder, SHARE)
        monkeypatch.setattr(folders, "TASK_TIMEOUT", 60)
        process.stdin.write("\n")
        process.stdin.flush()
        assert excluded(folder, SHARE) == ""


def test_a_start_waits_for_a_task_and_says_so(tmp_path, monkeypatch):
    folder = results.ResultsFolder(tmp_path)
    monkeypatch.setattr(folders, "TASK_TIMEOUT", 0.2)
    with holding(tmp_path, "task"):
        assert "a task of an earlier start, or of a lost node" in excluded(folder)
        with pytest.raises(results.ResultsError, match="lost node"), folder.task_lock(7):
            pass
        with folder.task_lock(8):
            pass
    assert excluded(folder) == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs the locks of POSIX")
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EBADF, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_said_to_have_none(tmp_path, monkeypatch, number):
    import fcntl

    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", fail)
    said = "has no file locks, which .* choose a folder on another disk"
    with pytest.raises(LocksUnsupported, match=said), exclusive(tmp_path / ".lock"):
        pass


def test_a_file_that_is_being_read_is_replaced_once_it_is_free(tmp_path, monkeypatch):
    attempts, move = [], os.replace

    def refuse_twice(*paths):
        attempts.append(paths)
        if len(attempts) < 3:
            raise PermissionError(13, "it is open in another program")
        move(*paths)

    monkeypatch.setattr(os, "replace", refuse_twice)
    with pytest.raises(PermissionError):  # elsewhere a refusal is final
        results.write_text(tmp_path / "a", "old")
    monkeypatch.setattr(files, "READERS_BLOCK", True)
    results.write_text(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "new" and len(attempts) == 3
    attempts.clear()
    monkeypatch.setattr(files, "READ_TIMEOUT", 0.0)
    with pytest.raises(PermissionError):
        results.write_text(tmp_path / "a", "newer")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_that_cannot_be_written_is_an_error_of_its_own(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file") as caught, exclusive(tmp_path / "file" / ".lock"):
        pass
    assert not isinstance(caught.value, LocksUnsupported)
