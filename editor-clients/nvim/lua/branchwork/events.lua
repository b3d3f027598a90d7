--- What comes from the language client, handed on: the handlers of `lsp/branchwork.lua`.

local M = {}

---@param pattern string
---@param data table
local function fire(pattern, data)
  vim.api.nvim_exec_autocmds("User", { pattern = pattern, modeline = false, data = data })
end

---@param params branchwork.ChangedParams
function M.changed(_, params)
  if require("branchwork.mirror").changed(params) then
    fire("BranchworkChanged", params)
  end
end

---@param params branchwork.AttentionChangedParams
function M.attention_changed(_, params)
  local mirror = require("branchwork.mirror")
  local new = mirror.attention_changed(params)
  if new then
    require("branchwork.announce").items(new)
    fire("BranchworkAttention", { items = params.items, new = new })
  end
end

---@param context lsp.HandlerContext
function M.reconnected(_, _, context)
  require("branchwork.mirror").catch_up()
  require("branchwork.stream").reconnected(context.client_id)
end

---@param params lsp.ProgressParams
---@param context lsp.HandlerContext
function M.progress(err, params, context)
  -- Pieces of ours are no progress: whoever shows that must not see them.
  if not require("branchwork.stream").take(params) then
    return vim.lsp.handlers["$/progress"](err, params, context)
  end
end

---@param command lsp.Command
---@param done fun(result: table)
local function execute(command, done)
  local params = { command = command.command, arguments = command.arguments }
  require("branchwork.rpc").request("workspace/executeCommand", params, done)
end

--- A code action that makes a task.
---@param command lsp.Command
function M.created(command)
  execute(command, require("branchwork.verbs.tasks").created)
end

--- A code action that starts an agent.
---@param command lsp.Command
function M.started(command)
  execute(command, function(result)
    require("branchwork.verbs.runs").started(result, result.task)
  end)
end

---@param client_id integer
function M.exited(_, _, client_id)
  vim.schedule(function()
    require("branchwork.stream").exited(client_id)
    require("branchwork.mirror").exited()
  end)
end

return M
