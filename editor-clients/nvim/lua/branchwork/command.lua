--- `:Branchwork {verb}`: its verbs, what they are given, and what completes them.

local M = {}

---@class branchwork.Call
---@field words string[] What follows the verb.
---@field text string The same as it was written.
---@field bang boolean Ask nothing.
---@field lines? { first: integer, last: integer } A range of the current buffer, from 1.
---@field mods? vim.api.keyset.cmd.mods

---@class branchwork.Verb
---@field [1] string The module.
---@field [2] string The function in it.
---@field complete? "task"|string[] What may follow.

---@type table<string, branchwork.Verb>
local VERBS = {
  answer = { "answer", "answer", complete = { "allow", "always", "reject", "why" } },
  archive = { "tasks", "archive", complete = "task" },
  attention = { "show", "attention" },
  board = { "show", "board", complete = { "all" } },
  conversation = { "show", "conversation", complete = "task" },
  details = { "show", "details" },
  delete = { "tasks", "delete", complete = "task" },
  diff = { "review", "diff", complete = { "all", "uncommitted", "lastTurn" } },
  doctor = { "show", "doctor" },
  log = { "show", "log", complete = "task" },
  merge = { "review", "merge", complete = "task" },
  move = { "tasks", "move", complete = { "Todo", "InProgress", "InReview", "Done", "Cancelled" } },
  new = { "tasks", "new" },
  open = { "show", "open", complete = "task" },
  patch = { "review", "patch", complete = { "all", "uncommitted", "lastTurn" } },
  prompt = { "runs", "prompt" },
  queue = { "runs", "queue" },
  seen = { "runs", "seen", complete = "task" },
  start = { "runs", "start", complete = "task" },
  status = { "show", "status" },
  stop = { "runs", "stop", complete = "task" },
  task = { "show", "task", complete = "task" },
  tasks = { "show", "tasks" },
}

---@param verb string
---@param call branchwork.Call
local function perform(verb, call)
  local found = VERBS[verb]
  if not found then
    local known = table.concat(M.verbs(), ", ")
    local sentence = ("There is no :Branchwork %s. There is %s."):format(verb, known)
    return require("branchwork.notice").problem(sentence)
  end
  require("branchwork.verbs." .. found[1])[found[2]](call)
end

---@return string[]
function M.verbs()
  local names = vim.tbl_keys(VERBS)
  table.sort(names)
  return names
end

--- What a key of our buffers does, or a mapping of yours: a verb on what the cursor is on.
---@param verb string
---@param words? string[]
function M.act(verb, words)
  perform(verb, { words = words or {}, text = table.concat(words or {}, " "), bang = false })
end

--- The user command.
---@param call vim.api.keyset.create_user_command.command_args
function M.run(call)
  local verb, text = call.args:match("^(%S+)%s*(.-)%s*$")
  perform(verb or "board", {
    words = vim.list_slice(call.fargs, 2),
    text = text or "",
    bang = call.bang,
    lines = call.range > 0 and { first = call.line1, last = call.line2 } or nil,
    mods = call.smods,
  })
end

---@param candidates string[]
---@param lead string
---@return string[]
local function beginning_with(candidates, lead)
  return vim.tbl_filter(function(one)
    return vim.startswith(one:lower(), lead:lower())
  end, candidates)
end

--- Titles that begin with what was typed. Only its last word is replaced, so of each title comes
--- what follows the words before.
---@param typed string
---@return string[]
local function titles(typed)
  local mirror = require("branchwork.mirror")
  if not mirror.known() then
    mirror.load(function() end, function() end)
    vim.wait(1000, function()
      return mirror.known() ~= nil
    end, 10)
  end
  local before = typed:match("^(.*%s)") or ""
  local found = vim.tbl_map(function(task)
    return (task.title:gsub("%s+", " "))
  end, mirror.tasks())
  return vim.tbl_map(function(title)
    return title:sub(#before + 1)
  end, beginning_with(found, typed))
end

---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local typed = line:match("Branchwork!?%s+(.*)$") or ""
  local verb, rest = typed:match("^(%S+)%s+(.*)$")
  if not verb then
    return beginning_with(M.verbs(), lead)
  end
  local complete = VERBS[verb] and VERBS[verb].complete
  if complete == "task" then
    return titles(rest)
  end
  return beginning_with(complete or {}, lead)
end

return M
