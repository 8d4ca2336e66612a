"""The conformance kit: each check fails on a model that breaks its rule, and on none that keeps it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.errors import UsageError
from harness.testing import CHECKS, Check, Subject, checks_for, run_checks
from harness.testing.checks import texts

from . import toy_configured, toy_encoders, toy_inputs, toy_rerankers, toy_searchers

Toy = Callable[..., Subject]

#: Checks that need a subprocess, options or a folder have tests of their own below.
_ELSEWHERE = {"light-import", "another-process", "unknown-option", "expected-failures", "loads"}
_FAST = [check for check in CHECKS if check.id not in ("light-import", "another-process")]


def _found(subject: Subject, status: str, checks: list[Check] | None = None) -> dict[str, str]:
    return {
        o.check.id: o.reason for o in run_checks(subject, _FAST if checks is None else checks) if o.status == status
    }


@pytest.mark.parametrize("kind", [*toy_encoders.TOYS, *toy_inputs.TOYS])
def test_encoder_fails_what_it_breaks(toy: Toy, kind: type[toy_encoders.Healthy]) -> None:
    """An encoder that breaks one rule fails the check of that rule and no other."""
    failed = _found(toy(kind), "failed")
    assert set(failed) == kind.breaks, failed


@pytest.mark.parametrize("kind", toy_searchers.TOYS)
def test_searcher_fails_what_it_breaks(toy: Toy, kind: type[toy_searchers.Sound]) -> None:
    """A searcher likewise."""
    failed = _found(toy(kind, "searcher"), "failed")
    assert set(failed) == kind.breaks, failed


@pytest.mark.parametrize("kind", toy_rerankers.TOYS)
def test_reranker_fails_what_it_breaks(toy: Toy, kind: type[toy_rerankers.Sound]) -> None:
    """A reranker likewise."""
    failed = _found(toy(kind, "reranker"), "failed")
    assert set(failed) == kind.breaks, failed


@pytest.mark.parametrize("kind", toy_configured.OPTION_TOYS)
def test_options_that_are_not_fingerprinted(toy: Toy, kind: type[toy_encoders.Healthy]) -> None:
    """Whatever its type, an option that moves vectors and not the fingerprint is found; idle ones may be left out."""
    failed = _found(toy(kind, options="Many"), "failed")
    assert set(failed) == kind.breaks, failed


def test_reason_names_the_forgotten_option(toy: Toy) -> None:
    """The author reads which option with which value it was."""
    failed = _found(toy(toy_configured.ForgetsSize, options="Many"), "failed")
    assert failed["fingerprint-options"].startswith("size=8 moved an answer by")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A folder with one small tensor of each floating type, in safetensors."""
    folder = tmp_path / "weights"
    folder.mkdir()
    parts = {
        "F32": np.ones(4, "<f4"),
        "F16": np.ones(4, "<f2"),
        "BF16": np.full(4, 0x3F80, "<u2"),
        "I64": np.ones(2, "<i8"),
    }
    header, data = {}, b""
    for dtype, values in parts.items():
        header[dtype.lower()] = {
            "dtype": dtype, "shape": [len(values)], "data_offsets": [len(data), len(data) + values.nbytes]
        }  # fmt: skip
        data += values.tobytes()
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    (folder / "config.json").write_text("{}")
    return folder


@pytest.mark.parametrize("kind", toy_configured.WEIGHT_TOYS)
def test_weights_and_pickles(toy: Toy, kind: type[toy_encoders.Healthy], weights: Path) -> None:
    """A fingerprint that misses the weights, and a pickle that is loaded, are found; the folder stays as it was."""
    before = {path.name: path.read_bytes() for path in weights.iterdir()}
    subject = toy(kind, options="Folder", model=str(weights))
    failed = _found(subject, "failed")
    assert set(failed) == kind.breaks, failed
    assert "pickles" not in _found(subject, "skipped")
    assert {path.name: path.read_bytes() for path in weights.iterdir()} == before


def test_every_floating_type_is_nudged(weights: Path) -> None:
    """Each floating tensor changes by at most a quarter, in a file of its own; whole numbers stay."""
    safetensors = pytest.importorskip("safetensors.torch")
    from harness.testing.checks.folders import nudge

    linked = weights / "linked.safetensors"
    linked.hardlink_to(weights / "model.safetensors")
    assert nudge(linked) == 3
    before, after = (safetensors.load_file(weights / name) for name in ("model.safetensors", "linked.safetensors"))
    for name in ("f32", "f16", "bf16"):
        assert (before[name] == 1).all()
        np.testing.assert_allclose(after[name].float(), 1 + np.sin(np.arange(4)) / 4, rtol=0.01)
    assert (after["i64"] == before["i64"]).all()


