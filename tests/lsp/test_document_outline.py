"""Symbols, folds and links of a document's text, whatever stands in it."""

from pathlib import Path

import pytest
from lsprotocol import types
from pygls.workspace import PositionCodec

from branchwork.lsp import document_outline
from branchwork.services.anchors import BEGIN, END, WRITE, anchor

CODEC = PositionCodec(types.PositionEncodingKind.Utf16)


def test_headings_in_foreign_text_are_none() -> None:
    text = "\n".join(
        [
            anchor("task", "t1"),
            "# Own",
            anchor(BEGIN, "t1"),
            "# A person's",
            "```",
            anchor(END, "t1"),
            "```",
            "## Below",
            "````text",
            "# An agent's",
            "```",
            "````",
            "## Last",
            anchor(WRITE, "t1"),
            "# Being written",
        ]
    )
    outline = document_outline.outline(text)
    assert [section.title for section in outline.sections] == ["Own", "Below", "Last"]
    assert outline.fences == [(8, 11)]


def test_sections_are_nested_and_end_before_the_next_anchor() -> None:
    text = "\n".join(["# A", "", anchor("x", "1"), "## B", "b", "", "### C", "", "## D", ""])
    (top,) = document_outline.symbols(document_outline.outline(text), CODEC)
    assert [child.name for child in top.children or []] == ["B", "D"]
    (b, _) = top.children or []
    assert (b.range.start.line, b.selection_range.start.line, b.range.end.line) == (2, 3, 6)
    assert [child.name for child in b.children or []] == ["C"]
    folds = document_outline.folds(document_outline.outline(text))
    assert [(fold.start_line, fold.end_line) for fold in folds] == [(0, 8), (3, 6)]


def test_a_long_title_is_cut() -> None:
    (symbol,) = document_outline.symbols(document_outline.outline("# " + "🎉" * 500), CODEC)
    assert len(symbol.name) == 120
    assert symbol.selection_range.end.character == 1002


@pytest.mark.parametrize(
    "line",
    [
        "[a](command:evil)",
        "[a](https://example.org)",
        "[a](file://host/x)",
        "[a](../task/t1.md)",
        "[a](../../task/t1.branchwork.md)",
        "\\[a](../task)",
    ],
)
def test_only_documents_and_files_are_linked(line: str) -> None:
    assert document_outline.links(document_outline.outline(line), CODEC) == []


def test_a_link_is_where_its_text_is() -> None:
    line = "🎉 [a \\[b\\] c](../task/t1.branchwork.md) [f](file:///r/%C3%A4.py)"
    first, second = document_outline.links(document_outline.outline(line), CODEC)
    assert (first.range.start.character, first.range.end.character) == (3, 40)
    assert (first.target, first.data) == (None, {"kind": "task", "id": "t1"})
    assert second.target == "file:///r/%C3%A4.py"


def test_links_of_a_description_stay_inside_the_repositories(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    root.mkdir()
    (root / "a b.py").write_text("")
    (tmp_path / "secret").write_text("")
    (root / "out").symlink_to(tmp_path / "secret")
    written = "[1](a%20b.py#L3) [2](../secret) [3](out) [4](/etc/passwd) [5](none.py)"
    text = "\n".join([anchor(BEGIN, "t1"), written, anchor(END, "t1")])
    outline = document_outline.outline(text)
    links = document_outline.links_into(outline, CODEC, [root])
    assert [link.target for link in links] == [(root / "a b.py").as_uri() + "#L3"]


@pytest.mark.parametrize("piece", ["[", "[a](", "\\[", "# ", "```\n", "<!-- x:1 -->\n", "\r"])
def test_long_hostile_text_is_read_in_passing(piece: str) -> None:
    outline = document_outline.outline(piece * 20_000)
    assert isinstance(document_outline.links(outline, CODEC), list)
    assert isinstance(document_outline.folds(outline), list)
