--- The entries of a conversation as lines. Pure: no buffer, no request.

local plain = require("branchwork.plain")
local words = require("branchwork.words")

local M = {}

local OUTPUT_LINES = 12
local NEWLINE = 10

---@class branchwork.Rendered
---@field lines branchwork.Line[]
---@field group string Neighbours of the same group stand without an empty line between them.
---@field kept? string Of a text that is gone on with: the line breaks that it ends with.
---@field colour? string Of such a text.

---@type table<string, { [1]: string, [2]: string }>
local TOOL_MARKS = {
  pending = { "○", "BranchworkDim" },
  in_progress = { "●", "BranchworkRunning" },
  completed = { "✓", "BranchworkDone" },
  failed = { "✗", "BranchworkFailed" },
}

---@type table<string, string>
local PLAN_MARKS = { completed = "✓", in_progress = "▸" }

---@type table<string, string>
local OPTION_KEYS = { allow_once = "ga", allow_always = "gA", reject_once = "gr" }

--- Who does the work, as a person says it: "CLAUDE_CODE" is "Claude Code".
---@param executor string?
---@return string
function M.agent_name(executor)
  if not executor or executor == "" then
    return "Agent"
  end
  return (executor:lower():gsub("_", " "):gsub("(%a)(%w*)", function(first, rest)
    return first:upper() .. rest
  end))
end

--- What of a growing text is shown now, and the line breaks at its end that are not yet.
---@param text string
---@return string shown
---@return string kept
function M.growth(text)
  local clean = plain.clean(text)
  local last = #clean
  while clean:byte(last) == NEWLINE do
    last = last - 1
  end
  return clean:sub(1, last), clean:sub(last + 1)
end

---@param text string
---@return string
local function inline(text)
  return vim.trim((plain.clean(text):gsub("%s+", " ")))
end

---@param group string
---@param colour? string
---@return fun(entry: table): branchwork.Rendered
local function growing(group, colour)
  return function(entry)
    local shown, kept = M.growth(entry.text)
    local lines = vim.tbl_map(function(line)
      return { { line, colour } }
    end, vim.split(shown, "\n", { plain = true }))
    return { lines = lines, group = group, kept = kept, colour = colour }
  end
end

---@param content branchwork.ToolContent[]
---@return { [1]: string, [2]: string? }[]
local function changed_size(content)
  local added, removed, found = 0, 0, false
  for _, item in ipairs(content) do
    if item.type == "diff" and not item.truncated then
      found = true
      local old, new = item.oldText or "", item.newText
      local hunks = vim.diff(old, new, { result_type = "indices" }) --[[@as integer[][] ]]
      for _, hunk in ipairs(hunks) do
        added, removed = added + hunk[4], removed + hunk[2]
      end
    end
  end
  if not found then
    return {}
  end
  return { { "  +" .. added, "BranchworkAdded" }, { " -" .. removed, "BranchworkRemoved" } }
end

--- What a tool printed or gave back; files that were read are not shown.
---@param entry branchwork.ToolCallEntry
---@return string
function M.output(entry)
  local texts = {}
  for _, item in ipairs(entry.content) do
    if item.type == "text" or item.type == "media" then
      table.insert(texts, item.text)
    end
  end
  if entry.output ~= "" then
    table.insert(texts, entry.output)
  end
  return table.concat(texts, "\n")
end

---@param entry branchwork.ToolCallEntry
---@return branchwork.Line[]
local function output_lines(entry)
  if entry.toolKind == "read" then
    return {}
  end
  local told = vim.tbl_filter(function(line)
    return vim.trim(line) ~= "" and not vim.startswith(line, "```")
  end, vim.split(plain.clean(M.output(entry)), "\n"))
  local hidden = #told - OUTPUT_LINES
  local lines = {}
  if hidden > 0 then
    local above = ("      … %s above: K shows all"):format(words.count(hidden, "line"))
    table.insert(lines, { { above, "BranchworkDim" } })
  end
  for _, line in ipairs(vim.list_slice(told, math.max(1, hidden + 1))) do
    table.insert(lines, { { "      " .. plain.line(line), "BranchworkOutput" } })
  end
  return lines
end

---@type table<string, fun(entry: table): branchwork.Rendered>
local RENDER = {}

RENDER.user_message = growing("you")
RENDER.agent_message = growing("message")
RENDER.thought = growing("thought", "BranchworkThought")
RENDER.script_output = growing("output", "BranchworkOutput")
RENDER.stderr = growing("stderr", "BranchworkOutput")
RENDER.unreadable = growing("unreadable", "BranchworkOutput")

