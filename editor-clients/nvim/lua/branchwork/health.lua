--- `:checkhealth branchwork`: what has to be there, what is there, and what to do.

local protocol = require("branchwork.protocol")
local rpc = require("branchwork.rpc")

local M = {}

local health = vim.health
local ANSWER_MS = 15000
local OLDEST_GIT = "2.38"

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
  health.start("Server")
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

---@param status branchwork.DaemonStatusResult
local function check_daemon(status)
  health.start("Daemon")
  local up = math.floor(status.uptimeSeconds / 60)
  health.ok(("Version %s, process %d, up %d min"):format(status.version, status.pid, up))
  if status.safeMode or status.problem then
    health.error(status.problem or "It could not open its data.")
  end
  health.info("Data: " .. status.dataFolder)
  health.info("Log: " .. vim.fs.joinpath(status.dataFolder, "log", "daemon.log"))
  health.info(("%d editors, %d running"):format(status.connections, status.runningExecutions))
  if not status.gitVersion then
    health.error("No git was found", "Install git " .. OLDEST_GIT .. " or newer.")
  elseif vim.version.lt(status.gitVersion, OLDEST_GIT) then
    health.error("git " .. status.gitVersion .. " is too old", "It takes " .. OLDEST_GIT .. ".")
  else
    health.ok("git " .. status.gitVersion)
  end
end

---@param agent branchwork.Agent
local function check_agent(agent)
  local name = agent.name .. (agent.version and " " .. agent.version or "")
  local default = agent.isDefault and " (default)" or ""
  if agent.available then
    local login = agent.loggedIn == false and ", not logged in" or ""
    local installed = agent.installed and "installed" or "is downloaded when it is first started"
    health.ok(("%s%s: %s%s"):format(name, default, installed, login))
  else
    health.info(("%s: %s"):format(name, agent.problem or "not available"))
  end
end

local function check_agents()
  health.start("Agents")
  local result, problem = rpc.request_sync(protocol.methods.agentList, {}, ANSWER_MS)
  if not result then
    return health.error(problem or "No answer")
  end
  vim.iter(result.agents):each(check_agent)
  local can_start = vim.iter(result.agents):any(function(agent)
    return agent.available
  end)
  if not can_start then
    health.warn("No agent can be started", "Install one of those above.")
  end
end

function M.check()
  check_neovim()
  if not check_command() then
    return
  end
  local status, problem = rpc.request_sync(protocol.methods.daemonStatus, {}, ANSWER_MS)
  if not status then
    return health.error("The server does not answer: " .. problem, {
      "Look into the log of the client: :lua vim.cmd.edit(vim.lsp.log.get_filename())",
    })
  end
  check_versions(assert(rpc.client()))
  check_daemon(status)
  if not status.safeMode then
    check_agents()
  end
end

return M
