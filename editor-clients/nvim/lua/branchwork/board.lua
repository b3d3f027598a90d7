--- The view of the board, `branchwork://board[/{project}|/all]`: tasks by status, kept up to date.

local mirror = require("branchwork.mirror")
local page = require("branchwork.page")
local target = require("branchwork.target")
local throttle = require("branchwork.throttle")
local words = require("branchwork.words")

local M = {}

-- The server tells of changes at most each 50 ms.
local PAUSE_MS = 40
local ENOUGH_OF_TITLE = 60
local WIDEST_PROJECT = 20
local WIDEST_BRANCH = 36
local WIDEST_STATE = #"needs you"
local WIDEST_AGO = #"59 min"
local NARROWEST = 12
local INDENT = 4
local GAP = 2
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
---@field project integer
---@field branch integer

---@param project_id string
---@return string
local function project_name(project_id)
  local project = mirror.known().project[project_id]
  return project and project.name or ""
end

--- What each column would like, then what there is: a title gives way before it is cut off, and
--- a branch goes before a title does.
---@param tasks branchwork.Task[]
---@param newest table<string, branchwork.Workspace>
---@param project_id string?
---@param width integer Of the window.
---@return branchwork.Columns
local function columns_of(tasks, newest, project_id, width)
  local columns = { title = 10, state = 0, project = 0, branch = 0 }
  for _, task in ipairs(tasks) do
    local branch = newest[task.id] and newest[task.id].branch or ""
    local project = project_id and "" or project_name(task.projectId)
    columns.title = math.max(columns.title, words.width(task.title))
    columns.branch = math.max(columns.branch, words.width(branch))
    columns.project = math.max(columns.project, words.width(project))
    -- One that waits and goes on again must not move the columns behind it each time.
    columns.state = (task.running or task.needsYou) and WIDEST_STATE or columns.state
  end
  columns.project = math.min(columns.project, WIDEST_PROJECT)
  local room = width - INDENT - GAP - WIDEST_AGO
  for _, column in ipairs({ columns.state, columns.project }) do
    room = room - (column > 0 and column + GAP or 0)
  end
  local branch = math.min(columns.branch, WIDEST_BRANCH)
  local beside = branch > 0 and branch + GAP or 0
  local most = math.min(math.max(ENOUGH_OF_TITLE, room - beside), math.max(room, NARROWEST))
  columns.title = math.min(columns.title, most)
  room = room - columns.title - GAP
  columns.branch = room < math.min(branch, NARROWEST) and 0 or math.min(branch, room)
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
  }
  local function cell(text, width, colour)
    if width > 0 then
      vim.list_extend(line, { { "  " }, { words.padded(text, width), colour } })
    end
  end
  cell(state[1], columns.state, state[2])
  cell(words.ago(task.updatedAt), WIDEST_AGO, "BranchworkDim")
  cell(project_name(task.projectId), columns.project, "BranchworkDim")
  cell(workspace and workspace.branch or "", columns.branch, "BranchworkBranch")
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

---@type branchwork.Line[]
local EMPTY = {
  { { "There is no task yet." }, { "   g? keys", "BranchworkDim" } },
  {},
  { { "  gn ", "BranchworkKey" }, { "  makes one of a title" } },
  { { "  gra", "BranchworkKey" }, { "  in a file makes one of the line or of the selection" } },
}

---@param project_id string?
---@param width integer
---@return branchwork.Line[]
local function lines_of(project_id, width)
  local tasks, newest = mirror.tasks(project_id), mirror.newest_workspaces()
  if #tasks == 0 then
    return EMPTY
  end
  local columns = columns_of(tasks, newest, project_id, width)
  local lines = { summary_of(tasks) }
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

---@param project branchwork.Project?
---@param id string?
---@return string
local function name_of(project, id)
  if project then
    return project.name
  end
  return id == ALL and "all projects" or "all projects, this folder has none yet"
end

---@param buf integer
---@param project_id string?
---@param id string? As the name of the buffer has it.
local function draw(buf, project_id, id)
  local known = mirror.known()
  if not page.is_open(buf) then
    return
  end
  if not known then
    return mirror.is_gone() and page.ended(buf) or nil
  end
  page.set_subject(buf, { projectId = project_id })
  page.draw(buf, lines_of(project_id, page.width(buf)))
  local name = name_of(known.project[project_id or ""], id)
  page.title(buf, { { "Board", "BranchworkTitle" }, { name } })
end

--- The project that the name of the buffer means. A repository may get its project later.
---@param buf integer
---@param id string?
---@param found fun(project_id: string?)
local function resolve(buf, id, found)
  if id then
    return found(id ~= ALL and id or nil)
  end
  target.current(function(current)
    found(current.projectId)
  end, page.failing(buf))
end

--- Calls `refresh` when a window that shows the board may have another width.
---@param buf integer
---@param refresh fun()
---@return fun() unlisten
local function when_resized(buf, refresh)
  local group = vim.api.nvim_create_augroup("branchwork.board." .. buf, {})
  local function look()
    if mirror.known() then
      refresh()
    end
  end
  vim.api.nvim_create_autocmd({ "WinResized", "VimResized" }, { group = group, callback = look })
  vim.api.nvim_create_autocmd("BufWinEnter", { group = group, buffer = buf, callback = look })
  return function()
    vim.api.nvim_del_augroup_by_id(group)
  end
end

---@param buf integer
---@param id string?
---@return fun() close
local function keep_drawn(buf, id)
  local project_id ---@type string?
  local function refresh()
    if id or project_id then
      return draw(buf, project_id, id)
    end
    resolve(buf, id, function(found)
      project_id = found
      draw(buf, found, id)
    end)
  end
  resolve(buf, id, function(found)
    project_id = found
    mirror.load(function()
      draw(buf, found, id)
    end, page.failing(buf))
  end)
  local again = throttle(PAUSE_MS, refresh)
  local unlisten, unwatch = mirror.listen(again), when_resized(buf, again)
  return function()
    unlisten()
    unwatch()
  end
end

---@param buf integer
---@param id string?
function M.read(buf, id)
  local close = function() end
  page.setup(buf, {
    filetype = "branchwork",
    window = { wrap = false, cursorline = true },
    closed = function()
      close()
    end,
  })
  page.draw(buf, { { { "Asking the server …", "BranchworkDim" } } })
  close = keep_drawn(buf, id)
end

return M
