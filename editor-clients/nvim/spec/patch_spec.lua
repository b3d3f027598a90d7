local stage = require("stage")

local DIFF = "branchwork/workspace/diff"

describe("a whole diff", function()
  local server, diff

  local function lines(name)
    vim.cmd.edit("branchwork://patch/" .. name)
    stage.call(server, DIFF)
    stage.settle()
    return vim.api.nvim_buf_get_lines(0, 0, -1, true)
  end

  before_each(function()
    diff = { files = {}, fileCount = 0, additions = 0, deletions = 0 }
    server = stage.serve({
      ["branchwork/changes/since"] = function()
        local attempts = { { id = "w1", taskId = "t1" } }
        return stage.snapshot({ { title = "Handle 100 %" } }, { workspaces = attempts })
      end,
      [DIFF] = function()
        return diff
      end,
    })
  end)

  after_each(stage.close)

  it("is the patch of each file, with its size above", function()
    diff = { fileCount = 2, additions = 1, deletions = 1 }
    local patch = "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a\n+b\n"
    diff.files = {
      { path = "a.py", status = "modified", patch = patch },
      { path = "a.png", status = "added", omitted = "binary" },
    }
    local wanted = { "--- a/a.py", "+++ b/a.py", "@@ -1 +1 @@", "-a", "+b", "added a.png (binary)" }
    assert.are.same(wanted, lines("w1/handle"))
    assert.is_truthy(vim.wo.winbar:find("Handle 100 %%", 1, true))
    assert.is_truthy(vim.wo.winbar:find("2 files, +1 -1", 1, true))
    assert.are.equal("all", server.calls[DIFF][1].params.scope)
  end)

  it("is of the part that its name says", function()
    assert.are.same({ "Nothing is changed." }, lines("w1.lastTurn"))
    local params = server.calls[DIFF][1].params
    assert.are.same({ "w1", "lastTurn" }, { params.workspaceId, params.scope })
  end)
end)
