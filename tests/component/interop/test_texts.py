"""Texts: the genuine ``twilio`` client and our own, against the sink; call-backs through the portal; inbound words."""
