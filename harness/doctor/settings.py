"""The variables that change what the harness does. No value that may be a key or a token is ever shown."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from harness.doctor.finding import Finding

_GROUP = "settings"

#: Every variable of our own command line, so that a misspelt one is found; a test compares it with the verbs.
KNOWN = frozenset(
    "HARNESS_" + name
    for name in (
        "ANSWERS CACHE CORPUS_FROM DEPTH DRY_RUN ENCODER FAIL_FAST JSON LANGUAGES LIMIT NO_PLUGINS OPTION OUTPUT "
        "OVERWRITE PASSAGE_TEMPLATE PER_QUERY QRELS RERANK RESULTS RUN SAMPLE SAMPLE_SEED SAVE_RUNS SOURCE SPLIT TASK "
        "TASKS TEST_DATA TRACEBACK WEB_MIRROR"
    ).split()
)

#: Others that change what a run does, or how fast.
_OTHERS = (
    "CUDA_VISIBLE_DEVICES",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "MKL_NUM_THREADS",
    "NO_COLOR",
    "NO_PROXY",
    "OMP_NUM_THREADS",
    "PYTHONHOME",
    "PYTHONPATH",
    "TOKENIZERS_PARALLELISM",
    "TRANSFORMERS_OFFLINE",
    "XDG_CACHE_HOME",
)
_PREFIXES = ("HARNESS_", "HF_", "HUGGINGFACE_", "HUGGING_FACE_")

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASS|AUTH|CREDENTIAL|COOKIE|BEARER", re.IGNORECASE)
#: Words that announce a secret, a user name in a URL, the prefixes that services give their keys, a UUID.
_SECRET_VALUE = re.compile(
    r"key|token|secret|passw|auth|credential|bearer|://[^/\s]*@|\b(hf_|sk-|pk-|ghp_|gho_|github_pat_|xox[abp]-|glpat-)\w"
    r"|\b[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\b",
    re.IGNORECASE,
)
#: A long run of letters with digits among them, as keys are and words are not.
_RANDOM = re.compile(r"(?=[A-Za-z_+=]*\d)(?=[\d_+=]*[A-Za-z])[A-Za-z0-9_+=]{20,}")


def findings(variables: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """One for each variable that is set, of those that matter; `variables` are the process's when None."""
    given = os.environ if variables is None else variables
    names = sorted(name for name in given if name.startswith(_PREFIXES) or name.upper() in _OTHERS)
    if not names:
        yield Finding(_GROUP, "variables", "none that matters is set")
    for name in names:
        shown = presentable(name, given[name])
        near = _meant(name)
        if near is not None:
            yield Finding(_GROUP, name, shown, "warning", f"Nothing reads it. Did you mean {near}?")
        else:
            yield Finding(_GROUP, name, shown)


def presentable(name: str, value: str) -> str:
    """`value`, or "set" where the name or the value looks like a secret."""
    if not value:
        return "empty"
    if _SECRET_NAME.search(name) or _SECRET_VALUE.search(value) or _RANDOM.search(value):
        return "set"
    return " ".join(value.split())


def _meant(name: str) -> str | None:
    """The variable that a misspelt one was probably meant to be. Plugins have variables of their own: no complaint."""
    if not name.startswith("HARNESS_") or name in KNOWN:
        return None
    near = get_close_matches(name, KNOWN, n=1, cutoff=0.88)
    return near[0] if near else None
