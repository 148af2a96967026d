"""`kind = "http"`: a service is asked with manners, nothing that it does is trusted, and every row is accounted for."""

from __future__ import annotations

import email.utils
import gzip
import logging
import random
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpcore2
import pyarrow as pa
import pytest
from detectors.fault_server import Act, Asked, FaultServer, score_of, serving
from made.leaping_clock import leap_over_waits
from pydantic import ValidationError

from audit.detectors.answer_check import accept_answer
from audit.detectors.http_service import HttpDetector
from audit.detectors.in_flight import InFlight
from audit.detectors.protocol import DetectorInfo, RunContext
from audit.errors import DetectorError
from audit.plan.services import HttpDetector as HttpSection
from audit.scoring.foreign_errors import open_detector

CANARY = "canary-93b7"
TOKEN = "token-canary-4f1e"
QUERY = "query-canary-77aa"


def section(url: str, **more: Any) -> HttpSection:
    given: dict[str, Any] = {
        "kind": "http",
        "url": url,
        "features": ["text", "pay"],
        "threshold": 0.5,
        "answers_at": "predictions",
        "score_at": "score",
        "id_at": "row_id",
        "allow_local": True,
        "timeout": 60,
        "try_timeout": 30,
    }
    return HttpSection.model_validate({**given, **more})


def batch_of(first: int, count: int) -> pa.RecordBatch:
    ids = range(first, first + count)
    return pa.record_batch(
        {
            "row_id": pa.array(ids, pa.int64()),
            "text": [f"{CANARY} {n}" for n in ids],
            "pay": pa.array([float(n) for n in ids]),
        }
    )


class Run:
    """What came of asking about all batches, checked as the harness checks it."""

    def __init__(self, asked: HttpSection, batches: int = 1, size: int = 4) -> None:
        self.rows: list[tuple[int, float | None, str, str | None]] = []
        self.info: DetectorInfo | None = None
        detector = HttpDetector(asked, Path())
        context = RunContext(Path(), asked.features, asked.answers, asked.score_range, size)
        begun = time.monotonic()
        with InFlight(detector.score) as flight, open_detector(detector, "http", context):
            every = ((n, batch_of(n * size, size)) for n in range(batches))
            for number, batch, answer in flight.ask(every, detector.workers):
                assert batch is not None
                got = answer()
                accept_answer(got, batch.column(0), asked.answers, asked.score_range, where=f"batch {number}")
                self.rows.extend(zip(*got.to_pydict().values(), strict=True))
            self.info = detector.info
        self.seconds = time.monotonic() - begun

    @property
    def kinds(self) -> Counter[str]:
        return Counter(f"{status}/{reason}" if reason else status for _, _, status, reason in self.rows)

    @property
    def notes(self) -> str:
        assert self.info is not None
        return " ".join((*self.info.notes, *self.info.course))


