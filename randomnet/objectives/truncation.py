"""The truncated gradient of a spectrum: no gradient flows through state and frame from one segment to the next.

Likewise, no gradient flows from the transient of the state to the first segment.

In chaos, a gradient back through the whole record grows as the tangent vectors do, and its direction becomes that of
a single trajectory. Exponents are means of local growth rates, whose own gradients stay bounded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from randomnet.lyapunov import System


@dataclass(frozen=True)
class TruncatedSystem:
    """A system whose gradient is cut about every `time` units, always at the end of an interval between two QRs."""

    system: System
    time: float

    @property
    def dt(self) -> float:
        """The system's time step."""
        return self.system.dt

    @property
    def stages(self) -> int:
        """Stages of the system's integrator per step."""
        return getattr(self.system, "stages", 1)

    def advance(self, bundle: Tensor, steps: int, start: int) -> Tensor:
        """The system's `advance`; the gradient is cut before the first steps of a segment."""
        starts_segment = start % self._segment_steps < steps
        return self.system.advance(bundle.detach() if starts_segment else bundle, steps, start)

    def advance_intervals(
        self, bundle: Tensor, intervals: Sequence[int], turning: Callable
    ) -> tuple[Tensor, Tensor] | None:
        """The system's `advance_intervals`, segment by segment; None where the system has none."""
        if not hasattr(self.system, "advance_intervals"):
            return None
        size, growths = max(1, self._segment_steps // intervals[0]), []
        for first in range(0, len(intervals), size):
            segment = self.system.advance_intervals(bundle.detach(), intervals[first : first + size], turning)
            if segment is None:
                return None
            bundle, growth = segment
            growths.append(growth)
        return bundle, torch.cat(growths)

    @property
    def _segment_steps(self) -> int:
        return max(1, round(self.time / self.dt))
