--- All that is known of a tool call, in a window beside its conversation.

local entries = require("branchwork.entries")
local plain = require("branchwork.plain")

local M = {}

---@param lines string[]
---@param heading string
---@param text string?
local function add(lines, heading, text)
  if text and vim.trim(text) ~= "" then
    vim.list_extend(lines, { "", heading, "" })
    vim.list_extend(lines, vim.split(vim.trim(plain.clean(text)), "\n"))
  end
end

---@param item branchwork.ToolDiff
---@return string
local function patch_of(item)
  return vim.diff(item.oldText or "", item.newText, { ctxlen = 3 }) --[[@as string]]
end

---@param entry branchwork.ToolCallEntry
---@return string[]
function M.lines(entry)
  local lines = { ("%s  (%s, %s)"):format(plain.clean(entry.title), entry.toolKind, entry.status) }
  for _, location in ipairs(entry.locations) do
    table.insert(lines, location.path .. (location.line and ":" .. location.line or ""))
  end
  add(lines, "Given", entry.rawInput)
  for _, item in ipairs(entry.content) do
    if item.type == "diff" then
      add(lines, item.path, patch_of(item))
    end
  end
  add(lines, "Output", entries.output(entry))
  add(lines, "Result", entry.rawOutput)
  return lines
end

---@param entry branchwork.ToolCallEntry
function M.open(entry)
  local buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, vim.split(table.concat(M.lines(entry), "\n"), "\n"))
  vim.bo[buf].bufhidden, vim.bo[buf].modifiable, vim.bo[buf].filetype = "wipe", false, "diff"
  vim.cmd("belowright 15split")
  vim.api.nvim_win_set_buf(0, buf)
  vim.wo[0][0].winbar = " A tool call  q closes"
  vim.keymap.set("n", "q", "<cmd>close<cr>", { buffer = buf, nowait = true })
end

return M
