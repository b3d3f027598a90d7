--- What the person is told in passing.
--- A message of more than one line would ask for a key, and take one that was meant for text.

local words = require("branchwork.words")

local M = {}

--- Whether messages go to Neovim's own bottom line, where only one line fits.
---@return boolean
local function is_plain()
  return debug.getinfo(vim.notify, "S").source:find("vim/_editor", 1, true) ~= nil
end

---@param text string
---@param level integer
---@return boolean is_whole
local function show(text, level)
  local line = words.shortened(text, math.huge)
  local shown = is_plain() and words.shortened(line, math.max(20, vim.v.echospace - 1)) or line
  vim.notify(shown, level, { title = "Branchwork" })
  return shown == line
end

---@param text string
function M.say(text)
  show(text, vim.log.levels.INFO)
end

--- What went wrong; a long sentence also stands beside the cursor until that moves.
---@param text string
function M.problem(text)
  if not show(text, vim.log.levels.ERROR) and vim.fn.mode() == "n" then
    local lines = vim.split(vim.trim(text), "\n")
    vim.lsp.util.open_floating_preview(lines, "", { wrap = true, max_width = 72, focus = false })
  end
end

--- What was done, with the sentences that the server gives beside it.
---@param sentence string
---@param notes string[]?
function M.done(sentence, notes)
  M.say(table.concat(vim.list_extend({ sentence }, notes or {}), " "))
end

return M
