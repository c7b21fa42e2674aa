"""Wrong input: one clear line, exit code 2, nothing written. Every case is a way for an experiment to be wrong."""

import io
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import runrandomnet
from randomnet.results import ResultsFolder

BASE = {
    "paths.path_to_results": "results",
    "net.roi": "random",
    "net.n": "8",
    "lyapunov.nle": "2",
    "lyapunov.tsim": "2",
    "lyapunov.transient": "0",
    "lyapunov.frame_transient": "0",
    "trainvalidate.epochs": "1",
    "execution.workers": "1",
}
AB = {"net.roi": "AB", "net.n": None}
ROI = {"net.roi": "TINY", "net.n": None, "paths.path_to_network": "{tmp}/rois"}
LONG = "x" * 300


def ini(changes):
    """The valid tiny experiment as text, with options changed, added, or (None) left out."""
    sections = {}
    for name, text in {**BASE, **changes}.items():
        section, _, key = name.partition(".")
        if text is not None:
            sections.setdefault(section, []).append(f"{key} = {text}")
    return "".join(f"[{section}]\n" + "\n".join(lines) + "\n" for section, lines in sections.items())


@dataclass
class Case:
    """An INI (changes of BASE, or its whole text), what is done beforehand, and words that the error must hold.

    origin: what the error blames, the INI unless said otherwise. says: how it puts what was wanted.
    """

    name: str
    ini: dict | str | bytes | None
    words: tuple[str, ...]
    args: tuple[str, ...] = ()
    prepare: Callable = lambda place: None
    origin: str = "experiment.ini"
    says: str = "expected"


CASES: list[Case] = []


def case(name, ini, *words, **more):
    CASES.append(Case(name, ini, words, **more))


def option(name, changes, key, *words, **more):
    """A case whose error names `[section] key` and, unless told otherwise, what was written there."""
    section, _, option = key.partition(".")
    case(name, changes, f"[{section}] {option}", *words, **more)


def wrong(key, text, *words, base=None):
    """An option with a text that it may not have."""
    option(f"{key}={text[:24]}", {**(base or {}), key: text}, key, repr(text) if text else "got nothing", *words)


def grid(name, text, *words, **changes):
    option(f"grid: {name}", {"combosparams.combos_params": text, **changes}, "combosparams.combos_params", *words)


def override(name, argument, *words):
    case(f"--set {name}", {}, *words, args=("--set", argument), origin="--set")


def roi(name, key, *words, ini=(), **contents):
    """A case of a ROI folder with wrong contents; the error names the file."""
    case(f"ROI: {name}", {**ROI, **dict(ini)}, key, *words, prepare=lambda place: place.roi_folder(**contents))


# ---- the file and its syntax
case("no file", None, "No such file")
case("a folder", None, "Is a directory", prepare=lambda place: (place.tmp / "experiment.ini").mkdir())
case("not UTF-8", "[experiment]\nname = é\n".encode("latin-1"), "UTF-8")
case("UTF-16", "[experiment]\nname = a\n".encode("utf-16"), "UTF-8")
case("no section", "nle = 2\n", "no section headers", "line: 1")
case("no value", "[net]\nroi\n", "INI", "'roi")
case("duplicate section", "[net]\nroi = AB\n[net]\ng = 1\n", "section 'net' already exists")
case("duplicate key", "[net]\nroi = AB\nroi = EB\n", "option 'roi'", "already exists")
option("key and alias", "[net]\nroi = AB\nnet_name = EB\n", "net.roi", "once", "twice, as roi and as net_name")
option("two aliases", {"model.subpopulation": "neuron", "model.groups": "neuron"}, "model.groups", "once", "twice")
case("unknown section", {"lyapunv.nle": "2"}, "[lyapunv]", "did you mean 'lyapunov'")
case("section in capitals", {"NET.g": "2"}, "[NET]", "did you mean 'net'")
case("empty unknown section", "[nett]\n", "[nett]", "did you mean 'net'")
case("DEFAULT", "[DEFAULT]\nlr = 1\n", "[DEFAULT]", "expected one of the sections")
option("unknown key", {"lyapunov.nel": "2"}, "lyapunov.nel", "did you mean 'nle'")
option("key of another section", {"lyapunov.lr": "2"}, "lyapunov.lr", "belongs to [trainvalidate]")
option("indented key", "[trainvalidate]\nlr = 0.1\n  epochs = 5\n", "trainvalidate.lr", r"'0.1\nepochs = 5'")
option("indented key below a text", "[experiment]\nname = x\n  seed = 5\n", "experiment.name", "one line", "seed = 5")
option("indented key below a path", "[paths]\npretrained = x\n  lr = 5\n", "paths.pretrained", "one line", "lr = 5")

