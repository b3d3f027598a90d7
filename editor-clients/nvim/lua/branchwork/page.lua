--- A buffer of ours that cannot be edited: lines of coloured pieces, and what each line is about.

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace("branchwork")

---@class branchwork.Subject What a line or a whole buffer is about.
---@field key? string Tells it from its neighbours when the buffer is drawn anew.
---@field projectId? string
---@field taskId? string
---@field workspaceId? string
---@field conversationId? string
---@field executionId? string
---@field approval? branchwork.Request
---@field location? branchwork.Location
---@field entry? branchwork.ToolCallEntry

---@class branchwork.Request What an agent asks.
---@field id string
---@field sentence string
---@field options branchwork.ApprovalOption[]
---@field chosen? branchwork.ApprovalOption The one that the line is.

---@class branchwork.Line
---@field [integer] { [1]: string, [2]: string? } Text and highlight group.
---@field subject? branchwork.Subject

---@class branchwork.Page
---@field subject branchwork.Subject
---@field lines table<integer, branchwork.Subject>
---@field shown? string[] What each line of a buffer that is drawn as a whole looks like.
---@field at? fun(row: integer): branchwork.Subject?

---@type table<integer, branchwork.Page>
local pages = {}

-- The text stands below its title, and away from the window to its left.
local MARGIN = 1

local WINDOW = {
  number = false,
  relativenumber = false,
  signcolumn = "no",
  foldcolumn = tostring(MARGIN),
  list = false,
  spell = false,
}

---@param buf integer
---@param winbar string
---@param options table<string, any>
local function dress(buf, winbar, options)
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    local chars = vim.go.fillchars
    local own = { winbar = winbar, fillchars = (chars ~= "" and chars .. "," or "") .. "eob: " }
    for name, value in pairs(vim.tbl_extend("force", WINDOW, options, own)) do
      -- Of this buffer in this window: another buffer there gets its own back.
      vim.wo[win][0][name] = value
    end
  end
end

---@class branchwork.PageOptions
---@field filetype string
---@field subject? branchwork.Subject
---@field window? table<string, any>
---@field closed fun() The buffer is gone.

--- Makes a buffer one of ours; the same again when it is read anew.
---@param buf integer
---@param options branchwork.PageOptions
function M.setup(buf, options)
  local bo = vim.bo[buf]
  bo.buftype, bo.swapfile, bo.undolevels, bo.modeline = "nofile", false, -1, false
  bo.bufhidden, bo.modifiable = "hide", false
  pages[buf] = { subject = options.subject or {}, lines = {} }
  vim.b[buf].branchwork_title = vim.b[buf].branchwork_title or ""
  require("branchwork.keys").map(buf)
  local group = vim.api.nvim_create_augroup("branchwork.page." .. buf, {})
  vim.api.nvim_create_autocmd("BufWinEnter", {
    group = group,
    buffer = buf,
    callback = function()
      dress(buf, vim.b[buf].branchwork_title, options.window or {})
    end,
  })
  vim.api.nvim_create_autocmd("BufUnload", {
    group = group,
    buffer = buf,
    callback = function()
      pages[buf] = nil
      options.closed()
    end,
  })
  dress(buf, vim.b[buf].branchwork_title, options.window or {})
  bo.filetype = options.filetype
end

--- On one line, and as many bytes as before.
---@param text string
---@return string
local function flat(text)
  return text:find("%c") and text:gsub("%c", " ") or text
end

--- The line above the text.
---@param buf integer
---@param pieces { [1]: string, [2]: string? }[] Each with its colour.
function M.title(buf, pieces)
  local shown = {}
  for _, piece in ipairs(pieces) do
    local text = flat(piece[1]):gsub("%%", "%%%%")
    table.insert(shown, piece[2] and ("%%#%s#%s%%*"):format(piece[2], text) or text)
  end
  vim.b[buf].branchwork_title = " " .. table.concat(shown, " · ")
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    vim.wo[win][0].winbar = vim.b[buf].branchwork_title
  end
end

--- How many columns a line of it has where it has the fewest.
---@param buf integer
---@return integer
function M.width(buf)
  local widths = vim.tbl_map(vim.api.nvim_win_get_width, vim.fn.win_findbuf(buf))
  return math.min(vim.o.columns, unpack(widths)) - MARGIN
end

--- Changes the text of a buffer that a person can't change.
---@param buf integer
---@param change fun()
function M.write(buf, change)
  vim.bo[buf].modifiable = true
  change()
  vim.bo[buf].modifiable = false
  vim.bo[buf].modified = false
end

---@param buf integer
---@param row integer
---@param line branchwork.Line
local function paint(buf, row, line)
  local column = 0
  for _, piece in ipairs(line) do
    local last = column + #piece[1]
    if piece[2] then
      vim.api.nvim_buf_set_extmark(buf, NAMESPACE, row, column, {
        end_col = last,
        hl_group = piece[2],
      })
    end
    column = last
  end
end

--- Colours whole lines that are not drawn.
---@param buf integer
---@param first integer From 0.
---@param last integer
---@param colour string?
function M.colour(buf, first, last, colour)
  if colour then
    vim.hl.range(buf, NAMESPACE, colour, { first, 0 }, { last - 1, -1 })
  end
end

---@param line branchwork.Line
---@return string
function M.text(line)
  local texts = {}
  for _, piece in ipairs(line) do
    table.insert(texts, flat(piece[1]))
  end
  return table.concat(texts)
end

