"""`--source hub` from end to end: the real clients and mteb against a Hub and a web of our own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.sources.hub.mteb_tasks import MTEB_TASKS

from . import miniatures, published
from .emulator import HubEmulator, Repo
from .published import TELL, Published
from .web import Web

Process = subprocess.CompletedProcess[str]
Run = Callable[..., Process]

MTEB = ("miracl/sw", "miracl-hard-negatives/sw", "neuclir-2022-monolingual/ru")
_RUN = ("run", "--encoder", "hashing", "--source", "hub", "--json", "--overwrite", "always", "--tasks")


def told(process: Process) -> tuple[dict[str, Any], dict[str, Any]]:
    """The results of the run, by subset, and what the source holds."""
    assert process.returncode == 0, process.stderr
    results, held = process.stdout.rstrip().rsplit("\n", 1)
    return {f"{row['task']}/{row['subset']}": row for row in json.loads(results)["results"]}, json.loads(held)


def scores(process: Process) -> dict[str, Any]:
    """Metrics and counts by subset."""
    assert process.returncode == 0, process.stderr
    rows = json.loads(process.stdout)["results"]
    return {f"{row['task']}/{row['subset']}": (row["metrics"], row["counts"]) for row in rows}


def complaint(process: Process) -> str:
    """The one complaint of a command that was refused: no traceback, exit code 4."""
    assert process.returncode == 4, process.stderr
    assert "Traceback" not in process.stderr
    assert "latest cached version" not in process.stderr
    return process.stderr[process.stderr.index("harness: error: ") :].strip()


def check_fetched(wanted: Published, hub: HubEmulator, web: Web) -> None:
    """Only the files of the subset were fetched, and each of them once."""
    repos = {request.repo for request in hub.requests if request.repo}
    assert {repo: set(found) for repo in repos if (found := hub.fetched(repo))} == dict(wanted.fetched)
    for repo, paths in wanted.fetched.items():
        known = hub.repo(repo)
        assert known
        assert hub.fetched(repo) == {path: len(known.files[path]) for path in paths}
    prefix = len("https:/")
    assert sorted(web.fetched()) == sorted(page[prefix:] for page in set(wanted.pages))


@pytest.mark.parametrize("make", published.FILES, ids=lambda make: make.__name__.removeprefix("_"))
def test_a_benchmark_is_fetched_and_read_as_published(
    make: Callable[[], Published], hub: HubEmulator, web: Web, run_with_hub: Run
) -> None:
    """The texts are those that were published; nothing else is fetched, and nothing twice."""
    wanted = make()
    wanted.put(hub, web)
    script = TELL.format(labels=(wanted.label,))
    process = run_with_hub(script, HARNESS_WEB_MIRROR=web.address)
    results, held = told(process)
    mine = held[wanted.label]
    assert {key: mine[key] for key in wanted.as_json()} == wanted.as_json()
    assert results[wanted.label]["status"] == "ok"
    assert results[wanted.label]["counts"]["passages"] == len(wanted.passages)
    check_fetched(wanted, hub, web)
    for origin in (f"{repo}@{hub.repo(repo).commit}" for repo in wanted.fetched):  # type: ignore[union-attr]
        assert origin in mine["origin"]
    assert all(page in mine["origin"] for page in wanted.pages)
    if mine["variant"]:  # every count that is declared differs, and some tasks declare none
        assert mine["variant"] == "unofficial"
        assert f"harness: note: {wanted.label}" in process.stderr
    asked = len(hub.requests), len(web.asked)
    hub.close()
    web.shutdown()
    again, same = told(run_with_hub(script, HARNESS_WEB_MIRROR=web.address, HF_HUB_OFFLINE="1"))
    assert same == held
    assert again[wanted.label]["metrics"] == results[wanted.label]["metrics"]
    assert (len(hub.requests), len(web.asked)) == asked


def test_results_on_other_counts_are_kept_apart(hub: HubEmulator, web: Web, harness: Run, tmp_path: Path) -> None:
    """A miniature is not MIRACL: its result stands under `unofficial`, with a note."""
    wanted = published.FILES[0]()
    wanted.put(hub, web)
    process = harness(*_RUN, wanted.label)
    assert "1 queries, officially 670; 5 passages, officially 136,689; kept apart as 'unofficial'" in process.stderr
    (result,) = (tmp_path / "results").rglob("*.json")
    assert "unofficial" in str(result.relative_to(tmp_path))
    (subset,) = json.loads(result.read_text("utf-8"))["subsets"].values()
    for repo in wanted.fetched:
        assert f"{repo}@{hub.repo(repo).commit}" in subset["origin"]  # type: ignore[union-attr]


def test_mteb_copies_are_read_once_and_kept(
    hub: HubEmulator, harness: Run, run_with_hub: Run, tmp_path: Path, hub_home: Path
) -> None:
    """Texts as mteb has them, only the subsets asked for; later nothing is asked, offline or not."""
    wanted = published.mteb_copies(hub)
    results, held = told(run_with_hub(TELL.format(labels=MTEB), timeout=300))
    assert set(held) == set(MTEB)
    for label, subset in wanted.items():
        assert {key: held[label][key] for key in subset} == subset
        assert held[label]["variant"] == "unofficial"
        known = MTEB_TASKS[label.partition("/")[0]]
        assert held[label]["origin"] == f"{known.repo}@{known.revision}"
    for name, subset in (("miracl", "sw"), ("miracl-hard-negatives", "sw"), ("neuclir-2022-monolingual", "rus")):
        repo = hub.repo(MTEB_TASKS[name].repo)
        assert repo
        own = {path for path in repo.files if path.startswith(f"{subset}-")} | {"README.md"}
        assert set(hub.fetched(repo.id)) == own
    first = {label: (row["metrics"], row["counts"]) for label, row in results.items()}

    hub.forget()
    assert scores(harness(*_RUN, ",".join(MTEB))) == first
    assert hub.requests == []

    hub.close()
    assert scores(harness(*_RUN, ",".join(MTEB), HF_HUB_OFFLINE="1")) == first
    # Without our own copies the cache of `datasets` serves as well, and what is in neither is one sentence.
    shutil.rmtree(tmp_path / "cache")
    assert scores(harness(*_RUN, "neuclir-2022-monolingual/ru", HF_HUB_OFFLINE="1")) == {
        "neuclir-2022-monolingual/ru": first["neuclir-2022-monolingual/ru"]
    }
    assert complaint(harness(*_RUN, "neuclir-2022-monolingual/fa", HF_HUB_OFFLINE="1")) == (
        "harness: error: dataset mteb/NeuCLIR2022Retrieval at revision 95cad867 is not in the cache and cannot be "
        "fetched\n"
        "  Once, without HF_HUB_OFFLINE: harness data fetch neuclir-2022-monolingual/fa"
    )


def test_another_revision_in_the_cache_of_datasets_is_not_taken(
    hub: HubEmulator, harness: Run, run_with_hub: Run
) -> None:
    """`datasets` without a connection takes the latest revision that it has; the harness only the pinned one."""
    other = hub.add(miniatures.neuclir("f" * 40))
    script = f"""
