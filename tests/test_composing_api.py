"""Compositions through the public API: expressions, options, cards, results, and what a run leaves for the next."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from pydantic import Field

import harness
from harness import Rerank, Selection, Settings, metrics
from harness.api import check_options
from harness.encoders.protocols import EncoderInfo
from harness.errors import UsageError
from harness.plugins import EncoderOptions, EncoderSpec, requirements
from harness.plugins.manager import Plugin, Registry, default_registry
from harness.report import markdown, tables
from harness.results.schema import ResultFile
from harness.results.store import load
from harness.results.trec import read_run

pytest.importorskip("ranx")

ONE = Selection(tasks=("miracl/sw",))
TWO = Selection(tasks=("miracl/sw", "miracl/yo"))
FUSED = "rrf(words, hashing)"


class WordsOptions(EncoderOptions):
    """Options of `words`."""

    least: int = Field(1, description="shared words that make a hit")


class Words:
    """A searcher that counts shared words."""

    def __init__(self, options: WordsOptions) -> None:
        self.least = options.least
        self.info = EncoderInfo(name="words", dim=0, fingerprint=f"words-{options.least}", training_datasets=())

    def index(self, passages: Sequence[str], *, language: str | None = None) -> None:
        """Remember the words."""
        self._words = [set(passage.lower().split()) for passage in passages]

    def search(self, queries: Sequence[str], k: int, *, language: str | None = None) -> Any:
        """Passages with shared words."""
        positions = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        for row, query in enumerate(queries):
            shared = [len(words & set(query.lower().split())) for words in self._words]
            found = sorted((i for i, n in enumerate(shared) if n >= self.least), key=lambda i: -shared[i])[:k]
            positions[row, : len(found)] = found
            scores[row, : len(found)] = [shared[i] for i in found]
        return positions, scores


class LengthOptions(EncoderOptions):
    """Options of `length`."""

    sign: int = Field(1, description="1: the longest first, -1: the shortest")


class Length:
    """A reranker by length."""

    def __init__(self, options: LengthOptions) -> None:
        self.sign = options.sign
        self.info = EncoderInfo(
            name="length", dim=0, fingerprint=f"length{options.sign}", training_datasets=("miracl",)
        )

    def score(self, pairs: Sequence[tuple[str, str]], **languages: Any) -> Any:
        """Letters of the passage."""
        return np.array([self.sign * len(passage) for _, passage in pairs], np.float32)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The built-in encoders, the searcher `words`, the reranker `length`, and one that cannot be loaded."""
    module = ModuleType("toy_parts")
    module.Words, module.Length = Words, Length  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "toy_parts", module)
    words = EncoderSpec("words", "toy_parts:Words", "", options=WordsOptions, kind="searcher")
    length = EncoderSpec("length", "toy_parts:Length", "", options=LengthOptions, kind="reranker")
    broken = EncoderSpec("broken", "no_such_module:Nothing", "")
    plugins = (
        Plugin("toys", "toy-dist", "1.2", encoders=(words, length, broken)),
        *default_registry(third_party=False).plugins,
    )
    return Registry(plugins)


def _run(
    registry: Registry, tmp_path: Path, encoder: Any, options: Mapping[str, Any] | None = None, **more: Any
) -> Any:
    settings = more.pop("settings", Settings(tmp_path / "out"))
    return harness.evaluate(
        encoder, options=options, registry=registry, **{"select": ONE, "settings": settings, **more}
    )


