local stage = require("stage")

local words = require("branchwork.words")

describe("a notice", function()
  local notice
  local echo = vim.api.nvim_echo

  before_each(function()
    stage.forget()
    notice = require("branchwork.notice")
  end)

  after_each(function()
    vim.api.nvim_echo = echo
    stage.close()
  end)

  it("is one line for whoever shows it", function()
    local person = stage.person()
    notice.done("Merged into main.", { "One\nmore", "  thing " })
    assert.are.same({ "Merged into main. One more thing" }, person.said)
  end)

  it("fits into the bottom line, or Neovim would ask for a key", function()
    local said
    vim.api.nvim_echo = function(chunks)
      said = chunks[1][1]
    end
    for _, text in ipairs({ ("long "):rep(100), ("日本語"):rep(100) }) do
      notice.say(text)
      assert.is_true(words.width(said) < vim.v.echospace, said)
      assert.is_truthy(said:find("…$"))
    end
  end)
end)
