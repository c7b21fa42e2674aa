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
    first. qualifiers: words beside a spelling in a name, such as edge in edge_sign. Those of SECOND count only where no
    column has another spelling.
    """

    use: str
    spellings: tuple[str, ...]
    qualifiers: frozenset[str] = frozenset()


SIGNED_BY = ("is", "synapse", "synaptic", "syn", "output", "outgoing", "effect", "type")  # of edges and neurons
OF_EDGES = ("edge", "weight", "connection", "conn", "link", "pre", "presynaptic", "presyn", "source")
OF_NEURONS = ("cell", "neuron", "neuronal", "node", "unit")
OF_SYNAPSES = ("is", "synapse", "synaptic", "syn", "output", "outgoing", "edge", "weight", "connection", "conn", "link")
OTHER_MEANINGS = ("valence", "polarity")  # of neurons: appetitive or aversive, unipolar or bipolar
SECOND = frozenset((  # which may be something else beside a better one, such as wild type, or a number of synapses
    "endnode1", "presyn", "presynapse", "neurona", "nodea", "cella", "prasynaptisch", "quelle", "origen", "endnode2",
    "postsyn", "postsynapse", "neuronb", "nodeb", "cellb", "postsynaptisch", "ziel", "destino", "wt", "strengths",
    "gewicht", "anzahl",
))  # fmt: skip


EDGE_ROLES: Mapping[str, Role] = {
    "pre": Role("presynaptic neuron", (
        "pre", "preid", "prerootid", "preptrootid", "presynapticid", "presynaptic", "presynapticneuron", "preneuron",
        "prename", "precell", "bodyidpre", "bodypre", "prebodyid", "source", "sourceid", "sourceneuron", "src", "from",
        "fromid", "fromneuron", "sender", "neuron1", "cell1", "node1", "origin", "efferent", "presegid", "preskid",
        "skeletonidpre", "preskeletonid", "fromnodeid", "u", "endnodes1", "endnode1", "presyn", "presynapse",
        "neurona", "nodea", "cella", "prasynaptisch", "quelle", "origen",
    )),
    "post": Role("postsynaptic neuron", (
        "post", "postid", "postrootid", "postptrootid", "postsynapticid", "postsynaptic", "postsynapticneuron",
        "postneuron", "postname", "postcell", "bodyidpost", "bodypost", "postbodyid", "target", "targetid",
        "targetneuron", "tgt", "tar", "dst", "destination", "to", "toid", "toneuron", "receiver", "neuron2", "cell2",
        "node2", "afferent", "postsegid", "postskid", "skeletonidpost", "postskeletonid", "tonodeid", "v", "endnodes2",
        "endnode2", "postsyn", "postsynapse", "neuronb", "nodeb", "cellb", "postsynaptisch", "ziel", "destino",
    )),
    "weight": Role("weight", (
        "weight", "weights", "w", "count", "counts", "syncount", "syncounts", "nsyn", "nsyns", "nsynapses", "synapses",
        "synapsecount", "synapsecounts", "numsynapses", "numberofsynapses", "synapsenumber", "connectivity", "nbr",
        "number", "nconnections", "numberofconnections", "numconnections", "size", "strength", "connectionstrength",
        "contacts", "ncontacts", "edgeweight", "synweight", "synapseweight", "synapticweight", "fln",
        "sections", "emseries", "wt", "strengths", "gewicht", "anzahl",
    )),
    "sign": Role("sign of the edge", (
        "sign", "signs", "ei", "eitype", "eori", "excinh", "valence", "polarity", "effect", "excitatory",
        "isexcitatory", "excitatorysynapse", "inhibitory", "isinhibitory", "isexc", "isinh", "excitatoryinhibitory",
        "sgn",
    ), frozenset((*SIGNED_BY, *OF_EDGES))),
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
# in names of columns of one end, beside another word: upstream alone is neuPrint's number of synapses of a neuron
PRE_WORDS = ("pre", "presynaptic", "presyn", "source", "src", "from", "sender", "upstream", "efferent")
POST_WORDS = ("post", "postsynaptic", "postsyn", "target", "tgt", "dst", "to", "receiver", "downstream", "afferent")
NOT_EDGES = ("bodyid", "body", "rootid", "ptrootid", "neuronid", "skid", "skeletonid")  # beside numbers pre and post
NODE_ROLES: Mapping[str, Role] = {
    "id": Role("neuron", (
        "id", "bodyid", "body", "rootid", "ptrootid", "neuronid", "nodeid", "nid", "skid", "skeletonid", "cellid",
        "name", "neuron", "neuronname", "cellname", "nodename", "vertexname", "cell", "label", "node", "index",
    )),
    "transmitter": Role("transmitter of the neuron", (
        "consensusnt", "neurotransmitter", "neurotransmitters", "neurotransmitterpredicted", "predictednt",
        "celltypepredictednt", "nttype", "topnt", "nt", "ntx", "transmitter", "transmitters", "neurotransmittertype",
    )),
    "sign": Role("sign of the neuron's outgoing weights", (
        "sign", "signs", "ei", "eitype", "eori", "excinh", "valence", "polarity", "excitatory", "isexcitatory",
        "inhibitory", "isinhibitory", "isexc", "isinh", "excitatoryinhibitory", "sgn",
    ), frozenset((*SIGNED_BY, *OF_NEURONS))),
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

PLACES = ("side", "region", "hemilineage")  # roles of columns in which E and I are no signs

SIGN_WORDS: Mapping[str, int] = {
    **dict.fromkeys(("+", "1", "+1", "e", "exc", "exci", "excit", "excitatory", "excitation", "positive", "pos",
                     "plus", "activating", "activation", "activates", "activate", "excites", "stimulates",
                     "erregend", "exzitatorisch", "excitatorio", "excitatoria", "excitateur", "excitatrice"), 1),
    **dict.fromkeys(("-", "-1", "i", "inh", "inhib", "inhibitory", "inhibition", "negative", "neg",
                     "minus", "repressing", "represses", "inhibits", "inhibit", "inhibiting",
                     "hemmend", "inhibitorisch", "inhibitorio", "inhibitoria", "inhibiteur", "inhibitrice"), -1),
    **dict.fromkeys(("0", "", "na", "nan", "none", "unknown", "unclear", "?", "unsigned", "nonneuron",
                     "non"), 0),  # the last two of non-neurons
}  # fmt: skip
LONG_SIGN_WORDS = {word: sign for word, sign in SIGN_WORDS.items() if sign and word.isalpha() and len(word) > 2}
MARKERS = frozenset(("positive", "pos", "plus", "negative", "neg", "minus"))  # of neurons may be for a gene or a stain
TRUTH_WORDS: Mapping[str, int] = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "+1", "1.0", "+"), 1),
    **dict.fromkeys(("false", "f", "no", "n", "0", "0.0", "-1", "-1.0", "-"), -1),
    **dict.fromkeys(("", "na", "nan", "none", "unknown", "?"), 0),
}  # fmt: skip
CHEMICAL, ELECTRICAL, RECEIVED, NEUROMUSCULAR = "chemical", "electrical", "received", "neuromuscular"
SYNAPSE_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("chemical", "chem", "c", "ch", "cs", "chemicalsynapse", "s", "sp", "send", "sendpoly",
                     "syn", "synapse", "synaptic",
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
SYNAPTIC = ("syn", "synapse", "synaptic")  # which tell no kind of synapse among other words
JUNCTION_WORDS = ("gj", "ej")
TRUE_TYPES = {  # columns that are true for synapses of one type, and false for the other
    "iselectrical": ELECTRICAL, "iselectricalsynapse": ELECTRICAL, "isgap": ELECTRICAL, "isgapjunction": ELECTRICAL,
    "ischemical": CHEMICAL, "electrical": ELECTRICAL, "chemical": CHEMICAL, "gapjunction": ELECTRICAL,
    "gj": ELECTRICAL, "isgj": ELECTRICAL,
}  # fmt: skip
TRUE_SIGNS = {  # sign -> names of columns that are true for it
    1: ("excitatory", "isexcitatory", "excitatorysynapse", "isexc", "exc"),
    -1: ("inhibitory", "isinhibitory", "isinh", "inh"),
}
EXC_OR_INH = ("exc", "inh")  # columns that have signs where their cells are true and false
DIRECTION_WORDS: Mapping[str, bool] = {"directed": True, "undirected": False, "bidirectional": False, "mutual": False}
WEIGHTS_BY_SYNAPSE: Mapping[str, tuple[str, ...]] = {  # names of weights that say the kind of synapse
    CHEMICAL: ("chemical", "chemicalweight", "chem", "chemweight", "chemicalsynapses", "nchemical", "chemicalcount"),
    ELECTRICAL: ("electrical", "electricalweight", "elec", "elecweight", "electricalsynapses", "gapjunction",
                 "gapjunctions", "gapweight", "gj", "nelectrical", "ngapjunctions", "electricalcount"),
}  # fmt: skip
KIND_WORDS: Mapping[str, frozenset[str]] = {  # in other names of such weights, beside words of weights
    CHEMICAL: frozenset(("chemical", "chem")),
    ELECTRICAL: frozenset(("electrical", "electric", "elec", "gap", "gj", "ej")),
}
WEIGHT_NOUNS = frozenset((
    "weight", "weights", "count", "counts", "n", "num", "number", "nr", "synapse", "synapses", "syn", "syns",
    "connections", "contacts", "strength",
))  # fmt: skip
WEIGHT_WORDS = WEIGHT_NOUNS | {
    "of", "no", "nb", "total", "sum", "all", "synaptic", "connection", "conn", "edge", "link", "contact", "pair"
}  # fmt: skip
JUNCTIONS = frozenset(("junction", "junctions", "jn", "jns"))

# names of columns of numbers that are no weights unless asked for, as words with _ between them
QUALITIES = re.compile(
    r"(.*_)?(score|confidence|conf|prob|probability|distance|dist|length|delay|latency|time|year|q|p_?val(ue)?|fdr|padj)"
    r"|(.*_)?(log|ln|log2|log10|log1p|logarithm)(_.*)?"
)


@functools.lru_cache(maxsize=100_000)  # each role is compared with all columns of a table
def normalized(name: str) -> str:
    """The name in lower case, without spaces, punctuation and accents."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKD", name.lower()))


