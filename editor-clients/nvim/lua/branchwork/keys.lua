--- The keys of our buffers. Each begins with `g`, so that none is a motion or a stray letter.

local M = {}

---@class branchwork.Key
---@field [1] string The key.
---@field [2] string The verb.
---@field [3] string What it does.
---@field words? string[] Words after the verb.

---@type branchwork.Key[]
M.VERBS = {
  { "<CR>", "open", "open what the cursor is on" },
  { "gn", "new", "a new task" },
  { "gs", "start", "start an agent on the task" },
  { "gp", "prompt", "write a follow-up" },
  { "gq", "queue", "the prompts that wait" },
  { "gx", "stop", "stop what runs" },
  { "gc", "conversation", "the conversation" },
  { "K", "details", "all of a tool call" },
  { "gl", "log", "the log" },
  { "gd", "diff", "what it changed, in the quickfix list" },
  { "gP", "patch", "what it changed, as one patch" },
  { "gm", "merge", "merge, after a preview" },
  { "go", "task", "the task as a document to edit" },
  { "gS", "seen", "mark as seen" },
  { "gb", "board", "the board" },
  { "ga", "answer", "allow what the agent asks here", words = { "allow" } },
  { "gA", "answer", "allow it for the whole session", words = { "always" } },
  { "gr", "answer", "reject it", words = { "reject" } },
  { "gR", "answer", "reject it and say why", words = { "why" } },
}

---@param buf integer
---@param key string
---@param desc string
---@param action fun()
local function map(buf, key, desc, action)
  vim.keymap.set("n", key, action, {
    buffer = buf,
    nowait = true,
    silent = true,
    desc = "Branchwork: " .. desc,
  })
end

---@param buf integer
function M.map(buf)
  for _, key in ipairs(M.VERBS) do
    map(buf, key[1], key[3], function()
      require("branchwork.command").act(key[2], key.words)
    end)
  end
  map(buf, "R", "read it anew", function()
    vim.cmd.edit()
  end)
  map(buf, "q", "close", function()
    M.close()
  end)
  map(buf, "g?", "the keys", M.help)
end

--- Leaves the buffer; the last window stays.
function M.close()
  if #vim.api.nvim_tabpage_list_wins(0) > 1 or vim.fn.tabpagenr("$") > 1 then
    vim.cmd.close()
  else
    vim.cmd.enew()
  end
end

---@return string[]
local function help_lines()
  local lines = {}
  for _, key in ipairs(M.VERBS) do
    table.insert(lines, (" %-5s %s "):format(key[1], key[3]))
  end
  return vim.list_extend(lines, {
    " R     read it anew ",
    " q     close ",
    " :help branchwork says more ",
  })
end

--- The keys over the whole editor, however small the window is.
function M.help()
  local lines = help_lines()
  local buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].bufhidden, vim.bo[buf].modifiable = "wipe", false
  local height = math.min(#lines, vim.o.lines - 5)
  local more = height < #lines and "j for more, " or ""
  local width = 46
  vim.api.nvim_open_win(buf, true, {
    relative = "editor",
    row = math.floor((vim.o.lines - height) / 2) - 1,
    col = math.max(0, math.floor((vim.o.columns - width) / 2)),
    width = width,
    height = height,
    style = "minimal",
    border = "rounded",
    title = " Keys ",
    footer = (" %sq closes "):format(more),
  })
  for _, key in ipairs({ "q", "<Esc>", "g?" }) do
    vim.keymap.set("n", key, "<cmd>close<cr>", { buffer = buf, nowait = true })
  end
end

return M
