"""Wikipedia in passages of 100 words, one a line, `id<TAB>text<TAB>title`: what open-retrieval benchmarks search.

Two kinds of such files go round under the same names. DPR's `psgs_w100.tsv` has a header and was written by Python's
csv module, so a field with a quote in it stands in quotes, its own quotes doubled; others have no header, or are
written without any quoting. Reading either kind as the other changes texts without a word, so the file itself has to
say which it is, by its first lines with quotes in them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from harness._util.lines import LONGEST_LINE, Readable, read_lines, read_quoted_tab_separated, read_tab_separated
from harness.errors import DataError
from harness.sources.corpus_cache import Passage
from harness.sources.official.layout import Advance
from harness.sources.official.trec_files import read_json_passages
from harness.sources.tree import TreeFile

#: The part of a corpus key that stands for this reader: tasks that search the same file share what it becomes.
W100_KEY = "w100-1"

_COLUMNS = ("id", "text", "title")
#: Lines with quotes that are looked at: every fourth passage of Wikipedia has some, and one line is mostly enough.
_ENOUGH = 200


def read_w100(files: Sequence[TreeFile], advance: Advance) -> Iterator[Passage]:
    """The passages of `files`: tab-separated in either way, with or without a header, or JSON lines.

    Raises DataError with file and line.
    """
    for file in files:
        if ".jsonl" in file.name.rpartition("/")[2]:
            yield from read_json_passages([file], advance)
        else:
            yield from _read_tsv(file, advance)


def _read_tsv(file: TreeFile, advance: Advance) -> Iterator[Passage]:
    read = read_quoted_tab_separated if written_by_csv(file) else read_tab_separated
    first = True
    for number, (name, text, title) in read(file, _COLUMNS, advance):
        where = f"{file}:{number}"
        if first and name == "id":
            if (name, text, title) != _COLUMNS:
                raise DataError(f"{where}: columns {name}, {text}, {title} where {', '.join(_COLUMNS)} are expected")
        elif not name.strip() or name == "id" or name.startswith('"'):
            raise DataError(f"{where}: {name!r:.80} is no passage id")
        elif not text.strip():
            raise DataError(f"{where}: empty text")
        else:
            yield Passage(name, title, text, file, number)
        first = False


def written_by_csv(file: Readable) -> bool:
    """True when quotes in `file` are csv's and not the text's own.

    The csv module writes no field with a bare quote in it, so in a file that it wrote every line with quotes reads back
    and is written again as it was; in a file without quoting next to none does. The majority decides, because a
    text may by chance look as if it was quoted, and a quoted one may run over two lines or be cut off; a tie is csv's.
    """
    quoted = bare = 0
    for _, line in read_lines(file):
        if '"' not in line:
            continue
        if _reads_back(line):
            quoted += 1
        else:
            bare += 1
        if quoted + bare >= _ENOUGH:
            break
    return quoted > 0 and quoted >= bare


def _reads_back(line: str) -> bool:
    previous = csv.field_size_limit(LONGEST_LINE)
    try:
        fields = next(csv.reader([line], delimiter="\t", strict=True))
    except csv.Error:
        return False
    finally:
        csv.field_size_limit(previous)
    if len(fields) != len(_COLUMNS):
        return False
    all_quoted = [_quoted(field) for field in fields]
    minimal = [quoted if set(field) & set('"\t\r') else field for field, quoted in zip(fields, all_quoted, strict=True)]
    but_the_id = [fields[0], *all_quoted[1:]]
    return line in ("\t".join(style) for style in (minimal, all_quoted, but_the_id))


def _quoted(field: str) -> str:
    return '"' + field.replace('"', '""') + '"'
