"""The device of a network."""

import re
from dataclasses import dataclass

from randomnet.settings.values import Value, nearest

NAMES = ("auto", "cpu", "cuda")
SPELLINGS = {"gpu": "cuda"}
REFUSED = {
    "mps": "PyTorch's mps has no float64, in which spectra are computed: device = cpu",
    "xpu": "networks are computed on the CPU or with CUDA",
}


@dataclass(frozen=True)
class Device(Value):
    """auto, cpu, cuda, or one of several GPUs such as cuda:1; gpu is cuda."""

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return f"one of {', '.join(NAMES)}, or a GPU by number such as cuda:1"

    def parse(self, text: str) -> str:
        """The name as torch spells it. Raises ValueError, which says why for the devices of REFUSED."""
        kind, colon, number = re.sub(r"\s", "", text.lower()).partition(":")
        kind = SPELLINGS.get(kind, kind)
        if kind in REFUSED:
            raise ValueError(f"; {REFUSED[kind]}")
        if kind not in NAMES or (colon and (kind != "cuda" or not re.fullmatch("[0-9]{1,4}", number))):
            raise ValueError(nearest(kind, [*NAMES, *SPELLINGS]))
        return f"{kind}:{int(number)}" if colon else kind
