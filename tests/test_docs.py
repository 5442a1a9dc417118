"""The documents say what is so: generated parts are fresh, commands run, links lead somewhere."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import check
from contracts.records import PATH
from desk.commands import demo
from docs import generate, screens
from docs.tool_pages import say_the_same
from graphs.cycle import compile_cycle
from tests.conftest import ROOT
from tests.desk.command_line import dualbrain

README = ROOT / "README.md"
PAGES = (README, ROOT / "CHANGELOG.md", ROOT / "SOURCES.md", *sorted((ROOT / "docs").rglob("*.md")))
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
OURS = ".venv/bin/dualbrain "
BAD_OPTION = "--no-such-option"


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def command_lines(path: Path) -> list[str]:
    """Lines of the fenced blocks that name no language."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", read(path), flags=re.MULTILINE | re.DOTALL)
    return [line for language, text in blocks if not language for line in text.splitlines() if line.strip()]


def run(*command: str, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A command in the checkout, with no setting but the home."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("DUALBRAIN_")}
    env |= {} if home is None else {"DUALBRAIN_HOME": str(home)}
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, encoding="utf-8", check=False
    )


# Generated sections


@pytest.mark.slow
def test_generated_sections_are_what_the_code_makes() -> None:
    said = run(sys.executable, "docs/generate.py", "--check")
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.slow
def test_a_stale_section_is_named_and_writing_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(README, tmp_path)
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    page = tmp_path / "docs" / "architecture.md"
    page.write_text(read(page).replace("gate -.-> propose", "gate -.-> submit"), encoding="utf-8")
    picture, stray = (tmp_path / "docs" / "pictures" / name for name in ("desk.svg", "nobody.svg"))
    picture.write_text(read(picture).replace("paper-first", "paper-last"), encoding="utf-8")
    stray.write_text("", encoding="utf-8")
    stale = ("graph in docs/architecture.md", "docs/pictures/desk.svg", "docs/pictures/nobody.svg")
    assert generate.main(["--check"]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[:-1] == [f"stale: {each}" for each in stale], said.err
    assert "gate -.-> submit" in read(page)
    assert "paper-last" in read(picture)
    assert generate.main([]) == 0
    assert read(page) == read(ROOT / "docs" / "architecture.md")
    assert read(picture) == read(ROOT / "docs" / "pictures" / "desk.svg")
    assert not stray.exists()


@pytest.mark.parametrize(
    ("written", "is_same"),
    [("1.23456", True), ("1.2338", True), ("1.2300", False), ("-1.2345", False), ("1.2345e-3", False)],
)
def test_a_page_is_kept_where_only_the_last_digits_of_a_number_differ(written: str, is_same: bool) -> None:
    kept = "hurst of EURUSD\n1.2345 exponent\nfrom 1,001 bars\n"
    assert say_the_same(kept, kept.replace("1.2345", written)) is is_same
    assert not say_the_same(kept, kept.replace("EURUSD", "GBPUSD"))
    assert not say_the_same(kept, kept + "2 more\n")


def test_the_page_of_the_terminal_shows_every_picture_and_no_other() -> None:
    shown = re.findall(
        r"^!\[[^\]]+\]\(pictures/(\w+)\.svg\)$", read(ROOT / "docs" / "terminal.md"), re.MULTILINE
    )
    kept = [path.stem for path in (ROOT / "docs" / "pictures").glob("*")]
    assert sorted(shown) == sorted(kept) == sorted(screens.NAMES)


def test_an_unknown_argument_of_the_generator_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--chekc"]) == 2
    assert "--chekc" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "<!-- x:begin -->", "<!-- x:end --><!-- x:begin -->"])
def test_missing_or_swapped_markers_stop_the_generator(text: str) -> None:
    with pytest.raises(SystemExit, match="x:begin"):
        generate.fill(text, "x", "body")


def test_filling_keeps_what_stands_around_a_section() -> None:
    filled = generate.fill("a <!-- x:begin -->old<!-- x:end --> z", "x", "new")
    assert filled == "a <!-- x:begin -->\n\nnew\n\n<!-- x:end --> z"
    assert generate.fill(filled, "x", "new") == filled


