local words = require("branchwork.words")

describe("times", function()
  it("are those of the clock", function()
    assert.are.equal(0, words.seconds("1970-01-01T00:00:00.000Z"))
    assert.are.equal(1709251199, words.seconds("2024-02-29T23:59:59.999Z"))
    assert.is_nil(words.seconds("yesterday"))
    assert.are.equal("00:01", words.clock(60000))
  end)

  it("are told in one unit", function()
    local function ago(gone)
      return words.ago("1970-01-01T00:00:00.000Z", gone)
    end
    local told = vim.tbl_map(ago, { 0, 59, 60, 3599, 3600, 86400 * 3 })
    assert.are.same({ "now", "now", "1 min", "59 min", "1 h", "3 d" }, told)
  end)

  it("of a clock that goes ahead of ours are now", function()
    assert.are.equal("now", words.ago("1970-01-01T01:00:00.000Z", 0))
    assert.are.equal("", words.ago("no time"))
  end)
end)

describe("a text in columns", function()
  local TITLES = { "short", "a much longer title", "日本語の題名です", "été", "👩‍💻 a family", "" }

  it("has one width whatever it is written in", function()
    for _, title in ipairs(TITLES) do
      assert.are.equal(10, vim.fn.strdisplaywidth(words.padded(title, 10)), title)
    end
  end)

  it("is on one line, and says that there is more of it", function()
    assert.are.equal("a b c", words.shortened(" a\n b\tc ", 10))
    assert.are.equal("日本…", words.shortened("日本語の題名です", 6))
    assert.are.equal("exact", words.shortened("exact", 5))
  end)
end)

describe("counts and endings", function()
  it("are said as a person says them", function()
    assert.are.equal("1 file", words.count(1, "file"))
    assert.are.equal("0 files", words.count(0, "file"))
    assert.are.equal("2 branches", words.count(2, "branch", "branches"))
    assert.are.equal("stopped", words.ending("Killed")[1])
    assert.are.equal("not started", words.ending(nil)[1])
  end)

  it("of a newer server are shown as they are", function()
    assert.are.equal("Paused", words.ending("Paused")[1])
    assert.are.equal("A  (Frozen)", words.task({ title = "A", status = "Frozen" }))
  end)

  it("a task in a list says what matters most first", function()
    local task = { title = "Handle it", status = "InProgress", running = true }
    assert.are.equal("Handle it  (running, In progress)", words.task(task))
    task.needsYou = true
    assert.are.equal("Handle it  (needs you, In progress)", words.task(task))
    task.title = ("日本語"):rep(50)
    assert.is_true(vim.fn.strdisplaywidth(words.task(task)) < vim.o.columns - #"1000: ")
  end)
end)
