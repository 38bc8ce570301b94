from __future__ import annotations

import html
import json
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelaudit.errors import NotAProjectPageError
from wheelaudit.index import links, pages
from wheelaudit.index.html_page import Markup
from wheelaudit.index.links import Files
from wheelaudit.index.pages import PageLink, ProjectPage, ProjectPageParser, parse_project_page

TORCH = canonicalize_name("torch")
URL = "https://index.example/simple/torch/"
WHEEL = "torch-2.6.0+cu126-cp310-cp310-win_amd64.whl"
QUOTED = WHEEL.replace("+", "%2B")
HASH = "ab" * 32
OTHER_HASH = "cd" * 32


def parse_html(text: str, *, url: str = URL, content_type: str | None = "text/html") -> ProjectPage:
    return parse_project_page(text.encode(), content_type=content_type, url=url, project=TORCH)


def parse_json(page: object, *, content_type: str | None = "application/vnd.pypi.simple.v1+json") -> ProjectPage:
    return parse_project_page(json.dumps(page).encode(), content_type=content_type, url=URL, project=TORCH)


def parse_anchor(attributes: str, *, url: str = URL) -> PageLink:
    [link] = parse_html(f"<a {attributes}>text</a>", url=url).links
    return link


@pytest.mark.parametrize(
    ("href", "url"),
    [
        (f"/whl/cu126/{QUOTED}", f"https://index.example/whl/cu126/{QUOTED}"),
        (f"https://cdn.example/whl/{QUOTED}", f"https://cdn.example/whl/{QUOTED}"),
        (f"http://cdn.example:8080/whl/{QUOTED}", f"http://cdn.example:8080/whl/{QUOTED}"),
        (f"//cdn.example/{QUOTED}", f"https://cdn.example/{QUOTED}"),
        (QUOTED, f"https://index.example/simple/torch/{QUOTED}"),
        (f"../../packages/./{QUOTED}", f"https://index.example/packages/{QUOTED}"),
        (f"/a/../b/{QUOTED}", f"https://index.example/b/{QUOTED}"),
        (f"/whl/{QUOTED}?token=x&amp;y=1", f"https://index.example/whl/{QUOTED}?token=x&y=1"),
        (f"/whl/{QUOTED}#sha256={HASH}", f"https://index.example/whl/{QUOTED}"),
        (f" \n/whl/{QUOTED}\t", f"https://index.example/whl/{QUOTED}"),
        (f"/with space/é/{QUOTED}", f"https://index.example/with%20space/%C3%A9/{QUOTED}"),
    ],
)
def test_href_is_resolved_against_the_page(href: str, url: str) -> None:
    link = parse_anchor(f'href="{href}"')
    assert (link.url, link.filename) == (url, WHEEL)


def test_plus_sign_is_kept_as_the_page_spells_it() -> None:
    # A host may take a bare "+" for a space, so neither spelling may become the other.
    assert parse_anchor(f'href="/whl/{WHEEL}"').url == f"https://index.example/whl/{WHEEL}"


@pytest.mark.parametrize(
    "href",
    [
        f"https://user:secret@files.example/{QUOTED}",
        f"//user:secret@files.example/{QUOTED}",
        f"https://user:se%40cret@files.example/{QUOTED}",
    ],
)
def test_userinfo_of_a_link_is_removed(href: str) -> None:
    assert parse_anchor(f'href="{href}"').url == f"https://files.example/{QUOTED}"


def test_userinfo_of_the_page_reaches_neither_page_nor_links() -> None:
    page = parse_html(f'<a href="/{QUOTED}">', url="https://user:secret@index.example/simple/torch/")
    assert page.url == URL
    assert page.links[0].url == f"https://index.example/{QUOTED}"


def test_first_base_with_an_address_counts() -> None:
    page = parse_html(
        f'<base target="_top"><base href="https://user:pw@cdn.example/a/"><base href="https://wrong.example/">'
        f'<a href="{QUOTED}"></a><a href="/b/{QUOTED}"></a>'
    )
    assert [link.url for link in page.links] == [f"https://cdn.example/a/{QUOTED}", f"https://cdn.example/b/{QUOTED}"]