@pytest.fixture(autouse=True)
def _nothing_leaks(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Neither a row nor a secret is in any record, at any level, of any logger, in any test of this file."""
    monkeypatch.setenv("AUDIT7K_TEST_TOKEN", TOKEN)
    caplog.set_level(logging.DEBUG)
    for name in ("httpcore2", "httpcore2.connection", "httpcore2.http11"):
        caplog.set_level(logging.DEBUG, logger=name)
    threads = set(threading.enumerate())
    yield
    for record in caplog.records:
        said = f"{record.getMessage()} {vars(record)}"
        assert not any(secret in said for secret in (CANARY, TOKEN, QUERY))
    assert not [thread for thread in set(threading.enumerate()) - threads if thread.name.startswith("audit7k")]
    assert not logging.getLogger("httpcore2.http11").filters


def refusal(asked: HttpSection, **more: Any) -> str:
    with pytest.raises(DetectorError) as caught:
        Run(asked, **more)
    text = str(caught.value)
    assert "\n" not in text
    assert not any(secret in text for secret in (CANARY, TOKEN, QUERY))
    assert caught.value.__cause__ is None
    return text


def answering(asked: Asked) -> None:
    asked.answer()


def first(count: int, act: Act) -> Act:
    """Do this with so many requests, and answer the others."""
    return lambda asked: act(asked) if asked.number <= count else asked.answer()


# What is sent, and what comes back


def test_rows_are_sent_and_answers_come_back_in_order() -> None:
    with serving(answering) as server:
        run = Run(section(server.url), batches=12)
    assert [row[0] for row in run.rows] == list(range(48))
    assert [row[1] for row in run.rows] == [score_of({"row_id": n}) for n in range(48)]
    assert run.kinds == {"ok": 48}
    assert min(server.asked, key=lambda asked: int(asked.rows[0]["row_id"])).body == {
        "instances": [{"row_id": n, "text": f"{CANARY} {n}", "pay": float(n)} for n in range(4)]
    }
    assert run.info is not None
    assert run.info.name == server.url
    assert run.info.artefact_sha256 is None
    assert not run.info.deterministic
    assert "sent to the service" in run.notes
    assert "could not be checked" not in run.notes


def test_what_the_library_logs_of_the_requests_of_others_is_logged_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    def act(asked: Asked) -> None:
        httpcore2.request("POST", other.url, content=b"{}")  # meanwhile, in another thread of this process
        asked.answer()

    with serving(lambda asked: asked.reply({})) as other, serving(act) as server:
        Run(section(server.url), batches=3)
    sent = [record for record in caplog.records if record.getMessage().startswith("send_request_body.started")]
    assert len(sent) == len(other.asked) == len(server.asked) == 3


def test_a_request_of_another_shape_and_answers_deep_inside() -> None:
    def act(asked: Asked) -> None:
        assert asked.body["options"] == {"explain": False, "price": "$5"}
        asked.reply({"data": {"results": [{"p": [0.75, row["in"]["amount"]]} for row in asked.body["data"]["rows"]]}})

    with serving(act) as server:
        run = Run(
            section(
                server.url,
                request={"data": {"rows": "$rows"}, "options": {"explain": False, "price": "$$5"}},
                row={"in": {"body": "$text", "amount": "$pay"}},
                answers_at="data.results",
                score_at="p.1",
                id_at=None,
                score_range=[0, 100],
                threshold=10,
            )
        )
    assert [row[1] for row in run.rows] == [0.0, 1.0, 2.0, 3.0]
    assert "could not be checked" in run.notes


def test_bare_lists_both_ways_and_a_null_abstains() -> None:
    def act(asked: Asked) -> None:
        assert asked.body == [f"{CANARY} {n}" for n in range(4)]
        asked.reply([0.5, None, 1, 0])

    with serving(act) as server:
        at = section(
            server.url, features=["text"], request="$rows", row="$text", answers_at="", score_at="", id_at=None
        )
        run = Run(at)
    assert [(row[1], row[2]) for row in run.rows] == [(0.5, "ok"), (None, "abstain"), (1.0, "ok"), (0.0, "ok")]


def test_decisions() -> None:
    with serving(lambda asked: asked.reply({"predictions": [True, False, 1, "yes"]})) as server:
        run = Run(section(server.url, answers="decision", threshold=None, score_at="", id_at=None))
    assert [(row[1], row[3]) for row in run.rows] == [(1, None), (0, None), (1, None), (None, "not_a_decision")]


def test_the_token_is_sent_and_headers_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT7K_TEST_KEY", TOKEN + "-key")
    # neither a proxy nor .netrc of the environment has a say
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving(answering) as server:
        headers = {"X-Api-Key": "env:AUDIT7K_TEST_KEY", "X-Model": "2.3"}
        run = Run(section(server.url + f"?version={QUERY}", token="env:AUDIT7K_TEST_TOKEN", headers=headers))
    sent = server.asked[0].headers
    assert sent["Authorization"] == f"Bearer {TOKEN}"
    assert sent["X-Api-Key"] == f"{TOKEN}-key"
    assert sent["X-Model"] == "2.3"
    assert server.asked[0].handler.path == f"/v1/score?version={QUERY}"
    assert run.info is not None
    assert run.info.name == server.url
    assert not any(secret in repr(run.info) for secret in (CANARY, TOKEN, QUERY))


@pytest.mark.parametrize(
    ("column", "sent"),
    [
        (pa.array([1, None]), [1, None]),
        (pa.array([0.1, float("nan")]), [0.1, None]),
        (pa.array([2**53 + 1, -1]), [2**53 + 1, -1]),
        (pa.array([None, None]), [None, None]),
        (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
        (pa.array([0, 1], pa.date32()), ["1970-01-01", "1970-01-02"]),
        (pa.array([["NGA"], None]), [["NGA"], None]),
    ],
)
def test_values_as_json_has_them(column: pa.Array, sent: list[object]) -> None:
    from audit.detectors.http_service.request import RequestTemplate

    template = RequestTemplate(section("http://localhost/", features=["a"], row="$a", request="$rows", id_at=None))
    import json

    assert json.loads(template.body(pa.record_batch({"row_id": pa.array([0, 1]), "a": column}))) == sent


@pytest.mark.parametrize(
    "column", [pa.array([float("inf"), 1.0]), pa.array([b"x", b"y"]), pa.array([1, 2], pa.duration("s"))]
)
def test_values_that_json_cannot_carry(column: pa.Array) -> None:
    from audit.detectors.http_service.request import RequestTemplate

    template = RequestTemplate(section("http://localhost/", features=["a"]))
    with pytest.raises(DetectorError, match="column a holds values that JSON cannot carry"):
        template.body(pa.record_batch({"row_id": pa.array([0, 1]), "a": column}))


# Faults that pass


def test_a_503_is_asked_again_after_the_time_it_names() -> None:
    with serving(first(1, lambda asked: asked.reply({}, 503, Retry_After="1"))) as server:
        run = Run(section(server.url))
    assert run.kinds == {"ok": 4}
    assert server.times[1] - server.times[0] >= 1
    assert "1 requests repeated an earlier one" in run.notes


def test_a_503_with_a_date() -> None:
    def act(asked: Asked) -> None:
        asked.reply({}, 503, Retry_After=email.utils.formatdate(time.time() + 2, usegmt=True))

    with serving(first(1, act)) as server:
        run = Run(section(server.url))
    assert run.kinds == {"ok": 4}
    assert server.times[1] - server.times[0] >= 0.9


@pytest.mark.parametrize("code", [429, 502, 503, 504])
def test_a_busy_service_is_asked_again(code: int) -> None:
    with serving(first(2, lambda asked: asked.reply({}, code))) as server:
        run = Run(section(server.url))
    assert run.kinds == {"ok": 4}
    assert len(server.asked) == 3
    assert server.times[2] - server.times[1] > 0.2  # the second wait is longer than the first can be short


def test_a_dropped_connection_is_made_again() -> None:
    with serving(first(2, Asked.drop)) as server:
        run = Run(section(server.url))
    assert run.kinds == {"ok": 4}


def test_a_try_that_hangs_is_given_up_and_repeated() -> None:
    with serving(first(1, Asked.say_nothing)) as server:
        run = Run(section(server.url, timeout=120, try_timeout=0.5))
    assert run.kinds == {"ok": 4}
    assert run.seconds < 30


def cut_off(asked: Asked) -> None:
    asked.reply(b'{"predictions": [{"row_id": 0, "sc', Content_Length="500")
    asked.handler.close_connection = True


def test_a_reply_that_breaks_off_is_asked_for_again() -> None:
    with serving(first(1, cut_off)) as server:
        assert Run(section(server.url)).kinds == {"ok": 4}


# Faults that stay


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (lambda asked: asked.reply({}, 503), "error/http_5xx"),
        (lambda asked: asked.reply({}, 503, Retry_After="3600"), "error/http_5xx"),
        (lambda asked: asked.reply({}, 429, Retry_After="3600"), "error/http_429"),
        (Asked.drop, "error/no_connection"),
        (cut_off, "invalid_output/unreadable"),
    ],
)
def test_a_batch_is_asked_about_until_its_deadline(act: Act, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = leap_over_waits(monkeypatch)
    with serving(act) as server:
        run = Run(section(server.url))
    assert run.kinds == {kind: 4}
    assert 30 < sum(waits) <= 60
    assert len(server.asked) == len(waits)
    assert "1 of 1 batches got no reply that can be used" in run.notes


@pytest.mark.parametrize(
    "act",
    [
        Asked.say_nothing,
        lambda asked: asked.drip(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 9999, 0.05),
        lambda asked: asked.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b" " * 9999, 0.03),
    ],
)
def test_a_reply_that_does_not_end_ends_by_the_deadline(act: Act) -> None:
    with serving(act) as server:
        run = Run(section(server.url, timeout=0.9, try_timeout=0.8))
    assert run.kinds == {"timeout": 4}
    assert run.seconds < 30
    assert "1 of 1 batches got no reply that can be used" in run.notes


@pytest.mark.parametrize(
    ("code", "kind"),
    [(500, "http_5xx"), (400, "http_4xx"), (404, "http_4xx"), (413, "http_4xx"), (300, "http_3xx"), (304, "http_3xx")],
)
def test_a_code_that_stays_is_not_asked_again(code: int, kind: str) -> None:
    with serving(lambda asked: asked.reply(b"", code)) as server:
        assert Run(section(server.url)).kinds == {f"error/{kind}": 4}
    assert len(server.asked) == 1


def said(text: str | bytes) -> Act:
    return lambda asked: asked.reply(text if isinstance(text, bytes) else text.encode())


def answers(*scores: str) -> str:
    return '{"predictions": [' + ", ".join(f'{{"row_id": {n}, "score": {s}}}' for n, s in enumerate(scores)) + "]}"


FOUR = answers("0.1", "0.2", "0.3", "0.4")
UNREADABLE = {"invalid_output/unreadable": 4}
OUT_OF_ORDER = {"invalid_output/out_of_order": 4}


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        ("", UNREADABLE),
        ("<html>", UNREADABLE),
        (FOUR[:40], UNREADABLE),
        ("[" * 100_000, UNREADABLE),
        ("9" * 5000, UNREADABLE),
        (b'{"predictions": "\xff"}', UNREADABLE),
        ("{}", UNREADABLE),
        ('{"predictions": 3}', UNREADABLE),
        ('{"predictions": [1, 2, 3, 4]}', UNREADABLE),
        (FOUR.replace('"row_id": 2', '"row_id": 2, "row_id": 2'), UNREADABLE),
        (FOUR[:-1] + ', "x": NaN}', UNREADABLE),
        (FOUR.replace('"row_id": 1', '"row_id": 1.0'), UNREADABLE),
        (FOUR.replace('"row_id": 1', '"row_id": true'), UNREADABLE),
        (FOUR.replace('{"row_id": 2, "score": 0.3}', '{"row_id": 2}'), {"ok": 3, "invalid_output/unreadable": 1}),
        (answers("0.1", "NaN", "-Infinity", "1e999"), {"ok": 1, "invalid_output/not_finite": 3}),
        (answers("0.1", "2", "-1", "0"), {"ok": 2, "invalid_output/out_of_range": 2}),
        (answers("0.1", '"high"', "[1]", "{}"), {"ok": 1, "invalid_output/not_a_number": 3}),
        (answers("0.1", "true", "0.2", "null"), {"ok": 2, "invalid_output/not_a_number": 1, "abstain": 1}),
        ('{"predictions": []}', {"invalid_output/no_answer": 4}),
        (FOUR.replace('{"row_id": 2, "score": 0.3}, ', ""), {"ok": 3, "invalid_output/no_answer": 1}),
        (answers("0.1", "0.2", "0.3"), {"ok": 3, "invalid_output/no_answer": 1}),
        (answers("0.1", "0.2", "0.3", "0.4", "0.5"), OUT_OF_ORDER),
        (FOUR.replace('"row_id": 1', '"row_id": 0'), OUT_OF_ORDER),
        (FOUR.replace('"row_id": 1', '"row_id": 77'), OUT_OF_ORDER),
        (FOUR.replace('"row_id": 1', '"row_id": "1"'), {"ok": 4}),
    ],
)
def test_a_reply_is_read_strictly(body: str | bytes, kinds: dict[str, int]) -> None:
    with serving(said(body)) as server:
        assert Run(section(server.url)).kinds == kinds
    assert len(server.asked) == 1


def test_rows_that_changed_places() -> None:
    with serving(lambda asked: asked.reply({"predictions": asked.answers[::-1]})) as server:
        assert Run(section(server.url)).kinds == {"invalid_output/out_of_order": 4}


def test_a_row_too_few_without_ids() -> None:
    with serving(lambda asked: asked.reply({"predictions": asked.answers[1:]})) as server:
        assert Run(section(server.url, id_at=None)).kinds == {"invalid_output/out_of_order": 4}


def test_only_the_rows_that_are_missing_are_lost() -> None:
    with serving(lambda asked: asked.reply({"predictions": asked.answers[1:3]})) as server:
        run = Run(section(server.url))
    assert [row[1] for row in run.rows] == [None, 0.01, 0.02, None]
    assert [row[3] for row in run.rows] == ["no_answer", None, None, "no_answer"]


def test_true_and_false_instead_of_scores_end_the_run_at_once_and_later_only_fail() -> None:
    def act(asked: Asked) -> None:
        asked.reply({"predictions": [{**row, "score": True} for row in asked.answers]})

    with serving(act) as server:
        assert "got true and false where scores are expected" in refusal(section(server.url))
    with serving(lambda asked: asked.answer() if asked.number == 1 else act(asked)) as server:
        run = Run(section(server.url, workers=1), batches=2)
    assert run.kinds == {"ok": 4, "invalid_output/not_a_number": 4}


# What is too large


def test_a_body_without_end_is_cut() -> None:
    sent: list[int] = []
    with serving(lambda asked: sent.append(asked.pour(2**30))) as server:
        run = Run(section(server.url))
        assert run.kinds == {"invalid_output/too_large": 4}
        for _ in range(1000):
            time.sleep(0 if sent else 0.05)
    assert sent[0] < 2**26
    assert len(server.asked) == 1


def test_a_bomb_is_measured_unpacked() -> None:
    with serving(lambda asked: asked.bomb(64)) as server:
        assert Run(section(server.url)).kinds == {"invalid_output/too_large": 4}


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_packed_reply_is_unpacked(encoding: str) -> None:
    import gzip
    import json
    import zlib

    pack = gzip.compress if encoding == "gzip" else zlib.compress

    def act(asked: Asked) -> None:
        assert asked.headers["Accept-Encoding"] == "identity"
        asked.reply(pack(json.dumps({"predictions": asked.answers}).encode()), Content_Encoding=encoding)

    with serving(act) as server:
        assert Run(section(server.url)).kinds == {"ok": 4}


@pytest.mark.parametrize("body", [b"no gzip", b"", gzip.compress(b"[]", mtime=0)[:-6]])
def test_a_packed_reply_that_is_broken(body: bytes) -> None:
    with serving(lambda asked: asked.reply(body, Content_Encoding="gzip")) as server:
        assert Run(section(server.url)).kinds == {"invalid_output/unreadable": 4}


def test_a_packing_that_nobody_asked_for() -> None:
    with serving(lambda asked: asked.reply(b"[]", Content_Encoding="br")) as server:
        assert Run(section(server.url)).kinds == {"invalid_output/unreadable": 4}


def test_the_cap_is_exact() -> None:
    body = answers("0.1", "0.2", "0.3", "0.4").encode()
    with serving(said(body)) as server:
        assert Run(section(server.url, most_bytes=len(body))).kinds == {"ok": 4}
        assert Run(section(server.url, most_bytes=len(body) - 1)).kinds == {"invalid_output/too_large": 4}


# Where it may go


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(code: int) -> None:
    with (
        serving(answering) as elsewhere,
        serving(lambda asked: asked.reply({}, code, Location=elsewhere.url)) as server,
    ):
        assert Run(section(server.url)).kinds == {"error/http_3xx": 4}
        assert elsewhere.connections == 0


BEHIND_THE_WALL = [
    *("127.0.0.1", "localhost", "0x7f.1", "2130706433", "10.1.2.3", "192.168.0.1", "100.64.0.1", "169.254.169.254"),
    *("0.0.0.0", "224.0.0.1", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[fe80::1]", "[fd00::1]"),
    *("[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[64:ff9b:1::1]", "[fec0::1]", "192.0.0.192", "168.63.129.16"),
]


@pytest.mark.parametrize("host", BEHIND_THE_WALL)
def test_addresses_behind_the_wall_are_refused(host: str) -> None:
    if host.startswith("[") and not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    text = refusal(section(f"https://{host}:9/", allow_local=False))
    assert "the host has an address of this machine" in text or "no address is found" in text
    if "." in host or "fe80" in host:
        assert "no address" not in text


METADATA = ("169.254.169.254", "192.0.0.192", "100.100.100.200", "168.63.129.16", "[fe80::1]", "[fd00:ec2::254]")


@pytest.mark.parametrize("host", [*METADATA, "[fd20:ce::254]", "[::ffff:169.254.169.254]", "[64:ff9b:1::a9fe:a9fe]"])
def test_services_that_hand_out_keys_are_never_asked(host: str) -> None:
    text = refusal(section(f"http://{host}:9/", allow_local=True))
    assert "name a host that has an address of its own" in text
    assert "allow_local" not in text


def test_one_bad_address_among_good_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert "the host has an address of this machine" in refusal(section("https://service.example/", allow_local=False))


def test_the_name_is_looked_up_once_and_its_address_is_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked_for = socket.getaddrinfo, []

    def rebound(host: Any, *rest: Any, **more: Any) -> Any:
        if host != "service.example":
            return real(host, *rest, **more)
        asked_for.append(host)
        address = "127.0.0.1" if len(asked_for) == 1 else "127.0.0.2"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    with serving(first(2, Asked.drop)) as server:
        run = Run(section(server.url.replace("127.0.0.1", "service.example")), batches=3)
    assert run.kinds == {"ok": 12}
    assert asked_for == ["service.example"]
    assert server.asked[0].headers["Host"].startswith("service.example:")


def test_plain_http_goes_to_no_public_address() -> None:
    assert "plain http to a public address" in refusal(section("http://93.184.216.34/"))


def test_a_host_that_does_not_exist() -> None:
    assert "no address is found for the host" in refusal(section("https://no-such-host.invalid/"))


# Over https


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of its own for 127.0.0.1, with its key in the same file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("makes a certificate with openssl")
    folder = tmp_path_factory.mktemp("tls")
    command = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=test -addext"
    made = [openssl, *command.split(), "subjectAltName=IP:127.0.0.1"]
    subprocess.run(made, cwd=folder, check=True, capture_output=True)
    return folder / "cert.pem"


def context(certificate: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return made


def test_https_with_a_certificate_that_is_trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(first(1, Asked.drop), tls=context(certificate)) as server:
        run = Run(section(server.url, token="env:AUDIT7K_TEST_TOKEN"), batches=8)
    assert server.url.startswith("https://")
    assert run.kinds == {"ok": 32}
    dripped = b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b" " * 9999
    with serving(lambda asked: asked.drip(dripped, 0.03), tls=context(certificate)) as server:
        run = Run(section(server.url, timeout=0.9, try_timeout=0.8))
    assert run.kinds == {"timeout": 4}
    assert run.seconds < 30


def test_a_certificate_that_nobody_vouches_for_ends_the_run(certificate: Path) -> None:
    with serving(answering, tls=context(certificate)) as server:
        text = refusal(section(server.url, token="env:AUDIT7K_TEST_TOKEN"), batches=8)
        assert "the certificate of the service is not valid for this host" in text
        assert not server.asked


def test_a_certificate_for_another_name_ends_the_run(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(answering, tls=context(certificate)) as server:
        text = refusal(section(server.url.replace("127.0.0.1", "localhost")))
        assert "is not valid for this host" in text
        assert not server.asked


def test_a_service_that_speaks_no_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    leap_over_waits(monkeypatch)
    with serving(answering) as server:
        text = refusal(section(server.url.replace("http:", "https:")))
    assert "no connection within 60 seconds" in text


# What ends a run


@pytest.mark.parametrize("code", [401, 403])
def test_a_wrong_token_ends_the_run_at_once(code: int) -> None:
    with serving(lambda asked: asked.reply({"detail": TOKEN}, code)) as server:
        text = refusal(section(server.url, token="env:AUDIT7K_TEST_TOKEN", workers=8), batches=20)
    assert f"the service does not let us in (HTTP {code})" in text
    assert len(server.asked) == 1


def test_a_token_that_expires_later_ends_the_run() -> None:
    with serving(lambda asked: asked.answer() if asked.number == 1 else asked.reply({}, 401)) as server:
        text = refusal(section(server.url, workers=1), batches=3)
    assert text.startswith(f"{server.url}: the service does not let us in (HTTP 401)")
    assert len(server.asked) == 2


def test_what_is_forbidden_later_is_a_failure_like_others() -> None:
    with serving(lambda asked: asked.answer() if asked.number == 1 else asked.reply({}, 403)) as server:
        run = Run(section(server.url, workers=1), batches=3)
    assert run.kinds == {"ok": 4, "error/http_4xx": 8}


def test_nobody_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    leap_over_waits(monkeypatch)
    with socket.socket() as deaf:  # bound, so that nobody else takes the port, and not listening
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        text = refusal(section(f"http://127.0.0.1:{port}/?version={QUERY}"), batches=9)
    assert text.startswith(f"http://127.0.0.1:{port}/: no connection within 60 seconds")


def test_a_service_that_goes_away_later_leaves_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    leap_over_waits(monkeypatch)

    def act(asked: Asked) -> None:
        asked.answer() if asked.number == 1 else asked.drop()

    with serving(act) as server:
        run = Run(section(server.url), batches=3)
    assert run.kinds == {"ok": 4, "error/no_connection": 8}


@pytest.mark.parametrize(
    ("value", "said"), [("", "is not set, or empty"), ("a\nb", "characters that no header can have")]
)
def test_a_token_that_cannot_be(monkeypatch: pytest.MonkeyPatch, value: str, said: str) -> None:
    monkeypatch.setenv("AUDIT7K_TEST_TOKEN", value)
    assert said in refusal(section("http://127.0.0.1:9/", token="env:AUDIT7K_TEST_TOKEN"))


def test_closing_ends_what_is_on_its_way() -> None:
    """As an interrupt does: the harness closes the detector while other threads are still asking."""
    with serving(Asked.say_nothing) as server:
        asked = section(server.url, timeout=120, try_timeout=120)
        detector = HttpDetector(asked, Path())
        detector.open(RunContext(Path(), asked.features, "score", (0.0, 1.0), 4))
        raised: list[BaseException] = []

        def ask(number: int) -> None:
            try:
                detector.score(batch_of(number, 4))
            except BaseException as error:
                raised.append(error)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        while not server.asked:
            time.sleep(0.01)
        detector.close()
        for thread in threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in threads)
    assert [type(error) for error in raised] == [DetectorError] * 4


# Manners


def test_it_begins_with_one_and_never_exceeds_its_workers() -> None:
    def act(asked: Asked) -> None:
        if asked.number > 20:  # by then five may ask, and each waits for the others
            server.wait_for(5)
        time.sleep(0.01)
        asked.answer()

    with serving(act) as server:
        assert Run(section(server.url, workers=5), batches=40).kinds == {"ok": 160}
    assert server.most_at_once == 5
    assert server.times[1] - server.times[0] >= 0.01, "nobody is asked a second time before the first has answered"
    assert server.connections <= 5


def test_nobody_asks_while_the_service_wants_quiet() -> None:
    with serving(
        lambda asked: asked.reply({}, 503, Retry_After="1") if asked.number == 6 else asked.answer()
    ) as server:
        assert Run(section(server.url, workers=4), batches=20).kinds == {"ok": 80}
    later = [moment - server.times[5] for moment in server.times[6:]]
    # but for those that were on their way already
    assert sum(seconds < 0.95 for seconds in later) <= 3


def mixed(seed: int) -> Act:
    """10% 503, 10% 429, 5% dropped, 3% cut short, 2% with a row missing; by the number of the request."""
    dice = random.Random(seed)
    draws = [dice.random() for _ in range(5000)]

    def act(asked: Asked) -> None:
        draw = draws[asked.number]
        if draw < 0.10:
            asked.reply({}, 503)
        elif draw < 0.20:
            asked.reply({}, 429, Retry_After="0")
        elif draw < 0.25:
            asked.drop()
        elif draw < 0.28:
            asked.reply(b'{"predictions": [{"row_id": 0, "sc')
        elif draw < 0.30:
            asked.reply({"predictions": asked.answers[:2] + asked.answers[3:]})
        else:
            asked.answer()

    return act


def test_a_mixed_run_accounts_for_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    from audit.detectors.http_service import pace

    monkeypatch.setattr(pace, "FIRST_WAIT", 0.02)  # the same waits, in a shorter time
    with serving(mixed(7)) as server:
        run = Run(section(server.url, workers=8, token="env:AUDIT7K_TEST_TOKEN"), batches=150)
    assert [row[0] for row in run.rows] == list(range(600))
    assert set(run.kinds) == {"ok", "invalid_output/unreadable", "invalid_output/no_answer"}
    unreadable = sum(asked_again(server, 0.25, 0.28).values())
    missing = sum(asked_again(server, 0.28, 0.30).values())
    assert run.kinds["invalid_output/unreadable"] == 4 * unreadable > 0
    assert run.kinds["invalid_output/no_answer"] == missing > 0
    assert all(row[1] == score_of({"row_id": row[0]}) for row in run.rows if row[2] == "ok")
    assert f"{len(server.asked) - 150} requests repeated" in run.notes
    assert f"{unreadable} of 150 batches got no reply that can be used: unreadable {unreadable}." in run.notes
    assert not any(secret in run.notes for secret in (CANARY, TOKEN))


def asked_again(server: FaultServer, low: float, high: float) -> Counter[int]:
    dice = random.Random(7)
    draws = [dice.random() for _ in range(5000)]
    return Counter(asked.number for asked in server.asked if low <= draws[asked.number] < high)


# The plan


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"token": TOKEN}, "token must be"),
        ({"token": f"Bearer {TOKEN}"}, "token must be"),
        ({"headers": {"Authorization": f"Bearer {TOKEN}"}}, "headers.authorization looks like a secret"),
        ({"headers": {"X-Api-Key": TOKEN}}, "headers.x-api-key looks like a secret"),
        ({"headers": {"Cookie": TOKEN}}, "headers.cookie looks like a secret"),
        ({"headers": {"Host": "elsewhere"}}, "the harness writes itself"),
        ({"headers": {"X-A": "b\r\nX-B: c"}}, "a value that no header can have"),
        ({"headers": {"X A": "b"}}, "a name that no header can have"),
        ({"headers": {"X-A": "b", "x-a": "c"}}, "the same header twice"),
        ({"token": "env:A", "headers": {"Authorization": "env:B"}}, "which `token` writes already"),
        ({"url": f"https://user:{TOKEN}@service.example/"}, "url holds a user name or password"),
        ({"url": f"https://service.example/?api_key={TOKEN}"}, "url holds what looks like a secret"),
        ({"url": "https://service.example/?k=0123456789abcdef0123"}, "url holds what looks like a secret"),
        ({"url": "https://service.example/?sk-live"}, "url holds what looks like a secret"),
        ({"url": "https://service.example/?u=0a1b2c3d-0000-4000-8000-000000000000"}, "what looks like a secret"),
        ({"url": "https://service.example/#x"}, "fragment"),
        ({"url": "ftp://service.example/"}, "url must be of the form"),
        ({"url": "service.example"}, "url must be of the form"),
        ({"url": "https://"}, "url must be of the form"),
        ({"url": "https://service.example:99999/"}, "url has a host or port that cannot be"),
        ({"url": "https://service.example\\@elsewhere/"}, "backslashes"),
        ({"url": "https://service.example/ x"}, "spaces"),
        ({"url": "https://a%2eb/"}, "a host name that cannot be"),
        ({"url": "http://service.example/", "allow_local": False}, "url must begin with https"),
        ({"url": "https://service.example/", "hosts": ["other.example"]}, "a host that is not in `hosts`"),
        ({"request": {"a": 1}}, 'request must hold "$rows" exactly once'),
        ({"request": ["$rows", "$rows"]}, 'request must hold "$rows" exactly once'),
        ({"request": ["$rows", "$text"]}, 'request must hold "$rows" exactly once'),
        ({"row": {"a": "$nothing", "b": "$text", "c": "$pay"}}, "row holds a text that begins with $"),
        ({"row": {"b": "$text", "i": "$row_id"}}, "row leaves out one of `features`"),
        ({"row": {"b": "$text", "c": "$pay"}}, 'row must send "$row_id"'),
        ({"answers_at": "a..b"}, "answers_at must be keys"),
        ({"workers": 33}, "less than or equal to 32"),
        ({"request": {"a": "$rows", "b": float("nan")}}, "request holds what JSON cannot"),
    ],
)
def test_a_plan_that_cannot_be(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        section("https://service.example/v1", **{"allow_local": True, **more}) if "url" not in more else section(**more)
    errors = caught.value.errors(include_url=False, include_input=False)
    assert said in str(errors[0].get("ctx", {}).get("error", errors[0]["msg"]))
    assert TOKEN not in str(errors)


def test_a_literal_token_in_a_plan_file_is_refused_in_one_line(tmp_path: Path) -> None:
    from audit.errors import PlanError
    from audit.plan.file.plan_file import load_plan

    (tmp_path / "plan.toml").write_text(
        'schema = 1\n[audit]\ntitle = "T"\nowner = "O"\nuse = "hotline-triage"\nroute = "services"\n[detector]\n'
        'kind = "http"\nurl = "https://service.example/score"\nfeatures = ["text"]\nthreshold = 0.5\n'
        f'answers_at = "predictions"\nscore_at = "score"\ntoken = "{TOKEN}"\n'
        '[evaluation_set]\npath = "s.csv"\nid = "i"\nlabel = "l"\n[groups.gender]\ncolumn = "g"\n'
        '[[rules]]\nmetric = "true_positive_rate"\ngroups = ["gender"]\nmargin = 0.1\n',
        encoding="utf-8",
    )
    with pytest.raises(PlanError) as caught:
        load_plan(tmp_path / "plan.toml")
    assert "line 14: detector: token must be" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_an_extra_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "httpcore2", None)
    assert refusal(section("http://127.0.0.1:9/")) == (
        'the detector kind "http" needs the extra "http" — pip install \'audit7k[http]\''
    )


def test_the_kind_is_registered() -> None:
    """Fails until the package is installed with the entry point of this kind."""
    from audit.detectors.registry import make_detector
    from audit.plan.offers import KINDS, names_offered

    assert "http" in names_offered(KINDS)
    assert isinstance(make_detector(section("http://127.0.0.1:9/"), Path()), HttpDetector)
