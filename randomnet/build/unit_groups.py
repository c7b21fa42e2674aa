"""Groups of a network's units by a label, as [stimulation] and [analysis] ask for them, and the means over each."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from randomnet.analysis import Units
from randomnet.settings import ConfigError

BY = ("region", "population", "neurotransmitter", "cell_fibers", "type")  # the first there is, unless one is named


@dataclass(frozen=True, eq=False)
class Groups:
    """units: (n,) int64 of every group, by name; no unit is in two."""

    units: Mapping[str, Tensor]

    def __len__(self) -> int:
        return len(self.units)

    @property
    def names(self) -> np.ndarray:
        """(G,) texts."""
        return np.array(list(self.units))

    def to(self, device: torch.device) -> "Groups":
        """The same on a device."""
        return Groups({name: index.to(device) for name, index in self.units.items()})

    @cached_property
    def _members(self) -> tuple[Tensor, Tensor, Tensor]:
        """Of all groups one after the other: their units, the number of each unit's group, and the groups' sizes."""
        device = next(iter(self.units.values())).device
        sizes = torch.tensor([len(index) for index in self.units.values()], device=device)
        numbers = torch.arange(len(sizes), device=device).repeat_interleave(sizes)
        return torch.cat(list(self.units.values())), numbers, sizes

    def averages(self, rates: Tensor) -> Tensor:
        """Mean rates (G, B) of the groups, of rates (B, N); all at once, as groups may be as many as units."""
        units, numbers, sizes = self._members
        sums = rates.new_zeros(len(rates), len(sizes)).index_add_(1, numbers, rates[:, units])
        return (sums / sizes).mT


def groups_of(by: str, units: Units, section: str) -> Groups:
    """The groups by one kind of label; all units together where none is asked for and there is none of BY.

    Raises ConfigError that names the section.
    """
    kinds = [by] if by else [kind for kind in BY if kind in units.labels][:1]
    if not kinds:
        return Groups({"all": torch.arange(units.n)})
    try:
        return Groups(units.groups(kinds[0]))
    except ValueError as error:
        raise ConfigError(f"[{section}] by: {str(error).removeprefix('by: ').removeprefix('by ')}") from None
