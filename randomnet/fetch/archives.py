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
    tables: the archive that has further tables of the same neurons, for the same folder.
    """

    content: str
    licence: str
    cite: str
    files: tuple[File, ...]
    network: str
    settings: str
    beside: str = ""
    tables: str = ""


HEMIBRAIN = "https://storage.googleapis.com/hemibrain/v1.2"
CODEX = "https://storage.googleapis.com/flywire-data/codex/data/fafb/783"
MALECNS = "https://storage.googleapis.com/flyem-male-cns/v1.0/connectome-data/flat-connectome"
COMPILED = "https://storage.googleapis.com/lee-lab_brain-and-nerve-cord-fly-connectome/compiled_data"
FLAT_SETTINGS = "roi = all  ; the edges have no ROI"
FLYWIRE_SETTINGS = "roi = EB  ; a neuropil, or a list such as EB, FB"
FLYWIRE_PAPERS = "Dorkenwald et al. 2024, Nature 634:124; Schlegel et al. 2024, Nature 634:139"
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
        cite=FLYWIRE_PAPERS,
        files=(  # without labels.csv.gz, which contains names of persons
            File(
                f"{CODEX}/connections.csv.gz",
                50_289_304,
                "d49dd692e59e153aa3c83f5257bfc0eff51247b86d7bb183386c6d1622c70fc9",
            ),
            File(
                f"{CODEX}/neurons.csv.gz",
                1_679_884,
                "6a6b3759e635f0f35a677d169052362131ec61d95f55919298b55c43fce4e719",
            ),
            File(
                f"{CODEX}/classification.csv.gz",
                934_402,
                "e946b552f4056dfc977707be0674609832c3f64332a22d69dc0d9615e7aae663",
            ),
            File(
                f"{CODEX}/consolidated_cell_types.csv.gz",
                901_707,
                "8aba246d71dc40361677493629972ce3883048c3d02010adc42bda22962a1a2d",
            ),
            File(f"{CODEX}/coordinates.csv.gz"),
        ),
        network="",
        settings=FLYWIRE_SETTINGS,
    ),
    "flywire_princeton": Archive(
        content="FlyWire's connections by the synapses of Yu et al. 2025, in place of those of Buhmann et al. 2021",
        licence="CC BY-NC 4.0",
        cite=FLYWIRE_PAPERS,
        files=(
            File(
                f"{CODEX}/connections_princeton.csv.gz",
                68_456_801,
                "445f996bf6c4b1803b9ba186189138a3061ff8623aa94c0abcf38af30a5bd48b",
            ),
        ),
        network="connections_princeton.csv.gz",
        settings=FLYWIRE_SETTINGS,
        tables="flywire",
    ),
    "flywire_no_threshold": Archive(
        content="FlyWire's connections without the threshold of 5 synapses per pair",
        licence="CC BY-NC 4.0",
        cite=FLYWIRE_PAPERS,
        files=(File(f"{CODEX}/connections_no_threshold.csv.gz"),),
        network="connections_no_threshold.csv.gz",
        settings=FLYWIRE_SETTINGS,
        tables="flywire",
    ),
    "malecns": Archive(
        content="male CNS v1.0: the neurons of brain and nerve cord, their transmitters, and the edges of all bodies",
        licence="CC BY 4.0",
        cite="Berg et al. 2026, Cell 189:5504",
        files=(
            File(
                f"{MALECNS}/body-annotations-male-cns-v1.0-minconf-0.5.feather",
                14_483_314,
                "2177e246113e4cfbf1e7772ec37c6da1955ff22e8063d0b1f833101f99a9a3b2",
            ),
            File(
                f"{MALECNS}/body-neurotransmitters-male-cns-v1.0.feather",
                43_282_834,
                "95c9289220663abeb3409f3ad9e5a7f8a53f8093f5139d15502cd08da8879621",
            ),
            File(
                f"{MALECNS}/connectome-weights-male-cns-v1.0-minconf-0.5.feather",
                1_051_241_946,
                "e35da783d1c686b2b58b3b87cd6a403ae43bfcfba8bff28e08ef752c1a56afc1",
            ),
        ),
        network="",
        settings=FLAT_SETTINGS,
    ),
    "banc": Archive(
        content="BANC v888: the neurons of a female's brain and nerve cord, their transmitters and edges",
        licence="CC BY 4.0",
        cite="Bates et al. 2026, Nature 656:957",
        files=(
            File(
                f"{COMPILED}/banc_888/banc_888_meta.feather",
                57_503_026,
                "86ccf5df0c67419f8c5f43e93a7ed38d23a080e9f7fde26737290252f3780098",
            ),
            File(
                f"{COMPILED}/banc_888/banc_888_edgelist_simple_v2.feather",
                305_250_378,
                "363fdef3813b72a5e45a42f17034cd5a544b654c838929cecf6e1ce5f60625cb",
            ),
        ),
        network="",
        settings=FLAT_SETTINGS,
    ),
    "manc": Archive(
        content="MANC v1.2.1: the neurons of a male's nerve cord, their transmitters and edges",
        licence="CC BY 4.0",
        cite="Takemura et al. 2024, eLife 13:RP97769; Marin et al. 2024, eLife 13:RP97766",
        files=(
            File(
                f"{COMPILED}/manc_121/manc_121_meta.feather",
                1_446_722,
                "067c88e687ade67bd1e69b88765b4b21596280618cefde0fa43117d4af4a9439",
            ),
            File(
                f"{COMPILED}/manc_121/manc_121_simple_edgelist.feather",
                87_386_906,
                "c3f9ca6dc9d100e72299b41136d373ffcd60b328624cbfd6ac145f071e0b28ac",
            ),
        ),
        network="",
        settings=FLAT_SETTINGS,
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
    tables = f"Transmitters and labels: fetch {archive.tables} into the same folder\n" if archive.tables else ""
    return (
        f"Licence: {archive.licence}; please cite {archive.cite}\n{tables}"
        f"For the INI:\n\n[paths]\npath_to_network = {network}{missing}\n\n[net]\n{archive.settings}"
    )
