-- requests.lua: what wrk sends: PUT of an ADD or GET of overages for one of 10,000 users.
-- Environment: BENCH_KIND put|get, BENCH_PICK uniform|zipf, BENCH_NOW an RFC 3339 time;
-- BENCH_HEADER, if any, is sent with a value that no other request has, which BENCH_SEED starts.
-- All else is made before the run, so that the client does as little as possible in it.
local users, kind, pick = 10000, os.getenv("BENCH_KIND"), os.getenv("BENCH_PICK")
local header = os.getenv("BENCH_HEADER")
local prepared, behind, order, at = {}, {}, {}, 0

local function body()
  return '{"update":{"value_type":"usages","value":1,"effective_date":"' .. os.getenv("BENCH_NOW")
    .. '","resource_type":{"name":"cpu.hours","unit":"cpu hours"},"operation":{"name":"ADD"},"user":{}}}'
end

local function picker()
  if pick ~= "zipf" then return function() return math.random(users) end end
  local cumulated, sum = {}, 0
  for i = 1, users do sum = sum + 1 / i; cumulated[i] = sum end
  return function()
    local target, low, high = math.random() * sum, 1, users
    while low < high do
      local middle = math.floor((low + high) / 2)
      if cumulated[middle] < target then low = middle + 1 else high = middle end
    end
    return low
  end
end

function init(arguments)
  math.randomseed(1)
  local headers = { ["Content-Type"] = "application/json" }
  for i = 1, users do
    local name = string.format("user%05d", i - 1)
    if kind == "put" then
      prepared[i] = wrk.format("PUT", "/user/" .. name .. "/updates", headers, body())
    else
      prepared[i] = wrk.format("GET", "/users/" .. name .. "/overages")
    end
  end
  if header then
    for i = 1, users do
      local line = prepared[i]:find("\r\n", 1, true)
      behind[i] = prepared[i]:sub(line)
      prepared[i] = prepared[i]:sub(1, line + 1) .. header .. ": "
    end
    math.randomseed(tonumber(os.getenv("BENCH_SEED")))
  end
  local next_user = picker()
  for i = 1, 100000 do order[i] = next_user() end
end

function request()
  at = at % #order + 1
  local user = order[at]
  if not header then return prepared[user] end
  local half = math.random(0, 2147483647)
  return prepared[user] .. string.format("%08x-%08x", half, math.random(0, 2147483647))
    .. behind[user]
end
