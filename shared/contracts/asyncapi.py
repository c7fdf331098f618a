"""The AsyncAPI 3.0 document of the network, from the contracts and the table of subscriptions.

``chapterhouse asyncapi`` writes docs/asyncapi.yaml; a test fails when the file is stale.
"""

from __future__ import annotations

import inspect
from typing import Any

import yaml
from pydantic.json_schema import models_json_schema

from shared.contracts import errors, feedback, meetings, notifications, registration
from shared.contracts.base import EVENTS, REQUESTS, Command, Event, Request
from shared.contracts.subscriptions import SUBSCRIPTIONS

SERVICES = ("meetings", "registration", "notifications", "feedback")
_OURS = tuple(module.__name__ for module in (errors, feedback, meetings, notifications, registration))
"""Also their rooms: what tests say and ask is not published."""


def document() -> str:
    """The document as YAML."""
    events = [model for _, model in sorted(EVENTS.items()) if model.__module__.startswith(_OURS)]
    requests = [model for _, model in sorted(REQUESTS.items()) if model.__module__.startswith(_OURS)]
    content = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Chapterhouse",
            "version": "1.0.0",
            "description": (
                "Events are CloudEvents 1.0 in structured JSON on the topic exchange `events`; the routing key is the "
                "type. Commands and queries are signed requests on `<service>.requests`, answered by direct reply-to."
            ),
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": _channels(events, requests),
        "operations": _operations(events, requests),
        "components": {"messages": _messages(events, requests), "schemas": _schemas(events, requests)},
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)


def _channels(events: list[type[Event]], requests: list[type[Request[Any]]]) -> dict[str, Any]:
    channels: dict[str, Any] = {
        "events": {
            "address": "events",
            "description": "Every fact there is; one quorum queue a service is bound to the types that it hears.",
            "messages": {model.__name__: _message_ref(model) for model in events},
            "bindings": {
                "amqp": {
                    "is": "routingKey",
                    "exchange": {"name": "events", "type": "topic", "durable": True, "autoDelete": False},
                    "bindingVersion": "0.3.0",
                }
            },
        }
    }
    for service in SERVICES:
        queue = {"name": f"{service}.requests", "durable": True, "exclusive": False, "autoDelete": False}
        channels[f"{service}.requests"] = {
            "address": f"{service}.requests",
            "messages": {model.__name__: _message_ref(model) for model in requests if model.receiver() == service},
            "bindings": {"amqp": {"is": "queue", "queue": queue, "bindingVersion": "0.3.0"}},
        }
    return channels


def _operations(events: list[type[Event]], requests: list[type[Request[Any]]]) -> dict[str, Any]:
    operations: dict[str, Any] = {}
    for service in SERVICES:
        said = [model for model in events if model.type.startswith(f"{service}.")]
        operations[f"{service}.says"] = _operation("send", "events", said)
        if SUBSCRIPTIONS[service]:
            operations[f"{service}.hears"] = _operation("receive", "events", list(SUBSCRIPTIONS[service]))
        answered = [model for model in requests if model.receiver() == service]
        operations[f"{service}.answers"] = _operation("receive", f"{service}.requests", answered)
    return operations


def _operation(action: str, channel: str, models: list[Any]) -> dict[str, Any]:
    messages = [{"$ref": f"#/channels/{channel}/messages/{model.__name__}"} for model in models]
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "messages": messages}


def _message_ref(model: type[Any]) -> dict[str, str]:
    return {"$ref": f"#/components/messages/{model.__name__}"}


def _messages(events: list[type[Event]], requests: list[type[Request[Any]]]) -> dict[str, Any]:
    messages: dict[str, Any] = {}
    for event in events:
        messages[event.__name__] = {
            "name": event.type,
            "summary": _first_line(event),
            "payload": {"$ref": f"#/components/schemas/{event.__name__}"},
            "x-subject": event.subject,
            "x-dataclassification": event.classification,
        }
    for request in requests:
        messages[request.__name__] = {
            "name": request.type,
            "contentType": "application/json",
            "summary": _first_line(request),
            "payload": {"$ref": f"#/components/schemas/{request.__name__}"},
            "x-kind": "command" if issubclass(request, Command) else "query",
            "x-answer": {"$ref": f"#/components/schemas/{request.answer_type().__name__}"},
        }
    return messages


def _schemas(events: list[type[Event]], requests: list[type[Request[Any]]]) -> dict[str, Any]:
    answers = sorted({request.answer_type() for request in requests}, key=lambda model: model.__name__)
    models = [*events, *requests, *answers]
    _, content = models_json_schema(
        [(model, "serialization") for model in models], ref_template="#/components/schemas/{model}"
    )
    schemas: dict[str, Any] = content["$defs"]
    return dict(sorted(schemas.items()))


def _first_line(model: type[Any]) -> str:
    return (inspect.getdoc(model) or "").split("\n", 1)[0]
