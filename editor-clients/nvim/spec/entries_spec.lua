local entries = require("branchwork.entries")
local page = require("branchwork.page")

--- What an entry looks like.
local function lines(entry)
  return vim.tbl_map(page.text, entries.render(entry).lines)
end

local function tool(more)
  local given = { title = "Edit a.py", toolKind = "edit", status = "completed", toolCallId = "c" }
  local base = { kind = "tool_call", content = {}, locations = {}, output = "" }
  return vim.tbl_extend("force", base, given, more)
end

describe("a message", function()
  it("is shown as it is, without what would control a terminal", function()
    local text = "One\r\n\27[31mred\27[0m \7two\n\n"
    assert.are.same({ "One", "red two" }, lines({ kind = "agent_message", text = text }))
  end)

  it("keeps the line breaks at its end for what may still come", function()
    local shown, kept = entries.growth("One\n\n")
    assert.are.same({ "One", "\n\n" }, { shown, kept })
    assert.are.same({ "", "\n" }, { entries.growth("\n") })
  end)
end)

describe("a tool call", function()
  it("that changes a file has the size of the change", function()
    local diff = { type = "diff", path = "a.py", oldText = "a\nb\n", newText = "a\nc\nd\n" }
    diff.truncated = false
    assert.are.same({ "  ✓ edit    Edit a.py  +2 -1" }, lines(tool({ content = { diff } })))
    diff.truncated = true
    assert.are.same({ "  ✓ edit    Edit a.py" }, lines(tool({ content = { diff } })))
  end)

  it("shows the end of a long output", function()
    local output, wanted = "", {}
    for number = 1, 30 do
      output = ("%sline %d\n"):format(output, number)
      if number > 18 then
        table.insert(wanted, "      line " .. number)
      end
    end
    local make = { toolKind = "execute", title = "make", output = output, exitCode = 2 }
    local found = lines(tool(make))
    assert.are.equal("  ✓ execute make  exit code 2", found[1])
    assert.are.equal("      … 18 lines above: K shows all", found[2])
    assert.are.same(wanted, vim.list_slice(found, 3))
  end)

  it("does not show a file that was read", function()
    local content = { { type = "text", text = "secret", truncated = false } }
    local read = { toolKind = "read", title = "Read a.py", content = content }
    assert.are.same({ "  ✓ read    Read a.py" }, lines(tool(read)))
  end)

  it("without a title has its id, and a status of a newer server a mark", function()
    assert.are.same({ "  · edit    c" }, lines(tool({ title = " ", status = "dreaming" })))
  end)

  it("leads to the file that it touched, from each of its lines", function()
    local place = { path = "/w/a.py", line = 3 }
    local rendered = entries.render(tool({ locations = { place }, output = "done\n" }))
    assert.are.equal(2, #rendered.lines)
    for _, line in ipairs(rendered.lines) do
      assert.are.same(place, line.subject.location)
    end
  end)
end)

describe("a request", function()
  local entry = {
    kind = "permission_request",
    sentence = "Write?",
    approvalId = "a",
    options = {
      { id = "1", kind = "allow_once", name = "Allow" },
      { id = "2", kind = "something_new", name = "Ask my boss" },
    },
  }

  it("has its answers", function()
    assert.are.same({
      "  ? Write?",
      "      Allow                       ga or <CR> here",
      "      Ask my boss                 <CR> here",
      "      gR rejects it with a reason",
    }, lines(entry))
  end)

  it("has no answer on its last line, where a cursor that follows rests", function()
    local rendered = entries.render(entry).lines
    assert.is_nil(rendered[#rendered].subject.approval.chosen)
    assert.are.equal("Allow", rendered[2].subject.approval.chosen.name)
  end)

  it("has the one that was given, once it was", function()
    local answered = vim.tbl_extend("force", entry, { outcome = "selected", optionId = "2" })
    assert.are.same({ "  ? Write?  → Ask my boss" }, lines(answered))
    answered = vim.tbl_extend("force", entry, { outcome = "cancelled" })
    assert.are.same({ "  ? Write?  → cancelled" }, lines(answered))
  end)
end)

describe("what else a conversation has", function()
  it("is a line each", function()
    local plan = { { content = "Look", status = "completed" }, { content = "Do", status = "new" } }
    assert.are.same({ "  Plan", "    ✓ Look", "    · Do" }, lines({ kind = "plan", items = plan }))
    local stop = { kind = "stop", stopReason = "end_turn", usage = { totalTokens = 12 } }
    assert.are.same({ "  — end of turn, 12 tokens" }, lines(stop))
    assert.are.same({ "  ✗ It broke." }, lines({ kind = "error", sentence = "It broke." }))
    assert.are.same({}, lines({ kind = "usage" }))
  end)

  it("is named where a newer server sent it", function()
    assert.are.same({ "  [hologram]" }, lines({ kind = "hologram" }))
  end)

  it("names an agent as a person does", function()
    assert.are.equal("Claude Code", entries.agent_name("CLAUDE_CODE"))
    assert.are.equal("Agent", entries.agent_name(nil))
  end)
end)

describe("a fence that is left open", function()
  local close = entries.closing_fence

  it("is closed by one that is as long", function()
    assert.are.equal("```", close({ "```py", "x = 1" }))
    assert.are.equal("````", close({ "````md", "```py", "```" }))
    assert.are.equal("```", close({ "```", "```py" }))
  end)

  it("is none where it was closed, or where there is none", function()
    assert.is_nil(close({ "```py", "x = 1", "```" }))
    assert.is_nil(close({ "text" }))
  end)
end)
