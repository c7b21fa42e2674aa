"""What the console prints of a plan's networks before the runs start: one text for each different network."""

from collections.abc import Iterator, Sequence
from typing import Any

from randomnet.description import errors_of, null_of, reading_notes, sinkhorn_notes
from randomnet.experiment.attainable_p import smallest_p
from randomnet.experiment.redraws import is_redrawn
from randomnet.schema.config import Config
from randomnet.schema.plan import Combo, Plan

NETWORKS_SHOWN = 6


def announcement(plan: Plan, facts: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield lines for the console.

    facts: of the network of iteration 0, one entry per combo, as `experiment.check` returns them. Combos whose networks
    differ only in spectral radius, such as those of a grid of g, share one text.
    """
    networks: dict[str, list[int]] = {}
    for index, (combo, combo_facts) in enumerate(zip(plan.combos, facts, strict=True)):
        networks.setdefault(_network_text(combo_facts, combo.config), []).append(index)
    for text, combos in list(networks.items())[:NETWORKS_SHOWN]:
        radius = _radius_text([facts[index] for index in combos])
        if len(networks) > 1:
            yield f"{combos_text(plan, [plan.combos[index] for index in combos])}:"
        yield "\n  ".join(filter(None, [*text.split("\n")[:2], radius, *text.split("\n")[2:]]))
    if len(networks) > NETWORKS_SHOWN:
        yield f"... and {len(networks) - NETWORKS_SHOWN} more networks; --describe has all of them"
    yield from dict.fromkeys(_task_text(each["task"]) for each in facts if {"task", "edges"} <= each.keys())
    yield from smallest_p(plan, facts)


def combos_text(plan: Plan, combos: Sequence[Combo]) -> str:
    """Return the numbers of these combos, and the gridded values that they have in common."""
    numbers = ", ".join(str(combo.index) for combo in combos[:8]) + (", ..." if len(combos) > 8 else "")
    values = shared_values(plan, combos)
    return f"combo{'s' * (len(combos) > 1)} {numbers}{' (' + values + ')' if values else ''}"


def shared_values(plan: Plan, combos: Sequence[Combo]) -> str:
    """Return the gridded values that these combos have in common."""
    first = combos[0].values
    return ", ".join(f"{name} = {first[name]}" for name in plan.varied
                     if all(combo.values[name] == first[name] for combo in combos))  # fmt: skip


def _network_text(facts: dict[str, Any], config: Config) -> str:
    """Return a text on a network without its spectral radius; the first two lines are its size and its edges."""
    if "edges" not in facts:
        return f"From {facts['name']}: {facts['neurons']} neurons; {facts['source']}"
    size = f"{facts['neurons']} neurons, {facts['edges']} edges; {facts['source']}"
    lines = [f"Network {facts['name']} ({_origin(facts, config)}): {size}"]
    if "excitatory" in facts:
        lines.append(
            f"density {facts['density']:.3g}, reciprocity {facts['reciprocity']:.2f}, {facts['excitatory']} "
            f"excitatory, {facts['inhibitory']} inhibitory, {facts['mixed_signs']} of both signs"
        )
    lines += [*_null_lines(facts), *(f"in error: {text}" for text in filter(None, [errors_of(facts)]))]
    lines += [*sinkhorn_notes(facts), *reading_notes(facts)]
    return "\n".join(lines)


def _null_lines(facts: dict[str, Any]) -> Iterator[str]:
    """Yield how a null model differs from the connectome; empty for a connectome, or a null of an older manifest."""
    if "edges_shared" in facts:
        anew = f", normalized anew by {facts['normalization']}" if facts.get("normalized_after_null") else ""
        yield f"null {facts['null']}: {facts['edges_shared']:.0%} of the connectome's edges are edges here too{anew}"
    for note in facts.get("null_notes", ()):
        yield f"Note: {note}"


def _origin(facts: dict[str, Any], config: Config) -> str:
    """Return whether the network is measured, synthetic or a null model, and one of how many draws."""
    origin = "synthetic, not measured" if facts["synthetic"] else "measured"
    if null := null_of(facts):
        origin = f"null model {null} of the {'synthetic' if facts['synthetic'] else 'measured'} network"
    if "excitatory" not in facts or config.trainvalidate.iterations < 2:
        return origin
    drawn = f"drawn anew in each of {config.trainvalidate.iterations} iterations, this is the first"
    return f"{origin}; {drawn}" if is_redrawn(facts, config) else origin


def _radius_text(facts: Sequence[dict[str, Any]]) -> str:
    """Return the range of spectral radii over these combos before and after normalization and g; empty if unknown."""
    if not all({"spectral_radius", "spectral_radius_before"} <= each.keys() for each in facts):
        return ""
    before, after = ([each[name] for each in facts] for name in ("spectral_radius_before", "spectral_radius"))
    return f"spectral radius {_range(before)} as it is, {_range(after)} after normalization and g"


def _range(values: Sequence[float]) -> str:
    low, high = (f"{value:.4g}" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _task_text(task: dict[str, Any]) -> str:
    source = "synthetic, made up" if task["synthetic"] else task["source"]
    return f"  task {task['name']}: {task['trials']}; data: {source}"
