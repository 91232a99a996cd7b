"""The sound cards: which one is the handset's, by a tone on each channel, and which has the loudspeaker."""

from __future__ import annotations

from typing import Literal

from hw.boards.profile import CardProfile, Channel
from hw.wizard.found import Found
from hw.wizard.prompts import Card, Choice, Outputs, Prompt, Situation, Tone
from hw.wizard.saving import Save
from hw.wizard.steps import Onward, Step

Heard = Literal["handset", "loudspeaker", "nowhere"]
HEARD = (
    Choice("handset", "h", "In the handset"),
    Choice("loudspeaker", "l", "From the loudspeaker"),
    Choice("nowhere", "n", "Nowhere"),
)
NO_CARD = Choice("skip", "s", "None of these")
UNSEEN = CardProfile("usb")
"""What is written where no card is plugged in yet."""


def first_of_sound(situation: Situation, found: Found) -> Step:
    """The question after the ringer."""
    return FirstCard(situation, found) if situation.cards else NoCards(situation, found)


class NoCards(Step):
    """There is no card to ask about."""

    def __init__(self, situation: Situation, found: Found) -> None:
        text = (
            "No sound card is here now. The profile will say usb: the first card on USB, for earpiece and microphone. "
            "Go on?"
        )
        on = Choice("on", "g", "Go on")
        super().__init__(situation, found, Prompt("Sound", text, "No sound card found", (on,), "on"))

    def choose(self, choice: str, now: float) -> Onward | None:
        """Take the usual."""
        found = self.learn(earpiece=UNSEEN, microphone=UNSEEN)
        return Onward(Save(self.situation, found), found)


class _CardChoice(Step):
    """Asks for one card of several."""

    def __init__(self, situation: Situation, found: Found, cards: tuple[Card, ...], text: str, short: str) -> None:
        self._cards = cards
        choices = [Choice(f"card {n}", str(n), f"{card.words} ({card.name})") for n, card in enumerate(cards, 1)]
        super().__init__(situation, found, Prompt("Sound", text, short, (*choices, NO_CARD)))

    def choose(self, choice: str, now: float) -> Onward | None:
        """One, or none."""
        if choice == "skip":
            return self.none()
        return self.taken(self._cards[int(choice.removeprefix("card ")) - 1])

    def taken(self, card: Card) -> Onward:
        """This one."""
        raise NotImplementedError

    def none(self) -> Onward:
        """None."""
        raise NotImplementedError


class FirstCard(_CardChoice):
    """The card that plays in the handset, or if there is no handset, from the loudspeaker."""

    def __init__(self, situation: Situation, found: Found) -> None:
        cards = tuple(card for card in situation.cards if card.plays)
        text = "Which sound card is the handset's earpiece on? Without a handset: the loudspeaker's card."
        super().__init__(situation, found, cards, text, "Which card is the handset's?")

    def taken(self, card: Card) -> Onward:
        """Where is its left channel heard?"""
        return Onward(Channels(self.situation, self.found, card, self._cards), self.found)

    def none(self) -> Onward:
        """Nothing plays."""
        return Onward(MicrophoneCard(self.situation, self.found, None), self.found)


