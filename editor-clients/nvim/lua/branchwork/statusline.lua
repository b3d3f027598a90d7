--- What runs and what needs the person, in a few characters. Never asks while a line is drawn.

local mirror = require("branchwork.mirror")
local rpc = require("branchwork.rpc")

local M = {}

local is_asking, is_listening = false, false

--- Reads the board once somebody wants to see a part of it, and only where a server is there.
local function look()
  if is_asking or mirror.known() or not rpc.client() then
    return
  end
  is_asking = true
  local function over()
    is_asking = false
    vim.cmd.redrawstatus()
  end
  vim.schedule(function()
    mirror.load(over, over)
    if not is_listening then
      is_listening = true
      mirror.listen(function()
        vim.cmd.redrawstatus()
      end)
    end
  end)
end

---@return { running: integer, needs_you: integer }
function M.counts()
  look()
  local known = mirror.known()
  local running = 0
  for _, task in pairs(known and known.task or {}) do
    running = running + (task.running and 1 or 0)
  end
  return { running = running, needs_you = #mirror.attention() }
end

--- For 'statusline': empty while nothing goes on.
---@return string
function M.text()
  local counts = M.counts()
  local parts = {}
  if counts.running > 0 then
    table.insert(parts, ("● %d running"):format(counts.running))
  end
  if counts.needs_you > 0 then
    local verb = counts.needs_you == 1 and "needs" or "need"
    table.insert(parts, ("! %d %s you"):format(counts.needs_you, verb))
  end
  return table.concat(parts, "  ")
end

return M
