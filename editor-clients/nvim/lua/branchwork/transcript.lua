--- The entries of a conversation in a buffer: each is a block of lines that may grow or change.

local entries = require("branchwork.entries")
local page = require("branchwork.page")
local words = require("branchwork.words")

local M = {}

-- Beyond this, colouring the Markdown costs more than it gives.
local MOST_COLOURED_LINES = 20000
local LONGEST_COLOURED_BLOCK = 1000

---@class branchwork.Block
---@field execution_id string
---@field index integer
---@field kind string
---@field group string
---@field head branchwork.Line[] Before the entry's own lines.
---@field height integer With the head.
---@field subjects table<integer, branchwork.Subject> By the line within the block.
---@field entry branchwork.Entry
---@field kept? string The line breaks that a growing text ends with.
---@field colour? string
---@field tail integer Lines after the entry's own: the fence that closes a text of another.

---@class branchwork.Transcript
---@field buf integer
---@field blocks branchwork.Block[]
---@field by_place table<string, branchwork.Block>
---@field places table<string, integer> The order of executions.
---@field count integer Of executions.
---@field has_lines? boolean
---@field is_agents_turn? boolean Who speaks stands there already.
---@field executor? string
local Transcript = {}
Transcript.__index = Transcript

---@param buf integer
---@return branchwork.Transcript
function M.new(buf)
  local made = { buf = buf, blocks = {}, by_place = {}, places = {}, count = 0 }
  return setmetatable(made, Transcript)
end

---@param change { executionId: string, index: integer }
---@return string
local function place_of(change)
  return change.executionId .. "/" .. change.index
end

