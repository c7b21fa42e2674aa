"""Signs of outgoing weights from the transmitters of neurons, by one of SIGN_POLICIES.

Kenyon cells (types that start with KC, or the class Kenyon_Cell) are cholinergic, even where a prediction differs; that
of the hemibrain says dopamine. A neuron may have several transmitters, joined by ", "; its sign is that of those which
have one, and unknown where they contradict each other.
"""

import dataclasses
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from randomnet.connectome import Connectome, subset
from randomnet.formats.files import FormatError
from randomnet.formats.options import Options
from randomnet.formats.sign_policies import SIGN_POLICIES, TRANSMITTER_SIGNS, SignPolicy
from randomnet.formats.spellings import normalized, words_of
from randomnet.formats.tables.cells import shown

UNKNOWN = "unknown"
LABEL, TYPE, CLASS = "neurotransmitter", "type", "class"
SPELLINGS = {
    "acetylcholine": ("ach", "acetylcholine", "cholinergic", "acetylcholin", "acetilcolina", "cholinerg",
                      "colinergico"),
    "gaba": ("gaba", "gabaergic", "gaba-ergic", "gabaerg", "gabaergico", "gamma-aminobutyric acid"),
    "glutamate": ("glut", "glu", "glutamate", "glutamatergic", "l-glutamate", "glutamat", "glutamato", "glutamaterg",
                  "glutamatergico"),
    "glycine": ("gly", "glycine", "glycinergic", "glycin", "glyzin", "glicina"),
    "histamine": ("hist", "his", "histamine", "histaminergic", "histamin", "histamina"),
    "serotonin": ("ser", "serotonin", "5ht", "5-ht", "serotonergic", "serotonina", "serotonine"),
    "octopamine": ("oct", "octopamine", "oa", "octopaminergic", "octopamin", "oktopamin", "octopamina"),
    "dopamine": ("da", "dopamine", "dopaminergic", "dopamin", "dopamina", "dopaminerg"),
    "tyramine": ("tyr", "ta", "tyramine", "tyraminergic", "tyramin", "tiramina"),
    "neither": ("neither",),  # a classifier's answer, kept apart from neurons without one; unknown as well
    UNKNOWN: ("", "nan", "none", "null", "unknown", "unclear", "unc", "na", "n/a", "<na>", "?"),
}  # fmt: skip
KNOWN = [name for name in SPELLINGS if name not in (UNKNOWN, "neither")]
OF_OTHERS = frozenset((  # words in names of columns whose transmitters and signs are not those of a neuron's outputs
    "receptor", "receptors", "input", "inputs", "upstream", "afferent", "presynaptic", "partner", "partners", "target",
    "targets", "downstream", "postsynaptic", "response", "responses", "sensitivity", "sensitive", "co", "cotransmitter",
    "second", "secondary", "drug", "applied", "agonist", "antagonist", "blocker", "ligand", "modulated",
))  # fmt: skip
MOST_NOTED = 4  # texts in a note
MOST_NAMES = 20  # of unknown transmitters in the provenance
NAMES = {spelling: name for name, spellings in SPELLINGS.items() for spelling in spellings}
SEPARATORS, JOINT = re.compile(r"[,;/+&|]|\band\b"), ", "  # of several transmitters, as written and as labels have them
# that a cell says with its transmitter: GABA?, (GABA), ['GABA'], GABA (0.45), putative GABA
DOUBTS = re.compile(
    r"""\(\s*[0-9.,%]*\s*\)|[?*~()\[\]{}'"]|\b(putative|predicted|probably|presumably|possibly|likely)\b"""
)
SIGN_TABLE = "transmitter_signs"  # transmitter -> neurons, sign and synapses, in the provenance
KENYON_ROW = "acetylcholine (Kenyon cells)"  # in that table


def transmitter_names(texts: np.ndarray) -> np.ndarray:
    """(N,) full names in lower case for texts such as ACH or gaba; `unknown` for empty texts.

    Several transmitters, such as ACh/5HT, keep their order: `acetylcholine, serotonin`.
    """
    spellings, index = np.unique(texts, return_inverse=True)
    names = [_name_of(text.strip().lower()) for text in spellings.tolist()]
    return np.array(names, dtype=str)[index] if len(names) else np.array([], dtype=str)


def are_transmitters(words: Iterable[str]) -> bool:
    """Whether words are known transmitters, and perhaps such as unknown."""
    labels = transmitter_names(np.array(sorted(words), dtype=str)).tolist()
    names = {name for label in labels for name in label.split(JOINT)}
    return bool(names & set(KNOWN)) and names <= {*KNOWN, UNKNOWN}


def tells_of_others(column: str) -> bool:
    """Whether a column of neurons tells of their receptors, inputs, responses or partners, by words of its name."""
    return bool(OF_OTHERS & set(words_of(column)))


