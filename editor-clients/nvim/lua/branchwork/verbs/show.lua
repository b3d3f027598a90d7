--- Verbs that only show something.

local mirror = require("branchwork.mirror")
local notice = require("branchwork.notice")
local page = require("branchwork.page")
local protocol = require("branchwork.protocol")
local rpc = require("branchwork.rpc")
local target = require("branchwork.target")
local views = require("branchwork.views")
local words = require("branchwork.words")

local M = {}

--- Its buffer is called after the project, where that is known.
---@param project_id string?
---@param mods? vim.api.keyset.cmd.mods
local function open_board(project_id, mods)
  local function open()
    local project = (mirror.known() or { project = {} }).project[project_id or ""]
    views.open("board", { id = project_id, title = project and project.name, mods = mods })
  end
  mirror.load(open, open)
end

---@param call branchwork.Call
function M.board(call)
  if call.words[1] == "all" then
    return views.open("board", { id = "all", mods = call.mods })
  end
  target.project(function(project_id)
    open_board(project_id, call.mods)
  end)
end

---@param call branchwork.Call
function M.attention(call)
  views.open("attention", { mods = call.mods })
end

---@param call branchwork.Call
function M.conversation(call)
  target.conversation({ what = "Show", text = call.text }, function(conversation_id, task)
    local show = { id = conversation_id, title = task.title, mods = call.mods }
    views.open("conversation", show)
  end)
end

--- The newest process of the workspace; the one that the cursor is on, where it is on one.
---@param call branchwork.Call
function M.log(call)
  local subject = page.subject() or {}
  if call.text == "" and subject.executionId then
    return views.open("log", { id = subject.executionId, mods = call.mods })
  end
  target.workspace({ what = "Show", text = call.text }, function(workspace, task)
    local params = { workspaceId = workspace.id, limit = 1 }
    rpc.request(protocol.methods.executionList, params, function(result)
      local newest = result.executions[1]
      if not newest then
        return notice.say("Nothing has run there yet.")
      end
      views.open("log", { id = newest.id, title = task.title, mods = call.mods })
    end)
  end)
end

---@param task branchwork.Task
local function open_document(task)
  rpc.request(protocol.methods.documentOpen, { kind = "task", id = task.id }, function() end)
end

---@param call branchwork.Call
function M.task(call)
  target.task({ what = "Open", text = call.text }, open_document)
end

---@param task branchwork.Task
---@param mods? vim.api.keyset.cmd.mods
local function open_task(task, mods)
  local workspace = mirror.newest_workspaces()[task.id]
  if not workspace or not workspace.conversationId then
    return open_document(task)
  end
  views.open("conversation", { id = workspace.conversationId, title = task.title, mods = mods })
end

--- The conversation of a task, or its document while there is none. In a conversation: the file.
---@param call branchwork.Call
function M.open(call)
  local subject = page.subject() or {}
  if subject.approval and subject.approval.chosen then
    return require("branchwork.verbs.answer").choose(subject.approval)
  end
  if subject.location then
    return M.jump(subject.location)
  end
  target.task({ what = "Open", text = call.text }, function(task)
    open_task(task, call.mods)
  end)
end

--- All of the tool call that the cursor is on.
function M.details()
  local subject = page.subject() or {}
  if not subject.entry then
    return notice.say("No tool call is here.")
  end
  require("branchwork.details").open(subject.entry)
end

--- To a file that an agent touched, beside its conversation.
---@param location branchwork.Location
function M.jump(location)
  vim.cmd("aboveleft split")
  vim.cmd.edit(vim.fn.fnameescape(location.path))
  if location.line then
    vim.api.nvim_win_set_cursor(0, { math.min(location.line, vim.fn.line("$")), 0 })
  end
end

--- All tasks to choose from, with whatever `vim.ui.select` is.
---@param call branchwork.Call
function M.tasks(call)
  mirror.load(function()
    local tasks = mirror.tasks()
    if #tasks == 0 then
      return notice.say("There is no task yet: :Branchwork new makes one.")
    end
    local options = { prompt = "Open which task?", kind = "branchwork.task" }
    options.format_item = words.task
    vim.ui.select(tasks, options, function(task)
      if task then
        open_task(task, call.mods)
      end
    end)
  end)
end

--- One line about the daemon.
function M.status()
  rpc.request(protocol.methods.daemonStatus, {}, function(status)
    if status.problem then
      return notice.problem(status.problem)
    end
    local parts = {
      "Branchwork " .. status.version,
      status.runningExecutions .. " running",
      #mirror.attention() .. " waiting for you",
      words.count(status.connections, "editor"),
    }
    notice.say(table.concat(parts, " · "))
  end)
end

--- What is wrong here, and what to do.
function M.doctor()
  vim.cmd("checkhealth branchwork")
end

return M