@pytest.mark.parametrize(
    ("kind", "model"),
    [("encoder", toy_encoders.Healthy), ("searcher", toy_searchers.Sound), ("reranker", toy_rerankers.Sound)],
)
def test_sound_model_passes_every_check(toy: Toy, kind: str, model: type) -> None:
    """A model that keeps the rules fails nothing, light import included, and says why something was skipped."""
    outcomes = run_checks(toy(model, kind))
    assert [o.check.id for o in outcomes] == [check.id for check in checks_for(kind)]  # type: ignore[arg-type]
    assert {o.check.id: o.reason for o in outcomes if o.status != "passed"} == {
        "fingerprint-options": "no option has another value to try",
        "fingerprint-weights": "no option names a local folder with safetensors weights",
        "pickles": "no option names a local folder with safetensors weights",
    }


def test_heavy_plugin_module_fails_light_import(toy: Toy) -> None:
    """A plugin module that imports its own factory's module fails that check, which names what came along."""
    subject = toy("heavy_toys:Model", head="import heavy_toys")
    light = [check for check in CHECKS if check.id == "light-import"]
    assert _found(subject, "failed", light) == {"light-import": "imports heavy_toys"}


_SALTED = """
import zlib
import numpy as np
from harness.encoders import EncoderInfo

def digest(text):
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))

class Model:
    info = EncoderInfo(name="toy", dim=2, fingerprint="toy", normalized=False)

    def __init__(self, options):
        pass

    def encode(self, texts, *, role, language=None):
        return np.array([[{number}(text) % 1000, 1] for text in texts], dtype=np.float32).reshape(len(texts), 2)
"""


@pytest.mark.parametrize(
    ("head", "failed"),
    [
        (_SALTED.format(number="digest"), {}),
        (_SALTED.format(number="hash"), {"another-process": "another process moved an answer by"}),
        (
            _SALTED.format(number="digest").replace('fingerprint="toy"', 'fingerprint=str(hash("toy"))'),
            {"another-process": "another process gave another fingerprint"},
        ),
        (
            _SALTED.format(number="digest").replace(" pass", " import os; 1 / (os.environ['PYTHONHASHSEED'] != '1')"),
            {"another-process": "in another process: encoder 'toy-dist:toy' (1.0) could not be loaded: ZeroDivision"},
        ),
    ],
    ids=["sound", "hash", "fingerprint", "refused"],
)
def test_another_process(toy: Toy, monkeypatch: pytest.MonkeyPatch, head: str, failed: dict[str, str]) -> None:
    """What Python hashes with a seed of its own differs between processes, and nothing in one of them shows it."""
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    found = _found(toy("toy_plugin:Model", head=head), "failed", [c for c in CHECKS if c.id != "light-import"])
    assert found.keys() == failed.keys()
    assert all(found[id].startswith(reason) for id, reason in failed.items()), found


def test_option_that_only_this_process_has(toy: Toy) -> None:
    """An option that is no JSON value is a reason to skip, and no failure."""
    subject = toy(toy_encoders.Healthy, options="Many", label=object())
    check = [c for c in CHECKS if c.id == "another-process"]
    object.__setattr__(subject, "_model", toy_encoders.Healthy())
    assert "cannot be handed to another process" in _found(subject, "skipped", check)["another-process"]


def test_another_plugins_imports_are_not_blamed(toy: Toy, install: Callable[..., Path]) -> None:
    """A heavy plugin of another distribution fails no check of this one."""
    source = "import pandas\nfrom harness.plugins import hookimpl\n@hookimpl\ndef harness_encoders():\n    return []\n"
    install("heavy-dist", {"heavy_plugin": source}, {"heavy": "heavy_plugin"})
    assert _found(toy(toy_encoders.Healthy), "passed", [c for c in CHECKS if c.id == "light-import"]) == {
        "light-import": ""
    }


def test_options_that_ignore_extras_fail_unknown_option(toy: Toy) -> None:
    """Options that swallow a misspelt key fail that check."""
    assert set(_found(toy(toy_encoders.Healthy, options="Lax"), "failed")) == {"unknown-option"}


