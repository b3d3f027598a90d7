local page = require("branchwork.page")
local transcript = require("branchwork.transcript")

local function tool(more)
  local given = { title = "make", toolKind = "execute", status = "in_progress", toolCallId = "c" }
  local base = { kind = "tool_call", content = {}, locations = {}, output = "" }
  return vim.tbl_extend("force", base, given, more or {})
end

describe("a transcript", function()
  local talk

  local function add(index, entry, execution_id)
    entry.t = 0
    local execution = execution_id or "e"
    talk:take({ op = "add", executionId = execution, index = index, entry = entry })
  end

  local function append(index, text)
    talk:take({ op = "append", executionId = "e", index = index, text = text })
  end

  local function lines()
    return vim.api.nvim_buf_get_lines(0, 0, -1, true)
  end

  before_each(function()
    vim.cmd.enew()
    page.setup(0, { filetype = "x", closed = function() end })
    talk = transcript.new(vim.api.nvim_get_current_buf())
  end)

  it("follows every kind of change", function()
    add(0, { kind = "user_message", text = "Do it\n" })
    add(1, { kind = "agent_message", text = "Look:\n" })
    append(1, "\n```py\nx = ")
    append(1, "1\n")
    add(2, tool())
    append(2, "all\n")
    append(1, "y = 2")
    add(3, { kind = "usage" })
    add(4, { kind = "thought", text = "Hm" })
    local wanted = {
      "You  00:00",
      "Do it",
      "",
      "Agent  00:00",
      "Look:",
      "",
      "```py",
      "x = 1",
      "y = 2",
      "```",
      "",
      "  ● execute make",
      "      all",
      "",
      "Hm",
    }
    assert.are.same(wanted, lines())

    -- The same comes again after a reconnect, and some of it is further by then.
    add(0, { kind = "user_message", text = "Do it\n" })
    add(1, { kind = "agent_message", text = "Look:\n\n```py\nx = 1\ny = 2" })
    add(2, tool({ status = "completed", output = "all\nfine\n" }))
    add(4, { kind = "thought", text = "Hm" })
    local further = { "  ✓ execute make", "      all", "      fine", "", "Hm" }
    assert.are.same(vim.list_extend(vim.list_slice(wanted, 1, 11), further), lines())
    assert.are.equal("make", talk:subject_at(13).entry.title)
  end)

  it("puts what comes late where it belongs", function()
    add(0, { kind = "user_message", text = "Do it" })
    add(0, { kind = "user_message", text = "And more" }, "f")
    add(1, { kind = "agent_message", text = "First" })
    local shown = vim.tbl_filter(function(line)
      return line ~= "" and not line:find("00:00")
    end, lines())
    assert.are.same({ "Do it", "First", "And more" }, shown)
  end)

  it("asks again for the whole of the last process", function()
    assert.is_nil(talk:resume_from())
    add(0, { kind = "user_message", text = "Do it" })
    add(3, { kind = "agent_message", text = "First" }, "f")
    assert.are.same({ executionId = "f", index = 0 }, talk:resume_from())
  end)

  it("names the agent that its session says", function()
    add(0, { kind = "session_boundary", executor = "CLAUDE_CODE", start = "new", sentence = "" })
    add(1, { kind = "agent_message", text = "Here." })
    assert.are.same({ "Claude Code  00:00", "Here." }, lines())
  end)

  it("takes no part of an entry that it does not have", function()
    append(7, "of nothing")
    assert.are.same({ "" }, lines())
  end)
end)
