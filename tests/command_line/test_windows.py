"""What Windows lacks is made missing: the modules are imported, both scripts explain themselves, an experiment runs."""

import os
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

ABSENT = """
import ctypes, os, signal, sys
import filelock._native  # on Windows it has a way of its own

for name in ("fcntl", "resource", "pwd", "grp", "termios", "pty", "tty", "curses", "syslog"):
    sys.modules[name] = None
for name in ("fork", "forkpty", "getuid", "getpgrp", "setpgid", "getpgid", "killpg", "setsid", "sysconf",
             "sched_getaffinity", "getloadavg", "nice", "statvfs", "mkfifo", "chown", "lchown",
             "O_DIRECTORY", "O_NOCTTY", "O_SYNC"):
    delattr(os, name)
for name in ("pthread_sigmask", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "alarm", "setitimer"):
    delattr(signal, name)

class CDLL(ctypes.CDLL):
    def __init__(self, name, *rest, **more):
        if name is None:
            raise TypeError("a library of Windows has a name")
        super().__init__(name, *rest, **more)

ctypes.CDLL = CDLL
"""
TINY = """[experiment]
kind = spectrum
[trainvalidate]
iterations = 2
[paths]
path_to_results = results
[net]
roi = random
n = 8
[lyapunov]
nle = 2
tsim = 20
transient = 1
frame_transient = 1
[execution]
workers = 2
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="takes from a POSIX system what Windows lacks"),
]


@pytest.fixture
def python(tmp_path):
    """Run Python as on Windows, in a folder of its own; stdout and stderr."""
    (tmp_path / "absent").mkdir()
    (tmp_path / "absent" / "sitecustomize.py").write_text(ABSENT)

    def run(*arguments, **environment):
        path = os.pathsep.join((str(tmp_path / "absent"), str(ROOT)))
        ended = subprocess.run(
            [sys.executable, *map(str, arguments)], cwd=tmp_path, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": path, **environment},
        )  # fmt: skip
        assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-4000:]
        return ended.stdout + ended.stderr

    return run


def test_what_windows_lacks_is_missing(python):
    probe = "import os, signal; print(hasattr(os, 'fork'), hasattr(signal, 'pthread_sigmask'))\n"
    said = python("-c", probe + "try: import fcntl\nexcept ImportError: print('none')")
    assert said.split() == ["False", "False", "none"]


def test_every_module_can_be_imported(python):
    names = [path.relative_to(ROOT).with_suffix("") for path in sorted((ROOT / "randomnet").rglob("*.py"))]
    modules = [".".join(name.parts).removesuffix(".__init__") for name in names]
    assert len(modules) > 100
    code = f"import importlib\nfor name in {modules}: importlib.import_module(name)\nprint('all of them')"
    assert "all of them" in python("-c", code)


@pytest.mark.parametrize("script", ["runrandomnet.py", "visualization.py"])
def test_both_scripts_explain_themselves(python, script):
    assert "usage:" in python(ROOT / script, "--help")


def test_what_a_console_cannot_show_ends_no_command(python):
    assert "1/?" in python(ROOT / "runrandomnet.py", "--help-columns", PYTHONIOENCODING="ascii")


def test_a_tiny_experiment_is_estimated_run_and_drawn(python, tmp_path):
    (tmp_path / "tiny.ini").write_text(TINY)
    assert "memory unknown" in python(ROOT / "runrandomnet.py", "tiny.ini", "--dry-run")
    python(ROOT / "runrandomnet.py", "tiny.ini")
    assert len(list(tmp_path.glob("results/0/iter_*/run.json"))) == 2
    folders = ("--results_folders", "results", "--results_labels", "one", "--save_figs", "figures")
    python(ROOT / "visualization.py", *folders)
    assert list((tmp_path / "figures").glob("*.png"))
