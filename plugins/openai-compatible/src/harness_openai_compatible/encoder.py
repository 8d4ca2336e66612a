"""The encoder: texts go out in batches, several at a time, at the pace asked for; vectors come back in order."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from harness._util import fingerprint
from harness.encoders.protocols import EncoderInfo, FloatArray, Role
from harness.encoders.text import without_surrogates
from harness.errors import EncoderContractError, UsageError
from harness_openai_compatible.client import Endpoint, TooMuch
from harness_openai_compatible.pace import Pace
from harness_openai_compatible.plugin import OpenAICompatibleOptions

#: UTF-8 bytes that make a token, roughly and on the safe side: English has about four, Chinese three, Telugu six.
_BYTES_PER_TOKEN = 3.0

#: What is sent for a text that is empty or white space: servers refuse to embed nothing.
_NOTHING = "."


class OpenAICompatibleEncoder:
    """A model behind `POST base_url/embeddings`.

    One short text is embedded when this is made, because only the server knows the length of its vectors: a wrong
    address, key or model is found before anything else is done. `tokens` counts what the server says it has read.
    """

    def __init__(self, options: OpenAICompatibleOptions) -> None:
        if options.max_cost is not None and options.price is None:
            raise UsageError("max_cost needs price, the price of a million tokens")
        self._options = options
        self._endpoint = Endpoint(
            options.base_url,
            key_variable=options.api_key_env,
            key_header=options.api_key_header,
            timeout=options.timeout,
            retries=options.retries,
            max_wait=options.max_wait,
        )
        self._requests = Pace(options.requests_per_minute)
        self._spending = Pace(options.tokens_per_minute)
        self._most = options.batch_size  # texts in one request that the server has not failed at
        self.tokens = 0
        self._counting = threading.Lock()
        self._dim: int | None = options.dimensions
        self._dim = self._request("query", ["The Nile flows north."]).shape[1]
        self._info = EncoderInfo(
            name=options.name or options.model.rpartition("/")[2],
            dim=self._dim,
            fingerprint=fingerprint.of_json(
                {
                    "encoder": "openai-compatible/1",
                    "dim": self._dim,
                    "base_url": options.base_url.rstrip("/"),  # one endpoint, asked and paid once
                    **options.model_dump(
                        include={
                            "model", "revision", "dimensions", "query_prompt", "passage_prompt",
                            "query_body", "passage_body", "similarity", "max_chars",
                        }
                    ),
                }
            ),
            similarity=options.similarity,
            normalized=False,
            prompts={"query": options.query_prompt, "passage": options.passage_prompt},
            model=options.model,
            revision=options.revision,
            device="remote",
        )  # fmt: skip

    @property
    def info(self) -> EncoderInfo:
        """Facts about this encoder. Nobody but the server knows its weights: the fingerprint is of name and options."""
        return self._info

    def encode(self, texts: Sequence[str], *, role: Role, language: str | None = None) -> FloatArray:
        """Vectors (len(texts), dim) float32, in the order of `texts`.

        Raises a HarnessError when the server refuses, stays silent, or answers with something else than it was asked.
        """
        inputs = [self._input(text, role) for text in texts]
        if not inputs:
            return np.zeros((0, self._info.dim), dtype=np.float32)
        size = self._options.batch_size
        batches = [inputs[start : start + size] for start in range(0, len(inputs), size)]
        pool = ThreadPoolExecutor(self._options.concurrency, thread_name_prefix="openai-compatible")
        try:
            return np.concatenate(list(pool.map(lambda batch: self._request(role, batch), batches)))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)  # after an error or Ctrl-C nothing more is sent

    def forecast(self, texts: Iterable[tuple[Role, Sequence[str]]]) -> str:
        """What encoding `texts` will take, in a sentence, before anything is sent.

        Raises UsageError when the estimate is above `max_cost`.
        """
        count = tokens = 0
        for role, some in texts:
            count += len(some)
            tokens += sum(estimated_tokens(self._input(text, role)) for text in some)
        sentence = f"{count:,} texts will be sent to {self._options.base_url}, about {tokens:,} tokens"
        if self._options.price is None:
            return sentence
        cost = tokens / 1e6 * self._options.price
        if self._options.max_cost is not None and cost > self._options.max_cost:
            raise UsageError(
                f"{sentence}, which cost about {cost:.2f}: more than max_cost={self._options.max_cost:g}",
                "Select fewer tasks or languages, or raise max_cost.",
            )
        return f"{sentence}, which cost about {cost:.2f} at {self._options.price:g} a million"

    def _input(self, text: str, role: Role) -> str:
        """What is sent for a text: prompted, free of lone surrogates, cut, and never nothing."""
        prompt = self._options.query_prompt if role == "query" else self._options.passage_prompt
        whole = without_surrogates(prompt + text)[: self._options.max_chars]
        return whole if whole.strip() else _NOTHING

    def _request(self, role: Role, inputs: Sequence[str]) -> FloatArray:
        if len(inputs) > self._most:
            half = len(inputs) // 2
            return np.concatenate([self._request(role, inputs[:half]), self._request(role, inputs[half:])])
        self._requests.take(1)
        self._spending.take(sum(map(estimated_tokens, inputs)))
        body = {
            **(self._options.query_body if role == "query" else self._options.passage_body),
            "model": self._options.model,
            "input": list(inputs),
            "encoding_format": "float",
        }
        if self._options.dimensions is not None:
            body["dimensions"] = self._options.dimensions
        try:
            vectors, tokens = self._endpoint.embed(body)
        except TooMuch:
            self._most = min(self._most, len(inputs) // 2)  # later, too: to fail at every batch would take long
            return self._request(role, inputs)
        if self._dim is not None and vectors.shape[1] != self._dim:
            raise EncoderContractError(
                f"{self._options.base_url}: vectors of length {vectors.shape[1]} where {self._dim} is expected",
                "A server that ignores `dimensions` must be run without it." if self._options.dimensions else None,
            )
        with self._counting:
            self.tokens += tokens
        return vectors


def estimated_tokens(text: str) -> int:
    """Tokens of `text`, roughly: its UTF-8 bytes by three. The server's own count is known afterwards alone."""
    return int(len(text.encode()) / _BYTES_PER_TOKEN) + 1
