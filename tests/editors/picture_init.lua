-- The three lines of the docs, and what a person likes to look at.
vim.opt.runtimepath:prepend(vim.env.BRANCHWORK_NVIM)
vim.lsp.enable("branchwork")
vim.o.statusline = " %t%=%{v:lua.require'branchwork'.statusline()} "
vim.o.laststatus = 3
vim.o.number = true
vim.o.termguicolors = true
vim.o.background = "dark"
vim.api.nvim_set_hl(0, "WinSeparator", { link = "LineNr" })
vim.o.fillchars = "eob: "
-- For the test only.
vim.o.swapfile = false
vim.o.shortmess = vim.o.shortmess .. "I"