def test_relative_base_is_resolved_against_the_page() -> None:
    page = parse_html(f'<base href="../files/"><a href="{QUOTED}"></a>')
    assert page.links[0].url == f"https://index.example/simple/files/{QUOTED}"


def test_pytorch_anchor_gives_both_hashes() -> None:
    link = parse_anchor(
        f'href="/whl/cu126/{QUOTED}#sha256={HASH}" data-dist-info-metadata="sha256={HASH}"'
        f' data-core-metadata="sha256={OTHER_HASH.upper()}"'
    )
    assert link.sha256 == HASH
    assert (link.has_metadata, link.metadata_sha256) == (True, OTHER_HASH)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("", (False, None)),
        (f'data-dist-info-metadata="sha256={HASH}"', (True, HASH)),
        ('data-core-metadata="true"', (True, None)),
        ("data-core-metadata", (True, None)),
        ('data-core-metadata="false"', (False, None)),
        ('data-core-metadata="md5=abc"', (True, None)),
        ('data-core-metadata="sha256=tooshort"', (True, None)),
        (f'data-core-metadata="true" data-dist-info-metadata="sha256={HASH}"', (True, None)),
    ],
)
def test_core_metadata_is_advertised_as_pep_714_says(attributes: str, expected: tuple[bool, str | None]) -> None:
    link = parse_anchor(f'href="{QUOTED}" {attributes}')
    assert (link.has_metadata, link.metadata_sha256) == expected


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [
        ("", None),
        (f"#sha256={HASH.upper()}", HASH),
        (f"#egg=x&sha256={HASH}", HASH),
        ("#md5=ab", None),
        ("#sha256=x", None),
    ],
)
def test_only_a_whole_sha256_in_the_fragment_counts(fragment: str, expected: str | None) -> None:
    assert parse_anchor(f'href="{QUOTED}{fragment}"').sha256 == expected


def test_requires_python_is_unescaped() -> None:
    assert parse_anchor(f'href="{QUOTED}" data-requires-python="&gt;=3.9,&lt;4"').requires_python == ">=3.9,<4"


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [("", None), ("data-yanked", ""), ('data-yanked=""', ""), ('data-yanked="bad &amp; ugly"', "bad & ugly")],
)
def test_yanked_is_told_with_its_reason(attribute: str, expected: str | None) -> None:
    assert parse_anchor(f'href="{QUOTED}" {attribute}').yanked == expected


def test_first_of_repeated_attributes_counts() -> None:
    assert parse_anchor(f'href="/a/{QUOTED}" href="/b/{QUOTED}"').url == f"https://index.example/a/{QUOTED}"


@pytest.mark.parametrize(
    ("href", "reason"),
    [
        (f"ftp://files.example/{QUOTED}", "scheme ftp"),
        (f"javascript:/{QUOTED}", "scheme javascript"),
        (f"file:///etc/{QUOTED}", "local file"),
        (f"https://files.example:99999/{QUOTED}", "not a URL"),
        (f"https://[files.example/{QUOTED}", "not a URL"),
        (f"/whl/{QUOTED}</a", "broken markup"),
        ("/whl/..%2F..%2Fetc%2Ftorch-1.0-py3-none-any.whl", "not a file name"),
        ("/whl/torch%00-1.0-py3-none-any.whl", "not a file name"),
    ],
)
def test_link_that_cannot_be_used_is_skipped_with_a_reason(href: str, reason: str) -> None:
    page = parse_html(f'<a href="{href}">x</a>')
    assert page.links == ()
    assert [reason in file.reason for file in page.skipped] == [True]


def test_local_page_may_link_to_local_files_but_not_to_another_host() -> None:
    page = parse_html(
        f'<a href="{QUOTED}"></a><a href="https://files.example/{QUOTED}"></a><a href="file://evil.example/s/{QUOTED}">',
        url="file:///srv/index/torch/",
    )
    assert [link.url for link in page.links] == [f"file:///srv/index/torch/{QUOTED}", f"https://files.example/{QUOTED}"]
    assert len(page.skipped) == 1