--- From where on to ask when the stream has to be opened again: the whole of the last process,
--- because any of its entries may have changed since.
---@return branchwork.EntryPosition?
function Transcript:resume_from()
  local last = self.blocks[#self.blocks]
  return last and { executionId = last.execution_id, index = 0 } or nil
end

--- The row of a block's first line, from 0; looked for from the end, where things happen.
---@param wanted branchwork.Block
---@return integer row
function Transcript:_find(wanted)
  local row = self:_line_count()
  for position = #self.blocks, 1, -1 do
    local block = self.blocks[position]
    row = row - block.height
    if block == wanted then
      return row
    end
  end
  error("a block that is not there")
end

function Transcript:_line_count()
  -- An empty buffer has one line all the same.
  return self.has_lines and vim.api.nvim_buf_line_count(self.buf) or 0
end

--- What the cursor is on.
---@param row integer From 1.
---@return branchwork.Subject?
function Transcript:subject_at(row)
  local first = self:_line_count()
  for position = #self.blocks, 1, -1 do
    local block = self.blocks[position]
    first = first - block.height
    if row - 1 >= first then
      local subject = block.subjects[row - first] or {}
      return vim.tbl_extend("keep", { executionId = block.execution_id }, subject)
    end
  end
end

---@param first integer
---@param last integer
---@param lines branchwork.Line[]
function Transcript:_put(first, last, lines)
  if not self.has_lines and #lines > 0 then
    first, last, self.has_lines = 0, -1, true
  end
  page.replace(self.buf, first, last, lines)
end

--- What stands before an entry: an empty line, and who speaks where that is another than before.
---@param before branchwork.Block?
---@param entry branchwork.Entry
---@param rendered branchwork.Rendered
---@return branchwork.Line[]
function Transcript:_head(before, entry, rendered)
  if #rendered.lines == 0 then
    return {}
  end
  local is_yours, is_note = rendered.group == "you", rendered.group == "note"
  local is_turn = is_yours or not is_note and not self.is_agents_turn
  local head = {}
  if before and (before.group ~= rendered.group or is_turn) then
    table.insert(head, {})
  end
  if is_turn then
    self.is_agents_turn = not is_yours
    local name = is_yours and "You" or entries.agent_name(self.executor)
    local colour = is_yours and "BranchworkYou" or "BranchworkAgent"
    local clock = { "  " .. words.clock(entry.t), "BranchworkDim" }
    table.insert(head, { { name, colour }, clock })
  end
  return head
end

---@param block branchwork.Block
---@param rendered branchwork.Rendered
---@param head branchwork.Line[]
---@return branchwork.Line[]
local function fill(block, rendered, head)
  local lines = vim.list_extend(vim.list_slice(head), rendered.lines)
  block.group, block.head, block.tail = rendered.group, head, 0
  block.height, block.colour, block.subjects = #lines, rendered.colour, {}
  block.kept = rendered.kept
  for number, line in ipairs(lines) do
    block.subjects[number] = line.subject
  end
  return lines
end

--- The block that has lines before a position.
---@param position integer
---@return branchwork.Block?
function Transcript:_before(position)
  for at = position - 1, 1, -1 do
    if self.blocks[at].height > 0 then
      return self.blocks[at]
    end
  end
end

--- Where a new entry belongs: behind those of its process.
---@param change branchwork.EntryChange
---@return integer
function Transcript:_position(change)
  local order = self.places[change.executionId]
  for position = #self.blocks, 1, -1 do
    local block = self.blocks[position]
    local other = self.places[block.execution_id]
    if other < order or (other == order and block.index < change.index) then
      return position + 1
    end
  end
  return 1
end

--- Ends the code block that a text has left open.
---@param block branchwork.Block?
function Transcript:_close_fence(block)
  if not block or block.kept == nil or block.tail > 0 then
    return
  end
  local row = self:_find(block)
  local first, last = row + #block.head, row + block.height
  local fence = entries.closing_fence(vim.api.nvim_buf_get_lines(self.buf, first, last, false))
  if fence then
    block.tail, block.height = 1, block.height + 1
    self:_put(last, last, { { { fence, "BranchworkDim" } } })
  end
end

---@param change branchwork.EntryChange
function Transcript:_add(change)
  local entry = assert(change.entry)
  if entry.kind == "session_boundary" then
    self.executor = entry.executor or self.executor
  end
  if not self.places[change.executionId] then
    self.count = self.count + 1
    self.places[change.executionId] = self.count
  end
  local position = self:_position(change)
  local before = self:_before(position)
  -- The mode that it begins in is no news.
  local is_quiet = entry.kind == "mode_change" and not before
  local rendered = is_quiet and { lines = {}, group = "" } or entries.render(entry)
  if #rendered.lines > 0 then
    self:_close_fence(before)
  end
  local block = { execution_id = change.executionId, index = change.index, kind = entry.kind }
  block.entry = entry
  local lines = fill(block, rendered, self:_head(before, entry, rendered))
  local row = before and self:_row_after(before) or 0
  table.insert(self.blocks, position, block)
  self.by_place[place_of(change)] = block
  if #lines > 0 then
    self:_spare_markdown(block)
    self:_put(row, row, lines)
  end
end

---@param block branchwork.Block
---@return integer
function Transcript:_row_after(block)
  return self:_find(block) + block.height
end

---@param block branchwork.Block
---@param entry branchwork.Entry
function Transcript:_replace(block, entry)
  local row = self:_find(block)
  local height, was_closed = block.height, block.tail > 0
  block.entry = entry
  local lines = fill(block, entries.render(entry), block.head)
  local old = vim.api.nvim_buf_get_lines(self.buf, row, row + height, false)
  -- What comes again after a reconnect is mostly the same.
  if not vim.deep_equal(old, vim.tbl_map(page.text, lines)) then
    self:_put(row, row + height, lines)
  end
  if was_closed then
    self:_close_fence(block)
  end
end

---@param block branchwork.Block
---@param text string
function Transcript:_append(block, text)
  if block.kept == nil then
    local entry = block.entry --[[@as branchwork.ToolCallEntry]]
    entry.output = (entry.output or "") .. text
    return self:_replace(block, entry)
  end
  local shown, kept = entries.growth(block.kept .. text)
  if shown == "" then
    block.kept = kept
    return
  end
  block.kept = kept
  local lines = vim.split(shown, "\n")
  local row = self:_find(block) + block.height - block.tail - 1
  page.write(self.buf, function()
    vim.api.nvim_buf_set_text(self.buf, row, -1, row, -1, lines)
  end)
  page.colour(self.buf, row, row + #lines, block.colour)
  block.height = block.height + #lines - 1
  self:_spare_markdown(block)
end

--- Lets the colours of Markdown go where they would cost too much.
---@param block branchwork.Block
function Transcript:_spare_markdown(block)
  local is_long = block.height > LONGEST_COLOURED_BLOCK
  if is_long or vim.api.nvim_buf_line_count(self.buf) > MOST_COLOURED_LINES then
    vim.treesitter.stop(self.buf)
  end
end

---@param change branchwork.EntryChange
function Transcript:take(change)
  local block = self.by_place[place_of(change)]
  if change.op == "append" then
    if block then
      self:_append(block, change.text)
    end
  elseif block then
    self:_replace(block, assert(change.entry))
  else
    self:_add(change)
  end
end

return M
