"""Words and data types of 1.6 and their counterparts in 2.1, in both directions, without any state."""

from __future__ import annotations

from typing import Any, Final, Literal, cast, get_args

import msgspec
from msgspec import UNSET, UnsetType

from ocppflow.messages import v16, v21

STOP_REASONS: Final[dict[v21.ReasonEnumType, v16.Reason]] = {
    "DeAuthorized": "DeAuthorized",
    "EmergencyStop": "EmergencyStop",
    "EVDisconnected": "EVDisconnected",
    "ImmediateReset": "HardReset",
    "Local": "Local",
    "MasterPass": "Local",
    "PowerLoss": "PowerLoss",
    "Reboot": "Reboot",
    "Remote": "Remote",
}
"""What has no word in 1.6 is ``Other``."""

SECURITY_EVENTS: Final = {
    "FailedToAuthenticateAtCsms": "FailedToAuthenticateAtCentralSystem",
    "CsmsFailedToAuthenticate": "CentralSystemFailedToAuthenticate",
    "InvalidCsmsCertificate": "InvalidCentralSystemCertificate",
    "InvalidChargingStationCertificate": "InvalidChargePointCertificate",
}
"""Security events that have another name in 1.6 (security whitepaper, 8); the others have the same."""

_MEASURANDS_16: Final[frozenset[str]] = frozenset(get_args(v16.Measurand))
_UNITS_16: Final[frozenset[str]] = frozenset(get_args(v16.UnitOfMeasure))

TokenType = Literal["ISO14443", "Central", "Local"]


def token_21(id_tag: str) -> v21.IdTokenType:
    """An idTag: 1.6 knows nothing of kinds. Those of cards are the usual ones."""
    return v21.IdTokenType(id_token=id_tag, type="ISO14443")


def id_tag(token: v21.IdTokenType) -> str:
    """A token as 1.6 writes it: the first 20 characters, which are all that fit."""
    return token.id_token[:20]


def token_info_21(info: v16.IdTagInfo) -> v21.IdTokenInfoType:
    """What the CSMS says of a token."""
    return v21.IdTokenInfoType(
        status=info.status,
        cache_expiry_date_time=info.expiry_date,
        group_id_token=UNSET if isinstance(info.parent_id_tag, UnsetType) else token_21(info.parent_id_tag),
    )


# --- meter values ------------------------------------------------------------------------------------------------


def meter_values_16(values: list[v21.MeterValueType] | UnsetType) -> list[v16.MeterValue]:
    """What 1.6 has words for; a time at which nothing is left is left out."""
    if isinstance(values, UnsetType):
        return []
    made = [v16.MeterValue(timestamp=value.timestamp, sampled_value=_samples_16(value)) for value in values]
    return [value for value in made if value.sampled_value]


def _samples_16(value: v21.MeterValueType) -> list[v16.SampledValue]:
    samples: list[v16.SampledValue] = []
    for sample in value.sampled_value:
        measurand = "Energy.Active.Import.Register" if isinstance(sample.measurand, UnsetType) else sample.measurand
        if measurand not in _MEASURANDS_16:
            continue
        samples.append(_sample_16(sample))
        if not isinstance(sample.signed_meter_value, UnsetType):
            samples.append(_signed_16(sample, sample.signed_meter_value))
    return samples


def _sample_16(sample: v21.SampledValueType) -> v16.SampledValue:
    unit, value = _unit_and_value(sample)
    common: dict[str, Any] = {"measurand": sample.measurand, "phase": sample.phase, "unit": unit}
    common["context"] = sample.context
    common["location"] = UNSET if sample.location == "Upstream" else sample.location
    return v16.SampledValue(value=number_16(value), **common)


def _signed_16(sample: v21.SampledValueType, signed: v21.SignedMeterValueType) -> v16.SampledValue:
    """Signed meter values in 1.6: the value is 2.1's SignedMeterValueType as JSON (application note on signed meter
    values, 3.2.1). What is not sent is an empty text there."""
    content = {
        "signedMeterData": signed.signed_meter_data,
        "signingMethod": signed.signing_method or "",
        "encodingMethod": signed.encoding_method,
        "publicKey": signed.public_key or "",
    }
    return v16.SampledValue(
        value=msgspec.json.encode(content).decode(),
        format="SignedData",
        context=sample.context,
        unit=cast(v16.UnitOfMeasure | UnsetType, _unit_and_value(sample)[0]),  # as that function sees to
        measurand=cast(v16.Measurand | UnsetType, sample.measurand),  # which the caller has looked at
        location=UNSET if sample.location == "Upstream" else sample.location,
    )


def _unit_and_value(sample: v21.SampledValueType) -> tuple[str | UnsetType, float]:
    given = sample.unit_of_measure
    if isinstance(given, UnsetType):
        return UNSET, sample.value
    multiplier = 0 if isinstance(given.multiplier, UnsetType) else given.multiplier
    unit = "Wh" if isinstance(given.unit, UnsetType) else given.unit
    return (unit if unit in _UNITS_16 else UNSET), sample.value * 10**multiplier


def number_16(value: float) -> str:
    """A number as text, without an exponent and without what no meter measures."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


# --- charging profiles -------------------------------------------------------------------------------------------

PURPOSES_21: Final[dict[v16.ChargingProfilePurposeType, v21.ChargingProfilePurposeEnumType]] = {
    "ChargePointMaxProfile": "ChargingStationMaxProfile",
    "TxDefaultProfile": "TxDefaultProfile",
    "TxProfile": "TxProfile",
}


def profile_21(profile: v16.ChargingProfile, transaction_id: str | UnsetType) -> v21.ChargingProfileType:
    """A charging profile. ``transaction_id`` is the one that the station knows the transaction by."""
    schedule = profile.charging_schedule
    periods = [
        v21.ChargingSchedulePeriodType(
            start_period=period.start_period, limit=period.limit, number_phases=period.number_phases
        )
        for period in schedule.charging_schedule_period
    ]
    return v21.ChargingProfileType(
        id=profile.charging_profile_id,
        stack_level=profile.stack_level,
        charging_profile_purpose=PURPOSES_21[profile.charging_profile_purpose],
        charging_profile_kind=profile.charging_profile_kind,
        recurrency_kind=profile.recurrency_kind,
        valid_from=profile.valid_from,
        valid_to=profile.valid_to,
        transaction_id=transaction_id,
        charging_schedule=[
            v21.ChargingScheduleType(
                id=1,
                charging_rate_unit=schedule.charging_rate_unit,
                charging_schedule_period=periods,
                duration=schedule.duration,
                start_schedule=schedule.start_schedule,
                min_charging_rate=schedule.min_charging_rate,
            )
        ],
    )


def schedule_16(composite: v21.CompositeScheduleType) -> v16.ChargingSchedule:
    """A composite schedule. 1.6 has limits to one decimal: they are cut, since a limit must never grow."""
    return v16.ChargingSchedule(
        duration=composite.duration,
        charging_rate_unit=composite.charging_rate_unit,
        charging_schedule_period=[
            v16.ChargingSchedulePeriod(
                start_period=period.start_period, limit=_tenths(period.limit), number_phases=period.number_phases
            )
            for period in composite.charging_schedule_period
        ],
    )


def _tenths(limit: float | UnsetType) -> float:
    return 0.0 if isinstance(limit, UnsetType) else int(limit * 10 + 1e-6) / 10
