"""Versions, clashes, copies and damage, on distributions made for it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path

import pytest

import harness
from harness.doctor import Finding, worst
from harness.doctor import packages as doctor
from harness.doctor.installed import survey

Make = Callable[..., PathDistribution]

_OWN = ("numpy>=1.26", "torch>=2.6; extra == 'torch'", "mteb>=2; extra == 'hub'", "pytest>=8; extra == 'test'")


@pytest.fixture
def ours(make: Make) -> list[Distribution]:
    """Our own distribution as a wheel leaves it, and what it needs."""
    record = "harness/__init__.py,sha256=x,1\nlamir_harness-0.1.0.dist-info/METADATA,,\n../../../bin/harness,,\n"
    scripts = (
        "[console_scripts]\nharness = harness.cli.main:entry_point\nlamir-harness = harness.cli.main:entry_point\n"
    )
    own = make("lamir_harness", harness.__version__, record=record, entry_points=scripts, requires=_OWN)
    return [own, make("numpy", "2.0"), make("torch", "2.7.1+cpu")]


def found(*distributions: Distribution, path: tuple[str, ...] = ()) -> dict[str, Finding]:
    """The findings by name."""
    return {finding.name: finding for finding in doctor.findings(distributions, path)}


def test_a_healthy_environment(ours: list[Distribution]) -> None:
    """Our version, what we need, what we can use, and nobody in our way; developers' extras are left out."""
    findings = found(*ours)
    assert worst(findings.values()) == "ok"
    assert list(findings) == [
        "lamir-harness", "numpy", "mteb", "torch", "import package harness", "script harness"
    ]  # fmt: skip
    assert findings["lamir-harness"].data["distribution"] == harness.__version__
    assert findings["torch"].value == "2.7.1+cpu (extra torch)"
    assert findings["mteb"].value == "not installed (extra hub)"
    assert findings["mteb"].hint == 'To have it: pip install "lamir-harness[hub]"'


def test_requirements_that_are_not_met(make: Make) -> None:
    """A core requirement that is old or absent is a problem; an old optional one is a warning."""
    own = make("lamir-harness", harness.__version__, requires=(*_OWN, "click>=8"))
    findings = found(own, make("numpy", "1.20"), make("torch", "2.0"))
    assert findings["numpy"].status == "problem"
    assert findings["numpy"].value == "1.20, and numpy>=1.26 is needed"
    assert findings["numpy"].hint == 'pip install "numpy>=1.26"'
    assert (findings["click"].status, findings["click"].data["version"]) == ("problem", None)
    assert (findings["torch"].status, findings["mteb"].status) == ("warning", "ok")


def test_requirements_of_other_platforms_are_none(make: Make) -> None:
    """A marker that is false here asks for nothing."""
    own = make("lamir-harness", requires=("nothing>=1; sys_platform == 'plan9'", "numpy; python_version >= '3'"))
    (listed,) = doctor.requirements(survey([own])[0][0])
    assert listed == ("numpy", "numpy", None)


def test_names_of_requirements_may_be_spelt_in_any_way(make: Make) -> None:
    """Pytrec_Eval.Terrier is pytrec-eval-terrier."""
    own = make("lamir-harness", harness.__version__, requires=("Pytrec_Eval.Terrier>=0.5",))
    finding = found(own, make("pytrec_eval_terrier", "0.5.6"))["Pytrec_Eval.Terrier"]
    assert (finding.status, finding.value) == ("ok", "0.5.6")


def test_not_installed_or_another_version(make: Make) -> None:
    """A checkout without an installation, and one that went on since it was installed, are told."""
    assert found()["lamir-harness"].status == "warning"
    finding = found(make("lamir-harness", "0.0.1"))["lamir-harness"]
    assert (finding.status, "0.0.1 is installed" in finding.value) == ("warning", True)


@pytest.mark.parametrize(
    "facts",
    [
        {"record": "harness/__init__.py,sha256=x,10\nother-1.0.dist-info/RECORD,,\n"},
        {"record": "a.py,,\nharness.py,sha256=x,10\n"},
        {"record": '"harness/a,b.txt",sha256=x,10\n'},
        {"top_level": "other\nharness\n"},
    ],
    ids=["package", "module", "quoted", "top level"],
)
def test_another_distribution_with_our_package(ours: list[Distribution], make: Make, facts: dict[str, str]) -> None:
    """Whoever brings the import package `harness` besides us is a problem, however it is told."""
    finding = found(*ours, make("open_harness", "3.1", **facts))["import package harness"]
    assert (finding.status, finding.value) == ("problem", "claimed by open-harness 3.1 as well")
    assert finding.hint
    assert finding.data["others"] == ["open-harness 3.1"]


