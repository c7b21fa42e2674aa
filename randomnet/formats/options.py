"""What a user asks of any reader of connectomes, in one small record that checks itself."""

from dataclasses import dataclass, fields

from randomnet.formats.files import FormatError
from randomnet.formats.sign_policies import SIGN_POLICIES

ROWS = ("auto", "source", "target")


@dataclass(frozen=True)
class Options:
    """How to read a connectome; each reader refuses what its format does not know. Raises ValueError."""

    roi: str = ""  # one name or a comma list, "" for the whole; of a folder of several networks, the one to read
    rows: str = "auto"  # of a matrix: what a row is, the presynaptic neuron (source) or the postsynaptic one (target)
    sign_policy: str = "auto"  # the rule that gives a neuron its sign; auto: see `signs.with_signs`
    min_synapses: float = 0  # pairs with fewer synapses in all (in the ROIs that were asked for) are no connection
    drop_autapses: bool = True  # connections of a neuron with itself are counted, then dropped

    def __post_init__(self) -> None:
        for name, allowed in (("rows", ROWS), ("sign_policy", SIGN_POLICIES)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")
        if not self.min_synapses >= 0:
            raise ValueError(f"min_synapses must be >= 0, got {self.min_synapses!r}")

    @property
    def rois(self) -> tuple[str, ...]:
        """The names in `roi`, in order."""
        return tuple(name.strip() for name in self.roi.split(",") if name.strip())

    def refuse(self, what: object, **reasons: str) -> None:
        """Raise FormatError where an option named in `reasons` (name -> why it is not read) is not its default."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in reasons and value != field.default:
                raise FormatError(f"{what}: expected no {field.name}, as {reasons[field.name]}, got {value!r}")
