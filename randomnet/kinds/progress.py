"""How a long computation reports its progress, and how it is interrupted."""

from collections.abc import Callable

from randomnet.kinds.kind import ProgressCallback, Stop
from randomnet.training import Interrupted

REPORTS = 50  # of one computation, at most


def progress_reporter(total: float, report: ProgressCallback, stop: Stop) -> Callable[[float], None]:
    """Return a callback for the time reached so far, which reports advances of at least a fiftieth of `total`.

    The callback raises Interrupted once `stop` is true.
    """
    reported = 0.0

    def on_progress(time: float) -> None:
        nonlocal reported
        if stop():
            raise Interrupted
        if time - reported >= total / REPORTS:
            report({"advance": time - reported})
            reported = time

    return on_progress


def interruption_check(stop: Stop) -> Callable[..., None]:
    """Return a callback, with any arguments, that raises Interrupted once `stop` is true."""

    def check(*_: object) -> None:
        if stop():
            raise Interrupted

    return check