def test_a_fusion_by_name(registry: Registry, tmp_path: Path) -> None:
    """An expression runs as an encoder does: one file, one row, labelled by the expression."""
    evaluation = _run(registry, tmp_path, "rrf( words,hashing )", {"hashing.dim": "64", "rrf.k": "10"})
    (outcome,), (path,) = evaluation.outcomes, evaluation.paths
    assert outcome.result.status == "ok" and outcome.result.tuned == {}
    card = load(path).encoder
    assert (card.name, card.spec, card.kind, card.dim, card.similarity) == (FUSED, FUSED, "fusion", 0, "dot")
    assert card.options == {"rrf": {"k": 10}, "words": {"least": 1}, "hashing": {"dim": 64, "min_n": 3, "max_n": 5}}
    assert card.training_datasets == ()
    assert path.name.startswith("rrf-words-hashing-")
    parts = {label: (part.kind, part.distribution, part.version) for label, part in card.parts.items()}
    assert parts == {
        "words": ("searcher", "toy-dist", "1.2"),
        "hashing": ("encoder", "lamir-harness", harness.__version__),
    }
    assert card.parts["hashing"] == harness.load_encoder("hashing", {"dim": 64}, registry=registry).card
    assert evaluation.rows()[0]["encoder"] == FUSED


def test_one_encoder_twice(registry: Registry, tmp_path: Path) -> None:
    """Labels keep two settings of one encoder apart, in options, in the card and in the row."""
    evaluation = _run(registry, tmp_path, "minmax(a=random, b=random)", {"a.seed": 1, "b.seed": 2, "a.dim": 8})
    card = evaluation.encoder
    assert card.name == "minmax(a=random, b=random)"
    assert (card.options["a"], card.options["b"]) == ({"dim": 8, "seed": 1}, {"dim": 64, "seed": 2})
    assert card.parts["a"].fingerprint != card.parts["b"].fingerprint


def test_a_qualified_name(registry: Registry, tmp_path: Path) -> None:
    """`distribution:name` is a name like any other, and its own label."""
    evaluation = _run(registry, tmp_path, "rrf(toy-dist:words, hashing)", {"toy-dist:words.least": 2})
    assert evaluation.encoder.options["toy-dist:words"] == {"least": 2}
    assert (evaluation.encoder.name, evaluation.encoder.spec) == (FUSED, "rrf(toy-dist:words, hashing)")


def test_a_fusion_after_a_plain_run_encodes_nothing(registry: Registry, tmp_path: Path) -> None:
    """Parts keep their vectors where a plain run keeps them, and find those of a plain run."""
    _run(registry, tmp_path, "hashing")
    plan = harness.plan(FUSED, registry=registry, select=ONE, settings=Settings(tmp_path / "out"))
    assert plan.to_encode == 0
    assert harness.evaluate(plan).outcomes[0].result.timings.encoded_texts == 0
    both = harness.plan("rrf(hashing, random)", registry=registry, select=TWO, settings=Settings(tmp_path / "out"))
    assert [job.to_encode for job in both.jobs] == [80, 160]
    assert [o.result.timings.encoded_texts for o in harness.evaluate(both).outcomes] == [80, 160]
    assert (
        _run(registry, tmp_path, "random", settings=Settings(tmp_path / "other"))
        .outcomes[0]
        .result.timings.encoded_texts
        == 0
    )
    only = harness.plan("rrf(words, x=words)", registry=registry, select=ONE, settings=Settings(tmp_path / "out"))
    assert only.store is None and only.to_encode == 0


def test_running_again_and_changing_a_part(registry: Registry, tmp_path: Path) -> None:
    """The same composition finds its results; another option of any part, or of the method, is another file."""
    options: list[dict[str, Any]] = [{}, {"words.least": 2}, {"hashing.dim": 32}, {"rrf.k": 1}]
    paths = [_run(registry, tmp_path, FUSED, given).paths[0] for given in options]
    assert len(set(paths)) == 4
    before = [path.read_bytes() for path in paths]
    for given in options:
        assert [o.reused for o in _run(registry, tmp_path, FUSED, given).outcomes] == [True]
    assert [path.read_bytes() for path in paths] == before
    identities = {load(path).subsets["sw"].identity for path in paths}
    assert len(identities) == 4


