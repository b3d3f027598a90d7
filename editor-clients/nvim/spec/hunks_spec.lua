local hunks = require("branchwork.hunks")

local PATCH = table.concat({
  "--- a/a.py",
  "+++ b/a.py",
  "@@ -1,3 +1,3 @@",
  " one",
  "-two",
  "+2",
  " three",
  "@@ -9 +9,0 @@",
  "-nine",
  "",
}, "\n")

describe("a patch", function()
  it("is places to go to", function()
    local file = { path = "a.py", uri = "file:///w/a.py", status = "modified", patch = PATCH }
    local told = vim.tbl_map(function(entry)
      return { entry.filename, entry.module, entry.lnum, entry.text }
    end, hunks.quickfix(file))
    assert.are.same({
      { "/w/a.py", "a.py", 2, "M +1 -1  two" },
      { "/w/a.py", "a.py", 9, "M +0 -1  nine" },
    }, told)
  end)

  it("of a file without a last line break counts no line more", function()
    local no_break = "\\ No newline at end of file\n"
    local patch = "@@ -1 +1 @@\n-a\n" .. no_break .. "+b\n" .. no_break
    assert.are.same({ { line = 1, added = 1, removed = 1, text = "a" } }, hunks.of_patch(patch))
  end)

  it("that empties a file leads to its first line", function()
    assert.are.equal(1, hunks.of_patch("@@ -1,2 +0,0 @@\n-a\n-b\n")[1].line)
  end)
end)

describe("a file without a patch", function()
  it("that is gone can't be gone to", function()
    local file = { path = "a.py", status = "deleted", additions = 0, deletions = 2 }
    local entries = hunks.quickfix(file)
    assert.are.same({ { lnum = 1, text = "D +0 -2  a.py", valid = 0 } }, entries)
  end)

  it("says why it has none", function()
    local file = { path = "a.png", uri = "file:///w/a.png", status = "added", omitted = "binary" }
    local entry = hunks.quickfix(file)[1]
    assert.are.same({ "A binary", "/w/a.png", 1 }, { entry.text, entry.filename, entry.valid })
  end)

  it("with a status of a newer server is shown all the same", function()
    local file = { path = "a", uri = "file:///a", status = "entangled" }
    assert.are.equal("? binary", hunks.quickfix(file)[1].text)
  end)
end)
