--- A buffer to write a text in: a follow-up, a commit message. `:w` sends it, `:q!` drops it.

local M = {}

---@class branchwork.Compose
---@field name string After `branchwork://`; the same name is the same buffer.
---@field text? string To begin with.
---@field filetype string
---@field hint string What `:w` does.
---@field send fun(text: string)

---@param buf integer
---@return string
local function text_of(buf)
  return vim.trim(table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, false), "\n"))
end

---@param buf integer
---@param compose branchwork.Compose
local function sending(buf, compose)
  vim.api.nvim_create_autocmd("BufWriteCmd", {
    buffer = buf,
    callback = function()
      local text = text_of(buf)
      if text == "" then
        return require("branchwork.notice").say("Nothing is written yet; :q! drops it.")
      end
      vim.bo[buf].modified = false
      -- The buffer stays until the command that wrote it is over.
      vim.schedule(function()
        vim.api.nvim_buf_delete(buf, { force = true })
      end)
      compose.send(text)
    end,
  })
end

---@param compose branchwork.Compose
function M.open(compose)
  local name = "branchwork://" .. compose.name
  local known = vim.fn.bufnr("^" .. vim.fn.escape(name, "[]*?{}$^.\\") .. "$")
  if known ~= -1 and vim.fn.bufwinid(known) ~= -1 then
    return vim.api.nvim_set_current_win(vim.fn.bufwinid(known))
  end
  require("branchwork.highlights").define()
  local buf = vim.api.nvim_create_buf(false, false)
  vim.cmd("belowright 10split")
  vim.api.nvim_win_set_buf(0, buf)
  vim.api.nvim_buf_set_name(buf, name)
  vim.bo[buf].buftype, vim.bo[buf].bufhidden, vim.bo[buf].swapfile = "acwrite", "wipe", false
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, vim.split(compose.text or "", "\n"))
  vim.bo[buf].modified = false
  vim.bo[buf].filetype = compose.filetype
  vim.wo[0][0].winbar = " " .. compose.hint:gsub("%%", "%%%%")
  sending(buf, compose)
end

return M
