"""Reading a corpus into memory-mapped Arrow: ours against `datasets.load_dataset("json")`, in alternation.

    python bench/read_corpus.py [--passages 200000] [--rounds 3]

Both read the same gzipped JSON lines (about 100 words a passage) in processes of their own, with nothing cached. Ours
checks every field and the ids besides, sorts the ids and computes the corpus's fingerprint. Prints the median seconds
and the peak memory above the imports of each, and the ratios.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_WORDS = 100


def main() -> None:
    """Write the file, run both in turn, print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", choices=("ours", "datasets"), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(_measure(options.one, options.file)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "corpus.jsonl.gz"
        _write(file, options.passages)
        found: dict[str, list[dict[str, float]]] = {"ours": [], "datasets": []}
        for _ in range(options.rounds):
            for name, rows in found.items():
                command = [sys.executable, __file__, "--one", name, "--file", str(file)]
                rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    medians = {n: {k: statistics.median(row[k] for row in rows) for k in rows[0]} for n, rows in found.items()}
    for name, row in medians.items():
        print(f"{name:9} {row['seconds']:6.1f} s   +{row['memory'] / 2**20:,.0f} MiB   (median of {options.rounds})")
    ours, theirs = medians["ours"], medians["datasets"]
    ratios = {key: ours[key] / theirs[key] for key in ours}
    print(f"ours / datasets: time {ratios['seconds']:.2f}, memory {ratios['memory']:.2f}")


def _write(file: Path, passages: int) -> None:
    generator = random.Random(0)
    words = ["".join(generator.choices("aeiouklmnprstw", k=generator.randint(2, 9))) for _ in range(20_000)]
    with gzip.open(file, "wt", compresslevel=1, encoding="utf-8") as stream:
        for number in range(passages):
            row = {"_id": f"{number // 7}#{number % 7}", "title": f"T {number // 7}"}
            stream.write(json.dumps(row | {"text": " ".join(generator.choices(words, k=_WORDS))}) + "\n")


def _measure(name: str, file: Path) -> dict[str, float]:
    """Seconds and peak memory of one reading, above what importing the libraries takes."""
    import datasets

    from harness.sources import beir
    from harness.sources.corpus_cache import CorpusCache

    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as temporary:
        before, started = _peak(), time.monotonic()
        if name == "ours":
            corpus = CorpusCache(Path(temporary)).corpus("bench", lambda: beir.read_passages(file))
        else:
            corpus = datasets.load_dataset("json", data_files=str(file), split="train", cache_dir=temporary)
        assert len(corpus) > 0
        return {"seconds": time.monotonic() - started, "memory": float(_peak() - before)}


def _peak() -> int:
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise KeyError("VmHWM")


if __name__ == "__main__":
    main()
