"""Miniatures of the dataset repositories that the benchmarks come from: their layout, with a few texts of our own.

Every function returns one repository. `TEXTS` holds what went in, for tests to compare with. The loading scripts that
some of the repositories carry are left out: `datasets` does not run them any more.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from .emulator import Repo

TOKEN = "hf_miniature"


Rows = Sequence[Mapping[str, Any]]


class Passage(NamedTuple):
    """One unit of retrieval."""

    id: str
    title: str
    text: str


class Subset(NamedTuple):
    """One language: its passages, its queries and what is relevant to them."""

    passages: tuple[Passage, ...]
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]


TEXTS: dict[str, Subset] = {
    "ar": Subset(
        (
            Passage("7#0", "ماء", "الماء مادّةٌ شفافة عديمة اللون والرائحة، وهو المكوّن الأساسي للجداول والبحيرات."),
            Passage("7#1", "ماء", "يتجمد الماء عند درجة صفر مئوية (٠°م)، ويغلي عند ١٠٠°م."),
            Passage("1011#0", "", "القاهرة هي عاصمة جمهورية مصر العربية.\nتقع على ضفاف نهر النيل."),
            Passage("1011#12", "القاهرة", "تأسست المدينة سنة ٩٦٩م."),
        ),
        {"0": "ما هي عاصمة مصر؟", "12": "متى يتجمد الماء؟"},
        {"0": {"1011#0": 1, "1011#12": 0}, "12": {"7#1": 1, "7#0": 0}},
    ),
    "sw": Subset(
        (
            Passage("2#0", "Ziwa Viktoria", "Ziwa Viktoria ni ziwa kubwa kuliko yote barani Afrika."),
            Passage("2#1", "Ziwa Viktoria", "Maji yake hutoka kwa mto Kagera;\nyanaelekea mto Nile."),
            Passage("35#0", "", "Nairobi ni mji mkuu wa Kenya, na ng'ambo yake iko mbuga ya wanyama."),
            Passage("35#1", "Nairobi", 'Jina linatokana na maneno ya Kimaasai "Enkare Nairobi", yaani maji baridi.'),
            Passage("410#3", "Mlima Kilimanjaro", "Kilele cha Kibo kina urefu wa mita 5,895 juu ya UB."),
        ),
        {"6": "Mji mkuu wa Kenya ni upi?", "18": "Ziwa kubwa Afrika ni lipi?", "107": "Kilimanjaro una urefu gani?"},
        {"6": {"35#0": 1, "35#1": 0}, "18": {"2#0": 1, "2#1": 1}, "107": {"410#3": 1}},
    ),
    "te": Subset(
        (
            Passage("5#0", "గోదావరి", "గోదావరి నది భారతదేశంలో రెండవ పొడవైన నది."),
            Passage("5#1", "గోదావరి", "ఇది త్ర్యంబకేశ్వర్ వద్ద పుట్టి,\n\nబంగాళాఖాతంలో కలుస్తుంది."),
            Passage("88#0", "", "హైదరాబాదు తెలంగాణ రాజధాని."),
        ),
        {"3": "తెలంగాణ రాజధాని ఏది?", "40": "గోదావరి ఎక్కడ\u200c పుట్టింది?\u200b"},
        {"3": {"88#0": 1}, "40": {"5#1": 1, "5#0": 0}},
    ),
    "th": Subset(
        (
            Passage("1#0", "กรุงเทพมหานคร", "กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย มีแม่น้ำเจ้าพระยาไหลผ่าน"),
            Passage("1#1", "", "เมืองนี้ก่อตั้งเมื่อ พ.ศ. ๒๓๒๕"),
            Passage("9#4", "ข้าว", "ข้าวเป็นธัญพืชที่ปลูกมากในเอเชีย\nและเป็นอาหารหลัก"),
        ),
        {"1": "เมืองหลวงของไทยคืออะไร", "22": "ข้าวปลูกที่ไหน"},
        {"1": {"1#0": 1, "1#1": 0}, "22": {"9#4": 1}},
    ),
    "yo": Subset(
        (
            Passage("3#0", "Ìbàdàn", "Ìbàdàn jẹ́ olú-ìlú ìpínlẹ̀ Ọ̀yọ́ ní orílẹ̀-èdè Nàìjíríà."),
            Passage("3#1", "Ìbàdàn", "Ọ̀pọ̀lọpọ̀ àwọn ènìyàn ibẹ̀ ń sọ èdè Yorùbá.\nÀwọn mìíràn ń sọ Gẹ̀ẹ́sì."),
            Passage("64#2", "", "Ẹ̀gúsí jẹ́ oúnjẹ tí wọ́n fi ń se ọbẹ̀."),
        ),
        {
            "10055536#0": "Kí ni olú-ìlú ìpínlẹ̀ Ọ̀yọ́?",
            "9#0": "Ki\u0301 ni wo\u0323\u0301n fi n\u0301 se o\u0323be\u0323\u0300?",
        },
        {"10055536#0": {"3#0": 1, "3#1": 0}, "9#0": {"64#2": 1}},
    ),
}

_MR_TYDI = {"ar": "arabic", "sw": "swahili", "te": "telugu", "th": "thai"}
_CIRAL = {"sw": "swahili", "yo": "yoruba"}
_BELEBELE = {"ar": "arb_Arab", "sw": "swh_Latn", "yo": "yor_Latn"}


def _some(*languages: str) -> dict[str, Subset]:
    """The texts of some languages."""
    return {lang: TEXTS[lang] for lang in languages}


def _row(passage: Passage) -> dict[str, str]:
    """A passage as the castorini and miracl corpora have it."""
    return {"docid": passage.id, "title": passage.title, "text": passage.text}


def _corpus(lang: str, part: slice = slice(None)) -> bytes:
    """The passages of a language as gzipped JSON lines."""
    return jsonl(map(_row, TEXTS[lang].passages[part]), zipped=True)


def _split(lang: str, split: str, *, positives: bool = False) -> Subset:
    """The queries of a language as one split has them: in dev all of them, elsewhere one, under another number."""
    subset = TEXTS[lang]
    judged = {q: {p: s for p, s in grades.items() if s or not positives} for q, grades in subset.qrels.items()}
    if split == "dev":
        return subset._replace(qrels=judged)
    mark = {"train": "7", "test": "8", "test-a": "8", "test-b": "9"}[split]
    first = next(iter(subset.queries))
    return subset._replace(queries={mark + first: subset.queries[first]}, qrels={mark + first: judged[first]})


def parquet(rows: Rows) -> bytes:
    """Rows as a parquet file."""
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), buffer)
    return buffer.getvalue()


def jsonl(rows: Iterable[Mapping[str, Any]], *, zipped: bool = False) -> bytes:
    """Rows as JSON lines, gzipped if asked for; the same rows always give the same bytes."""
    data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    return gzip.compress(data, mtime=0) if zipped else data


def tsv(rows: Iterable[Iterable[object]]) -> bytes:
    """Rows of tab-separated fields."""
    return "".join("\t".join(map(str, row)) + "\n" for row in rows).encode()


def topics(subset: Subset) -> bytes:
    """The queries as the official TSV has them."""
    return tsv(subset.queries.items())


def trec_qrels(subset: Subset) -> bytes:
    """The judgements as the official files have them: tabs between query, Q0, passage and grade."""
    return tsv((q, "Q0", p, grade) for q, grades in subset.qrels.items() for p, grade in grades.items())


def data_repo(repo_id: str, commit: str, configs: Mapping[str, Mapping[str, tuple[Mapping[str, bytes], Rows]]]) -> Repo:
    """A repository whose README.md names the files of every configuration, as `push_to_hub` writes it.

    `configs` gives each name its splits, and each split its files with the rows that they hold. The card says how
    many rows there are, and `datasets` checks it.
    """
    infos: list[str] = []
    lines: list[str] = []
    files: dict[str, bytes] = {}
    for name, splits in configs.items():
        lines += [f"- config_name: {name}", "  data_files:"]
        infos += [f"- config_name: {name}", "  features:"]
        for column, value in next(iter(splits.values()))[1][0].items():
            infos += [f"  - name: {column}", f"    dtype: {'int64' if isinstance(value, int) else 'string'}"]
        infos.append("  splits:")
        total = 0
        for split, (parts, rows) in splits.items():
            files.update(parts)
            size = sum(map(len, parts.values()))
            total += size
            infos += [f"  - name: {split}", f"    num_bytes: {size}", f"    num_examples: {len(rows)}"]
            path = next(iter(parts))
            pattern = f"{path.partition('/')[0]}/{split}-*" if path.endswith(".parquet") else path
            lines += [f"  - split: {split}", f"    path: {pattern}"]
        infos += [f"  download_size: {total}", f"  dataset_size: {total}"]
    card = "\n".join(["---", "dataset_info:", *infos, "configs:", *lines, "---", f"# {repo_id}", ""])
    return Repo(repo_id, commit, {"README.md": card.encode(), **files})


def mteb_repo(
    repo_id: str,
    commit: str,
    subsets: Mapping[str, Subset],
    *,
    split: str,
    corpus_split: str | None = None,
    more_splits: Sequence[str] = (),
    shards: int = 1,
    lines: bool = False,
) -> Repo:
    """A repository in mteb's format: three configurations for each subset, `<subset>-corpus`, `-queries`, `-qrels`.

    Files are parquet (the corpora in `shards` parts), or with `lines` JSON lines under gzip. Queries and judgements
    are in `split`; those of `more_splits` are the first query alone.
    """

    def files(config: str, split: str, rows: Rows, parts: int) -> tuple[Mapping[str, bytes], Rows]:
        if lines:
            return {f"{config}/{split}.jsonl.gz": jsonl(rows, zipped=True)}, rows
        size = -(-len(rows) // parts)
        names = [f"{config}/{split}-{i:05}-of-{parts:05}.parquet" for i in range(parts)]
        return {name: parquet(rows[i * size : (i + 1) * size]) for i, name in enumerate(names)}, rows

    configs: dict[str, dict[str, tuple[Mapping[str, bytes], Rows]]] = {}
    for name, subset in subsets.items():
        corpus, queries, qrels = (f"{name}-{kind}" for kind in ("corpus", "queries", "qrels"))
        passages = [{"_id": p.id, "title": p.title, "text": p.text} for p in subset.passages]
        configs |= {corpus: {}, queries: {}, qrels: {}}
        configs[corpus][corpus_split or split] = files(corpus, corpus_split or split, passages, shards)
        for its in (*more_splits, split):
            asked = [{"_id": q, "text": text} for q, text in subset.queries.items()]
            asked = asked if its == split else asked[:1]
            judged = [
                {"query-id": q["_id"], "corpus-id": p, "score": s}
                for q in asked
                for p, s in subset.qrels[q["_id"]].items()
            ]
            configs[queries][its] = files(queries, its, asked, 1)
            configs[qrels][its] = files(qrels, its, judged, 1)
    return data_repo(repo_id, commit, configs)


def miracl(commit: str = "9c09abc13478308c27598f350e31d8f06b9b5481") -> Repo:
    """mteb/MIRACLRetrieval, at the revision that mteb pins; the corpora in two shards."""
    return mteb_repo("mteb/MIRACLRetrieval", commit, _some("ar", "sw", "yo"), split="dev", shards=2)


def miracl_hard_negatives(commit: str = "d7d94fa4b946cec4a27c84653aa0cf6b33f74a3c") -> Repo:
    """mteb/MIRACLRetrievalHardNegatives, at the revision that mteb pins."""
    return mteb_repo("mteb/MIRACLRetrievalHardNegatives", commit, _some("sw", "te", "th"), split="dev")


def mr_tydi(commit: str = "fc24a3ce8f09746410daee3d5cd823ff7a0675b7") -> Repo:
    """mteb/mrtidy, at the revision that mteb pins: languages by name, corpora in the split train."""
    subsets = {_MR_TYDI[lang]: TEXTS[lang] for lang in ("sw", "te", "th")}
    more = ("train", "dev")
    return mteb_repo("mteb/mrtidy", commit, subsets, split="test", corpus_split="train", more_splits=more)


def neuclir(commit: str = "95cad8671c1c31908766a689755c307f4770411f") -> Repo:
    """mteb/NeuCLIR2022Retrieval, at the revision that mteb pins; as JSON lines under gzip, to have that as well."""
    news = Subset(
        (
            Passage("e0c3a1d2-4b5f", "Новости", "Совет одобрил бюджет на 2022 год."),
            Passage("00017", "", "Учёные нашли новый вид рыб\nв озере Байкал."),
            Passage("9f31", "Погода", "В Москве ожидается снег."),
        ),
        {"114": "новый вид рыб в озере Байкал", "158": "принятие бюджета"},
        {"114": {"00017": 3, "9f31": 0}, "158": {"e0c3a1d2-4b5f": 1}},
    )
    return mteb_repo("mteb/NeuCLIR2022Retrieval", commit, {"rus": news}, split="test", lines=True)


def mkqa(commit: str = "3e069e7a30079d214a859741f5a0de75cf878867") -> Repo:
    """mteb/MKQARetrieval, at the revision that mteb pins."""
    return mteb_repo("mteb/MKQARetrieval", commit, _some("ar", "th"), split="train")


def belebele(commit: str = "979a211276faa22f671e69d096634193567cfd05", repo_id: str = "mteb/belebele") -> Repo:
    """mteb/belebele, at the revision that mteb pins: one table of questions for each language variant."""
    configs = {}
    for lang, config in _BELEBELE.items():
        subset, rows = TEXTS[lang], []
        for number, (query, grades) in enumerate(subset.qrels.items(), 1):
            gold = next(p for p in subset.passages if grades.get(p.id))
            row: dict[str, Any] = {"link": f"https://en.wikinews.org/wiki/Miniature_{number}", "question_number": 1}
            row |= {"flores_passage": gold.text, "question": subset.queries[query]}
            row |= {f"mc_answer{i}": f"{i}." for i in range(1, 5)}
            rows.append({**row, "correct_answer_num": "1", "dialect": config, "ds": "May 3, 2023"})
        data = jsonl(rows).replace(b"/", b"\\/")  # as the files have it
        configs[config] = {"test": ({f"data/{config}.jsonl": data}, rows)}
    return data_repo(repo_id, commit, configs)


def facebook_belebele(commit: str = "75b399394a9803252cfec289d103de462763db7c") -> Repo:
    """facebook/belebele, which has the same files."""
    return belebele(commit, "facebook/belebele")


def castorini_mr_tydi(commit: str = "1d43c80218d06d0ef80f5b172ccabd848b948bc1") -> Repo:
    """castorini/mr-tydi: JSON lines for every split, and the TREC files; only train carries the passages' texts."""
    files = {}
    for lang in ("sw", "te", "th"):
        folder = f"mrtydi-v1.1-{_MR_TYDI[lang]}"
        for split in ("train", "dev", "test"):
            subset = _split(lang, split, positives=True)
            passages = {p.id: _row(p) for p in subset.passages}
            rows = []
            for query, grades in subset.qrels.items():
                row: dict[str, Any] = {"query_id": query, "query": subset.queries[query]}
                row["positive_passages"] = [passages[p] if split == "train" else {"docid": p} for p in grades]
                others = [passage for p, passage in passages.items() if p not in grades]
                rows.append({**row, "negative_passages": others if split == "train" else []})
            files[f"{folder}/{split}.jsonl.gz"] = jsonl(rows, zipped=True)
            files[f"{folder}/ir-format-data/topics.{split}.txt"] = topics(subset)
            files[f"{folder}/ir-format-data/qrels.{split}.txt"] = trec_qrels(subset)
    return Repo("castorini/mr-tydi", commit, files)


