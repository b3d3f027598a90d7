"""How two vendors write a model request and its answer, whole or streamed. No sockets here."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from support.model_script import Message, ModelRequest, Schema, ToolCall

Json: TypeAlias = dict[str, Any]
Pieces: TypeAlias = Iterable[str | ToolCall]
TOKENS = 1200


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    read: Callable[[str, Json], ModelRequest]
    stream: Callable[[Pieces], Iterator[bytes]]
    whole: Callable[[Sequence[str | ToolCall]], Json]
    failure: Callable[[int, str], Json]


def vendor_of(path: str) -> Vendor | None:
    """Who asks, by the path of the request."""
    if path.endswith("/messages"):
        return ANTHROPIC
    if path.endswith((":generateContent", ":streamGenerateContent")):
        return GEMINI
    return None


def token_count(path: str) -> Json | None:
    """The answer to a request that only counts tokens; None for any other."""
    if path.endswith("/messages/count_tokens"):
        return {"input_tokens": TOKENS}
    if path.endswith(":countTokens"):
        return {"totalTokens": TOKENS}
    return None


def _event(value: Json, name: str | None = None) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(value)}\n\n".encode()


# --- Anthropic Messages


def _read_anthropic(_: str, body: Json) -> ModelRequest:
    return ModelRequest(
        vendor="anthropic",
        streamed=bool(body.get("stream")),
        history=tuple(_anthropic_history(body.get("messages", []))),
        tools={
            tool["name"]: schema
            for tool in body.get("tools") or []
            if (schema := tool.get("input_schema"))
        },
        wanted=_at(body, "output_config", "format", "schema"),
    )


def _anthropic_history(messages: list[Json]) -> Iterator[Message]:
    for message in messages:
        if message["role"] == "assistant":
            yield Message(from_model=True)
            continue
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        yield Message(from_model=False)
        if message["role"] == "user":
            yield from (
                Message(from_model=False, text=part["text"])
                for part in parts
                if part["type"] == "text"
            )


def _stream_anthropic(pieces: Pieces) -> Iterator[bytes]:
    def event(kind: str, **fields: Any) -> bytes:
        return _event({"type": kind, **fields}, kind)

    yield event("message_start", message=_anthropic_message([], None))
    blocks, text_open, called = 0, False, False
    for piece in pieces:
        is_text = isinstance(piece, str)
        if text_open and not is_text:
            yield event("content_block_stop", index=blocks - 1)
        if not (text_open and is_text):
            yield event("content_block_start", index=blocks, content_block=_opened(piece))
            blocks += 1
        yield event("content_block_delta", index=blocks - 1, delta=_delta(piece))
        if not is_text:
            yield event("content_block_stop", index=blocks - 1)
        text_open, called = is_text, called or not is_text
    if text_open:
        yield event("content_block_stop", index=blocks - 1)
    ending = {"stop_reason": "tool_use" if called else "end_turn", "stop_sequence": None}
    yield event("message_delta", delta=ending, usage={"output_tokens": 34})
    yield event("message_stop")


def _opened(piece: str | ToolCall) -> Json:
    if isinstance(piece, str):
        return {"type": "text", "text": ""}
    return {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex}", "name": piece.name, "input": {}}


def _delta(piece: str | ToolCall) -> Json:
    if isinstance(piece, str):
        return {"type": "text_delta", "text": piece}
    return {"type": "input_json_delta", "partial_json": json.dumps(piece.input)}


def _whole_anthropic(pieces: Sequence[str | ToolCall]) -> Json:
    content: list[Json] = [
        {"type": "text", "text": piece}
        if isinstance(piece, str)
        else {**_opened(piece), "input": piece.input}
        for piece in pieces
    ]
    called = any(isinstance(piece, ToolCall) for piece in pieces)
    return _anthropic_message(content, "tool_use" if called else "end_turn")


def _anthropic_message(content: list[Json], stop_reason: str | None) -> Json:
    return {
        "id": f"msg_{uuid.uuid4().hex}",
        "type": "message",
        "role": "assistant",
        "model": "scripted",
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": TOKENS, "output_tokens": 1},
    }


def _fail_anthropic(status: int, message: str) -> Json:
    kind = "invalid_request_error" if status < 500 else "api_error"
    return {"type": "error", "error": {"type": kind, "message": message}}


# --- Gemini generateContent


def _read_gemini(path: str, body: Json) -> ModelRequest:
    declared = [
        function
        for tool in body.get("tools") or []
        for function in tool.get("functionDeclarations") or []
    ]
    options = body.get("generationConfig") or {}
    return ModelRequest(
        vendor="gemini",
        streamed=path.endswith(":streamGenerateContent"),
        history=tuple(_gemini_history(body.get("contents", []))),
        tools={
            function["name"]: function.get("parametersJsonSchema") or function.get("parameters")
            for function in declared
        },
        wanted=options.get("responseJsonSchema") or options.get("responseSchema"),
    )


def _gemini_history(contents: list[Json]) -> Iterator[Message]:
    for content in contents:
        from_model = content.get("role") == "model"
        yield Message(from_model=from_model)
        if not from_model:
            for part in content.get("parts", []):
                yield Message(from_model=False, text=part.get("text", ""))


def _stream_gemini(pieces: Pieces) -> Iterator[bytes]:
    for piece in pieces:
        yield _event(_gemini_answer([piece], None))
    yield _event(_gemini_answer([""], "STOP"))


def _whole_gemini(pieces: Sequence[str | ToolCall]) -> Json:
    return _gemini_answer(pieces, "STOP")


def _gemini_answer(pieces: Sequence[str | ToolCall], finish: str | None) -> Json:
    parts: list[Json] = [
        {"text": piece}
        if isinstance(piece, str)
        else {"functionCall": {"name": piece.name, "args": piece.input}}
        for piece in pieces
    ]
    candidate: Json = {"content": {"role": "model", "parts": parts}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    usage = {"promptTokenCount": TOKENS, "candidatesTokenCount": 34, "totalTokenCount": 1234}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "scripted"}


def _fail_gemini(status: int, message: str) -> Json:
    kind = "INVALID_ARGUMENT" if status < 500 else "INTERNAL"
    return {"error": {"code": status, "message": message, "status": kind}}


ANTHROPIC = Vendor(
    read=_read_anthropic, stream=_stream_anthropic, whole=_whole_anthropic, failure=_fail_anthropic
)
GEMINI = Vendor(read=_read_gemini, stream=_stream_gemini, whole=_whole_gemini, failure=_fail_gemini)


def _at(value: Any, *names: str) -> Schema | None:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else None
