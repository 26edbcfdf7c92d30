"""The Lua script that counts one payment in Redis and returns what was known when it arrived.

It keeps the same numbers as models/fraud/windows.py, which defines them. Redis runs it as one
atomic step. Keys, all after `holdfast:<env>:fraud:`:

    payment:<id>       hash: body (digest), state, answer, received; the memory of repeated payments
    facts              hash: newest (paid_at), received (the last received_at), filled
    <entity>:<id>      sorted set: <payment_id> NUL <cents> by paid_at. Redis orders equal times by
                       the bytes of the member, so by payment_id: NUL is below every other byte
    sums:<entity>:<id> hash: cents per minute, hour and day, so that a merchant's week takes some
                       200 fields and not 100,000 payments
    nights:<customer>  sorted set: the payments at night
    seen:<customer>    sorted set: devices, merchants and countries by their newest paid_at
    place:<card>       hash: latitude, longitude and time of the last place

Each call forgets what no later window can reach, and every key expires.
"""

from __future__ import annotations

from models.fraud.windows import HISTORY, LATE, PLACE_KEPT, WINDOWS

# Expired members that one call removes per set. It adds one, so no set grows.
MOST_FORGOTTEN = 50

SCRIPT = """
local id, cents, at, body, night = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5] == '1'
local latitude, longitude, given_received, is_fill = ARGV[6], ARGV[7], ARGV[8], ARGV[9] == '1'
local device, merchant, country = ARGV[10], ARGV[11], ARGV[12]
local answer_key, facts_key = KEYS[1], KEYS[2]
local call, format, floor, ceil = redis.call, string.format, math.floor, math.ceil
local DAY = 86400000000
local SIZES = {60000000, 3600000000, DAY}

local known = call('HMGET', answer_key, 'body', 'state', 'received', 'answer', 'is_filled')
if known[1] then
  return {'again', known[1], known[2], known[3], known[4] or '', known[5]}
end
local facts = call('HMGET', facts_key, 'newest', 'received', 'filled')
local is_filled = facts[3] and '1' or '0'
local t, newest = tonumber(at), tonumber(facts[1] or at)
local is_late = t < newest - LATE
if t > newest or not facts[1] then
  newest = math.max(t, newest)
  call('HSET', facts_key, 'newest', at)
end
local received = given_received
if not is_fill then
  local now = call('TIME')
  received = now[1] .. format('%06d', now[2])
  if facts[2] and tonumber(received) <= tonumber(facts[2]) then
    received = format('%.0f', tonumber(facts[2]) + 1)
  end
  call('HSET', facts_key, 'received', received)
end

local function cents_of(member)
  return tonumber(string.sub(member, string.find(member, '\\0', 1, true) + 1))
end

local function forget(set, sums, kept)
  local below = format('(%.0f', newest - kept)
  local old = call('ZRANGEBYSCORE', set, '-inf', below, 'WITHSCORES', 'LIMIT', 0, MOST_FORGOTTEN)
  for i = 1, #old, 2 do
    call('ZREM', set, old[i])
    if sums then
      -- A bucket with a forgotten payment begins before every later window: none uses it whole.
      for level, size in ipairs(SIZES) do
        call('HDEL', sums, level .. ':' .. format('%.0f', floor(tonumber(old[i + 1]) / size)))
      end
    end
  end
end

-- Cents with low <= time < high: members at the ends, whole minutes, hours and days between.
local function cents_between(set, sums, low, high)
  local names, total, left, right, top = {}, 0, low, high, 0
  local function add(level, from, to)
    if from >= to then return end
    if level == 0 then
      local inside = call('ZRANGEBYSCORE', set, format('%.0f', from), format('(%.0f', to))
      for _, m in ipairs(inside) do total = total + cents_of(m) end
      return
    end
    for bucket = from / SIZES[level], to / SIZES[level] - 1 do
      names[#names + 1] = level .. ':' .. format('%.0f', bucket)
    end
  end
  for level, size in ipairs(SIZES) do
    local from, to = ceil(left / size) * size, floor(right / size) * size
    if from >= to then break end
    add(top, left, from)
    add(top, to, right)
    left, right, top = from, to, level
  end
  add(top, left, right)
  if #names > 0 then
    for _, value in ipairs(call('HMGET', sums, unpack(names))) do
      if value then total = total + tonumber(value) end
    end
  end
  return total
end

-- Members after t - width, up to the payment's own.
local function counted(set, rank, width)
  return rank + 1 - call('ZCOUNT', set, '-inf', format('%.0f', t - width))
end

local member = id .. '\\0' .. cents
local state, is_new = {}, false

local function put(value) state[#state + 1] = format('%.0f', value) end

local function entity(set, sums, kept, widths)
  forget(set, sums, kept)
  if call('ZADD', set, at, member) == 1 then
    is_new = true
    for level, size in ipairs(SIZES) do
      call('HINCRBY', sums, level .. ':' .. format('%.0f', floor(t / size)), cents)
    end
  end
  local seconds = ceil((kept + DAY) / 1000000)
  call('EXPIRE', set, seconds)
  call('EXPIRE', sums, seconds)
  local tied = 0
  for _, m in ipairs(call('ZRANGEBYSCORE', set, at, at)) do
    tied = tied + cents_of(m)
    if m == member then break end
  end
  local values, rank = {}, call('ZRANK', set, member)
  for _, width in ipairs(widths) do
    values[#values + 1] = counted(set, rank, width)
    values[#values + 1] = cents_between(set, sums, t - width + 1, t) + tied
  end
  return values
end

if not is_late or (is_fill and t >= newest - LATE - HISTORY) then
  local history = {}
  for n = 0, 3 do
    local set, sums = KEYS[3 + 2 * n], KEYS[4 + 2 * n]
    if set == '' then
      for _ = 1, 6 do state[#state + 1] = '' end
    else
      local widths, kept = {WIDTHS}, WEEK + LATE
      if n == 0 then widths, kept = {WIDTHS, HISTORY}, HISTORY + LATE end
      local values = entity(set, sums, kept, widths)
      for i = 1, 6 do put(values[i]) end
      if n == 0 then history = {values[7], values[8]} end
    end
  end
  put(history[1])
  put(history[2])
  local nights, seen, place = KEYS[11], KEYS[12], KEYS[13]
  forget(nights, nil, HISTORY + LATE)
  call('ZADD', nights, at, member)
  put(counted(nights, call('ZRANK', nights, member), HISTORY) - (night and 0 or 1))
  if not night then call('ZREM', nights, member) end
  call('ZREMRANGEBYSCORE', seen, '-inf', format('(%.0f', newest - HISTORY - LATE))
  for _, name in ipairs({device, merchant, country}) do
    local last = name ~= '' and call('ZSCORE', seen, name)
    if last and tonumber(last) > t - HISTORY then
      put(tonumber(last))
    else
      state[#state + 1] = ''
    end
    if name ~= '' and is_new then call('ZADD', seen, 'GT', at, name) end
  end
  local seconds = ceil((HISTORY + LATE + DAY) / 1000000)
  call('EXPIRE', nights, seconds)
  call('EXPIRE', seen, seconds)
  local last = {}
  if place ~= '' then
    last = call('HMGET', place, 'latitude', 'longitude', 'at')
    local is_newer = not is_fill or not last[3] or tonumber(last[3]) < t
    if latitude ~= '' and is_new and is_newer then
      call('HSET', place, 'latitude', latitude, 'longitude', longitude, 'at', at)
      call('EXPIRE', place, ceil((PLACE_KEPT + LATE + DAY) / 1000000))
    end
  end
  if last[3] and math.abs(tonumber(last[3]) - t) <= PLACE_KEPT then
    for i = 1, 3 do state[#state + 1] = last[i] end
  else
    for i = 1, 3 do state[#state + 1] = '' end
  end
end
if is_late then state = {} end
local text = table.concat(state, ',')
if t >= newest - LATE - DAY then
  call('HSET', answer_key, 'body', body, 'state', text, 'received', received,
       'is_filled', is_filled)
  call('EXPIRE', answer_key, ceil((WEEK + LATE) / 1000000))
end
return {'new', body, text, received, '', is_filled}
"""

for _name, _value in {
    "WIDTHS": ", ".join(str(width) for width in WINDOWS.values()),
    "WEEK": str(max(WINDOWS.values())),
    "HISTORY": str(HISTORY),
    "PLACE_KEPT": str(PLACE_KEPT),
    "MOST_FORGOTTEN": str(MOST_FORGOTTEN),
    "LATE": str(LATE),
}.items():
    SCRIPT = SCRIPT.replace(_name, _value)
