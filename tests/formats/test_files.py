import io
import os
import stat
from dataclasses import replace

import pytest
from sdfz.formats import DEFAULT, LimitError, read_bytes, write_atomic

SMALL = replace(DEFAULT, max_file_bytes=10)


@pytest.mark.parametrize("content", [b"content", lambda file: file.write(b"content")])
def test_writes_and_replaces(tmp_path, content):
    target = tmp_path / "shape.sdfz"
    for _ in range(2):
        write_atomic(target, content)
        assert target.read_bytes() == b"content"
    assert os.listdir(tmp_path) == ["shape.sdfz"]


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt])
def test_a_failure_leaves_everything_as_it_was(tmp_path, error):
    target = tmp_path / "shape.sdfz"

    def fail(file):
        file.write(b"half of")
        raise error

    for before in ([], ["shape.sdfz"]):
        with pytest.raises(error):
            write_atomic(target, fail)
        assert os.listdir(tmp_path) == before
        target.write_bytes(b"old")
    assert target.read_bytes() == b"old"


def test_a_failed_rename_leaves_nothing(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomic(tmp_path / "folder", b"content")
    assert os.listdir(tmp_path) == ["folder"]


def test_a_missing_folder_is_named_by_its_target(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        write_atomic(tmp_path / "missing" / "shape.sdfz", b"content")
    assert caught.value.filename == str(tmp_path / "missing" / "shape.sdfz")


def test_modes_and_links_are_kept(tmp_path):
    target, link = tmp_path / "shape.sdfz", tmp_path / "link.sdfz"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    write_atomic(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_device_is_written_to_and_stays(tmp_path):
    write_atomic("/dev/null", b"content")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_read_bytes(tmp_path):
    path = tmp_path / "shape.sdfz"
    path.write_bytes(b"0123456789")
    assert read_bytes(path, limits=SMALL) == read_bytes(io.BytesIO(b"0123456789"), limits=SMALL) == b"0123456789"
    with open(path, "rb") as file:
        assert read_bytes(file) == b"0123456789"
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "missing")


def test_read_bytes_stops_at_the_limit(tmp_path):
    path = tmp_path / "shape.sdfz"
    path.write_bytes(b"0123456789A")
    with pytest.raises(LimitError, match="bytes in the file: 11, but max_file_bytes allows 10"):
        read_bytes(path, limits=SMALL)

    class Endless(io.RawIOBase):
        def read(self, size=-1):
            return b"0" * size

    with pytest.raises(LimitError, match="at least"):
        read_bytes(Endless(), limits=SMALL)