def test_links_to_no_file_are_left_out() -> None:
    page = parse_html(
        f'<a href="../">up</a><a href="?C=N;O=D">n</a><a href="#top">t</a><a name="x">x</a><a href="{QUOTED}">'
    )
    assert [link.filename for link in page.links] == [WHEEL]
    assert page.skipped == ()


def test_unclosed_links_of_2021_do_not_stop_the_others() -> None:
    # The markup of PyTorch's page in 2021: an address without quotes and without an end.
    page = parse_html(f"<a href=/torch-1.1.0-cp27-cp27mu-linux_x86_64.whl</a><br>\n<a href={QUOTED}>x</a>")
    assert [file.filename for file in page.skipped] == ["torch-1.1.0-cp27-cp27mu-linux_x86_64.whl"]
    assert [link.filename for link in page.links] == [WHEEL]


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE html><html><head><title>Links for torch</title></head><body><h1>Links for torch</h1></body></html>",
        '<html><head><meta name="pypi:repository-version" content="1.1"></head><body><a href="/">up</a></body></html>',
        "<!DOCTYPE html><html><body></body></html>",
        "<html><head><title>Index of /simple/torch/</title></head><body><a href='../'>../</a></body></html>",
    ],
)
def test_project_page_without_files_is_a_page(text: str) -> None:
    assert parse_html(text).links == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n",
        "torch is not here",
        '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
        "<html><title>Sign in</title><body><form><input type=password></form></body></html>",
        "<html><title>Sign in</title><body><a href='/login'>Sign in</a></body></html>",
        "<html><body><div id=root></div><script src='/app.js'></script></body></html>",
        "<html><title>Simple index</title><body><a href='/simple/torch/'>torch</a></body></html>",
        f'<html><body><a href="/whl/{QUOTED}">x</a><a href="/whl/torch-2.6',
    ],
)
@pytest.mark.parametrize("content_type", ["text/html", None])
def test_document_that_is_no_project_page_is_refused(text: str, content_type: str | None) -> None:
    with pytest.raises(NotAProjectPageError) as caught:
        parse_html(text, url="https://user:secret@index.example/simple/torch/", content_type=content_type)
    assert caught.value.url == URL
    assert URL in caught.value.message
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "body", ["[]", "{}", '{"info": {}, "urls": []}', '{"projects": []}', '{"files": {}}', "{", "[" * 100_000]
)
def test_json_of_another_shape_is_refused(body: str) -> None:
    with pytest.raises(NotAProjectPageError, match="JSON"):
        parse_project_page(body.encode(), content_type="application/json", url=URL, project=TORCH)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/vnd.pypi.simple.v1+json",
        "application/vnd.pypi.simple.latest+json",
        "Application/JSON; charset=utf-8",
        None,
        "text/plain",
    ],
)
def test_json_is_known_by_type_or_else_by_its_first_byte(content_type: str | None) -> None:
    page = parse_json(
        {"meta": {"api-version": "1.0"}, "files": [{"filename": WHEEL, "url": QUOTED}]}, content_type=content_type
    )
    assert [link.url for link in page.links] == [f"https://index.example/simple/torch/{QUOTED}"]


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html",
        "text/html; charset=nonsense",
        "application/vnd.pypi.simple.v1+html",
        "",
        None,
        "application/octet-stream",
    ],
)
def test_html_is_known_by_type_or_else_by_its_first_byte(content_type: str | None) -> None:
    page = parse_html(f"\ufeff <a href='{QUOTED}'>x</a>", content_type=content_type)
    assert [link.filename for link in page.links] == [WHEEL]


def test_content_type_is_believed_over_the_body() -> None:
    with pytest.raises(NotAProjectPageError):
        parse_json({"files": []}, content_type="text/html")


