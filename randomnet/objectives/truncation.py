"""The truncated gradient of a spectrum: state and frame pass no gradient on from one piece of the record to the next.

The transient of the state passes none to the first piece.

In chaos a gradient that goes back through all of a record grows as its tangent vectors do, and its direction becomes
that of one trajectory; exponents are means of local growth, whose own gradients stay bounded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from randomnet.lyapunov import System


@dataclass(frozen=True)
class TruncatedSystem:
    """A system whose gradient is cut about every `time` units, at an end of an interval between QRs."""

    system: System
    time: float

    @property
    def dt(self) -> float:
        """The system's own."""
        return self.system.dt

    @property
    def stages(self) -> int:
        """Of a step of the system's integrator."""
        return getattr(self.system, "stages", 1)

    def advance(self, bundle: Tensor, steps: int, start: int) -> Tensor:
        """As the system's, without a gradient of what came before the piece that begins with these steps."""
        first = start % self._steps < steps
        return self.system.advance(bundle.detach() if first else bundle, steps, start)

    def advance_intervals(
        self, bundle: Tensor, intervals: Sequence[int], turning: Callable
    ) -> tuple[Tensor, Tensor] | None:
        """As the system's, piece by piece; None where it has none."""
        if not hasattr(self.system, "advance_intervals"):
            return None
        size, growths = max(1, self._steps // intervals[0]), []
        for first in range(0, len(intervals), size):
            piece = self.system.advance_intervals(bundle.detach(), intervals[first : first + size], turning)
            if piece is None:
                return None
            bundle, growth = piece
            growths.append(growth)
        return bundle, torch.cat(growths)

    @property
    def _steps(self) -> int:
        return max(1, round(self.time / self.dt))
