// Node undici.request, IN_FLIGHT loops over one pool.
import { createRequire } from "node:module";
const { Pool } = createRequire(process.env.BENCH_NODE_MODULES + "/")("undici");

const [url, operation, calls, lanes] = process.argv.slice(2);
const { origin, pathname } = new URL(url);
const ELEMENT = {
  ticket_title: "Panneau livré en retard", ticketstatus: "Open",
  ticketpriorities: "High", ticketseverities: "Major",
  ticketcategories: "Big Problem", assigned_user_id: "19x1",
  parent_id: "11x262015", contact_id: "12x4711", hours: "0", days: "0",
  description: "Société des pépinières du Val: la livraison prévue lundi "
    + "n'est pas arrivée.", solution: "",
};
const pool = new Pool(origin, { connections: Number(lanes), pipelining: 1 });

function request(sessionName) {
  if (operation === "create") {
    return { path: pathname, method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ operation, sessionName,
        elementType: "HelpDesk", element: JSON.stringify(ELEMENT) }).toString() };
  }
  const params = new URLSearchParams({ operation, sessionName });
  if (operation === "query") params.set("query", "SELECT * FROM HelpDesk LIMIT 100;");
  else params.set("id", "17x1000001");
  return { path: pathname + "?" + params, method: "GET" };
}

let left = Number(calls);
async function lane(number) {
  while (left-- > 0) {
    const { body } = await pool.request(request(`s${number}`));
    if (!(await body.json()).success) throw new Error("refused");
  }
}
await Promise.all(Array.from({ length: Number(lanes) }, (_, i) => lane(i + 1)));
await pool.close();
