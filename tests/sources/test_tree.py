"""Trees of files: folders and archives under one kind of name, listings that are kept, archives that are damaged."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness._util.lines import read_lines
from harness.errors import DataError
from harness.sources import archives, tree
from harness.sources.tree import TreeFile, list_tree, plain_file

_FILES = {
    "bench-sw/topic.test.tsv": "7\tNani alianzisha ọ̀rọ̀?\n".encode(),
    "bench-sw/collection/docs.jsonl.gz": gzip.compress("ข้อความ\nنص\n".encode(), mtime=0),
    "bench-sw/qrels.txt": b"7\tQ0\t1#0\t1",
    "bench-sw/empty": b"",
}


def _tar(path: Path, files: Mapping[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def _zip(path: Path, files: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def _packer(mode: str) -> Callable[[Path, Mapping[str, bytes]], Path]:
    return lambda path, files: _tar(path, files, mode)


#: How archives are called, and what writes them.
_PACKERS: dict[str, Callable[[Path, Mapping[str, bytes]], Path]] = {
    "a.tar": _packer("w"),
    "a.tar.gz": _packer("w:gz"),
    "a.tgz": _packer("w:gz"),
    "a.tar.bz2": _packer("w:bz2"),
    "a.tar.xz": _packer("w:xz"),
    "a.zip": _zip,
}
every_archive = pytest.mark.parametrize("name, pack", _PACKERS.items(), ids=_PACKERS.keys())


def _read(file: TreeFile) -> bytes:
    with file.open() as stream:
        return stream.read()


def _contents(root: Path, cache: Path) -> dict[str, bytes]:
    return {name: _read(file) for name, file in list_tree(root, cache).items()}


def _written(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty folder."""
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """The cache, which is not there yet."""
    return tmp_path / "own-cache"


def test_a_folder(root: Path, cache: Path) -> None:
    """Files are named by their path below the root, in order; hidden ones and what is no file are left out."""
    for name in ("b/two", "a/deep/er/one", ".git/config", "a/.hidden", "c.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "nowhere").symlink_to(root / "gone")
    (root / "nowhere.zip").symlink_to(root / "gone.zip")
    os.mkfifo(root / "pipe")
    found = list_tree(root, cache)
    assert list(found) == ["a/deep/er/one", "b/two", "c.txt"]
    assert all(_read(file).decode() == name == file.name for name, file in found.items())
    assert [str(file) for file in found.values()] == [str(root / name) for name in found]
    assert found["b/two"].size == 5
    assert not cache.exists()


def test_links(root: Path, cache: Path, tmp_path: Path) -> None:
    """Linked folders and files are followed, wherever they lie; a link that leads back up is not."""
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "sub").mkdir(parents=True)
    (elsewhere / "sub" / "f").write_text("x")
    (root / "linked").symlink_to(elsewhere)
    (root / "file").symlink_to(elsewhere / "sub" / "f")
    (elsewhere / "sub" / "back").symlink_to(elsewhere)
    (root / "self").symlink_to(root)
    assert list(list_tree(root, cache)) == ["file", "linked/sub/f"]


def test_depth(root: Path, cache: Path) -> None:
    """Six folders deep is searched, as the deepest layouts need; what lies below them is not."""
    deep = root / "1/2/3/4/5/6"
    (deep / "7").mkdir(parents=True)
    (deep / "f").touch()
    (deep / "7" / "g").touch()
    assert list(list_tree(root, cache)) == ["1/2/3/4/5/6/f"]


