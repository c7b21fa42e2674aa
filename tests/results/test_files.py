"""Files that appear under their names only when they are complete, on any machine of one file system."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from randomnet import results
from randomnet.results import ResultsFolder, files, folders, write_array, write_bytes


def test_writers_with_equal_process_numbers_do_not_take_each_others_files(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getpid", lambda: 7)  # as in two containers
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: write_bytes(tmp_path / "a", bytes([number]) * 10_000), range(64)))
    assert len(set((tmp_path / "a").read_bytes())) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_temporary_name_is_one_that_the_next_start_removes_and_no_file_system_refuses(tmp_path):
    path = results.temporary_path(tmp_path / ("a" * 250))
    assert path.name.startswith(results.TEMPORARY)
    assert len(path.name) < 255
    assert path != results.temporary_path(tmp_path / ("a" * 250))


def test_a_new_name_is_brought_to_the_disk_with_its_content(tmp_path, monkeypatch):
    synchronised = []
    monkeypatch.setattr(files.os, "fsync", lambda descriptor: synchronised.append(os.fstat(descriptor).st_ino))
    write_bytes(tmp_path / "a", b"x")
    assert synchronised == [(tmp_path / "a").stat().st_ino, tmp_path.stat().st_ino]


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_a_linked_results_folder_is_set_aside_behind_the_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "manifest.json").write_text("{}")
    (tmp_path / "results").symlink_to(tmp_path / "disk")
    aside = ResultsFolder(tmp_path / "results").set_aside()
    assert aside is not None
    assert (aside / "manifest.json").read_text() == "{}"
    assert aside.parent == tmp_path
    assert (tmp_path / "results").is_symlink()
    assert list((tmp_path / "results").iterdir()) == []


def test_a_full_disk_is_told_with_the_file_that_has_no_place(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*overview\.png'"):
        write_bytes(tmp_path / "overview.png", b"x")
    assert not list(tmp_path.iterdir())


def test_curves_that_a_full_disk_cut_short_count_as_not_written(tmp_path, monkeypatch):
    folder, written = ResultsFolder(tmp_path), []
    run = folder.run(0, 0)
    run.create()
    run.write_history(pd.DataFrame({"epoch": [0, 1], "train_loss": [2.0, 1.0], "validate_loss": [3.0, 2.0]}))
    run.finish({"status": "complete"})

    def until_full(path, array):
        written.append(path.name)
        if len(written) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_array(path, array)

    monkeypatch.setattr(folders, "write_array", until_full)
    with pytest.raises(OSError, match="space"):
        folder.write_curves(0, 1, 1)
    assert not folder.has_curves(0)
    folder.write_curves(0, 1, 1)
    assert folder.has_curves(0) and len(list((tmp_path / "0").glob("*_all.npy"))) == 2
