"""The emulator, judged by the real clients: what they ask it for, and what they make of its answers."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from . import miniatures
from .emulator import HubEmulator, Repo

Run = Callable[..., subprocess.CompletedProcess[str]]

HUB = """
import json, os
from huggingface_hub import HfApi, HfFileSystem, hf_hub_download, snapshot_download

def attempt(function, *arguments, **keywords):
    try:
        function(*arguments, **keywords)
    except Exception as error:
        return type(error).__name__
    return None

def text(path):
    return open(path, encoding="utf-8", newline="").read()

def done(**values):
    print(json.dumps(values))
"""


def told(process: subprocess.CompletedProcess[str]) -> Any:
    """What the script printed at its end."""
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout.splitlines()[-1])


@pytest.mark.parametrize("miniature", miniatures.ALL, ids=lambda function: function.__name__)
def test_a_miniature_is_made_of_the_same_bytes_every_time(miniature: Callable[[], Repo]) -> None:
    """Two calls give the same repository: what is fetched twice has one hash."""
    first, second = miniature(), miniature()
    assert first == second
    assert first.files


def test_a_snapshot_holds_the_files_asked_for_and_nothing_else(hub: HubEmulator, run_with_hub: Run) -> None:
    """snapshot_download with allow_patterns fetches those files alone; the rest of the API agrees with it."""
    corpus, mteb = hub.add(miniatures.miracl_corpus()), hub.add(miniatures.miracl())
    hub.page = 4  # more than one page of a listing
    out = told(
        run_with_hub(
            HUB
            + f"""
api = HfApi()
folder = snapshot_download("miracl/miracl-corpus", repo_type="dataset", allow_patterns=["*-sw/*", "README.md"])
info = api.dataset_info("mteb/MIRACLRetrieval", revision="{mteb.commit}", files_metadata=True)
paths = ["README.md", "sw-corpus", "sw-qrels/dev-00000-of-00001.parquet", "nothing"]
found = api.get_paths_info("mteb/MIRACLRetrieval", paths, repo_type="dataset", revision="{mteb.commit}")
fs = HfFileSystem()
where = "datasets/mteb/MIRACLRetrieval@{mteb.commit}"
with fs.open(f"{{where}}/sw-qrels/dev-00000-of-00001.parquet", block_size=8) as file:
    file.seek(-4, 2)
    tail = file.read().decode()
done(
    folder=folder,
    sha=info.sha,
    sizes={{f.rfilename: f.size for f in info.siblings}},
    files=api.list_repo_files("miracl/miracl-corpus", repo_type="dataset"),
    tree=[f.path for f in api.list_repo_tree("miracl/miracl-corpus", "miracl-corpus-v1.0-sw", repo_type="dataset")],
    found=[f.path for f in found],
    globbed=fs.glob(f"{{where}}/*-qrels/*.parquet"),
    tail=tail,
    missing=attempt(hf_hub_download, "mteb/MIRACLRetrieval", "no.txt", repo_type="dataset"),
    unknown=attempt(api.dataset_info, "mteb/MIRACLRetrieval", revision="{"0" * 40}"),
)
"""
        )
    )
    shards = [f"miracl-corpus-v1.0-sw/docs-{i}.jsonl.gz" for i in range(11)]
    assert hub.fetched("miracl/miracl-corpus") == {path: len(corpus.files[path]) for path in shards}
    assert [Path(out["folder"], path).read_bytes() for path in shards] == [corpus.files[path] for path in shards]
    assert Path(out["folder"]).name == corpus.commit
    assert out["sha"] == mteb.commit
    assert out["sizes"] == {path: len(data) for path, data in mteb.files.items()}
    assert sorted(out["files"]) == sorted(corpus.files)
    assert sorted(out["tree"]) == sorted(shards)
    assert out["found"] == ["README.md", "sw-corpus", "sw-qrels/dev-00000-of-00001.parquet"]
    assert [path.rpartition(f"{mteb.commit}/")[2] for path in out["globbed"]] == [
        f"{lang}-qrels/dev-00000-of-00001.parquet" for lang in ("ar", "sw", "yo")
    ]
    assert out["tail"] == "PAR1"
    assert (out["missing"], out["unknown"]) == ("RemoteEntryNotFoundError", "RevisionNotFoundError")


def test_a_dropped_connection_is_resumed_with_a_range(hub: HubEmulator, run_with_hub: Run) -> None:
    """The client keeps whole chunks of 10 MiB and asks for the rest; a shorter piece it asks for again in full."""
    chunk = 10 * 2**20
    large = random.Random(0).randbytes(chunk + 2**20)
    repo = hub.add(Repo("tester/large", "a" * 40, {"large.bin": large, "small.jsonl.gz": large[:5000]}))
    hub.drop_after("large.bin", chunk + 7)
    hub.drop_after("small.jsonl.gz", 4000)
    hub.fail("small.jsonl.gz", 503, method="HEAD")
    out = told(
        run_with_hub(
            HUB
            + f"""