@pytest.mark.parametrize("id", ["normalization", "finds-itself", "expected-failures", "loads"])
def test_misspelt_expectation_is_a_failure(toy: Toy, id: str) -> None:
    """A failure that is expected of no check of this kind fails by itself, and no check can excuse that."""
    failed = _found(toy(toy_encoders.Healthy, expected={id: "because"}), "failed")
    assert failed == {"expected-failures": f"expected_failures names {id!r}, which is no check of kind encoder"}


def test_every_check_is_proven() -> None:
    """Each check is one that some toy above makes fail, of its kind or of another where it is shared."""
    toys = {
        "encoder": [*toy_encoders.TOYS, *toy_inputs.TOYS, *toy_configured.OPTION_TOYS, *toy_configured.WEIGHT_TOYS],
        "searcher": toy_searchers.TOYS,
        "reranker": toy_rerankers.TOYS,
    }
    broken = {kind: set().union(*(toy.breaks for toy in some)) for kind, some in toys.items()}
    for check in CHECKS:
        if check.id not in _ELSEWHERE:
            assert any(check.id in broken[kind] for kind in check.kinds), check.id


def test_reasons_tell_what_happened(toy: Toy) -> None:
    """The reason names the input, the side, and the exception: an author need not guess."""
    failed = _found(toy(toy_rerankers.RefusesEmpty, "reranker"), "failed")
    assert failed["empty-text"] == "an empty text as passage raised ValueError: empty"


def test_exceptions_are_named(toy: Toy) -> None:
    """What an encoder raises stands in the reason by its class."""
    failed = _found(toy(toy_inputs.StrictUnicode), "failed")
    assert failed["lone-surrogate"].startswith("a lone surrogate as query raised UnicodeEncodeError")


def test_encoder_that_exits_fails_and_does_not_end_the_run(toy: Toy) -> None:
    """SystemExit inside encode is a failed check with its reason."""
    failed = _found(toy(toy_encoders.Exits), "failed")
    assert failed["shape"] == "SystemExit: no licence"
    assert "declaration" not in failed and "loads" not in failed and "unknown-option" not in failed


def test_model_that_cannot_be_loaded_fails_with_the_reason(toy: Toy) -> None:
    """One check fails with the reason; those that need the model are skipped with it, and none of them passes."""
    outcomes = run_checks(toy("heavy_toys:Missing", expected={"loads": "no matter"}), _FAST)
    found = {outcome.check.id: outcome for outcome in outcomes}
    assert found["loads"].status == "failed"
    assert "encoder 'toy-dist:toy' (1.0) could not be loaded: AttributeError" in found["loads"].reason
    assert "'Missing'. Run again with --traceback" in found["loads"].reason
    assert found["shape"].status == "skipped" and "the check `loads` tells why" in found["shape"].reason
    assert {outcome.status for outcome in outcomes if outcome.check.on_model} == {"skipped"}
    passed = {outcome.check.id for outcome in outcomes if outcome.status == "passed"}
    assert passed == {"unknown-option"}


def test_model_of_another_kind_is_told(toy: Toy) -> None:
    """A class that is not what its declaration says is named, with the protocol it lacks."""
    healthy = toy(toy_encoders.Healthy)
    object.__setattr__(healthy.entry.spec, "kind", "searcher")
    assert _found(healthy, "failed")["loads"] == (
        "toy-dist:toy is declared as searcher, and Healthy does not satisfy harness.encoders.Searcher"
    )


def test_unknown_encoder_is_a_usage_error() -> None:
    """The kit asked for an encoder that is not there says so at once."""
    with pytest.raises(UsageError, match="there is no encoder 'no-such-encoder'"):
        Subject("no-such-encoder")


def test_even_texts_are_even() -> None:
    """The texts for batches without padding have one length, in characters and in words."""
    assert len({(len(text), len(text.split())) for text in texts.EVEN}) == 1
    assert len(texts.LONG) < toy_encoders.LONG_CHARACTERS


def test_checks_are_documented() -> None:
    """For each kind every check has an id of its own; each has a sentence why and a hint what to do."""
    for kind in ("encoder", "searcher", "reranker"):
        ids = [check.id for check in checks_for(kind)]  # type: ignore[arg-type]
        assert len(set(ids)) == len(ids) > 20
    for check in CHECKS:
        assert check.why.endswith(".") and check.hint.endswith(".") and check.kinds
