--- Verbs on what a workspace changed: look at it, merge it.

local compose = require("branchwork.compose")
local hunks = require("branchwork.hunks")
local notice = require("branchwork.notice")
local protocol = require("branchwork.protocol")
local rpc = require("branchwork.rpc")
local target = require("branchwork.target")
local views = require("branchwork.views")
local words = require("branchwork.words")

local M = {}

local SCOPES = { all = true, uncommitted = true, lastTurn = true }

--- The scope and the title that the words name, in this order.
---@param call branchwork.Call
---@return branchwork.DiffScope scope
---@return string title
local function scope_in(call)
  local first = call.words[1]
  if not SCOPES[first or ""] then
    return "all", call.text
  end
  return first, vim.trim(call.text:sub(#first + 1))
end

---@param result branchwork.WorkspaceDiffResult
---@param title string
local function fill_quickfix(result, title)
  local items = {}
  for _, file in ipairs(result.files) do
    vim.list_extend(items, hunks.quickfix(file))
  end
  local size = hunks.size(result.additions, result.deletions)
  local files = words.count(result.fileCount, "file")
  vim.fn.setqflist({}, " ", {
    title = ("%s: %s, %s"):format(title, files, size),
    items = items,
    context = { branchwork = { workspaceId = result.workspaceId } },
  })
  vim.cmd("botright copen")
end

--- Each changed place in the quickfix list; the files are those of the worktree.
---@param call branchwork.Call
function M.diff(call)
  local scope, title = scope_in(call)
  target.workspace({ what = "Review", text = title }, function(workspace, task)
    local params = { workspaceId = workspace.id, scope = scope, withPatch = true }
    rpc.request(protocol.methods.workspaceDiff, params, function(result)
      if #result.files == 0 then
        return notice.say(("“%s” changed nothing."):format(words.shortened(task.title, 50)))
      end
      fill_quickfix(result, task.title)
    end)
  end)
end

--- The whole change as one text.
---@param call branchwork.Call
function M.patch(call)
  local scope, title = scope_in(call)
  target.workspace({ what = "Review", text = title }, function(workspace, task)
    local id = scope == "all" and workspace.id or workspace.id .. "." .. scope
    views.open("patch", { id = id, title = task.title, mods = call.mods })
  end)
end

---@param workspace branchwork.Workspace
---@param message? string
local function merge(workspace, message)
  local params = { workspaceId = workspace.id, message = message }
  rpc.request(protocol.methods.workspaceMerge, params, function(result)
    local one = result.merges[1]
    local where = one and one.targetBranchName or "its target"
    notice.say(("Merged into %s: %s"):format(where, result.task.title))
  end)
end

---@param workspace branchwork.Workspace
---@param preview branchwork.WorkspaceMergePreviewResult
local function edit_message(workspace, preview)
  compose.open({
    name = "merge/" .. workspace.id,
    text = preview.message,
    filetype = "gitcommit",
    hint = "The message of the commit  :w merges  :q! leaves it",
    send = function(message)
      merge(workspace, message)
    end,
  })
end

--- What would be merged, in one line; nil and why where nothing can be.
---@param preview branchwork.WorkspaceMergePreviewResult
---@return string? summary
---@return string? refusal
local function summary_of(preview)
  local parts, refusal = {}, nil
  for _, repo in ipairs(preview.repos) do
    if repo.refusal then
      local files = #repo.conflicts > 0 and ": " .. table.concat(repo.conflicts, ", ") or ""
      refusal = refusal or repo.refusal.sentence .. files
    else
      local files = words.count(#repo.files, "file")
      table.insert(parts, ("%s into %s"):format(files, repo.targetBranch))
    end
  end
  if #parts == 0 then
    return nil, refusal or "There is nothing to merge."
  end
  return table.concat(parts, ", ")
end

---@param workspace branchwork.Workspace
---@param task branchwork.Task
---@param preview branchwork.WorkspaceMergePreviewResult
local function ask(workspace, task, preview)
  local summary, refusal = summary_of(preview)
  if not summary then
    return notice.problem(assert(refusal))
  end
  local choices = { "Merge " .. summary, "Edit the message first", "Look at the diff", "Not now" }
  local prompt = ("Merge “%s”?"):format(words.shortened(task.title, 60))
  vim.ui.select(choices, { prompt = prompt }, function(_, index)
    if index == 1 then
      merge(workspace)
    elseif index == 2 then
      edit_message(workspace, preview)
    elseif index == 3 then
      views.open("patch", { id = workspace.id, title = task.title })
    end
  end)
end

--- Says what a merge would do and asks; with `!` it merges.
---@param call branchwork.Call
function M.merge(call)
  local function is_ready(task)
    return not task.running and task.status == "InReview"
  end
  local wanted = { what = "Merge", text = call.text, only = is_ready }
  target.workspace(wanted, function(workspace, task)
    if call.bang then
      return merge(workspace)
    end
    local params = { workspaceId = workspace.id }
    rpc.request(protocol.methods.workspaceMergePreview, params, function(preview)
      ask(workspace, task, preview)
    end)
  end)
end

return M