download = lambda name: hf_hub_download("tester/large", name, repo_type="dataset", revision="{repo.commit}")
done(large=download("large.bin"), small=download("small.jsonl.gz"))
"""
        )
    )
    assert Path(out["large"]).read_bytes() == large
    assert Path(out["small"]).read_bytes() == large[:5000]
    bodies = [request for request in hub.requests if request.method == "GET" and request.file]
    assert [(r.file, r.status, r.sent, r.range) for r in bodies] == [
        ("large.bin", 200, chunk + 7, None),
        ("large.bin", 206, 2**20, f"bytes={chunk}-"),
        ("small.jsonl.gz", 200, 4000, None),
        ("small.jsonl.gz", 200, 5000, None),
    ]
    heads = [r.status for r in hub.requests if r.method == "HEAD" and r.file == "small.jsonl.gz"]
    assert heads == [503, 302]


def test_gated_private_and_missing_repositories(hub: HubEmulator, run_with_hub: Run) -> None:
    """Gated: closed without the token, all but README.md; private and missing: not found, with or without a token."""
    gated = hub.add(miniatures.miracl_official())
    gated.files = {**gated.files, "README.md": b"# MIRACL\n"}
    topics = "miracl-v1.0-yo/topics/topics.miracl-v1.0-yo-dev.tsv"
    hub.add(Repo("tester/private", "b" * 40, {"a.txt": b"a"}, token="hf_mine"))
    script = (
        HUB
        + f"""
def tell(repo, name):
    return attempt(hf_hub_download, repo, name, repo_type="dataset")

done(
    gated=tell("miracl/miracl", "{topics}"),
    card=attempt(hf_hub_download, "miracl/miracl", "README.md", repo_type="dataset", cache_dir="elsewhere"),
    sha=HfApi().dataset_info("miracl/miracl").sha,
    snapshot=attempt(snapshot_download, "miracl/miracl", repo_type="dataset", allow_patterns="*-yo/*"),
    private=tell("tester/private", "a.txt"),
    missing=tell("tester/missing", "a.txt"),
    info=attempt(HfApi().dataset_info, "tester/missing"),
)
"""
    )
    nobody = told(run_with_hub(script))
    assert nobody == {
        "gated": "GatedRepoError",
        "card": None,
        "sha": gated.commit,
        "snapshot": "GatedRepoError",
        "private": "RepositoryNotFoundError",
        "missing": "RepositoryNotFoundError",
        "info": "RepositoryNotFoundError",
    }
    stranger = told(run_with_hub(script, HF_TOKEN="hf_stranger"))
    assert stranger == nobody
    assert {r.status for r in hub.requests if r.file == topics} == {401, 403}
    member = told(run_with_hub(script, HF_TOKEN=miniatures.TOKEN))
    assert member == {**nobody, "gated": None, "snapshot": None}
    folder = "miracl-v1.0-yo"
    assert set(hub.fetched("miracl/miracl")) == {"README.md", *(p for p in gated.files if p.startswith(folder))}


def test_the_token_does_not_reach_the_storage_host(hub: HubEmulator, run_with_hub: Run) -> None:
    """A file under Git LFS comes from another host, which gets the signature and not the token."""
    hub.add(Repo("tester/private", "b" * 40, {"a.parquet": b"data"}, token="hf_mine"))
    script = HUB + 'done(text=text(hf_hub_download("tester/private", "a.parquet", repo_type="dataset")))'
    assert told(run_with_hub(script, HF_TOKEN="hf_mine")) == {"text": "data"}
    seen = [(r.method, r.status, r.token, r.host.partition(":")[0]) for r in hub.requests if r.file]
    assert seen == [("HEAD", 302, "hf_mine", "127.0.0.1"), ("GET", 200, None, "localhost")]


def test_datasets_loads_one_configuration_at_a_revision(hub: HubEmulator, run_with_hub: Run) -> None:
    """load_dataset with a pinned revision gives the rows, fetches that configuration alone, and then works offline."""
    mteb, belebele = hub.add(miniatures.miracl()), hub.add(miniatures.belebele())
    clir = hub.add(miniatures.neuclir())
    script = f"""
import json, os
from datasets import get_dataset_config_names, get_dataset_split_names, load_dataset

