"""Encoders put together by name: the grammar of `--encoder "rrf(bm25, lamir)"`, and whose option is whose.

    expression = [label "="] (name | method "(" expression ("," expression)+ ")")

A name is an encoder or searcher, `distribution:name` included; a method is one of `METHODS`, and its parts may be
fusions themselves. Every part is known by its label, which is its name unless one is given: `rrf(a=lamir, b=lamir)` is
one encoder twice, with options of its own for each (`a.checkpoint=X`, `b.checkpoint=Y`).

Nothing here loads an encoder, so that what is wrong with an expression is known before anything starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from harness._util.names import did_you_mean
from harness.errors import UsageError
from harness.plugins.spec import EncoderOptions

_TOKEN = re.compile(r"\s*([(),=]|[^\s(),=]+)")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MARKS = frozenset("(),=")

#: Fusions inside of fusions: far more than anybody wants, and far less than Python's stack.
_DEEPEST = 16


# Beyond these bounds differences of ranks and scores are lost in single precision.
_Weight = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]


class FusionOptions(EncoderOptions):
    """Base of a method's options."""


class RrfOptions(FusionOptions):
    """Options of `rrf`."""

    k: int = Field(60, ge=0, le=100_000, description="added to every rank: the greater, the less the first ranks count")


class MinMaxOptions(FusionOptions):
    """Options of `minmax`."""

    weights: tuple[_Weight, ...] | None = Field(None, description="a weight for each part, in order; 1 where absent")


class MrTydiOptions(FusionOptions):
    """Options of `mrtydi`."""

    alpha: Literal["dev"] | _Weight = Field(
        1.0, description="weight of the dense part, or 'dev': the best on the dev split of each subset"
    )


@dataclass(frozen=True, slots=True)
class Method:
    """A way to fuse rankings: its options, and how many parts it takes (None: two or more)."""

    name: str
    options: type[FusionOptions]
    parts: int | None = None


METHODS: Mapping[str, Method] = {
    method.name: method
    for method in (Method("rrf", RrfOptions), Method("minmax", MinMaxOptions), Method("mrtydi", MrTydiOptions, 2))
}


#: What stands among the labels in a result's options for something else.
_RESERVED = {*METHODS, "rerank"}


@dataclass(frozen=True, slots=True)
class Part:
    """An encoder or searcher by name. `place` is its offset in the expression; `labelled` if it was given a label."""

    name: str
    label: str
    labelled: bool = False
    place: int = 0

    def __str__(self) -> str:
        return f"{self.label}={self.name}" if self.labelled else self.name


@dataclass(frozen=True, slots=True)
class Fused:
    """A method and what it fuses."""

    method: Method
    parts: tuple[Expression, ...]
    label: str
    labelled: bool = False
    place: int = 0

    def __str__(self) -> str:
        text = f"{self.method.name}({', '.join(map(str, self.parts))})"
        return f"{self.label}={text}" if self.labelled else text


Expression: TypeAlias = Part | Fused


def parse(text: str) -> Expression:
    """The expression that `text` is; a text without any of `(),=` is a plain name, whatever it is.

    Raises UsageError that shows the place for what is no expression, for an unknown method, for a number of parts that
    a method does not take, and for two parts of one label.
    """
    if not _MARKS & set(text):
        return Part(text, text)
    reader = _Reader(text)
    found = reader.expression(1)
    reader.end()
    seen: dict[str, Expression] = {}
    for node in walk(found):
        other = seen.setdefault(node.label, node)
        both_methods = isinstance(node, Fused) and isinstance(other, Fused) and not (node.labelled or other.labelled)
        if other is not node and not both_methods:
            raise _error(
                text, node.place, f"{node.label!r} stands here twice", "Label both: " + _example(node.label, other)
            )
    return found


def walk(expression: Expression) -> Iterator[Expression]:
    """`expression` and everything in it, from left to right, a fusion before its parts."""
    yield expression
    if isinstance(expression, Fused):
        for part in expression.parts:
            yield from walk(part)


def names(expression: Expression) -> list[str]:
    """The encoders and searchers of `expression`, from left to right, with repeats."""
    return [node.name for node in walk(expression) if isinstance(node, Part)]


def assign(expression: Expression, options: Mapping[str, Any], rerank: Part | None = None) -> dict[str, dict[str, Any]]:
    """`options` by label: `label.key` goes to that part, method or reranker, a bare key to a plain name alone.

    Raises UsageError for a key that names nothing here, or two methods at once, and where the reranker's label is
    taken.
    """
    labels = [node.label for node in walk(expression)] + ([rerank.label] if rerank else [])
    shared: dict[str, dict[str, Any]] = {label: {} for label in labels}
    if rerank is not None and any(node.label == rerank.label for node in walk(expression)):
        raise UsageError(
            f"{rerank.label!r} is the label of a part and of the reranker", f"Write x={rerank.name} for one of them."
        )
    for key, value in options.items():
        label, dot, bare = key.rpartition(".")
        if not dot and not is_composed(expression, rerank):
            shared[expression.label][key] = value
        elif label in shared and bare:
            _check_single(expression, label, key)
            if bare in shared[label]:
                raise UsageError(f"option {bare!r} of {label!r} is given twice: as {bare} and as {key}")
            shared[label][bare] = value
        else:
            where = " > ".join(map(str, (expression, rerank) if rerank else (expression,)))
            raise UsageError(f"option {key!r} names no part of {where}", _hint(label, bare, list(shared)))
    return shared


