--- Text of agents and scripts without what would control a terminal. Pure.

local M = {}

local CONTROLS = "[%z\1-\8\11\12\14-\31\127]"

--- Without escape sequences and control characters; line breaks and tabs stay.
---@param text string
---@return string
function M.clean(text)
  if text:find("\r", 1, true) then
    text = text:gsub("\r\n", "\n")
  end
  -- Most texts have none, and looking is much cheaper than replacing.
  if not text:find(CONTROLS) then
    return text
  end
  text = text
    :gsub("\27%[[0-?]*[ -/]*[@-~]", "")
    :gsub("\27%][^\7\27]*\7", "")
    :gsub("\27%][^\7\27]*\27\\", "")
    :gsub("\27[ -/]*[0-~]", "")
  return (text:gsub(CONTROLS, ""))
end

--- One line of a log as a terminal would leave it: what comes after a return is written over it.
---@param line string
---@return string
function M.line(line)
  local clean = M.clean(line):gsub("\r+$", "")
  return clean:match("([^\r]*)$")
end

return M
