"""N01: the station brings its logs."""

from __future__ import annotations

from typing import Final

from ocppflow.check.cases import station_case
from ocppflow.check.heard import PRESENT, Answer, Heard
from ocppflow.check.trial import NotPossible, Trial
from ocppflow.check.variables import get_variable
from ocppflow.messages import Version, v21

_FAILURES: Final = ("UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation")
_RETRIES: Final = 3
_PROVES: Final = ("N01.FR.01", "N01.FR.02", "N01.FR.07", "N01.FR.08", "N01.FR.09", "N01.FR.13")


async def _get_log(
    trial: Trial,
    kind: v21.LogEnumType,
    where: str,
    request_id: int,
    retry_interval: int | None = None,
    *,
    user: str = "",
) -> tuple[Answer[v21.GetLogResponse], int]:
    """The answer, and the mark of the request. ``retry_interval``: of three more attempts. ``user``: user
    and password for the URL."""
    protocols = await get_variable(trial, "OCPPCommCtrlr", "FileTransferProtocols")
    if protocols is not None and "HTTP" not in protocols.upper().split(","):
        raise NotPossible(f"the station transfers files over {protocols}, and this tool has HTTP alone")
    url = (await trial.file_url(where)).replace("://", f"://{user}@" if user else "://", 1)
    parameters = v21.LogParametersType(remote_location=url)
    request = v21.GetLogRequest(log=parameters, log_type=kind, request_id=request_id)
    if retry_interval is not None:
        request.retries, request.retry_interval = _RETRIES, retry_interval
    answer = await trial.call(request)
    return answer, len(trial.bench.inbox) - len(trial.since())


async def _status(
    trial: Trial, begin: int, request_id: int, *wanted: str, within: float | None = None, by: str
) -> Heard[v21.LogStatusNotificationRequest]:
    patience = trial.settings.patience if within is None else within
    said = await trial.expect(v21.LogStatusNotificationRequest, since=begin, within=patience, by=by)
    said.must("status", *wanted, by=by)
    said.must("requestId", request_id, by="N01.FR.07 N01.FR.13")
    return said


def _has_come(trial: Trial, folder: str, name: str) -> None:
    """What is said to be uploaded is there, under the name that was told."""
    come = {path.removeprefix(folder): content for path, content in trial.bench.workshop.shelf.brought.items()}
    trial.check(come, "Uploaded was told, and nothing has come", by="N01.FR.02 N01.FR.09")
    trial.check(name in come, f"it was to be called {name}; there came {', '.join(come)}", by="N01.FR.01")
    trial.check(come.get(name), f"{name} is empty", by="N01.FR.02")


async def _uploaded(trial: Trial, kind: v21.LogEnumType, by: str, *, folder: str = "/logs/", user: str = "") -> None:
    request_id = trial.request_id()
    answer, begin = await _get_log(trial, kind, folder, request_id, user=user)
    answer.must("status", "Accepted", by="N01.FR.01")
    name = answer.must("filename", PRESENT, by="N01.FR.01")
    trial.check(name, "filename is empty", at=answer, by="N01.FR.01")
    await _status(trial, begin, request_id, "Uploading", by="N01.FR.08")
    await _status(trial, begin, request_id, "Uploaded", by=f"N01.FR.09 {by}")
    _has_come(trial, folder, name)


@station_case(*_PROVES, "N01.FR.04")
async def TC_N_25_CS(trial: Trial) -> None:
    """The diagnostics log is brought."""
    await _uploaded(trial, "DiagnosticsLog", "N01.FR.04")


@station_case(*_PROVES, "N01.FR.03")
async def TC_N_35_CS(trial: Trial) -> None:
    """The security log is brought."""
    await _uploaded(trial, "SecurityLog", "N01.FR.03")


