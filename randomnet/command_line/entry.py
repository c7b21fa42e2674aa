"""Where the two commands start, so that a signal ends them in one line from the first moment.

SIGTERM and SIGHUP are as Ctrl-C. This module imports next to nothing, as loading the commands takes seconds.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from randomnet.loading import loading, own_process

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numbers must not depend on the machine's cores

EXIT_INTERRUPTED = 130
NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


def experiments(arguments: Sequence[str] | None = None) -> int:
    """Run the command `randomnet`; its exit code."""
    with loading():
        from randomnet.command_line.experiments import main

    return main(None if arguments is None else list(arguments))


def figures(arguments: Sequence[str] | None = None) -> int:
    """Run the command `randomnet-figures`; its exit code."""
    with loading():
        from randomnet.command_line.figures import main

    return main(arguments)


def start(command: Callable[[], int]) -> NoReturn:
    """Run a command as this process, and end with its exit code.

    A signal while the command ends, which may be the second Ctrl-C, ends the process at once.
    """
    received: list[int] = []
    own_process()

    def interrupt(number: int, frame: object) -> None:
        received.append(number)
        raise KeyboardInterrupt

    _handle(interrupt)
    try:
        code = command()
    except (Exception, KeyboardInterrupt):
        if not received:  # libraries that are being loaded turn a KeyboardInterrupt into an ImportError
            raise
        print("\nInterrupted", file=sys.stderr)
        code = EXIT_INTERRUPTED
    _handle(_end_at_once)
    sys.exit(code)


def start_experiments(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the installed command `randomnet` as this process; with `arguments`, within another program."""
    if arguments is not None:
        sys.exit(experiments(arguments))
    start(experiments)


def start_figures(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the installed command `randomnet-figures` as this process; with `arguments`, within another program."""
    if arguments is not None:
        sys.exit(figures(arguments))
    start(figures)


def _handle(handler: Callable[[int, object], None]) -> None:
    """Set the handler of the signals that end a command; a SIGHUP that is ignored stays so, as under nohup."""
    for name in NAMES:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and not (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN):
            signal.signal(number, handler)


def _end_at_once(number: int, frame: object) -> None:
    os._exit(EXIT_INTERRUPTED)
