"""What MkDocs does not know about our pages: they are written for a code host, and read as a site too.

The navigation is the index, docs/README.md. Pages at the root of the project become pages of the site, and other files
that a page links to are copied. Diagrams are drawn here, so that readers need no script.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from pathlib import Path
from typing import Any

import mermaidx
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
INDEX = DOCS / "README.md"
# Pages outside of docs/, and what they are called on the site.
HOME = {
    "README.md": "index.md",
    "docs/README.md": "index.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "SECURITY.md": "SECURITY.md",
    "THREAT_MODEL.md": "THREAT_MODEL.md",
}
LINK = re.compile(r"(?P<text>!?\[(?:[^\[\]]|\[[^\]]*\])*\])\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"^( *)(```+)(\w*)\n(.*?)^\1\2$", re.MULTILINE | re.DOTALL)
ELSEWHERE = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*?\s(?:src|href)=["']?(?:https?:)?//""")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Take the navigation from the index: a section for each heading, a page for each entry."""
    config["nav"] = [{"Overview": "index.md"}, *sections(INDEX.read_text(encoding="utf-8"))]
    config["mdx_configs"]["toc"]["slugify"] = slug
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie at the root of the project."""
    for source, name in HOME.items():
        if source != "docs/README.md":
            files.append(File.generated(config, name, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Give the site what the code host does by itself: links into the project, diagrams, lists."""
    root_pages = {name: source for source, name in HOME.items() if source != "docs/README.md"}
    folder = ROOT if page.file.src_uri in root_pages else DOCS

    def outside_fences(text: str) -> str:
        return indent_lists(LINK.sub(lambda link: relinked(link, folder, config, files), text))

    parts: list[str] = []
    end = 0
    for fence in FENCE.finditer(markdown):
        parts.append(outside_fences(markdown[end : fence.start()]))
        parts.append(drawing(fence[4], config, files) if fence[3] == "mermaid" else fence[0])
        end = fence.end()
    parts.append(outside_fences(markdown[end:]))
    return "".join(parts)


def on_post_page(output: str, page: Page, **_: Any) -> str:
    """Refuse a page whose reading would fetch something from another host."""
    found = ELSEWHERE.search(output)
    if found:
        raise PluginError(f"{page.file.src_uri} would fetch from another host: {found[0]}")
    return output


def sections(index: str) -> list[dict[str, list[dict[str, str]]]]:
    """Return the navigation of an index's text."""
    nav: list[dict[str, list[dict[str, str]]]] = []
    for heading, body in re.findall(r"^## (.+)\n((?:(?!## ).*\n?)*)", index, re.MULTILINE):
        entries = re.findall(r"^- \[(.+?)\]\((\S+?)\)", body, re.MULTILINE)
        pages = [{title: HOME.get(target.removeprefix("../"), target)} for title, target in entries]
        nav.append({heading: pages})
    return nav


def slug(heading: str, _separator: str) -> str:
    """Name a heading as code hosts do, so that links to it work there and here."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def relinked(link: re.Match[str], folder: Path, config: MkDocsConfig, files: Files) -> str:
    """Return a link as the site needs it; a file of the project is copied, a folder of it is only named."""
    path, hash_, anchor = link["target"].partition("#")
    if not path or re.match(r"[a-z]+:", path):
        return link[0]
    name = posixpath.normpath((folder.relative_to(ROOT) / path).as_posix())
    if (ROOT / name).is_dir():
        return link["text"].strip("[]")
    if name in HOME:
        target = HOME[name]
    elif name.startswith("docs/"):
        target = name.removeprefix("docs/")
    else:
        target = f"project/{name}.txt"  # As text, which browsers show.
        if not files.get_file_from_path(target):
            files.append(File.generated(config, target, content=(ROOT / name).read_bytes()))
    return f"{link['text']}({target}{hash_}{anchor})"


def drawing(source: str, config: MkDocsConfig, files: Files) -> str:
    """Draw a diagram; its `accTitle` says what it shows, and a click shows it as large as it is."""
    title = re.search(r"accTitle: (.+)", source)
    if title is None:
        raise PluginError(f"This diagram needs a line `accTitle: what it shows`:\n{source}")
    svg = _drawn(source)
    name = f"drawings/{hashlib.sha256(svg.encode()).hexdigest()[:12]}.svg"
    if not files.get_file_from_path(name):
        files.append(File.generated(config, name, content=svg))
    return f"[![{title[1]}]({name})]({name})"


def _drawn(source: str) -> str:
    """Drawing one takes a second, so what was drawn is kept."""
    kept = ROOT / "var" / "drawings" / f"{hashlib.sha256(source.encode()).hexdigest()}.svg"
    if not kept.exists():
        svg = mermaidx.render(f"%%{{init: {{'theme': 'neutral', 'fontFamily': 'sans-serif'}}}}%%\n{source}").svg()
        if not svg.startswith("<svg"):
            raise PluginError(f"This diagram cannot be drawn:\n{source}")
        kept.parent.mkdir(parents=True, exist_ok=True)
        # White behind it: its lines are black in the dark scheme too.
        kept.write_text(svg.replace("background-color: transparent", "background-color: white", 1), encoding="utf-8")
    return kept.read_text(encoding="utf-8")


def indent_lists(text: str) -> str:
    """What belongs to an entry of a list stands four columns in for MkDocs, and two or three for code hosts."""
    lines: list[str] = []
    within = 0
    for line in text.split("\n"):
        entry = re.match(r"(- |\d+\. )", line)
        if entry:
            within = len(entry[0])
        elif line and not line.startswith(" "):
            within = 0
        inner = within and line.startswith(" " * within)
        lines.append(f"{' ' * 4}{line[within:]}" if inner else line)
    return "\n".join(lines)
