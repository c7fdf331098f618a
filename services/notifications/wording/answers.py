"""Answers to texts that people send us."""

from __future__ import annotations

from typing import Literal

from services.notifications.channels import gsm
from services.notifications.wording.languages import language

Answer = Literal["stop", "help", "start", "wrong"]


def answer(to: Answer, locale: str, portal_url: str) -> str:
    """The one text that answers STOP, HELP, START or WRONG; in one or two parts, promoting nothing.

    After STOP nothing but this may follow (47 CFR 64.1200(a)(12)): the caller sends it once and not again.
    """
    said = {"portal": portal_url.rstrip("/")}
    return gsm.plain(" ".join(language(locale).block("answers.txt", to, said).split()))
