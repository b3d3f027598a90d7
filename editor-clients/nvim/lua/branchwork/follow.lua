--- Windows on a text that grows: a cursor on the last line stays on the last line.

local M = {}

---@param win integer
---@return boolean
local function is_at_end(win)
  local last = vim.api.nvim_buf_line_count(vim.api.nvim_win_get_buf(win))
  return vim.api.nvim_win_get_cursor(win)[1] >= last
end

---@param win integer
local function to_end(win)
  local last = vim.api.nvim_buf_line_count(vim.api.nvim_win_get_buf(win))
  vim.api.nvim_win_set_cursor(win, { last, 0 })
end

--- Changes the text; whoever stood at its end goes on with it.
---@param buf integer
---@param change fun()
function M.while_changing(buf, change)
  local windows = vim.tbl_filter(is_at_end, vim.fn.win_findbuf(buf))
  change()
  vim.iter(windows):each(to_end)
end

--- Also over the time in which no window shows the buffer.
---@param buf integer
function M.keep(buf)
  local follows = true
  local group = vim.api.nvim_create_augroup("branchwork.follow." .. buf, {})
  vim.api.nvim_create_autocmd("BufWinLeave", {
    group = group,
    buffer = buf,
    callback = function()
      follows = is_at_end(0)
    end,
  })
  vim.api.nvim_create_autocmd("BufWinEnter", {
    group = group,
    buffer = buf,
    callback = function()
      if follows then
        to_end(0)
      end
    end,
  })
end

return M
