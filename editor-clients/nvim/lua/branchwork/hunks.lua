--- Unified diffs as places to go to. Pure.

local M = {}

local LETTERS = {
  added = "A",
  modified = "M",
  deleted = "D",
  renamed = "R",
  copied = "C",
  typeChanged = "T",
  conflicted = "U",
}

---@class branchwork.Hunk
---@field line integer The first line that is different, in the new file.
---@field added integer
---@field removed integer
---@field text string What stands there, or stood there.

---@param hunk branchwork.Hunk
---@param line string
local function count(hunk, line)
  local mark, text = line:sub(1, 1), vim.trim(line:sub(2))
  if mark == "+" then
    hunk.added = hunk.added + 1
  elseif mark == "-" then
    hunk.removed = hunk.removed + 1
  else
    if hunk.added + hunk.removed == 0 then
      hunk.line = hunk.line + 1
    end
    return
  end
  if hunk.text == "" then
    hunk.text = text
  end
end

---@param patch string
---@return branchwork.Hunk[]
function M.of_patch(patch)
  local hunks, hunk = {}, nil
  for _, line in ipairs(vim.split(patch, "\n")) do
    local first = line:match("^@@ %-%d+,?%d* %+(%d+)")
    if first then
      hunk = { line = math.max(1, tonumber(first)), added = 0, removed = 0, text = "" }
      table.insert(hunks, hunk)
    elseif hunk and line ~= "" and line:sub(1, 1) ~= "\\" then
      count(hunk, line)
    end
  end
  return hunks
end

---@param added integer?
---@param removed integer?
---@return string
function M.size(added, removed)
  if not added or not removed then
    return "binary"
  end
  return ("+%d -%d"):format(added, removed)
end

---@param file branchwork.FileDiff
---@return string
local function letter(file)
  return LETTERS[file.status] or "?"
end

--- The entries of a file for the quickfix list: one for each hunk.
---@param file branchwork.FileDiff
---@return vim.quickfix.entry[]
function M.quickfix(file)
  -- The module is what the list shows: the worktree lies far from here.
  local place = file.uri and { filename = vim.uri_to_fname(file.uri), module = file.path } or {}
  local entries = {}
  for _, hunk in ipairs(file.uri and file.patch and M.of_patch(file.patch) or {}) do
    local text = ("%s %s  %s"):format(letter(file), M.size(hunk.added, hunk.removed), hunk.text)
    table.insert(entries, vim.tbl_extend("force", place, { lnum = hunk.line, text = text }))
  end
  if #entries > 0 then
    return entries
  end
  local size = file.omitted or M.size(file.additions, file.deletions)
  local name = file.uri and "" or "  " .. file.path
  local text = ("%s %s%s"):format(letter(file), size, name)
  return { vim.tbl_extend("force", place, { lnum = 1, text = text, valid = file.uri and 1 or 0 }) }
end

return M