def castorini_mr_tydi_corpus(commit: str = "3a3aa212bbe94a8cc0dc858710a3dad49d532054") -> Repo:
    """castorini/mr-tydi-corpus: one gzipped file for each language."""
    files = {f"mrtydi-v1.1-{_MR_TYDI[lang]}/corpus.jsonl.gz": _corpus(lang) for lang in ("sw", "te", "th")}
    return Repo("castorini/mr-tydi-corpus", commit, files)


def miracl_official(commit: str = "5d8a2f3b4c6e7f8091a2b3c4d5e6f708192a3b4c") -> Repo:
    """miracl/miracl, gated, at a commit of our own: the splits test-a and test-b have topics and no judgements."""
    files = {}
    for lang in ("ar", "sw", "te", "th", "yo"):
        folder = f"miracl-v1.0-{lang}"
        for split in ("dev", "test-b") if lang == "yo" else ("train", "dev", "test-a", "test-b"):
            files[f"{folder}/topics/topics.{folder}-{split}.tsv"] = topics(_split(lang, split))
            if not split.startswith("test"):
                files[f"{folder}/qrels/qrels.{folder}-{split}.tsv"] = trec_qrels(_split(lang, split))
    return Repo("miracl/miracl", commit, files, gated=True, token=TOKEN)


