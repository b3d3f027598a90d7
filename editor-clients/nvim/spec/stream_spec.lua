local stage = require("stage")

local LOGS = "branchwork/execution/logs"

describe("a stream", function()
  local server, stream, seen, at

  local function open()
    return stream.open({
      method = LOGS,
      params = function()
        return { fromSeq = at }
      end,
      on_open = function()
        table.insert(seen, "open")
      end,
      on_piece = function(value)
        at = value
        table.insert(seen, value)
      end,
      on_lost = function()
        table.insert(seen, "lost")
      end,
      on_end = function(result, problem)
        table.insert(seen, problem or result)
      end,
    })
  end

  local function piece(call, value)
    server.tell("$/progress", { token = call.params.partialResultToken, value = value })
  end

  local function saw(wanted)
    stage.eventually(function()
      return #seen >= #wanted
    end)
    assert.are.same(wanted, seen)
  end

  local function lose(call)
    local code = require("branchwork.protocol").errors.DaemonLost
    call.answer({ code = code, message = "gone" })
  end

  before_each(function()
    server, seen, at = stage.serve(), {}, 0
    stream = require("branchwork.stream")
  end)

  after_each(stage.close)

  it("gives its pieces and then its end", function()
    open()
    local call = stage.call(server, LOGS)
    piece(call, 1)
    piece(call, 2)
    call.answer(nil, "over")
    saw({ "open", 1, 2, "over" })
  end)

  it("goes on with the next daemon from where it was", function()
    open()
    piece(stage.call(server, LOGS), 7)
    saw({ "open", 7 })
    lose(server.calls[LOGS][1])
    saw({ "open", 7, "lost" })
    server.tell("branchwork/reconnected", {})
    local again = stage.call(server, LOGS, 2)
    assert.are.equal(7, again.params.fromSeq)
    piece(server.calls[LOGS][1], "of the opening before")
    piece(again, 8)
    saw({ "open", 7, "lost", "open", 8 })
  end)

  it("also where the next daemon is told of before the loss", function()
    open()
    local call = stage.call(server, LOGS)
    server.tell("branchwork/reconnected", {})
    lose(call)
    stage.call(server, LOGS, 2)
    saw({ "open", "lost", "open" })
  end)

  it("ends with what went wrong", function()
    open()
    stage.call(server, LOGS).answer({ code = 1, message = "There is no such log." })
    saw({ "open", "There is no such log." })
    server.tell("branchwork/reconnected", {})
    stage.settle()
    assert.are.equal(1, #server.calls[LOGS])
  end)

  it("ends with its language server", function()
    open()
    stage.call(server, LOGS)
    vim.lsp.get_clients()[1]:stop(true)
    saw({ "open", "The connection has ended: R connects again." })
  end)

  it("that nobody reads is cancelled, and what was on its way goes nowhere", function()
    local following = open()
    local call = stage.call(server, LOGS)
    following:close()
    stage.eventually(function()
      return server.cancelled == 1
    end)
    assert.is_true(stream.take({ token = call.params.partialResultToken, value = 1 }))
    assert.are.same({ "open" }, seen)
  end)

  it("leaves the progress of others to them", function()
    assert.is_false(stream.take({ token = 7, value = {} }))
    assert.is_false(stream.take({ token = "branchwork/e1", value = {} }))
  end)
end)