def role_columns(columns: Iterable[str], role: Role) -> list[str]:
    """The columns that are spelled as the role, the best first; or else those that are so but for qualifiers."""
    ranked, columns = {spelling: rank for rank, spelling in enumerate(role.spellings)}, list(columns)
    spelled = sorted(
        (name for name in columns if normalized(name) in ranked), key=lambda name: ranked[normalized(name)]
    )
    first = [name for name in spelled if normalized(name) not in SECOND]
    return first or spelled or [name for name in columns if _is_qualified(name, role)]


def _is_qualified(name: str, role: Role) -> bool:
    """Whether a name is a spelling of the role and its qualifiers; those of neurons do not tell all spellings."""
    spelling = unqualified(name, role)
    if not role.qualifiers or spelling not in role.spellings:
        return False
    return spelling not in OTHER_MEANINGS or set(words_of(name)) <= {spelling, *OF_SYNAPSES}


def weights_of_kind(kind: str, columns: Iterable[str]) -> list[str]:
    """The columns whose names say that they are the weights of a kind of synapse, the best spelling first."""
    columns = list(columns)
    spelled = role_columns(columns, Role("", WEIGHTS_BY_SYNAPSE[kind]))
    allowed = KIND_WORDS[kind] | WEIGHT_WORDS | JUNCTIONS
    named = [name for name in columns if KIND_WORDS[kind] & set(words_of(name)) and set(words_of(name)) <= allowed]
    return list(dict.fromkeys([*spelled, *named]))


