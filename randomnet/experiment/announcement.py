"""What the console says of the networks of a plan before the runs start: one text for each that differs."""

from collections.abc import Iterator, Sequence
from typing import Any

from randomnet.experiment.floors import smallest_p
from randomnet.experiment.redrawing import is_redrawn
from randomnet.schema.config import Config
from randomnet.schema.plan import Combo, Plan

NETWORKS_SHOWN = 6
BALANCED = 0.01  # of a column sum's target: a larger departure is named


def announcement(plan: Plan, facts: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Lines for the console; facts: of the network of iteration 0, one entry per combo, as `experiment.check` has them.

    Combos whose networks differ by their spectral radius alone, as those of a grid of g do, share one text.
    """
    networks: dict[str, list[int]] = {}
    for index, (combo, about) in enumerate(zip(plan.combos, facts, strict=True)):
        networks.setdefault(_network_text(about, combo.config), []).append(index)
    for text, same in list(networks.items())[:NETWORKS_SHOWN]:
        radius = _radius_text([facts[index] for index in same])
        if len(networks) > 1:
            yield f"{combos_text(plan, [plan.combos[index] for index in same])}:"
        yield "\n  ".join(filter(None, [*text.split("\n")[:2], radius, *text.split("\n")[2:]]))
    if len(networks) > NETWORKS_SHOWN:
        yield f"... and {len(networks) - NETWORKS_SHOWN} more networks; --describe has all of them"
    yield from dict.fromkeys(_task_text(about["task"]) for about in facts if {"task", "edges"} <= about.keys())
    yield from smallest_p(plan, facts)


def combos_text(plan: Plan, same: Sequence[Combo]) -> str:
    """The numbers of these combos, and the gridded values that they have in common."""
    numbers = ", ".join(str(combo.index) for combo in same[:8]) + (", ..." if len(same) > 8 else "")
    values = shared_values(plan, same)
    return f"combo{'s' * (len(same) > 1)} {numbers}{' (' + values + ')' if values else ''}"


def shared_values(plan: Plan, same: Sequence[Combo]) -> str:
    """The gridded values that these combos have in common."""
    first = same[0].values
    return ", ".join(f"{name} = {first[name]}" for name in plan.varied
                     if all(combo.values[name] == first[name] for combo in same))  # fmt: skip


def _network_text(about: dict[str, Any], config: Config) -> str:
    """What the combo's network is, but for its spectral radius; the first two lines are its size and its edges."""
    if "edges" not in about:
        return f"From {about['name']}: {about['neurons']} neurons; {about['source']}"
    size = f"{about['neurons']} neurons, {about['edges']} edges; {about['source']}"
    lines = [f"Network {about['name']} ({_origin(about, config)}): {size}"]
    if "excitatory" in about:
        lines.append(
            f"density {about['density']:.3g}, reciprocity {about['reciprocity']:.2f}, {about['excitatory']} "
            f"excitatory, {about['inhibitory']} inhibitory, {about['mixed_signs']} of both signs"
        )
    lines += _null_lines(about)
    for sign, residual in about.get("sinkhorn_residual", {}).items():
        verdict = "" if residual <= BALANCED else " (not balanced: its pattern of edges does not allow it)"
        lines.append(f"Sinkhorn: {sign} column sums depart by at most {residual:.2g} of their target{verdict}")
    return "\n".join(lines)


def _null_lines(about: dict[str, Any]) -> Iterator[str]:
    """What a null model does to the connectome; nothing of a connectome itself, or a null of an older manifest."""
    if "edges_shared" in about:
        anew = f", normalized anew by {about['normalization']}" if about.get("normalized_after_null") else ""
        yield f"null {about['null']}: {about['edges_shared']:.0%} of the connectome's edges are edges here too{anew}"
    for note in about.get("null_notes", ()):
        yield f"Note: {note}"


def _origin(about: dict[str, Any], config: Config) -> str:
    """Whether it is measured, synthetic or a null model, and of how many draws this is one."""
    origin = "synthetic, not measured" if about["synthetic"] else "measured"
    if "null" in about:
        origin = f"null model {about['null']} of the {'synthetic' if about['synthetic'] else 'measured'} network"
    if "excitatory" not in about or config.trainvalidate.iterations < 2:
        return origin
    drawn = f"drawn anew in each of {config.trainvalidate.iterations} iterations, this is the first"
    return f"{origin}; {drawn}" if is_redrawn(about, config) else origin


def _radius_text(facts: Sequence[dict[str, Any]]) -> str:
    """Spectral radius before and after normalization and g, and its range over these combos; empty where unknown."""
    if not all({"spectral_radius", "spectral_radius_before"} <= about.keys() for about in facts):
        return ""
    before, after = ([about[name] for about in facts] for name in ("spectral_radius_before", "spectral_radius"))
    return f"spectral radius {_range(before)} as it is, {_range(after)} after normalization and g"


def _range(values: Sequence[float]) -> str:
    low, high = (f"{value:.4g}" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _task_text(task: dict[str, Any]) -> str:
    made = "synthetic, made up" if task["synthetic"] else task["source"]
    return f"  task {task['name']}: {task['trials']}; data: {made}"
