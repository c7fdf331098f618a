"""The development sink: a mail server and an SMS provider that deliver to a page.

Mail comes by SMTP, texts by the Messages API of Twilio, as its documents describe it. Everything accepted is
written to a log of its own before it is acknowledged. Loopback only: it is no server for the world.
"""
