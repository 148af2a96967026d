"""Draw the pictures of the documentation anew from the demonstration: the terminal, the public report, the portal.

Chromium is needed (the package `chromium`, or its path in AUDIT7K_CHROMIUM).
"""

from __future__ import annotations

import html
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "img"
AUDIT7K = Path(sys.executable).with_name("audit7k")
WIDTH = 1040
HEIGHTS = {"terminal": 420, "report": 690, "portal": 620}
TERMINAL = """<!doctype html><meta charset="utf-8"><title>terminal</title>
<body style="margin:0;padding:16px;background:#1d1f21;color:#e6e6e6">
<pre style="font:15px/1.35 monospace;margin:0">{}</pre>"""


def said(folder: Path, *words: str) -> str:
    """What the command prints on a terminal of 100 columns; one that fails to run ends the script."""
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run([AUDIT7K, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in {0, 1, 3}:
        sys.exit(done.stderr)
    return done.stdout


def pages(folder: Path) -> dict[str, Path]:
    """The pages to be drawn, by the name of the picture. The demonstration is made in `folder`."""
    lines = ["$ audit7k demo", *said(folder, "demo").splitlines()]
    terminal = folder / "terminal.html"
    terminal.write_text(TERMINAL.format(html.escape("\n".join(lines))), encoding="utf-8")
    public = folder / "audit7k-demo" / "audit-out" / "public"
    said(folder, "portal", str(public.parent), "--out", "portal", "--lang", "en")
    return {"terminal": terminal, "report": public / "report.html", "portal": folder / "portal" / "index.html"}


def main() -> int:
    """Write docs/img/*.png. Returns 1 with one line where there is no Chromium."""
    chromium = os.environ.get("AUDIT7K_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("Chromium is needed to draw pictures: install the package chromium", file=sys.stderr)
        return 1
    from playwright.sync_api import sync_playwright

    with TemporaryDirectory() as name, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        for picture, path in pages(Path(name)).items():
            page.set_viewport_size({"width": WIDTH, "height": HEIGHTS[picture]})
            page.goto(path.as_uri())
            page.screenshot(path=PICTURES / f"{picture}.png")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