from datasets import load_dataset
for kind in ("corpus", "queries", "qrels"):
    load_dataset("{other.id}", f"rus-{{kind}}", split="test", revision="{other.commit}")
"""
    assert run_with_hub(script).returncode == 0
    hub.close()
    said = complaint(harness(*_RUN, "neuclir-2022-monolingual/ru", HF_HUB_OFFLINE="1"))
    assert "mteb/NeuCLIR2022Retrieval at revision 95cad867 is not in the cache" in said


def test_mteb_has_what_the_harness_has(hub: HubEmulator, run_with_hub: Run) -> None:
    """Names, repositories and revisions are mteb's, and so is every query, judgement and passage."""
    published.mteb_copies(hub)
    script = f"""
import json, mteb
from harness.sources import open_source
from harness.sources.hub.mteb_tasks import MTEB_TASKS
from harness.tasks.selection import Selection, select

pins = {{}}
for name, known in MTEB_TASKS.items():
    metadata = mteb.get_task(known.name).metadata
    pins[name] = [metadata.dataset["path"], metadata.dataset["revision"], sorted(metadata.eval_splits)]
source = open_source("hub")
same = []
for selected in select(source.tasks(), Selection(tasks={MTEB!r})):
    known = MTEB_TASKS[selected.task.name]
    subset = known.subset(selected.subset.name)
    task = mteb.get_task(known.name, hf_subsets=[subset])
    task.load_data()
    data = task.dataset[subset][selected.split]
    held = source.load(selected)
    ours = {{q: dict(grades) for q, grades in held.qrels.items()}}
    same += [
        selected.label,
        [row["id"] for row in data["corpus"]] == list(held.corpus.column("id")),
        [row["title"] for row in data["corpus"]] == list(held.corpus.column("title")),
        [row["text"] for row in data["corpus"]] == list(held.corpus.column("text")),
        {{row["id"]: row["text"] for row in data["queries"]}} == dict(zip(held.queries.ids, held.queries.texts)),
        data["relevant_docs"] == ours,
        subset in {{s for s in mteb.get_task(known.name).hf_subsets}},
    ]
print()
print(json.dumps([pins, same]))
"""
    process = run_with_hub(script, timeout=300)
    assert process.returncode == 0, process.stderr
    pins, same = json.loads(process.stdout.splitlines()[-1])
    assert pins == {
        name: [known.repo, known.revision, ["test" if name.startswith("neuclir") else "dev"]]
        for name, known in MTEB_TASKS.items()
    }
    assert [value for value in same if isinstance(value, str)] == list(MTEB)
    assert [value for value in same if not isinstance(value, str)] == [True] * 6 * len(MTEB)