@pytest.mark.parametrize("version", ["2.0", "0.9", "11", "x"])
def test_another_major_version_is_refused_in_html_json_and_type(version: str) -> None:
    with pytest.raises(NotAProjectPageError, match="version"):
        parse_html(f'<meta name="pypi:repository-version" content="{version}"><a href="{QUOTED}">')
    with pytest.raises(NotAProjectPageError, match="version"):
        parse_json({"meta": {"api-version": version}, "files": []})
    with pytest.raises(NotAProjectPageError, match="version"):
        parse_json({"files": []}, content_type="application/vnd.pypi.simple.v2+json")


def test_newer_minor_version_is_read() -> None:
    assert parse_json({"meta": {"api-version": "1.99"}, "files": [{"filename": WHEEL, "url": QUOTED}]}).links


def test_project_status_is_read_from_html_and_json() -> None:
    assert parse_html(f'<meta name="pypi:project-status" content="archived"><a href="{QUOTED}">').status == "archived"
    assert parse_json({"files": [], "project-status": {"status": "quarantined"}}).status == "quarantined"
    assert parse_json({"files": []}).status is None


def test_json_file_gives_every_field() -> None:
    file = {
        "filename": WHEEL,
        "url": f"https://files.example/{QUOTED}",
        "hashes": {"sha256": HASH.upper(), "md5": "x"},
        "requires-python": ">=3.9",
        "core-metadata": {"sha256": OTHER_HASH},
        "dist-info-metadata": False,
        "yanked": "broken",
        "size": 12,
    }
    [link] = parse_json({"files": [file]}).links
    assert link == PageLink(
        filename=WHEEL,
        url=f"https://files.example/{QUOTED}",
        sha256=HASH,
        has_metadata=True,
        metadata_sha256=OTHER_HASH,
        requires_python=">=3.9",
        yanked="broken",
        size=12,
    )


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, (False, None)),
        ({"core-metadata": True}, (True, None)),
        ({"core-metadata": False, "dist-info-metadata": True}, (False, None)),
        ({"core-metadata": {}}, (True, None)),
        ({"dist-info-metadata": {"sha256": HASH}}, (True, HASH)),
        ({"data-dist-info-metadata": {"sha256": HASH}}, (True, HASH)),
        ({"core-metadata": None, "data-dist-info-metadata": True}, (True, None)),
    ],
)
def test_json_metadata_is_advertised_under_three_names(
    keys: dict[str, object], expected: tuple[bool, str | None]
) -> None:
    [link] = parse_json({"files": [{"filename": WHEEL, "url": QUOTED, **keys}]}).links
    assert (link.has_metadata, link.metadata_sha256) == expected


@pytest.mark.parametrize(("yanked", "expected"), [(True, ""), (False, None), ("", None), ("why", "why"), (None, None)])
def test_json_yanked_is_a_truth_value_or_a_reason(yanked: object, expected: str | None) -> None:
    [link] = parse_json({"files": [{"filename": WHEEL, "url": QUOTED, "yanked": yanked}]}).links
    assert link.yanked == expected


def test_json_fields_of_wrong_types_are_taken_as_missing() -> None:
    file = {"filename": WHEEL, "url": QUOTED, "hashes": "x", "size": -1, "requires-python": 3, "core-metadata": "yes"}
    [link] = parse_json({"files": [file, 7, {"filename": "x.whl"}]}).links
    assert (link.sha256, link.size, link.requires_python, link.has_metadata) == (None, None, None, False)


def test_json_entries_that_are_no_files_are_skipped_not_lost() -> None:
    page = parse_json({"files": [7, {"filename": WHEEL}, {"url": QUOTED}]})
    assert [file.filename for file in page.skipped] == ["", WHEEL, ""]


def test_page_too_large_is_refused_before_it_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MAX_PAGE_BYTES", 100)
    parser = ProjectPageParser(content_type="text/html", url=URL, project=TORCH)
    parser.feed(b"<html>" + b" " * 94)
    with pytest.raises(NotAProjectPageError, match="larger"):
        parser.feed(b" ")


