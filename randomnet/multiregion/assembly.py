"""A network of regions that is put together step by step, and its regions by name (as both generations of mRNNTorch).

Regions and connections are added to a draft; `finalize_connectivity` draws the weights and makes the module.
"""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import nn

from randomnet.analysis import Units
from randomnet.multiregion.draft import Draft
from randomnet.multiregion.views import RegionView, region_view


class Assembly(nn.Module):
    """The part of a `MultiRegionRNN` that adds regions and connections, and names them."""

    _draft: Draft | None
    inputs: dict[str, int]
    labels: dict[str, np.ndarray]

    def _build(self, config: Any) -> None:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        """What torch registers. Raises AttributeError, which says what to call where the network is a draft."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name != "_draft" and self.__dict__.get("_draft") is not None:
                raise AttributeError(f"{name}: expected a finished network, got one whose regions are being added; "
                                     "call finalize_connectivity() first") from None  # fmt: skip
            raise

    def add_recurrent_region(
        self,
        name: str,
        num_units: int,
        sign: str | None = None,
        base_firing: float = 0.0,
        init: float = 0.0,
        parent_region: str | None = None,
        learnable_bias: bool = False,
        cell_types: Mapping[str, float] | None = None,
        *,
        device: Any = None,
    ) -> None:
        """Add a recurrent region. Raises ValueError for wrong values, and after `finalize_connectivity`.

        sign: pos or neg, of all its outgoing connections; None where each connection has its own (exc by default).
        cell_types: name -> fraction of contiguous sub-blocks. device: not used, as a warning says; some versions of
        mRNNTorch have it. The other arguments are those of `Region`.
        """
        if device is not None:
            warnings.warn(f"{name}: the device of a region ({device}) is not used; MultiRegionRNN(device=...) sets "
                          "that of the network", stacklevel=2)  # fmt: skip
        self._open_draft().add("recurrent_regions", name=name, num_units=num_units, sign=sign, base_firing=base_firing,
                               init=init, parent_region=parent_region, learnable_bias=learnable_bias,
                               cell_types=cell_types)  # fmt: skip

    def add_input_region(self, name: str, num_units: int, sign: str | None = None) -> None:
        """Add an input region; sign as in `add_recurrent_region`. Raises ValueError."""
        self._open_draft().add("input_regions", name=name, num_units=num_units, sign=sign)

    def add_recurrent_connection(
        self,
        src_region: str,
        dst_region: str,
        sparsity: float | None = None,
        sign: str | None = None,
        *,
        density: float | None = None,
        src_region_cell_type: str | None = None,
        dst_region_cell_type: str | None = None,
    ) -> None:
        """Add a connection between recurrent regions, or cell types of them. Raises ValueError.

        sparsity: the fraction of each source unit's edges that is absent; None for 0. density: 1 - sparsity, in its
        place. sign: exc or inhib, of a region without a sign.
        """
        self._open_draft().add("recurrent_connections", src_region=src_region, dst_region=dst_region, sparsity=sparsity,
                               density=density, sign=sign, src_region_cell_type=src_region_cell_type,
                               dst_region_cell_type=dst_region_cell_type)  # fmt: skip

    def add_input_connection(
        self,
        src_region: str,
        dst_region: str,
        sparsity: float | None = None,
        sign: str | None = None,
        *,
        density: float | None = None,
        dst_region_cell_type: str | None = None,
    ) -> None:
        """Add a connection from an input to a recurrent region, as `add_recurrent_connection`. Raises ValueError."""
        self._open_draft().add("input_connections", input=src_region, dst_region=dst_region, sparsity=sparsity,
                               density=density, sign=sign, dst_region_cell_type=dst_region_cell_type)  # fmt: skip

    def finalize_connectivity(self) -> None:
        """Draw the weights of the regions and connections that were added. Raises ValueError for a wrong network.

        A finished network stays as it is.
        """
        if self._draft is not None:
            description = self._draft.description()
            draft, self._draft = self._draft, None
            try:
                self._build(description)
            except ValueError:
                self._draft = draft
                raise

    def _open_draft(self) -> Draft:
        if self._draft is None:
            raise ValueError("expected a network that is not finished, got one after finalize_connectivity(); add all "
                             "regions and connections before")  # fmt: skip
        return self._draft

    # ---- regions by name

    def __getitem__(self, name: str) -> RegionView:
        """The recurrent region or the input of a name. Raises ValueError for an unknown one."""
        return region_view(self, name)

    @property
    def hid_regions(self) -> list[str]:
        """Names of the recurrent regions, in network order."""
        return list(dict.fromkeys(self.labels["region"].tolist()))

    @property
    def inp_regions(self) -> list[str]:
        """Names of the input regions, in network order."""
        return list(self.inputs)

    @property
    def input_units(self) -> Units:
        """The I input units, with the labels `region`."""
        regions = np.array([name for name, units in self.inputs.items() for _ in range(units)], dtype=str)
        names = [f"{name}{unit:04d}" for name, units in self.inputs.items() for unit in range(units)]
        return Units(np.array(names, dtype=str), {"region": regions}, np.zeros(len(names)))
