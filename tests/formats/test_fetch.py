"""Downloads from a server of our own: whole, resumed or refused; what is there is never overwritten."""

import gzip
import hashlib
import io
import json
import os
import re
import socket
import stat
import subprocess
import sys
import tarfile
import threading
from collections import namedtuple
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError

import numpy as np
import pytest

import runrandomnet
from randomnet.fetch import (
    ARCHIVES,
    Archive,
    DownloadError,
    FetchError,
    File,
    archive_named,
    archives,
    fetch,
    next_steps,
)
from randomnet.fetch import download as module
from randomnet.formats import read_connectome
from randomnet.results.locks import is_unlocked
from tests.support.paths import ROOT

CONTENT = np.random.default_rng(4).bytes(600_000)
Disk = namedtuple("Disk", "total used free")


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves `files` as a test sets it up; `asked` has (path, headers) of every request.

    cut: bytes of the body after which a connection is closed, one per connection; answers: codes given before files.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.asked, self.cuts, self.answers = {}, [], [], []
        self.ranges, self.etag, self.modified, self.length, self.encoding = True, None, None, True, None
        self.lie = {}  # headers that replace true ones

    def handle_error(self, *_):
        """A client that has gone is part of the tests."""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def ranges_asked(self):
        return [headers.get("Range") for _, headers in self.asked]


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        server.asked.append((self.path, dict(self.headers)))
        content = server.files.get(self.path)
        code = server.answers.pop(0) if server.answers else 200 if content is not None else 404
        if code == 302:
            self.send_response(code)
            self.send_header("Location", server.lie["Location"])
            self.end_headers()
            return
        if code != 200:
            self.send_error(code)
            return
        etag = f'"{sha256(content)[:8]}"' if server.etag is None else server.etag
        start = self.start_of(content, etag or server.modified)
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        headers = {"ETag": etag, "Last-Modified": server.modified, "Content-Encoding": server.encoding}
        headers["Content-Length"] = str(len(content) - start) if server.length else None
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}" if start else None
        for name, value in {**headers, **server.lie}.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        body = content[start:]
        self.wfile.write(body[: server.cuts.pop(0)] if server.cuts else body)

    def start_of(self, content, validator):
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        fits = self.headers.get("If-Range") in (None, validator)
        return int(asked[1]) if asked and self.server.ranges and fits else 0


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(module, "PAUSE", 0.01)
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        server.files["/v1/data.csv.gz"] = CONTENT
        yield server
        server.shutdown()
        thread.join()


def archive_of(server, sha=None, size=None, names=("data.csv.gz",)):
    files = tuple(File(f"{server.url}/v1/{name}", size, sha256(CONTENT) if sha is None else sha) for name in names)
    return Archive("made up", "CC0", "Nobody 2020", files, names[0], "roi = EB")


class Said(list):
    """What a fetch says."""

    def __call__(self, line):
        assert "\n" not in line
        self.append(line)

    def has(self, pattern):
        return any(re.search(pattern, line) for line in self)


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir() if path.name not in (".lock", "fetched.json"))


# --- servers that are not to be trusted


NUMBERS = ["9" * 5000, "\u0663", "-5", "1e9"]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_length_that_is_no_number_is_unknown(server, tmp_path, number):
    server.lie = {"Content-Length": number.encode().decode("latin-1")}
    (path,) = fetch(archive_of(server), tmp_path, Said())
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("number", NUMBERS)
def test_a_range_that_is_no_range_starts_again(server, tmp_path, number):
    server.cuts, server.lie = [300_000], {"Content-Range": f"bytes 300000-599999/{number}".encode().decode("latin-1")}
    (path,) = fetch(archive_of(server), tmp_path, Said())
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("location", ["http://[", "http://127.0.0.1:99999999/", "http://a b/", "file:///etc/passwd"])
def test_a_redirection_to_no_address(server, tmp_path, location):
    server.answers, server.lie = [302] * 10, {"Location": location}
    with pytest.raises(DownloadError) as error:
        fetch(archive_of(server), tmp_path, Said())
    assert "\n" not in str(error.value)
    assert leftovers(tmp_path) == []


def test_a_body_without_end_is_not_written_on_and_on(server, tmp_path):
    server.length = False
    with pytest.raises(DownloadError, match="expected 1000 bytes at most, the server sends more"):
        fetch(archive_of(server, size=1000), tmp_path, Said())
    assert sum(path.stat().st_size for path in tmp_path.glob("*.part")) <= 1000


