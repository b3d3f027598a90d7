-- What `luacheck .` checks the plugin with.
std = "luajit"
read_globals = { "vim" }
globals = { "vim.g", "vim.b", "vim.bo", "vim.wo", "vim.o" }
max_line_length = 100
exclude_files = { "lua/branchwork/protocol.lua" }
-- Specs stand in for the person, whom `vim.notify` and `vim.ui.select` ask.
files["spec"] = {
  std = "+busted",
  globals = { "arg", "vim" },
}
