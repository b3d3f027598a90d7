vim.lsp.config("branchwork", {
  cmd = { "branchwork", "lsp" },
  root_markers = { ".git" },
  reuse_client = function(a, b) return a.name == b.name and (not b.root_dir or a.root_dir == b.root_dir) end,
})
vim.lsp.enable("branchwork")
vim.o.statusline = "%f %m%=%{get(g:, 'lsp_progress', '')}"
vim.api.nvim_create_autocmd("LspProgress", {
  callback = function() vim.g.lsp_progress = vim.lsp.status() vim.cmd.redrawstatus() end,
})
