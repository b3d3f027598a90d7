--- The view of what needs the person, `branchwork://attention`, where requests are answered.

local mirror = require("branchwork.mirror")
local page = require("branchwork.page")
local throttle = require("branchwork.throttle")
local words = require("branchwork.words")

local M = {}

local PAUSE_MS = 50

---@type table<string, { [1]: string, [2]: string, [3]: string }> Icon, colour, words.
local KINDS = {
  approval = { "?", "BranchworkNeedsYou", "asks you" },
  finished = { "✓", "BranchworkDone", "is ready to be looked at" },
  failed = { "✗", "BranchworkFailed", "failed" },
  lost = { "✗", "BranchworkFailed", "was lost" },
  heldPrompt = { "…", "BranchworkNeedsYou", "has a prompt that was not sent" },
}

---@type table<string, string>
local OPTION_KEYS = { allow_once = "ga", allow_always = "gA", reject_once = "gr" }

---@type table<string, string>
local HINTS = {
  approval = "gR rejects it with a reason   gc conversation",
  finished = "<CR> conversation   gd diff   gm merge   gp follow-up   gS seen",
  failed = "<CR> conversation   gl log   gp follow-up   gS seen",
  lost = "<CR> conversation   gl log   gp follow-up   gS seen",
  heldPrompt = "<CR> conversation   gq send, change or drop it",
}

---@param item branchwork.AttentionItem
---@return branchwork.Subject
local function subject_of(item)
  local approval = item.kind == "approval"
      and { id = item.id, sentence = item.sentence, options = item.options or {} }
    or nil
  return {
    key = item.id,
    taskId = item.taskId,
    workspaceId = item.workspaceId,
    conversationId = item.conversationId,
    executionId = item.executionId,
    approval = approval,
  }
end

---@param lines branchwork.Line[]
---@param item branchwork.AttentionItem
---@param subject branchwork.Subject
local function add_options(lines, item, subject)
  for _, option in ipairs(item.options or {}) do
    local key = OPTION_KEYS[option.kind]
    local chosen = vim.tbl_extend("force", subject.approval, { chosen = option })
    table.insert(lines, {
      { "      " },
      { words.padded(option.name, 28), "BranchworkHeading" },
      { key and key .. " or <CR> here" or "<CR> here", "BranchworkDim" },
      subject = vim.tbl_extend("force", subject, { approval = chosen }),
    })
  end
end

---@param lines branchwork.Line[]
---@param item branchwork.AttentionItem
local function add_item(lines, item)
  local kind = KINDS[item.kind] or { "·", "BranchworkDim", item.kind }
  local subject = subject_of(item)
  table.insert(lines, {})
  table.insert(lines, {
    { kind[1] .. " ", kind[2] },
    { words.shortened(item.taskTitle, 60), "BranchworkTitle" },
    { " " .. kind[3] },
    { "  " .. words.ago(item.since), "BranchworkDim" },
    subject = subject,
  })
  for _, text in ipairs(vim.split(vim.trim(item.sentence), "\n")) do
    table.insert(lines, { { "    " .. text }, subject = subject })
  end
  add_options(lines, item, subject)
  if HINTS[item.kind] then
    table.insert(lines, { { "      " .. HINTS[item.kind], "BranchworkDim" }, subject = subject })
  end
end

---@return branchwork.Line[]
local function lines_of()
  local items = mirror.attention()
  if #items == 0 then
    return { { { "Nothing waits for you." }, { "   g? keys", "BranchworkDim" } } }
  end
  local counted = words.count(#items, "thing") .. (#items == 1 and " waits" or " wait")
  local lines = { { { counted .. " for you" }, { "   g? keys", "BranchworkDim" } } }
  for _, item in ipairs(items) do
    add_item(lines, item)
  end
  return lines
end

---@param buf integer
local function draw(buf)
  if not page.is_open(buf) then
    return
  end
  if not mirror.known() then
    return mirror.is_gone() and page.ended(buf) or nil
  end
  page.draw(buf, lines_of())
  page.title(buf, { { "Needs you", "BranchworkTitle" } })
end

---@param buf integer
function M.read(buf)
  local unlisten = mirror.listen(throttle(PAUSE_MS, function()
    draw(buf)
  end))
  page.setup(buf, {
    filetype = "branchwork",
    window = { wrap = true, linebreak = true, cursorline = true },
    closed = unlisten,
  })
  mirror.load(function()
    draw(buf)
  end, page.failing(buf))
end

return M
