"""The phone's wishes about sound, in the media engine's words."""

from __future__ import annotations

from firmware.media import messages as media
from firmware.phone import events as phone_events

EARPIECE_STEP_DB = 3.0
RINGER_STEP_DB = 4.0
UNITY_VOLUME = 7
"""The volume, of 0 to 10, at which nothing is made louder or softer."""
SILENT_DB = -100.0


def command_for(action: phone_events.Action) -> media.Command:
    """The engine's word for what the phone wants heard."""
    match action:
        case phone_events.ConnectAudio(call):
            return media.ConnectAudio(call)
        case phone_events.Ring(tone):
            return media.PlayRing(tone)
        case phone_events.StopRing():
            return media.PlayRing(None)
        case phone_events.SoundTone(tone):
            return media.PlayTone(tone)
        case phone_events.SoundKnock(tone):
            return media.PlayKnock(tone)
        case phone_events.SoundKey(digit):
            return media.KeyTone(digit)
        case phone_events.SendDigitDown(call, digit):
            return media.StartDigit(call, digit)
        case phone_events.SendDigitUp(call):
            return media.StopDigit(call)
        case phone_events.SendDigits(call, digits):
            return media.SendDigits(call, digits)
        case phone_events.SetAudio():
            return media.SetLevels(
                earpiece_db=(action.earpiece_volume - UNITY_VOLUME) * EARPIECE_STEP_DB,
                ringer_db=_ringer_db(action.ringer_volume),
                muted=action.muted,
                handset=action.handset,
                loudspeaker=action.loudspeaker,
            )
    raise AssertionError(f"{action} has no way to the engine")


def _ringer_db(volume: int) -> float:
    """What the panel calls "off" is silent."""
    return (volume - UNITY_VOLUME) * RINGER_STEP_DB if volume else SILENT_DB