def miracl_corpus(commit: str = "d921ec7e349ce0d28daf30b2da9da5ee698bef0d") -> Repo:
    """miracl/miracl-corpus: gzipped shards, numbered without zeros; Swahili has eleven, the others two."""
    files = {}
    for lang in ("ar", "te", "th", "yo"):
        for i, part in enumerate((slice(2), slice(2, None))):
            files[f"miracl-corpus-v1.0-{lang}/docs-{i}.jsonl.gz"] = _corpus(lang, part)
    swahili = TEXTS["sw"].passages
    more = [Passage(f"{900 + i}#0", "", f"Makala ya {i}.") for i in range(11 - len(swahili))]
    for i, passage in enumerate([*swahili, *more]):
        files[f"miracl-corpus-v1.0-sw/docs-{i}.jsonl.gz"] = jsonl([_row(passage)], zipped=True)
    return Repo("miracl/miracl-corpus", commit, files)


def ciral(commit: str = "1a46efc4d45d0e3756656695ed2994dfce9254fc") -> Repo:
    """CIRAL/ciral, with its oddities.

    English topics that end in a space, one of them quoted as in CSV, test-a without a last newline; judgements with
    a tab too many, and those of dev without a last newline.
    """
    english = {"sw": "What is the capital of Kenya? ", "yo": "What is the capital of Oyo State?"}
    files = {}
    for lang, name in _CIRAL.items():
        for split in ("dev", "test-a", "test-b"):
            subset = _split(lang, split)
            text = english[lang]
            if (lang, split) == ("yo", "test-b"):
                text = '"Who sings ""Twice as Tall""?"'
            lines = topics(subset._replace(queries=dict.fromkeys(subset.queries, text)))
            lines = lines.rstrip(b"\n") if split == "test-a" else lines
            files[f"ciral-{name}/topics/topics.ciral-v1.0-{lang}-{split}.tsv"] = lines
            judged = subset._replace(
                qrels={q: {f"VOA#{p}": s for p, s in grades.items()} for q, grades in subset.qrels.items()}
            )
            lines = trec_qrels(judged)
            if split == "test-a":
                files[f"ciral-{name}/qrels/qrels.ciral-v1.0-{lang}-test-a-pools.tsv"] = lines
            lines = lines.rstrip(b"\n") if split == "dev" else lines.replace(b"\n", b"\t\n", 1)
            files[f"ciral-{name}/qrels/qrels.ciral-v1.0-{lang}-{split}.tsv"] = lines
    return Repo("CIRAL/ciral", commit, files)


