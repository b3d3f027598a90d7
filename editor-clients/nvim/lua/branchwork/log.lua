--- The view of the log of a process, `branchwork://log/{execution}`, which follows while it runs.

local follow = require("branchwork.follow")
local mirror = require("branchwork.mirror")
local notice = require("branchwork.notice")
local page = require("branchwork.page")
local plain = require("branchwork.plain")
local protocol = require("branchwork.protocol")
local rpc = require("branchwork.rpc")
local stream = require("branchwork.stream")
local words = require("branchwork.words")

local M = {}

-- The oldest lines go when there are more, some at a time.
local MOST_LINES = 100000
local DROPPED_LINES = 10000

local REASONS = {
  CodingAgent = "agent",
  SetupScript = "setup script",
  CleanupScript = "cleanup script",
  ArchiveScript = "archive script",
  DevServer = "dev server",
}

---@class branchwork.Log
---@field buf integer
---@field execution branchwork.ExecutionProcess?
---@field title string
---@field next_seq integer
---@field open_line string The last line as it came, to be gone on with.
---@field state { [1]: string, [2]: string? }

---@param log branchwork.Log
---@param text string
local function append(log, text)
  local raw = vim.split(log.open_line .. text, "\n", { plain = true })
  log.open_line = raw[#raw]
  local lines = vim.tbl_map(plain.line, raw)
  follow.while_changing(log.buf, function()
    page.write(log.buf, function()
      vim.api.nvim_buf_set_lines(log.buf, -2, -1, false, lines)
      if vim.api.nvim_buf_line_count(log.buf) > MOST_LINES then
        vim.api.nvim_buf_set_lines(log.buf, 0, DROPPED_LINES, false, {})
      end
    end)
  end)
end

---@param log branchwork.Log
local function retitle(log)
  local reason = log.execution and log.execution.runReason or ""
  page.title(log.buf, {
    { log.title, "BranchworkTitle" },
    { REASONS[reason] or reason },
    log.state,
  })
end

---@param log branchwork.Log
---@param piece branchwork.ExecutionLogsPart
local function take(log, piece)
  if not page.is_open(log.buf) then
    return
  end
  if piece.gap then
    local missing = "\n[records %d to %d did not come: R reads them]\n"
    append(log, missing:format(piece.gap.from, piece.gap.to))
  end
  if piece.text then
    append(log, piece.text)
  end
  log.next_seq = piece.nextSeq
end

---@param result branchwork.ExecutionLogsResult
---@return { [1]: string, [2]: string? }
local function ending_of(result)
  local ending = words.ending(result.status)
  local code = result.exitCode
  if code and code ~= 0 then
    return { ("%s (exit code %d)"):format(ending[1], code), ending[2] }
  end
  return ending
end

---@param log branchwork.Log
---@return branchwork.Stream
local function open_stream(log)
  local function now(state)
    log.state = state
    if page.is_open(log.buf) then
      retitle(log)
    end
  end
  return stream.open({
    method = protocol.methods.executionLogs,
    on_open = function()
      now(words.ending("Running"))
    end,
    params = function()
      return { executionId = log.execution.id, fromSeq = log.next_seq, follow = true }
    end,
    on_piece = function(piece)
      take(log, piece)
    end,
    on_lost = function()
      now({ "waits for the server", "BranchworkNeedsYou" })
    end,
    on_end = function(result, problem)
      now(result and ending_of(result) or { problem, "BranchworkFailed" })
    end,
  })
end

---@param log branchwork.Log
---@param opened fun(following: branchwork.Stream)
local function begin(log, id, opened)
  rpc.request(protocol.methods.executionGet, { executionId = id }, function(result)
    if not page.is_open(log.buf) then
      return
    end
    local execution = result.execution ---@type branchwork.ExecutionProcess
    local known = assert(mirror.known())
    local workspace = known.workspace[execution.workspaceId]
    local task = workspace and known.task[workspace.taskId]
    log.execution, log.title = execution, task and task.title or "Log"
    page.set_subject(log.buf, {
      taskId = task and task.id,
      workspaceId = execution.workspaceId,
      executionId = execution.id,
    })
    page.write(log.buf, function()
      vim.api.nvim_buf_set_lines(log.buf, 0, -1, false, {})
    end)
    opened(open_stream(log))
  end, page.failing(log.buf))
end

---@param buf integer
---@param id string?
function M.read(buf, id)
  if not id then
    return notice.problem("branchwork://log/ wants the id of an execution.")
  end
  local following ---@type branchwork.Stream?
  page.setup(buf, {
    filetype = "branchwork-log",
    window = { wrap = true },
    closed = function()
      if following then
        following:close()
      end
    end,
  })
  follow.keep(buf)
  local log = { buf = buf, title = "Log", next_seq = 1, open_line = "", state = { "" } }
  mirror.load(function()
    begin(log, id, function(opened)
      following = opened
    end)
  end, page.failing(buf))
end

return M
