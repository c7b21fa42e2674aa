"""Downloads of public connectomes into a folder: resumed where interrupted, checked by sha256, recorded.

During the download, a file is named `<file>.part`, and `<file>.part.json` has what resuming needs (url, validator,
size). The file gets its own name only when it is complete and has the published checksum. Existing files are never
overwritten. fetched.json records the downloads.
"""

import contextlib
import dataclasses
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

from randomnet.console import one_line
from randomnet.fetch.archives import Archive, FetchError, File
from randomnet.results import ResultsError, read_json, replace_file, write_json
from randomnet.results.locks import LockHeld, exclusive

CHUNK = 1 << 18  # bytes
TIMEOUT = 30.0  # seconds without a response or a byte
ATTEMPTS = 4  # in a row without progress
PAUSE = 1.0  # seconds before the second attempt; doubled before each further one
LARGEST = 1 << 40  # bytes of a file whose size nobody states
LEAST_RATE, RATE_PERIOD = 100.0, 60.0  # bytes per second, over so many seconds; a slower connection is given up
LONGEST_TEXT = 300  # characters of a server's words
COUNT = re.compile(r"[0-9]{1,18}")  # what a server may state as a number of bytes
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)  # HTTP status after which another attempt may succeed
RECORDS = "fetched.json"
OTHER = "other than published, accepted"  # the verdict on a file with another checksum, where the user accepts such
ADVICE = "the publisher may have replaced it: --fetch-unverified accepts another file"

Report = Callable[[str], None]  # receives lines for the user


class DownloadError(FetchError):
    """A download that failed because of the network, the server or a checksum; the text is one line for the user."""


class _Interrupted(Exception):
    """A connection that ended early, or a response after which another attempt may succeed."""


def fetch(
    archive: Archive, folder: Path | str, report: Report = tqdm.write, *, accept_other: bool = False
) -> list[Path]:
    """Download an archive's files into a folder, record them in its fetched.json, and return their paths.

    The folder is created if needed. Complete files stay, and interrupted downloads are resumed. report: receives lines
    about progress, first on how much is to be downloaded. accept_other: accept and report files of another size or
    checksum than published. Raises FetchError where the folder cannot be used, is full, is in use, or has other files
    with these names. Raises DownloadError where a download fails; the received bytes stay, unless size or checksum is
    wrong.
    """
    folder = Path(folder).expanduser()
    try:
        with _locked(folder):
            report(archive.content)
            report(_plan(archive, folder))
            return [_fetch_file(file, archive, folder, report, accept_other) for file in archive.files]
    except OSError as error:
        actual = "a file" if folder.is_file() else _one_line(error)
        raise FetchError(f"{folder}: expected a folder that files can be written into, got {actual}") from None


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this process; FetchError if another one fetches into it."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as lock:
        try:
            lock.enter_context(exclusive(folder / ".lock"))
        except LockHeld:
            raise FetchError(f"{folder}: another process is fetching into this folder; wait for it") from None
        yield


def _plan(archive: Archive, folder: Path) -> str:
    """A line on what is to be downloaded, what is there, and the free space. Raises FetchError without enough of it.

    The room for a single file is checked with the size that the server states.
    """
    missing = [file for file in archive.files if not (folder / file.name).exists()]
    parts = [_part_of(folder / file.name).resumable(file.url) for file in missing]
    needed = sum(max((file.size or 0) - part, 0) for file, part in zip(missing, parts, strict=True))
    free = shutil.disk_usage(folder).free
    if len(missing) > 1 and needed > free:
        raise FetchError(
            f"{folder}: expected {_bytes(needed)} free on its disk for {len(missing)} files, got {_bytes(free)}"
        )
    existing = len(archive.files) - len(missing)
    there = f"; already there: {_files(existing)}" + (f" and {_bytes(sum(parts))} of others" if any(parts) else "")
    return f"to fetch: {_amount(missing, needed)} into {folder}{there}; free: {_bytes(free)}"


