"""Peak memory of a run on a corpus of two million passages, above what the imports take.

    python bench/corpus_memory.py [--passages 2000000] [--encoder random]

Writes a synthetic corpus in Mr.TyDi's layout (gzipped JSON lines of about 100 words), converts it, and searches it with
ten queries, in a process of its own. Peaks are the kernel's (`VmHWM`), which counts mapped pages of files as well as
memory that was asked for; the largest amount of the latter (`RssAnon`), sampled every 50 ms, stands beside it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

_WORDS = 100


def main() -> None:
    """Write the corpus, run in a subprocess, print the peaks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=2_000_000)
    parser.add_argument("--encoder", default="random")
    parser.add_argument("--folder", type=Path, help="keep corpus and caches here, and use what is there")
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        _measure(options.run, options.encoder)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        _write(folder / "mrtydi-v1.1-swahili", options.passages)
        for title in ("first run: converts, encodes, searches", "second run: corpus and vectors are there already"):
            print(title, flush=True)
            command = [sys.executable, __file__, "--encoder", options.encoder, "--run", str(folder)]
            subprocess.run(command, check=True)


def _write(folder: Path, passages: int) -> None:
    """A corpus, ten queries, and judgements of one passage each."""
    if (folder / "collection" / "docs.jsonl.gz").exists():
        return
    (folder / "collection").mkdir(parents=True, exist_ok=True)
    generator = random.Random(0)
    words = ["".join(generator.choices("aeiouklmnprstw", k=generator.randint(2, 9))) for _ in range(20_000)]
    partial = folder / "collection" / "docs.jsonl.gz.part"
    with gzip.open(partial, "wt", compresslevel=1, encoding="utf-8") as stream:
        for number in range(passages):
            text = " ".join(generator.choices(words, k=_WORDS))
            row = {"id": f"{number // 7}#{number % 7}", "contents": f"Title {number // 7}\n\n{text}"}
            stream.write(json.dumps(row) + "\n")
    (folder / "topic.test.tsv").write_text("".join(f"{i}\tquery {i} {words[i]}\n" for i in range(10)), "utf-8")
    (folder / "qrels.test.txt").write_text("".join(f"{i} Q0 {i}#0 1\n" for i in range(10)), "utf-8")
    partial.rename(folder / "collection" / "docs.jsonl.gz")


def _measure(folder: Path, encoder: str) -> None:
    """One run in this process, with its peaks."""
    import mteb  # noqa: F401  the heaviest import of a run on the hub; the others follow from it

    import harness
    from harness.engine.plan import Overwrite
    from harness.sources import open_source

    harness.load_encoder(encoder)
    imports = {key: _status(key) for key in ("VmHWM", "RssAnon")}
    most = [0]
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.05):
            most[0] = max(most[0], _status("RssAnon"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.monotonic()
    settings = harness.Settings(output=folder / "results", cache=folder / "cache", overwrite=Overwrite.ALWAYS)
    source = open_source(str(folder), cache=folder / "cache")
    evaluation = harness.evaluate(encoder, source=source, settings=settings)
    spent = time.monotonic() - started
    stop.set()
    watcher.join()
    row = evaluation.rows()[0]
    print(f"  {encoder}: {row['counts']['passages']:,} passages in {spent:,.0f} s, status {row['status']}")
    print(f"  above the imports ({imports['VmHWM'] / 2**20:,.0f} MiB): peak of resident memory "
          f"+{(_status('VmHWM') - imports['VmHWM']) / 2**20:,.0f} MiB, of which asked for "
          f"+{(most[0] - imports['RssAnon']) / 2**20:,.0f} MiB")  # fmt: skip


def _status(key: str) -> int:
    """A figure of /proc/self/status in bytes."""
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(key)


if __name__ == "__main__":
    main()
