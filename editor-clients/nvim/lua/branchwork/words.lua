--- Statuses, times and sizes as a person reads them. Pure.

local M = {}

M.STATUSES = {
  InProgress = "In progress",
  InReview = "In review",
  Todo = "To do",
  Done = "Done",
  Cancelled = "Cancelled",
}
M.STATUS_ORDER = { "InProgress", "InReview", "Todo", "Done", "Cancelled" }

local ENDS = {
  Running = { "running", "BranchworkRunning" },
  Completed = { "done", "BranchworkDone" },
  Failed = { "failed", "BranchworkFailed" },
  Killed = { "stopped", "BranchworkDim" },
}

local MINUTE, HOUR, DAY = 60, 3600, 86400
local WIDEST_TITLE, NARROWEST_TITLE = 70, 20
local ROOM_OF_NUMBER = #"1000: " + 1

---@param count integer
---@param noun string
---@param plural? string
---@return string
function M.count(count, noun, plural)
  return ("%d %s"):format(count, count == 1 and noun or plural or noun .. "s")
end

--- A status of an execution, with its colour; one of a newer server as it is.
---@param status string?
---@return { [1]: string, [2]: string? }
function M.ending(status)
  return ENDS[status or ""] or { status or "not started", "BranchworkDim" }
end

--- A moment of the server as seconds since 1970.
---@param moment string Such as "2026-11-23T08:44:53.239Z".
---@return integer?
function M.seconds(moment)
  local year, month, day, hour, minute, second =
    moment:match("^(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)")
  if not year then
    return nil
  end
  -- Days since 1970 by the civil calendar: `os.time` would take it for local time.
  local y, m = tonumber(year), tonumber(month)
  local shifted = m <= 2 and y - 1 or y
  local era = math.floor(shifted / 400)
  local of_era = shifted - era * 400
  local of_year = math.floor((153 * (m + (m > 2 and -3 or 9)) + 2) / 5) + tonumber(day) - 1
  local days = of_era * 365 + math.floor(of_era / 4) - math.floor(of_era / 100) + of_year
  local since = era * 146097 + days - 719468
  return since * DAY + tonumber(hour) * HOUR + tonumber(minute) * MINUTE + tonumber(second)
end

--- How long ago that was, in one unit.
---@param moment string
---@param now? integer
---@return string
function M.ago(moment, now)
  local seconds = M.seconds(moment)
  if not seconds then
    return ""
  end
  local gone = math.max(0, (now or os.time()) - seconds)
  if gone < MINUTE then
    return "now"
  elseif gone < HOUR then
    return ("%d min"):format(gone / MINUTE)
  elseif gone < DAY then
    return ("%d h"):format(gone / HOUR)
  end
  return ("%d d"):format(gone / DAY)
end

--- The time of day at a moment in milliseconds, where this editor is.
---@param milliseconds integer
---@return string
function M.clock(milliseconds)
  return os.date("%H:%M", math.floor(milliseconds / 1000)) --[[@as string]]
end

--- How many columns a text takes; most are of letters that take one each.
---@param text string
---@return integer
function M.width(text)
  return text:find("[^\32-\126]") and vim.fn.strdisplaywidth(text) or #text
end

--- At most so many columns wide.
---@param text string
---@param width integer
---@return string
function M.shortened(text, width)
  local line = vim.trim((text:gsub("%s+", " ")))
  if M.width(line) <= width then
    return line
  end
  local kept = vim.fn.strcharpart(line, 0, width - 1)
  while M.width(kept) > width - 1 do
    kept = vim.fn.strcharpart(kept, 0, vim.fn.strchars(kept) - 1)
  end
  return kept .. "…"
end

--- Exactly so many columns wide.
---@param text string
---@param width integer
---@return string
function M.padded(text, width)
  local short = M.shortened(text, width)
  return short .. (" "):rep(width - M.width(short))
end

--- A task in a list to choose from: on one line of the editor, after its number.
---@param task branchwork.Task
---@return string
function M.task(task)
  local marks = { M.STATUSES[task.status] or task.status }
  if task.needsYou then
    table.insert(marks, 1, "needs you")
  elseif task.running then
    table.insert(marks, 1, "running")
  end
  local told = ("  (%s)"):format(table.concat(marks, ", "))
  local room = vim.o.columns - M.width(told) - ROOM_OF_NUMBER
  return M.shortened(task.title, math.max(NARROWEST_TITLE, math.min(room, WIDEST_TITLE))) .. told
end

return M
