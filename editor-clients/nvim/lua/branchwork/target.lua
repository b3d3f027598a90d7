--- What a verb is about: the words after it, else what the cursor is on, else the workspace that
--- the buffer lies in, else what the person chooses.

local mirror = require("branchwork.mirror")
local notice = require("branchwork.notice")
local page = require("branchwork.page")
local protocol = require("branchwork.protocol")
local rpc = require("branchwork.rpc")
local words = require("branchwork.words")

local M = {}

---@class branchwork.Wanted
---@field what string The verb of the question, such as "Stop".
---@field text? string A title, or the beginning of one.
---@field only? fun(task: branchwork.Task, workspace: branchwork.Workspace?): boolean

--- What the folders of this connection belong to.
---@param answer fun(current: branchwork.Current)
---@param failed? branchwork.Failed
function M.current(answer, failed)
  rpc.request(protocol.methods.projectList, { limit = 1 }, function(result)
    answer(result.current or {})
  end, failed)
end

--- The project of what the cursor is on, else the one that this connection's folders belong to.
---@param answer fun(project_id: string?) nil where the repository has none yet.
function M.project(answer)
  local subject, known = page.subject() or {}, mirror.known()
  local task = known and known.task[subject.taskId or ""]
  local project_id = subject.projectId or task and task.projectId
  if project_id then
    return answer(project_id)
  end
  M.current(function(current)
    answer(current.projectId)
  end)
end

---@param text string
---@return branchwork.Task[]
local function titled(text)
  local wanted = vim.trim(text):lower()
  local exact, begun, within = {}, {}, {}
  for _, task in ipairs(mirror.tasks()) do
    local title = vim.trim((task.title:gsub("%s+", " "))):lower()
    local at = title:find(wanted, 1, true)
    local list = title == wanted and exact or at == 1 and begun or at and within
    if list then
      table.insert(list, task)
    end
  end
  return exact[1] and exact or begun[1] and begun or within
end

---@param tasks branchwork.Task[]
---@param what string
---@param found fun(task: branchwork.Task)
local function choose(tasks, what, found)
  if #tasks == 1 then
    return found(tasks[1])
  end
  local options = { prompt = what .. " which task?", kind = "branchwork.task" }
  options.format_item = words.task
  vim.ui.select(tasks, options, function(task)
    if task then
      found(task)
    end
  end)
end

---@param wanted branchwork.Wanted
---@return branchwork.Task[]
local function candidates(wanted)
  if wanted.text and wanted.text ~= "" then
    return titled(wanted.text)
  end
  local newest = mirror.newest_workspaces()
  return vim.tbl_filter(function(task)
    return wanted.only == nil or wanted.only(task, newest[task.id])
  end, mirror.tasks())
end

--- By its title, or by what can be done with it.
---@param wanted branchwork.Wanted
---@param found fun(task: branchwork.Task)
local function choose_among(wanted, found)
  local tasks = candidates(wanted)
  if #tasks > 0 then
    return choose(tasks, wanted.what, found)
  end
  mirror.load_now(function()
    local now = candidates(wanted)
    if #now > 0 then
      choose(now, wanted.what, found)
    elseif wanted.text and wanted.text ~= "" then
      notice.problem(("No task is called “%s”."):format(wanted.text))
    else
      notice.say(("There is no task to %s."):format(wanted.what:lower()))
    end
  end)
end

--- A task, and the attempt at it that is meant where one was named.
---@param wanted branchwork.Wanted
---@param found fun(task: branchwork.Task, workspace_id: string?)
function M.task(wanted, found)
  mirror.load(function(known)
    if wanted.text and wanted.text ~= "" then
      return choose_among(wanted, found)
    end
    local subject = page.subject()
    if subject and subject.taskId and known.task[subject.taskId] then
      return found(known.task[subject.taskId], subject.workspaceId)
    end
    M.current(function(current)
      if current.taskId and known.task[current.taskId] then
        return found(known.task[current.taskId], current.workspaceId)
      end
      choose_among(wanted, found)
    end)
  end)
end

--- A workspace: the one that is meant, else the newest of the task.
---@param wanted branchwork.Wanted
---@param found fun(workspace: branchwork.Workspace, task: branchwork.Task)
function M.workspace(wanted, found)
  local only = wanted.only or function()
    return true
  end
  wanted = vim.tbl_extend("force", wanted, {
    only = function(task, workspace)
      return workspace ~= nil and only(task, workspace)
    end,
  })
  M.task(wanted, function(task, workspace_id)
    local function attempt()
      local known = assert(mirror.known())
      return known.workspace[workspace_id or ""] or mirror.newest_workspaces()[task.id]
    end
    local workspace = attempt()
    if workspace then
      return found(workspace, task)
    end
    mirror.load_now(function()
      local now = attempt()
      if now then
        return found(now, task)
      end
      local hint = ("“%s” was not started yet: gs or :Branchwork start does that.")
      notice.say(hint:format(words.shortened(task.title, 40)))
    end)
  end)
end

--- A conversation: the one that is meant, else the newest of the task.
---@param wanted branchwork.Wanted
---@param found fun(conversation_id: string, task: branchwork.Task)
function M.conversation(wanted, found)
  local subject = page.subject() or {}
  local named = wanted.text and wanted.text ~= ""
  M.workspace(wanted, function(workspace, task)
    local own = not named and subject.taskId == task.id and subject.conversationId
    local conversation_id = own or workspace.conversationId
    if not conversation_id then
      return notice.say("No agent was started there yet.")
    end
    found(conversation_id, task)
  end)
end

return M
