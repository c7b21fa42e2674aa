"""What the tests of endurance share: seeds that change weekly, numbers of cases, and how a command may end."""

import contextlib
import datetime
import io
import os
import random
import shutil
import signal
import traceback

import runrandomnet
import visualization
from tests.support.runs import contents
from tests.support.small_kinds import NEEDED, write_ini

CASES, SEED = "RANDOMNET_ENDURANCE", "RANDOMNET_SEED"  # environment variables
BATCHED = ("train", "spectrum", "transition")  # small kinds with several runs
LIMIT = 60  # seconds of the processor for one command


def cases(default):
    """The number of cases: that of the environment, else the default."""
    return int(os.environ.get(CASES) or default)


def seed_of_the_week():
    """The seed of the environment, else year and week; it is printed, so that a failure can be repeated."""
    year, week, _ = datetime.date.today().isocalendar()
    seed = int(os.environ.get(SEED) or 100 * year + week)
    print(f"\n{SEED}={seed}")
    return seed


def generators(name, number):
    """Yield a generator of random numbers for each case, by the seed of the week, a name and the case's number."""
    seed = seed_of_the_week()
    for case in range(number):
        yield case, random.Random(f"{seed}-{name}-{case}")


class TooLong(BaseException):
    """A command has taken longer than LIMIT."""


def _too_long(*_):
    raise TooLong


def ended(main, *arguments, limit=LIMIT):
    """The exit code of a command, "too long" after `limit`, and what it wrote to stdout and to stderr."""
    out, err = io.StringIO(), io.StringIO()
    before = signal.signal(signal.SIGPROF, _too_long)
    signal.setitimer(signal.ITIMER_PROF, limit)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main([str(argument) for argument in arguments])
            except SystemExit as exit_:  # of argparse
                code = exit_.code
            except TooLong:
                code = "too long"
            except Exception:
                code = "traceback"
                traceback.print_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return code, out.getvalue(), err.getvalue()


def command(*arguments, limit=LIMIT):
    """`ended` of runrandomnet.py."""
    return ended(runrandomnet.main, *arguments, limit=limit)


def figures(*arguments):
    """`ended` of visualization.py."""
    return ended(visualization.main, *arguments)


def is_told(code, err, allowed=(0, 1, 2)):
    """Whether a command ended as it may: no traceback, and one line of error that has no control characters."""
    lines = [line for line in err.splitlines() if "error: " in line]
    plain = all(character.isprintable() or character in "\n\r\t" for character in err)
    return code in allowed and "Traceback" not in err and plain and (code != 2 or len(lines) == 1)


def prepared(folder, kind):
    """Write the INI of a small experiment and carry out those that it goes on from; return the path of the INI."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.chdir(folder):
        for name in NEEDED.get(kind, ()):
            assert command(write_ini(folder, name).name)[0] == 0
    return write_ini(folder, kind)


def alone(kind):
    """Options for runs one by one: those of a batch that fails are repeated so, which changes their last digits."""
    return ("--set", "execution.batch_runs=1") if kind in BATCHED else ()


def copied(folder, target):
    """A copy of a folder, without what was there before."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target)
    return target


def lasting(root, kind):
    """`contents` of what does not depend on times and paths: those of a benchmark are times."""
    return {} if kind == "benchmark" else contents(root)