def test_a_connection_that_is_too_slow_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "RATE_PERIOD", 0.0)
    monkeypatch.setattr(module, "LEAST_RATE", 1e15)
    server.ranges = False
    with pytest.raises(DownloadError, match="sends too slowly"):
        fetch(archive_of(server), tmp_path, Said())


def test_words_of_a_server_do_not_steer_the_terminal(server, tmp_path, monkeypatch):
    error = HTTPError(server.url, 404, "no\x1b]0;title\x07 \u202efile" + "x" * 5000, None, io.BytesIO())
    monkeypatch.setattr(module.urllib.request, "urlopen", lambda *_, **__: (_ for _ in ()).throw(error))
    with pytest.raises(DownloadError) as told:
        fetch(archive_of(server), tmp_path, Said())
    assert str(told.value).isprintable()
    assert len(str(told.value)) < 500


# --- whole files


def test_a_whole_file_with_its_record(server, tmp_path):
    before, said = datetime.now(UTC).replace(microsecond=0), Said()
    (path,) = fetch(archive_of(server, size=len(CONTENT)), tmp_path / "new" / "folder", said)
    assert path.read_bytes() == CONTENT
    assert leftovers(path.parent) == ["data.csv.gz"]
    record = json.loads((path.parent / "fetched.json").read_text())["data.csv.gz"]
    assert before <= datetime.fromisoformat(record.pop("date")) <= datetime.now(UTC)
    assert record == {
        "url": f"{server.url}/v1/data.csv.gz",
        "bytes": len(CONTENT),
        "sha256": sha256(CONTENT),
        "checksum": "as published",
        "licence": "CC0",
        "cite": "Nobody 2020",
    }
    assert said.has(f"600000 bytes, sha256 {sha256(CONTENT)}, as published")


def test_several_files_share_one_record_with_what_was_there(server, tmp_path):
    server.files |= {"/v1/a.csv.gz": b"first", "/v1/b.csv.gz": b"second"}
    (tmp_path / "fetched.json").write_text('{"older.csv": {"sha256": "0"}}')
    paths = fetch(archive_of(server, sha="", names=("a.csv.gz", "b.csv.gz")), tmp_path, Said())
    assert [path.read_bytes() for path in paths] == [b"first", b"second"]
    assert list(json.loads((tmp_path / "fetched.json").read_text())) == ["older.csv", "a.csv.gz", "b.csv.gz"]


def test_an_unpublished_checksum_is_recorded_and_called_unverified(server, tmp_path):
    said = Said()
    fetch(archive_of(server, sha=""), tmp_path, said)
    record = json.loads((tmp_path / "fetched.json").read_text())["data.csv.gz"]
    assert record["sha256"] == sha256(CONTENT)
    assert "unverified" in record["checksum"]
    assert said.has(f"{sha256(CONTENT)}, unverified")


def test_a_checksum_of_which_start_and_end_are_known(server, tmp_path):
    whole = sha256(CONTENT)
    said = Said()
    fetch(archive_of(server, sha=f"{whole[:8]}...{whole[-4:]}"), tmp_path, said)
    assert said.has("start and end as published")
    (tmp_path / "data.csv.gz").unlink()
    for wrong in (f"{whole[:8]}...xxxx", f"xxxxxxxx...{whole[-4:]}"):
        with pytest.raises(DownloadError, match="expected sha256"):
            fetch(archive_of(server, sha=wrong), tmp_path, Said())


@pytest.mark.parametrize("name, asked", [("data.csv.gz", "gzip"), ("data.feather", "identity")])
def test_a_gz_is_asked_for_as_it_is_stored(server, tmp_path, name, asked):
    """Some stores unpack a .gz on the way to those who do not accept it; what is written is what comes."""
    server.files[f"/v1/{name}"], server.encoding = CONTENT, "gzip" if asked == "gzip" else None
    (path,) = fetch(archive_of(server, names=(name,)), tmp_path, Said())
    assert path.read_bytes() == CONTENT
    assert server.asked[0][1]["Accept-Encoding"] == asked


def test_a_server_that_does_not_tell_the_length(server, tmp_path):
    server.length = False
    (path,) = fetch(archive_of(server, size=len(CONTENT)), tmp_path, Said())
    assert path.read_bytes() == CONTENT


# --- resume


