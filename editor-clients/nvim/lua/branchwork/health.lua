--- `:checkhealth branchwork`: what has to be there, what is there, and what to do.

local protocol = require("branchwork.protocol")
local rpc = require("branchwork.rpc")

local M = {}

local health = vim.health
-- Agents and processes are looked up.
local ANSWER_MS = 30000

local function check_neovim()
  health.start("Neovim")
  local version = tostring(vim.version())
  if vim.fn.has("nvim-0.11") == 1 then
    health.ok("Neovim " .. version)
  else
    health.error("Neovim " .. version .. " is too old", "Install Neovim 0.11 or newer.")
  end
  if vim.lsp.is_enabled and not vim.lsp.is_enabled("branchwork") then
    health.warn("The server is not enabled", 'Put vim.lsp.enable("branchwork") into your init.lua.')
  end
  if not vim.o.autoread then
    health.warn("'autoread' is off: files that an agent or a merge changed are not read again")
  end
end

---@return boolean
local function check_command()
  health.start("Connection")
  local config = vim.lsp.config.branchwork
  local cmd = config and config.cmd
  if type(cmd) ~= "table" then
    health.info("The command is a function of your configuration")
    return true
  end
  local path = vim.fn.exepath(cmd[1])
  if path == "" then
    health.error(("`%s` is not on the PATH"):format(cmd[1]), {
      "Install it: `pipx install branchwork`, or link .venv/bin/branchwork of a checkout.",
      'Or name it: vim.lsp.config("branchwork", { cmd = { "/path/to/branchwork", "lsp" } })',
    })
    return false
  end
  health.ok(path)
  return true
end

---@param client vim.lsp.Client
local function check_versions(client)
  local said = vim.tbl_get(client.server_capabilities, "experimental", "branchwork") or {}
  if said.protocolVersion == 1 then
    health.ok("Protocol version 1")
  else
    health.error(
      ("The server speaks protocol version %s, this plugin 1"):format(said.protocolVersion or "?"),
      "Update the older of the two."
    )
  end
  health.info(("Client %d, root %s"):format(client.id, client.root_dir or "none"))
end

---@type table<branchwork.CheckStatus, fun(sentence: string, advice?: string[])>
local SHOWS = {
  ok = function(sentence)
    health.ok(sentence)
  end,
  info = function(sentence, advice)
    health.info(table.concat({ sentence, unpack(advice or {}) }, "\n"))
  end,
  warning = health.warn,
  error = health.error,
}

--- What the server found, under its own headings.
---@param checks branchwork.Check[]
local function show(checks)
  local group = nil
  for _, check in ipairs(checks) do
    if check.group ~= group then
      group = check.group
      health.start(group)
    end
    local advice = check.advice and vim.split(check.advice, "\n")
    -- A status of a newer server is shown as well.
    local shown = SHOWS[check.status] or SHOWS.info
    shown(check.sentence, advice)
  end
end

function M.check()
  check_neovim()
  if not check_command() then
    return
  end
  local result, problem = rpc.request_sync(protocol.methods.daemonDoctor, {}, ANSWER_MS)
  if not result then
    return health.error("The server does not answer: " .. problem, {
      "Look into the log of the client: :lua vim.cmd.edit(vim.lsp.log.get_filename())",
    })
  end
  check_versions(assert(rpc.client()))
  show(result.checks)
end

return M
