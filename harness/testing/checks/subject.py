"""What is checked: a declaration, its options, and the loaded object of whatever kind it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.encoders.protocols import Encoder, EncoderInfo, FloatArray, Reranker, Role, Searcher
from harness.errors import HarnessError
from harness.plugins.loading import instantiate, validate_options
from harness.plugins.manager import RegisteredEncoder, Registry, default_registry
from harness.plugins.spec import EncoderOptions, Kind
from harness.testing.checks.compare import scattered
from harness.testing.checks.texts import PLAIN

#: Largest difference between two answers about one text that counts as the same, by dtype: sums in another order.
_TOLERANCE = {"float32": 1e-4, "bfloat16": 3e-2, "float16": 5e-3}

_PROTOCOLS: Mapping[Kind, Any] = {"encoder": Encoder, "searcher": Searcher, "reranker": Reranker}

ROLES: tuple[Role, ...] = ("query", "passage")


@dataclass(frozen=True)
class Loaded:
    """What one load gave: its declaration, and its answers about `PLAIN`."""

    info: EncoderInfo
    answers: list[FloatArray]


class Subject:
    """The encoder, searcher or reranker under test.

    `name` is a name as `harness encoders` lists it, `options` are those of its declaration. Raises UsageError where
    there is none of that name; wrong options and factories that raise are found by the checks.
    """

    def __init__(self, name: str, options: Mapping[str, Any] | None = None, registry: Registry | None = None) -> None:
        self.name = name
        self.options = dict(options or {})
        self.registry = registry or default_registry()
        self.entry: RegisteredEncoder = self.registry.encoder(name)
        self._model: Any = None
        self._refused: BaseException | None = None

    @property
    def kind(self) -> Kind:
        """What the declaration says it is."""
        return self.entry.spec.kind

    @property
    def model(self) -> Any:
        """The object, loaded once. Raises what `load` raised the first time."""
        if self.refused is not None:
            raise self.refused
        return self._model

    @property
    def refused(self) -> BaseException | None:
        """What loading raised; None where it worked."""
        if self._model is None and self._refused is None:
            try:
                self._model = self.load()
            except (Exception, SystemExit) as error:
                self._refused = error
        return self._refused

    @cached_property
    def checked_options(self) -> EncoderOptions:
        """The options as they are in force, defaults included. Raises UsageError where they are refused."""
        return validate_options(self.entry, self.options)

    @cached_property
    def second(self) -> Loaded:
        """What a second load says and answers; the object itself is let go."""
        model = self.load()
        return Loaded(model.info, self.ask(model, PLAIN))

    def load(self, **changed: Any) -> Any:
        """The object, loaded anew, with `changed` options where there are any.

        Raises UsageError for options it does not take, and AssertionError where it is none of its declared kind.
        """
        options = validate_options(self.entry, {**self.options, **changed})
        model = instantiate(self.entry, options)
        protocol = _PROTOCOLS[self.kind]
        assert isinstance(model, protocol), (
            f"{self.name} is declared as {self.kind}, and {type(model).__name__} does not satisfy "
            f"harness.encoders.{protocol.__name__}"
        )
        return model

    def encode(self, texts: Sequence[str], role: Role = "passage", language: str | None = None) -> FloatArray:
        """Vectors of `texts` as the encoder returns them."""
        vectors: FloatArray = self.model.encode(list(texts), role=role, language=language)
        return vectors

    def ask(self, model: Any, texts: Sequence[str]) -> list[FloatArray]:
        """Everything that `model` can say of `texts`, as arrays that can be compared.

        An encoder's vectors in each role, (n, dim) twice. A searcher's scores (n, n) of all texts as passages for all
        texts as queries, −inf where it returned none. A reranker's scores (2n,) of each text with itself and with the
        next one.
        """
        texts = list(texts)
        if self.kind == "encoder":
            return [model.encode(list(texts), role=role, language=None) for role in ROLES]
        if self.kind == "searcher":
            model.index(list(texts), language=None)
            return [scattered(model.search(list(texts), len(texts), language=None), len(texts))]
        pairs = [(text, text) for text in texts] + list(zip(texts, [*texts[1:], *texts[:1]], strict=True))
        return [model.score(pairs)]

    @property
    def tolerance(self) -> float:
        """Largest difference that still counts as equal."""
        return _TOLERANCE.get(self.model.info.dtype, 1e-4)


def one_line(error: BaseException) -> str:
    """What an exception says, with its class unless it is an assertion or one of the harness's own."""
    if isinstance(error, HarnessError):
        said = (error.message.rstrip("."), *filter(None, [error.hint]))
        return " ".join(". ".join(said).split())
    text = " ".join(str(error).split()) or "no message"
    return text if isinstance(error, AssertionError) else f"{type(error).__name__}: {text}"
