"""The encoder against a server on loopback that answers, fails, stalls, refuses and lies."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness_openai_compatible.client import _retry_after
from harness_openai_compatible.encoder import OpenAICompatibleEncoder, estimated_tokens
from harness_openai_compatible.pace import Pace
from harness_openai_compatible.plugin import OpenAICompatibleOptions

import harness
from harness.errors import EncoderContractError, HarnessError, UsageError
from harness.testing import CHECKS, Subject, options_table, run_checks

Serve = Callable[..., Any]
SECRET = "sk-very-secret-0123456789"


def load(server: Any, **options: Any) -> OpenAICompatibleEncoder:
    """The encoder at `server`, which does not wait between attempts unless told to."""
    settings = {"base_url": server.url, "model": "acme/toy", "max_wait": 0.0, "timeout": 5.0, **options}
    return OpenAICompatibleEncoder(OpenAICompatibleOptions(**settings))


def test_contract(serve: Serve) -> None:
    """The conformance kit: everything passes but `no-network`, which is expected to fail and does."""
    subject = Subject("openai-compatible", {"base_url": serve().url, "model": "toy", "max_wait": 0})
    outcomes = {outcome.check.id: outcome for outcome in run_checks(subject, CHECKS)}
    assert [f"{o.check.id}: {o.reason}" for o in outcomes.values() if o.bad] == []
    assert outcomes["no-network"].status == "expected"


def test_vectors_come_back_in_order(serve: Serve, vector: Callable[..., list[float]]) -> None:
    """Batches run side by side and answers list vectors backwards; row i still belongs to text i."""
    server = serve()
    encoder = load(server, batch_size=3, concurrency=4)
    texts = [f"text {i}" for i in range(20)]
    vectors = encoder.encode(texts, role="passage")
    np.testing.assert_allclose(vectors, [vector(text, 12) for text in texts], atol=1e-6)
    assert vectors.dtype == np.float32 and encoder.info.dim == 12
    assert sorted(len(body["input"]) for body in server.bodies[1:]) == [2, 3, 3, 3, 3, 3, 3]
    assert encoder.tokens == 40 + 4 and set(server.paths) == {"/v1/embeddings"}
    assert encoder.encode([], role="query").shape == (0, 12)


def test_what_is_sent(serve: Serve) -> None:
    """Prompts and further fields by role, the dimensions asked for, texts cut, surrogates and nothing replaced."""
    server = serve()
    encoder = load(
        server, dimensions=5, query_prompt="q: ", query_body={"input_type": "query"}, max_chars=8, passage_body={"x": 1}
    )
    assert encoder.encode(["hello world", ""], role="query").shape == (2, 5)
    encoder.encode(["a\ud800b", "  "], role="passage")
    sent = {"model": "acme/toy", "encoding_format": "float", "dimensions": 5}
    assert server.bodies[1] == {**sent, "input": ["q: hello", "q: "], "input_type": "query"}
    assert server.bodies[2] == {**sent, "input": ["a\ufffdb", "."], "x": 1}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 529])
def test_passing_failures_are_tried_again(serve: Serve, status: int) -> None:
    """A status that may be over soon costs attempts, not the run."""
    server = serve(lambda number, body: (status, {}, {"error": {"message": "busy"}}) if number in (1, 2) else None)
    assert load(server, retries=2).encode(["a"], role="query").shape == (1, 12)
    assert len(server.bodies) == 4


def test_failures_that_do_not_pass_are_given_up(serve: Serve) -> None:
    """After the last attempt the message tells the status, the server's words and how often it was tried."""
    server = serve(lambda number, body: (503, {}, {"error": {"message": "down for\nmaintenance"}}) if number else None)
    with pytest.raises(HarnessError, match=r"status 503 \(down for maintenance\); given up after 3 attempts"):
        load(server, retries=2).encode(["a"], role="query")
    assert len(server.bodies) == 4


