--- Answers what an agent asks. A request is answered by its id, and only one that the person sees:
--- what the cursor is on, or what a question names.

local mirror = require("branchwork.mirror")
local notice = require("branchwork.notice")
local page = require("branchwork.page")
local protocol = require("branchwork.protocol")
local rpc = require("branchwork.rpc")
local words = require("branchwork.words")

local M = {}

-- What came up less than this ago was not read: a key for what stood there before must not take it.
local READING_MS = 500

---@type table<string, string[]> The kinds of options that a word means, the best one first.
local MEANINGS = {
  allow = { "allow_once" },
  always = { "allow_always" },
  reject = { "reject_once", "reject_always" },
  why = { "reject_once", "reject_always" },
}

---@param request branchwork.Request
---@param option branchwork.ApprovalOption
---@param reason? string
local function respond(request, option, reason)
  local params = { approvalId = request.id, optionId = option.id, reason = reason }
  rpc.request(protocol.methods.approvalRespond, params, function()
    notice.say(("%s: %s"):format(option.name, request.sentence))
  end)
end

---@param request branchwork.Request
---@param option branchwork.ApprovalOption
local function respond_with_reason(request, option)
  vim.ui.input({ prompt = "Why not? " }, function(reason)
    if reason then
      respond(request, option, reason ~= "" and reason or nil)
    end
  end)
end

---@param request branchwork.Request
---@param options branchwork.ApprovalOption[]
---@param chosen fun(request: branchwork.Request, option: branchwork.ApprovalOption)
local function ask(request, options, chosen)
  vim.ui.select(options, {
    prompt = words.shortened(request.sentence, 100),
    kind = "branchwork.answer",
    format_item = function(option)
      return option.name
    end,
  }, function(option)
    if option then
      chosen(request, option)
    end
  end)
end

---@param request branchwork.Request
---@param word string?
---@return branchwork.ApprovalOption[]
local function meant(request, word)
  for _, kind in ipairs(MEANINGS[word or ""] or {}) do
    local found = vim.tbl_filter(function(option)
      return option.kind == kind
    end, request.options)
    if #found > 0 then
      return found
    end
  end
  return {}
end

--- `is_pointed_at`: the cursor is on the request, so a word is enough.
---@param request branchwork.Request
---@param word string?
---@param is_pointed_at boolean
local function answer(request, word, is_pointed_at)
  local chosen = word == "why" and respond_with_reason or respond
  local options = meant(request, word)
  if #options == 1 and is_pointed_at and mirror.waits_for(request.id) >= READING_MS then
    return chosen(request, options[1])
  end
  if word and #options == 0 then
    notice.say(("The agent offers no answer like “%s”."):format(word))
  end
  ask(request, #options > 0 and options or request.options, chosen)
end

--- An option that the cursor is on.
---@param request branchwork.Request
function M.choose(request)
  local option = assert(request.chosen)
  if mirror.waits_for(request.id) >= READING_MS then
    respond(request, option)
  else
    ask(request, { option }, respond)
  end
end

---@param subject branchwork.Subject
---@return branchwork.AttentionItem[]
local function waiting(subject)
  return vim.tbl_filter(function(item)
    local is_here = not subject.conversationId or item.conversationId == subject.conversationId
    return item.kind == "approval" and is_here
  end, mirror.attention())
end

---@param call branchwork.Call
function M.answer(call)
  local word = call.words[1]
  if word and not MEANINGS[word] then
    return notice.problem(("“%s” is no answer: allow, always, reject or why."):format(word))
  end
  local subject = page.subject() or {}
  if subject.approval then
    return answer(subject.approval, word, true)
  end
  local items = waiting(subject)
  if #items == 0 then
    return notice.say("No agent asks you anything.")
  end
  if #items == 1 then
    return answer(items[1] --[[@as branchwork.Request]], word, false)
  end
  vim.ui.select(items, {
    prompt = "Answer what?",
    kind = "branchwork.request",
    format_item = function(item)
      return ("%s: %s"):format(words.shortened(item.taskTitle, 40), item.sentence)
    end,
  }, function(item)
    if item then
      answer(item, word, false)
    end
  end)
end

return M
