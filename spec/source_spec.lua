local helper = require "spec.helper"
local sources = require "icrm.source"

local function opened(text, opts)
  opts = opts or {}
  opts.path = helper.tmpfile(text, "clients.csv")
  return sources.open(opts)
end

local function fails_to_open(text, pattern, opts)
  local ok, err = pcall(opened, text, opts)
  assert.is_false(ok)
  assert.equal("input", err.kind)
  assert.matches(pattern, err.message)
end

local function rows_of(source)
  local rows = {}
  for line, cells in source:rows() do
    rows[#rows + 1] = { line, table.unpack(cells) }
  end
  return rows
end

describe("source", function()
  it("opens what a French table program saves", function()
    local source <close> = opened "Soci\xE9t\xE9;CP\r\nL\x92Or\xE9al;06\r\n"
    assert.same({ "Société", "CP" }, source.headings)
    assert.same({ { 2, "L’Oréal", "06" } }, rows_of(source))
    assert.equal("windows-1252, separator ;, 2 columns", source:describe())
  end)

  it("opens what a Mac saves, and says that it is a guess", function()
    local source <close> = opened "Nom;Ville\rCaf\x8E No\x91l;Orl\x8Eans\r"
    assert.same({ { 2, "Café Noël", "Orléans" } }, rows_of(source))
    assert.equal("macintosh, separator ;, 2 columns", source:describe())
    assert.same({ 'macintosh is a guess, for it has "Café" where windows-1252 would have "CafŽ"; '
      .. "if that is wrong, name the encoding" }, source:notes())
  end)

  it("says nothing of an encoding that its words prove", function()
    local source <close> = opened "Nom;Ville\nCaf\xE9 No\xEBl;N\xEEmes\n"
    assert.same({}, source:notes())
  end)

  it("never reads broken UTF-8 as something else", function()
    local text = "Nom;Ville\nCafé;Orléans\nNoël;N\xEEmes\nZoé;B\xE8gles\n"
    local source <close> = opened(text)
    local again <close> = source:again() -- it is as broken when it is read once more
    for _, one in ipairs { source, again } do
      local ok, err = pcall(rows_of, one)
      assert.is_false(ok)
      assert.matches("line 3, character 7, cell 2 %(Ville%): the bytes EE 6D are not utf%-8, as "
        .. "the file is otherwise; in windows%-1252 EE would be \"î\": mend the line, the first "
        .. "of 2 such places", err.message)
    end
  end)

  it("takes the encodings that iconv has", function()
    for encoding, text in pairs { macintosh = "Caf\x8E", cp850 = "Caf\x82",
      ["windows-1250"] = "\xA3\xF3d\x9F", ["koi8-r"] = "\xCD\xC9\xD2",
      ["shift_jis"] = "\x93\xFA\x96\x7B", ["utf-32"] = "\xFF\xFE\0\0n\0\0\0\n\0\0\0x\0\0\0" } do
      local source <close> = opened(encoding == "utf-32" and text or "n\n" .. text .. "\n",
        { encoding = encoding })
      local words = { macintosh = "Café", cp850 = "Café", ["windows-1250"] = "Łódź",
        ["koi8-r"] = "мир", shift_jis = "日本", ["utf-32"] = "x" }
      assert.same({ { 2, words[encoding] } }, rows_of(source))
    end
  end)

  it("takes the format that it is told", function()
    local source <close> = opened("a,b;c\n1,2;3\n", { delimiter = ";" })
    assert.same({ "a,b", "c" }, source.headings)
    local tab <close> = opened("a\tb\n1\t2\n", { delimiter = "tab" })
    assert.same({ "a", "b" }, tab.headings)
    fails_to_open("a;b\n", 'unknown delimiter "#"', { delimiter = "#" })
    fails_to_open("a;b\n", 'unknown encoding "klingon"', { encoding = "klingon" })
  end)

  it("leaves out rows of empty cells and counts them", function()
    local source <close> = opened "a;b\n;\n1;2\n\n;\n"
    assert.same({ { 3, "1", "2" } }, rows_of(source))
    assert.equal(2, source.blank_rows)
  end)

  it("takes the apostrophe of neutralised cells away unless raw", function()
    local source <close> = opened "a\n'=1\n''=2\n'tis\n"
    assert.same({ { 2, "=1" }, { 3, "'=2" }, { 4, "'tis" } }, rows_of(source))
    local raw <close> = opened("a\n'=1\n", { raw = true })
    assert.same({ { 2, "'=1" } }, rows_of(raw))
  end)

  it("takes away what keeps a text from being computed", function()
    local source <close> = opened('a\n"=""01000"""\n"=""say """"x"""""""\n'
      .. '"=""a""&""b"""\n"="""""\n=1\n')
    assert.same({ { 2, "01000" }, { 3, 'say "x"' }, { 4, '="a"&"b"' }, { 6, "=1" } },
      rows_of(source))
  end)

  it("names columns without a heading, and those of one that stands over several", function()
    local source <close> = opened "a;;a;\u{FEFF}b\u{200B};Raison\u{A0}sociale;\n1;2;3;4;5;\n"
    assert.same({ "a", "column B", "a (column C)", "b", "Raison sociale", "column F" },
      source.headings)
    assert.same({ 2, 4, 5 }, { source:column "column B", source:column "b",
      source:column "Raison\u{A0} sociale\u{200B}" })
    assert.equal(5, source:column "RAISON SOCIALE")
    assert.is_nil(source:column "z")
    assert.error_matches(function() source:column "a" end,
      'the heading "a" stands over columns 1 and 3; rename one')
  end)

  it("finds the headings below titles, or where it is told", function()
    local text = "Clients\n\na;b;c\n1;2;3\n4;5;6\n"
    local source <close> = opened(text)
    assert.same({ { 4, "1", "2", "3" }, { 5, "4", "5", "6" } }, rows_of(source))
    assert.matches("separator ;, headings on line 3, 3 columns", source:describe())
    local again <close> = source:again()
    assert.same({ "a", "b", "c" }, again.headings)
    local told <close> = opened(text, { skip = 3 })
    assert.same({ "1", "2", "3" }, told.headings)
    fails_to_open(text, "is empty", { skip = 9 })
  end)

  it("leaves out separators behind the last cell, and fills up short rows when told", function()
    local source <close> = opened "a;b;c\n1;2;3;;\n4;5;6;\n"
    assert.same({ { 2, "1", "2", "3" }, { 3, "4", "5", "6" } }, rows_of(source))
    local short <close> = opened("a;b;c\n1\n2;3\n4;5;6\n", { short_rows = "empty" })
    assert.same({ { 2, "1", "", "" }, { 3, "2", "3", "" }, { 4, "4", "5", "6" } }, rows_of(short))
    local refused <close> = opened "a;b;c\n1\n2;3;4\n"
    assert.error_matches(function() rows_of(refused) end,
      "line 2: 1 cells where the headings are 3 %(separator ;; its first cell is \"1\"%)")
  end)

  it("names what is wrong with the file", function()
    fails_to_open("", "clients%.csv is empty; a file of rows begins with a line of headings")
    fails_to_open("a;\xE9\n", "line 1, character 3, cell 2: the bytes E9 0A are not utf%-8",
      { encoding = "utf-8" })
    local source <close> = opened "a;b\n\n"
    assert.error_matches(function() rows_of(source) end, "has headings but no rows")
  end)

  it("stops at the row that is broken, after the good ones", function()
    local source <close> = opened 'a;b\n1;2\n3;x"y\n'
    local next_row = source:rows()
    assert.equal(2, (next_row()))
    assert.error_matches(next_row, "clients%.csv: line 3, character 4, cell 2 %(b%): a stray quote")
  end)

  it("says so when the file is not there", function()
    assert.error_matches(function() sources.open { path = "/nowhere/x.csv" } end,
      "/nowhere/x%.csv: cannot open the file: No such file")
    assert.error_matches(function() sources.open { path = helper.tmpdir() } end, "cannot read")
  end)
end)
