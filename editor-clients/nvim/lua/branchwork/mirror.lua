--- The board as the server has it: one snapshot, then every change.
--- Nothing is read before somebody looks; what needs the person is told by the server anyway.

local protocol = require("branchwork.protocol")
local rpc = require("branchwork.rpc")

local M = {}

---@class branchwork.Mirror
---@field epoch string
---@field seq integer
---@field project table<string, branchwork.Project>
---@field repo table<string, branchwork.Repo>
---@field task table<string, branchwork.Task>
---@field workspace table<string, branchwork.Workspace>
---@field execution table<string, branchwork.ExecutionProcess> Those that run.

---@type branchwork.Mirror?
local mirror
---@type branchwork.AttentionItem[]
local attention = {}
local attention_at = { epoch = "", seq = -1 }
---@type table<string, integer> When an item was first told here, by `vim.uv.now()`.
local told_since = {}
---@type { answer: fun(mirror: branchwork.Mirror), failed: branchwork.Failed }[]?
local waiting
---@type branchwork.ChangedParams[] What came while the snapshot was on its way.
local early = {}
local is_catching_up = false
local told = { epoch = "", seq = -1 }
---@type table<fun(changes: branchwork.Change[]), true>
local listeners = {}

--- Calls `listener` after each change, until the function that is returned is called.
---@param listener fun(changes: branchwork.Change[])
---@return fun()
function M.listen(listener)
  listeners[listener] = true
  return function()
    listeners[listener] = nil
  end
end

---@param changes branchwork.Change[]
local function tell(changes)
  for listener in pairs(listeners) do
    listener(changes)
  end
end

---@param list table[]
---@return table<string, table>
local function by_id(list)
  local found = {}
  for _, one in ipairs(list) do
    found[one.id] = one
  end
  return found
end

---@param items branchwork.AttentionItem[]
---@param at { epoch: string, seq: integer }
local function take_attention(items, at)
  attention, attention_at = items, at
  local since, now = {}, vim.uv.now()
  for _, item in ipairs(items) do
    since[item.id] = told_since[item.id] or now
  end
  told_since = since
end

---@param result branchwork.ChangesSinceResult
local function take_snapshot(result)
  local snapshot = assert(result.snapshot)
  mirror = {
    epoch = result.epoch,
    seq = result.seq,
    project = by_id(snapshot.projects),
    repo = by_id(snapshot.repos),
    task = by_id(snapshot.tasks),
    workspace = by_id(snapshot.workspaces),
    execution = by_id(snapshot.executions),
  }
  take_attention(snapshot.attention, { epoch = result.epoch, seq = result.seq })
end

---@param change branchwork.Change
local function apply(change)
  local entities = mirror[change.entity]
  if type(entities) ~= "table" then
    return
  end
  local value = change.op ~= "delete" and change.value or nil
  if change.entity == "execution" and value and value.status ~= "Running" then
    value = nil
  end
  entities[change.id] = value
end

---@param batch { epoch: string, seq: integer, changes: branchwork.Change[] }
local function take(batch)
  if batch.epoch ~= mirror.epoch or batch.seq <= mirror.seq then
    return
  end
  vim.iter(batch.changes):each(apply)
  mirror.seq = batch.seq
  tell(batch.changes)
end

local function take_early()
  local batches = early
  early = {}
  vim.iter(batches):each(take)
end

---@param done fun(callbacks: { answer: fun(mirror: branchwork.Mirror), failed: branchwork.Failed })
local function release(done)
  local callbacks = waiting or {}
  waiting = nil
  vim.iter(callbacks):each(done)
end

--- Calls back with the mirror, which is read first where nobody has looked yet.
---@param answer fun(mirror: branchwork.Mirror)
---@param failed? branchwork.Failed
function M.load(answer, failed)
  if mirror and not is_catching_up then
    return answer(mirror)
  end
  local callbacks = { answer = answer, failed = failed or rpc.tell }
  if waiting then
    table.insert(waiting, callbacks)
    return
  end
  waiting = { callbacks }
  if not is_catching_up then
    M.catch_up()
  end