@pytest.mark.parametrize(
    "facts",
    [
        {"record": "harnesses/__init__.py,,\nmy/harness/__init__.py,,\nharness_x/a.py,,\nxharness.py,,\n"},
        {"top_level": "harness_x\n"},
        {"record": "../../../bin/harness-x,,\n"},
        {"entry_points": "[console_scripts]\nharness-x = a:b\n[other]\nharness = a:b\n"},
    ],
)
def test_names_that_only_resemble_ours(ours: list[Distribution], make: Make, facts: dict[str, str]) -> None:
    """Packages and scripts with similar names, or the same one deeper down, claim nothing."""
    assert worst(found(*ours, make("other", **facts)).values()) == "ok"


@pytest.mark.parametrize(
    "facts",
    [
        {"entry_points": "[console_scripts]\nharness = other:main\n"},
        {"record": "../../../bin/harness,sha256=x,10\nother.py,,\n"},
        {"record": "../../Scripts/harness.exe,sha256=x,10\n"},
    ],
)
def test_another_distribution_with_our_script(ours: list[Distribution], make: Make, facts: dict[str, str]) -> None:
    """Whoever brings a script `harness` is a warning: ours has a second name."""
    finding = found(*ours, make("other", **facts))["script harness"]
    assert (finding.status, finding.value) == ("warning", "claimed by other 1.0 as well")
    assert "`lamir-harness`" in (finding.hint or "")


def test_copies_on_the_path(ours: list[Distribution], tmp_path: Path) -> None:
    """Another folder or module `harness` on the path is a warning; our own, however it is written, is none."""
    package = tmp_path / "a" / "harness"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "harness.py").write_text("")
    own = Path(harness.__file__).parent.parent
    (tmp_path / "link").symlink_to(own)
    path = [str(own), str(tmp_path / "link"), *map(str, (tmp_path / "a", tmp_path / "b", tmp_path / "none"))]
    copies = [f for f in doctor.findings(ours, path) if f.name == "another copy"]
    assert [copy.value for copy in copies] == [str(package), str(tmp_path / "b" / "harness.py")]
    assert {copy.status for copy in copies} == {"warning"}


def test_a_distribution_that_is_there_twice(ours: list[Distribution], make: Make) -> None:
    """Ours, or a plugin, in two places is a warning that names both; one place given twice, and others', are none."""
    entry = "[lamir_harness]\nx = x\n"
    plugins = [make("harness-x", "1.0", entry_points=entry), make("harness-x", "2.0", place="b", entry_points=entry)]
    others = [make("other", "1.0"), make("other", "2.0", place="b")]
    findings = found(*ours, *ours, *plugins, *others)
    assert [name for name in findings if name.endswith(", twice")] == ["harness-x, twice"]
    assert "1.0 in " in findings["harness-x, twice"].value and "2.0 in " in findings["harness-x, twice"].value
    second = make("lamir_harness", "9", place="b")
    assert "lamir-harness, twice" in found(*ours, second)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"metadata": None}, "METADATA is missing or empty"),
        ({"metadata": "\n"}, "METADATA gives no name"),
        ({"metadata": "Name: harness-x\n"}, "METADATA gives no version"),
        ({"entry_points": "[lamir_harness]\nx\n"}, ""),
        ({"entry_points": "[lamir_harness]\nx = \n"}, ""),
    ],
    ids=["no METADATA", "blank METADATA", "no version", "no value", "empty value"],
)
def test_damaged_plugins_are_problems(
    ours: list[Distribution], make: Make, facts: dict[str, str | None], reason: str
) -> None:
    """A description that discovery passes over in silence is named, with the reason and the folder."""
    damaged = make("harness_x", **facts)
    finding = found(*ours, damaged)["harness_x-1.0.dist-info"]
    assert finding.status == "problem"
    assert reason in finding.value and str(damaged._path) in finding.value  # type: ignore[attr-defined]
    assert finding.data["may_be_plugin"] is True


def test_damage_that_is_not_ours_is_a_warning(ours: list[Distribution], make: Make) -> None:
    """A damaged description of somebody else's is told and fails nothing; its entry points tell whose it is."""
    findings = found(*ours, make("numba", metadata=None))
    assert findings["numba-1.0.dist-info"].status == "warning"
    hidden = make("their_model", metadata=None, entry_points="[lamir_harness]\nx = x\n")
    assert found(*ours, hidden)["their_model-1.0.dist-info"].status == "problem"


def test_files_that_are_no_text(ours: list[Distribution], make: Make) -> None:
    """Bytes that are no UTF-8 in any of the files end in a finding or in nothing, and never in an exception."""
    for number, file in enumerate(("METADATA", "entry_points.txt", "RECORD", "top_level.txt")):
        broken = make("harness_x", place=f"place{number}", entry_points="[lamir_harness]\nx = x\n")
        (broken._path / file).write_bytes(b"\xff\xfe\x00harness\x80")  # type: ignore[attr-defined]
        findings = found(*ours, broken)
        assert ("harness_x-1.0.dist-info" in findings) == (file in ("METADATA", "entry_points.txt"))


def test_the_real_environment() -> None:
    """Nothing raises on what is really installed here, and our own package is ours alone."""
    from importlib.metadata import distributions

    findings = {finding.name: finding for finding in doctor.findings(list(distributions()))}
    assert findings["import package harness"].status == "ok"
