"""Transmitters -> signs: spellings, several transmitters of one neuron, policies, and the table of what each did."""

import numpy as np
import pytest

from randomnet.connectome import Connectome
from randomnet.formats import SIGN_POLICIES, with_signs
from randomnet.formats.signs import KENYON_ROW, SIGN_TABLE, transmitter_names

SPELLED = {
    "acetylcholine": ("ach", "ACH", "Acetylcholine", " cholinergic "),
    "gaba": ("GABA", "gabaergic"),
    "glutamate": ("glut", "GLU", "glutamate", "Glutamatergic"),
    "dopamine": ("DA", "dopamine"),
    "serotonin": ("ser", "5ht", "5-HT", "serotonin"),
    "octopamine": ("oct", "OA", "octopamine"),
    "histamine": ("hist", "his", "Histamine"),
    "tyramine": ("tyr", "TA", "tyramine"),
    "glycine": ("gly", "Glycine"),
    "unknown": ("", " ", "unclear", "unc", "Unknown", "none", "nan", "NA", "n/a"),
}


def star(transmitters, **labels):
    """Neuron i projects to neuron i + 1 with i + 1 synapses."""
    n = len(transmitters)
    pre = np.arange(n)
    post = (pre + 1) % n
    order = np.argsort(post)
    kinds = {"neurotransmitter": transmitter_names(np.array(transmitters))}
    kinds |= {kind: np.array(texts) for kind, texts in labels.items()}
    return Connectome("made up", post[order], pre[order], (pre + 1.0)[order], pre.astype(str), kinds)


def signs(policy, transmitters):
    return with_signs(star(transmitters), policy).signs.tolist()


@pytest.mark.parametrize("name, texts", SPELLED.items())
def test_spellings(name, texts):
    assert set(transmitter_names(np.array(texts)).tolist()) == {name}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("acetylcholine, serotonin", "acetylcholine, serotonin"),
        ("ACh/5HT", "acetylcholine, serotonin"),
        ("5HT/ACh", "serotonin, acetylcholine"),
        ("ACh;GABA", "acetylcholine, gaba"),
        ("glutamate and tyramine", "glutamate, tyramine"),
        ("ACh + FMRFamide", "acetylcholine, fmrfamide"),
        ("ACh, unclear", "acetylcholine"),
        ("ACh/acetylcholine", "acetylcholine"),
        ("n/k", "n/k"),
        ("left, right", "left, right"),
        ("orexin", "orexin"),
    ],
)
def test_several_transmitters_keep_their_names_and_order(text, name):
    assert transmitter_names(np.array([text])).tolist() == [name]


KINDS = ["ACh", "GABA", "glut", "hist", "gly", "DA", "unc", "ACh/5HT", "ACh;GABA", "GABA, hist", "DA,5HT"]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("shiu", [1, -1, -1, -1, -1, 1, 1, 1, 1, -1, 1]),
        ("auto", [1, -1, -1, -1, -1, 1, 1, 1, 1, -1, 1]),
        ("strict", [1, -1, -1, -1, -1, 0, 0, 1, 0, -1, 0]),
        ("glutamate_excitatory", [1, -1, 1, -1, -1, 1, 1, 1, 1, -1, 1]),
        ("none", [1] * 11),
    ],
)
def test_every_policy(policy, expected):
    assert signs(policy, KINDS) == expected


def test_sentences_name_every_transmitter_of_the_table():
    for name in ("shiu", "strict"):
        row = SIGN_POLICIES[name]
        for transmitter, sign in row.signs.items():
            assert sign > 0 or transmitter in row.sentence.lower(), (name, transmitter)
    changed = {name for name, sign in SIGN_POLICIES["glutamate_excitatory"].signs.items()
               if sign != SIGN_POLICIES["shiu"].signs[name]}  # fmt: skip
    assert changed == {"glutamate"}


def test_the_table_of_what_a_policy_did():
    types = ["KCg", "KCab", *["T"] * 4]
    kinds = ["DA", "ACh", "ACh", "hist", "unc", "ACh/GABA"]
    signed = with_signs(star(kinds, type=types), "strict")
    assert signed.provenance[SIGN_TABLE] == {
        KENYON_ROW: {"neurons": 2, "sign": 1, "synapses": 1 + 2},
        "acetylcholine": {"neurons": 1, "sign": 1, "synapses": 3},
        "histamine": {"neurons": 1, "sign": -1, "synapses": 4},
        "unknown": {"neurons": 1, "sign": 0, "synapses": 5},
        "acetylcholine, gaba": {"neurons": 1, "sign": 0, "synapses": 6},
    }
    notes = signed.provenance
    assert (notes["kenyon_cells_overridden"], notes["neurons_of_several_transmitters"]) == (1, 1)
    assert (notes["neurons_of_unknown_transmitter"], notes["neurons_without_sign"]) == (1, 2)
    assert notes["synapses_without_sign"] == 11 and notes["edges_without_sign_dropped"] == 2


def test_the_table_of_expected_signs_has_mean_factors():
    shares = {"acetylcholine": np.array([0.75, 0.25]), "histamine": np.array([0.25, 0.25])}
    signed = with_signs(star(["ACh", "ACh"]), "expected", shares)
    assert signed.provenance[SIGN_TABLE] == {"acetylcholine": {"neurons": 2, "sign": 0.25, "synapses": 3}}
    np.testing.assert_array_equal(signed.dense(), [[0, 0], [0.5, 0]])  # the second neuron's factor is 0


def test_networks_without_transmitters_have_no_table():
    bare = star(["ACh", "GABA"])
    bare = Connectome(bare.name, bare.post, bare.pre, bare.weights, bare.names)
    assert SIGN_TABLE not in with_signs(bare, "auto").provenance