end

--- As `load`, and nothing that was done before is missing: a change may be told a little later.
---@param answer fun(mirror: branchwork.Mirror)
function M.load_now(answer)
  if not is_catching_up then
    waiting = waiting or {}
    M.catch_up()
  end
  M.load(answer)
end

--- Reads what came since the last reading, all of it where there is none.
function M.catch_up()
  if not mirror and not waiting then
    return
  end
  is_catching_up = true
  local since = mirror and { epoch = mirror.epoch, seq = mirror.seq } or {}
  rpc.request(protocol.methods.changesSince, since, function(result)
    if result.snapshot then
      take_snapshot(result)
      tell({})
    else
      take(result)
    end
    if result.more then
      return M.catch_up()
    end
    is_catching_up = false
    take_early()
    release(function(callbacks)
      callbacks.answer(mirror)
    end)
  end, function(err)
    is_catching_up, early = false, {}
    if err.code == protocol.errors.DaemonLost and mirror then
      return -- The next daemon says that it is there, and then this is asked again.
    end
    release(function(callbacks)
      callbacks.failed(err)
    end)
  end)
end

--- Takes a `branchwork/changed`; false where another connection has told it already.
---@param params branchwork.ChangedParams
---@return boolean is_new
function M.changed(params)
  local is_new = params.epoch ~= told.epoch or params.seq > told.seq
  told = { epoch = params.epoch, seq = params.seq }
  if not mirror or is_catching_up then
    if waiting or is_catching_up then
      table.insert(early, params)
    end
    return is_new
  end
  if params.gap or params.epoch ~= mirror.epoch then
    M.catch_up()
  else
    take(params)
  end
  return is_new
end

--- Takes a `branchwork/attention/changed`: what is new in it; nil where it was told already.
---@param params branchwork.AttentionChangedParams
---@return branchwork.AttentionItem[]?
function M.attention_changed(params)
  if params.epoch == attention_at.epoch and params.seq < attention_at.seq then
    return nil
  end
  local known = by_id(attention)
  local new = vim.tbl_filter(function(item)
    return known[item.id] == nil
  end, params.items)
  local is_same = #new == 0 and #params.items == #attention
  take_attention(params.items, { epoch = params.epoch, seq = params.seq })
  if is_same then
    return nil
  end
  tell({})
  return new
end

---@return branchwork.AttentionItem[]
function M.attention()
  return attention
end

--- For how many milliseconds this editor has known that something waits.
---@param id string
---@return integer
function M.waits_for(id)
  return told_since[id] and vim.uv.now() - told_since[id] or 0
end

--- Without asking: nil where nobody has looked yet.
---@return branchwork.Mirror?
function M.known()
  return mirror
end

--- There is no board and none is on its way.
---@return boolean
function M.is_gone()
  return not mirror and not waiting
end

--- A language server has ended; the next one is asked for everything.
function M.exited()
  if rpc.client() then
    return
  end
  mirror, early, is_catching_up = nil, {}, false
  attention, attention_at = {}, { epoch = "", seq = -1 }
  told = { epoch = "", seq = -1 }
  release(function(callbacks)
    callbacks.failed({ code = 0, message = "Branchwork's language server has ended." })
  end)
  tell({})
end

--- The newest attempt at each task.
---@return table<string, branchwork.Workspace>
function M.newest_workspaces()
  local newest = {}
  for _, workspace in pairs(mirror and mirror.workspace or {}) do
    local other = newest[workspace.taskId]
    if not other or workspace.id > other.id then
      newest[workspace.taskId] = workspace
    end
  end
  return newest
end

--- The tasks, the newest first.
---@param project_id? string
---@return branchwork.Task[]
function M.tasks(project_id)
  local found = vim.tbl_filter(function(task)
    return project_id == nil or task.projectId == project_id
  end, vim.tbl_values(mirror and mirror.task or {}))
  table.sort(found, function(a, b)
    return a.id > b.id
  end)
  return found
end

return M
