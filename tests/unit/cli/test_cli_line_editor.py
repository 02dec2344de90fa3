"""A line that is typed key by key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.cli.line_editor import LineEditor

LEFT, RIGHT, UP, DOWN, HOME, DELETE = "\x1b[D", "\x1b[C", "\x1b[A", "\x1b[B", "\x1b[H", "\x1b[3~"


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ("plug 1\r", "plug 1"),
        ("plug 12\x7f\r", "plug 1"),
        (f"pug 1{LEFT * 4}l\r", "plug 1"),
        (f"lug 1{HOME}p\r", "plug 1"),
        (f"pplug 1{HOME}{DELETE}\r", "plug 1"),
        (f"pl{RIGHT}\x1bOCug 1\r", "plug 1"),
        ("nonsense\x15plug 1\r", "plug 1"),
        ("lug 1\x01p\x05\r", "plug 1"),
        ("pl\tx\x7f1\r", "plug 1"),
        ("plü\x00\r", "plü"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_keys_make_a_line(keys: str, line: str, at_once: bool) -> None:
    editor = LineEditor(["plug", "power-cut", "park"])
    lines = editor.feed(keys) if at_once else [each for key in keys for each in editor.feed(key)]
    assert lines == [line]
    assert (editor.text, editor.cursor) == ("", 0)


def test_lines_of_before_come_back() -> None:
    editor = LineEditor()
    editor.feed("one\rtwo\rtwo\r")
    editor.feed(UP)
    assert editor.text == "two"
    editor.feed(UP + UP)
    assert editor.text == "one"
    editor.feed(DOWN)
    assert editor.text == "two"
    editor.feed(DOWN + DOWN)
    assert editor.text == ""


def test_tab_completes_as_far_as_it_is_clear() -> None:
    editor = LineEditor(["offline", "online", "plug"])
    editor.feed("o\t")
    assert editor.text == "o"
    editor.feed("f\t")
    assert editor.text == "offline "
    editor.feed("1\t")
    assert editor.text == "offline 1"


def test_control_d_ends_it_on_an_empty_line_alone() -> None:
    editor = LineEditor()
    editor.feed("x\x04")
    assert not editor.is_over
    editor.feed("\x7f\x04")
    assert editor.is_over


@given(st.lists(st.text(st.sampled_from("a1 é\x1b[OABCDHF3~;\r\x7f\x15\t\x04\x00"), max_size=8), max_size=20))
def test_no_keys_break_it(pieces: list[str]) -> None:
    editor = LineEditor(["plug", "unplug"])
    for piece in pieces:
        for line in editor.feed(piece):
            assert "\r" not in line
        assert 0 <= editor.cursor <= len(editor.text)
        assert editor.text.isprintable()
