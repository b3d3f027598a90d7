--- The highlight groups of our buffers: links that any colour scheme or person can change.

local M = {}

local LINKS = {
  BranchworkTitle = "Title",
  BranchworkHeading = "Statement",
  BranchworkDim = "Comment",
  BranchworkKey = "Special",
  BranchworkRunning = "DiagnosticInfo",
  BranchworkNeedsYou = "DiagnosticWarn",
  BranchworkDone = "DiagnosticOk",
  BranchworkFailed = "DiagnosticError",
  BranchworkYou = "Identifier",
  BranchworkAgent = "Function",
  BranchworkThought = "Comment",
  BranchworkTool = "Type",
  BranchworkOutput = "Comment",
  BranchworkBranch = "Comment",
  BranchworkAdded = "Added",
  BranchworkRemoved = "Removed",
}

function M.define()
  for name, link in pairs(LINKS) do
    vim.api.nvim_set_hl(0, name, { link = link, default = true })
  end
end

return M