def test_mteb_repositories_that_cannot_be_read(hub: HubEmulator, run_with_hub: Run) -> None:
    """Gated, at another revision, not there at all: a sentence each, with what to do, and no token in it."""
    gated = miniatures.neuclir()
    hub.add(Repo(gated.id, gated.commit, gated.files, gated=True, token="hf_secret_other"))
    hub.add(miniatures.miracl_hard_negatives("e" * 40))
    tasks = ["neuclir-2022-monolingual/ru", "miracl-hard-negatives/sw", "miracl/sw"]
    script = f"""
import sys
from harness.cli.main import main
for task in {tasks}:
    print(task, main(["run", "--encoder", "hashing", "--source", "hub", "--tasks", task]))
    print("@@", file=sys.stderr)
"""
    process = run_with_hub(script, timeout=300, HF_TOKEN="hf_secret_mine")
    assert process.stdout.split() == [word for task in tasks for word in (task, "4")]
    said = [part[part.index("harness: error: ") :].strip() for part in process.stderr.split("@@")[:3]]
    assert said[0] == (
        "harness: error: dataset mteb/NeuCLIR2022Retrieval is gated\n  Accept its terms at "
        "https://huggingface.co/datasets/mteb/NeuCLIR2022Retrieval, then log in: hf auth login"
    )
    assert said[1].startswith(
        "harness: error: dataset mteb/MIRACLRetrievalHardNegatives at revision d7d94fa4 does not exist any more"
    )
    assert said[2].startswith("harness: error: dataset mteb/MIRACLRetrieval does not exist, or is private\n")
    assert "If you have access to it: hf auth login" in said[2]
    assert "Traceback" not in process.stderr
    assert "hf_secret" not in process.stderr + process.stdout


_CORPUS = "passages-v1.0/swahili_passages.jsonl"
_TOPICS = "ciral-swahili/topics/topics.ciral-v1.0-sw-test-b.tsv"


def _gated(hub: HubEmulator) -> None:
    repo = miniatures.ciral_corpus(published.commit("ciral/en-sw", "corpus"))
    hub.add(Repo(repo.id, repo.commit, repo.files, gated=True, token="hf_secret_other"))


def _private(hub: HubEmulator) -> None:
    repo = miniatures.ciral_corpus(published.commit("ciral/en-sw", "corpus"))
    hub.add(Repo(repo.id, repo.commit, repo.files, token="hf_secret_other"))


def _moved(hub: HubEmulator) -> None:
    hub.add(miniatures.ciral_corpus("e" * 40))


def _without_file(hub: HubEmulator) -> None:
    repo = miniatures.ciral_corpus(published.commit("ciral/en-sw", "corpus"))
    hub.add(Repo(repo.id, repo.commit, {"README.md": b""}))


def _refused(hub: HubEmulator) -> None:
    hub.fail(_CORPUS, 418, times=100)


