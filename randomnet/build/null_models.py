"""From [net] null to a draw of the null model, and from its errors to a connectome in error."""

from collections.abc import Iterator

import numpy as np

from randomnet.connectome import Connectome
from randomnet.nulls import (
    EXTENTS,
    NULLS,
    Errors,
    changing,
    differs,
    is_symmetric,
    is_unable,
    share_of_edges,
    with_errors,
)
from randomnet.schema.sections.network import NetSection
from randomnet.settings import ConfigError


def draw_null(connectome: Connectome, name: str, rng: np.random.Generator) -> Connectome:
    """Return a draw of the null model, with `edges_shared` and `null_notes` in its provenance.

    Raises ConfigError where the connectome does not allow the null model, or cannot be changed by it.
    """
    expected = "[net] null: expected one that"
    try:
        drawn = NULLS[name].draw(connectome, rng)
    except ValueError as error:
        raise ConfigError(f"{expected} {connectome.name} allows, got {name!r}: {error}") from None
    if not differs(connectome, drawn) and is_unable(connectome, name, rng):
        others = ", ".join(changing(connectome, rng))
        advice = f"; these do: {others}" if others else ""
        reason = NULLS[name].no_effect
        raise ConfigError(f"{expected} can change {connectome.name}, got {name!r}, which cannot, as {reason}{advice}")
    shared = share_of_edges(connectome, drawn)
    notes = tuple(_notes(connectome, drawn, name, shared))
    return drawn.replace(drawn.weights, edges_shared=shared, **({"null_notes": notes} if notes else {}))


def errors_of(net: NetSection) -> Errors:
    """Return how far [net] says that the connectome is in error."""
    return Errors(**{name: getattr(net, name) for name in EXTENTS})


def in_error(connectome: Connectome, net: NetSection, rng: np.random.Generator) -> Connectome:
    """Return the connectome with the errors of [net], which its provenance counts. Raises ConfigError."""
    errors = errors_of(net)
    try:
        return with_errors(connectome, errors, rng)
    except ValueError as error:
        expected = f"[net] edges_added: expected a fraction that {connectome.name} has room for"
        raise ConfigError(f"{expected}, got {errors.edges_added:g}: {error}") from None


def _notes(connectome: Connectome, drawn: Connectome, name: str, shared: float) -> Iterator[str]:
    """Yield notes on what a user may not expect of this null of this connectome."""
    null, kind = NULLS[name], drawn.provenance.get("null_groups", "region")
    if null.with_one_group and len(np.unique(connectome.labels[kind])) == 1:
        yield f"all neurons are of one {kind}, so that null {name} is {null.with_one_group}"
    if not differs(connectome, drawn):
        yield "this draw equals the connectome"
    elif shared == 1 and null.rewires:
        yield "no edge has moved: weights alone differ"
    if null.rewires and is_symmetric(connectome) and not is_symmetric(drawn):
        symmetric = [other for other, row in NULLS.items() if row.rewires and "symmetry" in row.invariants]
        yield f"null {name} loses the symmetry of the matrix; {' and '.join(symmetric)} keep it"
