"""Public connectomes -> files in a folder: downloaded with resume, checked by sha256, recorded in fetched.json.

While a file comes it is `<file>.part`, beside `<file>.part.json` with what it takes to go on (url, validator, size); it
appears under its own name only when it is whole and has the checksum published for it. What is there is never
overwritten. ARCHIVES names what can be fetched; a new one is a new row.
"""

import contextlib
import hashlib
import http.client
import os
import re
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tqdm import tqdm

from randomnet.results import ResultsError, read_json, replace_file, write_json
from randomnet.results.locks import LockHeld, exclusive
from randomnet.settings import nearest

CHUNK = 1 << 18  # bytes
TIMEOUT = 30.0  # seconds without an answer or a byte
ATTEMPTS = 4  # in a row that bring no further
PAUSE = 1.0  # seconds before the second of them, then twice as long each time
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
RECORDS = "fetched.json"

Say = Callable[[str], None]


class FetchError(ValueError):
    """What cannot be fetched as asked (archive, folder, a file that is there); the text is one line for the user."""


class DownloadError(FetchError):
    """A transfer that failed, by the network, the server or a checksum; the text is one line for the user."""


class _Lost(Exception):
    """A connection that ended early, or an answer that may be better the next time."""


@dataclass(frozen=True)
class File:
    """One file to download. size: bytes, if known; sha256: hex, as `start...end` where no more is known, or empty."""

    url: str
    size: int | None = None
    sha256: str = ""

    @property
    def name(self) -> str:
        """Its name in the folder: the last part of its address."""
        return self.url.rsplit("/", 1)[-1]

    def verdict(self) -> str:
        """How far a file whose checksum fits is verified, as fetched.json has it."""
        if not self.sha256:
            return "unverified: no published checksum is known"
        return "start and end as published" if "..." in self.sha256 else "as published"


@dataclass(frozen=True)
class Archive:
    """What one name fetches.

    network: the file that path_to_network then names, the folder if empty; one of `files`, unless `beside` says which
    archive brings it. settings: the line of [net] that goes with it.
    """

    about: str
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

ARCHIVES: dict[str, Archive] = {
    "hemibrain": Archive(
        about="hemibrain v1.2: the traced neurons and their connections, in total and per region",
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
        about="predicted transmitters of the hemibrain's neurons, for their signs (pyarrow reads them)",
        licence="CC BY",
        cite="Eckstein et al. 2024, Cell 187:2574",
        files=(File(f"{HEMIBRAIN}/hemibrain-v1.2-body-mean-neurotransmitters.feather", 45_591_786, "aab49d85...59ad"),),
        network=HEMIBRAIN_TABLES,
        settings=HEMIBRAIN_SETTINGS,
        beside="hemibrain",
    ),
    "flywire": Archive(
        about="FlyWire Codex v783: the whole brain's connections, transmitters, classes and types",
        licence="CC BY-NC 4.0",
        cite="Dorkenwald et al. 2024, Nature 634:124; Schlegel et al. 2024, Nature 634:139",
        files=tuple(  # labels.csv.gz is left out for good: it holds names of persons
            File(f"{CODEX}/{table}.csv.gz")
            for table in ("connections", "neurons", "classification", "consolidated_cell_types", "coordinates")
        ),
        network="",
        settings="roi = EB  ; a neuropil, or a list such as EB, FB",
    ),
}


def archive_named(name: str) -> Archive:
    """The archive of a name in ARCHIVES. Raises FetchError with the names there are and the nearest one."""
    if name not in ARCHIVES:
        raise FetchError(f"expected an archive out of {', '.join(ARCHIVES)}, got {name!r}{nearest(name, ARCHIVES)}")
    return ARCHIVES[name]


def fetch(archive: Archive, folder: Path | str, say: Say = tqdm.write) -> list[Path]:
    """Bring an archive's files into a folder (made if need be) and record them in its fetched.json; their paths.

    What is there and right stays; what was begun goes on. say: takes the lines that tell what happens. Raises
    FetchError where the folder cannot be used, is full, in use or holds other files of these names, DownloadError
    where a transfer fails; what has come by then is kept, unless its size or checksum is wrong.
    """
    folder = Path(folder).expanduser()
    try:
        with _locked(folder):
            say(archive.about)
            return [_bring(file, archive, folder, say) for file in archive.files]
    except OSError as error:
        came = "a file" if folder.is_file() else _one_line(error)
        raise FetchError(f"{folder}: expected a folder that files can be written into, got {came}") from None


