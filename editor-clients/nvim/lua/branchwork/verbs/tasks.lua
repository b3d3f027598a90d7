--- Verbs on tasks themselves: make, move, put away.

local notice = require("branchwork.notice")
local protocol = require("branchwork.protocol")
local rpc = require("branchwork.rpc")
local target = require("branchwork.target")
local words = require("branchwork.words")

local M = {}

--- Where the task comes from: lines of the current buffer.
---@param lines { first: integer, last: integer }
---@return table
local function selection(lines)
  return {
    uri = vim.uri_from_bufnr(0),
    languageId = vim.bo.filetype,
    range = {
      start = { line = lines.first - 1, character = 0 },
      ["end"] = { line = lines.last, character = 0 },
    },
    -- As it stands here, saved or not.
    selection = table.concat(
      vim.api.nvim_buf_get_lines(0, lines.first - 1, lines.last, false),
      "\n"
    ),
  }
end

---@param result branchwork.TaskCreateResult
local function created(result)
  if not result.task then
    return -- A document was opened instead, to fill in.
  end
  notice.done(("New task: %s."):format(result.task.title), result.notes)
end

M.created = created

---@param params table
local function create(params)
  rpc.request(protocol.methods.taskCreate, params, created)
end

--- Without a project of its own yet, the file's repository gets one by the task.
---@param title string
local function create_titled(title)
  local is_file = vim.bo.buftype == "" and vim.api.nvim_buf_get_name(0) ~= ""
  local uri = is_file and vim.uri_from_bufnr(0) or vim.uri_from_fname(vim.fn.getcwd() .. "/.")
  target.project(function(project_id)
    if project_id then
      create({ projectId = project_id, title = title })
    else
      create({ uri = uri, title = title })
    end
  end)
end

--- From the lines of a range, from the words after the verb, or from a title that is asked for.
---@param call branchwork.Call
function M.new(call)
  local title = call.text ~= "" and call.text or nil
  if call.lines then
    return create(vim.tbl_extend("force", selection(call.lines), { title = title }))
  end
  if title then
    return create_titled(title)
  end
  vim.ui.input({ prompt = "New task: " }, function(given)
    if given and vim.trim(given) ~= "" then
      create_titled(vim.trim(given))
    end
  end)
end

--- A task of the lines of a range, started with the server's defaults.
---@param lines { first: integer, last: integer }
---@param title string
---@param choice branchwork.Choice
function M.start_selection(lines, title, choice)
  local params = vim.tbl_extend("force", selection(lines), choice)
  params.title = title ~= "" and title or nil
  rpc.request(protocol.methods.taskCreateAndStart, params, function(result)
    require("branchwork.verbs.runs").started(result, result.task)
  end)
end

---@param task branchwork.Task
---@param status branchwork.TaskStatus
local function move(task, status)
  local params = { taskId = task.id, status = status }
  rpc.request(protocol.methods.taskUpdate, params, function(result)
    local now = words.STATUSES[result.task.status] or result.task.status
    notice.say(("%s: %s"):format(now, result.task.title))
  end)
end

--- To the status that is named or chosen.
---@param call branchwork.Call
function M.move(call)
  target.task({ what = "Move" }, function(task)
    if call.words[1] then
      return move(task, call.words[1])
    end
    vim.ui.select(words.STATUS_ORDER, {
      prompt = ("Where does “%s” go?"):format(words.shortened(task.title, 50)),
      format_item = function(status)
        return words.STATUSES[status]
      end,
    }, function(status)
      if status then
        move(task, status)
      end
    end)
  end)
end

---@param call branchwork.Call
---@param question string
---@param yes string
---@param act fun()
local function confirmed(call, question, yes, act)
  if call.bang then
    return act()
  end
  vim.ui.select({ yes, "Leave it" }, { prompt = question }, function(_, index)
    if index == 1 then
      act()
    end
  end)
end

--- The attempt is put away; its worktree and its branch stay.
---@param call branchwork.Call
function M.archive(call)
  target.workspace({ what = "Archive", text = call.text }, function(workspace, task)
    local title = words.shortened(task.title, 50)
    confirmed(call, ("Archive “%s”?"):format(title), "Archive it", function()
      local params = { workspaceId = workspace.id, archived = true }
      rpc.request(protocol.methods.workspaceUpdate, params, function()
        notice.say(("Archived: %s"):format(task.title))
      end)
    end)
  end)
end

---@param call branchwork.Call
function M.delete(call)
  target.task({ what = "Delete", text = call.text }, function(task)
    local title = words.shortened(task.title, 50)
    local question = ("Delete “%s” and its workspaces?"):format(title)
    confirmed(call, question, "Delete it", function()
      rpc.request(protocol.methods.taskDelete, { taskId = task.id }, function(result)
        local kept = words.count(#result.keptBranches, "branch", "branches")
        local more = #result.keptBranches > 0 and (" (%s kept)"):format(kept) or ""
        notice.say(("Deleted: %s%s"):format(task.title, more))
      end)
    end)
  end)
end

return M
