"""Unknown fields are found wherever they are, and nothing else is."""

import pytest

from branchwork.protocol.registry import REQUESTS
from branchwork.protocol.unknown import unknown_fields

PLACE = {"line": 1, "character": 2}


@pytest.mark.parametrize(
    ("method", "params", "expected"),
    [
        ("task/list", {"limit": 5}, []),
        ("task/list", {"limit": 5, "limits": 6}, ["$.limits"]),
        ("task/list", {"project_id": "p"}, ["$.project_id"]),
        (
            "task/create",
            {"range": {"start": PLACE, "end": {**PLACE, "x": 1}}, "titel": "a"},
            ["$.range.end.x", "$.titel"],
        ),
        (
            "workspace/start",
            {"repos": [{"repoId": "a"}, {"repoId": "b", "branch": "c"}]},
            ["$.repos[1].branch"],
        ),
        ("settings/update", {"values": {"any.name": {"at": "all"}}}, []),
        ("task/create", {"diagnostic": {"message": "m", "data": {"free": 1}}}, []),
        ("task/list", {"limit": {"not": "a number"}}, []),
        ("task/create", {"range": [1, 2]}, []),
        ("conversation/entries", {"from": {"executionId": "e", "at": 1}}, ["$.from.at"]),
    ],
)
def test_unknown_fields(method, params, expected):
    assert unknown_fields(params, REQUESTS[f"branchwork/{method}"].params) == expected


def test_not_an_object():
    assert unknown_fields([1], REQUESTS["branchwork/task/list"].params) == []
    assert unknown_fields(None, REQUESTS["branchwork/task/list"].params) == []


def test_members_of_a_union_by_their_tag():
    kind = REQUESTS["branchwork/conversation/entries"].progress
    change = {"op": "add", "executionId": "e", "index": 0}
    thought = {"kind": "thought", "executionId": "e", "index": 0, "seq": 1, "t": 1, "text": ""}
    known = {"changes": [{**change, "entry": thought}]}
    assert unknown_fields(known, kind) == []
    wrong = {"changes": [{**change, "entry": {**thought, "title": "x"}}]}
    assert unknown_fields(wrong, kind) == ["$.changes[0].entry.title"]
    newer = {"changes": [{**change, "entry": {"kind": "dream", "text": "x"}}]}
    assert unknown_fields(newer, kind) == []
