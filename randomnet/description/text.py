"""The facts of a connectome as lines of text: one fact a line, with its unit."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from randomnet.description.facts import QUANTILES

WIDTH = 30  # of the names of facts
LABELS_SHOWN = 8  # of a kind of label
ROUNDING = 1e-12  # relative difference of two sums of the same weights in another order
LEFT_OUT = {  # what the readers count, as they name it in the provenance
    "rows_read": "rows read",
    "rows_of_edges": "rows of edges",
    "autapses": "autapses in the file",
    "autapses_dropped": "autapses dropped",
    "duplicates_summed": "duplicate edges summed",
    "zero_weights_dropped": "edges of weight 0 dropped",
    "pairs_below_min_synapses": "below min_synapses, dropped",
    "neurons_without_edges_dropped": "neurons without edges, dropped",
    "neurons_outside_component_dropped": "outside the component, dropped",
    "neurons_of_unknown_transmitter": "neurons of unknown transmitter",
    "synapses_of_unknown_transmitter": "their synapses",
    "kenyon_cells_overridden": "Kenyon cells made cholinergic",
    "kenyon_synapses_overridden": "their synapses",
    "neurons_without_sign": "neurons without a sign",
    "synapses_without_sign": "their synapses, lost",
    "edges_without_sign_dropped": "their edges, dropped",
    "diagonal_replaced": "regions' own weights replaced",
}
STEPS = {  # what was done to the network, in this order
    "largest_component": "largest component {}",
    "null": "null {}",
    "initial_weights": "weights drawn by init = {}",
    "normalization": "normalization {}",
    "g": "g = {:g}",
    "background": "without edges of its own",
    "rank": "with factors of rank {}, which this leaves out",
}


def as_text(about: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> str:
    """Lines of what `describe` found; before: `weight_facts` of the network as it was read, before all that."""
    groups = (_origin(about), _left_out(about), _structure(about), _labels(about), _dynamics(about))
    lines = [f"{name:{WIDTH}}  {value}" for group in groups for name, value in group]
    return "\n".join([_title(about), *(f"  {line}" for line in [*lines, *_table(about, before)])])


def steps(notes: Mapping[str, Any]) -> str:
    """What was done to a network, by its provenance or its facts."""
    return ", ".join(text.format(notes[key]) for key, text in STEPS.items() if key in notes)


def draws_as_text(drawn: Sequence[Mapping[str, Any]], iterations: int) -> str:
    """A table of the mean, standard deviation (n - 1) and range of what `describe` found of several draws.

    iterations: how many the experiment has. A fact that is not known of all draws is left out.
    """
    columns = [_quantities(about) for about in drawn]
    names = [name for name in columns[0] if all(name in column for column in columns)]
    rows = {name: np.array([column[name] for column in columns]) for name in names}
    of = f"all {iterations}" if len(drawn) == iterations else f"the first {len(drawn)} of {iterations}"
    lines = [f"every iteration has a network of its own; over {of} iterations:",
             f"{'':{WIDTH}}{'mean':>13}{'sd':>13}{'smallest':>13}{'largest':>13}"]  # fmt: skip
    for name, values in rows.items():
        spread = values.std(ddof=1) if np.ptp(values) > ROUNDING * np.abs(values).max() else 0.0
        row = (values.mean(), spread, values.min(), values.max())
        lines.append(f"{name:{WIDTH}}" + "".join(f"{value:>13.5g}" for value in row))
    return "\n".join(f"  {line}" for line in lines)


def _quantities(about: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of one network that may differ between draws; its spectral radius where that has converged."""
    radius, weights = about["spectral_radius"], about["weights"]
    found = {name: about[name] for name in ("edges", "density", "reciprocity")}
    found |= {f"{sign} neurons": about[sign] for sign in ("excitatory", "inhibitory")}
    if "edges_moved" in about:
        found["share of edges moved"] = about["edges_moved"]
    found |= {f"mean |J|, {sign}": weights[sign]["mean"] for sign in ("excitatory", "inhibitory")
              if weights[sign]["count"]}  # fmt: skip
    return found | ({"spectral radius": radius["value"]} if radius["exact"] or radius["converged"] else {})


def _title(about: Mapping[str, Any]) -> str:
    made = "synthetic, not measured" if about["synthetic"] else "measured"
    if "null" in about:
        made = f"a null model of the {'synthetic' if about['synthetic'] else 'measured'} network"
    return f"{about['name']} ({made}), as the runs use it: {steps(about) or 'as it was stored'}"


