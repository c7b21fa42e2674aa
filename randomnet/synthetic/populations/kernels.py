"""Kernels, the blocks that have them, and their limits."""

import dataclasses
import difflib
import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

KERNELS: dict[str, tuple[str, ...]] = {  # name -> what it reads
    "uniform": (),
    "cosine": ("kappa", "phase"),
    "spec": ("kappa", "phase"),
    "von_mises": ("kappa", "phase"),
    "low_rank": ("kappa",),
    "gaussian": (),
}
RING = ("cosine", "spec", "von_mises")


def choice(value: object, names: Collection[str]) -> str:
    """What to say of an unknown name: what was expected, what came, the nearest name."""
    nearest = difflib.get_close_matches(str(value), list(names), n=1)
    return f"one of {', '.join(names)}, got {value!r}" + (f" (did you mean {nearest[0]}?)" if nearest else "")


def check_number(what: str, value: Any, expected: str = "a finite number", least: float = -math.inf) -> None:
    """ValueError unless the value is a finite number and at least `least`."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not (number and math.isfinite(value) and value >= least):
        raise ValueError(f"{what}: expected {expected}, got {value!r}")


@dataclass(frozen=True)
class Kernel:
    """How likely (sparse) or strong (all-to-all) the connections of a block are, relative to their mean.

    name: uniform, P = 1; cosine, 1 + kappa cos d; spec, 1 + kappa / sqrt(K) cos d; von_mises, exp(kappa cos d) over
    its mean; low_rank, 1 + kappa (xi1_i xi2_j + xi3_i xi4_j) / sqrt(K), i the postsynaptic neuron; gaussian: weights
    gain J N(0, 1) / sqrt(N_B). All-to-all there is no K: spec and low_rank then have kappa alone, which leaves their
    structured part, J kappa / N_B, what it is in sparse blocks.
    d = 2 pi i / N_A - 2 pi j / N_B - phase, from the postsynaptic neuron i and the presynaptic neuron j.
    kappa: modulation; phase: degrees. A value that the kernel does not read is refused (ValueError).
    """

    name: str = "uniform"
    kappa: float = 0.0
    phase: float = 0.0

    def __post_init__(self) -> None:
        if self.name not in KERNELS:
            raise ValueError(f"kernel: expected {choice(self.name, KERNELS)}")
        for what in ("kappa", "phase"):
            value = getattr(self, what)
            check_number(what, value)
            if value and what not in KERNELS[self.name]:
                raise ValueError(f"{what}: expected 0 as the kernel {self.name} does not read it, got {value!r}")


@dataclass(frozen=True)
class Block:
    """What population number a receives from number b.

    name: post name, then pre name; n_post, n_pre: neurons; strength: gain J; k: mean in-degree, None all-to-all;
    fixed: whether K is exact; without_self: a population onto itself whose neurons do not reach themselves;
    unsigned: whether weights of both signs are allowed.
    """

    name: str
    a: int
    b: int
    n_post: int
    n_pre: int
    strength: float
    kernel: Kernel
    k: float | None
    fixed: bool
    without_self: bool
    unsigned: bool

    @property
    def cells(self) -> int:
        """How many neurons a neuron may receive from."""
        return self.n_pre - self.without_self

    @property
    def amplitude(self) -> float:
        """What multiplies cos d, or the sum over low-rank vectors."""
        if self.k is not None and self.kernel.name in ("spec", "low_rank"):
            return self.kernel.kappa / math.sqrt(self.k)
        return self.kernel.kappa

    @property
    def peak(self) -> float:
        """The largest P that two neurons on a ring can have: at d = 0 with kappa > 0."""
        upright = dataclasses.replace(self.kernel, kappa=abs(self.kernel.kappa))
        return float(dataclasses.replace(self, kernel=upright)._row(0.0)[0])

    @property
    def room(self) -> float:
        """The sum of P over the neurons that a neuron may receive from."""
        if not self.without_self:
            return float(self.n_pre)
        # what a low-rank P would be for a neuron onto itself depends on the draw; it is taken for the mean
        own = self._row(-math.radians(self.kernel.phase))[0] if self.kernel.name in RING else 1.0
        return float(self.n_pre - own)

    def pattern(self, structure: np.ndarray) -> np.ndarray:
        """P, (rows, n_pre), from cos d or from the sum over low-rank vectors, of the same shape."""
        if self.kernel.name != "von_mises":
            return 1 + self.amplitude * structure
        heights = self.kernel.kappa * structure
        bumps = np.exp(heights - heights.max(axis=1, keepdims=True))
        return bumps / bumps.mean(axis=1, keepdims=True)  # I0(kappa), wherever the neurons resolve the bump

    def _row(self, angle: float) -> np.ndarray:
        """P of the presynaptic neurons for a postsynaptic one at this angle, in radians and less the phase."""
        return self.pattern(np.cos(angle - ring(self.n_pre))[None])[0]


def ring(n: int) -> np.ndarray:
    """(n,) angles of a population's neurons, in radians."""
    return 2 * np.pi * np.arange(n) / n


# ---- limits


def check_limits(block: Block, pre: str) -> None:
    """ValueError where K, a probability or a weight's sign is out of bounds; `pre`: the population it comes from."""
    kernel, where = block.kernel, f"kernels[{block.name!r}]"
    if block.k is not None and block.k > block.cells:
        raise ValueError(
            f"in_degree of {pre}: expected at most {block.cells}, the cells that a neuron may receive from in "
            f"{block.name}, got {block.k:g}"
        )
    if kernel.name == "gaussian" and (block.k is not None or not block.unsigned):
        raise ValueError(f"{where}: a gaussian kernel expected in_degree = None and unsigned = True, "
                         f"got in_degree {block.k} and unsigned = {block.unsigned}")  # fmt: skip
    if kernel.name in ("cosine", "spec"):
        _check_cosine(block, where)
    if block.room < block.n_pre / 2:
        raise ValueError(
            f"{where}: expected at least half of the kernel's sum, {block.n_pre}, without self-connections, "
            f"got {block.room:.4g}"
        )
    if block.k is not None and kernel.name in RING and block.k * block.peak > block.room * (1 + 1e-12):
        raise ValueError(
            f"{where}: expected K max(P) <= {block.room:.6g} so that no probability is above 1, "
            f"got {block.k:g} x {block.peak:.4g} = {block.k * block.peak:.6g}"
        )


def _check_cosine(block: Block, where: str) -> None:
    if block.n_pre == 1:
        raise ValueError(f"{where}: expected 2 presynaptic neurons or more, for a mean of 1, got 1")
    if abs(block.amplitude) > 1 and not (block.k is None and block.unsigned):
        bound = "sqrt(K)" if block.kernel.name == "spec" and block.k is not None else "1"
        otherwise = ", or unsigned = True as weights change their sign" if block.k is None else ""
        raise ValueError(f"{where}: expected abs(kappa) <= {bound}{otherwise}, got {block.kernel.kappa:g}")
