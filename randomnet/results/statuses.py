"""How runs end, and the error for results folders that cannot be used."""

FORMAT = 1
COMPLETE, DIVERGED, FAILED, MISSING = "complete", "diverged", "failed", "missing"
UNBOUNDED = "unbounded"  # the state grew exponentially over the whole record: there is no attractor
ENDED = (COMPLETE, DIVERGED, UNBOUNDED)  # statuses of runs that are not repeated
LEFT_OUT = (DIVERGED, UNBOUNDED)  # statuses of ended runs that are left out of means


class ResultsError(ValueError):
    """A results folder that cannot be used as requested; the text is one line for the user."""
