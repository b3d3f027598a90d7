--- What the server says by itself, handed on: the handlers of `lsp/branchwork.lua`.

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

---@param client_id integer
function M.exited(_, _, client_id)
  vim.schedule(function()
    require("branchwork.stream").exited(client_id)
    require("branchwork.mirror").exited()
  end)
end

return M
