local stage = require("stage")

local SINCE, PROJECTS = "branchwork/changes/since", "branchwork/project/list"
local TITLES = { "Log in", "Write the log", "Log\n in again", "Unrelated" }

describe("what a verb is about", function()
  local person, target, board, attempts, current

  local function task(wanted)
    local found
    target.task(vim.tbl_extend("keep", wanted, { what = "Show" }), function(one, workspace_id)
      found = { one.title, workspace_id }
    end)
    stage.settle()
    return found
  end

  before_each(function()
    person, current = stage.person(), nil
    attempts = { { id = "w1", taskId = "t1" } }
    board = vim.tbl_map(function(title)
      return { title = title }
    end, TITLES)
    stage.serve({
      [SINCE] = function()
        return stage.snapshot(board, { workspaces = attempts })
      end,
      [PROJECTS] = function()
        return { current = current }
      end,
    })
    target = require("branchwork.target")
  end)

  after_each(stage.close)

  it("is the task that has the title, however it is written", function()
    assert.are.same({ "Log in" }, task({ text = " LOG IN " }))
    assert.are.same({ "Unrelated" }, task({ text = "unr" }))
    assert.are.same({ "Log\n in again" }, task({ text = "log in again" }))
    assert.are.same({}, person.asked)
  end)

  it("is one that begins so before one that has it somewhere", function()
    person.wanted = "again"
    assert.are.same({ "Log\n in again" }, task({ text = "log" }))
    assert.are.equal("Show which task?", person.asked[1].prompt)
    assert.are.same({ "Log in again  (To do)", "Log in  (To do)" }, person.asked[1].titles)
    assert.are.same({ "Write the log" }, task({ text = "the log" }))
  end)

  it("is nothing where nothing is called so, not even by now", function()
    assert.is_nil(task({ text = "nothing like it" }))
    assert.are.same({ "No task is called “nothing like it”." }, person.said)
  end)

  it("may have been made a moment ago in another editor", function()
    task({ text = "Unrelated" })
    board = { { id = "t9", title = "Brand new" } }
    assert.are.same({ "Brand new" }, task({ text = "brand" }))
  end)

  it("is what the cursor is on", function()
    local page = require("branchwork.page")
    local buf = vim.api.nvim_get_current_buf()
    page.setup(buf, { filetype = "x", closed = function() end })
    page.draw(buf, { { { "it" }, subject = { taskId = "t2", workspaceId = "w7" } } })
    assert.are.same({ "Write the log", "w7" }, task({}))
  end)

  it("is the workspace that the file lies in", function()
    current = { taskId = "t1", workspaceId = "w1" }
    assert.are.same({ "Log in", "w1" }, task({}))
  end)

  it("else is chosen among those with which it can be done", function()
    person.wanted = "Log in"
    local found
    target.workspace({ what = "Stop" }, function(workspace, one)
      found = { workspace.id, one.title }
    end)
    stage.settle()
    assert.are.same({ "w1", "Log in" }, found)
    assert.are.same({}, person.asked, "there is only one")
  end)

  it("has to be started before it has a workspace", function()
    target.workspace({ what = "Show", text = "Unrelated" }, error)
    stage.settle()
    local hint = "“Unrelated” was not started yet: gs or :Branchwork start does that."
    assert.are.same({ hint }, person.said)
  end)

  it("may have been started a moment ago in another editor", function()
    task({ text = "Unrelated" })
    table.insert(attempts, { id = "w4", taskId = "t4" })
    local found
    target.workspace({ what = "Show", text = "Unrelated" }, function(workspace)
      found = workspace.id
    end)
    stage.settle()
    assert.are.equal("w4", found)
  end)

  it("is nothing where there is no task", function()
    board = {}
    assert.is_nil(task({}))
    assert.are.same({ "There is no task to show." }, person.said)
  end)
end)