def test_the_drawn_graph_has_exactly_the_compiled_edges() -> None:
    drawn = re.findall(r"^    (\w+) (-\.->|-->) (\w+)$", generate.draw_graph(), flags=re.MULTILINE)
    ends = {"__start__": "START", "__end__": "END"}
    edges = compile_cycle().get_graph().edges
    compiled = [
        (ends.get(e.source, e.source), "-.->" if e.conditional else "-->", ends.get(e.target, e.target))
        for e in edges
    ]
    assert sorted(drawn) == sorted(compiled)
    assert len(drawn) > 20


# Commands


@pytest.mark.slow
def test_every_dualbrain_line_runs_in_order_and_prints_what_the_readme_says(tmp_path: Path) -> None:
    lines = [line for page in (README, ROOT / "docs" / "tools.md") for line in command_lines(page)]
    said = {line: printed(line, tmp_path) for line in lines if line.startswith(OURS)}
    assert len(said) >= 10
    assert all(text.strip() for text in said.values())
    told = read(README).partition("```text\n")[2].partition("```")[0]
    shown = next(text for line, text in said.items() if " audit show " in line)
    assert told.split() == shown.split()
    replayed = next(text for line, text in said.items() if line.endswith("replay --all --desk first"))
    assert re.search(r"(\d+) cycles: \1 identical, 0 equal, 0 drifted", replayed)


def printed(line: str, home: Path) -> str:
    done = run(sys.executable, "-m", "desk.main", *shlex.split(line.removeprefix(OURS)), home=home)
    assert done.returncode == 0, f"{line}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize(
    "line", [line for line in command_lines(README) if not line.startswith(OURS)], ids=str
)
def test_other_commands_of_the_readme_name_what_exists(line: str) -> None:
    program, *rest = line.split()
    if program == "make":
        assert set(rest) <= make_targets()
    elif rest[:1] == ["bootstrap.py"]:
        assert_only_the_bad_option_is_refused(*rest)
    elif rest[:1] == ["check.py"]:
        assert tuple(rest[1:]) in check.CHOICES
    else:
        assert program == r".venv\Scripts\dualbrain", f"no proof for {line!r}: add one here"
        assert run(sys.executable, "-m", "desk.main", *rest, "--help").returncode == 0


def make_targets() -> set[str]:
    return set(re.findall(r"^(\w+):", read(ROOT / "Makefile"), flags=re.MULTILINE))


def assert_only_the_bad_option_is_refused(script: str, *options: str) -> None:
    said = run(sys.executable, script, *options, BAD_OPTION)
    assert said.returncode == 2
    assert said.stdout.strip().endswith(f"found {BAD_OPTION}")


@pytest.mark.slow
def test_the_demo_runs_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The README's demo, its four months cut to ten days; `make verify` times the whole.
    monkeypatch.setattr(demo, "END", demo.END.replace(month=1, day=12))
    said = dualbrain(tmp_path, "demo")
    assert said.code == 0
    assert "the feed ended" in said.out
    assert "2017-01-12" in said.out


def inline_commands() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for code in re.findall(r"`((?:make|dualbrain|python) [^`\n]+)`", read(page)):
            yield name_of(page), code


@pytest.mark.parametrize(("page", "code"), sorted(set(inline_commands())), ids=str)
def test_commands_inside_sentences_name_what_exists(page: str, code: str, tmp_path: Path) -> None:
    program, *rest = shlex.split(code)
    if program == "make":
        assert set(rest) <= make_targets(), page
    elif program == "python":
        path = ROOT / (rest[1].replace(".", "/") + ".py" if rest[0] == "-m" else rest[0])
        assert path.is_file(), page
    else:
        words = [word for word in rest if re.fullmatch(r"[a-z][a-z-]+", word)]
        options = [word for word in rest if word.startswith("--")]
        said = dualbrain(tmp_path, *words[:2], "--help")
        assert said.code == 0, f"{page}: {said.err}"
        assert all(re.search(rf"{option}\b", said.out) for option in options), page


def test_the_test_command_is_make_test_for_people_and_for_ci() -> None:
    assert "The test command is `make test`" in read(README)
    assert "test" in make_targets()
    script = ROOT / ".ci" / "run"
    assert re.search(r"^(exec )?make test$", read(script), flags=re.MULTILINE)
    assert os.name == "nt" or os.access(script, os.X_OK)


