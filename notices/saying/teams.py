"""Microsoft Teams, by a workflow's webhook: an Adaptive Card of text runs, which know no markdown. Pure."""

from __future__ import annotations

from typing import Any, Final

from notices.saying.content import Content, link

_CARD: Final = "application/vnd.microsoft.card.adaptive"


def to_teams(content: Content) -> dict[str, Any]:
    """The body to post."""
    body = [_text(content["title"], size="Large", weight="Bolder")]
    body += [_text(line) for line in content["lines"]]
    for item in content["items"]:
        body += [_text(item["title"], weight="Bolder", separator=True), _text(item["text"])]
        if url := link(item["path"]):
            body.append({"type": "ActionSet", "actions": [_open(url)]})
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
    }
    if url := link(content["path"]):
        card["actions"] = [_open(url)]
    return {"type": "message", "attachments": [{"contentType": _CARD, "contentUrl": None, "content": card}]}


def _text(text: str, *, separator: bool = False, **style: str) -> dict[str, Any]:
    """Not a TextBlock: that reads markdown, and has nothing to escape all of it with."""
    run = {"type": "TextRun", "text": text, **style}
    return {"type": "RichTextBlock", "inlines": [run], **({"separator": True} if separator else {})}


def _open(url: str) -> dict[str, str]:
    return {"type": "Action.OpenUrl", "title": "Open", "url": url}
