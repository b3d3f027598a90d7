local page = require("branchwork.page")

describe("a page that is drawn as a whole", function()
  local buf, touched

  --- A line for each word, which is its text, its key and, after a colon, its colour.
  local function draw(words)
    page.draw(
      buf,
      vim.tbl_map(function(word)
        local text, colour = word:match("^(%w+):?(%w*)$")
        return { { text, colour ~= "" and colour or nil }, subject = { key = text } }
      end, vim.split(words, " "))
    )
  end

  local function lines()
    return table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, true), " ")
  end

  local function colours()
    local found = {}
    for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(buf, -1, 0, -1, { details = true })) do
      table.insert(found, ("%d %s"):format(mark[2] + 1, mark[4].hl_group))
    end
    return found
  end

  before_each(function()
    vim.cmd.enew()
    buf, touched = vim.api.nvim_get_current_buf(), 0
    page.setup(buf, { filetype = "x", closed = function() end })
    draw("head a b c d")
    vim.api.nvim_buf_attach(buf, false, {
      on_lines = function(_, _, _, first, last, now)
        touched = touched + math.max(last - first, now - first)
      end,
    })
  end)

  after_each(function()
    vim.cmd("silent! %bwipeout!")
  end)

  for _, words in ipairs({
    "head a b c d",
    "head d a b c",
    "head a x b c d",
    "new head a b c d",
    "head a b c d e",
    "head",
    "other",
    "head b a d c e f",
  }) do
    it(("becomes “%s”"):format(words), function()
      draw(words)
      assert.are.equal(words, lines())
    end)
  end

  it("does not touch what looks as before", function()
    draw("head a b c d")
    assert.are.equal(0, touched)
    draw("head d a b c")
    assert.are.equal(2, touched)
  end)

  it("has its colours where its words are", function()
    draw("head a:Error b c d")
    assert.are.same({ "2 Error" }, colours())
    draw("head x a:Error b c d:Title")
    assert.are.same({ "3 Error", "6 Title" }, colours())
    draw("head x a b c d:Title")
    assert.are.same({ "6 Title" }, colours())
  end)

  it("keeps the cursor on what it is on, and that where it is in the window", function()
    local many = {}
    for number = 1, 100 do
      table.insert(many, "n" .. number)
    end
    local words = table.concat(many, " ")
    draw(words)
    vim.fn.search("n50")
    vim.cmd("normal! zz")
    local row = vim.fn.winline()
    draw("x y z " .. words)
    assert.are.same({ "n50", row }, { vim.fn.getline("."), vim.fn.winline() })
    draw((words:gsub("n3 n4 ", "")))
    assert.are.same({ "n50", row }, { vim.fn.getline("."), vim.fn.winline() })
  end)

  it("puts the cursor on the first line where that is gone", function()
    vim.fn.search("c")
    draw("head a b d")
    assert.are.equal("head", vim.fn.getline("."))
    assert.are.equal("head", page.subject().key)
  end)
end)
