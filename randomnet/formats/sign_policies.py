"""Sign policies: the rules by which a neuron's outgoing weights get their sign from its transmitter."""

from collections.abc import Mapping
from dataclasses import dataclass

from randomnet.registry import Registry

TRANSMITTER_SIGNS = {"acetylcholine": 1, "gaba": -1, "glutamate": -1, "glycine": -1, "histamine": -1}


@dataclass(frozen=True)
class SignPolicy:
    """One sign policy.

    sentence: the rule. signs: transmitter -> sign, where the rule is such a table; None where it is not. other_sign:
    the sign of all other and unknown transmitters; neurons with sign 0 lose their outgoing edges. source: paper.
    """

    sentence: str
    signs: Mapping[str, int] | None = None
    other_sign: int = 0
    source: str = ""


SIGN_POLICIES: Registry[SignPolicy] = Registry({
    "auto": SignPolicy("The signs in the file; else shiu where transmitters are known; else none."),
    "shiu": SignPolicy(
        "GABA, glutamate, glycine and histamine are inhibitory; all other and unknown transmitters are excitatory.",
        TRANSMITTER_SIGNS,
        other_sign=1,
        source="Shiu et al. 2024",
    ),
    "strict": SignPolicy(
        "Acetylcholine is excitatory, GABA, glutamate, glycine and histamine are inhibitory; other neurons lose their "
        "outgoing edges.",
        TRANSMITTER_SIGNS,
    ),
    "glutamate_excitatory": SignPolicy(
        "As shiu, but glutamate is excitatory, as in worms and vertebrates.",
        {**TRANSMITTER_SIGNS, "glutamate": 1},
        other_sign=1,
    ),
    "expected": SignPolicy("A neuron's factor is the sum over transmitters of probability times the sign of strict."),
    "ei": SignPolicy("The 0/1 vector of a FlyStability ROI folder."),
    "none": SignPolicy("All weights are positive."),
})  # fmt: skip
