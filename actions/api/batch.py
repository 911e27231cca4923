"""Many reports in one request: JSON Lines in, a result a line out, while the lines are recorded.

With an `Idempotency-Key` a batch may be sent again after any failure. Its results are kept in parts, each written in
the transaction that records its lines, so a second sending answers what was done and does the rest.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain, islice
from typing import IO, Any, TypeAlias

import orjson
from django.db import IntegrityError, transaction
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from actions.api.answers import error
from actions.api.bodies import BodyTooLargeError, check_complete, refuse_compressed
from actions.api.fields import LINES, content_type
from actions.imports.ahead import read_ahead
from actions.imports.parts import LINES_PER_TRANSACTION
from actions.intake.catch_up import record_before
from actions.intake.reading import read_report
from actions.models import ApiToken, BatchPart, IdempotencyKey, Submission
from actions.recording.keeping import keep
from actions.recording.record import record
from actions.recording.results import Recorded, RejectedResult, Repeated, Result, Waiting, refused
from actions.recording.submissions import needed_fields, note_order, note_result
from actions.reports.files import json_object
from actions.reports.rejected import Rejected
from actions.reports.report import Report
from actions.reports.storable import clean

MAX_LINES = 10_000
MAX_BYTES = 64 * 1024 * 1024  # Ten thousand orders with twenty items each.
MAX_LINE_BYTES = 1024 * 1024
_IN_MEMORY_BYTES = 1024 * 1024  # A body that is larger waits in a file.
_BLOCK = 64 * 1024

Uri = Callable[[Submission], str]
_Read: TypeAlias = tuple[int, Report | Rejected, dict[str, Any]]
_Part: TypeAlias = list[_Read]


def take_batch(request: HttpRequest, token: ApiToken, uri: Uri) -> HttpResponseBase:
    """Record the lines of the request's body; the answer streams their results, one JSON object a line.

    Raises:
        BodyTooLargeError: the body, a line of it, or the number of lines is too large; nothing is recorded.
        Rejected: the content type or the key makes no sense.
    """
    kind = content_type(request.headers.get("Content-Type", ""))
    if kind not in (LINES, "application/jsonl", "application/json-lines"):
        return error(request, 415, f"Content-Type: {kind[:100]!r}; a batch is {LINES}, one JSON object a line.")
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > 255 or not key.isprintable():
        raise Rejected("MALFORMED", "Idempotency-Key: at most 255 printable characters.", "Idempotency-Key")
    body, sha256 = _spool(request)
    if not key:
        submission = _new_submission(token)
        return _stream(_result_lines(body, submission, None), submission, uri)
    known = _key(token, key, sha256)
    if known.body_sha256 != sha256:
        body.close()
        return error(
            request,
            422,
            "This Idempotency-Key came with another body before; use a new key for a new batch.",
            "Idempotency-Key",
        )
    return _stream(_result_lines(body, known.submission, known), known.submission, uri)


def _key(token: ApiToken, key: str, sha256: str) -> IdempotencyKey:
    found = IdempotencyKey.objects.select_related("submission").filter(token=token, key=key).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(
                token=token, key=key, body_sha256=sha256, submission=_new_submission(token)
            )
    except IntegrityError:  # Sent twice at this moment.
        return IdempotencyKey.objects.select_related("submission").get(token=token, key=key)


def _new_submission(token: ApiToken) -> Submission:
    return Submission.objects.create(
        token=token, kind=Submission.Kind.BATCH, result=Submission.Result.RUNNING, received_at=timezone.now()
    )


def _stream(results: Iterator[list[dict[str, Any]]], submission: Submission, uri: Uri) -> HttpResponseBase:
    """The results as they come. The first part is awaited: a failure before it is an error and no half answer."""

    first = next(results, [])
    parts = (_lines(part) for part in chain((first,), results))
    response = StreamingHttpResponse(parts, content_type=LINES)
    response.headers["Content-Location"] = uri(submission)
    return response


def _lines(part: list[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(result, option=orjson.OPT_APPEND_NEWLINE) for result in part)


def _spool(request: HttpRequest) -> tuple[IO[bytes], str]:
    """The whole body, and its hash: what is recorded is never a part of a body that broke off."""
    refuse_compressed(request)
    body = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 -- closed with the last result
    sha256, size, lines, line = hashlib.sha256(), 0, 0, 0
    while block := request.read(_BLOCK):
        size += len(block)
        sha256.update(block)
        body.write(block)
        lines += block.count(b"\n")
        *ended, rest = block.split(b"\n")
        longest = max([line + len(ended[0]), *(len(each) for each in ended[1:])]) if ended else line + len(rest)
        line = len(rest) if ended else line + len(rest)
        if size > MAX_BYTES or max(longest, line) > MAX_LINE_BYTES or lines + bool(line) > MAX_LINES:
            body.close()
            raise _too_large()
    check_complete(request, size)
    body.seek(0)
    return body, sha256.hexdigest()


def _too_large() -> BodyTooLargeError:
    return BodyTooLargeError(
        MAX_BYTES,
        f"A batch has at most {MAX_LINES:,} lines of {MAX_LINE_BYTES:,} bytes each, {MAX_BYTES:,} bytes in all.",
    )


def _result_lines(
    body: IO[bytes], submission: Submission, key: IdempotencyKey | None
) -> Iterator[list[dict[str, Any]]]:
    with body, closing(read_ahead(_parts(body, submission))) as parts:
        for number, part in enumerate(parts):
            yield _take_part(part, number, submission, key)
    Submission.objects.filter(pk=submission.pk).update(result=Submission.Result.COMPLETE, processed_at=timezone.now())


def _parts(body: IO[bytes], submission: Submission) -> Iterator[_Part]:
    lines = enumerate(body, start=1)
    while part := list(islice(lines, LINES_PER_TRANSACTION)):
        yield [_read(line, text, submission) for line, text in part if text.strip()]


def _take_part(read: _Part, number: int, submission: Submission, key: IdempotencyKey | None) -> list[dict[str, Any]]:
    with transaction.atomic():
        # One that was sent twice at once takes turns with itself here, part by part.
        submission = Submission.objects.select_for_update(of=("self",)).select_related("token").get(pk=submission.pk)
        if key is not None:
            done = BatchPart.objects.filter(key=key, number=number).values_list("results", flat=True).first()
            if done is not None:
                return list(done)
        reports = [report for _, report, _ in read if isinstance(report, Report)]
        record_before(reports)
        recorded = iter(record(reports))
        results = [
            (line, report, fields, next(recorded) if isinstance(report, Report) else refused(report))
            for line, report, fields in read
        ]
        kept = _keep_unrecorded(submission, results)
        told = [_result_line(line, report, result, kept.get(line)) for line, report, _, result in results]
        _count(submission, [result for *_, result in results])
        if key is not None:
            BatchPart.objects.create(key=key, number=number, results=told)
    return told


def _read(line: int, text: bytes, submission: Submission) -> _Read:
    try:
        fields = json_object(text, "line")
    except Rejected as refusal:
        return line, refusal, {}
    report = read_report(Submission.Kind.BATCH, fields, token=submission.token, received_at=submission.received_at)
    return line, report, fields


def _keep_unrecorded(
    submission: Submission, results: list[tuple[int, Report | Rejected, dict[str, Any], Result]]
) -> dict[int, Submission]:
    """A submission for each line that was refused or waits, by its line, so that it can still be recorded."""
    rows, waiting = [], []
    for line, report, fields, result in results:
        if isinstance(result, (RejectedResult, Waiting)):
            row = Submission(
                token=submission.token,
                kind=Submission.Kind.BATCH,
                batch=submission,
                line=line,
                received_at=submission.received_at,
                fields=needed_fields(fields, result),
            )
            note_order(row, report, fields)
            note_result(row, result)
            rows.append(row)
            if isinstance(result, Waiting):
                waiting.append((row, result))
    Submission.objects.bulk_create(rows)
    keep(waiting)
    return {row.line: row for row in rows if row.line is not None}


def _result_line(line: int, report: Report | Rejected, result: Result, row: Submission | None) -> dict[str, Any]:
    kept = row.public_id if row else ""
    notes = (
        {"Notes": [clean(note) for note in report.warnings]} if isinstance(report, Report) and report.warnings else {}
    )
    match result:
        case Recorded(event):
            return {"Line": line, "Result": "recorded", "ActionId": event.action.action_id, **notes}
        case Repeated(action):
            reason = Repeated.reason_code
            return {"Line": line, "Result": "repeated", "ErrorReason": reason, "ActionId": action.action_id, **notes}
        case RejectedResult(code, message):
            return {"Line": line, "Result": "rejected", "ErrorReason": code, "Message": message, "Submission": kept}
        case Waiting():
            return {"Line": line, "Result": "waiting", "Message": result.message, "Submission": kept, **notes}


def _count(submission: Submission, results: list[Result]) -> None:
    submission.recorded += sum(isinstance(result, Recorded) for result in results)
    submission.repeated += sum(isinstance(result, Repeated) for result in results)
    submission.rejected += sum(isinstance(result, RejectedResult) for result in results)
    submission.save(update_fields=["recorded", "repeated", "rejected"])
