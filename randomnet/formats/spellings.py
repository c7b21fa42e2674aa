"""Spellings of the columns of edges and neurons, and of the words in their cells; case and punctuation are ignored."""

import functools
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Role:
    """What a column is used as.

    use: the text of the table of contents. spellings: names of the column, in lower case without punctuation, the best
    first.
    """

    use: str
    spellings: tuple[str, ...]


EDGE_ROLES: Mapping[str, Role] = {
    "pre": Role("presynaptic neuron", (
        "pre", "preid", "prerootid", "preptrootid", "presynapticid", "presynaptic", "presynapticneuron", "preneuron",
        "prename", "precell", "bodyidpre", "bodypre", "prebodyid", "source", "sourceid", "sourceneuron", "src", "from",
        "fromid", "fromneuron", "sender", "neuron1", "cell1", "node1", "origin", "efferent", "presegid", "preskid",
        "skeletonidpre", "preskeletonid", "fromnodeid", "u", "endnodes1",
    )),
    "post": Role("postsynaptic neuron", (
        "post", "postid", "postrootid", "postptrootid", "postsynapticid", "postsynaptic", "postsynapticneuron",
        "postneuron", "postname", "postcell", "bodyidpost", "bodypost", "postbodyid", "target", "targetid",
        "targetneuron", "tgt", "tar", "dst", "destination", "to", "toid", "toneuron", "receiver", "neuron2", "cell2",
        "node2", "afferent", "postsegid", "postskid", "skeletonidpost", "postskeletonid", "tonodeid", "v", "endnodes2",
    )),
    "weight": Role("weight", (
        "weight", "weights", "w", "count", "counts", "syncount", "syncounts", "nsyn", "nsyns", "nsynapses", "synapses",
        "synapsecount", "synapsecounts", "numsynapses", "numberofsynapses", "synapsenumber", "connectivity", "nbr",
        "number", "nconnections", "numberofconnections", "numconnections", "size", "strength", "connectionstrength",
        "contacts", "ncontacts", "edgeweight", "synweight", "synapseweight", "synapticweight", "fln",
        "sections", "emseries",
    )),
    "sign": Role("sign of the edge", (
        "sign", "signs", "ei", "eitype", "eori", "excinh", "valence", "polarity", "effect", "excitatory",
        "isexcitatory", "excitatorysynapse", "inhibitory", "isinhibitory",
    )),
    "transmitter": Role("transmitter of the presynaptic neuron", (
        "consensusnt", "consensusntpre", "consensusntype", "predictednt", "predictedntpre", "celltypepredictednt",
        "nttype", "prenttype", "nttypepre", "topnt", "pretopnt", "topntpre", "prent", "ntpre", "nt", "ntx",
        "neurotransmitter", "neurotransmitters", "neurotransmitterpre", "preneurotransmitter",
        "presynapticneurotransmitter", "neurotransmittertype", "neurotransmitterpredicted", "transmitter",
        "transmitters", "presynaptictransmitter",
    )),
    "synapse_type": Role("kind of synapse (chemical or electrical)", (
        "synapsetype", "syntype", "type", "edgetype", "connectiontype", "synapsekind", "kind", "class", "modality",
        "interaction", "interactiontype", "relation", "iselectrical", "iselectricalsynapse", "isgap", "isgapjunction",
        "ischemical",
    )),
    "direction": Role("direction of the edge", (
        "directed", "isdirected", "direction", "directionality", "edgedirection",
    )),
    "roi": Role("region of the synapses", ("roi", "neuropil", "region", "brainregion")),
}  # fmt: skip
PRE_WORDS = ("pre", "presynaptic", "source", "src", "from", "sender")  # in names of columns of one end
POST_WORDS = ("post", "postsynaptic", "target", "tgt", "dst", "to", "receiver")
NOT_EDGES = ("bodyid", "body", "rootid", "ptrootid", "neuronid", "skid", "skeletonid")  # beside numbers pre and post
NODE_ROLES: Mapping[str, Role] = {
    "id": Role("neuron", (
        "id", "bodyid", "body", "rootid", "ptrootid", "neuronid", "nodeid", "nid", "skid", "skeletonid", "cellid",
        "name", "neuron", "neuronname", "cellname", "cell", "label", "node", "index",
    )),
    "transmitter": Role("transmitter of the neuron", (
        "consensusnt", "neurotransmitter", "neurotransmitters", "neurotransmitterpredicted", "predictednt",
        "celltypepredictednt", "nttype", "topnt", "nt", "ntx", "transmitter", "transmitters", "neurotransmittertype",
    )),
    "sign": Role("sign of the neuron's outgoing weights", (
        "sign", "signs", "ei", "eitype", "eori", "excinh", "valence", "polarity", "excitatory", "isexcitatory",
        "inhibitory", "isinhibitory",
    )),
    "type": Role("label type", ("type", "primarytype", "celltype", "neurontype", "cellclasstype")),
    "instance": Role("label instance", ("instance",)),
    "class": Role("label class", ("class", "cellclass", "neuronclass")),
    "sub_class": Role("label sub_class", ("subclass", "cellsubclass")),
    "super_class": Role("label super_class", ("superclass", "simplegroup")),
    "side": Role("label side", ("side", "somaside", "hemisphere", "rootside")),
    "region": Role("label region", ("region", "roi", "neuropil", "brainregion", "area", "group")),
    "cell_fibers": Role("label cell_fibers", ("cellfibers", "cellbodyfiber")),
    "hemilineage": Role("label hemilineage", ("hemilineage", "itoleehl", "itoleehemilineage", "lineage")),
    "role": Role("label role", ("role", "function", "flow")),
    "x": Role("position", ("x", "somax", "posx")),
    "y": Role("position", ("y", "somay", "posy")),
    "z": Role("position", ("z", "somaz", "posz")),
}  # fmt: skip

