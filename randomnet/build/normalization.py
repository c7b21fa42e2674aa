"""From [net] normalization to a normalised connectome, by a chain of scalings that are applied in sequence."""

from typing import Any

import numpy as np

from randomnet.connectome import ONE_SIGN, SCALINGS, Connectome, sinkhorn
from randomnet.connectome.scalings import VANISHED, vanished
from randomnet.nulls import NULLS
from randomnet.schema.sections.network import NetSection
from randomnet.settings import ConfigError, steps_of


def normalize(chain: str, connectome: Connectome, net: NetSection) -> Connectome:
    """Return the connectome after all steps of the chain, which its provenance records. Raises ConfigError.

    A chain of several steps is recorded as `normalization_steps`: the name of each and the number that it divided by,
    or Sinkhorn's residuals. `normalized_after_null` is True for null models, because every step depends on the null.
    """
    scaled, records = connectome, []
    for step in steps_of(chain):
        scaled = _step(step, scaled, net)
        note = SCALINGS[step].note
        records.append({"step": step} | ({note: scaled.provenance[note]} if note else {}))
    if not records:
        return connectome
    notes: dict[str, Any] = {"normalization": chain}
    if len(records) > 1:
        notes["normalization_steps"] = records
    if "null" in connectome.provenance:
        notes["normalized_after_null"] = True
    return scaled.replace(scaled.weights, **notes)


def _step(step: str, connectome: Connectome, net: NetSection) -> Connectome:
    """Return the connectome after one step. Raises ConfigError where the step does not fit, or loses weights."""
    scaling = SCALINGS[step]
    arguments = {argument: getattr(net, option) for option, argument in scaling.settings.items()}
    try:
        with np.errstate(all="ignore"):
            normalised = scaling.scale(connectome, **arguments)
    except ValueError as error:
        advice = _other_scalings(connectome) if connectome.mixed and scaling.needs == ONE_SIGN else ""
        raise ConfigError(f"[net] normalization: expected one that fits, got {step!r}: {error}{advice}") from None
    lost = _lost(normalised, connectome)
    if lost:
        sizes = np.abs(connectome.weights)
        remedy = _remedy(connectome, net) if step == "sinkhorn" else ""
        smaller = vanished(normalised.weights, connectome.weights) - lost
        more = f" and {smaller} more to less than {VANISHED:g} of the largest" if smaller > 0 else ""
        raise ConfigError(
            f"[net] normalization: expected one that keeps all weights, got {step!r}, which loses {lost} of "
            f"{len(sizes)} to rounding{more}, as they reach from {sizes.min():.3g} to {sizes.max():.3g}{remedy}"
        )
    return normalised


def _other_scalings(connectome: Connectome) -> str:
    """Which normalizations need no signs, and which null has mixed these."""
    null = connectome.provenance.get("null", "")
    mixing = f"; null = {null} mixes them" if null in NULLS and NULLS[null].mixes_signs else ""
    fitting = [name for name, scaling in SCALINGS.items() if not scaling.needs]
    return f"{mixing}; {', '.join(fitting)} and spectral_radius need no signs"


def _lost(normalised: Connectome, before: Connectome) -> int:
    """Return how many weights have become 0, or are not 0 any more."""
    return int(((normalised.weights == 0) != (before.weights == 0)).sum())


def _remedy(connectome: Connectome, net: NetSection) -> str:
    """Return advice with a number of sweeps that keeps all weights, and its balance; empty where no number does.

    A weight is kept that stays above VANISHED times the largest. A pattern of edges without total support has no
    balance: some weights fall by the same factor with every sweep, and the column sums stop changing long before these
    are 0 (Sinkhorn & Knopp 1967).
    """
    sweeps = net.sinkhorn_iterations // 10
    while sweeps:
        fewer = sinkhorn(connectome, sweeps, net.sinkhorn_tolerance)
        if not vanished(fewer.weights, connectome.weights):
            residual = max(fewer.provenance["sinkhorn_residual"].values())
            return (
                "; their pattern of edges allows no balance, so that some weights fall with every sweep; "
                f"sinkhorn_iterations = {sweeps} keeps all (column sums depart by {residual:.2g}), and so does "
                "normalization = balanced, which scales inputs alone"
            )
        sweeps //= 10
    return ""