# Pages


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_to_something(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", read(page))
    for link in (link for link in links if not re.match(r"https?://|#", link)):
        assert (page.parent / link.partition("#")[0]).exists(), link


@pytest.mark.parametrize("page", DECISIONS, ids=name_of)
def test_a_decision_has_its_number_title_context_choice_and_price(page: Path) -> None:
    text = read(page)
    assert re.match(rf"# {int(page.name[:4])}\. \S", text)
    assert re.findall(r"^\*\*(\w+)\.\*\*", text, flags=re.MULTILINE) == ["Context", "Choice", "Price"]
    assert len(text.splitlines()) <= 30


def test_decisions_are_numbered_from_one_without_a_gap() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_glossary_terms_are_sorted_unique_and_explained() -> None:
    rows = re.findall(r"^\| (.+?) \| (.*?) \|$", read(ROOT / "docs" / "glossary.md"), flags=re.MULTILINE)[1:]
    terms = [term.casefold() for term, _ in rows]
    assert len(terms) > 30
    assert terms == sorted(set(terms))
    assert all(meaning.strip() for _, meaning in rows)


@pytest.mark.parametrize("record", [cls.__name__ for cls in PATH])
def test_every_record_of_the_path_is_in_the_architecture(record: str) -> None:
    assert f"`{record}`" in read(ROOT / "docs" / "architecture.md")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_pages_are_written_without_em_dashes(page: Path) -> None:
    assert "\N{EM DASH}" not in read(page)


# What the repository must not say


def repository_texts() -> list[tuple[str, str]]:
    """Every text file that is tracked, or would be by `git add`."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout: expected .git, found none")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    assert listed.returncode == 0, listed.stderr
    texts = []
    for name in set(listed.stdout.split("\0")) - {""}:
        data = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b"\0"
        if b"\0" not in data:
            texts.append((name, data.decode("utf-8")))
    assert len(texts) > 100
    return texts


MACHINE_PATH = re.compile(r"(?<![\w.~$}])/(?:work|root|home|Users|mnt|tmp)/\w|\b[A-Z]:\\Users\\")
# Backwards, so that this file does not hold what it forbids.
HOSTS = [word[::-1] for word in ("ipyp", "detsohnohtyp", "yrotcafitra", "gorfj", "ipved", "suxen")]
INDEX = re.compile(
    r"--(?:(?:extra-)?index-url|find-links|trusted-host)\b"
    rf"|\b(?:{'|'.join(HOSTS)})[\w-]*\.\w"
    r"|https?://[^\s/]*@"
)


@pytest.mark.parametrize("forbidden", [MACHINE_PATH, INDEX], ids=["machine path", "package index"])
def test_no_file_names_this_machine_or_a_package_index(forbidden: re.Pattern[str]) -> None:
    found = {name: match[0] for name, text in repository_texts() if (match := forbidden.search(text))}
    assert found == {}


@pytest.mark.parametrize("text", ["/" + "home/ann/x", "see /" + "work/main", "C:" + "\\Users\\ann"])
def test_a_machine_path_would_be_seen(text: str) -> None:
    assert MACHINE_PATH.search(text)


@pytest.mark.parametrize(
    "text",
    ["--index" + "-url x", "https://" + "ann:pw@host/simple", *(f"files.{host}.org" for host in HOSTS)],
)
def test_a_package_index_would_be_seen(text: str) -> None:
    assert INDEX.search(text)


# Locks


@pytest.mark.parametrize(("lock", "extras"), [("core", ("build",)), ("dev", ("build", "dev"))])
def test_lock_pins_every_dependency_by_hash_and_names_no_index(lock: str, extras: tuple[str, ...]) -> None:
    project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
    wanted = [*project["dependencies"], *(d for e in extras for d in project["optional-dependencies"][e])]
    text = read(ROOT / "locks" / f"{lock}.txt")
    pins = re.findall(
        r"^([\w.-]+)==([^\s;]+).*\\\n((?:    --hash=sha256:[0-9a-f]{64}.*\n)+)", text, re.MULTILINE
    )
    versions = {canonicalize_name(name): version for name, version, _ in pins}
    assert len(pins) == len(re.findall(r"^\S", text, flags=re.MULTILINE))
    for requirement in map(Requirement, wanted):
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, requirement
        assert requirement.specifier.contains(version), requirement
    assert "://" not in text