def _amount(missing: list[File], needed: int) -> str:
    """Number and size of files, such as `2 files, 1.05 GB, 1 of unknown size`."""
    unknown = sum(file.size is None for file in missing)
    known = f", {_bytes(needed)}" if len(missing) > unknown else ""
    return _files(len(missing)) + known + (f", {unknown} of unknown size" if unknown else "")


def _files(number: int) -> str:
    return f"{number or 'no'} file{'' if number == 1 else 's'}"


def _bytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _part_of(path: Path) -> "_Part":
    return _Part(path.with_name(f"{path.name}.part"))


def _fetch_file(file: File, archive: Archive, folder: Path, report: Report, accept_other: bool) -> Path:
    """Download one file into the folder, unless it exists there, and return its path."""
    path, records = folder / file.name, _records(folder)
    if path.exists():
        report(_existing(file, path, records.get(file.name, {}), accept_other))
        return path
    report(f"{file.name}: from {file.url}")
    part = _part_of(path)
    _download(dataclasses.replace(file, size=None) if accept_other else file, part, report)
    digest, size = _sha256(part.path), part.size
    fits = _fits(digest, file.sha256)
    if not fits and not accept_other:
        part.remove()
        raise DownloadError(
            f"{file.url}: expected sha256 {file.sha256}, got {digest}; the download was removed, try again; {ADVICE}"
        )
    verdict = file.verdict() if fits else f"{OTHER}: sha256 {file.sha256}"
    report(f"{file.name}: {size} bytes, sha256 {digest}, {verdict}")
    records[file.name] = _record(file, archive, size, digest, verdict)
    write_json(folder / RECORDS, records)  # before renaming, so that a complete file always has a record
    part.rename(path)
    return path


def _records(folder: Path) -> dict[str, Any]:
    path = folder / RECORDS
    try:
        return read_json(path) if path.exists() else {}
    except ResultsError as error:
        raise FetchError(f"{_one_line(error)}; move it away") from None


def _record(file: File, archive: Archive, size: int, digest: str, verdict: str) -> dict[str, Any]:
    """The record of a file in fetched.json; the date is UTC."""
    return {
        "url": file.url,
        "bytes": size,
        "sha256": digest,
        "checksum": verdict,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "licence": archive.licence,
        "cite": archive.cite,
    }


def _existing(file: File, path: Path, record: dict[str, Any], accept_other: bool) -> str:
    """A line about an existing file.

    Raises FetchError if its sha256 differs from the published or recorded one, unless that is or was accepted.
    """
    recorded, digest = record.get("sha256", ""), _sha256(path)
    was_accepted = str(record.get("checksum", "")).startswith(OTHER)
    expected = recorded if was_accepted else file.sha256 or recorded
    if not _fits(digest, expected):
        if not accept_other:
            raise FetchError(
                f"{path}: expected sha256 {expected}, got {digest}; the file is unchanged: move it away, or use "
                f"another folder; {ADVICE}"
            )
        return f"{path}: already there, sha256 {digest}, {OTHER}: sha256 {expected}"
    verdict = f"as recorded in {RECORDS}" if expected and (was_accepted or not file.sha256) else file.verdict()
    return f"{path}: already there, sha256 {digest}, {verdict}"


