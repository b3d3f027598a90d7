local stage = require("stage")

local LONG = ("A title that goes on and on. "):rep(8)

describe("the board", function()
  local tasks, more, current

  local function widen(columns)
    vim.o.columns = columns
    -- No screen is there that would do it.
    vim.cmd("wincmd =")
  end

  local function open(width)
    stage.serve({
      ["branchwork/changes/since"] = function()
        return stage.snapshot(tasks, more)
      end,
      ["branchwork/project/list"] = function()
        return { current = current }
      end,
    })
    widen(width)
    vim.cmd.edit("branchwork://board" .. (more.all and "/all" or ""))
    stage.eventually(function()
      return vim.bo.filetype == "branchwork" and vim.wo.winbar:find("Board", 1, true)
    end)
  end

  local function lines()
    return vim.api.nvim_buf_get_lines(0, 0, -1, true)
  end

  --- The lines of tasks, without their times.
  local function rows()
    return vim.tbl_filter(function(line)
      return line:find("^  ") ~= nil
    end, lines())
  end

  before_each(function()
    tasks = { { title = "First", status = "Done" }, { title = "日本語 👩‍💻", needsYou = true } }
    local attempts = { { id = "w1", taskId = "t1", branch = "vk-1-first" } }
    current = { projectId = "p1" }
    more = { projects = { { id = "p1", name = "shop" } }, workspaces = attempts }
  end)

  after_each(function()
    widen(80)
    stage.close()
  end)

  it("says how a task is made where there is none", function()
    tasks = {}
    open(80)
    assert.is_truthy(lines()[1]:find("There is no task yet.", 1, true))
    assert.is_truthy(vim.wo.winbar:find("shop", 1, true))
  end)

  it("has the tasks by their status, and counts them", function()
    open(80)
    local wanted = { "2 tasks · 0 running · 1 needs you   g? keys", "", "To do 1" }
    assert.are.same(wanted, vim.list_slice(lines(), 1, 3))
    assert.are.same({ "", "Done 1" }, vim.list_slice(lines(), 5, 6))
  end)

  it("has columns, whatever the titles are written in", function()
    open(100)
    local first, second = unpack(rows())
    assert.is_truthy(first:find("!", 1, true))
    local at = { first:find(" %d+ d "), second:find(" %d+ d ") }
    assert.is_truthy(at[1] and at[3])
    assert.are.equal(vim.fn.strdisplaywidth(first), vim.fn.strdisplaywidth(second))
    assert.is_truthy(second:find("vk-1-first", 1, true))
  end)

  it("fits into its window: branches go first, then the ends of titles", function()
    tasks[1].title = LONG
    for width, has_branch in pairs({ [200] = true, [80] = false, [40] = false }) do
      open(width)
      local room = width - vim.fn.getwininfo(vim.api.nvim_get_current_win())[1].textoff
      for _, line in ipairs(rows()) do
        assert.is_true(vim.fn.strdisplaywidth(line) <= room, line)
      end
      local text = table.concat(rows(), "\n")
      assert.are.equal(has_branch, text:find("vk-1-first", 1, true) ~= nil)
      assert.is_truthy(text:find("…", 1, true))
      assert.is_truthy(text:find("needs you", 1, true))
      stage.close()
    end
  end)

  it("is drawn for the new width when the window gets another", function()
    tasks[1].title = LONG
    open(80)
    local before = rows()
    widen(60)
    vim.api.nvim_exec_autocmds("VimResized", {})
    stage.eventually(function()
      return not vim.deep_equal(before, rows())
    end)
  end)

  it("names the project of each task where it is that of all", function()
    more.all = true
    open(80)
    assert.is_truthy(rows()[1]:find("shop", 1, true))
    assert.is_truthy(vim.wo.winbar:find("all projects", 1, true))
  end)

  it("is that of all where the folder has no project yet", function()
    current = {}
    open(80)
    assert.is_truthy(vim.wo.winbar:find("all projects, this folder has none yet", 1, true))
  end)

  it("says that its language server has ended", function()
    open(80)
    vim.lsp.get_clients()[1]:stop(true)
    stage.eventually(function()
      return lines()[1] == "Branchwork's language server has ended."
    end)
    assert.are.equal("R tries again.", lines()[2])
  end)
end)

describe("a view that has nothing to show", function()
  it("says why, and breaks nothing off", function()
    stage.serve()
    vim.lsp.config("branchwork", { cmd = { "no-such-server" } })
    for _, name in ipairs({ "board", "board/all", "attention", "conversation/x", "log/x" }) do
      vim.cmd.edit("branchwork://" .. name)
      stage.eventually(function()
        local line = vim.api.nvim_buf_get_lines(0, 0, 1, true)[1]
        return line:find("`no-such-server` is not on the PATH", 1, true)
      end)
    end
    stage.close()
  end)
end)
