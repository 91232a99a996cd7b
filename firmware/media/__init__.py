"""The media engine: RTP sessions, codecs, tones and mixing, driven by `now` and by the sound card's frames."""