@every_archive
@pytest.mark.parametrize("small", [True, False])
def test_archives_are_folders(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, name: str, pack: Any, small: bool
) -> None:
    """What lies in an archive has the archive's name before its own, copied or read in place, byte for byte."""
    if not small:
        monkeypatch.setattr(tree, "_SMALL", -1)
    (root / "below").mkdir()
    pack(root / "below" / name, _FILES)
    expected = {f"below/{name}/{member}": data for member, data in sorted(_FILES.items())}
    for _ in range(2):  # listed, and from the listing
        assert _contents(root, cache) == expected
    topic = list_tree(root, cache)[f"below/{name}/bench-sw/topic.test.tsv"]
    assert str(topic) == f"{root / 'below' / name}!bench-sw/topic.test.tsv"
    assert topic.size == len(_FILES["bench-sw/topic.test.tsv"])
    assert (topic.copy is not None) is small
    docs = list_tree(root, cache)[f"below/{name}/bench-sw/collection/docs.jsonl.gz"]
    assert [line for _, line in read_lines(docs)] == ["ข้อความ", "نص"]
    assert _contents(root / "below" / name, cache) == {k.removeprefix("below/"): v for k, v in expected.items()}


def test_the_compression_is_known_by_its_first_bytes(root: Path, cache: Path) -> None:
    """A .tar.gz that a browser has unpacked is still an archive."""
    _tar(root / "a.tar.gz", _FILES, "w")
    assert len(_contents(root, cache)) == len(_FILES)


def test_names_of_members(root: Path, cache: Path) -> None:
    """Names as `tar -C folder .` writes them lose their dots; hidden files and the traces of a Mac are left out."""
    _tar(root / "a.tar", {"./x/y": b"1", "x//z": b"2", "./.hidden": b"3", "x/._y": b"4", "__MACOSX/x/._y": b"5"})
    assert _contents(root, cache) == {"a.tar/x/y": b"1", "a.tar/x/z": b"2"}


@every_archive
def test_names_that_lead_out(root: Path, cache: Path, tmp_path: Path, name: str, pack: Any) -> None:
    """Nothing is written under the name of a member: absolute names stay below the archive, `..` is left out."""
    outside = tmp_path / "outside"
    pack(root / name, {"../up": b"1", f"{outside}/abs": b"2", "a/../../../up": b"3", "good": b"4"})
    before = set(tmp_path.rglob("*"))
    assert _contents(root, cache) == {f"{name}/good": b"4", f"{name}/{str(outside)[1:]}/abs": b"2"}
    new = set(tmp_path.rglob("*")) - before
    assert all(path.is_relative_to(cache) for path in new)
    assert {path.name for path in new if path.is_file()} == {"000000", "000001", "000002", "000003", "listing.json"}


def test_names_that_are_not_utf8(root: Path, cache: Path) -> None:
    """Names in another encoding do no harm, in an archive or in a folder, and such files can be read."""
    with tarfile.open(root / "a.tar.gz", "w:gz", encoding="latin-1", format=tarfile.GNU_FORMAT) as archive:
        info = tarfile.TarInfo("d\xe9j\xe0/vu")
        info.size = 2
        archive.addfile(info, io.BytesIO(b"ok"))
    Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9")).write_bytes(b"noir")
    for _ in range(2):
        contents = _contents(root, cache)
        assert contents == {"a.tar.gz/d\udce9j\udce0/vu": b"ok", "caf\udce9": b"noir"}


def test_zip_with_a_name_that_is_no_utf8(root: Path, cache: Path) -> None:
    """A zip archive that promises UTF-8 and does not hold it is refused."""
    data = _zip(root / "a.zip", {"ñame": b"x"}).read_bytes()
    (root / "a.zip").write_bytes(data.replace("ñame".encode(), b"\xff\xfeame"))
    with pytest.raises(DataError, match=r"a\.zip: damaged archive"):
        list_tree(root, cache)


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, name: str, small: bool
) -> None:
    """Of two members with one name the later one counts, as it does when the archive is unpacked."""
    if not small:
        monkeypatch.setattr(tree, "_SMALL", -1)
    versions = [b"old, and longer", b"new"]
    if name.endswith(".zip"):
        with zipfile.ZipFile(root / name, "w") as zipped:
            for data in versions:
                zipped.writestr("f", data)
    else:
        with tarfile.open(root / name, "w:gz") as tarred:
            for data in versions:
                info = tarfile.TarInfo("f")
                info.size = len(data)
                tarred.addfile(info, io.BytesIO(data))
    (file,) = list_tree(root, cache).values()
    assert (_read(file), file.size) == (b"new", 3)