--- Puts lines in place of others, with their colours.
---@param buf integer
---@param first integer From 0.
---@param last integer
---@param lines branchwork.Line[]
function M.replace(buf, first, last, lines)
  M.write(buf, function()
    vim.api.nvim_buf_clear_namespace(buf, NAMESPACE, first, last)
    vim.api.nvim_buf_set_lines(buf, first, last, false, vim.tbl_map(M.text, lines))
  end)
  for index, line in ipairs(lines) do
    paint(buf, first + index - 1, line)
  end
end

--- A line with its colours, to tell whether it has to be drawn anew.
---@param line branchwork.Line
---@return string
local function look_of(line)
  local pieces = {}
  for _, piece in ipairs(line) do
    table.insert(pieces, flat(piece[1]) .. "\0" .. (piece[2] or ""))
  end
  return table.concat(pieces, "\0")
end

--- Draws what is another than before, from the end on, so that the rows before stay what they are.
---@param buf integer
---@param lines branchwork.Line[]
local function redraw(buf, lines)
  local shown = vim.tbl_map(look_of, lines)
  local before = pages[buf].shown
  pages[buf].shown = shown
  if not before then
    return M.replace(buf, 0, -1, lines)
  end
  local old, new = table.concat(before, "\n") .. "\n", table.concat(shown, "\n") .. "\n"
  local hunks = vim.diff(old, new, { result_type = "indices" }) --[[@as integer[][] ]]
  for number = #hunks, 1, -1 do
    local first, count, from, new_count = unpack(hunks[number])
    -- What is only added stands behind the line that is named.
    local row = count == 0 and first or first - 1
    M.replace(buf, row, row + count, vim.list_slice(lines, from, from + new_count - 1))
  end
end

---@param lines table<integer, branchwork.Subject>
---@return table<string, integer> rows The first of each key.
local function rows_of(lines)
  local rows = {}
  for number, subject in pairs(lines) do
    local key = subject.key
    if key and (not rows[key] or number < rows[key]) then
      rows[key] = number
    end
  end
  return rows
end

---@class branchwork.Place A window's cursor: what it is on, and where on the screen that is.
---@field key? string
---@field row integer
---@field offset integer Of the lines that have the key, which one.
---@field column integer
---@field above integer Lines of the window above the cursor.

---@param win integer
---@param before table<integer, branchwork.Subject>
---@param rows table<string, integer>
---@return branchwork.Place
local function place_of(win, before, rows)
  local row, column = unpack(vim.api.nvim_win_get_cursor(win))
  local key = before[row] and before[row].key
  return {
    key = key,
    row = row,
    offset = key and row - rows[key] or 0,
    column = column,
    above = row - vim.fn.line("w0", win),
  }
end

--- Puts the cursor back on what it was on, and that where it was on the screen. Where it is gone
--- it goes to the first line, which is about nothing, so that a key that is just pressed meets
--- nothing else.
---@param win integer
---@param place branchwork.Place
---@param rows table<string, integer>
local function put_back(win, place, rows)
  local first = place.key and rows[place.key]
  local row = first and first + place.offset or place.key and 1 or place.row
  row = math.min(math.max(row, 1), vim.api.nvim_buf_line_count(vim.api.nvim_win_get_buf(win)))
  vim.api.nvim_win_call(win, function()
    local top = math.max(1, row - place.above)
    vim.fn.winrestview({ lnum = row, col = place.column, topline = top })
  end)
end

--- Draws the whole buffer; what looks as before is not touched.
---@param buf integer
---@param lines branchwork.Line[]
function M.draw(buf, lines)
  local before, places = pages[buf].lines, {}
  local rows = rows_of(before)
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    places[win] = place_of(win, before, rows)
  end
  local now = {}
  for number, line in ipairs(lines) do
    now[number] = line.subject
  end
  pages[buf].lines = now
  redraw(buf, lines)
  rows = rows_of(now)
  for win, place in pairs(places) do
    put_back(win, place, rows)
  end
end

--- Says why there is nothing to show; for what a request is given as `failed`.
---@param buf integer
---@return branchwork.Failed
function M.failing(buf)
  return function(err)
    if M.is_open(buf) then
      local again = { { "R", "BranchworkKey" }, { " tries again." } }
      M.draw(buf, { { { err.message, "BranchworkFailed" } }, again })
    end
  end
end

--- The same for a view of what was on the board that is no longer known.
---@param buf integer
function M.ended(buf)
  M.failing(buf)({ code = 0, message = "Branchwork's language server has ended." })
end

--- Says what the lines are about, for a buffer that is not drawn as a whole.
---@param buf integer
---@param row integer From 1.
---@return branchwork.Subject?
function M.line_subject(buf, row)
  local page = pages[buf]
  local at = page and (page.at and page.at(row) or page.lines[row])
  return at or nil
end

---@param buf integer
---@param at fun(row: integer): branchwork.Subject?
function M.set_lookup(buf, at)
  pages[buf].at = at
end

---@param buf integer
---@param subject branchwork.Subject
function M.set_subject(buf, subject)
  if pages[buf] then
    pages[buf].subject = subject
  end
end

--- What the cursor is on, else what the whole buffer is about; nil outside of our buffers.
---@return branchwork.Subject?
function M.subject()
  local buf = vim.api.nvim_get_current_buf()
  local page = pages[buf]
  if not page then
    return nil
  end
  local here = M.line_subject(buf, vim.api.nvim_win_get_cursor(0)[1]) or {}
  return vim.tbl_extend("keep", here, page.subject)
end

---@param buf integer
---@return boolean
function M.is_open(buf)
  return pages[buf] ~= nil and vim.api.nvim_buf_is_loaded(buf)
end

return M
