"""One request to an embeddings endpoint: sent, tried again where that can help, and its answer checked.

Tried again are connections that fail, answers that do not come, and the statuses that ask for it: 408, 425, 429 and
5xx. The pause doubles, with jitter, unless the server names one (`Retry-After`). Everything else is an error at once,
in the server's words. The key goes into a header and nowhere else: what the server says is searched for it.
"""

from __future__ import annotations

import email.utils
import os
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx2 as httpx
import numpy as np
import tenacity

from harness.encoders.protocols import FloatArray
from harness.errors import EncoderContractError, HarnessError, UsageError

_PASSING = frozenset({408, 425, 429})
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SHOWN = 300
#: Attempts at a request of several texts that gets no answer in time: asked a third time, a slow server is as slow.
_SILENCES = 2


class TooMuch(Exception):
    """Fewer texts in one request may help: the server says so (status 413), or was silent twice about these."""


class _Passing(Exception):
    """A failure that may be over soon; `pause` is what the server asks for, in seconds."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


class _Silence(_Passing):
    """A request that was sent, and no answer in time: the server hangs, or needs longer for so many texts."""


class Endpoint:
    """The endpoint at `base_url`, with the key of the environment variable `key_variable` where it is set.

    Raises UsageError for an address that is none, that holds a secret itself, or that would carry a key in clear text
    over a network.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key_variable: str,
        key_header: str = "Authorization",
        timeout: float,
        retries: int,
        max_wait: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        url = _checked(base_url)
        self._key = os.environ.get(key_variable, "").strip()
        if self._key and url.scheme == "http" and url.host not in _LOOPBACK:
            raise UsageError(
                f"the key in ${key_variable} would travel in clear text to {url.host}",
                "Use https, or unset the variable if the server needs no key.",
            )
        if not (self._key.isascii() and self._key.isprintable()):  # the library would repeat it in its error
            raise UsageError(f"the key in ${key_variable} holds a line break or another character that no key has")
        if not _HEADER.fullmatch(key_header):
            raise UsageError(f"api_key_header {key_header!r} is no name of a header")
        headers = {}
        if self._key:
            headers[key_header] = f"Bearer {self._key}" if key_header.lower() == "authorization" else self._key
        self._client = httpx.Client(headers=headers, timeout=timeout)
        self._url = str(url).rstrip("/") + "/embeddings"
        self._attempts = retries + 1
        self._max_wait = max_wait
        self._sleep = sleep
        self._key_variable = key_variable

    def embed(self, body: Mapping[str, Any]) -> tuple[FloatArray, int]:
        """Vectors (n, dim) float32 of `body["input"]`, in its order, and the tokens the server counted (0: it did not).

        Raises TooMuch, or a HarnessError that says what the server said.
        """
        texts = len(body["input"])
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Passing),
            stop=lambda state: state.attempt_number >= self._allowed(state, texts),
            wait=self._pause,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            answer = attempts(self._post, body)
        except _Passing as error:
            if isinstance(error, _Silence) and texts > 1:
                raise TooMuch from None
            raise HarnessError(f"{self._url}: {error}; given up after {self._attempts} attempts") from None
        return self._vectors(answer, texts)

    def _allowed(self, state: tenacity.RetryCallState, texts: int) -> int:
        """How many attempts a request may have that failed as `state` says."""
        silent = state.outcome is not None and isinstance(state.outcome.exception(), _Silence)
        return min(_SILENCES, self._attempts) if silent and texts > 1 else self._attempts

    def _post(self, body: Mapping[str, Any]) -> Any:
        try:
            response = self._client.post(self._url, json=dict(body))
        except httpx.ReadTimeout:
            raise _Silence("no answer in time") from None
        except httpx.TimeoutException:
            raise _Passing("no connection in time") from None
        except httpx.TransportError as error:
            raise _Passing(f"no connection ({self._redacted(str(error)) or type(error).__name__})") from None
        status = response.status_code
        if status in _PASSING or status >= 500:
            raise _Passing(f"status {status}{self._said(response)}", _retry_after(response.headers.get("retry-after")))
        if status == 413 and len(body["input"]) > 1:
            raise TooMuch
        if status in (401, 403):
            given = f"the key in ${self._key_variable}" if self._key else f"no key: ${self._key_variable} is not set"
            raise UsageError(f"{self._url}: status {status}{self._said(response)}", f"It was asked with {given}.")
        if status != 200:
            raise UsageError(f"{self._url}: status {status}{self._said(response)}")
        try:
            return response.json()
        except ValueError:
            raise EncoderContractError(f"{self._url}: the answer is no JSON{self._said(response)}") from None

    def _pause(self, state: tenacity.RetryCallState) -> float:
        """Seconds until the next attempt: as the server asks, else 1, 2, 4, … with jitter; never more than allowed."""
        error = state.outcome.exception() if state.outcome else None
        asked = error.pause if isinstance(error, _Passing) else None
        backoff = tenacity.wait_exponential_jitter(initial=1, max=self._max_wait, jitter=1)(state)
        return min(self._max_wait, backoff if asked is None else asked)

    def _vectors(self, answer: Any, wanted: int) -> tuple[FloatArray, int]:
        rows = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(rows, list):
            raise EncoderContractError(f"{self._url}: the answer has no list 'data'")
        if len(rows) != wanted:
            raise EncoderContractError(f"{self._url}: {len(rows)} vectors for {wanted} texts")
        by_index: dict[int, Any] = {}
        for place, row in enumerate(rows):
            index = row.get("index", place) if isinstance(row, dict) else None
            if not isinstance(index, int) or not 0 <= index < wanted or index in by_index:
                raise EncoderContractError(f"{self._url}: the answer's indices do not number {wanted} texts from 0")
            by_index[index] = row.get("embedding")
        try:
            vectors = np.array([by_index[i] for i in range(wanted)], dtype=np.float32)
        except (TypeError, ValueError):
            vectors = np.empty(0, dtype=np.float32)
        if vectors.ndim != 2 or not vectors.shape[1]:
            raise EncoderContractError(f"{self._url}: the embeddings are no lists of numbers of one length")
        usage = answer.get("usage")
        tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else 0
        return vectors, tokens if isinstance(tokens, int) else 0

    def _said(self, response: httpx.Response) -> str:
        """The server's own words, one line, without the key."""
        try:
            answer = response.json()
            error = answer.get("error", answer.get("detail", answer.get("message", answer)))
            text = str(error.get("message", error) if isinstance(error, dict) else error)
        except (ValueError, AttributeError):
            text = response.text
        line = self._redacted(" ".join(text.split()))
        return f" ({line[:_SHOWN]})" if line else ""

    def _redacted(self, text: str) -> str:
        return text.replace(self._key, "[key]") if self._key else text


def _checked(base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise UsageError(f"base_url: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageError(
            f"base_url {base_url!r} is no http(s) address",
            "For example https://api.openai.com/v1, without /embeddings.",
        )
    if url.userinfo or url.query or url.fragment:
        raise UsageError(
            "base_url must hold no user name, password or query: it is written into results",
            "A key is read from the environment variable that api_key_env names.",
        )
    return url


def _retry_after(value: str | None) -> float | None:
    """Seconds from a `Retry-After` header, which has a number or a date; None for what is neither."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
