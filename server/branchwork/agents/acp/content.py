"""ACP's content blocks, locations and options as domain values, cut where they are long."""

from collections.abc import Mapping
from typing import Any

from branchwork.agents.acp import wire
from branchwork.domain.approval import ApprovalOption
from branchwork.domain.entry import (
    AvailableCommand,
    Location,
    PlanItem,
    ToolContent,
    ToolDiff,
    ToolMedia,
    ToolTerminal,
    ToolText,
)

TEXT_LIMIT = 64_000
TOOL_LIMIT = 200_000
RAW_LIMIT = 16_000
TITLE_LIMIT = 2_000
LIST_LIMIT = 200


def block_text(block: Mapping[str, Any]) -> str:
    """A content block as text; what is no text is named in brackets."""
    match block.get("type"):
        case "text":
            return wire.text(block.get("text")) or ""
        case "resource_link":
            return f"[{_name(block)}]({wire.text(block.get('uri')) or ''})"
        case "resource":
            resource = wire.mapping(block.get("resource"))
            return wire.text(resource.get("text")) or f"[{wire.text(resource.get('uri')) or ''}]"
        case other:
            kind = wire.text(other) or "content"
            return f"[{kind} {wire.text(block.get('mimeType')) or ''}".rstrip() + "]"


def tool_content(items: Any) -> tuple[ToolContent, ...]:
    """What a tool call shows, as much of it as there is room for."""
    found: list[ToolContent] = []
    room = TOOL_LIMIT
    for item in wire.objects(items)[:LIST_LIMIT]:
        if room <= 0:
            return (*found, ToolText(text="…", truncated=True))
        made = _tool_content(item)
        room -= _length(made)
        found.append(made)
    return tuple(found)


def _length(item: ToolContent) -> int:
    match item:
        case ToolDiff():
            return len(item.old_text or "") + len(item.new_text)
        case ToolText() | ToolMedia():
            return len(item.text)
    return 0


def _tool_content(item: Mapping[str, Any]) -> ToolContent:
    match item.get("type"):
        case "content":
            return _block(wire.mapping(item.get("content")))
        case "diff":
            return _diff(item)
        case "terminal":
            return ToolTerminal(terminal_id=wire.text(item.get("terminalId")) or "")
        case other:
            return ToolMedia(media=wire.text(other) or "unknown", text=raw(item) or "")


def _block(block: Mapping[str, Any]) -> ToolContent:
    kind = wire.text(block.get("type")) or "unknown"
    if kind == "text":
        said, truncated = cut(block_text(block))
        return ToolText(text=said, truncated=truncated)
    return ToolMedia(media=kind, text=cut(block_text(block))[0])


def _diff(item: Mapping[str, Any]) -> ToolDiff:
    old = wire.text(item.get("oldText"))
    old_text, old_cut = (None, False) if old is None else cut(old)
    new_text, new_cut = cut(wire.text(item.get("newText")) or "")
    return ToolDiff(
        path=wire.text(item.get("path")) or "",
        old_text=old_text,
        new_text=new_text,
        truncated=old_cut or new_cut,
    )


def _name(block: Mapping[str, Any]) -> str:
    return wire.text(block.get("title")) or wire.text(block.get("name")) or "link"


def locations(items: Any) -> tuple[Location, ...]:
    """The files that a tool call is about."""
    return tuple(
        Location(path=item["path"], line=wire.whole(item.get("line")))
        for item in wire.objects(items)[:LIST_LIMIT]
        if isinstance(item.get("path"), str)
    )


def options(items: Any) -> tuple[ApprovalOption, ...]:
    """The answers that a permission request offers."""
    return tuple(
        ApprovalOption(
            id=item["optionId"],
            kind=wire.text(item.get("kind")) or "",
            name=wire.text(item.get("name")) or item["optionId"],
        )
        for item in wire.objects(items)[:LIST_LIMIT]
        if isinstance(item.get("optionId"), str)
    )


def plan_items(items: Any) -> tuple[PlanItem, ...]:
    """The steps of a plan."""
    return tuple(
        PlanItem(
            content=title(item.get("content")) or "",
            priority=wire.text(item.get("priority")) or "medium",
            status=wire.text(item.get("status")) or "pending",
        )
        for item in wire.objects(items)[:LIST_LIMIT]
    )


def commands(items: Any) -> tuple[AvailableCommand, ...]:
    """The slash commands of an agent."""
    return tuple(
        AvailableCommand(
            name=item["name"],
            description=title(item.get("description")) or "",
            hint=title(wire.mapping(item.get("input")).get("hint")),
        )
        for item in wire.objects(items)[:LIST_LIMIT]
        if isinstance(item.get("name"), str)
    )


def title(value: Any) -> str | None:
    """A short text, or None where there is none."""
    found = wire.text(value)
    return None if found is None else cut(found, TITLE_LIMIT)[0]


def raw(value: Any) -> str | None:
    """Any JSON value as text, bounded; None for nothing."""
    return None if value is None else cut(wire.dump(value), RAW_LIMIT)[0]


def cut(said: str, limit: int = TEXT_LIMIT) -> tuple[str, bool]:
    """The text, and whether it had to be shortened."""
    if len(said) <= limit:
        return said, False
    return said[:limit] + "…", True
