--- The names of our buffers, `branchwork://kind/id/title`, and the windows that show them.

local config = require("branchwork.config")

local M = {}

local SCHEME = "branchwork://"
local WIDE = 160

---@type table<string, string>
local MODULES = {
  board = "branchwork.board",
  attention = "branchwork.attention",
  conversation = "branchwork.conversation",
  log = "branchwork.log",
  patch = "branchwork.patch",
}

---@param kind string
---@param id? string
---@return string
local function prefix(kind, id)
  return SCHEME .. kind .. (id and "/" .. id or "")
end

---@param title string
---@return string
local function slug(title)
  local plain = title:lower():gsub("[^%w\128-\255]+", "-"):gsub("^%-+", "")
  return (vim.fn.strcharpart(plain, 0, 40):gsub("%-+$", ""))
end

--- The buffer of a view, where there is one.
---@param kind string
---@param id? string
---@return integer?
function M.buffer(kind, id)
  local wanted = prefix(kind, id)
  return vim.iter(vim.api.nvim_list_bufs()):find(function(buf)
    local name = vim.api.nvim_buf_get_name(buf)
    return name == wanted or vim.startswith(name, wanted .. "/")
  end)
end

--- Whether the person says where, as by `:vertical`.
---@param mods? vim.api.keyset.cmd.mods
---@return boolean?
local function says_where(mods)
  return mods and (mods.split ~= "" or mods.vertical or mods.horizontal or mods.tab ~= -1)
end

---@param mods? vim.api.keyset.cmd.mods
local function split(mods)
  local chosen = config.get().window
  if says_where(mods) then
    return vim.cmd.split({ mods = mods })
  end
  if chosen == "" then
    chosen = vim.o.columns >= WIDE and "botright vertical" or "botright"
  end
  vim.cmd(chosen .. " split")
end

---@class branchwork.Show
---@field id? string
---@field title? string
---@field mods? vim.api.keyset.cmd.mods

--- Shows a view: where it stands already, else in place of another one, else in a new window, and
--- in a new one also where the person says where that is to be.
---@param kind string
---@param show? branchwork.Show
function M.open(kind, show)
  show = show or {}
  local buf = M.buffer(kind, show.id)
  local win = buf and vim.fn.win_findbuf(buf)[1]
  if win and vim.api.nvim_win_get_tabpage(win) == vim.api.nvim_get_current_tabpage() then
    return vim.api.nvim_set_current_win(win)
  end
  local is_view = vim.startswith(vim.api.nvim_buf_get_name(0), SCHEME)
  if not is_view or vim.bo.buftype == "acwrite" or says_where(show.mods) then
    split(show.mods)
  end
  local name = prefix(kind, show.id)
  if show.id and show.title then
    name = name .. "/" .. slug(show.title)
  end
  if buf then
    vim.api.nvim_win_set_buf(0, buf)
  else
    vim.cmd.edit(vim.fn.fnameescape(name))
  end
end

--- Fills a buffer of ours: the handler of `BufReadCmd`.
---@param buf integer
---@param name string
function M.read(buf, name)
  local kind, id = name:match("^branchwork://([^/]+)/?([^/]*)")
  local module = MODULES[kind or ""]
  if not module then
    return require("branchwork.notice").problem(("Branchwork has no view %s"):format(name))
  end
  require("branchwork.highlights").define()
  require(module).read(buf, id ~= "" and id or nil)
end

return M