def is_composed(expression: Expression, rerank: Part | None) -> bool:
    """True where an option must say whose it is."""
    return isinstance(expression, Fused) or rerank is not None


def share_options(
    options: Mapping[str, Any], encoders: Sequence[str], rerank: str | None = None
) -> dict[str, dict[str, Any]]:
    """Options for each of `encoders`: names or expressions as they were written.

    `label.key` goes to every encoder that has a part of this label, a bare key to the only encoder there is, where that
    is a plain name. A plain name gets its keys bare, an expression gets them as they are.
    Raises UsageError for a key that none of them takes or that one is given twice, and for what is no expression.
    """
    trees = {text: parse(text) for text in encoders}
    last = reranker(rerank)
    shared: dict[str, dict[str, Any]] = {text: {} for text in trees}
    for key, value in options.items():
        label, dot, bare = key.rpartition(".")
        plain = len(trees) == 1 and not is_composed(trees[encoders[0]], last)
        takers = {
            text: tree
            for text, tree in trees.items()
            if (plain and not dot) or label in {node.label for node in walk(tree)} | ({last.label} if last else set())
        }
        if not takers or not bare:
            labels = [node.label for tree in trees.values() for node in walk(tree)] + ([last.label] if last else [])
            raise UsageError(
                f"option {key!r} names none of the encoders that run ({', '.join(encoders)})",
                _hint(label, bare, list(dict.fromkeys(labels))),
            )
        for text, tree in takers.items():
            _check_single(tree, label, key)
            own = key if is_composed(tree, last) else bare
            if own in shared[text]:
                raise UsageError(f"option {bare!r} of {text!r} is given twice: as {bare} and as {tree.label}.{bare}")
            shared[text][own] = value
    return shared


def reranker(text: str | None) -> Part | None:
    """The reranker that `text` names, with a label or without; None for None. Raises UsageError for an expression."""
    if text is None:
        return None
    found = parse(text)
    if isinstance(found, Fused):
        raise UsageError(f"--rerank takes the name of a reranker, not {text!r}", "Fusions are for --encoder.")
    return found


def _check_single(expression: Expression, label: str, key: str) -> None:
    """Raise UsageError where two methods of `expression` have no label but `label`."""
    same = [node for node in walk(expression) if node.label == label]
    if len(same) > 1:
        raise UsageError(
            f"option {key!r}: {label!r} stands {len(same)} times in {expression}",
            "Label both: " + _example(label, None),
        )


def _hint(label: str, bare: str, known: Sequence[str]) -> str:
    if not label:
        return f"Write {known[0]}.{bare}=… for one of several: {', '.join(known)}."
    return did_you_mean(label, known) or f"Known: {', '.join(known)}."


def _example(label: str, node: Expression | None) -> str:
    name = node.name if isinstance(node, Part) else f"{label}(…)"
    return f"a={name}, b={name}."


class _Reader:
    """Reads an expression token by token."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [(match[1], match.start(1)) for match in _TOKEN.finditer(text)]
        self._next = 0

    def expression(self, depth: int) -> Expression:
        """One expression, from the next token on."""
        name, start = self._name()
        label, place = None, start
        if self._peek() == "=":
            label = name
            if not _LABEL.fullmatch(label) or label in _RESERVED:
                raise _error(
                    self._text, start, f"{label!r} cannot be a label", "Letters, digits, '.', '_' and '-'; no method."
                )
            self._take()
            name, place = self._name()
        if self._peek() != "(":
            return Part(name, label or name, label is not None, start)
        method = METHODS.get(name)
        if method is None:
            raise _error(self._text, place, f"there is no fusion {name!r}", did_you_mean(name, METHODS))
        if depth > _DEEPEST:
            raise _error(self._text, place, f"more than {_DEEPEST} fusions inside of each other")
        opened = self._take()
        parts = [self.expression(depth + 1)]
        while self._peek() == ",":
            self._take()
            parts.append(self.expression(depth + 1))
        if self._peek() != ")":
            raise _error(self._text, self._place(), "',' or ')' is expected")
        self._take()
        if len(parts) < 2 or method.parts not in (None, len(parts)):
            wanted = "two parts or more" if method.parts is None else f"exactly {method.parts} parts"
            hint = "The sparse one first, then the dense one." if name == "mrtydi" else None
            raise _error(self._text, opened, f"{name} takes {wanted}, not {len(parts)}", hint)
        return Fused(method, tuple(parts), label or name, label is not None, start)

    def end(self) -> None:
        """Raise UsageError where something is left."""
        if self._peek() is not None:
            raise _error(self._text, self._place(), f"{self._peek()!r} is one too many")

    def _name(self) -> tuple[str, int]:
        found, place = self._peek(), self._place()
        if found is None or found in _MARKS:
            raise _error(self._text, place, "the name of an encoder or of a fusion is expected")
        self._take()
        return found, place

    def _peek(self) -> str | None:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else None

    def _place(self) -> int:
        return self._tokens[self._next][1] if self._next < len(self._tokens) else len(self._text.rstrip())

    def _take(self) -> int:
        self._next += 1
        return self._tokens[self._next - 1][1]


def _error(text: str, place: int, what: str, hint: str | None = None) -> UsageError:
    """`what` is wrong at `place`, with a caret below the expression."""
    shown = "".join(" " if character.isspace() else character for character in text)
    return UsageError(f"{what} (character {place + 1})\n    {shown}\n    {' ' * place}^", hint)