def weights_by_words(columns: Iterable[str]) -> list[str]:
    """The columns whose names consist of words of weights, such as num_syn and total synapses."""
    words = {name: set(words_of(name)) for name in columns}
    return [name for name, used in words.items() if used & WEIGHT_NOUNS and used <= WEIGHT_WORDS]


def words_of(name: str) -> list[str]:
    """The words of a name in lower case, as punctuation, case and digits part them."""
    return re.findall(r"[^\W\d_]+|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())


def unqualified(name: str, role: Role) -> str:
    """The words of a name that do not qualify a spelling of the role, as one."""
    return "".join(word for word in words_of(name) if word not in role.qualifiers)


def types_of_truth(column: str) -> dict[int, str]:
    """1 and -1 (true and false) -> type of synapse, in a column such as is_electrical; empty for other columns."""
    true_type = TRUE_TYPES.get(normalized(column), "")
    other_type = ELECTRICAL if true_type == CHEMICAL else CHEMICAL
    return {1: true_type, -1: other_type} if true_type else {}


def sign_words_of(column: str, words: Iterable[str] = ()) -> Mapping[str, int]:
    """Word -> sign for the cells of a column, by its name: `excitatory` is true or false, `sign` is + or -.

    words: of the cells; 0 is no sign beside -1, also in a column that is true or false.
    """
    names = {normalized(column), *(unqualified(column, roles["sign"]) for roles in (EDGE_ROLES, NODE_ROLES))}
    truth = dict(TRUTH_WORDS)
    if "-1" in set(map(sign_word, words)):
        truth.update({"0": 0})
    if names & set(TRUE_SIGNS[1]):
        return {**SIGN_WORDS, **truth}
    if names & set(TRUE_SIGNS[-1]):
        words_of_signs = {word: sign for word, sign in SIGN_WORDS.items() if word not in MARKERS}
        return {**words_of_signs, **{word: -sign for word, sign in truth.items()}}
    return SIGN_WORDS


def sign_word(text: str) -> str:
    """The text of a cell as SIGN_WORDS and TRUTH_WORDS have it: `exc` for `Exc.`, `-1` for `-1.00` and other dashes."""
    word = re.sub("[\u2010-\u2015\u2212]", "-", text.strip().lower())
    word = re.sub(r"(?<=\w)[ _-](neurons?|cells?|synapses?)$", "", word)
    if match := re.fullmatch(r"([+-]?[01])\.0*", word):
        return match[1]
    return word[:-1] if word.endswith(".") and word[:-1].isalpha() else word


def _tell_synapse_types(words: set[str]) -> bool:
    """Whether words are types of synapses: all of them but e alone, or words of more than two letters among others.

    Excitatory and inhibitory may be beside electrical ones. Among words that are neither, gj and ej may be initials.
    """
    if words <= set(SYNAPSE_WORDS):
        return words != {"e"}
    short = JUNCTION_WORDS if words <= {*SYNAPSE_WORDS, *SIGN_WORDS} else ()
    clear = {word for word in words if (len(word) > 2 or word in short) and word not in SYNAPTIC
             and SYNAPSE_WORDS.get(word) in (CHEMICAL, ELECTRICAL)}  # fmt: skip
    chemical = {word for word in words if SYNAPSE_WORDS.get(word) == CHEMICAL}
    return bool(clear) and not (chemical and words & set(LONG_SIGN_WORDS))


def are_opposite_signs(words: Iterable[str], of_place: bool = False) -> bool:
    """Whether words are signs of neurons beyond doubt: words such as excitatory and inhibitory, or both E and I.

    of_place: whether their column is a side or region, where letters stand for others, such as left in Spanish.
    """
    words = set(map(sign_word, words))
    are_letters = {"e", "i"} <= words and not of_place
    return meaning_of(words) == "sign" and bool(words & set(LONG_SIGN_WORDS) or are_letters)


def are_both_truths(words: Iterable[str]) -> bool:
    """Whether words are true and false, as words or numbers."""
    words = set(map(sign_word, words))
    return words <= set(TRUTH_WORDS) and {TRUTH_WORDS[word] for word in words} >= {1, -1}


def meaning_of(words: Iterable[str]) -> str:
    """`direction`, `synapse_type` or `sign` by the words in the cells of a column such as type; "" for other words."""
    words = set(map(sign_word, words)) - {""}
    if not words:
        return ""
    if words <= set(DIRECTION_WORDS):
        return "direction"
    if _tell_synapse_types({normalized(word) for word in words}):
        return "synapse_type"
    are_ambiguous = words <= {"0", "1", "e"} or words == {"i"}
    tell_signs = any(SIGN_WORDS.get(word) for word in words) and not are_ambiguous
    return "sign" if words <= set(SIGN_WORDS) and tell_signs else ""


ZEROS_AND_ONES = (
    "expected signs 1 and -1, got 0 and 1 alone; where 1 is excitatory and 0 inhibitory, call it excitatory"
)


def are_zeros_and_ones(by_word: Mapping[str, int], words: Iterable[str]) -> bool:
    """Whether words of signs are 0 and 1 alone, of which 0 may be no sign or an inhibitory one."""
    used = set(map(sign_word, words))
    return bool(used) and used in ({"0", "1"}, {"0", "+1"}) and by_word["0"] == 0


def is_quality(column: str) -> bool:
    """Whether a column of numbers with this name may describe edges other than by their weight, such as a score."""
    return bool(QUALITIES.fullmatch(in_words(column)))


def in_words(column: str) -> str:
    """The name in lower case, with _ between its words."""
    return re.sub(r"[\W_]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column).lower()).strip("_")
