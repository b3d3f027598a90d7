-- The specs of what needs no server, by busted inside of Neovim itself:
--   nvim --clean -l editor-clients/nvim/spec/run.lua [busted's options]
-- busted is Debian's package lua-busted. Neovim reads no `spec` folder of a 'runtimepath'.

local spec = vim.fs.dirname(vim.fs.abspath(debug.getinfo(1, "S").source:sub(2)))

-- Times of day are shown as those of the place where the editor is.
vim.env.TZ = "UTC"
vim.o.swapfile, vim.o.shadafile = false, "NONE"
vim.opt.runtimepath:prepend(vim.fs.dirname(spec))
vim.cmd.runtime("plugin/branchwork.lua")

local added = { "/usr/share/lua/5.1/?.lua", "/usr/share/lua/5.1/?/init.lua", spec .. "/?.lua" }
package.path = package.path .. ";" .. table.concat(added, ";")
for _, folder in ipairs(vim.fn.glob("/usr/lib/*/lua/5.1", true, true)) do
  package.cpath = package.cpath .. ";" .. folder .. "/?.so"
end

table.insert(arg, spec)
require("busted.runner")({ standalone = false })
