"""The facts of a connectome as text: one fact per line, with its unit."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from randomnet.description.facts import QUANTILES
from randomnet.description.reading_notes import sinkhorn_notes

WIDTH = 30  # of the names of facts
MOST_LABELS = 8  # of one kind
ROUNDING = 1e-12  # relative difference of sums of the same weights in different orders
READER_COUNTS = {  # number in the provenance -> its line of text
    "rows_read": "rows read",
    "rows_of_edges": "rows of edges",
    "autapses": "autapses in the file",
    "duplicates_summed": "duplicate edges summed",
    "neurons_of_unknown_transmitter": "neurons of unknown transmitter",
    "synapses_of_unknown_transmitter": "their synapses",
    "kenyon_cells_overridden": "Kenyon cells made cholinergic",
    "kenyon_synapses_overridden": "their synapses",
    "neurons_without_sign": "neurons without a sign",
    "diagonal_replaced": "regions' own weights replaced",
}
STEPS = {  # note in the provenance -> what was done to the network, in this order
    "largest_component": "largest component {}",
    "null": "null {}",
    "edges_lost": "{:,} edges lost",
    "edges_added": "{:,} edges added",
    "weight_jitter": "weights jittered with a log-normal standard deviation of {:g}",
    "neurons_of_wrong_sign": "signs of {:,} neurons wrong",
    "edges_of_wrong_sign": "signs of {:,} edges wrong",
    "initial_weights": "weights drawn by init = {}",
    "normalization": "normalization {}",
    "g": "g = {:g}",
    "background": "without edges of its own",
    "rank": "with factors of rank {}, which are not included here",
}


ERRORS = ("edges_lost", "edges_added", "weight_jitter", "neurons_of_wrong_sign", "edges_of_wrong_sign")


def as_text(facts: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> str:
    """The facts of `describe` as lines; before: `weight_facts` of the network as it was read."""
    groups = (_origin(facts), _reading(facts), _structure(facts), _labels(facts), _dynamics(facts))
    lines = [f"{name:{WIDTH}}  {value}" for group in groups for name, value in group]
    return "\n".join([_title(facts), *(f"  {line}" for line in [*lines, *_table(facts, before)])])


def steps(notes: Mapping[str, Any]) -> str:
    """What was done to a network, from its provenance or its facts; "" where nothing was done."""
    return ", ".join(text.format(notes[key]) for key, text in STEPS.items() if key in notes)


def errors_of(facts: Mapping[str, Any]) -> str:
    """What a connectome in error lacks, or has wrong; "" where nothing is."""
    return steps({name: facts[name] for name in ERRORS if name in facts})


def null_of(facts: Mapping[str, Any]) -> str:
    """The null model that a network is, as it was drawn here or saved; "" for a connectome."""
    return str(facts.get("null") or facts.get("saved", {}).get("null", ""))


def draws_as_text(drawn: Sequence[Mapping[str, Any]], iterations: int) -> str:
    """A table of mean, standard deviation (n - 1) and range over several draws of a network.

    drawn: the facts of `describe` of each draw. iterations: how many the experiment has. A fact that some draws lack is
    left out.
    """
    columns = [_numbers(facts) for facts in drawn]
    names = [name for name in columns[0] if all(name in column for column in columns)]
    rows = {name: np.array([column[name] for column in columns]) for name in names}
    draws = f"all {iterations}" if len(drawn) == iterations else f"the first {len(drawn)} of {iterations}"
    lines = [f"every iteration has a network of its own; over {draws} iterations:",
             f"{'':{WIDTH}}{'mean':>13}{'sd':>13}{'smallest':>13}{'largest':>13}"]  # fmt: skip
    for name, values in rows.items():
        spread = values.std(ddof=1) if np.ptp(values) > ROUNDING * np.abs(values).max() else 0.0
        row = (values.mean(), spread, values.min(), values.max())
        lines.append(f"{name:{WIDTH}}" + "".join(f"{value:>13.5g}" for value in row))
    return "\n".join(f"  {line}" for line in lines)


def _numbers(facts: Mapping[str, Any]) -> dict[str, float]:
    """Numbers of one network that may differ between draws; the spectral radius only where it has converged."""
    radius, weights = facts["spectral_radius"], facts["weights"]
    numbers = {name: facts[name] for name in ("edges", "density", "reciprocity")}
    numbers |= {f"{sign} neurons": facts[sign] for sign in ("excitatory", "inhibitory")}
    if "edges_moved" in facts:
        numbers["share of edges moved"] = facts["edges_moved"]
    numbers |= {f"mean |J|, {sign}": weights[sign]["mean"] for sign in ("excitatory", "inhibitory")
                if weights[sign]["count"]}  # fmt: skip
    return numbers | ({"spectral radius": radius["value"]} if radius["exact"] or radius["converged"] else {})


def _title(facts: Mapping[str, Any]) -> str:
    origin = "synthetic, not measured" if facts["synthetic"] else "measured"
    if null_of(facts):
        origin = f"a null model of the {'synthetic' if facts['synthetic'] else 'measured'} network"
    return f"{facts['name']} ({origin}), as the runs use it: {steps(facts) or 'as it was stored'}"


def _origin(facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "source", facts["source"]
    if "found" in facts:
        yield "format", f"{facts['format']}: {facts['found']}"
    for name, checksum in facts.get("files", {}).items():
        yield "file", f"{name}, sha256 {checksum}"
    if "rows" in facts:
        yield "rows of the file", f"{facts['rows']}{_because(facts)}"
    yield "sha256 of this network", facts["sha256"]


def _because(facts: Mapping[str, Any]) -> str:
    side = {"source": "presynaptic", "target": "postsynaptic"}[facts["rows"]]
    return f" ({side}{'; ' + facts['rows_because'] if 'rows_because' in facts else ''})"


def _reading(facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if "sign_policy" in facts:
        yield "sign_policy", facts["sign_policy"]
    for key, text in READER_COUNTS.items():
        if key in facts and not (key == "rows_of_edges" and facts[key] == facts.get("rows_read")):
            yield text, f"{facts[key]:,.10g}"


def _structure(facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    n, sizes = facts["neurons"], facts.get("neurons_per_region")
    yield "neurons", f"{n:,}" + (f", {min(sizes):,} to {max(sizes):,} of each of {len(sizes)} regions" if sizes else "")
    yield "edges", f"{facts['edges']:,}"
    yield "density", f"{facts['density']:.4g} of the N (N - 1) pairs"
    yield "reciprocity", f"{facts['reciprocity']:.4g} of the edges have a reverse edge"
    count = facts["self_connections"]
    yield "self-connections", f"{count:,}" + (", which count as their own reverse" if count else "")
    if facts["weights"]["zero"]:
        yield "edges of weight 0", f"{facts['weights']['zero']:,}"
    for kind, component in facts["components"].items():
        largest = f"the largest of {component['largest']:,} neurons ({component['largest'] / n:.1%})"
        yield f"{kind}ly connected", f"{_plural(component['number'], 'component')}, {largest}"


def _labels(facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    parts = {
        "excitatory": facts["excitatory"],
        "inhibitory": facts["inhibitory"],
        "of both signs": facts["mixed_signs"],
        "without output": facts["neurons_without_output"],
    }
    yield "signs of neurons", ", ".join(f"{count:,} {text}" for text, count in parts.items())
    if "mixed_first" in facts:
        more = ", ..." * (facts["mixed_signs"] > len(facts["mixed_first"]))
        yield "of both signs", ", ".join(facts["mixed_first"]) + more
    for kind, counts in facts["labels"].items():
        shares = [f"{label} {count:,} ({count / facts['neurons']:.1%})" for label, count in counts.items()]
        more = [f"and {len(counts) - MOST_LABELS:,} more"] * (len(counts) > MOST_LABELS)
        groups = f"{_plural(len(counts), 'group')}: {', '.join(shares[:MOST_LABELS] + more)}"
        is_unique = len(counts) == facts["neurons"] > 1
        yield kind, f"{len(counts):,}, a different one for each neuron" if is_unique else groups


def _dynamics(facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for note in sinkhorn_notes(facts):
        name, _, rest = note.partition(": ")
        yield (name, rest) if name == "Sinkhorn" else ("", note)
    radius = facts["spectral_radius"]
    if radius["exact"]:
        yield "spectral radius", f"{radius['value']:.6g} (all eigenvalues, dense)"
    elif radius["converged"]:
        digits = int(np.clip(-np.log10(max(radius["residual"], 1e-9)), 2, 6))
        yield "spectral radius", f"about {radius['value']:.{digits}g} ({_arnoldi(radius, digits)})"
    else:
        yield "spectral radius", f"about {radius['value']:.2g}, not converged ({_arnoldi(radius, 2)})"


def _arnoldi(radius: Mapping[str, Any], digits: int) -> str:
    return f"{digits} digits; sparse Arnoldi iteration, relative residual {radius['residual']:.2g}"


def _table(facts: Mapping[str, Any], before: Mapping[str, Any] | None) -> Iterator[str]:
    """Quantiles of degrees, of weights as used, and of weights as read."""
    yield f"{'quantiles':{WIDTH + 14}}{''.join(f'{percent:>9} %' for percent in QUANTILES)}{'mean':>11}"
    weights, stage = facts["weights"], "as used"
    if before == weights:
        before, stage = None, "as read and used"
    rows = {"in-degree (edges)": facts["in_degree"], "out-degree (edges)": facts["out_degree"]}
    for sign in ("excitatory", "inhibitory"):
        rows[f"|J| {sign}, {stage} ({weights['unit']})"] = weights[sign]
    if before:
        for sign in ("excitatory", "inhibitory"):
            rows[f"|J| {sign}, as read ({before['unit']})"] = before[sign]
    for name, row in rows.items():
        values = [*row["quantiles"].values(), row["mean"]] if row["count"] else []
        yield f"{name:{WIDTH + 14}}" + ("".join(f"{value:>11.4g}" for value in values) or "  no such edge")


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}{'s' * (count != 1)}"