def _fits(digest: str, expected: str) -> bool:
    """Whether a sha256 matches the expected one, which may be `start...end` or empty."""
    start, _, end = expected.partition("...")
    return digest.startswith(start) and digest.endswith(end)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class _Part:
    """A partly downloaded file with a file of notes."""

    path: Path

    @property
    def size(self) -> int:
        """Bytes received."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def notes_path(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")

    def notes(self, url: str) -> dict[str, Any]:
        """url, validator and total of the download; empty without notes, or where they are of another URL."""
        try:
            notes = read_json(self.notes_path) if self.size else {}
        except ResultsError:  # interrupted before they were written, or damaged: the download starts again
            return {}
        return notes if notes.get("url") == url else {}

    def resumable(self, url: str) -> int:
        """Bytes after which the download can resume; 0 where nothing shows that the server's file is unchanged."""
        notes = self.notes(url)
        return self.size if notes.get("validator") or notes.get("total") == self.size else 0

    def restart(self, notes: dict[str, Any]) -> None:
        """Start from the first byte; old bytes are removed before the new notes are written."""
        self.path.write_bytes(b"")
        write_json(self.notes_path, notes)

    def remove(self) -> None:
        """Remove the received bytes and the notes."""
        self.path.unlink(missing_ok=True)
        self.notes_path.unlink(missing_ok=True)

    def rename(self, path: Path) -> None:
        """Give the complete file its name. Raises FetchError if another file has that name by now."""
        if path.exists():
            raise FetchError(f"{path}: expected no file of this name, got one that came meanwhile; it stays as it is")
        replace_file(self.path, path)
        self.notes_path.unlink(missing_ok=True)


def _download(file: File, part: _Part, report: Report) -> None:
    """Download a whole file into its part, resuming after interruptions. Raises DownloadError."""
    furthest, failures = part.size, 0
    while True:
        try:
            return _receive(file, part, report)
        except _Interrupted as interruption:
            failures = 0 if part.size > furthest else failures + 1
            furthest = max(furthest, part.size)
            if failures >= ATTEMPTS:
                stored = part.resumable(file.url)
                advice = f"{stored} bytes are kept, try again to resume" if stored else "nothing is kept, try later"
                raise DownloadError(f"{file.url}: {interruption}; {advice}") from None
            pause = PAUSE * 2 ** max(failures - 1, 0)
            report(f"{file.name}: {interruption}; next attempt in {pause:g} s")
            time.sleep(pause)


def _receive(file: File, part: _Part, report: Report) -> None:
    """Receive bytes from one connection.

    Raises _Interrupted where bytes are missing, DownloadError where another attempt cannot succeed.
    """
    notes, received = part.notes(file.url), part.resumable(file.url)
    if received and received == notes.get("total"):  # complete, but interrupted before it was renamed
        return
    with _response(file, part, received, notes) as response:
        start, total = _extent(file, part, response, received, notes)
        _check_room(part, file, None if total is None else total - start)
        if start:
            report(f"{file.name}: resuming after {start} bytes")
        else:
            if part.size:
                report(f"{file.name}: the interrupted download cannot be resumed; starting again")
            part.restart({"url": file.url, "validator": _validator(response), "total": total})
        _append(response, part, file.name, total)
    if total is not None and part.size != total:
        raise _Interrupted(f"the connection ended after {part.size} of {total} bytes")