def next_steps(archive: Archive, folder: Path | str) -> str:
    """What to put into the INI to use what `fetch` brought, and whom to cite: lines for the user."""
    network = (Path(folder).expanduser() / archive.network).resolve()
    missing = "" if network.exists() else f"  ; not there yet: fetch {archive.beside or 'it'} into the same folder"
    return (
        f"Licence: {archive.licence}; please cite {archive.cite}\n"
        f"For the INI:\n\n[paths]\npath_to_network = {network}{missing}\n\n[net]\n{archive.settings}"
    )


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this process; FetchError if another one fetches into it."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(exclusive(folder / ".lock"))
        except LockHeld:
            raise FetchError(f"{folder}: another process is fetching into this folder; wait for it") from None
        yield


def _bring(file: File, archive: Archive, folder: Path, say: Say) -> Path:
    """One file into the folder, or the reason why it is there already."""
    path, records = folder / file.name, _records(folder)
    if path.exists():
        say(_already(file, path, records.get(file.name, {})))
        return path
    say(f"{file.name}: from {file.url}")
    part = _Part(path.with_name(f"{path.name}.part"))
    _download(file, part, say)
    digest, size = _sha256(part.path), part.size
    if not _fits(digest, file.sha256):
        part.forget()
        raise DownloadError(
            f"{file.url}: expected sha256 {file.sha256}, got {digest}; what came was removed, the next try starts anew"
        )
    say(f"{file.name}: {size} bytes, sha256 {digest}, {file.verdict()}")
    records[file.name] = _record(file, archive, size, digest)
    write_json(folder / RECORDS, records)  # before the name: a file of its name always has its record
    part.become(path)
    return path


def _records(folder: Path) -> dict[str, Any]:
    path = folder / RECORDS
    try:
        return read_json(path) if path.exists() else {}
    except ResultsError as error:
        raise FetchError(f"{_one_line(error)}; move it away") from None


