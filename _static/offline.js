// A page opened as a file may not fetch other pages, and the search would do so to quote from what it finds. The search
// itself needs no fetching, so from files it lists titles and leaves the quotations out.
if (window.location.protocol === "file:") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}
