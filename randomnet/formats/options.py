"""Options of all readers of connectomes, in one record that checks itself."""

from dataclasses import dataclass, fields

from randomnet.formats.files import FormatError
from randomnet.formats.sign_policies import SIGN_POLICIES

ROWS = ("auto", "source", "target")
OPTIONAL = ("columns", "weight_column", "synapse_type", "labels", "layer", "variable")  # read by some formats alone
SYNAPSE_TYPES = ("chemical", "electrical", "all")


@dataclass(frozen=True)
class Options:
    """How to read a connectome. Readers refuse options that their format does not have. Raises ValueError."""

    roi: str = ""  # names joined by commas, or "" for all; in a folder of several networks, the one to read
    rows: str = "auto"  # of a matrix: a row is the presynaptic (source) or the postsynaptic neuron (target)
    sign_policy: str = "auto"  # the rule that gives a neuron its sign, one of SIGN_POLICIES
    min_synapses: float = 0  # pairs with fewer synapses in total, within the ROIs if given, are no edges
    drop_autapses: bool = True  # self-connections are counted, then dropped
    columns: tuple[tuple[str, str], ...] = ()  # (role, column) where no spelling of SPELLINGS says it
    weight_column: str = ""  # the column or attribute of weights, where several could be
    synapse_type: str = "chemical"  # chemical, electrical (undirected, unsigned), or all
    labels: str = ""  # a table of labels of neurons, one row per neuron or with ids
    layer: str = "none"  # of a stack (N, N, L): an index from 0, or mean
    variable: str = ""  # of a file with several: the sheet, variable or array

    def __post_init__(self) -> None:
        choices = {"rows": ROWS, "sign_policy": SIGN_POLICIES, "synapse_type": SYNAPSE_TYPES}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")
        if not self.min_synapses >= 0:
            raise ValueError(f"min_synapses must be >= 0, got {self.min_synapses!r}")

    @property
    def rois(self) -> tuple[str, ...]:
        """The names in `roi`, in order."""
        return tuple(name.strip() for name in self.roi.split(",") if name.strip())

    def refuse(self, source: object, **reasons: str) -> None:
        """Raise FormatError where an option in `reasons` (name -> why it is not read) differs from its default."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in reasons and value != field.default:
                raise FormatError(f"{source}: expected no {field.name}, as {reasons[field.name]}, got {value!r}")