def _origin(about: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "source", about["source"]
    if "found" in about:
        yield "format", f"{about['format']}: {about['found']}"
    for name, checksum in about.get("files", {}).items():
        yield "file", f"{name}, sha256 {checksum}"
    if "rows" in about:
        yield "rows of the file", f"{about['rows']}{_because(about)}"
    yield "sha256 of this network", about["sha256"]


def _because(about: Mapping[str, Any]) -> str:
    side = {"source": "presynaptic", "target": "postsynaptic"}[about["rows"]]
    return f" ({side}{'; ' + about['rows_because'] if 'rows_because' in about else ''})"


def _left_out(about: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if "sign_policy" in about:
        yield "sign_policy", about["sign_policy"]
    for key, text in LEFT_OUT.items():
        if key in about and not (key == "rows_of_edges" and about[key] == about.get("rows_read")):
            yield text, f"{about[key]:,.10g}"


def _structure(about: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    n, sizes = about["neurons"], about.get("neurons_per_region")
    yield "neurons", f"{n:,}" + (f", {min(sizes):,} to {max(sizes):,} of each of {len(sizes)} regions" if sizes else "")
    yield "edges", f"{about['edges']:,}"
    yield "density", f"{about['density']:.4g} of the N (N - 1) pairs"
    yield "reciprocity", f"{about['reciprocity']:.4g} of the edges are answered by one of the reverse direction"
    own = about["self_connections"]
    yield "self-connections", f"{own:,}" + (", which count as answered" if own else "")
    if about["weights"]["zero"]:
        yield "edges of weight 0", f"{about['weights']['zero']:,}"
    for kind, one in about["components"].items():
        largest = f"the largest of {one['largest']:,} neurons ({one['largest'] / n:.1%})"
        yield f"{kind}ly connected", f"{_plural(one['number'], 'component')}, {largest}"


def _labels(about: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    parts = {
        "excitatory": about["excitatory"],
        "inhibitory": about["inhibitory"],
        "of both signs": about["mixed_signs"],
        "without output": about["neurons_without_output"],
    }
    yield "signs of neurons", ", ".join(f"{count:,} {text}" for text, count in parts.items())
    if "mixed_first" in about:
        more = ", ..." * (about["mixed_signs"] > len(about["mixed_first"]))
        yield "of both signs", ", ".join(about["mixed_first"]) + more
    for kind, counts in about["labels"].items():
        shown = [f"{label} {count:,} ({count / about['neurons']:.1%})" for label, count in counts.items()]
        more = [f"and {len(counts) - LABELS_SHOWN:,} more"] * (len(counts) > LABELS_SHOWN)
        named = ", ".join(shown[:LABELS_SHOWN] + more)
        all_alike = len(counts) == about["neurons"] > 1
        yield kind, f"{len(counts):,}, one of each neuron" if all_alike else f"{_plural(len(counts), 'group')}: {named}"


def _dynamics(about: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for sign, residual in about.get("sinkhorn_residual", {}).items():
        yield f"Sinkhorn, {sign}", f"column sums depart by at most {residual:.2g} of their target"
    radius = about["spectral_radius"]
    if radius["exact"]:
        yield "spectral radius", f"{radius['value']:.6g} (all eigenvalues, dense)"
    elif radius["converged"]:
        digits = int(np.clip(-np.log10(max(radius["residual"], 1e-9)), 2, 6))
        yield "spectral radius", f"about {radius['value']:.{digits}g} ({_arnoldi(radius, digits)})"
    else:
        yield "spectral radius", f"about {radius['value']:.2g}, not converged ({_arnoldi(radius, 2)})"


def _arnoldi(radius: Mapping[str, Any], digits: int) -> str:
    return f"{digits} digits; sparse Arnoldi iteration, relative residual {radius['residual']:.2g}"


def _table(about: Mapping[str, Any], before: Mapping[str, Any] | None) -> Iterator[str]:
    """Quantiles: of degrees, of weights as used, and of weights as they were read."""
    yield f"{'quantiles':{WIDTH + 14}}{''.join(f'{percent:>9} %' for percent in QUANTILES)}{'mean':>11}"
    weights, said = about["weights"], "as used"
    if before == weights:
        before, said = None, "as read and used"
    rows = {"in-degree (edges)": about["in_degree"], "out-degree (edges)": about["out_degree"]}
    for sign in ("excitatory", "inhibitory"):
        rows[f"|J| {sign}, {said} ({weights['unit']})"] = weights[sign]
    if before:
        for sign in ("excitatory", "inhibitory"):
            rows[f"|J| {sign}, as read ({before['unit']})"] = before[sign]
    for name, row in rows.items():
        values = [*row["quantiles"].values(), row["mean"]] if row["count"] else []
        yield f"{name:{WIDTH + 14}}" + ("".join(f"{value:>11.4g}" for value in values) or "  no such edge")


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}{'s' * (count != 1)}"