---@param entry branchwork.ToolCallEntry
function RENDER.tool_call(entry)
  local title = inline(entry.title)
  local line = {
    { "  " },
    TOOL_MARKS[entry.status] or { "·", "BranchworkDim" },
    { " " },
    { words.padded(entry.toolKind, 7), "BranchworkTool" },
    { " " },
    { title ~= "" and title or entry.toolCallId },
  }
  vim.list_extend(line, changed_size(entry.content))
  if entry.exitCode and entry.exitCode ~= 0 then
    table.insert(line, { ("  exit code %d"):format(entry.exitCode), "BranchworkFailed" })
  end
  local lines = { line }
  vim.list_extend(lines, output_lines(entry))
  local subject = { entry = entry, location = entry.locations[1] }
  for _, one in ipairs(lines) do
    one.subject = subject
  end
  return { lines = lines, group = "tool" }
end

---@param entry branchwork.PlanEntry
function RENDER.plan(entry)
  local lines = { { { "  Plan", "BranchworkHeading" } } }
  for _, item in ipairs(entry.items) do
    local is_done = item.status == "completed"
    local mark = PLAN_MARKS[item.status] or "·"
    local text = ("    %s %s"):format(mark, inline(item.content))
    table.insert(lines, { { text, is_done and "BranchworkDim" or nil } })
  end
  return { lines = lines, group = "plan" }
end

---@param entry branchwork.PermissionRequestEntry
---@return string?
local function answer_of(entry)
  if not entry.outcome then
    return nil
  end
  local option = vim.iter(entry.options):find(function(option)
    return option.id == entry.optionId
  end)
  return option and option.name or entry.outcome
end

---@param entry branchwork.PermissionRequestEntry
function RENDER.permission_request(entry)
  local sentence, answer = inline(entry.sentence), answer_of(entry)
  if answer or not entry.approvalId then
    local said = answer and "  → " .. answer or ""
    return { lines = { { { "  ? " .. sentence }, { said, "BranchworkHeading" } } }, group = "ask" }
  end
  local request = { id = entry.approvalId, sentence = sentence, options = entry.options }
  local question = { { "  ? " .. sentence, "BranchworkNeedsYou" } }
  question.subject = { approval = request }
  local lines = { question }
  for _, option in ipairs(entry.options) do
    local key = OPTION_KEYS[option.kind]
    table.insert(lines, {
      { "      " },
      { words.padded(option.name, 28), "BranchworkHeading" },
      { key and key .. " or <CR> here" or "<CR> here", "BranchworkDim" },
      subject = { approval = vim.tbl_extend("force", request, { chosen = option }) },
    })
  end
  -- A cursor that follows the text must not come to rest on an answer.
  local last = { { "      gR rejects it with a reason", "BranchworkDim" } }
  last.subject = { approval = request }
  table.insert(lines, last)
  return { lines = lines, group = "ask" }
end

---@param text string
---@param colour? string
---@return branchwork.Rendered
local function note(text, colour)
  return { lines = { { { "  " .. inline(text), colour or "BranchworkDim" } } }, group = "note" }
end

---@type branchwork.Rendered
local NOTHING = { lines = {}, group = "" }

---@param entry branchwork.SessionBoundaryEntry
function RENDER.session_boundary(entry)
  if entry.start ~= "restarted" then
    return NOTHING
  end
  return note("— " .. (entry.sentence ~= "" and entry.sentence or "a new session"))
end

---@param entry branchwork.StopEntry
function RENDER.stop(entry)
  local reason = entry.stopReason == "end_turn" and "end of turn" or "ended: " .. entry.stopReason
  local total = entry.usage.totalTokens
  local tokens = total and (", %s tokens"):format(total) or ""
  return note(("— %s%s"):format(reason, tokens))
end

---@param entry branchwork.ErrorEntry
function RENDER.error(entry)
  return note("✗ " .. entry.sentence, "BranchworkFailed")
end

---@param entry branchwork.ModeChangeEntry
function RENDER.mode_change(entry)
  return note("— mode: " .. entry.name)
end

---@param entry branchwork.NoticeEntry
function RENDER.notice(entry)
  local more = entry.description ~= "" and ": " .. entry.description or ""
  return note(("— %s%s"):format(entry.title, more))
end

---@param entry branchwork.CompactionEntry
function RENDER.compaction(entry)
  return note("— the agent shortens its history: " .. entry.status)
end

---@param entry branchwork.UnknownEntry
function RENDER.unknown(entry)
  return note(("[%s] %s"):format(entry.name, words.shortened(entry.raw, 200)))
end

-- State of the session, not something that was said.
RENDER.usage = function()
  return NOTHING
end
RENDER.available_commands = RENDER.usage

---@param entry branchwork.Entry
---@return branchwork.Rendered
function M.render(entry)
  local render = RENDER[entry.kind]
  if not render then
    return note(("[%s]"):format(entry.kind))
  end
  return render(entry)
end

--- A fence that closes the one that a text leaves open, or what follows would be code too.
---@param lines string[]
---@return string?
function M.closing_fence(lines)
  local open ---@type string?
  for _, line in ipairs(lines) do
    local mark = line:match("^%s?%s?%s?(```+)") or line:match("^%s?%s?%s?(~~~+)")
    if mark and not open then
      open = mark
    elseif mark and vim.startswith(mark, open) and line:match("^%s*[`~]+%s*$") then
      open = nil
    end
  end
  return open
end

return M