def stopped(server, folder, after=200_000, **changes):
    """A fetch that was broken off: the server's connections end, the first one after some bytes, until it gives up."""
    server.cuts = [after] + [0] * module.ATTEMPTS
    with pytest.raises(DownloadError, match=rf"ended after {after} of 600000 bytes; {after} bytes are kept"):
        fetch(archive_of(server, **changes), folder, Said())
    assert (folder / "data.csv.gz.part").stat().st_size == after
    assert leftovers(folder) == ["data.csv.gz.part", "data.csv.gz.part.json"]
    server.cuts = []
    server.asked.clear()


def test_a_cut_connection_is_taken_up_where_it_ended(server, tmp_path):
    server.cuts = [100_000, 250_000]
    said = Said()
    (path,) = fetch(archive_of(server), tmp_path, said)
    assert path.read_bytes() == CONTENT
    assert server.ranges_asked == [None, "bytes=100000-", "bytes=350000-"]
    assert {headers.get("If-Range") for _, headers in server.asked[1:]} == {f'"{sha256(CONTENT)[:8]}"'}
    assert said.has("ended after 100000 of 600000 bytes; next attempt in 0.01 s")
    assert leftovers(tmp_path) == ["data.csv.gz"]


def test_attempts_are_counted_only_while_nothing_comes(server, tmp_path):
    server.cuts = [50_000] * (2 * module.ATTEMPTS)
    (path,) = fetch(archive_of(server), tmp_path, Said())
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("sha", [None, ""])
def test_a_later_fetch_goes_on(server, tmp_path, sha):
    stopped(server, tmp_path, sha=sha)
    said = Said()
    (path,) = fetch(archive_of(server, sha=sha), tmp_path, said)
    assert path.read_bytes() == CONTENT
    assert server.ranges_asked == ["bytes=200000-"]
    assert said.has("resuming after 200000 bytes")


def test_the_date_of_the_last_change_serves_where_there_is_no_strong_etag(server, tmp_path):
    server.etag, server.modified = "", "Wed, 01 Jan 2020 00:00:00 GMT"
    stopped(server, tmp_path)
    (path,) = fetch(archive_of(server), tmp_path, Said())
    assert path.read_bytes() == CONTENT
    assert server.asked[0][1]["If-Range"] == server.modified
    assert server.ranges_asked == ["bytes=200000-"]


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_without_a_validator_a_fetch_starts_anew(server, tmp_path, etag):
    server.etag, server.cuts = etag, [200_000]
    (path,) = fetch(archive_of(server), tmp_path, Said())
    assert path.read_bytes() == CONTENT
    assert server.ranges_asked == [None, None]
    path.unlink()
    server.cuts = [200_000] * 20
    with pytest.raises(DownloadError, match="ended after 200000 of 600000 bytes; nothing is kept"):
        fetch(archive_of(server), tmp_path, Said())


def test_a_server_that_ignores_ranges(server, tmp_path):
    stopped(server, tmp_path)
    server.ranges, said = False, Said()
    (path,) = fetch(archive_of(server), tmp_path, said)
    assert path.read_bytes() == CONTENT
    assert server.ranges_asked == ["bytes=200000-"]
    assert said.has("starting again")


@pytest.mark.parametrize("changed", [CONTENT[::-1], CONTENT[:150_000]])
def test_a_file_that_changed_meanwhile_is_fetched_anew(server, tmp_path, changed):
    stopped(server, tmp_path, sha="")
    server.files["/v1/data.csv.gz"] = changed
    (path,) = fetch(archive_of(server, sha=""), tmp_path, Said())
    assert path.read_bytes() == changed
    assert server.ranges_asked == ["bytes=200000-"]


def test_a_server_that_ignores_if_range_is_caught_by_its_etag(server, tmp_path):
    stopped(server, tmp_path, sha="")
    kept = f'"{sha256(CONTENT)[:8]}"'
    server.files["/v1/data.csv.gz"], server.etag, server.lie = CONTENT[::-1], kept, {"ETag": '"another"'}
    (path,) = fetch(archive_of(server, sha=""), tmp_path, Said())
    assert path.read_bytes() == CONTENT[::-1]
    assert server.ranges_asked == ["bytes=200000-", None]


@pytest.mark.parametrize("told", ["bytes 100-599999/600000", "nonsense", None])
def test_another_part_than_was_asked_for_is_not_appended(server, tmp_path, told):
    stopped(server, tmp_path, sha="")
    server.lie = {"Content-Range": told}
    (path,) = fetch(archive_of(server, sha=""), tmp_path, Said())
    assert path.read_bytes() == CONTENT


