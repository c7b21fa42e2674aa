"""Signals end a command in one line, from its first moment, and a second one at once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.paths import ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}

SLOW = """
import sys, time
from randomnet.command_line.entry import start
def command():
    try:
        print("begun", flush=True)
        time.sleep(60)
    finally:
        print("ending", flush=True)
        {ending}
start(command)
"""


def started(ending="pass"):
    process = subprocess.Popen([sys.executable, "-c", SLOW.format(ending=ending)], cwd=ROOT, **PIPES)
    assert process.stdout.readline() == "begun\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_is_as_ctrl_c(number):
    with started() as process:
        process.send_signal(number)
        out, error = process.communicate(timeout=20)
    assert (process.returncode, out, error) == (130, "ending\n", "\nInterrupted\n")


def test_a_second_signal_ends_what_goes_on_without_a_traceback():
    with started("time.sleep(60)") as process:
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "ending\n"
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, error = process.communicate(timeout=20)
    assert process.returncode == 130 and "Traceback" not in error and time.monotonic() - began < 5


def test_a_signal_while_the_interpreter_ends():
    ending = "import atexit; atexit.register(lambda: (print('last', flush=True), time.sleep(60)))"
    with started(ending) as process:
        process.send_signal(signal.SIGTERM)
        assert [process.stdout.readline() for _ in range(2)] == ["ending\n", "last\n"]
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=20)
    assert process.returncode == 130 and error == "\nInterrupted\n"


def test_nohup_is_heeded():
    code = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n{SLOW.format(ending='pass')}"
    code = code.replace("time.sleep(60)", "time.sleep(0.5)")
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, **PIPES) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        out, error = process.communicate(timeout=20)
    assert (process.returncode, out, error) == (0, "ending\n", "")


@pytest.mark.parametrize("script", ["runrandomnet.py", "visualization.py"])
def test_a_command_that_is_still_being_loaded(script):
    with subprocess.Popen([sys.executable, str(ROOT / script), "--help"], cwd=ROOT, **PIPES) as process:
        maps = Path(f"/proc/{process.pid}/maps")
        end = time.monotonic() + 30
        while maps.exists() and "multiarray" not in maps.read_text() and time.monotonic() < end:
            time.sleep(0.005)  # until numpy is being loaded
        process.send_signal(signal.SIGTERM)
        out, error = process.communicate(timeout=30)
    assert process.returncode in (0, 130), error
    assert "Traceback" not in error and (out or error == "\nInterrupted\n")
