local stage = require("stage")

local SINCE = "branchwork/changes/since"

local function task(id, title)
  return { entity = "task", op = "update", id = id, value = { id = id, title = title } }
end

describe("the mirror of the board", function()
  local server, mirror, told

  local function changed(seq, changes, more)
    local params = { epoch = "one", seq = seq, changes = changes }
    return mirror.changed(vim.tbl_extend("force", params, more or {}))
  end

  local function loaded(result)
    stage.call(server, SINCE).answer(nil, result)
    stage.eventually(mirror.known)
  end

  before_each(function()
    server, told = stage.serve(), {}
    mirror = require("branchwork.mirror")
    mirror.listen(function(changes)
      table.insert(told, #changes)
    end)
  end)

  after_each(stage.close)

  local function load()
    local seen = {}
    mirror.load(function(known)
      table.insert(seen, known)
    end, function(err)
      table.insert(seen, err.message)
    end)
    return seen
  end

  it("is read once, however many want it", function()
    local first, second = load(), load()
    loaded(stage.snapshot({ { title = "A" }, { title = "B" } }))
    stage.eventually(function()
      return first[1] and second[1]
    end)
    assert.are.equal(1, #server.calls[SINCE])
    assert.are.equal("B", mirror.tasks()[1].title)
    assert.are.equal(mirror.known(), load()[1])
  end)

  it("reads nothing before somebody looks", function()
    assert.is_true(changed(11, { task("t1", "A") }))
    mirror.catch_up()
    stage.settle()
    assert.is_nil(server.calls[SINCE])
    assert.is_nil(mirror.known())
  end)

  it("follows each change, and takes none twice", function()
    load()
    loaded(stage.snapshot({ { title = "A" }, { title = "B" } }))
    assert.is_true(changed(11, { task("t1", "A2"), task("t3", "C") }))
    assert.is_false(changed(11, { task("t1", "not again") }))
    changed(12, { { entity = "task", op = "delete", id = "t2" } })
    changed(13, { { entity = "hologram", op = "create", id = "h", value = { id = "h" } } })
    local titles = vim.tbl_map(function(one)
      return one.title
    end, mirror.tasks())
    assert.are.same({ "C", "A2" }, titles)
    assert.are.same({ 0, 2, 1, 1 }, told)
  end)

  it("keeps only those executions that run", function()
    load()
    loaded(stage.snapshot())
    local run = { entity = "execution", op = "create", id = "e", value = { status = "Running" } }
    changed(11, { run })
    assert.is_table(mirror.known().execution.e)
    run.value = { status = "Completed" }
    changed(12, { run })
    assert.is_nil(mirror.known().execution.e)
  end)

  it("takes what came while the snapshot was on its way", function()
    load()
    stage.call(server, SINCE)
    changed(10, { task("t1", "in the snapshot already") })
    changed(11, { task("t1", "newer") })
    loaded(stage.snapshot({ { title = "A" } }))
    assert.are.equal("newer", mirror.known().task.t1.title)
  end)

  it("asks for what is missing, until it has all of it", function()
    load()
    loaded(stage.snapshot({ { title = "A" } }))
    changed(20, {}, { gap = true })
    local again = stage.call(server, SINCE, 2)
    assert.are.same({ epoch = "one", seq = 10 }, again.params)
    local part = { epoch = "one", seq = 15, changes = { task("t1", "later") }, more = true }
    again.answer(nil, part)
    local last = stage.call(server, SINCE, 3)
    assert.are.equal(15, last.params.seq)
    last.answer(nil, { epoch = "one", seq = 20, changes = { task("t4", "D") } })
    stage.eventually(function()
      return mirror.known().task.t4
    end)
    assert.are.equal("later", mirror.known().task.t1.title)
  end)

  it("is read anew where the server's history is another", function()
    load()
    loaded(stage.snapshot({ { title = "A" } }))
    changed(1, {}, { epoch = "two" })
    local result = stage.snapshot({ { id = "n", title = "New" } })
    result.epoch, result.seq = "two", 1
    stage.call(server, SINCE, 2).answer(nil, result)
    stage.eventually(function()
      return mirror.known().task.n
    end)
    assert.is_nil(mirror.known().task.t1)
  end)

  it("waits for the next daemon where this one went away", function()
    load()
    loaded(stage.snapshot({ { title = "A" } }))
    changed(20, {}, { gap = true })
    local lost = require("branchwork.protocol").errors.DaemonLost
    stage.call(server, SINCE, 2).answer({ code = lost, message = "gone" })
    stage.settle()
    assert.are.equal("A", mirror.known().task.t1.title)
    mirror.catch_up()
    stage.call(server, SINCE, 3).answer(nil, { epoch = "one", seq = 21, changes = {} })
    stage.eventually(function()
      return mirror.known().seq == 21
    end)
  end)

  it("tells whoever waits that the server has ended", function()
    local seen = load()
    stage.call(server, SINCE)
    vim.lsp.get_clients()[1]:stop(true)
    stage.eventually(function()
      return seen[1]
    end)
    assert.are.same({ "Branchwork's language server has ended." }, seen)
    assert.is_nil(mirror.known())
  end)

  it("knows the newest attempt at a task, and the tasks of a project", function()
    local tasks = { { title = "A" }, { title = "B", projectId = "p2" } }
    local attempts = { { id = "w1", taskId = "t1" }, { id = "w2", taskId = "t1" } }
    load()
    loaded(stage.snapshot(tasks, { workspaces = attempts }))
    assert.are.equal("w2", mirror.newest_workspaces().t1.id)
    assert.are.same({ "B" }, { mirror.tasks("p2")[1].title, mirror.tasks("p2")[2] })
  end)
end)

describe("what needs the person", function()
  local mirror

  local function attention(seq, ids)
    local items = vim.tbl_map(function(id)
      return { id = id }
    end, ids)
    return mirror.attention_changed({ epoch = "one", seq = seq, items = items })
  end

  before_each(function()
    stage.forget()
    mirror = require("branchwork.mirror")
  end)

  it("is new once", function()
    assert.are.same({ { id = "a" } }, attention(1, { "a" }))
    assert.is_nil(attention(1, { "a" }))
    assert.are.same({ { id = "b" } }, attention(2, { "a", "b" }))
    assert.are.same({}, attention(3, { "b" }))
    assert.are.same({ { id = "b" } }, mirror.attention())
  end)

  it("is not taken back by what another connection tells later", function()
    attention(5, { "a" })
    assert.is_nil(attention(4, {}))
    assert.are.equal(1, #mirror.attention())
  end)

  it("waits since it was told here first", function()
    attention(1, { "a" })
    stage.settle()
    attention(2, { "a", "b" })
    assert.is_true(mirror.waits_for("a") >= 15)
    assert.is_true(mirror.waits_for("b") < mirror.waits_for("a"))
    assert.are.equal(0, mirror.waits_for("never told"))
  end)
end)
