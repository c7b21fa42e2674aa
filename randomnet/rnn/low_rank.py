"""Products with J = W0 + sum_k m_k n_k^T / N, which is never formed: (rows n) first, then m^T / N, on top of W0's.

m (N, K) are output patterns: what the factors write into the network; n (N, K) select what they read of it. The
methods are those of `Dense`; W0 is dense, sparse, or nothing at all. Where factors act on the edges of W0 alone, J is
one of edges like any other: `on_edges` has their weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from randomnet.rnn.couplings import Dense, Sparse, Totals, add_product

PARTS = ("output", "selection")


@dataclass(frozen=True, eq=False)
class Unconnected:
    """No edge: products that are 0, and add nothing."""

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        """None."""
        return ()

    def with_parameters(self, parameters: Sequence[Tensor]) -> "Unconnected":
        """The same, as there are no parameters."""
        return self

    def empty(self, bundle: Tensor, *lead: int) -> Tensor:
        """Room for such bundles."""
        return bundle.new_empty(*lead, *bundle.shape)

    def product(self, rows: Tensor) -> Tensor:
        """0 for rows (..., N)."""
        return torch.zeros_like(rows)

    def product_into(self, rows: Tensor, out: Tensor) -> Tensor:
        """0 into `out`."""
        return out.zero_()

    def add_product_into(self, base: Tensor, rows: Tensor, beta: float, alpha: float, out: Tensor) -> Tensor:
        """beta base into `out`."""
        return base if base is out and beta == 1 else torch.mul(base, beta, out=out)

    def transpose_product_into(self, rows: Tensor, out: Tensor, alpha: float = 1.0) -> Tensor:
        """0 into `out`."""
        return out.zero_()

    def add_transpose_product_into(self, base: Tensor, rows: Tensor, beta: float, out: Tensor) -> Tensor:
        """beta base into `out`."""
        return self.add_product_into(base, rows, beta, 1.0, out)

    def gradient(self, totals: Totals, adjoint: Tensor, rows: Tensor, alpha: float = 1.0) -> None:
        """There is none."""

    def scale_rows(self, gains: Tensor) -> "Unconnected":
        """Nothing, stretched."""
        return self


@dataclass(frozen=True, eq=False)
class LowRank:
    """`base` + output selection^T / N, of output and selection (N, K), or one of each per run (runs, N, K)."""

    base: Dense | Sparse | Unconnected
    output: Tensor
    selection: Tensor

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        """Those of the base, m and n."""
        return (*self.base.parameters, self.output, self.selection)

    def with_parameters(self, parameters: Sequence[Tensor]) -> "LowRank":
        """The same products with other parameters."""
        *of_base, output, selection = parameters
        return LowRank(self.base.with_parameters(of_base), output, selection)

    @property
    def scale(self) -> float:
        """1/N."""
        return 1 / self.output.shape[-2]

    @cached_property
    def factors(self) -> tuple[Tensor, Tensor]:
        """m and n, as they are multiplied."""
        return self.output.detach(), self.selection.detach()

    def empty(self, bundle: Tensor, *lead: int) -> Tensor:
        """Room for such bundles."""
        return self.base.empty(bundle, *lead)

    def product(self, rows: Tensor) -> Tensor:
        """rows J^T for rows (..., N), differentiable."""
        return self.base.product(rows) + (rows @ self.selection) @ self.output.mT * self.scale

    def product_into(self, rows: Tensor, out: Tensor) -> Tensor:
        """rows J^T into `out`."""
        return self._through(self.base.product_into(rows, out), rows, 1.0)

    def add_product_into(self, base: Tensor, rows: Tensor, beta: float, alpha: float, out: Tensor) -> Tensor:
        """beta base + alpha rows J^T into `out`."""
        return self._through(self.base.add_product_into(base, rows, beta, alpha, out), rows, alpha)

    def transpose_product_into(self, rows: Tensor, out: Tensor, alpha: float = 1.0) -> Tensor:
        """alpha rows J into `out`."""
        return self._through(self.base.transpose_product_into(rows, out, alpha), rows, alpha, back=True)

    def add_transpose_product_into(self, base: Tensor, rows: Tensor, beta: float, out: Tensor) -> Tensor:
        """beta base + rows J into `out`."""
        return self._through(self.base.add_transpose_product_into(base, rows, beta, out), rows, 1.0, back=True)

    def _through(self, out: Tensor, rows: Tensor, alpha: float, back: bool = False) -> Tensor:
        """Add alpha times what goes through the factors, or back through them."""
        output, selection = reversed(self.factors) if back else self.factors
        return add_product(out, rows @ selection, output.mT, 1.0, alpha * self.scale, out)

    def gradient(self, totals: Totals, adjoint: Tensor, rows: Tensor, alpha: float = 1.0) -> None:
        """Add to the totals of the base, m and n where `rows` were multiplied and `adjoint` came back."""
        *of_base, for_output, for_selection = totals
        self.base.gradient(of_base, adjoint, rows, alpha)
        output, selection = self.factors
        if for_output is not None:
            add_product(for_output, adjoint.mT, rows @ selection, 1.0, alpha * self.scale, for_output)
        if for_selection is not None:
            add_product(for_selection, rows.mT, adjoint @ output, 1.0, alpha * self.scale, for_selection)

    def scale_rows(self, gains: Tensor) -> "LowRank":
        """diag(gains) J, of gains (..., N, 1); differentiable."""
        return LowRank(self.base.scale_rows(gains), gains * self.output, self.selection)


Coupling = Dense | Sparse | Unconnected | LowRank


def on_edges(
    weights: Tensor, post: Tensor, pre: Tensor, output: Tensor, selection: Tensor, signs: Tensor | None = None
) -> Tensor:
    """W_e + sum_k m_k[post_e] n_k[pre_e] / N of every edge (E,), differentiable.

    signs: (E,) 1 or -1, None for no such law; where an edge would have the other sign it is 0.
    """
    added = (output.index_select(0, post) * selection.index_select(0, pre)).sum(1)
    values = torch.add(weights, added, alpha=1 / len(output))
    return values if signs is None else signs * torch.relu(signs * values)


def zero_gradients(coupling: Coupling, needed: Sequence[bool]) -> list[Tensor | None]:
    """A total of 0 for every parameter whose gradient is needed, None for the others."""
    pairs = zip(coupling.parameters, needed, strict=True)
    return [torch.zeros_like(parameter) if wanted else None for parameter, wanted in pairs]


def can_stack(coupling: Coupling) -> bool:
    """Whether such couplings can stand side by side: all but sparse ones."""
    return not isinstance(coupling.base if isinstance(coupling, LowRank) else coupling, Sparse)


def stack_couplings(couplings: Sequence[Coupling]) -> Coupling:
    """Couplings of one kind and shape as one with a leading axis of runs. Raises ValueError where they are not."""
    for coupling in couplings:
        if not can_stack(coupling):
            raise ValueError("networks side by side must have dense couplings, got a sparse one")
        expected, got = ([tuple(one.shape) for one in each.parameters] for each in (couplings[0], coupling))
        if (type(coupling), got) != (type(couplings[0]), expected):
            raise ValueError(f"networks side by side must have the same couplings, got shapes {expected} and {got}")
    first = couplings[0]
    if isinstance(first, LowRank):
        base = stack_couplings([one.base for one in couplings])
        return LowRank(base, *(torch.stack([getattr(one, name) for one in couplings]) for name in PARTS))
    return Dense(torch.stack([one.values for one in couplings])) if isinstance(first, Dense) else first
