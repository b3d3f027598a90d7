--- Requests whose pieces come while they are open: a log, a conversation.
--- A stream outlives the daemon: it is opened again from the place that its reader has reached.

local protocol = require("branchwork.protocol")
local rpc = require("branchwork.rpc")

local M = {}

---@class branchwork.StreamOptions
---@field method string
---@field params fun(): table Asked at each opening: what is still to come.
---@field on_open fun() It is asked for, at first or again.
---@field on_piece fun(value: table)
---@field on_lost fun() The daemon went away; the stream goes on with the next one.
---@field on_end fun(result: table?, problem: string?)

---@class branchwork.Stream
---@field private options branchwork.StreamOptions
---@field private token? string Of the opening whose pieces and answer count.
---@field private client? vim.lsp.Client
---@field private request_id? integer
---@field private is_lost boolean
---@field private daemon integer The daemon that it was opened at, counted per client.
local Stream = {}
Stream.__index = Stream

---@type table<branchwork.Stream, true>
local streams = {}
---@type table<integer, integer> How many daemons have answered a client beside the first.
local daemons = {}
local openings = 0

---@param options branchwork.StreamOptions
---@return branchwork.Stream
function M.open(options)
  local stream = setmetatable({ options = options, is_lost = false, daemon = 0 }, Stream)
  streams[stream] = true
  stream:_open()
  return stream
end

--- Nobody reads any more.
function Stream:close()
  streams[self] = nil
  self.token = nil
  if self.client and self.request_id then
    rpc.cancel(self.client, self.request_id)
  end
end

function Stream:_open()
  self.is_lost = false
  rpc.connect(function(client)
    if streams[self] then
      self:_send(client)
    end
  end, function(err)
    self:_end(nil, err.message)
  end)
end

---@param client vim.lsp.Client
function Stream:_send(client)
  openings = openings + 1
  local token = ("branchwork.nvim-%d"):format(openings)
  self.client, self.token, self.daemon = client, token, daemons[client.id] or 0
  self.options.on_open()
  local params = vim.tbl_extend("force", self.options.params(), { partialResultToken = token })
  self.request_id = rpc.send(client, self.options.method, params, function(err, result)
    if self.token == token then
      self:_answered(err, result)
    end
  end)
end

---@param err? lsp.ResponseError
---@param result table?
function Stream:_answered(err, result)
  self.token, self.request_id = nil, nil
  if not err or err.code ~= protocol.errors.DaemonLost then
    return self:_end(result, err and err.message)
  end
  self.is_lost = true
  self.options.on_lost()
  if (daemons[self.client.id] or 0) > self.daemon then
    self:_open()
  end
end

---@param result table?
---@param problem string?
function Stream:_end(result, problem)
  streams[self] = nil
  self.options.on_end(result, problem)
end

--- A `$/progress`: whether it was a piece of one of ours.
---@return boolean
function M.take(params)
  for stream in pairs(streams) do
    if stream.token == params.token then
      stream.options.on_piece(params.value)
      return true
    end
  end
  -- What was still on its way when its reader left.
  return type(params.token) == "string" and vim.startswith(params.token, "branchwork.nvim-")
end

---@param client_id integer
---@return branchwork.Stream[]
local function of_client(client_id)
  return vim.tbl_filter(function(stream)
    return stream.client ~= nil and stream.client.id == client_id
  end, vim.tbl_keys(streams))
end

--- Another daemon answers: what was lost goes on.
---@param client_id integer
function M.reconnected(client_id)
  daemons[client_id] = (daemons[client_id] or 0) + 1
  for _, stream in ipairs(of_client(client_id)) do
    if stream.is_lost then
      stream:_open()
    end
  end
end

--- The language server itself has ended.
---@param client_id integer
function M.exited(client_id)
  daemons[client_id] = nil
  for _, stream in ipairs(of_client(client_id)) do
    stream.token, stream.request_id, stream.client = nil, nil, nil
    stream:_end(nil, "The connection has ended: R connects again.")
  end
end

return M
