"""Python httpx, IN_FLIGHT tasks over one asynchronous client."""
import asyncio
import json
import sys

import httpx

url, operation, calls = sys.argv[1], sys.argv[2], int(sys.argv[3])
lanes = int(sys.argv[4])
ELEMENT = {
    "ticket_title": "Panneau livré en retard", "ticketstatus": "Open",
    "ticketpriorities": "High", "ticketseverities": "Major",
    "ticketcategories": "Big Problem", "assigned_user_id": "19x1",
    "parent_id": "11x262015", "contact_id": "12x4711", "hours": "0",
    "days": "0", "description": "Société des pépinières du Val: la livraison "
    "prévue lundi n'est pas arrivée.", "solution": "",
}


async def one(http, session):
    if operation == "create":
        return await http.post(url, data={
            "operation": "create", "sessionName": session,
            "elementType": "HelpDesk", "element": json.dumps(ELEMENT)})
    params = {"operation": operation, "sessionName": session}
    if operation == "query":
        params["query"] = "SELECT * FROM HelpDesk LIMIT 100;"
    else:
        params["id"] = "17x1000001"
    return await http.get(url, params=params)


async def lane(http, number, work):
    for _ in work:
        reply = await one(http, f"s{number}")
        assert reply.json()["success"]


async def main():
    limits = httpx.Limits(max_connections=lanes)
    work = iter(range(calls))
    async with httpx.AsyncClient(limits=limits, timeout=60) as http:
        await asyncio.gather(*(lane(http, i + 1, work) for i in range(lanes)))

asyncio.run(main())
