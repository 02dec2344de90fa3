"""Firmware Management and the security extension of 1.6, as a station hears them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import UNSET, UnsetType

from ocppflow.errors import NotSupported
from ocppflow.messages import v16, v21
from ocppflow.station.dialect_16.hearing import ask_block, ask_status, dialect_16
from ocppflow.station.dialect_16.progress import DIAGNOSTICS, UNSIGNED

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

_USES: Final[dict[v16.CertificateUseEnumType, v21.InstallCertificateUseEnumType]] = {
    "CentralSystemRootCertificate": "CSMSRootCertificate",
    "ManufacturerRootCertificate": "ManufacturerRootCertificate",
}


@dialect_16.on(v16.UpdateFirmwareRequest)
async def update_firmware(station: CompleteStation, request: v16.UpdateFirmwareRequest) -> v16.UpdateFirmwareResponse:
    """1.6, 5.19. It cannot be refused; what becomes of it is told by FirmwareStatusNotification. What the station could
    not even begin with is told as a download that has failed, unless an update goes on that leaves no room for it."""
    asked = v21.UpdateFirmwareRequest(
        request_id=UNSIGNED,
        retries=request.retries,
        retry_interval=request.retry_interval,
        firmware=v21.FirmwareType(location=request.location, retrieve_date_time=request.retrieve_date),
    )
    response = await ask_block(station, asked)
    if response.status == "Rejected" and not station.firmware.in_progress:
        station.respond_then(lambda: station.say(v16.FirmwareStatusNotificationRequest(status="DownloadFailed")))
    return v16.UpdateFirmwareResponse()


@dialect_16.on(v16.SignedUpdateFirmwareRequest)
async def signed_update_firmware(
    station: CompleteStation, request: v16.SignedUpdateFirmwareRequest
) -> v16.SignedUpdateFirmwareResponse:
    """Security extension, 5.15."""
    firmware = request.firmware
    asked = v21.UpdateFirmwareRequest(
        request_id=request.request_id,
        retries=request.retries,
        retry_interval=request.retry_interval,
        firmware=v21.FirmwareType(
            location=firmware.location,
            retrieve_date_time=firmware.retrieve_date_time,
            install_date_time=firmware.install_date_time,
            signing_certificate=firmware.signing_certificate,
            signature=firmware.signature,
        ),
    )
    return v16.SignedUpdateFirmwareResponse(status=await ask_status(station, asked, "Rejected"))


@dialect_16.on(v16.GetDiagnosticsRequest)
async def get_diagnostics(station: CompleteStation, request: v16.GetDiagnosticsRequest) -> v16.GetDiagnosticsResponse:
    """1.6, 5.9: without a file name there is nothing to upload."""
    asked = v21.GetLogRequest(
        log_type="DiagnosticsLog",
        request_id=DIAGNOSTICS,
        retries=request.retries,
        retry_interval=request.retry_interval,
        log=v21.LogParametersType(
            remote_location=request.location,
            oldest_timestamp=request.start_time,
            latest_timestamp=request.stop_time,
        ),
    )
    try:
        response = await ask_block(station, asked)
    except NotSupported:
        return v16.GetDiagnosticsResponse()
    return v16.GetDiagnosticsResponse(file_name=UNSET if response.status == "Rejected" else response.filename)


@dialect_16.on(v16.GetLogRequest)
async def get_log(station: CompleteStation, request: v16.GetLogRequest) -> v16.GetLogResponse:
    """Security extension, 5.5."""
    log = request.log
    asked = v21.GetLogRequest(
        log_type=request.log_type,
        request_id=request.request_id,
        retries=request.retries,
        retry_interval=request.retry_interval,
        log=v21.LogParametersType(
            remote_location=log.remote_location,
            oldest_timestamp=log.oldest_timestamp,
            latest_timestamp=log.latest_timestamp,
        ),
    )
    response = await ask_block(station, asked)
    return v16.GetLogResponse(status=response.status, filename=response.filename)


@dialect_16.on(v16.CertificateSignedRequest)
async def certificate_signed(
    station: CompleteStation, request: v16.CertificateSignedRequest
) -> v16.CertificateSignedResponse:
    """Security extension, 5.1."""
    asked = v21.CertificateSignedRequest(
        certificate_chain=request.certificate_chain, certificate_type="ChargingStationCertificate"
    )
    return v16.CertificateSignedResponse(status=await ask_status(station, asked, "Rejected"))


@dialect_16.on(v16.InstallCertificateRequest)
async def install_certificate(
    station: CompleteStation, request: v16.InstallCertificateRequest
) -> v16.InstallCertificateResponse:
    """Security extension, 5.9."""
    asked = v21.InstallCertificateRequest(
        certificate_type=_USES[request.certificate_type], certificate=request.certificate
    )
    return v16.InstallCertificateResponse(status=await ask_status(station, asked, "Rejected"))


@dialect_16.on(v16.DeleteCertificateRequest)
async def delete_certificate(
    station: CompleteStation, request: v16.DeleteCertificateRequest
) -> v16.DeleteCertificateResponse:
    """Security extension, 5.2."""
    given = request.certificate_hash_data
    asked = v21.DeleteCertificateRequest(
        certificate_hash_data=v21.CertificateHashDataType(
            hash_algorithm=given.hash_algorithm,
            issuer_name_hash=given.issuer_name_hash,
            issuer_key_hash=given.issuer_key_hash,
            serial_number=given.serial_number,
        )
    )
    return v16.DeleteCertificateResponse(status=await ask_status(station, asked, "Failed"))


@dialect_16.on(v16.GetInstalledCertificateIdsRequest)
async def get_installed_certificate_ids(
    station: CompleteStation, request: v16.GetInstalledCertificateIdsRequest
) -> v16.GetInstalledCertificateIdsResponse:
    """Security extension, 5.6."""
    use: v21.GetCertificateIdUseEnumType = (
        "CSMSRootCertificate"
        if request.certificate_type == "CentralSystemRootCertificate"
        else "ManufacturerRootCertificate"
    )
    response = await ask_block(station, v21.GetInstalledCertificateIdsRequest(certificate_type=[use]))
    chains = response.certificate_hash_data_chain
    found = [] if isinstance(chains, UnsetType) else [chain.certificate_hash_data for chain in chains]
    hashes = [
        v16.CertificateHashDataType(
            hash_algorithm=each.hash_algorithm,
            issuer_name_hash=each.issuer_name_hash,
            issuer_key_hash=each.issuer_key_hash,
            serial_number=each.serial_number,
        )
        for each in found
    ]
    return v16.GetInstalledCertificateIdsResponse(
        status="Accepted" if hashes else "NotFound", certificate_hash_data=hashes or UNSET
    )
