"""Starting the app: environment first, then the safe launch."""

from __future__ import annotations

import argparse
import atexit
import logging
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.text import DEFAULT_LANG, t
from engine.errors import EngineError
from engine.runs import paths, service
from engine.runs.boundary import boundary

if TYPE_CHECKING:
    import gradio as gr

MAX_UPLOAD = "50mb"

log = logging.getLogger(__name__)


def _environment() -> None:
    """Settings that Gradio and the Hub client read when they are imported."""
    # Not in the data directory: Gradio refuses uploads below a blocked path. Nor beside it, where
    # the app may not be allowed to write. Readable by its owner only, and gone when the app ends;
    # `app.uploads` takes what is to be kept.
    uploads = tempfile.mkdtemp(prefix="t2r-studio-uploads-")
    atexit.register(shutil.rmtree, uploads, ignore_errors=True)
    os.environ["GRADIO_TEMP_DIR"] = uploads
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


def launch_settings() -> dict[str, Any]:
    """Arguments of `Blocks.launch`: nothing is shared, monitored, remembered or served but the app.

    The data directory is blocked as a whole: should a handler ever hand a path from a visitor to a
    file component, Gradio still refuses to publish what lies there.
    """
    from app import theme
    from app.downloads import ReportFiles
    from app.language import LanguagePages

    return {
        "share": False,
        "show_error": False,
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "max_file_size": MAX_UPLOAD,
        "allowed_paths": [],
        "blocked_paths": [str(paths.data_directory())],
        "strict_cors": True,
        "ssr_mode": False,
        "pwa": False,
        "mcp_server": False,
        "theme": theme.theme(),
        "css_paths": theme.STYLE_SHEETS,
        "app_kwargs": {"middleware": [(LanguagePages, (), {}), (ReportFiles, (), {})]},
    }


def make() -> gr.Blocks:
    """The app, ready to launch; marks the runs whose worker died while no app was there to see."""
    _environment()
    from app import uploads
    from app.pages.sample import first_sample
    from app.ui import build

    uploads.sweep()
    for run in service.recover():
        log.info("run %s was interrupted and can be resumed", run.id)
    demo = build(first_sample())
    demo.queue(max_size=32, default_concurrency_limit=4)
    return demo


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the app until it is stopped; exit status 2 if it cannot start.

    Address: arguments, else GRADIO_SERVER_NAME and GRADIO_SERVER_PORT (which a Space sets), else
    127.0.0.1:7860. HOST is not read: some shells export the machine's own name under it, and the
    app would open itself to the network unasked.
    """
    host = os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1"
    port = os.environ.get("GRADIO_SERVER_PORT") or os.environ.get("PORT") or "7860"
    parser = argparse.ArgumentParser(
        prog="python app.py", description=t("launch.about", DEFAULT_LANG)
    )
    parser.add_argument("--host", default=host, help=t("launch.host", DEFAULT_LANG))
    parser.add_argument("--port", default=port, type=int, help=t("launch.port", DEFAULT_LANG))
    parser.add_argument("--models", metavar="DIR", type=Path, help=t("launch.models", DEFAULT_LANG))
    options = parser.parse_args(arguments)
    if options.models is not None:
        if not options.models.is_dir():
            parser.error(t("launch.no_models", DEFAULT_LANG, place=options.models))
        os.environ["T2R_STUDIO_MODELS"] = str(options.models.resolve())
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # Gradio asks itself whether it is up
    try:
        with boundary(t("error.details", DEFAULT_LANG)):
            demo = make()
            from app.pages import convert

            _, address, _ = demo.launch(
                server_name=options.host, server_port=options.port, quiet=True,
                prevent_thread_lock=True, **launch_settings(),
            )  # fmt: skip
    except EngineError as error:
        parser.exit(2, f"error: {error.message}\nhint: {error.hint}\n")
    # Before the first visitor needs it: torch takes seconds, in which every click would wait.
    convert.warm_up()
    log.info("T2R Studio is at %s (stop it with Ctrl+C)", address)
    demo.block_thread()