def test_the_server_says_how_long_to_wait(serve: Serve) -> None:
    """A `Retry-After` is waited for, and never longer than `max_wait`."""
    limited = (429, {"retry-after": "0.4"}, {})
    server = serve(lambda number, body: limited if number == 1 else None)
    load(server, max_wait=5).encode(["a"], role="query")
    assert server.times[2] - server.times[1] >= 0.4
    patient = serve(lambda number, body: (429, {"retry-after": "3600"}, {}) if number == 1 else None)
    started = time.monotonic()
    load(patient, max_wait=0.1).encode(["a"], role="query")
    assert time.monotonic() - started < 30


def test_retry_after_is_a_number_or_a_date() -> None:
    """Seconds, or a date, which is a point in time; anything else is ignored."""
    soon = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 30))
    assert _retry_after("2.5") == 2.5 and _retry_after("-1") == 0.0
    assert 25 < (_retry_after(soon) or 0) <= 30
    assert _retry_after("soon") is None and _retry_after(None) is None


def test_a_stalling_server_is_left_and_asked_again(serve: Serve) -> None:
    """No answer within the timeout counts as a passing failure; if it stays silent, the message says so."""
    server = serve(lambda number, body: (0, {}, None) if number == 1 else None, stall=3.0)
    assert load(server, timeout=0.3).encode(["a"], role="query").shape == (1, 12)
    silent = serve(lambda number, body: (0, {}, None) if number else None, stall=3.0)
    with pytest.raises(HarnessError, match="no answer in time; given up after 2 attempts"):
        load(silent, timeout=0.2, retries=1).encode(["a"], role="query")


def test_nobody_at_the_address(serve: Serve) -> None:
    """A server that is not there is found when the encoder is loaded."""
    server = serve()
    server.close()
    with pytest.raises(HarnessError, match=r"no connection .* given up after 2 attempts"):
        load(server, retries=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda good: {**good, "data": good["data"][1:]}, "2 vectors for 3 texts"),
        (lambda good: {**good, "data": good["data"] * 2}, "6 vectors for 3 texts"),
        (lambda good: {**good, "data": [{**row, "index": 0} for row in good["data"]]}, "do not number 3 texts"),
        (lambda good: {**good, "data": [{**row, "index": 7} for row in good["data"]]}, "do not number 3 texts"),
        (
            lambda good: {**good, "data": [{**r, "embedding": r["embedding"][:5]} for r in good["data"]]},
            "length 5 where 12",
        ),
        (
            lambda good: {**good, "data": [{"index": i, "embedding": [1.0] * (i + 1)} for i in range(3)]},
            "of one length",
        ),
        (lambda good: {**good, "data": [{**row, "embedding": "AAAA"} for row in good["data"]]}, "no lists of numbers"),
        (lambda good: {**good, "data": [{**row, "embedding": []} for row in good["data"]]}, "no lists of numbers"),
        (lambda good: {**good, "data": ["x", "y", "z"]}, "do not number 3 texts"),
        (lambda good: {"vectors": []}, "no list 'data'"),
        (lambda good: ["x"], "no list 'data'"),
        (lambda good: b"<html>not for you</html>", "is no JSON (<html>not for you</html>)"),
    ],
)
def test_answers_to_another_question(serve: Serve, change: Callable[[Any], Any], message: str) -> None:
    """Wrong counts, indices, lengths and kinds are errors at once: asking again would not help."""
    server = serve(lambda number, body: (200, {}, change(server.good(body))) if number else None)
    with pytest.raises(EncoderContractError) as caught:
        load(server).encode(["a", "b", "c"], role="query")
    assert message in str(caught.value)
    assert len(server.bodies) == 2


def test_a_server_that_ignores_dimensions_is_found_at_once(serve: Serve) -> None:
    """Asked for five numbers and given twelve: an error when the encoder is loaded."""
    server = serve(lambda number, body: (200, {}, server.good({"input": body["input"]})))
    with pytest.raises(EncoderContractError, match="length 12 where 5 is expected"):
        load(server, dimensions=5)


