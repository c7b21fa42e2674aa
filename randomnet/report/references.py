"""Full references of the studies that files and tasks are from.

data_references   those of a study's connectomes and tasks, with what each is of

A format of files names its studies in short (`Format.source`). A file in the layout of a dataset may hold other data,
so a reference says which layout it belongs to.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from randomnet.comparison.study import Combo
from randomnet.formats import FORMATS, SIGN_POLICIES
from randomnet.tasks import TASKS

SHORT = re.compile(r"[A-Z]\w+ et al\.,? \d{4}|[A-Z]\w+ et al\.")
GOULAS = ("Goulas A, Damicelli F, Hilgetag CC (2021) Bio-instantiated recurrent neural networks: integrating "
          "neurobiology-based network topology in artificial networks. Neural Networks 142:608-618.")  # fmt: skip
REFERENCES = {
    "Scheffer et al. 2020": "Scheffer LK et al. (2020) A connectome and analysis of the adult Drosophila central "
                            "brain. eLife 9:e57443.",
    "Eckstein et al. 2024": "Eckstein N et al. (2024) Neurotransmitter classification from electron microscopy images "
                            "at synaptic sites in Drosophila melanogaster. Cell 187:2574-2594.",
    "Plaza et al. 2022": "Plaza SM et al. (2022) neuPrint: an open access tool for EM connectomics. Frontiers in "
                         "Neuroinformatics 16:896292.",
    "Dorkenwald et al. 2024": "Dorkenwald S et al. (2024) Neuronal wiring diagram of an adult brain. Nature "
                              "634:124-138.",
    "Schlegel et al. 2024": "Schlegel P et al. (2024) Whole-brain annotation and multi-connectome cell typing of "
                            "Drosophila. Nature 634:139-152.",
    "Shiu et al. 2024": "Shiu PK et al. (2024) A Drosophila computational brain model reveals sensorimotor processing. "
                        "Nature 634:210-219.",
    "Takemura et al. 2024": "Takemura S et al. (2024) A connectome of the male Drosophila ventral nerve cord. eLife "
                            "13:RP97769.",
    "Marin et al. 2024": "Marin EC et al. (2024) Systematic annotation of a complete adult male Drosophila nerve cord "
                         "connectome reveals principles of functional organisation. eLife 13:RP97766.",
    "Berg et al. 2026": "Berg S et al. (2026) on the connectome of the central nervous system of a male Drosophila.",
    "Bates et al. 2026": "Bates AS et al. (2026) on BANC, the connectome of the brain and nerve cord of Drosophila.",
    "Goulas et al.": GOULAS,
}  # fmt: skip
SYNTHETIC = "Synthetic network: it stands in for measured data, and no connectome is to be cited."
UNKNOWN = ("The file does not say which study its data are from: cite the one that is named where you got it, or in "
           "the README beside it.")  # fmt: skip


PROGRAM = "Cite the repository of RandomNet with the version above; its CITATION.cff has the entry."


class Reference(NamedTuple):
    """What is used, and what to cite for it."""

    use: str
    texts: tuple[str, ...]


def data_references(combos: Sequence[Combo]) -> list[Reference]:
    """References of all connectomes, their rules of signs, and tasks of these combos; each once."""
    every = [reference for combo in combos for reference in (*_of_connectome(combo.record), *_of_task(combo.task))]
    return [*dict.fromkeys(every), Reference("RandomNet", (PROGRAM,))]


def _of_connectome(record: Mapping[str, Any]) -> Iterator[Reference]:
    if not record:
        return
    name = str(record.get("name") or "network")
    if record.get("synthetic"):
        yield Reference(name, (SYNTHETIC,))
        return
    kind = record.get("format")
    row = FORMATS.get(str(kind)) if kind else None
    cited = references_in(row.source) if row else []
    if cited:
        yield Reference(f"{name}: data of, or in the layout of, {kind}", (*cited, UNKNOWN))
    elif kind:
        software = f" of {row.source}" if row and row.source else ""
        yield Reference(f"{name}: file of the format {kind}{software}", (UNKNOWN,))
    policy = SIGN_POLICIES.get(str(record.get("sign_policy")))
    signs = references_in(policy.source) if policy else []
    if signs:
        yield Reference(f"{name}: signs by {record['sign_policy']}", tuple(signs))


def _of_task(task: Mapping[str, Any]) -> Iterator[Reference]:
    if task:
        name = str(task.get("name"))
        row = TASKS.get(name.casefold())
        source = row.source if row else str(task.get("source") or "")
        yield Reference(f"task {name}", (f"From {source}." if source else "Its source is not recorded.",))


def references_in(source: str) -> list[str]:
    """Full references of the studies that a short text names; those unknown as they are."""
    return [REFERENCES.get(short, short) for short in SHORT.findall(source)]
