-- The server for `vim.lsp.enable("branchwork")`; what it says is taken by branchwork.events.

---@param name string
local function by(name)
  return function(...)
    return require("branchwork.events")[name](...)
  end
end

---@type vim.lsp.Config
return {
  cmd = { "branchwork", "lsp" },
  root_markers = { ".git" },
  -- Branchwork's own documents lie in no repository: they stay on the connection that is there.
  reuse_client = function(client, config)
    local same = not config.root_dir or client.root_dir == config.root_dir
    return client.name == config.name and same and not client:is_stopped()
  end,
  capabilities = {
    experimental = {
      branchwork = { protocolVersion = 1, features = { "attention" }, subscribe = "all" },
    },
  },
  handlers = {
    ["branchwork/changed"] = by("changed"),
    ["branchwork/reconnected"] = by("reconnected"),
    ["branchwork/attention/changed"] = by("attention_changed"),
    ["$/progress"] = by("progress"),
  },
  -- Code actions: Neovim itself would not show what their commands give back.
  commands = {
    ["branchwork.server.task.create"] = by("created"),
    ["branchwork.server.task.createAndStart"] = by("started"),
    ["branchwork.server.workspace.start"] = by("started"),
  },
  on_exit = by("exited"),
}
