"""Effective weights as functions of the trained values V: signs, bounds and edges hold whatever the optimiser does.

| mode     | effective weight               | V starts at | remarks                                                    |
|----------|--------------------------------|-------------|------------------------------------------------------------|
| abs      | sign bounded(|V|)              | |W|         | V may change its sign, the weight may not                  |
| relu     | sign bounded(max(V, 0))        | |W|         | no gradient at V < 0, see `MultiRegionRNN.dead_weights`    |
| softplus | sign bounded(ln(1 + e^V))      | its inverse | a weight is never exactly 0                                |
| clamp    | sign bounded(V)                | |W|         | `MultiRegionRNN.project` clamps V itself                   |
| off      | V                              | W           | neither signs nor bounds                                   |

bounded clamps to low..high. The sign is that of the edge; without an edge, the weight is 0 in every mode. Where scales
are trained in place of weights, V is the value of the scale, which starts at 1. Its magnitude times |W| is bounded.
The modes are mRNNTorch's; its hardtanh and relu trapped weights at a bound, and its mode off dropped the masks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from randomnet.rnn import Coupling, Dense, Pattern, Sparse

# mode -> (V to magnitude before the bounds; magnitude to V); None: neither signs nor bounds
DALE: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[np.ndarray], np.ndarray]] | None] = {
    # torch.abs and torch.relu have the slope 0 at 0, which would trap a weight there
    "abs": (lambda values: torch.where(values < 0, -values, values), lambda size: size),
    "relu": (lambda values: torch.where(values < 0, 0, values), lambda size: size),
    "softplus": (
        lambda values: torch.logaddexp(values, torch.zeros_like(values)),
        lambda size: size + np.log(-np.expm1(-np.maximum(size, 1e-6))),  # ln(e^size - 1), without overflow
    ),
    "clamp": (lambda values: values, lambda size: size),
    "off": None,
}


@dataclass(frozen=True)
class Edges:
    """The edges of a matrix: post, pre (E,) int64, rows and columns, sorted by post, then pre; weights, signs (E,).

    fixed: (E,) bool, which are not trained. pairs: (E,) int64, index of the pair of regions of each edge, where one
    scale per pair is trained in place of the weights; pair_names: names of the pairs, () without scales.
    """

    shape: tuple[int, int]
    post: np.ndarray
    pre: np.ndarray
    weights: np.ndarray
    signs: np.ndarray
    fixed: np.ndarray
    pairs: np.ndarray | None = None
    pair_names: tuple[str, ...] = ()


class Weights(nn.Module):
    """The weights of edges as a matrix (rows, columns), or if `sparse` as a list (E,); a call returns them.

    values: V of the trained weights, for the whole matrix or list. Where some weights are fixed, values are those at
    the flat indices `places`, and `held` has the others. Where all are fixed, values is a buffer. Where scales (P,),
    one for each of pair_names, are trained, values are the weights that they multiply. signs: 0 in a matrix where there
    is no edge. edges: (2, E), post and pre of a list.
    """

    edges: Tensor | None
    signs: Tensor
    values: Tensor
    scales: nn.Parameter | None
    pairs: Tensor | None
    held: Tensor | None
    places: Tensor | None

    def __init__(
        self,
        edges: Edges,
        mode: str,
        bounds: tuple[float, float],
        sparse: bool,
        device: torch.device | str | None,
        dtype: torch.dtype,
    ) -> None:
        super().__init__()
        self.mode, self.bounds, self.shape, self.pair_names = mode, bounds, edges.shape, edges.pair_names
        rows, columns = edges.shape
        ends = np.stack([edges.post, edges.pre])
        self.register_buffer("edges", torch.tensor(ends, device=device) if sparse else None)
        self.pattern = Pattern(edges.post, edges.pre, rows).to(device) if sparse else None

        def tensor(values: np.ndarray, dtype: torch.dtype = dtype) -> Tensor:
            if not sparse:
                values = _as_matrix(edges.shape, edges.post, edges.pre, values)
            return torch.tensor(values, device=device, dtype=dtype)

        self.register_buffer("signs", tensor(edges.signs))
        sizes = edges.weights if DALE[mode] is None else np.abs(edges.weights).clip(*bounds)
        values, scales, tensors = tensor(_inverse(mode, sizes)), None, dict.fromkeys(("pairs", "held", "places"))
        if edges.pair_names:
            start = _inverse(mode, np.ones(len(edges.pair_names)))
            values, scales = tensor(sizes), nn.Parameter(torch.tensor(start, device=device, dtype=dtype))
            tensors["pairs"] = tensor(np.where(edges.fixed, 0, edges.pairs + 1), torch.int32)  # 0: no scale
        elif edges.fixed.any() and not edges.fixed.all():
            free = np.flatnonzero(~edges.fixed)
            tensors["held"] = values
            tensors["places"] = torch.tensor(free if sparse else ends[0, free] * columns + ends[1, free], device=device)
            values = values.flatten()[tensors["places"]]
        if edges.pair_names or (edges.fixed.any() and edges.fixed.all()):
            self.register_buffer("values", values)
        else:
            self.values = nn.Parameter(values)
        self.register_parameter("scales", scales)
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor)

    def forward(self) -> Tensor:
        """Effective weights, a matrix or a list; differentiable."""
        values = self.values
        if self.held is not None:
            values = self.held.flatten().index_copy(0, self.places, values).view_as(self.held)
        if self.scales is None:
            return effective(values, self.signs, self.mode, self.bounds)
        scales = self.scales if DALE[self.mode] is None else DALE[self.mode][0](self.scales)
        factors = torch.cat([torch.ones_like(scales[:1]), scales])
        values = values * factors.index_select(0, self.pairs.flatten()).view_as(values)
        return signed(values, self.signs, self.mode, self.bounds)

    def matrix(self) -> Tensor:
        """The effective weights (rows, columns), differentiable."""
        weights = self()
        return weights if self.edges is None else self._in_matrix(weights)

    def sign_matrix(self) -> Tensor:
        """The signs (rows, columns) of the edges, 1 or -1; 0 without an edge."""
        return self.signs if self.edges is None else self._in_matrix(self.signs)

    def _in_matrix(self, values: Tensor) -> Tensor:
        """Values (E,) of a list of edges as a matrix, 0 without an edge; differentiable."""
        rows, columns = self.shape
        flat = values.new_zeros(rows * columns).index_copy(0, self.edges[0] * columns + self.edges[1], values)
        return flat.view(rows, columns)

    @torch.no_grad()
    def assign(self, weights: np.ndarray, signs: np.ndarray) -> None:
        """Set edges, signs (rows, columns) and effective weights (rows, columns); 0 in signs means no edge.

        Raises ValueError for other shapes, for weights beyond the bounds, and where weights are fixed or scaled.
        """
        if self.scales is not None or self.places is not None:
            raise ValueError("expected weights that are all trained, or all fixed, got some fixed or scaled ones")
        if weights.shape != self.shape or signs.shape != self.shape:
            raise ValueError(f"expected weights of shape {self.shape}, got {weights.shape}")
        post, pre = np.nonzero(signs)
        values = weights[post, pre]
        if DALE[self.mode] is not None:
            values, (low, high) = np.abs(values), self.bounds
            if values.size and not (low <= values.min() and values.max() <= high):
                came = f"{values.min():g}..{values.max():g}"
                raise ValueError(f"expected weights within the bounds {low:g}..{high:g}, got {came}")
        values, signs = _inverse(self.mode, values), signs[post, pre]
        if self.edges is None:
            values, signs = (_as_matrix(self.shape, post, pre, entries) for entries in (values, signs))
        else:
            self.edges.data = torch.tensor(np.stack([post, pre])).to(self.edges)
            self.pattern = Pattern(post, pre, self.shape[0]).to(self.edges.device)
        self.values.data = torch.tensor(values).to(self.values)
        self.signs.data = torch.tensor(signs).to(self.signs)

    def coupling(self) -> Coupling:
        """The coupling with the effective weights, which must be square; differentiable in them."""
        return Dense(self()) if self.pattern is None else Sparse(self(), self.pattern)

    def edge_list(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """post, pre, effective weights and signs (E,) as arrays, sorted by post, then pre."""
        weights, signs = self().detach().double().cpu().numpy(), self.signs.cpu().numpy()
        if self.edges is not None:
            return (*self.edges.cpu().numpy(), weights, signs)
        post, pre = np.nonzero(signs)
        return post, pre, weights[post, pre], signs[post, pre]

    @torch.no_grad()
    def project(self) -> None:
        """In mode clamp, clamp V to the bounds, or scales to at least 0."""
        if self.mode != "clamp":
            return
        if self.scales is not None:
            self.scales.clamp_(min=0)
        elif isinstance(self.values, nn.Parameter):
            edges = self.signs.abs() if self.values.shape == self.signs.shape else 1
            self.values.copy_(self.values.clamp(*self.bounds) * edges)

    def dead(self) -> int:
        """The number of trained values that have no gradient: V < 0 in mode relu."""
        trained = list(self.parameters())
        return int((trained[0] < 0).sum()) if self.mode == "relu" and trained else 0

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *others: Any) -> None:
        """Resize tensors to the checkpoint's, as another seed may have drawn another number of edges."""
        for name, tensor in (*self.named_parameters(), *self.named_buffers(recurse=False)):
            loaded = state.get(prefix + name)
            if name != "scales" and loaded is not None and tensor.ndim == loaded.ndim and self._has_edge_axis(name):
                tensor.data = tensor.new_empty(loaded.shape)
        super()._load_from_state_dict(state, prefix, *others)
        if self.edges is not None and not self.edges.is_meta:
            post, pre = self.edges.cpu().numpy()
            self.pattern = Pattern(post, pre, self.shape[0]).to(self.edges.device)

    def _has_edge_axis(self, name: str) -> bool:
        return self.edges is not None or name == "places" or (name == "values" and self.held is not None)


