"""structlog as JSON lines on standard error, with correlation and causation ids from the context.

Values of local variables are never logged, nor the text of an exception: either may hold a person.
"""

from __future__ import annotations

import logging
import sys

import structlog


def _no_exception_text(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Of an exception only its kind and the lines it passed are kept."""
    info = event.pop("exc_info", None)
    if info:
        error = info if isinstance(info, BaseException) else sys.exc_info()[1]
        if error is not None:
            event["error"] = type(error).__name__
            frames, trace = [], error.__traceback__
            while trace is not None:
                code = trace.tb_frame.f_code
                frames.append(f"{'/'.join(code.co_filename.split('/')[-2:])}:{trace.tb_lineno}")
                trace = trace.tb_next
            event["trace"] = frames[-12:]
    return event


def configure(process: str, level: str = "INFO") -> None:
    """Set up logging for this process, the libraries' included."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    shared = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _no_exception_text,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],  # type: ignore[list-item]
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,  # type: ignore[arg-type]
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                lambda _logger, _method, event: {"process": process, **event},
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # it logs the bodies of messages that it cannot place
    for noisy in (
        "amqp",
        "kombu",
        "nameko",
        "aio_pika",
        "httpx",
        "httpcore",
        "urllib3",
        "sqlalchemy.engine",
        "alembic",
        "uvicorn.access",
    ):
        logging.getLogger(noisy).setLevel(max(number, logging.WARNING))
