"""General sections: experiment, paths, grid and execution."""

from dataclasses import dataclass

from randomnet.compiled import CHOICES as STEPS
from randomnet.conditions import AT_A_PATH, BATCHED, BUILT, HALVED, OF_RESPONSES, OF_TRIALS, PREDICTING, RAY, SAMPLED
from randomnet.kinds import KINDS
from randomnet.settings.option import Section, option
from randomnet.settings.values import Boolean, Choice, Integer, Location, Number, Value
from randomnet.values.devices import Device


@dataclass(frozen=True)
class ExperimentSection(Section):
    """[experiment] The experiment."""

    kind: str = option(Choice(tuple(KINDS)), "train", "What every run does.", grid=False)
    name: str = option(Value(), "experiment", "Title of figures, also written to the manifest.", identity=False)
    seed: int = option(
        Integer(0),
        0,
        "Seed of the experiment. Networks, initial states and trials of iteration i follow from (seed, i).",
        grid=False,
    )


@dataclass(frozen=True)
class PathsSection(Section):
    """[paths] Files and folders: beside the INI, or in the current folder, where results are looked for first."""

    path_to_network: str = option(
        Location(),
        "",
        "A connectome: a file, archive or folder of a known format. It may also be a folder with one sub-folder for "
        "each measured ROI, or with region matrices C_<roi>.npy. Empty = the built-in ROIs.",
        only=AT_A_PATH,
        identity=False,
        grid=True,
    )
    path_to_results: str = option(
        Value(), "results", "Folder for the results; it is created if missing.", identity=False
    )
    pretrained: str = option(
        Location(results=True),
        "",
        "Trained networks that the runs start from. A results folder of kind = train: each run starts from the "
        "network with its own values and iteration; [pretrainedparams] changes that. A file model.pt or .pth: all "
        "runs start from it.",
        only=BUILT,
        sizes=False,
    )
    recording: str = option(
        Location(),
        "",
        "A recording of named neurons (CSV, .npz, HDF5, NWB) in place of a teacher: rates, calcium traces or spikes. "
        "Names are those of the connectome, or of one of its kinds of label.",
        only=PREDICTING,
        neutral="",
    )
    responses: str = option(
        Location(),
        "",
        "A table of measured responses: CSV, TSV, parquet or sheet. A row is a pair of neurons: stimulated, "
        "responding, q, and where it has them response and occurrences. Names are those of the connectome.",
        only=OF_RESPONSES,
        neutral="",
    )


@dataclass(frozen=True)
class CombosParamsSection(Section):
    """[combosparams] The grid."""

    combos_params: str = option(
        Value(),
        "{}",
        'Grid as JSON, such as {"lr": [0.1, 0.01], "nle": ["5%", "10%"]}: the Cartesian product of all values. '
        "Options are named by key or section.key. Entries of options with names, such as couplings = EE: 1, are "
        "named couplings.EE. What it lists counts before the value in the option's section.",
        identity=False,
    )
    zip: str = option(
        Value(),
        "",
        "Axes of combos_params whose values are paired, such as lr, epochs: the first of each together, and so on. "
        "They have as many values each. Empty = all axes make up the product.",
        identity=False,
    )
    sample: str = option(
        Value(),
        "{}",
        'Options whose values are drawn at random, as JSON, such as {"lr": "loguniform 1e-4 1e-2"}. Laws: uniform LOW '
        "HIGH, loguniform LOW HIGH, integers FIRST LAST (both included), choice A B C. Each of n_samples combos "
        "receives one draw of every option; with combos_params, all its combos receive each draw.",
        identity=False,
    )
    n_samples: int = option(
        Integer(1, 100_000),
        10,
        "Number of draws of sample. The draws follow from experiment.seed; more draws keep the first ones.",
        only=SAMPLED,
        identity=False,
    )
    halving: int = option(
        Integer(0, 1000),
        0,
        "Successive halving: at each rung of epochs one combo in this many trains on, those of the lowest validation "
        "loss, and the others stop. 0 = no halving, all combos train for all epochs.",
        only=OF_TRIALS,
        identity=False,
    )
    halving_epochs: int = option(
        Integer(1),
        10,
        "Epochs of the first rung; each further rung has halving times as many epochs.",
        only=HALVED,
        identity=False,
    )


