--- The view of a whole diff, `branchwork://patch/{workspace}[.{scope}]`.

local hunks = require("branchwork.hunks")
local mirror = require("branchwork.mirror")
local page = require("branchwork.page")
local protocol = require("branchwork.protocol")
local rpc = require("branchwork.rpc")
local words = require("branchwork.words")

local M = {}

---@param result branchwork.WorkspaceDiffResult
---@return string[]
local function lines_of(result)
  local lines = {}
  for _, file in ipairs(result.files) do
    local text = file.patch
    if not text then
      local size = hunks.size(file.additions, file.deletions)
      text = ("%s %s (%s)"):format(file.status, file.path, file.omitted or size)
    end
    vim.list_extend(lines, vim.split((text:gsub("\n$", "")), "\n"))
  end
  return #lines > 0 and lines or { "Nothing is changed." }
end

---@param buf integer
---@param result branchwork.WorkspaceDiffResult
---@param title string
local function show(buf, result, title)
  page.write(buf, function()
    vim.api.nvim_buf_set_lines(buf, 0, -1, false, lines_of(result))
  end)
  local size = hunks.size(result.additions, result.deletions)
  page.title(buf, {
    { title, "BranchworkTitle" },
    { ("%s, %s"):format(words.count(result.fileCount, "file"), size) },
  })
end

---@param buf integer
---@param id string?
function M.read(buf, id)
  local workspace_id, scope = (id or ""):match("^([^.]*)%.?(.*)$")
  page.setup(buf, { filetype = "diff", window = { wrap = false }, closed = function() end })
  mirror.load(function(known)
    local workspace = known.workspace[workspace_id]
    local task = workspace and known.task[workspace.taskId]
    page.set_subject(buf, { workspaceId = workspace_id, taskId = task and task.id })
    local params = { workspaceId = workspace_id, withPatch = true }
    params.scope = scope ~= "" and scope or "all"
    rpc.request(protocol.methods.workspaceDiff, params, function(result)
      if page.is_open(buf) then
        show(buf, result, task and task.title or "Diff")
      end
    end, page.failing(buf))
  end, page.failing(buf))
end

return M