SIGN_WORDS: Mapping[str, int] = {
    **dict.fromkeys(("+", "1", "+1", "1.0", "e", "exc", "exci", "excit", "excitatory", "excitation", "positive", "pos",
                     "plus", "activating", "activation", "activates", "activate", "excites", "stimulates",
                     "erregend", "exzitatorisch", "excitatorio", "excitatoria", "excitateur", "excitatrice"), 1),
    **dict.fromkeys(("-", "−", "-1", "-1.0", "i", "inh", "inhib", "inhibitory", "inhibition", "negative", "neg",
                     "minus", "repressing", "represses", "inhibits", "inhibit", "inhibiting",
                     "hemmend", "inhibitorisch", "inhibitorio", "inhibitoria", "inhibiteur", "inhibitrice"), -1),
    **dict.fromkeys(("0", "0.0", "", "na", "nan", "none", "unknown", "unclear", "?", "unsigned"), 0),
}  # fmt: skip
LONG_SIGN_WORDS = {word: sign for word, sign in SIGN_WORDS.items() if sign and word.isalpha() and len(word) > 2}
TRUTH_WORDS: Mapping[str, int] = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "+1", "1.0", "+"), 1),
    **dict.fromkeys(("false", "f", "no", "n", "0", "0.0", "-1", "-1.0", "-"), -1),
    **dict.fromkeys(("", "na", "nan", "none", "unknown", "?"), 0),
}  # fmt: skip
CHEMICAL, ELECTRICAL, RECEIVED, NEUROMUSCULAR = "chemical", "electrical", "received", "neuromuscular"
SYNAPSE_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("chemical", "chem", "c", "ch", "cs", "chemicalsynapse", "s", "sp", "send", "sendpoly",
                     "chemisch", "chemische", "chemischesynapse", "quimica", "quimico", "sinapsisquimica", "chimique",
                     "chimica"), CHEMICAL),
    **dict.fromkeys(("electrical", "electric", "e", "el", "elec", "ej", "gap", "gj", "gapjunction", "gapjunctions",
                     "gapjunct", "electricaljunction", "electricalsynapse", "electricjunction", "genericgj",
                     "elektrisch", "elektrische", "elektrischesynapse", "electrica", "electrico", "sinapsiselectrica",
                     "electrique", "elettrica"),
                    ELECTRICAL),
    **dict.fromkeys(("r", "rp", "receive", "receivepoly"), RECEIVED),  # White et al. 1986: the same synapses again
    **dict.fromkeys(("nmj", "neuromuscular", "neuromuscularjunction"), NEUROMUSCULAR),
}  # fmt: skip
TRUE_TYPES = {  # columns that are true for synapses of one type, and false for the other
    "iselectrical": ELECTRICAL, "iselectricalsynapse": ELECTRICAL, "isgap": ELECTRICAL, "isgapjunction": ELECTRICAL,
    "ischemical": CHEMICAL, "electrical": ELECTRICAL, "chemical": CHEMICAL, "gapjunction": ELECTRICAL,
}  # fmt: skip
DIRECTION_WORDS: Mapping[str, bool] = {"directed": True, "undirected": False, "bidirectional": False, "mutual": False}
WEIGHTS_BY_SYNAPSE: Mapping[str, tuple[str, ...]] = {  # names of weights that say the kind of synapse
    CHEMICAL: ("chemical", "chemicalweight", "chem", "chemweight", "chemicalsynapses", "nchemical", "chemicalcount"),
    ELECTRICAL: ("electrical", "electricalweight", "elec", "elecweight", "electricalsynapses", "gapjunction",
                 "gapjunctions", "gapweight", "gj", "nelectrical", "ngapjunctions", "electricalcount"),
}  # fmt: skip


