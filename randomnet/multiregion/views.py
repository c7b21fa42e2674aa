"""Regions and projections of a network by name: `network["d1"]`, and `network["d1"]["snr"]`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from randomnet.display import Brief
from randomnet.settings import nearest

if TYPE_CHECKING:
    from randomnet.multiregion.network import MultiRegionRNN


@dataclass(frozen=True, eq=False, repr=False)
class ProjectionView(Brief):
    """A projection from one region or input to a region: rows are targets, columns are sources.

    weights: (n_dst, n_src), the present effective weights, differentiable. signs: (n_dst, n_src), 1 or -1, and 0
    without an edge.
    """

    weights: Tensor
    signs: Tensor

    @property
    def weight_mask(self) -> Tensor:
        """(n_dst, n_src): 1 at an edge, 0 elsewhere."""
        return self.signs.abs()


@dataclass(frozen=True, eq=False, repr=False)
class RegionView(Brief):
    """A recurrent region or an input of a network; `view[target]` is its projection to a region.

    units: (n,), indices among all units, or among all input units. is_input: whether it is an input.
    """

    network: "MultiRegionRNN"
    name: str
    units: Tensor
    is_input: bool

    @property
    def num_units(self) -> int:
        """Number of units."""
        return len(self.units)

    @property
    def sign(self) -> int:
        """The sign of all outgoing edges, 1 or -1; 0 where they have both, or where there are none."""
        signs = self._projections[1][:, self.units]
        found = torch.unique(signs[signs != 0])
        return int(found[0]) if len(found) == 1 else 0

    @property
    def base_firing(self) -> Tensor:
        """(n,): the present biases. Raises ValueError for an input."""
        return self._of_units(self.network.biases(), "base_firing")

    @property
    def init(self) -> Tensor:
        """(n,): the initial states. Raises ValueError for an input."""
        return self._of_units(self.network.initial, "init")

    @property
    def learnable_bias(self) -> bool:
        """Whether the biases are trained."""
        return not self.is_input and bool(torch.isin(self.units, self.network.learnable).any())

    @property
    def parent_region(self) -> str | None:
        """The name that groups regions; None without one."""
        labels = None if self.is_input else self.network.labels.get("parent")
        return None if labels is None else str(labels[int(self.units[0])]) or None

    def __getitem__(self, target: str) -> ProjectionView:
        """The projection to a region, 0 where it has no edges. Raises ValueError for an unknown region."""
        view = self.network[target]
        if view.is_input:
            raise ValueError(f"{self.name} -> {target}: expected a recurrent region as target, got an input")
        weights, signs = (values[view.units][:, self.units] for values in self._projections)
        return ProjectionView(weights, signs)

    @property
    def _projections(self) -> tuple[Tensor, Tensor]:
        """Weights and signs from all recurrent units, or from all inputs."""
        part = self.network.input if self.is_input else self.network.recurrent
        return part.matrix(), part.sign_matrix()

    def _of_units(self, values: Tensor, name: str) -> Tensor:
        if self.is_input:
            raise ValueError(f"{self.name}: expected a recurrent region for {name}, got an input")
        return values[self.units]


def region_view(network: "MultiRegionRNN", name: str) -> RegionView:
    """The region or input of a name. Raises ValueError for an unknown name, which lists the known ones."""
    known = [*network.hid_regions, *network.inp_regions]
    if not isinstance(name, str) or name not in known:
        near = nearest(str(name), known)
        raise ValueError(f"expected a region or an input, one of {', '.join(known)}, got {name!r}{near}")
    is_input = name in network.inputs
    labels = network.input_units.labels["region"] if is_input else network.labels["region"]
    units = torch.from_numpy((labels == name).nonzero()[0]).to(network.base_firing.device)
    return RegionView(network, name, units, is_input)