def ciral_corpus(commit: str = "cbaa143f9213f971b0692d00c8665187868842ae") -> Repo:
    """CIRAL/ciral-corpus: news passages as plain JSON lines, with the address that they are from."""
    files = {}
    for lang, name in _CIRAL.items():
        rows = [_row(p._replace(id=f"VOA#{p.id}")) | {"url": "https://example.org"} for p in TEXTS[lang].passages]
        files[f"passages-v1.0/{name}_passages.jsonl"] = jsonl(rows)
        translated = [{**row, "text": f"English of {row['docid']}"} for row in rows]
        files[f"translated-passages-v1.0/{name}_passages.jsonl"] = jsonl(translated)
    return Repo("CIRAL/ciral-corpus", commit, files)


def africlirmatrix(commit: str = "f94e826e12c3589ff908d338492211a4ebabe7a9") -> Repo:
    """castorini/africlirmatrix: corpora without titles (topics and judgements are on GitHub)."""
    files = {}
    for lang, name in _CIRAL.items():
        rows = [{"id": f"{62443 + i}", "contents": p.text} for i, p in enumerate(TEXTS[lang].passages)]
        files[f"africlirmatrix-v1.0-{name}/corpus.jsonl"] = jsonl(rows)
    return Repo("castorini/africlirmatrix", commit, files)