def test_page_with_too_many_links_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "MAX_LINKS", 3)
    assert len(parse_html(f"<a href='{QUOTED}'></a>" * 3).links) == 3
    with pytest.raises(NotAProjectPageError, match="more than 3 links"):
        parse_html(f"<a href='{QUOTED}'></a>" * 4)


@pytest.mark.parametrize("start", ["<a href='", "<!--", "<!", "<script>", "<?", "<![x["])
def test_markup_without_an_end_is_refused(start: str) -> None:
    with pytest.raises(NotAProjectPageError):
        parse_html(start * 100_000 + "x" * 200_000)


HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
TEXT = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x2FF), max_size=12)
NAME = st.text(string.ascii_letters + string.digits + "._+", min_size=1, max_size=12)


@st.composite
def page_links(draw: st.DrawFn) -> PageLink:
    filename = f"torch-{draw(NAME)}.whl"
    host = draw(st.sampled_from(["https://index.example", "https://files.example", "http://cdn.example:81"]))
    metadata_sha256 = draw(st.none() | HEX)
    return PageLink(
        filename=filename,
        url=f"{host}/{draw(NAME)}/{filename.replace('+', '%2B')}".replace("/./", "/x/").replace("/../", "/x/"),
        sha256=draw(st.none() | HEX),
        has_metadata=metadata_sha256 is not None or draw(st.booleans()),
        metadata_sha256=metadata_sha256,
        requires_python=draw(st.none() | TEXT.filter(bool).map(str.strip).filter(bool)),
        yanked=draw(st.none() | TEXT.filter(bool)),
        size=None,
    )


def render_anchor(link: PageLink) -> str:
    fragment = f"#sha256={link.sha256}" if link.sha256 else ""
    attributes = [("href", link.url + fragment)]
    if link.has_metadata:
        attributes.append(("data-core-metadata", f"sha256={link.metadata_sha256}" if link.metadata_sha256 else "true"))
    if link.requires_python is not None:
        attributes.append(("data-requires-python", link.requires_python))
    if link.yanked is not None:
        attributes.append(("data-yanked", link.yanked))
    written = "".join(f' {name}="{html.escape(value)}"' for name, value in attributes)
    return f"<a{written}>{link.filename}</a>"


def render_file(link: PageLink) -> dict[str, object]:
    return {
        "filename": link.filename,
        "url": link.url,
        "hashes": {"sha256": link.sha256} if link.sha256 else {},
        "core-metadata": {"sha256": link.metadata_sha256} if link.metadata_sha256 else link.has_metadata,
        "requires-python": link.requires_python,
        "yanked": False if link.yanked is None else link.yanked,
    }


@given(st.lists(page_links(), min_size=1, max_size=4))
def test_html_and_json_of_the_same_files_give_the_same_links(links: list[PageLink]) -> None:
    assert parse_html("\n".join(map(render_anchor, links))).links == tuple(links)
    assert parse_json({"files": list(map(render_file, links))}).links == tuple(links)


@given(
    st.lists(page_links(), min_size=1, max_size=3), st.lists(st.integers(1, 60), min_size=1, max_size=20), st.booleans()
)
def test_page_in_pieces_gives_the_same_as_whole(links: list[PageLink], sizes: list[int], as_json: bool) -> None:
    text = json.dumps({"files": list(map(render_file, links))}) if as_json else "".join(map(render_anchor, links))
    rest = text.encode()
    parser = ProjectPageParser(content_type=None, url=URL, project=TORCH)
    for size in sizes:
        parser.feed(rest[:size])
        rest = rest[size:]
    parser.feed(rest)
    assert parser.close().links == tuple(links)


MARKUP = st.lists(
    st.sampled_from(
        ["<a href=", "'", '"', ">", "</a>", "<", "<!", "<![CDATA[", "]]>", "--", "<base href=", "<meta ", "&#", ";"]
    )
    | st.sampled_from(["http://", "//[", "file:", "\\", "%", "x.whl", "@", ":", "{", "}", '{"files": [', "<script>"])
    | st.text(max_size=4)
).map("".join)