def test_a_reranker(registry: Registry, tmp_path: Path) -> None:
    """`rerank` works over a plain encoder and a fusion; the row names both and the depth, the card holds both."""
    plain = _run(registry, tmp_path, "hashing", {"length.sign": -1}, rerank="length")
    card = load(plain.paths[0]).encoder
    assert (card.name, card.spec, card.kind) == ("hashing > length", "hashing > length", "reranked")
    assert card.options == {
        "rerank": {"depth": 100}, "hashing": {"dim": 1024, "min_n": 3, "max_n": 5}, "length": {"sign": -1},
    }  # fmt: skip
    assert card.training_datasets == ("miracl",) and list(card.parts) == ["hashing", "length"]
    fused = _run(registry, tmp_path, FUSED, rerank=Rerank("length", depth=5)).encoder
    assert fused.name == f"{FUSED} > length@5" and fused.options["rerank"] == {"depth": 5}
    assert list(fused.parts) == ["rrf", "length"] and list(fused.parts["rrf"].parts) == ["words", "hashing"]
    assert set(fused.options) == {"rerank", "rrf", "words", "hashing", "length"}
    assert len(list((tmp_path / "out").rglob("*.json"))) == 2


def test_the_reranked_order_is_scored(registry: Registry, tmp_path: Path) -> None:
    """Rescored to the last passage, the reranker alone decides: forty passages by length, ids descending in ties."""
    evaluation = _run(registry, tmp_path, "hashing", rerank="length")
    job = evaluation.outcomes[0].job
    texts = dict(zip(job.collection.corpus.column("id"), job.texts("passage"), strict=True))
    order = sorted(texts, key=lambda p: (len(texts[p]), p), reverse=True)
    ranks = [order.index(next(iter(job.collection.qrels[q]))) for q in job.collection.queries.ids]
    assert evaluation.outcomes[0].result.metrics["mrr@100"] == pytest.approx(np.mean([1 / (1 + r) for r in ranks]))


def test_objects_are_reranked_too(registry: Registry, tmp_path: Path, toy_encoder: Callable[..., Any]) -> None:
    """An encoder object with a reranker by name or as an object; options are then the reranker's."""
    by_name = _run(registry, tmp_path, toy_encoder(), {"sign": -1}, rerank="length").encoder
    qualified = _run(registry, tmp_path, toy_encoder(), {"length.sign": -1}, rerank="length").encoder
    by_object = _run(registry, tmp_path, toy_encoder(), rerank=Rerank(Length(LengthOptions(sign=-1)), 100)).encoder
    assert by_name == qualified and by_name.fingerprint == by_object.fingerprint
    assert by_object.name == "toy > length" and by_object.parts["length"].distribution == "(object)"
    loaded = harness.load_encoder(FUSED, registry=registry)
    assert _run(registry, tmp_path, loaded, rerank="length").encoder.name == f"{FUSED} > length"
    with pytest.raises(UsageError, match="object is no Reranker"):
        _run(registry, tmp_path, toy_encoder(), rerank=object())


