"""Slack, by an incoming webhook: blocks of plain text, in which neither markdown nor mentions work. Pure."""

from __future__ import annotations

from typing import Any, Final

from notices.saying.content import Content, link

MOST_CHARACTERS: Final = 3_000  # Of the text of a block.
_WORD_JOINER: Final = "\u2060"  # Invisible; a name is no longer what Slack looks for behind an @ or a #.


def to_slack(content: Content) -> dict[str, Any]:
    """The body to post."""
    blocks = [_plain(content["title"], emphasis=True)]
    blocks += [_plain(line) for line in content["lines"]]
    for item in content["items"]:
        blocks.append(_plain(f"{item['title']}\n{item['text']}"))
        blocks += _link(item["path"])
    blocks += _link(content["path"])
    # Shown in notifications, and by programs that know no blocks.
    return {"text": escaped(content["title"]), "mrkdwn": False, "link_names": False, "blocks": blocks}


def escaped(text: str) -> str:
    """Slack reads these three everywhere: `<!channel>` is a mention, `<https://…|words>` a link."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("@", f"@{_WORD_JOINER}").replace("#", f"#{_WORD_JOINER}")


def _plain(text: str, *, emphasis: bool = False) -> dict[str, Any]:
    written = {"type": "plain_text", "text": _cut(escaped(text), 150 if emphasis else MOST_CHARACTERS), "emoji": False}
    return {"type": "header" if emphasis else "section", "text": written}


def _cut(text: str, most: int) -> str:
    """Not within an escaped character."""
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    at = cut.rfind("&")
    return f"{cut[:at] if at > len(cut) - 6 and ';' not in cut[at:] else cut}…"


def _link(path: str) -> list[dict[str, Any]]:
    url = link(path)
    if not url:
        return []
    return [{"type": "context", "elements": [{"type": "mrkdwn", "text": f"<{url}|Open>", "verbatim": True}]}]
