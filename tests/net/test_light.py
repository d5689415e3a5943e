"""What the HTTP client brings along."""

from __future__ import annotations

import subprocess
import sys


def test_it_leaves_the_command_line_of_httpx_at_home() -> None:
    loaded = "import sys, watcher.net, httpx; print([name for name in ('rich', 'pygments') if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