def gives_transmitters(column: str, cells: Iterable[str]) -> bool:
    """Whether the words of a column are transmitters that neurons release, and not abbreviations such as DA alone."""
    cells = list(cells)
    if not are_transmitters(cells) or tells_of_others(column):
        return False
    clear = [cell for cell in cells if len(normalized(cell)) > 3 or "ach" in normalized(cell)]
    return any(are_transmitters([cell]) for cell in clear)


def notes_on(texts: np.ndarray) -> list[str]:
    """Notes on texts for transmitters that are doubtful, or no known ones."""
    cells = [str(text).strip() for text in np.unique(texts).tolist()]
    doubtful = [text for text in cells if _name_of(text.lower()) != _parts_of(text.lower())]
    others = [text for text in cells if not set(_name_of(text.lower()).split(JOINT)) & {*KNOWN, UNKNOWN, "neither"}]
    kinds = {"count without their doubts": doubtful, "are no known transmitters": others}
    return [f"{', '.join(map(shown, texts[:MOST_NOTED]))}{', ...' * (len(texts) > MOST_NOTED)} {note}"
            for note, texts in kinds.items() if texts]  # fmt: skip


def _name_of(text: str) -> str:
    """The name of a transmitter or of several, also a doubtful one; other texts stay as they are."""
    name = _parts_of(text)
    if name != text or text in NAMES:
        return name
    certain = " ".join(DOUBTS.sub(" ", text).split())
    known = _parts_of(certain)
    return known if set(known.split(JOINT)) & {*KNOWN, UNKNOWN} else text


def _parts_of(text: str) -> str:
    """As `_name_of`, of a text without doubts."""
    if (name := _spelled(text)) in SPELLINGS:
        return name
    parts = [part.strip() for part in SEPARATORS.split(text)]
    names = dict.fromkeys(map(_spelled, parts))
    if len(parts) < 2 or not set(names) & set(KNOWN):
        return text
    return JOINT.join(name for name in names if name not in (UNKNOWN, "neither"))


def _spelled(text: str) -> str:
    """The name of a transmitter, whose spelling may have accents; other texts stay as they are."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return NAMES.get(text) or NAMES.get(plain, text)


def transmitters_of(label: str) -> list[str]:
    """The transmitters in a label; one without a known transmitter is one name, whatever it contains."""
    parts = label.split(JOINT)
    return parts if set(parts) & set(KNOWN) else [label]


def with_signs(
    connectome: Connectome,
    policy: str,
    probabilities: Mapping[str, np.ndarray] | None = None,
    missing: str = "a table of transmitters, which is not there",
) -> Connectome:
    """The unsigned connectome with the sign of each presynaptic neuron; edges without a sign are dropped and counted.

    Reads the labels `neurotransmitter`, `type` and `class`. policy: a name in SIGN_POLICIES; `auto` is `shiu` where
    transmitters are known, or else `none`. probabilities: transmitter -> (N,) probability, for `expected`. missing: the
    expected source of transmitters, as FormatError names it.
    """
    known = LABEL in connectome.labels
    policy = {True: "shiu", False: "none"}[known] if policy == "auto" else policy
    if policy == "ei":
        raise FormatError(
            f"{connectome.name}: expected the 0/1 vector of a FlyStability ROI folder for sign_policy = ei, got none; "
            "use shiu, strict, expected or none"
        )
    if policy != "none" and not known:
        raise FormatError(f"{connectome.name}: for sign_policy = {policy}, expected {missing}")
    if policy == "expected" and not probabilities:
        raise FormatError(
            f"{connectome.name}: expected columns of transmitter probabilities for sign_policy = expected, got none"
        )
    connectome, kenyon, notes = _kenyon_cells(connectome) if known else (connectome, np.zeros(connectome.n, bool), {})
    values = _values(connectome, policy, probabilities or {}, kenyon)
    if known:
        notes |= _several(connectome) | {SIGN_TABLE: _sign_table(connectome, values, kenyon)}
    return _signed(connectome, values, {"sign_policy": policy, **notes, **_unknown(connectome, known)})


def within_rois(
    connectome: Connectome, options: Options, probabilities: Mapping[str, np.ndarray], missing: str
) -> Connectome:
    """As `with_signs`; with ROIs, neurons without an edge in them are dropped and counted."""
    is_connected = np.zeros(connectome.n, bool) if options.rois else np.ones(connectome.n, bool)
    is_connected[connectome.post] = is_connected[connectome.pre] = True
    inside = subset(connectome, is_connected, neurons_without_edges_dropped=int((~is_connected).sum()))
    inside_probabilities = {transmitter: values[is_connected] for transmitter, values in probabilities.items()}
    return with_signs(inside, options.sign_policy, inside_probabilities, missing)


def _kenyon_cells(connectome: Connectome) -> tuple[Connectome, np.ndarray, dict[str, Any]]:
    """The connectome with acetylcholine for Kenyon cells, a mask (N,) of these, and notes on how many are changed."""
    types, classes = (connectome.labels.get(label, np.full(connectome.n, "")) for label in (TYPE, CLASS))
    kenyon = np.char.startswith(types, "KC") | (np.char.replace(np.char.lower(classes), " ", "_") == "kenyon_cell")
    changed = kenyon & (connectome.labels[LABEL] != "acetylcholine")
    transmitters = np.where(kenyon, "acetylcholine", connectome.labels[LABEL])
    return (
        dataclasses.replace(connectome, labels={**connectome.labels, LABEL: transmitters}),
        kenyon,
        {
            "kenyon_cells_overridden": int(changed.sum()),
            "kenyon_synapses_overridden": _synapses(connectome, changed),
        },
    )


def _values(
    connectome: Connectome, policy: str, probabilities: Mapping[str, np.ndarray], kenyon: np.ndarray
) -> np.ndarray:
    """(N,) the factor of each neuron's outgoing weights under a policy."""
    if policy == "expected":
        expectation = sum(
            TRANSMITTER_SIGNS.get(name, 0) * np.nan_to_num(share) for name, share in probabilities.items()
        )
        return np.where(kenyon, 1.0, expectation)
    rule = SIGN_POLICIES[policy]
    if rule.signs is None:
        return np.ones(connectome.n)
    names, index = np.unique(connectome.labels[LABEL], return_inverse=True)
    return np.array([_sign_of(name, rule) for name in names.tolist()])[index]


