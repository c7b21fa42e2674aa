"""The tensors with which a network is called: their shapes, and their conversion to (time, batch, units) and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from randomnet.multiregion import checks

Timed = Tensor | Mapping[str, Tensor] | None
Shape = tuple[int | str, ...]  # a letter means any number


@dataclass(frozen=True)
class Layout:
    """The layout of one network's tensors: units H, units of each input region, batch_first as in torch.nn.RNN.

    like: a tensor with the network's dtype and device.
    """

    units: int
    inputs: Mapping[str, int]
    batch_first: bool
    like: Tensor

    def in_time(
        self, input: Timed, extras: tuple[Tensor, ...], steps: int | None, hx: Tensor | None
    ) -> tuple[Tensor, list[Tensor], bool]:
        """Inputs (T, B, I), extras (T, B, H), and whether the arguments have an axis B. Raises ValueError."""
        if steps is not None:
            checks.whole("steps", steps, 1)
        inputs = self._concatenate(input)
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
        inputs, *extras = (self._time_first(values, batched) for values in (inputs, *extras))
        return inputs, extras, batched

    def state(self, hx: Tensor, batch: int) -> Tensor:
        """The initial state (B, H) or (H,). Raises ValueError for another shape."""
        self.check("hx", hx, (batch, self.units), (1, batch, self.units), (self.units,))
        return hx.squeeze(0) if hx.ndim == 3 else hx

    def like_input(self, values: Tensor, batched: bool) -> Tensor:
        """The values (T, B, H) in the layout of the input."""
        if not batched:
            return values.squeeze(1)
        return values.transpose(0, 1) if self.batch_first else values

    def check(self, name: str, values: Any, *shapes: Shape) -> None:
        """Raise ValueError unless values are a tensor of the network's dtype and of one of the shapes."""
        if not isinstance(values, Tensor) or not any(_fits(values.shape, shape) for shape in shapes):
            expected = " or ".join(map(_format_shape, shapes))
            raise ValueError(f"{name}: expected a tensor of shape {expected}, got {_describe(values)}")
        if values.dtype != self.like.dtype:
            raise ValueError(f"{name}: expected {self.like.dtype}, as the network has, got {values.dtype}")

    def _concatenate(self, input: Timed) -> Tensor | None:
        """The input as one tensor; None for a network without inputs. Raises ValueError."""
        if not self.inputs:
            if isinstance(input, Tensor) and _fits(input.shape[-1:], (0,)):  # of a caller that asks for input_size
                self.check("input", input, *self._timed(0))
                return input
            if input is not None:
                raise ValueError(f"input: expected None, as there are no input regions, got {_describe(input)}")
            return None
        if isinstance(input, Mapping):
            if set(input) != set(self.inputs):
                expected, came = (", ".join(map(str, names)) for names in (self.inputs, input))
                raise ValueError(f"input: expected the input regions {expected}, got {came}")
            first = next(iter(self.inputs))
            self.check(f"input[{first!r}]", input[first], *self._timed(self.inputs[first]))
            for name, units in self.inputs.items():
                self.check(f"input[{name!r}]", input[name], (*input[first].shape[:-1], units))
            return torch.cat([input[name] for name in self.inputs], -1)
        self.check("input", input, *self._timed(sum(self.inputs.values())))
        return input

    def _timed(self, units: int) -> tuple[Shape, Shape]:
        """The batched and the unbatched shape of a sequence."""
        return (("B", "T") if self.batch_first else ("T", "B")) + (units,), ("T", units)

    def _time_first(self, values: Tensor, batched: bool) -> Tensor:
        if not batched:
            return values.unsqueeze(1)
        return values.transpose(0, 1) if self.batch_first else values


def _fits(size: torch.Size, shape: Shape) -> bool:
    return len(size) == len(shape) and all(isinstance(m, str) or m == n for n, m in zip(size, shape, strict=True))


def _format_shape(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))})"


def _describe(values: Any) -> str:
    return _format_shape(values.shape) if isinstance(values, Tensor) else f"a {type(values).__name__}"
