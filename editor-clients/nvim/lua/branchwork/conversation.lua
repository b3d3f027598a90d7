--- The view of a conversation, `branchwork://conversation/{id}`, live while it is open.

local entries = require("branchwork.entries")
local follow = require("branchwork.follow")
local mirror = require("branchwork.mirror")
local notice = require("branchwork.notice")
local page = require("branchwork.page")
local protocol = require("branchwork.protocol")
local rpc = require("branchwork.rpc")
local stream = require("branchwork.stream")
local throttle = require("branchwork.throttle")
local transcript = require("branchwork.transcript")
local words = require("branchwork.words")

local M = {}

local PAUSE_MS = 250
local LONGEST_TITLE = 60

-- What the line above the text tells of.
local TOLD = { execution = true, queuedPrompt = true, approval = true, session = true, task = true }

---@class branchwork.Conversing
---@field buf integer
---@field id string
---@field transcript branchwork.Transcript
---@field workspace_id? string
---@field task_id? string
---@field title string Of its task, also while the board is not known.
---@field problem? string
---@field is_lost? boolean
---@field last? branchwork.ConversationGetResult What was told of it last.

---@param result branchwork.ConversationGetResult
---@param talk branchwork.Conversing
---@return { [1]: string, [2]: string? }
local function state_of(result, talk)
  if talk.problem then
    return { talk.problem, "BranchworkFailed" }
  elseif talk.is_lost then
    return { "waits for the server", "BranchworkNeedsYou" }
  elseif #result.approvals > 0 then
    return { "asks you", "BranchworkNeedsYou" }
  end
  return words.ending(result.conversation.status)
end

---@param talk branchwork.Conversing
---@param result branchwork.ConversationGetResult
local function retitle(talk, result)
  talk.last = result
  local conversation = result.conversation
  local known = mirror.known()
  local task = known and known.task[conversation.taskId]
  talk.title = task and words.shortened(task.title, LONGEST_TITLE) or talk.title
  local pieces = {
    { talk.title, "BranchworkTitle" },
    { entries.agent_name(conversation.executor) },
    state_of(result, talk),
  }
  local queued = #result.queue
  if queued > 0 then
    local held = vim.iter(result.queue):any(function(prompt)
      return prompt.heldBecause ~= nil
    end)
    local colour = held and "BranchworkNeedsYou" or nil
    table.insert(pieces, { ("%d %s"):format(queued, held and "held" or "queued"), colour })
  end
  page.title(talk.buf, pieces)
end

---@param talk branchwork.Conversing
local function look(talk)
  local params = { conversationId = talk.id }
  rpc.request(protocol.methods.conversationGet, params, function(result)
    if page.is_open(talk.buf) then
      retitle(talk, result)
    end
  end, function() end)
end

---@param talk branchwork.Conversing
---@param part branchwork.ConversationEntriesPart
local function take(talk, part)
  if not page.is_open(talk.buf) then
    return
  end
  if part.gap then
    talk.problem = "Some of it did not come: R reads it anew."
    look(talk)
  end
  follow.while_changing(talk.buf, function()
    for _, change in ipairs(part.changes) do
      talk.transcript:take(change)
    end
  end)
end

---@param talk branchwork.Conversing
---@return branchwork.Stream
local function open_stream(talk)
  return stream.open({
    method = protocol.methods.conversationEntries,
    on_open = function()
      talk.is_lost = false
      look(talk)
    end,
    params = function()
      local from = talk.transcript:resume_from()
      return { conversationId = talk.id, from = from, follow = true }
    end,
    on_piece = function(part)
      take(talk, part)
    end,
    on_lost = function()
      talk.is_lost = true
      if page.is_open(talk.buf) then
        retitle(talk, talk.last)
      end
    end,
    on_end = function(_, problem)
      talk.problem = problem
      if page.is_open(talk.buf) and problem then
        retitle(talk, talk.last)
      end
    end,
  })
end

---@param talk branchwork.Conversing
---@param result branchwork.ConversationGetResult
local function introduce(talk, result)
  talk.workspace_id = result.conversation.workspaceId
  talk.task_id = result.conversation.taskId
  page.set_subject(talk.buf, {
    conversationId = talk.id,
    workspaceId = talk.workspace_id,
    taskId = talk.task_id,
  })
  retitle(talk, result)
end

--- Only what concerns this conversation makes it look again.
---@param talk branchwork.Conversing
---@param changes branchwork.Change[]
---@return boolean
local function concerns(talk, changes)
  return vim.iter(changes):any(function(change)
    local value = change.value or {}
    local of_another = value.workspaceId and value.workspaceId ~= talk.workspace_id
      or change.entity == "task" and change.id ~= talk.task_id
    return TOLD[change.entity] == true and not of_another
  end)
end

---@param talk branchwork.Conversing
---@return fun() close
local function begin(talk)
  local following = open_stream(talk)
  local again = throttle(PAUSE_MS, function()
    if page.is_open(talk.buf) then
      look(talk)
    end
  end)
  local unlisten = mirror.listen(function(changes)
    if concerns(talk, changes) then
      again()
    end
  end)
  return function()
    following:close()
    unlisten()
  end
end

---@param talk branchwork.Conversing
local function colour(talk)
  -- Markdown's parser is bundled with Neovim; a person may have taken it out.
  pcall(vim.treesitter.start, talk.buf, "markdown")
end

---@param buf integer
---@param id string?
function M.read(buf, id)
  if not id then
    return notice.problem("branchwork://conversation/ wants the id of a conversation.")
  end
  local talk = { buf = buf, id = id, transcript = transcript.new(buf), title = "Conversation" }
  local close = function() end
  page.setup(buf, {
    filetype = "branchwork-conversation",
    window = { wrap = true, linebreak = true, breakindent = true, conceallevel = 0 },
    closed = function()
      close()
    end,
  })
  page.write(buf, function()
    vim.api.nvim_buf_set_lines(buf, 0, -1, false, {})
  end)
  page.set_lookup(buf, function(row)
    return talk.transcript:subject_at(row)
  end)
  colour(talk)
  follow.keep(buf)
  mirror.load(function()
    rpc.request(protocol.methods.conversationGet, { conversationId = id }, function(result)
      if page.is_open(buf) then
        introduce(talk, result)
        close = begin(talk)
      end
    end, page.failing(buf))
  end, page.failing(buf))
end

return M
