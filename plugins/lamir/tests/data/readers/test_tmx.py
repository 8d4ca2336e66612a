"""Translation memories."""

from __future__ import annotations

import gzip
import time
import tracemalloc
from collections.abc import Callable
from itertools import islice, pairwise
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest
from harness_lamir.data.readers import reader_for
from harness_lamir.data.rows import Row, Translation
from harness_lamir.recipe import Source
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import DataError

Write = Callable[[str, str | bytes], Path]
Read = Callable[..., list[tuple[int, Row]]]

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<tmx version="1.4">\n<header srclang="*all*"/>\n<body>\n'
_TAIL = "</body>\n</tmx>\n"


def unit(*variants: tuple[str, str], attribute: str = "xml:lang") -> str:
    """A translation unit of (language, XML of the segment), on a line."""
    inner = "".join(f'<tuv {attribute}="{tag}"><seg>{text}</seg></tuv>' for tag, text in variants)
    return f"<tu>{inner}</tu>\n"


def test_variants(write: Write, read: Read) -> None:
    """Regions do not matter, nor does the order; each variant that is not English is a row in its own language."""
    body = (
        unit(("en-GB", "water"), ("sw-KE", "maji"))
        + unit(("zh-CN", "石"), ("EN_us", "stone"), ("yo", "okuta"))
        + unit(("fr", "eau"), ("sw", "maji"))
        + unit(("en", "empty"), ("sw", " "))
    )
    for path in (write("mixed.tmx", _HEAD + body + _TAIL), write("mixed.tmx.gz", _HEAD + body + _TAIL)):
        assert read(path, "parallel") == [
            (5, Translation("water", "maji", "sw")),
            (6, Translation("stone", "石", "zh")),
            (6, Translation("stone", "okuta", "yo")),
        ]
        assert read(path, "parallel", language="sw") == [(5, Translation("water", "maji", "sw"))]
        assert read(path, "parallel", language="zh-CN") == [(6, Translation("stone", "石", "zh-CN"))]


def test_segments(write: Write, read: Read) -> None:
    """Formatting codes go, the text between them stays; white space is folded, references are resolved."""
    english = 'a <bpt i="1">&lt;b&gt;</bpt>bold<ept i="1">&lt;/b&gt;</ept> <hi>and <ph>{<sub>x</sub>}</ph>more</hi>'
    english += "\n  &amp; &#x2192;"
    path = write("en-sw.tmx", _HEAD + unit(("en", english), ("sw", "<![CDATA[a < b]]>")) + _TAIL)
    assert read(path, "parallel") == [(5, Translation("a bold and more & →", "a < b", "sw"))]


def test_other_encodings_and_old_files(write: Write, read: Read) -> None:
    """The declaration says the encoding; a document type may be named; TMX 1.1 wrote `lang`."""
    text = '<?xml version="1.0" encoding="{}"?>\n<!DOCTYPE tmx SYSTEM "tmx11.dtd">\n<tmx><body>{}</body></tmx>'
    body = unit(("EN-US", "café"), ("FR-FR", "café"), attribute="lang")
    for encoding in ("UTF-16", "ISO-8859-1", "UTF-8", "windows-1252"):
        path = write("a.tmx", text.format(encoding, body).encode(encoding))
        assert read(path, "parallel") == [(3, Translation("café", "café", "fr"))]


