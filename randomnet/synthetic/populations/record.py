"""The description of a population network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral

import numpy as np

from randomnet.synthetic.populations.kernels import Block, Kernel, check_limits, check_number, choice

# xi1 = xi2 and xi3 = xi4, standard normal: the symmetric structure of rank 2
SYMMETRIC = ((1.0, 1.0, 0.0, 0.0), (1.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 1.0), (0.0, 0.0, 1.0, 1.0))


@dataclass(frozen=True)
class Populations:
    """A network of populations; it checks itself (ValueError: the field, what was expected, what came).

    names, sizes: of the populations. couplings: block -> J_AB; block "EI" is what E receives from I; a block that is
    missing has no edges. in_degree: K of each presynaptic population; None: all-to-all. kernels: block -> Kernel,
    uniform where missing. gain: multiplies every recurrent weight.
    external: population -> J_A0; its neurons are driven by sqrt(external_degree) external_rate J_A0, whatever the
    gain, and by external_rate J_A0 where external_degree is None (all-to-all has no K); populations without by 0.
    fixed_in_degree: every neuron has exactly K inputs, not K on average. self_connections: whether they are possible.
    unsigned: a population may excite some and inhibit others.
    low_rank_means (4,), low_rank_covariance (4, 4): of a neuron's xi1 .. xi4; block AB reads xi1 and xi3 of A, xi2
    and xi4 of B. By default xi1 = xi2 and xi3 = xi4 are standard normal and independent: symmetric, of rank 2.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    couplings: Mapping[str, float]
    in_degree: tuple[float, ...] | None
    kernels: Mapping[str, Kernel] = field(default_factory=dict)
    gain: float = 1.0
    external: Mapping[str, float] = field(default_factory=dict)
    external_rate: float = 0.0
    external_degree: float | None = None
    fixed_in_degree: bool = False
    self_connections: bool = False
    unsigned: bool = False
    low_rank_means: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    low_rank_covariance: tuple[tuple[float, ...], ...] = SYMMETRIC

    def __post_init__(self) -> None:
        _check_names_and_sizes(self)
        _check_numbers(self)
        _check_in_degree(self)
        _check_couplings(self)
        _check_low_rank(self)
        for block in self.blocks():
            check_limits(block, self.names[block.b])

    @property
    def n(self) -> int:
        """Number of neurons N."""
        return int(sum(self.sizes))

    def blocks(self) -> list[Block]:
        """The blocks that have a coupling, by postsynaptic, then presynaptic population."""
        pairs = [(a, b) for a in range(len(self.names)) for b in range(len(self.names))]
        return [self._block(a, b) for a, b in pairs if self.names[a] + self.names[b] in self.couplings]

    def _block(self, a: int, b: int) -> Block:
        name = self.names[a] + self.names[b]
        return Block(
            name,
            a,
            b,
            n_post=int(self.sizes[a]),
            n_pre=int(self.sizes[b]),
            strength=self.gain * self.couplings[name],
            kernel=self.kernels.get(name, Kernel()),
            k=None if self.in_degree is None else self.in_degree[b],
            fixed=self.fixed_in_degree,
            without_self=a == b and not self.self_connections,
            unsigned=self.unsigned,
        )


def _check_names_and_sizes(about: Populations) -> None:
    names, sizes = list(about.names), list(about.sizes)
    if not names or not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise ValueError(f"names: expected at least one text, none empty and none twice, got {names}")
    whole = all(isinstance(size, Integral) and not isinstance(size, bool) and size >= 1 for size in sizes)
    if len(sizes) != len(names) or not whole:
        raise ValueError(f"sizes: expected {len(names)} whole numbers >= 1, one per population, got {sizes}")
    seen: dict[str, str] = {}
    for post in names:
        for pre in names:
            pair = f"{post} from {pre}"
            if seen.setdefault(post + pre, pair) != pair:
                raise ValueError(
                    f"names: expected names whose blocks can be told apart, "
                    f"got {post + pre!r} for both {seen[post + pre]} and {pair}"
                )


def _check_numbers(about: Populations) -> None:
    check_number("gain", about.gain, "a number >= 0", least=0)
    check_number("external_rate", about.external_rate)
    if about.external_degree is not None:
        check_number("external_degree", about.external_degree, "a number >= 0, or None", least=0)
    for name, value in about.external.items():
        if name not in about.names:
            raise ValueError(f"external: expected populations, {choice(name, about.names)}")
        check_number(f"external[{name!r}]", value)


def _check_in_degree(about: Populations) -> None:
    if about.in_degree is None:
        if about.fixed_in_degree:
            raise ValueError("fixed_in_degree: expected False where in_degree is None (all-to-all), got True")
        return
    if np.ndim(about.in_degree) != 1 or len(about.in_degree) != len(about.names):
        raise ValueError(f"in_degree: expected {len(about.names)} numbers, one per population, got {about.in_degree}")
    for name, k in zip(about.names, about.in_degree, strict=True):
        check_number(f"in_degree of {name}", k, "a number > 0", least=np.nextafter(0, 1))
        if about.fixed_in_degree and k != int(k):
            raise ValueError(f"in_degree of {name}: expected a whole number as it is fixed, got {k!r}")


def _check_couplings(about: Populations) -> None:
    possible = [post + pre for post in about.names for pre in about.names]
    for name, value in about.couplings.items():
        if name not in possible:
            raise ValueError(f"couplings: expected blocks, {choice(name, possible)}")
        check_number(f"couplings[{name!r}]", value)
        check_number(f"couplings[{name!r}] times gain", value * about.gain)
    for name, kernel in about.kernels.items():
        if name not in about.couplings:
            raise ValueError(f"kernels: expected blocks that have a coupling, {choice(name, about.couplings)}")
        if not isinstance(kernel, Kernel):
            raise ValueError(f"kernels[{name!r}]: expected a Kernel, got {kernel!r}")
    for pre in about.names if not about.unsigned else ():
        column = {post + pre: about.couplings.get(post + pre, 0.0) for post in about.names}
        if min(column.values()) < 0 < max(column.values()):
            came = ", ".join(f"{name} = {value:g}" for name, value in column.items() if value)
            raise ValueError(f"couplings: expected one sign for all that {pre} reaches, or unsigned = True, got {came}")


def _check_low_rank(about: Populations) -> None:
    means, covariance = np.asarray(about.low_rank_means, float), np.asarray(about.low_rank_covariance, float)
    if means.shape != (4,) or not np.isfinite(means).all():
        raise ValueError(f"low_rank_means: expected 4 finite numbers, got {about.low_rank_means}")
    if covariance.shape != (4, 4) or not np.isfinite(covariance).all() or (covariance != covariance.T).any():
        raise ValueError(f"low_rank_covariance: expected a symmetric 4 x 4 matrix, got {about.low_rank_covariance}")
    least = np.linalg.eigvalsh(covariance)[0]
    if least < -1e-9 * np.abs(covariance).max():
        raise ValueError(f"low_rank_covariance: expected no negative eigenvalue, got {least:.3g}")
