"""How runs end, and the error for results folders that cannot be used."""

FORMAT = 1
COMPLETE, DIVERGED, FAILED, MISSING = "complete", "diverged", "failed", "missing"
UNBOUNDED = "unbounded"  # the state grew exponentially over the whole record: there is no attractor
STOPPED = "stopped by halving"  # a whole result of fewer epochs
ENDED = (COMPLETE, DIVERGED, UNBOUNDED, STOPPED)  # statuses of runs that are not repeated
FINISHED = (COMPLETE, STOPPED)  # statuses of runs with a result
LEFT_OUT = (DIVERGED, UNBOUNDED)  # statuses of ended runs that are left out of means


class ResultsError(ValueError):
    """A results folder that cannot be used as requested; the text is one line for the user."""
