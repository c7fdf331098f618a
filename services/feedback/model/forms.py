"""The forms, as data: ``forms/<locale>/<form id>.json``. A form once used is never changed; a new one gets a new id."""

from __future__ import annotations

import functools
import json
from importlib import resources

from pydantic import ValidationError

from shared.contracts.errors import Invalid
from shared.contracts.feedback import Answers, Form, Question

CURRENT = "evening-1"
FALLBACK = "en"


@functools.cache
def form(form_id: str = CURRENT, locale: str = FALLBACK) -> Form:
    """The form in this language, else in its base language, else in English."""
    folder = resources.files("services.feedback") / "forms"
    known = {entry.name for entry in folder.iterdir() if entry.is_dir()}
    language = next((name for name in (locale, locale.split("-", maxsplit=1)[0]) if name in known), FALLBACK)
    data = json.loads((folder / language / f"{form_id}.json").read_text("utf-8"))
    scale = tuple(data["scale"])
    return Form(
        form_id=data["form_id"],
        title=data["title"],
        intro=data["intro"],
        questions=tuple(Question(labels=scale, **question) for question in data["questions"]),
        source=data["source"],
    )


def read_answers(text: str, form_id: str) -> dict[str, int]:
    """The answers in this JSON, each to a question of the form and on its scale. Refuses Invalid, field named."""
    try:
        values = Answers.model_validate_json(text).values
    except ValidationError as error:
        raise _unreadable(error) from None
    scales = {question.question_id: len(question.labels) for question in form(form_id).questions}
    for question, value in values.items():
        if question not in scales:
            raise Invalid("this form has no such question; open the form again", field=question[:64])
        if not 0 <= value < scales[question]:
            raise Invalid(f"choose one of the {scales[question]} answers, or leave it out", field=question)
    if not values:
        raise Invalid("every question was left out; answer at least one", field="answers")
    return values


def _unreadable(error: ValidationError) -> Invalid:
    """Name the field; never repeat what was typed."""
    place = error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]
    field = str(place[1])[:64] if len(place) > 1 and place[0] == "values" else "answers"
    return Invalid("these answers cannot be read; choose one of the answers shown", field=field)