def test_requests_that_are_too_large_are_halved(serve: Serve, vector: Callable[..., list[float]]) -> None:
    """Status 413 halves the batch until it fits; a single text that is too large is an error."""
    server = serve(lambda number, body: (413, {}, {}) if len(body["input"]) > 2 else None)
    texts = [f"text {i}" for i in range(7)]
    np.testing.assert_allclose(load(server).encode(texts, role="query"), [vector(t, 12) for t in texts], atol=1e-6)
    never = serve(lambda number, body: (413, {}, {"error": "too long"}) if number else None)
    with pytest.raises(UsageError, match=r"status 413 \(too long\)"):
        load(never).encode(["a", "b"], role="query")


def test_requests_that_take_too_long_are_halved(serve: Serve, vector: Callable[..., list[float]]) -> None:
    """A server that is silent twice about many texts is asked for fewer, and for no more than those later."""
    server = serve(lambda number, body: (0, {}, None) if len(body["input"]) > 2 else None, stall=2.0)
    texts = [f"text {i}" for i in range(8)]
    encoder = load(server, timeout=0.5, concurrency=1)
    for _ in range(2):
        np.testing.assert_allclose(encoder.encode(texts, role="query"), [vector(t, 12) for t in texts], atol=1e-6)
    assert [len(body["input"]) for body in server.bodies] == [1, 8, 8, 4, 4, 2, 2, 2, 2, 2, 2, 2, 2]


def test_the_key_is_sent_and_told_to_nobody(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It reaches the server in a header, and neither messages, logs, results nor the cache."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("MY_KEY", SECRET)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    server = serve(
        lambda number, body: (
            (400, {}, {"error": {"message": f"bad key {SECRET}!"}}) if "fail" in body["input"][0] else None
        )
    )
    options = {"base_url": server.url, "model": "toy", "api_key_env": "MY_KEY"}
    evaluation = harness.evaluate(
        "openai-compatible",
        options=options,
        select=harness.Selection(tasks=("mr-tydi/sw",)),
        settings=harness.Settings(output=tmp_path / "results"),
    )
    assert evaluation.outcomes[0].result.status == "ok"
    assert {headers["authorization"] for headers in server.headers} == {f"Bearer {SECRET}"}
    with pytest.raises(UsageError, match=r"bad key \[key\]!") as caught:
        load(server, api_key_env="MY_KEY").encode(["fail"], role="query")
    load(server, api_key_env="MY_KEY", api_key_header="api-key")
    assert server.headers[-1]["api-key"] == SECRET and "authorization" not in server.headers[-1]
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert SECRET not in str(caught.value) + repr(caught.value) + caplog.text
    assert SECRET.encode() not in written and b"MY_KEY" in written


