--- What specs with a server share: one that lives inside of the editor and says what it is told
--- to, and modules that know of no other spec. The language client between is Neovim's own.

local assert = require("luassert")

local M = {}

local PATIENCE_MS = 5000
local real_notify, real_select = vim.notify, vim.ui.select

---@class stage.Call
---@field params table
---@field answer fun(err: table?, result: any)

---@class stage.Server
---@field calls table<string, stage.Call[]> By their method.
---@field cancelled integer
---@field tell fun(method: string, params: table) A notification.

--- Waits until that is so.
---@param condition fun(): any
function M.eventually(condition)
  assert.is_true(vim.wait(PATIENCE_MS, condition, 1), "it never came to that")
end

--- Lets everything that is put off until the loop comes round have its turn.
function M.settle()
  local is_over = false
  vim.defer_fn(function()
    is_over = true
  end, 20)
  M.eventually(function()
    return is_over
  end)
end

function M.forget()
  for name in pairs(package.loaded) do
    if name:find("^branchwork") then
      package.loaded[name] = nil
    end
  end
end

---@param answers table<string, fun(params: table): any>
---@param server stage.Server
---@param dispatchers vim.lsp.rpc.Dispatchers
local function connection(answers, server, dispatchers)
  local is_closing, last_id = false, 0
  server.tell = dispatchers.notification
  return {
    request = function(method, params, callback, replied)
      last_id = last_id + 1
      local id = last_id
      local function answer(err, result)
        vim.schedule(function()
          if replied then
            replied(id)
          end
          callback(err, result)
        end)
      end
      server.calls[method] = server.calls[method] or {}
      table.insert(server.calls[method], { params = params, answer = answer })
      if answers[method] then
        answer(nil, answers[method](params))
      end
      return true, id
    end,
    notify = function(method)
      server.cancelled = server.cancelled + (method == "$/cancelRequest" and 1 or 0)
      return true
    end,
    is_closing = function()
      return is_closing
    end,
    terminate = function()
      is_closing = true
      dispatchers.on_exit(0, 0)
    end,
  }
end

--- The next client of the plugin is served by this. What has no answer stays open.
---@param answers? table<string, fun(params: table): any>
---@return stage.Server
function M.serve(answers)
  M.forget()
  answers = answers or {}
  answers.initialize = function()
    return { capabilities = vim.empty_dict() }
  end
  answers.shutdown = function()
    return vim.NIL
  end
  local server = { calls = {}, cancelled = 0 }
  vim.lsp.config("branchwork", {
    cmd = function(dispatchers)
      return connection(answers, server, dispatchers)
    end,
  })
  return server
end

--- The number of a call, once it came.
---@param server stage.Server
---@param method string
---@param number? integer
---@return stage.Call
function M.call(server, method, number)
  M.eventually(function()
    return (server.calls[method] or {})[number or 1]
  end)
  return server.calls[method][number or 1]
end

--- Ends the server, closes what was opened, and lets the person speak for themselves again.
function M.close()
  vim.notify, vim.ui.select = real_notify, real_select
  for _, client in ipairs(vim.lsp.get_clients()) do
    client:stop(true)
  end
  M.eventually(function()
    return #vim.lsp.get_clients() == 0
  end)
  M.settle()
  vim.cmd("silent! %bwipeout!")
end

--- A board as `changes/since` gives it. Tasks have the ids t1, t2, … where they name none.
---@param tasks? table[]
---@param more? table
---@return table
function M.snapshot(tasks, more)
  local now = "2026-11-23T08:44:53.239Z"
  for number, task in ipairs(tasks or {}) do
    tasks[number] = vim.tbl_extend("keep", task, {
      id = "t" .. number,
      projectId = "p1",
      status = "Todo",
      running = false,
      needsYou = false,
      updatedAt = now,
    })
  end
  local empty = { projects = {}, repos = {}, workspaces = {}, executions = {}, attention = {} }
  local snapshot = vim.tbl_extend("force", empty, { tasks = tasks or {} }, more or {})
  return { epoch = "one", seq = 10, snapshot = snapshot, changes = {} }
end

--- What is told and asked of the person until the close; `wanted` is the answer that they choose.
---@return { said: string[], asked: { prompt: string, titles: string[] }[], wanted?: string }
function M.person()
  local person = { said = {}, asked = {} }
  vim.notify = function(text)
    table.insert(person.said, text)
  end
  vim.ui.select = function(items, options, on_choice)
    local titles = vim.tbl_map(options.format_item or tostring, items)
    table.insert(person.asked, { prompt = options.prompt, titles = titles })
    for number, title in ipairs(titles) do
      if person.wanted and title:find(person.wanted, 1, true) then
        return on_choice(items[number], number)
      end
    end
    on_choice(nil)
  end
  return person
end

return M