@pytest.mark.parametrize(
    ("spoil", "said", "hint"),
    [
        (_gated, "dataset CIRAL/ciral-corpus is gated", "then log in: hf auth login"),
        (_private, "dataset CIRAL/ciral-corpus does not exist, or is private", "hf auth login"),
        (_moved, "does not exist any more", "pip install --upgrade lamir-harness"),
        (_without_file, "does not have the file that is needed: ", "pip install --upgrade"),
        (_refused, "could not be fetched: the hub answers 418", "harness data fetch ciral/en-sw"),
    ],
    ids=["gated", "private", "moved", "without the file", "refused"],
)
def test_a_file_of_the_hub_that_cannot_be_read(
    spoil: Callable[[HubEmulator], None], said: str, hint: str, hub: HubEmulator, web: Web, harness: Run, tmp_path: Path
) -> None:
    """One sentence with what to do, before anything is encoded; tokens stay unsaid; mended, the same command works."""
    wanted = next(make() for make in published.FILES if make.__name__ == "_ciral")
    wanted.put(hub, web)
    spoil(hub)
    process = harness(*_RUN, wanted.label, HF_TOKEN="hf_secret_mine")
    first, *rest = complaint(process).splitlines()
    assert first.startswith("harness: error: ")
    assert said in first
    assert hint in "".join(rest)
    assert len(rest) <= 1
    assert "hf_secret" not in process.stderr + process.stdout
    assert not (tmp_path / "results").exists()
    hub.forget()
    wanted.put(hub, web)
    assert list(scores(harness(*_RUN, wanted.label))) == [wanted.label]
    assert hub.fetched("CIRAL/ciral") == {}, "topics and judgements were there already"


def test_errors_that_pass_are_waited_for(hub: HubEmulator, web: Web, harness: Run) -> None:
    """A server error and a broken connection on the hub, and a broken connection to the web, cost a second attempt."""
    wanted = next(make() for make in published.FILES if make.__name__ == "_africlirmatrix")
    wanted.put(hub, web)
    corpus = next(iter(wanted.fetched["castorini/africlirmatrix"]))
    hub.fail(corpus, 503, method="HEAD")
    hub.drop_after(corpus, 100)
    for page in web.pages.values():
        page.drops.append(5)
    result = scores(harness(*_RUN, wanted.label))
    assert result[wanted.label][1]["passages"] == len(wanted.passages)
    assert [asked.range for asked in web.asked] == [None, "bytes=5-"] * 2


def test_a_cold_cache_offline(hub: HubEmulator, web: Web, harness: Run) -> None:
    """One sentence with the command that fixes it, for files of the hub and of the web; nothing is asked."""
    for make, name in (("_ciral", "dataset CIRAL/ciral at revision"), ("_afriqa", "https://raw.githubusercontent.com")):
        wanted = next(one() for one in published.FILES if one.__name__ == make)
        wanted.put(hub, web)
        said = complaint(harness(*_RUN, wanted.label, HF_HUB_OFFLINE="1"))
        assert said.startswith(f"harness: error: {name}")
        assert said.endswith(
            " is not in the cache and cannot be fetched\n"
            f"  Once, without HF_HUB_OFFLINE: harness data fetch {wanted.label}"
        )
    assert (hub.requests, web.asked) == ([], [])


_SHARDS = """
import json, sys
from pathlib import Path
from harness._util.progress import NO_PROGRESS
from harness.errors import DataError
from harness.sources.hub.fetch import Fetcher
from harness.sources.official.layout import HubFile, Part

part = Part("corpus", ("docs-[0-9]*.jsonl*",), ({origins}), many=True)
fetcher = Fetcher(Path("cache"), NO_PROGRESS)
before = len(fetcher.cached_part(part))
try:
    files = fetcher.fetch(part, "miracl/sw")
    said = None
except DataError as error:
    files, said = (), error.message
print(json.dumps([before, [file.name for file in files], said, [file.open().read().hex() for file in files]]))
"""


