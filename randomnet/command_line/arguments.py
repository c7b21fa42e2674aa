"""The arguments of the command that carries out experiments."""

import argparse
from pathlib import Path

from randomnet.command_line.program import name_of


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog=name_of("randomnet"), description="Train connectome networks as an INI file says.", allow_abbrev=False
    )
    parser.add_argument("config", nargs="?", default="config.ini", type=Path, help="the INI file (default: config.ini)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="section.key=value",
        help="override one option, also where the grid has it; may be repeated. Without a value its default counts, "
        "and a list such as net.g=[2,4] adds an axis to the grid",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="check, estimate time and memory, write nothing")
    parser.add_argument("--describe", action="store_true", help="print what the network is, and draw it; run nothing")
    parser.add_argument(
        "--save_figs", type=Path, metavar="DIR", help="where --describe draws (default: describe_<config's name>)"
    )
    parser.add_argument(
        "--save", type=Path, metavar="FILE",
        help="with --describe: write the network as the runs use it to a new .npz, .parquet, .csv or .graphml file",
    )  # fmt: skip
    parser.add_argument("--retry-failed", action="store_true", help="do runs that failed again")
    parser.add_argument("--fresh", action="store_true", help="move an existing results folder aside and start anew")
    parser.add_argument(
        "--shard", metavar="i/n", help="do the i-th of n shares of the runs; n such processes may work side by side"
    )
    _add_help(parser)
    _add_fetching(parser)
    parser.add_argument(
        "--status", type=Path, metavar="DIR", help="say how far the experiment of a results folder is; do nothing else"
    )
    parser.add_argument(
        "--log-every", type=float, default=60.0, metavar="SECONDS",
        help="without a terminal: seconds between two lines about runs that go on (default: 60; 0: none)",
    )  # fmt: skip
    return parser.parse_args(argv)


def _add_help(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that explain or check something, and run nothing."""
    parser.add_argument(
        "--help-config", nargs="?", const="", metavar="word",
        help="list the sections of the INI; explain one section, one key, or all",
    )  # fmt: skip
    parser.add_argument("--kind", metavar="kind", help="with --help-config: only what this kind of experiment reads")
    parser.add_argument(
        "--help-columns", nargs="?", const="", metavar="name", help="explain every column of the tables, or one"
    )
    parser.add_argument(
        "--selfcheck",
        nargs="?",
        const="auto",
        metavar="device",
        help="compare spectra with closed forms and published values, on this machine and device; takes a minute",
    )


def _add_fetching(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a download."""
    parser.add_argument(
        "--fetch",
        metavar="NAME",
        help="download a public connectome, such as hemibrain, flywire, malecns, banc or manc, into --to; resumes",
    )
    parser.add_argument("--to", metavar="DIR", help="the folder that --fetch downloads into")
    parser.add_argument(
        "--fetch-unverified",
        action="store_true",
        help="with --fetch: accept and report files of another size or checksum than published, as some are replaced "
        "in place",
    )