@given(
    st.binary() | MARKUP.map(str.encode),
    st.sampled_from([None, "text/html", "application/json", "text/html;charset=cp1252"]),
)
@example(b'<base href="//["><a href=x.whl>', "text/html")
@example(b"<![nonsense[>", "text/html")
def test_whatever_a_server_sends_is_a_page_or_refused(body: bytes, content_type: str | None) -> None:
    try:
        page = parse_project_page(body, content_type=content_type, url=URL, project=TORCH)
    except NotAProjectPageError:
        return
    for link in page.links:
        assert link.url.startswith(("http://", "https://"))
        assert "#" not in link.url
        assert link.url.isascii()


# Anchors as every index writes them are read without html.parser


BITS = st.sampled_from(
    [
        '<a href="x-1.whl">x</a>',
        '    <a href="/a/y-1.0-py3-none-any.whl#sha256='
        + HASH
        + '" data-core-metadata="sha256='
        + HASH
        + '">y</a><br/>',
        '<a href="z-1.whl" data-requires-python="&gt;=3.9" data-yanked="no &amp; no">z</a><br />',
        '<a href="z-1.whl" data-yanked="&copy &notit; &#65;">z</a>',
        '<a href="a.whl?b=1&amp;c=2">a</a>',
        '<a href="twice.whl" href="other.whl" data-yanked="" data-yanked="b">x</a>',
        '<A HREF="upper.whl">x</A>',
        "<a href='quoted.whl'>x</a>",
        '<a  href="spaced.whl" >x</a >',
        '<a href="open.whl"',
        '<a href="no-file/">..</a>',
        '<a href="bad%00name.whl">x</a>',
        '<a href="torch-2.6.0%2Bcu126-cp310-cp310-win_amd64.whl">x</a>',
        "<!--",
        "-->",
        "<script>",
        "</script>",
        "<title>Links for x",
        "</title>",
        "<h1>",
        "</h1>",
        '<base href="https://other.example/">',
        "<textarea>",
        "<![CDATA[",
        "text & more",
        "&am",
        "<",
        ">",
        '"',
        "\n",
        "\r\n",
        " ",
        "x" * 9000,
    ]
)


class Slow:
    """Parses a page by html.parser alone."""

    def __init__(self) -> None:
        self.files = Files(URL, None)
        self.markup = Markup(URL, self.files)

    def feed(self, text: str) -> None:
        self.markup.feed(text)


@given(st.lists(BITS, max_size=30), st.integers(1, 200))
@example(bits=['<a href="x-1.whl">x</a>', "\n"] * 3, size=7)
@example(bits=["<!--", "\n", '<a href="x-1.whl">x</a>', "\n", "-->"], size=200)
@example(bits=["<title>", "\n", '<a href="x-1.whl">x</a>', "</title>"], size=200)
def test_page_is_read_as_html_parser_alone_would_read_it(bits: list[str], size: int) -> None:
    text = "".join(bits)
    slow = Slow()
    slow.feed(text)
    parser = ProjectPageParser(content_type="text/html", url=URL, project=TORCH)
    data = text.encode()
    try:
        for start in range(0, len(data), size):
            parser.feed(data[start : start + size])
        page = parser.close()
    except NotAProjectPageError:
        assert not slow.files.count or slow.markup.rawdata[:2].lower() == "<a"
        return
    assert list(page.links) == slow.files.links
    assert list(page.skipped) == slow.files.skipped


