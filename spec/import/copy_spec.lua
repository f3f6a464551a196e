local copy = require "icrm.import.copy"
local helper = require "spec.helper"

local ADDED = { "icrm_code", "icrm_message" }

describe("import.copy", function()
  local function opened(text, where)
    return copy.open(helper.tmpfile(text, "rows.csv"), where)
  end

  -- ASCII as UTF-16.
  local function wide(text, big)
    return (text:gsub(".", big and "\0%0" or "%0\0"))
  end

  it("gives each row as it is, however its lines end", function()
    for _, ending in ipairs { "\n", "\r\n", "\r" } do
      local rows = { "a;b", ' "x' .. ending .. '""y""" ; Z ', ";", "c;\"d\"" }
      local file = opened("\u{FEFF}" .. table.concat(rows, ending) .. ending .. ending)
      assert.equal("\u{FEFF}a;b;icrm_code;icrm_message" .. ending, file:heading(ADDED))
      assert.equal(rows[2] .. ';"E";"é ""!"""' .. ending, file:row(2, { "E", 'é "!"' }))
      assert.equal('c;"d";"E";""' .. ending, file:row(5, { "E", "" }))
    end
  end)

  it("counts a lone CR inside of a cell as the reader does", function()
    local file = opened 'a,b\n"x\ry",1\nz,2'
    assert.equal('"x\ry",1,"E"\n', file:row(2, { "E" }))
    assert.equal('z,2,"E"\n', file:row(4, { "E" }))
  end)

  it("takes blank lines and rows for what they are", function()
    local file = opened "sep=;\na;b\n\nc;d\n;\n\ne;f\n"
    assert.equal('sep=;\na;b;icrm_code;icrm_message\n', file:heading(ADDED))
    assert.equal('c;d;"E"\n', file:row(4, { "E" }))
    assert.equal('e;f;"E"\n', file:row(7, { "E" }))
  end)

  it("leaves titles out and makes rows as wide as the headings", function()
    local file = opened "\u{FEFF}Clients\n\na;b;c\n1\n\"2;\";3;4;;\n5;6;7\n"
    assert.equal("\u{FEFF}a;b;c;icrm_code;icrm_message\n", file:heading(ADDED))
    assert.equal('1;;;"E"\n', file:row(4, { "E" }))
    assert.equal('"2;";3;4;"E"\n', file:row(5, { "E" }))
    assert.equal('5;6;7;"E"\n', file:row(6, { "E" }))
  end)

  it("writes in the file's encoding", function()
    local windows = opened "Soci\xE9t\xE9;b\nL\x92Or\xE9al;1\n"
    assert.equal("L\x92Or\xE9al;1;\"refus\xE9\x85 ? \x80\"\n", windows:row(2, { "refusé… 日 €" }))
    for _, big in ipairs { false, true } do
      local smile = big and "\xD8\x3D\xDE\x00" or "\x3D\xD8\x00\xDE"
      local file = opened((big and "\xFE\xFF" or "\xFF\xFE") .. wide("a;b\r\n", big) .. smile
        .. wide(";1\r\n", big))
      assert.equal(smile .. wide(';1;"', big) .. smile .. wide('"\r\n', big),
        file:row(2, { "\u{1F600}" }))
    end
  end)

  it("keeps a byte that is half a character from being taken for a delimiter", function()
    local file = opened("n|b\n\x83|\x83\x5C|1\n", { encoding = "shift_jis", delimiter = "|" })
    assert.equal('\x83|\x83\x5C|1|"E"\n', file:row(2, { "E" }))
  end)

  it("puts a mark where a character cannot be", function()
    local convert = require "icrm.core".csv.convert
    assert.equal("a?b?", convert("a\u{65E5}b\xC3", "utf-8", "windows-1252"))
    assert.equal("a\0?\0b\0", convert("a\xFFb", "utf-8", "utf-16le"))
    assert.equal("a?b?", convert("\0a\xD8\0\0b\0", "utf-16be", "utf-8"))
    assert.has_error(function() convert("a", "utf-8", "klingon") end)
  end)

  it("leaves out cells at the end, quoted or not", function()
    local file = opened 'a;b;c;d\n"x;""y";2;"E;""";"m ""; n"\nz;3; ;plain\n'
    file:leave_out(2)
    assert.equal("a;b;icrm_code;icrm_message\n", file:heading(ADDED))
    assert.equal('"x;""y";2;"F"\n', file:row(2, { "F" }))
    assert.equal('z;3;"F"\n', file:row(3, { "F" }))
  end)
end)
