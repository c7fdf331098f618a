"""The feedback form: help lines first, then a code and a few questions. No session, no cookie, no trace of who asks."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from services.portal.help_lines import help_lines
from services.portal.parts import VISITOR, portal_of
from shared.contracts.errors import Refused, TooLate, TooMany
from shared.contracts.feedback import Answers, CodeUnknown, CodeUsed, CurrentForm, SubmitSlip
from shared.contracts.feedback import Form as Questions
from shared.gateway.forms import Fields, Form, blank
from shared.gateway.web import asking_of, from_elsewhere, leaves_no_trace, pages_of
from shared.runtime.ids import random_id

router = APIRouter()

PREFIX = "q-"


async def _questions(request: Request) -> Questions:
    return await asking_of(request).ask(CurrentForm(locale=portal_of(request).settings.locale), VISITOR)


def _page(request: Request, questions: Questions, form: Form[Fields]) -> Response:
    portal = portal_of(request)
    return pages_of(request).render(
        request,
        "feedback.html",
        status=form.status,
        questions=questions,
        prefix=PREFIX,
        form=form,
        countries=help_lines(portal.settings.country, portal.clock.now().date()),
    )


@router.get("/f")
@leaves_no_trace
async def feedback(request: Request) -> Response:
    """The form. The code may stand in the address's fragment, which no server ever sees."""
    return _page(request, await _questions(request), blank())


def _answers(questions: Questions, values: dict[str, str]) -> Answers:
    """The answers that were given; what is none of a question's values is left out."""
    given = {}
    for question in questions.questions:
        value = values.get(PREFIX + question.question_id, "")
        if value.isdecimal() and int(value) < len(question.labels):
            given[question.question_id] = int(value)
    return Answers(values=given)


def _refuse(form: Form[Fields], refused: Refused) -> Form[Fields]:
    """A refusal, told kindly."""
    if isinstance(refused, CodeUnknown):
        form.errors["code"] = "We do not know this code. Look again at the message it came in; letters and digits only"
    elif isinstance(refused, TooLate):
        form.overall.append("Thank you for coming back. The time for these questions is over; there is nothing to do.")
    elif isinstance(refused, TooMany):
        form.overall.append("Please wait a minute, then send it again.")
    elif refused.field:
        form.errors[PREFIX + refused.field] = "Choose one of the answers, or leave this one out"
    else:
        form.overall.append(refused.message)
    return form


@router.post("/f")
@from_elsewhere
@leaves_no_trace
async def hand_in(request: Request) -> Response:
    """Hand in the answers. Another site could at most post a code of its own, so no token (and no cookie) is needed."""
    data = await request.form()
    values = {name: value.strip()[:200] for name, value in data.items() if isinstance(value, str)}
    form: Form[Fields] = Form(values=dict(values))
    questions, asking = await _questions(request), asking_of(request)
    answers = _answers(questions, values)
    if not values.get("code"):
        form.errors["code"] = "Enter the code that we sent you"
    if not answers.values:
        form.overall.append("Answer at least one question. You can leave out any you like.")
    if not form.ok:
        return _page(request, questions, form)
    slip = SubmitSlip(
        code=asking.seal_for("feedback", values["code"]),
        answers=asking.seal_for("feedback", answers.model_dump_json()),
    )
    try:
        await asking.send(slip, VISITOR, request_id=random_id())
    except CodeUsed:
        return pages_of(request).render(request, "thanks.html", again=True)
    except Refused as refused:
        return _page(request, questions, _refuse(form, refused))
    return pages_of(request).render(request, "thanks.html", again=False)
