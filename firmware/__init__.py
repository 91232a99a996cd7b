"""Offhook's program: the phone, its protocols, its servers, its page."""
