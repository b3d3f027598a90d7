local stage = require("stage")

describe(":Branchwork", function()
  local person

  before_each(function()
    person = stage.person()
    stage.serve({
      ["branchwork/changes/since"] = function()
        return stage.snapshot({ { title = "Handle empty input" }, { title = "Hand it\nover" } })
      end,
    })
  end)

  after_each(stage.close)

  local function completes(line)
    return vim.fn.getcompletion("Branchwork " .. line, "cmdline")
  end

  it("completes its verbs and what they take", function()
    assert.are.same({ "conversation" }, completes("con"))
    assert.are.same({ "InProgress", "InReview" }, completes("move i"))
    assert.are.same({}, completes("new anything"))
    assert.are.same({}, completes("dance "))
  end)

  it("completes titles by the words that are there already", function()
    assert.are.same({ "Hand it over", "Handle empty input" }, completes("log hand"))
    assert.are.same({ "empty input" }, completes("log handle em"))
    assert.are.same({ "it over" }, completes("open HAND it"))
  end)

  it("says which verbs there are where there is none such", function()
    vim.cmd("Branchwork dance")
    local said = person.said[1]
    assert.is_truthy(said:find("There is no :Branchwork dance. There is answer, archive,", 1, true))
  end)

  it("has a function behind each verb, and a verb behind each key", function()
    local command = require("branchwork.command")
    for _, key in ipairs(require("branchwork.keys").VERBS) do
      assert.is_true(vim.list_contains(command.verbs(), key[2]), key[2])
    end
    for _, verb in ipairs(command.verbs()) do
      local help = vim.fn.getcompletion(":Branchwork-" .. verb, "help")
      assert.is_true(vim.list_contains(help, ":Branchwork-" .. verb), verb)
    end
  end)
end)

describe("a server that is not there", function()
  it("is named, by the command and by the health check", function()
    stage.serve()
    vim.lsp.config("branchwork", { cmd = { "branchwork", "lsp" } })
    local path = vim.env.PATH
    finally(function()
      vim.env.PATH = path
      stage.close()
    end)
    vim.env.PATH = "/usr/bin:/bin"
    local person = stage.person()
    vim.cmd("Branchwork board")
    stage.eventually(function()
      return vim.iter(person.said):find(function(text)
        return text:find("is not on the PATH", 1, true)
      end)
    end)
    vim.cmd("silent checkhealth branchwork")
    local text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), "\n")
    assert.is_truthy(text:find("`branchwork` is not on the PATH", 1, true), text)
  end)
end)
