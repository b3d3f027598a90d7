local stage = require("stage")

local SINCE = "branchwork/changes/since"

describe("the status line", function()
  local server, tasks, attention

  local function text()
    return require("branchwork").statusline()
  end

  before_each(function()
    tasks, attention = {}, {}
    server = stage.serve({
      [SINCE] = function()
        return stage.snapshot(tasks, { attention = attention })
      end,
    })
  end)

  after_each(stage.close)

  local function connect()
    require("branchwork.rpc").connect(function() end)
    stage.settle()
  end

  it("asks for nothing where there is no server", function()
    assert.are.equal("", text())
    stage.settle()
    assert.are.same({}, server.calls)
  end)

  it("reads the board once where there is one, and is empty while nothing goes on", function()
    tasks = { { title = "A" } }
    connect()
    assert.are.equal("", text())
    stage.call(server, SINCE)
    stage.settle()
    assert.are.equal("", text())
    assert.are.equal(1, #server.calls[SINCE])
  end)

  it("says what runs and what waits", function()
    tasks = { { title = "A", running = true }, { title = "B", running = true } }
    attention = { { id = "a" } }
    connect()
    text()
    stage.settle()
    assert.are.equal("● 2 running  ! 1 needs you", text())
    assert.are.same({ running = 2, needs_you = 1 }, require("branchwork").counts())
    local changed = { epoch = "one", seq = 11, items = { { id = "a" }, { id = "b" } } }
    require("branchwork.mirror").attention_changed(changed)
    assert.are.equal("● 2 running  ! 2 need you", text())
  end)
end)