# ---- one value
for key, texts in {
    "experiment.seed": ("-1", "1.5", ""),
    "net.n": ("1", "8.0", "100001", "9" * 5000, "eight"),
    "net.g": ("0", "-1", "nan", "inf", "1e400"),
    "net.dales_law": ("maybe",),
    "model.dt": ("0", "1.5", "nan", "0,1"),
    "lyapunov.nle": ("0", "150%", "0%", "-1", "nan%", "%", "2.5", "all"),
    "lyapunov.tsim": ("0", "-200", "inf", "", "automatic"),
    "lyapunov.tolerance": ("0", "-1"),
    "net.parameter": ("weight", "gains + gains", "", "weights gains"),
    "lyapunov.tons": ("0", "adaptiv", "-0.2"),
    "lyapunov.transient": ("-1", "nan"),
    "lyapunov.target": ("nan", "inf", "1:2:3", "0:nan", ""),
    "trainvalidate.lr": ("-0.1", "0", "nan", "0.1 0.2", "None"),
    "trainvalidate.epochs": ("0", "1e3", "99999999"),
    "trainvalidate.iterations": ("0", "100001"),
    "trainvalidate.train_gains": ("2", "", "auto"),
    "trainvalidate.number_param": ("0", "3 0", "0 -1 5", "1 2 3 4", "most"),
    "trainvalidate.clip_norm": ("0", "inf"),
    "execution.workers": ("0", "many", "5000"),
    "execution.threads": ("0", "4096"),
    "execution.checkpoint_every": ("0",),
}.items():
    for text in texts:
        wrong(key, text)
for key, text, near in (
    ("experiment.kind", "trian", "train"),
    ("net.normalization", "sinkhron", "sinkhorn"),
    ("model.integrator", "rk45", "rk4"),
    ("net.null", "degres", "degree"),
    ("net.rows", "sources", "source"),
    ("model.activation", "tanh_streched_", "tanh_streched"),
    ("model.form", "rates", "rate"),
    ("trainvalidate.loss", "mes", "mse"),
    ("trainvalidate.optimizer", "adma", "Adam"),
    ("trainvalidate.precision", "float23", "float32"),
    ("execution.device", "cpuu", "cpu"),
):
    wrong(key, text, f"did you mean '{near}'")
wrong("net.source", "guess", "expected one of auto")
option("roi nowhere near", {**AB, "net.roi": "FB2"}, "net.roi", "AB, EB, PB, NO, ATL, random", "'FB2'")
option("roi, nearest", {**AB, "net.roi": "Random"}, "net.roi", "did you mean 'random'")
option("roi empty", {**AB, "net.roi": ""}, "net.roi", "name of a region", "''")
option("roi a path", {**AB, "net.roi": "rois/EB"}, "net.roi", "without a path", "'rois/EB'")
option("results empty", {"paths.path_to_results": ""}, "paths.path_to_results", "a folder", "''")

# ---- values that contradict each other
option("nle > N", {"lyapunov.nle": "9"}, "lyapunov.nle", "at most N = 8", "got 9")
option("dt > tons", {"model.dt": "0.5", "lyapunov.tons": "0.2"}, "lyapunov.tons", "model.dt = 0.5", "'0.2'")
option("tsim < tons", {"lyapunov.tsim": "2", "lyapunov.tons": "3"}, "lyapunov.tsim", "interval", "'2'")
option("tsim < dt", {"lyapunov.tsim": "0.05", "lyapunov.tons": "adaptive"}, "lyapunov.tsim", "interval", "'0.05'")
option("tsim huge", {"lyapunov.tsim": "1e300"}, "lyapunov.tsim", "fewer than 1e9 steps", "1e300")
option("dt tiny", {"model.dt": "1e-320"}, "lyapunov.tsim", "fewer than 1e9 steps", "'2'")
option("transient huge", {"lyapunov.transient": "1e9"}, "lyapunov.tsim", "fewer than 1e9 steps")
option("tanh has no gains", {"model.activation": "tanh"}, "trainvalidate.train_gains", "tanh_stretched has", "True")
option(
    "tanh has no shifts",
    {"model.activation": "std", "trainvalidate.train_gains": "no", "trainvalidate.train_shifts": "yes"},
    "trainvalidate.train_shifts", "False with activation = tanh", "'yes'",
)
option(
    "nothing trained",
    {"trainvalidate.train_gains": "False", "trainvalidate.train_shifts": "False"},
    "trainvalidate.train_gains", "something to train", "'False'",
)
option("number_param too many", {"trainvalidate.number_param": "9"}, "trainvalidate.number_param", "at most 8 gains")
option(
    "number_param of what is not trained", {"trainvalidate.number_param": "5 1 1"}, "trainvalidate.number_param",
    "0 weights as train_weights = False", "'5 1 1'",
)
option(
    "number_param of nothing trained", {"trainvalidate.number_param": "0 0 3"}, "trainvalidate.number_param",
    "more than 0 gains as train_gains = True",
)
option(
    "number_param, too many weights",
    {"trainvalidate.train_weights": "1", "trainvalidate.number_param": "57 1 1"},
    "trainvalidate.number_param", "at most 56 weights", "got 57",
)
option(
    "nle > N of a network that would not fit",
    {"net.n": "100000", "trainvalidate.train_weights": "1", "lyapunov.nle": "100001"},
    "lyapunov.nle", "at most N = 100000", "got 100001",
)
option("random with sinkhorn", {"net.normalization": "sinkhorn"}, "net.normalization", "roi = random", "'sinkhorn'")
option("random with Dale's law", {"net.dales_law": "True"}, "net.dales_law", "auto or False", "'True'")
option("random with groups", {"model.groups": "cell_fibers"}, "model.groups", "no labels", "'cell_fibers'")
option("random from a folder", {"paths.path_to_network": "rois"}, "paths.path_to_network", "net.roi is not random")
option("n with EB", {"net.roi": "EB"}, "net.n", "only where net.roi = random", "'8'")
option("rows of a built-in ROI", {**AB, "net.rows": "target"}, "net.rows", "paths.path_to_network is set", "'target'")
option("sinkhorn unread", {"net.sinkhorn_iterations": "5"}, "net.sinkhorn_iterations", "net.normalization = sinkhorn")
option(
    "target of sinai", {"trainvalidate.loss": "Sinai", "lyapunov.target": "1"}, "lyapunov.target",
    "trainvalidate.loss has l2 or mse", "'1'",
)
option(
    "target of MSE_Custom", {"trainvalidate.loss": "MSE_Custom", "lyapunov.target": "0"}, "lyapunov.target",
    "MSE_Custom", "1.25:-1.25", "'0'",
)
SPECTRUM = {"experiment.kind": "spectrum", "trainvalidate.epochs": None}
AUTO = {**SPECTRUM, "lyapunov.tsim": "auto"}
option("lr of a spectrum", {**SPECTRUM, "trainvalidate.lr": "0.1"}, "trainvalidate.lr", "kind = spectrum", "'0.1'")
option("tsim = auto in a training", {"lyapunov.tsim": "auto"}, "lyapunov.tsim", "a number with kind = train", "'auto'")
option("no auto", {**SPECTRUM, "lyapunov.tolerance": "0.1"}, "lyapunov.tolerance", "tsim = auto", "'0.1'")
option("tsim_max too short", {**AUTO, "lyapunov.tsim_max": "0.1"}, "lyapunov.tsim_max", "one interval")
option("tsim_max too long", {**AUTO, "lyapunov.tsim_max": "1e12"}, "lyapunov.tsim_max", "fewer than 1e9 steps")
option("initial states of a training", {"lyapunov.initial_states": "3"}, "lyapunov.initial_states", "kind = train",
       "'3'")  # fmt: skip