def test_a_range_that_cannot_be_served_starts_anew(server, tmp_path):
    stopped(server, tmp_path)
    server.answers = [416]
    (path,) = fetch(archive_of(server), tmp_path, Said())
    assert path.read_bytes() == CONTENT
    assert server.ranges_asked == ["bytes=200000-", None]


@pytest.mark.parametrize("notes", [None, "{", "[]", '{"url": "http://127.0.0.1/other", "validator": "x"}'])
def test_a_part_without_its_notes_starts_anew(server, tmp_path, notes):
    stopped(server, tmp_path)
    path = tmp_path / "data.csv.gz.part.json"
    path.unlink() if notes is None else path.write_text(notes)
    assert fetch(archive_of(server), tmp_path, Said())[0].read_bytes() == CONTENT
    assert server.ranges_asked == [None]


def test_a_part_that_is_whole_only_gets_its_name(server, tmp_path):
    stopped(server, tmp_path)
    (tmp_path / "data.csv.gz.part").write_bytes(CONTENT)
    assert fetch(archive_of(server), tmp_path, Said())[0].read_bytes() == CONTENT
    assert server.asked == []


# --- what goes wrong


def test_a_wrong_checksum_leaves_no_file_and_the_next_try_starts_anew(server, tmp_path):
    wrong = sha256(b"another")
    with pytest.raises(DownloadError, match=f"expected sha256 {wrong}, got {sha256(CONTENT)}; .* removed") as error:
        fetch(archive_of(server, sha=wrong), tmp_path, Said())
    assert "\n" not in str(error.value)
    assert leftovers(tmp_path) == []
    assert not (tmp_path / "fetched.json").exists()
    fetch(archive_of(server), tmp_path, Said())
    assert server.ranges_asked == [None, None]


def test_a_resumed_file_is_checked_as_a_whole(server, tmp_path):
    stopped(server, tmp_path)
    (tmp_path / "data.csv.gz.part").write_bytes(bytes(200_000))
    with pytest.raises(DownloadError, match="expected sha256"):
        fetch(archive_of(server), tmp_path, Said())
    assert leftovers(tmp_path) == []


def test_a_body_that_is_always_truncated(server, tmp_path):
    server.ranges, server.cuts = False, [1000] * 20
    with pytest.raises(DownloadError, match=r"ended after 1000 of 600000 bytes; 1000 bytes are kept"):
        fetch(archive_of(server), tmp_path, Said())
    assert len(server.asked) == module.ATTEMPTS + 1
    assert not (tmp_path / "data.csv.gz").exists()


def test_a_short_body_of_untold_length_is_known_by_the_published_size(server, tmp_path):
    server.length, server.cuts = False, [1000]
    (path,) = fetch(archive_of(server, size=len(CONTENT)), tmp_path, Said())
    assert path.read_bytes() == CONTENT


def test_another_size_than_published_is_told_before_the_download(server, tmp_path):
    with pytest.raises(DownloadError, match="expected 600001 bytes, the server has 600000"):
        fetch(archive_of(server, size=600_001), tmp_path, Said())
    assert leftovers(tmp_path) == []


def test_answers_that_may_pass_are_tried_again(server, tmp_path):
    server.answers = [503, 429, 500]
    assert fetch(archive_of(server), tmp_path, Said())[0].read_bytes() == CONTENT


@pytest.mark.parametrize("code, tries", [(404, 1), (403, 1), (416, 1), (503, module.ATTEMPTS)])
def test_answers_that_do_not_pass(server, tmp_path, code, tries):
    server.answers = [code] * 20
    with pytest.raises(DownloadError, match=rf"data.csv.gz: the server answered {code} \w+"):
        fetch(archive_of(server), tmp_path, Said())
    assert len(server.asked) == tries


def test_no_server(server, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/data.csv.gz"
        with pytest.raises(DownloadError, match=f"{url}: no connection: .*refused; nothing is kept"):
            fetch(replace(archive_of(server), files=(File(url),)), tmp_path, Said())


def test_a_server_that_falls_silent(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", 0.05)
    monkeypatch.setattr(module, "ATTEMPTS", 1)
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(DownloadError, match="timed out"):
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/data.csv.gz"
        fetch(replace(archive_of(server), files=(File(url),)), tmp_path, Said())


@pytest.mark.parametrize("size", [None, len(CONTENT)])
def test_a_disk_without_room(server, tmp_path, monkeypatch, size):
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: Disk(10**6, 500_000, 500_000))
    with pytest.raises(FetchError, match=r"expected 0.6 MB free on its disk for data.csv.gz, got 0.5 MB"):
        fetch(archive_of(server, size=size), tmp_path, Said())
    assert leftovers(tmp_path) == []


def test_only_what_is_missing_needs_room(server, tmp_path, monkeypatch):
    stopped(server, tmp_path)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: Disk(10**6, 500_000, 500_000))
    assert fetch(archive_of(server), tmp_path, Said())[0].read_bytes() == CONTENT


