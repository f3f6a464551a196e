--- What a server takes and gives in one call, whatever is asked for.
-- @module icrm.limits

return {
  --- Rows of a query or of related records; what is beyond is cut without a word.
  PAGE_ROWS = 100,
  --- Values that one query looks for: with a control among them, and several
  --- records to a value, the answer must still fit a page.
  VALUES_PER_QUERY = 49,
  --- Bytes of a query when it is written into a URL: front servers were seen to
  --- take 4 kB and to refuse 20 kB.
  QUERY_BYTES = 3900,
}