option("auto in a convergence", {**AUTO, "experiment.kind": "convergence"}, "lyapunov.tsim", "kind = convergence")
option("Runge-Kutta with a task", {"trialparams.task_name": "seq_mem", "model.integrator": "rk4", "lyapunov.nle": None,
       "lyapunov.tsim": None, "lyapunov.transient": None, "lyapunov.frame_transient": None}, "model.integrator",
       "euler with a task", "'rk4'")  # fmt: skip
option("gains of tanh", {**SPECTRUM, "model.activation": "tanh", "net.parameter": "gains"}, "net.parameter",
       "activation = tanh", "'gains'")  # fmt: skip
option("two nulls", {**AB, "net.null": "degree", "net.random_w": "True", "net.normalization": "none"}, "net.random_w",
       "False with null = degree", "'True'")  # fmt: skip
option("null of a random network", {"net.null": "degree"}, "net.null", "net.roi is not random", "'degree'")
case("null that mixes signs, balanced", {**AB, "net.null": "erdos"}, "[net] normalization", "'sinkhorn'")
case("null without regions", {**AB, "net.null": "boundary"}, "[net] null", "'boundary'", "region")
option("driven without a task", {**SPECTRUM, "lyapunov.driven": "False"}, "lyapunov.driven", "task_name", "'False'")
option("training in a benchmark", {"experiment.kind": "benchmark"}, "trainvalidate.epochs", "kind = benchmark", "'1'")
for key in ("rnn_size", "nr_neurons", "rand_partition", "random_w"):
    option(f"random with {key}", {f"net.{key}": "1"}, f"net.{key}", "only where", "'1'")
TASK = {"trialparams.task_name": "seq_mem"}
N_BACK = {"trialparams.task_name": "nback_mem"}
option("task unknown", {"trialparams.task_name": "seq_men"}, "trialparams.task_name", "did you mean 'seq_mem'")
option("task without its loss", {**TASK, "trainvalidate.loss": "mse"}, "trainvalidate.loss", "task + 0.1*mse", "'mse'")
option("loss of a task that is none", {"trainvalidate.loss": "task"}, "trainvalidate.loss", "names no task")
option("two spectra in a loss", {**TASK, "trainvalidate.loss": "task + mse + l2"}, "trainvalidate.loss", "at most one")
option("a weight below 0", {**TASK, "trainvalidate.loss": "task + -1*mse"}, "trainvalidate.loss", "a sum such as")
option("a term unknown", {**TASK, "trainvalidate.loss": "task + mean"}, "trainvalidate.loss", "a sum such as")
option("n_back too long", {**N_BACK, "trialparams.n_back": "5", "trialparams.trial_length": "5"},
       "trialparams.n_back", "trial_length = 5", "'5'")  # fmt: skip
