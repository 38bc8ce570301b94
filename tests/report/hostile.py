"""Text that attacks the reader of a report, for property tests of every renderer."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.report.examples import ESCAPES

ATTACKS = (
    ESCAPES,
    "x\n::error file=a::injected",
    "x\r\n::add-mask::secret",
    "\u2028::stop-commands::token",
    "##[error]injected",
    "100%0A::error::x",
    "a:b,c=d",
    "[click](https://evil.example)",
    "\\[click\\](https://evil.example)",
    "\\\\[click\\\\](0)",
    "![x](https://evil.example/x.png)",
    "<https://evil.example>",
    "<script>alert(1)</script>",
    "&lt;img src=x onerror=alert(1)&gt;",
    "<!-- hidden",
    "{0} {1} {x}",
    "`code` ``more`` ```fence",
    "```\n# heading\n```",
    "~~~",
    "| cell | cell |",
    "\\| \\",
    "@someone @org/team",
    "owner/repo#12 #34 GH-56",
    "www.evil.example https://evil.example mailto:a@b.example",
    "0123456789abcdef0123456789abcdef01234567",
    ":tada: $x^2$ **bold** __b__ ~~gone~~ *i* _i_",
    "- item",
    "+ item",
    "1. item",
    "1) item",
    "# heading",
    "> quote",
    "---",
    "===",
    "    indented",
    "[ref]: https://evil.example",
    "a  \nb",
    "\\",
    "`",
    "|",
)

hostile_text = st.one_of(
    st.sampled_from(ATTACKS),
    st.lists(st.one_of(st.sampled_from(ATTACKS), st.text(max_size=8)), min_size=1, max_size=4).map("".join),
    st.text(alphabet="\\`*_{}[]()<>#+-.!|~&=:;@$^%\n\r \t1aé\u202e\x1b\ud800", max_size=24),
    st.text(max_size=40),
)
"""What an index, a wheel or a lock might say."""
