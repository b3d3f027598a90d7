--- Tells by a message what newly needs the person. It never asks: no key may become an answer.

local config = require("branchwork.config")
local notice = require("branchwork.notice")

local M = {}

local WORDS = {
  approval = "asks:",
  finished = "is ready:",
  failed = "failed:",
  lost = "was lost:",
  heldPrompt = "holds a prompt:",
}

---@param item branchwork.AttentionItem
---@return string
function M.sentence(item)
  return ("%s %s %s"):format(item.taskTitle, WORDS[item.kind] or item.kind, item.sentence)
end

---@param items branchwork.AttentionItem[] Those that were not there before.
function M.items(items)
  if #items == 0 or not config.get().notify then
    return
  end
  if #items == 1 then
    return notice.say(M.sentence(items[1]))
  end
  notice.say(("%d things need you  (:Branchwork attention)"):format(#items))
end

return M
