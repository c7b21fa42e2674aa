"""From the option `by` of [stimulation] and [analysis] to groups of units by a label, and means over each group."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from randomnet.analysis import Units
from randomnet.settings import ConfigError

BY = ("region", "population", "neurotransmitter", "cell_fibers", "type")  # without `by`, the first that exists


@dataclass(frozen=True, eq=False)
class Groups:
    """Disjoint groups of units; units: name -> (n,) int64."""

    units: Mapping[str, Tensor]

    def __len__(self) -> int:
        return len(self.units)

    @property
    def names(self) -> np.ndarray:
        """The names (G,) of the groups."""
        return np.array(list(self.units))

    def to(self, device: torch.device) -> "Groups":
        """Return the same on a device."""
        return Groups({name: index.to(device) for name, index in self.units.items()})

    @cached_property
    def _members(self) -> tuple[Tensor, Tensor, Tensor]:
        """The units of all groups in sequence, the number of each unit's group, and the groups' sizes."""
        device = next(iter(self.units.values())).device
        sizes = torch.tensor([len(index) for index in self.units.values()], device=device)
        numbers = torch.arange(len(sizes), device=device).repeat_interleave(sizes)
        return torch.cat(list(self.units.values())), numbers, sizes

    def averages(self, rates: Tensor) -> Tensor:
        """Return mean rates (G, B) of the groups, from rates (B, N), at once, as groups may be as many as units."""
        units, numbers, sizes = self._members
        sums = rates.new_zeros(len(rates), len(sizes)).index_add_(1, numbers, rates[:, units])
        return (sums / sizes).mT


def groups_of(by: str, units: Units, section: str) -> Groups:
    """Return the groups by one kind of label; all units together without `by` and without labels of BY.

    section: of the option, for errors. Raises ConfigError.
    """
    kinds = [by] if by else [kind for kind in BY if kind in units.labels][:1]
    if not kinds:
        return Groups({"all": torch.arange(units.n)})
    try:
        return Groups(units.groups(kinds[0]))
    except ValueError as error:
        raise ConfigError(f"[{section}] by: {str(error).removeprefix('by: ').removeprefix('by ')}") from None
