"""The grammar of compositions: what is read, what is refused and where, and whose option is whose."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.encoders.compose import METHODS, Fused, Part, assign, names, parse, reranker, share_options, walk
from harness.errors import UsageError

_name = st.from_regex(r"([a-z][a-z-]{0,8}:)?[a-z][a-z0-9._-]{0,8}", fullmatch=True)


@st.composite
def _expressions(draw: st.DrawFn, depth: int = 3) -> str:
    """Text of an expression with odd spaces; a counter in every label keeps them apart."""
    counter = iter(range(1000))

    def one(level: int) -> str:
        label = f"l{next(counter)}"
        space = draw(st.sampled_from(["", " ", "  ", "\t"]))
        if level == 0 or draw(st.booleans()):
            return f"{label}{space}={space}{draw(_name)}"
        method = draw(st.sampled_from(["rrf", "minmax", "mrtydi"]))
        count = 2 if method == "mrtydi" else draw(st.integers(2, 3))
        return f"{label}={method}{space}({space}{f'{space},'.join(one(level - 1) for _ in range(count))})"

    return one(depth)


@given(_expressions())
def test_the_canonical_text_reads_as_the_same(text: str) -> None:
    """Spaces aside, an expression is its own canonical text, which reads as the same expression."""
    found = parse(text)
    assert str(found) == "".join(text.split()).replace(",", ", ")
    assert str(parse(str(found))) == str(found)


@given(st.text(alphabet="ab(),= \trf", max_size=12))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    """No text makes the reader fail in another way than by a UsageError."""
    try:
        found = parse(text)
    except UsageError:
        return
    assert parse(str(found)) == found or str(parse(str(found))) == str(found)


@pytest.mark.parametrize("text", ["lamir", "toy-dist:lamir", "", "Not A Name!", "a/b", "rrf"])
def test_a_plain_name_is_what_it_was(text: str) -> None:
    """Without brackets, commas and equals signs a text is a name, which the registry knows or does not."""
    assert parse(text) == Part(text, text)


def test_a_tree() -> None:
    """Methods, parts, labels and nesting, from left to right."""
    found = parse("rrf(bm25, minmax(lamir, x=toy-dist:hashing))")
    assert isinstance(found, Fused) and found.method is METHODS["rrf"]
    assert names(found) == ["bm25", "lamir", "toy-dist:hashing"]
    assert [node.label for node in walk(found)] == ["rrf", "bm25", "minmax", "lamir", "x"]
    assert str(found) == "rrf(bm25, minmax(lamir, x=toy-dist:hashing))"


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("rrf(bm25 lamir)", "',' or ')' is expected", 9),
        ("rrf(bm25, lamir", "',' or ')' is expected", 15),
        ("rrf(bm25, )", "the name of an encoder or of a fusion is expected", 10),
        ("rrf(,bm25)", "the name of an encoder or of a fusion is expected", 4),
        ("rrf()", "the name of an encoder or of a fusion is expected", 4),
        ("(a, b)", "the name of an encoder or of a fusion is expected", 0),
        ("rrf(a, b))", "')' is one too many", 9),
        ("rrf(a, b) c", "'c' is one too many", 10),
        ("rrf(a, x=)", "the name of an encoder or of a fusion is expected", 9),
        ("rrf(a=b=c, d)", "',' or ')' is expected", 7),
        ("rff(a, b)", "there is no fusion 'rff'", 0),
        ("rrf(a, x=mimax(b, c))", "there is no fusion 'mimax'", 9),
        ("rrf(a)", "rrf takes two parts or more, not 1", 3),
        ("mrtydi(a, b, c)", "mrtydi takes exactly 2 parts, not 3", 6),
        ("rrf(lamir, lamir)", "'lamir' stands here twice", 11),
        ("rrf(a=x, minmax(b, a=y))", "'a' stands here twice", 19),
        ("rrf(rrf, b)", "'rrf' stands here twice", 4),
        ("rrf(a=x, a=rrf(b, c))", "'a' stands here twice", 9),
        ("rrf(rrf=x, b)", "'rrf' cannot be a label", 4),
        ("rrf(rerank=x, b)", "'rerank' cannot be a label", 4),
        ("rrf(-=x, b)", "'-' cannot be a label", 4),
        ("rrf(" * 17 + "a,b" + ",a)" * 17, "more than 16 fusions inside of each other", 64),
    ],
)
def test_what_is_refused_is_shown(text: str, message: str, place: int) -> None:
    """An error says what is wrong, shows the expression, and points at the place."""
    with pytest.raises(UsageError) as caught:
        parse(text)
    first, shown, caret = caught.value.message.split("\n")
    assert first == f"{message} (character {place + 1})"
    assert shown.strip() == text and caret.index("^") - shown.index(text) == place


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("rff(a, b)", "Did you mean 'rrf'?"),
        ("fuse(a, b)", "Known: minmax, mrtydi, rrf."),
        ("mrtydi(a, b, c)", "The sparse one first, then the dense one."),
        ("rrf(lamir, lamir)", "Label both: a=lamir, b=lamir."),
    ],
)
def test_what_to_do_instead(text: str, hint: str) -> None:
    """Suggestions for methods, and how to write what was meant."""
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert caught.value.hint == hint


def test_options_by_label() -> None:
    """Each part, method and reranker gets its own, and a part without options none."""
    tree = parse("rrf(bm25, minmax(a=lamir, b=lamir))")
    given = {"bm25.k1": "0.9", "a.checkpoint": "X", "b.checkpoint": "Y", "rrf.k": "10", "minmax.weights": [1, 2]}
    assert assign(tree, {**given, "ce.model": "M"}, reranker("ce=cross-encoder")) == {
        "rrf": {"k": "10"},
        "bm25": {"k1": "0.9"},
        "minmax": {"weights": [1, 2]},
        "a": {"checkpoint": "X"},
        "b": {"checkpoint": "Y"},
        "ce": {"model": "M"},
    }


def test_options_of_a_plain_name() -> None:
    """Bare, or with the name; both for one key are one too many, and with a reranker it must be said whose it is."""
    assert assign(parse("a.1"), {"dim": 3, "a.1.seed": 4}) == {"a.1": {"dim": 3, "seed": 4}}
    with pytest.raises(UsageError, match="given twice"):
        assign(parse("a"), {"dim": 3, "a.dim": 4})
    with pytest.raises(UsageError, match="'dim' names no part of a > r"):
        assign(parse("a"), {"dim": 3}, reranker("r"))
    with pytest.raises(UsageError, match="label of a part and of the reranker"):
        assign(parse("rrf(a, b)"), {}, reranker("b"))


@pytest.mark.parametrize(
    ("expression", "key", "message"),
    [
        ("rrf(bm25, lamir)", "k", "Write rrf.k=… for one of several: rrf, bm25, lamir."),
        ("rrf(bm25, lamir)", "lamr.x", "Did you mean 'lamir'?"),
        ("rrf(a=lamir, b=lamir)", "lamir.x", "Known: a, b, rrf."),
        ("rrf(a, rrf(b, c))", "rrf.k", "'rrf' stands 2 times"),
        ("rrf(bm25, lamir)", "bm25.", "names no part"),
    ],
)
def test_options_of_nobody(expression: str, key: str, message: str) -> None:
    """A key that names no part, or two, is refused with the labels there are."""
    with pytest.raises(UsageError) as caught:
        assign(parse(expression), {key: 1})
    assert message in str(caught.value)


def test_options_shared_by_several() -> None:
    """An option goes to every encoder that has a part of the label: bare to a plain name, as it is to an expression."""
    options = {"lamir.checkpoint": "X", "rrf.k": 3, "r.model": "M"}
    fused = "rrf(bm25, lamir)"
    assert share_options(
        {k: v for k, v in options.items() if k != "r.model"}, ["lamir", fused, "minmax(a=lamir, b)"]
    ) == {
        "lamir": {"checkpoint": "X"},
        fused: {"lamir.checkpoint": "X", "rrf.k": 3},
        "minmax(a=lamir, b)": {},
    }
    assert share_options(options, ["lamir", fused], "r") == {
        "lamir": {"lamir.checkpoint": "X", "r.model": "M"},
        fused: options,
    }


@pytest.mark.parametrize(
    ("options", "encoders", "rerank"),
    [
        ({"k": 1}, ["rrf(a, b)"], None),
        ({"k": 1}, ["a"], "r"),
        ({"b.k": 1}, ["rrf(a, c=b)"], None),
        ({"r.k": 1}, ["a"], None),
        ({"a.": 1}, ["a"], None),
    ],
)
def test_options_for_none_of_several(options: dict[str, Any], encoders: list[str], rerank: str | None) -> None:
    """What no encoder takes is a typing mistake."""
    with pytest.raises(UsageError, match="none of the encoders"):
        share_options(options, encoders, rerank)


@pytest.mark.parametrize("options", [{"k1": 1, "bm25.k1": 2}, {"bm25.k1": 2, "k1": 1}])
def test_an_option_written_in_two_ways(options: dict[str, Any]) -> None:
    """Neither of two values for one option wins in silence."""
    with pytest.raises(UsageError, match=r"'k1' of 'bm25' is given twice: as k1 and as bm25\.k1"):
        share_options(options, ["bm25"])


def test_a_reranker_is_a_name() -> None:
    """A name, labelled or not, and no fusion."""
    assert reranker(None) is None
    assert str(reranker("x=toy-dist:ce")) == "x=toy-dist:ce"
    with pytest.raises(UsageError, match="name of a reranker"):
        reranker("rrf(a, b)")


def test_reading_is_light() -> None:
    """The grammar needs neither numpy nor ranx: an expression is checked before anything heavy is imported."""
    code = (
        "import harness.encoders.compose as c, sys; c.parse('rrf(a, b)'); print({'numpy', 'ranx'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
