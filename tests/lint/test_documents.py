"""What the documents say of the source exists: files, links, words in order, decisions."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "lading"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
# what tells how it is; decisions tell how it was when they were made
LIVING = [path for path in DOCUMENTS if path.parent.name != "decisions"]
ROOMS = ("", "runtime/operations/")  # where a file may be that is named without its room
ANY = {"drivers/", "driver.py", "service.py"}  # several rooms have one


def text(name: str) -> str:
    return (ROOT / name).read_text()


def rows(name: str) -> list[list[str]]:
    """The cells of the tables of a document, without the lines that draw them."""
    lines = [line for line in text(name).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text())
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", LIVING, ids=lambda path: path.name)
def test_files_that_are_named_exist(document: Path) -> None:
    named = set(re.findall(r"`([\w/-]+\.py|[a-z][\w/-]+/)`", document.read_text())) - ANY
    places = [ROOT, *(SOURCE / room for room in ROOMS)]
    assert [
        name for name in sorted(named) if not any((place / name).exists() for place in places)
    ] == []


def test_functions_on_the_way_of_a_run_are_in_the_files_that_are_named() -> None:
    story = re.sub(r"\s+", " ", text("docs/life-of-a-run.md"))
    claims = re.findall(r"`(?:\w+\.)?(\w+)` (?:\(|in )`([\w/]+\.py)`\)?", story)
    assert len(claims) > 50  # or the pattern does not fit any more
    missing = [
        f"{name} in {file}"
        for name, file in claims
        if (SOURCE / file).exists() and not re.search(rf"\b{name}\b", (SOURCE / file).read_text())
    ]
    assert missing == []


def test_the_glossary_is_in_order_and_has_no_word_twice() -> None:
    words = [re.sub(r"[^a-z0-9 ]", "", row[0].lower()) for row in rows("docs/glossary.md")[1:]]
    assert [(one, other) for one, other in pairwise(words) if one >= other] == []


def test_the_architecture_lists_every_decision_once_and_in_order() -> None:
    listed = re.findall(r"\]\(docs/decisions/(\d{4})-[^)]*\) \|$", text("ARCHITECTURE.md"), re.M)
    there = sorted(path.name[:4] for path in (ROOT / "docs/decisions").iterdir())
    assert listed == there


def test_the_architecture_lists_every_room_once() -> None:
    table = text("ARCHITECTURE.md").split("## Processes")[0]
    cells = [line.split("|")[2] for line in table.splitlines() if line.startswith("| ")]
    listed = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    there = {path.stem for path in SOURCE.iterdir() if not path.name.startswith(("_", "py"))}
    assert sorted(listed) == sorted(there)
