"""RandomNet: how a brain's wiring shapes the dynamics of recurrent networks.

From Python: `from randomnet import spectrum`, see `randomnet.api`; `from randomnet import MultiRegionRNN`, see
`randomnet.multiregion`.
"""

from typing import Any

from randomnet.version import __version__ as __version__


def __getattr__(name: str) -> Any:
    """What is offered from Python; loaded when it is asked for, as torch is slow to load."""
    if name == "spectrum":
        from randomnet.api import spectrum

        return spectrum
    if name == "MultiRegionRNN":
        from randomnet.multiregion import MultiRegionRNN

        return MultiRegionRNN
    raise AttributeError(f"module 'randomnet' has no attribute {name!r}")