def test_links_and_folders_in_archives(root: Path, cache: Path) -> None:
    """Only regular members are files: links could lead anywhere."""
    with tarfile.open(root / "a.tar", "w") as archive:
        for name, kind in (("link", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("dir", tarfile.DIRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    with zipfile.ZipFile(root / "b.zip", "w") as archive_:
        archive_.writestr("folder/", b"")
    assert list_tree(root, cache) == {}


def _listed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The archives that are listed from now on."""
    listed: list[Path] = []
    walk = archives.walk

    def watched(archive: Path, small: int) -> Any:
        listed.append(archive)
        return walk(archive, small)

    monkeypatch.setattr(tree, "walk", watched)
    return listed


@every_archive
def test_the_listing_is_kept(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, name: str, pack: Any) -> None:
    """An archive is listed once, and again when it has changed."""
    listed = _listed(monkeypatch)
    pack(root / name, _FILES)
    first = list_tree(root, cache)
    assert list_tree(root, cache) == first
    assert len(listed) == 1
    pack(root / name, {**_FILES, "new": b"member"})
    second = list_tree(root, cache)
    assert len(listed) == 2
    assert _read(second[f"{name}/new"]) == b"member"
    common = set(first) & set(second)
    assert all(first[key].stamp != second[key].stamp for key in common)


@pytest.mark.parametrize("data", [b"", b"{", b"[[1]]", b"null", b'[["a"]]', b"\xff", None])
def test_a_damaged_listing(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, data: bytes | None) -> None:
    """A listing that cannot be read, or is gone, is made again."""
    _tar(root / "a.tar.gz", _FILES)
    whole = _contents(root, cache)
    (listing,) = cache.rglob("listing.json")
    if data is None:
        listing.unlink()
    else:
        listing.write_bytes(data)
    listed = _listed(monkeypatch)
    assert _contents(root, cache) == whole
    assert len(listed) == 1


def test_copies_that_are_gone_or_cut(root: Path, cache: Path) -> None:
    """Without its copy, or with one of another size, a member is read from the archive."""
    _tar(root / "a.tar.gz", _FILES)
    whole = _contents(root, cache)
    copies = sorted(path for path in cache.rglob("0*") if path.is_file())
    assert len(copies) == len(_FILES)
    copies[0].unlink()
    copies[1].write_bytes(b"cut")
    assert _contents(root, cache) == whole


def test_archive_that_changes_after_the_listing(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member that is no longer where the listing saw it is refused, and never replaced by another one."""
    monkeypatch.setattr(tree, "_SMALL", -1)
    for name, pack in (("a.tar.gz", _tar), ("b.zip", _zip)):
        pack(root / name, {"one": b"1", "two": b"2"})
        file = list_tree(root, cache)[f"{name}/two"]
        pack(root / name, {"one": b"1", "other": b"2"})
        with pytest.raises(DataError, match="no member 'two' any more"):
            file.open()
        (root / name).write_bytes(b"nothing of the kind")
        with pytest.raises(DataError, match="damaged archive"):
            file.open()
        (root / name).unlink()
        with pytest.raises(DataError):
            list(read_lines(file))


def _outcome(root: Path, cache: Path, whole: Mapping[str, bytes]) -> str:
    """`whole`, or `refused`; anything else is an error."""
    try:
        contents = _contents(root, cache)
    except DataError as error:
        assert error.message.startswith(str(root))
        return "refused"
    assert contents == whole
    return "whole"


@every_archive
def test_truncated_archives(root: Path, cache: Path, name: str, pack: Any) -> None:
    """An archive that stops anywhere is refused, or it is whole but for padding; it is never a smaller one."""
    path = pack(root / name, _FILES)
    data = path.read_bytes()
    whole = _contents(root, cache)
    step = 10 if len(data) < 3_000 else 100
    outcomes = {}
    for length in range(0, len(data), step):
        path.write_bytes(data[:length])
        outcomes[length] = _outcome(root, cache / str(length), whole)
    assert outcomes[0] == "refused"
    kept = [length for length, outcome in outcomes.items() if outcome == "whole"]
    if name != "a.tar":  # which ends in thousands of zeros
        assert not kept
    else:
        assert all(not any(data[length:]) for length in kept)


@every_archive
def test_bit_flips_in_archives(root: Path, cache: Path, name: str, pack: Any) -> None:
    """A flipped bit is noticed wherever a checksum stands behind it: in every archive but the data of a plain tar."""
    path = pack(root / name, _FILES)
    data = path.read_bytes()
    whole = _contents(root, cache)
    rng = random.Random(0)
    for number in range(400):  # each with a cache of its own: files written in one tick of the clock look alike
        damaged = bytearray(data)
        damaged[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        try:
            found = _contents(root, cache / str(number))
        except DataError as error:
            assert error.message.startswith(str(root))
            continue
        if name == "a.tar":
            assert set(found) == set(whole)  # headers have a checksum
        elif name == "a.zip":  # names stand in it without one; both of their copies must agree
            assert found == whole or sorted(found.values()) == sorted(whole.values())
        else:
            assert found == whole


def test_a_broken_header_in_the_middle(root: Path, cache: Path) -> None:
    """A header that cannot be read does not end a tar archive early, which is what tarfile would make of it."""
    data = bytearray(_tar(root / "a.tar", {"one": b"1", "two": b"2"}, "w").read_bytes())
    data[1024:1030] = b"\xff" * 6
    (root / "a.tar").write_bytes(data)
    with tarfile.open(root / "a.tar") as lenient:
        assert lenient.getnames() == ["one"]
    with pytest.raises(DataError, match=r"a\.tar: damaged archive"):
        list_tree(root, cache)


@every_archive
def test_no_archive_at_all(root: Path, cache: Path, name: str, pack: Any) -> None:
    """Whatever has the name of an archive and is none is refused as such, and nothing of it is kept."""
    for number, data in enumerate((b"", b"<html>404</html>", b"\x1f\x8b", b"BZh9", b"PK\x03\x04", os.urandom(2_000))):
        (root / name).write_bytes(data)
        with pytest.raises(DataError) as caught:
            list_tree(root, cache / str(number))
        assert caught.value.message.startswith(f"{root / name}: damaged archive")
        assert caught.value.hint == "Fetch the file again."
    assert not list(cache.rglob("listing.json"))


def test_a_file_that_is_no_archive(root: Path, cache: Path) -> None:
    """A root must be a folder or an archive; one that is not there has no files."""
    (root / "corpus.jsonl").touch()
    with pytest.raises(DataError, match=r"corpus\.jsonl: neither a folder nor an archive"):
        list_tree(root / "corpus.jsonl", cache)
    assert list_tree(root / "gone", cache) == {}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=600), name=st.sampled_from(sorted(_PACKERS)))
def test_no_bytes_crash_the_listing(tmp_path: Path, data: bytes, name: str) -> None:
    """Whatever stands in an archive, it is listed or refused with a DataError."""
    (tmp_path / "r").mkdir(exist_ok=True)
    for path in (tmp_path / "r").iterdir():
        path.unlink()
    (tmp_path / "r" / name).write_bytes(data)
    try:
        list_tree(tmp_path / "r", tmp_path / "c")
    except DataError as error:
        assert name in error.message


#: An archive with one stored member `secret.txt`, whose headers say that it is encrypted.
def _encrypted(path: Path) -> Path:
    data = bytearray(_zip(path, {"secret.txt": b"x" * 40}, zipfile.ZIP_STORED).read_bytes())
    data[6] |= 1  # general purpose flags of the local header
    data[data.index(b"PK\x01\x02") + 8] |= 1  # and of the central directory
    path.write_bytes(data)
    return path


def test_zip_with_a_password(root: Path, cache: Path) -> None:
    """A zip archive with a password is refused, with the reason."""
    _encrypted(root / "a.zip")
    with pytest.raises(DataError, match=r"a\.zip: damaged archive \(File .*secret.txt.* is encrypted, password"):
        list_tree(root, cache)


def test_zip_with_an_unknown_compression(root: Path, cache: Path) -> None:
    """A compression that Python does not know is named."""
    data = bytearray(_zip(root / "a.zip", {"f": b"x" * 40}).read_bytes())
    data[8] = data[data.index(b"PK\x01\x02") + 10] = 97
    (root / "a.zip").write_bytes(data)
    with pytest.raises(DataError, match="compression method is not supported"):
        list_tree(root, cache)


def test_large_members_are_not_copied(root: Path, cache: Path) -> None:
    """A member over 8 MiB is read in place and checked on the way; the cache holds no copy of it."""
    large = (os.urandom(1 << 19).hex() + "\n").encode() * 9
    for name, pack in (("a.tar.gz", _tar), ("b.zip", _zip)):
        pack(root / name, {"big": large, "small": b"s"})
    found = list_tree(root, cache)
    assert all((file.copy is None) == file.name.endswith("big") for file in found.values())
    assert _read(found["a.tar.gz/big"]) == _read(found["b.zip/big"]) == large
    assert sum(len(data) for data in _written(cache).values()) < 10_000
    damaged = bytearray((root / "b.zip").read_bytes())
    damaged[5_000_000] ^= 1
    (root / "b.zip").write_bytes(damaged)
    with pytest.raises(DataError, match=r"b\.zip!big: damaged after line|not UTF-8"):
        list(read_lines(list_tree(root, cache)["b.zip/big"]))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files as Linux lists them")
def test_streams_close_their_archives(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member that is closed half-way lets go of its archive."""
    monkeypatch.setattr(tree, "_SMALL", -1)
    for name, pack in (("a.tar.gz", _tar), ("b.zip", _zip)):
        pack(root / name, _FILES)
    before = len(os.listdir("/proc/self/fd"))
    streams: list[IO[bytes]] = [file.open() for file in list_tree(root, cache).values()]
    for stream in streams:
        stream.read(1)
        stream.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_stamps(tmp_path: Path) -> None:
    """A stamp changes with the size, the time and the place of a file, and not otherwise."""
    path = tmp_path / "f"
    path.write_bytes(b"one")
    first = plain_file(path, "f").stamp
    assert plain_file(path, "another name").stamp == first
    os.utime(path, ns=(1, 1))
    second = plain_file(path, "f").stamp
    path.write_bytes(b"four")
    os.utime(path, ns=(1, 1))
    third = plain_file(path, "f").stamp
    assert len({first, second, third}) == 3
    (tmp_path / "link").symlink_to(path)
    assert plain_file(tmp_path / "link", "f").stamp == third


def test_a_cache_that_cannot_be_written(root: Path, tmp_path: Path) -> None:
    """A cache that is no folder is an error of the cache and not called damage of the archive."""
    _tar(root / "a.tar.gz", _FILES)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError):
        list_tree(root, tmp_path / "file")


def test_listings_are_json(root: Path, cache: Path) -> None:
    """The listing is a JSON list of names and sizes, in the order of the archive."""
    _tar(root / "a.tar.gz", _FILES)
    list_tree(root, cache)
    (listing,) = cache.rglob("listing.json")
    assert json.loads(listing.read_text("utf-8")) == [[name, len(data)] for name, data in _FILES.items()]
