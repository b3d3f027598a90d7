--- The only place that finds the language client, starts one, and sends requests.

local M = {}

local NAME = "branchwork"
local PATIENCE_MS = 60000
local POLL_MS = 10

---@alias branchwork.Answer fun(result: any)
---@alias branchwork.Failed fun(err: lsp.ResponseError)

---@param client vim.lsp.Client
---@return boolean
local function is_usable(client)
  return client.initialized and not client:is_stopped()
end

---@param filter? vim.lsp.get_clients.Filter
---@return vim.lsp.Client?
local function find(filter)
  local found = vim.lsp.get_clients(vim.tbl_extend("force", { name = NAME }, filter or {}))
  return vim.iter(found):find(is_usable)
end

--- The client of the current buffer, else any.
---@return vim.lsp.Client?
function M.client()
  return find({ bufnr = 0 }) or find()
end

---@return string? root
local function root(markers)
  local name = vim.api.nvim_buf_get_name(0)
  local is_file = vim.bo.buftype == "" and name ~= ""
  return vim.fs.root(is_file and name or vim.fn.getcwd(), markers or { ".git" })
end

--- A client that no buffer needs: for a board in an editor without a file.
---@return integer? client_id
---@return string? problem
local function start()
  local config = vim.lsp.config[NAME]
  if not config or not config.cmd then
    return nil, "Branchwork has no configuration: is the plugin's folder on the 'runtimepath'?"
  end
  config = vim.deepcopy(config)
  if type(config.cmd) == "table" and vim.fn.executable(config.cmd[1]) == 0 then
    return nil, ("`%s` is not on the PATH. See :checkhealth branchwork"):format(config.cmd[1])
  end
  if type(config.root_dir) ~= "string" then
    config.root_dir = root(config.root_markers)
  end
  local opts = { attach = false, reuse_client = config.reuse_client, silent = true }
  return vim.lsp.start(config, opts), "The language server could not be started."
end

---@param client_id integer
---@param ready fun(client: vim.lsp.Client?)
local function wait_for(client_id, ready)
  local deadline = vim.uv.now() + PATIENCE_MS
  local function look()
    local client = vim.lsp.get_client_by_id(client_id)
    if client and is_usable(client) then
      return ready(client)
    end
    if not client or client:is_stopped() or vim.uv.now() > deadline then
      return ready(nil)
    end
    vim.defer_fn(look, POLL_MS)
  end
  look()
end

--- Calls back with a client that can be asked, started if need be.
---@param ready fun(client: vim.lsp.Client)
---@param failed? branchwork.Failed
function M.connect(ready, failed)
  failed = failed or M.tell
  local client = M.client()
  if client then
    return ready(client)
  end
  local client_id, problem = start()
  if not client_id then
    -- Later, as every other answer: an error that is shown while a buffer is read breaks that off.
    return vim.schedule(function()
      failed({ code = 0, message = assert(problem) })
    end)
  end
  wait_for(client_id, function(found)
    if found then
      ready(found)
    else
      failed({ code = 0, message = "Branchwork did not start. See :checkhealth branchwork" })
    end
  end)
end

--- Sends one request. What goes wrong is told to the person, unless `failed` takes it.
---@param method string
---@param params? table
---@param answer branchwork.Answer
---@param failed? branchwork.Failed
function M.request(method, params, answer, failed)
  M.connect(function(client)
    M.send(client, method, params, function(err, result)
      if err then
        return (failed or M.tell)(err)
      end
      answer(result)
    end)
  end, failed)
end

--- As `request`, on a given client; gives the id to cancel it with.
---@param client vim.lsp.Client
---@param method string
---@param params? table
---@param done fun(err?: lsp.ResponseError, result: any)
---@return integer? request_id
function M.send(client, method, params, done)
  local filled = (params and next(params)) and params or vim.empty_dict()
  local sent, id = client:request(method, filled, function(err, result)
    done(err, result)
  end)
  if not sent then
    done({ code = 0, message = "Branchwork's language server has ended." })
    return nil
  end
  return id
end

---@param client vim.lsp.Client
---@param request_id integer
function M.cancel(client, request_id)
  if not client:is_stopped() and client.requests[request_id] then
    client:cancel_request(request_id)
  end
end

--- For `:checkhealth`, which can't wait otherwise.
---@param method string
---@param params? table
---@param milliseconds integer
---@return any result
---@return string? problem
function M.request_sync(method, params, milliseconds)
  local over, result, problem = false, nil, nil
  M.request(method, params, function(answer)
    over, result = true, answer
  end, function(err)
    over, problem = true, err.message
  end)
  vim.wait(milliseconds, function()
    return over
  end, POLL_MS)
  if not over then
    problem = ("no answer within %d s"):format(milliseconds / 1000)
  end
  return result, problem
end

--- Shows what went wrong, in the server's words.
---@param err lsp.ResponseError
function M.tell(err)
  require("branchwork.notice").problem(err.message)
end

return M
