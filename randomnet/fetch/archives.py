"""`ARCHIVES`: a row for each public connectome that can be downloaded, with its files, licence and papers."""

from dataclasses import dataclass
from pathlib import Path

from randomnet.registry import Registry
from randomnet.settings import nearest


class FetchError(ValueError):
    """An unknown archive, unusable folder or conflicting file; the text is one line for the user."""


@dataclass(frozen=True)
class File:
    """One file to download. size: bytes, if known; sha256: hex, `start...end` if only these are known, or ""."""

    url: str
    size: int | None = None
    sha256: str = ""

    @property
    def name(self) -> str:
        """The name of the file in the folder, the last part of its URL."""
        return self.url.rsplit("/", 1)[-1]

    def verdict(self) -> str:
        """To what extent a file with a matching checksum is verified, for fetched.json."""
        if not self.sha256:
            return "unverified: no published checksum is known"
        return "start and end as published" if "..." in self.sha256 else "as published"


@dataclass(frozen=True)
class Archive:
    """The files of one archive.

    content: a phrase for the user. licence, cite: terms and papers. network: the file for path_to_network, "" for the
    folder. settings: the line for [net]. beside: the archive that has the network, where `files` do not include it.
    """

    content: str
    licence: str
    cite: str
    files: tuple[File, ...]
    network: str
    settings: str
    beside: str = ""


HEMIBRAIN = "https://storage.googleapis.com/hemibrain/v1.2"
CODEX = "https://storage.googleapis.com/flywire-data/codex/data/fafb/783"
HEMIBRAIN_TABLES = "exported-traced-adjacencies-v1.2.tar.gz"
HEMIBRAIN_SETTINGS = "roi = EB  ; a ROI, a list such as EB, FB, or all"

ARCHIVES: Registry[Archive] = Registry({
    "hemibrain": Archive(
        content="hemibrain v1.2: the traced neurons and their connections, in total and per region",
        licence="CC BY",
        cite="Scheffer et al. 2020, eLife 9:e57443",
        files=(
            File(
                f"{HEMIBRAIN}/{HEMIBRAIN_TABLES}",
                45_872_577,
                "07d8946eb0c4e3a5cb23d5769c9817847494f9fcadbc0ca239eed7bbd5555cf7",
            ),
        ),
        network=HEMIBRAIN_TABLES,
        settings=HEMIBRAIN_SETTINGS,
    ),
    "hemibrain_transmitters": Archive(
        content="predicted transmitters of the hemibrain's neurons, for their signs (pyarrow reads them)",
        licence="CC BY",
        cite="Eckstein et al. 2024, Cell 187:2574",
        files=(File(f"{HEMIBRAIN}/hemibrain-v1.2-body-mean-neurotransmitters.feather", 45_591_786, "aab49d85...59ad"),),
        network=HEMIBRAIN_TABLES,
        settings=HEMIBRAIN_SETTINGS,
        beside="hemibrain",
    ),
    "flywire": Archive(
        content="FlyWire Codex v783: the whole brain's connections, transmitters, classes and types",
        licence="CC BY-NC 4.0",
        cite="Dorkenwald et al. 2024, Nature 634:124; Schlegel et al. 2024, Nature 634:139",
        files=tuple(  # without labels.csv.gz, which contains names of persons
            File(f"{CODEX}/{table}.csv.gz")
            for table in ("connections", "neurons", "classification", "consolidated_cell_types", "coordinates")
        ),
        network="",
        settings="roi = EB  ; a neuropil, or a list such as EB, FB",
    ),
})  # fmt: skip


def archive_named(name: str) -> Archive:
    """The archive of a name in ARCHIVES. Raises FetchError with all names and the nearest one."""
    if name not in ARCHIVES:
        raise FetchError(f"expected an archive out of {', '.join(ARCHIVES)}, got {name!r}{nearest(name, ARCHIVES)}")
    return ARCHIVES[name]


def next_steps(archive: Archive, folder: Path | str) -> str:
    """Lines for the user: the settings of the INI for a downloaded archive, and the papers to cite."""
    network = (Path(folder).expanduser() / archive.network).resolve()
    missing = "" if network.exists() else f"  ; not there yet: fetch {archive.beside or 'it'} into the same folder"
    return (
        f"Licence: {archive.licence}; please cite {archive.cite}\n"
        f"For the INI:\n\n[paths]\npath_to_network = {network}{missing}\n\n[net]\n{archive.settings}"
    )