@pytest.mark.parametrize(
    ("encoder", "options", "rerank", "message"),
    [
        ("rrf(words, hashin)", {}, None, "Did you mean 'hashing'?"),
        ("rrf(words, length)", {}, None, "--encoder NAME --rerank length"),
        ("rrf(words, length)", {"length.sgn": 1}, None, "--encoder NAME --rerank length"),
        ("rrf(words, broken)", {"words.leest": 1}, None, "Did you mean 'least'?"),
        ("rrf(words, broken)", {"rrf.k": -1}, None, "fusion 'rrf': option k"),
        ("minmax(words, broken)", {"minmax.weights": [1, 2, 3]}, None, "3 weights for 2 parts"),
        ("minmax(words, broken)", {"minmax.weights": []}, None, "0 weights for 2 parts"),
        ("minmax(words, broken)", {"minmax.weights": [0, 0]}, None, "all weights are 0"),
        ("rrf", {}, None, "'rrf' is a method, which fuses others"),
        ("minmax(words, broken)", {"minmax.weights": [1, -2]}, None, "fusion 'minmax': option weights"),
        ("rrf(words, broken)", {"rrf.k": 10**6}, None, "fusion 'rrf': option k"),
        ("mrtydi(words, broken)", {"mrtydi.alpha": 1e30}, None, "fusion 'mrtydi': option alpha"),
        ("mrtydi(words, broken)", {"mrtydi.alpha": "test"}, None, "Input should be 'dev', got 'test'"),
        ("mrtydi(words, broken)", {"mrtydi.alpha": "nan"}, None, "fusion 'mrtydi': option alpha"),
        ("mrtydi(words, broken)", {"mrtydi.alpha": "dev"}, None, "scored on its dev split"),
        ("rrf(words, broken)", {"k": 1}, None, "names no part"),
        ("broken", {}, "words", "'words' is of kind searcher and no reranker"),
        ("broken", {}, "lenght", "Did you mean 'length'?"),
        ("broken", {}, "rrf(length, x)", "name of a reranker"),
        ("broken", {"length.sgn": 1}, "length", "Did you mean 'sign'?"),
    ],
)
def test_mistakes_cost_no_loading(
    encoder: str, options: dict[str, Any], rerank: str | None, message: str, registry: Registry, tmp_path: Path
) -> None:
    """All of it is refused before a factory is called: that of `broken` does not even exist."""
    with pytest.raises(UsageError) as caught:
        harness.plan(encoder, options=options, rerank=rerank, registry=registry, select=ONE)
    assert message in str(caught.value) and "could not be loaded" not in str(caught.value)


@pytest.mark.parametrize("depth", [0, 101, -1])
def test_depths_there_are_none_of(depth: int) -> None:
    """A hundred passages are retrieved, and at least one is reranked."""
    with pytest.raises(UsageError, match=f"a depth of {depth}"):
        Rerank("length", depth)


def test_without_ranx(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fusion asks for what adds up before anything is loaded; a reranking needs none."""
    monkeypatch.setattr(requirements, "satisfied", lambda requirement: False)
    with pytest.raises(UsageError, match=r"ranx>=0\.3\.20") as caught:
        check_options("rrf(words, broken)", {}, registry=registry)
    assert caught.value.hint == 'Get it: pip install "ranx>=0.3.20"'
    check_options("hashing", {}, rerank="length", registry=registry)


def test_alpha_from_dev(registry: Registry, tmp_path: Path, write_subset: Callable[..., Path]) -> None:
    """The weight is chosen and recorded, and the dev data decides the identity; without a dev split it is refused."""
    corpus = {
        f"p{i}": f"{a} {b}"
        for i, (a, b) in enumerate([("red", "fox"), ("blue", "fox"), ("red", "sea"), ("old", "hen")])
    }
    queries = {"q1": "red fox", "q2": "foxes", "q3": "seas", "q4": "hen"}
    folder = tmp_path / "toy" / "en"
    write_subset(folder, corpus, queries, {"q1": {"p0": 1}, "q4": {"p3": 1}})
    arguments: dict[str, Any] = {
        "options": {"mrtydi.alpha": "dev"},
        "registry": registry,
        "source": str(tmp_path / "toy"),
    }
    expression, settings = "mrtydi(words, hashing)", Settings(tmp_path / "out")
    with pytest.raises(UsageError, match="toy/en has no dev split"):
        harness.plan(expression, settings=settings, **arguments)
    write_subset(folder, corpus, queries, {"q2": {"p1": 1}, "q3": {"p2": 1}}, split="dev")
    plan = harness.plan(expression, settings=settings, **arguments)
    assert plan.to_encode == 4 + 4  # passages once, two questions of each split
    first = harness.evaluate(plan)
    result = load(first.paths[0]).subsets["en"]
    assert result.split == "test" and set(result.tuned) == {"mrtydi.alpha"} and 0 <= result.tuned["mrtydi.alpha"] <= 2
    assert load(first.paths[0]).encoder.options["mrtydi"] == {"alpha": "dev"}
    assert harness.evaluate(expression, settings=settings, **arguments).outcomes[0].reused
    write_subset(folder, corpus, queries, {"q2": {"p0": 1}, "q3": {"p2": 1}}, split="dev")
    again = harness.evaluate(expression, settings=settings, **arguments).outcomes[0]
    assert not again.reused and again.result.identity != result.identity
    with pytest.raises(UsageError, match="scored on its dev split"):
        harness.plan(expression, settings=settings, select=Selection(split="dev"), **arguments)


def test_a_part_that_fails(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The subset fails in the name of the part, the others go on, and the next run does it and it alone."""
    genuine = Words.search

    def no_yoruba(self: Words, queries: Sequence[str], k: int, *, language: str | None = None) -> Any:
        if language == "yo":
            raise RuntimeError("no Yoruba")
        return genuine(self, queries, k, language=language)

    monkeypatch.setattr(Words, "search", no_yoruba)
    first = _run(registry, tmp_path, FUSED, select=TWO)
    assert [o.result.status for o in first.outcomes] == ["ok", "failed"]
    assert str(first.outcomes[1].result.error).startswith("part 'words': RuntimeError: no Yoruba")
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "toy_parts", ModuleType("toy_parts"))
    sys.modules["toy_parts"].Words = Words  # type: ignore[attr-defined]
    second = _run(registry, tmp_path, FUSED, select=TWO)
    assert [(o.result.status, o.reused) for o in second.outcomes] == [("ok", True), ("ok", False)]


