--- Verbs on what an agent does: start it, speak to it, stop it.

local compose = require("branchwork.compose")
local mirror = require("branchwork.mirror")
local notice = require("branchwork.notice")
local protocol = require("branchwork.protocol")
local rpc = require("branchwork.rpc")
local target = require("branchwork.target")
local words = require("branchwork.words")

local M = {}

---@param result branchwork.WorkspaceStartResult
---@param task? branchwork.Task
local function started(result, task)
  if not result.workspace then
    return -- A document was opened instead, to fill in.
  end
  local title = words.shortened(task and task.title or result.workspace.branch, 40)
  if result.waiting then
    local sentence = "“%s” waits for its turn: number %d."
    return notice.done(sentence:format(title, result.waiting.place), result.notes)
  end
  notice.done(("“%s” is started on %s."):format(title, result.workspace.branch), result.notes)
end

---@param project_id string
---@param chosen fun(agent: branchwork.Agent)
local function choose_agent(project_id, chosen)
  rpc.request(protocol.methods.agentList, { projectId = project_id }, function(result)
    local agents = vim.tbl_filter(function(agent)
      return agent.available
    end, result.agents)
    table.sort(agents, function(a, b)
      return a.isDefault and not b.isDefault
    end)
    if #agents == 0 then
      return notice.problem("No agent can be started here. See :checkhealth branchwork")
    end
    local options = { prompt = "Which agent?", kind = "branchwork.agent" }
    options.format_item = function(agent)
      return agent.name .. (agent.isDefault and "  (default)" or "")
    end
    vim.ui.select(agents, options, function(agent)
      if agent then
        chosen(agent)
      end
    end)
  end)
end

---@param repo branchwork.Repo
---@param chosen fun(branch: string?)
local function choose_branch(repo, chosen)
  rpc.request(protocol.methods.repoBranches, { repoId = repo.id }, function(result)
    local default = repo.defaultTargetBranch
    local branches = vim.tbl_filter(function(branch)
      return not branch.isRemote
    end, result.branches)
    table.sort(branches, function(a, b)
      local first = default and a.name == default or not default and a.isCurrent
      local second = default and b.name == default or not default and b.isCurrent
      return (first and not second) or false
    end)
    if #branches <= 1 then
      return chosen(branches[1] and branches[1].name)
    end
    local options = { prompt = "From which branch?", kind = "branchwork.branch" }
    options.format_item = function(branch)
      return branch.name .. (branch.isCurrent and "  (checked out)" or "")
    end
    vim.ui.select(branches, options, function(branch)
      if branch then
        chosen(branch.name)
      end
    end)
  end)
end

--- Where a project has several repositories the server takes the default of each.
---@param project branchwork.Project
---@param chosen fun(branch: string?)
local function choose_base(project, chosen)
  local repo = #project.repoIds == 1 and assert(mirror.known()).repo[project.repoIds[1]]
  if not repo then
    return chosen(nil)
  end
  choose_branch(repo, chosen)
end

---@type table<string, string> Words like `agent=codex-acp`, and the params that they are.
local CHOICES = { agent = "executor", base = "baseBranch", mode = "mode" }

---@alias branchwork.Choice { executor?: string, baseBranch?: string, mode?: string }

--- The choices among the words, and the title that the others are.
---@param words_ string[]
---@return branchwork.Choice choice
---@return string title
local function choices_in(words_)
  local choice, rest = {}, {}
  for _, word in ipairs(words_) do
    local name, value = word:match("^(%l+)=(%S+)$")
    if CHOICES[name or ""] then
      choice[CHOICES[name]] = value
    else
      table.insert(rest, word)
    end
  end
  return choice, table.concat(rest, " ")
end

---@param task branchwork.Task
---@param choice branchwork.Choice
local function start(task, choice)
  local params = vim.tbl_extend("force", { taskId = task.id }, choice)
  rpc.request(protocol.methods.workspaceStart, params, function(result)
    started(result, task)
  end)
end

--- Asks for what is not chosen yet.
---@param task branchwork.Task
---@param choice branchwork.Choice
local function complete_choice(task, choice)
  local function with_agent(executor)
    choice.executor = executor
    if choice.baseBranch then
      return start(task, choice)
    end
    choose_base(assert(mirror.known()).project[task.projectId], function(branch)
      choice.baseBranch = branch
      start(task, choice)
    end)
  end
  if choice.executor then
    return with_agent(choice.executor)
  end
  choose_agent(task.projectId, function(agent)
    with_agent(agent.executor)
  end)
end

--- An agent and a base branch are asked for; with `!` the server's defaults are taken.
---@param call branchwork.Call
function M.start(call)
  local choice, title = choices_in(call.words)
  if call.lines then
    return require("branchwork.verbs.tasks").start_selection(call.lines, title, choice)
  end
  local function is_idle(task)
    return not task.running and task.status ~= "Done" and task.status ~= "Cancelled"
  end
  target.task({ what = "Start", text = title, only = is_idle }, function(task)
    if call.bang then
      start(task, choice)
    else
      complete_choice(task, choice)
    end
  end)
