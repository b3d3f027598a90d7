--- A function that may be called as often as things change, and runs only so often. Pure.

---@param milliseconds integer The pause between two runs.
---@param run fun()
---@return fun()
return function(milliseconds, run)
  local is_resting, is_wanted = false, false
  local function go()
    is_resting, is_wanted = true, false
    run()
    vim.defer_fn(function()
      is_resting = false
      if is_wanted then
        go()
      end
    end, milliseconds)
  end
  return function()
    is_wanted = true
    if not is_resting then
      is_resting = true
      -- Whatever comes in the same turn of the loop is one change.
      vim.schedule(go)
    end
  end
end
