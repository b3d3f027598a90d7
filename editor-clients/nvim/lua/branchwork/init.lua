--- What a configuration calls. Everything behind it is loaded when it is called.

local M = {}

--- What runs and what needs you, for a status line; empty while nothing goes on.
---@return string
function M.statusline()
  -- At the start of the editor a line is drawn before any client: nothing is loaded for it.
  if not package.loaded["vim.lsp.client"] then
    return ""
  end
  return require("branchwork.statusline").text()
end

--- The same as numbers.
---@return { running: integer, needs_you: integer }
function M.counts()
  return require("branchwork.statusline").counts()
end

--- What needs you, as the server says it.
---@return branchwork.AttentionItem[]
function M.attention()
  return require("branchwork.mirror").attention()
end

--- Does what `:Branchwork {verb} {words}` does, for mappings.
---@param verb string
---@param ... string
function M.run(verb, ...)
  require("branchwork.command").act(verb, { ... })
end

return M