end

M.started = started

---@param conversation_id string
---@param text string
local function send(conversation_id, text)
  local params = { conversationId = conversation_id, prompt = text }
  rpc.request(protocol.methods.conversationPrompt, params, function(result)
    if result.note then
      notice.say(result.note)
    elseif result.outcome == "queued" then
      notice.say("Queued: it is sent when the agent has ended its turn.")
    else
      notice.say("Sent.")
    end
  end)
end

--- Words after the verb are sent as they are; without any a buffer opens to write in.
---@param call branchwork.Call
function M.prompt(call)
  target.conversation({ what = "Write to" }, function(conversation_id, task)
    if call.text ~= "" then
      return send(conversation_id, call.text)
    end
    compose.open({
      name = "prompt/" .. conversation_id,
      filetype = "markdown",
      hint = ("To the agent of “%s”  :w sends  :q! drops"):format(words.shortened(task.title, 40)),
      send = function(text)
        send(conversation_id, text)
      end,
    })
  end)
end

---@param conversation_id string
---@param change table
---@param done string What is said of it.
local function change_queue(conversation_id, change, done)
  local params = vim.tbl_extend("force", { conversationId = conversation_id }, change)
  rpc.request(protocol.methods.conversationQueue, params, function(result)
    notice.say(("%s %d left."):format(done, #result.queue))
  end)
end

---@param prompt branchwork.QueuedPrompt
local function edit_queued(prompt)
  compose.open({
    name = "queued/" .. prompt.id,
    text = prompt.prompt,
    filetype = "markdown",
    hint = "A prompt that waits  :w changes it  :q! leaves it",
    send = function(text)
      change_queue(prompt.conversationId, { edit = prompt.id, prompt = text }, "Changed.")
    end,
  })
end

---@param prompt branchwork.QueuedPrompt
local function act_on(prompt)
  local actions = { "Send now", "Change", "Drop" }
  vim.ui.select(actions, { prompt = words.shortened(prompt.prompt, 80) }, function(action)
    if action == "Send now" then
      change_queue(prompt.conversationId, { send = prompt.id }, "Sent.")
    elseif action == "Change" then
      edit_queued(prompt)
    elseif action == "Drop" then
      change_queue(prompt.conversationId, { remove = prompt.id }, "Dropped.")
    end
  end)
end

--- The prompts that wait: each can be sent now, changed or dropped.
---@param call branchwork.Call
function M.queue(call)
  target.conversation({ what = "Show the queue of", text = call.text }, function(conversation_id)
    local params = { conversationId = conversation_id }
    rpc.request(protocol.methods.conversationQueue, params, function(result)
      if #result.queue == 0 then
        return notice.say("No prompt waits.")
      end
      vim.ui.select(result.queue, {
        prompt = "Which prompt?",
        kind = "branchwork.queue",
        format_item = function(prompt)
          local held = prompt.heldBecause and "  (held: " .. prompt.heldBecause .. ")" or ""
          return words.shortened(prompt.prompt, 60) .. held
        end,
      }, function(prompt)
        if prompt then
          act_on(prompt)
        end
      end)
    end)
  end)
end

---@param workspace branchwork.Workspace
local function stop(workspace)
  local params = { workspaceId = workspace.id }
  rpc.request(protocol.methods.workspaceStop, params, function(result)
    local count = #result.stopped
    notice.say(count == 0 and "Nothing was running." or "Stopped.")
  end)
end

--- Everything that runs in the workspace. It asks first, unless called with `!`.
---@param call branchwork.Call
function M.stop(call)
  local function is_running(task)
    return task.running
  end
  local wanted = { what = "Stop", text = call.text, only = is_running }
  target.workspace(wanted, function(workspace, task)
    if call.bang then
      return stop(workspace)
    end
    local title = words.shortened(task.title, 60)
    local choices = { ("Stop “%s”"):format(title), "Let it run" }
    vim.ui.select(choices, { prompt = "Stop what runs?" }, function(_, index)
      if index == 1 then
        stop(workspace)
      end
    end)
  end)
end

--- Takes what ended in a conversation off the list of what needs you.
---@param call branchwork.Call
function M.seen(call)
  local function needs_you(task)
    return task.needsYou
  end
  local wanted = { what = "Mark as seen", text = call.text, only = needs_you }
  target.conversation(wanted, function(conversation_id, task)
    local params = { conversationId = conversation_id }
    rpc.request(protocol.methods.conversationMarkSeen, params, function()
      notice.say(("Seen: %s"):format(task.title))
    end)
  end)
end

return M