@contextlib.contextmanager
def _response(file: File, part: _Part, received: int, notes: dict[str, Any]) -> Iterator[http.client.HTTPResponse]:
    """The server's response, with the bytes after the first `received` ones if the file is unchanged.

    Raises _Interrupted, DownloadError.
    """
    # without gzip, some servers would unpack a .gz, and then neither resume nor state the length
    headers = {"User-Agent": "RandomNet", "Accept-Encoding": "gzip" if file.name.endswith(".gz") else "identity"}
    if received:
        headers |= {"Range": f"bytes={received}-", "If-Range": notes["validator"]}
    with _network(file.url):
        try:
            response = urllib.request.urlopen(urllib.request.Request(file.url, headers=headers), timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416 and received:
                part.remove()
                raise _Interrupted("the server has no bytes after those received (416); these were removed") from None
            status = f"the server answered {error.code} {_one_line(error.reason)}"
            if error.code in TRANSIENT:
                raise _Interrupted(status) from None
            raise DownloadError(f"{file.url}: {status}") from None
    with response:
        yield response


@contextlib.contextmanager
def _network(url: str) -> Iterator[None]:
    """Turn errors of a connection into _Interrupted, or into DownloadError where another attempt cannot succeed."""
    try:
        yield
    except FetchError:  # which is a ValueError
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: an address that cannot be parsed
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise DownloadError(f"{url}: expected a certificate that is trusted, got {_one_line(reason)}") from None
        raise _Interrupted(f"no connection: {_one_line(reason)}") from None


def _extent(
    file: File, part: _Part, response: http.client.HTTPResponse, received: int, notes: dict[str, Any]
) -> tuple[int, int | None]:
    """(start, total) in bytes: the first byte of the body, and the size of the whole file, None where unknown."""
    if response.status not in (200, 206):
        raise DownloadError(f"{file.url}: expected status 200 or 206, got {response.status}")
    length = response.headers.get("Content-Length", "")
    start, total = 0, int(length) if COUNT.fullmatch(length) else None
    if response.status == 206:
        pattern = rf"bytes ({COUNT.pattern})-{COUNT.pattern}/({COUNT.pattern})"
        content_range = re.fullmatch(pattern, response.headers.get("Content-Range", "").strip())
        start, total = map(int, content_range.groups()) if content_range else (-1, None)
        is_same = _validator(response) in (notes.get("validator"), "") and total == (notes.get("total") or total)
        if start != received or not is_same:
            part.remove()
            raise _Interrupted("the server sent other bytes than requested, or another file; starting again")
    if file.size is not None and total not in (None, file.size):
        part.remove()
        raise DownloadError(f"{file.url}: expected {file.size} bytes, the server has {total}; {ADVICE}")
    return start, file.size if total is None else total


def _validator(response: http.client.HTTPResponse) -> str:
    """The value for If-Range: a strong ETag, or else the date of the last change, or else ""."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified", "")


def _check_room(part: _Part, file: File, needed: int | None) -> None:
    """Raise FetchError where fewer bytes are free than `needed` (None: unknown)."""
    folder = part.path.parent
    free = shutil.disk_usage(folder).free
    if needed is not None and needed > free:
        actual = f"{free / 1e6:.1f} MB"
        raise FetchError(f"{folder}: expected {needed / 1e6:.1f} MB free on its disk for {file.name}, got {actual}")


def _append(response: http.client.HTTPResponse, part: _Part, name: str, total: int | None) -> None:
    """Append the body to the part and flush it to disk, so that a complete file survives a crash.

    Raises _Interrupted where the server sends too slowly, DownloadError where it sends more than it said.
    """
    end, pace = LARGEST if total is None else total, _Pace()
    style = {"unit": "B", "unit_scale": True, "unit_divisor": 1000, "disable": None, "dynamic_ncols": True}
    with open(part.path, "ab") as out, tqdm(desc=name, total=total, initial=part.size, **style) as bar:
        while chunk := _chunk(response):
            if out.tell() + len(chunk) > end:
                url = _one_line(response.url)
                raise DownloadError(f"{url}: expected {end} bytes at most, the server sends more; {ADVICE}")
            out.write(chunk)
            bar.update(len(chunk))
            pace.received(len(chunk))
        out.flush()
        os.fsync(out.fileno())


class _Pace:
    """The rate of a connection over the last RATE_PERIOD, or up to twice as long."""

    def __init__(self) -> None:
        self.begun, self.bytes = time.monotonic(), 0

    def received(self, size: int) -> None:
        """Count bytes. Raises _Interrupted where a period had fewer than LEAST_RATE a second."""
        self.bytes += size
        seconds = time.monotonic() - self.begun
        if seconds < RATE_PERIOD:
            return
        if self.bytes < LEAST_RATE * seconds:
            raise _Interrupted(f"the server sends too slowly: {self.bytes} bytes in {seconds:.0f} s")
        self.begun, self.bytes = time.monotonic(), 0


def _chunk(response: http.client.HTTPResponse) -> bytes:
    with _network(response.url):
        return response.read1(CHUNK)


def _one_line(value: object) -> str:
    """A text of any server as one line; what could steer a terminal or is too long is replaced."""
    text = one_line(value)
    return (text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}...") or type(value).__name__
