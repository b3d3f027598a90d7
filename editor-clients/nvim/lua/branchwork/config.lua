--- What a person can set in `vim.g.branchwork`; nothing has to be.

local M = {}

---@class branchwork.Config
---@field notify boolean Tell by a message what newly needs you.
---@field window string The modifiers that open a window for a view, such as "botright vsplit".
local defaults = {
  notify = true,
  window = "",
}

---@return branchwork.Config
function M.get()
  return vim.tbl_extend("force", defaults, vim.g.branchwork or {})
end

return M
