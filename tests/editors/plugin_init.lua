-- The three lines of the docs: the plugin's folder, and the server.
vim.opt.runtimepath:prepend(vim.env.BRANCHWORK_NVIM)
vim.lsp.enable("branchwork")
vim.o.statusline = "%f %m%=%{v:lua.require'branchwork'.statusline()}"
-- For the tests only.
vim.o.swapfile = false
vim.o.columns, vim.o.lines = 120, 40