class Channels(Step):
    """Where each of a card's channels is heard."""

    def __init__(
        self, situation: Situation, found: Found, card: Card, cards: tuple[Card, ...], left: Heard | None = None
    ) -> None:
        """`cards`: those there are to play; `left`: where the left channel is heard; None: that is asked now."""
        self._card = card
        self._cards = cards
        self._left = left
        self._side: Channel = "left" if left is None else "right"
        text = f"A tone plays on {card.words}, its {self._side} channel. Where do you hear it?"
        super().__init__(situation, found, Prompt("Sound", text, f"Tone on the {self._side}: where?", HEARD))

    @property
    def outputs(self) -> Outputs:
        """The tone."""
        return Outputs(tone=Tone(self._card.name, self._side, self._card.playing))

    def choose(self, choice: str, now: float) -> Onward | None:
        """The other channel, then the next end."""
        heard: Heard = "handset" if choice == "handset" else "loudspeaker" if choice == "loudspeaker" else "nowhere"
        if self._left is None:
            return Onward(Channels(self.situation, self.found, self._card, self._cards, heard), self.found)
        heard_at = {"left": self._left, "right": heard}
        if set(heard_at.values()) == {"nowhere"}:
            said = f"Nothing from {self._card.words}. Is its plug in the right socket? Another card, perhaps."
            return Onward(FirstCard(self.situation, self.found), self.found, (said,))
        earpiece, speaker = self._end(heard_at, "handset"), self._end(heard_at, "loudspeaker")
        found = self.learn(
            earpiece=earpiece or self.found.earpiece,
            speaker=speaker or self.found.speaker,
        )
        said_of = [
            f"The {name} is on {card.card}, {'both channels' if card.channel == 'both' else card.channel + ' channel'}."
            for name, card in (("earpiece", earpiece), ("loudspeaker", speaker))
            if card is not None
        ]
        others = tuple(card for card in self._cards if card != self._card)
        if found.speaker is None and others:
            return Onward(SpeakerCard(self.situation, found, self._card, others), found, tuple(said_of))
        return Onward(MicrophoneCard(self.situation, found, self._card), found, tuple(said_of))

    def _end(self, heard_at: dict[str, Heard], where: Heard) -> CardProfile | None:
        sides: list[Channel] = [side for side in ("left", "right") if heard_at[side] == where]
        if not sides:
            return None
        return CardProfile(self._card.name, "both" if len(sides) == 2 else sides[0], self._card.playing)


class SpeakerCard(_CardChoice):
    """A loudspeaker on a card of its own."""

    def __init__(self, situation: Situation, found: Found, handset: Card, cards: tuple[Card, ...]) -> None:
        text = "Is there a loudspeaker on another card?"
        super().__init__(situation, found, cards, text, "Loudspeaker on which card?")
        self._handset = handset

    def taken(self, card: Card) -> Onward:
        """It is heard from both channels, or it is not."""
        return Onward(SpeakerSounds(self.situation, self.found, self._handset, self._cards, card), self.found)

    def none(self) -> Onward:
        """No loudspeaker."""
        return Onward(MicrophoneCard(self.situation, self.found, self._handset), self.found)


class SpeakerSounds(Step):
    """Whether the loudspeaker is heard."""

    def __init__(self, situation: Situation, found: Found, handset: Card, cards: tuple[Card, ...], card: Card) -> None:
        self._handset = handset
        self._cards = cards
        self._card = card
        choices = (HEARD[1], HEARD[2])
        text = f"A tone plays on {card.words}. Do you hear it?"
        super().__init__(situation, found, Prompt("Sound", text, "Do you hear the tone?", choices))

    @property
    def outputs(self) -> Outputs:
        """The tone."""
        return Outputs(tone=Tone(self._card.name, "both", self._card.playing))

    def choose(self, choice: str, now: float) -> Onward | None:
        """Taken, or another."""
        if choice == "nowhere":
            return Onward(SpeakerCard(self.situation, self.found, self._handset, self._cards), self.found)
        found = self.learn(speaker=CardProfile(self._card.name, "both", self._card.playing))
        said = f"The loudspeaker is on {self._card.name}."
        return Onward(MicrophoneCard(self.situation, found, self._handset), found, (said,))


class MicrophoneCard(_CardChoice):
    """The card that hears."""

    def __init__(self, situation: Situation, found: Found, handset: Card | None) -> None:
        """`handset`: the card that plays, named first."""
        cards = sorted((card for card in situation.cards if card.records), key=lambda card: card != handset)
        text = "Which sound card is the microphone on?"
        super().__init__(situation, found, tuple(cards), text, "Which card has the microphone?")
        self.prompt = Prompt("Sound", text, self.prompt.short, self.prompt.choices, "card 1" if cards else "skip")

    def taken(self, card: Card) -> Onward:
        """Save."""
        found = self.learn(microphone=CardProfile(card.name, "both", card.recording))
        return Onward(Save(self.situation, found), found, (f"The microphone is on {card.name}.",))

    def none(self) -> Onward:
        """No microphone."""
        return Onward(Save(self.situation, self.found), self.found)