def afriqa(commit: str = "ad2551ec00aa33e358b045f5c26077bacf9628f9") -> Repo:
    """masakhane/afriqa: a loading script and no data (the questions are on GitHub)."""
    script = b"import datasets\n\nraise SystemExit('a loading script, which nobody is to run')\n"
    return Repo("masakhane/afriqa", commit, {"README.md": b"# AfriQA\n", "afriqa.py": script})


def afriqa_passages(commit: str = "6f33416ffe420b5c2f2ea0d9f36cb2b090c66483") -> Repo:
    """masakhane/afriqa_wiki_en_fr_100: Wikipedia in pieces of 100 words, with numbers for ids."""
    texts = {
        "english": [("Nairobi", "Nairobi Nairobi is the capital of Kenya."), ("Lake Victoria", "It feeds the Nile.")],
        "french": [("Porto-Novo", "Porto-Novo est la capitale du Bénin."), ("", "À l'ouest se trouve le Togo.")],
    }
    files = {}
    for language, passages in texts.items():
        rows = [{"docid": str(i), "text": text, "title": title} for i, (title, text) in enumerate(passages, 1)]
        files[f"masakhane_wiki_100-{language}/corpus.jsonl"] = jsonl(rows)
    return Repo("masakhane/afriqa_wiki_en_fr_100", commit, files)


ALL = (
    miracl, miracl_hard_negatives, mr_tydi, neuclir, mkqa, belebele, facebook_belebele, castorini_mr_tydi,
    castorini_mr_tydi_corpus, miracl_official, miracl_corpus, ciral, ciral_corpus, africlirmatrix, afriqa,
    afriqa_passages,
)  # fmt: skip
