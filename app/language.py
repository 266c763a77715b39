"""The language of each page as a browser learns it, before Gradio's own script runs.

Gradio serves one HTML file for all pages, marked as English, and takes the language of its built-in
words (such as "Drop file here") from the browser. Both are set right here for each page's path.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from app.text import DEFAULT_LANG, PATHS

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_SCRIPT = """<script>
for (const [name, value] of [["language", "%(lang)s"], ["languages", ["%(lang)s"]]])
  Object.defineProperty(navigator, name, {get: () => value});
document.addEventListener("click", (event) => {
  const link = event.target.closest && event.target.closest("a.ts-language");
  if (link) link.search = window.location.search;
});
</script>"""


def page_language(path: str) -> str | None:
    """The language of the page at a path; None where there is no page."""
    return {address: lang for lang, address in PATHS.items()}.get(path.strip("/"))


def in_language(html: bytes, lang: str) -> bytes:
    """Gradio's page with its language declared, and a link between languages that keeps the run."""
    marked = html.replace(f'lang="{DEFAULT_LANG}"'.encode(), f'lang="{lang}"'.encode(), 1)
    return marked.replace(b"<head>", b"<head>" + (_SCRIPT % {"lang": lang}).encode(), 1)


class LanguagePages:
    """ASGI middleware that declares the language of the pages; all else passes through."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        lang = page_language(scope["path"]) if scope["type"] == "http" else None
        if lang is None or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            changed = in_language(bytes(body), lang)
            headers = [(k, v) for k, v in start["headers"] if k.lower() != b"content-length"]
            headers.append((b"content-length", str(len(changed)).encode()))
            await send({**start, "headers": headers})
            await send({"type": "http.response.body", "body": changed})

        await self._app(scope, receive, collect)