def test_shards_are_all_there_or_none(hub: HubEmulator, run_with_hub: Run) -> None:
    """A fetch that stops between two shards leaves nothing that looks complete, and goes on with what it has.

    A gated first origin of which shards are in the cache is passed over for one that can be read.
    """
    repo = hub.add(miniatures.miracl_corpus())
    hub.page = 5
    pattern = "miracl-corpus-v1.0-sw/docs-[0-9]*.jsonl.gz"
    origin = f'HubFile("{repo.id}", "{repo.commit}", "{pattern}")'
    script = _SHARDS.format(origins=f"{origin},")
    hub.fail("miracl-corpus-v1.0-sw/docs-7.jsonl.gz", 404, times=100)

    def run(source: str, **variables: str) -> Any:
        process = run_with_hub(source, **variables)
        assert process.returncode == 0, process.stderr
        return json.loads(process.stdout)

    before, names, said, _ = run(script)
    assert (before, names) == (0, [])
    assert said.endswith("could not be fetched: the hub answers 404 Not Found")
    fetched = set(hub.fetched(repo.id))
    assert 0 < len(fetched) < 11
    assert run(script, HF_HUB_OFFLINE="1")[:2] == [0, []]

    gated = Repo(repo.id, repo.commit, repo.files, gated=True, token="hf_t")
    hub.forget()
    hub.add(gated)
    assert run(script)[2] == "dataset miracl/miracl-corpus is gated"
    clone = hub.add(Repo("tester/clone", "a" * 40, repo.files))
    both = _SHARDS.format(origins=f'{origin}, HubFile("{clone.id}", "{clone.commit}", "{pattern}")')
    before, names, said, contents = run(both)
    expected = [f"miracl-corpus-v1.0-sw/docs-{number}.jsonl.gz" for number in range(11)]  # 10 comes after 9
    assert (before, names, said) == (0, expected, None)
    assert contents == [repo.files[path].hex() for path in expected]

    hub.forget()
    before, names, said, _ = run(script, HF_TOKEN="hf_t")
    assert (before, names, said) == (0, expected, None)
    assert set(hub.fetched(repo.id)) == set(expected) - fetched
    hub.close()
    assert run(script, HF_HUB_OFFLINE="1")[:3] == [11, expected, None]


def test_names_that_lead_elsewhere_are_not_followed(hub: HubEmulator, run_with_hub: Run, tmp_path: Path) -> None:
    """A listing is not trusted: only files of the folder itself are shards."""
    folder = "miracl-corpus-v1.0-sw"
    files = {f"{folder}/docs-0.jsonl.gz": b"good", f"{folder}/../../../docs-1.jsonl.gz": b"evil"}
    repo = hub.add(Repo("tester/evil", "a" * 40, files))
    origin = f'HubFile("{repo.id}", "{repo.commit}", "{folder}/docs-[0-9]*.jsonl.gz"),'
    process = run_with_hub(_SHARDS.format(origins=origin))
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout)[1] == [f"{folder}/docs-0.jsonl.gz"]
    assert not list(tmp_path.rglob("docs-1*"))


def test_a_damaged_archive_is_fetched_again(hub: HubEmulator, web: Web, harness: Run, tmp_path: Path) -> None:
    """What comes damaged is not kept; what was damaged in the cache is replaced."""
    wanted = next(make() for make in published.FILES if make.__name__ == "_xtreme_up")
    wanted.put(hub, web)
    (page,) = web.pages.values()
    whole = page.data
    page.data = whole[:-40]
    said = complaint(harness(*_RUN, wanted.label))
    assert said == (
        f"harness: error: {wanted.pages[0]}: a damaged archive is what came\n  Again: harness data fetch {wanted.label}"
    )
    page.data, page.etag = whole, '"whole"'
    assert list(scores(harness(*_RUN, wanted.label))) == [wanted.label]
    (archive,) = (tmp_path / "cache" / "downloads").rglob("*.tgz")
    archive.write_bytes(whole[:-40])
    shutil.rmtree(tmp_path / "cache" / "archives")
    assert list(scores(harness(*_RUN, wanted.label))) == [wanted.label]
    assert archive.read_bytes() == whole


def test_an_archive_without_the_file_is_not_fetched_again(hub: HubEmulator, web: Web, harness: Run) -> None:
    """It is whole and another file's: fetching it again would change nothing."""
    wanted = next(make() for make in published.FILES if make.__name__ == "_xtreme_up")
    web.put(wanted.pages[0], published.tar({"other/readme.txt": b"hello"}))
    for _ in range(2):
        assert "the archive has no " in complaint(harness(*_RUN, wanted.label))
    assert len(web.fetched()) == 1