def _as_matrix(shape: tuple[int, int], post: np.ndarray, pre: np.ndarray, values: np.ndarray) -> np.ndarray:
    matrix = np.zeros(shape, values.dtype)
    matrix[post, pre] = values
    return matrix


def _inverse(mode: str, sizes: np.ndarray) -> np.ndarray:
    """The values V of magnitudes, or in mode off of weights."""
    return sizes if DALE[mode] is None else DALE[mode][1](sizes)


def effective(values: Tensor, signs: Tensor, mode: str, bounds: tuple[float, float]) -> Tensor:
    """The weights of values V, differentiable; signs: 1, -1, or 0 without an edge, in the shape of V."""
    return signed(values if DALE[mode] is None else DALE[mode][0](values), signs, mode, bounds)


def signed(sizes: Tensor, signs: Tensor, mode: str, bounds: tuple[float, float]) -> Tensor:
    """The weights of magnitudes, or in mode off of weights."""
    return sizes * signs.abs() if DALE[mode] is None else signs * _Bounded.apply(sizes, *bounds)


class _Bounded(torch.autograd.Function):
    """Clamp to low..high; at a bound or beyond, a gradient whose step would lead further out is set to 0.

    In forward mode, a tangent that leads further out is set to 0 at the same places.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(values, low, high):  # noqa: ANN205
        return values.clamp(low, high)

    @staticmethod
    def setup_context(ctx, inputs, output):  # noqa: ANN205
        values, *ctx.bounds = inputs
        ctx.save_for_backward(values)
        ctx.save_for_forward(values)

    @staticmethod
    def backward(ctx, adjoint):  # noqa: ANN205
        return _block_outward(*ctx.saved_tensors, *ctx.bounds, adjoint, -adjoint), None, None

    @staticmethod
    def jvp(ctx, tangent, *_):  # noqa: ANN205
        return _block_outward(*ctx.saved_tensors, *ctx.bounds, tangent, tangent)


def _block_outward(values: Tensor, low: float, high: float, vector: Tensor, direction: Tensor) -> Tensor:
    """The vector with 0 wherever, at a bound or beyond, the direction leads further out."""
    outward = ((values <= low) & (direction < 0)) | ((values >= high) & (direction > 0))
    return vector.masked_fill(outward, 0)