def test_a_refused_key_is_explained(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status 401 and 403 say which variable was asked for a key."""
    server = serve(lambda number, body: (401, {}, {"detail": "who are you?"}))
    with pytest.raises(UsageError, match=r"status 401 \(who are you\?\)\n.*no key: \$OPENAI_API_KEY is not set"):
        load(server)
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with pytest.raises(UsageError, match=r"the key in \$OPENAI_API_KEY"):
        load(server)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://localhost/v1", "is no http(s) address"),
        ("localhost:8000", "is no http(s) address"),
        ("https://me:secret@localhost/v1", "must hold no user name, password or query"),
        ("https://localhost/v1?api-key=secret", "must hold no user name, password or query"),
        ("http://example.org/v1", "would travel in clear text to example.org"),
    ],
)
def test_addresses_that_are_refused(url: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no address, what would put a secret into results, what would send the key unprotected."""
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with pytest.raises(UsageError) as caught:
        OpenAICompatibleEncoder(OpenAICompatibleOptions(base_url=url, model="toy"))
    assert message in str(caught.value) and SECRET not in str(caught.value)


def test_a_key_that_is_no_header_is_refused(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line break in the key, as a careless copy has it, is an error that does not repeat the key."""
    monkeypatch.setenv("OPENAI_API_KEY", f"{SECRET}\r\nX-Evil: {SECRET}")
    with pytest.raises(UsageError, match=r"the key in \$OPENAI_API_KEY holds a line break") as caught:
        load(serve())
    assert SECRET not in str(caught.value)
    with pytest.raises(UsageError, match="'two words' is no name of a header"):
        monkeypatch.setenv("OPENAI_API_KEY", SECRET)
        load(serve(), api_key_header="two words")


def test_what_moves_vectors_moves_the_fingerprint(serve: Serve) -> None:
    """Model, revision, prompts, further fields and length do; batches, limits, prices and label do not."""
    server = serve()
    base = load(server).info.fingerprint
    for option in (
        {"model": "b"},
        {"revision": "2"},
        {"query_prompt": "q"},
        {"passage_body": {"x": 1}},
        {"max_chars": 9},
    ):
        assert load(server, **option).info.fingerprint != base
    for option in (
        {"batch_size": 2},
        {"price": 3.0},
        {"name": "label"},
        {"timeout": 9.0},
        {"base_url": server.url + "/"},
        {"requests_per_minute": 1e6},
    ):
        assert load(server, **option).info.fingerprint == base


def test_the_cost_is_told_and_can_be_refused(serve: Serve) -> None:
    """Texts, tokens and price in a sentence; above `max_cost` nothing is sent."""
    server = serve()
    texts = [("query", ["x" * 29]), ("passage", ["y" * 299, "z" * 299])]
    assert "3 texts will be sent to " in load(server).forecast(texts) and "cost" not in load(server).forecast(texts)
    sentence = load(server, price=1000.0).forecast(texts)
    assert "about 210 tokens, which cost about 0.21 at 1000 a million" in sentence
    sent = len(server.bodies)
    encoder = load(server, price=1000.0, max_cost=0.2)
    with pytest.raises(UsageError, match=r"more than max_cost=0\.2"):
        encoder.forecast(texts)
    assert len(server.bodies) == sent + 1
    with pytest.raises(UsageError, match="max_cost needs price"):
        load(server, max_cost=1.0)


@pytest.mark.parametrize("text", ["", "a", "The Nile flows north.", "尼罗河向北流", "నైలు నది ఉత్తరాన ప్రవహిస్తుంది"])
def test_a_text_is_at_least_one_token(text: str) -> None:
    """The estimate grows with the bytes of a text, in every script."""
    assert estimated_tokens(text) == len(text.encode()) // 3 + 1


def test_pace_keeps_to_its_limit() -> None:
    """Sixty a minute is one a second after the burst, whatever the amounts; no limit never waits."""
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(60, burst=2.0, clock=lambda: now[0], sleep=sleep)
    for _ in range(5):
        pace.take(1)
    assert slept == pytest.approx([1.0, 1.0])  # three at once (two of the burst, one now), then one a second
    now[0] += 100
    pace.take(10)
    assert len(slept) == 2
    pace.take(1)
    assert slept[-1] == pytest.approx(8.0)
    Pace(None, sleep=sleep).take(1e9)
    assert len(slept) == 3


def test_requests_keep_to_the_pace(serve: Serve) -> None:
    """At 600 a minute, ten more requests than the burst allows take about a second."""
    server = serve()
    encoder = load(server, requests_per_minute=600, batch_size=1, concurrency=8)
    started = time.monotonic()
    encoder.encode([str(i) for i in range(25)], role="query")
    assert time.monotonic() - started >= 1.2


def test_readme_has_every_option() -> None:
    """The table of options in the README is the schema's: names, defaults and descriptions."""
    assert options_table(OpenAICompatibleOptions) in (Path(__file__).parent.parent / "README.md").read_text("utf-8")
