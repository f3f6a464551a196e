#!/bin/sh
# The curl command, --parallel, replies thrown away.
set -eu
url=$1 operation=$2 calls=$3 lanes=$4
config=$(mktemp)
trap 'rm -f "$config"' EXIT
element='%7B%22ticket_title%22%3A%22Panneau%20livr%C3%A9%20en%20retard%22%2C%22ticketstatus%22%3A%22Open%22%2C%22assigned_user_id%22%3A%2219x1%22%7D'
awk -v url="$url" -v operation="$operation" -v calls="$calls" \
    -v lanes="$lanes" -v element="$element" 'BEGIN {
  last["retrieve"] = "id=17x1000001"
  last["query"] = "query=SELECT%20%2A%20FROM%20HelpDesk%20LIMIT%20100%3B"
  for (i = 0; i < calls; i++) {
    session = "s" (1 + i % lanes)
    if (i) print "next"
    if (operation == "create")
      printf "url = \"%s\"\ndata = \"operation=create&sessionName=%s&elementType=HelpDesk&element=%s\"\n", url, session, element
    else
      printf "url = \"%s?operation=%s&sessionName=%s&%s\"\n", url, operation, session, last[operation]
    print "output = /dev/null"
  }
}' > "$config"
exec curl --silent --parallel --parallel-max "$lanes" --config "$config"