case("n_back of seq_mem", "[trialparams]\ntask_name = seq_mem\nn_back = 2\n", "[trialparams] n_back", "only where")
case(
    "loss in a benchmark",
    "[experiment]\nkind = benchmark\n[trialparams]\ntask_name = seq_mem\n[trainvalidate]\nloss = task\n",
    "[trainvalidate] loss", "kind = benchmark",
)
option("trial_params no dictionary", {"trialparams.trial_params": "[1]"}, "trialparams.trial_params", "JSON object")
option("trial_params a program", {"trialparams.trial_params": "{'a': open('x')}"}, "trialparams.trial_params", "JSON")
option("trial_params unknown", {"trialparams.trial_params": '{"n_bak": 2}'}, "trialparams", "did you mean 'n_back'")
option("weights overflow", {**AB, "net.normalization": "none", "net.g": "1e308"}, "net.g", "finite", "1e+308")
option(
    "no device", {"execution.device": "cuda"}, "execution.device", "a machine without one",
    prepare=lambda place: place.monkeypatch.setattr(torch.cuda, "is_available", lambda: False),
)

# ---- the grid
grid("not JSON", "{'lr': [0.1}", "JSON such as", "line 1 column 2")
grid("a program", "{'lr': [__import__('os').getpid()]}", "JSON such as")
grid("a Python key twice", "{'lr': [0.1], 'lr': [0.2]}", "JSON such as")
grid("unfinished", '{"lr": [0.1', "JSON such as")
grid("a list", "[0.1]", "JSON object such as", "got list")
grid("nested too deep", "[" * 100_000, "JSON such as")
grid("no list", '{"lr": 0.1}', "'lr'", "a list of at least one value", "0.1")
grid("empty list", '{"lr": []}', "'lr'", "at least one value", "[]")
grid("null", '{"lr": [null]}', "'lr'", "null")
grid("list in a list", '{"lr": [[0.1]]}', "'lr'", "[0.1]")
grid("a value twice", '{"lr": [0.1, 0.10]}', "'lr'", "different values")
grid("a value twice, as text", '{"lr": [0.1, "0.1"]}', "combo 1", "combo 0")
grid("a value twice, by its alias", '{"activation": ["strech", "tanh_stretched"]}', "combo 1", "combo 0")
grid("a key twice", '{"lr": [0.1], "lr": [0.2]}', "'lr'", "twice")
grid("key and section.key", '{"lr": [0.1], "trainvalidate.lr": [0.2]}', "'trainvalidate.lr'", "twice")
grid("key and alias", '{"groups": ["neuron"], "subpopulation": ["neuron"]}', "'subpopulation'", "model.groups twice")
grid("unknown key", '{"learning": [0.1], "epohcs": [1]}', "'learning'", "an option's key")
grid("unknown key, nearest", '{"tsmi": [1]}', "'tsmi'", "did you mean 'tsim'")
grid("unknown section", '{"lyapunv.tons": [0.2]}', "[lyapunv]", "did you mean 'lyapunov'")
grid("unknown section.key", '{"lyapunov.tosn": [0.2]}', "[lyapunov] tosn", "did you mean 'tons'")
grid("NaN", '{"g": [NaN]}', "combo 0", "[net] g", "'nan'")
grid("infinite", '{"g": [1, 1e999]}', "combo 1", "[net] g", "'inf'")
grid("wrong type", '{"lr": [0.1, true]}', "combo 1", "[trainvalidate] lr", "'True'")
option(
    "grid: contradiction in one combo",
    {"combosparams.combos_params": '{"dt": [0.1, 0.2, 0.4]}', "lyapunov.tons": "0.2"},
    "lyapunov.tons", "model.dt = 0.4", "'0.2'",
)
for key, text in (
    ("iterations", "1"), ("kind", '"train"'), ("name", '"x"'), ("path_to_results", '"x"'), ("workers", "1"),
    ("seed", "1"), ("threads", "1"), ("combos_params", '"{}"'),
):
    section = {"iterations": "trainvalidate", "path_to_results": "paths", "workers": "execution"}
    section |= {"threads": "execution", "combos_params": "combosparams"}
    left_out = {"paths.path_to_results": None, "execution.workers": None}
    for name in (key, f"{section.get(key, 'experiment')}.{key}"):
        grid(f"over {name}", f'{{"{name}": [{text}]}}', repr(name), "expected an option that", **left_out)
option(
    "grid: 8e6 combos",
    {"combosparams.combos_params": '{"tons": %s, "lr": %s, "g": %s}' % ((list(range(1, 201)),) * 3)},
    "combosparams.combos_params", "at most 1e6 combos", "8000000",
)
case(
    "--set of an axis and of its option", {}, "[trainvalidate] lr", "left out", "combos_params lists 'lr'", "'0.1'",
    args=("--set", "trainvalidate.lr=0.1", "--set", 'combosparams.combos_params={"lr": [1]}'), origin="--set",
)
option(
    "zip: axes of different lengths",
    {"combosparams.combos_params": '{"lr": [1, 2], "g": [1, 2, 3]}', "combosparams.zip": "lr, g"},
    "combosparams.zip", "as many values each", "lr: 2, g: 3",
)
option("zip: no grid", {"combosparams.zip": "lr, g"}, "combosparams.zip", "combos_params with its axes", "'lr'")
option(
    "zip: not an axis", {"combosparams.combos_params": '{"lr": [1, 2], "g": [1, 2]}', "combosparams.zip": "lr, tons"},
    "combosparams.zip", "an axis of combos_params, lr, g", "'tons'",
)
option(
    "zip: one axis twice",
    {"combosparams.combos_params": '{"lr": [1, 2]}', "combosparams.zip": "lr, trainvalidate.lr"},
    "combosparams.zip", "at least two axes, each once", "'lr, trainvalidate.lr'",
)
case(
    "grid: nle > N in one combo", {"lyapunov.nle": None, "combosparams.combos_params": '{"nle": ["50%", 9]}'},
    "combo 1 (nle=9)", "[lyapunov] nle", "at most N = 8", "got 9",
)
option(
    "grid: option that no run reads", {"combosparams.combos_params": '{"sinkhorn_iterations": [5, 6]}'},
    "net.sinkhorn_iterations", "net.normalization = sinkhorn",
)
option(
    "grid: option that a combo does not read makes two combos the same",
    {"net.n": None, "net.roi": None, "combosparams.combos_params": '{"roi": ["random", "AB"], "n": [8, 9]}'},
    "combosparams.combos_params", "combo 3", "combo 2",
)