@dataclass(frozen=True)
class ExecutionSection(Section):
    """[execution] How runs are executed. Results do not depend on engine, workers or checkpoints."""

    engine: str = option(
        Choice(("local", "ray")),
        "local",
        "local: processes of this machine. ray: a Ray cluster.",
        identity=False,
    )
    address: str = option(
        Value(),
        "",
        "Ray cluster. auto: the one on this machine or in RAY_ADDRESS. host:port: that one. Empty: a temporary one "
        "on this machine.",
        only=RAY,
        identity=False,
    )
    cpus_per_run: float | str = option(
        Number(0, above=True, words=("auto",)),
        "auto",
        "CPUs of the cluster for each process; auto = threads.",
        only=RAY,
        identity=False,
    )
    gpus_per_run: float = option(
        Number(0),
        0.0,
        "GPUs of the cluster for each process, or a fraction of one; 0 = the process sees none.",
        only=RAY,
        identity=False,
    )
    workers: int | str = option(
        Integer(1, 4096, words=("auto",)),
        "auto",
        "Number of processes, each with one run at a time. auto = the number of cores, that of the GPUs for runs on "
        "these, or as many as the cluster has room for.",
        identity=False,
    )
    device: str = option(
        Device(),
        "auto",
        "Device. auto: a CUDA GPU, where there is one, for networks of 1,000 neurons or more, which is a rule and not "
        "measured. cuda: a GPU for any network; workers share the GPUs evenly. cuda:1: that one.",
        only=BUILT,
    )
    threads: int = option(Integer(1, 1024), 1, "Threads per process.", grid=False)
    steps: str = option(
        Choice(STEPS),
        "auto",
        "How steps of networks are computed on the CPU. compiled: as loops compiled by numba, once per machine. eager: "
        "by torch, call by call. auto = compiled where numba is installed. Results differ by rounding, so a results "
        "folder keeps its first choice. CUDA, and an activation of a plug-in without its scalar function, always use "
        "torch.",
        identity=False,
    )
    checkpoint_every: int | str = option(
        Integer(1, words=("auto",)),
        "auto",
        "Epochs between checkpoints, from which a killed run resumes. auto = every five seconds, or every epoch if "
        "that is longer.",
        identity=False,
    )
    keep_state: bool = option(
        Boolean(),
        True,
        "Keep the state in which a training ended, in state.pt (about as large as model.pt, or twice). The training "
        "goes on from it where epochs is raised later.",
        identity=False,
    )
    batch_runs: int | str = option(
        Integer(1, 1024, words=("auto",)),
        "auto",
        "Number of runs of the same shape that are computed as one batch; results differ only by rounding. auto = "
        "as many as makes them faster; tasks one by one.",
        only=BATCHED,
        identity=False,
    )
    memory_budget: float | str = option(
        Number(0, above=True, words=("auto",)),
        "auto",
        "Megabytes that a batch of runs may need; larger batches are split. auto = 2000, or four fifths of what is "
        "free on a GPU.",
        only=BATCHED,
        identity=False,
    )
    report: bool = option(
        Boolean(),
        False,
        "At the end, draw the figures and write the report, to the folder report in path_to_results, and print the "
        "result in sentences. With --shard, the share that ends last does so.",
        identity=False,
    )
    tensorboard: bool = option(
        Boolean(),
        False,
        "Also write the history of every run for TensorBoard, to the folder tensorboard in path_to_results. To look at "
        "it: tensorboard --logdir results/x/tensorboard. Needs the package tensorboard.",
        identity=False,
    )