@functools.lru_cache(maxsize=100_000)  # each role is compared with all columns of a table
def normalized(name: str) -> str:
    """The name in lower case, without spaces, punctuation and accents."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKD", name.lower()))


def role_columns(columns: Iterable[str], role: Role) -> list[str]:
    """The columns that are spelled as the role, the best spelling first."""
    ranked = {spelling: rank for rank, spelling in enumerate(role.spellings)}
    return sorted((name for name in columns if normalized(name) in ranked), key=lambda name: ranked[normalized(name)])


def types_of_truth(column: str) -> dict[int, str]:
    """1 and -1 (true and false) -> type of synapse, in a column such as is_electrical; empty for other columns."""
    true_type = TRUE_TYPES.get(normalized(column), "")
    other_type = ELECTRICAL if true_type == CHEMICAL else CHEMICAL
    return {1: true_type, -1: other_type} if true_type else {}


def sign_words_of(column: str, words: Iterable[str] = ()) -> Mapping[str, int]:
    """Word -> sign for the cells of a column, by its name: `excitatory` is true or false, `sign` is + or -.

    words: of the cells; 0 is no sign beside -1, also in a column that is true or false.
    """
    name = normalized(column)
    truth = dict(TRUTH_WORDS)
    if {"-1", "-1.0"} & set(words):
        truth.update({"0": 0, "0.0": 0})
    if name in ("excitatory", "isexcitatory", "excitatorysynapse"):
        return {**SIGN_WORDS, **truth}
    if name in ("inhibitory", "isinhibitory"):
        return {word: -sign for word, sign in truth.items()}
    return SIGN_WORDS


def _tell_synapse_types(words: set[str]) -> bool:
    """Whether words are types of synapses: all of them but e alone, or words of more than two letters among others.

    Excitatory and inhibitory may be beside electrical ones.
    """
    if words <= set(SYNAPSE_WORDS):
        return words != {"e"}
    clear = {word for word in words if len(word) > 2 and SYNAPSE_WORDS.get(word) in (CHEMICAL, ELECTRICAL)}
    chemical = {word for word in words if SYNAPSE_WORDS.get(word) == CHEMICAL}
    return bool(clear) and not (chemical and words & set(LONG_SIGN_WORDS))


def meaning_of(words: Iterable[str]) -> str:
    """`direction`, `synapse_type` or `sign` by the words in the cells of a column such as type; "" for other words."""
    words = {word.strip().lower() for word in words} - {""}
    if not words:
        return ""
    if words <= set(DIRECTION_WORDS):
        return "direction"
    if _tell_synapse_types({normalized(word) for word in words}):
        return "synapse_type"
    are_ambiguous = words <= {"0", "1", "0.0", "1.0", "e"} or words == {"i"}
    tell_signs = any(SIGN_WORDS.get(word) for word in words) and not are_ambiguous
    return "sign" if words <= set(SIGN_WORDS) and tell_signs else ""


ZEROS_AND_ONES = (
    "expected signs 1 and -1, got 0 and 1 alone; where 1 is excitatory and 0 inhibitory, call it excitatory"
)


def are_zeros_and_ones(by_word: Mapping[str, int], words: Iterable[str]) -> bool:
    """Whether words of signs are 0 and 1 alone, of which 0 may be no sign or an inhibitory one."""
    used = set(words)
    zeros, ones = used & {"0", "0.0"}, used & {"1", "1.0", "+1"}
    return bool(zeros and ones) and used == zeros | ones and by_word["0"] == 0