# ---- the command line
override("without =", "lyapunov.nle", "lyapunov.nle", "section.key=value")
override("without section", "nle=2", "nle=2", "section.key=value")
override("unknown section", "lyapunv.nle=2", "[lyapunv]", "did you mean 'lyapunov'")
override("unknown key", "lyapunov.nel=2", "[lyapunov] nel", "did you mean 'nle'")
override("wrong value", "trainvalidate.lr=-1", "[trainvalidate] lr", "above 0", "'-1'")
override("an axis without values", "net.g=[]", "[net] g", "a number above 0", "'[]'")
override("two lines", "experiment.name=a\nb", "[experiment] name", "one line", r"'a\nb'")
override("text that reads back as a comment", "experiment.name=EB # 3", "[experiment] name", "comment", "'EB # 3'")
override("grid", "combosparams.combos_params=x", "[combosparams] combos_params", "JSON")
case(
    "--set twice", {}, "[net] g", "once", "twice", origin="--set",
    args=("--set", "net.g=1", "--set", "net.g=2"),
)
for word, words in {"nett": "did you mean 'net'", "nel": "did you mean 'nle'", "net.nle": "did you mean 'lyapunov.nle'",
                    "lyapunov.nel": "did you mean 'lyapunov.nle'"}.items():  # fmt: skip
    case(f"--help-config {word}", {}, word, words, args=("--help-config", word), origin="--help-config")
case("--help-config of another kind", {}, "lr", "kind = spectrum reads", "read by kind = train, ",
     args=("--help-config", "lr", "--kind", "spectrum"), origin="--help-config")  # fmt: skip
case("--help-config of no kind", {}, "one of train, spectrum", "did you mean 'spectrum'",
     args=("--help-config", "--kind", "spctrum"), origin="--kind")  # fmt: skip
case("--kind alone", {}, "--help-config with it", "--set experiment.kind=spectrum", args=("--kind", "spectrum"),
     origin="--kind")  # fmt: skip

# ---- files that options name
TARGET = {"lyapunov.target": "target.txt"}


def writes(name, content):
    def write(place):
        path = place.tmp / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


option("target missing", TARGET, "lyapunov.target", "file of numbers", "target.txt")
option("target empty", TARGET, "lyapunov.target", "target.txt", prepare=writes("target.txt", ""))
option("target short", TARGET, "lyapunov.target", "8 numbers", "got 3", prepare=writes("target.txt", "1\n0\n-1\n"))
option("target text", TARGET, "lyapunov.target", "file of numbers", "one", prepare=writes("target.txt", "0 one"))
option("target nan", TARGET, "lyapunov.target", "finite", "nan", prepare=writes("target.txt", "0 nan"))
option("target inf", TARGET, "lyapunov.target", "finite", "inf", prepare=writes("target.txt", "0,-inf"))
option("target ragged", TARGET, "lyapunov.target", "file of numbers", prepare=writes("target.txt", "0 1\n2\n"))
option("target binary", TARGET, "lyapunov.target", "file of numbers", prepare=writes("target.txt", b"\xff\xfe\x00"))
option("target a folder", {"lyapunov.target": "."}, "lyapunov.target", "file of numbers", "'.'")
option("target's name too long", {"lyapunov.target": LONG}, "lyapunov.target", "file of numbers", LONG)
option("target of nobody", {"lyapunov.target": "~nobody-here/t"}, "lyapunov.target", "~nobody-here/t")
NPY = {"lyapunov.target": "t.npy"}
option("target.npy of objects", NPY, "lyapunov.target", "t.npy", prepare=writes("t.npy", npy(np.array([{}]))))
option("target.npy complex", NPY, "lyapunov.target", "complex", prepare=writes("t.npy", npy(1j * np.ones(8))))
option("target.npy damaged", NPY, "lyapunov.target", "t.npy", prepare=writes("t.npy", npy(np.ones(8))[:-9]))

PRETRAINED = {"paths.pretrained": "model.pt"}