@pytest.mark.parametrize(
    "line", ["\n", " ", "\t\n", "\n ", "\n<a ", '\n<a href="', "x\n", "\n<a x>", '<a href="x.whl">']
)
def test_no_repetition_of_anything_takes_longer_than_its_length(line: str) -> None:
    """Were it quadratic, these 4 MB would take hours."""
    parser = ProjectPageParser(content_type="text/html", url=URL, project=TORCH)
    try:
        parser.feed((line * (4_000_000 // len(line)))[: 4_000_000 if len(line) < 4 else 400_000].encode())
        page = parser.close()
    except NotAProjectPageError:
        return
    assert all(link.filename == "x.whl" for link in page.links)


class OnlyTwo:
    """A sieve for files that begin with "two-"."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.others = {"1": Version("1")}

    def wants(self, filename: str) -> bool:
        return filename.startswith("two-")

    def keep(self, link: PageLink) -> None:
        self.kept.append(link.filename)


LISTED = ("one-1.whl", "two-1.whl", "one-1.tar.gz", "two-1.tar.gz", "one-2.whl")


@pytest.mark.parametrize("kind", ["html", "json", "html in quotes of its own"])
def test_unwanted_files_are_counted_and_become_nothing(kind: str) -> None:
    sieve = OnlyTwo()
    if kind == "json":
        files = [{"filename": name, "url": f"/{name}", "hashes": {}} for name in LISTED]
        body = json.dumps({"files": files}).encode()
    else:
        mark = '"' if kind == "html" else "'"
        body = "\n".join(f"<a href={mark}/{name}{mark}>{name}</a>" for name in LISTED).encode()
    content_type = "application/json" if kind == "json" else "text/html"
    page = parse_project_page(body, content_type=content_type, url=URL, project=TORCH, sieve=sieve)
    assert [link.filename for link in page.links] == ["two-1.whl", "two-1.tar.gz"] == sieve.kept
    assert page.unwanted == 3
    assert page.others == (Version("1"),)


def test_wanted_file_is_told_before_the_page_ends() -> None:
    sieve = OnlyTwo()
    parser = ProjectPageParser(content_type="text/html", url=URL, project=TORCH, sieve=sieve)
    parser.feed(b'<html><body>\n<a href="two-1.whl">x</a><br>\n<a href="two')
    assert sieve.kept == ["two-1.whl"]


def test_unwanted_links_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "MAX_LINKS", 3)
    body = b'<a href="one-1.whl">x</a>\n' * 4
    with pytest.raises(NotAProjectPageError, match="more than 3 links"):
        parse_project_page(body, content_type="text/html", url=URL, project=TORCH, sieve=OnlyTwo())


def test_page_with_nothing_but_unwanted_files_is_a_project_page() -> None:
    page = parse_project_page(
        b'<a href="one-1.whl">x</a>', content_type="text/html", url=URL, project=TORCH, sieve=OnlyTwo()
    )
    assert (page.links, page.unwanted) == ((), 1)


def test_unwanted_file_whose_name_is_none_is_only_counted_however_the_page_is_cut() -> None:
    body = b'<a href="one-\0.whl">x</a>\n<a href="two-\0.whl">x</a>\n'
    found = []
    for size in (1, len(body)):
        parser = ProjectPageParser(content_type="text/html", url=URL, project=TORCH, sieve=OnlyTwo())
        for at in range(0, len(body), size):
            parser.feed(body[at : at + size])
        found.append(parser.close())
    assert found[0] == found[1]
    assert (found[0].unwanted, [each.filename for each in found[0].skipped]) == (1, ["two-\0.whl"])


@pytest.mark.parametrize(
    "base",
    ["file:///", "file://files.example/", "javascript://files.example/", "x-https://u:p@files.example/", "data:,"],
)
def test_base_of_another_scheme_makes_no_link(base: str) -> None:
    page = parse_html(f'<base href="{base}"><a href="/etc/{QUOTED}">x</a>')
    assert page.links == ()
    assert [each.filename for each in page.skipped] == [WHEEL]


@pytest.mark.parametrize("port", ["99999", "0", "x"])
def test_base_whose_port_is_none_makes_no_link(port: str) -> None:
    page = parse_html(f'<base href="https://files.example:{port}/"><a href="/{QUOTED}">x</a>')
    assert not any(f":{port}" in link.url for link in page.links)


def test_base_with_userinfo_makes_a_link_without() -> None:
    page = parse_html(f'<base href="https://u:p@files.example:8080/x/"><a href="/{QUOTED}">x</a>')
    assert [link.url for link in page.links] == [f"https://files.example:8080/{QUOTED}"]