@station_case("N01.FR.01", "N01.FR.02", "N01.FR.04", "N01.FR.07", "N01.FR.08", "N01.FR.10", "N01.FR.13")
async def TC_N_26_CS(trial: Trial) -> None:
    """A log that cannot be brought.

    N01.FR.10 recommends that failure is told once, after all attempts; the text of the case has it told after each: as
    often as there are attempts is right.
    """
    settings, request_id = trial.settings, trial.request_id()
    interval = settings.retry_interval
    trial.bench.workshop.shelf.refusals["/refused/"] = 500
    answer, begin = await _get_log(trial, "DiagnosticsLog", "/refused/", request_id, interval)
    answer.must("status", "Accepted", by="N01.FR.01")
    first = await _status(trial, begin, request_id, "Uploading", by="N01.FR.08")
    whole = _RETRIES * interval
    last = first
    for _ in range(2 * _RETRIES + 1):
        within = whole + settings.patience - (last.when - first.when)
        last = await _status(trial, begin, request_id, "Uploading", *_FAILURES, within=within, by="N01.FR.10")
        if last.at("status") in _FAILURES and last.when - first.when >= whole - settings.tolerance:
            break
    last.must("status", *_FAILURES, by="N01.FR.10")
    took = last.when - first.when
    wrong = f"the last failure was told {took:.1f} s after the upload began, not {whole} s"
    trial.check(abs(took - whole) <= settings.tolerance, wrong, at=last, by="N01.FR.10")
    attempts = sum(visit.path.startswith("/refused/") for visit in trial.bench.workshop.shelf.visits)
    trial.check(attempts > _RETRIES, f"it was tried {attempts} times, not {_RETRIES + 1}", by="N01.FR.10")


@station_case(*_PROVES, "N01.FR.03", "N01.FR.12")
async def TC_N_36_CS(trial: Trial) -> None:
    """An upload is cancelled by the next one."""
    shelf = trial.bench.workshop.shelf
    first, second = trial.request_id(), trial.request_id()
    shelf.hold("/slow/")
    answer, begin = await _get_log(trial, "DiagnosticsLog", "/slow/", first)
    answer.must("status", "Accepted", by="N01.FR.01")
    await _status(trial, begin, first, "Uploading", by="N01.FR.08")
    again, begin_second = await _get_log(trial, "DiagnosticsLog", "/logs/", second)
    again.must("status", "AcceptedCanceled", by="N01.FR.12")
    canceled = await trial.expect(
        v21.LogStatusNotificationRequest, {"status": "AcceptedCanceled"}, since=begin, by="N01.FR.12"
    )
    canceled.must("requestId", first, by="N01.FR.07")
    await _status(trial, begin_second, second, "Uploading", by="N01.FR.08")
    await _status(trial, begin_second, second, "Uploaded", by="N01.FR.09")
    shelf.release("/slow/")
    _has_come(trial, "/logs/", str(again.at("filename")))


@station_case("N01.FR.30", versions=[Version.V21])
async def TC_N_101_CS(trial: Trial) -> None:
    """A server that sends the station elsewhere gets no log."""
    request_id, shelf = trial.request_id(), trial.bench.workshop.shelf
    shelf.redirects["/moved/mine.log"] = await trial.file_url("/logs/mine.log")
    answer, begin = await _get_log(trial, "DiagnosticsLog", "/moved/mine.log", request_id)
    answer.must("status", "Accepted", by="N01.FR.01")
    answer.must("filename", "mine.log", by="N01.FR.29")
    said = await _status(trial, begin, request_id, "Uploading", "UploadFailure", by="N01.FR.30")
    if said.at("status") == "Uploading":
        await _status(trial, begin, request_id, "UploadFailure", by="N01.FR.30")
    trial.check(not shelf.brought, "the log was brought to where the server sent the station", by="N01.FR.30")


@station_case(*_PROVES, "N01.FR.04", "N01.FR.21", "N01.FR.25", versions=[Version.V21])
async def TC_N_102_CS(trial: Trial) -> None:
    """A log is brought to a server that asks for user and password."""
    user = "log-user:log-password-1"
    trial.bench.workshop.shelf.credentials["/locked/"] = user
    await _uploaded(trial, "DiagnosticsLog", "N01.FR.25", folder="/locked/", user=user)
