"""The description of the paths: BentoML's of its methods, with what it cannot know of the others and of errors."""

import copy
from typing import Any, Final

from serve.messages import ErrorResponse, Info, Reloaded

Document = dict[str, Any]

_JSON: Final = "application/json"
_ERRORS: Final = {
    400: "the body is not JSON",
    401: "a key is needed, or not a good one",
    403: "there are no keys, so nobody may do this",
    405: "the path takes another method",
    408: "the body came too slowly",
    409: "the new model is refused; the present one goes on",
    413: "the body is too large",
    415: "the body is not application/json",
    422: "a field is not valid",
    429: "too much is waiting, or was sent in the last minute; `Retry-After` says when to come back",
    500: "the service is at fault",
    503: "no usable model is loaded",
    504: "the request took too long",
}
_TAGGING: Final = (400, 401, 405, 408, 413, 415, 422, 429, 500, 503, 504)


def complete(document: Document) -> Document:
    """`document`, as BentoML writes it, with all paths, every status and the error shape."""
    document = copy.deepcopy(document)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for model in (ErrorResponse, Info, Reloaded):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    document["info"]["description"] = "Tags sentences of news coverage with a stance act and its roles."
    document["info"].pop("contact", None)
    document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    kept = {path: document["paths"][path] for path in ("/tag", "/tag_article")}
    for item in kept.values():
        operation = item["post"]
        good = operation["responses"].get("200", operation["responses"].get(200))
        operation["responses"] = {"200": good, **_errors(_TAGGING)}
        operation["security"] = [{}, {"key": []}]
    document["paths"] = {
        **kept,
        "/livez": _get("Whether the process is alive", _content(_JSON, {"type": "object"})),
        "/readyz": _get("Whether a model has answered a sentence", _content(_JSON, {"type": "object"}), 503),
        "/metrics": _get("Figures for Prometheus", _content("text/plain", {"type": "string"}), 401),
        "/info": _get("The model and the limits", _content(_JSON, _reference("Info")), 401, 503),
        "/admin/reload": {
            "post": {
                "description": "Load the model anew",
                "operationId": "reload",
                "security": [{"key": []}],
                "responses": {
                    "200": _content(_JSON, _reference("Reloaded")),
                    **_errors((401, 403, 405, 409, 429, 500)),
                },
            }
        },
    }
    return document


def _get(description: str, content: Document, *statuses: int) -> Document:
    responses = {"200": content, **_errors((405, 429, *statuses))}
    return {"get": {"description": description, "responses": responses, "security": [{}, {"key": []}]}}


def _errors(statuses: tuple[int, ...]) -> Document:
    described = {}
    for status in sorted(statuses):
        answer = _content(_JSON, _reference("ErrorResponse"), _ERRORS[status])
        if status in (429, 503):
            answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}
        described[str(status)] = answer
    return described


def _content(media_type: str, schema: Document, description: str = "as asked for") -> Document:
    return {"description": description, "content": {media_type: {"schema": schema}}}


def _reference(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}