def test_a_disk_that_fills_up(server, tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(FetchError, match="No space left on device"):
        fetch(archive_of(server), tmp_path, Said())
    assert not (tmp_path / "data.csv.gz").exists()


# --- what is there already


@pytest.mark.parametrize("sha, verdict", [(None, "as published"), ("", "as recorded in fetched.json")])
def test_a_file_that_is_there_is_left_alone(server, tmp_path, sha, verdict):
    (path,) = fetch(archive_of(server, sha=sha), tmp_path, Said())
    record, changed, said = (tmp_path / "fetched.json").read_text(), path.stat().st_mtime_ns, Said()
    server.asked.clear()
    assert fetch(archive_of(server, sha=sha), tmp_path, said) == [path]
    assert said.has(f"already there, sha256 {sha256(CONTENT)}, {verdict}")
    assert server.asked == []
    assert (path.stat().st_mtime_ns, (tmp_path / "fetched.json").read_text()) == (changed, record)


def test_a_file_of_unknown_checksum_that_is_there_is_left_alone(server, tmp_path):
    (tmp_path / "data.csv.gz").write_bytes(b"by hand")
    said = Said()
    fetch(archive_of(server, sha=""), tmp_path, said)
    assert said.has(f"already there, sha256 {sha256(b'by hand')}, unverified")
    assert (tmp_path / "data.csv.gz").read_bytes() == b"by hand"


@pytest.mark.parametrize("sha", [None, ""])
def test_another_file_of_the_name_is_never_overwritten(server, tmp_path, sha):
    fetch(archive_of(server, sha=sha), tmp_path, Said())
    (tmp_path / "data.csv.gz").write_bytes(b"another")
    said = f"expected sha256 {sha256(CONTENT)}, got {sha256(b'another')}; the file is unchanged"
    with pytest.raises(FetchError, match=said):
        fetch(archive_of(server, sha=sha), tmp_path, Said())
    assert (tmp_path / "data.csv.gz").read_bytes() == b"another"


def test_a_file_that_comes_meanwhile_is_not_overwritten(server, tmp_path, monkeypatch):
    real = module._sha256

    def meanwhile(path):
        (tmp_path / "data.csv.gz").write_bytes(b"another")
        return real(path)

    monkeypatch.setattr(module, "_sha256", meanwhile)
    with pytest.raises(FetchError, match="came meanwhile"):
        fetch(archive_of(server), tmp_path, Said())
    assert (tmp_path / "data.csv.gz").read_bytes() == b"another"


def test_a_damaged_record_is_not_overwritten(server, tmp_path):
    (tmp_path / "fetched.json").write_text("{")
    with pytest.raises(FetchError, match=r"fetched\.json: expected a JSON file.* move it away"):
        fetch(archive_of(server), tmp_path, Said())
    assert server.asked == []


# --- files other than published


@pytest.mark.parametrize("wrong", [{"sha": sha256(b"another")}, {"size": 600_001}])
def test_another_file_than_published_is_taken_where_the_user_insists(server, tmp_path, wrong):
    archive, said = archive_of(server, **wrong), Said()
    with pytest.raises(DownloadError, match="the publisher may have replaced it: --fetch-unverified accepts"):
        fetch(archive, tmp_path, Said())
    (path,) = fetch(archive, tmp_path, said, accept_other=True)
    assert path.read_bytes() == CONTENT
    record = json.loads((tmp_path / "fetched.json").read_text())["data.csv.gz"]
    assert record["sha256"] == sha256(CONTENT)
    if "sha" in wrong:
        verdict = f"other than published, accepted: sha256 {wrong['sha']}"
        assert record["checksum"] == verdict and said.has(f"{sha256(CONTENT)}, {verdict}")
    said.clear()
    assert fetch(archive, tmp_path, said) == [path]
    assert said.has(r"already there, .* as (recorded in fetched\.json|published)")
    path.write_bytes(b"changed by hand")
    with pytest.raises(FetchError, match=f"expected sha256 {sha256(CONTENT)}, got {sha256(b'changed by hand')}"):
        fetch(archive, tmp_path, Said())


def test_an_existing_file_other_than_published_is_kept_where_the_user_insists(server, tmp_path):
    (tmp_path / "data.csv.gz").write_bytes(b"older")
    with pytest.raises(FetchError, match=r"the file is unchanged: .* --fetch-unverified accepts another file"):
        fetch(archive_of(server), tmp_path, Said())
    said = Said()
    fetch(archive_of(server), tmp_path, said, accept_other=True)
    assert said.has(f"sha256 {sha256(b'older')}, other than published, accepted: sha256 {sha256(CONTENT)}")
    assert (tmp_path / "data.csv.gz").read_bytes() == b"older" and server.asked == []


# --- what is said before


def several(server, *sizes):
    files = tuple(File(f"{server.url}/v1/{number}.gz", size) for number, size in enumerate(sizes))
    server.files |= {f"/v1/{number}.gz": bytes(size or 10) for number, size in enumerate(sizes)}
    return Archive("made up", "CC0", "Nobody 2020", files, "0.gz", "roi = EB")


def test_the_amount_is_said_first(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: Disk(10**12, 0, 76_300_000_000))
    (tmp_path / "1.gz").write_bytes(b"there")
    said = Said()
    fetch(several(server, 1_200_000, 5_000_000, 300_000, None), tmp_path, said)
    assert said[1] == (
        f"to fetch: 3 files, 1.5 MB, 1 of unknown size into {tmp_path}; already there: 1 file; free: 76.30 GB"
    )
    said.clear()
    fetch(several(server, 1_200_000, 5_000_000, 300_000, None), tmp_path, said)
    assert said[1] == f"to fetch: no files into {tmp_path}; already there: 4 files; free: 76.30 GB"


def test_what_an_interrupted_download_brought_counts_as_there(server, tmp_path):
    stopped(server, tmp_path)
    said = Said()
    fetch(archive_of(server, size=len(CONTENT)), tmp_path, said)
    assert said.has(r"to fetch: 1 file, 0\.4 MB into .*; already there: no files and 0\.2 MB of others; free: ")


def test_room_for_all_files_is_checked_before_the_first(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: Disk(10**7, 0, 1_000_000))
    with pytest.raises(FetchError, match=r"expected 1\.2 MB free on its disk for 2 files, got 1\.0 MB"):
        fetch(several(server, 600_000, 600_000), tmp_path, Said())
    assert server.asked == []


def test_the_registry_says_how_large_the_connectomes_of_2026_are():
    sizes = {name: sum(file.size for file in ARCHIVES[name].files) for name in ("malecns", "banc", "manc")}
    assert sizes == {"malecns": 1_109_008_094, "banc": 362_753_404, "manc": 88_833_628}
    assert all(len(file.sha256) == 64 for name in sizes for file in ARCHIVES[name].files)


# --- folders


def test_a_folder_that_is_a_file_or_below_one(server, tmp_path):
    (tmp_path / "file").write_text("")
    for folder, came in ((tmp_path / "file", "a file"), (tmp_path / "file" / "below", "Not a directory")):
        with pytest.raises(FetchError, match=f"expected a folder that files can be written into, got .*{came}"):
            fetch(archive_of(server), folder, Said())
    assert server.asked == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(server, tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with pytest.raises(FetchError, match=r"expected a folder that files can be written into, got .*Permission"):
            fetch(archive_of(server), tmp_path, Said())
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_a_second_process_in_the_folder_is_refused(server, tmp_path):
    hold = "import filelock, sys; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); print(flush=True); input()"
    command = [sys.executable, "-c", hold, str(tmp_path / ".lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        other.stdout.readline()
        with pytest.raises(FetchError, match="another process is fetching into this folder"):
            fetch(archive_of(server), tmp_path, Said())
        other.communicate("\n")
    assert fetch(archive_of(server), tmp_path, Said())[0].read_bytes() == CONTENT
    assert is_unlocked(tmp_path / ".lock")  # given back


# --- the registry


def test_the_registry():
    for name, archive in ARCHIVES.items():
        assert archive_named(name) is archive
        assert archive.content and archive.licence and archive.cite and archive.files
        brought = ARCHIVES[archive.beside or name].files
        assert archive.network in ("", *(file.name for file in brought))
        for file in archive.files:
            assert file.url.startswith("https://")
            assert re.fullmatch(r"|[0-9a-f]{64}|[0-9a-f]+\.\.\.[0-9a-f]+", file.sha256)
            assert "labels" not in file.name  # names of persons
    names = [file.name for archive in ARCHIVES.values() for file in archive.files]
    assert len(names) == len(set(names))  # they may share a folder


def test_an_unknown_archive():
    names = "hemibrain, hemibrain_transmitters, flywire, flywire_princeton, flywire_no_threshold, malecns, banc, manc"
    with pytest.raises(FetchError, match=f"out of {names}, got 'hemibran'; did you mean 'hemibrain'"):
        archive_named("hemibran")


def test_the_next_steps_say_what_is_still_missing(tmp_path):
    text = next_steps(ARCHIVES["hemibrain_transmitters"], tmp_path)
    path = tmp_path.resolve() / "exported-traced-adjacencies-v1.2.tar.gz"
    assert f"path_to_network = {path}  ; not there yet: fetch hemibrain into the same folder" in text.splitlines()
    path.touch()
    assert f"path_to_network = {path}" in next_steps(ARCHIVES["hemibrain_transmitters"], tmp_path).splitlines()


def test_further_tables_are_named(tmp_path):
    text = next_steps(ARCHIVES["flywire_princeton"], tmp_path)
    assert "Transmitters and labels: fetch flywire into the same folder" in text.splitlines()
    assert "connections_princeton.csv.gz" in path_to_network(text)


# --- the command


def run(*arguments):
    return runrandomnet.main([str(argument) for argument in arguments])


def hemibrain_archive():
    tables = {
        "traced-neurons.csv": "bodyId,type,instance\n1,ER1,ER1_L\n2,ER2,ER2_R\n3,ER2,ER2_L\n",
        "traced-total-connections.csv": "bodyId_pre,bodyId_post,weight\n1,2,5\n2,3,7\n3,1,4\n",
        "traced-roi-connections.csv": "bodyId_pre,bodyId_post,roi,weight\n1,2,EB,5\n2,3,EB,7\n3,1,PB,4\n",
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in tables.items():
            info = tarfile.TarInfo(f"exported-traced-adjacencies-v1.2/{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def served(server, monkeypatch, name, contents):
    """Let an archive of the registry come from the test's server."""
    archive = ARCHIVES[name]
    files = []
    for file, content in zip(archive.files, contents, strict=True):
        server.files[f"/v1/{file.name}"] = content
        files.append(File(f"{server.url}/v1/{file.name}", len(content), sha256(content)))
    monkeypatch.setattr(archives, "ARCHIVES", {**archives.ARCHIVES, name: replace(archive, files=tuple(files))})


def path_to_network(out):
    return re.search(r"^path_to_network = (.*)$", out, re.MULTILINE)[1]


def test_the_command_says_what_the_ini_needs_and_it_reads(server, tmp_path, monkeypatch, capsys):
    """The hemibrain and FlyWire in one folder: each is read by the line printed for it."""
    pre = 720575940600000000
    texts = (
        f"pre_root_id,post_root_id,neuropil,syn_count,nt_type\n{pre},{pre + 1},EB,6,ACH\n{pre + 1},{pre},EB,5,GABA\n",
        f"root_id,group,nt_type\n{pre},a,ACH\n{pre + 1},a,GABA\n",
        f"root_id,flow,super_class,class,side\n{pre},x,central,CX,left\n{pre + 1},x,central,CX,right\n",
        f"root_id,primary_type\n{pre},ER1\n",
        f"root_id,position,supervoxel_id\n{pre},[1 2 3],4\n",
    )
    served(server, monkeypatch, "hemibrain", [hemibrain_archive()])
    served(server, monkeypatch, "flywire", [gzip.compress(text.encode()) for text in texts])
    assert run("--fetch", "hemibrain", "--to", tmp_path) == 0
    first = capsys.readouterr().out
    assert "Licence: CC BY; please cite Scheffer" in first
    assert run("--fetch", "flywire", "--to", tmp_path) == 0
    second = capsys.readouterr().out
    weights = read_connectome(Path(path_to_network(first))).dense()
    np.testing.assert_array_equal(np.abs(weights), [[0, 0, 4], [5, 0, 0], [0, 7, 0]])
    np.testing.assert_array_equal(read_connectome(Path(path_to_network(second))).dense(), [[0, -5], [6, 0]])


def test_flat_files_are_read_by_the_line_that_is_printed(server, tmp_path, monkeypatch, capsys):
    pa = pytest.importorskip("pyarrow", reason="the files of MANC are feather files")
    from pyarrow import feather

    ids, contents = ["10000000000000001", "10000000000000002"], []
    neurons = {"manc_121_id": ids, "super_class": ["motor", "sensory"], "neurotransmitter_predicted": ["gaba", "ach"]}
    edges = {"pre": ids, "post": ids[::-1], "count": [3, 4], "norm": [0.5, 0.5], "total_input": [6, 8]}
    for columns in (neurons, edges):
        buffer = io.BytesIO()
        feather.write_feather(pa.table(columns), buffer)
        contents.append(buffer.getvalue())
    served(server, monkeypatch, "manc", contents)
    assert run("--fetch", "manc", "--to", tmp_path / "manc") == 0
    out = capsys.readouterr().out
    assert "roi = all" in out and "Licence: CC BY 4.0; please cite Takemura" in out
    np.testing.assert_array_equal(read_connectome(Path(path_to_network(out))).dense(), [[0, 4], [-3, 0]])


@pytest.mark.parametrize(
    "arguments, text",
    [
        (("--fetch", "flywir", "--to", "x"), "got 'flywir'; did you mean 'flywire'?"),
        (("--fetch", "flywir"), "did you mean 'flywire'?"),
        (("--fetch", "flywire"), "--fetch flywire: expected --to with a folder to download into, got none"),
        (("--fetch", "flywire", "--to", ""), "--fetch flywire: expected --to with a folder"),
        (("--to", "x"), "--to x: expected --fetch with one of hemibrain, hemibrain_transmitters, flywire, "),
        (("--fetch-unverified",), "--fetch-unverified: expected --fetch with one of hemibrain, "),
        (("--fetch", "flywire", "--to", "file"), "--fetch flywire: file: expected a folder that files can be written"),
    ],
)
def test_a_wrong_command_is_refused_in_one_line(tmp_path, monkeypatch, capsys, arguments, text):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and text in error
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_failed_transfer_exits_with_1(server, tmp_path, monkeypatch, capsys):
    served(server, monkeypatch, "hemibrain", [hemibrain_archive()])
    server.files.clear()
    assert run("--fetch", "hemibrain", "--to", tmp_path) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: http://127.0.0.1") and error.count("\n") == 1
    assert "the server answered 404 Not Found" in error


def test_ctrl_c_keeps_what_has_come_and_says_how_to_go_on(server, tmp_path, monkeypatch, capsys):
    served(server, monkeypatch, "hemibrain", [CONTENT])
    real, chunks = module._chunk, []

    def interrupted(response):
        if chunks:
            raise KeyboardInterrupt
        chunks.append(real(response))
        return chunks[0]

    monkeypatch.setattr(module, "_chunk", interrupted)
    monkeypatch.setattr(sys, "argv", ["runrandomnet.py", "--fetch", "hemibrain", "--to", str(tmp_path)])
    assert run("--fetch", "hemibrain", "--to", tmp_path) == 130
    assert f"runrandomnet.py --fetch hemibrain --to {tmp_path}" in capsys.readouterr().err
    name = ARCHIVES["hemibrain"].network
    assert (tmp_path / f"{name}.part").read_bytes() == chunks[0] == CONTENT[: len(chunks[0])]
    monkeypatch.setattr(module, "_chunk", real)
    assert run("--fetch", "hemibrain", "--to", tmp_path) == 0
    assert server.ranges_asked[-1] == f"bytes={len(chunks[0])}-"
    assert (tmp_path / name).read_bytes() == CONTENT


def test_a_killed_fetch_goes_on(server, tmp_path):
    """A process killed at some moment leaves a part that another one completes."""
    code = (
        "import os, sys; from pathlib import Path; from randomnet.fetch import download as m\n"
        "real, seen = m._chunk, []\n"
        "def chunk(response):\n"
        "    seen.append(1)\n"
        "    return os.kill(os.getpid(), 9) if len(seen) > 3 else real(response)\n"
        "m._chunk, m.CHUNK = chunk, 50_000\n"
        "m.fetch(m.Archive('', '', '', (m.File(sys.argv[1]),), '', ''), Path(sys.argv[2]))\n"
    )
    url = f"{server.url}/v1/data.csv.gz"
    done = subprocess.run([sys.executable, "-c", code, url, str(tmp_path)], cwd=ROOT, capture_output=True, timeout=60)
    assert done.returncode == -9, done.stderr
    assert leftovers(tmp_path) == ["data.csv.gz.part", "data.csv.gz.part.json"]
    assert fetch(archive_of(server), tmp_path, Said())[0].read_bytes() == CONTENT
