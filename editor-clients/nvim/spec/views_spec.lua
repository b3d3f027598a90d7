local stage = require("stage")

describe("a view", function()
  local function name()
    return vim.api.nvim_buf_get_name(0)
  end

  before_each(function()
    stage.serve({
      ["branchwork/changes/since"] = function()
        return stage.snapshot({}, { projects = { { id = "p1", name = "The shop" } } })
      end,
      ["branchwork/project/list"] = function()
        return { current = { projectId = "p1" } }
      end,
    })
  end)

  after_each(function()
    vim.cmd("silent! only")
    stage.close()
  end)

  it("takes the place of another one", function()
    require("branchwork").run("board", "all")
    local windows = #vim.api.nvim_list_wins()
    require("branchwork").run("attention")
    assert.are.equal("branchwork://attention", name())
    assert.are.equal(windows, #vim.api.nvim_list_wins())
  end)

  it("stands beside another one where that is said", function()
    require("branchwork").run("board", "all")
    local windows = #vim.api.nvim_list_wins()
    vim.cmd("vertical Branchwork attention")
    assert.are.equal("branchwork://attention", name())
    assert.are.equal(windows + 1, #vim.api.nvim_list_wins())
  end)

  it("of a project's board is called after the project", function()
    require("branchwork").run("board")
    stage.eventually(function()
      return name() == "branchwork://board/p1/the-shop"
    end)
  end)
end)
