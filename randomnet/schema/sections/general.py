"""What is done, where, over which grid and how."""

from dataclasses import dataclass

from randomnet.conditions import AT_A_PATH, BATCHED, RAY
from randomnet.kinds import KINDS
from randomnet.settings.option import Section, option
from randomnet.settings.values import Choice, Integer, Number, Value


@dataclass(frozen=True)
class ExperimentSection(Section):
    """[experiment] What is done."""

    kind: str = option(Choice(tuple(KINDS)), "train", "What every run does.", grid=False)
    name: str = option(Value(), "experiment", "A title for figures and the manifest.", identity=False)
    seed: int = option(
        Integer(0),
        0,
        "The one seed; network, weights, initial state and basis of iteration i follow from (seed, i).",
        grid=False,
    )


@dataclass(frozen=True)
class PathsSection(Section):
    """[paths] Where things are; relative paths start at the folder the command is run in."""

    path_to_network: str = option(
        Value(),
        "",
        "A connectome: a file, archive or folder of a known format, or a folder with a sub-folder per measured ROI or "
        "region matrices C_<roi>.npy; empty = the built-in ROIs.",
        only=AT_A_PATH,
        identity=False,
        grid=True,
    )
    path_to_results: str = option(Value(), "results", "Folder the results go to; made if missing.", identity=False)
    pretrained: str = option(
        Value(),
        "",
        "Results folder of an earlier kind = train, from whose network with the same values and of the same iteration "
        "each run starts ([pretrainedparams] says which); or one model.pt or .pth, from which all runs start.",
    )


@dataclass(frozen=True)
class CombosParamsSection(Section):
    """[combosparams] The grid."""

    combos_params: str = option(
        Value(),
        "{}",
        'JSON such as {"lr": [0.1, 0.01], "nle": ["5%", "10%"]}: the cartesian product of these values, of any option, '
        "by its key or as section.key; of options with names (couplings = EE: 1, EI: -1) also as couplings.EE.",
        identity=False,
    )


@dataclass(frozen=True)
class ExecutionSection(Section):
    """[execution] How the runs are carried out; results do not depend on engine, workers or checkpoints."""

    engine: str = option(
        Choice(("local", "ray")),
        "local",
        "Who carries the runs out: processes of this machine, or a Ray cluster.",
        identity=False,
    )
    address: str = option(
        Value(),
        "",
        "The Ray cluster: auto = the one that runs on this machine or that RAY_ADDRESS names, or host:port; empty = "
        "one of this machine alone, for as long as the experiment takes.",
        only=RAY,
        identity=False,
    )
    cpus_per_run: float | str = option(
        Number(0, above=True, words=("auto",)),
        "auto",
        "CPUs of the cluster that a process takes; auto = threads.",
        only=RAY,
        identity=False,
    )
    gpus_per_run: float = option(
        Number(0),
        0.0,
        "GPUs of the cluster that a process takes, or a part of one; with 0 it sees none.",
        only=RAY,
        identity=False,
    )
    workers: int | str = option(
        Integer(1, 4096, words=("auto",)),
        "auto",
        "Runs at the same time, each a process; auto = cores, or as many as the cluster has room for.",
        identity=False,
    )
    device: str = option(Choice(("auto", "cpu", "cuda")), "auto", "auto = cuda where there is one.")
    threads: int = option(Integer(1, 1024), 1, "Threads per worker.", grid=False)
    checkpoint_every: int | str = option(
        Integer(1, words=("auto",)),
        "auto",
        "Epochs between checkpoints, from which a killed run goes on; auto = every five seconds, or every epoch.",
        identity=False,
    )
    batch_runs: int | str = option(
        Integer(1, 1024, words=("auto",)),
        "auto",
        "Runs of one shape that are carried out side by side as one computation, each as if alone but for rounding; "
        "auto = as many as makes them faster, from their size; tasks one by one.",
        only=BATCHED,
        identity=False,
    )
    memory_budget: float = option(
        Number(0, above=True),
        2000.0,
        "Megabytes that the runs side by side in one worker may need; more of them are split.",
        only=BATCHED,
        identity=False,
    )
