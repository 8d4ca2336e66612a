"""What the miniatures of official files share: texts that are hard to keep, writers, and checks of what was read."""

from __future__ import annotations

import gzip
import json
import random
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import DataError
from harness.sources.collection import Collection
from harness.sources.official.source import OfficialSource
from harness.tasks import task
from harness.tasks.selection import Selected


class Texts(NamedTuple):
    """One subset: passages as (id, title, text), queries and judgements."""

    passages: tuple[tuple[str, str, str], ...]
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]


#: By language. Every kind of text that a careless reader changes: right-to-left and combining characters, letters with
#: marks composed and decomposed, zero-width characters, quotes, tabs and line ends inside a text, spaces at its ends.
TEXTS: dict[str, Texts] = {
    "ar": Texts(
        (
            ("7#0", "ماء", "الماء مادّةٌ شفافة عديمة اللون."),
            ("7#1", "ماء", ' "يغلي" عند ١٠٠°م.\tثم يتبخر. '),
            ("1011#0", "", "القاهرة هي عاصمة مصر.\n\nتقع على ضفاف نهر النيل."),
        ),
        {"0": "ما هي عاصمة مصر؟", "12": "متى يغلي الماء\u200f؟ "},
        {"0": {"1011#0": 1, "7#0": 0}, "12": {"7#1": 1}},
    ),
    "te": Texts(
        (
            ("5#0", "గోదావరి", "గోదావరి నది భారతదేశంలో రెండవ పొడవైన నది."),
            ("5#1", "గోదావరి", "ఇది త్ర్యంబకేశ్వర్ వద్ద పుట్టి,\n\nబంగాళాఖాతంలో కలుస్తుంది."),
            ("88#0", "హైదరాబాదు", ""),
        ),
        {"3": "తెలంగాణ రాజధాని ఏది?", "40": "గోదావరి ఎక్కడ\u200c పుట్టింది?\u200b"},
        {"3": {"88#0": 1}, "40": {"5#1": 1, "5#0": 1}},
    ),
    "yo": Texts(
        (
            ("3#0", "Ìbàdàn", "Ìbàdàn jẹ́ olú-ìlú ìpínlẹ̀ Ọ̀yọ́."),
            (
                "3#1",
                "I\u0300ba\u0300da\u0300n",
                "O\u0323\u0300po\u0323\u0300lo\u0323po\u0323\u0300 èdè: \"Yorùbá\", 'Gẹ̀ẹ́sì'.",
            ),
            ("64#2", "", "Ẹ̀gúsí jẹ́ oúnjẹ.\u2028Wọ́n fi ń se ọbẹ̀."),
        ),
        {
            "10055536#0": "Kí ni olú-ìlú Ọ̀yọ́?",
            "9#0": '"Ki\u0301" ni wo\u0323\u0301n fi n\u0301 se o\u0323be\u0323\u0300?',
        },
        {"10055536#0": {"3#0": 1, "3#1": 0}, "9#0": {"64#2": 1}},
    ),
}


def jsonl(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows as JSON lines, the last one without a line end."""
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


def table(rows: Iterable[Iterable[object]], separator: str = "\t") -> bytes:
    """Rows as separated fields, the last one without a line end."""
    return "\n".join(separator.join(map(str, row)) for row in rows).encode()


def topics(queries: Mapping[str, str]) -> bytes:
    """Queries as the topic files have them."""
    return table(queries.items())


def trec(qrels: Mapping[str, Mapping[str, int]], separator: str = "\t", iteration: str = "Q0") -> bytes:
    """Judgements as the qrels files have them."""
    rows = [(q, iteration, p, grade) for q, grades in qrels.items() for p, grade in grades.items()]
    return table(rows, separator)


def documents(passages: Iterable[tuple[str, str, str]], **more: Any) -> bytes:
    """Passages as lines with docid, title and text."""
    return jsonl({"docid": name, "title": title, "text": text, **more} for name, title, text in passages)


def put(path: Path, data: bytes) -> Path:
    """Write `data`, gzipped where the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


def pack(folder: Path, archive: Path) -> Path:
    """An archive with `folder` in it, in the format that its name says."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            for path in sorted(folder.rglob("*")):
                zipped.write(path, path.relative_to(folder.parent))
        return archive
    with tarfile.open(archive, "w:gz") as tarred:
        tarred.add(folder, folder.name)
    return archive


def load(root: Path, label: str, split: str) -> Collection:
    """The subset `task/subset` below `root`, read with a cache that is new each time."""
    name, _, subset = label.partition("/")
    declared = task(name)
    cache = root.parent / f"cache-{random.randrange(1 << 60)}"
    source = OfficialSource(root, cache)
    return source.load(Selected(declared, declared.subset(subset), split))


def passages(collection: Collection) -> tuple[tuple[str, str, str], ...]:
    """Ids, titles and texts in corpus order."""
    corpus = collection.corpus
    return tuple(zip(corpus.column("id"), corpus.column("title"), corpus.column("text"), strict=True))


def holds(collection: Collection, texts: Texts) -> None:
    """Assert that `collection` is `texts`, to the character."""
    assert passages(collection) == texts.passages
    asked = dict(zip(collection.queries.ids, collection.queries.texts, strict=True))
    assert asked == dict(texts.queries) and tuple(asked) == tuple(texts.queries)
    assert collection.qrels == texts.qrels


def damage(data: bytes, rng: random.Random) -> bytes:
    """`data` cut off, with a bit flipped, in another encoding from some place on, or with a line that does not end."""
    place = rng.randrange(len(data))
    kind = rng.randrange(4)
    if kind == 0:
        return data[:place]
    if kind == 1:
        return data[:place] + bytes([data[place] ^ (1 << rng.randrange(8))]) + data[place + 1 :]
    if kind == 2:
        return data[:place] + "\nétranger\n".encode("latin-1") + data[place:]
    return data[:place] + b"x" * 9000 + data[place:]


def survives(root: Path, label: str, split: str, file: Path, texts: Texts, rounds: int = 30) -> None:
    """Assert that however `file` is damaged, reading ends in one DataError or in what the file then says.

    A corpus never gets shorter unnoticed: it can where a file is cut at the end of a line, and then it is unofficial.
    """
    whole = file.read_bytes()
    rng = random.Random(f"{label} {file.name}")
    for _ in range(rounds):
        file.write_bytes(damage(whole, rng))
        try:
            collection = load(root, label, split)
        except DataError as error:
            assert str(root) in error.message, error.message
        else:
            assert collection.variant == "unofficial"
            read = passages(collection)
            if file.suffix == ".gz":  # which has a checksum
                assert read == texts.passages
            elif len(read) < len(texts.passages):
                assert read == texts.passages[: len(read)] and file.read_bytes() == whole[: file.stat().st_size]
    file.write_bytes(whole)


def rewrite(file: Path, line: int, data: bytes) -> None:
    """Put `data` for a line (from 1) of `file`, which may be gzipped; line 0 adds it at the end."""
    raw = file.read_bytes()
    zipped = raw[:2] == b"\x1f\x8b"
    lines = (gzip.decompress(raw) if zipped else raw).split(b"\n")
    lines[line - 1 :] = [data, *lines[line:]] if line else [lines[-1], data]
    joined = b"\n".join(lines)
    file.write_bytes(gzip.compress(joined) if zipped else joined)


def refusal(root: Path, label: str, split: str) -> str:
    """The message of the DataError that reading ends in."""
    try:
        load(root, label, split)
    except DataError as error:
        return error.message
    raise AssertionError("it was read")