def _sign_of(label: str, rule: SignPolicy) -> float:
    """The sign of a label under a rule; where its transmitters contradict each other, that of unknown ones."""
    assert rule.signs is not None, "the rule is a table"
    signs = {rule.signs[name] for name in transmitters_of(label) if name in rule.signs}
    return float(signs.pop() if len(signs) == 1 else rule.other_sign)


def _several(connectome: Connectome) -> dict[str, Any]:
    """A note on the neurons with several transmitters."""
    names, counts = np.unique(connectome.labels[LABEL], return_counts=True)
    several = [count for name, count in zip(names.tolist(), counts.tolist(), strict=True) if _is_joint(name)]
    return {"neurons_of_several_transmitters": sum(several)}


def _is_joint(label: str) -> bool:
    return len(transmitters_of(label)) > 1


def _sign_table(connectome: Connectome, values: np.ndarray, kenyon: np.ndarray) -> dict[str, dict[str, float]]:
    """Transmitter -> neurons, sign (the mean factor) and outgoing synapses; Kenyon cells are a row of their own."""
    rows = np.where(kenyon, KENYON_ROW, connectome.labels[LABEL])
    names, index = np.unique(rows, return_inverse=True)
    neurons = np.bincount(index, minlength=len(names))
    factors = np.bincount(index, values, minlength=len(names)) / neurons
    synapses = np.bincount(index[connectome.pre], np.abs(connectome.weights), minlength=len(names))
    columns = zip(names.tolist(), neurons.tolist(), factors.tolist(), synapses.tolist(), strict=True)
    return {name: {"neurons": count, "sign": sign, "synapses": total} for name, count, sign, total in columns}


def _unknown(connectome: Connectome, known: bool) -> dict[str, Any]:
    """Notes on unknown transmitters; known: whether the connectome has transmitters."""
    labels = connectome.labels[LABEL] if known else np.full(connectome.n, UNKNOWN)
    unique, index = np.unique(labels, return_inverse=True)
    names = np.array([KNOWN[0] if _is_joint(name) else name for name in unique.tolist()], dtype=object)[index]
    unknown = ~np.isin(names, KNOWN)
    other_names = sorted(set(names[unknown].tolist()) - set(SPELLINGS))
    return {
        "neurons_of_unknown_transmitter": int(unknown.sum()),
        "synapses_of_unknown_transmitter": _synapses(connectome, unknown),
        "transmitters_not_known": other_names[:MOST_NAMES],
    }


def _signed(connectome: Connectome, values: np.ndarray, notes: dict[str, Any]) -> Connectome:
    """The connectome with weights times the factor of their presynaptic neuron, without edges of factor 0."""
    is_unsigned = values == 0
    is_signed = ~is_unsigned[connectome.pre]
    if not is_signed.any():
        raise FormatError(
            f"{connectome.name}: expected a neuron with a sign for sign_policy = {notes['sign_policy']}, got none"
        )
    notes = {
        **notes,
        "neurons_without_sign": int(is_unsigned.sum()),
        "synapses_without_sign": _synapses(connectome, is_unsigned),
        "edges_without_sign_dropped": int((~is_signed).sum()),
    }
    edges = slice(None) if is_signed.all() else is_signed  # without copies where all are kept
    return dataclasses.replace(
        connectome,
        post=connectome.post[edges],
        pre=connectome.pre[edges],
        weights=(connectome.weights * values[connectome.pre])[edges],
        provenance={**connectome.provenance, **notes},
    )


def _synapses(connectome: Connectome, neurons: np.ndarray) -> float:
    """The sum of the magnitudes of the outgoing weights of the neurons in a mask (N,)."""
    return float(np.abs(connectome.weights)[neurons[connectome.pre]].sum())
