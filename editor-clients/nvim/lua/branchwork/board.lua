--- The view of the board, `branchwork://board[/{project}|/all]`: tasks by status, kept up to date.

local mirror = require("branchwork.mirror")
local page = require("branchwork.page")
local target = require("branchwork.target")
local throttle = require("branchwork.throttle")
local words = require("branchwork.words")

local M = {}

-- The server tells of changes at most each 50 ms.
local PAUSE_MS = 40
local WIDEST_TITLE = 60
local WIDEST_BRANCH = 30
local WIDEST_STATE = #"needs you"
local ALL = "all"

local ICONS = {
  InProgress = { "○", "BranchworkDim" },
  InReview = { "○", "BranchworkHeading" },
  Todo = { "·", "BranchworkDim" },
  Done = { "✓", "BranchworkDone" },
  Cancelled = { "✗", "BranchworkDim" },
}

---@param task branchwork.Task
---@return { [1]: string, [2]: string } icon
---@return { [1]: string, [2]: string } state
local function state_of(task)
  if task.needsYou then
    return { "!", "BranchworkNeedsYou" }, { "needs you", "BranchworkNeedsYou" }
  elseif task.running then
    return { "●", "BranchworkRunning" }, { "running", "BranchworkRunning" }
  end
  return ICONS[task.status] or { "?", "BranchworkDim" }, { "", "BranchworkDim" }
end

---@class branchwork.Columns
---@field title integer
---@field state integer
---@field branch integer
---@field with_project boolean

---@param tasks branchwork.Task[]
---@param newest table<string, branchwork.Workspace>
---@param project_id string?
---@return branchwork.Columns
local function columns_of(tasks, newest, project_id)
  local columns = { title = 10, state = 0, branch = 0, with_project = project_id == nil }
  for _, task in ipairs(tasks) do
    local branch = newest[task.id] and newest[task.id].branch or ""
    columns.title = math.max(columns.title, words.width(task.title))
    -- One that waits and goes on again must not move the columns behind it each time.
    columns.state = (task.running or task.needsYou) and WIDEST_STATE or columns.state
    columns.branch = math.max(columns.branch, words.width(branch))
  end
  columns.title = math.min(columns.title, WIDEST_TITLE)
  columns.branch = math.min(columns.branch, WIDEST_BRANCH)
  return columns
end

---@param task branchwork.Task
---@param workspace branchwork.Workspace?
---@param columns branchwork.Columns
---@return branchwork.Line
local function line_of(task, workspace, columns)
  local icon, state = state_of(task)
  local is_over = task.status == "Done" or task.status == "Cancelled"
  local line = {
    { "  " },
    icon,
    { " " },
    { words.padded(task.title, columns.title), is_over and "BranchworkDim" or nil },
    { "  " },
  }
  if columns.state > 0 then
    vim.list_extend(line, { { words.padded(state[1], columns.state), state[2] }, { "  " } })
  end
  if columns.branch > 0 then
    local branch = workspace and workspace.branch or ""
    local cell = { words.padded(branch, columns.branch), "BranchworkBranch" }
    vim.list_extend(line, { cell, { "  " } })
  end
  table.insert(line, { words.ago(task.updatedAt), "BranchworkDim" })
  if columns.with_project then
    local project = mirror.known().project[task.projectId]
    table.insert(line, { "  " .. (project and project.name or ""), "BranchworkDim" })
  end
  line.subject = { key = task.id, taskId = task.id, workspaceId = workspace and workspace.id }
  return line
end

---@param tasks branchwork.Task[]
---@return branchwork.Line
local function summary_of(tasks)
  local running, needs_you = 0, 0
  for _, task in ipairs(tasks) do
    running = running + (task.running and 1 or 0)
    needs_you = needs_you + (task.needsYou and 1 or 0)
  end
  return {
    { words.count(#tasks, "task") },
    { " · " },
    { ("%d running"):format(running), running > 0 and "BranchworkRunning" or nil },
    { " · " },
    {
      ("%d need%s you"):format(needs_you, needs_you == 1 and "s" or ""),
      needs_you > 0 and "BranchworkNeedsYou" or nil,
    },
    { "   g? keys", "BranchworkDim" },
  }
end

---@param tasks branchwork.Task[]
---@return string[] statuses Ours in order, then those of a newer server.
local function statuses_of(tasks)
  local statuses = vim.list_slice(words.STATUS_ORDER)
  for _, task in ipairs(tasks) do
    if not vim.list_contains(statuses, task.status) then
      table.insert(statuses, task.status)
    end
  end
  return statuses
end

---@param project_id string?
---@return branchwork.Line[]
local function lines_of(project_id)
  local tasks, newest = mirror.tasks(project_id), mirror.newest_workspaces()
  local columns = columns_of(tasks, newest, project_id)
  local lines = { summary_of(tasks) }
  if #tasks == 0 then
    vim.list_extend(lines, {
      {},
      { { "There is no task yet." } },
      { { "gn", "BranchworkKey" }, { " makes one; in a file, " } },
      { { "gra", "BranchworkKey" }, { " on a line or on a selection does." } },
    })
  end
  for _, status in ipairs(statuses_of(tasks)) do
    local group = vim.tbl_filter(function(task)
      return task.status == status
    end, tasks)
    if #group > 0 then
      local name = words.STATUSES[status] or status
      table.insert(lines, {})
      local heading = { { name, "BranchworkHeading" }, { " " .. #group, "BranchworkDim" } }
      heading.subject = { key = status }
      table.insert(lines, heading)
    end
    for _, task in ipairs(group) do
      table.insert(lines, line_of(task, newest[task.id], columns))
    end
  end
  return lines
end

---@param buf integer
---@param project_id string?
local function draw(buf, project_id)
  local known = mirror.known()
  if not page.is_open(buf) then
    return
  end
  if not known then
    return page.draw(buf, { { { "Not connected.  R connects again.", "BranchworkFailed" } } })
  end
  page.set_subject(buf, { projectId = project_id })
  page.draw(buf, lines_of(project_id))
  local project = known.project[project_id or ""]
  page.title(buf, {
    { "Board", "BranchworkTitle" },
    { project and project.name or "all projects" },
  })
end

--- The project that the name of the buffer means. A repository may get its project later.
---@param id string?
---@param found fun(project_id: string?)
local function resolve(id, found)
  if id then
    return found(id ~= ALL and id or nil)
  end
  target.current(function(current)
    found(current.projectId)
  end)
end

---@param buf integer
---@param id string?
---@return fun() unlisten
local function keep_drawn(buf, id)
  local project_id ---@type string?
  local function refresh()
    if id or project_id then
      return draw(buf, project_id)
    end
    resolve(id, function(found)
      project_id = found
      draw(buf, found)
    end)
  end
  resolve(id, function(found)
    project_id = found
    mirror.load(function()
      draw(buf, found)
    end)
  end)
  return mirror.listen(throttle(PAUSE_MS, refresh))
end

---@param buf integer
---@param id string?
function M.read(buf, id)
  local unlisten = function() end
  page.setup(buf, {
    filetype = "branchwork",
    window = { wrap = false, cursorline = true },
    closed = function()
      unlisten()
    end,
  })
  page.draw(buf, { { { "Asking the server …", "BranchworkDim" } } })
  unlisten = keep_drawn(buf, id)
end

return M