def test_boards_show_what_it_is_made_of(registry: Registry, tmp_path: Path) -> None:
    """The row has its label; the table of encoders names every plugin once, and the mark of training data is kept."""
    for rerank in (None, "length"):
        _run(registry, tmp_path, FUSED, rerank=rerank)
    files = [load(path) for path in sorted((tmp_path / "out").rglob("*.json"))]
    official = {"source": "official"}  # nobody was trained on the pocket collection
    files = [file.model_copy(update={"task": file.task.model_copy(update=official)}) for file in files]
    built = tables.build(files)
    page = markdown.table(built[0]) + "\n" + markdown.encoders(built)
    assert f"| {FUSED} | – |" in page and f"| {FUSED} > length † | – |" in page
    rows = {line.split(" | ")[0]: line for line in markdown.encoders(built).splitlines()}
    version = harness.__version__
    assert f"| toy-dist 1.2 + lamir-harness {version} |  |  |" in rows[f"| {FUSED}"]
    assert rows[f"| {FUSED} > length"].endswith("| float32, cpu | miracl |")


def test_results_of_before_compositions_are_read(tmp_path: Path, make_result: Callable[..., ResultFile]) -> None:
    """Files without the new fields are as valid as they were."""
    value = json.loads(make_result({"sw": 0.5}).model_dump_json())
    del value["encoder"]["parts"], value["subsets"]["sw"]["tuned"]
    found = ResultFile.model_validate_json(json.dumps(value))
    assert found.encoder.parts == {} and found.subsets["sw"].tuned == {}


@pytest.mark.parametrize("rerank", [None, Rerank("length", 7)])
def test_saved_rankings_score_the_same(rerank: Rerank | None, registry: Registry, tmp_path: Path) -> None:
    """A run file that is read back, as trec_eval would, has the order that was scored, ties and tails included."""
    settings = Settings(tmp_path / "out", runs=tmp_path / "runs")
    (outcome,) = _run(registry, tmp_path, FUSED, rerank=rerank, settings=settings).outcomes
    (path,) = (tmp_path / "runs").rglob("*.trec")
    job = outcome.job
    found = metrics.score(job.measures, qrels=job.collection.qrels, run=read_run(path))
    assert found.metrics == outcome.result.metrics
    lines = [line.split() for line in path.read_text("utf-8").splitlines()]
    if rerank:
        assert all(float(line[4]) == 40 - int(line[3]) + 1 for line in lines)
    assert lines[0][5].startswith("rrf-words-hashing-length-7-" if rerank else "rrf-words-hashing-")
