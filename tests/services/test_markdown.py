"""Foreign text in our documents stays text, and what a person edits comes back as it was."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from branchwork.services import anchors, markdown

MARKS = ("<!--", "-->", "<", "\\", "]", "(", ":", "[", "`", "a", " ", "\n", "&", "🎉")
SCHEMES = ("http://", "mailto:", "command:", "COMMAND:", "<command:", "c&#111;mmand:")
PIECES = st.sampled_from((*MARKS, *SCHEMES, "](", "]:"))


@settings(max_examples=1000, deadline=None)
@given(st.lists(PIECES, max_size=16).map("".join))
def test_escaped_text_comes_back_and_holds_nothing_active(text: str) -> None:
    escaped = markdown.escaped(text)
    assert markdown.unescaped(escaped) == text
    assert not re.search(r"(?<!\\)(?:\\\\)*<!--", escaped)
    assert not re.search(r"\][(:]\s*<?command:\S", escaped, re.IGNORECASE)
    assert not re.search(r"(?<!\\)(?:\\\\)*<command:", escaped, re.IGNORECASE)


@pytest.mark.parametrize(
    "text",
    ["[a](src/cart.py#L2)", "[b](https://example.org/x)", "items[0](a)", "List<int>", "[W]: a: b"],
)
def test_harmless_text_is_left_as_it_is(text: str) -> None:
    assert markdown.escaped(text) == text


@pytest.mark.parametrize("piece", ["\\", "]", "](", "](a", "](  ", "<", "`"])
def test_long_hostile_text_is_escaped_in_passing(piece: str) -> None:
    """A pattern that goes back and forth would not end here within the life of a test run."""
    text = piece * 200_000
    assert markdown.unescaped(markdown.escaped(text)) == text


@given(st.text(alphabet="`a\n ~", max_size=60))
def test_a_fence_is_longer_than_any_run_within(text: str) -> None:
    first, *inside, last = markdown.fenced(text, "text").split("\n")
    fence = first.removesuffix("text")
    assert last == fence
    assert not any(fence in line for line in inside)


def test_a_fence_has_no_line_end_that_an_editor_would_make() -> None:
    fenced = markdown.fenced("a\r<!-- approval:x -->\u2028b\x1b[31mred")
    assert anchors.found(anchors.lines_of(fenced)) == []
    assert "\x1b" not in fenced
    assert "\u2028" not in fenced


def test_a_patch_is_shown_as_it_is_but_for_control_characters() -> None:
    patch = "+<p><!-- note -->\n+a\r<!-- approval:x -->\n \u2028\x1b[2J\x7f\n"
    fenced = markdown.fenced_patch(patch)
    assert "+<p><!-- note -->" in fenced
    assert "+a\u240d<!-- approval:x -->" in fenced
    assert anchors.found(anchors.lines_of(fenced)) == []
    assert len(fenced.splitlines()) == 5


@pytest.mark.parametrize(
    ("text", "closing"),
    [
        ("", ""),
        ("```\na\n```", ""),
        ("```py\na", "```"),
        ("~~~~\n```\n~~~", "~~~~"),
        ("````\n```\n````\n", ""),
        ("``` not `code`", ""),
    ],
)
def test_a_block_that_is_left_open_is_known(text: str, closing: str) -> None:
    assert markdown.closing_fence(text) == closing


def test_a_label_can_not_end_its_link() -> None:
    label = markdown.label("a](command:x) `b` <i>\n[c]")
    assert not re.search(r"(?<!\\)[\[\]<`]", label)
    assert "\n" not in label


def test_a_name_is_code_whatever_is_in_it() -> None:
    assert markdown.code("main") == "`main`"
    assert markdown.code("a`b") == "``a`b``"
    assert markdown.code("`") == "`` ` ``"
    assert markdown.code("") == ""


def test_a_broken_file_name_can_be_written() -> None:
    assert markdown.line(b"caf\xe9".decode("utf-8", "surrogateescape")).encode() == b"caf?"


def test_an_item_goes_from_its_anchor_to_the_next() -> None:
    lines = [
        anchors.anchor("task", "t1", digest="0a"),
        "# T",
        anchors.anchor("workspace", "w1"),
        "",
    ]
    found = anchors.found(lines)
    assert [anchors.at(found, line).id for line in range(4)] == ["t1", "t1", "w1", "w1"]  # type: ignore[union-attr]
    assert found[0].values == {"digest": "0a"}
    assert anchors.at(found[1:], 0) is None


def test_nothing_counts_in_what_a_person_wrote() -> None:
    text = "\n".join(
        [
            anchors.anchor(anchors.BEGIN, "t1"),
            "<!-- approval:a1 -->",
            anchors.anchor(anchors.END, "t1"),
            anchors.anchor(anchors.WRITE, "c1"),
            "<!-- approval:a2 -->",
        ]
    )
    found = anchors.found(anchors.lines_of(text))
    assert [one.kind for one in found] == [anchors.BEGIN, anchors.END, anchors.WRITE]
    assert anchors.text_between(anchors.lines_of(text), found) == "<!-- approval:a1 -->"
    assert anchors.written(anchors.lines_of(text), found) == "<!-- approval:a2 -->"


@pytest.mark.parametrize(
    "line", ["  <!-- task:a -->", "> <!-- task:a -->", "\\<!-- task:a -->", "<!-- task:a --> b"]
)
def test_only_a_whole_line_is_an_anchor(line: str) -> None:
    assert anchors.found([line]) == []
