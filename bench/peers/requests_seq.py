"""Python requests, one session object, one request at a time."""
import json
import sys

import requests

url, operation, calls = sys.argv[1], sys.argv[2], int(sys.argv[3])
ELEMENT = {
    "ticket_title": "Panneau livré en retard", "ticketstatus": "Open",
    "ticketpriorities": "High", "ticketseverities": "Major",
    "ticketcategories": "Big Problem", "assigned_user_id": "19x1",
    "parent_id": "11x262015", "contact_id": "12x4711", "hours": "0",
    "days": "0", "description": "Société des pépinières du Val: la livraison "
    "prévue lundi n'est pas arrivée.", "solution": "",
}
with requests.Session() as http:
    for _ in range(calls):
        if operation == "create":
            reply = http.post(url, data={
                "operation": "create", "sessionName": "s1",
                "elementType": "HelpDesk", "element": json.dumps(ELEMENT)})
        elif operation == "query":
            reply = http.get(url, params={
                "operation": "query", "sessionName": "s1",
                "query": "SELECT * FROM HelpDesk LIMIT 100;"})
        else:
            reply = http.get(url, params={
                "operation": "retrieve", "sessionName": "s1", "id": "17x1000001"})
        assert reply.json()["success"]
