"""The whole demo, as a process of its own: what it shows, what it leaves behind, and that nothing keeps running."""

from __future__ import annotations

import hashlib
import mailbox
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from watcher.demo.files import size_and_md5
from watcher.demo.products import L2A
from watcher.demo.timeline import Timeline

# Whatever happens once the service works: one place will do.
_SHORT = "from watcher.demo import story; story.HEROES = [site for site in story.HEROES if site.code == 'Pornic']"


@contextmanager
def started(*arguments: str, before: str = "") -> Iterator[subprocess.Popen[str]]:
    code = f"{before}\nfrom watcher.cli import main; main()"
    line = [sys.executable, "-c", code, "demo", *arguments]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], enough: Callable[[str], bool]) -> str:
    """Read what it says, up to the line that is enough; the test's own limit of time is the deadline."""
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if enough(line):
            return said
    pytest.fail(f"it ended without saying that:\n{said}")


def working_in(directory: Path) -> dict[int, str]:
    """Return the processes whose state directory lies here: their number and command line."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            environment, line = (place / "environ").read_bytes(), (place / "cmdline").read_bytes()
        except OSError:  # it ended meanwhile, or is somebody else's
            continue
        if f"WATCHER_STATE={directory}/".encode() in environment and line:
            found[int(place.name)] = line.replace(b"\0", b" ").decode()
    return found


def texts(box: Path) -> list[str]:
    opened = mailbox.mbox(box, create=False)
    try:
        parts = [next(part for part in mail.walk() if part.get_content_type() == "text/plain") for mail in opened]
        return [part.get_payload(decode=True).decode() for part in parts]
    finally:
        opened.close()


def test_the_demo_ends_by_itself_with_everything_told_once_and_stored_whole(tmp_path):
    here = tmp_path / "a demo"
    with started("--dir", str(here), "--pace", "0.3") as process:
        said, _ = process.communicate(timeout=100)

    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert "✗" not in said
    arrivals = Timeline().arrivals
    for command in ("add-site Pornic --level L1C --level L2A", "poll", "run --log-file", "status", "products"):
        assert f"$ watcher {command}" in said
    assert said.count("published: ") == len(arrivals)
    assert "18 of 18" in said
    assert "processed again" in said
    for command in ("watcher add-site Toulouse", "watcher subscribe", "watcher run"):
        assert f"    {command}" in said.partition("with a real catalogue")[2]

    told = Counter(re.findall(r"^  (?:new|revised) \S+: (\S+)$", "\n".join(texts(here / "mailbox")), re.MULTILINE))
    assert told == Counter(p.ident for p in arrivals)
    on_screen = Counter(re.findall(r"┃   (?:new|revised) L2A: (\S+)$", said, re.MULTILINE))
    assert on_screen == Counter(p.ident for p in arrivals if p.level == L2A and p.site.code == "Pornic")

    files = [path for path in (here / "archive").rglob("*") if path.is_file() and path.suffix != ".json"]
    sums = {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in files}
    assert sums == {f"{p.ident}.tgz": size_and_md5(p)[1] for p in arrivals if p.level == L2A}

    assert "stopped" in (here / "watcher.log").read_text()
    assert stat.S_IMODE((here / "password").stat().st_mode) == 0o600
    assert "take5pass" not in (here / "config.toml").read_text() + (here / "watcher.log").read_text() + said
    assert working_in(here) == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_interrupts_the_demo_leaves_no_process_behind(tmp_path, number):
    with started("--dir", str(tmp_path), "--pace", "0.5", before=_SHORT) as process:
        read_until(process, lambda line: "published: " in line)
        assert any("watcher run" in line for line in working_in(tmp_path).values())
        process.send_signal(number)
        said, _ = process.communicate(timeout=60)

    assert process.returncode == 128 + number
    assert "Traceback" not in said
    assert working_in(tmp_path) == {}
    assert "INFO stopped" in (tmp_path / "watcher.log").read_text(), "the service left in good order"


def test_a_reader_that_goes_away_ends_the_demo(tmp_path):
    with started("--dir", str(tmp_path), "--pace", "0.5", before=_SHORT) as process:
        read_until(process, lambda line: "published: " in line)
        process.stdout.close()
        assert process.wait(timeout=60) != 0
    assert working_in(tmp_path) == {}


def test_a_service_that_dies_ends_the_demo_with_the_end_of_its_log(tmp_path):
    with started("--dir", str(tmp_path), "--pace", "0.5", before=_SHORT) as process:
        read_until(process, lambda line: "published: " in line)
        while "INFO polled catalogue=take5" not in (tmp_path / "watcher.log").read_text():
            time.sleep(0.02)  # the test's own limit of time is the deadline
        (number,) = (number for number, line in working_in(tmp_path).items() if "watcher run" in line)
        os.kill(number, signal.SIGKILL)
        said, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "watcher: the service ended with -9; the end of its log is:" in said
    assert "INFO polled catalogue=take5" in said
    assert "What came of it" not in said
    assert working_in(tmp_path) == {}


def test_a_step_that_fails_is_shown_and_ends_the_demo(tmp_path):
    # No file may grow beyond 8 KiB: the database cannot be made.
    short = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))"
    with started("--dir", str(tmp_path), before=short) as process:
        said, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "Traceback" not in said
    assert said.count("$ watcher ") == 1, "nothing is tried after a step that failed"
    shown = said.partition("$ watcher add-site Litchfield")[2]
    assert re.search(r"^watcher: .*watcher\.db", shown, re.MULTILINE), said
    assert "`watcher add-site Litchfield --level L1C --level L2A` ended with 75" in shown
    assert working_in(tmp_path) == {}


def test_a_directory_with_something_in_it_is_refused_and_left_alone(tmp_path):
    mine = tmp_path / "thesis.txt"
    mine.write_text("three years of work")
    with started("--dir", str(tmp_path)) as process:
        said, _ = process.communicate(timeout=60)

    assert process.returncode == 2
    assert f"{tmp_path} is not empty: there is thesis.txt" in said
    assert [*tmp_path.iterdir()] == [mine]
    assert mine.read_text() == "three years of work"


def test_a_directory_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with started("--dir", str(tmp_path / "file")) as process:
        said, _ = process.communicate(timeout=60)

    assert process.returncode == 2
    assert f"cannot use {tmp_path / 'file'}" in said


def test_served_by_hand_the_catalogue_stays_up_and_its_configuration_works(tmp_path):
    # As from `make run`, in a shell that knows no watcher.
    away = 'import os; os.environ["PATH"] = "/usr/bin:/bin"'
    with started("--dir", str(tmp_path), "--serve", "--pace", "0.05", before=away) as process:
        said = read_until(process, lambda line: "June is over" in line)
        assert said.count("published: ") == len(Timeline().arrivals)
        (url,) = set(re.findall(r"http://127\.0\.0\.1:\d+/resto", said))
        with urlopen(f"{url}/api/collections/describe.xml", timeout=30) as answer:
            assert answer.status == 200
        exports = re.findall(r"^  (export .*)$", said, re.MULTILINE)
        checked = subprocess.run(
            ["/bin/sh", "-c", "\n".join((*exports, "watcher check"))],
            env=os.environ | {"PATH": "/usr/bin:/a directory:/bin"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert "accepts the login of take5@example.org" in checked.stdout
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert gone(url)


def gone(url: str) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            urlopen(url, timeout=1).close()
        except OSError as error:
            if isinstance(error.__cause__ or getattr(error, "reason", None), ConnectionRefusedError):
                return True
    return False
