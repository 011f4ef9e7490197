"""Words of others in Markdown: a real Markdown reader finds nothing in them but what was said."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from inspector.formats._markdown_text import code, fenced, inert, quoted

READERS = (MarkdownIt("commonmark"), MarkdownIt("commonmark").enable(["table", "strikethrough"]))
PIECES = [
    *("<script>", "</details>", "<!--", "<?x", "<http://a.b>", "<", "`", "``", "```", "~~~", "````", "\\", "|", "]("),
    *(
        "![",
        "[a](",
        ")",
        "[a]: ",
        "- ",
        "1. ",
        "> ",
        "    ",
        "  ",
        "\t",
        "\n",
        "\n\n",
        "\r",
        "# ",
        "---",
        "a",
        "b c",
        "!",
    ),
    *("|-|-|", "\u2028", "\xa0", "\x0b", "\x1b[2J", "\u202e", "&lt;", "*", "_", '"', "'"),
]
HOSTILE = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


def tokens(text: str, reader: MarkdownIt = READERS[0]) -> list[Token]:
    """Everything that a reader makes of a text."""
    found: list[Token] = []
    for token in reader.parse(text):
        found += [token, *(token.children or ())]
    return found


@settings(max_examples=400, deadline=None)
@given(HOSTILE)
@example("- a\n  ```\n<script>")
@example("  ```\nx\n```\n<script>")
@example("a ` b\n`<script>`")
@example("[a](`) <script> `")
@example("|`a|<script>|b`|\n|-|-|-|\n|`a|<script>|b`|")
@example("a `\n\xa0\n`<script>`")
@example("\\`<script>`")
@example("```a`\n<script>")
@example("\\![a](b)")
@example("a\r# b\r\r<script>")
def test_nothing_becomes_html_or_an_image_or_leaves_the_quote(text: str) -> None:
    page = f"# one\n\n{quoted(text)}\n\n# two\n"
    for reader in READERS:
        found = reader.parse(page)
        assert not [token for token in tokens(page, reader) if token.type in ("html_block", "html_inline", "image")]
        assert [token.type for token in found if token.level == 0] == [
            *("heading_open", "heading_close", "blockquote_open", "blockquote_close"),
            *("heading_open", "heading_close"),
        ]
    assert all(character.isprintable() or character in "\n\t\xa0" for character in page)


@settings(max_examples=200, deadline=None)
@given(HOSTILE, st.sampled_from(["", "json"]))
def test_a_code_block_holds_its_text(text: str, language: str) -> None:
    first, last = READERS[0].parse(fenced(text, language) + "\n\nend")[:1], tokens(fenced(text, language) + "\n\nend")
    assert (first[0].type, first[0].info) == ("fence", language)
    assert first[0].content.rstrip("\n") == inert(text).rstrip("\n")
    assert last[-2].content == "end"


@settings(max_examples=200, deadline=None)
@given(HOSTILE)
def test_a_word_of_code_holds_its_text(text: str) -> None:
    (line,) = [token for token in READERS[0].parse(f"- model: {code(text)}") if token.type == "inline"]
    children = line.children or []
    spans = [child for child in children if child.type == "code_inline"]
    assert len(children) == 2 and [span.content.strip() for span in spans] == [" ".join(inert(text).split())]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a < b, x<-1, a <b>", "> a < b, x<-1, a &lt;b>"),
        ("use `List<int>` or <i>", "> use `List<int>` or &lt;i>"),
        ("```html\n<b>\n```\n<b>", "> ```html\n> <b>\n> ```\n> &lt;b>"),
        ("one  \n\n- two", "> one  \n>\n> - two"),
        ("![x](http://a)", "> !\\[x](http://a)"),
        ("a\tb\r\nc\x1b\u202e", "> a\tb\n> c␛‹U+202E›"),
    ],
)
def test_what_is_harmless_stays_as_it_is(text: str, written: str) -> None:
    assert quoted(text) == written
