"""The phone's state as the API's JSON says it: see the outside interface in the README."""

from __future__ import annotations

from typing import Any

from firmware.phone.view import CallView, PhoneView


def call_json(call: CallView) -> dict[str, Any]:
    """CALL."""
    shown: dict[str, Any] = {
        "id": call.id,
        "direction": call.direction,
        "state": call.state,
        "hold": call.hold,
        "remote": {"uri": call.remote.uri, "name": call.remote.name},
        "account": call.account,
        "codec": call.codec or None,
        "encrypted": call.encrypted,
        "seconds": round(call.seconds, 1),
        "digits_received": call.digits_received,
        "quality": None,
    }
    if call.quality is not None:
        shown["quality"] = {
            "loss_percent": round(call.quality.loss_percent, 2),
            "jitter_ms": round(call.quality.jitter_ms, 2),
            "delay_ms": round(call.quality.delay_ms, 1),
            "mos": round(call.quality.mos, 2),
        }
    if call.cause is not None:
        shown["cause"] = {"code": call.cause[0], "reason": call.cause[1]}
    return shown


def phone_json(view: PhoneView, now: float) -> dict[str, Any]:
    """`GET /api/v1/phone`. `now`: the view's own time."""
    return {
        "name": view.name,
        "hook": view.hook,
        "do_not_disturb": view.do_not_disturb,
        "sound_fault": view.sound_fault,
        "accounts": [
            {
                "address": account.address,
                "registered": account.registered,
                "expires_in": None if account.expires_at is None else max(0, round(account.expires_at - now)),
                "reason": account.reason,
            }
            for account in view.accounts
        ],
        "calls": [call_json(call) for call in view.calls],
    }