def test_a_killed_fetch_goes_on(hub: HubEmulator, web: Web, harness: Run, hub_home: Path, tmp_path: Path) -> None:
    """What a killed process has left does not look complete, and only what is missing is fetched."""
    wanted = next(make() for make in published.FILES if make.__name__ == "_mkqa")
    wanted.put(hub, web)
    page = web.pages[wanted.pages[1][len("https:/") :]]
    page.stalls.append(50)
    command = [sys.executable, "-m", "harness", "data", "fetch", wanted.label]
    variables = hub.environment(hub_home, HARNESS_WEB_MIRROR=web.address)
    with subprocess.Popen(command, env=variables, cwd=tmp_path, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not [path for path in tmp_path.rglob("*.part") if path.stat().st_size == 50]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.kill()
    page.over.set()
    listed = json.loads(harness("data", wanted.label, "--json").stdout)["items"]
    assert [(item["part"], bool(item["found"])) for item in listed] == [
        ("corpus", False), ("queries", True), ("qrels", True)
    ]  # fmt: skip
    done = harness("data", "fetch", wanted.label, "--json")
    assert done.returncode == 0, done.stderr
    assert [(asked.range, asked.status) for asked in web.asked if asked.path.endswith("psgs_w100.tsv.gz")] == [
        (None, 200), ("bytes=50-", 206)
    ]  # fmt: skip


def test_fetch_list_and_verify(hub: HubEmulator, web: Web, harness: Run) -> None:
    """What `fetch` brings `list` shows, with sizes, and `verify` reads without a connection."""
    wanted = [next(make() for make in published.FILES if make.__name__ == name) for name in ("_ciral", "_afriqa")]
    for each in wanted:
        each.put(hub, web)
    repo = hub.repo("CIRAL/ciral-corpus")
    assert repo
    labels = [each.label for each in wanted]
    done = harness("data", "fetch", *labels, "--json")
    assert done.returncode == 0, done.stderr
    rows = {row["subset"]: row for row in json.loads(done.stdout)["fetched"]}
    assert {label: (len(row["files"]), row["error"]) for label, row in rows.items()} == {
        "ciral/en-sw": (3, None), "afriqa/sw-en": (1, None)
    }  # fmt: skip
    hub.close()
    web.shutdown()
    items = json.loads(harness("data", *labels, "--json", HF_HUB_OFFLINE="1").stdout)["items"]
    assert {path for item in items for path in item["found"]} == {
        path for row in rows.values() for path in row["files"]
    }
    (corpus,) = (item for item in items if (item["task"], item["part"]) == ("ciral", "corpus"))
    assert corpus["size"] == len(repo.files[_CORPUS])
    assert corpus["origins"] == [f"CIRAL/ciral-corpus@{repo.commit[:8]}:{_CORPUS}"]
    shown = harness("data", *labels).stdout
    assert "2 of 2 subsets are complete here." in shown
    assert "Fetched files are in " in shown
    done = harness("data", "verify", "--json", HF_HUB_OFFLINE="1")
    assert done.returncode == 1
    checks = [(row["subset"], row["what"], row["status"]) for row in json.loads(done.stdout)["checks"]]
    assert ("ciral/en-sw", "passages", "differs") in checks
    assert ("afriqa/sw-en", "passages", "unknown") in checks
    assert {status for *_, status in checks} == {"differs", "unknown"}


def test_fetching_some_and_none(hub: HubEmulator, web: Web, harness: Run) -> None:
    """Exit code 1 and a line for each that failed; 4 when nothing could be fetched; in both cases no traceback."""
    wanted = next(make() for make in published.FILES if make.__name__ == "_ciral")
    wanted.put(hub, web)
    done = harness("data", "fetch", "ciral/en-sw", "ciral/en-ha")
    assert (done.returncode, done.stdout.strip()) == (1, "1 of 2 subsets are complete.")
    assert "ciral/en-sw: complete" in done.stderr
    assert "ciral/en-ha: dataset CIRAL/ciral at revision" in done.stderr
    assert "Traceback" not in done.stderr
    done = harness("data", "fetch", "ciral/en-ha", "--json")
    (row,) = json.loads(done.stdout)["fetched"]
    assert (done.returncode, row["files"]) == (4, [])
    assert "does not have the file that is needed" in row["error"]
