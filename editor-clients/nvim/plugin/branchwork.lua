-- What Neovim needs to know at its start; everything else is loaded on first use.
if vim.g.loaded_branchwork then
  return
end
vim.g.loaded_branchwork = true

vim.api.nvim_create_user_command("Branchwork", function(call)
  require("branchwork.command").run(call)
end, {
  nargs = "*",
  bang = true,
  range = true,
  desc = "Tasks for coding agents",
  complete = function(...)
    return require("branchwork.command").complete(...)
  end,
})

vim.api.nvim_create_autocmd("BufReadCmd", {
  group = vim.api.nvim_create_augroup("branchwork", {}),
  pattern = "branchwork://*",
  desc = "Shows a board, a conversation, a log, …",
  callback = function(event)
    require("branchwork.views").read(event.buf, event.match)
  end,
})
