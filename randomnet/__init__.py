"""RandomNet: how a brain's wiring shapes the dynamics of recurrent networks."""

__version__ = "0.1.0"