def _record(file: File, archive: Archive, size: int, digest: str) -> dict[str, Any]:
    """What fetched.json says of a file; the date is UTC."""
    return {
        "url": file.url,
        "bytes": size,
        "sha256": digest,
        "checksum": file.verdict(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "licence": archive.licence,
        "cite": archive.cite,
    }


def _already(file: File, path: Path, record: dict[str, Any]) -> str:
    """What to say of a file that is there. Raises FetchError if it is not the one published, or not as recorded."""
    expected, digest = file.sha256 or record.get("sha256", ""), _sha256(path)
    if not _fits(digest, expected):
        raise FetchError(
            f"{path}: expected sha256 {expected}, got {digest}; it stays as it is: move it away, or name another folder"
        )
    verdict = f"as recorded in {RECORDS}" if expected and not file.sha256 else file.verdict()
    return f"{path}: already there, sha256 {digest}, {verdict}"


def _fits(digest: str, expected: str) -> bool:
    """Whether a sha256 is the expected one, which may be `start...end` or empty."""
    start, _, end = expected.partition("...")
    return digest.startswith(start) and digest.endswith(end)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class _Part:
    """A file that is coming, with its notes beside it."""

    path: Path

    @property
    def size(self) -> int:
        """Bytes that have come."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def notes_path(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")

    def notes(self, url: str) -> dict[str, Any]:
        """url, validator, total of what has come; nothing where there are none, or of another address."""
        try:
            notes = read_json(self.notes_path) if self.size else {}
        except ResultsError:  # killed before they were written, or damaged: a fresh start
            return {}
        return notes if notes.get("url") == url else {}

    def resumable(self, url: str) -> int:
        """Bytes to go on after: 0 where nothing tells whether the server's file is still the same."""
        notes = self.notes(url)
        return self.size if notes.get("validator") or notes.get("total") == self.size else 0

    def begin(self, notes: dict[str, Any]) -> None:
        """Start anew; the old bytes go before the new notes come."""
        self.path.write_bytes(b"")
        write_json(self.notes_path, notes)

    def forget(self) -> None:
        """Remove what has come."""
        self.path.unlink(missing_ok=True)
        self.notes_path.unlink(missing_ok=True)

    def become(self, path: Path) -> None:
        """Take the name of the whole file. Raises FetchError if that has been taken meanwhile."""
        if path.exists():
            raise FetchError(f"{path}: expected no file of this name, got one that came meanwhile; it stays as it is")
        replace_file(self.path, path)
        self.notes_path.unlink(missing_ok=True)


def _download(file: File, part: _Part, say: Say) -> None:
    """All of a file into its part, going on where a connection ended. Raises DownloadError."""
    furthest, failures = part.size, 0
    while True:
        try:
            return _receive(file, part, say)
        except _Lost as lost:
            failures = 0 if part.size > furthest else failures + 1
            furthest = max(furthest, part.size)
            if failures >= ATTEMPTS:
                have = part.resumable(file.url)
                kept = f"{have} bytes are kept, try again to go on" if have else "nothing is kept, try again later"
                raise DownloadError(f"{file.url}: {lost}; {kept}") from None
            pause = PAUSE * 2 ** max(failures - 1, 0)
            say(f"{file.name}: {lost}; next try in {pause:g} s")
            time.sleep(pause)


def _receive(file: File, part: _Part, say: Say) -> None:
    """What one connection brings. Raises _Lost where that is not all, DownloadError where no more will come."""
    notes, have = part.notes(file.url), part.resumable(file.url)
    if have and have == notes.get("total"):  # whole, but stopped before it got its name
        return
    with _answer(file, part, have, notes) as response:
        start, total = _extent(file, part, response, have, notes)
        _check_room(part, file, None if total is None else total - start)
        if start:
            say(f"{file.name}: going on after {start} bytes")
        else:
            if part.size:
                say(f"{file.name}: what had come cannot be gone on with; starting anew")
            part.begin({"url": file.url, "validator": _validator(response), "total": total})
        _append(response, part, file.name, total)
    if total is not None and part.size != total:
        raise _Lost(f"the connection ended after {part.size} of {total} bytes")


@contextlib.contextmanager
def _answer(file: File, part: _Part, have: int, notes: dict[str, Any]) -> Iterator[http.client.HTTPResponse]:
    """The server's answer, asked for the bytes after the first `have`, if the file is still the same."""
    # a .gz is what is wanted: some stores would unpack it on the way, and then neither resume nor tell its length
    headers = {"User-Agent": "RandomNet", "Accept-Encoding": "gzip" if file.name.endswith(".gz") else "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": notes["validator"]}
    with _network(file.url):
        try:
            response = urllib.request.urlopen(urllib.request.Request(file.url, headers=headers), timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416 and have:
                part.forget()
                raise _Lost("the server has no bytes after those kept (416); they were dropped") from None
            said = f"the server answered {error.code} {_one_line(error.reason)}"
            if error.code in TRANSIENT:
                raise _Lost(said) from None
            raise DownloadError(f"{file.url}: {said}") from None
    with response:
        yield response


@contextlib.contextmanager
def _network(url: str) -> Iterator[None]:
    """Turns what a connection raises into _Lost, or DownloadError where another try cannot help."""
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise DownloadError(f"{url}: expected a certificate that is trusted, got {_one_line(reason)}") from None
        raise _Lost(f"no connection: {_one_line(reason)}") from None


def _extent(
    file: File, part: _Part, response: http.client.HTTPResponse, have: int, notes: dict[str, Any]
) -> tuple[int, int | None]:
    """(start, total) in bytes: where the answer's body begins, and the whole file's size, if it is told."""
    if response.status not in (200, 206):
        raise DownloadError(f"{file.url}: expected the answer 200 or 206, got {response.status}")
    length = response.headers.get("Content-Length", "")
    start, total = 0, int(length) if length.isdigit() else None
    if response.status == 206:
        told = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", "").strip())
        start, total = map(int, told.groups()) if told else (-1, None)
        same = _validator(response) in (notes.get("validator"), "") and total == (notes.get("total") or total)
        if start != have or not same:
            part.forget()
            raise _Lost("the server sent another part, or of another file, than was asked for; starting anew")
    if file.size is not None and total not in (None, file.size):
        part.forget()
        raise DownloadError(f"{file.url}: expected {file.size} bytes, the server has {total}")
    return start, file.size if total is None else total


def _validator(response: http.client.HTTPResponse) -> str:
    """What If-Range may hold: the ETag, if it is a strong one, else the date of the last change, else nothing."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified", "")


def _check_room(part: _Part, file: File, needed: int | None) -> None:
    """Raises FetchError where the disk has fewer bytes free than are `needed` (None: not known)."""
    folder = part.path.parent
    free = shutil.disk_usage(folder).free
    if needed is not None and needed > free:
        came = f"{free / 1e6:.1f} MB"
        raise FetchError(f"{folder}: expected {needed / 1e6:.1f} MB free on its disk for {file.name}, got {came}")


def _append(response: http.client.HTTPResponse, part: _Part, name: str, total: int | None) -> None:
    """Write the body after what is there; on the disk before it counts as whole."""
    style = {"unit": "B", "unit_scale": True, "unit_divisor": 1000, "disable": None, "dynamic_ncols": True}
    with open(part.path, "ab") as out, tqdm(desc=name, total=total, initial=part.size, **style) as bar:
        while chunk := _chunk(response):
            out.write(chunk)
            bar.update(len(chunk))
        out.flush()
        os.fsync(out.fileno())


def _chunk(response: http.client.HTTPResponse) -> bytes:
    with _network(response.url):
        return response.read1(CHUNK)


def _one_line(what: object) -> str:
    return " ".join(str(what).split()) or type(what).__name__