miracl, belebele = ("mteb/MIRACLRetrieval", "{mteb.commit}"), ("mteb/belebele", "{belebele.commit}")
neuclir = ("mteb/NeuCLIR2022Retrieval", "{clir.commit}")
load = lambda repo, name, split: load_dataset(repo[0], name, split=split, revision=repo[1]).to_list()
online = "HF_HUB_OFFLINE" not in os.environ
out = dict(
    configs=get_dataset_config_names(*miracl) if online else None,
    splits=get_dataset_split_names(miracl[0], "yo-corpus", revision=miracl[1]) if online else None,
    corpus=load(miracl, "yo-corpus", "dev"),
    questions=load(belebele, "yor_Latn", "test"),
    news=load(neuclir, "rus-qrels", "test"),
)
print(json.dumps(out))
"""
    out = told(run_with_hub(script))
    yoruba = miniatures.TEXTS["yo"]
    assert sorted(out["configs"]) == sorted(
        f"{lang}-{kind}" for lang in ("ar", "sw", "yo") for kind in ("corpus", "queries", "qrels")
    )
    assert out["splits"] == ["dev"]
    assert out["corpus"] == [{"_id": p.id, "title": p.title, "text": p.text} for p in yoruba.passages]
    assert [row["question"] for row in out["questions"]] == list(yoruba.queries.values())
    assert [row["score"] for row in out["news"]] == [3, 0, 1]
    assert set(hub.fetched(mteb.id)) == {"README.md", *(p for p in mteb.files if p.startswith("yo-corpus/"))}
    assert set(hub.fetched(belebele.id)) == {"README.md", "data/yor_Latn.jsonl"}
    assert set(hub.fetched(clir.id)) == {"README.md", "rus-qrels/test.jsonl.gz"}

    hub.close()
    offline = told(run_with_hub(script, HF_HUB_OFFLINE="1"))
    assert offline == {**out, "configs": None, "splits": None}


def test_mteb_loads_the_subsets_asked_for(hub: HubEmulator, run_with_hub: Run) -> None:
    """The task classes of mteb take the miniatures for the real repositories, and give their texts byte for byte."""
    repos = [
        hub.add(make())
        for make in (
            miniatures.miracl, miniatures.miracl_hard_negatives, miniatures.mr_tydi, miniatures.belebele,
            miniatures.neuclir, miniatures.mkqa,
        )
    ]  # fmt: skip
    out = told(
        run_with_hub(
            """
import json
import mteb

def load(name, subset):
    task = mteb.get_task(name, hf_subsets=[subset])
    task.load_data()
    split = task.metadata.eval_splits[0]
    if hasattr(task, "dataset") and task.dataset:
        data = task.dataset[subset][split]
        rows = lambda table: table.to_list() if hasattr(table, "to_list") else table
        return dict(corpus=rows(data["corpus"]), queries=rows(data["queries"]), qrels=data["relevant_docs"])
    return dict(corpus=task.corpus[subset][split], queries=task.queries[subset][split],
                qrels=task.relevant_docs[subset][split])

wanted = dict(MIRACLRetrieval="sw", MIRACLRetrievalHardNegatives="th", MrTidyRetrieval="telugu",
              BelebeleRetrieval="yor_Latn-yor_Latn", NeuCLIR2022Retrieval="rus", MKQARetrieval="ar")
print(json.dumps({name: load(name, subset) for name, subset in wanted.items()}))
""",
            timeout=300,
        )
    )
    for name, lang in {"MIRACLRetrieval": "sw", "MIRACLRetrievalHardNegatives": "th", "MKQARetrieval": "ar"}.items():
        texts = miniatures.TEXTS[lang]
        assert out[name]["corpus"] == [{"id": p.id, "title": p.title, "text": p.text} for p in texts.passages]
        assert out[name]["queries"] == [{"id": q, "text": text} for q, text in texts.queries.items()]
        assert out[name]["qrels"] == texts.qrels
    telugu = miniatures.TEXTS["te"]
    assert out["MrTidyRetrieval"] == {
        "corpus": {p.id: {"title": p.title, "text": p.text} for p in telugu.passages},
        "queries": telugu.queries,
        "qrels": telugu.qrels,
    }
    yoruba = miniatures.TEXTS["yo"].queries.values()
    assert out["BelebeleRetrieval"]["queries"] == {f"Q{i}": text for i, text in enumerate(yoruba)}
    assert out["NeuCLIR2022Retrieval"]["qrels"]["114"] == {"00017": 3, "9f31": 0}
    prefixes = ("README.md", "sw-", "th-", "telugu-", "data/yor_Latn", "rus-", "ar-")
    fetched = {(repo.id, path) for repo in repos for path in hub.fetched(repo.id)}
    assert all(path.startswith(prefixes) for _, path in fetched)
    miracl = {path for repo, path in fetched if repo == "mteb/MIRACLRetrieval"}
    assert miracl == {"README.md", *(path for path in repos[0].files if path.startswith("sw-"))}


def test_offline_with_a_warm_cache(hub: HubEmulator, run_with_hub: Run) -> None:
    """After the server is gone, what was fetched is found in the cache, and what was not is an error."""
    repo = hub.add(miniatures.ciral_corpus())
    script = (
        HUB
        + """
fetch = lambda name: hf_hub_download("CIRAL/ciral-corpus", f"passages-v1.0/{name}_passages.jsonl", repo_type="dataset")
done(text=text(fetch("yoruba")), other=attempt(fetch, os.environ["OTHER"]))
"""
    )
    passages = repo.files["passages-v1.0/yoruba_passages.jsonl"].decode()
    assert told(run_with_hub(script, OTHER="yoruba")) == {"text": passages, "other": None}
    hub.close()
    offline = told(run_with_hub(script, OTHER="swahili", HF_HUB_OFFLINE="1"))
    assert offline == {"text": passages, "other": "LocalEntryNotFoundError"}
    unreachable = told(run_with_hub(script, OTHER="yoruba"))
    assert unreachable == {"text": passages, "other": None}
