"""The tensors a network is called with: which shapes they may have, and their way to (time, batch, units) and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from randomnet.multiregion import checked

Timed = Tensor | Mapping[str, Tensor] | None
Shape = tuple[int | str, ...]  # a letter stands for any number


@dataclass(frozen=True)
class Layout:
    """Of one network: units H, the units of each input region, whether batches come first; like: its dtype, device."""

    units: int
    inputs: Mapping[str, int]
    batch_first: bool
    like: Tensor

    def in_time(
        self, given: Timed, extras: tuple[Tensor, ...], steps: int | None, hx: Tensor | None
    ) -> tuple[Tensor, list[Tensor], bool]:
        """Inputs (T, B, I) and extras (T, B, H), checked, and whether they came with an axis B."""
        if steps is not None:
            checked.whole("steps", steps, 1)
        inputs = self._joined(given)
        if inputs is not None:
            lead = inputs.shape[:-1]
        elif extras:
            self.check("extra[0]", extras[0], *self._timed(self.units))
            lead = extras[0].shape[:-1]
        elif steps is not None:
            batch = hx.shape[-2] if isinstance(hx, Tensor) and hx.ndim > 1 else 1
            lead = (batch, steps) if self.batch_first else (steps, batch)
        else:
            raise ValueError("input: expected an extra input or steps, as there are no input regions, got neither")
        for index, values in enumerate(extras):
            self.check(f"extra[{index}]", values, (*lead, self.units))
        batched = len(lead) == 2
        time = lead[1] if batched and self.batch_first else lead[0]
        if time < 1:
            raise ValueError(f"input: expected at least one step, got {time}")
        if steps not in (None, time):
            raise ValueError(f"steps: expected {time}, the steps of the input, got {steps}")
        if inputs is None:
            inputs = self.like.new_zeros(*lead, 0)
        inputs, *others = (self._time_first(values, batched) for values in (inputs, *extras))
        return inputs, others, batched

    def state(self, hx: Tensor, batch: int) -> Tensor:
        """The initial state (B, H) or (H,), checked."""
        self.check("hx", hx, (batch, self.units), (1, batch, self.units), (self.units,))
        return hx.squeeze(0) if hx.ndim == 3 else hx

    def as_given(self, values: Tensor, batched: bool) -> Tensor:
        """(T, B, H) in the layout of the input."""
        if not batched:
            return values.squeeze(1)
        return values.transpose(0, 1) if self.batch_first else values

    def check(self, name: str, values: Any, *shapes: Shape) -> None:
        """A ValueError unless values are a tensor of the network's dtype and of one of the shapes."""
        if not isinstance(values, Tensor) or not any(_fits(values.shape, shape) for shape in shapes):
            expected = " or ".join(map(_shown, shapes))
            raise ValueError(f"{name}: expected a tensor of shape {expected}, got {_came(values)}")
        if values.dtype != self.like.dtype:
            raise ValueError(f"{name}: expected {self.like.dtype}, as the network has, got {values.dtype}")

    def _joined(self, given: Timed) -> Tensor | None:
        """The input as one tensor, None for a network without inputs."""
        if not self.inputs:
            if given is not None:
                raise ValueError(f"input: expected None, as there are no input regions, got {_came(given)}")
            return None
        if isinstance(given, Mapping):
            if set(given) != set(self.inputs):
                expected, came = (", ".join(map(str, names)) for names in (self.inputs, given))
                raise ValueError(f"input: expected the input regions {expected}, got {came}")
            first = next(iter(self.inputs))
            self.check(f"input[{first!r}]", given[first], *self._timed(self.inputs[first]))
            for name, units in self.inputs.items():
                self.check(f"input[{name!r}]", given[name], (*given[first].shape[:-1], units))
            return torch.cat([given[name] for name in self.inputs], -1)
        self.check("input", given, *self._timed(sum(self.inputs.values())))
        return given

    def _timed(self, units: int) -> tuple[Shape, Shape]:
        return (("B", "T") if self.batch_first else ("T", "B")) + (units,), ("T", units)

    def _time_first(self, values: Tensor, batched: bool) -> Tensor:
        if not batched:
            return values.unsqueeze(1)
        return values.transpose(0, 1) if self.batch_first else values


def _fits(came: torch.Size, shape: Shape) -> bool:
    return len(came) == len(shape) and all(isinstance(one, str) or one == n for n, one in zip(came, shape, strict=True))


def _shown(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))})"


def _came(values: Any) -> str:
    return _shown(values.shape) if isinstance(values, Tensor) else f"a {type(values).__name__}"