_LAUGHS = "".join(f'<!ENTITY {each} "{f"&{before};" * 10}">' for before, each in pairwise("abcdefghijk"))
_LAUGHS = f'<!DOCTYPE tmx [<!ENTITY a "ha">{_LAUGHS}]>'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"{_LAUGHS}\n<tmx><body>{unit(('en', '&k;'), ('sw', '&k;'))}</body></tmx>", "declares the entity 'a'"),
        (
            f'<!DOCTYPE tmx [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<tmx>{unit(("en", "&x;"), ("sw", "b"))}</tmx>',
            ":1: the document type declares the entity 'x'",
        ),
        ('<!DOCTYPE tmx [<!ENTITY % x SYSTEM "http://localhost/x.dtd"> %x;]>\n<tmx/>', "declares the entity 'x'"),
        (
            f'<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<tmx>{unit(("en", "a&nbsp;b"), ("sw", "b"))}</tmx>',
            ":2: the entity &nbsp; is declared nowhere",
        ),
        (_HEAD + unit(("en", "a&nbsp;b"), ("sw", "b")) + _TAIL, r"a\.tmx:5: not well-formed XML \(undefined entity"),
        (_HEAD + unit(("en", "a"), ("sw", "b")) + "<tu></body></tmx>", r":6: not well-formed XML \(mismatched tag"),
        (_HEAD + unit(("en", "a"), ("sw", "b")), r":6: not well-formed XML \(no element found"),
        ("", r":1: not well-formed XML \(no element found"),
        ("plain text", r":1: not well-formed XML \(syntax error"),
        ("<html><body/></html>", ":1: the root is <html>, not <tmx>"),
        (_HEAD + "<tu><tuv><seg>a</seg></tuv></tu>" + _TAIL, ":5: a <tuv> without xml:lang"),
        (_HEAD.encode() + b"<tu><tuv xml:lang='en'><seg>\xff</seg>", r":5: not well-formed XML \(not well-formed"),
        (_HEAD + unit(("en", "a"), ("fr", "b")) + _TAIL, "no translation between English and sw; languages: en, fr"),
        (_HEAD + _TAIL, "no translation between English and sw; languages: none"),
        ("<tmx>\n<!--" + "x" * (20 << 20), ":2: a tag of more than 16 MiB"),
        (f"<tmx>{unit(('en', 'x' * (2 << 20)), ('sw', 'b'))}</tmx>", ":1: a segment of more than 1 Mi characters"),
    ],
)
def test_malformed(write: Write, refused: Callable[..., object], content: str | bytes, message: str) -> None:
    """Every refusal says which file, which line, what is wrong, and what to do; no entity is ever expanded."""
    start = time.monotonic()
    refused(write("a.tmx", content), "parallel", message, language="sw")
    assert time.monotonic() - start < 5


def test_a_truncated_archive(write: Write, refused: Callable[..., object]) -> None:
    """Gzip data that is cut off is refused."""
    packed = gzip.compress((_HEAD + unit(("en", "water"), ("sw", "maji")) * 5000 + _TAIL).encode())
    for length in (20, len(packed) // 2, len(packed) - 1):
        refused(write("a.tmx", packed[:length]), "parallel", r"a\.tmx: damaged after")


def test_a_memory_without_end_is_streamed(write: Write, source: Callable[..., Source]) -> None:
    """Rows come before the error behind them, in the memory of a few blocks and not of the file."""
    units = "".join(unit(("en", f"water {n} " + "x" * 1000), ("sw", f"maji {n}")) for n in range(15_000))
    path = write("a.tmx.gz", _HEAD + units)
    del units
    tracemalloc.start()
    rows = reader_for(path, "parallel", source())(path, source())
    assert sum(1 for _ in islice(rows, 15_000)) == 15_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12 << 20  # the file is 17 MB
    with pytest.raises(DataError, match=":15005: not well-formed XML"):
        next(rows)


_XML = st.characters(codec="utf-8", exclude_categories=("Cc", "Cn", "Co"), exclude_characters="\ufffe\uffff")
_SEGMENT = st.text(_XML, min_size=1).filter(str.strip)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(rows=st.lists(st.tuples(_SEGMENT, _SEGMENT), min_size=1))
def test_as_another_parser_reads_it(write: Write, read: Read, rows: list[tuple[str, str]]) -> None:
    """Any segments come back, but for white space, as the standard library's tree has them."""
    text = _HEAD + "".join(unit(("en", escape(english)), ("sw", escape(other))) for english, other in rows) + _TAIL
    found = read(write("a.tmx", text), "parallel")
    tree = [" ".join((seg.text or "").split()) for seg in ElementTree.fromstring(text.encode()).iter("seg")]
    assert [text for _, row in found for text in (row.english, row.other)] == tree  # type: ignore[union-attr]