class Runs:
    """An object whose unpickling runs a command."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def model(place, **changes):
    """A copy of a trained model of BASE, with parts of it changed."""
    saved = torch.load(place.trained / "0" / "iter_0" / "model.pt", weights_only=True)
    torch.save({**saved, **changes}, place.tmp / "model.pt")


option("pretrained missing", PRETRAINED, "paths.pretrained", "a model for every run", "model.pt")
option("pretrained empty folder", {"paths.pretrained": "."}, "paths.pretrained", "model.pt")
option("pretrained damaged", PRETRAINED, "paths.pretrained", "model.pt", prepare=writes("model.pt", b"PK\x03\x04rest"))
option("pretrained empty", PRETRAINED, "paths.pretrained", "model.pt", prepare=writes("model.pt", b""))
option(
    "pretrained runs a program", PRETRAINED, "paths.pretrained", "model.pt",
    prepare=lambda place: torch.save({"network": Runs(place.tmp / "ran")}, place.tmp / "model.pt"),
)
option(
    "pretrained a list", PRETRAINED, "paths.pretrained", "model.pt",
    prepare=lambda place: torch.save([1], place.tmp / "model.pt"),
)
option(
    "pretrained of another network", {**PRETRAINED, **AB}, "paths.pretrained", "same network", "n differ",
    prepare=lambda place: model(place),
)
option(
    "pretrained of other values", PRETRAINED, "paths.pretrained", "model.pt",
    prepare=lambda place: model(place, last={"weights": torch.ones(3)}),
)
option(
    "pretrained of fewer runs", {"paths.pretrained": "earlier", "trainvalidate.iterations": "2"},
    "pretrainedparams.pretrained_iteration", "expected one of earlier, 0, got 1, the run's own",
    prepare=lambda place: shutil.copytree(place.trained, place.tmp / "earlier"),
)
option("pretrained, name too long", {"paths.pretrained": LONG}, "paths.pretrained", LONG)
option("pretrained of nobody", {"paths.pretrained": "~nobody-here/m"}, "paths.pretrained", "~nobody-here/m")

# ---- the results folder
RESULTS = "paths.path_to_results"


def busy(place):
    """Somebody works in the results folder."""
    place.open(ResultsFolder(place.tmp / "results").lock())


def earlier(place):
    shutil.copytree(place.trained, place.tmp / "results")


option("results of nobody", {RESULTS: "~nobody-here/r"}, RESULTS, "~nobody-here/r")
option("results a file", {}, RESULTS, "a folder", "the file", prepare=writes("results", "mine"))
option("results below a file", {RESULTS: "a/b"}, RESULTS, "folder", "a/b", prepare=writes("a", "mine"))
option("results, name too long", {RESULTS: LONG}, RESULTS, LONG)
option("results a foreign folder", {}, RESULTS, "other files", prepare=writes("results/a.tex", "mine"))
option("results here", {RESULTS: "."}, RESULTS, "other files")
option("results here, --fresh", {RESULTS: "."}, RESULTS, args=("--fresh",))
option("results a file, --fresh", {}, RESULTS, args=("--fresh",), prepare=writes("results", "mine"))
option("results with a cut manifest", {}, RESULTS, "JSON", prepare=writes("results/manifest.json", "{"))
option(
    "results with another manifest", {}, RESULTS, "manifest.json",
    prepare=writes("results/manifest.json", "{}"),
)
case("results in use", {}, "path_to_results", "another process", prepare=busy, says="wait for it")
case(
    "results of another experiment", {"trainvalidate.lr": "0.5"}, "path_to_results",
    "trainvalidate.lr was 0.01, is 0.5", prepare=earlier, says="--fresh",
)
case("results of another network", {"net.n": "9"}, "net.n was 8, is 9", prepare=earlier, says="--fresh")
case("wrong INI, --fresh", {"lyapunov.nle": "9"}, "[lyapunov] nle", args=("--fresh",), prepare=earlier)

# ---- ROI folders
roi("no such ROI", "[net] roi", "'TINU'", "did you mean 'TINY'", ini={"net.roi": "TINU"})
case("ROI: no folder", ROI, "[paths] path_to_network", "a folder", "/rois'", "not there")
case("ROI: an empty file", ROI, "[paths] path_to_network", "/rois", prepare=writes("rois", ""))
case("ROI: another file", ROI, "[paths] path_to_network", "an edge list", "/rois", prepare=writes("rois", "a,b\n1,2\n"))
case("ROI: nothing in it", ROI, "[paths] path_to_network", "got 0 files",
     prepare=lambda place: (place.tmp / "rois").mkdir())  # fmt: skip
option("a component that is not there",
       {**ROI, "net.largest_component": "strong", "paths.path_to_network": "{tmp}/c.csv"},
       "net.largest_component", "'strong'",
       prepare=writes("c.csv", "pre,post,weight\n1,2,3\n"))  # fmt: skip
option("component of a built-in ROI", {**AB, "net.largest_component": "weak"}, "net.largest_component",
       "path_to_network", "'weak'")  # fmt: skip
EDGES = {**ROI, "paths.path_to_network": "{tmp}/edges.csv"}
case("edges: an unknown column", EDGES, "path_to_network", "edges.csv", "weight_column", "wight, area",
     prepare=writes("edges.csv", "pre,post,wight,area\n1,2,3,4\n2,1,5,6\n"))  # fmt: skip
case("edges: an id as a float", EDGES, "edges.csv", "1.5", "row 3",
     prepare=writes("edges.csv", "pre,post,weight\n1,2,3\n1.5,2,3\n"))  # fmt: skip
case("edges: a weight that is a word", EDGES, "edges.csv", "'many'", "row 3",
     prepare=writes("edges.csv", "pre,post,weight\n1,2,3\n2,1,many\n"))  # fmt: skip
case("edges: read as what they are not", {**EDGES, "net.source": "flywire"}, "edges.csv", "pre_root_id",
     prepare=writes("edges.csv", "pre,post,weight\n1,2,3\n"))  # fmt: skip
case("policy of a region matrix", {**ROI, "net.sign_policy": "shiu", "net.roi": "M"}, "sign_policy", "'shiu'",
     prepare=lambda place: (place.tmp / "rois").mkdir() or np.save(place.tmp / "rois" / "C_M.npy", np.ones((3, 3))))
case("ROI: name too long", {**ROI, "paths.path_to_network": LONG}, "[paths] path_to_network", LONG)
case("ROI: roi too long", {**ROI, "net.roi": LONG}, "path_to_network", LONG, prepare=lambda place: place.roi_folder())
case("ROI: of nobody", {**ROI, "paths.path_to_network": "~nobody-here/n"}, "[paths] path_to_network", "~nobody-here/n")
for what, names in {
    "adjacency": "adjacency_scc.npy",
    "ids": "nid_scc.npy",
    "signs": "ei_neuron_types.npy or ei_neuron.npy",
    "transmitters": "neurotransmitter_assignments.pkl or ei_neuron_types.pkl",
    "fibers": "cell_body_fiber_assignments.pkl or cell_body_fiber_assignement.pkl",
}.items():
    roi(f"no {what}", names, "TINY", "not there", **{what: None})


def at(position, value):
    """A function that changes one entry of an array."""

    def change(array):
        array = array.astype(np.result_type(array, type(value)))
        array[position] = value
        return array

    return change


ADJACENCY, IDS, SIGNS = "adjacency_scc.npy", "nid_scc.npy", "ei_neuron_types.npy"
TRANSMITTERS, FIBERS = "neurotransmitter_assignments.pkl", "cell_body_fiber_assignments.pkl"
HUGE_HEADER = b"\x93NUMPY\x02\x00" + struct.pack("<I", 20_000) + b"{'descr': '<f8'," + b" " * 20_000
ENORMOUS = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000000000), }\n"
ENORMOUS = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(ENORMOUS)) + ENORMOUS
roi("not square", ADJACENCY, "square", "(6, 5)", adjacency=lambda a: a[:, :5])
roi("one neuron", ADJACENCY, "at least 2 x 2", "(1, 1)", adjacency=lambda a: a[:1, :1])
roi("three axes", ADJACENCY, "square", "(1, 6, 6)", adjacency=lambda a: a[None])
roi("negative count", ADJACENCY, "counts >= 0", "-2", "row 1, column 3", adjacency=at((1, 3), -2.0))
roi("nan count", ADJACENCY, "counts >= 0", "nan", "row 0, column 5", adjacency=at((0, 5), np.nan))
roi("inf count", ADJACENCY, "counts >= 0", "inf", adjacency=at((0, 5), np.inf))
roi("complex counts", ADJACENCY, "numbers", "complex128", adjacency=at((0, 5), 1j))
roi("texts for counts", ADJACENCY, "numbers", "<U", adjacency=lambda a: a.astype(int).astype(str))
roi("no connection", ADJACENCY, "at least one connection", adjacency=np.zeros_like)
roi("only self-connections", ADJACENCY, "at least one connection", adjacency=lambda a: np.eye(6))
roi("objects", ADJACENCY, ".npy", adjacency=lambda a: a.astype(object))
roi("text for .npy", ADJACENCY, ".npy", adjacency=b"0,1\n1,0\n")
roi("empty .npy", ADJACENCY, ".npy", adjacency=b"")
roi("damaged .npy", ADJACENCY, ".npy", adjacency=lambda a: npy(a)[:-9])
roi("huge header", ADJACENCY, ".npy", adjacency=HUGE_HEADER)
roi("enormous array", ADJACENCY, ".npy", adjacency=ENORMOUS)
roi("damaged archive", ADJACENCY, ".npy", adjacency=b"PK\x03\x04rest")
roi("enormous count", ADJACENCY, "at most 2^53", "1e+308", adjacency=at((0, 1), 1e308))
roi("ids too short", IDS, "(6,)", "(5,)", ids=lambda ids: ids[1:])
roi("ids twice", IDS, "6 different ids", "5", ids=at(3, 100))
roi("ids fractional", IDS, "whole numbers", "100.5", ids=at(0, 100.5))
roi("ids nan", IDS, "whole numbers", "nan", ids=at(0, np.nan))
roi("ids beyond 64 bits", IDS, "whole numbers", "1e+30", ids=at(0, 1e30))
roi("ids beyond 63 bits", IDS, "whole numbers", str(2**63), ids=lambda ids: ids.astype("u8") + np.uint64(2**63 - 100))
roi("ids texts", IDS, "whole numbers", "<U", ids=lambda ids: ids.astype(str))
roi("signs too long", SIGNS, "(6,)", "(7,)", signs=lambda signs: np.append(signs, 1))
roi("signs of two axes", SIGNS, "(6,)", "(6, 1)", signs=lambda signs: signs[:, None])
roi("sign 2", SIGNS, "1 (excitatory) or 0 (inhibitory)", "got 2", signs=at(2, 2))
roi("sign -1", SIGNS, "1 (excitatory) or 0 (inhibitory)", "got -1", signs=at(2, -1))
roi("sign 0.5", SIGNS, "whole numbers", "0.5", signs=at(2, 0.5))
roi("sign nan", SIGNS, "whole numbers", "nan", signs=at(2, np.nan))
roi("cut pickle", TRANSMITTERS, "pickled dictionary", transmitters=lambda d: pickle.dumps(d)[:-4])
roi("text for pickle", FIBERS, "pickled dictionary", fibers=b"100: PDM25\n")
roi("empty pickle", FIBERS, "pickled dictionary", fibers=b"")
roi("list for dictionary", TRANSMITTERS, "dictionary id -> label", "list", transmitters=lambda d: list(d.values()))
roi("names for ids", FIBERS, "whole-number ids", fibers={"PDM25": [100]})
roi("infinite id", FIBERS, "whole-number ids", fibers={float("inf"): 0})
roi("fractional id", FIBERS, "whole-number ids", fibers=lambda d: {key + 0.5: code for key, code in d.items()})
roi("id without label", TRANSMITTERS, "for id 102", transmitters=lambda d: {k: d[k] for k in d if k != 102})
roi("transmitter code 7", TRANSMITTERS, "0 to 6", "got 7", transmitters=lambda d: {**d, 104: 7})
roi("fibre code 186", FIBERS, "0 to 185", "got 186", fibers=lambda d: {**d, 104: 186})
roi("code -1", FIBERS, "0 to 185", "got -1", fibers=lambda d: {**d, 104: -1})
roi("code nothing", TRANSMITTERS, "0 to 6", "None", transmitters=lambda d: {**d, 104: None})
roi("code an array", TRANSMITTERS, "0 to 6", transmitters=lambda d: {**d, 104: np.ones((40, 40))})
for file, what in ((TRANSMITTERS, "transmitters"), (FIBERS, "fibers")):
    case(
        f"ROI: {what} run a program", ROI, file, "posix.system", "refused",
        prepare=lambda place, what=what: place.roi_folder(**{what: {100: Runs(place.tmp / "ran")}}),
    )
case(
    "ROI: no cycle", {**ROI, "net.normalization": "spectral_radius"}, "[net] normalization", "spectral radius 0",
    prepare=lambda place: place.roi_folder(adjacency=np.triu), says="cannot be scaled",
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The results folder of the valid experiment: what the cases change is all that is wrong with them."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "experiment.ini").write_text(ini({"paths.path_to_results": folder / "results"}))
    assert runrandomnet.main([str(folder / "experiment.ini")]) == 0
    return folder / "results"


def tree(folder):
    """Every path below `folder` with its bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def place(tmp_path, roi_folder, trained, monkeypatch):
    """An empty current folder, and what the preparation of a case may need; `open` keeps a file open for the test."""
    monkeypatch.chdir(tmp_path)
    with ExitStack() as files:
        yield SimpleNamespace(
            tmp=tmp_path, roi_folder=roi_folder, trained=trained, monkeypatch=monkeypatch, open=files.enter_context
        )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_line_exit_2_nothing_written(case, place, capsys, recwarn):
    tmp_path = place.tmp
    text = ini(case.ini) if isinstance(case.ini, dict) else case.ini
    if text is not None:
        content = text if isinstance(text, bytes) else text.replace("{tmp}", str(tmp_path)).encode()
        (tmp_path / "experiment.ini").write_bytes(content)
    case.prepare(place)
    before = tree(tmp_path)
    capsys.readouterr()

    code = runrandomnet.main(["experiment.ini", *case.args])

    out, err = capsys.readouterr()
    assert code == 2, out + err
    assert err.startswith("error: ") and err.endswith("\n") and len(err.splitlines()) == 1, err
    assert len(err) > len("error: \n") and "Traceback" not in err + out
    for words in (case.origin, case.says, *case.words):
        assert words in err
    assert "Results:" not in out
    assert tree(tmp_path) == before
    assert not [str(warning.message) for warning in recwarn]


def test_the_experiment_that_the_cases_change_is_valid(tmp_path, roi_folder, monkeypatch, capsys):
    """Without its change a case would pass the door: random, built-in and ROI folder."""
    monkeypatch.chdir(tmp_path)
    roi_folder()
    for changes in ({}, AB, ROI):
        (tmp_path / "experiment.ini").write_text(ini(changes).replace("{tmp}", str(tmp_path)))
        assert runrandomnet.main(["experiment.ini", "--dry-run"]) == 0, capsys.readouterr()


def test_there_are_many_cases_and_no_two_of_one_name():
    names = [case.name for case in CASES]
    assert len(names) >= 60 and len(set(names)) == len(names)


@pytest.mark.parametrize("line", ["kin\x01d = train", "\u202ekind = train", "name = a\n[Exec\x1b[31mution]"])
def test_what_could_steer_a_terminal_is_shown_as_question_marks(tmp_path, capsys, line):
    path = tmp_path / "a.ini"
    path.write_text(f"[experiment]\n{line}\n", encoding="utf-8")
    assert runrandomnet.main([str(path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.strip().isprintable() and "?" in error
