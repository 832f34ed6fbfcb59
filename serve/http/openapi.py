"""The description of the paths: BentoML's of its methods, with what it cannot know of the others and of errors."""

import copy
from typing import Any, Final

from serve.http import examples
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
    for path, answer in (("/tag", examples.tagged()), ("/tag_article", examples.tagged_article())):
        operation = kept[path]["post"]
        operation["requestBody"]["required"] = True
        good = operation["responses"].get("200", operation["responses"].get(200))
        good["content"][_JSON]["example"] = answer.model_dump(mode="json")
        operation["responses"] = {"200": good, **_errors(_TAGGING)}
        operation["security"] = [{}, {"key": []}]
    document["paths"] = {
        **kept,
        "/livez": _get("Whether the process is alive", _status("alive"), 500),
        "/readyz": _get("Whether a model has answered a sentence", _status("ready"), 500, 503),
        "/metrics": _get("Figures for Prometheus", _content("text/plain", {"type": "string"}), 401, 429, 500),
        "/info": _get("The model, its card and the limits", _content(_JSON, _reference("Info")), 401, 429, 500, 503),
        "/admin/reload": {
            "post": {
                "description": "Load the model anew",
                "operationId": "reload",
                "security": [{"key": []}],
                "responses": {
                    "200": _content(
                        _JSON, _reference("Reloaded"), example=Reloaded(model=examples.MODEL).model_dump(mode="json")
                    ),
                    **_errors((401, 403, 405, 409, 429, 500)),
                },
            }
        },
    }
    return document


def _get(description: str, content: Document, *statuses: int) -> Document:
    responses = {"200": content, **_errors((405, *statuses))}
    return {"get": {"description": description, "responses": responses, "security": [{}, {"key": []}]}}


def _errors(statuses: tuple[int, ...]) -> Document:
    described = {}
    for status in sorted(statuses):
        example = examples.error(status).model_dump(mode="json")
        answer = _content(_JSON, _reference("ErrorResponse"), _ERRORS[status], example)
        if status in (429, 503):
            answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}
        described[str(status)] = answer
    return described


def _status(word: str) -> Document:
    schema = {"type": "object", "properties": {"status": {"enum": [word]}}, "required": ["status"]}
    return _content(_JSON, schema, example={"status": word})


def _content(
    media_type: str, schema: Document, description: str = "as asked for", example: Document | None = None
) -> Document:
    shown = {"schema": schema} if example is None else {"schema": schema, "example": example}
    return {"description": description, "content": {media_type: shown}}


def _reference(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}
